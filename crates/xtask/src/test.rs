//! `cargo xtask test`: the one test command.

use crate::clients;
use crate::run::{self, Outcome, Report, Scratch};
use crate::workspace::{self, Package};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What the facade must not bring along when every feature is off: databases, HTTP and LDAP.
const OPTIONAL: [&str; 7] = ["axum", "h2", "hyper", "ldap3", "libsqlite3-sys", "reqwest", "sqlx"];

/// How often a running example is looked at, and for how many looks it may run: two minutes, which is far more
/// than any example needs and far less than the time box of a CI run.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 2_400;

/// Runs everything and reports one line per step.
pub(crate) fn run() -> Report {
    let mut report = Report::default();
    report.step("tests", tests);
    report.step("documentation tests", || {
        run::shown(run::cargo(&["test", "--workspace", "--all-features", "--doc"]))
    });
    let packages = match workspace::packages() {
        Ok(packages) => packages,
        Err(complaint) => {
            report.step("packages of the workspace", || Err(complaint));
            return report;
        }
    };
    let published: Vec<&Package> = packages.iter().filter(|package| package.published).collect();
    clients::run(&mut report);
    report.step("examples", || examples(&packages));
    report.step("facade without features", bare_facade);
    report.step("each crate alone", || alone(&published));
    report.step("packages", || packaged(&published));
    report
}

fn tests() -> Outcome {
    if run::has_subcommand("nextest") {
        return run::shown(run::cargo(&["nextest", "run", "--workspace", "--all-features"]));
    }
    println!("    cargo-nextest is not installed, so the built-in runner takes its place");
    run::shown(run::cargo(&[
        "test",
        "--workspace",
        "--all-features",
        "--lib",
        "--bins",
        "--tests",
        "--examples",
    ]))
}

/// Runs every example once. All of the workspace is built, as for the tests, so that nothing is built twice.
fn examples(packages: &[Package]) -> Outcome {
    let known: BTreeSet<&str> =
        packages.iter().flat_map(|package| &package.examples).map(String::as_str).collect();
    let unknown: Vec<String> = sources(&run::root().join("examples"))
        .into_iter()
        .filter(|source| !known.contains(source.as_str()))
        .collect();
    if !unknown.is_empty() {
        return Err(format!("examples/Cargo.toml does not list {}", unknown.join(", ")));
    }
    let mut build =
        run::cargo(&["build", "--workspace", "--all-features", "--examples", "--message-format", "json"]);
    build.stderr(Stdio::inherit());
    let programs = programs(&run::captured(build)?);
    let built: BTreeSet<&str> = programs.iter().map(|(name, _)| name.as_str()).collect();
    let mut broken: Vec<String> =
        known.difference(&built).map(|name| format!("{name} was not built")).collect();
    for (name, program) in &programs {
        println!("    {name}");
        if let Err(complaint) = example(name, program) {
            eprintln!("{complaint}");
            broken.push(complaint.lines().next().unwrap_or_default().to_owned());
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
}

/// Runs one example in a folder of its own, so that a file it leaves behind is not left in the project.
fn example(name: &str, program: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let scratch = Scratch::new(&format!("example-{name}")).map_err(failed)?;
    let home = scratch.path().join("home");
    fs::create_dir(&home).map_err(failed)?;
    // A file, because nobody reads a pipe while we wait, and a full pipe would stop the example.
    let log = scratch.path().join("output");
    let output = File::create(&log).map_err(failed)?;
    let mut child = Command::new(program)
        .current_dir(&home)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failed)?)
        .stderr(output)
        .spawn()
        .map_err(failed)?;
    let mut complaint = format!("{name} did not end");
    for _ in 0..LOOKS {
        if let Some(status) = child.try_wait().map_err(failed)? {
            if status.success() {
                return Ok(());
            }
            complaint = format!("{name}: {status}");
            break;
        }
        thread::sleep(LOOK);
    }
    // It may have ended by itself, and then there is nothing to stop.
    drop(child.kill());
    child.wait().map_err(failed)?;
    Err(format!("{complaint}\n{}", fs::read_to_string(&log).map_err(failed)?))
}

/// The names of the Rust files directly in a folder.
fn sources(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(OsStr::new("rs")))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The examples among the artifacts that cargo reports, with the program of each.
fn programs(messages: &str) -> Vec<(String, PathBuf)> {
    let mut programs: Vec<(String, PathBuf)> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| workspace::is_example(&message["target"]))
        .filter_map(|message| {
            Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect();
    programs.sort();
    programs
}

fn bare_facade() -> Outcome {
    let tree = run::captured(run::cargo(&[
        "tree",
        "--package",
        "throng",
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]))?;
    let found = optional_in(&tree);
    if !found.is_empty() {
        return Err(format!("`throng` without features depends on {}", found.join(", ")));
    }
    run::shown(run::cargo(&["check", "--quiet", "--package", "throng", "--no-default-features"]))
}

/// Which optional dependencies a tree contains; each of its lines starts with a name.
fn optional_in(tree: &str) -> Vec<&'static str> {
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let family =
        |name: &str| names.iter().any(|found| *found == name || found.starts_with(&format!("{name}-")));
    OPTIONAL.into_iter().filter(|name| family(name)).collect()
}

