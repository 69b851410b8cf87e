//! Passwords that come later: the source of a move checks them until the first login.

use throng_core::change::{Change, ChangeSet};
use throng_core::directory::{Credence, Refusal};
use throng_core::error::{DirectoryError, Fault};
use throng_core::id::DirectoryId;
use throng_core::moves::{Capture, Source};
use throng_core::password::{Credential, CredentialState};
use throng_core::plan::Rules;
use throng_core::secret::Secret;
use throng_core::user::User;

use super::origin::PAGE;
use crate::ask::{Heard, hear};
use crate::directory::{Login, Stored, Via};
use crate::error::Error;
use crate::throng::Throng;

impl Throng {
    /// Lets the source check a password that an account waits for, and keeps what it accepted.
    ///
    /// 1. The account that was moved is asked for, by its id there: a namesake's password opens nothing (T05).
    /// 2. Silence of the source is silence; a wrong password is one.
    /// 3. Once time is up, there is no password.
    pub(crate) async fn capture(
        &self,
        capture: &Capture,
        user: &User,
        secret: &Secret,
    ) -> Result<Heard<Credence>, Error> {
        if self.0.clock.now() >= capture.until {
            return Ok(Heard::Said(Credence::Refused(Refusal::NoPassword)));
        }
        let credence = match self.ask_source(capture, secret).await? {
            Heard::Said(credence) => credence,
            Heard::Silent => return Ok(Heard::Silent),
        };
        Ok(Heard::Said(match credence {
            Credence::Accepted(found) if found.external_id != capture.external_id => {
                tracing::warn!(account = %capture.subject, "the source of a move has somebody else under this name");
                Credence::Refused(Refusal::AccountQuarantined)
            }
            Credence::Accepted(_) => {
                self.keep(capture, secret).await?;
                if user.active {
                    Credence::Accepted(user.clone())
                } else {
                    Credence::Refused(Refusal::Inactive)
                }
            }
            Credence::Refused(why) => Credence::Refused(why),
            Credence::Unknown => Credence::Refused(Refusal::GoneAtSource),
        }))
    }

    /// How many accounts wait for a password that a directory is still to check.
    pub(crate) async fn waiting_for(&self, directory: DirectoryId) -> Result<u64, Error> {
        let (now, mut count) = (self.0.clock.now(), 0);
        for record in self.0.store.moves().await? {
            if record.source != Source::Directory(directory) {
                continue;
            }
            let mut after = None;
            loop {
                let page = self.0.store.captures(record.id, after.as_ref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.subject.clone());
                let waiting = page.iter().filter(|capture| now < capture.until).count();
                count += u64::try_from(waiting).unwrap_or(u64::MAX);
            }
        }
        Ok(count)
    }

    async fn ask_source(&self, capture: &Capture, secret: &Secret) -> Result<Heard<Credence>, Error> {
        let config = self.config_now();
        // One that is switched off opens nothing, for nobody.
        let mount = config.mount(capture.source).filter(|mount| mount.record.active);
        let Some(mount) = mount else { return Ok(Heard::Silent) };
        let answer = async {
            match &mount.via {
                Via::Live(live) => live.authenticate(&capture.name, secret).await,
                Via::Delegated(delegated) => delegated.vouch(&capture.name, secret).await,
                Via::Mirrored(mirrored) => {
                    let known = self.0.store.user(capture.source, capture.name.key()).await?;
                    let login = Login { name: &capture.name, secret, rules: &Rules::DEFAULT };
                    Ok(mirrored.log_in(&login, known.as_ref()).await?.credence)
                }
                Via::Internal(_) | Via::Detached => {
                    Err(DirectoryError::new(Fault::Unavailable, "the source of a move"))
                }
            }
        };
        hear(self.0.deadline, capture.source, answer).await
    }

    /// Makes the password the account's own.
    async fn keep(&self, capture: &Capture, secret: &Secret) -> Result<(), Error> {
        let now = self.0.clock.now();
        let credential = Credential {
            hash: CredentialState::Usable(self.0.hasher.hash(secret).await?),
            history: vec![],
            changed_at: now,
            failed_attempts: 0,
            must_change: false,
        };
        // That it is still waited for means that nobody has set another meanwhile.
        let changes = vec![
            Change::DropCapture(capture.clone()),
            Change::SetCredential { subject: capture.subject.clone(), credential, free_in: vec![] },
        ];
        match self.0.store.apply(&ChangeSet::new(now, changes)).await {
            Ok(_) => Ok(()),
            // That it could not be kept now never fails the login: it is captured by the next one (T56).
            Err(cause) => {
                tracing::warn!(account = %capture.subject, %cause, "a captured password could not be kept");
                Ok(())
            }
        }
    }
}
