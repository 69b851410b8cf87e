//! A source in memory, of any size.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use throng::core::attribute::Attributes;
use throng::core::directory::{Credence, Directory, Powers};
use throng::core::error::{DirectoryError, Fault};
use throng::core::filter::Filter;
use throng::core::group::{Group, Member, Origin};
use throng::core::id::{DirectoryId, ExternalId};
use throng::core::name::{GroupName, Username};
use throng::core::page::{Page, PageRequest};
use throng::core::secret::Secret;
use throng::core::sync::{Batch, Completeness, Cursor, Item, Next, Part, Position, Pull, SyncSource};
use throng::core::user::{Profile, User};

/// How much a source states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) groups: usize,
    /// Of each group.
    pub(crate) members: usize,
}

impl Size {
    pub(crate) fn of(shape: &str, scale: &str) -> Result<Self, Box<dyn StdError>> {
        let company = Self { users: 100_000, groups: 10_000, members: 100 };
        let crowd = Self { users: 1_000_000, groups: 10, members: 100 };
        let everybody = Self { users: 1_000_000, groups: 1, members: 1_000_000 };
        let size = match shape {
            "company" => company,
            "crowd" => crowd,
            "everybody" => everybody,
            _ => return Err("no such shape".into()),
        };
        Ok(match scale {
            "quick" => Self {
                users: size.users / 10,
                groups: size.groups.div_ceil(10),
                members: if size.members == size.users { size.members / 10 } else { size.members },
            },
            _ => size,
        })
    }

    pub(crate) fn memberships(self) -> usize {
        self.groups * self.members
    }

    /// Which user a member of a group is: far apart, and another for each.
    pub(crate) fn member(self, group: usize, member: usize) -> usize {
        let apart = (self.users / self.members).saturating_sub(9).max(1);
        (group * 7_919 + member * apart) % self.users
    }

    /// How many users a small change concerns.
    pub(crate) fn hundredth(self) -> usize {
        self.users / 100
    }
}

/// The user of a number, as it is after so many changes.
pub(crate) fn user(n: usize, changes: usize) -> User {
    let name = Username::new(format!("user{n:07}")).expect("letters and digits are a name");
    User {
        external_id: ExternalId::new(format!("id{n:07}")).expect("letters and digits are an id"),
        profile: Profile {
            display_name: format!("User {n}, {changes} times changed"),
            first_name: format!("First {}", n % 1_000),
            last_name: format!("Last {}", n % 10_000),
            email: format!("user{n:07}@example.com"),
        },
        name,
        active: true,
        attributes: Attributes::new(),
    }
}

fn group_name(n: usize) -> GroupName {
    GroupName::new(format!("group{n:05}")).expect("letters and digits are a name")
}

pub(crate) fn group(n: usize) -> Group {
    let name = group_name(n);
    Group {
        external_id: ExternalId::of_name(name.key()).expect("letters and digits are an id"),
        description: format!("Group {n}"),
        origin: Origin::Imported,
        attributes: Attributes::new(),
        name,
    }
}

/// What is stated next: of which kind, and from where on.
type Place = (char, usize);

/// A source in memory that makes up what it states while it is read.
#[derive(Debug)]
pub(crate) struct Invented {
    pub(crate) size: Size,
    /// How often a hundredth of the users changed, and one membership of each moved, there and back.
    pub(crate) changes: AtomicUsize,
}

impl Invented {
    pub(crate) fn new(size: Size) -> Arc<Self> {
        Arc::new(Self { size, changes: AtomicUsize::new(0) })
    }

    fn full(&self, position: Option<&Position>) -> Option<(Vec<Item>, Option<Place>)> {
        let (phase, start) = match position {
            None => ('u', 0),
            Some(position) => {
                let (phase, start) = position.as_str().split_at(1);
                (phase.chars().next()?, start.parse().ok()?)
            }
        };
        let Size { users, groups, members } = self.size;
        let part = |all: usize, weight: usize| start..all.min(start + Batch::MAX_WEIGHT / weight);
        let after = |part: &std::ops::Range<usize>, all: usize, next: Option<Place>| {
            if part.end < all { Some((phase, part.end)) } else { next }
        };
        match phase {
            'u' => {
                let part = part(users, 1);
                let next = after(&part, users, Some(('g', 0)));
                Some((part.map(|n| Item::User(user(n, 0))).collect(), next))
            }
            'g' => {
                let part = part(groups, 1);
                let next = after(&part, groups, Some(('m', 0)));
                Some((part.map(|n| Item::Group(group(n))).collect(), next))
            }
            // Memberships are counted through.
            _ => {
                let whole = members.min(MOST_MEMBERS);
                let part = part(groups * members / whole, whole);
                let next = after(&part, groups * members / whole, None);
                Some((part.map(|n| self.members(n * whole, whole)).collect(), next))
            }
        }
    }

