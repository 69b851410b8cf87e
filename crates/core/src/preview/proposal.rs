use crate::group::Member;
use crate::id::{ApplicationId, DirectoryId, Subject};
use crate::name::{GroupName, Username};
use crate::plan::{Access, MembershipScheme, Plan, SeatPolicy};

/// A change that can be looked at before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Proposal {
    /// An application asks its directories in another order, which names each of them once.
    Reorder {
        /// The application.
        application: ApplicationId,
        /// The order.
        order: Vec<DirectoryId>,
    },
    /// An application asks one more directory.
    AddSeat {
        /// The application.
        application: ApplicationId,
        /// The directory.
        directory: DirectoryId,
        /// Its place, counted from 0; beyond the end means the end.
        at: usize,
    },
    /// An application asks a directory no more.
    RemoveSeat {
        /// The application.
        application: ApplicationId,
        /// The directory.
        directory: DirectoryId,
    },
    /// A directory is switched on or off, for every application.
    SwitchDirectory {
        /// The directory.
        directory: DirectoryId,
        /// What it will be.
        state: Switched,
    },
    /// A directory is removed with everything in it.
    RemoveDirectory {
        /// The directory.
        directory: DirectoryId,
    },
    /// Memberships of several directories combine in another way.
    Memberships {
        /// The application.
        application: ApplicationId,
        /// How.
        scheme: MembershipScheme,
    },
    /// An application admits others from a directory.
    Access {
        /// The application.
        application: ApplicationId,
        /// The directory.
        directory: DirectoryId,
        /// Whom.
        access: Access,
    },
    /// Silence and refusal of a directory mean something else to an application.
    Policy {
        /// The application.
        application: ApplicationId,
        /// The directory.
        directory: DirectoryId,
        /// What.
        policy: SeatPolicy,
    },
    /// An application gets another plan: order, access, policies and membership scheme at once.
    Plan {
        /// The application.
        application: ApplicationId,
        /// The plan; its version is of no account.
        plan: Plan,
    },
    /// A user is removed (R254, P9).
    DeleteUser {
        /// The account.
        subject: Subject,
        /// What becomes of namesakes.
        copies: Copies,
    },
    /// A user gets another name.
    RenameUser {
        /// The account.
        subject: Subject,
        /// The name.
        name: Username,
    },
    /// A user may log in no more, or again.
    SwitchUser {
        /// The account.
        subject: Subject,
        /// What it will be.
        state: Switched,
    },
    /// Somebody, or a group, is in a group no more.
    LeaveGroup {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
        /// Who.
        member: Member,
    },
    /// A group is removed; its members stay.
    RemoveGroup {
        /// The directory.
        directory: DirectoryId,
        /// The group.
        group: GroupName,
    },
}

/// Whether a directory is in service, or a user may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Switched {
    /// It is, or may.
    On,
    /// It is not, or may not, and keeps everything (R293).
    Off,
}

/// What becomes of the namesakes of a user who is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Copies {
    /// They stay, and one of them may surface.
    #[default]
    Stay,
    /// They are removed too, wherever they are kept here.
    Removed,
}
