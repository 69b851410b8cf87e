//! Taking a move back: everybody goes back to where it was, with what belongs to it, latest first.

use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::group::Member;
use throng_core::id::{ApplicationId, DirectoryId, Subject};
use throng_core::moves::{
    Belongings, EntryState, Landed, Made, Move, MoveEntry, MoveId, MoveState, PasswordFate,
};
use throng_core::name::GroupName;
use throng_core::password::{Credential, CredentialState};
use throng_core::plan::Plan;
use throng_core::registry::ApplicationRecord;
use throng_core::user::User;

use super::goal::Goal;
use super::journal::{Journal, Written};
use super::origin::{Afterwards, PAGE, origin_of};
use super::plan::{Obstacle, Planner, Side};
use super::request::MoveControl;
use super::run::reorder;
use super::told;
use crate::directory::Via;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// How often a user is read anew when somebody changes it while it is put back.
const ATTEMPTS: usize = 5;

impl Throng {
    /// Takes a move back: accounts, passwords, groups, names and orders are what they were.
    ///
    /// 1. Whatever state the move is in, until it is purged; one that was reverted already stays so.
    /// 2. Each user is put back whole or not at all, and can log in at every moment. One that cannot be put back,
    ///    because somebody at the source has the name by now, stays in the target and its entry says why; the move
    ///    stays [`MoveState::Reverting`], and can be reverted again.
    /// 3. A password that was set since the move goes back with the user, where the source keeps passwords. Anything
    ///    else that the account gained in the target is gone with it.
    /// 4. What was taken away in a target that is kept here since is not given back: whoever was switched off stays so,
    ///    whoever was taken out of a group stays out, and whoever was removed stays removed, and its entry says so.
    /// 5. [`Obstacle::SwitchedOff`] when the source is: nobody could log in there.
    /// 6. Groups that the move made are removed if nobody else is in them. An order that somebody has changed since
    ///    stays, without the seat that the move gave the target.
    pub async fn revert_move(&self, id: MoveId, control: &MoveControl) -> Result<Move, Error> {
        self.reload().await?;
        let record = self.move_of(id).await?;
        match record.state {
            MoveState::Running | MoveState::Moved | MoveState::Finished | MoveState::Reverting => {}
            MoveState::Reverted => return Ok(record),
            MoveState::Purged => return Err(Error::Conflict(Conflict::MoveState(record.state))),
        }
        let config = self.config_now();
        let origin = origin_of(self, &config, id, &record.source).await?;
        let goal = Goal::of(self, &config, record.target)?;
        let source = origin.mount().filter(|mount| !mount.record.active);
        if let Some(mount) = source {
            let switched_off = Obstacle::SwitchedOff(mount.record.id);
            return Err(Error::Conflict(Conflict::MoveBlocked(vec![switched_off])));
        }
        let options = record.options.clone();
        let mut journal = Journal::open(self, record, &origin, control).await?;
        let outcome = async {
            journal.record = self.move_of(id).await?;
            if matches!(journal.record.state, MoveState::Reverted | MoveState::Purged) {
                return Ok(());
            }
            let planner = Planner::new(self, origin, goal, options, None)?;
            take_back(&mut journal, &planner).await
        }
        .await;
        journal.close().await;
        self.reload().await?;
        outcome.map(|()| journal.record)
    }
}

async fn take_back(journal: &mut Journal<'_>, planner: &Planner<'_>) -> Result<(), Error> {
    if journal.record.state != MoveState::Reverting {
        // Whoever is under way back is who the source says, as on the way there.
        let side = if planner.origin.goes_on() { Side::Before } else { Side::Behind };
        reorder(journal, planner, side, MoveState::Reverting).await?;
    }
    let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
    let mut stuck = 0_u64;
    let mut end = journal.record.users;
    while end > 0 {
        let from = end.saturating_sub(page);
        let entries = journal.entries(from).await?;
        for entry in entries.into_iter().filter(|entry| entry.position < end).rev() {
            journal.go_on().await?;
            match entry.state {
                EntryState::Moved | EntryState::Begun => {
                    stuck += u64::from(!put_back(journal, planner, entry).await?.is_back());
                }
                EntryState::Planned | EntryState::Skipped | EntryState::Failed | EntryState::Reverted => {}
            }
            journal.count(1);
        }
        end = from;
    }
    if stuck > 0 {
        return Ok(());
    }
    take_groups_away(journal, planner).await?;
    restore_orders(journal, planner).await
}

