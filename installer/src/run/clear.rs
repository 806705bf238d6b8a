//! Leaving hosts when everything is undone.
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Hosts;
use super::parallel::for_each;
use crate::action::{Action, OwnFolder, Setting, Undo};
use crate::journal::PLACE;

/// What is left of the installer's own folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Folders with copies of what would have been lost, by host.
    pub kept: BTreeMap<String, Vec<PathBuf>>,
    /// Hosts whose folder could not be cleared, and why.
    pub away: BTreeMap<String, String>,
}

/// Removes the installer's own folder from all hosts, but for copies of what would have been lost. For when nothing is
/// left to be undone; [`Journal::forget`](crate::journal::Journal::forget) comes after it.
pub fn clear(hosts: &Hosts, parallel: usize) -> Cleared {
    let hosts: Vec<_> = hosts.0.iter().collect();
    let setting = Setting { keep: PLACE.into(), written: BTreeMap::new(), keep_data: true };
    let outcomes = for_each(parallel.max(1), &hosts, |(_, host)| {
        let outcome = host.revert(&Action::OwnFolder(OwnFolder), &setting, &Undo::Nothing);
        outcome.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    });
    let mut cleared = Cleared::default();
    for ((name, _), outcome) in hosts.into_iter().zip(outcomes) {
        match outcome {
            Ok(reverted) if reverted.kept.is_empty() => {}
            Ok(reverted) => drop(cleared.kept.insert(name.clone(), reverted.kept)),
            Err(why) => drop(cleared.away.insert(name.clone(), why)),
        }
    }
    cleared
}
