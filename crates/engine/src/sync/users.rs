//! Comparing users.

use std::collections::HashMap;

use throng_core::change::Change;
use throng_core::id::ExternalId;
use throng_core::sync::{EntryKind, Imprint, Mark, acceptable_user};
use throng_core::user::User;

use super::full::Comparison;
use super::index::{KnownUser, Stated, count};
use super::names::Waiting;
use super::round::{Step, Work};

impl Work<'_> {
    /// Compares a user that the source states with the mirror.
    ///
    /// 1. An account is who its external id says, whatever it is called (R622, R624).
    /// 2. One that is stated twice alike is stated once; stated twice otherwise, it is set aside (T68).
    pub(super) async fn take_user(&mut self, comparison: &mut Comparison, user: User) -> Step<()> {
        self.round.counts.users_read += 1;
        let id = Imprint::of_id(&user.external_id);
        let name = user.name.clone();
        let user = match acceptable_user(user, &self.settings.left_out) {
            Ok(user) => user,
            Err(why) => {
                self.round.set_aside(EntryKind::User, &name, why);
                if let Some(known) = comparison.index.users.get_mut(&id) {
                    known.stated = Stated::Unreadable;
                }
                return Ok(());
            }
        };
        let mark = Mark::of_user(&user);
        match comparison.index.users.get_mut(&id) {
            Some(known) if known.stated != Stated::No => {
                if known.mark != mark {
                    self.round.set_aside(EntryKind::User, &user.name, "its id is stated for two users");
                    let made = known.stated == Stated::New;
                    known.stated = Stated::Unreadable;
                    // Nobody can tell which of the two the id belongs to: neither gets a name by it.
                    comparison.forget(&user.external_id);
                    if made {
                        self.undo_user(comparison, &user.external_id).await?;
                    }
                }
                return Ok(());
            }
            Some(known) if known.mark == mark => {
                known.stated = Stated::Known;
                comparison.index.names.insert(Imprint::of_user(user.key()));
                return Ok(());
            }
            Some(known) => {
                *known = KnownUser { mark, stated: Stated::Known };
                comparison.changed.push(user);
            }
            None => {
                comparison.index.users.insert(id, KnownUser { mark, stated: Stated::New });
                comparison.ready.push(self.adding(user));
            }
        }
        if comparison.ready() >= count(self.batch()) {
            self.write_users(comparison).await?;
        }
        Ok(())
    }

    pub(super) fn adding(&self, user: User) -> Change {
        Change::AddUser { directory: self.directory(), user, free_in: vec![], credential: None }
    }

    /// Takes back what this round made of an id that turned out to be two users'.
    async fn undo_user(&mut self, comparison: &mut Comparison, id: &ExternalId) -> Step<()> {
        self.write_users(comparison).await?;
        if let Some(user) = self.records.store.user_by_id(&self.records.subject(id)).await? {
            comparison.index.names.remove(&Imprint::of_user(user.key()));
            let remove = Change::RemoveUser { subject: self.records.subject(id), free_in: vec![] };
            self.write(vec![remove]).await?;
            self.round.counts.users_added = self.round.counts.users_added.saturating_sub(1);
        }
        Ok(())
    }

    /// Writes the users that are ready.
    pub(super) async fn write_users(&mut self, comparison: &mut Comparison) -> Step<()> {
        self.compare_changed(comparison).await?;
        let ready = std::mem::take(&mut comparison.ready);
        let mut named: HashMap<Imprint, Imprint> = ready.iter().filter_map(named).collect();
        for refused in self.write(ready).await? {
            match refused {
                Change::AddUser { user, .. } => {
                    named.remove(&Imprint::of_id(&user.external_id));
                    comparison.waiting.push(Waiting::Newcomer(user));
                }
                // Somebody removed the account meanwhile, which is stated: it is made again in the next round.
                other => self.round.set_aside(EntryKind::User, about(&other), "it changed meanwhile"),
            }
        }
        comparison.index.names.extend(named.into_values());
        Ok(())
    }

    /// Finds out what differs of users whose marks differ.
    async fn compare_changed(&mut self, comparison: &mut Comparison) -> Step<()> {
        let changed = std::mem::take(&mut comparison.changed);
        if changed.is_empty() {
            return Ok(());
        }
        let ids: Vec<ExternalId> = changed.iter().map(|user| user.external_id.clone()).collect();
        let kept = self.records.store.users_by_id(self.directory(), &ids).await?;
        let mut kept: HashMap<ExternalId, User> =
            kept.into_iter().map(|user| (user.external_id.clone(), user)).collect();
        for user in changed {
            let Some(kept) = kept.remove(&user.external_id) else {
                comparison.ready.push(self.adding(user));
                continue;
            };
            let renamed = kept.name != user.name;
            let respelled = !renamed && kept.name.as_str() != user.name.as_str();
            if respelled {
                let subject = self.records.subject(&user.external_id);
                let rename = Change::RenameUser { subject, name: user.name.clone(), free_in: vec![] };
                comparison.ready.push(rename);
            }
            if Mark::of_user(&User { name: user.name.clone(), ..kept.clone() }) != Mark::of_user(&user) {
                let directory = self.directory();
                let user = User { name: kept.name.clone(), ..user.clone() };
                comparison.ready.push(Change::RewriteUser { directory, user });
            }
            if renamed {
                // Only when everybody was stated is it known whose the new name is, and that the id is one user's.
                comparison.waiting.push(Waiting::Renamed { user, former: kept.name });
            } else {
                comparison.index.names.insert(Imprint::of_user(user.key()));
            }
        }
        Ok(())
    }
}

impl Comparison {
    /// Gives no name to whoever has this id.
    fn forget(&mut self, id: &ExternalId) {
        self.waiting.retain(|waiting| waiting.user().external_id != *id);
        self.changed.retain(|user| user.external_id != *id);
    }
}

/// Whom a change makes, and by what name.
fn named(change: &Change) -> Option<(Imprint, Imprint)> {
    match change {
        Change::AddUser { user, .. } => {
            Some((Imprint::of_id(&user.external_id), Imprint::of_user(user.key())))
        }
        _ => None,
    }
}

fn about(change: &Change) -> String {
    match change {
        Change::RewriteUser { user, .. } => user.name.to_string(),
        Change::RenameUser { name, .. } => name.to_string(),
        _ => String::new(),
    }
}
