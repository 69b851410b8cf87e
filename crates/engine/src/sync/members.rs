//! Comparing the direct members of groups.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use throng_core::change::{Change, OnCycle};
use throng_core::group::{Member, Origin};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::registry::Nesting;
use throng_core::sync::{EntryKind, Held, Imprint, Mark, MembersMark, Part, guard_members};

use super::beside::Touched;
use super::full::Comparison;
use super::index::{Index, Stated, count};
use super::names::Waiting;
use super::round::{Halt, Step, Work};
use super::write::membership;

/// Beyond so many members a group is compared as it is read, by imprints: it is never in memory as a whole.
const LARGE: usize = 20_000;
/// How many memberships may wait for a name. What is beyond follows with the next round.
const MOST_POSTPONED: usize = 200_000;

/// How many memberships of unknown members are looked at again.
const MOST_UNKNOWN: usize = 1_000;

/// What a round knows of memberships and has not written yet.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The group that is being read.
    current: Option<Current>,
    leaving: Vec<Change>,
    joining: Vec<Change>,
    nesting: Vec<Change>,
    marks: Vec<(GroupName, Mark)>,
    /// Groups that are not marked any more: not all that was stated of them could be written, or others changed them
    /// after they were read.
    unmarked: BTreeSet<Key>,
    /// Whether groups are marked at all.
    marking: Marking,
    /// Names that are stated and not given yet, with those by which the mirror still knows their users, if it does.
    wanted: HashMap<Imprint, Option<Username>>,
    /// Names that the mirror has for users who are stated under another.
    former: HashSet<Imprint>,
    /// Groups with such members, to be compared when everybody has a name.
    postponed: Vec<(GroupName, Vec<Member>)>,
    postponing: Postponing,
    /// Whether everybody in the mirror was stated, under the name that they have there.
    pub(super) everybody: Whole,
    /// Removals that are doubted, and why.
    pub(super) doubted: Vec<(GroupName, Vec<Member>, Held)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Marking {
    #[default]
    On,
    /// Others have changed who knows which.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Postponing {
    #[default]
    Allowed,
    Over,
}

/// A group whose members are being read.
#[derive(Debug)]
struct Current {
    group: GroupName,
    members: Vec<Member>,
    large: Option<Large>,
}

/// What is remembered of a large group while its members are read.
#[derive(Debug)]
struct Large {
    /// Those of the mirror, and whether they were stated.
    kept: HashMap<Imprint, Stated>,
    sum: MembersMark,
    whole: Whole,
}

/// Whether all of something is so: what was stated of a group's members can be kept, or those of the mirror were
/// stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Whole {
    Yes,
    #[default]
    No,
}

impl Members {
    /// Learns which names are not what they will be.
    pub(super) fn expect(&mut self, waiting: &[Waiting]) {
        self.wanted.clear();
        self.former.clear();
        for waiting in waiting {
            let wanted = Imprint::of_user(waiting.user().key());
            match waiting {
                Waiting::Newcomer(_) => self.wanted.insert(wanted, None),
                Waiting::Renamed { former, .. } => {
                    self.former.insert(Imprint::of_user(former.key()));
                    self.wanted.insert(wanted, Some(former.clone()))
                }
            };
        }
    }

    pub(super) fn join(&mut self, change: Change) {
        match &change {
            Change::AddMember { member: Member::Group(_), .. } => self.nesting.push(change),
            _ => self.joining.push(change),
        }
    }

    pub(super) fn leave(&mut self, change: Change) {
        self.leaving.push(change);
    }

    fn ready(&self) -> usize {
        self.leaving.len() + self.joining.len() + self.nesting.len() + self.marks.len()
    }
}

