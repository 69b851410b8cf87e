//! A place in the order of an application, as people and programs read of it.

use serde::Serialize;
use throng::core::id::DirectoryId;
use throng::core::name::GroupName;
use throng::core::plan::{OnRefusal, OnSilence};
use throng::{Access, MembershipScheme, SeatPolicy};

use crate::output::Row;

/// One place in an order.
#[derive(Debug, Serialize)]
pub(crate) struct Seat {
    pub(crate) rank: usize,
    pub(crate) directory: String,
    /// None where the directory is not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<DirectoryId>,
    pub(crate) access: Access,
    pub(crate) policy: SeatPolicy,
}

impl Row for Seat {
    const SEVERAL: &'static str = "directories";
    const COLUMNS: &'static [&'static str] =
        &["", "directory", "admits", "silence: login", "authorise", "lookup", "refusal"];

    fn cells(&self) -> Vec<String> {
        let admits = admitted(&self.access);
        let policy = &self.policy;
        vec![
            self.rank.to_string(),
            self.directory.clone(),
            admits,
            silence(policy.login),
            silence(policy.authorise),
            silence(policy.lookup),
            refusal(policy.on_refusal).to_owned(),
        ]
    }
}

/// Whom an application admits, in words.
pub(crate) fn admitted(access: &Access) -> String {
    match access {
        Access::Everyone => "everyone".to_owned(),
        Access::Groups(groups) => groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// What silence and refusal mean, a line for each.
pub(crate) fn policy(policy: &SeatPolicy) -> String {
    let (login, authorise, lookup) =
        (silence(policy.login), silence(policy.authorise), silence(policy.lookup));
    let refusal = refusal(policy.on_refusal);
    format!("login: {login}\nauthorise: {authorise}\nlookup: {lookup}\nrefusal: {refusal}")
}

fn silence(silence: OnSilence) -> String {
    match silence {
        OnSilence::Stop => "stop".to_owned(),
        OnSilence::Pass => "pass".to_owned(),
        OnSilence::PassIfLacked { max_age } => format!("pass if lacked for {} s", max_age.as_secs()),
    }
}

fn refusal(refusal: OnRefusal) -> &'static str {
    match refusal {
        OnRefusal::Stop => "stop",
        OnRefusal::Pass => "pass",
    }
}

/// Which memberships count, in words.
pub(crate) fn which_memberships(scheme: MembershipScheme) -> &'static str {
    match scheme {
        MembershipScheme::Canonical => "of the directory that the user is found in",
        MembershipScheme::Aggregated => "of all directories",
    }
}
