//! The configuration file: what it says, checked before anything is done.

mod apply;
mod changes;
mod fault;
mod file;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use throng::client::{RemoteDirectory, RootCertificates, Writes};
use throng::core::consumer::Network;
use throng::core::id::Id;
use throng::core::name::GroupName;
use throng::core::plan::OnRefusal;
use throng::core::registry::Label;
use throng::core::sync::{Export, LocalGroups, MirrorWrites, MirroredSettings, Schedule};
use throng::core::time::Timestamp;
use throng::server::ServerConfig;
use throng::system::SystemEntropy;
use throng::{Access, MembershipScheme, Recovery};

pub(crate) use apply::{Made, MadeApplication, Step};
pub(crate) use changes::Changed;
pub(crate) use fault::{ConfigError, ConfigFault};

use crate::change::Silence;
use crate::password::{self, PasswordFault};

/// What the file comes to. Without a file, nothing but defaults.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The file itself, for faults that are found later.
    path: PathBuf,
    /// The database, seen from the folder of the file.
    pub(crate) database: Option<PathBuf>,
    /// Where to listen.
    pub(crate) listen: Option<SocketAddr>,
    /// How the server is set up.
    pub(crate) server: ServerConfig,
    directories: Vec<At<Label>>,
    mirrors: Vec<Mirror>,
    applications: Vec<Order>,
    recovery: Option<RecoveryPlace>,
}

/// A recovery administrator that the file switches on.
#[derive(Debug)]
struct RecoveryPlace {
    password_file: At<PathBuf>,
    name: Option<String>,
    until: Option<Timestamp>,
}

/// Something that the file says, and the line where.
#[derive(Debug, Clone)]
struct At<T> {
    line: usize,
    value: T,
}

/// A mirror and its source.
#[derive(Debug)]
struct Mirror {
    name: At<Label>,
    url: At<String>,
    application: String,
    password: At<PasswordPlace>,
    transport: Transport,
    certificates: Option<At<PathBuf>>,
    writes: Changes,
    schedule: Option<At<Schedule>>,
    export: Option<Export>,
}

/// Where the password of an application is kept: never in the file itself.
#[derive(Debug)]
enum PasswordPlace {
    Variable(String),
    File(PathBuf),
}

/// How a source is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// Over TLS, or on this machine.
    Private,
    /// In clear text, too.
    AnyHttp,
}

/// What may be changed in a mirror, as the file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Changes {
    #[default]
    Never,
    LocalGroups,
    Remote,
    /// At the source, with password hashes when users are moved to it.
    RemoteWithHashes,
}

/// An application and the order in which it asks.
#[derive(Debug)]
struct Order {
    name: At<Label>,
    order: Vec<At<Label>>,
    active: Option<bool>,
    memberships: Option<MembershipScheme>,
    administrators: Option<Vec<GroupName>>,
    addresses: Option<Vec<Network>>,
    seats: Vec<SeatSaid>,
}

/// What the file says about a directory in the order of an application.
#[derive(Debug)]
struct SeatSaid {
    directory: At<Label>,
    access: Option<Access>,
    login: Option<Silence>,
    authorise: Option<Silence>,
    lookup: Option<Silence>,
    refusal: Option<OnRefusal>,
}

