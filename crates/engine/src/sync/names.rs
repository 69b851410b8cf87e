//! Giving names to users who could not have them at once, because somebody else has them.

use std::collections::HashMap;

use throng_core::change::Change;
use throng_core::id::ExternalId;
use throng_core::name::{Key, Username};
use throng_core::registry::TakenName;
use throng_core::sync::{EntryKind, Imprint, Mark, NodeKind};
use throng_core::user::User;

use super::full::Comparison;
use super::index::{KnownUser, Stated};
use super::round::{Step, Work};
use super::write::Written;
use crate::directory::Followed;

/// Somebody who has not the name that the source states.
#[derive(Debug, Clone)]
pub(super) enum Waiting {
    /// An account that the mirror lacks.
    Newcomer(User),
    /// An account that the mirror knows by its former name.
    Renamed { user: User, former: Username },
}

impl Waiting {
    pub(super) fn user(&self) -> &User {
        match self {
            Self::Newcomer(user) | Self::Renamed { user, .. } => user,
        }
    }
}

impl Work<'_> {
    /// Gives names to those who wait, as far as they are free or become free by that.
    ///
    /// Those who hold a name that is waited for and wait for another go first. Where they wait for one another in a
    /// circle, all get their names at once.
    pub(super) async fn give_names(&mut self, comparison: &mut Comparison) -> Step<()> {
        let waiting = std::mem::take(&mut comparison.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = waiting.iter().map(|waiting| waiting.user().key().clone()).collect();
        let mut holders: HashMap<Key, ExternalId> = HashMap::new();
        for part in keys.chunks(1_000) {
            for namesakes in self.records.store.namesakes(&[self.directory()], part).await? {
                let holder = namesakes.holders.into_iter().next();
                holders.extend(holder.map(|(_, user)| (namesakes.key, user.external_id)));
            }
        }
        for turn in turns(&waiting, &holders) {
            let still = match turn.as_slice() {
                [one] => self.give_name(comparison, waiting[*one].clone()).await?.into_iter().collect(),
                circle => {
                    let circle = circle.iter().map(|one| waiting[*one].clone()).collect();
                    self.turn_circle(comparison, circle).await?
                }
            };
            comparison.waiting.extend(still);
        }
        Ok(())
    }

    /// Gives a name to one who waits; gives them back if somebody else has it.
    async fn give_name(&mut self, comparison: &mut Comparison, waiting: Waiting) -> Step<Option<Waiting>> {
        let change = match &waiting {
            Waiting::Newcomer(user) => self.adding(user.clone()),
            Waiting::Renamed { user, .. } => self.renaming(user, &user.name),
        };
        if self.write_together(vec![change]).await? == Written::Yes {
            comparison.has_name(waiting.user());
            return Ok(None);
        }
        let Waiting::Newcomer(user) = &waiting else { return Ok(Some(waiting)) };
        let Some(holder) = self.records.store.user(self.directory(), user.key()).await? else {
            return Ok(Some(waiting));
        };
        if self.is_same(comparison, user, &holder) {
            self.take_over(comparison, user, &holder).await?;
            return Ok(None);
        }
        Ok(Some(waiting))
    }

    /// Whether a newcomer is the account that has its name, known by a name in place of an id, or the other way round
    /// (R624).
    fn is_same(&self, comparison: &Comparison, user: &User, holder: &User) -> bool {
        let known = comparison.index.users.get(&Imprint::of_id(&holder.external_id));
        let stated = known.is_some_and(|known| known.stated != Stated::No);
        !stated && user.external_id.is_of_name() != holder.external_id.is_of_name()
    }

    /// Makes the account that has the name like a newcomer, who is the same.
    async fn take_over(&mut self, comparison: &mut Comparison, user: &User, holder: &User) -> Step<()> {
        let mut changes = Vec::new();
        // An id is better than a name, and is not given up where the source forgets it.
        let id = if holder.external_id.is_of_name() { &user.external_id } else { &holder.external_id };
        if *id != holder.external_id {
            let subject = self.records.subject(&holder.external_id);
            changes.push(Change::ReplaceExternalId { subject, external_id: id.clone() });
        }
        let user = User { external_id: id.clone(), ..user.clone() };
        if holder.name.as_str() != user.name.as_str() {
            changes.push(self.renaming(&user, &user.name));
        }
        if Mark::of_user(&User { external_id: id.clone(), ..holder.clone() }) != Mark::of_user(&user) {
            changes.push(Change::RewriteUser { directory: self.directory(), user: user.clone() });
        }
        if let Some(known) = comparison.index.users.get_mut(&Imprint::of_id(&holder.external_id)) {
            known.stated = Stated::Known;
        }
        if changes.is_empty() || self.write_together(changes).await? == Written::Yes {
            comparison.has_name(&user);
        } else {
            self.round.set_aside(EntryKind::User, &user.name, "it changed meanwhile");
        }
        Ok(())
    }

    /// Lets users whose names go round each have the next one's, in one transaction; gives them back if somebody
    /// else's claim stands in the way.
    async fn turn_circle(&mut self, comparison: &mut Comparison, circle: Vec<Waiting>) -> Step<Vec<Waiting>> {
        let Some(first) = circle.first() else { return Ok(circle) };
        // A name for the time of the transaction, drawn at random: nobody ever sees it.
        let Ok(aside) = Username::new(self.throng.draw::<NodeKind>().to_string()) else { return Ok(circle) };
        let mut changes = vec![self.renaming(first.user(), &aside)];
        // Each waits for the next one's name, so that the last can go where the first has left.
        for waiting in circle.iter().skip(1).rev().chain([first]) {
            changes.push(self.renaming(waiting.user(), &waiting.user().name));
        }
        if self.write_together(changes).await? == Written::No {
            return Ok(circle);
        }
        // The name aside was nobody's, not even for a moment.
        self.round.counts.users_renamed -= 1;
        let position = self.round.changed.iter().rposition(|(.., name)| *name == aside.to_string());
        if let Some(position) = position {
            self.round.changed.remove(position);
        }
        circle.iter().for_each(|waiting| comparison.has_name(waiting.user()));
        Ok(Vec::new())
    }

    fn renaming(&self, user: &User, name: &Username) -> Change {
        let subject = self.records.subject(&user.external_id);
        Change::RenameUser { subject, name: name.clone(), free_in: vec![] }
    }

    /// Sets aside those who still wait, or takes their names for them where the mirror copies Crowd (R315).
    pub(super) async fn set_aside_waiting(&mut self, comparison: &mut Comparison) -> Step<()> {
        let mut aside = Vec::new();
        for waiting in std::mem::take(&mut comparison.waiting) {
            let user = waiting.user().clone();
            let change = match &waiting {
                Waiting::Newcomer(user) => self.adding(user.clone()),
                Waiting::Renamed { user, .. } => self.renaming(user, &user.name),
            };
            let taken = match self.settings.taken_name {
                TakenName::Quarantine => Followed::No,
                TakenName::RenameTheHolder => self.records.over_holder(change.clone(), &user.name).await?,
            };
            match taken {
                Followed::Yes => {
                    self.note(&[change]);
                    comparison.has_name(&user);
                }
                Followed::No => {
                    let why = "its name is held by another account, or claimed by one";
                    self.round.set_aside(EntryKind::User, &user.name, why);
                    aside.push(waiting);
                }
            }
        }
        comparison.waiting = aside;
        Ok(())
    }
}

