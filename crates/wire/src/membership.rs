//! The dump of all memberships. It is XML in every case: JSON has no form of it.

use crate::document::Limits;
use crate::error::DocumentError;
use crate::node::Fields;
use crate::xml::{Pull, Step, escape};

const ROOT: &str = "memberships";
const MEMBERSHIP: &str = "membership";

/// The direct members of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The name of the group.
    pub group: String,
    /// Names of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// Some of the direct members of one group. The parts of a group follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipPart {
    /// The members that the part has.
    pub members: Membership,
    /// Whether more parts of this group follow.
    pub part: Part,
}

/// Whether more parts follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// More of the same group follow.
    More,
    /// It is the last one of its group.
    Last,
}

/// Reads a dump piece by piece.
///
/// 1. [`MembershipReader::feed`] gives the parts that the pieces so far complete; it makes no difference where pieces
///    end. A part has at most [`MembershipReader::MAX_PART`] members, and a group without members has one empty part.
/// 2. Memory is bounded by one part, by [`Limits::entry_bytes`] and by the piece; dump and groups may be of any size.
/// 3. Only [`MembershipReader::finish`] proves that nothing is missing: until then, what was given is not the whole
///    dump, and a group that had no [`Part::Last`] is not whole.
/// 4. After an error, the reader repeats it.
#[derive(Debug)]
pub struct MembershipReader {
    pull: Pull,
    fault: Option<DocumentError>,
    open: OpenPart,
}

/// A part that is being read.
#[derive(Debug, Default)]
struct OpenPart {
    members: Membership,
    /// Bytes of the names of members.
    bytes: usize,
    /// Nothing when it is something that is not known, which is passed over.
    inside: Option<Kind>,
}

/// What members are being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Users,
    Groups,
}

/// Writes a dump piece by piece: [`MembershipWriter::begin`], [`MembershipWriter::part`] for each, and
/// [`MembershipWriter::end`].
///
/// Of a group, all users come before all groups.
#[derive(Debug, Default)]
pub struct MembershipWriter {
    /// The group whose parts are not over, and whether its users are.
    open: Option<(String, bool)>,
}

/// A part follows another one that it cannot follow: it is of another group before the last part of the one before, or
/// it has users after groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of a membership is out of order")]
pub struct PartOutOfOrder;

impl Membership {
    fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }

    /// Takes what is there and leaves none of the same group.
    fn split(&mut self) -> Self {
        let next = Self { group: self.group.clone(), ..Self::default() };
        std::mem::replace(self, next)
    }
}

impl MembershipReader {
    /// Most members of a part.
    pub const MAX_PART: usize = 1_000;
    /// Most bytes of names in a part that has more than one member: what a thousand usual names have, tenfold.
    pub const MAX_PART_BYTES: usize = 256 << 10;

    /// Nothing read yet.
    pub fn new(limits: Limits) -> Self {
        Self { pull: Pull::new(3, limits), fault: None, open: OpenPart::default() }
    }

    /// Takes the next piece and gives the parts that are whole now.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<MembershipPart>, DocumentError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Self { pull, fault, open } = self;
        let mut parts = Vec::new();
        pull.feed(bytes, |step| {
            parts.extend(open.take(step)?);
            Ok(())
        })
        .map(|()| parts)
        .inspect_err(|error| *fault = Some(*error))
    }

    /// Proves that the dump was read whole.
    pub fn finish(self) -> Result<(), DocumentError> {
        self.fault.map_or_else(|| self.pull.finish(), Err)
    }
}

impl OpenPart {
    /// Takes a step, and gives the part that is whole with it.
    fn take(&mut self, step: Step) -> Result<Option<MembershipPart>, DocumentError> {
        match step {
            Step::Opened { depth: 1, name, .. } if &*name != ROOT => Err(DocumentError::Root(ROOT)),
            Step::Opened { depth: 2, name, mut attributes } => {
                if &*name != MEMBERSHIP {
                    return Err(DocumentError::Invalid(ROOT));
                }
                let group = attributes.required_text(&["group"])?;
                *self = Self { members: Membership { group, ..Membership::default() }, ..Self::default() };
                Ok(None)
            }
            Step::Opened { depth: 3, name, .. } => {
                self.inside = match &*name {
                    "users" => Some(Kind::Users),
                    "groups" => Some(Kind::Groups),
                    _ => None,
                };
                Ok(None)
            }
            Step::Entry(name, fields) => match self.inside {
                Some(kind) => Ok(self.push(kind, kind.member(&name, fields)?)),
                None => Ok(None),
            },
            Step::Closed { depth: 2 } => {
                let members = std::mem::take(&mut self.members);
                Ok(Some(MembershipPart { members, part: Part::Last }))
            }
            Step::Opened { .. } | Step::Closed { .. } => Ok(None),
        }
    }

    /// Takes a member, and gives the members before when the part has no room.
    fn push(&mut self, kind: Kind, name: String) -> Option<MembershipPart> {
        self.bytes += name.len();
        let is_full =
            self.members.len() == MembershipReader::MAX_PART || self.bytes > MembershipReader::MAX_PART_BYTES;
        let mut full = None;
        if is_full && self.members.len() > 0 {
            full = Some(MembershipPart { members: self.members.split(), part: Part::More });
            self.bytes = name.len();
        }
        match kind {
            Kind::Users => self.members.users.push(name),
            Kind::Groups => self.members.groups.push(name),
        }
        full
    }
}

impl Kind {
    /// The name of a member. Anything else among members is refused: a member that is passed over would seem gone.
    fn member(self, element: &str, mut fields: Fields) -> Result<String, DocumentError> {
        let (list, item) = match self {
            Self::Users => ("users", "user"),
            Self::Groups => ("groups", "group"),
        };
        if element != item {
            return Err(DocumentError::Invalid(list));
        }
        fields.required_text(&["name"])
    }
}

impl MembershipWriter {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands before the first group.
    pub fn begin(&self) -> String {
        format!("{}<{ROOT}>", escape::DECLARATION)
    }

    /// The next part.
    pub fn part(&mut self, part: &MembershipPart) -> Result<String, PartOutOfOrder> {
        let MembershipPart { members: Membership { group, users, groups }, part } = part;
        let mut out = String::new();
        let mut users_over = match self.open.take() {
            Some((open, users_over)) if open == *group => users_over,
            Some(_) => return Err(PartOutOfOrder),
            None => {
                out.push_str("<membership group=\"");
                escape::attribute(&mut out, group);
                out.push_str("\"><users>");
                false
            }
        };
        if users_over && !users.is_empty() {
            return Err(PartOutOfOrder);
        }
        put_names(&mut out, "user", users);
        if !users_over && (!groups.is_empty() || *part == Part::Last) {
            out.push_str("</users><groups>");
            users_over = true;
        }
        put_names(&mut out, "group", groups);
        match part {
            Part::More => self.open = Some((group.clone(), users_over)),
            Part::Last => out.push_str("</groups></membership>"),
        }
        Ok(out)
    }

    /// What stands after the last group.
    pub fn end(self) -> Result<String, PartOutOfOrder> {
        match self.open {
            Some(_) => Err(PartOutOfOrder),
            None => Ok(format!("</{ROOT}>")),
        }
    }
}

fn put_names(out: &mut String, element: &str, names: &[String]) {
    for name in names {
        out.push('<');
        out.push_str(element);
        out.push_str(" name=\"");
        escape::attribute(out, name);
        out.push_str("\"></");
        out.push_str(element);
        out.push('>');
    }
}
