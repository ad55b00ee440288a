//! Who holds how many connections, so that one peer cannot hold them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bits of an IPv6 address that say whose it is. The others are the holder's to choose (RFC 4291 2.5.4).
const IPV6_NETWORK_BITS: u32 = 64;

/// Connections by peer. It remembers those that have one, so it is no larger than the number of connections.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    peers: Arc<Mutex<HashMap<IpAddr, Held>>>,
}

#[derive(Debug, Default)]
struct Held {
    connections: usize,
    was_refused: bool,
}

/// A peer's place for one connection; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    peer: IpAddr,
    places: Places,
}

impl Places {
    /// `most` for each peer, and at least one: a server that serves nobody is a mistake in its settings.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), peers: Arc::default() }
    }

    /// A place for a connection from `address`, or none when its peer has its share.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        let mut peers = self.peers();
        let held = peers.entry(peer).or_default();
        if held.connections >= self.most {
            // a peer that goes on knocking does not fill the log
            if !std::mem::replace(&mut held.was_refused, true) {
                tracing::warn!(%peer, connections = self.most, "a peer has its share of connections, more are closed");
            }
            return None;
        }
        held.connections += 1;
        drop(peers);
        Some(Place { peer, places: self.clone() })
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<IpAddr, Held>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut peers = self.places.peers();
        let left = peers.get_mut(&self.peer).map(|held| {
            held.connections = held.connections.saturating_sub(1);
            held.connections
        });
        if left == Some(0) {
            peers.remove(&self.peer);
        }
    }
}

/// Whose address it is: an IPv4 address is one peer's however it is written, an IPv6 network too.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host_bits = u128::BITS - IPV6_NETWORK_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> host_bits << host_bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the tests

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_peer_has_its_share_and_a_place_can_be_taken_again() {
        let places = Places::new(2);
        let first = places.take(address("192.0.2.1")).unwrap();
        let second = places.take(address("192.0.2.1")).unwrap();
        assert!(places.take(address("192.0.2.1")).is_none());
        let other = places.take(address("192.0.2.2")).unwrap();
        drop(first);
        let third = places.take(address("192.0.2.1")).unwrap();
        assert!(places.take(address("192.0.2.1")).is_none());
        drop((second, third, other));
        assert!(places.peers().is_empty(), "nobody is remembered who has no connection");
    }

    #[test]
    fn one_peer_is_one_ipv4_address_or_one_ipv6_network() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("127.0.0.1", "::1", false),
        ] {
            assert_eq!(peer(address(one)) == peer(address(other)), is_same, "{one} and {other}");
        }
    }
}