impl Comparison {
    /// Notes that a user has the name that was stated.
    fn has_name(&mut self, user: &User) {
        self.index.names.insert(Imprint::of_user(user.key()));
        let known = KnownUser { mark: Mark::of_user(user), stated: Stated::Known };
        let id = Imprint::of_id(&user.external_id);
        self.index.users.entry(id).and_modify(|at| at.mark = known.mark).or_insert(known);
    }
}

/// In which order those who wait are tried: whoever holds a name that is waited for before those who wait for it, and
/// circles as one.
fn turns(waiting: &[Waiting], holders: &HashMap<Key, ExternalId>) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnTheWay,
        Done,
    }
    let by_id: HashMap<&ExternalId, usize> = waiting
        .iter()
        .enumerate()
        .filter(|(_, waiting)| matches!(waiting, Waiting::Renamed { .. }))
        .map(|(at, waiting)| (&waiting.user().external_id, at))
        .collect();
    let holder = |at: usize| {
        let id = holders.get(waiting[at].user().key())?;
        by_id.get(id).copied().filter(|_| *id != waiting[at].user().external_id)
    };
    let mut seen = vec![Seen::No; waiting.len()];
    let mut turns = Vec::new();
    for start in 0..waiting.len() {
        let (mut way, mut at) = (Vec::new(), start);
        let met = loop {
            match seen[at] {
                Seen::Done => break None,
                Seen::OnTheWay => break way.iter().position(|&before| before == at),
                Seen::No => {}
            }
            seen[at] = Seen::OnTheWay;
            way.push(at);
            match holder(at) {
                Some(next) => at = next,
                None => break None,
            }
        };
        way.iter().for_each(|&one| seen[one] = Seen::Done);
        if let Some(begin) = met {
            turns.push(way.split_off(begin));
        }
        turns.extend(way.iter().rev().map(|&one| vec![one]));
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use throng_core::attribute::Attributes;
    use throng_core::user::Profile;

    fn renamed(id: &str, to: &str) -> Waiting {
        let user = User {
            external_id: ExternalId::new(id).unwrap(),
            name: Username::new(to).unwrap(),
            profile: Profile::default(),
            active: true,
            attributes: Attributes::new(),
        };
        Waiting::Renamed { former: Username::new(id).unwrap(), user }
    }

    /// Each id is held under the name of the same letters.
    fn holders(names: &[&str]) -> HashMap<Key, ExternalId> {
        names.iter().map(|name| (Key::of(name), ExternalId::new(*name).unwrap())).collect()
    }

    #[test]
    fn a_chain_is_walked_from_its_free_end() {
        let waiting = [renamed("a", "b"), renamed("b", "c"), renamed("c", "d")];
        assert_eq!(turns(&waiting, &holders(&["a", "b", "c"])), [[2], [1], [0]]);
    }

    #[test]
    fn a_circle_turns_at_once_and_before_those_who_wait_for_it() {
        let waiting = [renamed("x", "a"), renamed("a", "b"), renamed("b", "a"), renamed("y", "z")];
        let found = turns(&waiting, &holders(&["a", "b", "x", "y"]));
        assert_eq!(found, [vec![1, 2], vec![0], vec![3]]);
    }

    #[test]
    fn many_are_ordered_without_trying_each_again() {
        // Looking at each turn again for each would take minutes. From the free end on, each is a turn by itself.
        const LAST: usize = 49_999;
        let names: Vec<String> = (0..=LAST).map(|n| format!("n{n}")).collect();
        let waiting: Vec<Waiting> = names.windows(2).rev().map(|pair| renamed(&pair[0], &pair[1])).collect();
        let held: Vec<&str> = names.iter().map(String::as_str).take(LAST).collect();
        let found = turns(&waiting, &holders(&held));
        assert_eq!(found.len(), LAST);
        assert_eq!((found.first(), found.last()), (Some(&vec![0]), Some(&vec![LAST - 1])));
    }
}
