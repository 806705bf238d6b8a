//! A part of a plan.
use std::collections::BTreeSet;

use super::{Phase, Plan, Step, StepId};
use crate::action::Action;
use crate::config::ConfigHost;

/// What is wanted of a plan; by default all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Only these phases; all when empty.
    pub only: Vec<Phase>,
    /// Only these hosts; all when empty.
    pub hosts: Vec<String>,
    /// Hosts that were in the cluster, and are not in the configuration any more: their daemons are stopped.
    pub leaving: Vec<ConfigHost>,
    /// Slurm comes to the newest release that the package sources have.
    pub upgrade: bool,
}

impl Limits {
    /// Leaves out what is not wanted. What is done after a change alone goes with the last step that could make it; the
    /// self-test is done without one when it is asked for by itself.
    pub(super) fn apply(&self, mut plan: Plan) -> Plan {
        if self.only.is_empty() && self.hosts.is_empty() {
            return plan;
        }
        let wants_host = |host: &String| self.hosts.is_empty() || self.hosts.contains(host);
        plan.stages.retain(|stage| self.only.is_empty() || self.only.contains(&stage.phase));
        let tests = self.only.contains(&Phase::SelfTest);
        let mut kept: BTreeSet<StepId> = BTreeSet::new();
        for stage in &mut plan.stages {
            let is_asked_for = tests && stage.phase == Phase::SelfTest;
            for step in std::mem::take(&mut stage.steps).into_iter().filter(|step| wants_host(&step.host)) {
                if let Some(step) = limited(step, is_asked_for, &kept) {
                    kept.insert(step.id.clone());
                    stage.steps.push(step);
                }
            }
        }
        plan.stages.retain(|stage| !stage.steps.is_empty());
        watch(&mut plan);
        plan
    }
}

/// Daemons whose answer is not waited for any more are watched when they start.
fn watch(plan: &mut Plan) {
    let waits = plan.steps().filter_map(|step| match &step.action {
        Action::Await(wait) => Some((step.host.clone(), wait.unit.clone()?)),
        _ => None,
    });
    let waits: BTreeSet<(String, String)> = waits.collect();
    for step in plan.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
        let (unit, answers_later) = match &mut step.action {
            Action::SetUnit(unit) => (&unit.name, &mut unit.answers_later),
            Action::RestartUnit(unit) => (&unit.name, &mut unit.answers_later),
            _ => continue,
        };
        *answers_later &= waits.contains(&(step.host.clone(), unit.clone()));
    }
}

/// A step with the causes that are left; `None` when none is.
fn limited(mut step: Step, is_asked_for: bool, kept: &BTreeSet<StepId>) -> Option<Step> {
    if is_asked_for || step.when_changed.is_empty() {
        step.when_changed.clear();
        return Some(step);
    }
    step.when_changed.retain(|cause| kept.contains(cause));
    (!step.when_changed.is_empty()).then_some(step)
}
