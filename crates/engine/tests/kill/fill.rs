//! Who is there before the move.

use throng_core::attribute::Attributes;
use throng_core::change::{Change, ChangeSet, OnCycle};
use throng_core::claim::Claim;
use throng_core::directory::{Directory, GroupPatch};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId, Id, Subject};
use throng_core::name::{GroupName, Username};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::store::Records;
use throng_core::user::{Profile, User};

use super::{House, Kind, START, group, member, name, own_id};

impl House {
    /// A number below `limit` that the seed decides for somebody and something.
    fn drawn(&self, number: usize, what: u64, limit: usize) -> usize {
        let mut mixed = self.size.seed ^ (u64::try_from(number).unwrap() << 20) ^ (what << 50);
        for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
        }
        usize::try_from((mixed >> 33) % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(super) fn is_active(&self, number: usize) -> bool {
        self.drawn(number, 1, 8) > 0
    }

    /// Whether the target has somebody of the name, who becomes one with the user.
    fn is_linked(&self, number: usize) -> bool {
        number % 6 == 5
    }

    fn groups_of(&self, number: usize) -> Vec<GroupName> {
        let count = self.drawn(number, 2, 3);
        // Each group has somebody, so that all of them go along.
        let first = number % self.size.groups;
        let mut numbers: Vec<usize> =
            (0..count).map(|at| self.drawn(number + at * 1_000, 3, self.size.groups)).collect();
        numbers.push(first);
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(group).collect()
    }

    fn user(&self, number: usize) -> User {
        let profile = Profile { email: format!("{number}@example.org"), ..Profile::default() };
        let mut attributes = Attributes::new();
        if self.drawn(number, 4, 3) == 0 {
            attributes.set("phone".to_owned(), vec![number.to_string(), "0".to_owned()]).unwrap();
        }
        let active = self.is_active(number);
        User { profile, active, attributes, ..User::named(own_id(number), name(number)) }
    }

    fn group_attributes(&self, number: usize) -> Vec<(String, Vec<String>)> {
        match self.drawn(number, 5, 3) {
            0 => vec![("room".to_owned(), vec![number.to_string()])],
            _ => vec![],
        }
    }

    pub(super) async fn fill(&self) {
        for number in 0..self.size.users {
            self.verifier.put(name(number).as_str(), self.password(number)).unwrap();
        }
        let mut changes = Vec::new();
        match self.kind {
            Kind::RemoteToInternal => self.fill_far(),
            Kind::InternalToInternal | Kind::InternalToDelegated | Kind::InternalToRemote => {
                self.fill_stored(&mut changes);
            }
        }
        self.put_namesakes(&mut changes);
        for number in 0..self.size.users {
            let subject = Subject { directory: self.source, external_id: own_id(number) };
            changes.push(Change::MakeClaim(Claim {
                application: self.application,
                key: name(number).key().clone(),
                identity: Id::from_bytes(u128::try_from(number + 1).unwrap().to_be_bytes()),
                subject,
                tombstoned_at: None,
                made_at: START,
            }));
        }
        self.memory.apply(&ChangeSet::new(START, changes)).await.unwrap();
    }

    fn fill_far(&self) {
        for number in 0..self.size.groups {
            let made = self.far.put_group(group(number).as_str(), &description(number)).unwrap();
            let attributes = self.group_attributes(number);
            self.far.change_group(&made.name, &GroupPatch { description: None, attributes }).unwrap();
        }
        for number in 1..self.size.groups {
            let above = group(self.drawn(number, 6, number));
            self.far.put_member(&above, &Member::Group(group(number))).unwrap();
        }
        for number in 0..self.size.users {
            self.far.put_user(self.user(number)).unwrap();
            self.far.put_password(&own_id(number), self.password(number));
            for group in self.groups_of(number) {
                self.far.put_member(&group, &member(number)).unwrap();
            }
        }
    }

    fn fill_stored(&self, changes: &mut Vec<Change>) {
        let directory = self.source;
        for number in 0..self.size.groups {
            let mut attributes = Attributes::new();
            for (name, values) in self.group_attributes(number) {
                attributes.set(name, values).unwrap();
            }
            changes.push(adding_group(directory, &group(number), &description(number), attributes));
        }
        for number in 1..self.size.groups {
            let above = group(self.drawn(number, 6, number));
            changes.push(adding_member(directory, above, Member::Group(group(number))));
        }
        for number in 0..self.size.users {
            let user = self.user(number);
            let credential = Some(Credential {
                hash: CredentialState::Usable(EncodedHash::new(self.hash_of(number).1).unwrap()),
                history: vec![],
                changed_at: START,
                failed_attempts: 0,
                must_change: false,
            });
            changes.push(Change::AddUser { directory, user, free_in: vec![], credential });
            for group in self.groups_of(number) {
                changes.push(adding_member(directory, group, member(number)));
            }
            let subject = Subject { directory, external_id: own_id(number) };
            if self.drawn(number, 7, 3) == 0 {
                changes.push(Change::SetAlias {
                    application: self.application,
                    subject: subject.clone(),
                    alias: Username::new(format!("alias{number}")).unwrap(),
                    free_in: vec![],
                });
            }
            // The later login of two who become one stays when they part.
            if self.drawn(number, 8, 2) == 0 && !self.is_linked(number) {
                changes.push(Change::NoteLogin { subject, at: START });
            }
        }
    }

    /// Puts those into the target who become one with users of the source.
    fn put_namesakes(&self, changes: &mut Vec<Change>) {
        let own = GroupName::new("here before").unwrap();
        let directory = self.target;
        let is_far = directory == self.far.id();
        if is_far {
            self.far.put_group(own.as_str(), "").unwrap();
        } else {
            changes.push(adding_group(directory, &own, "", Attributes::new()));
        }
        for number in (0..self.size.users).filter(|&number| self.is_linked(number)) {
            let profile = Profile { display_name: "from here".to_owned(), ..Profile::default() };
            let id = ExternalId::new(format!("here{number}")).unwrap();
            let active = self.is_active(number);
            let user = User { profile, active, ..User::named(id.clone(), name(number)) };
            if is_far {
                self.far.put_user(user).unwrap();
                self.far.put_password(&id, self.password(number));
                self.far.put_member(&own, &member(number)).unwrap();
            } else {
                changes.push(Change::AddUser { directory, user, free_in: vec![], credential: None });
                changes.push(adding_member(directory, own.clone(), member(number)));
            }
        }
    }
}

fn description(number: usize) -> String {
    format!("the {number}th")
}

fn adding_group(
    directory: DirectoryId,
    name: &GroupName,
    description: &str,
    attributes: Attributes,
) -> Change {
    let group = Group {
        external_id: ExternalId::new(format!("g {name}")).unwrap(),
        name: name.clone(),
        description: description.to_owned(),
        origin: Origin::Local,
        attributes,
    };
    Change::AddGroup { directory, group, free_in: vec![] }
}

fn adding_member(directory: DirectoryId, group: GroupName, member: Member) -> Change {
    Change::AddMember { directory, group, member, cycle: OnCycle::Refuse }
}
