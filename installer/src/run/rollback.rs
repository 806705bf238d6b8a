//! Undoing what runs did: every step that was begun, the last one first, over all hosts.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::calls::leavable;
use super::course::{Goes, NO_FURTHER, ON};
use super::order::{How, Undo, order};
use super::parallel::for_each;
use super::watch::tell;
use super::{Control, Event, Hosts, RunError, Watch};
use crate::action::{self, Action, Change, Look, Materials, Reverted, Setting, StepError};
use crate::host::HostError;
use crate::journal::{Begun, Journal, JournalError, Outcome, Record, Run, RunId, keep};
use crate::plan::StepId;

/// Which runs are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// The last one of which something is still there.
    Last,
    /// All.
    All,
}

/// How far it goes back, and how.
#[derive(Debug, Clone)]
pub struct Back {
    /// Which runs.
    pub runs: Runs,
    /// The last step that stays; all that was begun after it is undone. Absent: everything.
    pub to: Option<StepId>,
    /// Data that people or the cluster made is moved to the folder for copies on its host, rather than removed.
    pub keep_data: bool,
    /// Only what was done on these hosts, which left the cluster: Slurm's daemons stay down there. On all when empty.
    pub hosts: Vec<String>,
    /// How many hosts are worked on at the same time, at most.
    pub parallel: usize,
}

impl Back {
    /// Whether a step is to be undone.
    pub fn means(&self, begun: &Begun) -> bool {
        self.hosts.is_empty() || self.hosts.contains(&begun.host)
    }
}

/// Something that is left for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The step that left it.
    pub step: StepId,
    /// Its host.
    pub host: String,
    /// What, and what to do.
    pub what: String,
}

/// What came of undoing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Runs that were undone, the last one first; those of which something could not be undone too.
    pub runs: Vec<RunId>,
    /// Steps that were undone, in order.
    pub reverted: Vec<StepId>,
    /// Steps that could not be undone; another `rollback` tries them again.
    pub stuck: Vec<Left>,
    /// What is left of steps that were undone.
    pub left: Vec<Left>,
    /// Copies of what would have been lost, by host.
    pub kept: BTreeMap<String, Vec<PathBuf>>,
    /// Hosts that could not be reached, and why.
    pub away: BTreeMap<String, String>,
    /// Somebody stopped it.
    pub stopped: bool,
    /// Somebody stopped it at once: steps are still being undone, and the process must end before anything else is done.
    pub broken_off: bool,
}

impl Undone {
    /// Whether all that was to be undone is.
    pub fn is_complete(&self) -> bool {
        self.stuck.is_empty() && !self.stopped && !self.broken_off
    }
}

