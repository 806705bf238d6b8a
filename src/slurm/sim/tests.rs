//! What only the simulated cluster promises; what every Slurm promises is in `tests/it/slurm_contract/`.
use std::path::Path;
use std::time::Duration;

use slurmdash_api::cluster::NodeState;
use slurmdash_api::jobs::JobState;

use super::*;
use crate::hands::local::Local;
use crate::slurm::Settings;

fn sim(dir: &Path) -> Sim {
    let config = SimConfig { kill_wait: Duration::from_millis(300), epilog: Duration::ZERO, ..SimConfig::default() };
    Sim::new(dir.join("sim"), config).unwrap()
}

fn script(dir: &Path, body: &str) -> Submission {
    let settings = Settings { name: "a test".to_owned(), ..Settings::default() };
    let (script, work_dir) = (format!("#!/bin/sh\n{body}\n"), dir.to_owned());
    Submission { script, settings, work_dir, stdout: "%j.out".into(), ..Submission::default() }
}

/// The submission with other settings.
fn with(mut submission: Submission, change: impl FnOnce(&mut Settings)) -> Submission {
    change(&mut submission.settings);
    submission
}

fn me() -> Local {
    Local::own(std::env::vars_os())
}

async fn record(sim: &Sim, id: u32) -> JobRecord {
    sim.job(&JobId { job: id, task: None }).await.unwrap().unwrap()
}

async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !reached().await {
        assert!(tokio::time::Instant::now() < deadline, "gave up waiting until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs a submission to its end; answers the record and the output.
async fn run(sim: &Sim, submission: &Submission) -> (JobRecord, String) {
    let id = sim.submit(&me(), submission).await.unwrap();
    until("it is over", async || record(sim, id).await.job.state.is_final()).await;
    let record = record(sim, id).await;
    let output = std::fs::read_to_string(record.stdout.as_ref().unwrap()).unwrap_or_default();
    (record, output)
}

fn alive(pid: i32) -> bool {
    // A zombie that nobody has waited for yet is dead.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn pid_in(file: &Path) -> i32 {
    let read = || std::fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'));
    until("the pid is written", async || read().is_some()).await;
    read().unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn jobs_find_slurms_environment_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let asked = with(script(dir.path(), "env | sort"), |s| {
        s.partition = Some("viz".to_owned());
        s.gpus = Some(1);
        s.nodes = Some(2);
        s.tasks = Some(3);
        s.cpus_per_task = Some(2);
    });
    let (record, output) = run(&sim, &asked).await;
    assert_eq!(record.job.state, JobState::Completed, "{output}");
    for line in [
        "SLURM_JOB_ID=1001",
        "SLURM_JOB_NAME=a test",
        "SLURM_NTASKS=3",
        "SLURM_CPUS_PER_TASK=2",
        "SLURM_JOB_NODELIST=viz[001-002]",
        "SLURM_JOB_CPUS_PER_NODE=4,2",
        "SLURM_TASKS_PER_NODE=2,1",
        "SLURMD_NODENAME=viz001",
        "CUDA_VISIBLE_DEVICES=0",
        &format!("SLURM_SUBMIT_DIR={}", dir.path().display()),
    ] {
        assert!(output.lines().any(|found| found == line), "{line} is missing from:\n{output}");
    }
    for line in output.lines() {
        let name = line.split('=').next().unwrap();
        let known = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "HOSTNAME", "ENVIRONMENT"];
        let known = known.contains(&name) || ["PWD", "OLDPWD", "SHLVL", "_", "CUDA_VISIBLE_DEVICES"].contains(&name);
        assert!(known || name.starts_with("SLURM"), "{name} is inherited");
    }
    assert_eq!((record.job.gpus, record.job.cpus, record.job.nodes), (2, 6, 2));
}

#[tokio::test]
async fn srun_runs_each_task_with_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let body = "srun --mpi=pmix -l sh -c 'echo $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID $(hostname) $SLURM_NTASKS' | sort\n\
        echo alone: $(srun -n1 --cpu-bind=none -c 2 echo one)\n\
        echo in: $(echo text | srun -N2 -n 2 cat)\n\
        scontrol show hostnames \"$SLURM_JOB_NODELIST\"\n\
        srun sh -c 'exit $SLURM_PROCID'; echo worst $?\n\
        srun -n many true; echo bad $?";
    let asked = with(script(dir.path(), body), |s| {
        s.nodes = Some(2);
        s.tasks = Some(3);
    });
    let (_, output) = run(&sim, &asked).await;
    for line in [
        "0: 0 0 0 node001 3",
        "1: 1 0 1 node001 3",
        "2: 2 1 0 node002 3",
        "alone: one",
        "in: text",
        "node001",
        "node002",
        "srun: error: node001: task 1: Exited with exit code 1",
        "srun: error: node002: task 2: Exited with exit code 2",
        "worst 2",
        "srun: error: Invalid numeric value \"many\" for --ntasks.",
        "bad 1",
    ] {
        assert!(output.lines().any(|found| found == line), "{line} is missing from:\n{output}");
    }
}

