//! What is done with jobs, and what is asked about one.

use slurmdash::slurm::{Action, JobId, SlurmError};
use slurmdash_api::jobs::{JobState, Source};

use super::{Bench, wait_for, with};

pub async fn a_waiting_job_is_held_and_released(bench: &Bench<'_>) {
    let id = bench.submit(&with(bench.script(""), |s| s.begin = Some("now+1hour".to_owned()))).await;
    bench.act(&id, Action::Hold).await.unwrap();
    let held = bench.until_reason_of(&id, &["JobHeldUser", "JobHeldAdmin"]).await;
    assert_eq!((held.job.state, held.job.priority), (JobState::Pending, Some(0)));
    bench.act(&id, Action::Release).await.unwrap();
    let free = bench.until_reason(&id, "BeginTime").await;
    assert!(free.job.priority > Some(0));
    for action in [Action::Suspend, Action::Resume, Action::Requeue] {
        let refused = bench.act(&id, action.clone()).await;
        assert!(
            matches!(&refused, Err(SlurmError::Refused { message }) if message.contains("pending")),
            "{action:?}: {refused:?}"
        );
    }
    bench.cancel(&id).await.unwrap();
}

pub async fn limits_and_priorities_change(bench: &Bench<'_>) {
    let id = bench.submit(&with(bench.script(""), |s| s.begin = Some("now+1hour".to_owned()))).await;
    bench.act(&id, Action::TimeLimit(7 * 60)).await.unwrap();
    bench.act(&id, Action::Nice(42)).await.unwrap();
    let record = bench.record(&id).await;
    assert_eq!((record.job.time_limit, record.more.nice), (Some(420), Some(42)));
    bench.cancel(&id).await.unwrap();
}

pub async fn a_running_job_is_suspended_and_goes_on(bench: &Bench<'_>) {
    let go = format!("go-{}", fastrand::u64(..));
    let id = bench.submit(&bench.script(&wait_for(&go))).await;
    bench.until_state(&id, &[JobState::Running]).await;
    let refused = bench.act(&id, Action::Resume).await;
    assert!(
        matches!(&refused, Err(SlurmError::Refused { message }) if message.contains("not suspended")),
        "{refused:?}"
    );
    bench.act(&id, Action::Suspend).await.unwrap();
    bench.until_state(&id, &[JobState::Suspended]).await;
    bench.act(&id, Action::Resume).await.unwrap();
    bench.until_state(&id, &[JobState::Running]).await;
    std::fs::write(bench.dir.join(&go), "").unwrap();
    bench.until_state(&id, &[JobState::Completed]).await;
}

pub async fn a_running_job_is_put_back(bench: &Bench<'_>) {
    let id = bench.submit(&bench.script("echo run >> runs-$SLURM_JOB_ID; sleep 1000")).await;
    bench.until_state(&id, &[JobState::Running]).await;
    let runs = format!("runs-{id}");
    bench.until("it has begun", async || (bench.read(&runs) == "run\n").then_some(())).await;
    bench.act(&id, Action::Requeue).await.unwrap();
    // Slurm makes a requeued job wait for a while; that it is back is enough.
    let again = bench
        .until("it is back", async || Some(bench.record(&id).await).filter(|record| record.more.restarts == Some(1)))
        .await;
    assert!(!again.job.state.is_final(), "{again:?}");
    bench.cancel(&id).await.unwrap();
}

pub async fn what_can_not_be_done_is_told_apart(bench: &Bench<'_>) {
    let unknown = JobId { job: 4_000_000, task: None };
    let finished = bench.submit(&bench.script("")).await;
    bench.until_state(&finished, &[JobState::Completed]).await;
    for action in
        [Action::Hold, Action::Release, Action::Suspend, Action::Resume, Action::TimeLimit(60), Action::Nice(1)]
    {
        let refused = bench.act(&unknown, action.clone()).await;
        assert_eq!(refused, Err(SlurmError::NoSuchJob(unknown.clone())), "{action:?}");
        let refused = bench.act(&finished, action.clone()).await;
        assert_eq!(refused, Err(SlurmError::AlreadyFinished(finished.clone())), "{action:?}");
    }
    assert_eq!(bench.act(&unknown, Action::Requeue).await, Err(SlurmError::NoSuchJob(unknown)));
}

