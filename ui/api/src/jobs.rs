//! Jobs: what is submitted, listed and watched.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;
use crate::cluster::Freshness;

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

/// `GET /api/jobs/{id}`: everything known about one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobDetail {
    /// What lists show.
    #[serde(flatten)]
    pub job: Job,
    /// The script's exit code, once it has ended.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Working directory.
    pub work_dir: Option<String>,
    /// Standard output's path.
    pub stdout: Option<String>,
    /// Standard error's path; equal to `stdout` when they are joined.
    pub stderr: Option<String>,
    /// The script as submitted, when we know it.
    pub script: Option<String>,
    /// Uploaded files it was given: paths.
    pub files: Vec<String>,
    /// Whether the caller may cancel it.
    pub may_cancel: bool,
    /// How old this is.
    pub freshness: Freshness,
}

/// `POST /api/jobs/submit`, and `POST /api/jobs/preview` for the exact script without submitting it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Template to fill in; without one, `script` or `command` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Job name: 1 to 128 characters, no control characters.
    pub job_name: String,
    /// Partition; the default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Slurm account to charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// QOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
    /// Nodes; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// Tasks over all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    /// CPUs of each task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus_per_task: Option<u32>,
    /// Memory on each node, MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// GPUs on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Time limit as Slurm writes it: `minutes`, `HH:MM:SS`, `D-HH:MM:SS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Array indices as `sbatch --array` takes them, such as `0-9%2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// A command line to run as the whole script's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// A whole batch script; the settings above still win over its `#SBATCH` lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Apptainer image path to run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Ids of finished uploads that the job gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<String>,
    /// The template's parameters by name: strings, numbers or booleans.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, serde_json::Value>))]
    pub parameters: BTreeMap<String, ParameterValue>,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ParameterValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
}

/// Answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobSubmitted {
    /// Slurm's number for the job.
    pub job_id: u32,
    /// Job name.
    pub job_name: String,
    /// `Job submitted successfully`.
    pub message: String,
    /// Where its standard output will be.
    pub stdout: String,
}

/// Answer to `POST /api/jobs/preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPreview {
    /// The exact script that submitting would hand to sbatch.
    pub script: String,
    /// Whether the partition has room for it now; absent when that can't be said.
    pub fits_now: Option<bool>,
    /// What to know before submitting.
    pub warnings: Vec<String>,
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
    /// The rows.
    pub jobs: Vec<Job>,
    /// Rows on all pages.
    pub total: usize,
    /// This page, from 1.
    pub page: usize,
    /// Pages there are, at least 1.
    pub page_count: usize,
    /// How old this is.
    pub freshness: Freshness,
}

/// Which of a job's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// Query of `GET /api/jobs/{id}/output`: the last `tail` bytes, or `limit` bytes from `offset`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct OutputQuery {
    /// Which output.
    pub stream: OutputStream,
    /// Bytes from the end; 64 KiB when neither this nor `offset` is given, 1 MiB at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// First byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Bytes from `offset`, 1 MiB at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A piece of a job's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutputChunk {
    /// Which output.
    pub stream: OutputStream,
    /// The file's path.
    pub path: String,
    /// False while the file is not there (the job has not started).
    pub exists: bool,
    /// The file's size, bytes.
    pub size: u64,
    /// Where `text` begins, bytes.
    pub offset: u64,
    /// Where `text` ends, bytes: ask from here for what follows.
    pub end: u64,
    /// The bytes as UTF-8; what isn't UTF-8 shows as U+FFFD.
    pub text: String,
}
