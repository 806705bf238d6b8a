//! scontrol's one-line records of nodes and partitions: `Key=value Key=value …`.
//!
//! Values may hold spaces and `=` (`OS=Linux 6.1 #1 SMP`, `Reason=bad disk [root@…]`), so a value goes on until the
//! next key that is known; a key's first appearance counts, and free text comes last in scontrol's order.
//! Source: scontrol(1) `show node`, `show partition`; the keys are those of 22.05 to 24.11.

use std::collections::BTreeMap;

use slurmdash_api::cluster::{Node, NodeState, Partition};

use crate::slurm::notation::{Malformed, hostlist, memory, tres};

use super::time;

const NODE_KEYS: &[&str] = &[
    "NodeName",
    "Arch",
    "CoresPerSocket",
    "CPUAlloc",
    "CPUEfctv",
    "CPUTot",
    "CPULoad",
    "AvailableFeatures",
    "ActiveFeatures",
    "Gres",
    "GresDrain",
    "GresUsed",
    "NodeAddr",
    "NodeHostName",
    "Port",
    "Version",
    "OS",
    "RealMemory",
    "AllocMem",
    "FreeMem",
    "Sockets",
    "Boards",
    "CoreSpecCount",
    "CPUSpecList",
    "MemSpecLimit",
    "State",
    "ThreadsPerCore",
    "TmpDisk",
    "Weight",
    "Owner",
    "MCS_label",
    "Partitions",
    "NextState",
    "BootTime",
    "SlurmdStartTime",
    "LastBusyTime",
    "ResumeAfterTime",
    "CfgTRES",
    "AllocTRES",
    "CapWatts",
    "CurrentWatts",
    "AveWatts",
    "ExtSensorsJoules",
    "ExtSensorsWatts",
    "ExtSensorsTemp",
    "Reason",
    "Comment",
    "Extra",
    "InstanceId",
    "InstanceType",
    "ReservationName",
];

const PARTITION_KEYS: &[&str] = &[
    "PartitionName",
    "AllowGroups",
    "AllowAccounts",
    "DenyAccounts",
    "AllowQos",
    "DenyQos",
    "AllocNodes",
    "Default",
    "QoS",
    "DefaultTime",
    "DisableRootJobs",
    "ExclusiveUser",
    "ExclusiveTopo",
    "GraceTime",
    "Hidden",
    "MaxNodes",
    "MaxTime",
    "MinNodes",
    "LLN",
    "MaxCPUsPerNode",
    "MaxCPUsPerSocket",
    "NodeSets",
    "Nodes",
    "PriorityJobFactor",
    "PriorityTier",
    "RootOnly",
    "ReqResv",
    "OverSubscribe",
    "OverTimeLimit",
    "PreemptMode",
    "State",
    "TotalCPUs",
    "TotalNodes",
    "SelectTypeParameters",
    "JobDefaults",
    "DefMemPerNode",
    "DefMemPerCPU",
    "MaxMemPerNode",
    "MaxMemPerCPU",
    "TRES",
    "TRESBillingWeights",
    "ResumeTimeout",
    "SuspendTimeout",
    "SuspendTime",
    "PowerDownOnIdle",
    "Alternate",
];

/// One record's values by key.
type Values<'a> = BTreeMap<&'a str, &'a str>;

/// Cuts the text into records, each of which begins with its first key at the beginning of a line.
fn records<'a>(text: &'a str, keys: &'a [&'a str]) -> impl Iterator<Item = Values<'a>> {
    let first = keys.first().copied().unwrap_or_default();
    let begins = move |line: &str| line.strip_prefix(first).is_some_and(|rest| rest.starts_with('='));
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if begins(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).map(move |(from, to)| values(&text[from..to], keys))
}

