//! What every Slurm promises: the same cases on the simulated cluster and on a real one.
//!
//! All cases of a cluster run side by side in one test: most of their time is waiting.

#![expect(clippy::print_stdout, reason = "each case is reported by name")]

mod acted;
mod asked;
mod life;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use slurmdash::hands::local::Local;
use slurmdash::slurm::cli::{Cli, CliConfig};
use slurmdash::slurm::sim::{Sim, SimConfig};
use slurmdash::slurm::{Action, JobId, JobRecord, Settings, Slurm, SlurmError, Submission};
use slurmdash_api::jobs::{Job, JobState};
use tokio::time::Instant;

use acted::*;
use asked::*;
use life::*;

use crate::real::RealCluster;

/// One cluster under test.
struct Bench<'a> {
    slurm: &'a dyn Slurm,
    /// Who does it.
    person: Local,
    /// Where jobs run and write.
    dir: &'a Path,
    /// How long a condition may take to come true.
    patience: Duration,
    /// Between two looks.
    pause: Duration,
    /// slurm.conf of a real cluster, to bring a job's time limit forward: its own granularity is a minute.
    conf: Option<&'a Path>,
}

type Case = for<'a> fn(&'a Bench<'a>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A case by its name.
macro_rules! cases {
    ($($case:ident),* $(,)?) => { [$((stringify!($case), (|bench| Box::pin($case(bench))) as Case)),*] };
}

#[tokio::test]
async fn the_simulated_cluster_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::new(dir.path().join("sim"), SimConfig::default()).unwrap();
    let (patience, pause) = (Duration::from_secs(20), Duration::from_millis(20));
    run(&Bench { slurm: &sim, person: me(), dir: dir.path(), patience, pause, conf: None }).await;
    sim.shutdown().await;
}

#[tokio::test]
async fn a_real_cluster_keeps_the_contract() {
    let Some(cluster) = RealCluster::or_skip("slurm contract on a real cluster").await else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = CliConfig { slurm_conf: Some(cluster.conf.clone()), ..CliConfig::default() };
    let cli = Cli::new(config, Arc::new(me()));
    let (patience, pause) = (Duration::from_secs(75), Duration::from_millis(150));
    run(&Bench { slurm: &cli, person: me(), dir: dir.path(), patience, pause, conf: Some(&cluster.conf) }).await;
}

/// Runs every case, and reports each by name.
async fn run(bench: &Bench<'_>) {
    let cases = cases![
        a_job_runs_to_its_end,
        an_exit_code_fails_the_job,
        a_signal_fails_the_job,
        a_running_job_is_cancelled,
        a_job_runs_into_its_time_limit,
        resources_fill_up_and_come_free,
        array_tasks_run_each_with_its_index,
        waiting_array_tasks_are_cancelled,
        unknown_and_finished_jobs_are_told_apart,
        refusals_are_in_slurms_words,
        any_name_comes_back,
        settings_win_over_the_scripts_own,
        tasks_run_on_several_nodes,
        jobs_inherit_nothing,
        nodes_and_partitions_fit_together,
        every_controller_answers,
        variables_and_files_are_as_asked,
        nodes_and_memory_are_as_asked,
        a_scripts_lines_say_the_same,
        jobs_wait_for_their_time,
        jobs_wait_for_each_other,
        a_lost_answer_is_found_by_its_mark,
        a_forecast_submits_nothing,
        a_waiting_job_is_held_and_released,
        limits_and_priorities_change,
        a_running_job_is_suspended_and_goes_on,
        a_running_job_is_put_back,
        what_can_not_be_done_is_told_apart,
        one_waiting_task_is_held_alone,
        everything_slurm_says_is_shown,
        what_a_job_has_used_is_measured,
        tasks_of_an_array_are_measured_each,
    ];
    let results = join_all(cases.map(|(name, case)| async move {
        let begin = Instant::now();
        let result = AssertUnwindSafe(case(bench)).catch_unwind().await;
        println!(
            "{} {name} ({:.1} s)",
            if result.is_ok() { "ok    " } else { "FAILED" },
            begin.elapsed().as_secs_f64()
        );
        result.is_err().then_some(name)
    }))
    .await;
    let failed: Vec<&str> = results.into_iter().flatten().collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}

