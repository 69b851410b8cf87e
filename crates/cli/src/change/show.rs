//! A preview in tables.

use serde::Serialize;
use throng::Throng;
use throng::preview::{
    Administrator, Difference, Holding, Owns, PasswordSource, PolicyChange, Preview, Totals,
};

use crate::failure::Failure;
use crate::output::{Output, Row, note};
use crate::place::Names;
use crate::seat::policy;

/// How many people are listed unless everybody is asked for.
const FIRST: usize = 20;

/// Tells people what a change would mean: totals first, then who changes.
pub(crate) fn tell(throng: &Throng, preview: &Preview, all: bool, output: &Output) -> Result<(), Failure> {
    let names = Names::of(throng)?;
    output.table(&totals(&preview.totals))?;
    if !preview.outages.is_empty() {
        output.table(&preview.outages.iter().map(Outage::of).collect::<Vec<_>>())?;
    }
    let shown = if all { preview.differences.len() } else { FIRST.min(preview.differences.len()) };
    let people = preview.differences.iter().take(shown);
    let people: Vec<Changing> = people.map(|difference| Changing::of(difference, &names)).collect();
    if !people.is_empty() {
        output.table(&people)?;
    }
    let left = preview.totals.changed.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    if left > 0 {
        output.words(&format_args!("and {left} more; `--all` lists everybody"))?;
    }
    for directory in &preview.unlisted {
        note(&format_args!(
            "nobody can say who of {:?} changes: it cannot be listed",
            names.directory(*directory)
        ));
    }
    if preview.waiting > 0 {
        let waiting = preview.waiting;
        note(&format_args!(
            "{waiting} accounts wait for their passwords, which this directory checks: they cannot log in without it"
        ));
    }
    for Administrator { application, name, password } in &preview.administrators {
        let password = source(*password);
        output.words(&format_args!("{name:?} could still administer {application:?}, by {password}"))?;
    }
    for application in &preview.without_administrator {
        note(&format_args!("nobody could administer {application:?} any more: this change is refused"));
    }
    Ok(())
}

/// A count.
#[derive(Serialize)]
struct Count {
    what: &'static str,
    names: u64,
}

impl Row for Count {
    const SEVERAL: &'static str = "names";
    const COLUMNS: &'static [&'static str] = &["what", "names"];

    fn cells(&self) -> Vec<String> {
        vec![self.what.to_owned(), self.names.to_string()]
    }
}

fn totals(totals: &Totals) -> Vec<Count> {
    let Totals {
        names,
        changed,
        owners,
        passwords,
        activity,
        groups,
        access,
        locked_out,
        surfacing,
        to_adopt,
    } = *totals;
    let always = [("looked at", names), ("changed", changed)];
    let where_any = [
        ("another account, or nobody", owners),
        ("another account surfaces", surfacing),
        ("wait until they are adopted", to_adopt),
        ("locked out", locked_out),
        ("access changes", access),
        ("password checked elsewhere", passwords),
        ("active or not any more", activity),
        ("other groups", groups),
    ];
    let any = where_any.into_iter().filter(|(_, names)| *names > 0);
    always.into_iter().chain(any).map(|(what, names)| Count { what, names }).collect()
}

/// What an outage would mean instead.
#[derive(Serialize)]
struct Outage {
    application: String,
    directory: String,
    before: String,
    after: String,
}

impl Outage {
    fn of(change: &PolicyChange) -> Self {
        let PolicyChange { application, directory, before, after } = change;
        let (before, after) = (policy(before), policy(after));
        Self { application: application.clone(), directory: directory.clone(), before, after }
    }
}

impl Row for Outage {
    const SEVERAL: &'static str = "outages";
    const COLUMNS: &'static [&'static str] = &["application", "directory", "outages now", "outages then"];

    fn cells(&self) -> Vec<String> {
        let Self { application, directory, before, after } = self;
        [application, directory, before, after].map(Clone::clone).to_vec()
    }
}

/// Somebody who changes.
#[derive(Serialize)]
struct Changing {
    application: String,
    name: String,
    before: String,
    after: String,
    what: String,
}

impl Row for Changing {
    const SEVERAL: &'static str = "names";
    const COLUMNS: &'static [&'static str] = &["application", "name", "now", "then", "what changes"];

    fn cells(&self) -> Vec<String> {
        let Self { application, name, before, after, what } = self;
        [application, name, before, after, what].map(Clone::clone).to_vec()
    }
}

impl Changing {
    fn of(difference: &Difference, names: &Names) -> Self {
        let held = |holding: &Option<Holding>| match holding {
            Some(holding) => self::held(holding, names),
            None => "nobody".to_owned(),
        };
        Self {
            application: names.application(difference.application),
            name: difference.name.as_str().to_owned(),
            before: held(&difference.before),
            after: held(&difference.after),
            what: what(difference),
        }
    }
}

/// Whose a name is, in a line.
fn held(holding: &Holding, names: &Names) -> String {
    let mut words = names.directory(holding.subject.directory);
    for (is, word) in [
        (!holding.active, "inactive"),
        (!holding.admitted, "no access"),
        (holding.owns == Owns::NotUntilAdopted, "not until adopted"),
    ] {
        if is {
            words.push_str(", ");
            words.push_str(word);
        }
    }
    words
}

/// What changes about a name, in a line.
fn what(difference: &Difference) -> String {
    let mut words: Vec<String> = Vec::new();
    if difference.locks_out() {
        words.push("locked out".to_owned());
    }
    if difference.surfaces {
        words.push("surfaces".to_owned());
    }
    if let (Some(before), Some(after)) = (&difference.before, &difference.after)
        && before.password != after.password
    {
        words.push(format!("password checked by {}", source(after.password)));
    }
    let (gained, lost) = difference.groups();
    words.extend(gained.iter().map(|group| format!("+{group}")));
    words.extend(lost.iter().map(|group| format!("-{group}")));
    words.join(", ")
}

fn source(source: PasswordSource) -> &'static str {
    match source {
        PasswordSource::Kept => "the hash kept here",
        PasswordSource::Verifier => "the verifier",
        PasswordSource::Source => "the source of the mirror",
        PasswordSource::Directory => "the directory itself",
    }
}
