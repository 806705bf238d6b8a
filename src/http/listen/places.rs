//! How many connections there are, in all and from one client.
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Places for connections. Clones share them.
#[derive(Clone)]
pub struct Places(Arc<Shared>);

struct Shared {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Only clients that have a connection are in it, so it is no larger than `all`.
    by_client: HashMap<IpAddr, usize>,
}

/// A connection's place; free again when dropped.
pub struct Place {
    places: Places,
    client: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All places are taken.
    #[error("there are http.max_connections already")]
    All,
    /// This client has as many as one may have.
    #[error("the client has http.max_connections_per_address already")]
    Client,
}

impl Places {
    /// `most` places, of which one client gets `most_each`.
    pub fn new(most: usize, most_each: usize) -> Self {
        Self(Arc::new(Shared { most, most_each, taken: Mutex::default() }))
    }

    /// Takes a place for a connection from `address`; `is_proxy` counts in all only.
    pub fn take(&self, address: IpAddr, is_proxy: bool) -> Result<Place, Full> {
        let client = (!is_proxy).then(|| client(address));
        let mut taken = self.taken();
        if taken.all >= self.0.most {
            return Err(Full::All);
        }
        if let Some(client) = client {
            let count = taken.by_client.entry(client).or_default();
            if *count >= self.0.most_each {
                return Err(Full::Client);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Place { places: self.clone(), client })
    }

    /// How many are taken.
    pub fn count(&self) -> usize {
        self.taken().all
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        let Some(client) = self.client else { return };
        if let Entry::Occupied(mut count) = taken.by_client.entry(client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Who counts as one client: an IPv4 address, or the 64 bits of an IPv6 network, of which one host has all (RFC 4291).
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_for_each_client_and_in_all_and_come_back() {
        let places = Places::new(4, 2);
        let take = |from: &str| places.take(address(from), false);
        let first = take("10.0.0.1").unwrap();
        let _second = take("::ffff:10.0.0.1").unwrap();
        assert_eq!(take("10.0.0.1").err(), Some(Full::Client), "written another way it is the same client");
        let _third = take("10.0.0.2").unwrap();
        drop(first);
        let _again = take("10.0.0.1").unwrap();
        let fourth = take("2001:db8::1").unwrap();
        assert_eq!(take("10.9.9.9").err(), Some(Full::All));
        drop(fourth);
        assert_eq!(places.count(), 3);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_client_and_a_proxy_is_none() {
        let places = Places::new(100, 1);
        let _one = places.take(address("2001:db8::1"), false).unwrap();
        assert_eq!(places.take(address("2001:db8::ffff:2"), false).err(), Some(Full::Client));
        let _other = places.take(address("2001:db8:0:1::1"), false).unwrap();
        let held: Vec<Place> = (0..50).map(|_| places.take(address("127.0.0.1"), true).unwrap()).collect();
        drop(held);
        assert_eq!(places.count(), 2);
        assert_eq!(places.taken().by_client.len(), 2, "nobody is remembered who has no connection");
    }
}
