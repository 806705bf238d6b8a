//! Import from the old system's database: v4.3 and v4.4 kept their records in SQLite.
//!
//! Tables are read by the names of their columns; what is not known is reported, what is missing has a default, and a
//! row that lacks what it can't do without is skipped and counted. Nothing in the file is believed: any type may be in
//! any column, and text is bounded ([`fields`] has the limits). The file itself is never written ([`sqlite`]).
//!
//! Each old row that was met is remembered in the table [`IMPORTED`] together with what it became, so that it is
//! never taken twice: not when the import was interrupted, and not when its record was changed or removed since.

mod access;
mod fields;
mod item;
mod known;
mod people;
mod report;
mod sqlite;
mod things;
mod time;
mod work;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use slurmdash_api::UnixSeconds;

use self::fields::{Column, Fields};
use self::item::Item;
use self::known::{Known, marked};
use self::people::People;
pub use self::report::{Reason, Report, TableReport};
pub use self::sqlite::shown;
use self::sqlite::{OldDatabase, OldTable};
use super::audit::{AuditEntry, By};
use super::key::Key;
use super::{Store, StoreError};

/// Old table, NUL and old id of each row that was met, to the key of the record that it became.
pub(crate) const IMPORTED: &str = "imported";
/// Most rows in one transaction.
const MAX_ROWS: usize = 1000;
/// A transaction is closed when its large texts come to this, bytes.
const MAX_BYTES: usize = 8 << 20;

/// Why nothing, or not all, was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The old database can't be read.
    #[error("can't import {path}: {reason}")]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    fn source(path: &Path, reason: String) -> Self {
        Self::Source { path: path.into(), reason }
    }
}

