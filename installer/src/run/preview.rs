//! What a plan will change, found out by looking and nothing else.
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Hosts;
use super::parallel::for_each;
use crate::action::{Action, Change, Diff, Look, Setting, StepError};
use crate::facts::Wanted;
use crate::host::HostError;
use crate::journal::{Debts, Journal, PLACE};
use crate::plan::{OnFailure, Phase, Plan, Stage, Step, StepId};
use crate::reach::Reach;

/// How many hosts are looked at at the same time.
const AT_ONCE: usize = 64;

/// What a plan will change. As JSON it is what `--plan --json` prints; it holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Steps that will change something, in order.
    pub changes: Vec<PreviewedStep>,
    /// Steps that have nothing to do, in order.
    pub same: Vec<StepId>,
    /// Hosts that can't be reached.
    pub away: BTreeMap<String, Away>,
    /// Steps that can't be done as it is now.
    pub refused: Vec<Refusal>,
    /// Jobs that run and that a step among the changes would disturb.
    pub running_jobs: Vec<u32>,
    /// Hosts that did not tell whether jobs run there, and why, when there is such a step.
    pub jobs_unknown: BTreeMap<String, String>,
    /// Jobs that ran when it was looked.
    #[serde(skip)]
    pub(super) jobs: Jobs,
}

/// A step that will change something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewedStep {
    /// Its name.
    pub step: StepId,
    /// Its host.
    pub host: String,
    /// The part of the installation.
    pub phase: Phase,
    /// The stage it belongs to.
    pub stage: String,
    /// What changes, in words.
    pub summary: String,
    /// Whether something comes that was not there before.
    pub is_new: bool,
    /// Text before and after, where it is a text that anybody may see.
    pub diff: Option<Diff>,
    /// Whether what is there was changed by hand since it was written last: a copy of it will be kept.
    pub drift: bool,
    /// Steps because of which it is done; empty when it is done for its own sake.
    pub because: Vec<StepId>,
    /// What it does to what runs on the cluster.
    pub disrupts: Option<String>,
    /// Hosts whose jobs it does that to; all when empty.
    pub endangers: Vec<String>,
    /// Whether jobs run now to which it does that, or nobody knows.
    pub is_refused: bool,
}

/// A host that can't be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Away {
    /// Why.
    pub error: String,
    /// Whether the others can do without it.
    pub can_be_left_out: bool,
}

/// A step that can't be done as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its name.
    pub step: StepId,
    /// Its host.
    pub host: String,
    /// Why, and what to do.
    pub error: StepError,
    /// Whether the host is left out because of it, as the others can do without.
    pub leaves_out: bool,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.step, self.error)
    }
}

impl Preview {
    /// Whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Steps that would change what somebody changed by hand.
    pub fn drift(&self) -> impl Iterator<Item = &PreviewedStep> {
        self.changes.iter().filter(|change| change.drift)
    }

    /// Steps that are refused while jobs run, unless they are named.
    pub fn disruptions(&self) -> impl Iterator<Item = &PreviewedStep> {
        self.changes.iter().filter(|change| change.is_refused)
    }

    /// Why a step that disturbs jobs is not done now; `None` when none run that it disturbs.
    pub fn objection(&self, change: &PreviewedStep) -> Option<StepError> {
        self.jobs.objection(change.disrupts.as_deref()?, &change.endangers)
    }

    /// Hosts that will be left out from the beginning, and why.
    pub fn left_out(&self) -> BTreeMap<String, String> {
        let away = self.away.iter().filter(|(_, away)| away.can_be_left_out);
        let refused = self.refused.iter().filter(|refusal| refusal.leaves_out);
        away.map(|(host, away)| (host.clone(), away.error.clone()))
            .chain(refused.map(|refusal| (refusal.host.clone(), refusal.error.to_string())))
            .collect()
    }
}