impl Work<'_> {
    /// Takes a part of a group's members.
    pub(super) async fn take_members(
        &mut self,
        comparison: &mut Comparison,
        group: GroupName,
        members: Vec<Member>,
        part: Part,
    ) -> Step<()> {
        self.round.counts.memberships_read += count(members.len());
        let mut current = match comparison.members.current.take() {
            Some(current) if current.group == group => current,
            Some(_) => return Err(Halt::failed("the source stated the members of two groups at once")),
            None => Current { group, members: Vec::new(), large: None },
        };
        current.members.extend(members);
        if current.members.len() > LARGE || current.large.is_some() {
            self.take_large(comparison, &mut current).await?;
        }
        match (part, current) {
            (Part::More, current) => comparison.members.current = Some(current),
            (Part::Last, Current { group, members, large: None }) => {
                self.compare_members(comparison, group, members).await?;
            }
            (Part::Last, Current { group, large: Some(large), .. }) => {
                self.end_large(comparison, group, large).await?;
            }
        }
        if comparison.members.ready() >= 2 * self.batch() {
            self.write_members(comparison).await?;
        }
        Ok(())
    }

    async fn compare_members(
        &mut self,
        comparison: &mut Comparison,
        group: GroupName,
        members: Vec<Member>,
    ) -> Step<()> {
        let Some(known) = comparison.index.groups.get(group.key()) else {
            self.round.set_aside(EntryKind::Membership, &group, "the group is not mirrored");
            return Ok(());
        };
        if known.origin == Origin::Local {
            return Ok(());
        }
        let (known_mark, is_new) = (known.members, known.stated == Stated::New);
        if known_mark.is_some_and(|known| comparison.has_same_members(known, &members)) {
            return Ok(());
        }
        let waits = |member: &Member| comparison.members.wanted.contains_key(&Imprint::of_member(member));
        if members.iter().any(waits) && self.postpone(comparison, &group, &members) {
            return Ok(());
        }
        let mut stated: BTreeMap<Imprint, Member> = BTreeMap::new();
        let mut whole = Whole::Yes;
        for member in &members {
            match self.present(comparison, &group, member.clone()) {
                Some(member) => drop(stated.insert(Imprint::of_member(&member), member)),
                None if self.counts(member) => whole = Whole::No,
                None => {}
            }
        }
        let mut sum = MembersMark::default();
        stated.keys().for_each(|member| sum.add_imprint(*member));
        if whole == Whole::Yes && known_mark == Some(sum.mark()) {
            return Ok(());
        }
        self.look_beside().await?;
        let kept = if is_new { Vec::new() } else { self.kept_members(&group).await? };
        let former = |member: &Member| comparison.members.former.contains(&Imprint::of_member(member));
        if kept.iter().any(former) && self.postpone(comparison, &group, &members) {
            return Ok(());
        }
        let kept_imprints: BTreeSet<Imprint> = kept.iter().map(Imprint::of_member).collect();
        let leaving: Vec<Member> = kept
            .iter()
            .filter(|member| !stated.contains_key(&Imprint::of_member(member)))
            .filter(|member| comparison.index.has_stated(member))
            .cloned()
            .collect();
        for (imprint, member) in stated {
            if !kept_imprints.contains(&imprint) {
                comparison.members.join(self.joining(&group, member));
            }
        }
        let left = self.let_leave(comparison, &group, count(kept.len()), leaving);
        if whole == Whole::Yes && left == Whole::Yes {
            comparison.members.marks.push((group, sum.mark()));
        }
        Ok(())
    }

    /// Keeps a group until everybody has a name; not when that was waited for already.
    fn postpone(&self, comparison: &mut Comparison, group: &GroupName, members: &[Member]) -> bool {
        let members_so_far: usize =
            comparison.members.postponed.iter().map(|(_, members)| members.len()).sum();
        let allowed = comparison.members.postponing == Postponing::Allowed
            && members_so_far + members.len() <= MOST_POSTPONED;
        if allowed {
            comparison.members.postponed.push((group.clone(), members.to_vec()));
        }
        allowed
    }

    /// Compares the groups that were kept until everybody has a name.
    pub(super) async fn take_postponed(&mut self, comparison: &mut Comparison) -> Step<()> {
        comparison.members.postponing = Postponing::Over;
        for (group, members) in std::mem::take(&mut comparison.members.postponed) {
            self.compare_members(comparison, group, members).await?;
        }
        Ok(())
    }

    /// Whether memberships of this kind are kept at all.
    fn counts(&self, member: &Member) -> bool {
        match member {
            Member::User(_) => true,
            // Groups in groups count nowhere in such a directory (R402).
            Member::Group(_) => self.settings.nesting == Nesting::Allowed,
        }
    }

    /// The member as the mirror knows it, or nothing if it knows none: then it is set aside (R629).
    fn present(&mut self, comparison: &Comparison, group: &GroupName, member: Member) -> Option<Member> {
        if !self.counts(&member) {
            return None;
        }
        let why = match &member {
            Member::User(name) => {
                let imprint = Imprint::of_user(name.key());
                if let Some(Some(former)) = comparison.members.wanted.get(&imprint) {
                    return Some(Member::User(former.clone()));
                }
                if comparison.index.names.contains(&imprint) {
                    return Some(member);
                }
                if self.unknown.len() < MOST_UNKNOWN {
                    self.unknown.push((group.clone(), member.clone()));
                }
                "the member is not mirrored"
            }
            Member::Group(name) if name == group => "the group would contain itself",
            Member::Group(name) => match comparison.index.groups.get(name.key()) {
                Some(known) if known.origin == Origin::Imported => return Some(member),
                Some(_) | None => "the member is not mirrored",
            },
        };
        self.round.set_aside(EntryKind::Membership, membership(&member, group), why);
        None
    }

    /// Lets somebody into a group who has the stated name by now, and is in it no more for that reason.
    pub(super) async fn join_late(
        &mut self,
        comparison: &mut Comparison,
        group: &GroupName,
        member: &Member,
    ) -> Step<()> {
        let Member::User(name) = member else { return Ok(()) };
        let known = self.records.store.user(self.directory(), name.key()).await?;
        let kept = self.records.kept_group(group).await?;
        if let (Some(user), Some(kept)) = (known, kept.filter(|group| group.origin == Origin::Imported)) {
            let member = Member::User(user.name);
            if !self.records.all_parents(&member).await?.contains(group) {
                comparison.members.join(self.joining(&kept.name, member));
            }
        }
        Ok(())
    }

    async fn kept_members(&self, group: &GroupName) -> Step<Vec<Member>> {
        let (mut members, mut request) = (Vec::new(), PageRequest::default());
        loop {
            let page = self.records.store.children(self.directory(), group.key(), &request).await?;
            members.extend(page.items);
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(members),
            }
        }
    }

    pub(super) fn joining(&self, group: &GroupName, member: Member) -> Change {
        Change::AddMember {
            directory: self.directory(),
            group: group.clone(),
            member,
            // A source may state a circle, and reading ends all the same (R410).
            cycle: OnCycle::Keep,
        }
    }

    pub(super) fn leaving(&self, group: &GroupName, member: Member) -> Change {
        Change::RemoveMember { directory: self.directory(), group: group.clone(), member }
    }

    /// Lets members leave a group, unless they are improbably many (T59).
    fn let_leave(
        &self,
        comparison: &mut Comparison,
        group: &GroupName,
        members: u64,
        leaving: Vec<Member>,
    ) -> Whole {
        match guard_members(members, count(leaving.len())) {
            Ok(()) => {
                let leaving = leaving.into_iter().map(|member| self.leaving(group, member));
                comparison.members.leaving.extend(leaving);
                Whole::Yes
            }
            Err(held) => {
                comparison.members.doubted.push((group.clone(), leaving, held));
                Whole::No
            }
        }
    }

    /// Compares what was read of a large group.
    async fn take_large(&mut self, comparison: &mut Comparison, current: &mut Current) -> Step<()> {
        let known = comparison.index.groups.get(current.group.key());
        let known = known.filter(|known| known.origin == Origin::Imported).map(|known| known.stated);
        self.look_beside().await?;
        let mut large = match (current.large.take(), known) {
            (Some(large), _) => large,
            (None, Some(Stated::New) | None) => {
                Large { kept: HashMap::new(), sum: MembersMark::default(), whole: Whole::Yes }
            }
            (None, Some(Stated::No | Stated::Known | Stated::Unreadable)) => Large {
                kept: self.kept_imprints(&current.group).await?,
                sum: MembersMark::default(),
                whole: Whole::Yes,
            },
        };
        for member in std::mem::take(&mut current.members) {
            if known.is_none() {
                continue;
            }
            let counts = self.counts(&member);
            let Some(member) = self.present(comparison, &current.group, member) else {
                if counts {
                    large.whole = Whole::No;
                }
                continue;
            };
            let imprint = Imprint::of_member(&member);
            match large.kept.insert(imprint, Stated::Known) {
                Some(Stated::No) => large.sum.add_imprint(imprint),
                Some(Stated::Known | Stated::New | Stated::Unreadable) => {}
                None => {
                    large.sum.add_imprint(imprint);
                    comparison.members.join(self.joining(&current.group, member));
                }
            }
            if comparison.members.ready() >= 2 * self.batch() {
                self.write_members(comparison).await?;
            }
        }
        current.large = Some(large);
        Ok(())
    }

    async fn end_large(&mut self, comparison: &mut Comparison, group: GroupName, large: Large) -> Step<()> {
        let Some(known) = comparison.index.groups.get(group.key()) else {
            self.round.set_aside(EntryKind::Membership, &group, "the group is not mirrored");
            return Ok(());
        };
        let same = large.whole == Whole::Yes && known.members == Some(large.sum.mark());
        if same || known.origin == Origin::Local {
            return Ok(());
        }
        self.write_members(comparison).await?;
        let (mut leaving, mut request) = (Vec::new(), PageRequest::default());
        let gone = |member: &Member| large.kept.get(&Imprint::of_member(member)) == Some(&Stated::No);
        loop {
            let page = self.records.store.children(self.directory(), group.key(), &request).await?;
            let members = page.items.into_iter().filter(&gone);
            leaving.extend(members.filter(|member| comparison.index.has_stated(member)));
            match page.next {
                Some(next) => request = request.after(next),
                None => break,
            }
        }
        let left = self.let_leave(comparison, &group, count(large.kept.len()), leaving);
        if large.whole == Whole::Yes && left == Whole::Yes {
            comparison.members.marks.push((group, large.sum.mark()));
        }
        Ok(())
    }

    async fn kept_imprints(&self, group: &GroupName) -> Step<HashMap<Imprint, Stated>> {
        let (mut kept, mut request) = (HashMap::new(), PageRequest::default());
        loop {
            let page = self.records.store.children(self.directory(), group.key(), &request).await?;
            kept.extend(page.items.iter().map(|member| (Imprint::of_member(member), Stated::No)));
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(kept),
            }
        }
    }

    /// Writes the memberships that are ready, and marks the groups of which all could be written.
    ///
    /// Changes of one kind follow one another, since a store writes those at once. A mark comes after what it is the
    /// mark of, and only where nobody else has changed the group since it was read: the store has forgotten its mark
    /// then, and must not have another that is not true.
    pub(super) async fn write_members(&mut self, comparison: &mut Comparison) -> Step<()> {
        let members = &mut comparison.members;
        let mut changes = std::mem::take(&mut members.leaving);
        changes.append(&mut members.joining);
        changes.append(&mut members.nesting);
        for refused in self.write(changes).await? {
            let (group, member) = match refused {
                Change::AddMember { group, member, .. } | Change::RemoveMember { group, member, .. } => {
                    (group, member)
                }
                _ => continue,
            };
            comparison.members.unmarked.insert(group.key().clone());
            self.round.set_aside(EntryKind::Membership, membership(&member, &group), "it changed meanwhile");
        }
        let directory = self.directory();
        let members = &mut comparison.members;
        let marks = std::mem::take(&mut members.marks);
        if marks.is_empty() {
            return Ok(());
        }
        match self.touched_beside().await? {
            Touched::These(groups) => members.unmarked.extend(groups),
            Touched::Any => members.marking = Marking::Off,
        }
        let marks = marks
            .into_iter()
            .filter(|(group, _)| members.marking == Marking::On && !members.unmarked.contains(group.key()))
            .map(|(group, mark)| Change::MarkMembers { directory, group, mark });
        // A group that was removed meanwhile needs none.
        self.write(marks.collect()).await?;
        Ok(())
    }
}

