//! Jobs that wait, for every reason that can be made here.
use serde_json::{Value, json};
use slurmdash_api::jobs::JobState;

use super::{Dashboard, Person, assert_explained, sleeper, sleeper_with, with};

/// A job that waits: who submits what, the beginning of Slurm's own reason, our word, and what the words must name.
struct Case<'a> {
    who: &'a Person<'a>,
    request: Value,
    /// Which of an array's tasks is looked at.
    task: &'a str,
    reason: &'a str,
    code: &'a str,
    named: &'a [&'a str],
}

#[tokio::test]
async fn real_waiting_jobs_say_why() {
    let Some(board) = Dashboard::start("why jobs wait").await else { return };
    let (alice, bob) = (board.sign_in(0).await, board.sign_in(1).await);
    let gpu = json!({"partition": "viz", "gpus": 1});
    // What the others wait for. The first of these keep the GPUs, the license, and the places of a QOS and an account.
    let mut running = Vec::new();
    for request in [
        with(sleeper(), gpu.clone()),
        with(sleeper(), gpu.clone()),
        sleeper_with("#SBATCH --licenses=fluent:1"),
        with(sleeper(), json!({"qos": "tiny"})),
        sleeper(),
    ] {
        running.push(alice.submit(request).await);
    }
    let failing = alice.submit(json!({"command": "exit 1"})).await;
    for id in &running {
        alice.until_state(id, JobState::Running).await;
    }
    alice.until_state(failing, JobState::Failed).await;
    let (after, never) = (format!("afterok:{}", running[4]), format!("afterok:{failing}"));
    let after_job = running[4].to_string();
    let after_job = [after_job.as_str()];
    let _drained = board.changed(
        "scontrol update nodename=node003 state=drain reason=broken-fan",
        "scontrol update nodename=node003 state=resume",
    );
    let _reserved = board.changed(
        &format!(
            "scontrol create reservation reservationname=later starttime=now+2hours duration=60 users={} nodes=node002",
            alice.name
        ),
        "scancel --reservation=later\nscontrol delete reservation=later",
    );

    let case = |request, reason, code, named| Case { who: &alice, request, task: "", reason, code, named };
    let cases = [
        case(with(sleeper(), gpu.clone()), "Resources", "resources", &["GPU", "viz"]),
        case(with(sleeper(), gpu), "Priority", "priority", &["viz"]),
        case(with(sleeper(), json!({"dependency": after})), "Dependency", "dependency", &after_job),
        case(with(sleeper(), json!({"dependency": never})), "DependencyNeverSatisfied", "dependency_never", &[]),
        case(with(sleeper(), json!({"begin": "now+1hour"})), "BeginTime", "begin_time", &[]),
        case(with(sleeper(), json!({"qos": "tiny"})), "QOSMaxJobsPerUserLimit", "qos_limit", &["tiny"]),
        case(sleeper_with("#SBATCH --licenses=fluent:1"), "Licenses", "licenses", &["fluent"]),
        case(sleeper_with("#SBATCH --nodelist=node003"), "ReqNodeNotAvail", "nodes_not_available", &["node003"]),
        case(with(sleeper(), json!({"partition": "closed"})), "PartitionDown", "partition_down", &["closed"]),
        case(with(sleeper(), json!({"reservation": "later"})), "Reservation", "reservation", &["later"]),
        Case {
            task: "_2",
            ..case(with(sleeper(), json!({"array": "0-3%1"})), "JobArrayTaskLimit", "array_task_limit", &[])
        },
        Case {
            who: &bob,
            ..case(
                with(sleeper(), json!({"qos": "tiny", "cpus_per_task": 3})),
                "QOSMaxCpuPerUserLimit",
                "qos_limit",
                &["tiny", "CPU"],
            )
        },
        Case {
            who: &bob,
            ..case(
                with(sleeper(), json!({"account": "chem", "cpus_per_task": 3})),
                "AssocGrpCpuLimit",
                "account_limit",
                &["chem", "CPU"],
            )
        },
    ];
    let mut ids = Vec::new();
    for case in &cases {
        ids.push(case.who.submit(case.request.clone()).await);
    }
    for (case, id) in cases.iter().zip(ids) {
        let id = format!("{id}{}", case.task);
        let has_reason = |job: &Value| job["reason"].as_str().is_some_and(|reason| reason.starts_with(case.reason));
        let job = case.who.until(id, case.reason, has_reason).await;
        assert_eq!(job["state"], "PENDING");
        assert_explained(&job, case.code, case.named);
    }
}

#[tokio::test]
async fn real_jobs_that_are_held_or_too_long_say_so() {
    let Some(board) = Dashboard::start("why held jobs wait").await else { return };
    let alice = board.sign_in(0).await;
    let later = with(sleeper(), json!({"begin": "now+1hour"}));
    let (own, admins) = (alice.submit(later.clone()).await, alice.submit(later.clone()).await);
    let long = alice.submit(with(later, json!({"partition": "short", "time": "2"}))).await;
    assert_eq!(alice.act("hold", &[own], json!({})).await, [None]);
    board.cluster.as_root("scontrol", &["hold", &admins.to_string()]);
    // A limit that was lowered when the job was in the queue already: Slurm refuses it at submission.
    let _lowered =
        board.changed("scontrol update partitionname=short maxtime=1", "scontrol update partitionname=short maxtime=2");
    board.cluster.as_root("scontrol", &["update", &format!("jobid={long}"), "starttime=now"]);
    for (id, reason, code, named) in [
        (own, "JobHeldUser", "held_by_user", &[][..]),
        (admins, "JobHeldAdmin", "held_by_admin", &[][..]),
        (long, "PartitionTimeLimit", "partition_time_limit", &["short", "02:00", "01:00"][..]),
    ] {
        // The partition's limit is looked at less often than jobs are.
        let is_told = |job: &Value| {
            let why = job["explanation"]["en"]["why"].as_str().unwrap_or_default();
            job["reason"] == reason && named.iter().all(|name| why.contains(name))
        };
        let job = alice.until(id, reason, is_told).await;
        assert_explained(&job, code, named);
    }
}