/// What became of a user who was to be put back.
enum Back {
    Yes,
    No,
}

impl Back {
    fn is_back(&self) -> bool {
        matches!(self, Self::Yes)
    }
}

async fn put_back(journal: &mut Journal<'_>, planner: &Planner<'_>, entry: MoveEntry) -> Result<Back, Error> {
    let Some(before) = entry.before.clone() else {
        return Err(Error::broken("an entry of a move without what it moved"));
    };
    let outcome = if planner.goal.is_kept() {
        put_back_kept(journal, planner, &entry, &before).await
    } else {
        put_back_told(journal, planner, &entry, &before).await
    };
    match outcome? {
        None => Ok(Back::Yes),
        Some(why) => {
            journal.leave(&entry, entry.state, Some(why)).await?;
            Ok(Back::No)
        }
    }
}

/// In one change set.
async fn put_back_kept(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
) -> Result<Option<String>, Error> {
    let Some(landed) = &entry.landed else {
        return Err(Error::broken("an entry of a move that arrived nowhere"));
    };
    let subject = planner.goal.subject(&landed.external_id);
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let now = planner.throng.0.store.belongings(&subject).await?;
        if now.is_none() && landed.made == Made::ByTheMove {
            return stays_removed(journal, entry).await;
        }
        if let Some(why) = occupied(planner, entry, before).await? {
            return Ok(Some(why));
        }
        let mut changes = Vec::new();
        if let Some(now) = &now {
            let belongings = Box::new(now.clone());
            changes.push(Change::ExpectBelongings { subject: subject.clone(), belongings });
            for (application, _) in &now.aliases {
                changes.push(Change::RemoveAlias { application: *application, subject: subject.clone() });
            }
        }
        changes.extend(restore_source(planner, entry, before, now.as_ref(), landed).await?);
        changes.extend(claims_back(&journal.record, planner, entry, before, &subject).await?);
        match (landed.made, &now) {
            (_, None) => {}
            (Made::ByTheMove, Some(_)) => {
                changes.push(Change::RemoveUser { subject: subject.clone(), free_in: vec![] });
            }
            (Made::Before, Some(now)) => {
                changes.extend(unlinked(planner, entry, landed, &subject, now).await?);
            }
        }
        let reverted = MoveEntry { state: EntryState::Reverted, failure: None, ..entry.clone() };
        match journal.record(changes, &reverted).await? {
            Written::Yes => return Ok(None),
            Written::No(error) => last = error.to_string(),
        }
    }
    Ok(Some(format!("it cannot be put back: {last}")))
}

/// Whoever was removed since is not brought back: that was somebody's decision, and its names stay reserved.
async fn stays_removed(journal: &mut Journal<'_>, entry: &MoveEntry) -> Result<Option<String>, Error> {
    let why = "it was removed from the target since, and stays removed".to_owned();
    journal.leave(entry, EntryState::Failed, Some(why)).await?;
    Ok(None)
}

/// Who is in the way at the source.
async fn occupied(
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
) -> Result<Option<String>, Error> {
    if planner.origin.afterwards() == Afterwards::Stays {
        return Ok(None);
    }
    let store = &planner.throng.0.store;
    let holder = store.user(planner.origin.id(), before.user.key()).await?;
    let holder = match holder {
        Some(holder) => Some(holder),
        None => store.user_by_id(&entry.subject).await?,
    };
    Ok(holder.map(|holder| format!("the source has {} again", holder.name)))
}

