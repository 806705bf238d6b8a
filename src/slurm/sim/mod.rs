//! A small simulated cluster inside this process that really runs the scripts.
//!
//! For the demo and for quick tests: `hardware` says what it is made of. Jobs are local processes of the user this
//! program runs as, each in a process group of its own with real output files and a clean environment. The rules are
//! in pure parts (`request` checks, `schedule` decides, `queue` remembers, `view` shows); this file ties them to the
//! clock and to processes. Nothing polls: a submission, a cancellation or an end makes the next decision.
//!
//! What differs from Slurm: time limits are kept to the second rather than rounded up to the minute, memory is counted
//! but not enforced, and a script that leaves its process group on purpose is not followed.

mod hardware;
mod options;
mod process;
mod queue;
mod request;
mod schedule;
mod shims;
mod view;

use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use rustix::process::{Pid, Signal};
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Node, Partition};
use slurmdash_api::jobs::{Job, JobState};
use tokio::process::Child;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{JobId, JobRecord, Slurm, SlurmError, Submission};
use hardware::CLUSTER;
use process::{Launch, Output, Person};
use queue::{Outcome, Phase, Queue};
use request::Request;

/// The simulated cluster. Dropping it kills everything it runs.
#[derive(Debug)]
pub struct Sim {
    inner: Arc<Inner>,
}

/// How the simulated cluster behaves.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// What a job gets between SIGTERM and SIGKILL (`KillWait`).
    pub kill_wait: Duration,
    /// How long a node is busy cleaning up after a job, which is `COMPLETING` meanwhile.
    pub epilog: Duration,
    /// The clock.
    pub now: fn() -> UnixSeconds,
}

impl Default for SimConfig {
    /// Two seconds to die, a fifth to clean up, the system's clock.
    fn default() -> Self {
        SimConfig { kill_wait: Duration::from_secs(2), epilog: Duration::from_millis(200), now: system_time }
    }
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    config: SimConfig,
    person: Person,
    queue: Mutex<Queue>,
    tasks: TaskTracker,
}

impl Sim {
    /// A cluster with nothing on it. `dir` is made if it is missing and holds scripts while they run; no two clusters
    /// may share one.
    pub fn new(dir: impl AsRef<Path>, config: SimConfig) -> std::io::Result<Sim> {
        let dir = dir.as_ref();
        let bin = dir.join("bin");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&bin)?;
        let dir = dir.canonicalize()?;
        shims::install(&bin)?;
        let inner = Inner {
            dir,
            config,
            person: Person::from_environment(),
            queue: Mutex::default(),
            tasks: TaskTracker::new(),
        };
        Ok(Sim { inner: Arc::new(inner) })
    }

    /// Kills everything and waits until it is gone. Nothing starts afterwards.
    pub async fn shutdown(&self) {
        self.inner.kill_all();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.inner.kill_all();
    }
}

/// The system's clock as Unix seconds.
pub fn system_time() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::try_from(since.as_secs()).unwrap_or(UnixSeconds::MAX)
}