/// Undoes runs. Goes on past steps that can't be undone and hosts that are away, and says at the end what is left. When
/// it is killed, or was not complete, the next one goes on with what is left.
pub fn rollback(
    hosts: &Hosts,
    journal: &mut Journal,
    watch: &dyn Watch,
    control: &Control,
    back: &Back,
) -> Result<Undone, RunError> {
    let targets = targets(journal, back)?;
    let so_far = Mutex::default();
    for run in targets {
        journal.reopen(&run.id)?;
        let undoing = Undoing {
            hosts,
            journal,
            watch,
            control,
            back,
            run: &run,
            so_far: &so_far,
            broken: Mutex::default(),
            down: Mutex::default(),
            halt: AtomicBool::new(false),
        };
        if !undoing.whole()? {
            break;
        }
    }
    Ok(so_far.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The runs that are to be undone, the last one first. The step that stays is in the last of them.
fn targets(journal: &Journal, back: &Back) -> Result<Vec<Run>, RunError> {
    let is_meant = |run: &Run| run.stands() && (back.hosts.is_empty() || run.to_undo().any(|begun| back.means(begun)));
    let mut targets: Vec<Run> = journal.runs().into_iter().rev().filter(is_meant).collect();
    if back.runs == Runs::Last {
        targets.truncate(1);
    }
    if let Some(to) = &back.to {
        let found = targets.iter().position(|run| run.to_undo().any(|begun| begun.step == *to));
        targets.truncate(found.ok_or_else(|| RunError::NoSuchStep(to.clone()))? + 1);
    }
    Ok(targets)
}

/// One run that is being undone.
struct Undoing<'a> {
    hosts: &'a Hosts,
    journal: &'a Journal,
    watch: &'a dyn Watch,
    control: &'a Control,
    back: &'a Back,
    run: &'a Run,
    so_far: &'a Mutex<Undone>,
    broken: Mutex<Option<JournalError>>,
    /// Daemons that did not start with what was brought back, and why.
    down: Mutex<Vec<(&'a Begun, String)>>,
    halt: AtomicBool,
}

impl<'a> Undoing<'a> {
    fn so_far(&self) -> MutexGuard<'_, Undone> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event<'_>) {
        tell(self.journal, self.watch, event);
    }

    /// Undoes it; whether the one before may follow.
    fn whole(&self) -> Result<bool, RunError> {
        let groups = order(self.run, self.back.to.as_ref(), |begun| self.back.means(begun));
        let steps = groups.iter().map(Vec::len).sum();
        self.tell(&Event::RollbackBegan { run: &self.run.id, steps });
        self.so_far().runs.push(self.run.id.clone());
        for group in groups {
            let mut by_host: BTreeMap<&str, Vec<Undo<'a>>> = BTreeMap::new();
            for undo in group {
                by_host.entry(&undo.begun.host).or_default().push(undo);
            }
            let by_host: Vec<_> = by_host.into_iter().collect();
            for_each(self.back.parallel.max(1), &by_host, |(host, steps)| self.on_host(host, steps));
            self.judge()?;
        }
        for (begun, said) in std::mem::take(&mut *self.down.lock().unwrap_or_else(PoisonError::into_inner)) {
            let _ = self.still_down(begun, &said);
        }
        self.judge()?;
        self.end()
    }

    /// Ends it when the journal can't be written.
    fn judge(&self) -> Result<(), RunError> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        broken.map_or(Ok(()), |error| Err(error.into()))
    }

    /// A daemon that did not start when its turn came: now that all else is undone, it may be gone, as its package is.
    fn still_down(&self, begun: &Begun, said: &str) -> Goes {
        let mut outcome = Reverted::wholly();
        let setting = Setting { keep: keep(&self.run.id), written: BTreeMap::new(), keep_data: true };
        let looks =
            self.hosts.get(&begun.host).and_then(|host| host.look(std::slice::from_ref(&begun.action), &setting));
        let unit = looks.ok().and_then(|looks| match looks.into_iter().next() {
            Some(Ok(Look::Change(Change { undo: action::Undo::Unit(unit), .. }))) => Some(unit),
            _ => None,
        });
        if unit.is_none_or(|unit| unit.exists() && !unit.is_active()) {
            outcome.left.push(format!("it ran before, and does not with what was brought back ({said}): start it"));
        }
        self.note(&Record::Reverted { step: begun.step.clone(), outcome: outcome.clone() })?;
        self.tell(&Event::Reverted { step: &begun.step, host: &begun.host, outcome: &outcome, took: Duration::ZERO });
        self.undone(begun, outcome);
        ON
    }

    /// Writes down how it ended, where it did.
    fn end(&self) -> Result<bool, RunError> {
        let so_far = self.so_far();
        if so_far.broken_off {
            return Ok(false);
        }
        let stands = self.journal.run(&self.run.id).is_some_and(|run| run.to_undo().next().is_some());
        let outcome = match (stands, self.run.outcome()) {
            (false, _) => Outcome::RolledBack,
            // On the other hosts it is as it was.
            (true, Some(before)) if !self.back.hosts.is_empty() => before,
            (true, _) => Outcome::Stopped,
        };
        self.journal.append(&Record::Ended { at: self.journal.clock().seconds(), outcome })?;
        Ok(!so_far.stopped)
    }

    /// Whether nothing more may be begun.
    fn halts(&self) -> bool {
        if self.control.stops() && !self.halt.swap(true, Ordering::SeqCst) {
            self.tell(&Event::Stopping);
            self.so_far().stopped = true;
        }
        self.halt.load(Ordering::SeqCst)
    }

    /// Undoes steps of a host, in this order.
    fn on_host(&self, host: &str, steps: &[Undo<'a>]) {
        for step in steps {
            if self.halts() {
                return;
            }
            // A host that did not answer is not asked again for each step.
            let gone = self.so_far().away.get(host).cloned();
            if let Some(error) = gone {
                self.stuck(step.begun, &error);
            } else if self.undo(*step).is_break() {
                return;
            }
        }
    }

    /// Writes a record down. Where that can't be done nothing more is begun.
    fn note(&self, record: &Record) -> Goes {
        let Err(error) = self.journal.append(record) else { return ON };
        self.halt.store(true, Ordering::SeqCst);
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        NO_FURTHER
    }

    /// Undoes a step, between its two records.
    fn undo(&self, step: Undo<'a>) -> Goes {
        let begun = step.begun;
        let written = self.journal.written(&begun.host);
        let setting = Setting { keep: keep(&self.run.id), written, keep_data: self.back.keep_data };
        self.note(&Record::Reverting { step: begun.step.clone() })?;
        self.tell(&Event::Reverting { step: &begun.step, host: &begun.host, what: &begun.action.about() });
        let since = self.journal.clock().now();
        let answer = self.ask(step, setting);
        let took = self.journal.clock().now().saturating_sub(since);
        match answer {
            None => {
                self.halt.store(true, Ordering::SeqCst);
                self.so_far().broken_off = true;
                NO_FURTHER
            }
            Some(Ok(Ok(outcome))) => {
                self.note(&Record::Reverted { step: begun.step.clone(), outcome: outcome.clone() })?;
                self.tell(&Event::Reverted { step: &begun.step, host: &begun.host, outcome: &outcome, took });
                self.undone(begun, outcome);
                ON
            }
            Some(Err(error) | Ok(Err(StepError::Host(error @ HostError::Away(_))))) => {
                self.so_far().away.insert(begun.host.clone(), error.to_string());
                self.stuck(begun, &error.to_string());
                ON
            }
            Some(Ok(Err(StepError::NotReached { said, .. }))) if step.how == How::Restart => {
                self.down.lock().unwrap_or_else(PoisonError::into_inner).push((begun, said));
                ON
            }
            Some(Ok(Err(error))) => {
                self.stuck(begun, &error.to_string());
                ON
            }
        }
    }

    /// Has the host undo a step; `None` when somebody wanted to break off before it had.
    fn ask(&self, step: Undo<'_>, setting: Setting) -> Option<Result<Result<Reverted, StepError>, HostError>> {
        let reach = match self.hosts.get(&step.begun.host) {
            Ok(reach) => reach,
            Err(error) => return Some(Err(error)),
        };
        let (action, mut undo) = (step.begun.action.clone(), step.begun.undo.clone());
        let stays_down = !self.back.hosts.is_empty() && is_of_slurm(&action);
        if let (true, action::Undo::Unit(unit)) = (stays_down, &mut undo) {
            (unit.active, unit.enabled) = ("inactive".to_owned(), "disabled".to_owned());
        }
        match step.how {
            How::Restart if stays_down => Some(Ok(Ok(Reverted::wholly()))),
            How::Nothing => Some(Ok(Ok(Reverted::wholly()))),
            How::Restart => leavable(self.control, move || {
                Ok(reach.execute(&action, &setting, &Materials::default())?.map(|()| Reverted::wholly()))
            }),
            How::Revert => leavable(self.control, move || reach.revert(&action, &setting, &undo)),
        }
    }

    fn undone(&self, begun: &Begun, outcome: Reverted) {
        let mut so_far = self.so_far();
        so_far.reverted.push(begun.step.clone());
        if !outcome.kept.is_empty() {
            so_far.kept.entry(begun.host.clone()).or_default().extend(outcome.kept);
        }
        so_far.left.extend(outcome.left.into_iter().map(|what| left(begun, what)));
    }

    fn stuck(&self, begun: &Begun, error: &str) {
        // When the journal can't be written, that is what it ends with; the step is not undone in either case.
        let _ = self.note(&Record::NotReverted { step: begun.step.clone(), error: error.to_owned() });
        self.tell(&Event::NotReverted { step: &begun.step, host: &begun.host, error });
        self.so_far().stuck.push(left(begun, error.to_owned()));
    }
}

/// Whether it is about a daemon of Slurm, or slurmdash's: on a host that left the cluster they don't run any more.
fn is_of_slurm(action: &Action) -> bool {
    let unit = match action {
        Action::SetUnit(action) => &action.name,
        Action::RestartUnit(action) => &action.name,
        _ => return false,
    };
    unit.starts_with("slurm")
}

fn left(begun: &Begun, what: String) -> Left {
    Left { step: begun.step.clone(), host: begun.host.clone(), what }
}
