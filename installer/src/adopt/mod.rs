//! A cluster that was built by hand, described as a `cluster.yaml`. Nothing is changed: files are read, a text is written,
//! and what can't be said in it is listed.
mod nodes;
mod options;
mod take_over;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::render::render;
use crate::config::{self, Config, ConfigHost, Identity, NodeFacts, Partition, Role, Share, ShareFrom};
use crate::facts::Facts;
use crate::hostlist;
use crate::slurm_conf::{Conf, Said};

/// Notes that are told one by one; of what is beyond, the number.
const MAX_NOTES: usize = 200;

pub use take_over::take_over;

/// Partitions, as many as `cluster.yaml` takes.
const MAX_PARTITIONS: usize = 256;

/// A description of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// `cluster.yaml`. [`config::parse`] takes it, unless a note says what is missing.
    pub yaml: String,
    /// What it can't say, or says only roughly: for a person to read before anything is applied.
    pub notes: Vec<String>,
}

/// Describes the cluster of these files. `facts`: what is known of its hosts, by their names in slurm.conf.
pub fn read(
    slurm_conf: &str,
    cgroup_conf: Option<&str>,
    gres_conf: Option<&str>,
    facts: &BTreeMap<String, Facts>,
) -> Adopted {
    let conf = Conf::parse(slurm_conf);
    let cgroup = Conf::parse(cgroup_conf.unwrap_or_default());
    let gres = Conf::parse(gres_conf.unwrap_or_default());
    let mut notes = Notes::default();
    for (file, conf) in [("slurm.conf", &conf), ("cgroup.conf", &cgroup), ("gres.conf", &gres)] {
        note_unread(file, conf, &mut notes);
    }
    let mut config = Config { apptainer: false, ..Config::bare() };
    config.dashboard.enabled = false;
    notes.add("slurmdash isn't installed: set dashboard.enabled to true to have it on the controller");
    cluster_name(&conf, &mut config, &mut notes);
    controllers(&conf, &mut config, &mut notes);
    nodes::read(&conf, &gres, facts, &mut config, &mut notes);
    database(&conf, &mut config, &mut notes);
    shared_state(&conf, &mut config, &mut notes);
    partitions(&conf, &mut config, &mut notes);
    options::read(&conf, &cgroup, &mut config, &mut notes);
    identities(facts, &mut config);
    let header =
        ["What slurm.conf says of this cluster, as slurmdash install would have it. Every key: docs/cluster-yaml.md."];
    let yaml = render(&config, &header.map(str::to_owned), &BTreeMap::new());
    if let Err(problems) = config::parse(&yaml) {
        for problem in problems {
            notes.add(format!("cluster.yaml can't be used before this is put right: {problem}"));
        }
    }
    Adopted { yaml, notes: notes.into_vec() }
}

/// Notes, bounded, each once.
#[derive(Debug, Default)]
struct Notes {
    all: Vec<String>,
    seen: BTreeSet<String>,
    more: usize,
}

impl Notes {
    fn add(&mut self, note: impl Into<String>) {
        let note: String = note.into().chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect();
        if self.all.len() >= MAX_NOTES {
            self.more += 1;
        } else if self.seen.insert(note.clone()) {
            self.all.push(note);
        }
    }

    fn into_vec(mut self) -> Vec<String> {
        if self.more > 0 {
            self.all.push(format!("{} notes more", self.more));
        }
        self.all
    }
}

/// Lines that aren't read.
fn note_unread(file: &str, conf: &Conf, notes: &mut Notes) {
    for line in &conf.lines {
        let number = line.number;
        match &line.said {
            Said::Include(other) => {
                notes.add(format!(
                    "{file} line {number}: {other} is included, and wasn't read; put its lines into {file}"
                ));
            }
            Said::Malformed(text) => {
                notes.add(format!("{file} line {number}: not understood, left out: {text}"));
            }
            Said::Record(pairs) => {
                let first = pairs.first();
                if let Some(other) = first.filter(|first| !first.is("NodeName") && !first.is("PartitionName")) {
                    notes.add(format!("{file} line {number}: {other} can't be said in cluster.yaml, left out"));
                }
            }
            Said::Options(_) => {}
        }
    }
}

