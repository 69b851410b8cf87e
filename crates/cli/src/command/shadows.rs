//! `throng shadows`.

use clap::Args;
use throng::shadows::ShadowScope;

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::{Place, application};

#[derive(Debug, Args)]
pub(crate) struct Shadows {
    #[command(flatten)]
    at: Where,
    /// The application whose order says who wins [default: all directories, where nobody wins]
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
}

pub(crate) async fn run(arguments: &Shadows, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let scope = match &arguments.application {
        Some(name) => ShadowScope::Application(application(&throng, name)?.id()),
        None => ShadowScope::AllDirectories,
    };
    let report = throng.shadows(scope).await?;
    output.answer(&report.to_string().trim_end(), &report)
}
