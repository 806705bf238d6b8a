//! Changing: records with their look-ups and counts, and the audit row that belongs to the change.
use std::cell::Cell;

use redb::{ReadableTable, Table, WriteTransaction};

use super::StoreError;
use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Kind, Lookup, Record};
use super::walk::{Bytes, COUNTS, NUMBERS, Source, count_key, decode_count, definition};

/// A change that is being made. Nothing of it is seen or kept before it is committed as a whole.
///
/// A change ends by saying whose it was: [`Tx::audited`], [`Tx::housekeeping`] or [`Tx::unchanged`] make the
/// [`Written`] that [`super::Store::write`] wants, so none can forget its audit row.
pub struct Tx<'a> {
    transaction: &'a WriteTransaction,
    has_changed: Cell<bool>,
}

/// Proof that a change has said whose it was.
#[must_use]
pub struct Written<T> {
    value: T,
}

impl<T> Written<T> {
    pub(super) fn into_value(self) -> T {
        self.value
    }
}

impl<'a> Tx<'a> {
    pub(super) fn new(transaction: &'a WriteTransaction) -> Self {
        Self { transaction, has_changed: Cell::new(false) }
    }

    pub(super) fn raw(&self) -> &'a WriteTransaction {
        self.transaction
    }

    pub(super) fn mark_changed(&self) {
        self.has_changed.set(true);
    }

    pub(super) fn has_changed(&self) -> bool {
        self.has_changed.get()
    }

    /// A table of bytes, to be read.
    pub(super) fn open(&self, name: &str) -> Result<Table<'_, Bytes, Bytes>, StoreError> {
        Ok(self.transaction.open_table(definition(name))?)
    }

    /// A table that is no record's, to be changed.
    pub(crate) fn change(&self, name: &str) -> Result<Table<'_, Bytes, Bytes>, StoreError> {
        self.mark_changed();
        self.open(name)
    }

    /// Writes a record and keeps its look-ups in step. Answers the one that was there.
    pub fn put<R: Record>(&self, record: &R) -> Result<Option<R>, StoreError> {
        let key = record.key();
        let before = {
            let mut table = self.change(R::TABLE)?;
            let before = table.insert(key.bytes(), record.encode()?.as_slice())?;
            before.map(|bytes| R::decode(bytes.value())).transpose()?
        };
        self.index(&key, before.as_ref(), Some(record))?;
        Ok(before)
    }

    /// Removes a record and its look-ups. Answers the one that was there.
    pub fn remove<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        let before = {
            let mut table = self.open(R::TABLE)?;
            let before = table.remove(key.bytes())?;
            before.map(|bytes| R::decode(bytes.value())).transpose()?
        };
        if before.is_some() {
            self.mark_changed();
            self.index(key, before.as_ref(), None)?;
        }
        Ok(before)
    }

    /// Ends a change that a person or program is answerable for.
    pub fn audited<T>(&self, entry: &AuditEntry, value: T) -> Result<Written<T>, StoreError> {
        self.append_audit(entry)?;
        Ok(Written { value })
    }

    /// Ends a change that nobody asked for: progress, expiry, what Slurm says of a job.
    pub fn housekeeping<T>(&self, value: T) -> Written<T> {
        Written { value }
    }

    /// Ends without a change.
    pub fn unchanged<T>(&self, value: T) -> Result<Written<T>, StoreError> {
        if self.has_changed() { Err(StoreError::Unaudited) } else { Ok(Written { value }) }
    }

    /// The next of the numbers of this name, from 1.
    pub(super) fn next_number(&self, name: &str) -> Result<u64, StoreError> {
        let mut numbers = self.change(NUMBERS)?;
        let last = numbers.get(name.as_bytes())?.map_or(Ok(0), |bytes| decode_count(bytes.value()))?;
        let next = last + 1;
        numbers.insert(name.as_bytes(), next.to_le_bytes().as_slice())?;
        Ok(next)
    }

    fn index<R: Record>(&self, key: &Key, before: Option<&R>, after: Option<&R>) -> Result<(), StoreError> {
        for lookup in R::LOOKUPS {
            let (old, new) = (before.and_then(lookup.entry), after.and_then(lookup.entry));
            if old != new {
                self.index_one(lookup, key, old.as_ref(), new.as_ref())?;
            }
        }
        Ok(())
    }

    fn index_one<R: Record>(
        &self,
        lookup: &Lookup<R>,
        key: &Key,
        old: Option<&Entry>,
        new: Option<&Entry>,
    ) -> Result<(), StoreError> {
        let mut table = self.open(lookup.table)?;
        if let Some(old) = old {
            table.remove(old.row(key).bytes())?;
        }
        if let Some(new) = new {
            if lookup.kind == Kind::Unique
                && let Some(taken) = table.range::<&[u8]>(new.group.bytes()..)?.next().transpose()?
                && taken.0.value().starts_with(new.group.bytes())
            {
                return Err(StoreError::Taken { lookup: lookup.table });
            }
            table.insert(new.row(key).bytes(), key.bytes())?;
        }
        drop(table);
        let (old, new) = (old.map(|entry| &entry.group), new.map(|entry| &entry.group));
        if lookup.kind == Kind::Counted && old != new {
            let mut counts = self.open(COUNTS)?;
            for (group, by) in [(old, -1), (new, 1)] {
                if let Some(group) = group {
                    add(&mut counts, &count_key(lookup.table, group), by)?;
                }
            }
        }
        Ok(())
    }
}

fn add(counts: &mut Table<'_, Bytes, Bytes>, key: &Key, by: i64) -> Result<(), StoreError> {
    let count = counts.get(key.bytes())?.map_or(Ok(0), |bytes| decode_count(bytes.value()))?;
    match count.checked_add_signed(by) {
        None => return Err(StoreError::corrupt(COUNTS, "a count is below nothing")),
        Some(0) => counts.remove(key.bytes())?,
        Some(count) => counts.insert(key.bytes(), count.to_le_bytes().as_slice())?,
    };
    Ok(())
}

/// One record changed in place; `false` when there is none with this key.
pub(super) fn update<R: Record>(tx: &Tx<'_>, key: &Key, change: impl FnOnce(&mut R)) -> Result<bool, StoreError> {
    let Some(mut record) = tx.get::<R>(key)? else { return Ok(false) };
    change(&mut record);
    tx.put(&record)?;
    Ok(true)
}
