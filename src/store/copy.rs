//! A logical copy: every table, row by row in the order of its keys, into a fresh file without holes.
use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{
    Database, Durability, Key, ReadTransaction, ReadableTable as _, ReadableTableMetadata as _, TableDefinition,
    TableError, TableHandle as _, Value,
};

use super::walk::definition;
use super::{META, StoreError};

/// Rows of so many bytes go into one transaction.
const ROUND: usize = 16 << 20;

/// How many rows each table has.
pub type Counts = BTreeMap<String, u64>;

/// Copies everything that `from` sees into the empty `to`, on disk when this answers. Writers of the store go on.
pub fn copy_into(from: &ReadTransaction, to: &Database) -> Result<(), StoreError> {
    if let Some(table) = from.list_multimap_tables()?.next() {
        return Err(StoreError::Foreign { table: redb::MultimapTableHandle::name(&table).to_owned() });
    }
    for table in from.list_tables()? {
        // The last one, because its commit makes all of them last.
        if table.name() != redb::TableHandle::name(&META) {
            copy_table(from, to, definition(table.name()), Durability::None)?;
        }
    }
    copy_table(from, to, META, Durability::Immediate)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &Database,
    definition: TableDefinition<'_, K, V>,
    durability: Durability,
) -> Result<(), StoreError> {
    let source = match from.open_table(definition) {
        Ok(source) => source,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(StoreError::Foreign { table: definition.name().to_owned() }),
    };
    let mut rows = source.iter()?;
    let mut is_done = false;
    while !is_done {
        let mut transaction = to.begin_write()?;
        transaction.set_durability(durability)?;
        let mut table = transaction.open_table(definition)?;
        // Rows that come in order fill each page to its end.
        let mut end = table.upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded)?;
        let mut bytes = 0;
        while bytes < ROUND && !is_done {
            let Some(row) = rows.next() else {
                is_done = true;
                continue;
            };
            let (key, value) = row?;
            let (key, value) = (key.value(), value.value());
            bytes += K::as_bytes(&key).as_ref().len() + V::as_bytes(&value).as_ref().len();
            end.insert_before(&key, &value)?;
        }
        end.close()?;
        drop(table);
        transaction.commit()?;
    }
    Ok(())
}

/// How many rows each table has; known without counting them.
pub fn counts(view: &ReadTransaction) -> Result<Counts, StoreError> {
    let count = |table: redb::UntypedTableHandle| {
        let name = table.name().to_owned();
        Ok((name, view.open_untyped_table(table)?.len()?))
    };
    view.list_tables()?.map(count).collect()
}

/// Bytes of all pages that are in use; a copy has no more. Reads every one of them.
pub fn estimate(view: &ReadTransaction) -> Result<u64, StoreError> {
    let mut bytes = 0;
    for table in view.list_tables()? {
        let stats = view.open_untyped_table(table)?.stats()?;
        bytes += stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
    }
    Ok(bytes)
}
