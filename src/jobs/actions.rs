//! Doing something with one job or many, as the person, with an answer for each.
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use slurmdash_api::auth::Permission;
use slurmdash_api::jobs::{ActionKind, ActionRequest, Job, JobState};
use slurmdash_api::problem::FieldProblem;

use super::{JobError, may_touch, whole};
use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::hands::Hands;
use crate::slurm::{Action, JobId, SlurmError};
use crate::store::audit::AuditEntry;
use crate::templates::settings::time_limit_seconds;

/// Most jobs of one request.
const MAX_JOBS: usize = 1000;
/// So many are asked of Slurm at the same time: more would only wait in slurmctld.
const AT_ONCE: usize = 8;
/// Range of the nice value: sbatch(1), `--nice`, within what people mean by it.
const NICE: std::ops::RangeInclusive<i32> = -10_000..=10_000;

/// A request that has been judged.
struct Judged {
    action: Action,
    jobs: Vec<JobId>,
}

fn judge(request: &ActionRequest) -> Result<Judged, JobError> {
    let mut problems = Vec::new();
    let mut refuse = |field: String, message: String| problems.push(FieldProblem { field, message });
    if !(1..=MAX_JOBS).contains(&request.jobs.len()) {
        refuse("jobs".into(), format!("must be 1 to {MAX_JOBS} job ids"));
    }
    let mut jobs: Vec<JobId> = Vec::with_capacity(request.jobs.len());
    for (at, id) in request.jobs.iter().enumerate().take(MAX_JOBS) {
        match id.parse::<JobId>() {
            Ok(id) if jobs.contains(&id) => refuse(format!("jobs[{at}]"), "is there twice".into()),
            Ok(id) => jobs.push(id),
            Err(error) => refuse(format!("jobs[{at}]"), error.to_string()),
        }
    }
    if request.time.is_some() != (request.action == ActionKind::TimeLimit) {
        refuse("time".into(), "goes with the action time_limit, and only with that".into());
    }
    if request.nice.is_some() != (request.action == ActionKind::Nice) {
        refuse("nice".into(), "goes with the action nice, and only with that".into());
    }
    let limit = request.time.as_deref().map(time_limit_seconds);
    if limit == Some(None) {
        refuse("time".into(), "must be a time such as 90 (minutes), 01:30:00 or 2-12:30:00".into());
    }
    if request.nice.is_some_and(|nice| !NICE.contains(&nice)) {
        refuse("nice".into(), format!("must be from {} to {}", NICE.start(), NICE.end()));
    }
    if !problems.is_empty() {
        return Err(JobError::Invalid(problems));
    }
    let action = match request.action {
        ActionKind::Cancel => Action::Cancel,
        ActionKind::Hold => Action::Hold,
        ActionKind::Release => Action::Release,
        ActionKind::Requeue => Action::Requeue,
        ActionKind::Suspend => Action::Suspend,
        ActionKind::Resume => Action::Resume,
        ActionKind::TimeLimit => Action::TimeLimit(limit.flatten().unwrap_or_default()),
        ActionKind::Nice => Action::Nice(request.nice.unwrap_or_default()),
    };
    Ok(Judged { action, jobs })
}

/// What became of each job, in the order asked.
pub type Outcomes = Vec<(JobId, Result<(), JobError>)>;