impl Config {
    /// Reads a file.
    ///
    /// 1. What it says by itself is checked here, and each fault names its line: unknown keys, something named twice,
    ///    a password in the open, a schedule that names no moments.
    /// 2. What needs more is checked by [`Config::sources`] and [`Config::check`], and nothing is changed until
    ///    [`Checked::apply`](apply::Checked::apply).
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        file::read(path)
    }

    /// Whether the file switches a recovery administrator on.
    pub(crate) fn has_recovery(&self) -> bool {
        self.recovery.is_some()
    }

    /// The recovery administrator that the file switches on.
    pub(crate) fn recovery(&self) -> Result<Option<Recovery>, ConfigError> {
        let Some(RecoveryPlace { password_file, name, until }) = &self.recovery else { return Ok(None) };
        let secret = password::from_file(&password_file.value);
        let secret = secret.map_err(|fault| self.at(password_file.line, fault))?;
        let mut recovery = Recovery::new(secret);
        if let Some(name) = name {
            recovery = recovery.named(name.as_str());
        }
        Ok(Some(until.map_or(recovery.clone(), |until| recovery.until(until))))
    }

    /// Whether the file says where a mirror is fed from.
    pub(crate) fn has_source(&self, mirror: &Label) -> bool {
        self.mirrors.iter().any(|described| described.name.value.key() == mirror.key())
    }

    /// The sources of the mirrors, with the passwords that they are asked with. Sends nothing.
    pub(crate) fn sources(&self) -> Result<Vec<(Label, RemoteDirectory)>, ConfigError> {
        self.mirrors.iter().map(|mirror| Ok((mirror.name.value.clone(), self.source(mirror)?))).collect()
    }

    fn source(&self, mirror: &Mirror) -> Result<RemoteDirectory, ConfigError> {
        let secret = match &mirror.password.value {
            PasswordPlace::Variable(name) => password::from_variable(name),
            PasswordPlace::File(path) => password::from_file(path),
        };
        let secret = secret.map_err(|fault: PasswordFault| self.at(mirror.password.line, fault))?;
        // The adapter's own id is of no account for a mirror, which has one of its own.
        let id = Id::random(&SystemEntropy);
        let mut builder =
            RemoteDirectory::builder(id, mirror.url.value.as_str(), mirror.application.as_str(), secret);
        builder = match mirror.writes {
            Changes::Never | Changes::LocalGroups => builder.writes(Writes::Never),
            Changes::Remote => builder.writes(Writes::Allowed),
            Changes::RemoteWithHashes => builder.writes(Writes::AllowedWithHashes),
        };
        builder = match mirror.transport {
            Transport::Private => builder,
            Transport::AnyHttp => builder.allow_plain_http(),
        };
        if let Some(At { line, value }) = &mirror.certificates {
            let pem = std::fs::read(value).map_err(|error| self.at(*line, ConfigFault::Unreadable(error)))?;
            builder = builder.trust(RootCertificates::from_pem(&pem).map_err(|error| self.at(*line, error))?);
        }
        builder.build().map_err(|error| self.at(mirror.url.line, error))
    }

    fn at(&self, line: usize, fault: impl Into<ConfigFault>) -> ConfigError {
        ConfigError { path: self.path.clone(), line: Some(line), fault: Box::new(fault.into()) }
    }
}

impl Mirror {
    /// These settings with what the file says about them; what it does not speak of stays.
    fn over(&self, settings: &MirroredSettings) -> MirroredSettings {
        let (writes, local_groups) = match self.writes {
            Changes::Never => (MirrorWrites::Never, LocalGroups::Off),
            Changes::LocalGroups => (MirrorWrites::Never, LocalGroups::On),
            Changes::Remote | Changes::RemoteWithHashes => (MirrorWrites::Through, LocalGroups::Off),
        };
        let schedule = self.schedule.as_ref().map_or(&settings.schedule, |schedule| &schedule.value);
        MirroredSettings {
            writes,
            local_groups,
            schedule: schedule.clone(),
            export: self.export.unwrap_or(settings.export),
            ..settings.clone()
        }
    }
}

/// Groups without those that are named again, however they are spelled.
pub(crate) fn distinct(groups: Vec<GroupName>) -> Vec<GroupName> {
    let mut named = BTreeSet::new();
    groups.into_iter().filter(|group| named.insert(group.key().clone())).collect()
}

/// Reads a moment as RFC 3339 writes it.
pub(crate) fn moment_of(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(moment.as_microsecond()))
}

/// Reads a span of time such as `90s`, `15m`, `2h` or `7d`.
pub(crate) fn span_of(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number =
        text.strip_suffix(unit).filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()))?;
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}
