//! Options that are passed on, and those that the installer has its own mind about.
use std::collections::BTreeMap;
use std::path::Path;

use super::Notes;
use crate::config::{self, Config, Role};
use crate::plan::site::{SPOOL, STATE};
use crate::slurm_conf::{Conf, Pair};

/// Options of one kind; Slurm knows some hundred.
const MAX_OPTIONS: usize = 1000;

/// Options that are wholly said elsewhere in `cluster.yaml`.
const SAID: [&str; 14] = [
    "AccountingStorageHost",
    "AccountingStoragePort",
    "AccountingStorageType",
    "BackupAddr",
    "BackupController",
    "ClusterName",
    "ControlAddr",
    "ControlMachine",
    "NodeName",
    "PartitionName",
    "SlurmctldAddr",
    "SlurmctldHost",
    "SlurmctldPort",
    "SlurmdPort",
];

/// What the installer writes too, in the same words: nothing to be noted.
const SAME: [(&str, &str); 8] = [
    ("AuthType", "auth/munge"),
    ("CredType", "cred/munge"),
    ("CryptoType", "crypto/munge"),
    ("GresTypes", "gpu"),
    ("SlurmUser", "slurm"),
    ("SlurmdUser", "root"),
    ("SlurmctldLogFile", "/var/log/slurm/slurmctld.log"),
    ("SlurmdLogFile", "/var/log/slurm/slurmd.log"),
];

/// All options of slurm.conf(5) and cgroup.conf(5).
pub(super) fn read(conf: &Conf, cgroup: &Conf, config: &mut Config, notes: &mut Notes) {
    let mut options = BTreeMap::new();
    for pair in conf.options() {
        let is_same = SAME.iter().any(|(name, value)| pair.is(name) && pair.value.eq_ignore_ascii_case(value));
        if is_same || SAID.iter().any(|name| pair.is(name)) {
            continue;
        }
        match config::owned_option(&pair.name) {
            Some(why) => notes.add(format!("{pair} is left out, for the installer writes its own: {why}")),
            None => keep(pair, &mut options, "slurm.conf", notes),
        }
    }
    usual(&mut options, config);
    configless(&mut options, notes);
    config.slurm.options = options;
    let mut options = BTreeMap::new();
    for pair in cgroup.options() {
        match config::owned_cgroup_option(&pair.name) {
            Some(why) => notes.add(format!("cgroup.conf: {pair} is left out, for the installer writes its own: {why}")),
            None => keep(pair, &mut options, "cgroup.conf", notes),
        }
    }
    config.slurm.cgroup = options;
    ports(conf, config, notes);
}

/// What Slurm does where nothing is said and the installer does something else: it stays as it was, for running jobs are
/// lost when some of it changes. Source: slurm.conf(5) of 22.05 and 24.11.
const USUAL: [(&str, &str); 5] = [
    ("DefMemPerCPU", "0"),
    ("JobAcctGatherType", "jobacct_gather/none"),
    ("ProctrackType", "proctrack/cgroup"),
    ("ReturnToService", "0"),
    ("TaskPlugin", "task/none"),
];

/// Says what was not said, and leaves out what the installer does too.
fn usual(options: &mut BTreeMap<String, String>, config: &Config) {
    let has =
        |options: &BTreeMap<String, String>, name: &str| options.keys().any(|other| other.eq_ignore_ascii_case(name));
    let memory = ["DefMemPerNode", "DefMemPerGPU"].iter().any(|name| has(options, name));
    for (name, value) in USUAL.iter().filter(|(name, _)| *name != "DefMemPerCPU" || !memory) {
        if !has(options, name) {
            options.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    let state = match &config.storage.shared {
        Some(share) if config.host_with(Role::BackupController).is_some() => share.path.join("slurmctld"),
        _ => STATE.into(),
    };
    let ours = [("StateSaveLocation", state.as_path()), ("SlurmdSpoolDir", Path::new(SPOOL))];
    options.retain(|name, value| {
        !ours.iter().any(|(place, path)| name.eq_ignore_ascii_case(place) && Path::new(value.as_str()) == *path)
    });
}

/// Passes an option on, in place of one of the same name: the last one holds.
pub(super) fn keep(pair: &Pair, options: &mut BTreeMap<String, String>, place: &str, notes: &mut Notes) {
    if !config::is_option(&pair.name, &pair.value) {
        notes.add(format!("{place}: {pair} can't be said in cluster.yaml, left out"));
        return;
    }
    if options.len() >= MAX_OPTIONS {
        notes.add(format!("{place}: has more than {MAX_OPTIONS} options; {} is left out", pair.name));
        return;
    }
    let known = options.keys().find(|name| pair.is(name)).cloned();
    if let Some(known) = known {
        notes.add(format!("{place}: {known} is there twice; the last one holds"));
        options.remove(&known);
    }
    options.insert(pair.name.clone(), pair.value.clone());
}

/// Nodes get their configuration from the controller, which must be said among other parameters.
fn configless(options: &mut BTreeMap<String, String>, notes: &mut Notes) {
    let parameters = options.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("SlurmctldParameters"));
    let Some((_, value)) = parameters else { return };
    if !value.split(',').any(|word| word.eq_ignore_ascii_case("enable_configless")) {
        *value = format!("enable_configless,{value}");
        notes.add(
            "enable_configless is added to SlurmctldParameters: nodes get their configuration from the controller",
        );
    }
}

fn ports(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    let ports = &mut config.slurm.ports;
    for (name, port) in [
        ("SlurmctldPort", &mut ports.slurmctld),
        ("SlurmdPort", &mut ports.slurmd),
        ("AccountingStoragePort", &mut ports.slurmdbd),
    ] {
        let Some(value) = conf.get(name) else { continue };
        let first = value.split('-').next().unwrap_or_default();
        match first.trim().parse() {
            Ok(number) if number > 0 => *port = number,
            _ => notes.add(format!("{name}={value} is no port, left out")),
        }
        if value.contains('-') {
            notes.add(format!("{name}={value}: cluster.yaml takes one port, the first"));
        }
    }
}
