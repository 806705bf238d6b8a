//! Is the log as it was written? Every row, in the order of writing, with nothing collected.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{ReadTransaction, ReadableDatabase, ReadableTable as _, ReadableTableMetadata as _};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::chain::{ANCHOR, End, HEAD, NEXT, Noted, hash};
use super::{AuditRecord, BY_SEQ, place};
use crate::store::engine::{self, Lock};
use crate::store::key::Key;
use crate::store::record::Record;
use crate::store::walk::{Bytes, NUMBERS, decode_count, definition};
use crate::store::{META, SCHEMA_VERSION, Store, StoreError};

/// Most faults that are named; the others are only counted.
pub const MAX_NAMED: usize = 100;

/// Longest text of a fault, bytes.
const MAX_WHAT: usize = 300;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChainReport {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// How many rows were looked at.
    pub rows: u64,
    /// Number of the first one.
    pub first_seq: Option<u64>,
    /// Number of the last one.
    pub last_seq: Option<u64>,
    /// Hash of the last row that was written, 64 hex digits. Noted elsewhere with the row's number, it proves later that
    /// nothing up to that row was changed: see [`Noted`].
    pub head: Option<String>,
    /// The first [`MAX_NAMED`] faults.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub fault_count: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Number of the row.
    pub seq: u64,
    /// When it was written, where that is known.
    pub at: Option<UnixSeconds>,
    /// What is wrong.
    pub what: String,
}

impl Store {
    /// Proves that the log is as it was written. Reads all of it; takes seconds for a million rows.
    pub fn verify_audit(&self) -> Result<ChainReport, StoreError> {
        self.verify_audit_against(None)
    }

    /// [`Store::verify_audit`], and that a row still has the hash that was noted elsewhere.
    pub fn verify_audit_against(&self, noted: Option<&Noted>) -> Result<ChainReport, StoreError> {
        self.read(|view| verify_at(&view.0, noted))
    }
}

/// [`Store::verify_audit_against`] for a file that no server has open. One that was closed in order is only read.
pub fn verify_file(path: &Path, noted: Option<&Noted>) -> Result<ChainReport, StoreError> {
    let _lock = Lock::take(path)?;
    let is_in_order = engine::peek_schema(path)?.is_some();
    let verified = catch_unwind(AssertUnwindSafe(|| {
        if is_in_order {
            verify(&engine::open_read_only(path)?, noted)
        } else {
            verify(&engine::open_database(path)?, noted)
        }
    }));
    // What redb makes of pages that are full of anything is an error as a rule, and sometimes a panic.
    verified.unwrap_or_else(|_| Err(StoreError::Damaged { path: path.into(), reason: "it can't be read".into() }))
}

/// Verifies the log of an open store of this program's schema.
pub fn verify(database: &impl ReadableDatabase, noted: Option<&Noted>) -> Result<ChainReport, StoreError> {
    match engine::schema_of(database)? {
        found if found > SCHEMA_VERSION => Err(StoreError::Newer { found, known: SCHEMA_VERSION }),
        found if found < SCHEMA_VERSION => Err(StoreError::Older { found, known: SCHEMA_VERSION }),
        _ => verify_at(&database.begin_read()?, noted),
    }
}

fn verify_at(transaction: &ReadTransaction, noted: Option<&Noted>) -> Result<ChainReport, StoreError> {
    let mut verify = Verify { transaction, noted, report: ChainReport::default(), before: None };
    let anchor = verify.end(ANCHOR)?;
    let head = verify.end(HEAD)?;
    let (rows, order) = (verify.table(AuditRecord::TABLE)?, verify.table(BY_SEQ.table)?);
    if let (Some(rows), Some(order)) = (rows, order) {
        verify.rows(&rows, &order, anchor.as_ref())?;
        if verify.report.rows != rows.len()? {
            verify.strangers(&rows, &order)?;
        }
    }
    verify.ends(anchor.as_ref(), head.as_ref())?;
    verify.settle_noted(anchor.as_ref());
    let mut report = verify.report;
    report.head = verify.before.map(|last| last.hash).or_else(|| head.and_then(|head| head.hash));
    report.intact = report.fault_count == 0;
    Ok(report)
}

