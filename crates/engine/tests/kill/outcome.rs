//! Everything that a move concerns, so that two ends can be compared.

use std::collections::BTreeMap;
use std::fmt;

use throng_core::directory::Directory;
use throng_core::filter::Filter;
use throng_core::id::{DirectoryId, Subject};
use throng_core::moves::{Made, MoveId, Moves};
use throng_core::page::PageRequest;
use throng_core::password::CredentialState;
use throng_core::store::{Credentials, Registry};
use throng_core::user::User;
use throng_engine::Throng;

use super::{House, Kind};

/// Lines by what they are about. What was drawn on the way is not in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome(BTreeMap<String, String>);

/// Where two ends differ.
pub(crate) struct Differences<'o>(pub(crate) &'o Outcome, pub(crate) &'o Outcome);

impl fmt::Debug for Differences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Outcome(found), Outcome(expected)) = self;
        for (about, line) in found {
            if expected.get(about) != Some(line) {
                writeln!(f, "{about}: {line}, and not {:?}", expected.get(about))?;
            }
        }
        for about in expected.keys().filter(|about| !found.contains_key(*about)) {
            writeln!(f, "{about}: nothing, and not {:?}", expected.get(about))?;
        }
        Ok(())
    }
}

fn all() -> PageRequest {
    PageRequest::first(PageRequest::MAX_LIMIT)
}

impl House {
    /// What is in both directories and in the application.
    pub(crate) async fn outcome(&self, throng: &Throng) -> Outcome {
        let mut lines = BTreeMap::new();
        for (label, directory) in [("source", self.source), ("target", self.target)] {
            let port = throng.open(directory).unwrap();
            for user in port.find_users(&Filter::everything(), &all()).await.unwrap().items {
                lines.insert(format!("{label} {}", user.name), self.account(directory, &user).await);
            }
            for group in port.find_groups(&Filter::everything(), &all()).await.unwrap().items {
                let members = port.children_of(&group.name, &all()).await.unwrap().items;
                let line = format!("{} {:?} {members:?}", group.description, group.attributes);
                lines.insert(format!("{label} @{}", group.name), line);
            }
        }
        for claim in self.memory.claims(self.application, &all()).await.unwrap().items {
            let label = self.label(claim.subject.directory);
            let line = format!("{:?} {label} {:?}", claim.identity, claim.tombstoned_at);
            lines.insert(format!("claim {}", claim.key), line);
        }
        for record in self.memory.applications().await.unwrap() {
            let seats = record.plan.seats().iter().map(|seat| self.label(seat.directory));
            lines.insert("order".to_owned(), seats.collect::<Vec<_>>().join(" "));
        }
        Outcome(lines)
    }

    fn label(&self, directory: DirectoryId) -> &'static str {
        match directory {
            id if id == self.source => "source",
            id if id == self.target => "target",
            _ => "elsewhere",
        }
    }

    async fn account(&self, directory: DirectoryId, user: &User) -> String {
        let subject = Subject { directory, external_id: user.external_id.clone() };
        let credential = self.memory.credential(&subject).await.unwrap();
        let password = credential.as_ref().map(|credential| match &credential.hash {
            // Salts are drawn.
            CredentialState::Usable(hash) if hash.expose().starts_with("$throng-wrap$") => "wrapped",
            CredentialState::Usable(hash) => hash.expose(),
            CredentialState::Quarantined(_) => "quarantined",
            CredentialState::Absent => "absent",
        });
        let claim = self.memory.claim(self.application, user.key()).await.unwrap();
        let owns = claim.is_some_and(|claim| claim.subject == subject);
        let alias = self.memory.alias_of(self.application, &subject).await.unwrap();
        let login = self.memory.last_login(&subject).await.unwrap();
        let waits = self.memory.capture(&subject).await.unwrap().is_some();
        // An id that was there before is one that comes back.
        let id = match (self.label(directory), self.kind) {
            ("source", _) | (_, Kind::InternalToInternal) => user.external_id.as_str(),
            _ => "",
        };
        format!(
            "{id} {:?} {} {:?} {password:?} owns {owns} {alias:?} {login:?} waits {waits}",
            user.profile, user.active, user.attributes
        )
    }

    /// What the journal says of everybody.
    pub(crate) async fn journal(&self, id: MoveId) -> Outcome {
        let mut lines = BTreeMap::new();
        for entry in self.memory.move_entries(id, 0, usize::MAX).await.unwrap() {
            let landed = entry.landed.as_ref().map(|landed| {
                let made = match landed.made {
                    Made::ByTheMove => "made",
                    Made::Before => "linked",
                };
                (made, &landed.joined, landed.password_set_at)
            });
            let line = format!(
                "{:?} {:?} {landed:?} {:?} was there {}",
                entry.state,
                entry.fate,
                entry.failure,
                entry.target_before.is_some()
            );
            lines.insert(entry.name.to_string(), line);
        }
        Outcome(lines)
    }
}