/// Looks at all hosts of a plan, each in one call, and says what the plan will change.
pub fn preview(plan: &Plan, hosts: &Hosts, journal: &Journal) -> Preview {
    let looks = Looks::take(plan, hosts, journal);
    let debts = journal.debts();
    // A host that is left out changes nothing, so what others would do because of it is not due either. Each round
    // leaves out one more host at least.
    let (mut left_out, mut leaving) = (BTreeSet::new(), Vec::new());
    let mut preview = loop {
        let mut judged = judge(plan, &looks, &debts, &left_out);
        let (leave, stop): (Vec<_>, Vec<_>) = judged.refused.into_iter().partition(|refusal| refusal.leaves_out);
        let is_settled = leave.is_empty();
        left_out.extend(leave.iter().map(|refusal| refusal.host.clone()));
        leaving.extend(leave);
        if is_settled {
            leaving.extend(stop);
            judged.refused = leaving;
            break judged;
        }
    };
    for (host, error) in &looks.away {
        let mut stages = plan.stages.iter().filter(|stage| stage.steps.iter().any(|step| step.host == *host));
        let can_be_left_out = stages.all(|stage| stage.on_failure(host) == OnFailure::LeaveOut);
        preview.away.insert(host.clone(), Away { error: error.clone(), can_be_left_out });
    }
    if preview.changes.iter().any(|change| change.disrupts.is_some()) {
        let jobs = Jobs::of(hosts);
        for change in preview.changes.iter_mut().filter(|change| change.disrupts.is_some()) {
            let (running, unknown) = jobs.on(&change.endangers);
            change.is_refused = !running.is_empty() || !unknown.is_empty();
            preview.running_jobs.extend(running);
            preview.jobs_unknown.extend(unknown.into_iter().map(|(host, why)| (host.clone(), why.clone())));
        }
        preview.running_jobs.sort_unstable();
        preview.running_jobs.dedup();
        preview.jobs = jobs;
    }
    preview
}

/// What changes when these hosts are left out. Goes through the steps in order, as a cause is always before what it
/// causes.
fn judge(plan: &Plan, looks: &Looks, debts: &Debts, left_out: &BTreeSet<String>) -> Preview {
    let mut preview = Preview::default();
    let mut changing: BTreeSet<&StepId> = BTreeSet::new();
    for stage in &plan.stages {
        for step in stage.steps.iter().filter(|step| !left_out.contains(&step.host)) {
            let Some(look) = looks.of.get(&step.id) else { continue };
            let Some(because) = because(step, debts, |cause| changing.contains(cause)) else {
                preview.same.push(step.id.clone());
                continue;
            };
            match look {
                Ok(Look::Same) => preview.same.push(step.id.clone()),
                Ok(Look::Change(change)) => {
                    changing.insert(&step.id);
                    preview.changes.push(previewed(stage, step, because, change));
                }
                Err(error) => preview.refused.push(Refusal {
                    step: step.id.clone(),
                    host: step.host.clone(),
                    error: error.clone(),
                    leaves_out: stage.on_failure(&step.host) == OnFailure::LeaveOut,
                }),
            }
        }
    }
    preview
}

fn previewed(stage: &Stage, step: &Step, because: Vec<StepId>, change: &Change) -> PreviewedStep {
    PreviewedStep {
        step: step.id.clone(),
        host: step.host.clone(),
        phase: stage.phase,
        stage: stage.title.clone(),
        summary: change.summary.clone(),
        is_new: change.is_new(),
        diff: change.diff.clone(),
        drift: change.drift,
        because,
        disrupts: step.disrupts.clone(),
        endangers: step.endangers.clone(),
        is_refused: false,
    }
}

/// The causes for which a step is due: none when it always is, `None` when it is not.
pub(super) fn because(step: &Step, debts: &Debts, changes: impl Fn(&StepId) -> bool) -> Option<Vec<StepId>> {
    let causes = step.when_changed.iter().filter(|cause| changes(cause) || debts.owed(&step.id, cause));
    let causes: Vec<StepId> = causes.cloned().collect();
    (step.when_changed.is_empty() || !causes.is_empty()).then_some(causes)
}

/// Jobs that run now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Jobs {
    /// By host.
    pub(super) running: BTreeMap<String, Vec<u32>>,
    /// Hosts that did not tell, and why.
    pub(super) unknown: BTreeMap<String, String>,
}

