//! Everything that must survive a restart: one redb file. The only place that knows redb.
//!
//! Each noun has a file here with its record and its look-ups; the domain calls those and never sees a table. A record
//! is stored under a plain key as one version byte and JSON ([`Record`]); look-ups are tables of their own that are
//! kept in the same write transaction as the record. Transactions are short and never held over an `await`: reads run
//! where they are called (a few microseconds from the page cache), writes on a blocking thread because they sync.

pub mod history;
pub mod sessions;
pub mod uploads;
pub mod users;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The schema this program reads and writes.
const SCHEMA_VERSION: u32 = 1;
/// Facts about the store itself.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const SCHEMA_KEY: &str = "schema_version";
const TOKEN_KEY: &str = "token_signing_key";

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be opened or made.
    #[error("can't open the store {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the store {path} is in use by another slurmdash; stop that one first")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("the store {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}; install the newer slurmdash again")]
    Newer {
        /// The file's schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A record is not what any version of this program wrote.
    #[error("a record in {table} can't be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Why.
        reason: String,
    },
    /// redb's own errors: disk full, file damaged.
    #[error("the store failed: {0}")]
    Redb(#[from] redb::Error),
    /// The blocking thread is gone: the program is stopping.
    #[error("the store is closed")]
    Closed,
}

/// redb has an error type a call; all of them mean the same to us.
macro_rules! from_redb {
    ($($error:ty),*) => { $(impl From<$error> for StoreError {
        fn from(error: $error) -> Self { Self::Redb(error.into()) }
    })* };
}
from_redb!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);

/// A value as it is stored: a version byte, then JSON.
pub trait Record: Serialize + DeserializeOwned {
    /// The version that is written. Raise it when the JSON changes shape, and read the old ones in `upgrade`.
    const VERSION: u8;
    /// The table, for errors.
    const TABLE: &'static str;

    /// Reads a record of an older version.
    fn upgrade(version: u8, _json: &[u8]) -> Result<Self, StoreError> {
        Err(StoreError::Corrupt { table: Self::TABLE, reason: format!("unknown version {version}") })
    }

    /// The bytes to store.
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![Self::VERSION];
        serde_json::to_writer(&mut bytes, self)
            .map_err(|error| StoreError::Corrupt { table: Self::TABLE, reason: error.to_string() })?;
        Ok(bytes)
    }

    /// Reads stored bytes.
    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((&version, json)) if version == Self::VERSION => serde_json::from_slice(json)
                .map_err(|error| StoreError::Corrupt { table: Self::TABLE, reason: error.to_string() }),
            Some((&version, json)) => Self::upgrade(version, json),
            None => Err(StoreError::Corrupt { table: Self::TABLE, reason: "empty".into() }),
        }
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Opens the file, or makes it (mode 0600).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        private_file(path)?;
        let database = Database::builder().set_cache_size(8 << 20).create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.into() },
            other => StoreError::Redb(other.into()),
        })?;
        let store = Self { database: Arc::new(database) };
        store.initialise()?;
        Ok(store)
    }

    /// Makes all tables on first use and refuses a file from a newer program.
    fn initialise(&self) -> Result<(), StoreError> {
        let tx = self.database.begin_write()?;
        {
            let mut meta = tx.open_table(META)?;
            let found = meta.get(SCHEMA_KEY)?.map(|value| value.value().try_into().map(u32::from_le_bytes));
            match found {
                None => {
                    meta.insert(SCHEMA_KEY, SCHEMA_VERSION.to_le_bytes().as_slice())?;
                }
                Some(Ok(version)) if version <= SCHEMA_VERSION => {}
                Some(Ok(version)) => {
                    return Err(StoreError::Newer { found: version, known: SCHEMA_VERSION });
                }
                Some(Err(_)) => {
                    return Err(StoreError::Corrupt { table: "meta", reason: "schema version".into() });
                }
            }
        }
        users::create_tables(&tx)?;
        sessions::create_tables(&tx)?;
        history::create_tables(&tx)?;
        uploads::create_tables(&tx)?;
        tx.commit()?;
        Ok(())
    }

    /// The key that signs tokens, made at the first call.
    pub fn token_key(&self, fresh: [u8; 32]) -> Result<Vec<u8>, StoreError> {
        let tx = self.database.begin_write()?;
        let key = {
            let mut meta = tx.open_table(META)?;
            let known = meta.get(TOKEN_KEY)?.map(|key| key.value().to_vec());
            if let Some(key) = known {
                key
            } else {
                meta.insert(TOKEN_KEY, fresh.as_slice())?;
                fresh.to_vec()
            }
        };
        tx.commit()?;
        Ok(key)
    }

    /// Reads a consistent state.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read(&self.database.begin_read()?)
    }

    /// Changes the store in one transaction, on disk when this answers. An error leaves everything as it was.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.database.clone();
        tokio::task::spawn_blocking(move || {
            let tx = database.begin_write()?;
            let value = write(&tx)?;
            tx.commit()?;
            Ok(value)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

/// Makes the file with mode 0600, or checks that it has it.
fn private_file(path: &Path) -> Result<(), StoreError> {
    let open = |source| StoreError::Open { path: path.into(), source };
    let made: std::io::Result<File> = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let bits = std::fs::metadata(path).map_err(open)?.permissions().mode() & 0o777;
            let is_private = bits.trailing_zeros() >= 6;
            if is_private { Ok(()) } else { Err(StoreError::Exposed { path: path.into(), mode: bits }) }
        }
        Err(error) => Err(open(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_private_and_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let key = {
            let store = Store::open(&path).unwrap();
            assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
            store.token_key([7; 32]).unwrap()
        };
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Store::open(&path).unwrap().token_key([8; 32]).unwrap(), key, "the key stays");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn a_newer_store_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        {
            let store = Store::open(&path).unwrap();
            let tx = store.database.begin_write().unwrap();
            tx.open_table(META).unwrap().insert(SCHEMA_KEY, 99_u32.to_le_bytes().as_slice()).unwrap();
            tx.commit().unwrap();
        }
        assert!(matches!(Store::open(&path), Err(StoreError::Newer { found: 99, .. })));
    }
}
