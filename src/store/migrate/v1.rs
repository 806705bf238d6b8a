//! The typed tables of schema 1, as the release that wrote them had them. Nothing here follows today's records.
use redb::{ReadableTable as _, Table, TableDefinition, TableError, WriteTransaction};
use serde::Deserialize;

use crate::store::StoreError;
use crate::store::key::Key;

/// Submission time (seconds, 0 for those before 1970) and job number, both big endian.
pub type HistoryKey = [u8; 12];

const USERS_BY_NAME: TableDefinition<&str, &str> = TableDefinition::new("users_by_name");
/// User id and session id.
const SESSIONS_BY_USER: TableDefinition<(&str, &str), ()> = TableDefinition::new("sessions_by_user");
const HISTORY_BY_JOB: TableDefinition<u32, HistoryKey> = TableDefinition::new("job_history_by_job");
/// Owner's id, status, `u64::MAX - created_at`, upload id.
const UPLOADS_BY_OWNER: TableDefinition<(&str, u8, u64, &str), ()> = TableDefinition::new("uploads_by_owner");
const UPLOADS_OPEN: TableDefinition<&str, ()> = TableDefinition::new("uploads_open");

/// Names of the look-ups.
pub const LOOKUPS: [&str; 5] =
    ["users_by_name", "sessions_by_user", "job_history_by_job", "uploads_by_owner", "uploads_open"];

/// A table of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// Accounts, by id.
    Users,
    /// Sessions, by id.
    Sessions,
    /// Submitted jobs.
    History,
    /// Uploads, by id.
    Uploads,
    /// Digests of chunks, by upload and index.
    Chunks,
    /// Owners of job folders, by folder.
    Folders,
}

impl Noun {
    /// All.
    pub const ALL: [Self; 6] = [Self::Users, Self::Sessions, Self::History, Self::Uploads, Self::Chunks, Self::Folders];

    /// Its table's name, in every schema from 1 on.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::History => "job_history",
            Self::Uploads => "uploads",
            Self::Chunks => "upload_chunks",
            Self::Folders => "upload_job_folders",
        }
    }

    /// Opens a typed table of this noun under any name, and makes it when there is none.
    pub fn open<'a>(self, transaction: &'a WriteTransaction, name: &str) -> Result<Typed<'a>, StoreError> {
        Ok(match self {
            Self::Users | Self::Sessions | Self::Uploads => {
                Typed::Records(self, transaction.open_table(TableDefinition::new(name))?)
            }
            Self::History => Typed::History(transaction.open_table(TableDefinition::new(name))?),
            Self::Chunks => Typed::Chunks(transaction.open_table(TableDefinition::new(name))?),
            Self::Folders => Typed::Folders(transaction.open_table(TableDefinition::new(name))?),
        })
    }

    /// Gives the table another name; whether it is typed does not matter.
    pub fn rename(self, transaction: &WriteTransaction, name: &str) -> Result<(), StoreError> {
        let (from, to) =
            (TableDefinition::<&[u8], &[u8]>::new(self.table()), TableDefinition::<&[u8], &[u8]>::new(name));
        match transaction.rename_table(from, to) {
            Err(TableError::TableDoesNotExist(_)) => Err(StoreError::corrupt(self.table(), "the table is missing")),
            other => Ok(other?),
        }
    }

    fn corrupt(self, reason: impl std::fmt::Display) -> StoreError {
        StoreError::corrupt(self.table(), reason)
    }
}

/// An open table. Its rows are handed in and out as bytes: text as it is, a chunk's key as text and number.
pub enum Typed<'a> {
    /// Users, sessions, uploads.
    Records(Noun, Table<'a, &'static str, &'static [u8]>),
    /// Submitted jobs.
    History(Table<'a, HistoryKey, &'static [u8]>),
    /// Digests of chunks.
    Chunks(Table<'a, (&'static str, u32), [u8; 32]>),
    /// Owners of job folders.
    Folders(Table<'a, &'static str, &'static str>),
}

