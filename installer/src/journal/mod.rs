//! What was done, written down before and after each step, in a folder of its own (0700) on the host that the installer
//! runs on: `/var/lib/slurmdash-install`.
//!
//! | place | what it is |
//! |---|---|
//! | `lock` | held by the installer that runs |
//! | `cluster.yaml` | the configuration that was applied last |
//! | `secrets/` | what was made once: munge's key, the database's password, … (0600) |
//! | `runs/RUN/journal` | [`Record`]s, a line of JSON each, synced |
//! | `runs/RUN/log` | what was shown, with times |
//! | `kept/RUN/` | copies of what would have been lost; on each host, its own |
use serde::{Deserialize, Serialize};

use crate::action::{Action, Reverted, Undo};
use crate::plan::StepId;

/// A line of a run's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The run begins.
    Began {
        /// When, seconds since 1970.
        at: i64,
        /// Version of slurmdash.
        version: String,
        /// How it was called.
        command: Vec<String>,
    },
    /// All steps that will change something, in order: what a run that was broken off had before it.
    Planned {
        /// Their names.
        steps: Vec<StepId>,
    },
    /// A step is about to be done. From here on it must be undone.
    Started {
        /// Its name.
        step: StepId,
        /// Its host.
        host: String,
        /// What, without secrets.
        action: Box<Action>,
        /// How it was.
        undo: Undo,
    },
    /// It was done.
    Done {
        /// Its name.
        step: StepId,
    },
    /// It failed.
    Failed {
        /// Its name.
        step: StepId,
        /// Why.
        error: String,
    },
    /// A host takes no further part.
    LeftOut {
        /// Its name.
        host: String,
        /// Why.
        error: String,
    },
    /// A step is about to be undone.
    Reverting {
        /// Its name.
        step: StepId,
    },
    /// It was undone, as far as that went.
    Reverted {
        /// Its name.
        step: StepId,
        /// What came of it.
        outcome: Reverted,
    },
    /// It could not be undone.
    NotReverted {
        /// Its name.
        step: StepId,
        /// Why, and what to do.
        error: String,
    },
    /// The run is over.
    Ended {
        /// When, seconds since 1970.
        at: i64,
        /// How.
        outcome: Outcome,
    },
}

/// How a run ended. One without is running, or was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything is done.
    Done,
    /// Something failed, or somebody stopped it; what was done is still there.
    Stopped,
    /// What it did was undone.
    RolledBack,
}
