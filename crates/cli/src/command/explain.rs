//! `throng explain`.

use clap::Args;

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::{Place, application};

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

pub(crate) async fn run(arguments: &Explain, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let explanation = application(&throng, &arguments.application)?.explain(&arguments.name).await?;
    output.answer(&explanation.to_string().trim_end(), &explanation)
}
