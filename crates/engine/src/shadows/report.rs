use std::fmt;

use serde::Serialize;
use throng_core::id::{DirectoryId, IdentityId, Subject};
use throng_core::name::{Key, Username};
use throng_core::time::Timestamp;

use super::reader::Holder;
use crate::application::NameState;
use crate::config::InUse;

/// One thing that a shadow report tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A name that several directories hold.
    Name(SharedName),
    /// An e-mail address that several directories hold, as it is compared.
    Email(SharedValue),
    /// An external id that several directories hold: perhaps one source is read twice.
    ExternalId(SharedValue),
    /// Names that are easily taken for each other.
    Confusable(Confusable),
}

/// A name that several directories hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedName {
    /// The name, as it is compared.
    pub name: Key,
    /// Who holds it: in the order of the application, or of the directories' names.
    pub holders: Vec<HeldBy>,
    /// Who wins in the application, and who is shadowed; as [`Application::explain`](crate::Application::explain) says.
    pub state: Option<NameState>,
    /// Who would have the name if the account that the order selects now were gone.
    pub surfaces: Option<Surfaces>,
    /// The claim on the name in the application.
    pub claim: Option<ClaimedFor>,
}

/// Who would have a name if the account that the order selects now were gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Surfaces {
    /// Nobody. There is nobody to be gone, or nobody below.
    Nobody,
    /// The account for which the name is claimed: it gets its own back.
    TheOwner(Subject),
    /// An account that would have the name at once: nobody claims it, or the plan's rules let the order decide.
    AtOnce(Subject),
    /// An account that would have nothing of it until an administrator adopts it (T02).
    OnceAdopted(Subject),
    /// It cannot be said while these directories are silent.
    CannotBeSaid(Vec<DirectoryId>),
}

/// For whom a name is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimedFor {
    /// The owner.
    pub subject: Subject,
    /// What the host's content refers to.
    pub identity: IdentityId,
    /// When the owner was deleted, if it was.
    pub tombstoned_at: Option<Timestamp>,
}

/// A value that several directories hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedValue {
    /// The value.
    pub value: String,
    /// How many accounts have it.
    pub count: u64,
    /// The accounts, by directory; of very many the first.
    pub holders: Vec<HeldBy>,
}

/// Names that are easily taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusable {
    /// How many names look so.
    pub count: u64,
    /// The names, in order; of very many the first.
    pub names: Vec<LookAlike>,
}

/// One of several names that are easily taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookAlike {
    /// The name, as it is compared.
    pub name: Key,
    /// Who holds it.
    pub holders: Vec<HeldBy>,
}

/// An account in a shadow report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBy {
    /// The place of the directory in the application's order, counted from 1.
    pub rank: Option<usize>,
    /// The directory's name.
    pub label: String,
    /// The account.
    pub subject: Subject,
    /// How the name is spelled there.
    pub spelling: Username,
    /// Whether the account may log in.
    pub active: bool,
}

/// What was read for a shadow report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Scan {
    /// The application whose order it was, if it was one's.
    pub application: Option<String>,
    /// Accounts that were looked at.
    pub users: u64,
    /// Directories of which something is missing.
    pub unlisted: Vec<Unlisted>,
}

/// A directory of which a shadow report misses something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlisted {
    /// The directory.
    pub directory: DirectoryId,
    /// Its name.
    pub label: String,
    /// Why.
    pub why: Unlistable,
}

/// Why a directory could not be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlistable {
    /// It did not answer, or not to the end.
    Silent,
    /// Its answers contradict each other.
    Broken,
    /// The host has not attached its adapter.
    NotAttached,
    /// It is a mirror that was never complete.
    NeverComplete,
}

/// What several directories hold alike. `Display` is for operators.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ShadowReport {
    /// What was read for it.
    pub scan: Scan,
    /// Names that several directories hold, in order.
    pub names: Vec<SharedName>,
    /// E-mail addresses that several directories hold, in order.
    pub emails: Vec<SharedValue>,
    /// External ids that several directories hold, in order.
    pub external_ids: Vec<SharedValue>,
    /// Names that are easily taken for each other, in the order of the first of them.
    pub confusable: Vec<Confusable>,
}

impl HeldBy {
    pub(super) fn of(holder: &Holder) -> Self {
        let (place, user) = (&holder.place, &holder.user);
        Self {
            rank: place.rank,
            label: place.record.name.to_string(),
            subject: Subject { directory: place.record.id, external_id: user.external_id.clone() },
            spelling: user.name.clone(),
            active: user.active,
        }
    }
}

impl ShadowReport {
    pub(super) fn add(&mut self, finding: Finding) {
        match finding {
            Finding::Name(name) => self.names.push(name),
            Finding::Email(value) => self.emails.push(value),
            Finding::ExternalId(value) => self.external_ids.push(value),
            Finding::Confusable(names) => self.confusable.push(names),
        }
    }

