//! Compute nodes as slurm.conf has them: what is given, else what the host says, else what was there before.
use std::fmt::Write as _;
use std::path::PathBuf;

use super::fold;
use super::previous;
use super::site::SiteHost;
use crate::config::{Config, ConfigHost, NodeFacts, Role};
use crate::facts::Facts;
use crate::finding::Finding;

/// A node's hardware, which many have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hardware {
    /// Logical CPUs.
    pub(crate) cpus: u32,
    /// Sockets, cores of a socket, threads of a core, when they make up the CPUs.
    pub(crate) topology: Option<(u32, u32, u32)>,
    /// Memory for jobs, MiB.
    pub(crate) memory_mib: u64,
}

/// A compute node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its name.
    pub(crate) name: String,
    /// Where it is reached, when that is not its name.
    pub(crate) address: Option<String>,
    /// Its hardware.
    pub(crate) hardware: Hardware,
    /// Device files of its GPUs.
    pub(crate) gpus: Vec<PathBuf>,
    /// By what jobs can ask for it.
    pub(crate) features: Vec<String>,
}

/// Compute nodes, in order. One that can't be reached and of which nothing is known is left out, with a finding.
pub(crate) fn nodes(config: &Config, hosts: &[SiteHost], findings: &mut Vec<Finding>) -> Vec<Node> {
    let before = previous::nodes(hosts);
    let mut nodes = Vec::new();
    for host in config.hosts_with(Role::Compute) {
        let facts = hosts.iter().find(|reached| reached.name() == host.name).map(|reached| reached.facts);
        let previous = before.get(&host.name);
        let mut hardware = facts.and_then(|facts| probed(config, &host.node, facts)).or_else(|| given(&host.node));
        if let (Some(hardware), Some(previous), Some(facts)) = (&mut hardware, previous, facts) {
            keep_memory(hardware, previous, facts, &host.node);
        }
        let Some(hardware) = hardware.or_else(|| previous.map(|node| node.hardware.clone())) else {
            findings.push(unknown(host));
            continue;
        };
        let known = || previous.map(|node| node.gpus.clone());
        let gpus = host.node.gpus.clone().or_else(|| facts.map(|facts| facts.gpus.clone())).or_else(known);
        nodes.push(Node {
            name: host.name.clone(),
            address: (host.address != host.name).then(|| host.address.clone()),
            hardware,
            gpus: gpus.unwrap_or_default(),
            features: host.node.features.clone(),
        });
    }
    nodes
}

fn unknown(host: &ConfigHost) -> Finding {
    Finding::warning(
        Some(&host.name),
        "nothing is known of its processors and memory yet, so it is not in slurm.conf",
        "run `slurmdash install` again when it is up, or give its cpus and memory_mib in cluster.yaml",
    )
}

/// From what is given alone.
fn given(node: &NodeFacts) -> Option<Hardware> {
    let topology = match (node.sockets, node.cores_per_socket, node.threads_per_core) {
        (Some(sockets), Some(cores), threads) => Some((sockets, cores, threads.unwrap_or(1))),
        _ => None,
    };
    let count = |(sockets, cores, threads): (u32, u32, u32)| sockets.saturating_mul(cores).saturating_mul(threads);
    let cpus = node.cpus.or(topology.map(count))?;
    Some(Hardware {
        cpus,
        topology: topology.filter(|topology| count(*topology) == cpus),
        memory_mib: node.memory_mib?,
    })
}

/// From what the host says, where nothing else is given.
fn probed(config: &Config, node: &NodeFacts, facts: &Facts) -> Option<Hardware> {
    let cpus = facts.cpus;
    given(&NodeFacts {
        cpus: node.cpus.or_else(|| {
            let has_topology = node.sockets.or(node.cores_per_socket).or(node.threads_per_core).is_some();
            (!has_topology).then_some(cpus.total)
        }),
        sockets: node.sockets.or(Some(cpus.sockets)),
        cores_per_socket: node.cores_per_socket.or(Some(cpus.cores_per_socket)),
        threads_per_core: node.threads_per_core.or(Some(cpus.threads_per_core)),
        memory_mib: node.memory_mib.or_else(|| Some(config.memory_margin.of(facts.memory_mib))),
        ..node.clone()
    })
}

/// Another kernel has some MiB more or less. slurm.conf does not change for that: the memory stays as it was while it is
/// within a hundredth, and is there.
fn keep_memory(hardware: &mut Hardware, previous: &Node, facts: &Facts, node: &NodeFacts) {
    let before = previous.hardware.memory_mib;
    let is_near = hardware.memory_mib.abs_diff(before) <= before / 100;
    if node.memory_mib.is_none() && is_near && before <= facts.memory_mib {
        hardware.memory_mib = before;
    }
}

