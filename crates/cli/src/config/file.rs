//! The file as it is written, and its way from text to a [`Config`].

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use throng::core::consumer::Network;
use throng::core::name::{GroupName, Key};
use throng::core::plan::{InvalidPlan, OnRefusal};
use throng::core::registry::Label;
use throng::core::sync::{Export, Schedule};
use throng::server::{Cookie, CookieTransport, Hashes, ServerConfig};
use throng::sync::check_schedule;
use throng::{Access, MembershipScheme, Plan};
use toml::Spanned;

use super::{
    At, Changes, Config, ConfigError, ConfigFault, Mirror, Order, PasswordPlace, RecoveryPlace, SeatSaid,
    Transport, distinct, moment_of, span_of,
};

/// Longest configuration: nobody keeps more than some lines for each directory.
const MOST_BYTES: u64 = 1 << 20;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    database: Option<PathBuf>,
    listen: Option<SocketAddr>,
    #[serde(default)]
    server: WrittenServer,
    #[serde(default)]
    directory: Vec<WrittenDirectory>,
    #[serde(default)]
    mirror: Vec<WrittenMirror>,
    #[serde(default)]
    application: Vec<WrittenApplication>,
    recovery: Option<WrittenRecovery>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct WrittenServer {
    base_url: Option<String>,
    trusted_proxies: Vec<Network>,
    request_timeout: Option<Spanned<String>>,
    connections: Option<usize>,
    requests: Option<usize>,
    requests_per_application: Option<usize>,
    hashes: Option<WrittenHashes>,
    cookie: WrittenCookie,
}

