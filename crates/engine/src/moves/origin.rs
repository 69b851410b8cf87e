//! Where users come from: whom it holds, what belongs to them, and what becomes of it there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use throng_core::filter::Filter;
use throng_core::group::{Group, Member};
use throng_core::id::{DirectoryId, ExternalId, Subject};
use throng_core::import::{GroupRow, UserRow};
use throng_core::member::{Closure, Limits};
use throng_core::moves::{Belongings, GivenPassword, MoveId, Source};
use throng_core::name::{GroupName, Key, Username};
use throng_core::password::{Credential, CredentialState, EncodedHash};
use throng_core::registry::DirectoryKind;
use throng_core::time::Timestamp;
use throng_core::user::User;
use throng_passwords::scheme::StoredHash;

use super::plan::Obstacle;
use super::reader::Reader;
use super::request::{MoveSource, Selection};
use crate::config::Config;
use crate::directory::{Mount, Stored, Via};
use crate::error::{Error, Invalid};
use crate::import::{Row, RowFault};
use crate::throng::Throng;

/// Where users come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// A directory of ours.
    Directory { mount: Mount, reader: Reader },
    /// A file.
    File(Rows),
}

/// The rows of a file as accounts.
#[derive(Debug)]
pub(super) struct Rows {
    label: String,
    /// Stands for the file where a directory is asked for; no directory has it.
    directory: DirectoryId,
    users: Vec<Belongings>,
    groups: BTreeMap<Key, (GroupName, String, Vec<GroupName>)>,
}

/// What becomes of an account at the source once it has been moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It is removed: it can be put back as it was.
    Gone,
    /// It stays, because nobody here could put it back with its password.
    Stays,
}

impl Origin {
    pub(super) fn of(throng: &Throng, config: &Config, source: &MoveSource) -> Result<Self, Error> {
        match source {
            MoveSource::Directory(id) => Self::directory(throng, config, *id),
            MoveSource::File { label, users, groups } => {
                Rows::read(throng, label, users, groups).map(Self::File)
            }
        }
    }

    pub(super) fn directory(throng: &Throng, config: &Config, id: DirectoryId) -> Result<Self, Error> {
        let mount = config.mount(id).cloned().ok_or_else(|| Error::not_found("directory"))?;
        let reader = Reader::new(throng.open(id)?, throng.0.deadline);
        Ok(Self::Directory { mount, reader })
    }

    pub(super) fn id(&self) -> DirectoryId {
        match self {
            Self::Directory { mount, .. } => mount.record.id,
            Self::File(rows) => rows.directory,
        }
    }

    pub(super) fn source(&self) -> Source {
        match self {
            Self::Directory { mount, .. } => Source::Directory(mount.record.id),
            Self::File(rows) => Source::File(rows.label.clone()),
        }
    }

    pub(super) fn mount(&self) -> Option<&Mount> {
        match self {
            Self::Directory { mount, .. } => Some(mount),
            Self::File(_) => None,
        }
    }

    pub(super) fn afterwards(&self) -> Afterwards {
        match self {
            Self::Directory { mount, .. } => afterwards(mount),
            Self::File(_) => Afterwards::Stays,
        }
    }

    /// Whether the source goes on to open accounts that were moved, where it is asked before the target.
    pub(super) fn goes_on(&self) -> bool {
        let Self::Directory { mount, .. } = self else { return false };
        self.afterwards() == Afterwards::Stays || mount.stored().is_some_and(Stored::creates_at_login)
    }

    /// The users that are meant, in the order of their names, and what was asked for and is not there.
    pub(super) async fn selected(&self, selection: &Selection) -> Result<(Vec<User>, Vec<Obstacle>), Error> {
        let mut missing = Vec::new();
        let mut users: BTreeMap<Key, User> = BTreeMap::new();
        let mut add = |user: User| drop(users.insert(user.key().clone(), user));
        match selection {
            Selection::Everybody => self.matching(&Filter::everything()).await?.into_iter().for_each(add),
            Selection::Matching { filter, .. } => self.matching(filter).await?.into_iter().for_each(add),
            Selection::Users(names) => {
                for name in names {
                    match self.user(&Username::new(name)?).await? {
                        Some(user) => add(user),
                        None => missing.push(Obstacle::NoSuchUser(name.clone())),
                    }
                }
            }
            Selection::Groups(names) => {
                for name in names {
                    match self.users_in(&GroupName::new(name)?).await? {
                        Some(found) => found.into_iter().for_each(&mut add),
                        None => missing.push(Obstacle::NoSuchGroup(name.clone())),
                    }
                }
            }
        }
        Ok((users.into_values().collect(), missing))
    }