    pub(super) fn sort(&mut self) {
        self.names.sort_by(|a, b| a.name.cmp(&b.name));
        for values in [&mut self.emails, &mut self.external_ids] {
            values.sort_by(|a, b| a.value.cmp(&b.value));
        }
        let names = |confusable: &Confusable| -> Vec<Key> {
            confusable.names.iter().map(|held| held.name.clone()).collect()
        };
        self.confusable.sort_by_cached_key(names);
    }
}

impl ShadowReport {
    /// Whether nothing was found, in whatever could be listed.
    pub fn is_empty(&self) -> bool {
        let Self { scan: _, names, emails, external_ids, confusable } = self;
        names.is_empty() && emails.is_empty() && external_ids.is_empty() && confusable.is_empty()
    }
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.scan, f)?;
        for name in &self.names {
            writeln!(f, "{name}")?;
        }
        for value in &self.emails {
            writeln!(f, "e-mail address {value}")?;
        }
        for value in &self.external_ids {
            writeln!(f, "external id {value}")?;
        }
        for names in &self.confusable {
            writeln!(f, "{names}")?;
        }
        if self.is_empty() {
            writeln!(f, "no shadows")?;
        }
        Ok(())
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.application {
            Some(application) => writeln!(f, "{} accounts seen by {application:?}", self.users)?,
            None => writeln!(f, "{} accounts in all directories", self.users)?,
        }
        for unlisted in &self.unlisted {
            writeln!(f, "  missing: {:?}, {}", unlisted.label, unlisted.why)?;
        }
        Ok(())
    }
}

impl Scan {
    pub(super) fn of(app: Option<&InUse>) -> Self {
        Self { application: app.map(|app| app.record.name.to_string()), ..Self::default() }
    }

    /// Adds directories of which something was missing in a further reading only.
    pub(super) fn also_unlisted(&mut self, unlisted: Vec<Unlisted>) {
        for more in unlisted {
            if self.unlisted.iter().all(|known| known.directory != more.directory) {
                self.unlisted.push(more);
            }
        }
    }
}

impl fmt::Display for Unlistable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "which is silent",
            Self::Broken => "which contradicts itself",
            Self::NotAttached => "whose adapter is not attached",
            Self::NeverComplete => "a mirror that was never complete",
        })
    }
}

impl fmt::Display for SharedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "name {:?}", self.name)?;
        listed(f, &self.holders)?;
        let label = |subject: &Subject| label_of(&self.holders, subject.directory);
        match &self.state {
            Some(NameState::Means { subject, shadowed }) => {
                let shadowed: Vec<String> = shadowed.iter().map(label).collect();
                write!(
                    f,
                    "\n  => means the account in {}; shadowed: {}",
                    label(subject),
                    shadowed.join(", ")
                )?;
            }
            Some(NameState::OwnershipChanged { owner, tombstoned_at, found }) => {
                write!(f, "\n  => belongs to an account in {}", label(owner))?;
                if let Some(at) = tombstoned_at {
                    write!(f, " that was deleted at {at}")?;
                }
                write!(f, "; the one in {} must be adopted first", label(found))?;
            }
            Some(NameState::Unknown) => write!(f, "\n  => nobody")?,
            Some(NameState::Undecided { silent }) => {
                write!(f, "\n  => cannot be said while {} directories are silent", silent.len())?;
            }
            None => {}
        }
        match &self.surfaces {
            Some(Surfaces::Nobody) | None => Ok(()),
            Some(Surfaces::TheOwner(next)) => write!(f, "\n  were it gone: its owner in {}", label(next)),
            Some(Surfaces::AtOnce(next)) => {
                write!(f, "\n  were it gone: the account in {}, at once", label(next))
            }
            Some(Surfaces::OnceAdopted(next)) => {
                write!(f, "\n  were it gone: the account in {}, once it is adopted", label(next))
            }
            Some(Surfaces::CannotBeSaid(silent)) => {
                write!(f, "\n  were it gone: cannot be said while {} directories are silent", silent.len())
            }
        }
    }
}

impl fmt::Display for SharedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} accounts)", self.value, self.count)?;
        listed(f, &self.holders)
    }
}

impl fmt::Display for Confusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "easily confused ({} names)", self.count)?;
        self.names.iter().try_for_each(|name| listed(f, &name.holders))
    }
}

fn listed(f: &mut fmt::Formatter<'_>, holders: &[HeldBy]) -> fmt::Result {
    for held in holders {
        write!(f, "\n  ")?;
        if let Some(rank) = held.rank {
            write!(f, "{rank}. ")?;
        }
        let inactive = if held.active { "" } else { ", inactive" };
        // Letters that look alike are told apart by their numbers.
        let spelling = held.spelling.as_str();
        let escaped =
            if spelling.is_ascii() { String::new() } else { format!(" ({})", spelling.escape_unicode()) };
        write!(f, "{}: as {:?}{escaped}{inactive}", held.label.escape_debug(), held.spelling)?;
    }
    Ok(())
}

fn label_of(holders: &[HeldBy], directory: DirectoryId) -> String {
    let held = holders.iter().find(|held| held.subject.directory == directory);
    held.map_or_else(|| "a directory that does not hold it".to_owned(), |held| format!("{:?}", held.label))
}
