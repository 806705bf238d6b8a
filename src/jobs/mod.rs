//! Jobs: submit, look up, cancel, read their output.
//!
//! What the controller knows comes from [`crate::slurm`] and the live snapshot; what only we know (who submitted it
//! here, from which template, the script) from [`history`]. [`list`] and [`fit`] are pure.

pub mod fit;
pub mod history;
pub mod list;
pub mod output;

use std::path::{Path, PathBuf};

use slurmdash_api::auth::Permission;
use slurmdash_api::jobs::{
    Job, JobDetail, JobPage, JobPreview, JobQuery, JobRequest, JobState, JobSubmitted, OutputStream,
};
use slurmdash_api::problem::FieldProblem;

use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::random;
use crate::slurm::{JobId, JobRecord, SlurmError};
use crate::store::StoreError;
use crate::store::audit::AuditEntry;
use crate::store::history::HistoryRecord;
use crate::templates::{self, ProvidedFile, RenderError, Rendered};
use crate::uploads::UploadError;

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
    /// The job has no output that we know of.
    #[error("job {0} has no output file that is known here")]
    NoOutput(JobId),
    /// The output file can't be read.
    #[error("can't read {path}: {reason}")]
    Output {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The job's folder can't be made.
    #[error("can't make the job's folder {path}: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
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

/// The exact script that [`submit`] would hand to sbatch, and what to know about it.
pub async fn preview(app: &App, who: &Principal, request: &JobRequest) -> Result<JobPreview, JobError> {
    let Prepared { rendered, .. } = prepare(app, who, request).await?;
    let snapshot = app.live.current().await;
    let fit = fit::judge(&rendered.settings, &snapshot);
    let mut warnings = rendered.warnings;
    warnings.extend(fit.warnings);
    Ok(JobPreview { script: rendered.script, fits_now: fit.fits_now, warnings })
}

/// Submits a job: makes its folder, hands it to Slurm, remembers who it belongs to.
pub async fn submit(app: &App, who: &Principal, request: &JobRequest) -> Result<JobSubmitted, JobError> {
    let Prepared { rendered, template, category, files } = prepare(app, who, request).await?;
    let work_dir = make_folder(&app.config.jobs_dir(), who, &rendered.settings.name).await?;
    let is_array = rendered.settings.array.is_some();
    let stdout = work_dir.join(if is_array { "slurm-%A_%a.out" } else { "slurm-%j.out" });
    let script = rendered.script.clone();
    let submission = rendered.into_submission(work_dir.clone(), stdout.clone());
    let submitted_at = app.clock.now();
    let job_id = match app.slurm.submit(&submission).await {
        Ok(job_id) => job_id,
        Err(error) => {
            // Still empty: nothing ran in it.
            if let Err(error) = tokio::fs::remove_dir(&work_dir).await {
                tracing::warn!(%error, folder = %work_dir.display(), "can't remove the folder of a refused job");
            }
            return Err(error.into());
        }
    };
    tracing::info!(job_id, user = who.username, "job submitted");
    let record = HistoryRecord {
        job: history::new_job(job_id, &submission, app, &who.username, template, submitted_at),
        owner_id: who.user_id.clone(),
        submitted_at,
        category,
        work_dir: work_dir.display().to_string(),
        stdout: stdout.display().to_string(),
        files: files.iter().map(|file| file.path.display().to_string()).collect(),
        exit_code: None,
        signal: None,
    };
    let audit = AuditEntry::done(who.by(submitted_at), "job.submit", job_id.to_string());
    if let Err(error) = app.history.add(record, script, audit).await {
        // The job runs; saying that it failed would make people submit it twice.
        tracing::error!(job_id, user = who.username, %error, "job submitted, but not in the history");
    }
    app.live.look_now();
    Ok(JobSubmitted {
        job_id,
        job_name: submission.name,
        message: "Job submitted successfully".into(),
        stdout: expand(&stdout.display().to_string(), &JobId { job: job_id, task: None }),
    })
}

/// `<jobs>/<account>/<job name>-<random>`, mode 0700.
async fn make_folder(jobs: &Path, who: &Principal, name: &str) -> Result<PathBuf, JobError> {
    let slug: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
    let slug = slug.trim_matches('-');
    let unique = random::hex(&random::bytes::<4>()?);
    let folder = if slug.is_empty() { format!("job-{unique}") } else { format!("{slug}-{unique}") };
    let path = jobs.join(&who.username).join(folder);
    let failed = |error: std::io::Error| JobError::Folder { path: path.clone(), reason: error.to_string() };
    tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).await.map_err(failed)?;
    Ok(path)
}

/// `%j`, `%A` and `%a` filled in (sbatch(1), "filename pattern").
fn expand(pattern: &str, id: &JobId) -> String {
    let task = id.task.map(|task| task.to_string()).unwrap_or_default();
    pattern.replace("%j", &id.job.to_string()).replace("%A", &id.job.to_string()).replace("%a", &task)
}

