//! What the cluster around a waiting job adds to the meaning of its reason: room, queue, limits, nodes.
use std::collections::{BTreeMap, HashSet};

use slurmdash_api::cluster::Node;
use slurmdash_api::jobs::{Job, JobState, Severity};

use super::{Reason, dependency};
use crate::jobs::explain::Facts;
use crate::jobs::explain::words::{
    Both, Pair, Said, both, counted, duration, memory, moment, name, names, number, until,
};
use crate::slurm::notation::hostlist;

/// Adds what the facts tell beyond the code.
pub(super) fn add(said: &mut Said, facts: &Facts<'_>, reason: Reason<'_>) {
    match said.code {
        "resources" => resources(said, facts),
        "priority" => priority(said, facts),
        "bad_constraints" | "memory_limit" => impossible(said, facts),
        "dependency" | "dependency_never" => dependency::add(said, facts),
        "begin_time" => begin_time(said, facts),
        "held_by_user" => released_by_command(said, facts.job),
        "held_by_admin" | "launch_failed_held" | "requeued_held" | "held_after_requeues" | "last_run_failed" => {
            said.why = take(&mut said.why).and_maybe(restarts(facts));
        }
        "partition_down" | "partition_inactive" | "partition_config" => in_partition(said, facts),
        "partition_time_limit" => time_limit(said, facts),
        "partition_node_limit" => node_limit(said, facts),
        "nodes_not_available" | "maintenance" | "nodes_down_or_reserved" | "node_down" => {
            unavailable(said, facts, reason);
        }
        "reservation" | "reservation_gone" | "reservation_invalid" => {
            named(said, facts.more.reservation.as_deref(), Pair("Reservation: {}.", "예약: {}."));
        }
        "licenses" => named(said, facts.more.licenses.as_deref(), Pair("It needs {}.", "필요한 라이선스: {}.")),
        "invalid_account" | "account_not_allowed" => {
            named(said, facts.job.account.as_deref(), Pair("Account: {}.", "계정: {}."));
        }
        "invalid_qos" | "qos_not_allowed" | "qos_usage_threshold" => {
            named(said, facts.job.qos.as_deref(), Pair("QOS: {}.", "QOS: {}."));
        }
        "array_task_limit" => array(said, facts.job),
        _ => {}
    }
}

fn take(text: &mut Both) -> Both {
    std::mem::take(text)
}

fn named(said: &mut Said, subject: Option<&str>, sentence: Pair) {
    if let Some(subject) = subject.filter(|subject| !subject.is_empty()) {
        said.why = take(&mut said.why).and(sentence.with(&name(subject)));
    }
}

fn released_by_command(said: &mut Said, job: &Job) {
    let id = name(&job.id);
    said.todo = both!(
        "Release it to let it go on (“scontrol release {id}”).",
        "보류를 풀면 계속 진행됩니다(“scontrol release {id}”)."
    );
}

/// How often it was started anew.
fn restarts(facts: &Facts<'_>) -> Option<Both> {
    let times = facts.more.restarts.filter(|times| *times > 0)?;
    let en = counted(times.into(), "time", "times");
    Some(both!("It was started anew {en}.", "지금까지 {times}번 재시작되었습니다."))
}

/// What each of the job's nodes must have.
struct Need {
    nodes: usize,
    cpus: u32,
    memory: u64,
    gpus: u32,
}

impl Need {
    /// Slurm says how many nodes it needs at least, which may be too few for many tasks: then it takes more of them.
    fn of(facts: &Facts<'_>) -> Self {
        let (job, least) = (facts.job, facts.node_count());
        let most = |value: fn(&Node) -> u32| facts.nodes().map(value).max().filter(|most| *most > 0);
        let spread = |all: u32, on_one: Option<u32>| on_one.map_or(least, |on_one| all.div_ceil(on_one));
        let wanted = spread(job.cpus, most(|node| node.cpus)).max(spread(job.gpus, most(|node| node.gpus)));
        let nodes = wanted.clamp(least, job.tasks.unwrap_or(1).max(least));
        let cpus = job.cpus.div_ceil(nodes);
        let memory = match facts.more.memory_per_cpu {
            Some(each) => each.saturating_mul(cpus.into()),
            None => job.memory.unwrap_or(0) / u64::from(least),
        };
        Self { nodes: nodes as usize, cpus, memory, gpus: job.gpus.div_ceil(nodes) }
    }

    fn fits(&self, node: &Node) -> bool {
        node.cpus >= self.cpus && node.memory >= self.memory && node.gpus >= self.gpus
    }

