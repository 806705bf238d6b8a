//! The outside world's Slurm: one trait, two implementations.
//!
//! [`cli`] drives a real cluster through Slurm's own commands; [`sim`] is a small cluster inside this process for the
//! demo and for quick tests. Both pass the contract tests in `tests/it/slurm_contract/`. Nothing here knows about
//! HTTP, the store or who is signed in; states, jobs and nodes are the wire types of `slurmdash-api`, filled as far as
//! Slurm knows them (`owner` and `template` stay `None` here).

pub mod cli;
pub mod notation;
pub mod sim;
mod submission;

use std::path::PathBuf;

use async_trait::async_trait;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Controller, Node, Partition};
use slurmdash_api::jobs::{ActionKind, Job, JobForecast, JobMore, JobRecordText, Source, Step, Usage};

use crate::hands::{Hands, HandsError};

pub use submission::{Settings, Submission};

/// A Slurm cluster.
///
/// What is asked for everybody's lists is asked as the user this program runs as; what is done for one person, or asked
/// about one job for them, is done by that person's own [`Hands`], so that Slurm's own rules apply. Every call ends by itself: an implementation that waits for somebody else does so with a time limit and answers
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

    /// Every controller, in the order in which they take over, and whether it answers. Source: scontrol(1) `ping`.
    ///
    /// That none answers is no error. Controllers are asked one after the other, and one whose host is gone takes seconds.
    async fn controllers(&self) -> Result<Vec<Controller>, SlurmError>;

    /// Hands a batch script to Slurm and answers its number. Source: sbatch(1).
    ///
    /// When the answer is lost on its way ([`SlurmError::TimedOut`], [`SlurmError::Hands`]), [`Slurm::find`] tells
    /// whether Slurm took it.
    async fn submit(&self, person: &dyn Hands, submission: &Submission) -> Result<u32, SlurmError>;

    /// Asks whether Slurm would take a submission, and when it would start. Nothing is submitted; a refusal is an
    /// answer. Source: sbatch(1), `--test-only`.
    async fn test(&self, person: &dyn Hands, submission: &Submission) -> Result<JobForecast, SlurmError>;

    /// Does something with a job, an array or one task. Source: scancel(1), scontrol(1).
    ///
    /// A job that is already over is [`SlurmError::AlreadyFinished`] or fine, as Slurm sees it; an unknown one is
    /// [`SlurmError::NoSuchJob`], somebody else's [`SlurmError::NotPermitted`].
    async fn act(&self, person: &dyn Hands, id: &JobId, action: &Action) -> Result<(), SlurmError>;

    /// The job whose submission had this mark ([`Submission::mark`]), when it came in at `since` or later.
    ///
    /// The controller knows it until `MinJobAge` after its end. Accounting knows it longer, but only where it keeps
    /// comments: `AccountingStoreFlags=job_comment` in slurm.conf(5).
    async fn find(&self, mark: &str, since: UnixSeconds) -> Result<Option<u32>, SlurmError>;

    /// Everything Slurm says of a job, as it says it. Source: scontrol(1) `show job`, sacct(1).
    async fn record_text(&self, person: &dyn Hands, id: &JobId) -> Result<JobRecordText, SlurmError>;

    /// What a job has used so far (`running`) or in the end, by its steps. Source: sstat(1), sacct(1).
    ///
    /// Without accounting there are no figures of a finished job but its running time.
    async fn measured(&self, person: &dyn Hands, id: &JobId, running: bool) -> Result<Measured, SlurmError>;

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

/// What can be done with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// End it.
    Cancel,
    /// Keep it from starting.
    Hold,
    /// Let a held one start.
    Release,
    /// Put it back in the queue, to start from the beginning.
    Requeue,
    /// Stop its processes.
    Suspend,
    /// Let a suspended one go on.
    Resume,
    /// Change its time limit: seconds; Slurm rounds up to minutes.
    TimeLimit(u64),
    /// Change its nice value.
    Nice(i32),
}

impl Action {
    /// Its kind.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Cancel => ActionKind::Cancel,
            Self::Hold => ActionKind::Hold,
            Self::Release => ActionKind::Release,
            Self::Requeue => ActionKind::Requeue,
            Self::Suspend => ActionKind::Suspend,
            Self::Resume => ActionKind::Resume,
            Self::TimeLimit(_) => ActionKind::TimeLimit,
            Self::Nice(_) => ActionKind::Nice,
        }
    }
}

/// What a job has used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// Its steps, in Slurm's order; none where nobody keeps them.
    pub steps: Vec<Step>,
    /// The whole.
    pub usage: Usage,
}

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
    /// What else is known.
    pub more: JobMore,
    /// Who told.
    pub source: Source,
}

impl SlurmError {
    /// Whether it is certain that sbatch made no job: it was refused, or never reached slurmctld.
    pub fn rules_out_a_job(&self) -> bool {
        match self {
            Self::Hands(error) => !error.is_unclear(),
            Self::Unavailable { message, .. } => NEVER_REACHED.iter().any(|words| message.contains(words)),
            Self::TimedOut { .. } | Self::Unexpected { .. } => false,
            _ => true,
        }
    }
}

/// What Slurm's commands say when they did not get as far as slurmctld. Source: `slurm_errno.c` of 22.05 and 24.11.
const NEVER_REACHED: [&str; 6] = [
    "(connect failure)",
    "Connection refused",
    "Could not establish a configuration source",
    "Munge encode failed",
    "Unable to process configuration file",
    "error while loading shared libraries",
];

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
    /// The job is over; there is nothing to be done with it.
    #[error("job {0} is already finished")]
    AlreadyFinished(JobId),
    /// The person may not do this with this job.
    #[error("Slurm does not permit this: {message}")]
    NotPermitted {
        /// What Slurm said.
        message: String,
    },
    /// The person's hands could not do it.
    #[error(transparent)]
    Hands(#[from] HandsError),
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
