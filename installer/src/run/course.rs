//! A run under way: the steps of one host in a stage.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::calls::leavable;
use super::preview::{Jobs, PreviewedStep, because, look};
use super::watch::tell;
use super::{Control, Event, Failure, Hosts, Options, Preview, Watch};
use crate::action::{Action, Change, Look, Setting, StepError};
use crate::host::HostError;
use crate::journal::{Debts, Journal, JournalError, Record, RunId, keep};
use crate::plan::{OnFailure, Plan, Stage, Step, StepId};
use crate::reach::Reach;

/// Longest text of an error in the journal, bytes.
const LONGEST_ERROR: usize = 4 << 10;

/// What came of it so far.
#[derive(Debug, Default)]
pub(super) struct SoFar {
    pub(super) changed: Vec<StepId>,
    pub(super) already: Vec<StepId>,
    pub(super) besides: Vec<StepId>,
    pub(super) failures: Vec<Failure>,
    pub(super) left_out: BTreeMap<String, String>,
    /// The journal can't be written.
    pub(super) broken: Option<JournalError>,
    /// A step was left behind, running.
    pub(super) left_behind: bool,
    /// A step was not begun because somebody wanted the run to stop.
    pub(super) cut_short: bool,
    /// Steps that were begun in this run, for those that are done because of them.
    pub(super) begun: BTreeSet<StepId>,
}

/// A run under way.
pub(super) struct Course<'a> {
    pub(super) plan: &'a Plan,
    pub(super) control: &'a Control,
    hosts: &'a Hosts,
    journal: &'a Journal,
    watch: &'a dyn Watch,
    options: &'a Options,
    run: &'a RunId,
    /// What may be changed.
    changes: BTreeMap<&'a StepId, &'a PreviewedStep>,
    debts: Debts,
    /// Steps that an earlier part of this run began, and that nobody knows the end of.
    open: BTreeSet<StepId>,
    so_far: Mutex<SoFar>,
    /// Nothing more is begun.
    halt: AtomicBool,
}

/// Whether the steps of a host go on.
pub(super) type Goes = std::ops::ControlFlow<()>;
pub(super) const ON: Goes = Goes::Continue(());
pub(super) const NO_FURTHER: Goes = Goes::Break(());

/// A step in its place.
#[derive(Clone, Copy)]
struct Place<'a> {
    number: usize,
    stage: &'a Stage,
    step: &'a Step,
    reach: &'a Arc<dyn Reach>,
}

impl<'a> Course<'a> {
    #[expect(clippy::too_many_arguments, reason = "these are the arguments of `apply`, kept together from here on")]
    pub(super) fn new(
        plan: &'a Plan,
        preview: &'a Preview,
        hosts: &'a Hosts,
        journal: &'a Journal,
        watch: &'a dyn Watch,
        control: &'a Control,
        options: &'a Options,
        run: &'a RunId,
    ) -> Self {
        Self {
            plan,
            control,
            hosts,
            journal,
            watch,
            options,
            run,
            changes: preview.changes.iter().map(|change| (&change.step, change)).collect(),
            debts: journal.debts(),
            open: journal.run(run).map(|run| run.open()).unwrap_or_default(),
            so_far: Mutex::default(),
            halt: AtomicBool::new(false),
        }
    }

    pub(super) fn into_so_far(self) -> SoFar {
        self.so_far.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        tell(self.journal, self.watch, event);
    }

    /// Whether no further step may be begun.
    pub(super) fn halts(&self) -> bool {
        if self.control.stops() && !self.halt.swap(true, Ordering::SeqCst) {
            self.tell(&Event::Stopping);
            self.so_far().cut_short = true;
        }
        self.halt.load(Ordering::SeqCst)
    }

    pub(super) fn is_left_out(&self, host: &str) -> bool {
        self.so_far().left_out.contains_key(host)
    }

