//! Checking what is kept: passwords that cannot be checked, names that belong to nobody, copies that were never made.

use serde::Serialize;
use throng_core::claim::Claim;
use throng_core::filter::Filter;
use throng_core::id::{DirectoryId, Subject};
use throng_core::moves::MoveId;
use throng_core::name::{Key, Username};
use throng_core::page::PageRequest;
use throng_core::password::CredentialState;
use throng_core::registry::{DirectoryKind, DirectoryRecord};
use throng_passwords::scheme::StoredHash;

use crate::application::Application;
use crate::error::Error;
use crate::throng::Throng;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CheckReport {
    /// The directories, in the order of their names.
    pub directories: Vec<CheckedDirectory>,
    /// The applications, in the order of their names.
    pub applications: Vec<CheckedApplication>,
    /// Moves that were begun and are not over: they are to be resumed or reverted.
    pub open_moves: Vec<MoveId>,
}

impl CheckReport {
    /// How many names a list of the report holds at most. Counts are exact.
    pub const MOST_LISTED: usize = 1_000;

    /// Whether everything is as it should be. Users without a password and names of those who are gone are no fault.
    pub fn is_clean(&self) -> bool {
        self.open_moves.is_empty()
            && self.directories.iter().all(|found| {
                !found.never_synchronised && found.weak.count == 0 && found.quarantined.count == 0
            })
            && self.applications.iter().all(|found| {
                found.orphans.count == 0 && found.outranked.count == 0 && !found.lacks_administrator
            })
    }
}

/// A directory that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedDirectory {
    /// The directory.
    pub id: DirectoryId,
    /// Its name.
    pub name: String,
    /// Whether it is a mirror that was never complete: it is silent about everybody.
    pub never_synchronised: bool,
    /// Users whose passwords are kept here.
    pub users: u64,
    /// Those whose hash is weaker than what is made here.
    pub weak: Listed<Username>,
    /// Those whose hash cannot be checked: they cannot log in.
    pub quarantined: Listed<Username>,
    /// Those without a password.
    pub absent: Listed<Username>,
}

/// An application that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedApplication {
    /// Its name.
    pub name: String,
    /// Names that belong to somebody.
    pub claims: u64,
    /// Names of those who are gone: nobody inherits them until they are released (T05).
    pub tombstones: u64,
    /// Names whose owners are not there, though nobody saw them go.
    pub orphans: Listed<Key>,
    /// Names that belong to another account than the order selects, among the directories that are kept here: that
    /// account gets nothing until it is adopted (T01).
    pub outranked: Listed<Key>,
    /// Whether it says who administers it, and nobody of them can: no change is refused for leaving it without one.
    pub lacks_administrator: bool,
}

/// Names of one kind: all are counted, and the first [`CheckReport::MOST_LISTED`] listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed<N> {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<N>,
}

impl<N> Listed<N> {
    fn add(&mut self, name: N) {
        self.count += 1;
        if self.first.len() < CheckReport::MOST_LISTED {
            self.first.push(name);
        }
    }
}

impl<N> Default for Listed<N> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

impl Throng {
    /// Looks at everything that is kept, and changes nothing.
    ///
    /// 1. Passwords of internal directories: weak ones, ones that cannot be checked, and none.
    /// 2. Mirrors that were never complete, and moves that are not over.
    /// 3. Names that belong to nobody any more, or to another account than the order selects. Directories that are
    ///    asked each time are not asked for this.
    /// 4. Applications that say who administers them where nobody of them can.
    /// 5. Page by page: memory does not grow with the number of users.
    pub async fn check(&self) -> Result<CheckReport, Error> {
        self.reload().await?;
        let mut report = CheckReport::default();
        for record in self.directories() {
            report.directories.push(self.check_directory(&record).await?);
        }
        for application in self.applications() {
            report.applications.push(self.check_claims(&application).await?);
        }
        for record in self.0.store.moves().await? {
            if record.state.is_under_way() {
                report.open_moves.push(record.id);
            }
        }
        Ok(report)
    }

    async fn check_directory(&self, record: &DirectoryRecord) -> Result<CheckedDirectory, Error> {
        let mut found = CheckedDirectory {
            id: record.id,
            name: record.name.to_string(),
            never_synchronised: false,
            users: 0,
            weak: Listed::default(),
            quarantined: Listed::default(),
            absent: Listed::default(),
        };
        match record.kind {
            DirectoryKind::Mirrored(_) => {
                found.never_synchronised = self.mirror(record.id).await?.state.complete_as_of.is_none();
            }
            DirectoryKind::Internal(_) => self.check_passwords(&mut found).await?,
            DirectoryKind::Delegated(_) | DirectoryKind::Live => {}
        }
        Ok(found)
    }

    async fn check_passwords(&self, found: &mut CheckedDirectory) -> Result<(), Error> {
        let (directories, everybody) = ([found.id], Filter::everything());
        let mut request = PageRequest::default();
        loop {
            let page = self.0.store.search_users(&directories, &everybody, &request).await?;
            for (directory, user) in page.items.into_iter().flat_map(|namesakes| namesakes.holders) {
                found.users += 1;
                let subject = Subject { directory, external_id: user.external_id };
                let credential = self.0.store.credential(&subject).await?;
                match credential.map(|credential| credential.hash) {
                    None | Some(CredentialState::Absent) => found.absent.add(user.name),
                    Some(CredentialState::Quarantined(_)) => found.quarantined.add(user.name),
                    Some(CredentialState::Usable(hash)) => match StoredHash::parse(&hash) {
                        Ok(parsed) if parsed.strength().is_weak() => found.weak.add(user.name),
                        Ok(_) => {}
                        Err(_) => found.quarantined.add(user.name),
                    },
                }
            }
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(()),
            }
        }
    }

    async fn check_claims(&self, application: &Application) -> Result<CheckedApplication, Error> {
        let mut found = CheckedApplication {
            name: application.record()?.name.to_string(),
            claims: 0,
            tombstones: 0,
            orphans: Listed::default(),
            outranked: Listed::default(),
            lacks_administrator: application.lacks_administrator().await?,
        };
        let mut request = PageRequest::default();
        loop {
            let page = application.claims(&request).await?;
            for claim in page.items {
                found.claims += 1;
                self.check_claim(application, claim, &mut found).await?;
            }
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(found),
            }
        }
    }

    async fn check_claim(
        &self,
        application: &Application,
        claim: Claim,
        found: &mut CheckedApplication,
    ) -> Result<(), Error> {
        if claim.tombstoned_at.is_some() {
            found.tombstones += 1;
            return Ok(());
        }
        let config = self.config_now();
        let owner = match config.mount(claim.subject.directory) {
            None => None,
            // Whoever is asked each time is there as far as anybody knows.
            Some(mount) if !mount.record.kind.is_stored() => return Ok(()),
            Some(_) => self.0.store.user_by_id(&claim.subject).await?,
        };
        if owner.is_none_or(|owner| *owner.key() != claim.key) {
            found.orphans.add(claim.key);
            return Ok(());
        }
        let Some(app) = config.in_use(application.id()) else { return Ok(()) };
        let holders = self.0.store.locate(application.id(), &claim.key).await?.users;
        let first = app
            .plan
            .seats()
            .iter()
            .find(|seat| holders.iter().any(|holder| holder.directory == seat.directory));
        if first.is_some_and(|seat| seat.directory != claim.subject.directory) {
            found.outranked.add(claim.key);
        }
        Ok(())
    }
}
