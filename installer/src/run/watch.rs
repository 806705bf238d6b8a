//! What happens in a run, as it happens.
use std::time::Duration;

use crate::action::{Reverted, StepError};
use crate::journal::{Journal, RunId};
use crate::plan::{Phase, StepId};

/// Something that happened. Its text is a line for people, without secrets; it goes to the run's log too.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A run began, or is gone on with.
    RunBegan {
        /// Its name.
        run: &'a RunId,
        /// How many steps will change something.
        steps: usize,
        /// Whether it is gone on with.
        resumed: bool,
    },
    /// A stage begins.
    StageBegan {
        /// Its part of the installation.
        phase: Phase,
        /// What it is.
        title: &'a str,
        /// Its number, from 1.
        number: usize,
        /// How many stages there are.
        of: usize,
        /// On how many hosts.
        hosts: usize,
    },
    /// A step begins.
    StepBegan {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
        /// What it will change.
        summary: &'a str,
    },
    /// A step was done.
    StepDone {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// A step had nothing to do.
    StepSame {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
    },
    /// A step failed.
    StepFailed {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
        /// Why.
        error: &'a StepError,
        /// How long it took.
        took: Duration,
    },
    /// A host takes no further part.
    HostLeftOut {
        /// Its name.
        host: &'a str,
        /// Why.
        error: &'a str,
    },
    /// Somebody wants it to stop; steps that run are finished.
    Stopping,
    /// A run is being undone.
    RollbackBegan {
        /// Its name.
        run: &'a RunId,
        /// How many steps have to be undone.
        steps: usize,
    },
    /// A step is being undone.
    Reverting {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
    },
    /// A step was undone.
    Reverted {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
        /// What is left of it.
        outcome: &'a Reverted,
        /// How long it took.
        took: Duration,
    },
    /// A step could not be undone.
    NotReverted {
        /// Its name.
        step: &'a StepId,
        /// Its host.
        host: &'a str,
        /// Why.
        error: &'a str,
    },
}

impl std::fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RunBegan { run, steps, resumed: false } => {
                write!(f, "run {run}: {steps} steps will change something")
            }
            Self::RunBegan { run, steps, resumed: true } => write!(f, "run {run} goes on: {steps} steps are left"),
            Self::StageBegan { phase, title, number, of, hosts } => {
                let noun = if *hosts == 1 { "host" } else { "hosts" };
                write!(f, "[{number}/{of}] {}: {title} ({hosts} {noun})", phase.name())
            }
            Self::StepBegan { step, summary, .. } => write!(f, "begun  {step}: {summary}"),
            Self::StepDone { step, took, .. } => write!(f, "done   {step} ({:.1} s)", took.as_secs_f64()),
            Self::StepSame { step, .. } => write!(f, "same   {step}"),
            Self::StepFailed { step, error, took, .. } => {
                write!(f, "FAILED {step} ({:.1} s): {error}", took.as_secs_f64())?;
                if let StepError::NotReached { log, .. } = error {
                    log.iter().try_for_each(|line| write!(f, "\n    | {line}"))?;
                }
                Ok(())
            }
            Self::HostLeftOut { host, error } => write!(f, "{host} is left out: {error}"),
            Self::Stopping => f.write_str("stopping: steps that run are finished, none is begun"),
            Self::RollbackBegan { run, steps } => write!(f, "run {run} is undone: {steps} steps"),
            Self::Reverting { step, .. } => write!(f, "undoing {step}"),
            Self::Reverted { step, outcome, took, .. } => {
                write!(f, "undone  {step} ({:.1} s)", took.as_secs_f64())?;
                outcome.left.iter().try_for_each(|left| write!(f, "\n    left: {left}"))?;
                outcome.kept.iter().try_for_each(|kept| write!(f, "\n    kept: {}", kept.display()))
            }
            Self::NotReverted { step, error, .. } => write!(f, "NOT UNDONE {step}: {error}"),
        }
    }
}

/// Whoever is told what happens. Called from many threads.
pub trait Watch: Sync {
    /// Something happened.
    fn saw(&self, event: &Event<'_>);
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn saw(&self, _: &Event<'_>) {}
}

/// Tells whoever watches, and the log.
pub(super) fn tell(journal: &Journal, watch: &dyn Watch, event: &Event<'_>) {
    if !matches!(event, Event::StepSame { .. }) {
        journal.log(&event.to_string());
    }
    watch.saw(event);
}
