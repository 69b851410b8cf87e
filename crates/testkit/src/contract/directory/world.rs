//! What a directory holds when a case begins.

use std::sync::LazyLock;

use throng_core::group::Member;
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Username};
use throng_core::secret::Secret;
use throng_core::user::Profile;

use crate::script::ScriptedDirectory;

/// The users, groups, memberships and passwords that a directory under contract holds, and nothing beside
/// them.
///
/// 1. External ids are the adapter's own affair; so is what the world does not mention, such as attributes.
/// 2. Who has no password cannot log in, and neither can who is inactive.
/// 3. A directory with the power over passwords refuses [`World::WEAK_PASSWORD`] and takes those of 12 or
///    more letters, digits and spaces.
#[derive(Debug)]
pub struct World {
    /// The users: `anna`, `Bela`, `çağla`, `dora` (inactive), `emil` (without a password), `o'brien`, `ops`.
    pub users: Vec<Inhabitant>,
    /// The groups: `staff` ⊃ `Devs`, `Ops`, `Bela`, `ops`; `Devs` ⊃ `anna`, `çağla`; `Ops` ⊃ `ops`; `leere
    /// Gruppe`.
    pub groups: Vec<Team>,
}

/// A user of the [`World`].
#[derive(Debug)]
pub struct Inhabitant {
    /// The name, as it is spelled.
    pub name: Username,
    /// What people see.
    pub profile: Profile,
    /// Whether the account may log in.
    pub active: bool,
    /// The password, if there is one.
    pub password: Option<Secret>,
}

/// What a directory shows as the display name of somebody for whom none is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayNames {
    /// None.
    AsKept,
    /// The user name: the protocol to the directory knows nobody without a display name.
    Derived,
}

/// A group of the [`World`].
#[derive(Debug)]
pub struct Team {
    /// The name, as it is spelled.
    pub name: GroupName,
    /// What it is for.
    pub description: String,
    /// The direct members, in the order of keys.
    pub members: Vec<Member>,
}

impl Inhabitant {
    /// The profile, as a directory shows it.
    pub fn shown(&self, names: DisplayNames) -> Profile {
        let mut profile = self.profile.clone();
        match names {
            DisplayNames::AsKept => {}
            DisplayNames::Derived if profile.display_name.is_empty() => {
                self.name.as_str().clone_into(&mut profile.display_name);
            }
            DisplayNames::Derived => {}
        }
        profile
    }
}

impl World {
    /// The password of `anna`.
    pub const ANNAS_PASSWORD: &'static str = "correct horse battery";
    /// A password that a policy must refuse: it has fewer than eight code points.
    pub const WEAK_PASSWORD: &'static str = "short";

    /// The one world there is.
    pub fn standard() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(World::make);
        &WORLD
    }

    /// The user of a name.
    pub fn user(&self, name: &Username) -> Option<&Inhabitant> {
        self.users.iter().find(|user| user.name == *name)
    }

    /// A scripted directory that holds the world.
    pub fn scripted(&self, id: DirectoryId) -> ScriptedDirectory {
        let directory = ScriptedDirectory::new(id);
        for inhabitant in &self.users {
            let mut user = directory.make_user(&inhabitant.name);
            user.profile = inhabitant.profile.clone();
            user.active = inhabitant.active;
            if let Some(password) = &inhabitant.password {
                directory.put_password(&user.external_id, password.expose());
            }
            directory.put_user(user).expect("the names of the world differ");
        }
        for team in &self.groups {
            let put = directory.put_group(team.name.as_str(), &team.description);
            put.expect("the names of the world are names");
        }
        for team in &self.groups {
            for member in &team.members {
                let put = directory.put_member(&team.name, member);
                put.expect("the members of the world are there");
            }
        }
        directory
    }

    fn make() -> Self {
        let users = vec![
            inhabitant("anna", "Anna Berg", Some(Self::ANNAS_PASSWORD)),
            inhabitant("Bela", "Bela 100%", Some("two Blue stones")),
            inhabitant("çağla", "Çağla Su", Some("şifre değil bu")),
            Inhabitant { active: false, ..inhabitant("dora", "Dora", Some("door is closed")) },
            inhabitant("emil", "Emil_Tal", None),
            inhabitant("o'brien", "Pat O'Brien", Some("\"quoted\" \\ and %")),
            inhabitant("ops", "", Some("pager at midnight")),
        ];
        let groups = vec![
            team("Devs", "who write", &[user("anna"), user("çağla")]),
            team("leere Gruppe", "", &[]),
            team("Ops", "who are paged, 100%", &[user("ops")]),
            team("staff", "all", &[user("Bela"), group("Devs"), user("ops"), group("Ops")]),
        ];
        Self { users, groups }
    }
}

fn inhabitant(name: &str, display_name: &str, password: Option<&str>) -> Inhabitant {
    let (first_name, last_name) = display_name.split_once(' ').unwrap_or((display_name, ""));
    Inhabitant {
        name: username(name),
        profile: Profile {
            display_name: display_name.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: format!("{}@example.com", first_name.to_ascii_lowercase()),
        },
        active: true,
        password: password.map(secret),
    }
}

fn team(name: &str, description: &str, members: &[Member]) -> Team {
    Team { name: group_name(name), description: description.to_owned(), members: members.to_vec() }
}

pub(super) fn username(name: &str) -> Username {
    Username::new(name).expect("a user name")
}

pub(super) fn group_name(name: &str) -> GroupName {
    GroupName::new(name).expect("a group name")
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a password")
}

pub(super) fn user(name: &str) -> Member {
    Member::User(username(name))
}

pub(super) fn group(name: &str) -> Member {
    Member::Group(group_name(name))
}
