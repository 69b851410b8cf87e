//! A little world for the tests of this crate.
#![allow(dead_code, reason = "each test file uses a part of it")]

use throng_core::attribute::Attributes;
use throng_core::change::{Applied, Change, ChangeSet, OnCycle};
use throng_core::error::Fault;
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Username};
use throng_core::permission::Permissions;
use throng_core::registry::{DirectoryKind, DirectoryRecord, InternalSettings, Label};
use throng_core::store::Records;
use throng_core::time::Timestamp;
use throng_core::user::{Profile, User};
use throng_store_sql::SqliteStore;

pub(crate) fn directory(number: u8) -> DirectoryId {
    DirectoryId::from_bytes([number; 16])
}

pub(crate) fn put_directory(number: u8) -> Change {
    Change::PutDirectory(DirectoryRecord {
        id: directory(number),
        name: Label::new(format!("directory {number}")).unwrap(),
        active: true,
        permissions: Permissions::ALL,
        kind: DirectoryKind::Internal(InternalSettings::default()),
    })
}

pub(crate) fn user(name: &str) -> User {
    User {
        external_id: ExternalId::new(format!("id-{name}")).unwrap(),
        name: Username::new(name).unwrap(),
        profile: Profile {
            display_name: format!("The {name}"),
            email: format!("{name}@Example.com"),
            ..Profile::default()
        },
        active: true,
        attributes: Attributes::new(),
    }
}

pub(crate) fn add_user(number: u8, user: User) -> Change {
    Change::AddUser { directory: directory(number), user, free_in: Vec::new(), credential: None }
}

pub(crate) fn add_group(number: u8, name: &str) -> Change {
    Change::AddGroup {
        directory: directory(number),
        group: Group {
            external_id: ExternalId::new(format!("id-{name}")).unwrap(),
            name: GroupName::new(name).unwrap(),
            description: String::new(),
            origin: Origin::Local,
            attributes: Attributes::new(),
        },
        free_in: Vec::new(),
    }
}

pub(crate) fn add_member(number: u8, group: &str, member: Member) -> Change {
    Change::AddMember {
        directory: directory(number),
        group: GroupName::new(group).unwrap(),
        member,
        cycle: OnCycle::Refuse,
    }
}

pub(crate) fn user_in(name: &str) -> Member {
    Member::User(Username::new(name).unwrap())
}

pub(crate) fn group_in(name: &str) -> Member {
    Member::Group(GroupName::new(name).unwrap())
}

pub(crate) fn set(changes: Vec<Change>) -> ChangeSet {
    ChangeSet::new(Timestamp::from_micros(1_700_000_000_000_007), changes)
}

pub(crate) async fn apply(store: &SqliteStore, changes: Vec<Change>) -> Result<Applied, Fault> {
    store.apply(&set(changes)).await.map_err(|error| error.fault())
}
