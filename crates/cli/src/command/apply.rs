//! `throng apply`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use throng::core::name::GroupName;
use throng::core::registry::Label;
use throng::error::Conflict;
use throng::preview::{Fingerprint, Preview, Proposal, Unlisted};
use throng::{Error, Throng};

use super::application::{joined, warn_if_nobody};
use crate::arguments::Where;
use crate::change::{Decide, tell, tell_seen};
use crate::config::{Changed, Made, MadeApplication, Step};
use crate::failure::Failure;
use crate::output::{Output, note, yes_or_no};
use crate::place::Place;
use crate::seat::which_memberships;
use crate::signals::Signals;

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The database; goes before the one that the configuration file names
    #[arg(long, value_name = "FILE", env = "THRONG_DATABASE")]
    database: Option<PathBuf>,
    /// Show what would change, and change nothing: what is done without `--yes`, too
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// List everybody who changes, and not only the first
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    decide: Decide,
}

/// A step as programs are told of it.
#[derive(Serialize)]
struct Told<'c> {
    what: String,
    /// What is not there yet, as it will be.
    makes: Option<Made<'c>>,
    /// What is there and changes, part by part.
    changes: Vec<Changed>,
    /// Mirrors that are made, too: nobody can say who is in them.
    unseen: Vec<&'c str>,
    preview: Option<Preview>,
}

impl Told<'_> {
    /// All of it in one text, however many of those who change are listed.
    fn text(&self) -> String {
        let Self { what, makes, changes, unseen, preview } = self;
        let seen = preview.as_ref().map(Preview::fingerprint);
        format!("{what}{makes:?}{changes:?}{unseen:?}{seen:?}")
    }
}

/// All of them.
#[derive(Serialize)]
struct Outcome<'t> {
    applied: bool,
    /// What `--seen` takes; none where there is nothing to change.
    fingerprint: Option<Fingerprint>,
    steps: &'t [Told<'t>],
}

pub(crate) async fn run(arguments: Apply, output: &Output) -> Result<(), Failure> {
    let Apply { config, database, all, decide, dry_run: _ } = arguments;
    let place = Place::find(&Where { database, config: Some(config) })?;
    let throng = place.open().await?;
    let steps = place.config.steps(&throng)?;
    if steps.is_empty() {
        return output
            .answer(&"nothing to change", &Outcome { applied: false, fingerprint: None, steps: &[] });
    }
    let mut told = Vec::new();
    for step in &steps {
        let mut preview = look(&throng, step, all).await?;
        if let Some(preview) = preview.as_mut().filter(|_| step.is_blocked(&steps)) {
            let blocked = preview.administrators.drain(..).map(|who| who.application);
            preview.without_administrator.extend(blocked);
        }
        let (makes, changes) = (step.makes(), step.changes(&throng)?);
        let unseen: Vec<&str> = step.unseen(&steps).into_iter().map(Label::as_str).collect();
        output.words(&step)?;
        if let Some(Made::Application(made)) = &makes {
            tell_made(made, output)?;
        }
        if !changes.is_empty() {
            output.table(&changes)?;
        }
        if let Some(preview) = &preview {
            tell(&throng, preview, all, output)?;
        }
        for mirror in &unseen {
            note(&format_args!("nobody can say who of {mirror:?} changes: it cannot be listed"));
        }
        told.push(Told { what: step.to_string(), makes, changes, unseen, preview });
    }
    let seen = Fingerprint::of(&told.iter().map(Told::text).collect::<String>());
    tell_seen(&seen, output)?;
    let outcome = |applied| Outcome { applied, fingerprint: Some(seen.clone()), steps: &told };
    if !decide.yes {
        note(&format_args!(
            "nothing was changed; `--yes` makes these changes, `--yes --seen {seen}` these and no others"
        ));
        return output.value(&outcome(false));
    }
    decide.refuse_other(&seen)?;
    for told in &told {
        refuse(told, &decide)?;
    }
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    for (step, told) in steps.iter().zip(&told) {
        step.make(&throng).await?;
        if let Some(seen) = &told.preview {
            // Directories that were made meanwhile hold nobody, so that nobody else changes than was seen.
            let Some(again) = look(&throng, step, all).await? else { continue };
            if again.totals != seen.totals || again.differences != seen.differences {
                return Err(Error::Conflict(Conflict::PreviewStale).into());
            }
            throng.apply_preview(&decide.adopting(again), decide.unlisted()).await?;
        }
    }
    let mut administered = BTreeMap::new();
    for step in &steps {
        if let Some((name, application)) = step.administered(&throng)? {
            administered.insert(name.as_str(), application);
        }
    }
    for (name, application) in administered {
        warn_if_nobody(name, &application).await?;
    }
    output.answer(&"everything is as the file says", &outcome(true))
}

/// Tells people what an application will be.
fn tell_made(made: &MadeApplication<'_>, output: &Output) -> Result<(), Failure> {
    let administrators: Vec<&str> = made.administrators.iter().map(GroupName::as_str).collect();
    output.words(&format_args!(
        "active: {}\nmay ask from: {}\nmemberships that count: {}\nadministrators: {}",
        yes_or_no(made.active),
        joined(&made.addresses),
        which_memberships(made.memberships),
        administrators.join(", "),
    ))?;
    output.table(&made.seats)
}

async fn look(throng: &Throng, step: &Step<'_>, all: bool) -> Result<Option<Preview>, Failure> {
    let Some((application, plan)) = step.plan(throng)? else { return Ok(None) };
    let proposal = Proposal::Plan { application: application.id(), plan };
    let mut everybody = Vec::new();
    let mut preview = throng
        .preview_each(proposal, |difference| {
            if all {
                everybody.push(difference.clone());
            }
        })
        .await?;
    if all {
        preview.differences = everybody;
    }
    Ok(Some(preview))
}

/// What would be refused when it is its turn is refused before anything is made.
fn refuse(told: &Told<'_>, decide: &Decide) -> Result<(), Failure> {
    let Some(preview) = &told.preview else { return Ok(()) };
    if let Some(application) = preview.without_administrator.first() {
        return Err(Error::Conflict(Conflict::LastAdministrator(application.clone())).into());
    }
    if decide.unlisted() == Unlisted::Accept {
        return Ok(());
    }
    if let Some(mirror) = told.unseen.first() {
        let words =
            format!("nobody can say who is in the mirror {mirror:?} yet: `--accept-unlisted` is needed");
        return Err(Failure::Refused(words));
    }
    if !preview.unlisted.is_empty() {
        return Err(Error::Conflict(Conflict::NotListed(preview.unlisted.clone())).into());
    }
    Ok(())
}
