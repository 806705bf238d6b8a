//! 2 to 3: every table from bytes to bytes, with the look-ups of every noun and their counts; refresh tokens only as
//! hashes; scripts in a table of their own; images, templates and notifications.
use redb::{ReadableTable as _, Table, WriteTransaction};
use serde::Deserialize;

use super::json::Fields;
use super::v1::{self, Noun};
use super::{Report, aside};
use crate::store::key::Key;
use crate::store::sessions::token_hash;
use crate::store::walk::{Bytes, definition};
use crate::store::{StoreError, rebuild};

/// The tables that schema 3 adds.
const TABLES: [&str; 3] = ["images", "templates", "notifications"];
const HISTORY: &str = "job_history";
const SCRIPTS: &str = "job_scripts";
/// A table's name while its rows move out of it.
const MOVING: &str = "moving";

pub fn up(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    v1::drop_lookups(transaction)?;
    let mut scripts = transaction.open_table(definition(SCRIPTS))?;
    for noun in Noun::ALL {
        noun.rename(transaction, MOVING)?;
        let mut to = transaction.open_table(definition(noun.table()))?;
        let count = report.of(noun.table());
        let mut added = 0;
        let from = noun.open(transaction, MOVING)?;
        from.each(|key, value| {
            match noun {
                Noun::Users | Noun::Uploads | Noun::Chunks | Noun::Folders => {
                    to.insert(key, value)?;
                    count.moved += 1;
                }
                Noun::Sessions => {
                    to.insert(key, hashed(value)?.as_slice())?;
                    count.changed += 1;
                }
                Noun::History => {
                    let (key, record, script) = without_script(value)?;
                    to.insert(key.bytes(), record.as_slice())?;
                    count.changed += 1;
                    if !script.is_empty() {
                        scripts.insert(key.bytes(), script.as_bytes())?;
                        added += 1;
                    }
                }
            }
            Ok(())
        })?;
        drop((from, to));
        transaction.delete_table(definition(MOVING))?;
        if noun == Noun::History {
            report.of(SCRIPTS).added += added;
        }
    }
    drop(scripts);
    for table in TABLES.into_iter().chain([HISTORY, SCRIPTS]) {
        aside::take_back(transaction, table, report)?;
    }
    rebuild::rebuild(transaction)
}

pub fn down(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    rebuild::drop_lookups(transaction)?;
    for table in TABLES {
        aside::set(transaction, table, report)?;
    }
    let mut scripts = transaction.open_table(definition(SCRIPTS))?;
    let mut no_room = transaction.open_table(definition(&aside::name(HISTORY)))?;
    for noun in Noun::ALL {
        noun.rename(transaction, MOVING)?;
        let from = transaction.open_table(definition(MOVING))?;
        let mut to = noun.open(transaction, noun.table())?;
        for row in from.iter()? {
            let (key, value) = row?;
            let (key, value) = (key.value(), value.value());
            let added = match noun {
                Noun::Users | Noun::Uploads | Noun::Chunks | Noun::Folders => to.add(key, value)?,
                Noun::Sessions => to.add(key, &with_token_id(value)?)?,
                Noun::History => {
                    let script = script_of(&scripts, key)?;
                    let added = to.add(&v1_key(key)?, &with_script(value, script.as_deref())?)?;
                    if added && script.is_some() {
                        scripts.remove(key)?;
                        report.of(SCRIPTS).moved += 1;
                    }
                    added
                }
            };
            let count = report.of(noun.table());
            if !added {
                // Schema 1 has one time for all that was before 1970.
                no_room.insert(key, value)?;
                count.set_aside += 1;
            } else if matches!(noun, Noun::Sessions | Noun::History) {
                count.changed += 1;
            } else {
                count.moved += 1;
            }
        }
        drop((from, to));
        transaction.delete_table(definition(MOVING))?;
    }
    drop((scripts, no_room));
    aside::drop_if_empty(transaction, &aside::name(HISTORY))?;
    aside::set(transaction, SCRIPTS, report)?;
    v1::make_lookups(transaction)
}

/// A session with its token's hash in the place of the token's id. The id of one that was at schema 3 before is not
/// known; it is empty, unless the older program has given out another since.
fn hashed(session: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut fields = Fields::read(Noun::Sessions.table(), 1, session)?;
    match fields.get::<String>("token_id")?.filter(|id| !id.is_empty()) {
        Some(id) => {
            fields.take::<String>("token_hash")?;
            fields.replace("token_id", "token_hash", &token_hash(&id))?;
        }
        None if fields.get::<String>("token_hash")?.is_some() => {
            fields.take::<String>("token_id")?;
        }
        // Nothing hashes to this: the person signs in again.
        None => fields.replace("token_id", "token_hash", "")?,
    }
    fields.write(2)
}

fn with_token_id(session: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut fields = Fields::read(Noun::Sessions.table(), 2, session)?;
    fields.replace("token_id", "token_id", "")?;
    fields.write(1)
}

#[derive(Deserialize)]
struct JobNumber {
    job_id: u32,
}

/// A submission's key in schema 3, the record, and its script.
fn without_script(submission: &[u8]) -> Result<(Key, Vec<u8>, String), StoreError> {
    let missing = |field| StoreError::corrupt(HISTORY, format!("it has no {field}"));
    let mut fields = Fields::read(HISTORY, 1, submission)?;
    let script = fields.take::<String>("script")?.unwrap_or_default();
    let at: i64 = fields.get("submitted_at")?.ok_or_else(|| missing("submitted_at"))?;
    let job: JobNumber = fields.get("job")?.ok_or_else(|| missing("job"))?;
    Ok((Key::new().time(at).number(job.job_id.into()), fields.write(2)?, script))
}

fn with_script(submission: &[u8], script: Option<&str>) -> Result<Vec<u8>, StoreError> {
    let mut fields = Fields::read(HISTORY, 2, submission)?;
    fields.replace("script", "script", script.unwrap_or_default())?;
    fields.write(1)
}

/// The script, when a field of the older record can hold it and be told from none.
fn script_of(scripts: &Table<'_, Bytes, Bytes>, key: &[u8]) -> Result<Option<String>, StoreError> {
    let found = scripts.get(key)?;
    let text = found.and_then(|bytes| String::from_utf8(bytes.value().to_vec()).ok());
    Ok(text.filter(|text| !text.is_empty()))
}

/// The key in schema 1 of a submission with this key in schema 3.
fn v1_key(key: &[u8]) -> Result<v1::HistoryKey, StoreError> {
    let wrong = || StoreError::corrupt(HISTORY, "a key is not a time and a job number");
    let (time, number) = key.split_first_chunk::<8>().ok_or_else(wrong)?;
    let number = u64::from_be_bytes(number.try_into().map_err(|_| wrong())?);
    let time = (u64::from_be_bytes(*time) ^ (1 << 63)).cast_signed().max(0);
    let mut v1 = [0; 12];
    v1[..8].copy_from_slice(&time.to_be_bytes());
    v1[8..].copy_from_slice(&u32::try_from(number).map_err(|_| wrong())?.to_be_bytes());
    Ok(v1)
}
