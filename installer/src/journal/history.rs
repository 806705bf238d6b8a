//! What the journal's records come to: which steps were begun, done and undone.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Outcome, Record};
use crate::action::{Action, Content, Undo};
use crate::plan::StepId;

/// A run's name: the time it began at (UTC), moved on where that would not sort behind all earlier runs:
/// `20261125-130501`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub(super) String);

impl RunId {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name as a folder has it; `None` when it is no run's.
    pub(super) fn of(name: &str) -> Option<(Self, i64)> {
        let at = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", name).ok()?;
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        Self::at(at).filter(|id| id.0 == name).map(|id| (id, at))
    }

    /// The name of a run that begins at a time, seconds since 1970; `None` outside of the calendar.
    pub(super) fn at(at: i64) -> Option<Self> {
        jiff::Timestamp::from_second(at).ok().map(|at| Self(at.strftime("%Y%m%d-%H%M%S").to_string()))
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// It was begun, and nobody knows how far it came.
    Begun,
    /// It was done.
    Done,
    /// It failed.
    Failed,
    /// It was undone.
    Reverted,
}

/// A step that was begun, with its way back. A step that was begun twice is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its name.
    pub step: StepId,
    /// Its host.
    pub host: String,
    /// What.
    pub action: Action,
    /// How it was before.
    pub undo: Undo,
    /// Steps because of which it was done, when it is done only then.
    pub causes: Vec<StepId>,
    /// Steps with the same number were allowed to run on several hosts at the same time.
    pub stage: (u32, u32),
    /// How far it came.
    pub came: Came,
    /// Why it could not be undone when that was last tried.
    pub stuck: Option<String>,
}

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// When it began, seconds since 1970.
    pub began: i64,
    /// Version of slurmdash.
    pub version: String,
    /// How it was called.
    pub command: Vec<String>,
    /// How many steps were to change something when it was planned last.
    pub planned: usize,
    /// Steps that were begun, in order.
    pub steps: Vec<Begun>,
    /// The step that failed last, and why.
    pub failed: Option<(StepId, String)>,
    /// Hosts that were left out, and why.
    pub left_out: BTreeMap<String, String>,
    /// When and how it ended; `None` while it runs, or when it was broken off.
    pub ended: Option<(i64, Outcome)>,
    /// How often it was planned: once, and once more each time it was gone on with.
    times: u32,
    records: usize,
    /// By step, the places of its beginnings that were not undone.
    standing: BTreeMap<StepId, Vec<usize>>,
    /// By step, the number of the last record that says it was begun, or done.
    last_begun: BTreeMap<StepId, usize>,
    last_done: BTreeMap<StepId, usize>,
}

impl Run {
    pub(super) fn new(id: RunId) -> Self {
        Self {
            id,
            began: 0,
            version: String::new(),
            command: Vec::new(),
            planned: 0,
            steps: Vec::new(),
            failed: None,
            left_out: BTreeMap::new(),
            ended: None,
            times: 0,
            records: 0,
            standing: BTreeMap::new(),
            last_begun: BTreeMap::new(),
            last_done: BTreeMap::new(),
        }
    }

    /// Takes the next record in.
    pub(super) fn take(&mut self, record: Record) {
        self.records += 1;
        if !matches!(record, Record::Ended { .. } | Record::Began { .. }) {
            self.ended = None;
        }
        match record {
            Record::Began { at, version, command } => {
                (self.began, self.version, self.command) = (at, version, command);
            }
            Record::Planned { steps } => {
                self.planned = steps.len();
                self.times += 1;
                self.failed = None;
                self.left_out.clear();
            }
            Record::Started { step, host, action, undo, stage, causes } => {
                self.last_begun.insert(step.clone(), self.records);
                let stage = (self.times, stage);
                let action = *action;
                self.standing.entry(step.clone()).or_default().push(self.steps.len());
                self.steps.push(Begun { step, host, action, undo, causes, stage, came: Came::Begun, stuck: None });
            }
            Record::Done { step } => {
                self.last_done.insert(step.clone(), self.records);
                if let Some(begun) = self.standing(&step) {
                    begun.came = Came::Done;
                }
            }
            Record::Failed { step, error } => {
                // It may have failed before it was begun once more; what was done earlier is still done.
                if let Some(begun) = self.standing(&step).filter(|begun| begun.came == Came::Begun) {
                    begun.came = Came::Failed;
                }
                self.failed = Some((step, error));
            }
            Record::LeftOut { host, error } => {
                self.left_out.insert(host, error);
            }
            Record::Reverting { .. } => {}
            Record::Reverted { step, .. } => {
                if let Some(begun) = self.standing(&step) {
                    begun.came = Came::Reverted;
                    begun.stuck = None;
                    // What was there before is there again; no need to remember it.
                    begun.undo = Undo::Nothing;
                }
                self.standing.get_mut(&step).and_then(Vec::pop);
            }
            Record::NotReverted { step, error } => {
                if let Some(begun) = self.standing(&step) {
                    begun.stuck = Some(error);
                }
            }
            Record::Ended { at, outcome } => self.ended = Some((at, outcome)),
        }
    }

