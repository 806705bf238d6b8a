//! What an import found and did, in numbers and words.
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// Most different reasons that are kept for a table; the rest are counted together.
const MAX_REASONS: usize = 64;
/// What the rest are counted under.
const OTHER: &str = "other reasons";

/// What an import found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The old database.
    pub file: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// Whether anything was to be written; otherwise `new` is what would be.
    pub applied: bool,
    /// Each of the old system's tables.
    pub tables: Vec<TableReport>,
    /// Tables that are in the file and are not imported.
    pub unknown_tables: Vec<String>,
}

impl Report {
    /// Rows that are imported, or would be.
    pub fn new_rows(&self) -> u64 {
        self.tables.iter().map(|table| table.new).sum()
    }
}

/// One of the old system's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TableReport {
    /// Its name.
    pub table: &'static str,
    /// Whether the file has it.
    pub is_present: bool,
    /// Rows in it.
    pub found: u64,
    /// Rows that are imported, or would be.
    pub new: u64,
    /// Rows that an earlier import took, or that the store has from elsewhere. They stay as the store has them.
    pub already_there: u64,
    /// Rows that can't be taken.
    pub skipped: u64,
    /// Why rows were skipped.
    pub skipped_because: BTreeMap<String, Reason>,
    /// What is different in rows that are taken.
    pub adjusted: BTreeMap<String, Reason>,
    /// Columns that nothing is taken from.
    pub unknown_columns: Vec<String>,
    /// Columns that are not there; defaults stand in for them.
    pub defaulted_columns: Vec<&'static str>,
}

/// How often, and one row to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// How many rows.
    pub count: u64,
    /// The old id of the first of them.
    pub example: String,
}

impl TableReport {
    /// Counts a row that can't be taken.
    pub(super) fn skip(&mut self, reason: String, row: &str) {
        self.skipped += 1;
        count(&mut self.skipped_because, reason, row);
    }

    /// Counts a row that is not taken exactly as it was.
    pub(super) fn adjust(&mut self, reason: String, row: &str) {
        count(&mut self.adjusted, reason, row);
    }
}

fn count(reasons: &mut BTreeMap<String, Reason>, reason: String, row: &str) {
    let is_known = reasons.contains_key(&reason);
    let reason = if is_known || reasons.len() < MAX_REASONS { reason } else { OTHER.to_owned() };
    reasons.entry(reason).or_insert_with(|| Reason { count: 0, example: row.to_owned() }).count += 1;
}