/// Whether users may be made with a password hash, as the file says it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenHashes {
    Refused,
    Taken,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct WrittenCookie {
    name: Option<String>,
    domain: Option<String>,
    secure: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDirectory {
    name: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenMirror {
    name: Spanned<String>,
    url: Spanned<String>,
    application: String,
    /// Refused by a fault of its own, and without reading it.
    password: Option<Spanned<IgnoredAny>>,
    password_env: Option<Spanned<String>>,
    password_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    allow_plain_http: bool,
    certificates: Option<Spanned<PathBuf>>,
    #[serde(default)]
    writes: Changes,
    interval: Option<Spanned<String>>,
    cron: Option<Spanned<String>>,
    hand_on: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenApplication {
    name: Spanned<String>,
    order: Vec<Spanned<String>>,
    active: Option<bool>,
    memberships: Option<MembershipScheme>,
    administrators: Option<Vec<Spanned<String>>>,
    addresses: Option<Vec<Network>>,
    #[serde(default)]
    seat: Vec<WrittenSeat>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSeat {
    directory: Spanned<String>,
    everyone: Option<Spanned<bool>>,
    groups: Option<Spanned<Vec<Spanned<String>>>>,
    login: Option<Spanned<String>>,
    authorise: Option<Spanned<String>>,
    lookup: Option<Spanned<String>>,
    refusal: Option<OnRefusal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenRecovery {
    password_file: Spanned<PathBuf>,
    name: Option<String>,
    until: Option<Spanned<String>>,
}

/// Reads a file and checks what it says by itself.
pub(super) fn read(path: &Path) -> Result<Config, ConfigError> {
    let whole = |fault| ConfigError { path: path.into(), line: None, fault: Box::new(fault) };
    let mut text = String::new();
    let file = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    file.map_err(|error| whole(ConfigFault::Unreadable(error)))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(whole(ConfigFault::TooLong(MOST_BYTES)));
    }
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let written: Written = toml::from_str(text).map_err(|error| ConfigError {
        path: path.into(),
        line: error.span().map(|span| line_of(text, &span)),
        // Its `Display` would show the line, which may hold a password.
        fault: Box::new(ConfigFault::Syntax(error.message().to_owned())),
    })?;
    let reading = Reading { path, text };
    let mut named = BTreeSet::new();
    let mut new_directory = |name: Spanned<String>| {
        let name = reading.label(name)?;
        if named.insert(name.value.key()) {
            Ok(name)
        } else {
            Err(reading.fault(name.line, ConfigFault::DirectoryTwice(name.value.to_string())))
        }
    };
    let directories = written.directory.into_iter().map(|directory| new_directory(directory.name));
    let directories = directories.collect::<Result<_, _>>()?;
    let mut mirrors = Vec::new();
    for mirror in written.mirror {
        mirrors.push(reading.mirror(mirror, &mut new_directory)?);
    }
    Ok(Config {
        path: path.into(),
        database: written.database.map(|database| reading.beside(&database)),
        listen: written.listen,
        server: reading.server(written.server)?,
        directories,
        mirrors,
        applications: reading.applications(written.application)?,
        recovery: written.recovery.map(|recovery| reading.recovery(recovery)).transpose()?,
    })
}

/// The file while it is read.
struct Reading<'f> {
    path: &'f Path,
    text: &'f str,
}

impl Reading<'_> {
    fn fault(&self, line: usize, fault: impl Into<ConfigFault>) -> ConfigError {
        ConfigError { path: self.path.into(), line: Some(line), fault: Box::new(fault.into()) }
    }

    fn at<T>(&self, spanned: Spanned<T>) -> At<T> {
        At { line: line_of(self.text, &spanned.span()), value: spanned.into_inner() }
    }

    /// A path, seen from the folder of the file.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }

    fn label(&self, name: Spanned<String>) -> Result<At<Label>, ConfigError> {
        let At { line, value } = self.at(name);
        Ok(At { line, value: Label::new(value).map_err(|error| self.fault(line, error))? })
    }

    fn server(&self, written: WrittenServer) -> Result<ServerConfig, ConfigError> {
        let standard = ServerConfig::default();
        let request_timeout = match written.request_timeout {
            Some(text) => {
                let At { line, value } = self.at(text);
                span_of(&value).ok_or_else(|| self.fault(line, ConfigFault::Span))?
            }
            None => standard.request_timeout,
        };
        let cookie = Cookie {
            name: written.cookie.name.unwrap_or(standard.cookie.name),
            domain: written.cookie.domain,
            secure: match written.cookie.secure {
                Some(true) => CookieTransport::TlsOnly,
                Some(false) => CookieTransport::Any,
                None => standard.cookie.secure,
            },
        };
        Ok(ServerConfig {
            base_url: written.base_url,
            cookie,
            trusted_proxies: written.trusted_proxies,
            request_timeout,
            concurrency: written.requests.unwrap_or(standard.concurrency),
            concurrency_per_application: written
                .requests_per_application
                .unwrap_or(standard.concurrency_per_application),
            connections: written.connections.unwrap_or(standard.connections),
            hashes: match written.hashes {
                Some(WrittenHashes::Refused) => Hashes::Refused,
                Some(WrittenHashes::Taken) => Hashes::Taken,
                None => standard.hashes,
            },
            ..standard
        })
    }

    fn mirror(
        &self,
        written: WrittenMirror,
        new_directory: &mut impl FnMut(Spanned<String>) -> Result<At<Label>, ConfigError>,
    ) -> Result<Mirror, ConfigError> {
        let name = new_directory(written.name)?;
        if let Some(password) = written.password {
            return Err(self.fault(self.at(password).line, ConfigFault::OpenPassword));
        }
        let password = match (written.password_env, written.password_file) {
            (Some(variable), None) => {
                let At { line, value } = self.at(variable);
                At { line, value: PasswordPlace::Variable(value) }
            }
            (None, Some(file)) => {
                let At { line, value } = self.at(file);
                At { line, value: PasswordPlace::File(self.beside(&value)) }
            }
            (None, None) => return Err(self.fault(name.line, ConfigFault::NoPassword)),
            (Some(_), Some(file)) => return Err(self.fault(self.at(file).line, ConfigFault::TwoPasswords)),
        };
        let certificates = written.certificates.map(|file| {
            let At { line, value } = self.at(file);
            At { line, value: self.beside(&value) }
        });
        Ok(Mirror {
            name,
            url: self.at(written.url),
            application: written.application,
            password,
            transport: if written.allow_plain_http { Transport::AnyHttp } else { Transport::Private },
            certificates,
            writes: written.writes,
            schedule: self.schedule(written.interval, written.cron)?,
            export: written.hand_on.map(|hand_on| if hand_on { Export::Always } else { Export::Never }),
        })
    }

    fn schedule(
        &self,
        interval: Option<Spanned<String>>,
        cron: Option<Spanned<String>>,
    ) -> Result<Option<At<Schedule>>, ConfigError> {
        let (line, value) = match (interval, cron) {
            (None, None) => return Ok(None),
            (Some(interval), None) => {
                let At { line, value } = self.at(interval);
                let interval = span_of(&value).ok_or_else(|| self.fault(line, ConfigFault::Span))?;
                (line, Schedule::Every { interval })
            }
            (None, Some(cron)) => {
                let At { line, value } = self.at(cron);
                (line, Schedule::Cron(value))
            }
            (Some(_), Some(cron)) => return Err(self.fault(self.at(cron).line, ConfigFault::TwoSchedules)),
        };
        check_schedule(&value).map_err(|error| self.fault(line, ConfigFault::Schedule(error)))?;
        Ok(Some(At { line, value }))
    }

    fn applications(&self, written: Vec<WrittenApplication>) -> Result<Vec<Order>, ConfigError> {
        let mut named: BTreeSet<Key> = BTreeSet::new();
        let mut applications = Vec::new();
        for application in written {
            let name = self.label(application.name)?;
            if !named.insert(name.value.key()) {
                return Err(self.fault(name.line, ConfigFault::ApplicationTwice(name.value.to_string())));
            }
            let mut order: Vec<At<Label>> = Vec::new();
            for directory in application.order {
                let directory = self.label(directory)?;
                if order.iter().any(|other| other.value.key() == directory.value.key()) {
                    let twice = ConfigFault::TwiceInOrder(directory.value.to_string());
                    return Err(self.fault(directory.line, twice));
                }
                order.push(directory);
            }
            if order.len() > Plan::MAX_SEATS {
                return Err(self.fault(name.line, InvalidPlan::TooManySeats));
            }
            let administrators = application.administrators.map(|names| self.groups(names).map(distinct));
            let administrators = administrators.transpose()?;
            let seats = application.seat.into_iter().map(|seat| self.seat(seat, &order));
            let seats: Vec<SeatSaid> = seats.collect::<Result<_, _>>()?;
            for (place, seat) in seats.iter().enumerate() {
                let (line, name) = (seat.directory.line, &seat.directory.value);
                if seats.iter().take(place).any(|other| other.directory.value.key() == name.key()) {
                    return Err(self.fault(line, ConfigFault::SeatTwice(name.to_string())));
                }
            }
            applications.push(Order {
                name,
                order,
                active: application.active,
                memberships: application.memberships,
                administrators,
                addresses: application.addresses,
                seats,
            });
        }
        Ok(applications)
    }

    fn groups<C: FromIterator<GroupName>>(&self, names: Vec<Spanned<String>>) -> Result<C, ConfigError> {
        let group = |name: Spanned<String>| {
            let At { line, value } = self.at(name);
            GroupName::new(value).map_err(|error| self.fault(line, error))
        };
        names.into_iter().map(group).collect()
    }

    fn seat(&self, seat: WrittenSeat, order: &[At<Label>]) -> Result<SeatSaid, ConfigError> {
        let directory = self.label(seat.directory)?;
        if !order.iter().any(|named| named.value.key() == directory.value.key()) {
            let fault = ConfigFault::SeatNotInOrder(directory.value.to_string());
            return Err(self.fault(directory.line, fault));
        }
        let access = match (seat.everyone, seat.groups) {
            (Some(everyone), groups) => {
                let At { line, value } = self.at(everyone);
                if groups.is_some() || !value {
                    return Err(self.fault(line, ConfigFault::TwoAccesses));
                }
                Some(Access::Everyone)
            }
            (None, Some(groups)) => Some(Access::Groups(self.groups(groups.into_inner())?)),
            (None, None) => None,
        };
        let silence = |said: Option<Spanned<String>>| {
            said.map(|said| {
                let At { line, value } = self.at(said);
                value.parse().map_err(|_| self.fault(line, ConfigFault::Silence))
            })
            .transpose()
        };
        Ok(SeatSaid {
            directory,
            access,
            login: silence(seat.login)?,
            authorise: silence(seat.authorise)?,
            lookup: silence(seat.lookup)?,
            refusal: seat.refusal,
        })
    }

    fn recovery(&self, recovery: WrittenRecovery) -> Result<RecoveryPlace, ConfigError> {
        let At { line, value } = self.at(recovery.password_file);
        let until = recovery.until.map(|until| {
            let At { line, value } = self.at(until);
            moment_of(&value).ok_or_else(|| self.fault(line, ConfigFault::Moment))
        });
        Ok(RecoveryPlace {
            password_file: At { line, value: self.beside(&value) },
            name: recovery.name,
            until: until.transpose()?,
        })
    }
}

/// The line of a place in a text, counted from 1.
fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line and the fault of a file that cannot be used.
    fn refused(text: &str) -> (Option<usize>, ConfigFault) {
        let error = parse(Path::new("throng.toml"), text).unwrap_err();
        (error.line, *error.fault)
    }

    const MIRROR: &str = "[[mirror]]\nname = \"Crowd\"\nurl = \"https://crowd.example.org/crowd\"\n\
                          application = \"wiki\"\n";

    #[test]
    fn what_is_wrong_is_named_with_its_line_g03() {
        use ConfigFault as F;
        assert!(matches!(refused("listen = \"127.0.0.1:1\"\nlisen = 1"), (Some(2), F::Syntax(_))));
        assert!(matches!(refused("[server]\n\ntrusted-proxies = [\"x\"]"), (Some(3), F::Syntax(_))));
        assert!(matches!(refused("\n= 1"), (Some(2), F::Syntax(_))));
        let twice = "[[directory]]\nname = \"Users\"\n[[directory]]\nname = \"USERS\"";
        assert!(matches!(refused(twice), (Some(4), F::DirectoryTwice(_))));
        let twice = format!("[[directory]]\nname = \"crowd\"\n{MIRROR}password-env = \"P\"");
        assert!(matches!(refused(&twice), (Some(4), F::DirectoryTwice(_))));
        assert!(matches!(refused("[[directory]]\nname = \" a\""), (Some(2), F::Label(_))));
        let order = "[[application]]\nname = \"a\"\norder = [\n  \"b\",\n  \"B\",\n]";
        assert!(matches!(refused(order), (Some(5), F::TwiceInOrder(_))));
        let twice = "[[application]]\nname = \"a\"\norder = []\n[[application]]\nname = \"A\"\norder = []";
        assert!(matches!(refused(twice), (Some(5), F::ApplicationTwice(_))));
        assert!(matches!(refused("[server]\nrequest-timeout = \"soon\""), (Some(2), F::Span)));
    }

    #[test]
    fn a_mirror_says_where_its_password_is_and_when_it_is_read() {
        use ConfigFault as F;
        let with = |rest: &str| refused(&format!("{MIRROR}{rest}"));
        assert!(matches!(with(""), (Some(2), F::NoPassword)));
        assert!(matches!(with("password = \"x\""), (Some(5), F::OpenPassword)));
        assert!(matches!(with("password = { a = 1 }"), (Some(5), F::OpenPassword)));
        assert!(matches!(with("password-env = \"A\"\npassword-file = \"b\""), (Some(6), F::TwoPasswords)));
        assert!(matches!(with("password-env = \"A\"\nwrites = \"always\""), (Some(6), F::Syntax(_))));
        for schedule in ["interval = \"1s\"", "interval = \"99999d\"", "cron = \"never\""] {
            let (line, fault) = with(&format!("password-env = \"A\"\n{schedule}"));
            assert!(matches!((line, fault), (Some(6), F::Schedule(_))), "{schedule}");
        }
        let both = with("password-env = \"A\"\ninterval = \"1h\"\ncron = \"0 3 * * *\"");
        assert!(matches!(both, (Some(7), F::TwoSchedules)));
    }

    #[test]
    fn a_whole_file_is_understood() {
        let text = format!(
            "database = \"users.db\"\nlisten = \"127.0.0.1:0\"\n[server]\nbase-url = \"https://id.example.org\"\n\
             trusted-proxies = [\"10.0.0.0/8\"]\nrequest-timeout = \"90s\"\nrequests = 7\n[server.cookie]\n\
             secure = false\n[[directory]]\nname = \"Users\"\n{MIRROR}password-file = \"secret\"\n\
             writes = \"local-groups\"\ncron = \"0 3 * * *\"\nhand-on = true\n[[application]]\nname = \"wiki\"\n\
             order = [\"Users\", \"Crowd\"]\n"
        );
        let config = parse(Path::new("there/throng.toml"), &text).unwrap();
        assert_eq!(config.database.as_deref(), Some(Path::new("there/users.db")));
        assert_eq!((config.server.concurrency, config.server.request_timeout.as_secs()), (7, 90));
        assert_eq!(config.server.cookie.secure, CookieTransport::Any);
        let mirror = &config.mirrors[0];
        assert!(
            matches!(&mirror.password.value, PasswordPlace::File(path) if path == Path::new("there/secret"))
        );
        let settings = mirror.over(&Default::default());
        assert_eq!(
            (settings.export, settings.schedule),
            (Export::Always, Schedule::Cron("0 3 * * *".into()))
        );
        assert_eq!(config.applications[0].order.len(), 2);
    }

    #[test]
    fn nothing_of_a_line_is_told() {
        let error = parse(Path::new("throng.toml"), "[[mirror]]\npassword = \"hunter two\" x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
    }
}
