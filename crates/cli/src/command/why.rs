//! `throng why`.

use clap::{Args, ValueEnum};
use serde::Serialize;
use throng::error::Outage;
use throng::{Admission, Error};

use crate::arguments::Where;
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::place::{Names, Place, application, kept_back, kept_back_words};

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The name
    name: String,
    /// What is asked about it
    question: Question,
    /// The application
    application: String,
    #[command(flatten)]
    at: Where,
}

/// What can be asked about a name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Question {
    /// Whether it may use an application
    CanUse,
}

/// Why somebody may use an application, or may not.
#[derive(Serialize)]
struct Reason<'a> {
    name: &'a str,
    application: &'a str,
    admitted: bool,
    /// The directory that decides.
    directory: Option<String>,
    /// How it decides; nothing where the name is nobody's.
    admission: Option<Admission>,
    /// Whether a user server hands the account on; none where the name is nobody's.
    handed_on: Option<bool>,
    /// The same in a sentence.
    because: String,
}

pub(crate) async fn run(arguments: &Why, output: &Output) -> Result<Code, Failure> {
    let Question::CanUse = arguments.question;
    let (name, label) = (arguments.name.as_str(), arguments.application.as_str());
    let throng = Place::find(&arguments.at)?.open().await?;
    let (application, names) = (application(&throng, label)?, Names::of(&throng)?);
    let is_off = !application.record()?.active;
    let mut mirror = None;
    let reason = |admitted, directory, admission, because| Reason {
        name,
        application: label,
        admitted,
        directory,
        admission,
        handed_on: None,
        because,
    };
    let mut reason = match application.find_user(name).await {
        Ok(user) => {
            let directory = names.directory(user.directory());
            let admission = application.admission(&user).await.map_err(|error| silent(error, &names))?;
            let because = sentence(&admission, &directory);
            mirror = kept_back(&throng, user.directory());
            let handed_on = Some(mirror.is_none());
            Reason { handed_on, ..reason(admission.is_admitted(), Some(directory), Some(admission), because) }
        }
        Err(Error::NotFound { .. }) => {
            reason(false, None, None, "no directory of the application knows the name".to_owned())
        }
        // A name that belongs to somebody else, or to two, opens nothing.
        Err(Error::Conflict(conflict)) => reason(false, None, None, conflict.to_string()),
        Err(error) => return Err(silent(error, &names)),
    };
    if is_off {
        // Whatever else is said, nobody gets in.
        let besides = match reason.admission {
            Some(_) => String::new(),
            None => format!("; besides, {}", reason.because),
        };
        reason = Reason {
            because: format!("the application is switched off{besides}"),
            admitted: false,
            ..reason
        };
    }
    let (word, code) = if reason.admitted { ("can", Code::Done) } else { ("cannot", Code::Refused) };
    output.words(&format_args!("{name:?} {word} use {label:?}: {}", reason.because))?;
    if let Some(mirror) = &mirror {
        output.words(&kept_back_words(mirror))?;
    }
    output.value(&reason)?;
    Ok(code)
}

fn sentence(admission: &Admission, directory: &str) -> String {
    match admission {
        Admission::Everyone => format!("every active user of {directory:?} may"),
        Admission::Through(path) => {
            let path: Vec<&str> = path.iter().map(throng::core::name::GroupName::as_str).collect();
            format!("it is in a group of {directory:?} that may: {}", path.join(" < "))
        }
        Admission::NotInAnyGroup => format!("it is in none of the groups of {directory:?} that may"),
        Admission::InactiveAccount => format!("the account in {directory:?} is inactive"),
        Admission::Closed => {
            format!("the application does not ask {directory:?} any more")
        }
    }
}

/// Who is silent, by name.
fn silent(error: Error, names: &Names) -> Failure {
    match &error {
        Error::Unavailable { why: Outage::Directories(silent), .. } => {
            let silent: Vec<String> = silent.iter().map(|id| format!("{:?}", names.directory(*id))).collect();
            Failure::Silent(silent.join(", "))
        }
        _ => error.into(),
    }
}