fn refused(message: impl Into<String>) -> SlurmError {
    SlurmError::Refused { message: message.into() }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic elsewhere leaves the queue consistent enough to go on: every change is one method.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> UnixSeconds {
        (self.config.now)()
    }

    fn kill_all(&self) {
        for group in self.queue().close() {
            process::signal(group, Signal::KILL);
        }
    }

    /// Starts what fits, each job with a task that sees it to its end.
    fn dispatch(self: &Arc<Self>) {
        let started = self.queue().dispatch(self.now());
        for id in started {
            let inner = self.clone();
            self.tasks.spawn(async move { inner.run(id).await });
        }
    }

    async fn run(self: Arc<Self>, id: u32) {
        let prepared = {
            let queue = self.queue();
            queue.record(id).and_then(|record| match &record.phase {
                Phase::Running(running) => Some((Launch::of(record)?, running.stop.clone())),
                _ => None,
            })
        };
        let Some((launch, stop)) = prepared else { return };
        let launch = Arc::new(launch);
        let (inner, job) = (self.clone(), launch.clone());
        let launched = tokio::task::spawn_blocking(move || inner.launch(id, &job)).await;
        let outcome = match launched {
            Ok(Ok((child, group, output))) => self.supervise(id, &launch, child, group, output, &stop).await,
            Ok(Err(exit_code)) => {
                Outcome { state: JobState::Failed, exit_code, signal: None, reason: "JobLaunchFailure" }
            }
            Err(_) => Outcome { state: JobState::NodeFail, exit_code: 0, signal: None, reason: "JobLaunchFailure" },
        };
        self.queue().completing(id, true);
        tokio::time::sleep(self.config.epilog).await;
        // Nothing else uses the folder; what can't be removed is overwritten by the next cluster here.
        let _ = tokio::fs::remove_dir_all(process::job_dir(&self.dir, id)).await;
        self.queue().finish(id, outcome, self.now());
        self.dispatch();
    }

    /// Starts the job's process; answers the exit code that slurmstepd would give where that can't be.
    fn launch(&self, id: u32, launch: &Launch) -> Result<(Child, Pid, Output), i32> {
        let mut output = launch.open_output(&self.person).map_err(|_| 1)?;
        let child = launch.spawn(&self.dir, &self.person, &output).map_err(|error| {
            output.say(&format!("execve(): slurm_script: {error}"));
            2
        })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).ok_or(1)?;
        if !self.queue().launched(id, pid) {
            process::signal(pid, Signal::KILL);
        }
        Ok((child, pid, output))
    }

    /// Waits for the job's end, or brings it about at its time limit or when it is told to stop.
    async fn supervise(
        &self,
        id: u32,
        launch: &Launch,
        mut child: Child,
        group: Pid,
        mut output: Output,
        stop: &Notify,
    ) -> Outcome {
        let limit = Duration::from_secs(launch.time_limit());
        let why = tokio::select! {
            status = child.wait() => Err(status),
            () = stop.notified() => Ok(JobState::Cancelled),
            () = tokio::time::sleep(limit) => Ok(JobState::Timeout),
        };
        let outcome = match why {
            Err(status) => status.map_or(
                Outcome { state: JobState::NodeFail, exit_code: 0, signal: None, reason: "JobLaunchFailure" },
                ended,
            ),
            Ok(state) => {
                let (due, reason) = match state {
                    JobState::Timeout => (" DUE TO TIME LIMIT", "TimeLimit"),
                    _ => ("", "None"),
                };
                let at = jiff::Timestamp::from_second(self.now()).unwrap_or_default();
                let at = at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S");
                output.say(&format!("*** JOB {id} ON {} CANCELLED AT {at}{due} ***", launch.node()));
                self.queue().completing(id, false);
                process::signal(group, Signal::CONT);
                process::signal(group, Signal::TERM);
                if tokio::time::timeout(self.config.kill_wait, child.wait()).await.is_err() {
                    process::signal(group, Signal::KILL);
                    let _ = child.wait().await;
                }
                Outcome { state, exit_code: 0, signal: Some(Signal::TERM.as_raw()), reason }
            }
        };
        // What the script left in the background goes with it. Its number can't be somebody else's yet: numbers are
        // given out in turn, and the group keeps it while it has a process.
        process::signal(group, Signal::KILL);
        outcome
    }
}

/// How a process that ended by itself ended.
fn ended(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome { state: JobState::Completed, exit_code: 0, signal: None, reason: "None" },
        (Some(code), _) => {
            Outcome { state: JobState::Failed, exit_code: code, signal: None, reason: "NonZeroExitCode" }
        }
        (None, signal) => Outcome { state: JobState::Failed, exit_code: 0, signal, reason: "RaisedSignal" },
    }
}

#[async_trait]
impl Slurm for Sim {
    async fn shutdown(&self) {
        Sim::shutdown(self).await;
    }

    async fn cluster_name(&self) -> Result<String, SlurmError> {
        Ok(CLUSTER.to_owned())
    }

    async fn jobs(&self) -> Result<Vec<Job>, SlurmError> {
        let (queue, now) = (self.inner.queue(), self.inner.now());
        Ok(queue.records().map(|record| view::job(record, &self.inner.person, now)).collect())
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        let queue = self.inner.queue();
        Ok(queue.find(id).map(|record| view::full(record, &self.inner.person, self.inner.now())))
    }

    async fn nodes(&self) -> Result<Vec<Node>, SlurmError> {
        Ok(view::nodes(&self.inner.queue()))
    }

    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError> {
        Ok(view::partitions())
    }

    async fn submit(&self, submission: &Submission) -> Result<u32, SlurmError> {
        let request = Request::check(submission)?;
        if !tokio::fs::metadata(&request.work_dir).await.is_ok_and(|folder| folder.is_dir()) {
            return Err(refused(format!("Unable to change directory to {}", request.work_dir.display())));
        }
        let id = self.inner.queue().submit(request, self.inner.now())?;
        self.inner.dispatch();
        Ok(id)
    }

    async fn cancel(&self, id: &JobId) -> Result<(), SlurmError> {
        self.inner.queue().cancel(id, self.inner.now())?;
        self.inner.dispatch();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