impl Typed<'_> {
    /// Adds a row; `false`, and nothing changed, when the key is there already.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        match self {
            Self::Records(noun, table) => {
                let key = text(*noun, key)?;
                if table.get(key)?.is_some() {
                    return Ok(false);
                }
                table.insert(key, value)?;
            }
            Self::History(table) => {
                let key: HistoryKey = key.try_into().map_err(|_| Noun::History.corrupt("a key is not 12 bytes"))?;
                if table.get(key)?.is_some() {
                    return Ok(false);
                }
                table.insert(key, value)?;
            }
            Self::Chunks(table) => {
                let (upload, index) = chunk(key)?;
                let digest: [u8; 32] =
                    value.try_into().map_err(|_| Noun::Chunks.corrupt("a digest is not 32 bytes"))?;
                if table.get((upload.as_str(), index))?.is_some() {
                    return Ok(false);
                }
                table.insert((upload.as_str(), index), digest)?;
            }
            Self::Folders(table) => {
                let (key, value) = (text(Noun::Folders, key)?, text(Noun::Folders, value)?);
                if table.get(key)?.is_some() {
                    return Ok(false);
                }
                table.insert(key, value)?;
            }
        }
        Ok(true)
    }

    /// Hands out every row, in order.
    pub fn each(&self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self {
            Self::Records(_, table) => {
                for row in table.iter()? {
                    let (key, value) = row?;
                    take(key.value().as_bytes(), value.value())?;
                }
            }
            Self::History(table) => {
                for row in table.iter()? {
                    let (key, value) = row?;
                    take(&key.value(), value.value())?;
                }
            }
            Self::Chunks(table) => {
                for row in table.iter()? {
                    let (key, value) = row?;
                    let (upload, index) = key.value();
                    take(Key::new().text(upload).number(index.into()).bytes(), &value.value())?;
                }
            }
            Self::Folders(table) => {
                for row in table.iter()? {
                    let (key, value) = row?;
                    take(key.value().as_bytes(), value.value().as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

fn text(noun: Noun, bytes: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(bytes).map_err(|error| noun.corrupt(error))
}

/// Takes a chunk's key apart.
fn chunk(key: &[u8]) -> Result<(String, u32), StoreError> {
    let wrong = || Noun::Chunks.corrupt("a key is not an upload and an index");
    let (escaped, index) = key.split_last_chunk::<8>().ok_or_else(wrong)?;
    let escaped = escaped.strip_suffix(&[0, 0]).ok_or_else(wrong)?;
    let mut id = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(&byte) = rest.next() {
        id.push(byte);
        if byte == 0 {
            // What marks a NUL that is text.
            rest.next();
        }
    }
    let upload = String::from_utf8(id).map_err(|_| wrong())?;
    Ok((upload, u32::try_from(u64::from_be_bytes(*index)).map_err(|_| wrong())?))
}

/// Removes the look-ups.
pub fn drop_lookups(transaction: &WriteTransaction) -> Result<(), StoreError> {
    for name in LOOKUPS {
        transaction.delete_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
    }
    Ok(())
}

/// Makes the look-ups anew from the records, and every table that is not there.
pub fn make_lookups(transaction: &WriteTransaction) -> Result<(), StoreError> {
    drop_lookups(transaction)?;
    let mut by_name = transaction.open_table(USERS_BY_NAME)?;
    records(transaction, Noun::Users, |_, user: User| {
        by_name.insert(user.username.as_str(), user.id.as_str())?;
        Ok(())
    })?;
    let mut by_user = transaction.open_table(SESSIONS_BY_USER)?;
    records(transaction, Noun::Sessions, |_, session: Session| {
        by_user.insert((session.user_id.as_str(), session.id.as_str()), ())?;
        Ok(())
    })?;
    let mut by_job = transaction.open_table(HISTORY_BY_JOB)?;
    records(transaction, Noun::History, |key, submission: Submission| {
        // In the order of time, so that the newest is the one that stays.
        let key: HistoryKey = key.try_into().map_err(|_| Noun::History.corrupt("a key is not 12 bytes"))?;
        by_job.insert(submission.job.job_id, key)?;
        Ok(())
    })?;
    let mut by_owner = transaction.open_table(UPLOADS_BY_OWNER)?;
    let mut open = transaction.open_table(UPLOADS_OPEN)?;
    records(transaction, Noun::Uploads, |_, upload: Upload| {
        let age = u64::MAX - u64::try_from(upload.created_at).unwrap_or(0);
        by_owner.insert((upload.owner_id.as_str(), upload.status as u8, age, upload.id.as_str()), ())?;
        if upload.status == Status::Uploading {
            open.insert(upload.id.as_str(), ())?;
        }
        Ok(())
    })?;
    for noun in [Noun::Chunks, Noun::Folders] {
        noun.open(transaction, noun.table())?;
    }
    Ok(())
}

/// Whether another account has this account's name.
pub fn has_other_of_that_name(transaction: &WriteTransaction, user: &[u8]) -> Result<bool, StoreError> {
    let user: User = record(Noun::Users, user)?;
    let by_name = transaction.open_table(USERS_BY_NAME)?;
    let found = by_name.get(user.username.as_str())?;
    Ok(found.is_some_and(|id| id.value() != user.id))
}

fn records<T: for<'de> Deserialize<'de>>(
    transaction: &WriteTransaction,
    noun: Noun,
    mut take: impl FnMut(&[u8], T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    noun.open(transaction, noun.table())?.each(|key, bytes| take(key, record(noun, bytes)?))
}

fn record<T: for<'de> Deserialize<'de>>(noun: Noun, bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((1, json)) => serde_json::from_slice(json).map_err(|error| noun.corrupt(error)),
        Some((version, _)) => Err(noun.corrupt(format!("unknown version {version}"))),
        None => Err(noun.corrupt("empty")),
    }
}

/// What the look-ups need of a record.
#[derive(Deserialize)]
struct User {
    id: String,
    username: String,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    user_id: String,
}

#[derive(Deserialize)]
struct Submission {
    job: JobNumber,
}

#[derive(Deserialize)]
struct JobNumber {
    job_id: u32,
}

#[derive(Deserialize)]
struct Upload {
    id: String,
    owner_id: String,
    status: Status,
    created_at: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Uploading = 0,
    Completed = 1,
    Cancelled = 2,
}
