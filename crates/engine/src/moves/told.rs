//! Moving a user into a target that is not kept here: step by step, each of which can be done again.
//!
//! 1. The entry is written down as begun, with everything that belongs to the user.
//! 2. The account is made, with the hash where the target takes it, or found again by what it looks like.
//! 3. Words, attributes and groups are brought up to date.
//! 4. In one change set, the names that belong to the user go to the account in the target, the source lets go of it,
//!    and the entry says so. Until then the source opens the account.

use throng_core::change::Change;
use throng_core::claim::Claim;
use throng_core::directory::{NewUser, UserPatch, WriteUsers};
use throng_core::group::Member;
use throng_core::moves::{Belongings, EntryState, Landed, Landing, Made, MoveEntry, PasswordFate};
use throng_core::name::GroupName;
use throng_core::password::CredentialState;
use throng_core::user::User;

use super::journal::{Journal, Written};
use super::origin::Afterwards;
use super::plan::Planner;
use super::run::{concerns_one, still_meant, tolerate, united};
use crate::error::{Conflict, Error, Invalid};

/// How often a user is begun anew when somebody changes it while it is moved.
const ATTEMPTS: usize = 5;

/// Moves one user, or writes down why it stays.
pub(super) async fn move_one(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: MoveEntry,
) -> Result<(), Error> {
    let mut entry = entry;
    for _ in 0..ATTEMPTS {
        if entry.state == EntryState::Planned {
            let candidate = planner.candidate(&entry.subject.external_id, &entry.name).await?;
            let candidate = match still_meant(&entry, candidate) {
                Ok(candidate) => candidate,
                Err(why) => return journal.leave(&entry, EntryState::Failed, Some(why)).await,
            };
            entry = MoveEntry {
                state: EntryState::Begun,
                fate: candidate.fate,
                before: Some(Box::new(candidate.before)),
                target_before: candidate.target.map(Box::new),
                ..entry
            };
            match journal.record(vec![], &entry).await? {
                Written::Yes => {}
                Written::No(error) => return Err(Error::from_store(error, Conflict::Moving)),
            }
        }
        let Some(before) = entry.before.clone() else {
            return Err(Error::broken("an entry of a move that has begun without what it moves"));
        };
        let landed = match land(journal, planner, &mut entry, &before).await {
            Ok(landed) => landed,
            Err(error) if concerns_one(&error) => {
                return journal.leave(&entry, EntryState::Failed, Some(error.to_string())).await;
            }
            Err(error) => return Err(error),
        };
        match let_go(journal, planner, &entry, &before, landed.clone()).await? {
            Written::Yes => return Ok(()),
            // The source changed the user meanwhile: what was made of it in the target is taken back, and it is read
            // anew.
            Written::No(_) => {
                if landed.made == Made::ByTheMove {
                    remove(planner, &landed).await?;
                } else {
                    part(planner, &entry.name, &landed.joined).await?;
                }
                entry = MoveEntry {
                    state: EntryState::Planned,
                    before: None,
                    target_before: None,
                    landed: None,
                    ..entry
                };
            }
        }
    }
    let why = Some("it changes all the time".to_owned());
    journal.leave(&entry, EntryState::Failed, why).await
}

/// Makes the account in the target what it shall be.
async fn land(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: &mut MoveEntry,
    before: &Belongings,
) -> Result<Landed, Error> {
    let (goal, throng) = (&planner.goal, planner.throng);
    let found = goal.user(&before.user.name).await?;
    let (user, made) = match (&entry.fate.landing, found) {
        (Landing::Linked(expected), Some(user)) if user.external_id == *expected => (user, Made::Before),
        (Landing::Linked(_), _) => return Err(Error::Conflict(Conflict::Stale)),
        (_, None) => (make(journal, planner, entry, before).await?, Made::ByTheMove),
        // An earlier attempt made it, and was interrupted before that was written down.
        (_, Some(user)) if is_likeness(&user, &before.user) => (user, Made::ByTheMove),
        (_, Some(_)) => return Err(Error::Conflict(Conflict::NameTaken)),
    };
    if user.name != before.user.name {
        return Err(Error::broken("a directory made a user of another name"));
    }
    if let Some(patch) = united(&user, &before.user) {
        goal.told(throng, goal.writes_users()?.update_user(&user.external_id, &patch)).await?;
    }
    let member = Member::User(user.name.clone());
    let has = goal.reader.parents(&member).await?;
    let had = entry.target_before.as_ref().map(|target| target.groups.clone()).unwrap_or_default();
    for group in before.groups.iter().filter(|group| !has.contains(group)) {
        tolerate(goal.told(throng, goal.writes_members()?.add_member(group, &member)).await)?;
    }
    let joined: Vec<GroupName> = before.groups.iter().filter(|group| !had.contains(group)).cloned().collect();
    let password_set_at = before.credential.as_ref().map(|credential| credential.changed_at);
    Ok(Landed { external_id: user.external_id, made, joined, password_set_at })
}

