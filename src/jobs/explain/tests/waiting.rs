//! What the cluster around a waiting job adds.
use slurmdash_api::jobs::{Job, JobState, Severity};

use super::{Case, NOW, job, node, partition};
use slurmdash_api::cluster::NodeState;

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
}

#[test]
fn resources_say_what_is_asked_for_and_what_is_free() {
    let mut case = Case::waits("Resources").with_cluster();
    (case.job.nodes, case.job.cpus, case.job.memory) = (2, 16, Some(16_384));
    case.job.start_time = Some(NOW + 7200);
    case.more.scheduled_nodes = Some("n[1-2]".into());
    case.jobs = vec![
        Job { state: JobState::Running, end_time: Some(NOW + 1800), ..job(3) },
        Job { state: JobState::Running, end_time: Some(NOW + 600), ..job(4) },
        Job { state: JobState::Running, end_time: Some(NOW + 60), partition: "gpu".into(), ..job(5) },
    ];
    let told = case.explain();
    assert_eq!((told.code.as_str(), told.severity), ("resources", Severity::Info));
    contains(
        &told.en.why,
        &["2 nodes, each with 8 CPUs and 8 GiB of memory", "1 node has that free now", "3 of its 3 nodes"],
    );
    contains(&told.en.why, &["job 4 within 10:00, job 3 within 30:00", "2023-11-15 00:13 UTC (in 2:00:00)", "n[1-2]"]);
    assert!(!told.en.why.contains("job 5"), "another partition's job");
    contains(&told.ko.why, &["노드 2개(각각 CPU 8개, 메모리 8 GiB)", "작업 4(10:00 이내)"]);
}

#[test]
fn resources_that_no_node_has_are_a_warning() {
    let mut case = Case::waits("Resources").with_cluster();
    case.job.cpus = 17;
    let told = case.explain();
    assert_eq!(told.severity, Severity::Warning);
    contains(&told.en.todo, &["compute has 3 nodes", "at most 16 CPUs, 62.5 GiB and 0 GPUs"]);
    let mut case = Case::waits("Resources").with_cluster();
    (case.job.nodes, case.job.cpus) = (3, 3);
    let told = case.explain();
    assert_eq!(told.severity, Severity::Warning, "one of three is down");
    contains(&told.en.why, &["Only 2 of them are in service", "n3 (“disk failure”)"]);
}

#[test]
fn many_tasks_take_as_many_nodes_as_they_need() {
    let mut case = Case::waits("Resources").with_cluster();
    (case.job.tasks, case.job.cpus, case.more.memory_per_cpu) = (Some(32), 32, Some(1024));
    let told = case.explain();
    contains(&told.en.why, &["2 nodes, each with 16 CPUs and 16 GiB of memory"]);
    assert_eq!(told.severity, Severity::Info);
}

#[test]
fn priority_counts_those_before_it() {
    let mut case = Case::waits("Priority");
    case.job.priority = Some(100);
    let waits = |id: u32, priority| Job { state: JobState::Pending, priority: Some(priority), ..job(id) };
    case.jobs = vec![
        waits(1, 200),
        Job { id: "2_[0-9]".into(), ..waits(2, 100) },
        waits(3, 0),
        waits(9, 100),
        waits(8, 50),
        case.job.clone(),
    ];
    let told = case.explain();
    contains(&told.en.why, &["11 jobs are before it in partition compute"]);
    contains(&told.ko.why, &["앞선 작업이 11개"]);
}

#[test]
fn dependencies_name_jobs_and_their_states() {
    let mut case = Case::waits("Dependency");
    case.more.dependency = Some("afterok:12(unfulfilled):13_*+5,afterany:14,singleton".into());
    case.jobs = vec![
        Job { state: JobState::Running, ..job(12) },
        Job { id: "13_[1-4]".into(), array_job_id: Some(13), state: JobState::Pending, ..job(13) },
    ];
    let told = case.explain();
    contains(
        &told.en.why,
        &["the success of job 12 (now running)", "job 13_* (now waiting)", "the end of job 14", "named “job-7”"],
    );
    contains(&told.ko.why, &["작업 12 성공 후(현재 실행 중)"]);
    case.job.reason = Some("DependencyNeverSatisfied".into());
    case.jobs[0].state = JobState::Failed;
    let told = case.explain();
    assert_eq!(told.severity, Severity::Error);
    contains(&told.en.why, &["job 12 (now failed)", "can no longer"]);
    case.more.dependency = Some("afterok:".to_owned() + &vec!["5"; 100].join(":"));
    contains(&case.explain().en.why, &["95 more"]);
}

