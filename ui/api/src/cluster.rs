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

/// What a controller was set up as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ControllerRole {
    /// The one that is in charge whenever it can be.
    Primary,
    /// One that takes over when those before it don't answer.
    Backup,
}

/// A host that slurmctld is set up on (`SlurmctldHost` in slurm.conf).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Controller {
    /// Host name.
    pub host: String,
    /// What it was set up as.
    pub role: ControllerRole,
    /// Whether it answered when it was last asked.
    pub answers: bool,
}

/// Every controller, and who is in charge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controllers {
    /// In the order in which they take over; empty until they have been asked.
    pub all: Vec<Controller>,
    /// Who is in charge: one that answers, and through which Slurm does what it is asked.
    pub in_charge: Option<String>,
}

/// How controllers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing is known of them yet.
    Unknown,
    /// The primary answers.
    Usual,
    /// The primary does not answer, and a backup does its work.
    TakenOver {
        /// The primary.
        silent: &'a str,
        /// The backup.
        in_charge: &'a str,
    },
    /// The primary does not answer, and the backup that does has not begun its work: it waits for `SlurmctldTimeout`.
    TakingOver {
        /// The primary.
        silent: &'a str,
        /// The backup.
        next: &'a str,
    },
    /// None answers.
    Silent,
}

impl Controllers {
    /// The one that is in charge or is going to be: the first that answers.
    pub fn first(&self) -> Option<&Controller> {
        self.all.iter().find(|one| one.answers)
    }

    /// How they stand.
    pub fn standing(&self) -> Standing<'_> {
        let (Some(primary), first) = (self.all.first(), self.first()) else { return Standing::Unknown };
        match (first, self.in_charge.as_deref()) {
            (None, _) => Standing::Silent,
            (Some(one), _) if one.host == primary.host => Standing::Usual,
            (Some(_), Some(in_charge)) => Standing::TakenOver { silent: &primary.host, in_charge },
            (Some(one), None) => Standing::TakingOver { silent: &primary.host, next: &one.host },
        }
    }
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
    /// Controllers, in the order in which they take over; empty until they have been asked.
    #[serde(default)]
    pub controllers: Vec<Controller>,
    /// The controller that is in charge; absent when none is, or none has been asked.
    #[serde(default)]
    pub in_charge: Option<String>,
    /// Largest file an upload may be, bytes.
    pub max_file_size: u64,
    /// How old this is.
    pub freshness: Freshness,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controllers(answers: &[bool], in_charge: Option<&str>) -> Controllers {
        let controller = |(nth, answers): (usize, &bool)| Controller {
            host: format!("head{}", nth + 1),
            role: if nth == 0 { ControllerRole::Primary } else { ControllerRole::Backup },
            answers: *answers,
        };
        Controllers {
            all: answers.iter().enumerate().map(controller).collect(),
            in_charge: in_charge.map(str::to_owned),
        }
    }

    #[test]
    fn a_backup_counts_only_while_the_primary_is_silent() {
        let standing = |answers: &[bool], in_charge, expected: Standing| {
            assert_eq!(controllers(answers, in_charge).standing(), expected, "{answers:?}, {in_charge:?}");
        };
        standing(&[], None, Standing::Unknown);
        standing(&[true], Some("head1"), Standing::Usual);
        standing(&[true, true], Some("head1"), Standing::Usual);
        standing(&[true, false], Some("head1"), Standing::Usual);
        standing(&[false, true], None, Standing::TakingOver { silent: "head1", next: "head2" });
        standing(&[false, true], Some("head2"), Standing::TakenOver { silent: "head1", in_charge: "head2" });
        standing(&[false, false, true], Some("head3"), Standing::TakenOver { silent: "head1", in_charge: "head3" });
        standing(&[false, false], None, Standing::Silent);
        standing(&[false], None, Standing::Silent);
    }
}
