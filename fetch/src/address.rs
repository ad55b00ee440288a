//! Which addresses the outside world is allowed to send us to (DW-09, P-22): a pure function of the address.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, when it is not for a public host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// "This network" and the unspecified address: the own host on most systems.
    Unspecified,
    /// The own host.
    Loopback,
    /// A private network (RFC 1918), or a unique local one (RFC 4193).
    Private,
    /// Shared by the customers of a carrier (RFC 6598).
    Shared,
    /// The own link.
    LinkLocal,
    /// A cloud's metadata or host service at an address of its own.
    Metadata,
    /// Protocol assignments, translation prefixes and relays (RFC 6890, RFC 7526, RFC 4380, RFC 8215).
    Protocol,
    /// For examples in texts (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// For measuring devices (RFC 2544, RFC 5180).
    Benchmarking,
    /// A group of hosts.
    Multicast,
    /// Set aside, or not handed out as global unicast.
    Reserved,
    /// A public address where only loopback was allowed.
    NotLoopback,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "an address shared by a carrier's customers",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a metadata service's address",
            Self::Protocol => "an address of a protocol assignment",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
            Self::NotLoopback => "not a loopback address",
        })
    }
}

/// Networks that are no public hosts (IANA special-purpose registry for IPv4), and one metadata service outside them.
const V4: [(Ipv4Addr, u32, AddressKind); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, AddressKind::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, AddressKind::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, AddressKind::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, AddressKind::Loopback),
    // the host service of Azure's virtual machines, in otherwise public space
    (Ipv4Addr::new(168, 63, 129, 16), 32, AddressKind::Metadata),
    // 169.254.169.254 is inside
    (Ipv4Addr::new(169, 254, 0, 0), 16, AddressKind::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, AddressKind::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, AddressKind::Protocol),
    (Ipv4Addr::new(192, 0, 2, 0), 24, AddressKind::Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, AddressKind::Protocol),
    (Ipv4Addr::new(192, 168, 0, 0), 16, AddressKind::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, AddressKind::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, AddressKind::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, AddressKind::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, AddressKind::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, AddressKind::Reserved),
];

/// The same for IPv6: the first match counts, and what matches none has to be global unicast (2000::/3).
const V6: [(Ipv6Addr, u32, AddressKind); 10] = [
    (Ipv6Addr::UNSPECIFIED, 128, AddressKind::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, AddressKind::Loopback),
    // ORCHID, Teredo (2001::/32) and 2001:2::/48 for benchmarks are inside
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, AddressKind::Protocol),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, AddressKind::Documentation),
    // 6to4 names an IPv4 host, and its relays are withdrawn
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, AddressKind::Protocol),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, AddressKind::Documentation),
    // fd00:ec2::254, Amazon's metadata service, is inside
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, AddressKind::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, AddressKind::LinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, AddressKind::Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, AddressKind::Multicast),
];

const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Where a translator shows IPv4 hosts to IPv6-only networks (RFC 6052).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Passes addresses of public hosts only.
///
/// An IPv4 address inside an IPv6 one (mapped, RFC 4291 2.5.5.2; translated, RFC 6052) is judged as what it is.
///
/// # Errors
///
/// What the address is for instead.
///
/// ```
/// use handfast_fetch::{AddressKind, require_public};
/// assert_eq!(require_public("93.184.215.14".parse()?), Ok(()));
/// assert_eq!(require_public("::ffff:10.0.0.1".parse()?), Err(AddressKind::Private));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn require_public(address: IpAddr) -> Result<(), AddressKind> {
    match unmapped(address) {
        IpAddr::V4(v4) => require_public_v4(v4),
        IpAddr::V6(v6) => require_public_v6(v6),
    }
}