type Table = redb::ReadOnlyTable<Bytes, Bytes>;

/// The row before the one that is looked at.
struct Before {
    seq: u64,
    at: UnixSeconds,
    hash: String,
}

struct Verify<'a> {
    transaction: &'a ReadTransaction,
    /// `None` when there is none, or it was met.
    noted: Option<&'a Noted>,
    report: ChainReport,
    before: Option<Before>,
}

impl Verify<'_> {
    fn fault(&mut self, seq: u64, at: Option<UnixSeconds>, what: impl Into<String>) {
        self.report.fault_count += 1;
        if self.report.faults.len() < MAX_NAMED {
            // It may quote what stands in the row now.
            let mut what = what.into();
            what.truncate(what.floor_char_boundary(MAX_WHAT));
            self.report.faults.push(Fault { seq, at, what });
        }
    }

    /// A table that must be there.
    fn table(&mut self, name: &str) -> Result<Option<Table>, StoreError> {
        match self.transaction.open_table(definition(name)) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::Storage(error)) => Err(error.into()),
            Err(error) => {
                self.fault(0, None, format!("the table {name} is not there as it should be: {error}"));
                Ok(None)
            }
        }
    }

    /// One end of the chain, as it is written down.
    fn end(&mut self, name: &str) -> Result<Option<End>, StoreError> {
        let found = self.transaction.open_table(META)?.get(name)?.map(|bytes| End::decode(bytes.value()));
        Ok(found.and_then(|end| {
            end.map_err(|error| self.fault(0, None, format!("{name} in the table meta was changed: {error}"))).ok()
        }))
    }

    /// Every row, in the order of writing.
    fn rows(&mut self, rows: &Table, order: &Table, anchor: Option<&End>) -> Result<(), StoreError> {
        for entry in order.iter()? {
            let (entry, key) = entry?;
            let key = key.value();
            // The number, and the row's key, which has the number once more.
            let Some((at, seq)) = place(key).filter(|(_, seq)| entry.value() == [&seq.to_be_bytes(), key].concat())
            else {
                let seq = entry.value().first_chunk().map_or(0, |seq| u64::from_be_bytes(*seq));
                self.fault(seq, None, "the order of writing (audit.by_seq) was changed here");
                continue;
            };
            let Some(stored) = rows.get(key)? else {
                self.fault(seq, Some(at), "the row is missing");
                continue;
            };
            self.row((seq, at), key, stored.value(), anchor);
        }
        Ok(())
    }

    fn row(&mut self, (seq, at): (u64, UnixSeconds), key: &[u8], stored: &[u8], anchor: Option<&End>) {
        let hash = hash(stored);
        match AuditRecord::decode(stored) {
            Err(error) => self.fault(seq, Some(at), format!("the row was changed: {error}")),
            Ok(row) if row.key().bytes() != key => {
                self.fault(seq, Some(at), format!("in its place is what was written as row {}", row.seq));
            }
            Ok(row) => self.link((seq, at), row.prev.as_deref(), anchor),
        }
        if let Some(noted) = self.noted.filter(|noted| noted.seq == seq) {
            self.noted = None;
            if noted.hash != hash {
                self.fault(seq, Some(at), format!("its hash is {hash}, another one was noted"));
            }
        }
        self.report.rows += 1;
        self.report.first_seq.get_or_insert(seq);
        self.report.last_seq = Some(seq);
        self.before = Some(Before { seq, at, hash });
    }

    /// Whether a row follows the one before it.
    fn link(&mut self, (seq, at): (u64, UnixSeconds), prev: Option<&str>, anchor: Option<&End>) {
        let Some(before) = &self.before else {
            match anchor {
                None => self.fault(seq, Some(at), "where the log begins is not written down any more"),
                Some(anchor) if anchor.seq != seq => {
                    let what = format!("the log begins here, but its first row was {}", anchor.seq);
                    self.fault(seq, Some(at), what);
                }
                Some(anchor) if anchor.hash.as_deref() != prev => {
                    self.fault(seq, Some(at), "it is not the row that the log began with");
                }
                Some(_) => {}
            }
            return;
        };
        if prev == Some(&before.hash) {
            return;
        }
        let (last, when) = (before.seq, before.at);
        if seq > last.saturating_add(1) {
            let what = format!("rows are missing between {last} and {seq}, or one of these two was changed");
            self.fault(last + 1, Some(at), what);
        } else {
            self.fault(
                last,
                Some(when),
                format!("it is not as it was when row {seq} was written, or that one was changed"),
            );
        }
    }

    /// Names rows that are in no order of writing.
    fn strangers(&mut self, rows: &Table, order: &Table) -> Result<(), StoreError> {
        for row in rows.iter()? {
            let key = row?.0;
            let Some((at, seq)) = place(key.value()) else {
                self.fault(0, None, "a row has a key that is none");
                continue;
            };
            let entry = Key::new().number(seq).join(&Key::raw(key.value()));
            if order.get(entry.bytes())?.is_none_or(|found| found.value() != key.value()) {
                self.fault(seq, Some(at), "the row is in the log, but not in the order of writing: it was put in");
            }
        }
        Ok(())
    }

    /// Whether the log begins and ends where it should.
    fn ends(&mut self, anchor: Option<&End>, head: Option<&End>) -> Result<(), StoreError> {
        let last = self.before.as_ref().map(|last| (last.seq, last.at, last.hash.clone()));
        match (last, head) {
            (None, None) => {
                if let Some(anchor) = anchor {
                    self.fault(anchor.seq, None, "all rows are missing");
                }
            }
            (None, Some(head)) => {
                if anchor.is_none_or(|anchor| anchor.seq <= head.seq || anchor.hash != head.hash) {
                    self.fault(head.seq, None, format!("all rows up to {} are missing", head.seq));
                }
            }
            (Some((seq, at, _)), None) => {
                self.fault(seq, Some(at), "where the log ends is not written down any more");
            }
            (Some((seq, _, _)), Some(head)) if head.seq > seq => {
                let what = format!("the log ends with row {seq}, but {} was the last one: rows are missing", head.seq);
                self.fault(seq + 1, None, what);
            }
            (Some((seq, at, _)), Some(head)) if head.seq < seq => {
                self.fault(seq, Some(at), format!("the last row that was written is {}: it was put in", head.seq));
            }
            (Some((seq, at, hash)), Some(head)) if head.hash.as_ref() != Some(&hash) => {
                self.fault(seq, Some(at), "the last row is not as it was written");
            }
            (Some(_), Some(_)) => {}
        }
        self.numbers(head)
    }

    /// No number that was given out may be given out again.
    fn numbers(&mut self, head: Option<&End>) -> Result<(), StoreError> {
        let Some(numbers) = self.table(NUMBERS)? else { return Ok(()) };
        let last = numbers.get(NEXT.as_bytes())?.map_or(Ok(0), |bytes| decode_count(bytes.value()));
        if let Some(head) = head
            && last.as_ref().is_ok_and(|last| *last < head.seq)
        {
            self.fault(head.seq, None, "the number that the next row gets was set back");
        }
        if let Err(error) = last {
            self.fault(0, None, error.to_string());
        }
        Ok(())
    }

    /// A row that was noted elsewhere must be there, or be the last one that was removed as too old.
    fn settle_noted(&mut self, anchor: Option<&End>) {
        let Some(noted) = self.noted else { return };
        let is_last_removed =
            anchor.is_some_and(|anchor| noted.seq < anchor.seq && anchor.hash.as_ref() == Some(&noted.hash));
        if !is_last_removed {
            let begins =
                self.report.first_seq.map_or_else(String::new, |first| format!("; the log begins with {first}"));
            let what = format!("the row that was noted is not there, so nothing can be said of it{begins}");
            self.fault(noted.seq, None, what);
        }
    }
}
