//! What the entries are about, and who is a member of what.

use std::collections::HashMap;

use throng_core::import::{GroupRow, UserRow};
use throng_core::name::Key;
use throng_core::user::Profile;

use super::dn::Dn;
use super::entry::{Value, View};
use super::{Ldif, LdifDoubt, LdifDoubtKind, LdifError, LdifFault, LdifOptions, Limits};
use crate::hash;

/// What is read of an entry, beside the attributes that hold names.
pub(super) const ATTRIBUTES: [&str; 15] = [
    "objectClass",
    "uid",
    "cn",
    "displayName",
    "givenName",
    "sn",
    "mail",
    "description",
    "userPassword",
    "pwdAccountLockedTime",
    "userAccountControl",
    "nsAccountLock",
    "member",
    "uniqueMember",
    "memberUid",
];

const USERS: [&str; 7] =
    ["person", "organizationalPerson", "inetOrgPerson", "account", "posixAccount", "inetUser", "user"];

/// What has the classes of a user and is none.
const NO_USERS: [&str; 2] = ["computer", "contact"];

const GROUPS: [&str; 5] = ["groupOfNames", "groupOfUniqueNames", "groupOfMembers", "posixGroup", "group"];

/// The bit of `userAccountControl` that disables the account.
const DISABLED: i64 = 2;

/// The rows so far.
#[derive(Debug)]
pub(super) struct Tree<'o> {
    options: &'o LdifOptions,
    limits: Limits,
    ldif: Ldif,
    /// By the names of entries.
    entries: Names<Node>,
    /// By `uid`.
    uids: Names<Owner>,
    members: Vec<Membership>,
}

/// What an entry became.
#[derive(Debug, Clone, Copy, Default)]
enum Node {
    /// It was not read, or not yet.
    #[default]
    Mentioned,
    Other(u64),
    User(u64, usize),
    Group(u64, usize),
}

/// Who has a `uid`.
#[derive(Debug, Clone, Copy, Default)]
enum Owner {
    #[default]
    Nobody,
    User(usize),
    Several,
}

/// A member as its group names it; whoever that is may come later.
#[derive(Debug)]
struct Membership {
    line: u64,
    group: usize,
    member: Member,
}

#[derive(Debug, Clone, Copy)]
enum Member {
    Entry(usize),
    Uid(usize),
}

/// Each name once, with what is known about it.
#[derive(Debug, Default)]
struct Names<T> {
    numbers: HashMap<String, usize>,
    known: Vec<T>,
}

impl<T: Default> Names<T> {
    fn number(&mut self, name: String) -> usize {
        let known = &mut self.known;
        *self.numbers.entry(name).or_insert_with(|| {
            known.push(T::default());
            known.len() - 1
        })
    }

    fn known(&mut self, name: String) -> Option<&mut T> {
        let number = self.number(name);
        self.known.get_mut(number)
    }
}

impl<'o> Tree<'o> {
    pub(super) fn new(options: &'o LdifOptions, limits: Limits) -> Self {
        let (entries, uids) = (Names::default(), Names::default());
        Self { options, limits, ldif: Ldif::default(), entries, uids, members: Vec::new() }
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, entry: View<'_>) -> Result<(), LdifError> {
        let is_user = entry.is_a(&USERS)? && !entry.is_a(&NO_USERS)?;
        let is_group = entry.is_a(&GROUPS)?;
        if is_user && is_group {
            self.doubt(entry.line(), LdifDoubtKind::TwoKinds);
        }
        let line = entry.line();
        let node = match (is_user, is_group) {
            (_, true) => self.group(entry)?.map(|group| Node::Group(line, group)),
            (true, false) => self.user(entry)?.map(|user| Node::User(line, user)),
            (false, false) => {
                self.ldif.others += 1;
                None
            }
        };
        if let Some(known) = self.entries.known(entry.dn().to_owned()) {
            match *known {
                Node::Mentioned => *known = node.unwrap_or(Node::Other(line)),
                Node::Other(first) | Node::User(first, _) | Node::Group(first, _) => {
                    return Err(LdifFault::DuplicateDn { first }.at(line));
                }
            }
        }
        Ok(())
    }

    /// The rows, once all entries are there.
    pub(super) fn finish(mut self) -> Ldif {
        for Membership { line, group, member } in std::mem::take(&mut self.members) {
            let (user, subgroup) = match member {
                Member::Entry(entry) => match self.entries.known.get(entry) {
                    Some(Node::User(_, user)) => (Some(*user), None),
                    Some(Node::Group(_, subgroup)) => (None, Some(*subgroup)),
                    _ => (None, None),
                },
                Member::Uid(uid) => match self.uids.known.get(uid) {
                    Some(Owner::User(user)) => (Some(*user), None),
                    Some(Owner::Several) => {
                        self.doubt(line, LdifDoubtKind::MemberAmbiguous);
                        continue;
                    }
                    _ => (None, None),
                },
            };
            let Some(name) = self.ldif.groups.get(group).map(|group| group.name.clone()) else { continue };
            let user = user.and_then(|user| self.ldif.users.get_mut(user)).map(|user| &mut user.groups);
            let subgroup = subgroup.and_then(|group| self.ldif.groups.get_mut(group));
            match user.or(subgroup.map(|group| &mut group.parents)) {
                // The members of a group stand together: whatever said this before said it last.
                Some(groups) if groups.last() == Some(&name) => {}
                Some(groups) => groups.push(name),
                None => self.doubt(line, LdifDoubtKind::MemberNowhere),
            }
        }
        self.ldif.doubts.sort_by_key(|doubt| doubt.line);
        self.ldif
    }

