//! One job's life as a process, from its start to its end.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use slurmdash_api::jobs::JobState;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::Notify;

use super::process::{self, Launch, Output};
use super::queue::{Outcome, Phase};
use super::{Inner, usage};

/// Longest pause between two looks at what a job uses.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a launch gives.
type Launched = (Child, Pid, Output);

impl Inner {
    /// Sees a started job to its end.
    pub(super) async fn run(self: Arc<Self>, id: u32) {
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
            Ok(Ok(launched)) => self.supervise(id, &launch, launched, &stop).await,
            Ok(Err(exit_code)) => {
                Outcome { state: JobState::Failed, exit_code, signal: None, reason: "JobLaunchFailure" }
            }
            Err(_) => LOST,
        };
        self.queue().completing(id, true);
        tokio::time::sleep(self.config.epilog).await;
        // Nothing else uses the folder; what can't be removed is overwritten by the next cluster here.
        let _ = tokio::fs::remove_dir_all(process::job_dir(&self.dir, id)).await;
        self.queue().finish(id, outcome, self.now());
        self.dispatch();
    }

    /// Starts the job's process; answers the exit code that slurmstepd would give where that can't be.
    fn launch(&self, id: u32, launch: &Launch) -> Result<Launched, i32> {
        let mut output = launch.open_output(&self.person).map_err(|_| 1)?;
        let child = launch.spawn(&self.dir, &self.person, &output).map_err(|error| {
            output.say(&format!("execve(): slurm_script: {error}"));
            2
        })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).ok_or(1)?;
        let mut queue = self.queue();
        if !queue.launched(id, pid) {
            process::signal(pid, Signal::KILL);
        } else if queue.is_suspended(id) {
            process::signal(pid, Signal::STOP);
        }
        drop(queue);
        Ok((child, pid, output))
    }

    /// Waits for the job's end, or brings it about: at its time limit, when it takes more memory than it asked for, or
    /// when it is told to stop.
    async fn supervise(&self, id: u32, launch: &Launch, launched: Launched, stop: &Notify) -> Outcome {
        let (mut child, group, mut output) = launched;
        let pidfd = watch(group);
        let (mut ran, mut pause) = (Duration::ZERO, Duration::from_millis(50));
        let why = loop {
            let begin = Instant::now();
            let left = self.limits(id).map_or(LOOK_EVERY, |limits| limits.time.saturating_sub(ran));
            tokio::select! {
                () = gone(pidfd.as_ref(), &mut child) => break None,
                () = stop.notified() => break Some(JobState::Cancelled),
                () = tokio::time::sleep(pause.min(left)) => {}
            }
            pause = (pause * 2).min(LOOK_EVERY);
            let Some(limits) = self.limits(id) else { continue };
            if limits.suspended {
                continue;
            }
            ran += begin.elapsed();
            if ran >= limits.time {
                break Some(JobState::Timeout);
            }
            if self.look(id, group).await.is_some_and(|resident| resident > limits.memory.saturating_mul(1024)) {
                break Some(JobState::OutOfMemory);
            }
        };
        let outcome = match why {
            None => {
                if let Some(cpu) = usage::cpu_in_the_end(group) {
                    self.queue().used(id, cpu, 0);
                }
                child.wait().await.map_or(LOST, ended)
            }
            Some(state) => self.end(id, launch, state, &mut child, group, &mut output).await,
        };
        // What the script left in the background goes with it. Its number can't be somebody else's yet: numbers are
        // given out in turn, and the group keeps it while it has a process.
        process::signal(group, Signal::KILL);
        outcome
    }

    /// Ends a job that would go on, in slurmstepd's words.
    async fn end(
        &self,
        id: u32,
        launch: &Launch,
        state: JobState,
        child: &mut Child,
        group: Pid,
        output: &mut Output,
    ) -> Outcome {
        self.queue().completing(id, false);
        if state == JobState::OutOfMemory {
            output.say(&format!(
                "Detected 1 oom_kill event in StepId={id}.batch. Some of the step tasks have been OOM Killed."
            ));
            process::signal(group, Signal::KILL);
            let _ = child.wait().await;
            // As Slurm has it: 0:125.
            return Outcome { state, exit_code: 0, signal: Some(125), reason: "OutOfMemory" };
        }
        let (due, reason) = match state {
            JobState::Timeout => (" DUE TO TIME LIMIT", "TimeLimit"),
            _ if self.queue().is_to_be_requeued(id) => (" DUE TO JOB REQUEUE", "None"),
            _ => ("", "None"),
        };
        let at = jiff::Timestamp::from_second(self.now()).unwrap_or_default();
        let at = at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S");
        output.say(&format!("*** JOB {id} ON {} CANCELLED AT {at}{due} ***", launch.node()));
        process::signal(group, Signal::CONT);
        process::signal(group, Signal::TERM);
        if tokio::time::timeout(self.config.kill_wait, child.wait()).await.is_err() {
            process::signal(group, Signal::KILL);
            let _ = child.wait().await;
        }
        Outcome { state, exit_code: 0, signal: Some(Signal::TERM.as_raw()), reason }
    }

    fn limits(&self, id: u32) -> Option<Limits> {
        let queue = self.queue();
        let record = queue.record(id)?;
        let Phase::Running(running) = &record.phase else { return None };
        Some(Limits {
            time: Duration::from_secs(record.orders.time_limit),
            memory: running.shares.iter().map(|share| share.memory).sum(),
            suspended: running.suspended.is_some(),
        })
    }

    /// Looks at what a group uses and remembers it; answers its memory, KiB.
    async fn look(&self, id: u32, group: Pid) -> Option<u64> {
        let look = self.look.clone();
        let looked = tokio::task::spawn_blocking(move || {
            look.lock().unwrap_or_else(std::sync::PoisonError::into_inner).of(group)
        });
        let used = looked.await.ok().flatten()?;
        self.queue().used(id, used.cpu, used.resident);
        Some(used.resident)
    }
}

/// What a running job may do.
struct Limits {
    time: Duration,
    /// MiB.
    memory: u64,
    suspended: bool,
}

/// A job whose process was lost.
const LOST: Outcome = Outcome { state: JobState::NodeFail, exit_code: 0, signal: None, reason: "JobLaunchFailure" };

/// A descriptor that tells of a process's end without taking it away.
#[expect(deprecated, reason = "what took its place needs unsafe; an OwnedFd stays the descriptor it is")]
fn watch(pid: Pid) -> Option<AsyncFd<OwnedFd>> {
    let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
    AsyncFd::with_interest(pidfd, Interest::READABLE).ok()
}

/// Waits until the process has ended, and leaves it there to be waited for where that can be.
async fn gone(pidfd: Option<&AsyncFd<OwnedFd>>, child: &mut Child) {
    match pidfd {
        Some(pidfd) => drop(pidfd.readable().await),
        None => drop(child.wait().await),
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
