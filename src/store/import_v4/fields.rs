//! One old row, field by field: any type in any column, judged and bounded, with a note of what was changed.
use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use slurmdash_api::UnixSeconds;

use super::sqlite::{OldTable, shown};
use super::time;
use crate::random;

/// Longest old id that is kept as it is, bytes; of others there is a digest.
const MAX_ID: usize = 128;
/// Most entries of a list or of labels.
const MAX_ENTRIES: usize = 64;
/// Longest word: a status, a category, a permission. Bytes, as all limits here.
pub const WORD: usize = 64;
/// Longest name or title.
pub const NAME: usize = 256;
/// Longest path or other single line.
pub const LINE: usize = 4096;
/// Longest description or message.
pub const PROSE: usize = 8192;
/// Longest script or definition; longer ones are left out, not cut.
pub const DOCUMENT: usize = 1 << 20;

/// A column under each of the names it may have had; the first is how it is called in reports.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static [&'static str]);

impl Column {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        self.0.first().copied().unwrap_or_default()
    }
}

/// Columns whose values must not be seen.
const SECRETS: [&str; 4] = ["key_hash", "password_hash", "hashed_password", "password"];

/// One old row.
pub struct Fields<'a> {
    row: &'a Row<'a>,
    table: &'a OldTable,
    id: String,
    adjusted: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Takes a row whose old id is in `id`, in its primary key, or is SQLite's own number for it.
    pub fn new(row: &'a Row<'a>, table: &'a OldTable, id: Column) -> Self {
        let mut fields = Self { row, table, id: String::new(), adjusted: Vec::new() };
        fields.id = fields.old_id(id);
        fields
    }

    /// The row's old id: short, and safe to be shown.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The row's old id, and everything that is not taken exactly as it was.
    pub fn into_notes(self) -> (String, Vec<String>) {
        (self.id, self.adjusted)
    }

    /// Notes that something is not taken exactly as it was.
    pub fn adjust(&mut self, reason: impl Into<String>) {
        self.adjusted.push(reason.into());
    }

    /// The value in a column; the first that is not NULL where it is there under several names.
    fn cell(&self, column: Column) -> ValueRef<'a> {
        let (row, table) = (self.row, self.table);
        let places = column.0.iter().filter_map(|name| table.place(name));
        let mut cells = places.filter_map(|place| row.get_ref(place).ok());
        cells.find(|cell| !matches!(cell, ValueRef::Null)).unwrap_or(ValueRef::Null)
    }

    /// Whether the table has the column, whatever is in it.
    pub fn has(&self, column: Column) -> bool {
        column.0.iter().any(|name| self.table.place(name).is_some())
    }

    fn old_id(&self, column: Column) -> String {
        if let Some(id) = id_text(self.cell(column)) {
            return plain_id(id);
        }
        let mut parts = Vec::new();
        for (name, place) in self.table.primary_key() {
            match self.row.get_ref(place).ok().and_then(id_text) {
                Some(part) if !SECRETS.contains(&name) => parts.push(part),
                // What is secret must not be an id.
                Some(part) => parts.push(digest_id(&part)),
                None => parts.clear(),
            }
        }
        match self.table.row_id(self.row) {
            _ if !parts.is_empty() => plain_id(parts.join(",")),
            Some(number) => format!("row-{number}"),
            None => "row".into(),
        }
    }

    /// The text as it is, if it is text of at most `limit` bytes on one line; for what must not be changed.
    pub fn exact(&self, column: Column, limit: usize) -> Option<String> {
        let text = id_text(self.cell(column))?;
        (text.len() <= limit && !text.chars().any(char::is_control)).then_some(text)
    }

    /// The text in a cell, and whether much of it is left out; `None` when it is NULL, empty or no text. Twice the
    /// limit is enough: what is cleaned away is little, or the rest is not worth keeping.
    fn read(&mut self, column: Column, limit: usize) -> Option<(String, bool)> {
        let (text, is_cut) = match self.cell(column) {
            ValueRef::Null => return None,
            ValueRef::Integer(number) => (number.to_string(), false),
            ValueRef::Real(number) => (number.to_string(), false),
            ValueRef::Text(bytes) => {
                let kept = beginning(bytes, 2 * limit);
                let text = String::from_utf8_lossy(kept);
                if matches!(text, Cow::Owned(_)) {
                    self.adjust(format!("{}: what is not UTF-8 is replaced", column.name()));
                }
                (text.into_owned(), kept.len() < bytes.len())
            }
            ValueRef::Blob(_) => {
                self.adjust(format!("{}: is no text and is left out", column.name()));
                return None;
            }
        };
        (is_cut || !text.trim().is_empty()).then_some((text, is_cut))
    }

    fn cut(&mut self, column: Column, (mut text, is_cut): (String, bool), limit: usize) -> String {
        if is_cut || text.len() > limit {
            text.truncate(text.floor_char_boundary(limit));
            self.adjust(format!("{}: is cut to {limit} bytes", column.name()));
        }
        text
    }

    /// One line of text, without blanks around it and control characters in it.
    pub fn line(&mut self, column: Column, limit: usize) -> Option<String> {
        let (text, is_cut) = self.read(column, limit)?;
        let clean: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        if clean.len() != text.trim().len() {
            self.adjust(format!("{}: control characters are left out", column.name()));
        }
        let clean = self.cut(column, (clean, is_cut), limit);
        (!clean.is_empty()).then_some(clean)
    }

    /// Text of any lines.
    pub fn text(&mut self, column: Column, limit: usize) -> Option<String> {
        let (text, is_cut) = self.read(column, limit)?;
        let text = if text.contains('\0') {
            self.adjust(format!("{}: NUL characters are left out", column.name()));
            text.replace('\0', "")
        } else {
            text
        };
        Some(self.cut(column, (text, is_cut), limit))
    }

    /// Text that means nothing when a part of it is missing.
    pub fn document(&mut self, column: Column) -> Option<String> {
        let size = match self.cell(column) {
            ValueRef::Text(bytes) => bytes.len(),
            _ => 0,
        };
        if size > DOCUMENT {
            self.adjust(format!("{}: is larger than {DOCUMENT} bytes and left out", column.name()));
            return None;
        }
        self.text(column, DOCUMENT)
    }

    /// A time; `None` where there is none.
    pub fn time(&mut self, column: Column) -> Option<UnixSeconds> {
        let cell = self.cell(column);
        if is_nothing(cell) {
            return None;
        }
        let read = time::of_cell(cell);
        if read.is_none() {
            self.adjust(format!("{}: is no time from 1970 to 9999 and is left out", column.name()));
        }
        read
    }

    /// A time that must be there; 1970 stands in for it.
    pub fn time_or_zero(&mut self, column: Column) -> UnixSeconds {
        let was_there = !is_nothing(self.cell(column));
        let read = self.time(column);
        if read.is_none() && !was_there && self.has(column) {
            self.adjust(format!("{}: is empty, 1970 is taken", column.name()));
        }
        read.unwrap_or(0)
    }

    /// Whether there is anything in the cell.
    pub fn is_set(&self, column: Column) -> bool {
        !is_nothing(self.cell(column))
    }

    /// Yes or no; `None` where there is nothing, or nothing that can be read as one.
    pub fn boolean(&mut self, column: Column) -> Option<bool> {
        let cell = self.cell(column);
        let read = match cell {
            ValueRef::Integer(0) | ValueRef::Real(0.0) => Some(false),
            ValueRef::Integer(1) | ValueRef::Real(1.0) => Some(true),
            ValueRef::Text(bytes) => match bytes.trim_ascii().to_ascii_lowercase().as_slice() {
                b"0" | b"false" | b"f" | b"no" | b"off" => Some(false),
                b"1" | b"true" | b"t" | b"yes" | b"on" => Some(true),
                _ => None,
            },
            _ => None,
        };
        if read.is_none() && !is_nothing(cell) {
            self.adjust(format!("{}: is neither yes nor no", column.name()));
        }
        read
    }

    /// A whole number from 0.
    pub fn number(&mut self, column: Column) -> Option<u64> {
        let cell = self.cell(column);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within")]
        let read = match cell {
            ValueRef::Integer(number) => number.try_into().ok(),
            ValueRef::Real(number) => (0.0..1e15).contains(&number).then_some(number as u64),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse().ok()),
            _ => None,
        };
        if read.is_none() && !is_nothing(cell) {
            self.adjust(format!("{}: is no number from 0 and is left out", column.name()));
        }
        read
    }

    /// A smaller whole number from 0.
    pub fn small_number(&mut self, column: Column) -> Option<u32> {
        let number = self.number(column)?;
        let read = u32::try_from(number).ok();
        if read.is_none() {
            self.adjust(format!("{}: is too large and is left out", column.name()));
        }
        read
    }

    /// Words from a JSON array or a list with commas.
    pub fn words(&mut self, column: Column) -> Vec<String> {
        let Some(text) = self.document(column) else { return Vec::new() };
        let words: Vec<String> =
            serde_json::from_str(&text).unwrap_or_else(|_| text.split(',').map(str::to_owned).collect());
        let words = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let good = |word: &&str| word.len() <= WORD && !word.chars().any(char::is_control);
        let (good, bad): (Vec<&str>, Vec<&str>) = words.partition(good);
        if !bad.is_empty() || good.len() > MAX_ENTRIES {
            let name = column.name();
            self.adjust(format!("{name}: words over {WORD} bytes, and more than {MAX_ENTRIES}, are left out"));
        }
        good.into_iter().take(MAX_ENTRIES).map(str::to_owned).collect()
    }

    /// Labels from a JSON object.
    pub fn labels(&mut self, column: Column) -> BTreeMap<String, String> {
        let Some(text) = self.document(column) else { return BTreeMap::new() };
        let Ok(object) = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&text) else {
            self.adjust(format!("{}: is no JSON object and is left out", column.name()));
            return BTreeMap::new();
        };
        let found = object.len();
        let as_text = |(name, value): (String, serde_json::Value)| {
            let value = match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            (name.len() <= NAME && value.len() <= LINE).then_some((name, value))
        };
        let labels: BTreeMap<_, _> = object.into_iter().filter_map(as_text).take(MAX_ENTRIES).collect();
        if labels.len() < found {
            self.adjust(format!("{}: long ones, and more than {MAX_ENTRIES}, are left out", column.name()));
        }
        labels
    }
}

