//! Who starts where: pure decisions from a queue and what is free.
//!
//! First in, first out in each partition, no backfill: the first job that doesn't fit waits for `Resources`, those
//! behind it for `Priority`, and an array at its `%limit` for `JobArrayTaskLimit` without holding anybody up. Nodes are
//! filled in their order.

use std::ops::Range;

/// What a job asks of each node and how it is spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Exactly so many nodes; as many as the tasks need when `None`.
    pub nodes: Option<u32>,
    /// Tasks over all nodes, at least 1 and at least `nodes`.
    pub tasks: u32,
    /// CPUs of each task, at least 1.
    pub cpus_per_task: u32,
    /// Most tasks on one node.
    pub tasks_per_node: Option<u32>,
    /// Memory.
    pub memory: Memory,
    /// GPUs on each node.
    pub gpus: u32,
    /// Whole nodes, shared with nobody.
    pub exclusive: bool,
    /// Only these nodes, when not all will do.
    pub only: Option<Vec<usize>>,
}

/// Memory asked for, MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// On each node; 0 is all of it.
    PerNode(u64),
    /// For each CPU.
    PerCpu(u64),
}

/// What is free on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// CPUs.
    pub cpus: u32,
    /// Memory, MiB.
    pub memory: u64,
    /// The free GPUs' numbers.
    pub gpus: Vec<u32>,
    /// Jobs on the node.
    pub jobs: u32,
}

/// What a job has on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The node's index.
    pub node: usize,
    /// Tasks there.
    pub tasks: u32,
    /// CPUs there.
    pub cpus: u32,
    /// Memory there, MiB.
    pub memory: u64,
    /// GPUs there, by number.
    pub gpus: Vec<u32>,
}

impl Free {
    /// Takes a share away.
    pub fn take(&mut self, share: &Share) {
        self.cpus = self.cpus.saturating_sub(share.cpus);
        self.memory = self.memory.saturating_sub(share.memory);
        self.gpus.retain(|gpu| !share.gpus.contains(gpu));
        self.jobs += 1;
    }

    /// Gives a share back.
    pub fn give_back(&mut self, share: &Share) {
        self.cpus += share.cpus;
        self.memory += share.memory;
        self.gpus.extend(&share.gpus);
        self.gpus.sort_unstable();
        self.jobs = self.jobs.saturating_sub(1);
    }

    /// How many of the job's tasks would fit here now.
    fn room(&self, shape: &Shape) -> u32 {
        if (shape.exclusive && self.jobs > 0) || self.gpus.len() < shape.gpus as usize {
            return 0;
        }
        let by_cpus = self.cpus / shape.cpus_per_task;
        let by_memory = match shape.memory {
            Memory::PerNode(0) if self.jobs > 0 => 0,
            Memory::PerNode(memory) if memory > self.memory => 0,
            Memory::PerNode(_) | Memory::PerCpu(0) => u32::MAX,
            Memory::PerCpu(memory) => {
                let per_task = memory.saturating_mul(u64::from(shape.cpus_per_task));
                u32::try_from(self.memory / per_task).unwrap_or(u32::MAX)
            }
        };
        by_cpus.min(by_memory).min(shape.tasks_per_node.unwrap_or(u32::MAX))
    }

    /// The share that so many tasks make here.
    fn share(&self, node: usize, tasks: u32, shape: &Shape) -> Share {
        let cpus = if shape.exclusive { self.cpus } else { tasks * shape.cpus_per_task };
        let memory = match shape.memory {
            Memory::PerNode(0) => self.memory,
            Memory::PerNode(memory) => memory,
            Memory::PerCpu(memory) => memory.saturating_mul(u64::from(cpus)).min(self.memory),
        };
        Share { node, tasks, cpus, memory, gpus: self.gpus.iter().copied().take(shape.gpus as usize).collect() }
    }
}

