//! Jobs that were submitted through slurmdash: newest first, by job number, by owner, and by owner and state.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{Job, JobState, Usage};

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::Tx;
use super::walk::{Page, PageRequest, Source, Walk};
use super::{Store, StoreError};

/// One submission and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRecord {
    /// The job as last seen, with `owner` and `template` filled in.
    pub job: Job,
    /// Id of the account that submitted it.
    pub owner_id: String,
    /// When we submitted it, by our clock.
    pub submitted_at: UnixSeconds,
    /// The template's category.
    pub category: Option<String>,
    /// Working directory.
    pub work_dir: String,
    /// Standard output's path as handed to sbatch, `%j` and the like not filled in.
    pub stdout: String,
    /// Paths of the uploaded files it was given.
    pub files: Vec<String>,
    /// Exit code, once it has ended.
    pub exit_code: Option<i32>,
    /// Signal that ended it, if any.
    pub signal: Option<i32>,
    /// What it used, once it has ended and Slurm has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

const BY_JOB: Lookup<HistoryRecord> = Lookup::plain("job_history.by_job", |record| {
    Some(Entry::new(Key::new().number(record.job.job_id.into()), Key::new().time(record.submitted_at)))
});
const BY_OWNER: Lookup<HistoryRecord> = Lookup::counted("job_history.by_owner", |record| {
    Some(Entry::new(Key::new().text(&record.owner_id), Key::new().time(record.submitted_at)))
});
const BY_STATE: Lookup<HistoryRecord> = Lookup::counted("job_history.by_state", |record| {
    Some(Entry::new(state_key(&record.owner_id, record.job.state), Key::new().time(record.submitted_at)))
});

const BY_KIND: Lookup<HistoryRecord> = Lookup::plain("job_history.by_kind", |record| {
    let kind = kind_key(&record.owner_id, record.job.template.as_deref(), &record.job.name);
    Some(Entry::new(kind, Key::new().time(record.submitted_at)))
});

/// Its table, for the way back to a schema without it.
pub(super) const BY_KIND_TABLE: &str = BY_KIND.table;

/// Runs of the same kind: of one template, else of one name.
fn kind_key(owner_id: &str, template: Option<&str>, name: &str) -> Key {
    let (is_template, word) = template.map_or((0, name), |template| (1, template));
    Key::new().text(owner_id).byte(is_template).text(word)
}

fn state_key(owner_id: &str, state: JobState) -> Key {
    Key::new().text(owner_id).text(state.as_str())
}

impl Record for HistoryRecord {
    const TABLE: &'static str = "job_history";
    /// 1 had the script inside; the migration to schema 3 gives it a table of its own.
    const VERSION: u8 = 2;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_JOB, BY_OWNER, BY_STATE, BY_KIND];

    /// Time, then job number: the table itself is in the order of submission.
    fn key(&self) -> Key {
        Key::new().time(self.submitted_at).number(self.job.job_id.into())
    }
}

impl HistoryRecord {
    /// Whether nothing more will come of it: it has ended, or Slurm has forgotten it.
    pub fn is_over(&self) -> bool {
        self.job.state.is_final() || self.job.state == JobState::Unknown
    }
}

/// Scripts as submitted, under the key of their job: apart, so that lists don't read them.
pub(crate) const SCRIPTS: &str = "job_scripts";
/// What was asked for with each job, as JSON, under the same key.
pub(crate) const REQUESTS: &str = "job_requests";

/// Which jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HistoryFilter {
    /// All.
    #[default]
    All,
    /// Of one account.
    Owner(String),
    /// Of one account, in one state.
    State(String, JobState),
}

impl Tx<'_> {
    /// Writes down a submission, its script and, when there was one, the request it came from as JSON. The audit row
    /// is still to be written.
    pub fn put_submission(&self, record: &HistoryRecord, script: &str, request: &str) -> Result<(), StoreError> {
        self.put(record)?;
        self.change(SCRIPTS)?.insert(record.key().bytes(), script.as_bytes())?;
        if !request.is_empty() {
            self.change(REQUESTS)?.insert(record.key().bytes(), request.as_bytes())?;
        }
        Ok(())
    }
}

impl Store {
    /// Writes down a submission, its script and the request it came from.
    pub async fn add_history(
        &self,
        record: HistoryRecord,
        script: String,
        request: String,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.put_submission(&record, &script, &request)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Writes down what became of a submission, as Slurm says.
    pub async fn put_history(&self, record: HistoryRecord) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.put(&record)?;
            Ok(tx.housekeeping(()))
        })
        .await
    }

    /// The newest submission with this job number (a cluster that was set up anew counts from 1 again).
    pub fn history_of_job(&self, job_id: u32) -> Result<Option<HistoryRecord>, StoreError> {
        let walk = Walk::group(&BY_JOB, Key::new().number(job_id.into()));
        self.read(|view| Ok(walk.page(view, &PageRequest::first(1))?.items.pop()))
    }

    /// The script as submitted.
    pub fn job_script(&self, record: &HistoryRecord) -> Result<Option<String>, StoreError> {
        self.text_of_job(SCRIPTS, record)
    }

    /// What was asked for, as JSON.
    pub fn job_request(&self, record: &HistoryRecord) -> Result<Option<String>, StoreError> {
        self.text_of_job(REQUESTS, record)
    }

    fn text_of_job(&self, table: &'static str, record: &HistoryRecord) -> Result<Option<String>, StoreError> {
        self.read(|view| {
            let found = view.table(table)?;
            let found = redb::ReadableTable::get(&found, record.key().bytes())?;
            let text = found.map(|bytes| String::from_utf8(bytes.value().to_vec()));
            text.transpose().map_err(|error| StoreError::corrupt(table, error))
        })
    }

    /// The newest runs of one kind: of one template when it is named, else of one job name.
    pub fn runs_of_kind(
        &self,
        owner_id: &str,
        template: Option<&str>,
        name: &str,
        limit: usize,
    ) -> Result<Vec<HistoryRecord>, StoreError> {
        let walk = Walk::group(&BY_KIND, kind_key(owner_id, template, name));
        self.read(|view| Ok(walk.page(view, &PageRequest::first(limit))?.items))
    }

    /// A page of submissions with their template and category, newest first.
    pub fn history_page(
        &self,
        filter: &HistoryFilter,
        from: Option<UnixSeconds>,
        to: Option<UnixSeconds>,
        page: &PageRequest,
    ) -> Result<Page<HistoryRecord>, StoreError> {
        let walk = match filter {
            HistoryFilter::All => Walk::table(),
            HistoryFilter::Owner(id) => Walk::group(&BY_OWNER, Key::new().text(id)),
            HistoryFilter::State(id, state) => Walk::group(&BY_STATE, state_key(id, *state)),
        };
        let time = |at| Key::new().time(at);
        self.read(|view| walk.between(from.map(time), to.map(time)).page(view, page))
    }

    /// How many submissions there are, whenever they were.
    pub fn history_count(&self, filter: &HistoryFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            HistoryFilter::All => view.total::<HistoryRecord>(),
            HistoryFilter::Owner(id) => view.count(&BY_OWNER, &Key::new().text(id)),
            HistoryFilter::State(id, state) => view.count(&BY_STATE, &state_key(id, *state)),
        })
    }
}