#[test]
fn times_and_limits_are_named() {
    let mut case = Case::waits("BeginTime");
    case.more.begin = Some(NOW + 3600);
    contains(&case.explain().en.why, &["2023-11-14 23:13 UTC (in 1:00:00)"]);
    case.more.restarts = Some(1);
    contains(&case.explain().en.why, &["started anew 1 time.", "start again"]);

    let mut case = Case::waits("PartitionTimeLimit").with_cluster();
    case.job.time_limit = Some(2 * 86_400);
    let told = case.explain();
    contains(&told.en.why, &["2-00:00:00", "1-00:00:00", "compute"]);
    contains(&told.ko.why, &["2-00:00:00", "1-00:00:00", "compute"]);
    case.job.time_limit = None;
    contains(&case.explain().en.why, &["unlimited"]);

    let mut case = Case::waits("PartitionNodeLimit").with_cluster();
    case.job.nodes = 4;
    contains(&case.explain().en.why, &["4 nodes; partition compute has 3 nodes"]);

    let mut case = Case::waits("JobArrayTaskLimit");
    case.job.id = "7_[4-9%2]".into();
    contains(&case.explain().en.why, &["At most 2 tasks"]);

    contains(&Case::waits("JobHeldUser").explain().en.todo, &["scontrol release 7"]);
    let mut case = Case::waits("Licenses");
    case.more.licenses = Some("solver:4".into());
    contains(&case.explain().en.why, &["solver:4"]);
}

#[test]
fn unavailable_nodes_come_with_slurms_reasons() {
    let case = Case::waits("ReqNodeNotAvail, UnavailableNodes:n[2-3]").with_cluster();
    let told = case.explain();
    contains(&told.en.why, &["n[2-3]", "n3 (“disk failure”)"]);
    contains(&told.ko.why, &["n3(“disk failure”)"]);
    assert!(!told.en.why.contains("n2 ("), "n2 is in service");
    let mut case = Case::waits("Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved").with_cluster();
    case.nodes.extend((0..20).map(|at| {
        let mut node = node(&format!("m{at}"), NodeState::Drain);
        node.reason = Some("firmware".into());
        node
    }));
    contains(&case.explain().en.why, &["m0, m1, m2, m3 and 16 more (“firmware”)"]);
}

#[test]
fn limits_say_what_is_in_use() {
    let mut case = Case::waits("QOSMaxCpuPerUserLimit");
    let other = |id, user: &str| Job { state: JobState::Running, user: user.into(), cpus: 30, ..job(id) };
    case.jobs = vec![other(1, "ann"), other(2, "ann"), other(3, "bob")];
    let told = case.explain();
    contains(&told.en.why, &["asks for 4 CPUs", "now: 60 CPUs"]);
    contains(&told.ko.why, &["CPU 4개", "CPU 60개"]);
    case.job.reason = Some("AssocGrpCpuLimit".into());
    contains(&case.explain().en.why, &["now: 90 CPUs"]);
    case.job.reason = Some("QOSMaxCpuPerJobLimit".into());
    let told = case.explain();
    assert_eq!(told.severity, Severity::Error);
    assert!(!told.en.why.contains("now:"));
}

#[test]
fn pauses_are_explained_when_they_last() {
    let mut case = Case::new(JobState::Configuring);
    case.job.start_time = Some(NOW - 10);
    let explain = |case: &Case| crate::jobs::explain::explain(&case.facts(&jiff::tz::TimeZone::UTC));
    assert_eq!(explain(&case), None);
    case.job.start_time = Some(NOW - 300);
    contains(&case.explain().en.why, &["05:00 so far"]);
    let mut case = Case::new(JobState::Completing);
    case.job.end_time = Some(NOW - 3600);
    assert_eq!(case.explain().severity, Severity::Warning);
    assert_eq!(Case::new(JobState::Suspended).explain().code, "suspended");
}

#[test]
fn a_partition_list_counts_every_partition() {
    let mut case = Case::waits("PartitionTimeLimit").with_cluster();
    case.job.partition = "compute,long".into();
    case.job.time_limit = Some(10 * 86_400);
    case.partitions.push(partition("long", Some(7 * 86_400)));
    contains(&case.explain().en.why, &["7-00:00:00"]);
}