/// Whether the caller may see a job's output and cancel it.
fn is_own(who: &Principal, job: &Job) -> bool {
    job.owner.as_deref() == Some(&who.username) || who.may(Permission::JobManage)
}

/// A page of jobs: those Slurm knows, and ours that it has forgotten.
pub async fn list(app: &App, who: &Principal, query: JobQuery) -> Result<JobPage, JobError> {
    let filter = list::Filter::new(query)?;
    let snapshot = app.live.current().await;
    let past = app.history.past(&snapshot);
    let page = filter.apply(snapshot.jobs.iter().chain(&past), &who.username);
    Ok(JobPage {
        jobs: page.jobs,
        total: page.total,
        page: page.page,
        page_count: page.page_count,
        freshness: snapshot.freshness.clone(),
    })
}

/// Everything known about a job: from Slurm, or the last known state when Slurm does not answer.
pub async fn detail(app: &App, who: &Principal, id: &JobId) -> Result<JobDetail, JobError> {
    let ours = app.store.history_of_job(id.job)?;
    let snapshot = app.live.snapshot();
    let mut freshness = snapshot.freshness.clone();
    let (mut record, ours) = match app.slurm.job(id).await {
        Ok(Some(record)) => {
            let ours = ours.filter(|ours| history::is_same(ours, &record.job));
            freshness.taken_at = Some(app.clock.now());
            freshness.stale = false;
            freshness.problem = None;
            (record, ours)
        }
        Ok(None) => {
            let Some(ours) = ours else { return Err(JobError::NotFound(id.clone())) };
            (history::forgotten(&ours), Some(ours))
        }
        Err(error) => {
            freshness.stale = true;
            freshness.problem = Some(error.to_string());
            let seen = snapshot.job(&id.to_string()).cloned().map(history::seen);
            match (seen, ours) {
                (Some(seen), ours) => {
                    let ours = ours.filter(|ours| history::is_same(ours, &seen.job));
                    (seen, ours)
                }
                (None, Some(ours)) => (history::last_known(&ours), Some(ours)),
                (None, None) => return Err(error.into()),
            }
        }
    };
    if let Some(ours) = &ours {
        record.job.owner.clone_from(&ours.job.owner);
        record.job.template.clone_from(&ours.job.template);
    }
    let ours = match ours {
        Some(ours) => {
            let script = app.store.job_script(&ours)?;
            Some((ours, script))
        }
        None => None,
    };
    Ok(shown(who, id, record, ours, freshness))
}

fn shown(
    who: &Principal,
    id: &JobId,
    record: JobRecord,
    ours: Option<(HistoryRecord, Option<String>)>,
    freshness: slurmdash_api::cluster::Freshness,
) -> JobDetail {
    let own = is_own(who, &record.job);
    let text = |path: Option<PathBuf>| path.filter(|_| own).map(|path| path.display().to_string());
    let (ours, script) = ours.filter(|_| own).unzip();
    let expanded = ours.as_ref().map(|ours| expand(&ours.stdout, id));
    JobDetail {
        may_cancel: own && who.may(Permission::JobSubmit) && !record.job.state.is_final(),
        exit_code: record.exit_code,
        signal: record.signal,
        work_dir: text(record.work_dir).or_else(|| ours.as_ref().map(|ours| ours.work_dir.clone())),
        stdout: text(record.stdout).or_else(|| expanded.clone()),
        stderr: text(record.stderr).or(expanded),
        script: script.flatten(),
        files: ours.map(|ours| ours.files).unwrap_or_default(),
        freshness,
        job: record.job,
    }
}

/// The path of a job's output, if the caller may read it.
pub async fn output_of(app: &App, who: &Principal, id: &JobId, stream: OutputStream) -> Result<PathBuf, JobError> {
    let detail = detail(app, who, id).await?;
    if !is_own(who, &detail.job) {
        return Err(Forbidden(Permission::JobManage).into());
    }
    let path = match stream {
        OutputStream::Stdout => detail.stdout,
        OutputStream::Stderr => detail.stderr,
    };
    path.map(PathBuf::from).ok_or_else(|| JobError::NoOutput(id.clone()))
}

/// Cancels a job.
pub async fn cancel(app: &App, who: &Principal, id: &JobId) -> Result<(), JobError> {
    let detail = detail(app, who, id).await?;
    if !is_own(who, &detail.job) {
        return Err(Forbidden(Permission::JobManage).into());
    }
    if detail.job.state.is_final() || detail.job.state == JobState::Unknown {
        return Err(SlurmError::AlreadyFinished(id.clone()).into());
    }
    app.slurm.cancel(id).await?;
    tracing::info!(job = %id, user = who.username, "job cancelled");
    app.live.look_now();
    Ok(())
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
        assert_eq!(expand("/j/slurm-%A_%a.out", &id), "/j/slurm-12_3.out");
        assert_eq!(expand("/j/slurm-%j.out", &JobId { job: 12, task: None }), "/j/slurm-12.out");
    }
}
