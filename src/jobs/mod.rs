//! Jobs: submit, look up, act on them, read their output.
//!
//! What the controller knows comes from [`crate::slurm`] and the live snapshot; what only we know (who submitted it
//! here, from which template, the script) from [`history`]. What is done for a person is done with their own hands
//! ([`crate::hands`]). [`list`], [`fit`] and [`explain`] are pure.

pub mod actions;
mod detail;
pub mod downloads;
pub mod explain;
pub mod fit;
pub mod history;
pub mod list;
pub mod measure;
pub mod output;
pub mod submit;

use slurmdash_api::auth::Permission;
use slurmdash_api::jobs::{
    ActionKind, HintsQuery, Job, JobForecast, JobPage, JobPreview, JobQuery, JobRequest, JobState, RunHints,
};
use slurmdash_api::problem::FieldProblem;

use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::hands::HandsError;
use crate::random;
use crate::slurm::{JobId, SlurmError};
use crate::store::StoreError;
use crate::templates::{self, ProvidedFile, RenderError, Rendered};
use crate::uploads::UploadError;

use detail::whole;
pub use detail::{detail, output_of, record_text};

/// Runs that a hint looks at.
const HINT_RUNS: usize = 5;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Fields of the request are wrong.
    #[error("{}", .0.iter().map(|p| format!("{} {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldProblem>),
    /// Neither Slurm nor our history knows the job.
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// The job is somebody else's.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It can't be done with a job in this state.
    #[error("job {id} is {}: {} is not possible now", state.as_str(), kind.as_str())]
    NotNow {
        /// The job.
        id: JobId,
        /// What was asked for.
        kind: ActionKind,
        /// The job's state.
        state: JobState,
    },
    /// The job has no output that we know of.
    #[error("job {0} has no output file that is known here")]
    NoOutput(JobId),
    /// Another request was made under the same `Idempotency-Key`.
    #[error("this Idempotency-Key was used for another request; use a new one for each job")]
    KeyTaken,
    /// A request with the same `Idempotency-Key` is on its way.
    #[error("a submission with this Idempotency-Key is on its way; ask again in a moment")]
    UnderWay,
    /// The way to Slurm broke, and it is certain that there is no job.
    #[error("nothing was submitted: {reason}; submit it again")]
    NotSubmitted {
        /// What broke.
        reason: String,
    },
    /// The way to Slurm broke, and it is not known yet whether there is a job.
    #[error(
        "it is not known yet whether the job was submitted ({reason}); it will be found out, and never submitted twice: \
         look at your jobs, or ask again with the same Idempotency-Key"
    )]
    Unclear {
        /// What broke.
        reason: String,
    },
    /// The person's hands could not do it.
    #[error(transparent)]
    Hands(#[from] HandsError),
    /// An upload can't be used.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// Slurm did not do it.
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
    /// The program is stopping.
    #[error("the server is stopping; ask again in a moment with the same Idempotency-Key")]
    Stopping,
}

impl JobError {
    /// One wrong field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem { field: field.into(), message: message.into() }])
    }
}

impl From<RenderError> for JobError {
    fn from(error: RenderError) -> Self {
        Self::Invalid(error.problems)
    }
}

/// A request with everything looked up that it names.
struct Prepared {
    rendered: Rendered,
    template: Option<String>,
    category: Option<String>,
    files: Vec<ProvidedFile>,
}

async fn prepare(app: &App, who: &Principal, request: &JobRequest) -> Result<Prepared, JobError> {
    let template = match &request.template_id {
        Some(id) => Some(
            app.templates
                .get(id, who.may(Permission::JobManage))
                .ok_or_else(|| JobError::invalid("template_id", "there is no such template"))?,
        ),
        None => None,
    };
    let files = app.uploads.finished_files(&who.user_id, &request.uploads).await.map_err(|error| match error {
        UploadError::NotFound(_) => JobError::invalid("uploads", error.to_string()),
        other => other.into(),
    })?;
    let rendered = templates::render(template.as_deref(), request, &files)?;
    let (name, category) = template.map(|template| (template.name.clone(), template.category.clone())).unzip();
    Ok(Prepared { rendered, template: name, category, files })
}

/// The exact script that [`submit::submit`] would hand to sbatch, and what to know about it.
pub async fn preview(app: &App, who: &Principal, request: &JobRequest) -> Result<JobPreview, JobError> {
    let Prepared { rendered, .. } = prepare(app, who, request).await?;
    let snapshot = app.live.current().await;
    let fit = fit::judge(&rendered.settings, &snapshot);
    let mut warnings = rendered.warnings;
    warnings.extend(fit.warnings);
    Ok(JobPreview { script: rendered.script, fits_now: fit.fits_now, warnings })
}

