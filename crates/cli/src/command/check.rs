//! `throng check`.

use serde::Serialize;
use throng::check::{CheckReport, Listed};
use throng::core::name::GroupName;
use throng::{Error, Throng};

use crate::arguments::List;
use crate::failure::{Code, Failure};
use crate::output::{Output, Row};
use crate::place::Place;

/// How many names are told to people.
const FIRST: usize = 20;

/// What was found, for programs.
#[derive(Serialize)]
struct Found {
    is_clean: bool,
    schema: i64,
    folding: String,
    damage: Vec<String>,
    #[serde(flatten)]
    report: CheckReport,
}

/// Something that was found.
#[derive(Serialize)]
struct Finding {
    place: String,
    what: &'static str,
    /// Whether it is a fault.
    fault: bool,
    count: u64,
    names: String,
}

impl Row for Finding {
    const SEVERAL: &'static str = "findings";
    const COLUMNS: &'static [&'static str] = &["", "where", "what", "count", "such as"];

    fn cells(&self) -> Vec<String> {
        let mark = if self.fault { "!" } else { "" };
        let Self { place, names, .. } = self;
        let count = self.count.to_string();
        vec![mark.to_owned(), place.clone(), self.what.to_owned(), count, names.clone()]
    }
}

pub(crate) async fn run(arguments: &List, output: &Output) -> Result<Code, Failure> {
    let (throng, store) = Place::find(&arguments.at)?.open_store().await?;
    let examined = store.examine().await.map_err(Error::from)?;
    let report = throng.check().await?;
    let is_clean = examined.damage.is_empty() && report.is_clean();
    output.words(&format_args!("schema {}, names folded by {}", examined.schema, examined.folding))?;
    let mut findings = findings(&throng, &report)?;
    findings.extend(examined.damage.iter().map(|damage| Finding {
        place: "the database".to_owned(),
        what: "damaged",
        fault: true,
        count: 1,
        names: damage.clone(),
    }));
    if !findings.is_empty() {
        output.table(&findings)?;
    }
    output.words(&if is_clean {
        "everything is as it should be"
    } else {
        "what is marked is not as it should be"
    })?;
    let (schema, folding, damage) = (examined.schema, examined.folding, examined.damage);
    output.value(&Found { is_clean, schema, folding, damage, report })?;
    Ok(if is_clean { Code::Done } else { Code::Found })
}

/// Everything that is worth a line.
fn findings(throng: &Throng, report: &CheckReport) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for directory in &report.directories {
        let place = || format!("directory {:?}", directory.name);
        if directory.never_synchronised {
            let what = "never synchronised";
            findings.push(Finding { place: place(), what, fault: true, count: 1, names: String::new() });
        }
        for (what, fault, listed) in [
            ("hash weaker than it should be", true, &directory.weak),
            ("hash that cannot be checked", true, &directory.quarantined),
            ("no password", false, &directory.absent),
        ] {
            findings.push(counted(place(), what, fault, listed, |name| name.as_str()));
        }
    }
    for application in &report.applications {
        let place = || format!("application {:?}", application.name);
        for (what, listed) in [
            ("name whose owner is not there", &application.orphans),
            ("name that the order gives to another account", &application.outranked),
        ] {
            findings.push(counted(place(), what, true, listed, |name| name.as_str()));
        }
        if application.lacks_administrator {
            let what = "administrators who cannot log in, or are not there";
            let groups = throng.application(application.name.as_str())?.administrators()?;
            let names = groups.iter().take(FIRST).map(GroupName::as_str).collect::<Vec<_>>().join(", ");
            findings.push(Finding { place: place(), what, fault: true, count: 1, names });
        }
        let what = "name of somebody who is gone";
        let count = application.tombstones;
        findings.push(Finding { place: place(), what, fault: false, count, names: String::new() });
    }
    for id in &report.open_moves {
        let (place, what) = ("moves".to_owned(), "begun and not over");
        findings.push(Finding { place, what, fault: true, count: 1, names: id.to_string() });
    }
    findings.retain(|finding| finding.count > 0);
    Ok(findings)
}

fn counted<N>(
    place: String,
    what: &'static str,
    fault: bool,
    listed: &Listed<N>,
    spelled: impl Fn(&N) -> &str,
) -> Finding {
    let names: Vec<&str> = listed.first.iter().take(FIRST).map(spelled).collect();
    Finding { place, what, fault, count: listed.count, names: names.join(", ") }
}