/// A crate that compiles only because a neighbour turns a feature on breaks for whoever takes it alone.
fn alone(published: &[&Package]) -> Outcome {
    let broken: Vec<String> = published
        .iter()
        .filter_map(|package| run::shown(run::cargo(&["check", "--quiet", "--package", &package.name])).err())
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
}

/// Looks at what the registry would get of each crate.
fn packaged(published: &[&Package]) -> Outcome {
    let mut broken = Vec::new();
    for package in published {
        let list = run::cargo(&["package", "--list", "--allow-dirty", "--package", &package.name]);
        match run::captured(list) {
            Ok(list) => broken.extend(lacking(package, &list, &migrations())),
            Err(complaint) => broken.push(complaint),
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

/// What a package lacks, given the files that it would carry.
fn lacking(package: &Package, list: &str, migrations: &[String]) -> Vec<String> {
    let carried: BTreeSet<&str> = list.lines().collect();
    let name = &package.name;
    let mut lacks: Vec<String> =
        package.missing.iter().map(|key| format!("{name}: its manifest does not say `{key}`")).collect();
    if !carried.contains("README.md") {
        lacks.push(format!("{name}: its package has no README.md"));
    }
    if package.folder.ends_with("store-sql") {
        let absent = migrations.iter().filter(|file| !carried.contains(file.as_str()));
        lacks.extend(absent.map(|file| format!("{name}: its package has no {file}")));
        if migrations.is_empty() {
            lacks.push(format!("{name}: there are no migrations to carry"));
        }
    }
    lacks
}

/// The migrations of every engine, relative to the root.
fn migrations() -> Vec<String> {
    let root = run::root();
    let mut files: Vec<String> = fs::read_dir(root.join("migrations"))
        .into_iter()
        .flatten()
        .filter_map(|engine| fs::read_dir(engine.ok()?.path()).ok())
        .flatten()
        .filter_map(|file| Some(file.ok()?.path().strip_prefix(&root).ok()?.to_str()?.to_owned()))
        .filter(|file| file.ends_with(".sql"))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str) -> Package {
        Package {
            name: name.to_owned(),
            published: true,
            folder: PathBuf::from(folder),
            examples: Vec::new(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn an_optional_dependency_is_seen_in_the_tree() {
        assert_eq!(optional_in("throng v0.1.0 (/there)\nsqlx v0.9.0\nserde v1.0.0 (*)"), ["sqlx"]);
        assert_eq!(optional_in("throng v0.1.0\nsqlx-core v0.9.0"), ["sqlx"]);
        assert_eq!(optional_in("throng v0.1.0\nhyperactive v1.0.0\nh2o v1.0.0"), [] as [&str; 0]);
    }

    #[test]
    fn programs_are_taken_from_the_messages_of_cargo() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"kind\":[\"lib\"],\"name\":\"a\"}}\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"kind\":[\"example\"],\"name\":\"b\"},",
            "\"executable\":\"/there/b\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(programs(messages), [("b".to_owned(), PathBuf::from("/there/b"))]);
    }

    #[test]
    fn a_package_without_its_readme_or_its_metadata_is_refused() {
        let mut bare = package("throng-x", "/there/x");
        bare.missing.push("license");
        assert_eq!(
            lacking(&bare, "Cargo.toml\n", &[]),
            ["throng-x: its manifest does not say `license`", "throng-x: its package has no README.md"]
        );
    }

    #[test]
    fn the_store_must_carry_every_migration() {
        let store = package("throng-store-sql", "/there/store-sql");
        let file = "migrations/sqlite/0001_a.sql".to_owned();
        let complaint = "throng-store-sql: its package has no migrations/sqlite/0001_a.sql";
        assert_eq!(lacking(&store, "README.md\n", std::slice::from_ref(&file)), [complaint]);
        assert_eq!(lacking(&store, &format!("README.md\n{file}\n"), &[file]), [] as [&str; 0]);
        assert_eq!(
            lacking(&store, "README.md\n", &[]),
            ["throng-store-sql: there are no migrations to carry"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_example_that_fails_shows_what_it_wrote() {
        assert_eq!(example("unit-true", Path::new("/bin/true")), Ok(()));
        let complaint = example("unit-false", Path::new("/bin/false")).unwrap_err();
        assert!(complaint.starts_with("unit-false: exit status: 1"), "{complaint}");
    }
}
