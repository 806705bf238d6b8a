//! What an older schema does not know stays in the file, out of its way, and is taken back on the way up.
use redb::{ReadableTable as _, ReadableTableMetadata as _, WriteTransaction};

use super::Report;
use crate::store::StoreError;
use crate::store::walk::definition;

/// What the names of tables begin with that are set aside.
pub const PREFIX: &str = "aside.";

/// The name of a table while it is set aside.
pub fn name(table: &str) -> String {
    format!("{PREFIX}{table}")
}

/// Whether there is a table of this name.
pub fn is_there(transaction: &WriteTransaction, name: &str) -> Result<bool, StoreError> {
    use redb::TableHandle as _;
    Ok(transaction.list_tables()?.any(|table| table.name() == name))
}

/// Sets a whole table aside. What is left there from before stays.
pub fn set(transaction: &WriteTransaction, table: &str, report: &mut Report) -> Result<(), StoreError> {
    let there = name(table);
    if is_there(transaction, &there)? {
        merge(transaction, table, &there)?;
    }
    let rows = transaction.open_table(definition(table))?.len()?;
    if rows == 0 {
        transaction.delete_table(definition(table))?;
    } else {
        transaction.rename_table(definition(table), definition(&there))?;
    }
    report.of(table).set_aside += rows;
    Ok(())
}

/// Takes a table back, and makes it when there is none. A row whose key was given out anew in between stays aside.
pub fn take_back(transaction: &WriteTransaction, table: &str, report: &mut Report) -> Result<(), StoreError> {
    let there = name(table);
    if is_there(transaction, &there)? {
        report.of(table).taken_back += merge(transaction, &there, table)?;
    }
    transaction.open_table(definition(table))?;
    Ok(())
}

/// Moves the rows of one table to another unless it has that key. Answers how many.
fn merge(transaction: &WriteTransaction, from: &str, to: &str) -> Result<u64, StoreError> {
    if !is_there(transaction, to)? {
        transaction.rename_table(definition(from), definition(to))?;
        return Ok(transaction.open_table(definition(to))?.len()?);
    }
    let (mut moved, mut failed) = (0, None);
    let mut source = transaction.open_table(definition(from))?;
    let mut target = transaction.open_table(definition(to))?;
    source.retain(|key, value| {
        let is_taken = match target.get(key) {
            Ok(found) => found.is_some(),
            Err(error) => {
                failed = Some(error);
                true
            }
        };
        if !is_taken && failed.is_none() {
            match target.insert(key, value) {
                Ok(_) => moved += 1,
                Err(error) => failed = Some(error),
            }
        }
        is_taken
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    drop((source, target));
    drop_if_empty(transaction, from)?;
    Ok(moved)
}

/// Removes a table that has no rows (any more).
pub fn drop_if_empty(transaction: &WriteTransaction, name: &str) -> Result<(), StoreError> {
    let is_empty = transaction.open_table(definition(name))?.is_empty()?;
    if is_empty {
        transaction.delete_table(definition(name))?;
    }
    Ok(())
}
