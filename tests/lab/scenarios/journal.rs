//! The installer's journal on a host, read from outside while the installer runs.

use std::fs;
use std::path::PathBuf;

use lab::Host;
use serde_json::Value;

/// Where the installer keeps what it did.
pub const STATE: &str = "/var/lib/slurmdash-install";

/// Every record of every run on a host so far, the oldest run first. A line that is being written is left out.
pub fn records(host: &Host<'_>) -> Vec<Value> {
    let mut journals: Vec<PathBuf> = fs::read_dir(host.root().join(&STATE[1..]).join("runs"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("journal")))
        .collect();
    journals.sort();
    journals
        .iter()
        .filter_map(|journal| fs::read_to_string(journal).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        // A checksum stands behind each record.
        .filter_map(|line| serde_json::Deserializer::from_str(&line).into_iter::<Value>().next()?.ok())
        .collect()
}

/// Names of all steps that were begun, in order: `<phase>/<host>/<subject>`.
pub fn started(host: &Host<'_>) -> Vec<String> {
    steps(host, "started")
}

/// Names of all steps with a record of that kind.
pub fn steps(host: &Host<'_>, kind: &str) -> Vec<String> {
    let of_kind = |record: &Value| record["record"] == kind;
    let step = |record: Value| record["step"].as_str().map(str::to_owned);
    records(host).into_iter().filter(of_kind).filter_map(step).collect()
}

/// The part a step belongs to.
pub fn phase(step: &str) -> &str {
    step.split('/').next().unwrap_or(step)
}

/// The host of a step.
pub fn host_of(step: &str) -> &str {
    step.split('/').nth(1).unwrap_or_default()
}
