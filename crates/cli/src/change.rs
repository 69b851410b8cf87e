//! Changes that are looked at before they are made: `throng preview` shows them, and the commands that make them show
//! them too, and make them with `--yes`.

mod propose;
mod show;

use clap::{Args, ValueEnum};
use serde::Serialize;
use throng::error::Conflict;
use throng::preview::{Fingerprint, Preview, Proposal, Unlisted};
use throng::{Adoption, Error, Throng};

pub(crate) use propose::{
    AddSeat, DeleteUser, Disable, DisableUser, Enable, LeaveGroup, MemberKind, Memberships, Proposes,
    RemoveDirectory, RemoveGroup, RemoveSeat, RenameUser, Reorder, SetAccess, SetPolicy, Silence, is_own,
};
pub(crate) use show::tell;

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::place::Place;
use crate::signals::Signals;

/// A change that is only looked at.
#[derive(Debug, Args)]
pub(crate) struct Showing<C: Args> {
    #[command(flatten)]
    change: C,
    #[command(flatten)]
    look: Look,
}

/// A change that is looked at, and made if that is said.
#[derive(Debug, Args)]
pub(crate) struct Making<C: Args> {
    #[command(flatten)]
    change: C,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    pub(crate) decide: Decide,
}

#[derive(Debug, Args)]
struct Look {
    #[command(flatten)]
    at: Where,
    /// List everybody who changes, and not only the first
    #[arg(long)]
    all: bool,
}

/// Whether a change is made, and what goes with it.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// Make the change; without it, it is only shown
    #[arg(long)]
    pub(crate) yes: bool,
    /// With `--yes`: only if it still is what was seen as this
    #[arg(long, value_name = "FINGERPRINT", requires = "yes")]
    seen: Option<String>,
    /// As whom accounts take over the names of others that the change puts them in front of
    #[arg(long, value_name = "WHO")]
    adopt: Option<Adopt>,
    /// Make the change although directories cannot be listed
    #[arg(long)]
    accept_unlisted: bool,
}

/// As whom an account takes a name over.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Adopt {
    /// The same person with another account: what refers to the name goes on to mean them
    SamePerson,
    /// Somebody else, who inherits nothing
    NewPerson,
}

/// What programs are told.
#[derive(Serialize)]
struct Told<'p> {
    #[serde(flatten)]
    preview: &'p Preview,
    /// What `--seen` takes.
    fingerprint: Fingerprint,
    applied: bool,
}

impl<'p> Told<'p> {
    fn shown(preview: &'p Preview) -> Self {
        Self { preview, fingerprint: preview.fingerprint(), applied: false }
    }

    fn made(preview: &'p Preview) -> Self {
        Self { applied: true, ..Self::shown(preview) }
    }
}

/// Shows a change.
pub(crate) async fn show<C: Args + Proposes>(what: &Showing<C>, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&what.look.at)?.open().await?;
    let preview = look(&throng, &what.change, what.look.all).await?;
    tell(&throng, &preview, what.look.all, output)?;
    tell_seen(&preview.fingerprint(), output)?;
    output.value(&Told::shown(&preview))
}

/// Shows a change, and makes it if that is said.
pub(crate) async fn make<C: Args + Proposes>(what: &Making<C>, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&what.look.at)?.open().await?;
    let preview = what.decide.adopting(look(&throng, &what.change, what.look.all).await?);
    tell(&throng, &preview, what.look.all, output)?;
    let fingerprint = preview.fingerprint();
    tell_seen(&fingerprint, output)?;
    if !what.decide.yes {
        note(&format_args!(
            "nothing was changed; `--yes` makes this change, `--yes --seen {fingerprint}` this and no other"
        ));
        return output.value(&Told::shown(&preview));
    }
    what.decide.refuse_other(&fingerprint)?;
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    throng.apply_preview(&preview, what.decide.unlisted()).await?;
    output.answer(&"the change is made", &Told::made(&preview))
}

/// Makes a change at once: exactly what a look at it would have shown, and nothing that locks the last administrator
/// out. A directory that cannot be listed now hinders nobody.
pub(crate) async fn make_now(throng: &Throng, proposal: Proposal) -> Result<Preview, Failure> {
    let preview = throng.preview(proposal).await?;
    throng.apply_preview(&preview, Unlisted::Accept).await?;
    Ok(preview)
}

impl Decide {
    pub(crate) fn adopting(&self, preview: Preview) -> Preview {
        match self.adopt {
            Some(Adopt::SamePerson) => preview.adopting(Adoption::SamePerson),
            Some(Adopt::NewPerson) => preview.adopting(Adoption::NewPerson),
            None => preview,
        }
    }

    /// Refuses what was not seen, where it is said what was.
    pub(crate) fn refuse_other(&self, fingerprint: &Fingerprint) -> Result<(), Error> {
        match &self.seen {
            Some(seen) if seen != fingerprint.as_str() => Err(Error::Conflict(Conflict::PreviewStale)),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn unlisted(&self) -> Unlisted {
        if self.accept_unlisted { Unlisted::Accept } else { Unlisted::Refuse }
    }
}

/// Tells people what `--seen` takes.
pub(crate) fn tell_seen(fingerprint: &Fingerprint, output: &Output) -> Result<(), Failure> {
    output.words(&format_args!("seen as {fingerprint}"))
}

async fn look<C: Proposes>(throng: &Throng, change: &C, all: bool) -> Result<Preview, Failure> {
    let proposal = change.proposal(throng).await?;
    if !all {
        return Ok(throng.preview(proposal).await?);
    }
    let mut everybody = Vec::new();
    let mut preview = throng.preview_each(proposal, |difference| everybody.push(difference.clone())).await?;
    preview.differences = everybody;
    Ok(preview)
}
