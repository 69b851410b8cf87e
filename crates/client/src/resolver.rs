//! Resolving names, without the addresses that no server of users has.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{self, Allowed};
use crate::fault::ResolvingFault;

/// Resolves names by the system, and leaves out what [`address::may_reach`] refuses: a name is checked where it leads,
/// each time anew, so that it cannot be turned to the inside of a network later (T89).
#[derive(Debug)]
pub(crate) struct Resolver {
    allowed: Allowed,
}

impl Resolver {
    pub(crate) fn new(allowed: Allowed) -> Self {
        Self { allowed }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let all = self.allowed.names(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> =
                found.map_err(|error| ResolvingFault::Failed(error.kind()))?.collect();
            reachable(found, |address| all || address::may_reach(address.ip()))
        })
    }
}

fn reachable(
    found: Vec<SocketAddr>,
    may_reach: impl Fn(&SocketAddr) -> bool,
) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if found.is_empty() {
        return Err(ResolvingFault::Failed(io::ErrorKind::NotFound).into());
    }
    let reachable: Vec<SocketAddr> = found.into_iter().filter(may_reach).collect();
    if reachable.is_empty() {
        return Err(ResolvingFault::Refused.into());
    }
    Ok(Box::new(reachable.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(found: &[&str]) -> Option<Vec<String>> {
        let found = found.iter().map(|address| address.parse().unwrap()).collect();
        let left = reachable(found, |address| address::may_reach(address.ip())).ok()?;
        Some(left.map(|address| address.to_string()).collect())
    }

    #[test]
    fn a_name_that_leads_inside_is_not_followed_t89() {
        assert_eq!(left(&["169.254.169.254:0"]), None);
        assert_eq!(left(&["[fe80::1]:0", "[::]:0"]), None);
        assert_eq!(left(&[]), None);
        assert_eq!(left(&["169.254.169.254:0", "10.0.0.1:0"]), Some(vec!["10.0.0.1:0".to_owned()]));
    }
}
