//! In which order steps are undone.
use std::collections::BTreeMap;

use crate::action::{self, Action};
use crate::journal::{Begun, Came, Run};
use crate::plan::StepId;

/// A step to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undo<'a> {
    pub(super) begun: &'a Begun,
    pub(super) how: How,
}

/// How a step is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By its own `revert`.
    Revert,
    /// The daemon is started anew once more: it has to take up what was brought back.
    Restart,
    /// By that of another step, which stops the daemon.
    Nothing,
}

/// What is to be undone of a run, in groups, one after the other. Steps of a group that are on different hosts can be
/// undone at the same time: they were of one stage.
///
/// It is the order in which they were begun turned around, but for a daemon that ran before and was started anew because
/// something changed: it takes up what was before only when that is there, so its turn comes when the first of its
/// causes is undone.
pub(super) fn order<'a>(run: &'a Run, to: Option<&StepId>, means: impl Fn(&Begun) -> bool) -> Vec<Vec<Undo<'a>>> {
    let stands = |begun: &&Begun| begun.came != Came::Reverted && means(begun);
    let after = to.and_then(|to| run.steps.iter().rposition(|begun| begun.step == *to && stands(&begun)));
    let begun: Vec<&Begun> = run.steps.iter().skip(after.map_or(0, |place| place + 1)).filter(stands).collect();
    let first = first(&begun);
    let mut groups: Vec<Vec<Undo<'a>>> = Vec::new();
    // By the place of the cause that they wait for.
    let mut waiting: BTreeMap<usize, Vec<Undo<'a>>> = BTreeMap::new();
    let mut end = begun.len();
    while let Some(stage) = end.checked_sub(1).and_then(|last| begun.get(last)).map(|begun| begun.stage) {
        let start = begun.iter().take(end).rposition(|begun| begun.stage != stage).map_or(0, |place| place + 1);
        let mut group = Vec::new();
        for (place, step) in begun.iter().enumerate().take(end).skip(start).rev() {
            let ran_before = matches!(step.action, Action::RestartUnit(_)) && ran(&step.undo);
            match cause(step, &first) {
                _ if ran_before && is_stopped_by_another(step, begun.get(..place).unwrap_or_default()) => {
                    group.push(Undo { begun: step, how: How::Nothing });
                }
                Some(cause) if ran_before => {
                    waiting.entry(cause).or_default().push(Undo { begun: step, how: How::Restart });
                }
                _ => group.push(Undo { begun: step, how: How::Revert }),
            }
        }
        groups.push(group);
        groups.extend(waiting.split_off(&start).into_values().rev());
        end = start;
    }
    groups
}

/// Where each step was begun first.
fn first<'a>(begun: &[&'a Begun]) -> BTreeMap<&'a StepId, usize> {
    let mut first = BTreeMap::new();
    for (place, begun) in begun.iter().enumerate() {
        first.entry(&begun.step).or_insert(place);
    }
    first
}

/// The place of the first cause of a step among those that are undone too.
fn cause(step: &Begun, first: &BTreeMap<&StepId, usize>) -> Option<usize> {
    step.causes.iter().filter_map(|cause| first.get(cause).copied()).min()
}

/// Whether a unit ran before.
fn ran(undo: &action::Undo) -> bool {
    matches!(undo, action::Undo::Unit(unit) if unit.is_active())
}

/// Whether the daemon of a restart did not run before this run: one of the steps before it found it so, and stops it
/// when it is undone.
fn is_stopped_by_another(step: &Begun, before: &[&Begun]) -> bool {
    let unit = unit(&step.action);
    before.iter().any(|other| {
        other.host == step.host && unit.is_some() && self::unit(&other.action) == unit && !ran(&other.undo)
    })
}

/// The unit that an action is about.
fn unit(action: &Action) -> Option<&str> {
    match action {
        Action::SetUnit(action) => Some(&action.name),
        Action::RestartUnit(action) => Some(&action.name),
        _ => None,
    }
}
