//! All hosts of a cluster, and how to do something on many of them at once.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Config, ConfigHost};
use crate::facts::Itself;
use crate::host::local::Local;
use crate::host::{Host, HostError};
use crate::reach::{Here, Idle, Program, Reach, Ssh, Way};

/// Hosts by name. Connections are opened by the first call; of those that are idle as many stay open as hosts are worked
/// on at once, so that twice as many are open at most.
#[derive(Clone, Default)]
pub struct Fleet {
    /// How each is reached.
    pub hosts: BTreeMap<String, Arc<dyn Reach>>,
}

/// This machine.
pub fn here() -> Result<Here, HostError> {
    Ok(Here::new(Arc::new(Local::open()?)))
}

impl Fleet {
    /// All hosts of a configuration. The one that this is is reached without a connection.
    pub fn of(config: &Config) -> Result<Self, HostError> {
        let local: Arc<dyn Host> = Arc::new(Local::open()?);
        let names = config.hosts.iter().map(|host| host.address.clone());
        let names: Vec<String> = names.filter(|address| address.parse::<IpAddr>().is_err()).collect();
        let own = Itself::of(&*local, &names)?;
        let program = Arc::new(Program::own());
        let idle = Arc::new(Idle::at_most(usize::try_from(config.ssh.parallel).unwrap_or(1).max(1)));
        let mut hosts: BTreeMap<String, Arc<dyn Reach>> = BTreeMap::new();
        for host in &config.hosts {
            let reach: Arc<dyn Reach> = if is_this(host, &own) {
                Arc::new(Here::new(local.clone()))
            } else {
                Arc::new(Ssh::new(Way::new(&config.ssh, &host.address)?, program.clone(), idle.clone()))
            };
            hosts.insert(host.name.clone(), reach);
        }
        Ok(Self { hosts })
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn Reach>, HostError> {
        let found = self.hosts.get(name);
        found.ok_or_else(|| HostError::Malformed(format!("{name} is no host of this cluster")))
    }

    /// Does something on hosts, on so many at once, and gives what came of it, in the order in which they are named.
    pub fn each<T: Send, E: Send + From<HostError>>(
        &self,
        names: &[String],
        parallel: usize,
        work: impl Fn(&str, &dyn Reach) -> Result<T, E> + Sync,
    ) -> Vec<(String, Result<T, E>)> {
        let next = AtomicUsize::new(0);
        let done: Vec<Mutex<Option<Result<T, E>>>> = names.iter().map(|_| Mutex::new(None)).collect();
        let run = || {
            while let (index, Some(name)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                (index, names.get(index))
            } {
                let outcome = self.get(name).map_err(E::from).and_then(|reach| work(name, &**reach));
                *done[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
        };
        std::thread::scope(|scope| {
            // This thread is one of them.
            for _ in 1..parallel.clamp(1, names.len().max(1)) {
                scope.spawn(run);
            }
            run();
        });
        let lost = || Err(E::from(HostError::Away(String::from("the work on it was broken off"))));
        let taken = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        names.iter().cloned().zip(done.into_iter().map(|slot| taken(slot).unwrap_or_else(lost))).collect()
    }
}

/// Whether a host of the configuration is the one that this runs on: by its address, where one is given.
fn is_this(host: &ConfigHost, own: &Itself) -> bool {
    let is_own = |address: &IpAddr| address.is_loopback() || own.addresses.contains(address);
    if let Ok(address) = host.address.parse() {
        return is_own(&address);
    }
    let is_name = |name: &str| name == own.hostname || name == own.fqdn || name == "localhost";
    let found = own.names.get(&host.address).into_iter().flatten();
    is_name(&host.address) || found.clone().count() > 0 && found.clone().all(is_own)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::script::Script;

    fn fleet(count: usize) -> (Fleet, Vec<String>) {
        let names: Vec<String> = (0..count).map(|number| format!("node{number:03}")).collect();
        let reach = |_: &String| Arc::new(Here::new(Arc::new(Script::default()))) as Arc<dyn Reach>;
        (Fleet { hosts: names.iter().map(|name| (name.clone(), reach(name))).collect() }, names)
    }

    #[test]
    fn many_at_once_but_no_more_than_so_many_and_in_order() {
        let (fleet, mut names) = fleet(40);
        names.insert(7, "stranger".into());
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let done = fleet.each::<String, HostError>(&names, 8, |name, _| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(name.to_owned())
        });
        assert_eq!(done.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names);
        let wrong: Vec<_> = done.iter().filter(|(name, done)| done.as_ref() != Ok(name)).collect();
        assert_eq!((wrong.len(), wrong[0].0.as_str()), (1, "stranger"));
        assert!((2..=8).contains(&most.into_inner()));
        assert!(fleet.each::<(), HostError>(&[], 0, |_, _| Ok(())).is_empty());
        assert_eq!(fleet.each::<(), HostError>(&names[..1], 0, |_, _| Ok(())).len(), 1);
    }

    #[test]
    fn this_host_is_told_by_its_address() {
        let own = Itself::of(&Local::for_test(), &[]).unwrap();
        let host = |name: &str, address: &str| ConfigHost {
            name: name.into(),
            address: address.into(),
            roles: std::collections::BTreeSet::new(),
            node: crate::config::NodeFacts::default(),
        };
        assert!(is_this(&host("a", &own.hostname), &own));
        assert!(is_this(&host("a", "127.0.0.1"), &own) && is_this(&host("a", "localhost"), &own));
        // The address counts, not the name.
        assert!(!is_this(&host(&own.hostname, "192.0.2.7"), &own));
        let names = BTreeMap::from([("other".to_owned(), vec!["192.0.2.7".parse().unwrap()]), ("none".into(), vec![])]);
        let own = Itself { names, ..own };
        assert!(!is_this(&host("a", "other"), &own) && !is_this(&host("a", "none"), &own));
    }
}
