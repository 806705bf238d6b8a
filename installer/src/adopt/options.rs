//! Options that are passed on, and those that the installer has its own mind about.
use std::collections::BTreeMap;

use super::Notes;
use crate::config::{self, Config};
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