impl Bench<'_> {
    /// A script that writes to `<job id>.out`.
    fn script(&self, body: &str) -> Submission {
        Submission {
            script: format!("#!/bin/sh\n{body}\n"),
            settings: Settings { name: "contract".to_owned(), ..Settings::default() },
            work_dir: self.dir.to_owned(),
            stdout: self.dir.join("%j.out"),
            stderr: None,
            mark: "contract".to_owned(),
        }
    }

    async fn submit(&self, submission: &Submission) -> JobId {
        let job = self.slurm.submit(&self.person, submission).await.unwrap();
        assert!(job > 0);
        JobId { job, task: None }
    }

    async fn act(&self, id: &JobId, action: Action) -> Result<(), SlurmError> {
        self.slurm.act(&self.person, id, &action).await
    }

    async fn cancel(&self, id: &JobId) -> Result<(), SlurmError> {
        self.act(id, Action::Cancel).await
    }

    /// The partition that nodes with a feature are in; the default one on a real cluster has them all.
    fn partition_with(&self, feature: &str) -> Option<String> {
        self.conf.is_none().then(|| feature.to_owned())
    }

    async fn until_reason(&self, id: &JobId, reason: &str) -> JobRecord {
        self.until_reason_of(id, &[reason]).await
    }

    async fn until_reason_of(&self, id: &JobId, reasons: &[&str]) -> JobRecord {
        let mut last = None;
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            let record = self.record(id).await;
            if record.job.reason.as_deref().is_some_and(|reason| reasons.contains(&reason)) {
                return record;
            }
            last = Some(record);
            tokio::time::sleep(self.pause).await;
        }
        panic!("gave up waiting until {id} waits for {reasons:?}: {last:?}");
    }

    async fn record(&self, id: &JobId) -> JobRecord {
        self.slurm.job(id).await.unwrap().unwrap_or_else(|| panic!("Slurm does not know job {id}"))
    }

    /// Looks until it is so, within the bench's patience; answers what was found.
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < deadline, "gave up waiting until {what}");
            tokio::time::sleep(self.pause).await;
        }
    }

    async fn until_state(&self, id: &JobId, states: &[JobState]) -> JobRecord {
        let mut last = None;
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            let record = self.record(id).await;
            if states.contains(&record.job.state) {
                return record;
            }
            assert!(!record.job.state.is_final(), "{id} should become {states:?}: {record:?}");
            last = Some(record);
            tokio::time::sleep(self.pause).await;
        }
        panic!("gave up waiting until {id} is {states:?}: {last:?}");
    }

    /// Every record of an array, once as many as there are tasks are over.
    async fn until_all_over(&self, array: u32, tasks: usize) -> Vec<Job> {
        self.until("the array is over", async || {
            let jobs = self.slurm.jobs().await.unwrap();
            let of: Vec<Job> = jobs.into_iter().filter(|job| job.array_job_id == Some(array)).collect();
            (of.len() == tasks && of.iter().all(|job| job.state.is_final())).then_some(of)
        })
        .await
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.join(file)).unwrap_or_default()
    }
}

/// A loop that waits for a file, so that the test decides when a job goes on.
fn wait_for(file: &str) -> String {
    format!("while [ ! -e {file} ]; do sleep 0.1; done")
}

/// The submission with other settings.
fn with(mut submission: Submission, change: impl FnOnce(&mut Settings)) -> Submission {
    change(&mut submission.settings);
    submission
}

/// This process's own hands.
fn me() -> Local {
    Local::own(std::env::vars_os())
}