/// What each CPU's share of memory is on the node that has least, MiB.
pub(crate) fn memory_per_cpu(nodes: &[Node]) -> u64 {
    let share = |node: &Node| node.hardware.memory_mib / u64::from(node.hardware.cpus.max(1));
    nodes.iter().map(share).min().unwrap_or(0).max(1)
}

/// `NodeName` lines: nodes that are alike in one line, in the order of the first of each.
pub(crate) fn node_lines(nodes: &[Node]) -> String {
    let alike = groups(nodes, |one, other| {
        let gpus = one.gpus.len() == other.gpus.len();
        let addressed = one.address.is_some() == other.address.is_some();
        gpus && addressed && one.hardware == other.hardware && one.features == other.features
    });
    let mut text = String::new();
    for group in alike {
        let Some(first) = group.first() else { continue };
        let _ = write!(text, "NodeName={}", fold::fold(group.iter().map(|node| node.name.as_str())));
        if first.address.is_some() {
            let _ = write!(text, " NodeAddr={}", fold::fold(group.iter().filter_map(|node| node.address.as_deref())));
        }
        let _ = write!(text, " CPUs={}", first.hardware.cpus);
        if let Some((sockets, cores, threads)) = first.hardware.topology {
            let _ = write!(text, " Sockets={sockets} CoresPerSocket={cores} ThreadsPerCore={threads}");
        }
        let _ = write!(text, " RealMemory={}", first.hardware.memory_mib);
        if !first.gpus.is_empty() {
            let _ = write!(text, " Gres=gpu:{}", first.gpus.len());
        }
        if !first.features.is_empty() {
            let _ = write!(text, " Feature={}", first.features.join(","));
        }
        text.push_str(" State=UNKNOWN\n");
    }
    text.trim_end().to_owned()
}

/// Lines of gres.conf.
pub(crate) fn device_lines(nodes: &[Node]) -> String {
    let alike = groups(nodes, |one, other| one.gpus == other.gpus);
    let mut text = String::new();
    for group in alike.iter().filter(|group| group.first().is_some_and(|node| !node.gpus.is_empty())) {
        let names = fold::fold(group.iter().map(|node| node.name.as_str()));
        let files: Vec<String> = group[0].gpus.iter().map(|file| file.display().to_string()).collect();
        let _ = writeln!(text, "NodeName={names} Name=gpu File={}", fold::fold(files.iter().map(String::as_str)));
    }
    text.trim_end().to_owned()
}

/// Nodes that are alike, in the order of the first of each.
fn groups(nodes: &[Node], is_alike: impl Fn(&Node, &Node) -> bool) -> Vec<Vec<&Node>> {
    let mut groups: Vec<Vec<&Node>> = Vec::new();
    for node in nodes {
        match groups.iter_mut().find(|group| is_alike(group[0], node)) {
            Some(group) => group.push(node),
            None => groups.push(vec![node]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, memory_mib: u64, gpus: u32) -> Node {
        Node {
            name: name.into(),
            address: None,
            hardware: Hardware { cpus: 4, topology: Some((1, 2, 2)), memory_mib },
            gpus: (0..gpus).map(|gpu| format!("/dev/nvidia{gpu}").into()).collect(),
            features: Vec::new(),
        }
    }

    #[test]
    fn nodes_that_are_alike_are_one_line() {
        let nodes = [node("n1", 1000, 0), node("n2", 1000, 0), node("g1", 4000, 2), node("n3", 1000, 0)];
        assert_eq!(
            node_lines(&nodes),
            "NodeName=n[1-3] CPUs=4 Sockets=1 CoresPerSocket=2 ThreadsPerCore=2 RealMemory=1000 State=UNKNOWN\n\
             NodeName=g1 CPUs=4 Sockets=1 CoresPerSocket=2 ThreadsPerCore=2 RealMemory=4000 Gres=gpu:2 State=UNKNOWN"
        );
        assert_eq!(device_lines(&nodes), "NodeName=g1 Name=gpu File=/dev/nvidia[0-1]");
        assert_eq!(memory_per_cpu(&nodes), 250);
    }

    #[test]
    fn what_is_given_wins_and_a_topology_that_does_not_add_up_is_left_out() {
        let all = NodeFacts { cpus: Some(8), sockets: Some(1), cores_per_socket: Some(2), ..NodeFacts::default() };
        let node = NodeFacts { threads_per_core: Some(2), memory_mib: Some(9), ..all };
        assert_eq!(given(&node), Some(Hardware { cpus: 8, topology: None, memory_mib: 9 }));
        let node = NodeFacts { cpus: None, ..node };
        assert_eq!(given(&node), Some(Hardware { cpus: 4, topology: Some((1, 2, 2)), memory_mib: 9 }));
        assert_eq!(given(&NodeFacts::default()), None);
    }
}
