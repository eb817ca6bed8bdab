//! What the log has of the addresses of clients.

use std::net::{IpAddr, Ipv4Addr};

use clap::ValueEnum;
use ipnet::IpNet;

/// The bits of an IPv4 address that the log has.
const BITS_OF_V4: u8 = 24;
/// The bits of an IPv6 address that the log has: a site.
const BITS_OF_V6: u8 = 48;

/// What stands for the address of a peer that comes by a unix socket. No peer of TCP has it.
pub(crate) const UNIX_PEER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What the log has of the addresses of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Addresses {
    /// The /24 of an IPv4 address, the /48 of an IPv6 address
    #[default]
    Masked,
    /// All of them
    Full,
    /// Nothing
    None,
}

impl Addresses {
    /// What the log has of `address`; none: nothing.
    pub(crate) fn show(self, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() {
            BITS_OF_V4
        } else {
            BITS_OF_V6
        };
        match self {
            Self::Masked | Self::Full if address == UNIX_PEER => Some("unix".to_owned()),
            Self::Masked => IpNet::new(address, bits)
                .ok()
                .map(|net| net.trunc().to_string()),
            Self::Full => Some(address.to_string()),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_is_a_network_of_many_people() {
        let shown = |text: &str| Addresses::Masked.show(text.parse().expect("an address"));
        for (address, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("127.0.0.1", "127.0.0.0/24"),
            ("::1", "::/48"),
            ("0.0.0.0", "unix"),
        ] {
            assert_eq!(shown(address).as_deref(), Some(network));
        }
    }
}
