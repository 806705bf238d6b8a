//! Submitting: exactly one job or none, whatever breaks on the way.
//!
//! 1. The submission is written down under a random mark before sbatch is called.
//! 2. sbatch runs as the person; the job carries the mark.
//! 3. A clear answer ends it: job and history are written in one transaction, or the submission is dropped.
//! 4. An unclear one (the connection broke, sbatch ran into its time limit, slurmctld did not answer) is settled by
//!    asking Slurm for a job with the mark, until sbatch can't be running any more. What still is not known then stays
//!    open and is settled by [`recover`] in the background, and after a restart.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{JobRequest, JobSubmitted};
use tokio::time::{Instant, sleep};

use super::{JobError, Prepared, expand, history, prepare};
use crate::app::App;
use crate::auth::Principal;
use crate::hands::{Hands, Kind, Place};
use crate::random;
use crate::slurm::{JobId, Settings, Submission};
use crate::store::audit::{AuditEntry, By};
use crate::store::history::HistoryRecord;
use crate::store::notifications::NotificationRecord;
use crate::store::submissions::{Beginning, Pending, SubmissionRecord};
use crate::store::walk::PageRequest;

/// Longest `Idempotency-Key`, bytes.
const MAX_KEY: usize = 255;
/// sbatch is ended by then; a job that is not there some seconds later was never made.
const SETTLED_AFTER: Duration = Duration::from_secs(5);
/// Pause between two questions whether the job is there.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Open submissions that are looked at in one round.
const ROUND: usize = 100;

/// Judges an `Idempotency-Key`: visible ASCII, 1 to 255 bytes.
pub fn judge_key(key: &str) -> Result<(), JobError> {
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(JobError::invalid("Idempotency-Key", format!("must be 1 to {MAX_KEY} visible ASCII characters")))
    }
}

/// Submits a job. The same `key` with the same request gives the first answer again and makes no second job.
///
/// It goes on when the caller goes away.
pub async fn submit(
    app: &Arc<App>,
    who: &Principal,
    request: JobRequest,
    key: Option<String>,
) -> Result<JobSubmitted, JobError> {
    if let Some(key) = &key {
        judge_key(key)?;
    }
    let (app, who) = (app.clone(), who.clone());
    let work = tokio::spawn(async move { run(&app, &who, &request, key).await });
    work.await.unwrap_or(Err(JobError::Stopping))
}

async fn run(app: &App, who: &Principal, request: &JobRequest, key: Option<String>) -> Result<JobSubmitted, JobError> {
    let hands = app.people.hands(who).await?;
    let Prepared { rendered, template, category, files } = prepare(app, who, request).await?;
    let folder = folder_for(app, hands.as_ref(), who, request)?;
    let mark = random::id()?;
    let script = rendered.script.clone();
    let stdout = stdout_in(&folder.path, &rendered.settings);
    let submission = rendered.into_submission(folder.path.clone(), stdout, mark.clone());
    let submitted_at = app.clock.now();
    let asked = serde_json::to_string(request).unwrap_or_default();
    let history = HistoryRecord {
        job: history::new_job(0, &submission.settings, app, who, template, submitted_at),
        owner_id: who.user_id.clone(),
        submitted_at,
        category,
        work_dir: folder.path.display().to_string(),
        stdout: submission.stdout.display().to_string(),
        files: files.iter().map(|file| file.path.display().to_string()).collect(),
        exit_code: None,
        signal: None,
        usage: None,
    };
    let record = SubmissionRecord {
        id: mark.clone(),
        owner_id: who.user_id.clone(),
        key,
        digest: random::hex(digest::digest(&digest::SHA256, asked.as_bytes()).as_ref()),
        created_at: submitted_at,
        answer: None,
        pending: Some(Box::new(Pending { history: history.clone(), script, request: asked })),
    };
    match app.store.begin_submission(record).await? {
        Beginning::Begun => {}
        Beginning::Before(answer) => return Ok(answer),
        Beginning::KeyTaken => return Err(JobError::KeyTaken),
        Beginning::UnderWay => return Err(JobError::UnderWay),
    }
    let by = who.by(submitted_at);
    let made = make_folder(hands.as_ref(), &folder).await;
    let outcome = match made {
        Ok(()) => hand_over(app, hands.as_ref(), &submission, submitted_at).await,
        Err(error) => Outcome::Refused(error),
    };
    match outcome {
        Outcome::Made(job_id) => finish(app, &mark, history, job_id, by).await,
        Outcome::Refused(error) => {
            let audit = AuditEntry::refused(by, "job.submit", &mark, error.to_string());
            app.store.drop_submission(mark, audit).await?;
            remove_folder(hands.as_ref(), &folder).await;
            Err(error)
        }
        Outcome::Unclear(reason) => {
            tracing::warn!(mark, user = who.username, reason, "it is not known yet whether a job was submitted");
            Err(JobError::Unclear { reason })
        }
    }
}

