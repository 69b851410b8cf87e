//! `throng explain`.

use crate::arguments::Explain;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::{Place, application};

pub(crate) async fn run(arguments: &Explain, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let explanation = application(&throng, &arguments.application)?.explain(&arguments.name).await?;
    output.answer(&explanation.to_string().trim_end(), &explanation)
}
