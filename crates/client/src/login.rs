//! Checking passwords.

use throng_core::directory::{Credence, Refusal};
use throng_core::name::Username;
use throng_core::secret::Secret;
use throng_wire::{Format, PasswordBody, Reason, UserEntity, write};

use crate::RemoteDirectory;
use crate::entry::{self, BadEntry};
use crate::exchange::{Call, Reply};
use crate::fault::RemoteFault;

impl RemoteDirectory {
    /// Lets the server check a password, once. What the server does not say clearly is no answer.
    pub(crate) async fn check(&self, name: &Username, secret: &Secret) -> Result<Credence, RemoteFault> {
        // It would arrive as another password, which must never be tried in its place.
        if !throng_wire::can_hold(secret.expose()) {
            return self.not_accepted(name).await;
        }
        let body = write(Format::Xml, &PasswordBody::from(secret.clone()));
        let call = Call::post("authentication", body).with("username", name.as_str());
        let declined = match self.exchange.fetch::<UserEntity>(&call).await?.reply {
            Reply::Done(entity) => return self.accepted(name, entity).await,
            Reply::Declined(declined) => declined,
        };
        match declined.reason {
            Some(Reason::InvalidUserAuthentication) => self.not_accepted(name).await,
            Some(Reason::UserNotFound) => Ok(Credence::Unknown),
            Some(Reason::InactiveAccount) => Ok(Credence::Refused(Refusal::Inactive)),
            Some(Reason::ExpiredCredential) => Ok(Credence::Refused(Refusal::PasswordExpired)),
            _ => Err(declined.fault()),
        }
    }

    /// The password opened an account: it must be the one that was asked about, and it is looked up again, since this
    /// answer has no attributes.
    async fn accepted(&self, name: &Username, entity: UserEntity) -> Result<Credence, RemoteFault> {
        let accepted = entry::user(entity).map_err(BadEntry::fault)?;
        if accepted.name != *name {
            return Err(RemoteFault::OtherName);
        }
        match self.look_up(name).await? {
            Some(user) if user.external_id != accepted.external_id => Err(RemoteFault::OtherName),
            Some(user) if user.active => Ok(Credence::Accepted(user)),
            Some(_) => Ok(Credence::Refused(Refusal::Inactive)),
            // It was removed in between.
            None => Ok(Credence::Unknown),
        }
    }

    /// Servers give one reason for a wrong password and for a name that they do not know; looking it up tells them
    /// apart.
    async fn not_accepted(&self, name: &Username) -> Result<Credence, RemoteFault> {
        let user = self.look_up(name).await?;
        Ok(user.map_or(Credence::Unknown, |_| Credence::Refused(Refusal::WrongPassword)))
    }
}
