//! Running a move: begun in one change set, then group by group and user by user, each whole or not at all.

use throng_core::attribute::Attributes;
use throng_core::change::{Change, OnCycle};
use throng_core::directory::{NewGroup, UserPatch};
use throng_core::group::{Group, Member, Origin as GroupOrigin};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::moves::{
    Belongings, Capture, EntryState, Fate, Landed, Landing, Made, Move, MoveEntry, MoveId, MoveState,
    MovedGroup, MovedOrder, PasswordFate, Source,
};
use throng_core::name::GroupName;
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::registry::ApplicationRecord;
use throng_core::user::User;
use throng_passwords::hasher::HasherError;
use throng_passwords::scheme::StoredHash;

use super::goal::Goal;
use super::journal::{Journal, Written};
use super::origin::{Afterwards, Origin, origin_of};
use super::plan::{Candidate, MovePlan, Planner, Side, beside, keeps_hashes, refuse_obstacles};
use super::request::MoveControl;
use super::told;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// How often a user is read anew when somebody changes it while it is moved.
const ATTEMPTS: usize = 5;

/// How many entries are written by one change.
const ENTRIES: usize = 1_000;

impl Throng {
    /// Moves the users of a plan.
    ///
    /// 1. Nothing is done when the plan has obstacles: [`Conflict::MoveBlocked`]. Another move of one of the two
    ///    directories that is not over is [`Conflict::MoveOpen`]; another process that works on one of them, or was
    ///    killed less than a minute ago, is [`Conflict::Moving`].
    /// 2. Each user is read anew and moved whole or not at all, with its password, its groups and the names that belong
    ///    to it. One who changed since the plan so that something else would become of it stays, and its entry says
    ///    why.
    /// 3. At every moment each password opens its account in at least one place, unless the plan said otherwise.
    /// 4. What is interrupted, by a failure, a kill or [`MoveControl::stopped_by`], is resumed by
    ///    [`Throng::resume_move`] or taken back by [`Throng::revert_move`].
    pub async fn run_move(&self, plan: MovePlan, control: &MoveControl) -> Result<Move, Error> {
        refuse_obstacles(&plan)?;
        self.reload().await?;
        let config = self.config_now();
        let origin = Origin::of(self, &config, &plan.request.source)?;
        let goal = Goal::of(self, &config, plan.request.target)?;
        let record = self.begun(&plan, &origin);
        self.refuse_other_moves(&record).await?;
        let mut journal = Journal::open(self, record, &origin, control).await?;
        let outcome = async {
            // Between the first look and the lease, another may have begun.
            self.refuse_other_moves(&journal.record).await?;
            let planner =
                Planner::new(self, origin, goal, plan.request.options.clone(), plan.request.acting.clone())?;
            begin(&mut journal, &planner, &plan).await?;
            go_through(&mut journal, &planner).await
        }
        .await;
        journal.close().await;
        outcome.map(|()| journal.record)
    }

    /// Goes on with a move that was interrupted. One that is over already stays as it is.
    pub async fn resume_move(&self, id: MoveId, control: &MoveControl) -> Result<Move, Error> {
        self.reload().await?;
        let record = self.move_of(id).await?;
        match record.state {
            MoveState::Running => {}
            MoveState::Moved => return Ok(record),
            state => return Err(Error::Conflict(Conflict::MoveState(state))),
        }
        let config = self.config_now();
        let origin = origin_of(self, &config, id, &record.source).await?;
        let goal = Goal::of(self, &config, record.target)?;
        let options = record.options.clone();
        let mut journal = Journal::open(self, record, &origin, control).await?;
        let outcome = async {
            // It may have been finished or reverted before the leases were had.
            journal.record = self.move_of(id).await?;
            if journal.record.state != MoveState::Running {
                return Err(Error::Conflict(Conflict::Moving));
            }
            let planner = Planner::new(self, origin, goal, options, None)?;
            go_through(&mut journal, &planner).await
        }
        .await;
        journal.close().await;
        outcome.map(|()| journal.record)
    }

