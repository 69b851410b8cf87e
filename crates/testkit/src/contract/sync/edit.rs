//! What a case changes at the source.

use std::fmt::Debug;

use throng_core::directory::{
    Directory, GroupPatch, NewGroup, NewUser, UserPatch, WriteGroups, WriteMembers, WriteUsers,
};
use throng_core::error::DirectoryError;
use throng_core::group::Member;
use throng_core::id::ExternalId;
use throng_core::name::{GroupName, Username};

/// A change that is made at the source, behind the back of whoever mirrors it.
///
/// Whom and what it names is there, and what it makes is not, so that it always succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Makes a user.
    AddUser(NewUser),
    /// Changes the profile or the active flag of a user.
    UpdateUser(Username, UserPatch),
    /// Gives a user another name. The account stays the same.
    RenameUser(Username, Username),
    /// Removes a user with its memberships. Another account of the name has another external id.
    RemoveUser(Username),
    /// Makes a group.
    AddGroup(NewGroup),
    /// Gives a group another description.
    DescribeGroup(GroupName, String),
    /// Removes a group with its memberships.
    RemoveGroup(GroupName),
    /// Puts a member into a group.
    Join(GroupName, Member),
    /// Takes a member out of a group.
    Leave(GroupName, Member),
}

impl Edit {
    /// Makes the change through the powers of a directory.
    ///
    /// # Panics
    ///
    /// Where the directory lacks the power, or refuses.
    pub async fn make_at(&self, directory: &dyn Directory) {
        match self {
            Self::AddUser(user) => drop(done(self, users(directory).add_user(user).await)),
            Self::UpdateUser(name, patch) => {
                let id = id_of(directory, name).await;
                drop(done(self, users(directory).update_user(&id, patch).await));
            }
            Self::RenameUser(name, to) => {
                let id = id_of(directory, name).await;
                drop(done(self, users(directory).rename_user(&id, to).await));
            }
            Self::RemoveUser(name) => {
                let id = id_of(directory, name).await;
                done(self, users(directory).remove_user(&id).await);
            }
            Self::AddGroup(group) => drop(done(self, groups(directory).add_group(group).await)),
            Self::DescribeGroup(name, description) => {
                let patch = GroupPatch { description: Some(description.clone()), ..GroupPatch::default() };
                drop(done(self, groups(directory).update_group(name, &patch).await));
            }
            Self::RemoveGroup(name) => done(self, groups(directory).remove_group(name).await),
            Self::Join(group, member) => done(self, members(directory).add_member(group, member).await),
            Self::Leave(group, member) => done(self, members(directory).remove_member(group, member).await),
        }
    }
}

fn users(directory: &dyn Directory) -> &dyn WriteUsers {
    directory.powers().users.expect("who edits the source has the power over users")
}

fn groups(directory: &dyn Directory) -> &dyn WriteGroups {
    directory.powers().groups.expect("who edits the source has the power over groups")
}

fn members(directory: &dyn Directory) -> &dyn WriteMembers {
    directory.powers().members.expect("who edits the source has the power over members")
}

async fn id_of(directory: &dyn Directory, name: &Username) -> ExternalId {
    let found = directory.user(name).await.ok().flatten();
    found.unwrap_or_else(|| unreachable!("{name:?} is at the source")).external_id
}

#[track_caller]
fn done<T: Debug>(edit: &Edit, answer: Result<T, DirectoryError>) -> T {
    answer.unwrap_or_else(|error| unreachable!("{edit:?} was refused: {error:?}"))
}