impl Jobs {
    /// Asks all hosts at the same time. One that is away is down as far as anybody can know, and runs none.
    pub(super) fn of(hosts: &Hosts) -> Self {
        let hosts: Vec<_> = hosts.0.iter().collect();
        let facts = for_each(AT_ONCE, &hosts, |(_, host)| host.facts(&Wanted::default()));
        let mut jobs = Self::default();
        for ((name, _), facts) in hosts.into_iter().zip(facts) {
            match facts {
                Ok(facts) => drop(jobs.running.insert(name.clone(), facts.slurm.running_jobs)),
                Err(HostError::Away(_)) => {}
                Err(error) => {
                    jobs.unknown.insert(name.clone(), error.to_string());
                }
            }
        }
        jobs
    }

    /// Jobs on some hosts, on all when none is named, sorted; and those of the hosts that did not tell, with the reason.
    fn on(&self, hosts: &[String]) -> (Vec<u32>, BTreeMap<&String, &String>) {
        let is_meant = |host: &String| hosts.is_empty() || hosts.contains(host);
        let running = self.running.iter().filter(|(host, _)| is_meant(host)).flat_map(|(_, jobs)| jobs.iter().copied());
        let running: BTreeSet<u32> = running.collect();
        (running.into_iter().collect(), self.unknown.iter().filter(|(host, _)| is_meant(host)).collect())
    }

    /// Why a step that disturbs jobs is not done now; `None` when none run.
    pub(super) fn objection(&self, disrupts: &str, endangers: &[String]) -> Option<StepError> {
        let (running, unknown) = self.on(endangers);
        let now = if let Some((host, error)) = unknown.first_key_value() {
            format!("{host} does not tell whether any run ({error})")
        } else {
            let named: Vec<String> = running.iter().take(5).map(ToString::to_string).collect();
            let more = if running.len() > 5 { ", …" } else { "" };
            match running.len() {
                0 => return None,
                1 => format!("a job runs now ({})", named.join(", ")),
                count => format!("{count} jobs run now ({}{more})", named.join(", ")),
            }
        };
        let what = "wait until none does, or name the step with --allow-disruption";
        Some(StepError::Refused(format!("{disrupts}, and {now}: {what}")))
    }
}

/// Looks of steps of one host, in one call.
pub(super) fn look(
    host: &dyn Reach,
    steps: &[&Step],
    setting: &Setting,
) -> Result<Vec<Result<Look, StepError>>, HostError> {
    let actions: Vec<Action> = steps.iter().map(|step| step.action.clone()).collect();
    let looks = host.look(&actions, setting)?;
    // A host that went away in the middle says so in each look that is left.
    let gone = looks.iter().find_map(|look| match look {
        Err(StepError::Host(error @ HostError::Away(_))) => Some(error.clone()),
        _ => None,
    });
    if let Some(error) = gone {
        return Err(error);
    }
    if looks.len() == steps.len() {
        return Ok(looks);
    }
    Err(HostError::Malformed(format!("{} looks were wanted, and {} came back", steps.len(), looks.len())))
}

/// All looks of a plan.
struct Looks {
    of: BTreeMap<StepId, Result<Look, StepError>>,
    away: BTreeMap<String, String>,
}

impl Looks {
    fn take(plan: &Plan, hosts: &Hosts, journal: &Journal) -> Self {
        let mut by_host: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
        for step in plan.steps() {
            by_host.entry(&step.host).or_default().push(step);
        }
        let by_host: Vec<_> = by_host.into_iter().collect();
        let looked = for_each(AT_ONCE, &by_host, |(host, steps)| {
            let setting = Setting { keep: PLACE.into(), written: journal.written(host), keep_data: true };
            hosts.get(host).and_then(|reach| look(reach.as_ref(), steps, &setting))
        });
        let mut looks = Self { of: BTreeMap::new(), away: BTreeMap::new() };
        for ((host, steps), looked) in by_host.iter().zip(looked) {
            match looked {
                Ok(found) => looks.of.extend(steps.iter().map(|step| step.id.clone()).zip(found)),
                Err(error) => {
                    looks.away.insert((*host).to_owned(), error.to_string());
                }
            }
        }
        looks
    }
}
