//! Going on when something is as expected; nothing is changed.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// munge makes a credential here and reads it.
    MungeAnswers,
    /// slurmdbd answers sacctmgr.
    AccountingAnswers,
    /// `scontrol ping` says UP for all of these.
    ControllersAnswer {
        /// Names, as in slurm.conf.
        hosts: Vec<String>,
    },
    /// Nodes are idle, allocated or mixed, not down, drained or unknown.
    NodesReady {
        /// Names.
        nodes: Vec<String>,
        /// So many must be, at least.
        at_least: u32,
    },
    /// A job of a Unix user ends well in a partition.
    JobRuns {
        /// Partition.
        partition: String,
        /// Login.
        user: String,
    },
    /// A job submitted through slurmdash's API by its first admin ends well.
    DashboardJobRuns {
        /// Base address: `https://127.0.0.1:8443`.
        url: String,
        /// Partition.
        partition: String,
        /// Name of the account.
        user: String,
        /// Name of its password among the materials.
        password: String,
    },
    /// slurmdash answers on its address.
    DashboardAnswers {
        /// Base address.
        url: String,
    },
}

/// Looks until it is as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Await {
    /// What.
    pub expected: Expected,
    /// Longest wait, seconds.
    pub within_seconds: u64,
    /// A log whose last lines are shown when it is in vain.
    pub log: Option<PathBuf>,
}

impl Act for Await {
    fn subject(&self) -> String {
        String::from("UNWRITTEN")
    }

    fn look(&self, _host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn execute(&self, _host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn revert(&self, _host: &dyn Host, _setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }
}
