//! The application as a consumer: what it shows itself by, from where it may ask, and who is told of changes.

use std::net::IpAddr;

use throng_core::change::Change;
use throng_core::consumer::{ConsumerCredential, ConsumerRecord, Network, Webhook};
use throng_core::id::WebhookId;

use super::Application;
use crate::consumers::ApplicationSecret;
use crate::error::{Conflict, Error, Invalid};

impl Application {
    /// Draws a secret that the application shows itself by from now on, in place of a former one (T46). It is shown
    /// here, and never again.
    pub async fn draw_password(&self) -> Result<ApplicationSecret, Error> {
        let secret = ApplicationSecret::draw(&*self.throng.0.entropy);
        self.set_credential(Some(ConsumerCredential::Drawn(secret.digest()))).await?;
        Ok(secret)
    }

    /// Takes the application's credential away: nobody can ask for it over the network any more.
    pub async fn remove_password(&self) -> Result<(), Error> {
        self.set_credential(None).await
    }

    /// From where the application may ask. Where nothing was said it is this machine alone.
    pub fn addresses(&self) -> Result<Vec<Network>, Error> {
        Ok(self.consumer()?.addresses)
    }

    /// Says from where the application may ask, in place of what was said; nothing denies everybody (R803).
    ///
    /// At most [`ConsumerRecord::MAX_ADDRESSES`].
    pub async fn allow_addresses(&self, addresses: Vec<Network>) -> Result<(), Error> {
        if addresses.len() > ConsumerRecord::MAX_ADDRESSES {
            return Err(Error::Invalid(Invalid::TooMany("addresses")));
        }
        self.change_consumer(|record| {
            record.addresses.clone_from(&addresses);
            Ok(())
        })
        .await
    }

    /// Whether the application may ask from an address. That replaces no credential (T46).
    pub fn admits_address(&self, address: IpAddr) -> Result<bool, Error> {
        Ok(self.consumer()?.addresses.iter().any(|network| network.contains(address)))
    }

    /// Who is told that something changed (R810).
    pub fn webhooks(&self) -> Result<Vec<Webhook>, Error> {
        Ok(self.consumer()?.webhooks)
    }

    /// Adds somebody to be told. The one that is there already is returned when endpoint and token are the same.
    ///
    /// 1. Only an absolute http or https address, without a user in it (R810, T89).
    /// 2. At most [`ConsumerRecord::MAX_WEBHOOKS`].
    pub async fn add_webhook(&self, endpoint: &str, token: Option<&str>) -> Result<Webhook, Error> {
        if !is_endpoint(endpoint) {
            return Err(Error::Invalid(Invalid::Text("endpoint")));
        }
        let fits =
            |token: &str| token.chars().count() <= Webhook::MAX_CHARS && !token.contains(char::is_control);
        if token.is_some_and(|token| !fits(token)) {
            return Err(Error::Invalid(Invalid::Text("token")));
        }
        let new = Webhook {
            id: self.throng.draw(),
            endpoint: endpoint.to_owned(),
            token: token.map(str::to_owned),
        };
        let mut kept = new.clone();
        self.change_consumer(|record| {
            let same = |hook: &&Webhook| hook.endpoint == new.endpoint && hook.token == new.token;
            if let Some(same) = record.webhooks.iter().find(same) {
                kept = same.clone();
                return Ok(());
            }
            if record.webhooks.len() >= ConsumerRecord::MAX_WEBHOOKS {
                return Err(Error::Invalid(Invalid::TooMany("webhooks")));
            }
            kept = new.clone();
            record.webhooks.push(new.clone());
            Ok(())
        })
        .await?;
        Ok(kept)
    }

    /// Takes somebody out of those who are told. [`Error::NotFound`] when the application has none of this id.
    pub async fn remove_webhook(&self, id: WebhookId) -> Result<(), Error> {
        self.change_consumer(|record| {
            let before = record.webhooks.len();
            record.webhooks.retain(|hook| hook.id != id);
            if record.webhooks.len() < before { Ok(()) } else { Err(Error::not_found("webhook")) }
        })
        .await
    }

    pub(crate) async fn set_credential(&self, credential: Option<ConsumerCredential>) -> Result<(), Error> {
        self.change_consumer(|record| {
            record.credential.clone_from(&credential);
            Ok(())
        })
        .await
    }

    fn consumer(&self) -> Result<ConsumerRecord, Error> {
        self.in_use()?;
        let config = self.throng.config();
        Ok(config.consumer(self.id).map_or_else(|| ConsumerRecord::new(self.id), |record| (**record).clone()))
    }

    async fn change_consumer(
        &self,
        mut change: impl FnMut(&mut ConsumerRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut tries = MOST_TRIES;
        loop {
            let former = self.consumer()?;
            let mut record = former.clone();
            change(&mut record)?;
            if record == former {
                return Ok(());
            }
            record.version += 1;
            match self.throng.configure(Change::PutConsumer(record), Conflict::Stale).await {
                // Somebody else was faster, and what they wrote has been read by now.
                Err(Error::Conflict(Conflict::Stale)) if tries > 1 => tries -= 1,
                outcome => return outcome,
            }
        }
    }
}

/// How often a change is tried that others are faster than: each of them has got through, so that more than these at
/// once are a fault.
const MOST_TRIES: usize = 16;

/// Whether a text is an absolute http or https address of a host, without a user in it.
fn is_endpoint(text: &str) -> bool {
    let rest = text
        .split_once("://")
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    let Some((_, rest)) = rest else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    text.chars().count() <= Webhook::MAX_CHARS
        && !text.contains(odd)
        && !host.contains('@')
        && !host.trim_start_matches(':').is_empty()
        && !host.starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::is_endpoint;

    #[test]
    fn an_endpoint_is_an_absolute_web_address_r810_t89() {
        for good in ["http://a", "HTTPS://example.org:8443/x?y=1#z", "http://[::1]/"] {
            assert!(is_endpoint(good), "{good}");
        }
        let long = format!("http://{}", "a".repeat(260));
        for bad in [
            "",
            "a",
            "//a",
            "/a",
            "http://",
            "http:///x",
            "http://:80/",
            "ftp://a",
            "file:///etc/passwd",
            "http://user@a/",
            "http://a\r\nHost: b",
            "http://a b",
            "http://a\\@b",
            &long,
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }
}
