//! How often somebody may ask, and how often a password may be guessed.
//!
//! - [`rates`]: requests a minute, by person or by address
//! - [`logins`]: wrong passwords, by account and by address, without letting a stranger lock anybody out for good
//! - [`devices`]: by what a browser shows that it has signed in before
//! - [`client`]: whose request it is behind proxies
//!
//! All of it is in memory and bounded (`table.rs`); a restart forgets it.

pub mod client;
pub mod devices;
pub mod logins;
pub mod rates;
mod table;

use std::net::IpAddr;

/// What counts as one place: an IPv4 address, or the /64 that IPv6 gives to one site, which is free to change its
/// address within it with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    V4(u32),
    V6(u64),
}

impl Place {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            // The upper half; shifted, it fits.
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or_default()),
        }
    }

    /// The neighbourhood that shares one place's portion when there is no more room for each: /24 or /48.
    fn around(self) -> Self {
        match self {
            Self::V4(address) => Self::V4(address & !0xff),
            Self::V6(network) => Self::V6(network & !0xffff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_ipv4_address_or_an_ipv6_64() {
        let place = |text: &str| Place::of(text.parse().unwrap());
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(place("192.0.2.1"), place("::ffff:192.0.2.1"));
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_eq!(place("192.0.2.1").around(), place("192.0.2.255").around());
        assert_ne!(place("192.0.2.1").around(), place("192.0.3.1").around());
        assert_eq!(place("2001:db8:1:2::1").around(), place("2001:db8:1:ffff::1").around());
        assert_ne!(place("2001:db8:1:2::1").around(), place("2001:db8:2:2::1").around());
        assert_ne!(place("0.0.0.1"), place("0:0:0:1::"), "the same number in the other family");
    }
}
