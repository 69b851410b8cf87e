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
        let admits = match &self.access {
            Access::Everyone => "everyone".to_owned(),
            Access::Groups(groups) => groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", "),
        };
        let silence = |silence: OnSilence| match silence {
            OnSilence::Stop => "stop".to_owned(),
            OnSilence::Pass => "pass".to_owned(),
            OnSilence::PassIfLacked { max_age } => format!("pass if lacked for {} s", max_age.as_secs()),
        };
        let policy = &self.policy;
        let refusal = match policy.on_refusal {
            OnRefusal::Stop => "stop",
            OnRefusal::Pass => "pass",
        };
        vec![
            self.rank.to_string(),
            self.directory.clone(),
            admits,
            silence(policy.login),
            silence(policy.authorise),
            silence(policy.lookup),
            refusal.to_owned(),
        ]
    }
}

/// Which memberships count, in words.
pub(crate) fn which_memberships(scheme: MembershipScheme) -> &'static str {
    match scheme {
        MembershipScheme::Canonical => "of the directory that the user is found in",
        MembershipScheme::Aggregated => "of all directories",
    }
}
