//! What cargo knows about our packages.

use crate::run;
use serde_json::Value;
use std::path::PathBuf;

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name, as a dependency would spell it.
    pub(crate) name: String,
    /// Whether it goes to the registry.
    pub(crate) published: bool,
    /// The directory of its manifest.
    pub(crate) folder: PathBuf,
    /// The names of its examples.
    pub(crate) examples: Vec<String>,
    /// What the registry would ask for and the manifest does not say.
    pub(crate) missing: Vec<&'static str>,
}

/// The packages of the workspace, by name.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let text = run::captured(run::cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut packages: Vec<Package> =
        metadata["packages"].as_array().into_iter().flatten().map(package).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn package(value: &Value) -> Package {
    const ASKED: [&str; 3] = ["description", "license", "readme"];
    let manifest = PathBuf::from(value["manifest_path"].as_str().unwrap_or_default());
    Package {
        name: value["name"].as_str().unwrap_or_default().to_owned(),
        // `publish = false` arrives as an empty list of registries, no statement as null.
        published: value["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
        examples: value["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|target| is_example(target))
            .filter_map(|target| target["name"].as_str().map(str::to_owned))
            .collect(),
        missing: ASKED.into_iter().filter(|key| value[*key].as_str().is_none_or(str::is_empty)).collect(),
    }
}

/// Whether a target, as cargo describes it, is an example.
pub(crate) fn is_example(target: &Value) -> bool {
    target["kind"].as_array().into_iter().flatten().any(|kind| kind == "example")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_package_is_read_from_what_cargo_says() {
        let package = package(&json!({
            "name": "throng-x", "publish": [], "manifest_path": "/there/x/Cargo.toml",
            "description": "d", "license": "MIT", "readme": null,
            "targets": [
                { "kind": ["lib"], "name": "throng_x" },
                { "kind": ["example"], "name": "first_steps" },
            ],
        }));
        assert_eq!(package.name, "throng-x");
        assert!(!package.published);
        assert_eq!(package.folder, PathBuf::from("/there/x"));
        assert_eq!(package.examples, ["first_steps"]);
        assert_eq!(package.missing, ["readme"]);
    }

    #[test]
    fn a_package_that_says_nothing_is_published() {
        assert!(package(&json!({ "publish": null })).published);
    }

    #[test]
    fn this_package_is_found_and_stays_at_home() {
        let packages = packages().unwrap();
        let own = packages.iter().find(|package| package.name == "xtask").unwrap();
        assert!(!own.published);
    }
}