    fn begun(&self, plan: &MovePlan, origin: &Origin) -> Move {
        let now = self.0.clock.now();
        Move {
            id: self.draw(),
            version: 0,
            source: origin.source(),
            target: plan.request.target,
            selection: plan.request.selection.to_string(),
            options: plan.request.options.clone(),
            state: MoveState::Running,
            users: u64::try_from(plan.users.len()).unwrap_or(u64::MAX),
            began_at: now,
            changed_at: now,
            groups: plan.groups.clone(),
            orders: Vec::new(),
        }
    }

    /// One move at a time reads or writes a directory.
    async fn refuse_other_moves(&self, record: &Move) -> Result<(), Error> {
        match self.open_move_near(record.target, &record.source).await? {
            Some(other) => Err(Error::Conflict(Conflict::MoveOpen(other))),
            None => Ok(()),
        }
    }

    /// A move that is not over and reads or writes one of these directories.
    pub(super) async fn open_move_near(
        &self,
        target: DirectoryId,
        source: &Source,
    ) -> Result<Option<MoveId>, Error> {
        let concerns = |other: &Move| match source {
            Source::Directory(source) => other.concerns(*source) || other.concerns(target),
            Source::File(_) => other.concerns(target),
        };
        let moves = self.0.store.moves().await?;
        Ok(moves.iter().find(|other| other.state.is_under_way() && concerns(other)).map(|other| other.id))
    }

    /// A directory stays as long as a move from it or to it can be taken back, and as long as accounts that were moved
    /// wait for passwords that it alone can check.
    pub(crate) async fn refuse_while_moves_need(&self, directory: DirectoryId) -> Result<(), Error> {
        let moves = self.0.store.moves().await?;
        let needs = |record: &&Move| record.concerns(directory) && record.state.can_be_reverted();
        if let Some(record) = moves.iter().find(needs) {
            return Err(Error::Conflict(Conflict::MoveUnpurged(record.id)));
        }
        match self.waiting_for(directory).await? {
            0 => Ok(()),
            waiting => Err(Error::Conflict(Conflict::PasswordsPending(waiting))),
        }
    }
}

/// Writes the move and all its entries down, and puts the orders in place, in one change set.
async fn begin(journal: &mut Journal<'_>, planner: &Planner<'_>, plan: &MovePlan) -> Result<(), Error> {
    let mut entries = Vec::with_capacity(plan.users.len());
    for (position, user) in (0..).zip(&plan.users) {
        let before = match &planner.origin {
            // A file may be gone by the time that the move is resumed.
            Origin::File(_) => planner
                .origin
                .belongings(planner.throng, &user.subject.external_id, &user.name)
                .await?
                .map(Box::new),
            Origin::Directory { .. } => None,
        };
        let directory = planner.origin.id();
        entries.push(MoveEntry {
            position,
            subject: Subject { directory, ..user.subject.clone() },
            name: user.name.clone(),
            state: EntryState::Planned,
            fate: user.fate.clone(),
            before,
            target_before: None,
            landed: None,
            failure: None,
        });
    }
    let mut changes = Vec::new();
    let mut orders = Vec::new();
    for order in planner.orders.iter().filter(|order| order.changes()) {
        let app = planner.config.in_use(order.application);
        let app = app.ok_or_else(|| Error::not_found("application"))?;
        let mut version = order.before.version();
        if order.meanwhile.seats() != order.before.seats() {
            version += 1;
            let plan = order.meanwhile.clone().with_version(version);
            changes.push(Change::PutApplication(ApplicationRecord { plan, ..app.record.clone() }));
        }
        let before = order.before.seats().iter().map(|seat| seat.directory).collect();
        orders.push(MovedOrder { application: order.application, before, version });
    }
    let next = journal.next(|next| next.orders = orders);
    changes.push(Change::PutMove(Box::new(next.clone())));
    for entries in entries.chunks(ENTRIES) {
        changes.push(Change::PutMoveEntries { by: next.id, entries: entries.to_vec() });
    }
    match journal.write(changes).await? {
        Written::Yes => journal.record = next,
        Written::No(error) => return Err(Error::from_store(error, Conflict::PlanStale)),
    }
    journal.throng.reload().await
}

