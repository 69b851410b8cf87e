//! `throng explain`.

use clap::Args;
use serde::Serialize;
use throng::{Explanation, NameState};

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::{Place, application, kept_back, kept_back_words};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The name to explain
    name: String,
    #[command(flatten)]
    at: Where,
    /// The application whose order counts
    #[arg(long, value_name = "NAME")]
    application: String,
}

/// An explanation, for programs.
#[derive(Serialize)]
struct Told<'e> {
    #[serde(flatten)]
    explanation: &'e Explanation,
    /// Whether a user server hands the winner on; none where nobody wins.
    handed_on: Option<bool>,
}

pub(crate) async fn run(arguments: &Explain, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let explanation = application(&throng, &arguments.application)?.explain(&arguments.name).await?;
    let winner = match &explanation.state {
        NameState::Means { subject, .. } => Some(subject.directory),
        NameState::OwnershipChanged { .. } | NameState::Unknown | NameState::Undecided { .. } => None,
    };
    let mirror = winner.and_then(|directory| kept_back(&throng, directory));
    output.words(&explanation.to_string().trim_end())?;
    if let Some(mirror) = &mirror {
        output.words(&format_args!("  {}", kept_back_words(mirror)))?;
    }
    output.value(&Told { explanation: &explanation, handed_on: winner.map(|_| mirror.is_none()) })
}
