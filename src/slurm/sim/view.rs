//! The simulated cluster as the wire types show it.

use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Node, NodeState, Partition};
use slurmdash_api::jobs::{Job, JobMore, JobState, Source};

use crate::slurm::JobRecord;
use crate::slurm::notation::{array, hostlist};

use super::hardware::{NODES, PARTITIONS};
use super::process::{self, Person};
use super::queue::{Phase, Queue, Record};
use super::request::Request;
use super::schedule::{Memory, Share};

/// A record as lists show it.
pub fn job(record: &Record, person: &Person, now: UnixSeconds) -> Job {
    let request = &record.request;
    let (state, reason, shares, start, end): (_, _, &[Share], _, _) = match &record.phase {
        Phase::Waiting { reason } => (JobState::Pending, *reason, &[], None, None),
        Phase::Running(running) => {
            let state = match (running.completing, running.suspended) {
                (true, _) => JobState::Completing,
                (false, Some(_)) => JobState::Suspended,
                (false, None) => JobState::Running,
            };
            let end = running.since.saturating_add_unsigned(record.orders.time_limit + running.paused);
            (state, "None", &running.shares, Some(running.since), Some(end))
        }
        Phase::Over(over) => (over.outcome.state, over.outcome.reason, &over.shares, over.started, Some(over.ended)),
    };
    let elapsed = match &record.phase {
        Phase::Waiting { .. } => 0,
        Phase::Running(running) => running.ran(now),
        Phase::Over(over) => over.ran,
    };
    let (cpus, memory, gpus) = totals(request, shares);
    let names: Vec<&str> = shares.iter().map(|share| NODES[share.node].name).collect();
    Job {
        id: display_id(record),
        job_id: record.id,
        array_job_id: record.array.as_ref().map(|part| part.job),
        name: request.name.clone(),
        user: person.name.clone(),
        owner: None,
        account: request.account.clone(),
        partition: request.partition.name.to_owned(),
        qos: request.qos.clone(),
        state,
        reason: (reason != "None").then(|| reason.to_owned()),
        nodes: if shares.is_empty() { request.fewest_nodes } else { u32::try_from(shares.len()).unwrap_or(u32::MAX) },
        tasks: Some(request.shape.tasks),
        cpus,
        memory: Some(memory),
        gpus,
        node_list: (!names.is_empty()).then(|| hostlist::compress(&names)),
        submit_time: Some(record.submitted),
        start_time: start,
        end_time: end,
        time_limit: Some(record.orders.time_limit),
        elapsed,
        // As priority/basic counts down from here.
        priority: Some(if record.orders.held {
            0
        } else {
            u64::from(0xffff_0000_u32.saturating_sub(record.id))
                .saturating_add_signed(record.orders.nice.saturating_neg())
        }),
        template: None,
    }
}

/// CPUs, memory (MiB) and GPUs that a record has, or will have at least.
fn totals(request: &Request, shares: &[Share]) -> (u32, u64, u32) {
    if shares.is_empty() {
        let shape = &request.shape;
        let cpus = shape.tasks.saturating_mul(shape.cpus_per_task);
        let memory = match shape.memory {
            Memory::PerNode(memory) => memory.saturating_mul(u64::from(request.fewest_nodes)),
            Memory::PerCpu(memory) => memory.saturating_mul(u64::from(cpus)),
        };
        return (cpus, memory, shape.gpus.saturating_mul(request.fewest_nodes));
    }
    let gpus = shares.iter().map(|share| share.gpus.len()).sum::<usize>();
    (
        shares.iter().map(|share| share.cpus).sum(),
        shares.iter().map(|share| share.memory).sum(),
        u32::try_from(gpus).unwrap_or(u32::MAX),
    )
}

/// `123`, `123_4` or `123_[5-9%2]`.
fn display_id(record: &Record) -> String {
    let Some(part) = &record.array else {
        return record.id.to_string();
    };
    if let Some(task) = part.task() {
        return format!("{}_{task}", part.job);
    }
    let limit = record.request.array.as_ref().and_then(|array| array.limit);
    format!("{}_[{}]", part.job, array::format(&part.tasks, limit))
}

