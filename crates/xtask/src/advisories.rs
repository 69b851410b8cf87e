//! `cargo xtask advisories PATH`: known vulnerabilities, without a network.
//!
//! cargo-deny wants its databases as git clones in a folder of its own, each under a name made from the address.
//! We lay out such a folder around the copy that we were given, and check against a configuration that is ours
//! plus that folder. Nothing is written to the copy.

use crate::run::{self, Outcome, Report, Scratch};
use crate::verify::MISSING_DENY;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use toml::Table;

/// The address whose folder name we know. Nothing is fetched from it: `--offline` forbids that.
const ADDRESS: &str = "https://github.com/rustsec/advisory-db";

/// The folder in which cargo-deny, from 0.18 on, looks for the database of [`ADDRESS`].
const FOLDER: &str = "advisory-db-3157b0e258782691";

/// Checks the dependencies against the database at `path`: a clone of it, or its files unpacked.
pub(crate) fn run(path: &Path) -> Report {
    let mut report = Report::default();
    report.step("advisories", || check(path));
    report
}

fn check(path: &Path) -> Outcome {
    if !run::has_subcommand("deny") {
        return Err(MISSING_DENY.to_owned());
    }
    let database =
        path.canonicalize().ok().filter(|database| database.join("crates").is_dir()).ok_or_else(|| {
            format!("{} holds no `crates` folder, so it is no advisory database", path.display())
        })?;
    let scratch = Scratch::new("advisories").map_err(|error| format!("no temporary folder: {error}"))?;
    lay_out(&database, scratch.path()).map_err(|error| format!("cannot lay out the database: {error}"))?;

    let ours = fs::read_to_string(run::root().join(".cargo/deny.toml"))
        .map_err(|error| format!(".cargo/deny.toml: {error}"))?;
    let config = scratch.path().join("deny.toml");
    fs::write(&config, with_database(&ours, scratch.path())?)
        .map_err(|error| format!("{}: {error}", config.display()))?;

    let mut command = run::cargo(&["deny", "--offline", "--all-features", "--config"]);
    command.arg(&config).args(["check", "advisories"]);
    run::shown(command)
}

/// Our configuration, told where the databases are.
fn with_database(ours: &str, databases: &Path) -> Result<String, String> {
    let mut config: Table = ours.parse().map_err(|error| format!(".cargo/deny.toml: {error}"))?;
    let advisories = config.entry("advisories").or_insert_with(|| Table::new().into());
    let advisories = advisories.as_table_mut().ok_or(".cargo/deny.toml: `advisories` is not a table")?;
    advisories.insert("db-path".to_owned(), databases.display().to_string().into());
    advisories.insert("db-urls".to_owned(), vec![ADDRESS].into());
    Ok(config.to_string())
}

fn lay_out(database: &Path, databases: &Path) -> io::Result<()> {
    let folder = databases.join(FOLDER);
    if database.join(".git").exists() {
        return link(database, &folder);
    }
    // Unpacked files have no clone to tell their age by, and cargo-deny refuses a database that is too old. Their
    // own date stands in for the date of the fetch, so that an old copy is still refused.
    fs::create_dir_all(folder.join(".git"))?;
    let unpacked = database.join("crates");
    File::create(folder.join(".git/FETCH_HEAD"))?.set_modified(fs::metadata(&unpacked)?.modified()?)?;
    link(&unpacked, &folder.join("crates"))
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_target: &Path, _at: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "needs a system with symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_joins_our_configuration_and_replaces_nothing_else() {
        let config = with_database("[advisories]\nyanked = \"deny\"\n", Path::new("/there")).unwrap();
        let config: Table = config.parse().unwrap();
        assert_eq!(config["advisories"]["yanked"].as_str(), Some("deny"));
        assert_eq!(config["advisories"]["db-path"].as_str(), Some("/there"));
        assert_eq!(config["advisories"]["db-urls"][0].as_str(), Some(ADDRESS));
    }

    #[test]
    fn a_configuration_without_the_section_gets_one() {
        let config: Table = with_database("", Path::new("/there")).unwrap().parse().unwrap();
        assert_eq!(config["advisories"]["db-path"].as_str(), Some("/there"));
    }

    #[cfg(unix)]
    #[test]
    fn unpacked_files_keep_their_age() {
        let given = Scratch::new("unit-given").unwrap();
        let made = Scratch::new("unit-made").unwrap();
        fs::create_dir(given.path().join("crates")).unwrap();
        lay_out(given.path(), made.path()).unwrap();
        let age = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let folder = made.path().join(FOLDER);
        assert!(folder.join("crates").is_dir());
        assert_eq!(age(&folder.join(".git/FETCH_HEAD")), age(&given.path().join("crates")));
    }
}