    async fn matching(&self, filter: &Filter) -> Result<Vec<User>, Error> {
        match self {
            Self::Directory { reader, .. } => reader.users(filter).await,
            Self::File(rows) => {
                let users = rows.users.iter().map(|belongings| &belongings.user);
                Ok(users.filter(|user| filter.matches_user(user)).cloned().collect())
            }
        }
    }

    async fn user(&self, name: &Username) -> Result<Option<User>, Error> {
        match self {
            Self::Directory { reader, .. } => reader.user(name).await,
            Self::File(rows) => Ok(rows.named(name.key()).map(|belongings| belongings.user.clone())),
        }
    }

    /// The users in a group and in the groups inside it; none when there is no such group.
    async fn users_in(&self, group: &GroupName) -> Result<Option<Vec<User>>, Error> {
        let reader = match self {
            Self::Directory { reader, .. } => reader,
            Self::File(rows) => return Ok(rows.users_in(group)),
        };
        if reader.group(group).await?.is_none() {
            return Ok(None);
        }
        let limits = Limits::default();
        let mut closure = Closure::from([group.clone()], limits)?;
        let mut names = BTreeSet::new();
        while let Some(next) = closure.next_to_follow() {
            let mut inside = Vec::new();
            for member in reader.members(&next).await? {
                match member {
                    Member::User(name) => drop(names.insert(name)),
                    Member::Group(name) => inside.push(name),
                }
            }
            closure.hear(&next, inside)?;
        }
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            users.extend(reader.user(&name).await?);
        }
        Ok(Some(users))
    }

    /// Everything that belongs to an account, as it is now; `None` when it has gone.
    pub(super) async fn belongings(
        &self,
        throng: &Throng,
        id: &ExternalId,
        name: &Username,
    ) -> Result<Option<Belongings>, Error> {
        match self {
            Self::Directory { mount, reader } => {
                let subject = Subject { directory: mount.record.id, external_id: id.clone() };
                if mount.stored().is_some() {
                    return Ok(throng.0.store.belongings(&subject).await?);
                }
                let Some(user) = reader.user(name).await?.filter(|user| user.external_id == *id) else {
                    return Ok(None);
                };
                let groups = reader.parents(&Member::User(user.name.clone())).await?;
                let claims = throng.claims_on(&subject, user.key()).await?;
                Ok(Some(Belongings { groups, claims, ..Belongings::of(user) }))
            }
            Self::File(rows) => Ok(rows.named(name.key()).cloned()),
        }
    }

    /// What is given of a password.
    pub(super) fn given(&self, belongings: &Belongings) -> GivenPassword {
        match self {
            Self::Directory { mount, .. } => match &mount.via {
                Via::Internal(_) => given(belongings.credential.as_ref()),
                Via::Delegated(_) | Via::Mirrored(_) | Via::Live(_) => GivenPassword::Checked,
                Via::Detached => GivenPassword::Withheld,
            },
            Self::File(_) => given(belongings.credential.as_ref()),
        }
    }

    /// A group as it is at the source.
    pub(super) async fn group(&self, name: &GroupName) -> Result<Option<Group>, Error> {
        match self {
            Self::Directory { reader, .. } => reader.group(name).await,
            Self::File(rows) => Ok(rows.groups.get(name.key()).and_then(|(name, description, _)| {
                let external_id = ExternalId::of_name(name.key()).ok()?;
                Some(Group { description: description.clone(), ..Group::imported(external_id, name.clone()) })
            })),
        }
    }

    /// The groups that directly hold a group.
    pub(super) async fn parents(&self, group: &GroupName) -> Result<Vec<GroupName>, Error> {
        match self {
            Self::Directory { reader, .. } => reader.parents(&Member::Group(group.clone())).await,
            Self::File(rows) => {
                Ok(rows.groups.get(group.key()).map(|(_, _, parents)| parents.clone()).unwrap_or_default())
            }
        }
    }
}

/// What becomes of an account of a directory once it has been moved.
pub(super) fn afterwards(mount: &Mount) -> Afterwards {
    match mount.record.kind {
        DirectoryKind::Internal(_) | DirectoryKind::Delegated(_) => Afterwards::Gone,
        DirectoryKind::Mirrored(_) | DirectoryKind::Live => Afterwards::Stays,
    }
}

/// What a kept password gives.
pub(super) fn given(credential: Option<&Credential>) -> GivenPassword {
    match credential.map(|credential| &credential.hash) {
        None | Some(CredentialState::Absent) => GivenPassword::None,
        Some(CredentialState::Usable(hash) | CredentialState::Quarantined(hash)) => {
            match StoredHash::parse(hash) {
                Ok(parsed) if parsed.strength().is_weak() => GivenPassword::Weak,
                Ok(_) => GivenPassword::Strong,
                Err(why) => GivenPassword::Unknown(why.to_string()),
            }
        }
    }
}

