//! Which address a request comes from, when proxies stand between.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The bits of an IPv6 address that name a network: whoever has one address has all of its /64.
const NETWORK_BITS: u32 = 64;
/// The bits that name a site: some providers give a customer all of a /48, which has 65,536
/// networks.
const SITE_BITS: u32 = 48;

/// The address of the client: the peer itself, unless it is a `trusted` proxy. Then the rightmost
/// address of `forwarded` that is not trusted, too: what stands left of it can be made up. What is
/// no address ends the walk.
///
/// `forwarded`: the `X-Forwarded-For` lines as they came; they are one list.
pub(crate) fn client(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut entries = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
    let mut client = peer.to_canonical();
    while is_trusted(client, trusted)
        && let Some(address) = entries.next().and_then(parse)
    {
        client = address;
    }
    client
}

/// Whether what `peer` says of others is believed.
pub(crate) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(&peer))
}

/// Reads an entry of the list; some proxies write the port, too. IPv4 in the form of IPv6 is IPv4.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches([' ', '\t']);
    let address = entry
        .parse()
        .or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// What shares one limit with `address`: itself, or its /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    masked(address, NETWORK_BITS)
}

/// What shares a larger limit with `address`: itself, or its /48.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    masked(address, SITE_BITS)
}

/// `address`, or the first `bits` of it if it is IPv6.
fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !0 << (128 - bits)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client by these lines, behind a peer in 10.0.0.0/8 or fd00::/8, which are trusted.
    fn client_of(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        client(peer.parse().expect("an address"), forwarded, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed_and_only_up_to_the_first_stranger() {
        assert_eq!(client_of("9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6, 1.1.1.1"]), "1.1.1.1");
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6, 1.1.1.1 ,\t10.2.3.4"]),
            "1.1.1.1"
        );
        assert_eq!(
            client_of("10.0.0.1", &["10.9.9.9, 10.2.3.4"]),
            "10.9.9.9",
            "all of them are trusted"
        );
        assert_eq!(
            client_of("::ffff:10.0.0.1", &["fd00::7,2001:db8::1"]),
            "2001:db8::1"
        );
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.2.3.4", "10.5.5.5"]),
            "1.1.1.1"
        );
    }

    #[test]
    fn garbage_ends_the_walk_at_the_last_good_address() {
        for garbage in [
            "",
            " ",
            "unknown",
            "_hidden",
            "1.1.1",
            "1.1.1.1.1",
            "999.1.1.1",
            "1.1.1.1 2.2.2.2",
            "[::1]x",
        ] {
            assert_eq!(
                client_of("10.0.0.1", &[&format!("6.6.6.6, {garbage}, 10.2.3.4")]),
                "10.2.3.4",
                "{garbage:?}"
            );
            assert_eq!(client_of("10.0.0.1", &[garbage]), "10.0.0.1", "{garbage:?}");
        }
    }

    #[test]
    fn ports_and_mapped_addresses_are_understood() {
        assert_eq!(client_of("10.0.0.1", &["1.1.1.1:4711"]), "1.1.1.1");
        assert_eq!(
            client_of("10.0.0.1", &["[2001:db8::1]:4711"]),
            "2001:db8::1"
        );
        assert_eq!(
            client_of("10.0.0.1", &["1.1.1.1, ::ffff:10.2.3.4"]),
            "1.1.1.1"
        );
    }

    #[test]
    fn a_network_of_ipv6_is_its_64_and_an_ipv4_address_stands_alone() {
        let network_of = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network_of("2001:db8:1:3:3:4:5:6"), "2001:db8:1:3::");
        assert_eq!(network_of("1.2.3.4"), "1.2.3.4");
        let site_of = |text: &str| site(text.parse().expect("an address")).to_string();
        assert_eq!(site_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(site_of("2001:db8:1:ffff::"), "2001:db8:1::");
        assert_eq!(site_of("2001:db8:2::1"), "2001:db8:2::");
        assert_eq!(site_of("1.2.3.4"), "1.2.3.4");
    }
}