    fn members(&self, from: usize, count: usize) -> Item {
        let Size { members, .. } = self.size;
        let (group, first) = (from / members, from % members);
        let stated = first..first + count;
        Item::Members {
            group: group_name(group),
            part: if stated.end == members { Part::Last } else { Part::More },
            members: stated.map(|n| Member::User(user_name(self.size.member(group, n)))).collect(),
        }
    }

    /// Where a user who changes goes, and from where.
    fn change(&self, n: usize, changes: usize) -> [Item; 3] {
        let moved = self.size.member(n, 0);
        let (here, there) = (group_name(n), group_name(n + 1));
        let (from, to) = if changes.is_multiple_of(2) { (there, here) } else { (here, there) };
        let member = Member::User(user_name(moved));
        [Item::User(user(moved, changes)), Item::Left(from, member.clone()), Item::Joined(to, member)]
    }
}

/// Most members that the source states at once of one group.
const MOST_MEMBERS: usize = 1_000;

fn user_name(n: usize) -> Username {
    Username::new(format!("user{n:07}")).expect("letters and digits are a name")
}

#[async_trait]
impl SyncSource for Invented {
    async fn pull(&self, pull: Pull<'_>, position: Option<&Position>) -> Result<Batch, DirectoryError> {
        let unknown = || DirectoryError::new(Fault::Unavailable, "position");
        let mark = |text: String| Position::new(text).map_err(|_| unknown());
        let cursor = position.is_none().then(|| Cursor::new("now")).transpose().map_err(|_| unknown())?;
        match pull {
            Pull::Full => {
                let (items, next) = self.full(position).ok_or_else(unknown)?;
                let next = match next {
                    Some((phase, start)) => Next::More(mark(format!("{phase}{start}"))?),
                    None => Next::End(Completeness::Proven),
                };
                Ok(Batch { items, cursor, next })
            }
            Pull::Since(_) => {
                let changes = self.changes.load(Ordering::Relaxed);
                let start = position.map_or(Some(0), |position| position.as_str().parse().ok());
                let start: usize = start.ok_or_else(unknown)?;
                let end = self.size.hundredth().min(start + Batch::MAX_WEIGHT / 3);
                let items = (start..end).flat_map(|n| self.change(n, changes)).collect();
                let next = if end < self.size.hundredth() {
                    Next::More(mark(end.to_string())?)
                } else {
                    Next::End(Completeness::Proven)
                };
                Ok(Batch { items, cursor, next })
            }
        }
    }
}

/// Nobody asks it anything but what it states.
#[async_trait]
impl Directory for Invented {
    fn id(&self) -> DirectoryId {
        DirectoryId::from_bytes([9; 16])
    }

    async fn user(&self, _: &Username) -> Result<Option<User>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "user"))
    }

    async fn group(&self, _: &GroupName) -> Result<Option<Group>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "group"))
    }

    async fn find_users(&self, _: &Filter, _: &PageRequest) -> Result<Page<User>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "users"))
    }

    async fn find_groups(&self, _: &Filter, _: &PageRequest) -> Result<Page<Group>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "groups"))
    }

    async fn parents_of(&self, _: &Member, _: &PageRequest) -> Result<Page<GroupName>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "groups"))
    }

    async fn children_of(&self, _: &GroupName, _: &PageRequest) -> Result<Page<Member>, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "members"))
    }

    async fn authenticate(&self, _: &Username, _: &Secret) -> Result<Credence, DirectoryError> {
        Err(DirectoryError::new(Fault::Unavailable, "user"))
    }

    fn powers(&self) -> Powers<'_> {
        Powers { sync: Some(self), ..Powers::NONE }
    }
}
