//! Several user directories for one application, in the application's own order, with reasons.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use throng::sqlite::SqliteStore;
//! use throng::{NewAccount, Plan, Throng};
//!
//! let throng = Throng::builder(SqliteStore::in_memory().await?).build().await?;
//! let people = throng.internal_directory("People").await?;
//! let guests = throng.internal_directory("Guests").await?;
//! let wiki = throng.ensure_application("wiki", Plan::new().seat(people)?.seat(guests)?).await?;
//!
//! wiki.create_user(NewAccount::named("anna").password("coffee before noon")).await?;
//! let anna = wiki.authenticate("ANNA", "coffee before noon").await?;
//! assert_eq!(anna.user().directory(), people);
//! println!("{}", wiki.explain("anna").await?);
//! # Ok(())
//! # }
//! ```
//!
//! Start with [`Throng::builder`], then [`Application`]. The vocabulary and the ports are in [`core`].
//!
//! Features: `sqlite` (default) brings the store in a SQLite file, `csv` reads and writes files of users and groups,
//! `ldif` reads what LDAP servers wrote out, `backup` the XML backups of Crowd and Jira,
//! `client` brings remote Crowd, Jira and Throng servers as directories, `server` is a Crowd REST user server, `cron`
//! allows cron expressions as schedules of mirrors. A feature adds; it never changes what is there.

pub use throng_core as core;
pub use throng_engine::application::{
    Admission, Adoption, Authenticated, Depth, Explanation, LoggedIn, Membership, NameState, NewAccount,
    NewSession, Occurs, OpenSession, Removed, SessionTerms, SessionToken, Switch, SwitchedOff, binding_of,
};
pub use throng_engine::{
    Application, ApplicationSecret, Builder, Error, Recovery, RecoveryStatus, SessionLimits, Throng, error,
    import,
};
pub use throng_passwords as passwords;

pub use throng_core::plan::{Access, MembershipScheme, Plan, Seat, SeatPolicy};

/// Directories that are taken away and put back, as they were.
pub use throng_engine::archive;
/// What is not as it should be in a store, for operators.
pub use throng_engine::check;
/// Users go from one directory to another with everything that belongs to them.
pub use throng_engine::moves;
/// Who changes before anything does, and applying exactly what was seen.
pub use throng_engine::preview;
/// What several directories hold alike, who wins, and who would surface.
pub use throng_engine::shadows;
/// What is asked of a round of synchronisation, and how it is watched and stopped.
pub use throng_engine::sync;
/// The clock and the entropy of the machine.
pub use throng_engine::system;

/// The store in a SQLite file.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use throng_store_sql::{
        BackupError, BackupFault, DriverFault, Examination, OpenError, OpenFault, SqliteOptions, SqliteStore,
    };
}

/// Remote Crowd, Jira and Throng servers as directories.
#[cfg(feature = "client")]
pub mod client {
    pub use throng_client::*;
}

/// CSV files of users and groups.
#[cfg(feature = "csv")]
pub mod csv {
    pub use throng_interchange::csv::*;
}

/// LDIF files, as LDAP servers write them.
#[cfg(feature = "ldif")]
pub mod ldif {
    pub use throng_interchange::ldif::*;
}

/// XML backups of Crowd and Jira.
#[cfg(feature = "backup")]
pub mod backup {
    pub use throng_interchange::backup::*;
}

/// The throng as a Crowd REST user server.
#[cfg(feature = "server")]
pub mod server {
    pub use throng_server::*;
}

/// The code of the README and of the guide is compiled with the documentation tests.
#[cfg(all(doctest, feature = "sqlite", feature = "csv", feature = "backup"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/guide/embed.md")]
    struct Embed;
    #[doc = include_str!("../../../docs/guide/order-directories.md")]
    struct OrderDirectories;
    #[doc = include_str!("../../../docs/guide/explain.md")]
    struct Explain;
    #[doc = include_str!("../../../docs/guide/reorder-safely.md")]
    struct ReorderSafely;
    #[cfg(feature = "server")]
    #[doc = include_str!("../../../docs/guide/move-users.md")]
    struct MoveUsers;
    #[doc = include_str!("../../../docs/guide/write-a-directory.md")]
    struct WriteADirectory;
    #[doc = include_str!("../../../docs/guide/write-a-sync-source.md")]
    struct WriteASyncSource;
    #[cfg(feature = "server")]
    #[doc = include_str!("../../../docs/guide/serve-users.md")]
    struct ServeUsers;
    #[cfg(feature = "client")]
    #[doc = include_str!("../../../docs/guide/mirror-a-server.md")]
    struct MirrorAServer;
}