impl Comparison {
    /// Whether a group has the members that it has in the mirror, of which all were stated: most groups have not
    /// changed, and are not looked at any closer.
    ///
    /// A member that is stated twice makes another sum, and is found by looking closer.
    fn has_same_members(&self, known: Mark, members: &[Member]) -> bool {
        let mut sum = MembersMark::default();
        members.iter().for_each(|member| sum.add(member));
        self.members.everybody == Whole::Yes && self.members.wanted.is_empty() && sum.mark() == known
    }
}

impl Index {
    /// Whether everybody in the mirror, the source's users and groups, was stated under the name that they have there.
    pub(super) fn is_all_stated(&self) -> bool {
        let stated = |stated: Stated| match stated {
            Stated::Known | Stated::New => true,
            Stated::No | Stated::Unreadable => false,
        };
        self.names.len() == self.users.len()
            && self.users.values().all(|user| stated(user.stated))
            && self.groups.values().all(|group| group.origin == Origin::Local || stated(group.stated))
    }

    /// Whether a member of the mirror was stated under the name that it has there: only then it is known that its
    /// leaving a group is not a part of something larger.
    fn has_stated(&self, member: &Member) -> bool {
        match member {
            Member::User(name) => self.names.contains(&Imprint::of_user(name.key())),
            Member::Group(name) => {
                self.groups.get(name.key()).is_some_and(|known| known.stated != Stated::No)
            }
        }
    }
}
