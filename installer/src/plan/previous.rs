//! What slurm.conf said before, on the controller.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::hardware::{Hardware, Node};
use super::site::{GRES_CONF, SLURM_CONF, SiteHost, WRITTEN};
use crate::config::Role;
use crate::hostlist;
use crate::slurm_conf::{Conf, Record};

/// Names that a line stands for are no more than a cluster can have.
const MOST: usize = 100_000;

/// Compute nodes by name, as our own slurm.conf has them.
pub(crate) fn nodes(hosts: &[SiteHost]) -> BTreeMap<String, Node> {
    let controller = hosts.iter().find(|host| host.has(Role::Controller));
    let text = controller.and_then(|host| host.file(SLURM_CONF)).filter(|text| text.starts_with(WRITTEN));
    let gres = controller.and_then(|host| host.file(GRES_CONF)).map(devices).unwrap_or_default();
    let mut nodes = BTreeMap::new();
    for record in text.map(Conf::parse).unwrap_or_default().records("NodeName") {
        let Some(hardware) = hardware(&record) else { continue };
        for name in hostlist::expand(&record.name, MOST).unwrap_or_default() {
            let features = record.get("Feature").unwrap_or_default().split(',').filter(|feature| !feature.is_empty());
            let node = Node {
                name: name.clone(),
                address: None,
                hardware: hardware.clone(),
                gpus: gres.get(&name).cloned().unwrap_or_default(),
                features: features.map(str::to_owned).collect(),
            };
            nodes.insert(name, node);
        }
    }
    nodes
}

fn hardware(record: &Record) -> Option<Hardware> {
    let number = |name: &str| record.get(name)?.parse::<u32>().ok();
    let topology = match (number("Sockets"), number("CoresPerSocket"), number("ThreadsPerCore")) {
        (Some(sockets), Some(cores), Some(threads)) => Some((sockets, cores, threads)),
        _ => None,
    };
    let memory_mib = record.get("RealMemory")?.parse().ok()?;
    Some(Hardware { cpus: number("CPUs")?, topology, memory_mib })
}

/// Device files by node.
fn devices(gres: &str) -> BTreeMap<String, Vec<PathBuf>> {
    let mut devices: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for record in Conf::parse(gres).records("NodeName") {
        let files = hostlist::expand(record.get("File").unwrap_or_default(), MOST).unwrap_or_default();
        for name in hostlist::expand(&record.name, MOST).unwrap_or_default() {
            devices.entry(name).or_default().extend(files.iter().map(PathBuf::from));
        }
    }
    devices
}

/// Names of the nodes in a file.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    let records = Conf::parse(text).records("NodeName");
    records.iter().flat_map(|record| hostlist::expand(&record.name, MOST).unwrap_or_default()).collect()
}

/// Nodes that an old file has and a new one has not.
pub(crate) fn lost(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (names(old), names(new));
    old.difference(&new).cloned().collect()
}

/// Partitions that an old file has and a new one has not, and the nodes that were in them.
pub(crate) fn lost_partitions(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (old, new) = (Conf::parse(before).records("PartitionName"), Conf::parse(after).records("PartitionName"));
    let (mut partitions, mut nodes) = (Vec::new(), Vec::new());
    for record in old.iter().filter(|old| !new.iter().any(|new| new.name == old.name)) {
        partitions.push(record.name.clone());
        match record.get("Nodes") {
            Some(list) if list.eq_ignore_ascii_case("all") => nodes.extend(names(before)),
            Some(list) => nodes.extend(hostlist::expand(list, MOST).unwrap_or_default()),
            None => {}
        }
    }
    (partitions, nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_nodes_are_those_that_no_line_names_any_more() {
        let old = "NodeName=DEFAULT CPUs=2\nNodeName=n[1-3] RealMemory=5\nNodeName=g1\n";
        assert_eq!(lost(old, "NodeName=n[2-4]\n"), ["g1", "n1"]);
        assert!(lost(old, old).is_empty());
    }
}