/// The changes that make the source what it was.
async fn restore_source(
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
    now: Option<&Belongings>,
    landed: &Landed,
) -> Result<Vec<Change>, Error> {
    if planner.origin.afterwards() == Afterwards::Stays {
        return Ok(Vec::new());
    }
    let directory = planner.origin.id();
    let credential = newer(planner, now, landed).or_else(|| before.credential.clone());
    // What was taken from the account since is not given back: whoever was switched off stays so (T103).
    let was_inactive = entry.target_before.as_ref().is_some_and(|was| !was.user.active);
    let is_active = was_inactive || now.is_none_or(|now| now.user.active);
    let user = User { active: before.user.active && is_active, ..before.user.clone() };
    let is_left = |group: &GroupName| now.is_some_and(|now| !now.groups.contains(group));
    let mut changes = vec![Change::AddUser { directory, user, free_in: vec![], credential }];
    for group in before.groups.iter().filter(|group| !is_left(group)) {
        // A group that was removed since holds nobody any more.
        if planner.origin.group(group).await?.is_some() {
            changes.push(Change::AddMember {
                directory,
                group: group.clone(),
                member: Member::User(before.user.name.clone()),
                cycle: throng_core::change::OnCycle::Refuse,
            });
        }
    }
    for (application, alias) in &before.aliases {
        changes.push(Change::SetAlias {
            application: *application,
            subject: entry.subject.clone(),
            alias: alias.clone(),
            free_in: vec![],
        });
    }
    if let Some(at) = before.last_login {
        changes.push(Change::NoteLogin { subject: entry.subject.clone(), at });
    }
    Ok(changes)
}

/// A password that was set in the target since the move.
fn newer(planner: &Planner<'_>, now: Option<&Belongings>, landed: &Landed) -> Option<Credential> {
    let keeps = planner.origin.mount().is_some_and(|mount| matches!(mount.via, Via::Internal(_)));
    let credential = now.and_then(|now| now.credential.clone())?;
    let is_newer = landed.password_set_at.is_some_and(|at| credential.changed_at > at);
    let is_password = matches!(credential.hash, CredentialState::Usable(_));
    (keeps && is_newer && is_password && landed.made == Made::ByTheMove).then_some(credential)
}

/// The names that the account in the target has because of the move, or was given since, go to the account at the
/// source: whoever logged in under one of them stays who it is.
async fn claims_back(
    record: &Move,
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
    target: &Subject,
) -> Result<Vec<Change>, Error> {
    if planner.origin.mount().is_none() {
        return Ok(Vec::new());
    }
    let throng = planner.throng;
    let own = entry.target_before.as_ref().map(|was| was.claims.clone()).unwrap_or_default();
    let is_own =
        |claim: &Claim| own.iter().any(|own| (own.application, &own.key) == (claim.application, &claim.key));
    let mut there = match planner.goal.is_kept() {
        true => throng.0.store.belongings(target).await?.map(|now| now.claims).unwrap_or_default(),
        false => throng.claims_on(target, before.user.key()).await?,
    };
    for claim in &before.claims {
        // The account in the target may have been deleted since, and left a tombstone.
        let found = throng.0.store.claim(claim.application, &claim.key).await?;
        let buried = found.filter(|found| found.subject == *target && found.tombstoned_at.is_some());
        there.extend(buried);
    }
    let is_brought = |claim: &Claim| {
        before.claims.iter().any(|own| (own.application, &own.key) == (claim.application, &claim.key))
    };
    // A linked account stays, and so does what it was given since where the source is not asked before it.
    let stays = |claim: &Claim| {
        let is_linked = entry.landed.as_ref().is_none_or(|landed| landed.made == Made::Before);
        is_linked && !is_brought(claim) && !is_source_first(record, planner, claim.application)
    };
    let there: Vec<Claim> = there.into_iter().filter(|claim| !is_own(claim) && !stays(claim)).collect();
    let back = there.into_iter().map(|expected| {
        let subject = entry.subject.clone();
        let claim = Claim { subject, tombstoned_at: None, ..expected.clone() };
        Change::ReplaceClaim { expected, claim }
    });
    Ok(back.collect())
}

