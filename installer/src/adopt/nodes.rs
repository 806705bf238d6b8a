//! Nodes, and the GPUs of gres.conf(5).
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Notes, host};
use crate::config::{self, Config, MAX_HOSTS, NodeFacts, Role};
use crate::facts::Facts;
use crate::hostlist;
use crate::slurm_conf::{Conf, Pair, Record, Said};

/// Features of a node, as many as `cluster.yaml` takes.
const MAX_FEATURES: usize = 64;

/// All nodes of slurm.conf(5).
pub(super) fn read(conf: &Conf, gres: &Conf, facts: &BTreeMap<String, Facts>, config: &mut Config, notes: &mut Notes) {
    let devices = devices(gres, notes);
    let mut seen = BTreeSet::new();
    for record in conf.records("NodeName") {
        let room = MAX_HOSTS.saturating_sub(config.hosts.len());
        let names = match hostlist::expand(&record.name, room) {
            Ok(names) => names,
            Err(error) => {
                notes.add(format!("slurm.conf line {}: NodeName={}: {error}", record.number, record.name));
                continue;
            }
        };
        let addresses = addresses(&record, names.len(), notes);
        let node = node(&record, notes);
        for (at, name) in names.iter().enumerate() {
            if !seen.insert(name.to_lowercase()) {
                notes.add(format!("slurm.conf line {}: {name} is there twice; the first one holds", record.number));
                continue;
            }
            let Some(host) = host(config, name, notes) else { continue };
            host.roles.insert(Role::Compute);
            if let Some(address) = addresses.get(at) {
                host.address.clone_from(address);
            }
            host.node = node.clone();
            host.node.gpus = gpus(name, &record, &devices, facts.get(name), notes);
        }
    }
}

/// Addresses of a record's nodes; none when they are the names, or can't be kept.
fn addresses(record: &Record, count: usize, notes: &mut Notes) -> Vec<String> {
    let Some(list) = record.get("NodeAddr").or_else(|| record.get("NodeHostname")) else { return Vec::new() };
    match hostlist::expand(list, MAX_HOSTS) {
        Ok(all) if all.len() == count && all.iter().all(|address| config::is_address(address)) => all,
        _ => {
            notes.add(format!("slurm.conf line {}: {list} is no address for each node, left out", record.number));
            Vec::new()
        }
    }
}

fn node(record: &Record, notes: &mut Notes) -> NodeFacts {
    let mut node = NodeFacts::default();
    let mut boards = 1;
    for pair in &record.options {
        let number = pair.value.parse::<u32>().ok().filter(|number| (1..=65_535).contains(number));
        if pair.is("CPUs") || pair.is("Procs") {
            node.cpus = number;
        } else if pair.is("Sockets") || pair.is("SocketsPerBoard") {
            node.sockets = number;
        } else if pair.is("Boards") {
            boards = number.unwrap_or(1);
        } else if pair.is("CoresPerSocket") {
            node.cores_per_socket = number;
        } else if pair.is("ThreadsPerCore") {
            node.threads_per_core = number;
        } else if pair.is("RealMemory") {
            node.memory_mib = pair.value.parse().ok().filter(|mib| (1..=1 << 40).contains(mib));
        } else if pair.is("Feature") || pair.is("Features") {
            let (plain, others): (Vec<&str>, Vec<&str>) =
                pair.value.split(',').map(str::trim).partition(|feature| config::is_feature(feature));
            node.features = plain.into_iter().take(MAX_FEATURES).map(str::to_owned).collect();
            if !others.is_empty() {
                notes.add(left_out(record, &Pair { value: others.join(","), ..pair.clone() }));
            }
        } else if !is_said_elsewhere(pair) {
            notes.add(left_out(record, pair));
        }
    }
    node.sockets = node.sockets.map(|sockets| sockets.saturating_mul(boards).min(65_535));
    complete(&mut node);
    node
}

/// Says what Slurm takes a node to be where its line says nothing: running jobs have their cores by that. Source: `NodeName`
/// in slurm.conf(5).
fn complete(node: &mut NodeFacts) {
    let cores = *node.cores_per_socket.get_or_insert(1);
    let threads = *node.threads_per_core.get_or_insert(1);
    let of_cpus = node.cpus.map(|cpus| (cpus / cores.saturating_mul(threads).max(1)).max(1));
    let sockets = *node.sockets.get_or_insert(of_cpus.unwrap_or(1));
    node.cpus.get_or_insert(sockets.saturating_mul(cores).saturating_mul(threads).clamp(1, 65_535));
}