/// Where the job fits now among `nodes`, or `None`.
pub fn place(shape: &Shape, within: Range<usize>, nodes: &[Free]) -> Option<Vec<Share>> {
    let will_do = |node: &usize| shape.only.as_ref().is_none_or(|only| only.contains(node));
    let rooms = within.filter(will_do).filter_map(|node| nodes.get(node).map(|free| (node, free, free.room(shape))));
    if let Some(count) = shape.nodes {
        let (each, extra) = (shape.tasks / count.max(1), shape.tasks % count.max(1));
        let most = each + u32::from(extra > 0);
        let chosen: Vec<_> = rooms.filter(|(_, _, room)| *room >= most.max(1)).take(count as usize).collect();
        let enough = chosen.len() == count as usize && count > 0;
        return enough.then(|| {
            let tasks = (0..count).map(|nth| each + u32::from(nth < extra));
            chosen.iter().zip(tasks).map(|((node, free, _), tasks)| free.share(*node, tasks, shape)).collect()
        });
    }
    let (mut left, mut shares) = (shape.tasks, Vec::new());
    for (node, free, room) in rooms {
        let tasks = room.min(left);
        if tasks > 0 {
            shares.push(free.share(node, tasks, shape));
            left -= tasks;
        }
    }
    (left == 0 && !shares.is_empty()).then_some(shares)
}

/// One entry of the queue.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Its record's number.
    pub id: u32,
    /// Its partition's nodes.
    pub within: Range<usize>,
    /// What it asks for.
    pub shape: &'a Shape,
    /// How many times it may start now: 1 for a plain job, an array's waiting tasks up to its `%limit`.
    pub copies: usize,
    /// Whether more of the array wait behind its `%limit`.
    pub limited: bool,
}

/// What to do with one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Start it (or the array's next task) here.
    Start {
        /// The record's number.
        id: u32,
        /// Where.
        shares: Vec<Share>,
    },
    /// It (or what is left of the array) waits.
    Wait {
        /// The record's number.
        id: u32,
        /// Slurm's reason code.
        reason: &'static str,
    },
}