/// Passes loopback addresses only.
pub(crate) fn require_loopback(address: IpAddr) -> Result<(), AddressKind> {
    if unmapped(address).is_loopback() { Ok(()) } else { Err(AddressKind::NotLoopback) }
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn require_public_v4(address: Ipv4Addr) -> Result<(), AddressKind> {
    let is_in = |network: Ipv4Addr, prefix: u32| (address.to_bits() ^ network.to_bits()) >> (32 - prefix) == 0;
    V4.iter().find(|(network, prefix, _)| is_in(*network, *prefix)).map_or(Ok(()), |(_, _, kind)| Err(*kind))
}

fn require_public_v6(address: Ipv6Addr) -> Result<(), AddressKind> {
    if is_in(address, NAT64) {
        let [.., a, b, c, d] = address.octets();
        return require_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    match V6.iter().find(|(network, prefix, _)| is_in(address, (*network, *prefix))) {
        Some((_, _, kind)) => Err(*kind),
        None if is_in(address, GLOBAL_UNICAST) => Ok(()),
        None => Err(AddressKind::Reserved),
    }
}

const fn is_in(address: Ipv6Addr, (network, prefix): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - prefix) == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own table should stop
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: Result<(), AddressKind>) {
        for address in addresses {
            assert_eq!(require_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn v4_networks_are_refused_from_their_first_to_their_last_address() {
        // P-22, TH51; the neighbours on both sides are in the next test
        check(&["0.0.0.0", "0.255.255.255"], Err(AddressKind::Unspecified));
        check(&["10.0.0.0", "10.255.255.255"], Err(AddressKind::Private));
        check(&["100.64.0.0", "100.100.100.200", "100.127.255.255"], Err(AddressKind::Shared));
        check(&["127.0.0.0", "127.0.0.1", "127.255.255.255"], Err(AddressKind::Loopback));
        check(&["168.63.129.16"], Err(AddressKind::Metadata));
        check(&["169.254.0.0", "169.254.169.254", "169.254.255.255"], Err(AddressKind::LinkLocal));
        check(&["172.16.0.0", "172.31.255.255"], Err(AddressKind::Private));
        check(&["192.0.0.0", "192.0.0.192", "192.0.0.255", "192.88.99.0", "192.88.99.255"], Err(AddressKind::Protocol));
        check(&["192.0.2.0", "192.0.2.255", "198.51.100.0", "198.51.100.255"], Err(AddressKind::Documentation));
        check(&["203.0.113.0", "203.0.113.255"], Err(AddressKind::Documentation));
        check(&["192.168.0.0", "192.168.1.1", "192.168.255.255"], Err(AddressKind::Private));
        check(&["198.18.0.0", "198.18.0.1", "198.19.255.255"], Err(AddressKind::Benchmarking));
        check(&["224.0.0.0", "239.255.255.255"], Err(AddressKind::Multicast));
        check(&["240.0.0.0", "255.255.255.255"], Err(AddressKind::Reserved));
    }

    #[test]
    fn the_neighbours_of_every_v4_network_are_public() {
        check(&["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"], Ok(()));
        check(&["126.255.255.255", "128.0.0.0", "168.63.129.15", "168.63.129.17"], Ok(()));
        check(&["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"], Ok(()));
        check(&["191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.88.98.255", "192.88.100.0"], Ok(()));
        check(&["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"], Ok(()));
        check(&["198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"], Ok(()));
    }

    #[test]
    fn v6_networks_are_refused_and_their_neighbours_pass() {
        check(&["::"], Err(AddressKind::Unspecified));
        check(&["::1"], Err(AddressKind::Loopback));
        check(&["2001::", "2001:2::1", "2001:1ff:ffff::", "2002::1", "2002:0a00:0001::"], Err(AddressKind::Protocol));
        check(&["2001:db8::1", "2001:db8:ffff:ffff::", "3fff::1", "3fff:fff::"], Err(AddressKind::Documentation));
        check(&["fc00::", "fd00:ec2::254", "fdff:ffff::", "fec0::1"], Err(AddressKind::Private));
        check(&["fe80::1", "febf::1"], Err(AddressKind::LinkLocal));
        check(&["ff00::", "ff02::1", "ffff::"], Err(AddressKind::Multicast));
        check(
            &["::2", "::7f00:1", "64:ff9b:1::a00:1", "100::1", "1fff::", "4000::", "5f00::1"],
            Err(AddressKind::Reserved),
        );
        check(&["2001:200::", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111"], Ok(()));
        check(&["2000::1", "3ffe:ffff::", "3fff:1000::"], Ok(()));
    }

    #[test]
    fn a_v4_address_inside_a_v6_one_is_judged_as_itself() {
        check(&["::ffff:127.0.0.1", "64:ff9b::127.0.0.1"], Err(AddressKind::Loopback));
        check(&["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"], Err(AddressKind::LinkLocal));
        check(&["::ffff:10.0.0.1", "64:ff9b::10.0.0.1"], Err(AddressKind::Private));
        check(&["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"], Ok(()));
    }

    #[test]
    fn loopback_is_loopback_in_both_families() {
        for (address, expected) in [
            ("127.0.0.1", Ok(())),
            ("127.9.9.9", Ok(())),
            ("::1", Ok(())),
            ("::ffff:127.0.0.1", Ok(())),
            ("128.0.0.1", Err(AddressKind::NotLoopback)),
            ("10.0.0.1", Err(AddressKind::NotLoopback)),
            ("0.0.0.0", Err(AddressKind::NotLoopback)),
            ("::", Err(AddressKind::NotLoopback)),
        ] {
            assert_eq!(require_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
