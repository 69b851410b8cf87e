//! Trying a connection out.

use throng_wire::{Restriction, UserEntity};

use crate::RemoteDirectory;
use crate::exchange::{Call, Reply};
use crate::fault::RemoteFault;
use crate::identity::Identity;
use crate::listing::{self, List, Listed};

/// What a server turned out to be, and what it offers to a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Who it says it is.
    pub identity: Identity,
    /// Whether it tells what changed since the last time, so that a mirror need not read everything each time.
    pub events: bool,
    /// Whether it gives all memberships in one answer, so that a mirror need not ask for each group.
    pub membership_dump: bool,
}

impl RemoteDirectory {
    /// Tries the connection out: asks for one user, for an event token, and for the beginning of the memberships.
    /// Changes nothing.
    ///
    /// The fault says to an operator what is wrong: the name, the address, the protection, the credentials, or that
    /// something else answers there.
    pub async fn probe(&self) -> Result<Capabilities, RemoteFault> {
        self.exchange.in_time(self.try_out()).await
    }

    async fn try_out(&self) -> Result<Capabilities, RemoteFault> {
        // What other clients of such servers ask to try a connection out.
        let search = listing::search::<UserEntity>(&Restriction::Everything);
        let search = search.listing(0, 1).with("expand", UserEntity::WORD);
        let said = self.exchange.open(&search).await?;
        let identity = said.identity;
        match said.reply {
            Reply::Done(stream) => {
                let mut users = List::<UserEntity>::new(stream, &self.exchange);
                while users.next().await?.is_some() {}
            }
            Reply::Declined(declined) => return Err(declined.fault()),
        }
        let (_, token) = self.event_token().await?;
        let dump = self.exchange.open(&Call::read("group/membership")).await?;
        let membership_dump = match dump.reply {
            Reply::Done(_) => true,
            Reply::Declined(declined) if declined.is_not_offered() => false,
            Reply::Declined(declined) => return Err(declined.fault()),
        };
        Ok(Capabilities { identity, events: token.is_some(), membership_dump })
    }
}