pub async fn one_waiting_task_is_held_alone(bench: &Bench<'_>) {
    let asked = with(bench.script("sleep 1000"), |s| s.array = Some("0-2%1".to_owned()));
    let id = bench.submit(&asked).await;
    let task = |task| JobId { job: id.job, task: Some(task) };
    bench.until_state(&task(0), &[JobState::Running]).await;
    bench.act(&task(2), Action::Hold).await.unwrap();
    let held = bench.until_reason_of(&task(2), &["JobHeldUser", "JobHeldAdmin"]).await;
    assert_eq!(held.job.id, format!("{id}_2"));
    assert_eq!(bench.act(&task(9), Action::Hold).await, Err(SlurmError::NoSuchJob(task(9))));
    bench.cancel(&id).await.unwrap();
}

pub async fn everything_slurm_says_is_shown(bench: &Bench<'_>) {
    let hostile = "x\nJobState=FAILED";
    let id = bench.submit(&with(bench.script("sleep 1000"), |s| hostile.clone_into(&mut s.name))).await;
    let record = bench.until_state(&id, &[JobState::Running]).await;
    assert_eq!(record.source, Source::Controller);
    let text = bench.slurm.record_text(&bench.person, &id).await.unwrap();
    let controller = text.controller.unwrap();
    assert!(controller.starts_with(&format!("JobId={id} JobName=x")), "{controller}");
    assert!(controller.contains("JobState=RUNNING") && controller.contains("StdOut="), "{controller}");
    bench.cancel(&id).await.unwrap();
    let nobody = JobId { job: 4_000_000, task: None };
    let text = bench.slurm.record_text(&bench.person, &nobody).await.unwrap();
    assert_eq!((text.controller, text.accounting), (None, None));
}

pub async fn what_a_job_has_used_is_measured(bench: &Bench<'_>) {
    // As much work on a busy machine as on an idle one, and time enough to be looked at.
    let body = "i=0; while [ $i -lt 1000000 ]; do i=$((i + 1)); done; sleep 2";
    let id = bench.submit(&bench.script(body)).await;
    let running = bench.until_state(&id, &[JobState::Running]).await;
    let now = bench.slurm.measured(&bench.person, &id, true).await.unwrap();
    assert_eq!(now.usage.time_limit, running.job.time_limit);
    let over = bench.until_state(&id, &[JobState::Completed]).await;
    let text = bench.slurm.record_text(&bench.person, &id).await.unwrap();
    let accounts = bench.conf.is_none() || text.accounting.is_some();
    // Accounting hears of a step's end a little later than the controller of the job's.
    let measured = bench
        .until("its figures are there", async || {
            let measured = bench.slurm.measured(&bench.person, &id, false).await.unwrap();
            (!accounts || measured.usage.cpu_seconds.is_some()).then_some(measured)
        })
        .await;
    assert!(measured.usage.elapsed >= 1 && measured.usage.elapsed.abs_diff(over.job.elapsed) <= 1, "{measured:?}");
    assert!(measured.usage.cpu_seconds_available.is_some_and(|seconds| seconds >= 1.0), "{measured:?}");
    assert!(measured.usage.memory_available.is_some(), "{measured:?}");
    if !accounts {
        assert_eq!(measured.steps, [], "nobody counts");
        return;
    }
    let batch = measured.steps.iter().find(|step| step.id == "batch").unwrap();
    assert_eq!((batch.state, batch.exit_code), (Some(JobState::Completed), Some(0)));
    assert!(batch.cpu_seconds.is_some_and(|seconds| seconds > 0.1), "{measured:?}");
    assert!(measured.usage.memory_peak.is_some_and(|peak| peak > 0), "{measured:?}");
}

pub async fn tasks_of_an_array_are_measured_each(bench: &Bench<'_>) {
    let go = format!("go-{}", fastrand::u64(..));
    let asked = with(bench.script(&wait_for(&go)), |s| s.array = Some("0-1".to_owned()));
    let id = bench.submit(&asked).await;
    let tasks = [0, 1].map(|task| JobId { job: id.job, task: Some(task) });
    for task in &tasks {
        bench.until_state(task, &[JobState::Running]).await;
        let measured = bench.slurm.measured(&bench.person, task, true).await.unwrap();
        let batches = measured.steps.iter().filter(|step| step.id == "batch").count();
        assert!(batches <= 1, "{measured:?}");
    }
    std::fs::write(bench.dir.join(&go), "").unwrap();
    bench.until_all_over(id.job, 2).await;
}
