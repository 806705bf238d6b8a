//! Is everything in the store as it should be? Every record, every row of every look-up, every count.
//!
//! Nothing is collected: each record is decoded once and asked for its rows; when all those are there and a look-up has
//! no more rows than were asked for, the two are equal. Counts are judged in the same way from their own side.
use std::path::Path;

use redb::{ReadTransaction, ReadableDatabase, ReadableTable as _, ReadableTableMetadata as _};
use serde::Serialize;
use slurmdash_api::uploads::UploadStatus;

use super::audit::AuditRecord;
use super::engine::{self, Lock};
use super::events::SecurityEventRecord;
use super::history::{HistoryRecord, REQUESTS, SCRIPTS};
use super::key::Key;
use super::notifications::NotificationRecord;
use super::nouns::{EveryRecord, every_record};
use super::record::{Kind, Lookup, Record};
use super::uploads::{CHUNKS, JOB_FOLDERS, UploadRecord, chunk_key};
use super::walk::{Bytes, COUNTS, NUMBERS, count_key, decode_count, definition};
use super::{SCHEMA_VERSION, StoreError};

/// Most faults that are named; the others are only counted.
pub const MAX_NAMED: usize = 100;

/// Records whose key ends in a number that was given out under the name of their table.
const NUMBERED: [&str; 3] = [AuditRecord::TABLE, SecurityEventRecord::TABLE, NotificationRecord::TABLE];

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many rows each table has.
    pub tables: Vec<TableSize>,
    /// The first [`MAX_NAMED`] faults.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub fault_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.fault_count == 0
    }
}

/// A table and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub table: String,
    /// In which row, where it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub fault: String,
}

/// Checks a store's closed file: what redb promises, then what we promise.
pub fn check_file(path: &Path) -> Result<Report, StoreError> {
    let _lock = Lock::take(path)?;
    let mut database = engine::open_database(path)?;
    let damaged = |reason: String| StoreError::Damaged { path: path.into(), reason };
    // What redb makes of pages that are full of anything is an error as a rule, and sometimes a panic.
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        if !database.check_integrity().map_err(|error| damaged(error.to_string()))? {
            return Err(damaged("its pages are not what they were when they were written".into()));
        }
        check(&database)
    }));
    checked.unwrap_or_else(|_| Err(damaged("it can't be read".into())))
}

/// Checks an open store of this program's schema, as it is at this moment.
pub fn check(database: &impl ReadableDatabase) -> Result<Report, StoreError> {
    match engine::schema_of(database)? {
        found if found > SCHEMA_VERSION => return Err(StoreError::Newer { found, known: SCHEMA_VERSION }),
        found if found < SCHEMA_VERSION => return Err(StoreError::Older { found, known: SCHEMA_VERSION }),
        _ => {}
    }
    let report = Report { tables: Vec::new(), faults: Vec::new(), fault_count: 0 };
    let mut check = Check { transaction: database.begin_read()?, report, counts_judged: 0 };
    every_record(&mut check)?;
    check.counts()?;
    check.uploads()?;
    check.texts_of_jobs()?;
    Ok(check.report)
}

type Table = redb::ReadOnlyTable<Bytes, Bytes>;

struct Check {
    transaction: ReadTransaction,
    report: Report,
    /// Rows of `counts` that belong to a look-up.
    counts_judged: u64,
}

impl Check {
    fn fault(&mut self, table: &str, key: Option<&[u8]>, fault: impl Into<String>) {
        self.report.fault_count += 1;
        if self.report.faults.len() < MAX_NAMED {
            self.report.faults.push(Fault { table: table.into(), key: key.map(readable), fault: fault.into() });
        }
    }