/// The first bytes of a text, without a part of a character at the end.
fn beginning(bytes: &[u8], limit: usize) -> &[u8] {
    let is_inside = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let end = (limit.saturating_sub(3)..=limit).rev().find(|at| !is_inside(at)).unwrap_or(limit);
    bytes.get(..end).unwrap_or(bytes)
}

fn is_nothing(cell: ValueRef<'_>) -> bool {
    match cell {
        ValueRef::Null => true,
        ValueRef::Text(bytes) => bytes.trim_ascii().is_empty(),
        _ => false,
    }
}

/// A value that others refer to, the same whether it was kept as a number or as text.
fn id_text(cell: ValueRef<'_>) -> Option<String> {
    let text = match cell {
        ValueRef::Integer(number) => number.to_string(),
        // `1.0` is written as `1`.
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok()?.trim().to_owned(),
        ValueRef::Null | ValueRef::Blob(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// An id that is short, and safe to be shown and to be a part of a key.
pub fn plain_id(id: String) -> String {
    if id.len() <= MAX_ID && shown_is_same(&id) { id } else { digest_id(&id) }
}

fn shown_is_same(id: &str) -> bool {
    !id.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\'))
}

/// What stands for an id that is not kept as it is.
pub fn digest_id(id: &str) -> String {
    random::hex(&digest(&SHA256, id.as_bytes()).as_ref()[..16])
}

/// A word of the old system in a sentence of a report.
pub fn quoted(word: &str) -> String {
    format!("`{}`", shown(word))
}