#[tokio::test]
async fn a_job_that_ignores_sigterm_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let body = "trap '' TERM\nsleep 1000 &\necho $! > child\nwhile :; do sleep 1000; done";
    let id = sim.submit(&me(), &with(script(dir.path(), body), |s| s.time = Some("0:01".to_owned()))).await.unwrap();
    let child = pid_in(&dir.path().join("child")).await;
    until("it is completing", async || record(&sim, id).await.job.state == JobState::Completing).await;
    assert!(alive(child));
    until("it is over", async || record(&sim, id).await.job.state == JobState::Timeout).await;
    until("its child is gone", async || !alive(child)).await;
    let output = std::fs::read_to_string(dir.path().join(format!("{id}.out"))).unwrap();
    assert!(output.contains("DUE TO TIME LIMIT ***"), "{output}");
}

#[tokio::test]
async fn what_a_script_leaves_behind_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    run(&sim, &script(dir.path(), "sleep 1000 & echo $! > child")).await;
    let child = pid_in(&dir.path().join("child")).await;
    until("its child is gone", async || !alive(child)).await;
    let left = std::fs::read_dir(dir.path().join("sim/jobs")).unwrap().count();
    assert_eq!(left, 0, "scripts are removed");
}

#[tokio::test]
async fn dropping_or_shutting_down_kills_everything() {
    let dir = tempfile::tempdir().unwrap();
    for (nth, shut_down) in [true, false].into_iter().enumerate() {
        let sim = sim(&dir.path().join(nth.to_string()));
        let file = dir.path().join(format!("child{nth}"));
        let body = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait", file.display());
        sim.submit(&me(), &script(dir.path(), &body)).await.unwrap();
        let child = pid_in(&file).await;
        if shut_down {
            sim.shutdown().await;
            assert!(sim.jobs().await.unwrap()[0].state.is_final());
        }
        drop(sim);
        until("its child is gone", async || !alive(child)).await;
    }
}

#[tokio::test]
async fn a_job_that_can_not_start_fails_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let mut asked = script(dir.path(), "");
    asked.script = "#!/no/such/interpreter\n".to_owned();
    let (record, output) = run(&sim, &asked).await;
    assert_eq!((record.job.state, record.exit_code), (JobState::Failed, Some(2)));
    assert!(output.starts_with("slurmstepd: error: execve()"), "{output}");
    let (record, _) = run(&sim, &Submission { stdout: "/no/such/folder/out".into(), ..script(dir.path(), "") }).await;
    assert_eq!((record.job.state, record.exit_code), (JobState::Failed, Some(1)));
    let missing = Submission { work_dir: "/no/such/folder".into(), ..script(dir.path(), "") };
    assert!(matches!(sim.submit(&me(), &missing).await, Err(SlurmError::Refused { .. })));
}

