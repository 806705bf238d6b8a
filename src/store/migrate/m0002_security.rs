//! 1 to 2: API keys, the audit log and security events, with the numbers that their rows are given.
use redb::WriteTransaction;

use super::{Report, aside};
use crate::store::StoreError;

/// The tables that schema 2 adds: bytes to bytes, without look-ups.
const TABLES: [&str; 4] = ["api_keys", "audit", "security_events", "numbers"];

pub fn up(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    TABLES.iter().try_for_each(|table| aside::take_back(transaction, table, report))
}

pub fn down(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    TABLES.iter().try_for_each(|table| aside::set(transaction, table, report))
}
