//! Whatever comes in, explanations come out sound, and in bounded time.
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use slurmdash_api::jobs::JobState;

use super::{Case, assert_sound};
use crate::jobs::explain::{explain, short};

fn states() -> impl Strategy<Value = JobState> {
    proptest::sample::select(JobState::ALL.to_vec())
}

/// Text in which the words that are looked for turn up in all places.
fn outputs() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "Traceback (most recent call last)",
        "\n",
        "\r",
        "\u{1b}[",
        "\u{1b}]",
        "m",
        ": command not found",
        "No such file or directory",
        "'",
        "\"",
        "‘",
        "가나다",
        "execve():",
        "Permission denied",
        "version `GLIBC",
        "not found",
        ":",
        " ",
        "[",
        "Killed",
        "task",
        "tried to allocate ",
        "GiB",
        "chdir to ",
        "modulefile for",
        "shared libraries:",
        "(rank",
        "Abort(",
        "\u{0}",
        "\u{202e}",
        "couldn't",
    ]);
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(any::<u8>(), 0..2000).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        proptest::collection::vec(words, 0..60).prop_map(|words| words.concat()),
    ]
}

proptest! {
    #[test]
    fn any_output_is_survived(output in outputs(), exit in any::<Option<i32>>(), signal in any::<Option<i32>>(), state in states()) {
        let mut case = Case::new(state);
        (case.exit_code, case.signal, case.output) = (exit, signal, Some(output));
        if let Some(told) = explain(&case.facts(&TimeZone::UTC)) {
            assert_sound(&told);
        }
    }

    #[test]
    fn any_facts_are_survived(
        texts in proptest::collection::vec(outputs(), 8),
        numbers in any::<(u32, u32, u32, u64, u64, i64, i64)>(),
        state in states(),
        code in proptest::sample::select(vec!["", "Resources", "Dependency", "Priority", "ReqNodeNotAvail, UnavailableNodes:", "QOSGrpMemLimit",
            "BadConstraints", "BeginTime", "PartitionNodeLimit", "PartitionTimeLimit", "JobArrayTaskLimit", "Licenses", "InvalidQOS"]),
    ) {
        let mut case = Case::new(state).with_cluster();
        let (nodes, cpus, gpus, memory, elapsed, start, end) = numbers;
        (case.job.nodes, case.job.cpus, case.job.gpus, case.job.memory) = (nodes, cpus, gpus, Some(memory));
        (case.job.elapsed, case.job.time_limit, case.job.start_time, case.job.end_time) = (elapsed, Some(memory), Some(start), Some(end));
        case.job.reason = Some(format!("{code}{}", texts[0]));
        (case.job.id, case.job.name, case.job.node_list) = (texts[1].clone(), texts[2].clone(), Some(texts[3].clone()));
        case.job.account = Some(texts[4].clone());
        case.more.dependency = Some(format!("afterok:{}", texts[5]));
        case.more.begin = Some(end);
        case.more.licenses = Some(texts[6].clone());
        case.cancelled_by = Some(texts[7].clone());
        case.nodes[2].reason = Some(texts[6].clone());
        case.jobs = vec![case.job.clone(); 3];
        if let Some(told) = explain(&case.facts(&TimeZone::UTC)) {
            assert_sound(&told);
        }
        let _ = short(&texts[0], state);
    }
}

#[test]
fn the_work_is_bounded_by_the_end_of_the_output() {
    let parts = [
        "execve():",
        "abort(",
        "unable to create step for job ",
        "Traceback (most recent call last)\n ",
        "'\"`",
        "\u{1b}[",
        "\r",
        ": ",
    ];
    for part in parts {
        let output = part.repeat(4_000_000 / part.len());
        let begin = Instant::now();
        Case::failed(1, &output).explain();
        // A quadratic search of 64 KiB takes many times as long, even in an unoptimised build.
        assert!(begin.elapsed() < Duration::from_secs(2), "{part:?} took {:?}", begin.elapsed());
    }
}

#[test]
fn a_cause_before_megabytes_of_progress_is_not_read_but_one_after_is() {
    let noise = "10%\r".repeat(1_000_000);
    assert_eq!(Case::failed(1, &format!("CUDA out of memory\n{noise}")).explain().code, "failed");
    assert_eq!(Case::failed(1, &format!("{noise}CUDA out of memory")).explain().code, "gpu_out_of_memory");
}
