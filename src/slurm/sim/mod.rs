//! A small simulated cluster inside this process that really runs the scripts.
//!
//! For the demo and for quick tests: `hardware` says what it is made of. Jobs are local processes of the user this
//! program runs as, each in a process group of its own with real output files and a clean environment. The rules are
//! in pure parts (`request` checks, `schedule` decides, `queue` remembers, `view` shows); this file ties them to the
//! clock and to processes (`life`). A submission, an order, an end or a time that was waited for makes the next
//! decision; what jobs use is looked at each second (`usage`), and a job that takes more memory than it asked for ends.
//!
//! It has two controllers, and a file takes one away (`controllers`): then the other does the work, and without both
//! nothing is answered.
//!
//! What differs from Slurm: time limits are kept to the second rather than rounded up to the minute, whoever orders
//! something may, a requeued job starts again at once, and a script that leaves its process group on purpose is not
//! followed.

mod act;
mod controllers;
mod dependency;
mod hardware;
mod life;
mod options;
mod process;
mod queue;
mod record;
mod request;
mod schedule;
mod shims;
mod usage;
mod view;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use rustix::process::Signal;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Controller, Node, Partition};
use slurmdash_api::jobs::{Job, JobForecast, JobRecordText};
use tokio_util::task::TaskTracker;

use super::{Action, JobId, JobRecord, Measured, Slurm, SlurmError, Submission, submission};
use crate::hands::Hands;
use hardware::CLUSTER;
use process::Person;
use queue::Queue;
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
    look: Arc<Mutex<usage::Look>>,
    /// When the queue is looked at again next.
    planned: Mutex<Option<UnixSeconds>>,
    tasks: TaskTracker,
}

impl Sim {
    /// A cluster with nothing on it. `dir` is made if it is missing and holds scripts while they run; no two clusters
    /// may share one.
    pub fn new(dir: impl AsRef<Path>, config: SimConfig) -> std::io::Result<Sim> {
        let dir = dir.as_ref();
        let bin = dir.join("bin");
        for folder in [&bin, &dir.join(controllers::AWAY)] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let dir = dir.canonicalize()?;
        shims::install(&bin)?;
        let inner = Inner {
            dir,
            config,
            person: Person::from_environment(),
            queue: Mutex::default(),
            look: Arc::default(),
            planned: Mutex::default(),
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

    /// Whether a controller is there for what `command` asks.
    fn reach(&self, command: &str) -> Result<(), SlurmError> {
        let answers = controllers::look(&self.dir).iter().any(|one| one.answers);
        let message = || "Unable to contact slurm controller (connect failure)".to_owned();
        let away = || SlurmError::Unavailable { command: command.to_owned(), message: message() };
        answers.then_some(()).ok_or_else(away)
    }

    fn kill_all(&self) {
        for group in self.queue().close() {
            process::signal(group, Signal::KILL);
        }
    }

    /// Starts what fits, each job with a task that sees it to its end, and sees to what waits for the clock.
    fn dispatch(self: &Arc<Self>) {
        let now = self.now();
        let (started, wake) = {
            let mut queue = self.queue();
            (queue.dispatch(now), queue.wake(now))
        };
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wake.filter(|wake| planned.is_none_or(|planned| planned <= now || *wake < planned)) {
            *planned = Some(wake);
            let (weak, pause) = (Arc::downgrade(self), Duration::from_secs(wake.abs_diff(now)));
            // Nobody waits for this one: it holds nothing, and finds nothing when the cluster is gone.
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                if let Some(inner) = weak.upgrade() {
                    inner.dispatch();
                }
            });
        }
        drop(planned);
        for id in started {
            let inner = self.clone();
            self.tasks.spawn(async move { inner.run(id).await });
        }
    }
}

#[async_trait]
impl Slurm for Sim {
    async fn shutdown(&self) {
        Sim::shutdown(self).await;
    }

