//! One job in full: from Slurm or, when it does not answer, the last known state; with why, what it used, and what the
//! caller may do.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use slurmdash_api::auth::Permission;
use slurmdash_api::cluster::Freshness;
use slurmdash_api::jobs::{
    ActionKind, ArrayStrip, Explanation, Job, JobDetail, JobRecordText, JobRequest, JobState, OutputStream, Source,
    Step, Usage,
};
use tokio::time::timeout;

use super::output::{self, Range};
use super::{JobError, expand, explain, history, list, may_touch};
use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::hands::Hands;
use crate::slurm::{JobId, JobRecord, Measured};
use crate::store::history::HistoryRecord;

/// Bytes of the output's end that are looked at for the cause of a failure.
const END: u64 = 16 * 1024;
/// `NO_VAL`, which stands for a task's index where there is none.
const NO_TASK: &str = "4294967294";
/// Accounting may be slow or away: a page does not wait for it longer than this.
const MEASURED_WITHIN: Duration = Duration::from_secs(3);
/// Nor for the output's end.
const END_WITHIN: Duration = Duration::from_secs(2);

/// What is known of a job, and by whom.
pub(super) struct Whole {
    pub record: JobRecord,
    pub ours: Option<HistoryRecord>,
    pub freshness: Freshness,
}

/// Looks a job up: from Slurm, or the last known state when Slurm does not answer.
pub(super) async fn whole(app: &App, id: &JobId) -> Result<Whole, JobError> {
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
            let seen = snapshot.job(&id.to_string()).cloned();
            match (seen, ours) {
                (Some(job), ours) => {
                    let ours = ours.filter(|ours| history::is_same(ours, &job));
                    (history::seen(job), ours)
                }
                (None, Some(ours)) => (history::last_known(&ours), Some(ours)),
                (None, None) => return Err(error.into()),
            }
        }
    };
    if id.task.is_none() && record.job.array_job_id == Some(id.job) {
        // Slurm answers with the tasks that have not started: `12_[5-9]`.
        record.job.id = id.to_string();
    }
    if let Some(ours) = &ours {
        record.job.owner.clone_from(&ours.job.owner);
        record.job.template.clone_from(&ours.job.template);
    }
    Ok(Whole { record, ours, freshness })
}

/// Everything known about a job.
pub async fn detail(app: &App, who: &Principal, id: &JobId) -> Result<JobDetail, JobError> {
    let whole = whole(app, id).await?;
    let own = may_touch(app, who, &whole.record.job);
    let paths = Paths::of(&whole, id);
    let job = &whole.record.job;
    let hands = if own { app.people.hands(who).await.ok() } else { None };
    let (measured, end) =
        tokio::join!(measured(app, hands.as_deref(), id, &whole), end_of_output(job, hands.as_deref(), &paths));
    let snapshot = app.live.last_known();
    let usage = measured.as_ref().map(|measured| measured.usage.clone());
    let steps = measured.map(|measured| measured.steps).unwrap_or_default();
    let array = strip_of(&snapshot.jobs, id);
    let explanation = explain::explain(&explain::Facts {
        job,
        exit_code: whole.record.exit_code,
        signal: whole.record.signal,
        more: &whole.record.more,
        usage: usage.as_ref(),
        steps: &steps,
        output_end: end.as_deref(),
        cancelled_by: None,
        cluster: explain::Cluster { nodes: &snapshot.nodes, partitions: &snapshot.partitions, jobs: &snapshot.jobs },
        now: app.clock.now(),
        zone: &jiff::tz::TimeZone::system(),
    });
    let ours = whole.ours.as_ref().filter(|_| own);
    let texts = ours.map(|ours| Ok::<_, JobError>((app.store.job_script(ours)?, app.store.job_request(ours)?)));
    let (script, request) = texts.transpose()?.unwrap_or_default();
    Ok(shown(app, who, whole, paths, Around { own, explanation, usage, steps, array, script, request }))
}

/// What was found out around a job.
struct Around {
    own: bool,
    explanation: Option<Explanation>,
    usage: Option<Usage>,
    steps: Vec<Step>,
    array: Option<ArrayStrip>,
    script: Option<String>,
    request: Option<String>,
}

fn shown(app: &App, who: &Principal, whole: Whole, paths: Paths, around: Around) -> JobDetail {
    let Whole { record, ours, freshness } = whole;
    let Around { own, explanation, usage, steps, array, script, request } = around;
    let text = |path: Option<PathBuf>| path.filter(|_| own).map(|path| path.display().to_string());
    let actions = actions_on(app, who, &record.job, array.as_ref());
    JobDetail {
        may_read: own,
        may_cancel: actions.contains(&ActionKind::Cancel),
        actions,
        exit_code: record.exit_code,
        signal: record.signal,
        work_dir: text(paths.work_dir),
        stdout: text(paths.stdout),
        stderr: text(paths.stderr),
        script,
        files: ours.filter(|_| own).map(|ours| ours.files).unwrap_or_default(),
        explanation,
        usage,
        steps,
        more: record.more,
        array,
        // One that an older or newer program wrote may not fit any more: then the script is the way.
        request: request.and_then(|request| serde_json::from_str::<JobRequest>(&request).ok()),
        source: record.source,
        freshness,
        job: record.job,
    }
}