/// Where a job runs.
struct Folder {
    path: PathBuf,
    /// Where it is to be made; `None` for one that the person named.
    new: Option<Place>,
}

/// The folder that the person named, or `<jobs>/<account>/<job name>-<random>`.
fn folder_for(app: &App, hands: &dyn Hands, who: &Principal, request: &JobRequest) -> Result<Folder, JobError> {
    if let Some(path) = &request.work_dir {
        return Ok(Folder { path: path.into(), new: None });
    }
    let name: String = request.job_name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
    let name = name.trim_matches('-');
    let unique = random::hex(&random::bytes::<4>()?);
    let folder = if name.is_empty() { format!("job-{unique}") } else { format!("{name}-{unique}") };
    let place = Place::below(app.config.jobs_dir_of(hands.user()), Path::new(&who.username).join(folder));
    Ok(Folder { path: place.path(), new: Some(place) })
}

/// The pattern of standard output's file: the one asked for, else Slurm's own name for it.
pub(super) fn stdout_in(folder: &Path, settings: &Settings) -> PathBuf {
    let own = if settings.array.is_some() { "slurm-%A_%a.out" } else { "slurm-%j.out" };
    folder.join(settings.output.as_deref().unwrap_or(own))
}

async fn make_folder(hands: &dyn Hands, folder: &Folder) -> Result<(), JobError> {
    if let Some(place) = &folder.new {
        return Ok(hands.make_folder(place).await?);
    }
    // sbatch would take it and the job would fail on a node, with nothing to read.
    match hands.stat(&Place::at(&folder.path)).await? {
        Some(stat) if matches!(stat.kind, Kind::Folder | Kind::Link) => Ok(()),
        Some(_) => Err(JobError::invalid("work_dir", "is no folder")),
        None => Err(JobError::invalid("work_dir", "is not there; make the folder first, or leave the field empty")),
    }
}

async fn remove_folder(hands: &dyn Hands, folder: &Folder) {
    let Some(place) = &folder.new else { return };
    // Still empty: nothing ran in it.
    if let Err(error) = hands.remove(place).await {
        tracing::warn!(%error, folder = %folder.path.display(), "can't remove the folder of a refused job");
    }
}

enum Outcome {
    Made(u32),
    Refused(JobError),
    Unclear(String),
}

/// Hands the job to sbatch and finds out what became of it.
async fn hand_over(app: &App, hands: &dyn Hands, submission: &Submission, since: UnixSeconds) -> Outcome {
    match app.slurm.submit(hands, submission).await {
        Ok(job_id) => Outcome::Made(job_id),
        Err(error) if error.rules_out_a_job() => Outcome::Refused(error.into()),
        Err(error) => match settle(app, &submission.mark, since).await {
            Settled::Made(job_id) => Outcome::Made(job_id),
            Settled::NotMade => Outcome::Refused(JobError::NotSubmitted { reason: error.to_string() }),
            Settled::Unknown(reason) => Outcome::Unclear(format!("{error}; {reason}")),
        },
    }
}

/// What Slurm says of a submission.
enum Settled {
    Made(u32),
    NotMade,
    Unknown(String),
}