    async fn cluster_name(&self) -> Result<String, SlurmError> {
        self.inner.reach("scontrol")?;
        Ok(CLUSTER.to_owned())
    }

    async fn jobs(&self) -> Result<Vec<Job>, SlurmError> {
        self.inner.reach("squeue")?;
        let (queue, now) = (self.inner.queue(), self.inner.now());
        Ok(queue.records().map(|record| view::job(record, &self.inner.person, now)).collect())
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        self.inner.reach("squeue")?;
        let queue = self.inner.queue();
        Ok(queue.find(id).map(|record| view::full(record, &self.inner.person, self.inner.now())))
    }

    async fn nodes(&self) -> Result<Vec<Node>, SlurmError> {
        self.inner.reach("scontrol")?;
        Ok(view::nodes(&self.inner.queue()))
    }

    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError> {
        self.inner.reach("scontrol")?;
        Ok(view::partitions())
    }

    async fn controllers(&self) -> Result<Vec<Controller>, SlurmError> {
        Ok(controllers::look(&self.inner.dir))
    }

    async fn submit(&self, _person: &dyn Hands, submission: &Submission) -> Result<u32, SlurmError> {
        self.inner.reach("sbatch")?;
        let request = Request::check(submission, self.inner.now())?;
        if !tokio::fs::metadata(&request.work_dir).await.is_ok_and(|folder| folder.is_dir()) {
            return Err(refused(format!("Unable to change directory to {}", request.work_dir.display())));
        }
        let id = self.inner.queue().submit(request, self.inner.now())?;
        self.inner.dispatch();
        Ok(id)
    }

    async fn test(&self, _person: &dyn Hands, submission: &Submission) -> Result<JobForecast, SlurmError> {
        self.inner.reach("sbatch")?;
        let now = self.inner.now();
        match Request::check(submission, now) {
            Ok(request) => Ok(self.inner.queue().forecast(&request, now)),
            Err(SlurmError::Refused { message }) => Ok(JobForecast {
                accepted: false,
                refusal: Some(message),
                start_time: None,
                cpus: None,
                node_list: None,
                partition: None,
            }),
            Err(error) => Err(error),
        }
    }

    async fn act(&self, _person: &dyn Hands, id: &JobId, action: &Action) -> Result<(), SlurmError> {
        self.inner.reach("scontrol")?;
        {
            let mut queue = self.inner.queue();
            // Sent before the next order: a resumed job must not be stopped by an order from before.
            for (group, signal) in queue.act(id, action, self.inner.now())? {
                process::signal(group, signal);
            }
        }
        self.inner.dispatch();
        Ok(())
    }

    async fn find(&self, mark: &str, since: UnixSeconds) -> Result<Option<u32>, SlurmError> {
        self.inner.reach("squeue")?;
        let queue = self.inner.queue();
        let mut found = queue.records().filter(|record| record.submitted >= since);
        let found = found.find(|record| submission::holds(&record.request.comment, mark));
        Ok(found.map(|record| record.array.as_ref().map_or(record.id, |part| part.job)))
    }

    async fn record_text(&self, _person: &dyn Hands, id: &JobId) -> Result<JobRecordText, SlurmError> {
        self.inner.reach("scontrol")?;
        let (queue, now) = (self.inner.queue(), self.inner.now());
        let texts = queue.targets(id).into_iter().map(|of| record::text(of, &view::full(of, &self.inner.person, now)));
        let text = texts.collect::<Vec<String>>().join("\n");
        Ok(JobRecordText { controller: Some(text).filter(|text| !text.is_empty()), accounting: None })
    }

    async fn measured(&self, _person: &dyn Hands, id: &JobId, _running: bool) -> Result<Measured, SlurmError> {
        self.inner.reach("scontrol")?;
        let (queue, now) = (self.inner.queue(), self.inner.now());
        let found = queue.find(id).map(|of| record::measured(of, &view::full(of, &self.inner.person, now)));
        Ok(found.unwrap_or_default())
    }
}

#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;