fn cluster_name(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    match conf.get("ClusterName") {
        Some(name) if config::is_cluster_name(&name.to_lowercase()) => config.cluster = name.to_lowercase(),
        Some(name) => notes.add(format!(
            "ClusterName={name} can't be kept: lower-case letters, digits, _ and - make a name. Another name has an own \
             history in the database"
        )),
        None => notes.add(format!("slurm.conf has no ClusterName; {} was put in", config.cluster)),
    }
}

/// A host of this name, made where there is none. `None` for what is no host name.
fn host<'a>(config: &'a mut Config, name: &str, notes: &mut Notes) -> Option<&'a mut ConfigHost> {
    let short = name.split('.').next().unwrap_or_default();
    if !config::is_free_host_name(short) {
        notes.add(format!("{name} is no name for a host, left out"));
        return None;
    }
    let found = config.hosts.iter().position(|host| host.name.eq_ignore_ascii_case(short));
    let at = found.unwrap_or_else(|| {
        let address = if config::is_address(name) { name } else { short };
        config.hosts.push(ConfigHost {
            name: short.to_owned(),
            address: address.to_owned(),
            roles: BTreeSet::new(),
            node: NodeFacts::default(),
        });
        config.hosts.len() - 1
    });
    config.hosts.get_mut(at)
}

fn controllers(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    let mut heads: Vec<(String, Option<String>)> = Vec::new();
    for value in conf.all("SlurmctldHost") {
        let (name, address) = match value.split_once('(') {
            Some((name, rest)) => (name, Some(rest.trim_end_matches(')').to_owned())),
            None => (value, None),
        };
        heads.push((name.trim().to_owned(), address));
    }
    if heads.is_empty() {
        for (name, address) in [("ControlMachine", "ControlAddr"), ("BackupController", "BackupAddr")] {
            if let Some(name) = conf.get(name) {
                heads.push((name.to_owned(), conf.get(address).map(str::to_owned)));
            }
        }
    }
    if heads.is_empty() {
        notes.add("slurm.conf names no controller (SlurmctldHost): give a host the role controller");
    }
    for (at, (name, address)) in heads.into_iter().enumerate() {
        let role = match at {
            0 => Role::Controller,
            1 => Role::BackupController,
            _ => {
                notes.add(format!("{name} is a further backup controller; cluster.yaml takes one, left out"));
                continue;
            }
        };
        let Some(host) = host(config, &name, notes) else { continue };
        host.roles.insert(role);
        if role == Role::Controller {
            host.roles.insert(Role::Dashboard);
        }
        match address {
            Some(address) if config::is_address(&address) => host.address = address,
            Some(address) => notes.add(format!("{address} is no address for {name}, left out")),
            None => {}
        }
    }
}

fn database(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    let kind = conf.get("AccountingStorageType").unwrap_or("accounting_storage/none");
    config.accounting.enabled = kind.to_lowercase().ends_with("slurmdbd");
    if !config.accounting.enabled {
        if !kind.to_lowercase().ends_with("none") {
            notes.add(format!("AccountingStorageType={kind} can't be said in cluster.yaml; accounting is off there"));
        }
        return;
    }
    notes.add(
        "accounts, QOS and users stay in the database as they are; accounting.accounts and the others add to them",
    );
    let written = conf.get("AccountingStorageHost").unwrap_or("localhost");
    let controller = config.controllers().next().map(|host| host.name.clone());
    let is_here = matches!(written, "localhost" | "127.0.0.1" | "::1");
    let known = config.hosts.iter().find(|host| host.address.eq_ignore_ascii_case(written));
    let name = match (controller, known) {
        (Some(controller), _) if is_here => controller,
        (_, Some(host)) => host.name.clone(),
        _ => written.to_owned(),
    };
    let Some(host) = host(config, &name, notes) else { return };
    host.roles.insert(Role::Database);
    let name = host.name.clone();
    let has_backup = config.host_with(Role::BackupController).is_some();
    if has_backup && config.controllers().any(|head| head.has(Role::Database)) {
        config.accounting.database_on_controller = true;
        notes.add(format!(
            "the database is on {name}, a controller: when it is lost, the other one waits for the database instead of \
             taking over"
        ));
    }
}

