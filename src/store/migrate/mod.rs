//! From one schema of the store to another, up and down. All steps of one command are one transaction, and the schema's
//! number is written last: a command is done as a whole or not at all.
//!
//! Going down deletes no record. What the older schema has no place for is set aside in the same file ([`aside`]), and
//! the way up takes it back.

mod aside;
mod closed;
mod json;
mod m0001_initial;
mod m0002_security;
mod m0003_lookups;
mod m0004_submissions;
mod m0005_accounts;
pub(in crate::store) mod roles;
mod v1;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::WriteTransaction;
use serde::Serialize;

pub use self::closed::{Closed, Done, Status, bring_up, create};
use super::{META, SCHEMA_KEY, StoreError};

/// One step between two schemas.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The schema that it leads up to.
    pub version: u32,
    /// What it is called.
    pub name: &'static str,
    up: Work,
    down: Work,
}

type Work = fn(&WriteTransaction, &mut Report) -> Result<(), StoreError>;

/// Every migration, in order: the first leads from 0 to 1. A new one is added at the end, never put between.
pub const ALL: &[Migration] = &[
    Migration { version: 1, name: "initial", up: m0001_initial::up, down: m0001_initial::down },
    Migration { version: 2, name: "security", up: m0002_security::up, down: m0002_security::down },
    Migration { version: 3, name: "lookups", up: m0003_lookups::up, down: m0003_lookups::down },
    Migration { version: 4, name: "submissions", up: m0004_submissions::up, down: m0004_submissions::down },
    Migration { version: 5, name: "accounts", up: m0005_accounts::up, down: m0005_accounts::down },
];

/// What became of the records of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Moved to another place, and the same as before.
    pub moved: u64,
    /// Written in another shape.
    pub changed: u64,
    /// Made out of others.
    pub added: u64,
    /// Set aside: the schema has no place for them.
    pub set_aside: u64,
    /// Taken back that were set aside.
    pub taken_back: u64,
}

impl Counts {
    /// How many were touched.
    pub fn sum(&self) -> u64 {
        self.moved + self.changed + self.added + self.set_aside + self.taken_back
    }
}

/// What a step did, by table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Report(BTreeMap<String, Counts>);

impl Report {
    fn of(&mut self, table: &str) -> &mut Counts {
        self.0.entry(table.to_owned()).or_default()
    }

    /// The tables of which a record was touched, in alphabetical order.
    pub fn tables(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.0.iter().map(|(table, counts)| (table.as_str(), *counts))
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To a newer schema.
    Up,
    /// To an older one.
    Down,
}

/// A step that was taken, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The migration.
    pub version: u32,
    /// Its name.
    pub name: &'static str,
    /// Which way.
    pub direction: Direction,
    /// What it did.
    pub tables: Report,
}

/// Takes every step from one schema to another. Nothing is committed here.
fn run(list: &[Migration], transaction: &WriteTransaction, from: u32, to: u32) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    let mut take = |migration: &Migration, direction| {
        let mut tables = Report::default();
        let work = if direction == Direction::Up { migration.up } else { migration.down };
        catch_unwind(AssertUnwindSafe(|| work(transaction, &mut tables))).unwrap_or(Err(StoreError::Panicked))?;
        tables.0.retain(|_, counts| *counts != Counts::default());
        steps.push(Step { version: migration.version, name: migration.name, direction, tables });
        Ok::<_, StoreError>(())
    };
    for migration in list.iter().filter(|migration| migration.version > from && migration.version <= to) {
        take(migration, Direction::Up)?;
    }
    for migration in list.iter().rev().filter(|migration| migration.version > to && migration.version <= from) {
        take(migration, Direction::Down)?;
    }
    transaction.open_table(META)?.insert(SCHEMA_KEY, to.to_le_bytes().as_slice())?;
    Ok(steps)
}

#[cfg(test)]
mod tests;