    fn fits_now(&self, node: &Node) -> bool {
        node.is_online()
            && node.cpus.saturating_sub(node.cpus_allocated) >= self.cpus
            && node.memory.saturating_sub(node.memory_allocated) >= self.memory
            && node.gpus.saturating_sub(node.gpus_allocated) >= self.gpus
    }

    /// `2 nodes, each with 8 CPUs, 16 GiB and 1 GPU`.
    fn words(&self) -> Both {
        let mut en = vec![counted(self.cpus.into(), "CPU", "CPUs")];
        let mut ko = vec![format!("CPU {}개", number(self.cpus.into()))];
        if self.memory > 0 {
            en.push(format!("{} of memory", memory(self.memory)));
            ko.push(format!("메모리 {}", memory(self.memory)));
        }
        if self.gpus > 0 {
            en.push(counted(self.gpus.into(), "GPU", "GPUs"));
            ko.push(format!("GPU {}개", number(self.gpus.into())));
        }
        let en = match en.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => en.join(""),
        };
        let ko = ko.join(", ");
        if self.nodes == 1 {
            both!("1 node with {en}", "노드 1개({ko})")
        } else {
            let nodes = number(self.nodes as u64);
            both!("{nodes} nodes, each with {en}", "노드 {nodes}개(각각 {ko})")
        }
    }
}

fn resources(said: &mut Said, facts: &Facts<'_>) {
    let need = Need::of(facts);
    let Both { en, ko } = need.words();
    said.why = both!("It asks for {en}.", "요청한 자원: {ko}.");
    let members: Vec<&Node> = facts.nodes().collect();
    if members.is_empty() {
        return;
    }
    let online = members.iter().filter(|node| node.is_online() && need.fits(node)).count();
    let could = members.iter().filter(|node| need.fits(node)).count();
    let free = members.iter().filter(|node| need.fits_now(node)).count();
    let partition = facts.partition_name();
    let (free_en, free_ko) = (counted(free as u64, "node has", "nodes have"), number(free as u64));
    let (could_text, all) = (number(could as u64), counted(members.len() as u64, "node", "nodes"));
    let all_ko = number(members.len() as u64);
    said.why = take(&mut said.why).and(both!(
        "In partition {partition}, {free_en} that free now; {could_text} of its {all} could ever hold it.",
        "{partition} 파티션에서 지금 비어 있는 노드는 {free_ko}개이며, 전체 {all_ko}개 중 {could_text}개에서 실행할 수 있습니다."
    ));
    if could < need.nodes {
        // Slurm would take it as impossible if it were sure.
        said.severity = Severity::Warning;
        said.what = Pair("There may never be enough nodes for it", "실행할 수 있는 노드가 부족할 수 있습니다").into();
        said.todo = largest(facts, &members);
        return;
    }
    if online < need.nodes {
        said.severity = Severity::Warning;
        said.why = take(&mut said.why)
            .and(both!("Only {online} of them are in service.", "그중 정상 가동 중인 노드는 {online}개입니다."));
        said.why = take(&mut said.why).and_maybe(reasons(members.iter().copied().filter(|node| !node.is_online())));
        said.todo = Pair(
            "It starts when nodes are back in service, or submit it to another partition.",
            "노드가 복구되면 시작됩니다. 다른 파티션에 제출할 수도 있습니다.",
        )
        .into();
    }
    said.why = take(&mut said.why).and_maybe(next_to_end(facts)).and_maybe(expected_start(facts));
}

/// What a node of the partition has at most.
fn largest(facts: &Facts<'_>, members: &[&Node]) -> Both {
    let most = |value: fn(&Node) -> u64| members.iter().map(|node| value(node)).max().unwrap_or(0);
    let need = Need {
        nodes: 1,
        cpus: u32::try_from(most(|node| node.cpus.into())).unwrap_or(u32::MAX),
        memory: most(|node| node.memory),
        gpus: u32::try_from(most(|node| node.gpus.into())).unwrap_or(u32::MAX),
    };
    let (partition, memory) = (facts.partition_name(), memory(need.memory));
    let all = counted(members.len() as u64, "node", "nodes");
    let (cpus, gpus) = (counted(need.cpus.into(), "CPU", "CPUs"), counted(need.gpus.into(), "GPU", "GPUs"));
    Both::new(
        format!(
            "Ask for less, or use another partition: {partition} has {all}, with at most {cpus}, {memory} and {gpus} on one."
        ),
        format!(
            "요청을 줄이거나 다른 파티션을 사용하세요. {partition} 파티션의 노드는 {}개이며, 노드당 최대 CPU {}개, 메모리 {memory}, GPU {}개입니다.",
            number(members.len() as u64),
            number(need.cpus.into()),
            number(need.gpus.into())
        ),
    )
}

