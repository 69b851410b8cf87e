//! `throng init`.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use throng::Throng;
use throng::core::registry::Label;
use throng::sqlite::SqliteStore;

use crate::arguments::Where;
use crate::failure::Failure;
use crate::output::Output;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    at: Where,
    /// The name of the internal directory
    #[arg(long, value_name = "NAME", default_value = "Users")]
    directory: String,
}

#[derive(Serialize)]
struct Made<'a> {
    database: &'a Path,
    directory: &'a str,
    made: bool,
}

pub(crate) async fn run(arguments: &Init, output: &Output) -> Result<(), Failure> {
    let place = Place::find(&arguments.at)?;
    // Before the file is made: a name that cannot be one must leave nothing behind.
    let directory = Label::new(arguments.directory.as_str()).map_err(throng::Error::from)?;
    let throng = Throng::builder(SqliteStore::open(&place.database).await?).build().await?;
    let made = throng.directory(directory.as_str()).is_err();
    throng.internal_directory(directory.as_str()).await?;
    let (database, directory) = (place.database.as_path(), directory.as_str());
    let state = if made { "now has" } else { "already has" };
    let words = format_args!("{} {state} the internal directory {directory:?}", database.display());
    output.answer(&words, &Made { database, directory, made })
}