/// Whether Slurm would take it, and when it would start. Nothing is submitted and no folder is made.
pub async fn test(app: &App, who: &Principal, request: &JobRequest) -> Result<JobForecast, JobError> {
    let hands = app.people.hands(who).await?;
    let Prepared { rendered, .. } = prepare(app, who, request).await?;
    // The job's own folder isn't there yet; home is.
    let folder = request.work_dir.as_ref().map_or_else(|| hands.user().home.clone(), Into::into);
    let stdout = submit::stdout_in(&folder, &rendered.settings);
    let submission = rendered.into_submission(folder, stdout, random::id()?);
    Ok(app.slurm.test(hands.as_ref(), &submission).await?)
}

/// `%j`, `%A`, `%a` and `%x` filled in (sbatch(1), "filename pattern").
fn expand(pattern: &str, id: &JobId, name: &str) -> String {
    let task = id.task.map(|task| task.to_string()).unwrap_or_default();
    let job = id.job.to_string();
    pattern.replace("%j", &job).replace("%A", &job).replace("%a", &task).replace("%x", name)
}

/// Whether the caller may see a job's output and act on it, as far as this program has a say: the system and Slurm
/// have theirs.
fn may_touch(app: &App, who: &Principal, job: &Job) -> bool {
    who.may(Permission::JobManage) || app.people.is_own(who, job)
}

/// A page of jobs: those Slurm knows, and ours that it has forgotten.
pub async fn list(app: &App, who: &Principal, query: JobQuery) -> Result<JobPage, JobError> {
    let filter = list::Filter::new(query)?;
    let snapshot = app.live.current().await;
    let past = app.history.past(&snapshot);
    let is_own = |job: &Job| app.people.is_own(who, job) || job.owner.as_deref() == Some(&who.username);
    let page = filter.apply(snapshot.jobs.iter().chain(&past), is_own);
    Ok(JobPage {
        jobs: page.jobs,
        arrays: page.arrays,
        total: page.total,
        page: page.page,
        page_count: page.page_count,
        freshness: snapshot.freshness.clone(),
    })
}

/// What the caller's last runs of the same kind used.
pub fn hints(app: &App, who: &Principal, query: &HintsQuery) -> Result<RunHints, JobError> {
    let template = match &query.template_id {
        Some(id) => Some(
            app.templates
                .get(id, who.may(Permission::JobManage))
                .ok_or_else(|| JobError::invalid("template_id", "there is no such template"))?,
        ),
        None => None,
    };
    let name = query.name.as_deref().unwrap_or_default();
    if template.is_none() && name.is_empty() {
        return Err(JobError::invalid("name", "give the job's name or its template"));
    }
    let template = template.as_ref().map(|template| template.name.as_str());
    // The newest may not have ended, or not have been measured.
    let runs = app.store.runs_of_kind(&who.user_id, template, name, HINT_RUNS * 4)?;
    let runs: Vec<_> = runs.into_iter().filter_map(|run| run.usage).take(HINT_RUNS).collect();
    let cpu_percent = |usage: &slurmdash_api::jobs::Usage| {
        let available = usage.cpu_seconds_available.filter(|available| *available > 0.0)?;
        Some(usage.cpu_seconds? * 100.0 / available)
    };
    Ok(RunHints {
        runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
        memory_peak: runs.iter().filter_map(|usage| usage.memory_peak).max(),
        elapsed: runs.iter().map(|usage| usage.elapsed).max(),
        cpu_percent: runs.iter().filter_map(cpu_percent).max_by(f64::total_cmp),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A finished job with everything else at its plainest.
    pub(crate) fn job(job_id: u32) -> Job {
        Job {
            id: job_id.to_string(),
            job_id,
            array_job_id: None,
            name: format!("job-{job_id}"),
            user: "ann".into(),
            owner: None,
            account: None,
            partition: "compute".into(),
            qos: None,
            state: JobState::Completed,
            reason: None,
            nodes: 1,
            tasks: Some(1),
            cpus: 1,
            memory: None,
            gpus: 0,
            node_list: None,
            submit_time: Some(1_000 + i64::from(job_id)),
            start_time: None,
            end_time: None,
            time_limit: None,
            elapsed: 0,
            priority: None,
            template: None,
        }
    }

    #[test]
    fn output_patterns_are_filled_in() {
        let id = JobId { job: 12, task: Some(3) };
        assert_eq!(expand("/j/%x-%A_%a.out", &id, "n"), "/j/n-12_3.out");
        assert_eq!(expand("/j/slurm-%j.out", &JobId { job: 12, task: None }, "n"), "/j/slurm-12.out");
    }
}
