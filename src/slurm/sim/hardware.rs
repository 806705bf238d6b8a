//! What the simulated cluster is made of: four compute nodes, two viz nodes with two GPUs each, one partition for each
//! kind. Who uses what at the moment is [`super::queue`]'s.

use std::ops::Range;

use super::schedule::Free;

/// Cluster name.
pub const CLUSTER: &str = "demo";

/// Largest array index plus one, as Slurm's default `MaxArraySize`.
pub const MAX_ARRAY_SIZE: u32 = 1001;

/// Memory a job gets for each CPU when it asks for none, MiB (`DefMemPerCPU`).
pub const MEMORY_PER_CPU: u64 = 1024;

/// One node.
#[derive(Debug, Clone, Copy)]
pub struct NodeKind {
    /// Node name.
    pub name: &'static str,
    /// CPUs.
    pub cpus: u32,
    /// Memory, MiB.
    pub memory: u64,
    /// GPUs.
    pub gpus: u32,
    /// Features.
    pub features: &'static [&'static str],
}

impl NodeKind {
    /// The node with nothing on it.
    pub fn free(&self) -> Free {
        Free { cpus: self.cpus, memory: self.memory, gpus: (0..self.gpus).collect(), jobs: 0 }
    }
}

const fn compute(name: &'static str) -> NodeKind {
    NodeKind { name, cpus: 16, memory: 65_536, gpus: 0, features: &[] }
}

const fn viz(name: &'static str) -> NodeKind {
    NodeKind { name, cpus: 16, memory: 131_072, gpus: 2, features: &["viz"] }
}

/// Every node.
pub const NODES: [NodeKind; 6] =
    [compute("node001"), compute("node002"), compute("node003"), compute("node004"), viz("viz001"), viz("viz002")];

/// One partition. No node belongs to two.
#[derive(Debug, Clone)]
pub struct PartitionKind {
    /// Partition name.
    pub name: &'static str,
    /// Its nodes, as indices into [`NODES`].
    pub nodes: Range<usize>,
    /// Longest time limit, seconds.
    pub max_time: u64,
    /// Time limit of a job that asks for none, seconds.
    pub default_time: u64,
}

/// Every partition; the first is the default one.
pub const PARTITIONS: [PartitionKind; 2] = [
    PartitionKind { name: "compute", nodes: 0..4, max_time: 7 * 86_400, default_time: 3600 },
    PartitionKind { name: "viz", nodes: 4..6, max_time: 12 * 3600, default_time: 2 * 3600 },
];
