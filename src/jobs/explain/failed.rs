//! Why a job ended as it did: its state, exit code, signal, memory, and the end of its output.
use slurmdash_api::jobs::{JobState, Severity, signal_name};

use super::Facts;
use super::output::{self, Findings, Found, Meaning};
use super::signals;
use super::words::{Both, Pair, Said, both, duration, instant, memory, name, number};

/// Explains a job that is over; `None` when it ended well.
pub(super) fn explain(facts: &Facts<'_>) -> Option<Said> {
    let findings = || facts.output_end.map(|text| output::read(text, facts.exit_code)).unwrap_or_default();
    Some(match facts.job.state {
        JobState::Failed => failed(facts, &findings()),
        JobState::OutOfMemory => out_of_memory(facts, true),
        JobState::Timeout => timeout(facts, &findings()),
        JobState::Cancelled => cancelled(facts),
        JobState::NodeFail => node_fail(facts),
        JobState::BootFail => with_nodes(Said::fixed("boot_fail", Severity::Error, BOOT_FAIL), facts),
        JobState::Preempted => {
            let mut said = Said::fixed("preempted", Severity::Warning, PREEMPTED);
            said.why = said.why.and_maybe(ran_for(facts));
            said
        }
        JobState::Deadline => {
            let mut said = Said::fixed("deadline", Severity::Error, DEADLINE);
            if facts.job.elapsed > 0 {
                said.why = said.why.and_maybe(ran_for(facts));
            }
            said
        }
        _ => return None,
    })
}

/// How a job ended, in a few words, where its reason says more than its state.
pub(super) fn short(reason: &str, state: JobState) -> Option<Both> {
    let code = reason.split([',', ' ', ':', '(']).find(|word| !word.is_empty()).unwrap_or_default();
    match (state, code) {
        (_, "DependencyNeverSatisfied") => Some(Pair("dependency can’t be met", "선행 조건 충족 불가").into()),
        (_, "JobLaunchFailure") => Some(Pair("launch failed", "시작 실패").into()),
        (_, "SystemFailure") => Some(Pair("system failure", "시스템 장애").into()),
        (_, "InactiveLimit") => Some(Pair("inactive for too long", "비활성 시간 초과").into()),
        (_, "RaisedSignal") => signal_of_reason(reason).map(|signal| signals::meaning(signal).short.into()),
        _ => None,
    }
}

/// The signal in `RaisedSignal:11(Segmentation_fault)`.
fn signal_of_reason(reason: &str) -> Option<i32> {
    let (_, rest) = reason.split_once("RaisedSignal:")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().filter(|signal| *signal > 0)
}

/// A line of the output, as a sentence.
fn says(quote: &str) -> Option<Both> {
    (!quote.trim().is_empty()).then(|| both!("Its output says: “{quote}”", "출력 내용: “{quote}”"))
}

fn failed(facts: &Facts<'_>, findings: &Findings) -> Said {
    if let Some(found) = &findings.sure {
        return of_finding(facts, found);
    }
    let reason = facts.job.reason.as_deref().unwrap_or_default();
    let signal = facts
        .signal
        .filter(|signal| *signal > 0)
        .or_else(|| signal_of_reason(reason))
        .or_else(|| facts.exit_code.and_then(signals::in_exit_code));
    if let Some(signal) = signal {
        let quote =
            findings.likely.as_ref().filter(|found| matches!(found.meaning(), Meaning::Signal(s) if s == signal));
        return of_signal(facts, signal, quote.map(|found| found.quote.as_str()));
    }
    if let Some(found) = &findings.likely {
        return of_finding(facts, found);
    }
    let launch = reason.contains("JobLaunchFailure");
    if launch || (findings.empty && facts.output_end.is_some() && facts.job.elapsed <= AT_ONCE) {
        return Said::fixed("failed_at_once", Severity::Error, FAILED_AT_ONCE);
    }
    if let Some(found) = &findings.vague {
        return of_finding(facts, found);
    }
    of_exit_code(facts, findings)
}

/// Running time, in seconds, of a job that failed before its script did anything.
const AT_ONCE: u64 = 3;