/// Decides for a queue, oldest first. `nodes` is what is free before.
pub fn schedule(queue: &[Waiting<'_>], nodes: &[Free]) -> Vec<Decision> {
    let mut nodes = nodes.to_vec();
    let mut blocked: Vec<&Range<usize>> = Vec::new();
    let mut decisions = Vec::new();
    for entry in queue {
        let mut reason = entry.limited.then_some("JobArrayTaskLimit");
        for _ in 0..entry.copies {
            if blocked.contains(&&entry.within) {
                reason = Some("Priority");
                break;
            }
            let Some(shares) = place(entry.shape, entry.within.clone(), &nodes) else {
                blocked.push(&entry.within);
                reason = Some("Resources");
                break;
            };
            for share in &shares {
                nodes[share.node].take(share);
            }
            decisions.push(Decision::Start { id: entry.id, shares });
        }
        decisions.extend(reason.map(|reason| Decision::Wait { id: entry.id, reason }));
    }
    decisions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slurm::sim::hardware::NODES;

    fn cluster() -> Vec<Free> {
        NODES.iter().map(super::super::hardware::NodeKind::free).collect()
    }

    fn cpus(tasks: u32) -> Shape {
        Shape {
            nodes: None,
            tasks,
            cpus_per_task: 1,
            tasks_per_node: None,
            memory: Memory::PerCpu(100),
            gpus: 0,
            exclusive: false,
            only: None,
        }
    }

    fn plain(id: u32, shape: &Shape) -> Waiting<'_> {
        Waiting { id, within: 0..4, shape, copies: 1, limited: false }
    }

    fn starts(decisions: &[Decision]) -> Vec<u32> {
        decisions.iter().filter_map(|d| if let Decision::Start { id, .. } = d { Some(*id) } else { None }).collect()
    }

    fn reason(decisions: &[Decision], of: u32) -> Option<&'static str> {
        decisions.iter().find_map(|d| match d {
            Decision::Wait { id, reason } if *id == of => Some(*reason),
            _ => None,
        })
    }

    #[test]
    fn fills_up_and_says_why_the_rest_waits() {
        let (half, most, one) = (cpus(32), cpus(40), cpus(1));
        let queue = [plain(1, &half), plain(2, &most), plain(3, &one)];
        let decisions = schedule(&queue, &cluster());
        assert_eq!(starts(&decisions), [1]);
        assert_eq!(reason(&decisions, 2), Some("Resources"));
        assert_eq!(reason(&decisions, 3), Some("Priority"), "no backfill");
    }

    #[test]
    fn partitions_do_not_hold_each_other_up() {
        let (all, one) = (cpus(64), cpus(1));
        let viz = Waiting { within: 4..6, ..plain(3, &one) };
        let decisions = schedule(&[plain(1, &all), plain(2, &one), viz], &cluster());
        assert_eq!(starts(&decisions), [1, 3]);
        assert_eq!(reason(&decisions, 2), Some("Resources"));
    }

    #[test]
    fn an_array_starts_as_many_as_it_may() {
        let one = cpus(1);
        let array = Waiting { copies: 2, limited: true, ..plain(1, &one) };
        let decisions = schedule(&[array, plain(2, &one)], &cluster());
        assert_eq!(starts(&decisions), [1, 1, 2]);
        assert_eq!(reason(&decisions, 1), Some("JobArrayTaskLimit"));
    }

    #[test]
    fn spreads_tasks_over_the_nodes_asked_for() {
        let shape = Shape { nodes: Some(2), tasks: 3, cpus_per_task: 4, ..cpus(1) };
        let shares = place(&shape, 0..4, &cluster()).unwrap();
        let seen: Vec<_> = shares.iter().map(|s| (s.node, s.tasks, s.cpus, s.memory)).collect();
        assert_eq!(seen, [(0, 2, 8, 800), (1, 1, 4, 400)]);
    }

    #[test]
    fn gpus_are_handed_out_by_number() {
        let shape = Shape { gpus: 1, ..cpus(1) };
        let mut nodes = cluster();
        let mut seen = Vec::new();
        while let Some(shares) = place(&shape, 4..6, &nodes) {
            seen.push((shares[0].node, shares[0].gpus.clone()));
            nodes[shares[0].node].take(&shares[0]);
        }
        assert_eq!(seen, [(4, vec![0]), (4, vec![1]), (5, vec![0]), (5, vec![1])]);
        assert_eq!(place(&shape, 0..4, &nodes), None, "no GPU there at all");
    }

    #[test]
    fn memory_and_whole_nodes_count() {
        let mut nodes = cluster();
        let all_memory = Shape { memory: Memory::PerNode(65_536), ..cpus(1) };
        let first = place(&all_memory, 0..4, &nodes).unwrap();
        nodes[0].take(&first[0]);
        let second = place(&cpus(1), 0..4, &nodes).unwrap();
        assert_eq!(second[0].node, 1, "the first node has CPUs but no memory left");
        nodes[1].take(&second[0]);
        let whole = Shape { exclusive: true, nodes: Some(2), tasks: 2, ..cpus(1) };
        let third = place(&whole, 0..4, &nodes).unwrap();
        assert_eq!(third.iter().map(|s| (s.node, s.cpus)).collect::<Vec<_>>(), [(2, 16), (3, 16)]);
        assert_eq!(place(&cpus(65), 0..4, &cluster()), None);
        assert_eq!(place(&Shape { nodes: Some(5), tasks: 5, ..cpus(1) }, 0..4, &cluster()), None);
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        (
            proptest::option::of(1..8_u32),
            1..100_u32,
            1..20_u32,
            proptest::option::of(1..20_u32),
            0..70_000_u64,
            0..4_u32,
        )
            .prop_flat_map(|(nodes, tasks, cpus_per_task, tasks_per_node, memory, gpus)| {
                (any::<bool>(), any::<bool>()).prop_map(move |(exclusive, per_node)| Shape {
                    nodes,
                    tasks: tasks.max(nodes.unwrap_or(1)),
                    cpus_per_task,
                    tasks_per_node,
                    memory: if per_node { Memory::PerNode(memory) } else { Memory::PerCpu(memory / 16) },
                    gpus,
                    exclusive,
                    only: None,
                })
            })
    }

    proptest! {
        /// Whatever is asked, nothing is handed out twice and everything comes back.
        #[test]
        fn never_gives_more_than_there_is(shapes in proptest::collection::vec((any_shape(), any::<bool>()), 1..12)) {
            let queue: Vec<Waiting<'_>> = shapes
                .iter()
                .zip(1..)
                .map(|((shape, viz), id)| Waiting { within: if *viz { 4..6 } else { 0..4 }, ..plain(id, shape) })
                .collect();
            let before = cluster();
            let mut nodes = before.clone();
            let decisions = schedule(&queue, &before);
            prop_assert_eq!(decisions.len(), queue.len());
            let shares: Vec<&Share> = decisions
                .iter()
                .filter_map(|d| if let Decision::Start { shares, .. } = d { Some(shares) } else { None })
                .flatten()
                .collect();
            for share in &shares {
                let free = &mut nodes[share.node];
                prop_assert!(share.cpus <= free.cpus && share.memory <= free.memory && share.tasks > 0);
                prop_assert!(share.gpus.iter().all(|gpu| free.gpus.contains(gpu)));
                free.take(share);
            }
            for share in &shares {
                nodes[share.node].give_back(share);
            }
            prop_assert_eq!(nodes, before);
        }
    }
}