    /// Drops a host from all that follows.
    pub(super) fn leave_out(&self, host: &str, error: &str) {
        self.tell(&Event::HostLeftOut { host, error });
        let error = cut(error);
        // When the journal can't be written, that is what the run ends with.
        let _ = self.note(&Record::LeftOut { host: host.to_owned(), error: error.clone() });
        self.so_far().left_out.insert(host.to_owned(), error);
    }

    /// Writes a record down. Where that can't be done nothing more is begun.
    fn note(&self, record: &Record) -> Goes {
        let Err(error) = self.journal.append(record) else { return ON };
        self.halt.store(true, Ordering::SeqCst);
        self.so_far().broken.get_or_insert(error);
        NO_FURTHER
    }

    /// Does the steps of a host in a stage, one after the other.
    pub(super) fn on_host(&self, number: usize, stage: &'a Stage, host: &str, steps: &[&'a Step]) {
        let reach = match self.hosts.get(host) {
            Ok(reach) => reach,
            Err(error) => return self.away(stage, steps, error),
        };
        let mut rest = steps;
        while let Some(first) = rest.first() {
            if self.halts() {
                return;
            }
            // What is not expected to change is looked at in one call; what is, right before it is done.
            let alike = |step: &&&Step| !self.changes.contains_key(&step.id);
            let together = if alike(&first) { rest.iter().take_while(alike).count() } else { 1 };
            let (now, later) = rest.split_at(together.min(rest.len()));
            rest = later;
            if self.together(number, stage, &reach, now).is_break() {
                return;
            }
        }
    }

    /// Looks at steps in one call, and does those that need it.
    fn together(&self, number: usize, stage: &'a Stage, reach: &Arc<dyn Reach>, steps: &[&'a Step]) -> Goes {
        let mut rest = steps;
        while !rest.is_empty() {
            let due: Vec<&Step> = rest.iter().copied().filter(|step| self.is_due(step)).collect();
            let Some(first) = due.first() else { return ON };
            let looks = match look(reach.as_ref(), &due, &self.setting(&first.host)) {
                Ok(looks) => looks,
                Err(error) => {
                    self.away(stage, &due, error);
                    return NO_FURTHER;
                }
            };
            let mut next = rest.len();
            for (step, look) in due.into_iter().zip(looks) {
                let was = self.so_far().begun.len();
                self.settle(Place { number, stage, step, reach }, look)?;
                // After a change, those behind it are looked at anew: they may be due now, or different.
                if self.so_far().begun.contains(&step.id) && self.so_far().begun.len() > was {
                    next = rest.iter().position(|other| other.id == step.id).map_or(next, |place| place + 1);
                    break;
                }
            }
            rest = rest.get(next..).unwrap_or_default();
        }
        ON
    }

    fn setting(&self, host: &str) -> Setting {
        Setting { keep: keep(self.run), written: self.journal.written(host), keep_data: true }
    }

    /// Whether a step is to be done when its look finds something to do.
    fn is_due(&self, step: &Step) -> bool {
        let so_far = self.so_far();
        because(step, &self.debts, |cause| so_far.begun.contains(cause)).is_some()
    }

    /// Does with a step what its look calls for.
    fn settle(&self, place: Place<'_>, look: Result<Look, StepError>) -> Goes {
        let step = place.step;
        match look {
            Ok(Look::Same) => self.same(step),
            Ok(Look::Change(change)) => match self.objection(step, &change) {
                None => self.perform(place, change),
                Some(error) => self.failed(place, error, Duration::ZERO),
            },
            Err(error) => self.failed(place, error, Duration::ZERO),
        }
    }

    /// A step has nothing to do (any more).
    fn same(&self, step: &Step) -> Goes {
        let is_expected = self.changes.contains_key(&step.id);
        // What was broken off turns out to be done; what was due because of another step is due no longer.
        if self.open.contains(&step.id) || (is_expected && !step.when_changed.is_empty()) {
            self.note(&Record::Done { step: step.id.clone() })?;
        }
        if is_expected {
            self.so_far().already.push(step.id.clone());
        }
        self.tell(&Event::StepSame { step: &step.id, host: &step.host });
        ON
    }

    /// Why a change must not be made: it is not what the preview said, or it would disturb jobs.
    fn objection(&self, step: &Step, change: &Change) -> Option<StepError> {
        let refused =
            |why: &str| Some(StepError::Refused(format!("{why} ({}); look at the plan once more", change.summary)));
        match self.changes.get(&step.id) {
            Some(previewed) if change.drift && !previewed.drift => {
                return refused("it was changed by hand after the plan was shown");
            }
            Some(_) => {}
            None if !step.when_changed.is_empty() || matches!(step.action, Action::Await(_)) => {}
            None if change.down.is_some() => return change.down.as_deref().cloned(),
            None => return refused("it is not as it was when the plan was shown, and would be changed"),
        }
        let what = step.disrupts.as_deref()?;
        if self.options.allow_disruption.contains(&step.id) {
            return None;
        }
        Jobs::of(self.hosts).objection(what, &step.endangers)
    }

    /// Does a step, between its two records.
    fn perform(&self, place: Place<'_>, change: Change) -> Goes {
        let step = place.step;
        let started = Record::Started {
            step: step.id.clone(),
            host: step.host.clone(),
            action: Box::new(step.action.clone()),
            undo: change.undo,
            stage: u32::try_from(place.number).unwrap_or(u32::MAX),
            causes: step.when_changed.clone(),
        };
        let setting = self.setting(&step.host);
        self.note(&started)?;
        self.so_far().begun.insert(step.id.clone());
        let what = step.action.sentence(&change.summary);
        self.tell(&Event::StepBegan { step: &step.id, host: &step.host, summary: &change.summary, what: &what });
        let begun = self.journal.clock().now();
        let (reach, action) = (Arc::clone(place.reach), step.action.clone());
        let materials = self.plan.materials.get(&step.host).cloned().unwrap_or_default();
        let answer = leavable(self.control, move || reach.execute(&action, &setting, &materials));
        let took = self.journal.clock().now().saturating_sub(begun);
        match answer {
            None => {
                self.halt.store(true, Ordering::SeqCst);
                self.so_far().left_behind = true;
                NO_FURTHER
            }
            Some(Ok(Ok(()))) => self.done(step, took),
            Some(Ok(Err(error))) => self.failed(place, error, took),
            Some(Err(error)) => self.failed(place, error.into(), took),
        }
    }

    fn done(&self, step: &Step, took: Duration) -> Goes {
        self.note(&Record::Done { step: step.id.clone() })?;
        {
            let mut so_far = self.so_far();
            so_far.changed.push(step.id.clone());
            if !self.changes.contains_key(&step.id) {
                so_far.besides.push(step.id.clone());
            }
        }
        self.tell(&Event::StepDone { step: &step.id, host: &step.host, took });
        ON
    }

    /// A step failed: its host is left out, or nothing more is begun.
    fn failed(&self, place: Place<'_>, error: StepError, took: Duration) -> Goes {
        self.fail(place.stage, place.step, error, took);
        NO_FURTHER
    }

    fn fail(&self, stage: &Stage, step: &Step, error: StepError, took: Duration) {
        let leaves_out = stage.on_failure(&step.host) == OnFailure::LeaveOut;
        if !leaves_out {
            self.halt.store(true, Ordering::SeqCst);
        }
        self.tell(&Event::StepFailed { step: &step.id, host: &step.host, error: &error, took });
        let said = error.to_string();
        let _ = self.note(&Record::Failed { step: step.id.clone(), error: cut(&said) });
        let (id, host) = (step.id.clone(), step.host.clone());
        self.so_far().failures.push(Failure { step: id, host, error, leaves_out });
        if leaves_out {
            self.leave_out(&step.host, &said);
        }
    }

    /// The host went away before a step was begun.
    fn away(&self, stage: &Stage, steps: &[&Step], error: HostError) {
        if let Some(step) = steps.first() {
            self.fail(stage, step, error.into(), Duration::ZERO);
        }
    }
}

/// A text that is not too long for the journal.
fn cut(text: &str) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST_ERROR).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}