/// Makes the groups, and moves user by user.
async fn go_through(journal: &mut Journal<'_>, planner: &Planner<'_>) -> Result<(), Error> {
    make_groups(journal, planner).await?;
    let mut from = 0;
    loop {
        let entries = journal.entries(from).await?;
        let Some(last) = entries.last() else { break };
        from = last.position + 1;
        for entry in entries {
            journal.go_on().await?;
            match entry.state {
                EntryState::Planned | EntryState::Begun => move_one(journal, planner, entry).await?,
                EntryState::Moved | EntryState::Skipped | EntryState::Failed | EntryState::Reverted => {}
            }
            journal.count(1);
        }
    }
    // Whoever stays because something went wrong was to go: the source goes on to be asked first for their sake.
    let side = if planner.origin.goes_on() || !somebody_failed(journal).await? {
        Side::Before
    } else {
        Side::Behind
    };
    reorder(journal, planner, side, MoveState::Moved).await
}

async fn somebody_failed(journal: &Journal<'_>) -> Result<bool, Error> {
    let mut from = 0;
    loop {
        let entries = journal.entries(from).await?;
        let Some(last) = entries.last() else { return Ok(false) };
        from = last.position + 1;
        if entries.iter().any(|entry| entry.state == EntryState::Failed) {
            return Ok(true);
        }
    }
}

/// Puts the target before the source, or behind it, wherever the move changes an order that nobody has changed since,
/// and enters a state in the same change set.
pub(super) async fn reorder(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    side: Side,
    state: MoveState,
) -> Result<(), Error> {
    let (source, target) = (planner.origin.id(), planner.goal.id());
    for _ in 0..ATTEMPTS {
        journal.throng.reload().await?;
        let config = journal.throng.config_now();
        let (mut changes, mut orders) = (Vec::new(), journal.record.orders.clone());
        for order in &mut orders {
            let Some(app) = config.in_use(order.application) else { continue };
            let plan = &app.record.plan;
            let Some(place) = plan.rank(source).filter(|_| plan.version() == order.version) else { continue };
            let next = beside(plan, place, target, side)?;
            if next.seats() != plan.seats() {
                order.version += 1;
                let plan = next.with_version(order.version);
                changes.push(Change::PutApplication(ApplicationRecord { plan, ..app.record.clone() }));
            }
        }
        let next = journal.next(|next| {
            next.state = state;
            next.orders = orders;
        });
        changes.push(Change::PutMove(Box::new(next.clone())));
        if let Written::Yes = journal.write(changes).await? {
            journal.record = next;
            return journal.throng.reload().await;
        }
    }
    Err(Error::Conflict(Conflict::Moving))
}

