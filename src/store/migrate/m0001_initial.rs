//! 0 to 1: accounts, sessions, submitted jobs and uploads, in typed tables. Down: all rows into one table, set aside.
use redb::{TableDefinition, WriteTransaction};

use super::v1::{self, Noun};
use super::{Report, aside};
use crate::store::StoreError;
use crate::store::walk::definition;

/// Name of a table, NUL, a row's key; to its value.
pub const ASIDE: &str = "aside.v1";

pub fn up(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    v1::make_lookups(transaction)?;
    if aside::is_there(transaction, ASIDE)? {
        for noun in Noun::ALL {
            report.of(noun.table()).taken_back += take_back(transaction, noun)?;
        }
        aside::drop_if_empty(transaction, ASIDE)?;
    }
    v1::make_lookups(transaction)
}

pub fn down(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    v1::drop_lookups(transaction)?;
    let mut rows_aside = transaction.open_table(definition(ASIDE))?;
    for noun in Noun::ALL {
        let mut rows = 0;
        noun.open(transaction, noun.table())?.each(|key, value| {
            rows_aside.insert(aside_key(noun, key).as_slice(), value)?;
            rows += 1;
            Ok(())
        })?;
        transaction.delete_table(TableDefinition::<&[u8], &[u8]>::new(noun.table()))?;
        report.of(noun.table()).set_aside += rows;
    }
    drop(rows_aside);
    aside::drop_if_empty(transaction, ASIDE)
}

fn aside_key(noun: Noun, key: &[u8]) -> Vec<u8> {
    [noun.table().as_bytes(), &[0], key].concat()
}

/// Takes a noun's rows back. One whose key, or whose account name, was given out anew in between stays aside.
fn take_back(transaction: &WriteTransaction, noun: Noun) -> Result<u64, StoreError> {
    let (first, end) = (aside_key(noun, &[]), [noun.table().as_bytes(), &[1]].concat());
    let (mut taken, mut failed) = (0, None);
    let mut table = noun.open(transaction, noun.table())?;
    let mut aside = transaction.open_table(definition(ASIDE))?;
    aside.retain_in::<&[u8], _>(first.as_slice()..end.as_slice(), |key, value| {
        let mut take = || -> Result<bool, StoreError> {
            if noun == Noun::Users && v1::has_other_of_that_name(transaction, value)? {
                return Ok(false);
            }
            table.add(&key[first.len()..], value)
        };
        match failed.is_none().then(&mut take) {
            Some(Ok(true)) => {
                taken += 1;
                false
            }
            Some(Err(error)) => {
                failed = Some(error);
                true
            }
            Some(Ok(false)) | None => true,
        }
    })?;
    failed.map_or(Ok(taken), Err)
}