/// Asks Slurm for a job with the mark, until there is one or sbatch can't be running any more.
async fn settle(app: &App, mark: &str, since: UnixSeconds) -> Settled {
    let deadline = Instant::now() + Duration::from_secs(app.config.slurm.timeout_seconds) + SETTLED_AFTER;
    loop {
        let is_last = Instant::now() >= deadline;
        match app.slurm.find(mark, since).await {
            Ok(Some(job_id)) => return Settled::Made(job_id),
            Ok(None) if is_last => return Settled::NotMade,
            Err(error) if is_last => return Settled::Unknown(error.to_string()),
            Ok(None) | Err(_) => sleep(ASK_EVERY).await,
        }
    }
}

async fn finish(
    app: &App,
    mark: &str,
    mut history: HistoryRecord,
    job_id: u32,
    by: By,
) -> Result<JobSubmitted, JobError> {
    history.job.job_id = job_id;
    history.job.id = job_id.to_string();
    let answer = JobSubmitted {
        job_id,
        job_name: history.job.name.clone(),
        message: "Job submitted successfully".into(),
        stdout: expand(&history.stdout, &JobId { job: job_id, task: None }, &history.job.name),
    };
    tracing::info!(job_id, user = ?by.username, "job submitted");
    let audit = AuditEntry::done(by, "job.submit", job_id.to_string());
    app.history.remember(&history);
    if let Err(error) = app.store.finish_submission(mark.to_owned(), history, answer.clone(), audit).await {
        // The job runs; saying that it failed would make people submit it twice. It is found again by its mark.
        tracing::error!(job_id, mark, %error, "job submitted, but not in the history yet");
    }
    app.live.look_now();
    Ok(answer)
}

/// Settles the submissions of which it is not known what became of them, and tells their people. Answers how many are
/// still open.
pub async fn recover(app: &App) -> Result<usize, JobError> {
    let now = app.clock.now();
    let patience = i64::try_from((Duration::from_secs(app.config.slurm.timeout_seconds) + SETTLED_AFTER).as_secs());
    let over_after = patience.unwrap_or(i64::MAX);
    let mut still_open = 0;
    for record in app.store.open_submissions(&PageRequest::first(ROUND))?.items {
        if now.saturating_sub(record.created_at) < over_after {
            // Whoever submits it is still at it.
            still_open += 1;
            continue;
        }
        let Some(pending) = record.pending else { continue };
        let by = By {
            user_id: Some(record.owner_id.clone()),
            username: pending.history.job.owner.clone(),
            ..By::system(now)
        };
        match app.slurm.find(&record.id, record.created_at).await {
            Ok(Some(job_id)) => {
                let name = pending.history.job.name.clone();
                finish(app, &record.id, pending.history, job_id, by).await?;
                let title = format!("Job {job_id} was submitted");
                let message = format!("The submission of “{name}” was interrupted. The job is there, once: {job_id}.");
                tell(app, record.owner_id, "submission_recovered", title, message, Some(job_id)).await?;
            }
            Ok(None) => {
                let name = pending.history.job.name.clone();
                let reason = "it was interrupted before Slurm had it";
                app.store
                    .drop_submission(record.id.clone(), AuditEntry::refused(by, "job.submit", &record.id, reason))
                    .await?;
                let message =
                    format!("The submission of “{name}” was interrupted before Slurm had it. Submit it again.");
                tell(app, record.owner_id, "submission_lost", "A job was not submitted".into(), message, None).await?;
            }
            Err(error) => {
                still_open += 1;
                tracing::debug!(mark = record.id, %error, "Slurm does not say yet what became of a submission");
            }
        }
    }
    Ok(still_open)
}

async fn tell(
    app: &App,
    user_id: String,
    kind: &str,
    title: String,
    message: String,
    job: Option<u32>,
) -> Result<(), JobError> {
    let link = job.map(|job| format!("/jobs/{job}"));
    let (at, kind) = (app.clock.now(), kind.to_owned());
    app.store.notify(NotificationRecord { seq: 0, user_id, at, kind, title, message, link, is_read: false }).await?;
    Ok(())
}
