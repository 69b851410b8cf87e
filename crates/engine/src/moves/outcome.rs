//! What became of moves: reports, verification, and their ends.

use std::fmt;

use serde::Serialize;
use throng_core::change::{Change, ChangeSet};
use throng_core::group::Member;
use throng_core::moves::{
    Capture, EntryState, Made, Move, MoveEntry, MoveId, MoveState, PasswordFate, Source, TargetPasswords,
};
use throng_core::name::{GroupName, Username};
use throng_core::password::CredentialState;

use super::goal::Goal;
use super::origin::{Afterwards, PAGE, afterwards};
use super::plan::{MovePlan, Planner};
use super::run::still_meant;
use super::told::is_likeness;
use crate::error::{Conflict, Error};
use crate::throng::Throng;

/// A move with what became of each of its users.
#[derive(Debug, Clone, Serialize)]
pub struct MoveReport {
    /// The move.
    pub record: Move,
    /// Its users by how far they have come.
    pub counts: MoveCounts,
    /// Users who stay because something went wrong, with why; the first [`MoveReport::MOST_LISTED`].
    pub failed: Vec<(Username, String)>,
    /// Accounts that wait for their password, with the moment until which they do; the first
    /// [`MoveReport::MOST_LISTED`].
    pub pending: Vec<Capture>,
    /// Users who were moved and have no password that opens anything: it cannot be checked, or must be set anew. The
    /// first [`MoveReport::MOST_LISTED`].
    pub closed: Vec<(Username, PasswordFate)>,
}

impl MoveReport {
    /// How many users a report lists by name. Counts are exact.
    pub const MOST_LISTED: usize = 1_000;
}

/// How many users of a move have come how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MoveCounts {
    /// Nothing was done yet, or not all.
    pub waiting: u64,
    /// They are in the target.
    pub moved: u64,
    /// They stay, as planned.
    pub skipped: u64,
    /// They stay, because something went wrong.
    pub failed: u64,
    /// They were put back.
    pub reverted: u64,
    /// Of those moved, they wait for their password.
    pub pending: u64,
    /// Of those moved, their password cannot be checked.
    pub quarantined: u64,
    /// Of those moved, they must set a new password.
    pub reset: u64,
}

/// Something that is not as a move should have left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The user.
    pub name: Username,
    /// What is wrong.
    pub what: Wrong,
}

/// What is not as a move should have left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Nothing was done with it yet: the move is not over.
    NotDealtWith,
    /// It was not put back yet: the move is being taken back.
    NotPutBack,
    /// It was put back, and the source does not have it.
    NotAtSource,
    /// It was put back, and the target has the account still that the move made.
    StillInTarget,
    /// The target does not have the account.
    NotInTarget,
    /// The source has it still, though it should have let go of it.
    StillAtSource,
    /// Words, attributes or the active flag differ from what was moved.
    Differs,
    /// It is not in this group.
    NotInGroup(GroupName),
    /// A name that belonged to it belongs to somebody else.
    NameOfAnother,
    /// There is no password, and none is waited for.
    NoPassword,
    /// Time was up before the first login: a new password must be set.
    CaptureOver,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDealtWith => f.write_str("not dealt with yet: the move is not over"),
            Self::NotPutBack => f.write_str("not put back yet"),
            Self::NotAtSource => f.write_str("put back, and the source does not have it"),
            Self::StillInTarget => f.write_str("put back, and the target has the account still"),
            Self::NotInTarget => f.write_str("the target does not have the account"),
            Self::StillAtSource => f.write_str("the source has the account still"),
            Self::Differs => f.write_str("words, attributes or the active flag differ from what was moved"),
            Self::NotInGroup(group) => write!(f, "not in the group {group}"),
            Self::NameOfAnother => f.write_str("a name that belonged to it belongs to somebody else"),
            Self::NoPassword => f.write_str("no password, and none is waited for"),
            Self::CaptureOver => {
                f.write_str("time was up before the first login; a new password must be set")
            }
        }
    }
}