fn of_finding(facts: &Facts<'_>, found: &Found) -> Said {
    match found.meaning() {
        Meaning::OutOfMemory => {
            let mut said = out_of_memory(facts, true);
            said.why = said.why.and_maybe(says(&found.quote));
            said
        }
        Meaning::Signal(signal) => of_signal(facts, signal, Some(&found.quote)),
        Meaning::Texts(code, texts) => {
            let [short, what, why, todo] = *texts;
            let todo = match code {
                "no_gpu" if facts.job.gpus == 0 => Pair(
                    "The job did not ask for GPUs: set GPUs per node and submit it again.",
                    "GPU를 요청하지 않은 작업입니다. 노드당 GPU 수를 지정하여 다시 제출하세요.",
                )
                .into(),
                "memory_allocation" => advice(facts).unwrap_or(todo),
                _ => todo,
            };
            Said { code, severity: Severity::Error, short, what, why: why.and_maybe(says(&found.quote)), todo }
        }
    }
}

fn of_signal(facts: &Facts<'_>, signal: i32, quote: Option<&str>) -> Said {
    if signal == 9 && is_near_the_limit(facts) {
        let mut said = out_of_memory(facts, false);
        said.why = said.why.and_maybe(quote.and_then(says));
        return said;
    }
    let meaning = signals::meaning(signal);
    let shown = signal_name(signal);
    Said {
        code: meaning.code,
        severity: Severity::Error,
        short: meaning.short.into(),
        what: both!("It was ended by signal {shown}", "{shown} 시그널로 종료되었습니다"),
        why: Both::from(meaning.why).and_maybe(quote.and_then(says)),
        todo: meaning.todo.into(),
    }
}

fn of_exit_code(facts: &Facts<'_>, findings: &Findings) -> Said {
    let (code, why, todo) = signals::exit_code(facts.exit_code);
    let last = findings
        .last_line
        .as_deref()
        .map(|line| both!("The last line of its output: “{line}”", "출력의 마지막 줄: “{line}”"));
    let (short, what) = match facts.exit_code.filter(|code| *code != 0) {
        Some(exit) => (
            both!("exit code {exit}", "종료 코드 {exit}"),
            both!("It ended with exit code {exit}", "오류로 끝났습니다(종료 코드 {exit})"),
        ),
        None => (Pair("failed", "실패").into(), Pair("It failed", "실패했습니다").into()),
    };
    Said { code, severity: Severity::Error, short, what, why: Both::from(why).and_maybe(last), todo: todo.into() }
}

/// Whether the memory it used comes close to what it had: 90 % or more.
fn is_near_the_limit(facts: &Facts<'_>) -> bool {
    match (facts.memory_peak(), facts.memory_on_a_node()) {
        (Some(peak), Some(limit)) => u128::from(peak) * 10 >= u128::from(limit) * 9,
        _ => false,
    }
}

fn out_of_memory(facts: &Facts<'_>, certain: bool) -> Said {
    let limit = facts.memory_on_a_node();
    let why = match limit.map(memory) {
        Some(limit) => both!(
            "It used more than the {limit} it had on a node.",
            "노드에서 쓸 수 있는 {limit}보다 많은 메모리를 사용했습니다."
        ),
        None => Pair("It used more memory than it had asked for.", "요청한 것보다 많은 메모리를 사용했습니다.").into(),
    };
    let why = if certain {
        why
    } else {
        Pair(
            "It was killed while its memory was near the limit; that is most likely why.",
            "메모리 사용량이 한도에 가까울 때 강제 종료되었습니다. 메모리 부족일 가능성이 높습니다.",
        )
        .into()
    };
    let step = facts.steps.iter().find(|step| step.state == Some(JobState::OutOfMemory)).map(|step| {
        let id = name(&step.id);
        both!("It happened in step {id}.", "작업 단계 {id}에서 발생했습니다.")
    });
    let todo = advice(facts)
        .unwrap_or_else(|| Pair("Submit it again with more memory.", "메모리를 늘려 다시 제출하세요.").into());
    Said {
        code: "out_of_memory",
        severity: Severity::Error,
        short: Pair("out of memory", "메모리 부족").into(),
        what: if certain {
            Pair("It ran out of memory", "메모리가 부족했습니다").into()
        } else {
            Pair("It probably ran out of memory", "메모리가 부족했던 것으로 보입니다").into()
        },
        why: why.and_maybe(step),
        todo,
    }
}

