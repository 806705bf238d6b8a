//! Jobs that ended, in every way that can be made here.
use serde_json::{Value, json};
use slurmdash_api::jobs::JobState;

use super::{Dashboard, assert_explained, sleeper, sleeper_with, with};

/// What the end of a job's output looks like, how it exits, and what must be said.
struct Case {
    command: &'static str,
    code: &'static str,
    named: &'static [&'static str],
}

const fn case(command: &'static str, code: &'static str, named: &'static [&'static str]) -> Case {
    Case { command, code, named }
}

/// Causes that a job's own script brings about or tells of.
const CASES: [Case; 13] = [
    case("echo starting; exit 3", "failed", &["3"]),
    case("no-such-solver --run", "command_not_found", &["no-such-solver"]),
    case("cat /no/such/input.dat", "missing_file", &["/no/such/input.dat"]),
    case("touch solver.sh; ./solver.sh", "permission_denied", &["solver.sh"]),
    case("cat /etc/shadow", "permission_denied", &["/etc/shadow"]),
    case("cat /etc/hostname > /dev/full", "no_space", &["No space left on device"]),
    case("kill -SEGV $$", "segmentation_fault", &[]),
    case("kill -KILL $$", "killed", &[]),
    case(
        "printf 'Traceback (most recent call last):\\n  File \"train.py\", line 3, in <module>\\nValueError: bad shape\\n' >&2; exit 1",
        "python_error",
        &["ValueError: bad shape"],
    ),
    case("echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1", "python_module_missing", &["torch"]),
    case(
        "echo \"cp: error writing 'out.h5': Disk quota exceeded\" >&2; exit 1",
        "quota_exceeded",
        &["Disk quota exceeded"],
    ),
    case(
        "echo 'MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD' >&2; exit 1",
        "mpi_abort",
        &["MPI_ABORT"],
    ),
    case(
        "echo 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB' >&2; exit 1",
        "gpu_out_of_memory",
        &["GPU", "CUDA out of memory"],
    ),
];

#[tokio::test]
async fn real_failed_jobs_say_why() {
    let Some(board) = Dashboard::start("why jobs failed").await else { return };
    let alice = board.sign_in(0).await;
    let mut ids = Vec::new();
    for case in &CASES {
        ids.push(alice.submit(json!({"command": case.command})).await);
    }
    for (case, id) in CASES.iter().zip(ids) {
        let job = alice.until_state(id, JobState::Failed).await;
        assert_explained(&job, case.code, case.named);
    }
    let good = alice.submit(json!({"command": "true"})).await;
    let job = alice.until_state(good, JobState::Completed).await;
    assert_eq!((&job["explanation"], &job["exit_code"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn real_jobs_that_slurm_ended_say_why() {
    let Some(board) = Dashboard::start("how Slurm ends jobs").await else { return };
    let alice = board.sign_in(0).await;
    let both_gpus = json!({"partition": "viz", "gpus": 2});
    let hungry = json!({"command": "head -c 300M /dev/zero | tail -c 300M >/dev/null", "memory": 60});
    let hungry = alice.submit(hungry).await;
    let slow = alice.submit(json!({"command": "echo computing; sleep 3600", "time": "1"})).await;
    let lost = alice.submit(sleeper_with("#SBATCH --no-requeue --nodelist=node002")).await;
    let unwanted = alice.submit(sleeper()).await;
    let weak = alice.submit(with(sleeper(), with(both_gpus.clone(), json!({"qos": "tiny"})))).await;
    for id in [slow, lost, unwanted, weak] {
        let job = alice.until_state(id, JobState::Running).await;
        assert_eq!(job["explanation"], Value::Null);
    }
    board.cluster.as_root("scontrol", &["update", &format!("jobid={slow}"), "endtime=now+1"]);
    assert_eq!(alice.act("cancel", &[unwanted], json!({})).await, [None]);
    alice.submit(with(sleeper(), with(both_gpus.clone(), json!({"qos": "high"})))).await;
    let late = json!({"script": "#!/bin/sh\n#SBATCH --deadline=now+70seconds\nsleep 10\n", "time": "1"});
    let late = alice.submit(with(late, both_gpus)).await;
    let _down = board.changed(
        "scontrol update nodename=node002 state=down reason=power",
        "scontrol update nodename=node002 state=resume",
    );
    for (id, state, code, named) in [
        // Where Slurm has no memory limits of the kernel's, it ends the job itself and calls it failed.
        (hungry, None, "out_of_memory", &["60"][..]),
        (lost, Some(JobState::NodeFail), "node_fail", &["node002"][..]),
        (unwanted, Some(JobState::Cancelled), "cancelled", &[][..]),
        (weak, Some(JobState::Preempted), "preempted", &[][..]),
        (slow, Some(JobState::Timeout), "timeout", &["01:00", "computing"][..]),
        (late, Some(JobState::Deadline), "deadline", &[][..]),
    ] {
        let over = |job: &Value| job["state"].as_str().is_some_and(|word| JobState::parse(word).is_final());
        let job = alice.until(id, "the end", over).await;
        assert!(state.is_none_or(|state| job["state"] == state.as_str()), "{job:#}");
        assert_explained(&job, code, named);
    }
}