impl Rows {
    fn read(throng: &Throng, label: &str, users: &[UserRow], groups: &[GroupRow]) -> Result<Self, Error> {
        let now = throng.0.clock.now();
        let mut rows = Self {
            label: label.to_owned(),
            directory: throng.draw(),
            users: Vec::with_capacity(users.len()),
            groups: BTreeMap::new(),
        };
        let mut lines: BTreeMap<Key, u64> = BTreeMap::new();
        for row in groups {
            let name = row.gives(GroupName::new(&row.name))?;
            let mut parents = Vec::new();
            for parent in &row.parents {
                parents.push(row.gives(GroupName::new(parent))?);
            }
            if let Some(by) = lines.insert(name.key().clone(), row.line) {
                return Err(row.fault(RowFault::NameTaken { by: Some(by) }));
            }
            rows.groups.insert(name.key().clone(), (name, row.description.clone(), parents));
        }
        let mut lines: BTreeMap<Key, u64> = BTreeMap::new();
        for row in users {
            let belongings = account(row, now)?;
            if let Some(by) = lines.insert(belongings.user.key().clone(), row.line) {
                return Err(row.fault(RowFault::NameTaken { by: Some(by) }));
            }
            for group in &belongings.groups {
                let known = (group.clone(), String::new(), Vec::new());
                rows.groups.entry(group.key().clone()).or_insert(known);
            }
            rows.users.push(belongings);
        }
        rows.users.sort_by(|one, other| one.user.key().cmp(other.user.key()));
        Ok(rows)
    }

    fn named(&self, key: &Key) -> Option<&Belongings> {
        let place = self.users.binary_search_by(|belongings| belongings.user.key().cmp(key)).ok()?;
        self.users.get(place)
    }

    fn users_in(&self, group: &GroupName) -> Option<Vec<User>> {
        self.groups.get(group.key())?;
        let mut inside: BTreeSet<&Key> = BTreeSet::from([group.key()]);
        loop {
            let before = inside.len();
            for (key, (_, _, parents)) in &self.groups {
                if parents.iter().any(|parent| inside.contains(parent.key())) {
                    inside.insert(key);
                }
            }
            if inside.len() == before {
                break;
            }
        }
        let is_inside =
            |belongings: &&Belongings| belongings.groups.iter().any(|group| inside.contains(group.key()));
        Some(self.users.iter().filter(is_inside).map(|belongings| belongings.user.clone()).collect())
    }
}

/// The account that a row describes.
fn account(row: &UserRow, now: Timestamp) -> Result<Belongings, Error> {
    let name = row.gives(Username::new(&row.name))?;
    let external_id = ExternalId::of_name(name.key()).map_err(|_| Error::Invalid(Invalid::Text("name")))?;
    let user = User { profile: row.profile.clone(), active: row.active, ..User::named(external_id, name) };
    let mut groups = BTreeMap::new();
    for group in &row.groups {
        let group = row.gives(GroupName::new(group))?;
        groups.entry(group.key().clone()).or_insert(group);
    }
    // One that is longer than any concerns this user alone: what is kept says so, and opens nothing.
    let kept = |text: &str| {
        EncodedHash::new(text)
            .or_else(|_| EncodedHash::new(format!("a hash of {} bytes, not kept", text.len())))
    };
    let hash =
        row.gives(row.password_hash.as_deref().filter(|text| !text.is_empty()).map(kept).transpose())?;
    let credential = hash.map(|hash| Credential {
        hash: CredentialState::Usable(hash),
        history: vec![],
        changed_at: now,
        failed_attempts: 0,
        must_change: false,
    });
    Ok(Belongings { credential, groups: groups.into_values().collect(), ..Belongings::of(user) })
}

/// Where the entries of a journal come from: the same directory again, or the journal itself for a file.
pub(super) async fn origin_of(
    throng: &Throng,
    config: &Arc<Config>,
    id: MoveId,
    source: &Source,
) -> Result<Origin, Error> {
    let label = match source {
        Source::Directory(directory) => return Origin::directory(throng, config, *directory),
        Source::File(label) => label.clone(),
    };
    let (mut users, mut from, mut directory) = (Vec::new(), 0, throng.draw());
    loop {
        let entries = throng.0.store.move_entries(id, from, PAGE).await?;
        let Some(last) = entries.last() else { break };
        from = last.position + 1;
        directory = last.subject.directory;
        users.extend(entries.into_iter().filter_map(|entry| entry.before.map(|before| *before)));
    }
    users.sort_by(|one, other| one.user.key().cmp(other.user.key()));
    Ok(Origin::File(Rows { label, directory, users, groups: BTreeMap::new() }))
}

/// How many entries are read at once.
pub(super) const PAGE: usize = 500;