#[tokio::test]
async fn arrays_split_into_tasks_and_keep_to_their_limit() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let body = "while [ ! -e go ]; do sleep 0.02; done; echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID";
    let asked = Submission {
        stdout: "%A_%a.out".into(),
        ..with(script(dir.path(), body), |s| s.array = Some("1,3,5-9:2%2".to_owned()))
    };
    let id = sim.submit(&me(), &asked).await.unwrap();
    let jobs = sim.jobs().await.unwrap();
    let seen: Vec<_> = jobs.iter().map(|job| (job.id.as_str(), job.state, job.reason.as_deref())).collect();
    assert_eq!(
        seen,
        [
            ("1001_[5,7,9%2]", JobState::Pending, Some("JobArrayTaskLimit")),
            ("1001_1", JobState::Running, None),
            ("1001_3", JobState::Running, None),
        ]
    );
    sim.act(&me(), &JobId { job: id, task: Some(7) }, &Action::Cancel).await.unwrap();
    let cancelled = sim.job(&JobId { job: id, task: Some(7) }).await.unwrap().unwrap();
    assert_eq!((cancelled.job.id.as_str(), cancelled.job.state), ("1001_7", JobState::Cancelled));
    std::fs::write(dir.path().join("go"), "").unwrap();
    until("all are over", async || sim.jobs().await.unwrap().iter().all(|job| job.state.is_final())).await;
    for task in [1, 3, 5, 9] {
        let output = std::fs::read_to_string(dir.path().join(format!("{id}_{task}.out"))).unwrap();
        assert_eq!(output, format!("{id} {task}\n"));
    }
    assert_eq!(sim.jobs().await.unwrap().len(), 5, "the last task keeps the array's own number");
}

#[tokio::test]
async fn many_jobs_pass_through() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let asked = Submission { stdout: "/dev/null".into(), ..script(dir.path(), "") };
    for _ in 0..150 {
        sim.submit(&me(), &asked).await.unwrap();
    }
    until("all are over", async || sim.jobs().await.unwrap().iter().all(|job| job.state.is_final())).await;
    let jobs = sim.jobs().await.unwrap();
    assert!(jobs.iter().all(|job| job.state == JobState::Completed));
    assert!(sim.nodes().await.unwrap().iter().all(|node| node.state == NodeState::Idle && node.memory_allocated == 0));
}

#[tokio::test]
async fn a_job_that_takes_more_memory_than_it_asked_for_ends() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    // The shell itself holds the text.
    let greedy = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); while :; do sleep 0.1; done";
    let (over, output) = run(&sim, &with(script(dir.path(), greedy), |s| s.memory = Some(30))).await;
    assert_eq!((over.job.state, over.job.reason.as_deref()), (JobState::OutOfMemory, Some("OutOfMemory")));
    assert!(output.contains("oom_kill"), "{output}");
    let measured = sim.measured(&me(), &JobId { job: over.job.job_id, task: None }, false).await.unwrap();
    assert!(measured.usage.memory_peak > measured.usage.memory_available, "{measured:?}");
}

#[tokio::test]
async fn a_suspended_job_stands_still_and_its_time_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let sim = sim(dir.path());
    let body = "i=0; while [ ! -e go ]; do i=$((i+1)); echo $i >> beat; sleep 0.02; done";
    let id = sim.submit(&me(), &with(script(dir.path(), body), |s| s.time = Some("0:02".to_owned()))).await.unwrap();
    let job = JobId { job: id, task: None };
    let beat = dir.path().join("beat");
    until("it beats", async || beat.exists()).await;
    sim.act(&me(), &job, &Action::Suspend).await.unwrap();
    let pid = sim.inner.queue().record(id).and_then(|record| match &record.phase {
        queue::Phase::Running(running) => running.group,
        _ => None,
    });
    let stat = format!("/proc/{}/stat", pid.unwrap().as_raw_nonzero());
    until("it is stopped", async || std::fs::read_to_string(&stat).unwrap().contains(") T ")).await;
    assert_eq!(record(&sim, id).await.job.state, JobState::Suspended);
    let stands = std::fs::read(&beat).unwrap();
    // Well over its time limit.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(std::fs::read(&beat).unwrap(), stands);
    assert_eq!(record(&sim, id).await.job.state, JobState::Suspended);
    sim.act(&me(), &job, &Action::Resume).await.unwrap();
    until("it goes on", async || std::fs::read(&beat).unwrap().len() > stands.len()).await;
    std::fs::write(dir.path().join("go"), "").unwrap();
    until("it is over", async || record(&sim, id).await.job.state == JobState::Completed).await;
}
