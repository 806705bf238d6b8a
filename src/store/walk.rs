//! Reading: one record, a page of them, and how many there are. No look-up walks a whole table.
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition};

use super::StoreError;
use super::key::Key;
use super::record::{Lookup, Record};
use super::tx::Tx;

/// Longest cursor that is taken, bytes.
const MAX_CURSOR: usize = 4096;

/// Every table but `meta`: bytes to bytes.
pub(super) type Bytes = &'static [u8];

/// The table's definition.
pub(super) fn definition(name: &str) -> TableDefinition<'_, Bytes, Bytes> {
    TableDefinition::new(name)
}

/// What records can be read from: a consistent past state, or a change that is being made.
pub trait Source {
    /// Its tables.
    type Table<'a>: ReadableTable<Bytes, Bytes>
    where
        Self: 'a;

    /// The table of this name.
    fn table(&self, name: &str) -> Result<Self::Table<'_>, StoreError>;

    /// The record with this key.
    fn get<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        let table = self.table(R::TABLE)?;
        let found = table.get(key.bytes())?;
        found.map(|bytes| R::decode(bytes.value())).transpose()
    }

    /// The first record of a group: the one, where the look-up is unique.
    fn first<R: Record>(&self, lookup: &Lookup<R>, group: &Key) -> Result<Option<R>, StoreError> {
        let walk = Walk::group(lookup, group.clone()).ascending();
        Ok(walk.page(self, &PageRequest::first(1))?.items.pop())
    }

    /// How many records there are.
    fn total<R: Record>(&self) -> Result<u64, StoreError> {
        Ok(self.table(R::TABLE)?.len()?)
    }

    /// How many records a group has, from a counted look-up.
    fn count<R: Record>(&self, lookup: &Lookup<R>, group: &Key) -> Result<u64, StoreError> {
        let counts = self.table(COUNTS)?;
        let found = counts.get(count_key(lookup.table, group).bytes())?;
        found.map_or(Ok(0), |bytes| decode_count(bytes.value()))
    }
}

/// Sizes of the groups of counted look-ups.
pub(super) const COUNTS: &str = "counts";

/// The last number that was given out under each name.
pub(super) const NUMBERS: &str = "numbers";

pub(super) fn count_key(lookup: &str, group: &Key) -> Key {
    Key::new().text(lookup).join(group)
}

pub(super) fn decode_count(bytes: &[u8]) -> Result<u64, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::corrupt(COUNTS, "not eight bytes"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A consistent state to read from.
pub struct View(pub(super) ReadTransaction);

impl Source for View {
    type Table<'a> = ReadOnlyTable<Bytes, Bytes>;

    fn table(&self, name: &str) -> Result<Self::Table<'_>, StoreError> {
        Ok(self.0.open_table(definition(name))?)
    }
}

impl Source for Tx<'_> {
    type Table<'a>
        = Table<'a, Bytes, Bytes>
    where
        Self: 'a;

    fn table(&self, name: &str) -> Result<Self::Table<'_>, StoreError> {
        self.open(name)
    }
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Go on after this row; from the beginning without.
    pub after: Option<Cursor>,
    /// Most rows.
    pub limit: usize,
}

impl PageRequest {
    /// The first page.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows.
    pub items: Vec<R>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<Cursor>,
}

/// A row's place, as text that means nothing to others. It stays good when rows come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&crate::random::hex(&self.0))
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor that an earlier page gave")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() > 2 * MAX_CURSOR
            || !text.len().is_multiple_of(2)
            || !text.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Err(BadCursor);
        }
        let digits = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        text.as_bytes().chunks(2).map(digits).collect::<Option<Vec<u8>>>().map(Self).ok_or(BadCursor)
    }
}

/// Rows of a look-up's group, or of a whole table in the order of its keys; newest (highest) first unless told.
pub struct Walk<'a, R: Record> {
    lookup: Option<&'a Lookup<R>>,
    group: Key,
    from: Option<Key>,
    to: Option<Key>,
    ascending: bool,
}

impl<'a, R: Record> Walk<'a, R> {
    /// A group of a look-up.
    pub fn group(lookup: &'a Lookup<R>, group: Key) -> Self {
        Self { lookup: Some(lookup), group, from: None, to: None, ascending: false }
    }

    /// The table itself.
    pub fn table() -> Self {
        Self { lookup: None, group: Key::new(), from: None, to: None, ascending: false }
    }

