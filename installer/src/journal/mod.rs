//! What was done, written down before and after each step, in a folder of its own (0700) on the host that the installer
//! runs on: `/var/lib/slurmdash-install`.
//!
//! | place | what it is |
//! |---|---|
//! | `lock` | held by the installer that runs |
//! | `former-hosts.json` | hosts that were in the cluster once, with what it takes to reach them |
//! | `secrets/` | what was made once: munge's key, the database's password, … (0600) |
//! | `runs/RUN/journal` | [`Record`]s, a line each (see `lines`), synced |
//! | `runs/RUN/cluster.yaml` | the configuration that it applied |
//! | `runs/RUN/log` | what was shown, with times |
//! | `kept/RUN/` | copies of what would have been lost; on each host, its own |
mod folder;
mod history;
mod lines;
mod lock;
mod open;
mod secrets;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::action::{Action, Reverted, Undo};
use crate::plan::StepId;

#[cfg(any(test, feature = "fake"))]
pub use self::open::BreakOff;
pub use history::{Begun, Came, Debts, Run, RunId};
pub use lock::Holder;
pub use open::{Caller, Journal};
pub use secrets::SecretFolder;

/// The folder on every host that is left when everything is undone: the journal's on the host that the installer runs
/// on, copies of what would have been lost on all.
pub const PLACE: &str = "/var/lib/slurmdash-install";

/// The folder for copies of what a run would lose, on each host.
pub fn keep(run: &RunId) -> PathBuf {
    Path::new(PLACE).join("kept").join(run.as_str())
}

/// Why the journal can't be had, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A folder or file that somebody else could have changed or could read.
    #[error("{path} {what}; mend it with: {command}")]
    Unsafe {
        /// Which.
        path: PathBuf,
        /// What is wrong, as the rest of a sentence.
        what: String,
        /// A command that mends it.
        command: String,
    },
    /// Another installer runs.
    #[error("another installer is at work ({0}); wait until it is done, or end it, and try again")]
    Held(Holder),
    /// A journal is not what was written.
    #[error(
        "{path}, line {line}: {why}. What this run did can't be known from here on, so nothing is done. Put the file back \
         from a backup; or, when the hosts were put right by hand, set the run aside with: {command}"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// The first line that does not add up.
        line: usize,
        /// In which way.
        why: String,
        /// A command that sets the run aside.
        command: String,
    },
    /// The disk did not do it.
    #[error("{path}: {error}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// The system's words.
        error: String,
        /// The error number (errno(3)), where there is one.
        errno: Option<i32>,
    },
    /// An earlier write failed in such a way that nothing more can be written down.
    #[error("the journal can't be written any more: {0}")]
    Broken(String),
    /// Nothing can be appended: it was opened to be read, or no run is open.
    #[error("no run is open in the journal")]
    NoRun,
    /// A secret's name that is none.
    #[error("{0:?} is no name of a secret")]
    Name(String),
}

impl JournalError {
    fn disk(path: &Path, error: &std::io::Error) -> Self {
        let (path, errno) = (path.to_owned(), error.raw_os_error());
        if errno == Some(rustix::io::Errno::NOSPC.raw_os_error()) {
            let error =
                String::from("no space is left on the disk, and nothing is done that can't be written down first");
            return Self::Disk { path, error, errno };
        }
        Self::Disk { path, error: error.to_string(), errno }
    }
}

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
        /// Number of its stage in the plan: steps of a stage may have run on several hosts at the same time.
        stage: u32,
        /// Steps because of which it is done, when it is done only then.
        causes: Vec<StepId>,
    },
    /// It was done. Without a beginning: it was due because of another step, and found to be as it should.
    Done {
        /// Its name.
        step: StepId,
    },
    /// It failed. Without a beginning: before anything was done.
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
