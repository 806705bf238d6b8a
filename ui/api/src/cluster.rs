//! Nodes, partitions and the cluster as a whole.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// How fresh the data behind an answer is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Freshness {
    /// When Slurm last answered; absent before its first answer.
    pub taken_at: Option<UnixSeconds>,
    /// True when Slurm did not answer the last time it was asked: what is shown is the last known state.
    pub stale: bool,
    /// Why it is stale, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A node's base state, as the state before the `+` flags in `scontrol show node`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum NodeState {
    /// Nothing runs on it.
    Idle,
    /// Some of its CPUs are in use.
    Mixed,
    /// All of its CPUs are in use.
    Allocated,
    /// Takes no new work (drained or draining).
    Drain,
    /// Not usable.
    Down,
    /// In maintenance or reserved.
    Maintenance,
    /// Anything Slurm says that we have no word for.
    #[serde(other)]
    Unknown,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    /// Node name.
    pub name: String,
    /// What it is doing, in one word.
    pub state: NodeState,
    /// Exactly what Slurm says, such as `IDLE+DRAIN` or `DOWN*`.
    pub state_text: String,
    /// CPUs it has.
    pub cpus: u32,
    /// CPUs in use.
    pub cpus_allocated: u32,
    /// Memory it has, MiB.
    pub memory: u64,
    /// Memory given to jobs, MiB.
    pub memory_allocated: u64,
    /// GPUs it has.
    pub gpus: u32,
    /// GPUs in use.
    pub gpus_allocated: u32,
    /// Load average over one minute; absent when the node does not report.
    pub load: Option<f64>,
    /// Why it is down or drained.
    pub reason: Option<String>,
    /// Partitions it belongs to.
    pub partitions: Vec<String>,
    /// Features an admin gave it.
    pub features: Vec<String>,
    /// Slurm's version on it.
    pub version: Option<String>,
}

impl Node {
    /// Whether jobs run or could run here.
    pub fn is_online(&self) -> bool {
        matches!(self.state, NodeState::Idle | NodeState::Mixed | NodeState::Allocated)
    }
}

/// `GET /api/nodes/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodesStatus {
    /// Nodes by name.
    pub nodes: BTreeMap<String, Node>,
    /// How many there are.
    pub total: usize,
    /// How many run jobs or could.
    pub online: usize,
    /// How old this is.
    pub freshness: Freshness,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Partition {
    /// Partition name.
    pub name: String,
    /// Whether jobs go here when they name none.
    pub is_default: bool,
    /// Whether it takes jobs.
    pub is_up: bool,
    /// Longest time a job may ask for, seconds; absent when there is no limit.
    pub max_time: Option<u64>,
    /// Time a job gets when it asks for none, seconds.
    pub default_time: Option<u64>,
    /// Its nodes' names.
    pub nodes: Vec<String>,
    /// CPUs of all its nodes.
    pub cpus: u32,
    /// Most CPUs one of its nodes has.
    pub max_cpus_per_node: u32,
    /// Most memory one of its nodes has, MiB.
    pub max_memory_per_node: u64,
    /// Most GPUs one of its nodes has.
    pub max_gpus_per_node: u32,
}

/// `GET /api/cluster`: the cluster at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterSummary {
    /// The cluster's name.
    pub name: String,
    /// True when the cluster is the built-in simulation.
    pub simulated: bool,
    /// Nodes by state.
    pub nodes: BTreeMap<NodeState, usize>,
    /// CPUs of all nodes.
    pub cpus: u32,
    /// CPUs in use.
    pub cpus_allocated: u32,
    /// Memory of all nodes, MiB.
    pub memory: u64,
    /// Memory given to jobs, MiB.
    pub memory_allocated: u64,
    /// GPUs of all nodes.
    pub gpus: u32,
    /// GPUs in use.
    pub gpus_allocated: u32,
    /// Jobs that Slurm knows, by state.
    pub jobs: BTreeMap<crate::jobs::JobState, usize>,
    /// The caller's own jobs that Slurm knows, by state.
    pub my_jobs: BTreeMap<crate::jobs::JobState, usize>,
    /// Partitions, the default one first.
    pub partitions: Vec<Partition>,
    /// Largest file an upload may be, bytes.
    pub max_file_size: u64,
    /// How old this is.
    pub freshness: Freshness,
}
