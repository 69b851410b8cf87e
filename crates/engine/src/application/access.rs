//! Whether an account may use the application (R220 to R223).

use throng_core::group::Member;
use throng_core::name::GroupName;
use throng_core::plan::Access;
use throng_core::resolve::Resolved;
use throng_core::user::User;

use super::Application;
use crate::error::{Denial, Error};

/// Whether an account may use an application, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// The seat is open to everyone.
    Everyone,
    /// Through this path, from the group that directly holds the account to the one that the seat names.
    Through(Vec<GroupName>),
    /// The seat names groups, and the account is in none of them.
    NotInAnyGroup,
    /// The account is inactive.
    InactiveAccount,
    /// The application is inactive, or the directory is not in its plan.
    Closed,
}

impl Admission {
    /// Whether the account may use the application.
    pub fn is_admitted(&self) -> bool {
        match self {
            Self::Everyone | Self::Through(_) => true,
            Self::NotInAnyGroup | Self::InactiveAccount | Self::Closed => false,
        }
    }
}

impl Application {
    /// Decides whether an account may use the application.
    ///
    /// 1. Only groups of the account's own directory count, nested ones included, whatever the membership scheme
    ///    (R221).
    /// 2. A directory that cannot say is [`Error::Unavailable`], which admits nobody (R222).
    pub async fn admission(&self, user: &Resolved<User>) -> Result<Admission, Error> {
        let app = self.in_use()?;
        let directory = user.directory();
        let seat = app.plan.rank(directory).and_then(|rank| app.plan.seats().get(rank));
        let (Some(seat), Some(mount), true) = (seat, app.mount(directory), app.record.active) else {
            return Ok(Admission::Closed);
        };
        if !user.value().active {
            return Ok(Admission::InactiveAccount);
        }
        let wanted = match &seat.access {
            Access::Everyone => return Ok(Admission::Everyone),
            Access::Groups(groups) => groups,
        };
        let member = Member::User(user.value().name.clone());
        let closure = self.memberships_in(mount, directory, &member).await?;
        let granting = wanted.iter().find(|group| closure.contains(group.key()));
        Ok(granting.map_or(Admission::NotInAnyGroup, |group| {
            Admission::Through(closure.path(group.key()).into_iter().cloned().collect())
        }))
    }

    pub(super) async fn admit(&self, user: &Resolved<User>) -> Result<Admission, Error> {
        let admission = self.admission(user).await?;
        if admission.is_admitted() {
            Ok(admission)
        } else {
            let trail = Some(Box::new(user.trail().clone()));
            Err(Error::Denied { why: Denial::NotAdmitted, trail })
        }
    }
}