    /// A table that must be there.
    fn table(&mut self, name: &str) -> Result<Option<Table>, StoreError> {
        match self.transaction.open_table(definition(name)) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::Storage(error)) => Err(error.into()),
            Err(error) => {
                self.fault(name, None, format!("the table is not there as it should be: {error}"));
                Ok(None)
            }
        }
    }

    /// A table that must be there, with its size in the report.
    fn sized(&mut self, name: &str) -> Result<Option<Table>, StoreError> {
        let table = self.table(name)?;
        if let Some(table) = &table {
            self.report.tables.push(TableSize { table: name.into(), rows: table.len()? });
        }
        Ok(table)
    }

    /// Looks for one record's row in one look-up; whether there should be one.
    fn row<R: Record>(
        &mut self,
        (lookup, rows): (&Lookup<R>, &Table),
        record: &R,
        key: &Key,
    ) -> Result<bool, StoreError> {
        let Some(entry) = (lookup.entry)(record) else { return Ok(false) };
        let row = entry.row(key);
        match rows.get(row.bytes())? {
            None => self.fault(lookup.table, Some(row.bytes()), "the row of a record is missing"),
            Some(value) if value.value() != key.bytes() => {
                self.fault(lookup.table, Some(row.bytes()), "the row names another record");
            }
            Some(_) => {}
        }
        if lookup.kind == Kind::Unique && size_of_group(rows, &entry.group, 2)? > 1 {
            self.fault(lookup.table, Some(entry.group.bytes()), "two records share what only one may have");
        }
        Ok(true)
    }

    /// Names rows that no record calls for.
    fn strangers<R: Record>(&mut self, lookup: &Lookup<R>, rows: &Table, records: &Table) -> Result<(), StoreError> {
        for row in rows.iter()? {
            let (row, key) = row?;
            let record = records.get(key.value())?.and_then(|bytes| R::decode(bytes.value()).ok());
            let place = record.as_ref().and_then(lookup.entry).map(|entry| entry.row(&Key::raw(key.value())));
            if place.is_none_or(|place| place.bytes() != row.value()) {
                self.fault(lookup.table, Some(row.value()), "no record calls for this row");
            }
        }
        Ok(())
    }

    /// Every count of a look-up's groups, and that no group is without one.
    fn counts_of(&mut self, lookup: &str, rows: &Table) -> Result<(), StoreError> {
        let Some(counts) = self.table(COUNTS)? else { return Ok(()) };
        let name = count_key(lookup, &Key::new());
        let mut counted = 0;
        for count in counts.range::<&[u8]>(name.bytes()..)? {
            let (key, count) = count?;
            let Some(group) = key.value().strip_prefix(name.bytes()) else { break };
            self.counts_judged += 1;
            let size = size_of_group(rows, &Key::raw(group), u64::MAX)?;
            counted += size;
            match decode_count(count.value()) {
                Ok(count) if count == size && size > 0 => {}
                Ok(count) => self.fault(COUNTS, Some(key.value()), format!("says {count}, the group has {size}")),
                Err(error) => self.fault(COUNTS, Some(key.value()), error.to_string()),
            }
        }
        if counted != rows.len()? {
            self.fault(lookup, None, format!("{} rows, {counted} of them in groups with a count", rows.len()?));
        }
        Ok(())
    }

    /// No count without a look-up.
    fn counts(&mut self) -> Result<(), StoreError> {
        let Some(counts) = self.sized(COUNTS)? else { return Ok(()) };
        let others = counts.len()?.saturating_sub(self.counts_judged);
        if others > 0 {
            self.fault(COUNTS, None, format!("{others} counts belong to no look-up"));
        }
        Ok(())
    }

    /// No number in use that will be given out again.
    fn number(&mut self, table: &str, highest: u64) -> Result<(), StoreError> {
        let Some(numbers) = self.table(NUMBERS)? else { return Ok(()) };
        let last = numbers.get(table.as_bytes())?.map_or(Ok(0), |bytes| decode_count(bytes.value()));
        match last {
            Ok(last) if last >= highest => {}
            Ok(last) => {
                self.fault(
                    NUMBERS,
                    Some(table.as_bytes()),
                    format!("the last number is {last}, but {highest} is in use"),
                );
            }
            Err(error) => self.fault(NUMBERS, Some(table.as_bytes()), error.to_string()),
        }
        Ok(())
    }

    /// An upload that takes chunks has as many as it says and its job folder; no other chunks are there.
    fn uploads(&mut self) -> Result<(), StoreError> {
        let (uploads, chunks) = (self.table(UploadRecord::TABLE)?, self.sized(CHUNKS)?);
        let (Some(uploads), Some(chunks), Some(folders)) = (uploads, chunks, self.sized(JOB_FOLDERS)?) else {
            return Ok(());
        };
        let mut known = 0;
        for row in uploads.iter()? {
            let (key, bytes) = row?;
            // What can't be read was named before.
            let Ok(upload) = UploadRecord::decode(bytes.value()) else { continue };
            if upload.status != UploadStatus::Uploading {
                continue;
            }
            let (first, last) = (chunk_key(&upload.id, 0), chunk_key(&upload.id, u32::MAX));
            let mut here = 0_u64;
            for chunk in chunks.range::<&[u8]>(first.bytes()..=last.bytes())? {
                let (chunk, digest) = chunk?;
                here += 1;
                if digest.value().len() != 32 {
                    self.fault(CHUNKS, Some(chunk.value()), "a digest is not 32 bytes");
                }
            }
            known += here;
            if here != u64::from(upload.uploaded_chunks) {
                let says = upload.uploaded_chunks;
                self.fault(
                    UploadRecord::TABLE,
                    Some(key.value()),
                    format!("says it has {says} chunks, but has {here}"),
                );
            }
            if let Some(job_id) = &upload.job_id
                && folders.get(job_id.as_bytes())?.is_none_or(|owner| owner.value() != upload.owner_id.as_bytes())
            {
                self.fault(
                    JOB_FOLDERS,
                    Some(job_id.as_bytes()),
                    "an upload goes into a folder that is not its owner's",
                );
            }
        }
        let others = chunks.len()?.saturating_sub(known);
        if others > 0 {
            self.fault(CHUNKS, None, format!("{others} chunks belong to no upload that takes chunks"));
        }
        Ok(())
    }

    /// No script and no request without its job.
    fn texts_of_jobs(&mut self) -> Result<(), StoreError> {
        for (table, orphan, no_text) in [
            (SCRIPTS, "a script without its job", "a script is no text"),
            (REQUESTS, "a request without its job", "a request is no text"),
        ] {
            let (Some(jobs), Some(texts)) = (self.table(HistoryRecord::TABLE)?, self.sized(table)?) else {
                continue;
            };
            for text in texts.iter()? {
                let (key, text) = text?;
                if jobs.get(key.value())?.is_none() {
                    self.fault(table, Some(key.value()), orphan);
                }
                if std::str::from_utf8(text.value()).is_err() {
                    self.fault(table, Some(key.value()), no_text);
                }
            }
        }
        Ok(())
    }
}

