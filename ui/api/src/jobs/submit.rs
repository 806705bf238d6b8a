//! What is asked for with a job, and what is answered.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// `POST /api/jobs/test`: whether Slurm would take it and when it would start (`sbatch --test-only`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobForecast {
    /// Whether Slurm would take it.
    pub accepted: bool,
    /// Slurm's own words when it would not.
    pub refusal: Option<String>,
    /// When it would start, as Slurm plans now.
    pub start_time: Option<UnixSeconds>,
    /// CPUs it would use.
    pub cpus: Option<u32>,
    /// Nodes it would start on, in Slurm's hostlist notation.
    pub node_list: Option<String>,
    /// Partition it would start in.
    pub partition: Option<String>,
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
    /// Tasks on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_per_node: Option<u32>,
    /// Memory for each CPU, MiB; not together with `memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_per_cpu: Option<u64>,
    /// Features the nodes must have, as `sbatch --constraint` takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// What must have happened first, as `sbatch --dependency` takes it, such as `afterok:123`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
    /// Earliest start: Unix seconds, or as `sbatch --begin` takes it (`now+1hour`, `2027-01-31T08:00`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<String>,
    /// Reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
    /// When Slurm writes mail: `BEGIN`, `END`, `FAIL`, `REQUEUE`, `TIME_LIMIT`, `ALL`, … separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_type: Option<String>,
    /// Whom it writes to; the Unix user when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_user: Option<String>,
    /// Working directory, absolute; a new folder of the job's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
    /// Standard output's file, `%j` and the like as in sbatch(1); relative to the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Standard error's file; together with standard output when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Environment variables for the job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
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
