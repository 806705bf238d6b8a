//! One job in full: why, what it used, its steps.
use serde::{Deserialize, Serialize};

use super::{ActionKind, ArrayStrip, Job, JobRequest, JobState};
use crate::UnixSeconds;
use crate::cluster::Freshness;

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
    /// Whether the caller may read its output and everything that Slurm says of it.
    #[serde(default)]
    pub may_read: bool,
    /// Whether the caller may cancel it.
    pub may_cancel: bool,
    /// What the caller may do with it as it is now.
    #[serde(default)]
    pub actions: Vec<ActionKind>,
    /// Why it waits, or why it ended as it did; absent while it runs and when it ended well.
    #[serde(default)]
    pub explanation: Option<Explanation>,
    /// What it used of what it asked for, as far as Slurm knows; absent before it starts.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Its steps, as accounting (after its end) or the controller (while it runs) knows them.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What else was asked for or came about, beyond what lists show.
    #[serde(default)]
    pub more: JobMore,
    /// The array's tasks, when this is an array.
    #[serde(default)]
    pub array: Option<ArrayStrip>,
    /// What was asked for here, for submitting it again with changes; absent when it came from somewhere else.
    #[serde(default)]
    pub request: Option<JobRequest>,
    /// Who told: the controller, accounting, or our own history.
    #[serde(default)]
    pub source: Source,
    /// How old this is.
    pub freshness: Freshness,
}

/// Where what is shown of a job comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// slurmctld.
    #[default]
    Controller,
    /// slurmdbd.
    Accounting,
    /// What was written down here.
    History,
}

/// What else is known of a job. Everything is optional: Slurm says what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct JobMore {
    /// What it waits for, as sbatch writes dependencies.
    pub dependency: Option<String>,
    /// Features its nodes must have.
    pub constraint: Option<String>,
    /// Reservation it runs in.
    pub reservation: Option<String>,
    /// Licenses it needs.
    pub licenses: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// Earliest start asked for.
    pub begin: Option<UnixSeconds>,
    /// When it became free to start (dependencies met, begin time come).
    pub eligible_time: Option<UnixSeconds>,
    /// Nice value.
    pub nice: Option<i64>,
    /// How often it was started anew.
    pub restarts: Option<u32>,
    /// Nodes it asked for by name.
    pub requested_nodes: Option<String>,
    /// Nodes it must not run on.
    pub excluded_nodes: Option<String>,
    /// Nodes that are kept free for it.
    pub scheduled_nodes: Option<String>,
    /// What was submitted: the script's path or the command.
    pub command: Option<String>,
    /// Memory asked for per CPU, MiB; `memory` of lists is the whole.
    pub memory_per_cpu: Option<u64>,
    /// What it was given: `cpu=4,mem=400M,node=1,billing=4`.
    pub allocated_tres: Option<String>,
    /// What it asked for, in the same notation.
    pub requested_tres: Option<String>,
}

/// Why a job waits, or why it ended as it did, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// A stable word: `resources`, `out_of_memory`, `command_not_found`.
    pub code: String,
    /// How serious it is.
    pub severity: Severity,
    /// In English.
    pub en: Words,
    /// In Korean.
    pub ko: Words,
}

/// How serious an explanation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It goes its way.
    Info,
    /// It needs somebody to do something, or may.
    Warning,
    /// It failed, or will never start.
    Error,
}

/// An explanation in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Words {
    /// A few words, for lists and titles.
    pub short: String,
    /// What is so, one sentence.
    pub what: String,
    /// Why, with the limit or resource involved.
    pub why: String,
    /// What to do; empty when there is nothing to do.
    pub todo: String,
}

/// What a job used of what it asked for. A figure is absent where Slurm does not know it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Usage {
    /// CPU time used by all processes, seconds.
    pub cpu_seconds: Option<f64>,
    /// CPU time it could have used: CPUs times running time, seconds.
    pub cpu_seconds_available: Option<f64>,
    /// Most memory a task had at once, MiB, over the job's steps.
    pub memory_peak: Option<u64>,
    /// The node and step of that peak, such as `node001`, `0`.
    pub memory_peak_at: Option<String>,
    /// Memory it was given on that node, MiB.
    pub memory_available: Option<u64>,
    /// Time it has run, seconds.
    pub elapsed: u64,
    /// Its time limit, seconds.
    pub time_limit: Option<u64>,
    /// Mean use of its GPUs, per cent, where Slurm gathers it (`gres/gpuutil`).
    pub gpu_percent: Option<f64>,
    /// Most GPU memory used, MiB (`gres/gpumem`).
    pub gpu_memory_peak: Option<u64>,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Step {
    /// `batch`, `extern`, `0`, `1`, …
    pub id: String,
    /// Name.
    pub name: String,
    /// State, as Slurm writes it.
    pub state: Option<JobState>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Tasks.
    pub tasks: Option<u32>,
    /// Nodes, in Slurm's hostlist notation.
    pub node_list: Option<String>,
    /// When it started.
    pub start_time: Option<UnixSeconds>,
    /// When it ended.
    pub end_time: Option<UnixSeconds>,
    /// Time it has run, seconds.
    pub elapsed: u64,
    /// CPU time used, seconds.
    pub cpu_seconds: Option<f64>,
    /// Most memory a task had at once, MiB.
    pub memory_peak: Option<u64>,
    /// The node of that task.
    pub memory_peak_node: Option<String>,
}

/// `GET /api/jobs/{id}/record`: everything Slurm says of a job, as it says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobRecordText {
    /// scontrol(1), `show job`; absent when the controller has forgotten it.
    pub controller: Option<String>,
    /// sacct(1), all fields, one line each (`Field=value`), a block a step; absent without accounting.
    pub accounting: Option<String>,
}

/// `GET /api/jobs/hints?name=…&template=…`: what the last runs of the same kind used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunHints {
    /// Finished runs that were looked at, 5 at most.
    pub runs: u32,
    /// Most memory on a node, MiB.
    pub memory_peak: Option<u64>,
    /// Longest running time, seconds.
    pub elapsed: Option<u64>,
    /// Best mean use of the CPUs, per cent.
    pub cpu_percent: Option<f64>,
}

/// Query of `GET /api/jobs/hints`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct HintsQuery {
    /// Job name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Template's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
}