/// A record in full.
pub fn full(record: &Record, person: &Person, now: UnixSeconds) -> JobRecord {
    let job = job(record, person, now);
    let node = job.node_list.as_deref().and_then(|list| hostlist::expand(list).ok()).unwrap_or_default();
    let node = node.first().map_or("", String::as_str);
    let (stdout, stderr) = process::paths(&record.request, record.id, record.array.as_ref(), person, node);
    let over = match &record.phase {
        Phase::Over(over) => Some(over.outcome),
        _ => None,
    };
    JobRecord {
        job,
        exit_code: over.map(|over| over.exit_code),
        signal: over.and_then(|over| over.signal),
        work_dir: Some(record.request.work_dir.clone()),
        stdout: Some(stdout),
        stderr: Some(stderr),
        more: more(record),
        source: Source::Controller,
    }
}

fn more(record: &Record) -> JobMore {
    let request = &record.request;
    let waits = matches!(record.phase, Phase::Waiting { .. });
    // What was waited for is over, or may never come.
    let kept_back = matches!(record.phase, Phase::Waiting { reason: "Dependency" | "DependencyNeverSatisfied" });
    JobMore {
        dependency: request.dependency.clone().filter(|_| waits),
        constraint: request.constraint.clone(),
        comment: Some(request.comment.clone()),
        begin: request.not_before.filter(|_| waits),
        eligible_time: (!kept_back).then(|| request.not_before.unwrap_or(record.submitted)),
        nice: Some(record.orders.nice),
        restarts: Some(record.orders.restarts),
        memory_per_cpu: match request.shape.memory {
            Memory::PerCpu(memory) => Some(memory),
            Memory::PerNode(_) => None,
        },
        ..JobMore::default()
    }
}

/// Every node.
pub fn nodes(queue: &Queue) -> Vec<Node> {
    let nodes = NODES.iter().zip(queue.free()).enumerate().map(|(nth, (kind, free))| {
        let cpus_allocated = kind.cpus.saturating_sub(free.cpus);
        let (state, state_text) = match (cpus_allocated, free.cpus) {
            (0, _) => (NodeState::Idle, "IDLE"),
            (_, 0) => (NodeState::Allocated, "ALLOCATED"),
            _ => (NodeState::Mixed, "MIXED"),
        };
        let within = PARTITIONS.iter().filter(|partition| partition.nodes.contains(&nth));
        Node {
            name: kind.name.to_owned(),
            state,
            state_text: state_text.to_owned(),
            cpus: kind.cpus,
            cpus_allocated,
            memory: kind.memory,
            memory_allocated: kind.memory.saturating_sub(free.memory),
            gpus: kind.gpus,
            gpus_allocated: kind.gpus.saturating_sub(u32::try_from(free.gpus.len()).unwrap_or(u32::MAX)),
            // The node isn't there to be measured: as busy as what it has given away.
            load: Some(f64::from(cpus_allocated)),
            reason: None,
            partitions: within.map(|partition| partition.name.to_owned()).collect(),
            features: kind.features.iter().map(|&feature| feature.to_owned()).collect(),
            version: None,
        }
    });
    nodes.collect()
}

/// Every partition, the default one first.
pub fn partitions() -> Vec<Partition> {
    let partitions = PARTITIONS.iter().enumerate().map(|(nth, partition)| {
        let nodes = &NODES[partition.nodes.clone()];
        Partition {
            name: partition.name.to_owned(),
            is_default: nth == 0,
            is_up: true,
            max_time: Some(partition.max_time),
            default_time: Some(partition.default_time),
            nodes: nodes.iter().map(|node| node.name.to_owned()).collect(),
            cpus: nodes.iter().map(|node| node.cpus).sum(),
            max_cpus_per_node: nodes.iter().map(|node| node.cpus).max().unwrap_or(0),
            max_memory_per_node: nodes.iter().map(|node| node.memory).max().unwrap_or(0),
            max_gpus_per_node: nodes.iter().map(|node| node.gpus).max().unwrap_or(0),
        }
    });
    partitions.collect()
}