/// Why a row is not taken.
enum Refusal {
    /// It lacks something.
    Skip(&'static str),
    /// The store failed.
    Failed(StoreError),
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self::Skip(reason)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// One of the old tables.
struct Noun {
    table: &'static str,
    id: Column,
    columns: &'static [Column],
    read: fn(&mut Fields<'_>, &People) -> Result<Item, Refusal>,
}

/// All of them, the accounts first.
#[rustfmt::skip]
const NOUNS: [Noun; 9] = [
    Noun { table: people::TABLE, id: people::ID, columns: people::COLUMNS, read: people::read },
    Noun { table: "job_templates_v2", id: things::TEMPLATE_ID, columns: things::TEMPLATE_COLUMNS, read: things::template },
    Noun { table: "apptainer_images", id: things::IMAGE_ID, columns: things::IMAGE_COLUMNS, read: things::image },
    Noun { table: "file_uploads", id: work::UPLOAD_ID, columns: work::UPLOAD_COLUMNS, read: work::upload },
    Noun { table: "job_history", id: work::HISTORY_ID, columns: work::HISTORY_COLUMNS, read: work::history },
    Noun {
        table: "notifications",
        id: things::NOTIFICATION_ID,
        columns: things::NOTIFICATION_COLUMNS,
        read: things::notification,
    },
    Noun { table: "api_keys", id: access::ID, columns: access::API_KEY_COLUMNS, read: access::api_key },
    Noun { table: "audit_logs", id: access::ID, columns: access::AUDIT_COLUMNS, read: access::audit },
    Noun { table: "security_events", id: access::ID, columns: access::EVENT_COLUMNS, read: access::event },
];

/// The old row's place in [`IMPORTED`].
fn mark(table: &str, old_id: &str) -> Key {
    Key::raw(format!("{table}\0{old_id}"))
}

/// An old database that is about to be imported.
pub struct Import {
    path: PathBuf,
    store: PathBuf,
    old: OldDatabase,
    tables: Vec<String>,
}

impl Import {
    /// Opens the old database at `path`, for the store at `store`.
    pub fn open(path: &Path, store: &Path) -> Result<Self, ImportError> {
        let old = OldDatabase::open(path)?;
        let tables = old.tables(path)?;
        if !NOUNS.iter().any(|noun| tables.iter().any(|table| table == noun.table)) {
            return Err(ImportError::source(path, "it has none of the old system's tables".into()));
        }
        Ok(Self { path: path.into(), store: store.into(), old, tables })
    }

    /// Says what an import would do. Nothing is written; a store that is not there stays so.
    pub fn survey(&self) -> Result<Report, ImportError> {
        self.each_table(&Known::look(&self.store)?, false, |_| Ok(()))
    }

    /// Imports, in transactions of bounded size. The store is made if it is not there.
    pub fn run(&self, now: UnixSeconds) -> Result<Report, ImportError> {
        // All of the old file is read before anything is written: a damaged one is refused as a whole.
        let planned = self.survey()?;
        let store = Store::open(&self.store)?;
        let mut entry = (planned.new_rows() > 0).then(|| audit_entry(&planned, now));
        self.each_table(&Known::Open(store.clone()), true, |batch| write(&store, batch, &mut entry))
    }

    fn each_table(
        &self,
        known: &Known,
        applied: bool,
        mut take: impl FnMut(Vec<Candidate>) -> Result<(), ImportError>,
    ) -> Result<Report, ImportError> {
        let people = self.people(known)?;
        let mut tables = Vec::with_capacity(NOUNS.len());
        for noun in &NOUNS {
            let mut report = TableReport { table: noun.table, ..TableReport::default() };
            if self.tables.iter().any(|table| table == noun.table) {
                let table = self.old.table(&self.path, noun.table)?;
                describe(noun, &table, &mut report);
                let mut batch = Batch::new(known);
                self.old.rows(&self.path, &table, |row| {
                    let mut fields = Fields::new(row, &table, noun.id);
                    let read = (noun.read)(&mut fields, &people);
                    batch.add(noun.table, fields.into_notes(), read, &mut report)?;
                    if batch.is_full() { batch.judge(&mut report).and_then(&mut take) } else { Ok(()) }
                })?;
                batch.judge(&mut report).and_then(&mut take)?;
            }
            tables.push(report);
        }
        let is_unknown = |table: &&String| !NOUNS.iter().any(|noun| noun.table == table.as_str());
        let unknown_tables = self.tables.iter().filter(is_unknown).map(|table| shown(table)).collect();
        Ok(Report { file: self.path.clone(), store: self.store.clone(), applied, tables, unknown_tables })
    }

    /// Everybody that the other tables may name.
    fn people(&self, known: &Known) -> Result<People, ImportError> {
        let mut people = People::new(known.clone());
        if self.tables.iter().any(|table| table == people::TABLE) {
            let table = self.old.table(&self.path, people::TABLE)?;
            let nobody = People::default();
            self.old.rows(&self.path, &table, |row| {
                let mut fields = Fields::new(row, &table, people::ID);
                if let Ok(Item::User(user)) = people::read(&mut fields, &nobody) {
                    people.add(fields.id(), &user, known)?;
                }
                Ok(())
            })?;
        }
        Ok(people)
    }
}

fn describe(noun: &Noun, table: &OldTable, report: &mut TableReport) {
    report.is_present = true;
    let is_known = |name: &str| noun.columns.iter().any(|column| column.0.contains(&name));
    report.unknown_columns = table.columns().filter(|(name, _)| !is_known(name)).map(|(_, shown)| shown).collect();
    report.unknown_columns.sort_unstable();
    let is_missing = |column: &&Column| !column.0.iter().any(|name| table.place(name).is_some());
    report.defaulted_columns = noun.columns.iter().filter(is_missing).map(|column| column.name()).collect();
}

/// An old row that may be taken.
#[derive(Clone)]
struct Candidate {
    mark: Key,
    what: What,
}

#[derive(Clone)]
enum What {
    /// It becomes this record.
    New(Box<Item>),
    /// It is in the store from elsewhere, under this key, and is only remembered.
    There(Key),
}

/// A row that was read.
struct Row {
    mark: Key,
    item: Item,
    id: String,
    /// What is not taken exactly as it was: of interest only when the row is new.
    adjusted: Vec<String>,
}

/// Rows of one table that are judged together.
struct Batch<'a> {
    known: &'a Known,
    rows: Vec<Row>,
    bytes: usize,
    marks: BTreeSet<Key>,
    identities: BTreeSet<Key>,
}

impl<'a> Batch<'a> {
    fn new(known: &'a Known) -> Self {
        Self { known, rows: Vec::new(), bytes: 0, marks: BTreeSet::new(), identities: BTreeSet::new() }
    }

    fn add(
        &mut self,
        table: &str,
        (id, adjusted): (String, Vec<String>),
        read: Result<Item, Refusal>,
        report: &mut TableReport,
    ) -> Result<(), StoreError> {
        report.found += 1;
        let item = match read {
            Ok(item) => item,
            Err(Refusal::Skip(reason)) => {
                report.skip(reason.into(), &id);
                return Ok(());
            }
            Err(Refusal::Failed(error)) => return Err(error),
        };
        let mark = mark(table, &id);
        let is_first = self.marks.insert(mark.clone());
        if !is_first || item.identity().is_some_and(|identity| !self.identities.insert(identity)) {
            report.skip("is in the table twice".into(), &id);
            return Ok(());
        }
        self.bytes += item.size();
        self.rows.push(Row { mark, item, id, adjusted });
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// Asks the store about the rows, counts them, and answers those that are not remembered yet.
    fn judge(&mut self, report: &mut TableReport) -> Result<Vec<Candidate>, ImportError> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        let states = self.known.read(|view| {
            let state = |row: &Row| match marked(view, &row.mark)? {
                Some(_) => Ok((true, None)),
                None => Ok((false, row.item.existing(view)?)),
            };
            rows.iter().map(state).collect::<Result<Vec<_>, StoreError>>()
        })?;
        let states = states.unwrap_or_else(|| vec![(false, None); rows.len()]);
        let mut candidates = Vec::new();
        for (Row { mark, item, id, adjusted }, (is_marked, existing)) in rows.into_iter().zip(states) {
            if is_marked || existing.is_some() {
                report.already_there += 1;
            } else {
                report.new += 1;
                for reason in adjusted {
                    report.adjust(reason, &id);
                }
            }
            if !is_marked {
                candidates
                    .push(Candidate { mark, what: existing.map_or_else(|| What::New(Box::new(item)), What::There) });
            }
        }
        Ok(candidates)
    }
}

/// Writes a batch; the first one with something new has the import's own audit row with it.
fn write(store: &Store, batch: Vec<Candidate>, entry: &mut Option<AuditEntry>) -> Result<(), ImportError> {
    if batch.is_empty() {
        return Ok(());
    }
    let has_new = batch.iter().any(|candidate| matches!(candidate.what, What::New(_)));
    let entry = if has_new { entry.take() } else { None };
    store.write_blocking(move |tx| {
        for candidate in &batch {
            let key = match &candidate.what {
                What::New(item) => item.put(tx)?,
                What::There(key) => key.clone(),
            };
            tx.change(IMPORTED)?.insert(candidate.mark.bytes(), key.bytes())?;
        }
        match &entry {
            Some(entry) => tx.audited(entry, ()),
            None => Ok(tx.housekeeping(())),
        }
    })?;
    Ok(())
}

fn audit_entry(planned: &Report, now: UnixSeconds) -> AuditEntry {
    let counts = planned.tables.iter().filter(|table| table.new > 0);
    let counts: Vec<String> = counts.map(|table| format!("{} {}", table.new, table.table)).collect();
    let file = planned.file.file_name().unwrap_or_default().to_string_lossy();
    AuditEntry::done(By::system(now), "store.import", format!("{}: {}", shown(&file), counts.join(", ")))
}

#[cfg(test)]
mod tests;