/// What a run of a plan would do now.
#[derive(Debug, Clone, Serialize)]
pub struct DryRun {
    /// How many users it would move.
    pub moves: u64,
    /// Users of whom something else would become than was planned, with what.
    pub changed: Vec<(Username, String)>,
}

impl Throng {
    /// Goes through a plan as running it would, and writes nothing: everybody is read anew with everything that belongs
    /// to them, and each hash is decoded again.
    pub async fn dry_run_move(&self, plan: &MovePlan) -> Result<DryRun, Error> {
        self.reload().await?;
        let config = self.config_now();
        let origin = super::origin::Origin::of(self, &config, &plan.request.source)?;
        let goal = Goal::of(self, &config, plan.request.target)?;
        let (options, acting) = (plan.request.options.clone(), plan.request.acting.clone());
        let planner = Planner::new(self, origin, goal, options, acting)?;
        let (mut moves, mut changed) = (0, Vec::new());
        for user in plan.users.iter().filter(|user| user.fate.is_moved()) {
            let entry = MoveEntry {
                position: 0,
                subject: user.subject.clone(),
                name: user.name.clone(),
                state: EntryState::Planned,
                fate: user.fate.clone(),
                before: None,
                target_before: None,
                landed: None,
                failure: None,
            };
            let candidate = planner.candidate(&user.subject.external_id, &user.name).await?;
            match still_meant(&entry, candidate) {
                Ok(candidate) if candidate.fate.password == user.fate.password => moves += 1,
                Ok(candidate) => {
                    moves += 1;
                    changed.push((user.name.clone(), format!("the password: {}", candidate.fate.password)));
                }
                Err(why) => changed.push((user.name.clone(), why)),
            }
        }
        Ok(DryRun { moves, changed })
    }

    /// All moves, the latest first.
    pub async fn moves(&self) -> Result<Vec<Move>, Error> {
        Ok(self.0.store.moves().await?)
    }

    /// What became of a move.
    pub async fn move_report(&self, id: MoveId) -> Result<MoveReport, Error> {
        let record = self.move_of(id).await?;
        let (mut counts, mut failed, mut closed) = (MoveCounts::default(), Vec::new(), Vec::new());
        let mut from = 0;
        loop {
            let entries = self.0.store.move_entries(id, from, PAGE).await?;
            let Some(last) = entries.last() else { break };
            from = last.position + 1;
            for entry in entries {
                match entry.state {
                    EntryState::Planned | EntryState::Begun => counts.waiting += 1,
                    EntryState::Moved => counts.moved += 1,
                    EntryState::Skipped => counts.skipped += 1,
                    EntryState::Failed => counts.failed += 1,
                    EntryState::Reverted => counts.reverted += 1,
                }
                let is_closed = match &entry.fate.password {
                    _ if entry.state != EntryState::Moved => false,
                    PasswordFate::Quarantined(_) => {
                        counts.quarantined += 1;
                        true
                    }
                    PasswordFate::Reset => {
                        counts.reset += 1;
                        true
                    }
                    PasswordFate::Carried
                    | PasswordFate::Wrapped
                    | PasswordFate::Captured
                    | PasswordFate::CheckedElsewhere
                    | PasswordFate::TargetsOwn
                    | PasswordFate::None => false,
                };
                if is_closed && closed.len() < MoveReport::MOST_LISTED {
                    closed.push((entry.name.clone(), entry.fate.password.clone()));
                }
                if let Some(why) = entry.failure.filter(|_| failed.len() < MoveReport::MOST_LISTED) {
                    failed.push((entry.name, why));
                }
            }
        }
        let mut pending: Vec<Capture> = Vec::new();
        let mut after = None;
        loop {
            let page = self.0.store.captures(id, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.subject.clone());
            counts.pending += u64::try_from(page.len()).unwrap_or(u64::MAX);
            let room = MoveReport::MOST_LISTED.saturating_sub(pending.len());
            pending.extend(page.into_iter().take(room));
        }
        Ok(MoveReport { record, counts, failed, pending, closed })
    }