impl EveryRecord for Check {
    fn one<R: Record>(&mut self) -> Result<(), StoreError> {
        let records = self.sized(R::TABLE)?;
        let mut lookups = Vec::with_capacity(R::LOOKUPS.len());
        for lookup in R::LOOKUPS {
            lookups.extend(self.table(lookup.table)?.map(|rows| (lookup, rows)));
        }
        let Some(records) = records else { return Ok(()) };
        let mut due = vec![0_u64; lookups.len()];
        let mut highest = 0;
        for row in records.iter()? {
            let (key, bytes) = row?;
            let key = Key::raw(key.value());
            highest = highest.max(key.bytes().last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)));
            let record = match R::decode(bytes.value()) {
                Ok(record) if record.key() == key => record,
                Ok(_) => {
                    self.fault(R::TABLE, Some(key.bytes()), "a record is not under its own key");
                    continue;
                }
                Err(error) => {
                    self.fault(R::TABLE, Some(key.bytes()), error.to_string());
                    continue;
                }
            };
            for ((lookup, rows), due) in lookups.iter().zip(&mut due) {
                *due += u64::from(self.row((lookup, rows), &record, &key)?);
            }
        }
        for ((lookup, rows), due) in lookups.iter().zip(due) {
            if rows.len()? != due {
                self.strangers(lookup, rows, &records)?;
            }
            if lookup.kind == Kind::Counted {
                self.counts_of(lookup.table, rows)?;
            }
        }
        if NUMBERED.contains(&R::TABLE) { self.number(R::TABLE, highest) } else { Ok(()) }
    }
}

/// How many rows begin with the group; no more than `most` are looked at.
fn size_of_group(rows: &Table, group: &Key, most: u64) -> Result<u64, StoreError> {
    let mut size = 0;
    for row in rows.range::<&[u8]>(group.bytes()..)? {
        if size == most || !row?.0.value().starts_with(group.bytes()) {
            break;
        }
        size += 1;
    }
    Ok(size)
}

/// A key for people: as text where it is one, else in hex digits.
fn readable(key: &[u8]) -> String {
    let text = key.strip_suffix(&[0, 0]).unwrap_or(key);
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => text.to_owned(),
        _ => crate::random::hex(key),
    }
}
