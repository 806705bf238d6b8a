//! What only we know about jobs: who submitted them here, from what, and how those ended that Slurm has forgotten.
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{Job, JobMore, JobState, Source};

use crate::app::App;
use crate::auth::Principal;
use crate::hands::Hands;
use crate::live::snapshot::Snapshot;
use crate::slurm::{JobId, JobRecord, Settings, Slurm};
use crate::store::history::{HistoryFilter, HistoryRecord};
use crate::store::walk::PageRequest;
use crate::store::{Store, StoreError};

/// Submissions that are kept at hand for lists; the oldest go in tenths.
const AT_HAND: usize = 10_000;
/// Our clock and Slurm's may differ by so much, seconds.
const CLOCK_DIFFERENCE: i64 = 300;
/// A new job may be missing from a look at Slurm that was already under way, seconds.
const SETTLING: i64 = 30;

/// The submissions at hand, and the store behind them.
pub struct History {
    store: Store,
    known: RwLock<HashMap<u32, Known>>,
}

#[derive(Clone)]
struct Known {
    job: Job,
    submitted_at: UnixSeconds,
}

impl History {
    /// Reads the newest submissions.
    pub fn load(store: Store) -> Result<Self, StoreError> {
        let mut known = HashMap::new();
        for record in store.history_page(&HistoryFilter::All, None, None, &PageRequest::first(AT_HAND))?.items {
            // Newest first: a number that was used again belongs to the newest.
            known.entry(record.job.job_id).or_insert(Known { submitted_at: record.submitted_at, job: record.job });
        }
        Ok(Self { store, known: RwLock::new(known) })
    }

    /// Takes a submission into the lists.
    pub fn remember(&self, record: &HistoryRecord) {
        let new = Known { job: record.job.clone(), submitted_at: record.submitted_at };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(record.job.job_id, new);
        if known.len() > AT_HAND + AT_HAND / 10 {
            let mut ages: Vec<UnixSeconds> = known.values().map(|ours| ours.submitted_at).collect();
            let (_, oldest_kept, _) = ages.select_nth_unstable(AT_HAND / 10);
            let oldest_kept = *oldest_kept;
            known.retain(|_, ours| ours.submitted_at >= oldest_kept || is_open(ours.job.state));
        }
    }

    /// Fills in owner and template of the jobs that were submitted here.
    pub fn fill_in(&self, jobs: &mut [Job]) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            let number = job.array_job_id.unwrap_or(job.job_id);
            if let Some(ours) = known.get(&number).filter(|ours| matches(&ours.job, ours.submitted_at, job)) {
                job.owner.clone_from(&ours.job.owner);
                job.template.clone_from(&ours.job.template);
            }
        }
    }

    /// Submissions that Slurm no longer lists.
    pub fn past(&self, snapshot: &Snapshot) -> Vec<Job> {
        let listed: HashSet<u32> =
            snapshot.jobs.iter().flat_map(|job| [Some(job.job_id), job.array_job_id]).flatten().collect();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().filter(|ours| !listed.contains(&ours.job.job_id)).map(|ours| ours.job.clone()).collect()
    }

    /// Writes down what became of our jobs: from what Slurm lists, else by asking for those that it lists no more.
    pub async fn follow_up(&self, slurm: &dyn Slurm, own: &dyn Hands, snapshot: &Snapshot, now: UnixSeconds) {
        let open: Vec<Known> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.values().filter(|ours| is_open(ours.job.state)).cloned().collect()
        };
        for ours in open {
            let number = ours.job.job_id;
            let listed: Vec<&Job> = snapshot
                .jobs
                .iter()
                .filter(|job| job.array_job_id.unwrap_or(job.job_id) == number)
                .filter(|job| matches(&ours.job, ours.submitted_at, job))
                .collect();
            let ended = match listed.as_slice() {
                [] if ours.submitted_at + SETTLING > now => None,
                [] => Some(JobState::Unknown),
                listed if listed.iter().all(|job| job.state.is_final()) => Some(together(listed)),
                _ => None,
            };
            if let Some(state) = ended
                && let Err(error) = self.close(slurm, own, number, state).await
            {
                tracing::warn!(job_id = number, %error, "can't write down how a job ended; will try again");
            }
        }
    }

    async fn close(&self, slurm: &dyn Slurm, own: &dyn Hands, number: u32, state: JobState) -> Result<(), StoreError> {
        let Some(mut record) = self.store.history_of_job(number)? else { return Ok(()) };
        record.job.state = state;
        match slurm.job(&JobId { job: number, task: None }).await {
            Ok(Some(found)) if is_same(&record, &found.job) => {
                let (owner, template) = (record.job.owner.take(), record.job.template.take());
                let state = if state == JobState::Unknown { found.job.state } else { state };
                record.job = Job { owner, template, state, ..found.job };
                record.exit_code = found.exit_code;
                record.signal = found.signal;
                // Without accounting there is nothing to keep.
                let id = JobId { job: number, task: None };
                record.usage = slurm.measured(own, &id, false).await.ok().map(|measured| measured.usage);
            }
            // Slurm is away: it is asked again at the next look.
            Err(_) if state == JobState::Unknown => return Ok(()),
            Ok(_) | Err(_) => {}
        }
        self.remember(&record);
        self.store.put_history(record).await
    }
}