/// How much memory to ask for: half as much again as was used or allowed, in whole GiB from 2 GiB on.
fn advice(facts: &Facts<'_>) -> Option<Both> {
    let (limit, peak) = (facts.memory_on_a_node()?, facts.memory_peak());
    let base = peak.unwrap_or(limit).max(limit);
    let wanted = base.saturating_add(base / 2);
    let unit = if wanted >= 2048 { 1024 } else { 128 };
    let wanted = wanted.div_ceil(unit).saturating_mul(unit);
    let (most, had) = (facts.partitions().map(|partition| partition.max_memory_per_node).max(), memory(limit));
    let found = match peak.map(memory) {
        Some(peak) => both!("The run peaked at {peak} of {had}", "최대 {peak} / {had}를 사용했습니다"),
        None => both!("The run had {had}", "쓸 수 있는 메모리는 {had}였습니다"),
    };
    let Both { en, ko } = found;
    let shown = memory(wanted);
    Some(match most.filter(|most| *most > 0 && *most < wanted) {
        None => both!("{en}: ask for about {shown} on each node.", "{ko}. 노드당 약 {shown}를 요청하세요."),
        Some(most) => {
            let most = memory(most);
            both!(
                "{en}, and a node of its partition has at most {most}: spread it over more nodes, use less at once, or use a partition with larger nodes.",
                "{ko}. 이 파티션의 노드 메모리는 최대 {most}입니다. 더 많은 노드에 나누거나, 메모리를 덜 쓰게 하거나, 메모리가 더 큰 파티션을 사용하세요."
            )
        }
    })
}

fn timeout(facts: &Facts<'_>, findings: &Findings) -> Said {
    let limit = facts.job.time_limit.or_else(|| facts.usage.and_then(|usage| usage.time_limit));
    let why = match limit.map(duration) {
        Some(limit) => both!(
            "It was stopped after {limit}, the time it had asked for.",
            "요청한 시간({limit})이 지나 중지되었습니다."
        ),
        None => Pair("It was stopped at its time limit.", "시간 제한에 도달하여 중지되었습니다.").into(),
    };
    let last = findings
        .last_line
        .as_deref()
        .map(|line| both!("The last line of its output: “{line}”", "출력의 마지막 줄: “{line}”"));
    Said {
        code: "timeout",
        severity: Severity::Error,
        short: Pair("time limit reached", "시간 초과").into(),
        what: Pair("It reached its time limit", "시간 제한에 도달했습니다").into(),
        why: why.and_maybe(last),
        todo: more_time(facts, limit),
    }
}

/// How much time to ask for: twice as much, in whole hours from one hour on, as far as the partition allows.
fn more_time(facts: &Facts<'_>, limit: Option<u64>) -> Both {
    let save =
        Pair("Or let it save its state and go on from there.", "중간 상태를 저장해 이어서 실행하게 할 수도 있습니다.");
    let Some(limit) = limit.filter(|limit| *limit > 0) else {
        return Both::from(Pair("Submit it again with more time.", "시간을 늘려 다시 제출하세요.")).and(save);
    };
    let unit = if limit >= 1800 { 3600 } else { 60 };
    let wanted = limit.saturating_mul(2).div_ceil(unit).saturating_mul(unit);
    let partition = facts.partition_name();
    let has_partition = facts.partitions().next().is_some();
    match facts.partitions().filter_map(|partition| partition.max_time).max().filter(|_| has_partition) {
        Some(most) if most <= limit => {
            let most = duration(most);
            let longer = facts
                .cluster
                .partitions
                .iter()
                .find(|other| other.is_up && other.max_time.is_none_or(|time| time > limit));
            let elsewhere = longer.map(|other| {
                let other = name(&other.name);
                both!("Partition {other} allows more.", "{other} 파티션에서는 더 길게 요청할 수 있습니다.")
            });
            both!(
                "Partition {partition} allows no more than {most}: let it save its state and go on from there, or run on more CPUs.",
                "{partition} 파티션의 최대 시간은 {most}입니다. 중간 상태를 저장해 이어서 실행하거나 CPU를 늘리세요."
            )
            .and_maybe(elsewhere)
        }
        most => {
            let wanted = duration(most.map_or(wanted, |most| wanted.min(most)));
            let most = most.map(|most| {
                let most = duration(most);
                both!("Partition {partition} allows up to {most}.", "{partition} 파티션의 최대 시간은 {most}입니다.")
            });
            both!("Submit it again with more time, such as {wanted}.", "시간을 늘려(예: {wanted}) 다시 제출하세요.")
                .and_maybe(most)
                .and(save)
        }
    }
}