fn impossible(said: &mut Said, facts: &Facts<'_>) {
    let Both { en, ko } = Need::of(facts).words();
    said.why = take(&mut said.why).and(both!("It asks for {en}.", "요청한 자원: {ko}."));
    named(said, facts.more.constraint.as_deref(), Pair("Features it requires: {}.", "요구한 특성: {}."));
    let members: Vec<&Node> = facts.nodes().collect();
    if said.code == "bad_constraints" && !members.is_empty() {
        said.todo = take(&mut said.todo).and(largest(facts, &members));
    }
}

/// The running jobs of the partition that end first, at the latest at their time limits.
fn next_to_end(facts: &Facts<'_>) -> Option<Both> {
    let mut ends: Vec<(i64, &Job)> = facts
        .cluster
        .jobs
        .iter()
        .filter(|job| job.state == JobState::Running && shares_partition(job, facts.job))
        .filter_map(|job| Some((job.end_time.filter(|end| *end > facts.now)?, job)))
        .collect();
    ends.sort_by_key(|(end, job)| (*end, job.job_id));
    if ends.is_empty() {
        return None;
    }
    let Both { en, ko } = Both::listed(ends.iter().take(3).map(|(end, job)| {
        let (id, left) = (name(&job.id), duration(until(*end, facts.now).unwrap_or(0)));
        both!("job {id} within {left}", "작업 {id}({left} 이내)")
    }));
    Some(both!("Next to end there: {en}.", "먼저 끝날 작업: {ko}."))
}

fn shares_partition(one: &Job, other: &Job) -> bool {
    one.partition.split(',').any(|name| other.partition.split(',').any(|wanted| wanted == name))
}

/// When Slurm plans to start it.
fn expected_start(facts: &Facts<'_>) -> Option<Both> {
    let start = facts.job.start_time.filter(|start| *start > facts.now)?;
    let Both { en, ko } = moment(start, facts.now, facts.zone);
    let plan = both!("Slurm expects to start it at {en}.", "Slurm의 예상 시작 시각: {ko}.");
    let kept = facts.more.scheduled_nodes.as_deref().filter(|nodes| !nodes.is_empty()).map(|nodes| {
        let nodes = name(nodes);
        both!("Nodes kept for it: {nodes}.", "확보된 노드: {nodes}.")
    });
    Some(plan.and_maybe(kept))
}

fn priority(said: &mut Said, facts: &Facts<'_>) {
    let rank = |job: &Job| (job.priority.unwrap_or(0), std::cmp::Reverse(job.job_id));
    let ahead: u64 = facts
        .cluster
        .jobs
        .iter()
        .filter(|job| job.state == JobState::Pending && job.id != facts.job.id && shares_partition(job, facts.job))
        // Slurm gives held jobs the priority 0.
        .filter(|job| job.priority.is_some_and(|priority| priority > 0) && rank(job) > rank(facts.job))
        .map(tasks_of)
        .fold(0, u64::saturating_add);
    if facts.job.priority.is_some() && ahead > 0 {
        let (en, ko, partition) = (counted(ahead, "job is", "jobs are"), number(ahead), facts.partition_name());
        said.why =
            both!("{en} before it in partition {partition}.", "{partition} 파티션에서 앞선 작업이 {ko}개 있습니다.");
    }
    said.why = take(&mut said.why).and_maybe(expected_start(facts));
}

/// How many tasks a row of the queue stands for: `7_[1-3,9%2]` for four.
fn tasks_of(job: &Job) -> u64 {
    let Some((_, indices)) = job.id.split_once('[') else { return 1 };
    let indices = indices.trim_end_matches(']').split('%').next().unwrap_or_default();
    let count = |part: &str| {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        match range.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
                let step = step.parse::<u32>().ok().filter(|step| *step > 0)?;
                Some(u64::from(last.checked_sub(first)? / step) + 1)
            }
            None => range.parse::<u32>().ok().map(|_| 1),
        }
    };
    indices.split(',').filter_map(count).sum::<u64>().max(1)
}

fn begin_time(said: &mut Said, facts: &Facts<'_>) {
    let begin = facts.more.begin.or(facts.more.eligible_time).or(facts.job.start_time);
    let Some(begin) = begin.filter(|begin| *begin > facts.now) else { return };
    let Both { en, ko } = moment(begin, facts.now, facts.zone);
    let again = restarts(facts);
    said.why = match again {
        Some(again) => again.and(both!("It may start again from {en}.", "다시 시작할 수 있는 시각: {ko}.")),
        None => both!("It was submitted to start from {en}.", "시작하도록 지정된 시각: {ko}."),
    };
}

fn in_partition(said: &mut Said, facts: &Facts<'_>) {
    let partition = facts.partition_name();
    said.why = take(&mut said.why).and(both!("Partition: {partition}.", "파티션: {partition}."));
}

