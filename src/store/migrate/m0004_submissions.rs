//! 3 to 4: submissions on their way, what was asked for with each job, and jobs by their kind.
use redb::WriteTransaction;

use super::{Report, aside};
use crate::store::history::{BY_KIND_TABLE, REQUESTS};
use crate::store::submissions::LOOKUP_TABLES;
use crate::store::walk::definition;
use crate::store::{StoreError, rebuild};

/// The tables that schema 4 adds.
const TABLES: [&str; 2] = ["submissions", REQUESTS];

pub fn up(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    TABLES.iter().try_for_each(|table| aside::take_back(transaction, table, report))?;
    rebuild::rebuild(transaction)
}

pub fn down(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    for lookup in LOOKUP_TABLES.into_iter().chain([BY_KIND_TABLE]) {
        transaction.delete_table(definition(lookup))?;
    }
    TABLES.iter().try_for_each(|table| aside::set(transaction, table, report))
}