/// Whether an application, as it was before the move, asks the source before the target, or the target not at all.
fn is_source_first(record: &Move, planner: &Planner<'_>, application: ApplicationId) -> bool {
    let changed = record.orders.iter().find(|order| order.application == application);
    let order = changed.map(|order| order.before.clone()).unwrap_or_else(|| {
        let app = planner.config.in_use(application);
        let seats = app.iter().flat_map(|app| app.record.plan.seats());
        seats.map(|seat| seat.directory).collect()
    });
    let place = |directory: DirectoryId| order.iter().position(|seat| *seat == directory);
    let (source, target) = (place(planner.origin.id()), place(planner.goal.id()));
    source.is_some_and(|source| target.is_none_or(|target| source < target))
}

/// The changes that part an account of the target from the one that was linked with it.
async fn unlinked(
    planner: &Planner<'_>,
    entry: &MoveEntry,
    landed: &Landed,
    subject: &Subject,
    now: &Belongings,
) -> Result<Vec<Change>, Error> {
    let Some(was) = &entry.target_before else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    if let Some(patch) = told::back(&was.user, &now.user) {
        changes.push(Change::UpdateUser { subject: subject.clone(), patch, free_in: vec![] });
    }
    for group in landed.joined.iter().filter(|group| now.groups.contains(group)) {
        changes.push(Change::RemoveMember {
            directory: planner.goal.id(),
            group: group.clone(),
            member: Member::User(now.user.name.clone()),
        });
    }
    for (application, alias) in &was.aliases {
        changes.push(Change::SetAlias {
            application: *application,
            subject: subject.clone(),
            alias: alias.clone(),
            free_in: vec![],
        });
    }
    let brought = landed.password_set_at.is_some() || entry.fate.password == PasswordFate::Captured;
    let set_since = now
        .credential
        .as_ref()
        .is_some_and(|credential| landed.password_set_at.is_some_and(|at| credential.changed_at > at));
    if brought && !set_since {
        let capture = planner.throng.0.store.capture(subject).await?;
        changes.extend(capture.map(Change::DropCapture));
        changes.push(match &was.credential {
            Some(credential) => Change::SetCredential {
                subject: subject.clone(),
                credential: credential.clone(),
                free_in: vec![],
            },
            None => Change::ClearCredential(subject.clone()),
        });
    }
    Ok(changes)
}

/// First the source is what it was, then the target: the account is open at every moment.
async fn put_back_told(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
) -> Result<Option<String>, Error> {
    let found = planner.goal.user(&before.user.name).await?;
    if entry.state == EntryState::Moved {
        let Some(landed) = &entry.landed else {
            return Err(Error::broken("an entry of a move that arrived nowhere"));
        };
        if let Some(why) = occupied(planner, entry, before).await? {
            return Ok(Some(why));
        }
        let subject = planner.goal.subject(&landed.external_id);
        let mut changes = restore_source(planner, entry, before, None, landed).await?;
        changes.extend(claims_back(&journal.record, planner, entry, before, &subject).await?);
        let begun = MoveEntry { state: EntryState::Begun, failure: None, ..entry.clone() };
        if let Written::No(error) = journal.record(changes, &begun).await? {
            return Ok(Some(format!("it cannot be put back: {error}")));
        }
    }
    if let Some(user) = found {
        clear_target(planner, entry, before, &user).await?;
    }
    let reverted = MoveEntry { state: EntryState::Reverted, failure: None, ..entry.clone() };
    match journal.record(vec![], &reverted).await? {
        Written::Yes => Ok(None),
        Written::No(error) => Err(Error::from_store(error, Conflict::Moving)),
    }
}

