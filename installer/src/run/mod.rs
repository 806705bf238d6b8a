//! Doing a plan, going on with one that was broken off, and undoing it.
//!
//! A run goes like this: [`preview`] looks at all hosts and says what will change; [`apply`] does that, and nothing
//! else: before a step is done it is looked at once more, and what the preview did not say is refused. When it stops
//! in the middle, [`apply`] with [`Options::resume`] goes on with a new plan, and [`rollback`] undoes what was done.
//!
//! What is not in the preview and is done all the same:
//! - a step that is done because of another one ([`Step::when_changed`](crate::plan::Step)) which changed something;
//! - [`Await`](crate::action::Await), which changes nothing.
mod apply;
mod calls;
mod clear;
mod control;
mod course;
mod order;
mod parallel;
mod preview;
mod rollback;
mod status;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::action::StepError;
use crate::host::HostError;
use crate::journal::{JournalError, RunId};
use crate::plan::StepId;
use crate::reach::Reach;

pub use apply::apply;
pub use clear::{Cleared, clear};
pub use control::Control;
pub use preview::{Away, Preview, PreviewedStep, Refusal, preview};
pub use rollback::{Back, Left, Runs, Undone, rollback};
pub use status::{RunStatus, Status, status};
pub use watch::{Event, Unwatched, Watch};

/// Hosts by name, as the plan has them.
#[derive(Clone, Default)]
pub struct Hosts(pub BTreeMap<String, Arc<dyn Reach>>);

impl Hosts {
    /// One of them. A host that nobody knows can't be reached.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Reach>, HostError> {
        self.0.get(name).cloned().ok_or_else(|| HostError::Away(format!("{name} is not in the configuration any more")))
    }
}

/// How a plan is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// Goes on with the run that was broken off or stopped, instead of beginning a new one.
    pub resume: bool,
    /// Steps that are done although jobs run which they disturb.
    pub allow_disruption: BTreeSet<StepId>,
    /// How many hosts are worked on at the same time, at most.
    pub parallel: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { resume: false, allow_disruption: BTreeSet::new(), parallel: 64 }
    }
}

/// Why a run did not begin, or could not be written down any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The journal. Nothing was done that is not in it; what was running goes to its end on its host.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A run was broken off or stopped. Nothing was done.
    #[error(
        "run {0} was not finished; go on with it by `slurmdash install --resume`, or undo it by `slurmdash install rollback`"
    )]
    Unfinished(RunId),
    /// There is no run to go on with. Nothing was done.
    #[error("no run was broken off or stopped, so there is none to go on with")]
    NothingToResume,
    /// Hosts that others need can't be reached. Nothing was done.
    #[error("{}", listed("can't be reached, and others need it", .0))]
    Away(BTreeMap<String, String>),
    /// Steps that would do harm. Nothing was done.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// A step that is not in the journal was to be gone back to. Nothing was done.
    #[error("no step {0} was done in the runs that are to be undone; `slurmdash install status` lists them")]
    NoSuchStep(StepId),
}

fn listed(what: &str, hosts: &BTreeMap<String, String>) -> String {
    hosts.iter().map(|(host, error)| format!("{host} {what}: {error}")).collect::<Vec<_>>().join("\n")
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its name.
    pub step: StepId,
    /// Its host.
    pub host: String,
    /// Why, with the daemon's last lines where there are any.
    pub error: StepError,
    /// Whether the host was left out because of it, so that the run went on.
    pub leaves_out: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Nothing had to be done; there is no run in the journal.
    NothingToDo,
    /// Everything is done, but on hosts that were left out.
    Done,
    /// A step failed that others need.
    Failed,
    /// Somebody stopped it, after the steps that were running.
    Stopped,
    /// Somebody stopped it at once: steps still run on their hosts, and the process must end before anything else is
    /// done there.
    BrokenOff,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its name in the journal; none when nothing had to be done.
    pub run: Option<RunId>,
    /// How it ended.
    pub ended: Ended,
    /// Steps that changed something.
    pub changed: Vec<StepId>,
    /// Steps that were to change something, and found it done when their turn came.
    pub already: Vec<StepId>,
    /// Steps that were done without being in the preview (see the module's documentation).
    pub besides: Vec<StepId>,
    /// Steps that failed.
    pub failures: Vec<Failure>,
    /// Hosts that took no part, or not to the end, and why.
    pub left_out: BTreeMap<String, String>,
}