    /// The users of a move in its order, from a position on, at most `limit`. Whoever reads them sees no hash: an entry
    /// shows it nowhere.
    pub async fn move_entries(&self, id: MoveId, from: u64, limit: usize) -> Result<Vec<MoveEntry>, Error> {
        Ok(self.0.store.move_entries(id, from, limit).await?)
    }

    /// Compares everybody with what the journal says, and tells what is wrong.
    ///
    /// 1. Who was moved is in the target with groups, names and a password, and not at the source any more. An account
    ///    that changed since in the ordinary way, by a new password or another group, is not wrong.
    /// 2. Who was put back is at the source, and the target has no account of the move's making.
    /// 3. Who was not dealt with, because the move or its reversal is not over, is told. Who stayed is not: that is
    ///    what [`Throng::move_report`] tells.
    pub async fn verify_move(&self, id: MoveId) -> Result<Vec<Mismatch>, Error> {
        self.reload().await?;
        let record = self.move_of(id).await?;
        if record.state == MoveState::Purged {
            return Err(Error::Conflict(Conflict::MoveState(record.state)));
        }
        let config = self.config_now();
        let goal = Goal::of(self, &config, record.target)?;
        let gone = match record.source {
            Source::Directory(source) => config.mount(source).map(afterwards) == Some(Afterwards::Gone),
            Source::File(_) => false,
        };
        let (mut wrong, mut from) = (Vec::new(), 0);
        loop {
            let entries = self.0.store.move_entries(id, from, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(wrong) };
            from = last.position + 1;
            for entry in &entries {
                let found = match entry.state {
                    EntryState::Planned | EntryState::Begun if record.state == MoveState::Running => {
                        vec![Wrong::NotDealtWith]
                    }
                    EntryState::Moved | EntryState::Begun if record.state == MoveState::Reverting => {
                        vec![Wrong::NotPutBack]
                    }
                    EntryState::Moved => self.verify_moved(&goal, entry, gone).await?,
                    EntryState::Reverted => self.verify_back(&goal, entry, gone).await?,
                    EntryState::Planned | EntryState::Begun | EntryState::Skipped | EntryState::Failed => {
                        vec![]
                    }
                };
                wrong.extend(found.into_iter().map(|what| Mismatch { name: entry.name.clone(), what }));
            }
        }
    }

    /// What is wrong with a user who was put back.
    async fn verify_back(&self, goal: &Goal, entry: &MoveEntry, gone: bool) -> Result<Vec<Wrong>, Error> {
        let mut wrong = Vec::new();
        if gone && self.0.store.user_by_id(&entry.subject).await?.is_none() {
            wrong.push(Wrong::NotAtSource);
        }
        let made = entry.landed.as_ref().filter(|landed| landed.made == Made::ByTheMove);
        if let Some(landed) = made {
            let there = match goal.is_kept() {
                true => self.0.store.user_by_id(&goal.subject(&landed.external_id)).await?,
                false => goal.user(&entry.name).await?.filter(|user| user.external_id == landed.external_id),
            };
            wrong.extend(there.map(|_| Wrong::StillInTarget));
        }
        Ok(wrong)
    }

