//! Look-ups and counts, made anew from the records: they hold nothing of their own.
use std::collections::BTreeMap;

use redb::{ReadableTable as _, Table, WriteTransaction};

use super::StoreError;
use super::key::Key;
use super::nouns::{EveryRecord, every_record};
use super::record::{Kind, Lookup, Record};
use super::walk::{Bytes, COUNTS, count_key, definition};

/// Makes every look-up and count anew, and every table that is not there. Records are left alone.
pub(super) fn rebuild(transaction: &WriteTransaction) -> Result<(), StoreError> {
    drop_lookups(transaction)?;
    super::create_tables(transaction)?;
    every_record(&mut Rebuild(transaction))
}

/// Removes every look-up and count.
pub(super) fn drop_lookups(transaction: &WriteTransaction) -> Result<(), StoreError> {
    struct Drop<'a>(&'a WriteTransaction);
    impl EveryRecord for Drop<'_> {
        fn one<R: Record>(&mut self) -> Result<(), StoreError> {
            for lookup in R::LOOKUPS {
                self.0.delete_table(definition(lookup.table))?;
            }
            Ok(())
        }
    }
    transaction.delete_table(definition(COUNTS))?;
    every_record(&mut Drop(transaction))
}

struct Rebuild<'a>(&'a WriteTransaction);

impl EveryRecord for Rebuild<'_> {
    fn one<R: Record>(&mut self) -> Result<(), StoreError> {
        let open = |lookup| Making::<R>::open(self.0, lookup);
        let mut lookups = R::LOOKUPS.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let records = self.0.open_table(definition(R::TABLE))?;
        for row in records.iter()? {
            let (key, bytes) = row?;
            let record = R::decode(bytes.value())?;
            if record.key().bytes() != key.value() {
                return Err(StoreError::corrupt(R::TABLE, "a record is not under its own key"));
            }
            for lookup in &mut lookups {
                lookup.add(&record)?;
            }
        }
        let mut counts = self.0.open_table(definition(COUNTS))?;
        for Making { lookup, sizes, .. } in lookups {
            for (group, size) in sizes {
                counts.insert(count_key(lookup.table, &group).bytes(), size.to_le_bytes().as_slice())?;
            }
        }
        Ok(())
    }
}

/// A look-up that is being made.
struct Making<'a, R: 'static> {
    lookup: &'static Lookup<R>,
    table: Table<'a, Bytes, Bytes>,
    /// Of its groups, when it is counted.
    sizes: BTreeMap<Key, u64>,
}

impl<'a, R: Record> Making<'a, R> {
    fn open(transaction: &'a WriteTransaction, lookup: &'static Lookup<R>) -> Result<Self, StoreError> {
        let table = transaction.open_table(definition(lookup.table))?;
        Ok(Self { lookup, table, sizes: BTreeMap::new() })
    }

    fn add(&mut self, record: &R) -> Result<(), StoreError> {
        let Some(entry) = (self.lookup.entry)(record) else { return Ok(()) };
        if self.lookup.kind == Kind::Unique
            && let Some(other) = self.table.range::<&[u8]>(entry.group.bytes()..)?.next().transpose()?
            && other.0.value().starts_with(entry.group.bytes())
        {
            return Err(StoreError::Taken { lookup: self.lookup.table });
        }
        let key = record.key();
        self.table.insert(entry.row(&key).bytes(), key.bytes())?;
        if self.lookup.kind == Kind::Counted {
            *self.sizes.entry(entry.group).or_default() += 1;
        }
        Ok(())
    }
}
