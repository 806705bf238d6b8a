//! Jobs that were submitted through slurmdash: newest first, by job number, and by owner.
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::Job;

use super::{Record, Store, StoreError};

/// Submission time (seconds, so that order is time) and job number, both big endian.
type Key = [u8; 12];

const HISTORY: TableDefinition<Key, &[u8]> = TableDefinition::new("job_history");
const BY_JOB: TableDefinition<u32, Key> = TableDefinition::new("job_history_by_job");

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
    /// The script as submitted.
    pub script: String,
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
}

impl Record for HistoryRecord {
    const VERSION: u8 = 1;
    const TABLE: &'static str = "job_history";
}

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(HISTORY)?;
    tx.open_table(BY_JOB)?;
    Ok(())
}

fn key(record: &HistoryRecord) -> Key {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&record.submitted_at.max(0).to_be_bytes());
    key[8..].copy_from_slice(&record.job.job_id.to_be_bytes());
    key
}

impl Store {
    /// Writes a submission, or what became of it. The same `submitted_at` and job number name the same record.
    pub async fn put_history(&self, record: HistoryRecord) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.open_table(HISTORY)?.insert(key(&record), record.encode()?.as_slice())?;
            tx.open_table(BY_JOB)?.insert(record.job.job_id, key(&record))?;
            Ok(())
        })
        .await
    }

    /// The newest submission with this job number (a cluster that was set up anew counts from 1 again).
    pub fn history_of_job(&self, job_id: u32) -> Result<Option<HistoryRecord>, StoreError> {
        self.read(|tx| {
            let Some(key) = tx.open_table(BY_JOB)?.get(job_id)? else {
                return Ok(None);
            };
            let found = tx.open_table(HISTORY)?.get(key.value())?;
            found.map(|bytes| HistoryRecord::decode(bytes.value())).transpose()
        })
    }

    /// The newest `limit` submissions, newest first.
    pub fn recent_history(&self, limit: usize) -> Result<Vec<HistoryRecord>, StoreError> {
        self.read(|tx| {
            let table = tx.open_table(HISTORY)?;
            let newest = table.iter()?.rev().take(limit);
            newest.map(|entry| HistoryRecord::decode(entry?.1.value())).collect()
        })
    }
}