    async fn verify_moved(&self, goal: &Goal, entry: &MoveEntry, gone: bool) -> Result<Vec<Wrong>, Error> {
        let (Some(before), Some(landed)) = (&entry.before, &entry.landed) else {
            return Err(Error::broken("an entry of a move that arrived nowhere"));
        };
        let mut wrong = Vec::new();
        if gone && self.0.store.user_by_id(&entry.subject).await?.is_some() {
            wrong.push(Wrong::StillAtSource);
        }
        let subject = goal.subject(&landed.external_id);
        let user = match goal.is_kept() {
            true => self.0.store.user_by_id(&subject).await?,
            false => {
                goal.user(&before.user.name).await?.filter(|user| user.external_id == landed.external_id)
            }
        };
        let Some(user) = user else {
            wrong.push(Wrong::NotInTarget);
            return Ok(wrong);
        };
        let has_all =
            before.user.attributes.iter().all(|(name, values)| user.attributes.values(name) == values);
        let is_same = is_likeness(&user, &before.user) && has_all;
        if landed.made == Made::ByTheMove && !is_same {
            wrong.push(Wrong::Differs);
        }
        let has = goal.reader.parents(&Member::User(user.name.clone())).await?;
        let missing = before.groups.iter().filter(|group| !has.contains(group));
        wrong.extend(missing.map(|group| Wrong::NotInGroup(group.clone())));
        for claim in &before.claims {
            let there = self.0.store.claim(claim.application, &claim.key).await?;
            if there.is_none_or(|there| there.subject != subject || there.identity != claim.identity) {
                wrong.push(Wrong::NameOfAnother);
            }
        }
        if goal.passwords() == TargetPasswords::Kept {
            wrong.extend(self.verify_password(entry, &subject).await?);
        }
        Ok(wrong)
    }

    async fn verify_password(
        &self,
        entry: &MoveEntry,
        subject: &throng_core::id::Subject,
    ) -> Result<Option<Wrong>, Error> {
        let has_one =
            self.0.store.credential(subject).await?.is_some_and(|credential| match credential.hash {
                CredentialState::Usable(_) | CredentialState::Quarantined(_) => true,
                CredentialState::Absent => false,
            });
        let expects_one = match entry.fate.password {
            PasswordFate::Carried
            | PasswordFate::Wrapped
            | PasswordFate::TargetsOwn
            | PasswordFate::Quarantined(_)
            | PasswordFate::Captured => true,
            PasswordFate::CheckedElsewhere | PasswordFate::None | PasswordFate::Reset => false,
        };
        if has_one || !expects_one {
            return Ok(None);
        }
        let capture = self.0.store.capture(subject).await?;
        Ok(match capture {
            Some(capture) if self.0.clock.now() < capture.until => None,
            Some(_) => Some(Wrong::CaptureOver),
            None => Some(Wrong::NoPassword),
        })
    }

    /// Accepts the outcome of a move. It can still be reverted until it is purged.
    ///
    /// [`Conflict::MoveState`] unless every user was dealt with.
    pub async fn finish_move(&self, id: MoveId) -> Result<Move, Error> {
        let record = self.move_of(id).await?;
        match record.state {
            MoveState::Moved => self.put_move(record, MoveState::Finished, vec![]).await,
            MoveState::Finished => Ok(record),
            state => Err(Error::Conflict(Conflict::MoveState(state))),
        }
    }

    /// Deletes what reverting needs, hashes and all; what remains says that there was a move. From then on it cannot be
    /// taken back.
    ///
    /// [`Conflict::MoveState`] unless it was finished or reverted.
    pub async fn purge_move(&self, id: MoveId) -> Result<Move, Error> {
        let record = self.move_of(id).await?;
        match record.state {
            MoveState::Finished | MoveState::Reverted => {
                self.put_move(record, MoveState::Purged, vec![Change::DropMoveEntries(id)]).await
            }
            MoveState::Purged => Ok(record),
            state => Err(Error::Conflict(Conflict::MoveState(state))),
        }
    }

    async fn put_move(&self, record: Move, state: MoveState, mut others: Vec<Change>) -> Result<Move, Error> {
        let at = self.0.clock.now();
        let next = Move { state, version: record.version + 1, changed_at: at, ..record };
        others.push(Change::PutMove(Box::new(next.clone())));
        let outcome = self.0.store.apply(&ChangeSet::new(at, others)).await;
        outcome.map_err(|error| Error::from_store(error, Conflict::Moving))?;
        Ok(next)
    }

    /// The move of an id.
    pub async fn move_of(&self, id: MoveId) -> Result<Move, Error> {
        self.0.store.move_of(id).await?.ok_or_else(|| Error::not_found("move"))
    }
}
