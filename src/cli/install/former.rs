//! Hosts that were in the cluster once: what is still on them can be undone, so how they are reached is kept.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slurmdash_installer::config::{self, Config, ConfigHost};
use slurmdash_installer::journal::Journal;

/// By name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Former(BTreeMap<String, Place>);

/// One of them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// As it was configured last.
    host: ConfigHost,
    /// The run that is to stop its daemons is not over.
    is_leaving: bool,
}

impl Former {
    /// Those that were kept.
    pub fn load(journal: &Journal) -> Result<Self, String> {
        let Some(json) = journal.former_hosts().map_err(|error| error.to_string())? else { return Ok(Self::default()) };
        serde_json::from_slice(&json).map_err(|error| format!("former-hosts.json can't be read: {error}; move it away"))
    }

    /// Those that were kept, and those that were in the cluster and are not in this configuration.
    pub fn with(journal: &Journal, config: &Config) -> Result<Self, String> {
        let mut former = Self::load(journal)?;
        let before = journal.configuration().map_err(|error| error.to_string())?;
        // One that can't be read any more was an older release's; who left is not known then.
        let before = before.and_then(|text| config::parse(&String::from_utf8_lossy(&text)).ok());
        for host in before.into_iter().flat_map(|before| before.hosts) {
            former.0.insert(host.name.clone(), Place { host, is_leaving: true });
        }
        former.0.retain(|name, _| config.host(name).is_none());
        Ok(former)
    }

    /// Those whose daemons are still to be stopped.
    pub fn leaving(&self) -> Vec<ConfigHost> {
        self.0.values().filter(|place| place.is_leaving).map(|place| place.host.clone()).collect()
    }

    /// All.
    pub fn all(self) -> impl Iterator<Item = ConfigHost> {
        self.0.into_values().map(|place| place.host)
    }

    /// Keeps them.
    pub fn keep(&self, journal: &Journal) -> Result<(), String> {
        if *self == Self::load(journal)? {
            return Ok(());
        }
        let json = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        journal.keep_former_hosts(&json).map_err(|error| error.to_string())
    }

    /// Their daemons are stopped, as far as they could be reached.
    pub fn settle(journal: &Journal) -> Result<(), String> {
        let mut former = Self::load(journal)?;
        former.0.values_mut().for_each(|place| place.is_leaving = false);
        former.keep(journal)
    }

    /// Nothing is left on these.
    pub fn forget(journal: &Journal, hosts: &[String]) -> Result<(), String> {
        let mut former = Self::load(journal)?;
        former.0.retain(|name, _| !hosts.contains(name));
        former.keep(journal)
    }
}