/// What the caller may do with it now.
fn actions_on(app: &App, who: &Principal, job: &Job, array: Option<&ArrayStrip>) -> Vec<ActionKind> {
    if !may_touch(app, who, job) || !who.may(Permission::JobSubmit) {
        return Vec::new();
    }
    let fits = |kind: &ActionKind| {
        kind.fits(job.state) || array.is_some_and(|array| array.counts.keys().any(|state| kind.fits(*state)))
    };
    let held = job.reason.as_deref().is_some_and(|reason| reason.starts_with("JobHeld"));
    let sensible = |kind: &ActionKind| match kind {
        ActionKind::Hold => !held,
        ActionKind::Release => held,
        // Slurm lets operators only.
        ActionKind::Suspend | ActionKind::Resume => who.may(Permission::JobManage),
        _ => true,
    };
    ActionKind::ALL.into_iter().filter(fits).filter(sensible).collect()
}

/// The tasks of the array with this number, as the last look at Slurm had them.
fn strip_of(jobs: &[Job], id: &JobId) -> Option<ArrayStrip> {
    if id.task.is_some() {
        return None;
    }
    let tasks: Vec<&Job> = jobs.iter().filter(|job| job.array_job_id == Some(id.job)).collect();
    (!tasks.is_empty()).then(|| list::strip(&tasks))
}

/// Where a job's files are.
struct Paths {
    work_dir: Option<PathBuf>,
    stdout: Option<PathBuf>,
    stderr: Option<PathBuf>,
}

impl Paths {
    fn of(whole: &Whole, id: &JobId) -> Self {
        let (record, ours) = (&whole.record, whole.ours.as_ref());
        let expanded = ours.map(|ours| PathBuf::from(expand(&ours.stdout, id, &ours.job.name)));
        let work_dir = record.work_dir.clone().or_else(|| ours.map(|ours| PathBuf::from(&ours.work_dir)));
        // Each task of an array has files of its own; the array's name for them has Slurm's "no task" in it.
        let is_file = |path: &PathBuf| !path.to_string_lossy().contains(NO_TASK);
        Self {
            work_dir,
            stdout: record.stdout.clone().or_else(|| expanded.clone()).filter(is_file),
            stderr: record.stderr.clone().or(expanded).filter(is_file),
        }
    }

    fn get(&self, stream: OutputStream) -> Option<&PathBuf> {
        match stream {
            OutputStream::Stdout => self.stdout.as_ref(),
            OutputStream::Stderr => self.stderr.as_ref(),
        }
    }
}

/// What it used: what was written down when it ended, else what Slurm says now.
async fn measured(app: &App, hands: Option<&dyn Hands>, id: &JobId, whole: &Whole) -> Option<Measured> {
    let job = &whole.record.job;
    if matches!(job.state, JobState::Pending | JobState::Configuring) || whole.record.source == Source::History {
        return whole
            .ours
            .as_ref()
            .and_then(|ours| ours.usage.clone())
            .map(|usage| Measured { usage, steps: Vec::new() });
    }
    let asked = app.measurements.of(app.slurm.as_ref(), hands.unwrap_or(app.own.as_ref()), id, job, app.clock.now());
    match timeout(MEASURED_WITHIN, asked).await {
        Ok(Ok(measured)) => Some(measured),
        Ok(Err(error)) => {
            tracing::debug!(job = %id, %error, "Slurm does not say what a job used");
            None
        }
        Err(_) => None,
    }
}

/// The end of what a failed job wrote: of standard error, else of standard output.
async fn end_of_output(job: &Job, hands: Option<&dyn Hands>, paths: &Paths) -> Option<String> {
    let hands = hands?;
    if !job.state.is_final() || job.state == JobState::Completed {
        return None;
    }
    let read = async {
        for stream in [OutputStream::Stderr, OutputStream::Stdout] {
            let Some(path) = paths.get(stream) else { continue };
            let end = output::read(hands, path, stream, Range::Tail(END)).await;
            if let Some(end) = end.ok().filter(|end| !end.text.trim().is_empty()) {
                return Some(end.text);
            }
        }
        None
    };
    timeout(END_WITHIN, read).await.ok().flatten()
}

/// The person's hands and the path of a job's output, if the caller may read it.
pub async fn output_of(
    app: &App,
    who: &Principal,
    id: &JobId,
    stream: OutputStream,
) -> Result<(Arc<dyn Hands>, PathBuf), JobError> {
    let whole = whole(app, id).await?;
    if !may_touch(app, who, &whole.record.job) {
        return Err(Forbidden(Permission::JobManage).into());
    }
    let path = Paths::of(&whole, id).get(stream).cloned().ok_or_else(|| JobError::NoOutput(id.clone()))?;
    Ok((app.people.hands(who).await?, path))
}

/// Everything Slurm says of a job, as it says it.
pub async fn record_text(app: &App, who: &Principal, id: &JobId) -> Result<JobRecordText, JobError> {
    let whole = whole(app, id).await?;
    if !may_touch(app, who, &whole.record.job) {
        return Err(Forbidden(Permission::JobManage).into());
    }
    let hands = app.people.hands(who).await?;
    Ok(app.slurm.record_text(hands.as_ref(), id).await?)
}
