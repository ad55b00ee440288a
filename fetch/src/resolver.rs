//! Name resolution that hands on checked addresses only, so that what was checked is what is connected to.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::AddressKind;
use crate::error::RefusedAddress;

/// What an address has to be.
pub(crate) type AddressRule = fn(IpAddr) -> Result<(), AddressKind>;

/// The addresses of a name, when they are known.
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub))] // for tests only
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Where the addresses of names come from.
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub))] // for tests only
pub trait Names: Send + Sync + 'static {
    /// Looks `host` up. Ports of the answer are without meaning.
    fn lookup(&self, host: &str) -> Lookup;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemNames;

impl Names for SystemNames {
    fn lookup(&self, host: &str) -> Lookup {
        let host = host.to_owned();
        // the port is the connector's to fill in
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Resolves through `names` and lets an answer pass only if *every* address of it keeps the rule: a name that mixes public
/// and private addresses is either misconfigured or trying its luck.
pub(crate) struct GuardedResolver {
    names: Arc<dyn Names>,
    rule: AddressRule,
}

impl GuardedResolver {
    pub(crate) fn new(names: Arc<dyn Names>, rule: AddressRule) -> Self {
        Self { names, rule }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.names.lookup(name.as_str());
        let rule = self.rule;
        Box::pin(async move {
            let addresses = lookup.await?;
            for address in &addresses {
                require(address.ip(), rule)?;
            }
            let checked: Addrs = Box::new(addresses.into_iter());
            Ok(checked)
        })
    }
}

/// Applies `rule` to one address.
pub(crate) fn require(address: IpAddr, rule: AddressRule) -> Result<(), RefusedAddress> {
    rule(address).map_err(|kind| RefusedAddress { address, kind })
}
