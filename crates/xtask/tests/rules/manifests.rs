//! Rules about manifests: which crate may know which, and what is said once for all.

use super::{Project, Violation};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The picture in docs/architecture.md, from the bottom up. Arrows point down only, never along a row.
const ROWS: [&[&str]; 6] = [
    &["throng-core"],
    &[
        "throng-passwords",
        "throng-wire",
        "throng-interchange",
        "throng-store-sql",
        "throng-ldap",
        "throng-testkit",
    ],
    &["throng-engine", "throng-client"],
    &["throng-server"],
    &["throng"],
    &["throng-cli", "throng-examples", "throng-benches"],
];

/// What tests of a row may use although it is no lower: the suites that adapters are held to.
const TESTKIT: &str = "throng-testkit";

/// All that the engine knows of ours: it names no adapter.
const BELOW_ENGINE: [&str; 2] = ["throng-core", "throng-passwords"];

/// All that core depends on: no I/O, no clock, no randomness. The second part says that it must be optional.
const BELOW_CORE: [(&str, bool); 11] = [
    ("async-trait", false),
    ("icu_casemap", false),
    ("icu_normalizer", false),
    ("icu_properties", false),
    ("precis-profiles", false),
    ("serde", true),
    ("siphasher", false),
    ("thiserror", false),
    ("unicode-security", false),
    ("uuid", false),
    ("zeroize", false),
];

/// What a member takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// The manifests of the workspace.
pub(crate) struct Manifests {
    root: Table,
    /// By folder.
    members: BTreeMap<String, Table>,
}

impl Manifests {
    pub(crate) fn read(project: &Project) -> Self {
        let table = |file: &str| -> Table {
            let text = project.text(file).unwrap_or_default();
            text.parse().unwrap_or_else(|error| {
                assert!(text.is_empty(), "{file}: {error}");
                Table::new()
            })
        };
        let root = table("Cargo.toml");
        let members = strings(&root, "members");
        assert!(!members.is_empty(), "Cargo.toml names no members");
        let members =
            members.into_iter().map(|folder| (folder.to_owned(), table(&format!("{folder}/Cargo.toml"))));
        Self { members: members.collect(), root }
    }

    /// Every crate of ours is a member, or is left out by name.
    pub(crate) fn membership(&self, files: &[String]) -> Vec<Violation> {
        let left_out = strings(&self.root, "exclude");
        files
            .iter()
            .filter_map(|file| file.strip_suffix("/Cargo.toml"))
            .filter(|folder| !self.members.contains_key(*folder) && !left_out.contains(folder))
            .map(|folder| {
                Violation::new(&format!("{folder}/Cargo.toml"), 0, "is neither a member nor excluded")
            })
            .collect()
    }

    /// Arrows point down only, never along a row.
    pub(crate) fn arrows(&self) -> Vec<Violation> {
        self.each(|folder, manifest| {
            let name = package_of(folder);
            let Some(own) = row(&name).or((name == "xtask").then_some(0)) else {
                return vec!["has no place in the picture: give it a row".to_owned()];
            };
            let mut found = Vec::new();
            if text(manifest, &["package", "name"]) != Some(name.as_str()) {
                found.push(format!("a package in {folder} is named {name}"));
            }
            for dependency in self.ours(manifest) {
                let to = &dependency.package;
                let tested = dependency.kind == Kind::Dev && to == TESTKIT && (1..=3).contains(&own);
                if !tested && (name == "xtask" || row(to).is_none_or(|row| row >= own)) {
                    found.push(format!("{name} depends on {to}: arrows point down only, never along a row"));
                }
            }
            found
        })
    }

    /// Adapters meet in the facade, not in the engine.
    pub(crate) fn engine_names_no_adapter(&self) -> Vec<Violation> {
        self.each(|folder, manifest| {
            if folder != "crates/engine" {
                return Vec::new();
            }
            let ours = self.ours(manifest).into_iter().filter(|dependency| dependency.kind != Kind::Dev);
            let others = ours.filter(|dependency| !BELOW_ENGINE.contains(&dependency.package.as_str()));
            others
                .map(|dependency| {
                    format!("the engine depends on {}: it names no adapter", dependency.package)
                })
                .collect()
        })
    }

    /// Core depends on nothing but what the list allows.
    pub(crate) fn core_is_small(&self) -> Vec<Violation> {
        self.each(|folder, manifest| {
            if folder != "crates/core" {
                return Vec::new();
            }
            let shipped =
                self.dependencies(manifest).into_iter().filter(|dependency| dependency.kind != Kind::Dev);
            let refused = shipped.filter(|dependency| {
                !BELOW_CORE
                    .iter()
                    .any(|(name, optional)| dependency.package == *name && (dependency.optional || !optional))
            });
            refused.map(|dependency| format!("core must not depend on {} so", dependency.package)).collect()
        })
    }

