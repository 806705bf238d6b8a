//! Doing a plan: stage by stage, the hosts of a stage at the same time.
use std::collections::BTreeMap;

use super::course::{Course, SoFar};
use super::parallel::for_each;
use super::watch::tell;
use super::{Control, Ended, Event, Hosts, Options, Preview, Refusal, Report, RunError, Watch};
use crate::journal::{Journal, Outcome, Record, RunId};
use crate::plan::{Plan, Stage, Step};

/// Does what the preview of a plan says, and writes it down. Where a step fails that others need, or somebody stops it,
/// what was done stays; [`rollback`](super::rollback) undoes it, [`Options::resume`] goes on with a new plan.
pub fn apply(
    plan: &Plan,
    preview: &Preview,
    hosts: &Hosts,
    journal: &mut Journal,
    watch: &dyn Watch,
    control: &Control,
    options: &Options,
) -> Result<Report, RunError> {
    judge(preview, options)?;
    let Some(run) = begin(preview, journal, options)? else {
        return Ok(report(None, Ended::NothingToDo, SoFar { left_out: preview.left_out(), ..SoFar::default() }));
    };
    let journal = &*journal;
    let steps = preview.changes.iter().map(|change| change.step.clone()).collect();
    tell(journal, watch, &Event::RunBegan { run: &run, steps: preview.changes.len(), resumed: options.resume });
    journal.append(&Record::Planned { steps })?;
    let course = Course::new(plan, preview, hosts, journal, watch, control, options, &run);
    for (host, error) in preview.left_out() {
        course.leave_out(&host, &error);
    }
    for (number, stage) in plan.stages.iter().enumerate() {
        if course.halts() {
            break;
        }
        do_stage(&course, number, stage, options.parallel);
    }
    end(course, journal, &run)
}

/// Refuses what would do harm before anything is done.
fn judge(preview: &Preview, options: &Options) -> Result<(), RunError> {
    let away = preview.away.iter().filter(|(_, away)| !away.can_be_left_out);
    let away: BTreeMap<_, _> = away.map(|(host, away)| (host.clone(), away.error.clone())).collect();
    if !away.is_empty() {
        return Err(RunError::Away(away));
    }
    let mut refused: Vec<Refusal> = preview.refused.iter().filter(|refusal| !refusal.leaves_out).cloned().collect();
    let disturbing = preview.disruptions().filter(|change| !options.allow_disruption.contains(&change.step));
    refused.extend(disturbing.filter_map(|change| {
        let error = preview.objection(change)?;
        Some(Refusal { step: change.step.clone(), host: change.host.clone(), error, leaves_out: false })
    }));
    if refused.is_empty() { Ok(()) } else { Err(RunError::Refused(refused)) }
}

/// Begins the run, or goes on with it; `None` when there is nothing to be done.
fn begin(preview: &Preview, journal: &mut Journal, options: &Options) -> Result<Option<RunId>, RunError> {
    match (journal.unfinished(), options.resume) {
        (Some(run), true) => {
            journal.reopen(&run.id)?;
            Ok(Some(run.id))
        }
        (None, true) => Err(RunError::NothingToResume),
        (Some(run), false) => Err(RunError::Unfinished(run.id)),
        (None, false) if preview.is_empty() => Ok(None),
        (None, false) => Ok(Some(journal.begin()?)),
    }
}

/// Does a stage on all its hosts.
fn do_stage(course: &Course<'_>, number: usize, stage: &Stage, parallel: usize) {
    let mut by_host: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in &stage.steps {
        by_host.entry(&step.host).or_default().push(step);
    }
    let hosts: Vec<_> = by_host.into_iter().filter(|(host, _)| !course.is_left_out(host)).collect();
    if hosts.is_empty() {
        return;
    }
    course.tell(&Event::StageBegan {
        phase: stage.phase,
        title: &stage.title,
        number: number + 1,
        of: course.plan.stages.len(),
        hosts: hosts.len(),
    });
    for_each(parallel.max(1), &hosts, |(host, steps)| course.on_host(number, stage, host, steps));
}

/// Writes down how it ended, and says what came of it.
fn end(course: Course<'_>, journal: &Journal, run: &RunId) -> Result<Report, RunError> {
    let is_stopped = course.control.stops();
    let so_far = course.into_so_far();
    if let Some(error) = so_far.broken {
        return Err(error.into());
    }
    let ended = if so_far.left_behind {
        Ended::BrokenOff
    } else if so_far.failures.iter().any(|failure| !failure.leaves_out) {
        Ended::Failed
    } else if is_stopped && so_far.cut_short {
        Ended::Stopped
    } else {
        Ended::Done
    };
    let outcome = if ended == Ended::Done { Outcome::Done } else { Outcome::Stopped };
    // What is left behind is still running: that run has no end.
    if ended != Ended::BrokenOff {
        journal.append(&Record::Ended { at: journal.clock().seconds(), outcome })?;
    }
    Ok(report(Some(run.clone()), ended, so_far))
}

fn report(run: Option<RunId>, ended: Ended, so_far: SoFar) -> Report {
    let SoFar { changed, already, besides, failures, left_out, .. } = so_far;
    Report { run, ended, changed, already, besides, failures, left_out }
}
