//! States, exit codes, signals and memory.
use jiff::tz::TimeZone;
use slurmdash_api::jobs::{JobState, Severity, Step, Usage};

use super::{Case, NOW, partition};
use crate::jobs::explain::{explain, short};

#[test]
fn every_state_is_explained_or_needs_no_words() {
    for state in JobState::ALL {
        let case = Case::new(state);
        let told = explain(&case.facts(&TimeZone::UTC)).map(|told| told.code);
        let expected = match state {
            JobState::Pending => Some("scheduling"),
            JobState::Suspended => Some("suspended"),
            JobState::Failed => Some("failed"),
            JobState::Cancelled => Some("cancelled"),
            JobState::Timeout => Some("timeout"),
            JobState::NodeFail => Some("node_fail"),
            JobState::OutOfMemory => Some("out_of_memory"),
            JobState::Preempted => Some("preempted"),
            JobState::BootFail => Some("boot_fail"),
            JobState::Deadline => Some("deadline"),
            JobState::Running
            | JobState::Completed
            | JobState::Unknown
            | JobState::Configuring
            | JobState::Completing => None,
        };
        assert_eq!(told.as_deref(), expected, "{state:?}");
        if expected.is_some() {
            case.explain();
        }
    }
}

#[test]
fn memory_comes_with_numbers() {
    let mut case = Case::new(JobState::OutOfMemory);
    case.usage = Some(Usage { memory_peak: Some(4000), memory_available: Some(4096), ..Usage::default() });
    case.steps = vec![Step { id: "0".into(), state: Some(JobState::OutOfMemory), ..Step::default() }];
    let told = case.explain();
    assert_eq!(told.en.todo, "The run peaked at 3.9 GiB of 4 GiB: ask for about 6 GiB on each node.");
    assert_eq!(told.ko.todo, "최대 3.9 GiB / 4 GiB를 사용했습니다. 노드당 약 6 GiB를 요청하세요.");
    assert!(told.en.why.contains("4 GiB") && told.en.why.contains("step 0"), "{}", told.en.why);
    let mut small = partition("compute", None);
    small.max_memory_per_node = 5000;
    case.partitions = vec![small];
    assert!(case.explain().en.todo.contains("at most 4.8 GiB"));
}

#[test]
fn a_kill_near_the_limit_is_most_likely_memory() {
    let mut case = Case::new(JobState::Failed);
    case.signal = Some(9);
    assert_eq!(case.explain().code, "killed");
    case.usage = Some(Usage { memory_peak: Some(8000), ..Usage::default() });
    let told = case.explain();
    assert_eq!(told.code, "out_of_memory");
    assert!(told.en.what.contains("probably") && told.ko.what.contains("보입니다"));
}

#[test]
fn timeouts_say_how_far_it_came_and_how_long_next() {
    let mut case = Case::new(JobState::Timeout).with_cluster();
    case.output =
        Some("step 900/1000\n\nslurmstepd: error: *** JOB 7 ON n1 CANCELLED AT … DUE TO TIME LIMIT ***\n".into());
    let told = case.explain();
    assert!(told.en.why.contains("1:00:00") && told.en.why.contains("“step 900/1000”"), "{}", told.en.why);
    assert!(told.en.todo.contains("2:00:00") && told.en.todo.contains("1-00:00:00"), "{}", told.en.todo);
    case.job.time_limit = Some(86_400);
    case.partitions.push(partition("long", None));
    let told = case.explain();
    assert!(
        told.en.todo.contains("no more than 1-00:00:00") && told.en.todo.contains("Partition long"),
        "{}",
        told.en.todo
    );
    case.partitions.clear();
    case.job.time_limit = Some(240);
    assert!(case.explain().en.todo.contains("08:00"));
}

#[test]
fn cancellations_say_who_and_when() {
    let mut case = Case::new(JobState::Cancelled);
    case.job.node_list = Some("n1".into());
    case.cancelled_by = Some("ann".into());
    case.job.end_time = Some(NOW);
    let told = case.explain();
    assert_eq!((told.code.as_str(), told.severity), ("cancelled", Severity::Info));
    assert!(told.en.why.contains("owner ann") && told.en.why.contains("01:00") && told.en.why.contains("22:13 UTC"));
    (case.job.elapsed, case.job.node_list) = (0, Some("None assigned".into()));
    case.cancelled_by = Some("1001".into());
    let told = case.explain();
    assert_eq!(told.code, "cancelled_before_start");
    assert!(told.en.why.contains("number 1001") && told.en.why.contains("before it started"));
    case.job.reason = Some("DependencyNeverSatisfied".into());
    assert_eq!(case.explain().code, "cancelled_dependency");
}

#[test]
fn node_failures_name_the_node() {
    let mut case = Case::new(JobState::NodeFail).with_cluster();
    case.job.node_list = Some("n[2-3]".into());
    case.more.restarts = Some(2);
    let why = case.explain().en.why;
    assert!(
        why.contains("n[2-3]") && why.contains("n3 is out of service now: “disk failure”") && why.contains("2 times"),
        "{why}"
    );
}

#[test]
fn exit_codes_and_signals_have_words() {
    for (exit, signal, code) in [
        (Some(1), None, "failed"),
        (Some(2), None, "wrong_usage"),
        (Some(126), None, "not_executable"),
        (Some(127), None, "command_not_found"),
        (Some(255), None, "exit_255"),
        (Some(0), Some(53), "output_not_writable"),
        (Some(139), None, "segmentation_fault"),
        (Some(134), None, "aborted"),
        (Some(135), None, "bus_error"),
        (Some(132), None, "illegal_instruction"),
        (Some(136), None, "floating_point_exception"),
        (Some(137), None, "killed"),
        (Some(141), None, "broken_pipe"),
        (Some(143), None, "asked_to_end"),
        (Some(0), Some(11), "segmentation_fault"),
        (None, Some(0), "failed"),
        (Some(i32::MIN), Some(i32::MAX), "ended_by_signal"),
    ] {
        let mut case = Case::new(JobState::Failed);
        (case.exit_code, case.signal) = (exit, signal);
        let told = case.explain();
        assert_eq!((told.code.as_str(), told.severity), (code, Severity::Error), "{exit:?} {signal:?}");
    }
    for signal in 1..=64 {
        let mut case = Case::new(JobState::Failed);
        case.signal = Some(signal);
        assert!(case.explain().en.what.contains(&signal.to_string()));
    }
}

#[test]
fn a_signal_may_come_in_the_reason() {
    let mut case = Case::new(JobState::Failed);
    case.job.reason = Some("RaisedSignal:11(Segmentation_fault)".into());
    assert_eq!(case.explain().code, "segmentation_fault");
    assert_eq!(short("RaisedSignal:7(Bus_error)", JobState::Failed).unwrap().en, "bus error");
    assert_eq!(short("NonZeroExitCode", JobState::Failed), None);
    assert_eq!(short("JobLaunchFailure", JobState::Failed).unwrap().ko, "시작 실패");
    assert_eq!(short("None", JobState::Completed), None);
}

#[test]
fn failing_at_once_without_output_points_to_folders() {
    let mut case = Case::failed(1, " \n");
    assert_eq!(case.explain().code, "failed", "it ran for a minute");
    case.job.elapsed = 1;
    assert_eq!(case.explain().code, "failed_at_once");
    case.output = None;
    assert_eq!(case.explain().code, "failed", "nobody knows what it wrote");
    case.job.reason = Some("JobLaunchFailure".into());
    assert_eq!(case.explain().code, "failed_at_once");
}