fn left_out(record: &Record, pair: &Pair) -> String {
    format!("nodes {}: {pair} can't be said in cluster.yaml, left out", record.name)
}

fn is_said_elsewhere(pair: &Pair) -> bool {
    let is_usual = pair.is("State") && ["unknown", "idle"].contains(&pair.value.to_lowercase().as_str());
    is_usual || ["NodeAddr", "NodeHostname", "Gres"].iter().any(|name| pair.is(name))
}

/// GPU devices of gres.conf(5), with the nodes they are on; `None` for all.
fn devices(gres: &Conf, notes: &mut Notes) -> Vec<(Option<BTreeSet<String>>, Vec<PathBuf>)> {
    let mut found = Vec::new();
    for line in &gres.lines {
        let (Said::Record(pairs) | Said::Options(pairs)) = &line.said else { continue };
        let get = |name: &str| pairs.iter().find(|pair| pair.is(name)).map(|pair| pair.value.as_str());
        let number = line.number;
        if let Some(how) = get("AutoDetect") {
            notes.add(format!(
                "gres.conf line {number}: AutoDetect={how} is left out; devices are written by their files"
            ));
        }
        let Some(kind) = get("Name") else { continue };
        if !kind.eq_ignore_ascii_case("gpu") {
            notes.add(format!("gres.conf line {number}: {kind} can't be said in cluster.yaml, left out"));
            continue;
        }
        for pair in pairs.iter().filter(|pair| ["Type", "Cores", "Links", "Flags"].iter().any(|name| pair.is(name))) {
            notes.add(format!("gres.conf line {number}: {pair} can't be said in cluster.yaml, left out"));
        }
        let owners = get("NodeName").map(|list| hostlist::expand(list, MAX_HOSTS));
        let files = get("File").map(|list| hostlist::expand(list, 64));
        match (owners.transpose(), files.transpose()) {
            (Ok(owners), Ok(Some(files))) if files.iter().all(|file| config::is_device(file)) => {
                let owners = owners.map(|names| names.into_iter().collect());
                found.push((owners, files.into_iter().map(PathBuf::from).collect()));
            }
            (Ok(_), Ok(None)) => {}
            _ => notes.add(format!("gres.conf line {number}: not understood, left out")),
        }
    }
    found
}

/// GPUs of a node: as its line says how many, with the files of gres.conf(5).
fn gpus(
    name: &str,
    record: &Record,
    devices: &[(Option<BTreeSet<String>>, Vec<PathBuf>)],
    facts: Option<&Facts>,
    notes: &mut Notes,
) -> Option<Vec<PathBuf>> {
    let mut count = 0;
    for gres in record.get("Gres").unwrap_or_default().split(',').filter(|gres| !gres.is_empty()) {
        let plain = gres.split('(').next().unwrap_or_default();
        let parts: Vec<&str> = plain.split(':').collect();
        let number = parts.last().and_then(|last| last.parse::<usize>().ok());
        if !parts.first().is_some_and(|kind| kind.eq_ignore_ascii_case("gpu")) {
            notes.add(format!("nodes {}: Gres={gres} can't be said in cluster.yaml, left out", record.name));
            continue;
        }
        if parts.len() > 2 || (parts.len() == 2 && number.is_none()) {
            notes
                .add(format!("nodes {}: the type of Gres={gres} can't be said in cluster.yaml, left out", record.name));
        }
        count = (count + number.unwrap_or(1)).min(64);
    }
    if count == 0 {
        // GPUs that Slurm doesn't know of stay unknown to it.
        return facts.is_some_and(|facts| !facts.gpus.is_empty()).then(Vec::new);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for (nodes, of_line) in devices {
        if nodes.as_ref().is_none_or(|nodes| nodes.contains(name)) {
            files.extend(of_line.iter().filter(|file| !files.contains(file)).cloned().collect::<Vec<_>>());
        }
    }
    if files.len() < count {
        let usual = (0..64).map(|at| PathBuf::from(format!("/dev/nvidia{at}")));
        let more: Vec<PathBuf> = usual.filter(|file| !files.contains(file)).take(count - files.len()).collect();
        if !more.is_empty() {
            notes.add(format!(
                "nodes {}: gres.conf doesn't say which files its GPUs are; /dev/nvidia0 and on are taken",
                record.name
            ));
        }
        files.extend(more);
    }
    files.truncate(count);
    Some(files)
}