fn is_open(state: JobState) -> bool {
    !state.is_final() && state != JobState::Unknown
}

/// One state for an array: the worst of its tasks'.
fn together(jobs: &[&Job]) -> JobState {
    let states = jobs.iter().map(|job| job.state);
    states.clone().find(|state| *state != JobState::Completed).unwrap_or(JobState::Completed)
}

/// Whether Slurm's job is the one we submitted, and not another with the same number on a cluster set up anew.
fn matches(ours: &Job, submitted_at: UnixSeconds, theirs: &Job) -> bool {
    ours.name == theirs.name && theirs.submit_time.is_none_or(|time| time + CLOCK_DIFFERENCE >= submitted_at)
}

/// Whether Slurm's job is this submission.
pub fn is_same(ours: &HistoryRecord, theirs: &Job) -> bool {
    matches(&ours.job, ours.submitted_at, theirs)
}

/// A job that Slurm has just taken.
pub fn new_job(
    job_id: u32,
    settings: &Settings,
    app: &App,
    who: &Principal,
    template: Option<String>,
    now: UnixSeconds,
) -> Job {
    let snapshot = app.live.snapshot();
    let default_partition = || snapshot.partitions.first().map(|partition| partition.name.clone());
    Job {
        id: job_id.to_string(),
        job_id,
        array_job_id: None,
        name: settings.name.clone(),
        user: app.people.unix_user(who).unwrap_or_default().to_owned(),
        owner: Some(who.username.clone()),
        account: settings.account.clone(),
        partition: settings.partition.clone().or_else(default_partition).unwrap_or_default(),
        qos: settings.qos.clone(),
        state: JobState::Pending,
        reason: None,
        nodes: settings.nodes.unwrap_or(1),
        tasks: settings.tasks,
        cpus: settings.tasks.unwrap_or(1).saturating_mul(settings.cpus_per_task.unwrap_or(1)),
        memory: settings.memory,
        gpus: settings.gpus.unwrap_or(0),
        node_list: None,
        submit_time: Some(now),
        start_time: None,
        end_time: None,
        time_limit: None,
        elapsed: 0,
        priority: None,
        template,
    }
}

/// As we last knew it.
pub fn last_known(ours: &HistoryRecord) -> JobRecord {
    JobRecord {
        exit_code: ours.exit_code,
        signal: ours.signal,
        work_dir: Some(PathBuf::from(&ours.work_dir)),
        source: Source::History,
        ..seen(ours.job.clone())
    }
}

/// As we last knew it, when Slurm says that it knows no such job: then it can't be running.
pub fn forgotten(ours: &HistoryRecord) -> JobRecord {
    let mut record = last_known(ours);
    if is_open(record.job.state) {
        record.job.state = JobState::Unknown;
    }
    record
}

/// Only what a list shows.
pub fn seen(job: Job) -> JobRecord {
    let (more, source) = (JobMore::default(), Source::Controller);
    JobRecord { job, exit_code: None, signal: None, work_dir: None, stdout: None, stderr: None, more, source }
}