    /// Lints, version, edition, minimum Rust and licence are said once.
    pub(crate) fn inheritance(&self) -> Vec<Violation> {
        self.each(|_, manifest| {
            let says = |path: &[&str]| value(manifest, path).and_then(Value::as_bool) == Some(true);
            let mut found = Vec::new();
            if !says(&["lints", "workspace"]) {
                found.push("must take its lints from the workspace: `[lints] workspace = true`".to_owned());
            }
            let own = INHERITED.iter().filter(|key| !says(&["package", key, "workspace"]));
            found.extend(
                own.map(|key| format!("must take its {key} from the workspace: `{key}.workspace = true`")),
            );
            found
        })
    }

    /// A version is declared once: by the workspace as soon as two crates want it, or it is one of ours.
    pub(crate) fn versions(&self) -> Vec<Violation> {
        let mut firsts: BTreeMap<String, String> = BTreeMap::new();
        self.each(|folder, manifest| {
            let own = self.dependencies(manifest).into_iter().filter(|dependency| !dependency.inherited);
            own.filter_map(|Dependency { package, .. }| {
                if self.shared().any(|(name, _)| *name == package) || is_ours(&package) {
                    return Some(format!(
                        "must take {package} from the workspace: `{package}.workspace = true`"
                    ));
                }
                let first = firsts.entry(package.clone()).or_insert_with(|| folder.to_owned());
                (first != folder)
                    .then(|| format!("{first} also asks for {package}: declare it in the workspace"))
            })
            .collect()
        })
    }

    fn each(&self, mut check: impl FnMut(&str, &Table) -> Vec<String>) -> Vec<Violation> {
        let mut found = Vec::new();
        for (folder, manifest) in &self.members {
            let file = format!("{folder}/Cargo.toml");
            found.extend(check(folder, manifest).into_iter().map(|rule| Violation::new(&file, 0, rule)));
        }
        found
    }

    fn shared(&self) -> impl Iterator<Item = (&String, &Value)> {
        value(&self.root, &["workspace", "dependencies"]).and_then(Value::as_table).into_iter().flatten()
    }

    fn ours(&self, manifest: &Table) -> Vec<Dependency> {
        let mut ours = self.dependencies(manifest);
        ours.retain(|dependency| is_ours(&dependency.package));
        ours
    }

    fn dependencies(&self, manifest: &Table) -> Vec<Dependency> {
        let targets = value(manifest, &["target"]).and_then(Value::as_table).into_iter().flatten();
        let targets = targets.filter_map(|(_, target)| target.as_table());
        let mut found = Vec::new();
        for table in std::iter::once(manifest).chain(targets) {
            let sections = [
                ("dependencies", Kind::Normal),
                ("dev-dependencies", Kind::Dev),
                ("build-dependencies", Kind::Build),
            ];
            for (section, kind) in sections {
                let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
                found.extend(entries.map(|(name, entry)| {
                    let flag = |key: &str| entry.get(key).and_then(Value::as_bool) == Some(true);
                    let inherited = flag("workspace");
                    let shared = self
                        .shared()
                        .find(|(shared, _)| inherited && *shared == name)
                        .map(|(_, entry)| entry);
                    let renamed = [Some(entry), shared]
                        .into_iter()
                        .flatten()
                        .find_map(|entry| entry.get("package")?.as_str());
                    Dependency {
                        package: renamed.unwrap_or(name).to_owned(),
                        kind,
                        inherited,
                        optional: flag("optional"),
                    }
                }));
            }
        }
        found
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Dev,
    Build,
}

struct Dependency {
    package: String,
    kind: Kind,
    inherited: bool,
    optional: bool,
}

fn is_ours(package: &str) -> bool {
    package == "throng" || package == "xtask" || package.starts_with("throng-")
}

fn row(package: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&package))
}

/// The name that a package in this folder has.
fn package_of(folder: &str) -> String {
    match folder.rsplit('/').next().unwrap_or(folder) {
        own @ ("throng" | "xtask") => own.to_owned(),
        other => format!("throng-{other}"),
    }
}

fn value<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

fn text<'a>(table: &'a Table, path: &[&str]) -> Option<&'a str> {
    value(table, path)?.as_str()
}