fn cancelled(facts: &Facts<'_>) -> Said {
    let reason = facts.job.reason.as_deref().unwrap_or_default();
    if reason.contains("DependencyNeverSatisfied") {
        return Said::fixed("cancelled_dependency", Severity::Warning, CANCELLED_DEPENDENCY);
    }
    let by = facts.cancelled_by.filter(|by| !by.trim().is_empty()).map(name);
    let never_started = facts.job.elapsed == 0
        && facts.job.node_list.as_deref().is_none_or(|nodes| nodes.is_empty() || nodes.contains("None"));
    let when = if never_started {
        both!("That was before it started.", "시작되기 전에 취소되었습니다.")
    } else {
        let time = duration(facts.job.elapsed);
        both!(
            "It had run for {time}. What it had written until then is still there.",
            "{time} 동안 실행된 뒤였습니다. 그때까지 기록된 결과는 그대로 남아 있습니다."
        )
    };
    let at = facts.job.end_time.filter(|time| *time > 0).map(|time| {
        let at = instant(time, facts.zone);
        both!("Time: {at}.", "시각: {at}.")
    });
    let why = match &by {
        Some(by) if *by == facts.job.user => {
            both!("Its owner {by} cancelled it.", "작업 소유자 {by} 사용자가 취소했습니다.")
        }
        Some(by) if by.chars().all(|c| c.is_ascii_digit()) => {
            both!("The user with number {by} cancelled it.", "사용자 번호 {by}인 사용자가 취소했습니다.")
        }
        Some(by) => both!("{by} cancelled it.", "{by} 사용자가 취소했습니다."),
        None => Pair("Somebody cancelled it.", "누군가 작업을 취소했습니다.").into(),
    };
    Said {
        code: if never_started { "cancelled_before_start" } else { "cancelled" },
        severity: Severity::Info,
        short: Pair("cancelled", "취소됨").into(),
        what: Pair("It was cancelled", "취소되었습니다").into(),
        why: why.and(when).and_maybe(at),
        todo: Both::default(),
    }
}

fn node_fail(facts: &Facts<'_>) -> Said {
    let mut said = with_nodes(Said::fixed("node_fail", Severity::Error, NODE_FAIL), facts);
    said.why = said.why.and_maybe(ran_for(facts));
    said
}

/// Adds its nodes, with what Slurm says of those that are out of service now.
fn with_nodes(mut said: Said, facts: &Facts<'_>) -> Said {
    let Some(list) = facts.job.node_list.as_deref().filter(|list| !list.is_empty()) else { return said };
    let shown = name(list);
    said.why = said.why.and(both!("Its nodes: {shown}.", "실행 노드: {shown}."));
    let own = crate::slurm::notation::hostlist::expand(list).unwrap_or_default();
    let own: std::collections::HashSet<&str> = own.iter().map(String::as_str).collect();
    let away = facts.cluster.nodes.iter().filter(|node| !node.is_online() && own.contains(node.name.as_str()));
    for node in away.take(3) {
        let (node_name, reason) = (name(&node.name), name(node.reason.as_deref().unwrap_or(&node.state_text)));
        said.why = said.why.and(both!(
            "{node_name} is out of service now: “{reason}”.",
            "{node_name} 노드는 현재 사용할 수 없습니다: “{reason}”."
        ));
    }
    let restarts = facts.more.restarts.unwrap_or(0);
    if restarts > 0 {
        let times = number(restarts.into());
        let word = if restarts == 1 { "time" } else { "times" };
        said.why = said.why.and(both!("It was started anew {times} {word}.", "지금까지 {times}번 재시작되었습니다."));
    }
    said
}