fn values<'a>(record: &'a str, keys: &[&'a str]) -> Values<'a> {
    let mut found: Vec<(usize, &'a str)> = Vec::new();
    for (at, _) in record.match_indices('=') {
        let begin = record[..at].rfind(|c: char| c.is_ascii_whitespace()).map_or(0, |space| space + 1);
        let known = keys.iter().find(|key| **key == &record[begin..at]);
        if let Some(key) = known.filter(|key| found.iter().all(|(_, seen)| seen != *key)) {
            found.push((begin, *key));
        }
    }
    let ends = found.iter().skip(1).map(|(begin, _)| *begin).chain([record.len()]);
    found.iter().zip(ends).map(|((begin, key), end)| (*key, record[begin + key.len() + 1..end].trim())).collect()
}

/// A value that has to be there and a number.
fn number<N: std::str::FromStr>(values: &Values<'_>, key: &str) -> Result<N, Malformed> {
    let text = values.get(key).copied().unwrap_or_default();
    text.parse().map_err(|_| {
        let name = values.get("NodeName").or(values.get("PartitionName")).copied().unwrap_or_default();
        Malformed(format!("{key}={text:?} of {name} is no number"))
    })
}

/// Reads `scontrol --details --oneliner show node`.
pub fn nodes(text: &str) -> Result<Vec<Node>, Malformed> {
    records(text, NODE_KEYS).map(|values| node(&values)).collect()
}

fn node(values: &Values<'_>) -> Result<Node, Malformed> {
    let text = |key: &str| values.get(key).copied().unwrap_or_default();
    let list = |key: &str| -> Vec<String> {
        time::present(text(key)).map_or_else(Vec::new, |list| list.split(',').map(str::to_owned).collect())
    };
    let (has, allocated) = (tres::parse(text("CfgTRES")), tres::parse(text("AllocTRES")));
    Ok(Node {
        name: text("NodeName").to_owned(),
        state: state(text("State")),
        state_text: text("State").to_owned(),
        cpus: number(values, "CPUTot")?,
        cpus_allocated: number(values, "CPUAlloc")?,
        memory: memory::parse(text("RealMemory"))
            .map_err(|_| Malformed(format!("RealMemory={:?}", text("RealMemory"))))?,
        memory_allocated: memory::parse(text("AllocMem")).unwrap_or(0),
        // Slurm tracks GPUs as TRES only where slurm.conf asks for it; Gres and GresUsed are there always.
        gpus: has.gpus.max(tres::gpus(text("Gres"))),
        gpus_allocated: allocated.gpus.max(tres::gpus(text("GresUsed"))),
        load: text("CPULoad").parse().ok().filter(|load: &f64| load.is_finite()),
        reason: time::present(text("Reason")).map(|reason| without_signature(&reason).to_owned()),
        partitions: list("Partitions"),
        features: list("ActiveFeatures"),
        version: time::present(text("Version")),
    })
}

/// A reason without who gave it and when: `bad disk [root@2026-11-22T11:28:41]`.
fn without_signature(reason: &str) -> &str {
    match reason.rsplit_once(" [") {
        Some((words, signature)) if signature.ends_with(']') && signature.contains('@') => words,
        _ => reason,
    }
}

/// One word for a node's state such as `IDLE+DRAIN`, `DOWN*`, `MIXED+PLANNED` or sinfo's `idle~`.
///
/// The marks after a state (`*` not responding, `~` powered off, …) are those of sinfo(1), "NODE STATE CODES".
pub fn state(text: &str) -> NodeState {
    let text = text.to_ascii_uppercase();
    let silent = text.contains('*');
    let words: Vec<&str> =
        text.split('+').map(|word| word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())).collect();
    let any = |states: &[&str]| words.iter().any(|word| states.contains(word));
    if silent
        || any(&["DOWN", "ERROR", "FAIL", "FAILING", "INVAL", "INVALID", "INVALID_REG", "NOT_RESPONDING", "NO_RESPOND"])
    {
        NodeState::Down
    } else if any(&["DRAIN", "DRAINED", "DRAINING", "DRNG"]) {
        NodeState::Drain
    } else if any(&["MAINT", "MAINTENANCE", "RESERVED", "REBOOT", "REBOOT_ISSUED"]) {
        NodeState::Maintenance
    } else {
        match words.first().copied().unwrap_or_default() {
            "IDLE" | "PLANNED" => NodeState::Idle,
            "MIXED" | "MIX" => NodeState::Mixed,
            "ALLOCATED" | "ALLOC" | "COMPLETING" => NodeState::Allocated,
            _ => NodeState::Unknown,
        }
    }
}

/// Reads `scontrol --oneliner show partition`, the default one first. The nodes give what Slurm says only of them.
pub fn partitions(text: &str, nodes: &[Node]) -> Result<Vec<Partition>, Malformed> {
    let by_name: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let read = records(text, PARTITION_KEYS).map(|values| partition(&values, &by_name));
    let mut partitions = read.collect::<Result<Vec<Partition>, Malformed>>()?;
    partitions.sort_by_key(|partition| !partition.is_default);
    Ok(partitions)
}

fn partition(values: &Values<'_>, by_name: &BTreeMap<&str, &Node>) -> Result<Partition, Malformed> {
    let text = |key: &str| values.get(key).copied().unwrap_or_default();
    let names = time::present(text("Nodes")).map_or(Ok(Vec::new()), |list| hostlist::expand(&list))?;
    let nodes: Vec<&Node> = names.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect();
    Ok(Partition {
        name: text("PartitionName").to_owned(),
        is_default: text("Default") == "YES",
        is_up: text("State") == "UP",
        max_time: time::limit(text("MaxTime")),
        default_time: time::limit(text("DefaultTime")),
        cpus: number(values, "TotalCPUs").or_else(|_| Ok(nodes.iter().map(|node| node.cpus).sum()))?,
        max_cpus_per_node: nodes.iter().map(|node| node.cpus).max().unwrap_or(0),
        max_memory_per_node: nodes.iter().map(|node| node.memory).max().unwrap_or(0),
        max_gpus_per_node: nodes.iter().map(|node| node.gpus).max().unwrap_or(0),
        nodes: names,
    })
}

/// Reads the cluster's name from `scontrol show config`.
pub fn cluster_name(text: &str) -> Result<String, Malformed> {
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let name = pairs.find(|(key, _)| key.trim() == "ClusterName").map(|(_, name)| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).ok_or_else(|| Malformed("no ClusterName".to_owned()))
}