fn strings<'a>(root: &'a Table, key: &str) -> Vec<&'a str> {
    let list = value(root, &["workspace", key]).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace that declares serde and core, with the members given as folder and manifest.
    fn workspace(members: &[(&str, &str)]) -> Manifests {
        let root = "[workspace]\nexclude = [\"crates/fuzz\"]\n[workspace.dependencies]\nserde = \"1\"\n\
                    nucleus = { package = \"throng-core\", path = \"crates/core\" }\n";
        let parse = |text: &str| text.parse::<Table>().unwrap();
        let members = members.iter().map(|(folder, text)| ((*folder).to_owned(), parse(text))).collect();
        Manifests { root: parse(root), members }
    }

    fn package(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}\n")
    }

    fn rules(violations: Vec<Violation>) -> Vec<String> {
        violations.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn an_arrow_up_or_along_a_row_is_caught() {
        let up = package("throng-core", "[dependencies]\nthrong-engine.workspace = true");
        let along =
            package("throng-ldap", "[target.'cfg(unix)'.dev-dependencies]\nthrong-wire.workspace = true");
        let found = workspace(&[("crates/core", &up), ("crates/ldap", &along)]).arrows();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].file, "crates/core/Cargo.toml");
        assert!(found[1].rule.starts_with("throng-ldap depends on throng-wire"), "{found:?}");
    }

    #[test]
    fn an_arrow_down_and_the_testkit_in_tests_are_let_through() {
        let engine =
            "[dependencies]\nnucleus.workspace = true\n[dev-dependencies]\nthrong-testkit.workspace = true";
        let store = "[dev-dependencies]\nthrong-testkit.workspace = true";
        let engine = package("throng-engine", engine);
        let store = package("throng-store-sql", store);
        assert_eq!(workspace(&[("crates/engine", &engine), ("crates/store-sql", &store)]).arrows(), []);
    }

    #[test]
    fn the_testkit_is_for_tests_only_and_not_for_those_of_core() {
        let core = package("throng-core", "[dev-dependencies]\nthrong-testkit.workspace = true");
        let store = package("throng-store-sql", "[dependencies]\nthrong-testkit.workspace = true");
        assert_eq!(workspace(&[("crates/core", &core), ("crates/store-sql", &store)]).arrows().len(), 2);
    }

    #[test]
    fn the_automation_depends_on_nothing_of_ours() {
        let xtask = package("xtask", "[dependencies]\nnucleus.workspace = true");
        assert_eq!(workspace(&[("crates/xtask", &xtask)]).arrows().len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_or_with_a_foreign_name_is_caught() {
        let found = workspace(&[("crates/extra", &package("throng-extra", ""))]).arrows();
        assert_eq!(rules(found), ["has no place in the picture: give it a row"]);
        let found = workspace(&[("crates/wire", &package("wire", ""))]).arrows();
        assert_eq!(rules(found), ["a package in crates/wire is named throng-wire"]);
    }

    #[test]
    fn an_adapter_in_the_engine_is_caught() {
        let named = "[dependencies]\nnucleus.workspace = true\nthrong-store-sql.workspace = true";
        let found =
            workspace(&[("crates/engine", &package("throng-engine", named))]).engine_names_no_adapter();
        assert_eq!(rules(found), ["the engine depends on throng-store-sql: it names no adapter"]);
        let tested = "[dev-dependencies]\nthrong-store-sql.workspace = true";
        assert_eq!(
            workspace(&[("crates/engine", &package("throng-engine", tested))]).engine_names_no_adapter(),
            []
        );
    }

    #[test]
    fn a_dependency_of_core_that_is_not_on_the_list_is_caught() {
        let fat = "[dependencies]\ntokio = \"1\"\nuuid = \"1\"\nserde.workspace = true\n[build-dependencies]\ncc = \"1\"";
        let found = workspace(&[("crates/core", &package("throng-core", fat))]).core_is_small();
        assert_eq!(found.len(), 3, "{found:?}");
        let slim = "[dependencies]\nserde = { workspace = true, optional = true }\n[dev-dependencies]\nproptest = \"1\"";
        assert_eq!(workspace(&[("crates/core", &package("throng-core", slim))]).core_is_small(), []);
    }

    #[test]
    fn a_manifest_that_inherits_nothing_is_caught() {
        let own =
            package("throng-core", "version = \"1.0.0\"\nedition.workspace = true\nlicense.workspace = true");
        let found = rules(workspace(&[("crates/core", &own)]).inheritance());
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("lints") && found[1].contains("version"), "{found:?}");
        assert!(found[2].contains("rust-version"), "{found:?}");
    }

    #[test]
    fn a_version_declared_twice_is_caught() {
        let first = package(
            "throng-core",
            "[dependencies]\nserde = \"1\"\ncsv = \"1\"\nthrong-core = { path = \".\" }",
        );
        let second = package("throng-wire", "[dev-dependencies]\ncsv = \"1\"\nserde.workspace = true");
        let found = rules(workspace(&[("crates/core", &first), ("crates/wire", &second)]).versions());
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.contains(&"crates/core also asks for csv: declare it in the workspace".to_owned()));
    }

    #[test]
    fn a_crate_outside_the_workspace_is_caught() {
        let files =
            ["crates/core/Cargo.toml", "crates/fuzz/Cargo.toml", "crates/lost/Cargo.toml"].map(str::to_owned);
        let found = workspace(&[("crates/core", "")]).membership(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "crates/lost/Cargo.toml");
    }
}