/// Makes the target what it was, as far as this user is concerned.
async fn clear_target(
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
    user: &User,
) -> Result<(), Error> {
    let landed = match &entry.landed {
        Some(landed) if landed.external_id == user.external_id => landed.clone(),
        // Somebody else has the name by now, or had it all the time.
        Some(_) => return Ok(()),
        // It was interrupted before it was known where the user arrived.
        None => {
            let made = if entry.target_before.is_some() { Made::Before } else { Made::ByTheMove };
            let is_ours = made == Made::Before || told::is_likeness(user, &before.user);
            if !is_ours {
                return Ok(());
            }
            let had = entry.target_before.as_ref().map(|was| was.groups.clone()).unwrap_or_default();
            let joined: Vec<GroupName> =
                before.groups.iter().filter(|group| !had.contains(group)).cloned().collect();
            Landed { external_id: user.external_id.clone(), made, joined, password_set_at: None }
        }
    };
    match (landed.made, &entry.target_before) {
        (Made::ByTheMove, _) => told::remove(planner, &landed).await,
        (Made::Before, Some(was)) => {
            told::part(planner, &user.name, &landed.joined).await?;
            told::restore_words(planner, &landed, &was.user, user).await
        }
        (Made::Before, None) => Ok(()),
    }
}

/// Takes away what the move made of groups, unless somebody else is in them by now.
async fn take_groups_away(journal: &mut Journal<'_>, planner: &Planner<'_>) -> Result<(), Error> {
    let goal = &planner.goal;
    let groups = journal.record.groups.clone();
    for group in &groups {
        let member = Member::Group(group.name.clone());
        let has = goal.reader.parents(&member).await?;
        for parent in group.joined.iter().filter(|parent| has.contains(parent)) {
            if goal.is_kept() {
                let change = Change::RemoveMember {
                    directory: goal.id(),
                    group: parent.clone(),
                    member: member.clone(),
                };
                // Somebody else may have been faster.
                drop(journal.write(vec![change]).await?);
            } else {
                forgive(
                    goal.told(planner.throng, goal.writes_members()?.remove_member(parent, &member)).await,
                )?;
            }
        }
    }
    for group in groups.iter().filter(|group| group.made == Made::ByTheMove) {
        let is_there = goal.group(&group.name).await?.is_some();
        if !is_there || !goal.reader.members(&group.name).await?.is_empty() {
            continue;
        }
        if goal.is_kept() {
            let change = Change::RemoveGroup { directory: goal.id(), group: group.name.clone() };
            drop(journal.write(vec![change]).await?);
        } else {
            forgive(goal.told(planner.throng, goal.writes_groups()?.remove_group(&group.name)).await)?;
        }
    }
    Ok(())
}

/// What was to be gone is gone.
fn forgive(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::NotFound { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// Puts the orders back that nobody has changed since, and ends the move.
async fn restore_orders(journal: &mut Journal<'_>, planner: &Planner<'_>) -> Result<(), Error> {
    let mut changes = Vec::new();
    planner.throng.reload().await?;
    let config = planner.throng.config_now();
    for order in &journal.record.orders {
        let Some(app) = config.in_use(order.application) else { continue };
        if app.record.plan.version() != order.version {
            // Somebody else's order; the seat in it is the move's, and lets in whom nobody let in.
            let target = planner.goal.id();
            let plan = &app.record.plan;
            if !order.before.contains(&target) && plan.rank(target).is_some() {
                let without = plan.filter_map_seats(|seat| (seat.directory != target).then_some(seat));
                let plan = without.with_version(plan.version() + 1);
                changes.push(Change::PutApplication(ApplicationRecord { plan, ..app.record.clone() }));
            }
            continue;
        }
        let former =
            app.record.plan.filter_map_seats(|seat| order.before.contains(&seat.directory).then_some(seat));
        let former: Plan = former.reorder(&order.before)?.with_version(order.version + 1);
        changes.push(Change::PutApplication(ApplicationRecord { plan: former, ..app.record.clone() }));
    }
    let next = journal.next(|next| next.state = MoveState::Reverted);
    journal.put(next, changes).await
}