    /// Only rows whose order is at least `from` and below `to`.
    #[must_use]
    pub fn between(mut self, from: Option<Key>, to: Option<Key>) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Lowest first.
    #[must_use]
    pub fn ascending(mut self) -> Self {
        self.ascending = true;
        self
    }

    /// Reads a page.
    pub fn page(&self, source: &(impl Source + ?Sized), request: &PageRequest) -> Result<Page<R>, StoreError> {
        self.search(source, request, usize::MAX, |_| true)
    }

    /// Reads a page of the records that are wanted, looking at no more than `most_looked_at`. A page may be short, or
    /// have nothing at all, and still have a next one: what comes after the last record that was looked at.
    pub fn search(
        &self,
        source: &(impl Source + ?Sized),
        request: &PageRequest,
        most_looked_at: usize,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<Page<R>, StoreError> {
        let mut items = Vec::with_capacity(request.limit.min(1000));
        let mut looked_at = 0;
        let (mut last, mut next) = (None, None);
        // A transaction opens a table once at a time.
        let records = self.lookup.map(|_| source.table(R::TABLE)).transpose()?;
        self.rows(source, request.after.as_ref(), |row, key| {
            if items.len() == request.limit || looked_at == most_looked_at {
                next = last.take();
                return Ok(false);
            }
            let record = match key {
                Value::Record(bytes) => R::decode(bytes)?,
                Value::Key(key) => match records.as_ref().map(|records| records.get(key)).transpose()?.flatten() {
                    Some(bytes) => R::decode(bytes.value())?,
                    None => return Err(StoreError::corrupt(R::TABLE, "a look-up names a record that is not there")),
                },
            };
            if is_wanted(&record) {
                items.push(record);
            }
            looked_at += 1;
            last = Some(Cursor(row[self.group.bytes().len()..].to_vec()));
            Ok(true)
        })?;
        Ok(Page { items, next })
    }

    /// The keys of the first `limit` records.
    pub fn keys(&self, source: &(impl Source + ?Sized), limit: usize) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        self.each_key(source, |key| {
            if keys.len() < limit {
                keys.push(Key::raw(key));
            }
            Ok(keys.len() < limit)
        })?;
        Ok(keys)
    }

    /// Hands out the keys of records until told to stop.
    pub fn each_key(
        &self,
        source: &(impl Source + ?Sized),
        mut take: impl FnMut(&[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.rows(source, None, |row, value| {
            take(match value {
                Value::Record(_) => row,
                Value::Key(key) => key,
            })
        })
    }

    /// Hands out rows until told to stop.
    fn rows(
        &self,
        source: &(impl Source + ?Sized),
        after: Option<&Cursor>,
        mut take: impl FnMut(&[u8], Value<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let within = |key: &Key| self.group.clone().join(key);
        let mut low = Bound::Included(self.from.as_ref().map_or_else(|| self.group.clone(), &within));
        let mut high = match &self.to {
            Some(to) => Bound::Excluded(within(to)),
            None => self.group.after_prefix().map_or(Bound::Unbounded, Bound::Excluded),
        };
        if let Some(Cursor(bytes)) = after {
            let at = within(&Key::raw(bytes.as_slice()));
            // A made-up cursor must not widen the range.
            if self.ascending && lowest(&low).is_none_or(|low| at >= *low) {
                low = Bound::Excluded(at);
            } else if !self.ascending && lowest(&high).is_none_or(|high| at <= *high) {
                high = Bound::Excluded(at);
            }
        }
        if let (Some(low), Some(high)) = (lowest(&low), lowest(&high))
            && low >= high
        {
            return Ok(());
        }
        let bound = |bound: &Bound<Key>| bound.clone().map(|key| key.bytes().to_vec());
        let (low, high) = (bound(&low), bound(&high));
        let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        let table = source.table(self.lookup.map_or(R::TABLE, |lookup| lookup.table))?;
        let mut rows = table.range::<&[u8]>(range)?;
        while let Some(row) = if self.ascending { rows.next() } else { rows.next_back() } {
            let (row, value) = row?;
            let value = if self.lookup.is_some() { Value::Key(value.value()) } else { Value::Record(value.value()) };
            if !take(row.value(), value)? {
                break;
            }
        }
        Ok(())
    }
}

/// What a row holds.
enum Value<'a> {
    /// The record itself.
    Record(&'a [u8]),
    /// The record's key.
    Key(&'a [u8]),
}

fn lowest(bound: &Bound<Key>) -> Option<&Key> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}
