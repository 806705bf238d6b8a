//! A store's file that no program serves from: looked at, copied, migrated.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use redb::{ReadTransaction, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableHandle as _};
use serde::Serialize;
use slurmdash_api::UnixSeconds;

use super::{ALL, Migration, Step, aside, m0001_initial, run, v1};
use crate::store::engine::{self, Lock};
use crate::store::walk::{COUNTS, NUMBERS, definition};
use crate::store::{META, SCHEMA_VERSION, StoreError, backup};

/// The file, with its lock held.
pub struct Closed {
    path: PathBuf,
    schema: u32,
    _lock: Lock,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its schema.
    pub version: u32,
    /// How many records each table has, by the table's name.
    pub records: BTreeMap<String, u64>,
    /// How many records are set aside, by the name of the table they are from.
    pub set_aside: BTreeMap<String, u64>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The copy of the file as it was.
    pub copy: PathBuf,
    /// The steps.
    pub steps: Vec<Step>,
}

/// Makes a store of this schema where there is none. The folder must be there.
pub fn create(path: &Path, to: u32) -> Result<Vec<Step>, StoreError> {
    let _lock = Lock::take(path)?;
    if path.try_exists().map_err(|source| StoreError::open(path, source))? {
        // Somebody has made it since the caller looked.
        return Err(StoreError::InUse { path: path.into() });
    }
    let mut steps = Vec::new();
    engine::create(path, |database| {
        let transaction = database.begin_write()?;
        steps = run(ALL, &transaction, 0, to)?;
        Ok(transaction.commit()?)
    })?;
    Ok(steps)
}

/// Brings a store to the schema of this program, where it is older. `None` when there is nothing to do.
pub fn bring_up(path: &Path, backups: &Path, keep: usize, now: UnixSeconds) -> Result<Option<Done>, StoreError> {
    match Closed::open(path)? {
        Some(mut store) if store.schema() < SCHEMA_VERSION => {
            store.migrate(SCHEMA_VERSION, backups, keep, now).map(Some)
        }
        _ => Ok(None),
    }
}

impl Closed {
    /// Takes hold of the file. `None` when there is none. A newer one is refused, and so is one that is in use.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.try_exists().map_err(|source| StoreError::open(path, source))? {
            return Ok(None);
        }
        let lock = Lock::take(path)?;
        let schema = if let Some(schema) = engine::peek_schema(path)? {
            schema
        } else {
            // It was not closed in order. This repairs it, and then it is.
            let database = engine::open_database(path)?;
            let schema = engine::schema_of(&database)?;
            database.close()?;
            schema
        };
        if schema > SCHEMA_VERSION {
            return Err(StoreError::Newer { found: schema, known: SCHEMA_VERSION });
        }
        Ok(Some(Self { path: path.into(), schema, _lock: lock }))
    }

    /// Its schema.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// What is in it, without changing a byte.
    pub fn status(&self) -> Result<Status, StoreError> {
        let database = engine::open_read_only(&self.path)?;
        let transaction = database.begin_read()?;
        let mut status = Status { version: self.schema, records: BTreeMap::new(), set_aside: BTreeMap::new() };
        for table in transaction.list_tables()? {
            let name = table.name().to_owned();
            let rows = transaction.open_untyped_table(table)?.len()?;
            if name == m0001_initial::ASIDE {
                for (of, rows) in by_table(&transaction)? {
                    *status.set_aside.entry(of).or_default() += rows;
                }
            } else if let Some(of) = name.strip_prefix(aside::PREFIX) {
                *status.set_aside.entry(of.to_owned()).or_default() += rows;
            } else if holds_records(&name) {
                status.records.insert(name, rows);
            }
        }
        Ok(status)
    }

    /// What going to this schema would do: it is done, counted, and not kept.
    pub fn plan(&self, to: u32) -> Result<Vec<Step>, StoreError> {
        let database = engine::open_database(&self.path)?;
        let transaction = database.begin_write()?;
        let steps = run(ALL, &transaction, self.schema, to)?;
        transaction.abort()?;
        database.close()?;
        Ok(steps)
    }

    /// Copies the file into `backups` and goes to this schema.
    pub fn migrate(&mut self, to: u32, backups: &Path, keep: usize, now: UnixSeconds) -> Result<Done, StoreError> {
        self.migrate_by(ALL, to, backups, keep, now)
    }

    pub(super) fn migrate_by(
        &mut self,
        list: &[Migration],
        to: u32,
        backups: &Path,
        keep: usize,
        now: UnixSeconds,
    ) -> Result<Done, StoreError> {
        let copy = backup::copy_closed(&self.path, backups, backup::BEFORE_MIGRATE, self.schema, now, keep)?;
        let database = engine::open_database(&self.path)?;
        let transaction = database.begin_write()?;
        let steps = run(list, &transaction, self.schema, to)?;
        transaction.commit()?;
        self.schema = to;
        database.close()?;
        Ok(Done { copy, steps })
    }
}

/// Whether the rows of this table are records; if not, they are look-ups, counts or facts about the store.
fn holds_records(name: &str) -> bool {
    name != META.name() && ![COUNTS, NUMBERS].contains(&name) && !name.contains('.') && !v1::LOOKUPS.contains(&name)
}

/// How many of the records of schema 1 are set aside, by table.
fn by_table(transaction: &ReadTransaction) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut found = BTreeMap::new();
    for row in transaction.open_table(definition(m0001_initial::ASIDE))?.iter()? {
        let key = row?.0;
        let table = key.value().split(|&byte| byte == 0).next().unwrap_or_default();
        *found.entry(String::from_utf8_lossy(table).into_owned()).or_default() += 1;
    }
    Ok(found)
}
