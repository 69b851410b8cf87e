//! Comparing groups.

use throng_core::change::Change;
use throng_core::directory::GroupPatch;
use throng_core::group::{Group, Origin};
use throng_core::id::ExternalId;
use throng_core::sync::{EntryKind, Mark, acceptable_group};

use super::full::Comparison;
use super::index::{KnownGroup, Stated, count};
use super::round::{Step, Work};

impl Work<'_> {
    /// Compares a group that the source states with the mirror. One that shares its name with a local group is shadowed
    /// by it (R123).
    pub(super) async fn take_group(&mut self, comparison: &mut Comparison, group: Group) -> Step<()> {
        self.round.counts.groups_read += 1;
        let group = Group { origin: Origin::Imported, ..group };
        let name = group.name.clone();
        let group = match acceptable_group(group, &self.settings.left_out) {
            Ok(group) => group,
            Err(why) => {
                self.round.set_aside(EntryKind::Group, &name, why);
                if let Some(known) = comparison.index.groups.get_mut(name.key()) {
                    known.stated = Stated::Unreadable;
                }
                return Ok(());
            }
        };
        let mark = Mark::of_group(&group);
        match comparison.index.groups.get_mut(group.key()) {
            Some(known) if known.origin == Origin::Local => {}
            Some(known) if known.stated != Stated::No => {
                if known.mark != mark {
                    self.round.set_aside(EntryKind::Group, &name, "it is stated for the second time");
                }
            }
            Some(known) => {
                known.stated = Stated::Known;
                if known.mark != mark {
                    known.mark = mark;
                    self.compare_group(comparison, group).await?;
                }
            }
            None => {
                let known =
                    KnownGroup { name, origin: Origin::Imported, mark, members: None, stated: Stated::New };
                comparison.index.groups.insert(group.key().clone(), known);
                let directory = self.directory();
                comparison.ready.push(Change::AddGroup { directory, group, free_in: vec![] });
            }
        }
        if comparison.ready() >= count(self.batch()) {
            self.write_groups(comparison).await?;
        }
        Ok(())
    }

    /// Finds out what differs of a group; its spelling stays as it was (R124).
    async fn compare_group(&mut self, comparison: &mut Comparison, group: Group) -> Step<()> {
        let Some(kept) = self.records.kept_group(&group.name).await? else { return Ok(()) };
        let gone = kept.attributes.iter().filter(|(name, _)| group.attributes.values(name).is_empty());
        let gone = gone.map(|(name, _)| (name.to_owned(), Vec::new()));
        let stated = group.attributes.iter().filter(|(name, values)| kept.attributes.values(name) != *values);
        let stated = stated.map(|(name, values)| (name.to_owned(), values.to_vec()));
        let patch = GroupPatch {
            description: (kept.description != group.description).then(|| group.description.clone()),
            attributes: gone.chain(stated).collect(),
        };
        if patch != GroupPatch::default() {
            let directory = self.directory();
            comparison.ready.push(Change::UpdateGroup { directory, group: kept.name, patch });
        }
        Ok(())
    }

    /// Writes the groups that are ready.
    pub(super) async fn write_groups(&mut self, comparison: &mut Comparison) -> Step<()> {
        let ready = std::mem::take(&mut comparison.ready);
        let mut again = Vec::new();
        for refused in self.write(ready).await? {
            match refused {
                // The id is that of a group by its former name, which is not gone yet: groups are known by name here.
                Change::AddGroup { directory, group, free_in } => {
                    match ExternalId::of_name(group.key()).ok().filter(|id| *id != group.external_id) {
                        Some(external_id) => {
                            let group = Group { external_id, ..group };
                            again.push(Change::AddGroup { directory, group, free_in });
                        }
                        None => self.set_group_aside(comparison, &group),
                    }
                }
                Change::UpdateGroup { group, .. } => {
                    self.round.set_aside(EntryKind::Group, &group, "it changed meanwhile");
                }
                _ => {}
            }
        }
        for refused in self.write(again).await? {
            if let Change::AddGroup { group, .. } = refused {
                self.set_group_aside(comparison, &group);
            }
        }
        Ok(())
    }

    fn set_group_aside(&mut self, comparison: &mut Comparison, group: &Group) {
        self.round.set_aside(EntryKind::Group, &group.name, "a group of this name was made meanwhile");
        comparison.index.groups.remove(group.key());
    }
}