fn ran_for(facts: &Facts<'_>) -> Option<Both> {
    let time = Some(facts.job.elapsed).filter(|elapsed| *elapsed > 0).map(duration)?;
    Some(both!("It had run for {time}.", "{time} 동안 실행된 뒤였습니다."))
}

const AGAIN: Pair =
    Pair("Submit it again; Slurm chooses other nodes.", "다시 제출하면 Slurm이 다른 노드를 선택합니다.");

const NODE_FAIL: [Pair; 4] = [
    Pair("a node failed", "노드 장애"),
    Pair("A node failed", "노드에 장애가 발생했습니다"),
    Pair(
        "A node it ran on went down. That is not the job’s fault.",
        "실행 중이던 노드가 멈췄습니다. 작업의 문제가 아닙니다.",
    ),
    AGAIN,
];

const BOOT_FAIL: [Pair; 4] = [
    Pair("a node did not boot", "부팅 실패"),
    Pair("A node could not be started for it", "노드를 시작하지 못했습니다"),
    Pair(
        "The node did not come up in time. That is not the job’s fault.",
        "노드가 제시간에 부팅되지 않았습니다. 작업의 문제가 아닙니다.",
    ),
    AGAIN,
];

const PREEMPTED: [Pair; 4] = [
    Pair("made room for another job", "선점됨"),
    Pair("It had to make room", "다른 작업에 자리를 내주었습니다"),
    Pair("A job with a higher priority took its resources.", "우선순위가 더 높은 작업이 자원을 가져갔습니다."),
    Pair(
        "Submit it again, or use a QOS or partition that is not preempted. Let long jobs save their state.",
        "다시 제출하거나 선점되지 않는 QOS 또는 파티션을 사용하세요. 긴 작업은 중간 상태를 저장하세요.",
    ),
];

const DEADLINE: [Pair; 4] = [
    Pair("past its deadline", "기한 초과"),
    Pair("It could not end before its deadline", "지정한 기한까지 끝낼 수 없었습니다"),
    Pair(
        "Slurm removed it because its deadline had passed or could no longer be met.",
        "기한이 지났거나 맞출 수 없게 되어 Slurm이 제거했습니다.",
    ),
    Pair(
        "Submit it again with a later deadline or a shorter time limit.",
        "기한을 늦추거나 시간 제한을 줄여 다시 제출하세요.",
    ),
];

const CANCELLED_DEPENDENCY: [Pair; 4] = [
    Pair("dependency not met", "선행 조건 미충족"),
    Pair("Slurm cancelled it: its dependency can’t be met", "선행 조건을 충족할 수 없어 Slurm이 취소했습니다"),
    Pair(
        "The job it waited for ended in another way than this one requires.",
        "기다리던 작업이 요구한 조건과 다르게 끝났습니다.",
    ),
    Pair(
        "Submit it again once that job has succeeded, or without the dependency.",
        "그 작업이 성공한 뒤 또는 선행 조건 없이 다시 제출하세요.",
    ),
];

const FAILED_AT_ONCE: [Pair; 4] = [
    Pair("failed at once", "시작 직후 실패"),
    Pair("It failed at once, without any output", "시작하자마자 출력 없이 실패했습니다"),
    Pair(
        "Most often its output file can’t be written, its working folder is not on the node, or the node’s prolog failed.",
        "출력 파일을 쓸 수 없거나, 작업 폴더가 노드에 없거나, 노드의 prolog가 실패한 경우가 많습니다.",
    ),
    Pair(
        "Check that the working folder and the output’s folder exist on the nodes and that you may write there; then try it on another node.",
        "작업 폴더와 출력 폴더가 노드에 있고 쓰기 권한이 있는지 확인한 뒤, 다른 노드에서 다시 시도하세요.",
    ),
];
