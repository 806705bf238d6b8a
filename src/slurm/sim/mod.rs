//! A small simulated cluster inside this process that really runs the scripts.
//!
//! For the demo and for quick tests: [`hardware`] says what it is made of. Jobs are local processes of the user this
//! program runs as, each in a process group of its own with real output files and a clean environment. The rules are
//! in pure parts ([`request`] checks, [`schedule`] decides, [`queue`] remembers); this file ties them to the clock and
//! to processes. Nothing polls: a submission, a cancellation or an end makes the next decision.
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

use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use rustix::process::{Pid, Signal};
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Node, NodeState, Partition};
use slurmdash_api::jobs::{Job, JobState};
use tokio::process::Child;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::notation::{array, hostlist};
use super::{JobId, JobRecord, Slurm, SlurmError, Submission};
use hardware::{CLUSTER, NODES, PARTITIONS};
use process::{Launch, Output, Person};
use queue::{Outcome, Phase, Queue, Record};
use request::Request;
use schedule::{Memory, Share};

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
        let inner = Inner { dir, config, person: person(), queue: Mutex::default(), tasks: TaskTracker::new() };
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

/// Who runs this program, from its environment.
fn person() -> Person {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let name = text("USER").or_else(|| text("LOGNAME"));
    let name = name.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
    // Each with what it is where this program's own environment has none.
    let kept = [
        ("PATH", Some("/usr/local/bin:/usr/bin:/bin")),
        ("HOME", Some("/")),
        ("USER", Some(name.as_str())),
        ("LOGNAME", Some(name.as_str())),
        ("LANG", Some("C.UTF-8")),
        ("SHELL", None),
        ("LC_ALL", None),
        ("TZ", None),
    ];
    let value = |name: &str, fallback: Option<&str>| std::env::var_os(name).or_else(|| fallback.map(OsString::from));
    let environment = kept.into_iter().filter_map(|(name, fallback)| Some((name.into(), value(name, fallback)?)));
    Person { environment: environment.collect(), name: name.clone() }
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

    /// A record as the wire type.
    fn job(&self, record: &Record) -> Job {
        let now = self.now();
        let request = &record.request;
        let (state, reason, shares, start, end): (_, _, &[Share], _, _) = match &record.phase {
            Phase::Waiting { reason } => (JobState::Pending, *reason, &[], None, None),
            Phase::Running(running) => {
                let state = if running.completing { JobState::Completing } else { JobState::Running };
                let end = running.since.saturating_add_unsigned(request.time_limit);
                (state, "None", &running.shares, Some(running.since), Some(end))
            }
            Phase::Over(over) => {
                (over.outcome.state, over.outcome.reason, &over.shares, over.started, Some(over.ended))
            }
        };
        let ran_until = if state.is_final() { end.unwrap_or(now) } else { now };
        let (cpus, memory, gpus) = totals(request, shares);
        let names: Vec<&str> = shares.iter().map(|share| NODES[share.node].name).collect();
        Job {
            id: display_id(record),
            job_id: record.id,
            array_job_id: record.array.as_ref().map(|part| part.job),
            name: request.name.clone(),
            user: self.person.name.clone(),
            owner: None,
            account: request.account.clone(),
            partition: request.partition.name.to_owned(),
            qos: request.qos.clone(),
            state,
            reason: (reason != "None").then(|| reason.to_owned()),
            nodes: if shares.is_empty() {
                request.fewest_nodes
            } else {
                u32::try_from(shares.len()).unwrap_or(u32::MAX)
            },
            tasks: Some(request.shape.tasks),
            cpus,
            memory: Some(memory),
            gpus,
            node_list: (!names.is_empty()).then(|| hostlist::compress(&names)),
            submit_time: Some(record.submitted),
            start_time: start,
            end_time: end,
            time_limit: Some(request.time_limit),
            elapsed: start.map_or(0, |start| ran_until.saturating_sub(start).try_into().unwrap_or(0)),
            // As priority/basic counts down from here.
            priority: Some(u64::from(0xffff_0000_u32.saturating_sub(record.id))),
            template: None,
        }
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

/// CPUs, memory (MiB) and GPUs that a record has, or will have at least.
fn totals(request: &Request, shares: &[Share]) -> (u32, u64, u32) {
    if shares.is_empty() {
        let shape = &request.shape;
        let cpus = shape.tasks.saturating_mul(shape.cpus_per_task);
        let memory = match shape.memory {
            Memory::PerNode(memory) => memory.saturating_mul(u64::from(request.fewest_nodes)),
            Memory::PerCpu(memory) => memory.saturating_mul(u64::from(cpus)),
        };
        return (cpus, memory, shape.gpus.saturating_mul(request.fewest_nodes));
    }
    let gpus = shares.iter().map(|share| share.gpus.len()).sum::<usize>();
    (
        shares.iter().map(|share| share.cpus).sum(),
        shares.iter().map(|share| share.memory).sum(),
        u32::try_from(gpus).unwrap_or(u32::MAX),
    )
}

/// `123`, `123_4` or `123_[5-9%2]`.
fn display_id(record: &Record) -> String {
    let Some(part) = &record.array else {
        return record.id.to_string();
    };
    if let Some(task) = part.task() {
        return format!("{}_{task}", part.job);
    }
    let limit = record.request.array.as_ref().and_then(|array| array.limit);
    format!("{}_[{}]", part.job, array::format(&part.tasks, limit))
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
        Ok(self.inner.queue().records().map(|record| self.inner.job(record)).collect())
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        let queue = self.inner.queue();
        let Some(record) = queue.find(id) else { return Ok(None) };
        let job = self.inner.job(record);
        let node = job.node_list.as_deref().and_then(|list| hostlist::expand(list).ok()).unwrap_or_default();
        let node = node.first().map_or("", String::as_str);
        let (stdout, stderr) =
            process::paths(&record.request, record.id, record.array.as_ref(), &self.inner.person, node);
        let over = match &record.phase {
            Phase::Over(over) => Some(over.outcome),
            _ => None,
        };
        Ok(Some(JobRecord {
            job,
            exit_code: over.map(|over| over.exit_code),
            signal: over.and_then(|over| over.signal),
            work_dir: Some(record.request.work_dir.clone()),
            stdout: Some(stdout),
            stderr: Some(stderr),
        }))
    }

    async fn nodes(&self) -> Result<Vec<Node>, SlurmError> {
        let queue = self.inner.queue();
        let nodes = NODES.iter().zip(queue.free()).enumerate().map(|(nth, (kind, free))| {
            let cpus_allocated = kind.cpus.saturating_sub(free.cpus);
            let (state, state_text) = match (cpus_allocated, free.cpus) {
                (0, _) => (NodeState::Idle, "IDLE"),
                (_, 0) => (NodeState::Allocated, "ALLOCATED"),
                _ => (NodeState::Mixed, "MIXED"),
            };
            let within = PARTITIONS.iter().filter(|partition| partition.nodes.contains(&nth));
            Node {
                name: kind.name.to_owned(),
                state,
                state_text: state_text.to_owned(),
                cpus: kind.cpus,
                cpus_allocated,
                memory: kind.memory,
                memory_allocated: kind.memory.saturating_sub(free.memory),
                gpus: kind.gpus,
                gpus_allocated: kind.gpus.saturating_sub(u32::try_from(free.gpus.len()).unwrap_or(u32::MAX)),
                // The node isn't there to be measured: as busy as what it has given away.
                load: Some(f64::from(cpus_allocated)),
                reason: None,
                partitions: within.map(|partition| partition.name.to_owned()).collect(),
                features: kind.features.iter().map(|&feature| feature.to_owned()).collect(),
                version: None,
            }
        });
        Ok(nodes.collect())
    }

    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError> {
        let partitions = PARTITIONS.iter().enumerate().map(|(nth, partition)| {
            let nodes = &NODES[partition.nodes.clone()];
            Partition {
                name: partition.name.to_owned(),
                is_default: nth == 0,
                is_up: true,
                max_time: Some(partition.max_time),
                default_time: Some(partition.default_time),
                nodes: nodes.iter().map(|node| node.name.to_owned()).collect(),
                cpus: nodes.iter().map(|node| node.cpus).sum(),
                max_cpus_per_node: nodes.iter().map(|node| node.cpus).max().unwrap_or(0),
                max_memory_per_node: nodes.iter().map(|node| node.memory).max().unwrap_or(0),
                max_gpus_per_node: nodes.iter().map(|node| node.gpus).max().unwrap_or(0),
            }
        });
        Ok(partitions.collect())
    }

    async fn submit(&self, submission: &Submission) -> Result<u32, SlurmError> {
        let request = Request::check(submission)?;
        if !tokio::fs::metadata(&request.work_dir).await.is_ok_and(|folder| folder.is_dir()) {
            return Err(refused(format!("Unable to change directory to {}", request.work_dir.display())));
        }
        let id = self.inner.queue().submit(request, self.inner.now());
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