async fn make(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: &mut MoveEntry,
    before: &Belongings,
) -> Result<User, Error> {
    let (goal, throng) = (&planner.goal, planner.throng);
    let user = &before.user;
    let new = NewUser { name: user.name.clone(), profile: user.profile.clone(), active: user.active };
    let hash = before.credential.as_ref().and_then(|credential| match &credential.hash {
        CredentialState::Usable(hash) => Some(hash),
        CredentialState::Quarantined(_) | CredentialState::Absent => None,
    });
    if let (PasswordFate::Carried, Some(hash), Some(hashes)) =
        (&entry.fate.password, hash, goal.reader.port().powers().hashes)
    {
        match goal.told(throng, hashes.add_user_with_hash(&new, hash)).await {
            // This one the target does not take; others it may. It is written down first: whoever finds the account
            // made could not tell.
            Err(Error::Invalid(Invalid::RefusedByDirectory(_))) => {
                entry.fate.password = PasswordFate::Reset;
                journal.leave(entry, EntryState::Begun, None).await?;
            }
            outcome => return outcome,
        }
    }
    goal.told(throng, goal.writes_users()?.add_user(&new)).await
}

/// Whether an account of the target is what the move would have made: nobody has changed it since. Words that were not
/// given may have been filled in by the target.
pub(super) fn is_likeness(made: &User, wanted: &User) -> bool {
    let (kept, given) = (&made.profile, &wanted.profile);
    let words = [
        (&kept.display_name, &given.display_name),
        (&kept.first_name, &given.first_name),
        (&kept.last_name, &given.last_name),
        (&kept.email, &given.email),
    ];
    made.name == wanted.name
        && made.active == wanted.active
        && words.into_iter().all(|(kept, given)| given.is_empty() || kept == given)
}

/// Lets the source go of a user who is in the target now.
async fn let_go(
    journal: &mut Journal<'_>,
    planner: &Planner<'_>,
    entry: &MoveEntry,
    before: &Belongings,
    landed: Landed,
) -> Result<Written, Error> {
    let subject = planner.goal.subject(&landed.external_id);
    let mut changes = Vec::new();
    if planner.origin.mount().is_some_and(|mount| mount.stored().is_some()) {
        let belongings = Box::new(before.clone());
        changes.push(Change::ExpectBelongings { subject: entry.subject.clone(), belongings });
    }
    for expected in &before.claims {
        let claim = Claim { subject: subject.clone(), ..expected.clone() };
        changes.push(Change::ReplaceClaim { expected: expected.clone(), claim });
    }
    if planner.origin.afterwards() == Afterwards::Gone {
        changes.push(Change::RemoveUser { subject: entry.subject.clone(), free_in: vec![] });
    }
    let moved = MoveEntry { state: EntryState::Moved, landed: Some(landed), failure: None, ..entry.clone() };
    journal.record(changes, &moved).await
}

/// Removes an account that the move made.
pub(super) async fn remove(planner: &Planner<'_>, landed: &Landed) -> Result<(), Error> {
    let goal = &planner.goal;
    let users: &dyn WriteUsers = goal.writes_users()?;
    match goal.told(planner.throng, users.remove_user(&landed.external_id)).await {
        Err(Error::NotFound { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// Takes an account out of the groups that the move put it into.
pub(super) async fn part(
    planner: &Planner<'_>,
    name: &throng_core::name::Username,
    joined: &[GroupName],
) -> Result<(), Error> {
    let goal = &planner.goal;
    let member = Member::User(name.clone());
    let has = goal.reader.parents(&member).await?;
    for group in joined.iter().filter(|group| has.contains(group)) {
        match goal.told(planner.throng, goal.writes_members()?.remove_member(group, &member)).await {
            Err(Error::NotFound { .. }) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Gives a linked account back the words and attributes that it had.
pub(super) async fn restore_words(
    planner: &Planner<'_>,
    landed: &Landed,
    before: &User,
    now: &User,
) -> Result<(), Error> {
    let goal = &planner.goal;
    if let Some(patch) = back(before, now) {
        goal.told(planner.throng, goal.writes_users()?.update_user(&landed.external_id, &patch)).await?;
    }
    Ok(())
}

/// What makes a linked account what it was.
pub(super) fn back(before: &User, now: &User) -> Option<UserPatch> {
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    for (name, values) in before.attributes.iter() {
        if now.attributes.values(name) != values {
            attributes.push((name.to_owned(), values.to_vec()));
        }
    }
    for (name, _) in now.attributes.iter() {
        if before.attributes.values(name).is_empty() {
            attributes.push((name.to_owned(), Vec::new()));
        }
    }
    let profile = (before.profile != now.profile).then(|| before.profile.clone());
    let active = (before.active != now.active).then_some(before.active);
    let patch = UserPatch { profile, active, attributes };
    (patch != UserPatch::default()).then_some(patch)
}
