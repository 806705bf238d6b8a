//! What was done so far, for `slurmdash install status`.
use std::collections::BTreeMap;

use serde::Serialize;

use super::Left;
use crate::journal::{Came, Holder, Journal, JournalError, Outcome, Run, RunId};
use crate::plan::StepId;

/// All runs, and what can be typed next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The installer that runs now, when it is another one.
    pub at_work: Option<Holder>,
    /// The runs, the first one first.
    pub runs: Vec<RunStatus>,
    /// The run that was broken off or stopped.
    pub unfinished: Option<RunId>,
    /// In a sentence, with what to type.
    pub next: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    /// Its name.
    pub run: RunId,
    /// When it began, seconds since 1970.
    pub began: i64,
    /// When it ended, seconds since 1970; none while it runs, or when it was broken off.
    pub ended: Option<i64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How it was called.
    pub command: Vec<String>,
    /// Steps with how far they came, in the order in which they were begun.
    pub steps: Vec<(StepId, Came)>,
    /// The step that failed last, and why.
    pub failed: Option<(StepId, String)>,
    /// Hosts that were left out, and why.
    pub left_out: BTreeMap<String, String>,
    /// Steps that could not be undone when that was tried last.
    pub stuck: Vec<Left>,
}

/// Says what was done so far.
pub fn status(journal: &Journal) -> Result<Status, JournalError> {
    let at_work = journal.holder()?;
    let runs = journal.runs();
    let unfinished = journal.unfinished();
    let next = next(at_work.as_ref(), unfinished.as_ref(), &runs);
    let unfinished = unfinished.map(|run| run.id);
    Ok(Status { at_work, runs: runs.into_iter().map(of).collect(), unfinished, next })
}

fn of(run: Run) -> RunStatus {
    let stuck = run.to_undo().filter_map(|begun| {
        let what = begun.stuck.clone()?;
        Some(Left { step: begun.step.clone(), host: begun.host.clone(), what })
    });
    let stuck = stuck.collect();
    RunStatus {
        began: run.began,
        ended: run.ended.map(|(at, _)| at),
        outcome: run.outcome(),
        steps: run.steps.iter().map(|begun| (begun.step.clone(), begun.came)).collect(),
        run: run.id,
        command: run.command,
        failed: run.failed,
        left_out: run.left_out,
        stuck,
    }
}

fn next(at_work: Option<&Holder>, unfinished: Option<&Run>, runs: &[Run]) -> String {
    if let Some(holder) = at_work {
        return format!("An installer is at work: {holder}.");
    }
    if let Some(run) = unfinished {
        let how = if run.outcome().is_none() { "was broken off" } else { "was stopped" };
        return format!(
            "Run {} {how}: `slurmdash install --resume` goes on with it, `slurmdash install rollback` undoes it.",
            run.id
        );
    }
    match runs.iter().rev().find(|run| run.stands()) {
        None => String::from("Nothing is installed: `slurmdash install --plan` shows what would be done."),
        Some(run) if run.left_out.is_empty() => String::from(
            "Everything is done: `slurmdash install --plan` shows whether anything has changed since, `slurmdash install \
             rollback` undoes the last run.",
        ),
        Some(run) => format!(
            "Hosts were left out ({}): when they are back, `slurmdash install` does what is missing there.",
            run.left_out.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
    }
}
