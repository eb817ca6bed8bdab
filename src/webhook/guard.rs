//! Which addresses may be reached: those of the public internet, and what the operator allows
//! besides. Webhooks are URLs that others chose; without this they would open every service behind
//! the firewall.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

/// IPv4 networks that are nobody's on the internet (the IANA registry of special purposes), and
/// multicast.
const INTERNAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// What is allowed in development: loopback and private networks.
const FOR_DEVELOPMENT: [&str; 6] = [
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
];
/// Ports below this belong to services that are no web servers: 80 and 443 excepted, none of them
/// is spoken to.
const FIRST_FREE_PORT: u16 = 1024;

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Networks that may be reached although they are internal.
    allowed: Vec<IpNet>,
    /// Whether http is as good as https, for every host.
    is_dev: bool,
}

impl Guard {
    /// A guard that lets `allowed` be reached; in development this machine and private networks,
    /// too.
    pub fn new(allowed: &[IpNet], is_dev: bool) -> Self {
        let mut allowed = allowed.to_vec();
        if is_dev {
            allowed.extend(
                FOR_DEVELOPMENT
                    .iter()
                    .filter_map(|network| network.parse::<IpNet>().ok()),
            );
        }
        Self { allowed, is_dev }
    }

    /// Whether there is any host that may be reached without TLS.
    pub(crate) fn admits_http(&self) -> bool {
        self.is_dev || !self.allowed.is_empty()
    }

    /// Whether `address` may be reached over https, or without TLS where `is_plain`: that only
    /// where the operator allows the network by name, because anybody on the way could read it.
    pub(crate) fn admits(&self, address: IpAddr, is_plain: bool) -> bool {
        // A mapped address reaches the IPv4 host.
        let address = address.to_canonical();
        let is_allowed = self
            .allowed
            .iter()
            .any(|network| network.contains(&address));
        is_allowed || (is_public(address) && (!is_plain || self.is_dev))
    }

    /// Checks what can be told of a URL without asking anybody: its host, where that is an address
    /// or a name of this machine, and whether its scheme can be allowed at all.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn check(&self, url: &Url) -> Result<(), &'static str> {
        let is_plain = url.scheme() == "http";
        let admits = |address: IpAddr| {
            self.admits(address, is_plain)
                .then_some(())
                .ok_or(if self.admits(address, false) {
                    "http is for networks that the operator allows; use https"
                } else {
                    "this address is internal; --webhook-allow can allow it"
                })
        };
        match url.host() {
            Some(Host::Ipv4(address)) => admits(address.into()),
            Some(Host::Ipv6(address)) => admits(address.into()),
            Some(Host::Domain(name)) if is_local(name) => admits(Ipv4Addr::LOCALHOST.into()),
            // What a name stands for is seen when something is sent.
            Some(Host::Domain(_)) if is_plain && !self.admits_http() => {
                Err("http is for networks that the operator allows; use https")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a port may be spoken to.
pub(crate) fn admits_port(port: u16) -> bool {
    matches!(port, 80 | 443) || port >= FIRST_FREE_PORT
}

/// Whether a name always stands for this machine (RFC 6761, 6.3).
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The same of IPv4.
fn is_public_v4(address: Ipv4Addr) -> bool {
    !INTERNAL_V4.iter().any(|(network, length)| {
        address.to_bits() >> (32 - length) == network.to_bits() >> (32 - length)
    })
}

/// The same of IPv6: of all there is only 2000::/3 was given out. In it are tunnels to IPv4
/// addresses (Teredo, 6to4), which nobody needs, and documentation. An address behind NAT64 is as
/// public as the IPv4 address in it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // 2001::/23 are protocols, Teredo among them; 2002::/16 is 6to4.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first >> 13 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &Guard, addresses: &str, is_plain: bool) -> Vec<String> {
        let parse = |text: &&str| {
            text.parse()
                .is_ok_and(|address| guard.admits(address, is_plain))
        };
        addresses
            .split(' ')
            .filter(parse)
            .map(str::to_owned)
            .collect()
    }

    const INTERNAL: &str = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 \
        127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 \
        192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 \
        239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:7f00:1 ::ffff:10.0.0.1 \
        ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::7f00:1 64:ff9b:1::808:808 \
        100::1 2001::1 2001:0:7f00:1::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 \
        2002:808:808::1 3fff::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 5f00::1 \
        4000::1";
    const PUBLIC: &str = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 \
        192.0.1.1 198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 \
        2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 3fff:1000::1";

    #[test]
    fn what_is_not_public_is_refused_in_every_spelling() {
        let guard = Guard::default();
        assert_eq!(admits(&guard, INTERNAL, false), [""; 0]);
        assert_eq!(admits(&guard, PUBLIC, false).join(" "), PUBLIC);
        assert_eq!(admits(&guard, PUBLIC, true), [""; 0], "without TLS");
    }

    #[test]
    fn what_is_allowed_is_allowed_in_every_spelling_and_nothing_else() {
        let allowed = ["10.1.0.0/16", "fd00::/8"].map(|text| text.parse());
        let guard = Guard::new(
            &allowed.into_iter().flatten().collect::<Vec<IpNet>>(),
            false,
        );
        let admitted = admits(
            &guard,
            "10.1.2.3 ::ffff:10.1.2.3 10.2.0.1 fd12::1 fc00::1 127.0.0.1 64:ff9b::a01:203",
            true,
        );
        assert_eq!(admitted, ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1"]);
    }

    #[test]
    fn development_reaches_this_machine_and_private_networks_but_no_metadata_service() {
        let guard = Guard::new(&[], true);
        let admitted = admits(
            &guard,
            "127.0.0.1 ::1 ::ffff:127.0.0.1 192.168.1.1 fd00::1 8.8.8.8 169.254.169.254 0.0.0.0",
            true,
        );
        assert_eq!(
            admitted,
            [
                "127.0.0.1",
                "::1",
                "::ffff:127.0.0.1",
                "192.168.1.1",
                "fd00::1",
                "8.8.8.8"
            ]
        );
    }
}
