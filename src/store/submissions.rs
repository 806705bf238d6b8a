//! Submissions on their way to Slurm: written down before sbatch is called, so that one which is interrupted is found
//! again and never made twice.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::JobSubmitted;

use super::audit::AuditEntry;
use super::history::HistoryRecord;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// One submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubmissionRecord {
    /// The mark that its job carries in Slurm: 32 hex digits.
    pub id: String,
    /// Id of the account that submits.
    pub owner_id: String,
    /// The caller's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// SHA-256 of what was asked for, hex: another body under the same key is told from the same.
    pub digest: String,
    /// When, by our clock.
    pub created_at: UnixSeconds,
    /// The answer, once there is a job; until then it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<JobSubmitted>,
    /// While it is open: what becomes the history's record, with job number 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<Pending>>,
}

/// What an open submission will be in the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The record, with job number 0.
    pub history: HistoryRecord,
    /// The script.
    pub script: String,
    /// What was asked for, as JSON.
    pub request: String,
}

const BY_KEY: Lookup<SubmissionRecord> = Lookup::unique("submissions.by_key", |submission| {
    let key = submission.key.as_ref()?;
    Some(Entry::new(key_of(&submission.owner_id, key), Key::new()))
});
const OPEN: Lookup<SubmissionRecord> = Lookup::plain("submissions.open", |submission| {
    submission.answer.is_none().then(|| Entry::new(Key::new(), Key::new().time(submission.created_at)))
});
const PAST: Lookup<SubmissionRecord> = Lookup::plain("submissions.past", |submission| {
    submission.answer.is_some().then(|| Entry::new(Key::new(), Key::new().time(submission.created_at)))
});

/// The look-ups' tables, for the way back to a schema without them.
pub(super) const LOOKUP_TABLES: [&str; 3] = [BY_KEY.table, OPEN.table, PAST.table];

fn key_of(owner_id: &str, key: &str) -> Key {
    Key::new().text(owner_id).text(key)
}

impl Record for SubmissionRecord {
    const TABLE: &'static str = "submissions";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_KEY, OPEN, PAST];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

/// What became of a wish to submit.
#[derive(Debug, Clone, PartialEq)]
pub enum Beginning {
    /// It is written down; go on.
    Begun,
    /// It was submitted under this key before, with this answer.
    Before(JobSubmitted),
    /// Something else was asked for under this key.
    KeyTaken,
    /// It is on its way already under this key.
    UnderWay,
}

impl Store {
    /// Writes down that a job is about to be submitted.
    pub async fn begin_submission(&self, record: SubmissionRecord) -> Result<Beginning, StoreError> {
        self.write(move |tx| {
            if let Some(key) = &record.key
                && let Some(before) = tx.first(&BY_KEY, &key_of(&record.owner_id, key))?
            {
                return tx.unchanged(match before.answer {
                    _ if before.digest != record.digest => Beginning::KeyTaken,
                    Some(answer) => Beginning::Before(answer),
                    None => Beginning::UnderWay,
                });
            }
            tx.put(&record)?;
            // The row of the job itself says who submitted it.
            Ok(tx.housekeeping(Beginning::Begun))
        })
        .await
    }

    /// The job is there: its history, its script and the answer are written in one go. `false` when somebody else has
    /// written them, or given the submission up.
    pub async fn finish_submission(
        &self,
        id: String,
        history: HistoryRecord,
        answer: JobSubmitted,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let Some(mut record) = tx.get::<SubmissionRecord>(&Key::raw(id.as_bytes()))? else {
                return tx.unchanged(false);
            };
            let Some(pending) = record.pending.take() else { return tx.unchanged(false) };
            tx.put_submission(&history, &pending.script, &pending.request)?;
            record.answer = Some(answer.clone());
            tx.put(&record)?;
            tx.audited(&audit, true)
        })
        .await
    }

    /// No job came of it: its key is free again.
    pub async fn drop_submission(&self, id: String, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            let key = Key::raw(id.as_bytes());
            if tx.get::<SubmissionRecord>(&key)?.is_none_or(|record| record.answer.is_some()) {
                return tx.unchanged(());
            }
            tx.remove::<SubmissionRecord>(&key)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// The submission with this mark.
    pub fn submission(&self, id: &str) -> Result<Option<SubmissionRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// A page of the submissions of which it is not known yet what became of them.
    pub fn open_submissions(&self, page: &PageRequest) -> Result<Page<SubmissionRecord>, StoreError> {
        self.read(|view| Walk::group(&OPEN, Key::new()).page(view, page))
    }

    /// Forgets up to `limit` submissions that were made before `before`, and answers how many those were.
    pub async fn forget_submissions(&self, before: UnixSeconds, limit: usize) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let old = Walk::group(&PAST, Key::new()).between(None, Some(Key::new().time(before))).ascending();
            let old = old.keys(tx, limit)?;
            for key in &old {
                tx.remove::<SubmissionRecord>(key)?;
            }
            Ok(tx.housekeeping(old.len()))
        })
        .await
    }
}