async fn make_groups(journal: &mut Journal<'_>, planner: &Planner<'_>) -> Result<(), Error> {
    let goal = &planner.goal;
    let groups = journal.record.groups.clone();
    let mut changes = Vec::new();
    for group in &groups {
        if group.made == Made::Before {
            continue;
        }
        match goal.group(&group.name).await? {
            None if goal.is_kept() => changes.push(adding_group(planner, group)),
            None => {
                journal.go_on().await?;
                add_group(planner, group).await?;
            }
            Some(_) if goal.is_kept() => {}
            // An earlier attempt may have been interrupted between the group and its attributes.
            Some(there) => equip_group(planner, group, &there.attributes).await?,
        }
    }
    for group in groups.iter().filter(|group| !group.joined.is_empty()) {
        let member = Member::Group(group.name.clone());
        let has = goal.reader.parents(&member).await?;
        for parent in group.joined.iter().filter(|parent| !has.contains(parent)) {
            if goal.is_kept() {
                changes.push(joining(goal, parent, member.clone()));
            } else {
                tolerate(
                    goal.told(planner.throng, goal.writes_members()?.add_member(parent, &member)).await,
                )?;
            }
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    // Whoever makes one of the groups at the same time makes all of this fail, and it is read anew when resumed.
    match journal.write(changes).await? {
        Written::Yes => Ok(()),
        Written::No(error) => Err(Error::from_store(error, Conflict::Stale)),
    }
}

fn adding_group(planner: &Planner<'_>, moved: &MovedGroup) -> Change {
    let group = Group {
        external_id: ExternalId::random("", &*planner.throng.0.entropy),
        name: moved.name.clone(),
        description: moved.description.clone(),
        origin: GroupOrigin::Local,
        attributes: moved.attributes.clone(),
    };
    Change::AddGroup { directory: planner.goal.id(), group, free_in: vec![] }
}

async fn add_group(planner: &Planner<'_>, moved: &MovedGroup) -> Result<(), Error> {
    let (goal, throng) = (&planner.goal, planner.throng);
    let new = NewGroup { name: moved.name.clone(), description: moved.description.clone() };
    tolerate(goal.told(throng, goal.writes_groups()?.add_group(&new)).await.map(drop))?;
    equip_group(planner, moved, &Attributes::new()).await
}

/// Gives a group in the target the attributes that it lacks.
async fn equip_group(planner: &Planner<'_>, moved: &MovedGroup, has: &Attributes) -> Result<(), Error> {
    let (goal, throng) = (&planner.goal, planner.throng);
    let lacking = moved.attributes.iter().filter(|(name, _)| has.values(name).is_empty());
    let attributes: Vec<_> = lacking.map(|(name, values)| (name.to_owned(), values.to_vec())).collect();
    if !attributes.is_empty() {
        let patch = throng_core::directory::GroupPatch { description: None, attributes };
        goal.told(throng, goal.writes_groups()?.update_group(&moved.name, &patch)).await?;
    }
    Ok(())
}

/// Whatever was to be there is there.
pub(super) fn tolerate(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::Conflict(_)) => Ok(()),
        outcome => outcome,
    }
}