fn time_limit(said: &mut Said, facts: &Facts<'_>) {
    let partition = facts.partition_name();
    let Some(limit) = facts.partitions().filter_map(|partition| partition.max_time).max() else {
        return in_partition(said, facts);
    };
    let most = duration(limit);
    said.why = match facts.job.time_limit {
        Some(asked) => {
            let asked = duration(asked);
            both!(
                "It asks for {asked}; partition {partition} allows {most}.",
                "요청한 시간은 {asked}이고, {partition} 파티션의 최대 시간은 {most}입니다."
            )
        }
        None => both!(
            "It asks for unlimited time; partition {partition} allows {most}.",
            "시간 제한 없이 요청했지만, {partition} 파티션의 최대 시간은 {most}입니다."
        ),
    };
    let id = name(&facts.job.id);
    said.todo = both!(
        "It will not start like this. Lower its time limit to {most} (“scontrol update JobId={id} TimeLimit={most}”), or submit it to a partition with a longer one.",
        "이대로는 시작되지 않습니다. 시간 제한을 {most} 이하로 줄이거나(“scontrol update JobId={id} TimeLimit={most}”) 시간 제한이 더 긴 파티션에 제출하세요."
    );
}

fn node_limit(said: &mut Said, facts: &Facts<'_>) {
    let partition = facts.partition_name();
    let has = facts.nodes().count() as u64;
    let wanted = u64::from(facts.node_count());
    let nodes = |count| counted(count, "node", "nodes");
    let sentence = Both::new(
        format!("It asks for {}; partition {partition} has {}.", nodes(wanted), nodes(has)),
        format!("요청한 노드는 {}개이고, {partition} 파티션의 노드는 {}개입니다.", number(wanted), number(has)),
    );
    said.why = if has > 0 && wanted > has { sentence } else { take(&mut said.why).and(sentence) };
}

fn unavailable(said: &mut Said, facts: &Facts<'_>, reason: Reason<'_>) {
    let wanted = reason
        .whole
        .split_once("UnavailableNodes:")
        .map(|(_, list)| list.trim().trim_end_matches(')'))
        .filter(|list| !list.is_empty())
        .or(facts.more.requested_nodes.as_deref().filter(|list| !list.is_empty()));
    let Some(list) = wanted else {
        let away = facts.nodes().filter(|node| !node.is_online());
        said.why = take(&mut said.why).and_maybe(reasons(away));
        return;
    };
    let shown = name(list);
    said.why = both!("Not available: {shown}.", "사용할 수 없는 노드: {shown}.");
    let wanted: HashSet<String> = hostlist::expand(list).unwrap_or_default().into_iter().collect();
    let away = facts.cluster.nodes.iter().filter(|node| wanted.contains(&node.name) && !node.is_online());
    said.why = take(&mut said.why).and_maybe(reasons(away));
    if reason.says("may be reserved") {
        said.why = take(&mut said.why)
            .and(Pair("They may be reserved for another job.", "다른 작업에 예약되어 있을 수 있습니다."));
    }
}

/// Why nodes are out of service, nodes with the same reason together, the most frequent first.
fn reasons<'a>(nodes: impl Iterator<Item = &'a Node>) -> Option<Both> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        by_reason.entry(node.reason.as_deref().unwrap_or(&node.state_text)).or_default().push(&node.name);
    }
    let mut groups: Vec<_> = by_reason.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    if groups.is_empty() {
        return None;
    }
    let Both { en, ko } = Both::listed(groups.into_iter().take(3).map(|(reason, members)| {
        let (reason, Both { en, ko }) = (name(reason), names(&members, 4));
        both!("{en} (“{reason}”)", "{ko}(“{reason}”)")
    }));
    Some(both!("Out of service: {en}.", "사용 중지된 노드: {ko}."))
}

fn array(said: &mut Said, job: &Job) {
    let Some(limit) = job.id.split_once('%').map(|(_, rest)| rest.trim_end_matches(']')) else { return };
    let Ok(limit) = limit.parse::<u64>() else { return };
    let (en, ko) = (counted(limit, "task", "tasks"), number(limit));
    said.why = both!("At most {en} of it may run at once.", "동시에 최대 {ko}개 태스크만 실행되도록 제출되었습니다.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_arrays_stand_for_their_tasks() {
        for (id, tasks) in [("7", 1), ("7_3", 1), ("7_[1-3,9%2]", 4), ("7_[0-9:3]", 4), ("7_[9-1]", 1), ("7_[...]", 1)]
        {
            let job = Job { id: id.into(), ..crate::jobs::tests::job(7) };
            assert_eq!(tasks_of(&job), tasks, "{id}");
        }
    }
}