    /// The last beginning of a step that was not undone.
    fn standing(&mut self, step: &StepId) -> Option<&mut Begun> {
        let last = *self.standing.get(step)?.last()?;
        self.steps.get_mut(last)
    }

    /// How it ended; `None` while it runs, or when it was broken off.
    pub fn outcome(&self) -> Option<Outcome> {
        self.ended.map(|(_, outcome)| outcome)
    }

    /// Whether it began.
    pub(super) fn is_begun(&self) -> bool {
        self.records > 0
    }

    /// Whether anything of it is still there to be undone.
    pub fn stands(&self) -> bool {
        self.outcome() != Some(Outcome::RolledBack) && (self.to_undo().next().is_some() || self.outcome().is_none())
    }

    /// Steps that were begun and not undone, the last one first.
    pub fn to_undo(&self) -> impl Iterator<Item = &Begun> {
        self.steps.iter().rev().filter(|begun| begun.came != Came::Reverted)
    }

    /// Steps that were begun of which nobody knows how far they came.
    pub fn open(&self) -> BTreeSet<StepId> {
        let last = self.standing.values().filter_map(|places| self.steps.get(*places.last()?));
        last.filter(|begun| begun.came != Came::Done).map(|begun| begun.step.clone()).collect()
    }
}

/// What was begun and done last, over all runs.
#[derive(Debug, Default)]
pub struct Debts {
    begun: BTreeMap<StepId, (usize, usize)>,
    done: BTreeMap<StepId, (usize, usize)>,
}

impl Debts {
    pub(super) fn of(runs: &[Run]) -> Self {
        let mut debts = Self::default();
        for (number, run) in runs.iter().enumerate() {
            let standing = |step: &StepId| run.standing.get(step).is_some_and(|places| !places.is_empty());
            let begun = run.last_begun.iter().filter(|(step, _)| standing(step));
            debts.begun.extend(begun.map(|(step, at)| (step.clone(), (number, *at))));
            debts.done.extend(run.last_done.iter().map(|(step, at)| (step.clone(), (number, *at))));
        }
        debts
    }

    /// Whether a step is still to be done because of a cause: that one changed something, in whatever run, and the step
    /// was not done since.
    pub fn owed(&self, step: &StepId, cause: &StepId) -> bool {
        self.begun.get(cause).is_some_and(|begun| self.done.get(step).is_none_or(|done| done < begun))
    }
}

/// SHA-256 of what was written last on a host, by path: by steps that were done and not undone.
pub(super) fn written(runs: &[Run], host: &str) -> BTreeMap<PathBuf, String> {
    let mut written = BTreeMap::new();
    let done = runs.iter().flat_map(|run| &run.steps).filter(|begun| begun.came == Came::Done && begun.host == host);
    for begun in done {
        if let Action::WriteFile(file) = &begun.action {
            written.insert(file.path.clone(), sha256(&file.content));
        }
    }
    written
}

/// SHA-256 of a file's content, 64 hex digits.
fn sha256(content: &Content) -> String {
    match content {
        Content::Text(text) => crate::bytes::sha256(text.as_bytes()),
        Content::Material { sha256, .. } => sha256.clone(),
    }
}
