//! Would it start now? Judged from the last known state of the cluster, without asking Slurm.
use slurmdash_api::cluster::Node;

use crate::live::snapshot::Snapshot;
use crate::templates::settings::Settings;

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fit {
    /// Whether enough nodes have room; `None` when the state of the cluster is not known.
    pub fits_now: Option<bool>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Judges settings against a snapshot.
pub fn judge(settings: &Settings, snapshot: &Snapshot) -> Fit {
    if !snapshot.is_filled() || snapshot.freshness.stale {
        return Fit::default();
    }
    let wanted = settings.partition.as_deref();
    let partition = match wanted {
        Some(name) => snapshot.partitions.iter().find(|partition| partition.name == name),
        None => snapshot.partitions.first(),
    };
    let Some(partition) = partition else {
        let warnings = wanted.map(|name| format!("There is no partition {name}.")).into_iter().collect();
        return Fit { fits_now: Some(false), warnings };
    };
    let nodes = settings.nodes.unwrap_or(1).max(1);
    let tasks = settings.tasks.unwrap_or(nodes);
    let cpus = tasks.saturating_mul(settings.cpus_per_task.unwrap_or(1)).div_ceil(nodes);
    let need = Need { cpus, memory: settings.memory.unwrap_or(0), gpus: settings.gpus.unwrap_or(0) };
    let members: Vec<&Node> = partition.nodes.iter().filter_map(|name| snapshot.node(name)).collect();
    let could = members.iter().filter(|node| need.fits(node.cpus, node.memory, node.gpus)).count();
    let can = members
        .iter()
        .filter(|node| node.is_online())
        .filter(|node| {
            need.fits(
                node.cpus.saturating_sub(node.cpus_allocated),
                node.memory.saturating_sub(node.memory_allocated),
                node.gpus.saturating_sub(node.gpus_allocated),
            )
        })
        .count();
    let mut warnings = Vec::new();
    if !partition.is_up {
        warnings.push(format!("Partition {} takes no jobs at the moment.", partition.name));
    }
    if could < nodes as usize {
        warnings.push(format!(
            "Partition {} has {could} nodes with {cpus} CPUs, {} MiB and {} GPUs each; this job asks for {nodes}.",
            partition.name, need.memory, need.gpus
        ));
    }
    Fit { fits_now: Some(partition.is_up && can >= nodes as usize), warnings }
}

/// What each node must have.
struct Need {
    cpus: u32,
    memory: u64,
    gpus: u32,
}

impl Need {
    fn fits(&self, cpus: u32, memory: u64, gpus: u32) -> bool {
        cpus >= self.cpus && memory >= self.memory && gpus >= self.gpus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slurmdash_api::cluster::{Freshness, NodeState, Partition};

    fn cluster(free: [u32; 2]) -> Snapshot {
        let node = |(index, free): (usize, u32)| Node {
            name: format!("n{index}"),
            state: NodeState::Mixed,
            state_text: "MIXED".into(),
            cpus: 8,
            cpus_allocated: 8 - free,
            memory: 1000,
            memory_allocated: 0,
            gpus: 0,
            gpus_allocated: 0,
            load: None,
            reason: None,
            partitions: vec!["compute".into()],
            features: Vec::new(),
            version: None,
        };
        let partition = Partition {
            name: "compute".into(),
            is_default: true,
            is_up: true,
            max_time: None,
            default_time: None,
            nodes: vec!["n0".into(), "n1".into()],
            cpus: 16,
            max_cpus_per_node: 8,
            max_memory_per_node: 1000,
            max_gpus_per_node: 0,
        };
        Snapshot {
            nodes: free.into_iter().enumerate().map(node).collect(),
            partitions: [partition].into(),
            freshness: Freshness { taken_at: Some(1), ..Freshness::default() },
            ..Snapshot::default()
        }
    }

    #[test]
    fn room_is_counted_node_by_node() {
        let settings = |nodes, tasks| Settings { nodes: Some(nodes), tasks: Some(tasks), ..Settings::default() };
        assert_eq!(judge(&settings(2, 8), &cluster([4, 4])).fits_now, Some(true));
        assert_eq!(judge(&settings(2, 8), &cluster([8, 3])).fits_now, Some(false), "one node is too full");
        assert_eq!(judge(&settings(1, 4), &Snapshot::default()).fits_now, None);
        let never = judge(&settings(3, 3), &cluster([8, 8]));
        assert_eq!((never.fits_now, never.warnings.len()), (Some(false), 1));
    }
}
