//! The outside world's Slurm: one trait, two implementations.
//!
//! [`cli`] drives a real cluster through Slurm's own commands; [`sim`] is a small cluster inside this process for the
//! demo and for quick tests. Both pass the contract tests in `tests/it/slurm_contract.rs`. Nothing here knows about
//! HTTP, the store or who is signed in; states, jobs and nodes are the wire types of `slurmdash-api`, filled as far as
//! Slurm knows them (`owner` and `template` stay `None` here).

pub mod cli;
pub mod notation;
pub mod sim;

use std::path::PathBuf;

use async_trait::async_trait;
use slurmdash_api::cluster::{Node, Partition};
use slurmdash_api::jobs::Job;

/// A Slurm cluster.
///
/// Every call ends by itself: an implementation that waits for somebody else does so with a time limit and answers
/// [`SlurmError::TimedOut`]. Calls may run side by side.
#[async_trait]
pub trait Slurm: Send + Sync + 'static {
    /// The cluster's name (`ClusterName` in slurm.conf).
    async fn cluster_name(&self) -> Result<String, SlurmError>;

    /// Every job the controller still knows, finished ones included (they stay for `MinJobAge` seconds).
    ///
    /// Source: squeue(1), `--states=all`.
    async fn jobs(&self) -> Result<Vec<Job>, SlurmError>;

    /// One job in full, from the controller or, when that has forgotten it, from accounting.
    ///
    /// `id` is `123` or `123_4`. `None` when neither knows it.
    /// Source: squeue(1), sacct(1).
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError>;

    /// Every node. Source: scontrol(1) `show node`.
    async fn nodes(&self) -> Result<Vec<Node>, SlurmError>;

    /// Every partition, the default one first. Source: scontrol(1) `show partition`.
    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError>;

    /// Hands a batch script to Slurm and answers its number. Source: sbatch(1).
    async fn submit(&self, submission: &Submission) -> Result<u32, SlurmError>;

    /// Cancels a job, an array or one task. A job that is already over is [`SlurmError::AlreadyFinished`] or fine, as
    /// Slurm sees it; an unknown one is [`SlurmError::NoSuchJob`]. Source: scancel(1).
    async fn cancel(&self, id: &JobId) -> Result<(), SlurmError>;

    /// Lets go of everything that must not outlive this process. A real cluster goes on without us.
    async fn shutdown(&self) {}
}

/// A job's id as a person writes it: `123`, or `123_4` for one task of an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobId {
    /// The job's or array's number, never 0.
    pub job: u32,
    /// The array task.
    pub task: Option<u32>,
}

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.task {
            Some(task) => write!(f, "{}_{task}", self.job),
            None => write!(f, "{}", self.job),
        }
    }
}

impl std::str::FromStr for JobId {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<Self, NotAJobId> {
        let number = |text: &str| {
            (!text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit()))
                .then(|| text.parse::<u32>().ok())
                .flatten()
                .ok_or(NotAJobId)
        };
        let (job, task) = match text.split_once('_') {
            Some((job, task)) => (number(job)?, Some(number(task)?)),
            None => (number(text)?, None),
        };
        if job == 0 { Err(NotAJobId) } else { Ok(JobId { job, task }) }
    }
}

/// The text is no job id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job id is a number such as 123, or 123_4 for one task of an array")]
pub struct NotAJobId;

/// One job in full.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// What lists show.
    pub job: Job,
    /// Exit code of the script, once it has ended.
    pub exit_code: Option<i32>,
    /// Signal that ended it, once it has ended and there was one.
    pub signal: Option<i32>,
    /// Working directory.
    pub work_dir: Option<PathBuf>,
    /// Standard output, with `%j` and the like filled in.
    pub stdout: Option<PathBuf>,
    /// Standard error, with `%j` and the like filled in.
    pub stderr: Option<PathBuf>,
}

/// What is handed to sbatch. Every field becomes an argument of its own or the script on standard input; nothing goes
/// through a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The whole script, `#!` line first. Its `#SBATCH` lines count where no field below says otherwise.
    pub script: String,
    /// Job name.
    pub name: String,
    /// Partition; the default one when `None`.
    pub partition: Option<String>,
    /// Account to charge.
    pub account: Option<String>,
    /// QOS.
    pub qos: Option<String>,
    /// Nodes.
    pub nodes: Option<u32>,
    /// Tasks over all nodes.
    pub tasks: Option<u32>,
    /// CPUs of each task.
    pub cpus_per_task: Option<u32>,
    /// Memory on each node, MiB.
    pub memory: Option<u64>,
    /// GPUs on each node.
    pub gpus: Option<u32>,
    /// Time limit as sbatch takes it.
    pub time: Option<String>,
    /// Array indices as sbatch takes them.
    pub array: Option<String>,
    /// Working directory; exists already.
    pub work_dir: PathBuf,
    /// Standard output's path pattern (`%j`, `%A`, `%a`, `%x` as in sbatch(1)); standard error goes there too.
    pub stdout: PathBuf,
}

/// Why Slurm did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlurmError {
    /// Slurm understood and said no; its own words.
    #[error("Slurm refused: {message}")]
    Refused {
        /// What Slurm said, without its `sbatch: error:` prefixes.
        message: String,
    },
    /// Slurm knows no such job.
    #[error("Slurm knows no job {0}")]
    NoSuchJob(JobId),
    /// The job is over; there is nothing to cancel.
    #[error("job {0} is already finished")]
    AlreadyFinished(JobId),
    /// A Slurm command is not installed or can't be started.
    #[error("{command} can't be started ({reason}); install Slurm's commands or set slurm.bin_dir")]
    CommandMissing {
        /// The command.
        command: String,
        /// The system's words.
        reason: String,
    },
    /// The controller did not answer in time.
    #[error("{command} gave no answer within {seconds} s")]
    TimedOut {
        /// The command.
        command: String,
        /// The time limit.
        seconds: u64,
    },
    /// A command failed for a reason that is not the request's: the controller is away, munge is down.
    #[error("{command} failed: {message}")]
    Unavailable {
        /// The command.
        command: String,
        /// Its own words.
        message: String,
    },
    /// A command's output is not what any known release prints.
    #[error("{command} printed something unexpected: {message}")]
    Unexpected {
        /// The command.
        command: String,
        /// What and where.
        message: String,
    },
}