/// Does one thing with each of the jobs. That one can't be done does not keep the others from it.
///
/// It goes on when the caller goes away.
pub async fn act(app: &Arc<App>, who: &Principal, request: ActionRequest) -> Result<Outcomes, JobError> {
    let judged = judge(&request)?;
    let hands = app.people.hands(who).await?;
    let (app, who) = (app.clone(), who.clone());
    let work = tokio::spawn(async move {
        let (app, who, hands, action) = (app.as_ref(), &who, hands.as_ref(), &judged.action);
        let outcomes = stream::iter(judged.jobs)
            .map(async |id| {
                let outcome = act_on(app, who, hands, &id, request.action, action).await;
                (id, outcome)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        app.live.look_now();
        outcomes
    });
    work.await.map_err(|_| JobError::Stopping)
}

/// Does one thing with one job.
pub async fn act_on_one(app: &Arc<App>, who: &Principal, id: &JobId, kind: ActionKind) -> Result<(), JobError> {
    let request = ActionRequest { action: kind, jobs: vec![id.to_string()], time: None, nice: None };
    act(app, who, request).await?.into_iter().next().map_or(Err(JobError::Stopping), |(_, outcome)| outcome)
}

async fn act_on(
    app: &App,
    who: &Principal,
    hands: &dyn Hands,
    id: &JobId,
    kind: ActionKind,
    action: &Action,
) -> Result<(), JobError> {
    let job = known(app, id, kind).await?;
    let by = who.by(app.clock.now());
    let name = audited_as(kind);
    let outcome = if !may_touch(app, who, &job) {
        Err(Forbidden(Permission::JobManage).into())
    } else if !is_array(&job) && (job.state.is_final() || job.state == JobState::Unknown) {
        Err(SlurmError::AlreadyFinished(id.clone()).into())
    } else if !is_array(&job) && !kind.fits(job.state) {
        Err(JobError::NotNow { id: id.clone(), kind, state: job.state })
    } else {
        app.slurm.act(hands, id, action).await.map_err(JobError::from)
    };
    let audit = match &outcome {
        Ok(()) => AuditEntry::done(by, name, id.to_string()),
        Err(error) => AuditEntry::refused(by, name, id.to_string(), error.to_string()),
    };
    app.store.audit(audit).await?;
    if outcome.is_ok() {
        tracing::info!(job = %id, user = who.username, action = kind.as_str(), "done with a job");
    }
    outcome
}

/// What the audit log calls it.
fn audited_as(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Cancel => "job.cancel",
        ActionKind::Hold => "job.hold",
        ActionKind::Release => "job.release",
        ActionKind::Requeue => "job.requeue",
        ActionKind::Suspend => "job.suspend",
        ActionKind::Resume => "job.resume",
        ActionKind::TimeLimit => "job.time_limit",
        ActionKind::Nice => "job.nice",
    }
}

/// The job as the last look at Slurm had it, unless it could not be done with that one: then as Slurm says now.
async fn known(app: &App, id: &JobId, kind: ActionKind) -> Result<Job, JobError> {
    let snapshot = app.live.snapshot();
    let seen = snapshot.job(&id.to_string()).filter(|job| !snapshot.freshness.stale && kind.fits(job.state));
    match seen {
        Some(job) => Ok(job.clone()),
        None => Ok(whole(app, id).await?.record.job),
    }
}

/// Whether it is an array as a whole, which is in many states at once: Slurm has the word there.
fn is_array(job: &Job) -> bool {
    job.array_job_id.is_some_and(|array| job.id == array.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(action: ActionKind) -> ActionRequest {
        ActionRequest { action, jobs: vec!["12".into(), "13_4".into()], time: None, nice: None }
    }

    #[test]
    fn requests_are_judged_field_by_field() {
        let good = judge(&ActionRequest { time: Some("1:00:00".into()), ..request(ActionKind::TimeLimit) }).unwrap();
        assert_eq!((good.action, good.jobs.len()), (Action::TimeLimit(3600), 2));
        let fields = |request: &ActionRequest| match judge(request) {
            Err(JobError::Invalid(problems)) => problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        assert_eq!(fields(&request(ActionKind::TimeLimit)), ["time"]);
        assert_eq!(fields(&ActionRequest { nice: Some(5), ..request(ActionKind::Hold) }), ["nice"]);
        assert_eq!(fields(&ActionRequest { nice: Some(99_999), ..request(ActionKind::Nice) }), ["nice"]);
        assert_eq!(fields(&ActionRequest { jobs: Vec::new(), ..request(ActionKind::Hold) }), ["jobs"]);
        let twice = vec!["1".into(), "1".into(), "x;rm".into()];
        assert_eq!(fields(&ActionRequest { jobs: twice, ..request(ActionKind::Hold) }), ["jobs[1]", "jobs[2]"]);
    }
}
