//! `throng preview`.

use clap::Subcommand;

use crate::change::{
    AddSeat, DeleteUser, Disable, DisableUser, Enable, LeaveGroup, Memberships, RemoveDirectory, RemoveGroup,
    RemoveSeat, RenameUser, Reorder, SetAccess, SetPolicy, Showing, show,
};
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Preview {
    /// An application asks its directories in another order
    #[command(after_help = "Example:\n  throng preview reorder jira Crowd Users --database users.db --all")]
    Reorder(Showing<Reorder>),
    /// An application asks one more directory
    #[command(after_help = "Example:\n  throng preview add-seat jira Crowd --position 1 --database users.db")]
    AddSeat(Showing<AddSeat>),
    /// An application asks a directory no more
    #[command(after_help = "Example:\n  throng preview remove-seat jira Crowd --database users.db")]
    RemoveSeat(Showing<RemoveSeat>),
    /// A directory is switched off, for every application
    #[command(after_help = "Example:\n  throng preview disable Crowd --database users.db")]
    Disable(Showing<Disable>),
    /// A directory is switched on, for every application
    #[command(after_help = "Example:\n  throng preview enable Crowd --database users.db")]
    Enable(Showing<Enable>),
    /// A directory is removed with everybody in it
    #[command(after_help = "Example:\n  throng preview remove-directory Crowd --database users.db")]
    RemoveDirectory(Showing<RemoveDirectory>),
    /// Memberships of several directories combine in another way
    #[command(after_help = "Example:\n  throng preview memberships jira aggregated --database users.db")]
    Memberships(Showing<Memberships>),
    /// An application admits others from a directory
    #[command(after_help = "\
Example:
  throng preview access jira Users --group jira-users --database users.db")]
    Access(Showing<SetAccess>),
    /// Silence and refusal of a directory mean something else to an application
    #[command(after_help = "Example:\n  throng preview policy jira Crowd --login stop --database users.db")]
    Policy(Showing<SetPolicy>),
    /// A user is removed
    #[command(after_help = "Example:\n  throng preview delete-user anna --database users.db")]
    DeleteUser(Showing<DeleteUser>),
    /// A user gets another name
    #[command(after_help = "Example:\n  throng preview rename-user anna anja --database users.db")]
    RenameUser(Showing<RenameUser>),
    /// A user may log in no more
    #[command(after_help = "Example:\n  throng preview disable-user anna --database users.db")]
    DisableUser(Showing<DisableUser>),
    /// A group is removed; its members stay
    #[command(after_help = "Example:\n  throng preview remove-group staff --database users.db")]
    RemoveGroup(Showing<RemoveGroup>),
    /// A user, or a group, is in a group no more
    #[command(after_help = "Example:\n  throng preview remove-member staff anna --database users.db")]
    RemoveMember(Showing<LeaveGroup>),
}

pub(crate) async fn run(arguments: Preview, output: &Output) -> Result<(), Failure> {
    match &arguments {
        Preview::Reorder(what) => show(what, output).await,
        Preview::AddSeat(what) => show(what, output).await,
        Preview::RemoveSeat(what) => show(what, output).await,
        Preview::Disable(what) => show(what, output).await,
        Preview::Enable(what) => show(what, output).await,
        Preview::RemoveDirectory(what) => show(what, output).await,
        Preview::Memberships(what) => show(what, output).await,
        Preview::Access(what) => show(what, output).await,
        Preview::Policy(what) => show(what, output).await,
        Preview::DeleteUser(what) => show(what, output).await,
        Preview::RenameUser(what) => show(what, output).await,
        Preview::DisableUser(what) => show(what, output).await,
        Preview::RemoveGroup(what) => show(what, output).await,
        Preview::RemoveMember(what) => show(what, output).await,
    }
}
