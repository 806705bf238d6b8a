//! Jobs: what is listed, submitted, done with and watched.
mod actions;
mod detail;
mod output;
mod signal;
mod submit;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;
use crate::cluster::Freshness;

pub use actions::{ActionKind, ActionRequest, ActionResult, ActionResults};
pub use detail::{
    Explanation, HintsQuery, JobDetail, JobMore, JobRecordText, RunHints, Severity, Source, Step, Usage, Words,
};
pub use output::{DownloadLink, DownloadQuery, OutputChunk, OutputQuery, OutputStream};
pub use signal::signal_name;
pub use submit::{JobForecast, JobPreview, JobRequest, JobSubmitted, ParameterValue};

/// A job's state, as `squeue %T` and `sacct State` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Waits for resources or for something else named in `reason`.
    Pending,
    /// Nodes are being made ready.
    Configuring,
    /// Runs.
    Running,
    /// Is ending; processes or epilogs are still there.
    Completing,
    /// Stopped, may go on.
    Suspended,
    /// Ended with exit code 0.
    Completed,
    /// Ended with another exit code.
    Failed,
    /// Cancelled by a person.
    Cancelled,
    /// Ended at its time limit.
    Timeout,
    /// Ended because a node failed.
    NodeFail,
    /// Ended because it used more memory than it asked for.
    OutOfMemory,
    /// Ended to make room for another job.
    Preempted,
    /// Ended because its node could not boot.
    BootFail,
    /// Ended at its deadline.
    Deadline,
    /// Anything Slurm says that we have no word for.
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 15] = [
        Self::Pending,
        Self::Configuring,
        Self::Running,
        Self::Completing,
        Self::Suspended,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Timeout,
        Self::NodeFail,
        Self::OutOfMemory,
        Self::Preempted,
        Self::BootFail,
        Self::Deadline,
        Self::Unknown,
    ];

    /// The state as Slurm writes it, such as `OUT_OF_MEMORY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Configuring => "CONFIGURING",
            Self::Running => "RUNNING",
            Self::Completing => "COMPLETING",
            Self::Suspended => "SUSPENDED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Timeout => "TIMEOUT",
            Self::NodeFail => "NODE_FAIL",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::Preempted => "PREEMPTED",
            Self::BootFail => "BOOT_FAIL",
            Self::Deadline => "DEADLINE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Reads a state word, ignoring case and what follows it (`CANCELLED by 1001`).
    pub fn parse(text: &str) -> JobState {
        let word = text.split([' ', '+', ',']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(word)).unwrap_or(Self::Unknown)
    }

    /// Whether the job is over.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Failed
                | Self::Cancelled
                | Self::Timeout
                | Self::NodeFail
                | Self::OutOfMemory
                | Self::Preempted
                | Self::BootFail
                | Self::Deadline
        )
    }
}

/// One job (or one task, or the rest of an array) as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    /// The id a person uses: `123`, `123_4`, or `123_[5-9%2]` for an array's tasks that have not started.
    pub id: String,
    /// Slurm's own number for this record (`%A`); equal to `id` unless this is an array task.
    pub job_id: u32,
    /// The array's number when this belongs to one.
    pub array_job_id: Option<u32>,
    /// Job name.
    pub name: String,
    /// Unix user it runs as.
    pub user: String,
    /// Account in this dashboard that submitted it; absent when it came from somewhere else.
    pub owner: Option<String>,
    /// Slurm account it is charged to.
    pub account: Option<String>,
    /// Partition.
    pub partition: String,
    /// QOS.
    pub qos: Option<String>,
    /// State.
    pub state: JobState,
    /// Slurm's reason code, while it waits or after it failed.
    pub reason: Option<String>,
    /// Nodes it has or asks for.
    pub nodes: u32,
    /// Tasks it asks for.
    pub tasks: Option<u32>,
    /// CPUs it has or asks for, over all nodes.
    pub cpus: u32,
    /// Memory it has or asks for over all nodes, MiB.
    pub memory: Option<u64>,
    /// GPUs it has or asks for, over all nodes.
    pub gpus: u32,
    /// The nodes it runs or ran on, in Slurm's hostlist notation.
    pub node_list: Option<String>,
    /// When it was submitted.
    pub submit_time: Option<UnixSeconds>,
    /// When it started, or is expected to while it waits.
    pub start_time: Option<UnixSeconds>,
    /// When it ended, or must end at its time limit.
    pub end_time: Option<UnixSeconds>,
    /// Time limit, seconds; absent when unlimited.
    pub time_limit: Option<u64>,
    /// Time it has run, seconds.
    pub elapsed: u64,
    /// Priority.
    pub priority: Option<u64>,
    /// Template it was made from.
    pub template: Option<String>,
}

/// An array's tasks by state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ArrayStrip {
    /// Tasks that are known.
    pub total: u32,
    /// How many are in each state.
    pub counts: BTreeMap<JobState, u32>,
    /// Tasks in the order of their index: runs of one state, such as `[[0, 9, "COMPLETED"], [10, 10, "FAILED"]]`:
    /// first index, last index, state. At most 1,000 runs; `cut` when there are more.
    pub runs: Vec<(u32, u32, JobState)>,
    /// Whether `runs` was cut off.
    pub cut: bool,
}

/// Query of `GET /api/jobs`. Everything is optional; several states are separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct JobQuery {
    /// States, comma separated: `RUNNING,PENDING`; or `active`, `finished`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Unix user or account of this dashboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Part of the name, or an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only the caller's own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mine: bool,
    /// `id`, `name`, `user`, `partition`, `state`, `submit_time`, `start_time`, `elapsed`, `cpus`; a leading `-` turns it round. Newest first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Each array as one row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fold: bool,
    /// Page, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// Rows on a page, 1 to 500; 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_page: Option<usize>,
}

/// `GET /api/jobs`: one page of jobs. `X-Total-Count` and `X-Page-Count` say the same as `total` and `page_count`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPage {
    /// The rows. With `fold`, a row stands for a whole array when `arrays` has its `array_job_id`.
    pub jobs: Vec<Job>,
    /// With `fold`: the tasks of the arrays among the rows, by the array's number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arrays: BTreeMap<u32, ArrayStrip>,
    /// Rows on all pages.
    pub total: usize,
    /// This page, from 1.
    pub page: usize,
    /// Pages there are, at least 1.
    pub page_count: usize,
    /// How old this is.
    pub freshness: Freshness,
}
