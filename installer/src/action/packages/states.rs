//! Which packages are there, and how far.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::action::{Setting, place};
use crate::host::{Attributes, Command, Host, HostError};

/// How far a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Wholly.
    Installed,
    /// Unpacked, or its scripts did not run to their end.
    Half,
    /// It was removed; its configuration is there.
    Remnant,
}

/// States of packages; those that are not there at all are left out. Source: dpkg-query(1), `db:Status-Abbrev`.
pub(super) fn of(host: &dyn Host, names: &BTreeSet<String>) -> Result<BTreeMap<String, State>, HostError> {
    let format = "--showformat=${db:Status-Abbrev}\\t${Package}\\n";
    match host.run(&Command::new("dpkg-query").args(["--show", format])) {
        Ok(output) => {
            let text = output.text();
            let lines = text.lines().filter_map(|line| line.split_once('\t'));
            let known = lines.filter(|(_, name)| names.contains(*name)).filter_map(|(state, name)| {
                let state = match state.chars().nth(1)? {
                    'i' | 't' | 'W' => State::Installed,
                    'c' => State::Remnant,
                    'n' => return None,
                    _ => State::Half,
                };
                Some((name.to_owned(), state))
            });
            Ok(known.collect())
        }
        // rpm has packages or not.
        Err(HostError::NotStarted { .. }) => {
            let there = host.packages()?.into_iter().map(|package| package.name);
            Ok(there.filter(|name| names.contains(name)).map(|name| (name, State::Installed)).collect())
        }
        Err(error) => Err(error),
    }
}

fn file(setting: &Setting) -> PathBuf {
    setting.keep.join("packages-of-this-run.json")
}

/// Packages that this run has begun to bring. What is half-installed besides is somebody else's.
pub(super) fn begun(host: &dyn Host, setting: &Setting) -> Result<BTreeSet<String>, HostError> {
    let file = file(setting);
    if host.entry(&file)?.is_none() {
        return Ok(BTreeSet::new());
    }
    let names = serde_json::from_slice(&host.read(&file)?);
    names.map_err(|error| HostError::Malformed(format!("{}: {error}", file.display())))
}

/// Writes down that packages are about to come.
pub(super) fn begin(host: &dyn Host, setting: &Setting, names: BTreeSet<String>) -> Result<(), HostError> {
    let mut all = begun(host, setting)?;
    if names.is_subset(&all) {
        return Ok(());
    }
    all.extend(names);
    let text = serde_json::to_vec(&all).map_err(|error| HostError::Malformed(error.to_string()))?;
    place::make_keep(host, setting)?;
    host.write(&file(setting), &text, Attributes { mode: 0o600, uid: 0, gid: 0 }, None)
}