/// Moves one user, or writes down why it stays.
async fn move_one(journal: &mut Journal<'_>, planner: &Planner<'_>, entry: MoveEntry) -> Result<(), Error> {
    if !entry.fate.is_moved() {
        return journal.leave(&entry, EntryState::Skipped, None).await;
    }
    if !planner.goal.is_kept() {
        return told::move_one(journal, planner, entry).await;
    }
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let candidate = planner.candidate(&entry.subject.external_id, &entry.name).await?;
        let candidate = match still_meant(&entry, candidate) {
            Ok(candidate) => candidate,
            Err(why) => return journal.leave(&entry, EntryState::Failed, Some(why)).await,
        };
        let (changes, moved) = hand_over(journal, planner, &entry, candidate).await?;
        match journal.record(changes, &moved).await? {
            Written::Yes => return Ok(()),
            // Somebody changed the user, or what it belongs to, since it was read.
            Written::No(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(String::new, |error| error.to_string());
    journal.leave(&entry, EntryState::Failed, Some(format!("it changes all the time: {why}"))).await
}

/// Whether what was planned of a user is still what would become of it.
pub(super) fn still_meant(entry: &MoveEntry, candidate: Option<Candidate>) -> Result<Candidate, String> {
    let Some(candidate) = candidate else { return Err("the source does not have it any more".to_owned()) };
    match (&entry.fate.landing, &candidate.fate.landing) {
        (Landing::Made, Landing::Made) => Ok(candidate),
        (Landing::Linked(planned), Landing::Linked(found)) if planned == found => Ok(candidate),
        // Nobody is in the way any more.
        (Landing::Linked(_), Landing::Made) => Ok(candidate),
        (_, Landing::Made | Landing::Linked(_)) => {
            Err("somebody in the target has taken the name since the plan".to_owned())
        }
        (_, Landing::Blocked(_)) => {
            Err("the name has been taken since the plan, or would mean somebody else".to_owned())
        }
        (_, Landing::Skipped(_)) => Err("the target cannot have it any more".to_owned()),
    }
}

/// The changes that hand a user over to a target that is kept here, and the entry that goes with them.
async fn hand_over(
    journal: &Journal<'_>,
    planner: &Planner<'_>,
    entry: &MoveEntry,
    candidate: Candidate,
) -> Result<(Vec<Change>, MoveEntry), Error> {
    let (throng, goal) = (planner.throng, &planner.goal);
    let Candidate { before, target, fate } = candidate;
    let (id, name, made) = match &target {
        Some(target) => (target.user.external_id.clone(), target.user.name.clone(), Made::Before),
        None => (goal.id_for(throng, &before.user).await?, before.user.name.clone(), Made::ByTheMove),
    };
    let subject = goal.subject(&id);
    let credential = credential(throng, planner, &before, &fate).await?;
    let password_set_at = credential.as_ref().map(|credential| credential.changed_at);
    let mut changes = Vec::new();
    if planner.origin.mount().is_some_and(|mount| mount.stored().is_some()) {
        let belongings = Box::new(before.clone());
        changes.push(Change::ExpectBelongings { subject: entry.subject.clone(), belongings });
    }
    // The source lets go of the names first: an alias is one account's.
    for (application, _) in &before.aliases {
        changes.push(Change::RemoveAlias { application: *application, subject: entry.subject.clone() });
    }
    match &target {
        Some(target) => {
            let belongings = Box::new(target.clone());
            changes.push(Change::ExpectBelongings { subject: subject.clone(), belongings });
            if let Some(patch) = united(&target.user, &before.user) {
                changes.push(Change::UpdateUser { subject: subject.clone(), patch, free_in: vec![] });
            }
            if let Some(credential) = credential {
                changes.push(Change::SetCredential { subject: subject.clone(), credential, free_in: vec![] });
            }
        }
        None => {
            let user = User { external_id: id.clone(), ..before.user.clone() };
            changes.push(Change::AddUser { directory: goal.id(), user, free_in: vec![], credential });
        }
    }
    let has = target.as_ref().map(|target| target.groups.clone()).unwrap_or_default();
    let joined: Vec<GroupName> = before.groups.iter().filter(|group| !has.contains(group)).cloned().collect();
    for group in &joined {
        changes.push(joining(goal, group, Member::User(name.clone())));
    }
    for expected in &before.claims {
        let claim = throng_core::claim::Claim { subject: subject.clone(), ..expected.clone() };
        changes.push(Change::ReplaceClaim { expected: expected.clone(), claim });
    }
    for (application, alias) in &before.aliases {
        let has_one =
            target.as_ref().is_some_and(|target| target.aliases.iter().any(|(app, _)| app == application));
        if !has_one {
            changes.push(Change::SetAlias {
                application: *application,
                subject: subject.clone(),
                alias: alias.clone(),
                free_in: vec![],
            });
        }
    }
    if let Some(at) = before.last_login {
        changes.push(Change::NoteLogin { subject: subject.clone(), at });
    }
    if fate.password == PasswordFate::Captured {
        changes.push(Change::PutCapture(Capture {
            subject: subject.clone(),
            source: planner.origin.id(),
            name: before.user.name.clone(),
            external_id: before.user.external_id.clone(),
            by: journal.id(),
            until: journal.now().plus(planner.options.capture_for),
        }));
    }
    if planner.origin.afterwards() == Afterwards::Gone {
        changes.push(Change::RemoveUser { subject: entry.subject.clone(), free_in: vec![] });
    }
    let moved = MoveEntry {
        state: EntryState::Moved,
        fate,
        before: Some(Box::new(before)),
        target_before: target.map(Box::new),
        landed: Some(Landed { external_id: id, made, joined, password_set_at }),
        failure: None,
        ..entry.clone()
    };
    Ok((changes, moved))
}

/// What is written as the password in a target that keeps passwords here.
async fn credential(
    throng: &Throng,
    planner: &Planner<'_>,
    before: &Belongings,
    fate: &Fate,
) -> Result<Option<Credential>, Error> {
    if !keeps_hashes(planner.goal.passwords()) {
        return Ok(None);
    }
    let Some(credential) = before.credential.clone().map(without_weak_history) else {
        return Ok(match fate.password {
            PasswordFate::Reset => Some(absent(throng)),
            _ => None,
        });
    };
    Ok(match (&fate.password, &credential.hash) {
        (PasswordFate::Carried | PasswordFate::None, _) => Some(credential),
        (PasswordFate::Wrapped, CredentialState::Usable(hash) | CredentialState::Quarantined(hash)) => {
            let wrapped = CredentialState::Usable(wrap(throng, hash).await?);
            Some(Credential { hash: wrapped, ..credential })
        }
        (
            PasswordFate::Quarantined(_),
            CredentialState::Usable(hash) | CredentialState::Quarantined(hash),
        ) => Some(Credential { hash: CredentialState::Quarantined(hash.clone()), ..credential }),
        (PasswordFate::Reset, _) => Some(absent(throng)),
        (PasswordFate::Wrapped | PasswordFate::Quarantined(_), CredentialState::Absent)
        | (PasswordFate::Captured | PasswordFate::CheckedElsewhere | PasswordFate::TargetsOwn, _) => None,
    })
}

/// Former hashes are only compared with: weak ones are left behind rather than kept as they are (T57).
fn without_weak_history(mut credential: Credential) -> Credential {
    credential
        .history
        .retain(|hash| StoredHash::parse(hash).is_ok_and(|parsed| !parsed.strength().is_weak()));
    credential
}

/// No password, until somebody sets one.
fn absent(throng: &Throng) -> Credential {
    Credential {
        hash: CredentialState::Absent,
        history: vec![],
        changed_at: throng.0.clock.now(),
        failed_attempts: 0,
        must_change: true,
    }
}

/// Puts a weak hash inside Argon2id, whenever the pool has room: logins go first.
async fn wrap(throng: &Throng, hash: &EncodedHash) -> Result<EncodedHash, Error> {
    loop {
        match throng.0.hasher.wrap(hash).await {
            Ok(wrapped) => return Ok(wrapped),
            Err(HasherError::Overloaded { retry_after }) => tokio::time::sleep(retry_after).await,
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn joining(goal: &Goal, group: &GroupName, member: Member) -> Change {
    Change::AddMember { directory: goal.id(), group: group.clone(), member, cycle: OnCycle::Refuse }
}

/// What a linked account gains: words and attributes that it lacks. What it has stays.
pub(super) fn united(kept: &User, brought: &User) -> Option<UserPatch> {
    let mut profile = kept.profile.clone();
    for (own, theirs) in [
        (&mut profile.display_name, &brought.profile.display_name),
        (&mut profile.first_name, &brought.profile.first_name),
        (&mut profile.last_name, &brought.profile.last_name),
        (&mut profile.email, &brought.profile.email),
    ] {
        if own.is_empty() {
            own.clone_from(theirs);
        }
    }
    let attributes: Vec<_> = brought
        .attributes
        .iter()
        .filter(|(name, _)| kept.attributes.values(name).is_empty())
        .map(|(name, values)| (name.to_owned(), values.to_vec()))
        .collect();
    let patch = UserPatch { profile: (profile != kept.profile).then_some(profile), active: None, attributes };
    (patch != UserPatch::default()).then_some(patch)
}

/// Whether a fault concerns one user only, so that the others can be moved all the same.
pub(super) fn concerns_one(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } | Error::Conflict(_) | Error::Forbidden(_) | Error::Invalid(_) => true,
        Error::Denied { .. } | Error::Unavailable { .. } | Error::Broken(_) => false,
    }
}