    /// Makes a row of a user, and says which; none without a name.
    fn user(&mut self, entry: View<'_>) -> Result<Option<usize>, LdifError> {
        let names = self.options.user_names.iter().map(String::as_str);
        let Some(name) = entry.first_text(names)? else {
            self.doubt(entry.line(), LdifDoubtKind::Unnamed);
            return Ok(None);
        };
        let text = |attribute| Ok(entry.text(attribute)?.unwrap_or_default().to_owned());
        let row = UserRow {
            line: entry.line(),
            name: name.to_owned(),
            profile: Profile {
                display_name: entry.first_text(["displayName", "cn"])?.unwrap_or_default().to_owned(),
                first_name: text("givenName")?,
                last_name: text("sn")?,
                email: text("mail")?,
            },
            active: is_active(entry)?,
            groups: Vec::new(),
            password_hash: self.password(entry),
        };
        let user = self.ldif.users.len();
        self.ldif.users.push(row);
        for uid in entry.texts("uid")? {
            if let Some(owner) = self.uids.known(Key::of(uid).as_str().to_owned()) {
                *owner = match owner {
                    Owner::Nobody => Owner::User(user),
                    Owner::User(other) if *other == user => Owner::User(user),
                    Owner::User(_) | Owner::Several => Owner::Several,
                };
            }
        }
        Ok(Some(user))
    }

    /// Makes a row of a group, and says which; none without a name.
    fn group(&mut self, entry: View<'_>) -> Result<Option<usize>, LdifError> {
        let names = self.options.group_names.iter().map(String::as_str);
        let Some(name) = entry.first_text(names)? else {
            self.doubt(entry.line(), LdifDoubtKind::Unnamed);
            return Ok(None);
        };
        let group = self.ldif.groups.len();
        self.ldif.groups.push(GroupRow {
            line: entry.line(),
            name: name.to_owned(),
            description: entry.text("description")?.unwrap_or_default().to_owned(),
            parents: Vec::new(),
        });
        for value in entry.all("member").chain(entry.all("uniqueMember")) {
            if value.is_cut() {
                self.doubt(value.line, LdifDoubtKind::MembersCut);
            }
            match Dn::parse(without_number(value.text()?)) {
                Some(dn) => {
                    let entry = self.entries.number(dn.into_key());
                    self.member(value.line, group, Member::Entry(entry))?;
                }
                None => self.doubt(value.line, LdifDoubtKind::MemberNowhere),
            }
        }
        for value in entry.all("memberUid") {
            let uid = self.uids.number(Key::of(value.text()?).as_str().to_owned());
            self.member(value.line, group, Member::Uid(uid))?;
        }
        Ok(Some(group))
    }

    fn member(&mut self, line: u64, group: usize, member: Member) -> Result<(), LdifError> {
        if self.members.len() == self.limits.members {
            return Err(LdifFault::TooManyMembers.at(line));
        }
        self.members.push(Membership { line, group, member });
        Ok(())
    }

    fn password(&mut self, entry: View<'_>) -> Option<String> {
        let mut hashed = None;
        for value in entry.all("userPassword") {
            let hash = value.text().ok().and_then(hash::from_ldap);
            if hash.is_none() && !value.bytes.is_empty() {
                self.doubt(value.line, LdifDoubtKind::PasswordNotHashed);
            }
            hashed = hashed.or(hash);
        }
        hashed
    }

    fn doubt(&mut self, line: u64, kind: LdifDoubtKind) {
        if self.ldif.doubts.len() < self.limits.doubts {
            self.ldif.doubts.push(LdifDoubt { line, kind });
        } else {
            self.ldif.unlisted_doubts += 1;
        }
    }
}

impl Value {
    /// Whether more members are at the server: `member;range=0-1499`, where the last part would say `1500-*`.
    fn is_cut(&self) -> bool {
        let option = self.option.as_deref().map(str::to_ascii_lowercase).unwrap_or_default();
        option
            .split(';')
            .filter_map(|option| option.strip_prefix("range="))
            .any(|range| !range.ends_with("-*"))
    }
}

/// Whether the account may log in. What locks an account after wrong guesses counts as well, since the file does not
/// say for how long.
fn is_active(entry: View<'_>) -> Result<bool, LdifError> {
    for value in entry.all("userAccountControl") {
        let bits: i64 = value
            .text()?
            .trim()
            .parse()
            .map_err(|_| LdifFault::BadValue("userAccountControl").at(value.line))?;
        if bits & DISABLED != 0 {
            return Ok(false);
        }
    }
    for value in entry.all("nsAccountLock") {
        match value.text()?.trim() {
            text if text.eq_ignore_ascii_case("true") => return Ok(false),
            text if text.eq_ignore_ascii_case("false") => {}
            _ => return Err(LdifFault::BadValue("nsAccountLock").at(value.line)),
        }
    }
    Ok(entry.all("pwdAccountLockedTime").next().is_none())
}

/// A name without the number that may follow it in `uniqueMember` (RFC 4517 §3.3.21).
fn without_number(text: &str) -> &str {
    let is_number = |bits: &str| {
        let bits = bits.strip_prefix('\'').and_then(|bits| bits.strip_suffix("'B"));
        bits.is_some_and(|bits| bits.bytes().all(|bit| matches!(bit, b'0' | b'1')))
    };
    text.rsplit_once('#').filter(|(_, bits)| is_number(bits)).map_or(text, |(name, _)| name)
}