/// Two controllers share the folder of their state.
fn shared_state(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    if config.host_with(Role::BackupController).is_none() {
        return;
    }
    let state = conf.get("StateSaveLocation").unwrap_or_default();
    let parent = Path::new(state).parent().and_then(Path::to_str).filter(|path| config::is_shared_folder(path));
    let path = parent.unwrap_or("/shared");
    if parent.is_none() {
        notes.add("StateSaveLocation doesn't say which folder both controllers share: /shared was put in");
    }
    config.storage.shared = Some(Share { path: PathBuf::from(path), from: ShareFrom::Existing });
}

fn partitions(conf: &Conf, config: &mut Config, notes: &mut Notes) {
    let compute: Vec<String> = config.hosts_with(Role::Compute).map(|host| host.name.clone()).collect();
    for record in conf.records("PartitionName") {
        let name = &record.name;
        let mut partition = Partition {
            name: name.clone(),
            nodes: Vec::new(),
            default: false,
            max_time: None,
            options: BTreeMap::new(),
        };
        for pair in &record.options {
            if pair.is("Nodes") {
                partition.nodes = members(&pair.value, &compute, name, notes);
            } else if pair.is("Default") {
                partition.default = ["yes", "true", "1", "up"].contains(&pair.value.to_lowercase().as_str());
            } else if pair.is("State") && pair.value.eq_ignore_ascii_case("up") {
                // As every partition is where nothing is said.
            } else if pair.is("MaxTime") {
                partition.max_time = Some(pair.value.clone());
            } else {
                options::keep(pair, &mut partition.options, &format!("partition {name}"), notes);
            }
        }
        if config.partitions.len() == MAX_PARTITIONS {
            notes.add(format!("partition {name}: cluster.yaml takes {MAX_PARTITIONS}, left out"));
            continue;
        }
        let is_second = config.partitions.iter().any(|other| other.name.eq_ignore_ascii_case(name));
        if partition.nodes.is_empty() || is_second || !config::is_partition_name(name) {
            notes.add(format!("partition {name} has no nodes, is there twice or has no plain name, left out"));
            continue;
        }
        if partition.default {
            config.partitions.iter_mut().for_each(|other| other.default = false);
        }
        config.partitions.push(partition);
    }
    if config.partitions.is_empty() {
        notes.add("slurm.conf has no partition that can be kept: main, with all nodes, was put in");
        let (name, options) = ("main".to_owned(), BTreeMap::new());
        config.partitions.push(Partition { name, nodes: compute, default: true, max_time: None, options });
    } else if !config.partitions.iter().any(|partition| partition.default) {
        notes.add("no partition is the default; cluster.yaml makes the first one that");
        config.partitions.iter_mut().take(1).for_each(|first| first.default = true);
    }
}

/// Nodes of a partition, in the order of the hosts.
fn members(list: &str, compute: &[String], partition: &str, notes: &mut Notes) -> Vec<String> {
    if list.eq_ignore_ascii_case("all") {
        return compute.to_vec();
    }
    let named: BTreeSet<String> = match hostlist::expand(list, config::MAX_HOSTS) {
        Ok(names) => names.into_iter().collect(),
        Err(error) => {
            notes.add(format!("partition {partition}: Nodes={list} is no list of hosts: {error}"));
            return Vec::new();
        }
    };
    let members: Vec<String> = compute.iter().filter(|name| named.contains(*name)).cloned().collect();
    let known: BTreeSet<&String> = members.iter().collect();
    let unknown: Vec<&String> = named.iter().filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        let unknown = hostlist::fold(&unknown);
        notes.add(format!("partition {partition}: {unknown} is no node of slurm.conf, or a set of nodes, left out"));
    }
    members
}

/// Numbers that every known host has.
fn identities(facts: &BTreeMap<String, Facts>, config: &mut Config) {
    let identity = |name: &str| {
        let mut all = facts.values().map(|host| {
            let uid = host.users.iter().find(|user| user.name == name)?.uid;
            let gid = host.groups.iter().find(|group| group.name == name)?.gid;
            Some(Identity { uid, gid })
        });
        let first = all.next()??;
        (first.uid > 0 && first.gid > 0 && all.all(|other| other == Some(first))).then_some(first)
    };
    config.identities.munge = identity("munge");
    config.identities.slurm = identity("slurm");
}
