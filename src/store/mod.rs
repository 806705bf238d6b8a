//! Everything that must survive a restart: one redb file. The only place that knows redb.
//!
//! Each noun has a file here with its record and its look-ups; the domain calls those and never sees a table. A record
//! is stored under a byte key as one version byte and JSON ([`record::Record`]); look-ups are tables of their own that
//! [`tx::Tx`] keeps in the same transaction, with the sizes of their groups. Reads run where they are called (a few
//! microseconds from the page cache). Changes go to one thread that commits what waits together with one sync
//! ([`writer`]), and each says whose it was: see [`tx::Written`].

pub mod api_keys;
pub mod audit;
pub mod backup;
pub mod check;
mod compact;
mod copy;
mod engine;
pub mod events;
pub mod history;
pub mod images;
pub mod import_v4;
pub mod key;
pub mod migrate;
pub mod notifications;
mod nouns;
mod rebuild;
pub mod record;
pub mod retention;
pub mod sessions;
pub mod submissions;
pub mod templates;
pub mod tx;
mod undo;
pub mod uploads;
pub mod users;
pub mod walk;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use self::engine::{Engine, Lock, beside};
use self::tx::{Tx, Written};
use self::walk::View;
use self::writer::{Task, Waiting};

pub use self::compact::{Compacted, compact_closed};

/// The schema this program reads and writes.
pub const SCHEMA_VERSION: u32 = 5;
/// Facts about the store itself. The only table that is the same in every schema.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const SCHEMA_KEY: &str = "schema_version";
const TOKEN_KEY: &str = "token_signing_key";

/// Why the store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file can't be opened or made.
    #[error("can't open the store {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: Arc<std::io::Error>,
    },
    /// Another process has it open.
    #[error("the store {path} is in use by another slurmdash; stop that one first")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Others may get at the file or its folder.
    #[error("{path} is open to others (mode {mode:o}) and holds secrets; run: chmod {right:o} {path}")]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        right: u32,
    },
    /// It belongs to another user than the one who asks.
    #[error(
        "{path} belongs to the user with number {owner}, who could not read what you make in it; run this as that user: \
         sudo -u '#{owner}' slurmdash …"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// It was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}; install the newer slurmdash again")]
    Newer {
        /// The file's schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// It was written by an older program.
    #[error(
        "the store has schema {found}, this program needs {known}; look with `slurmdash migrate status`, then run \
         `slurmdash migrate up` or start with `slurmdash serve --migrate`"
    )]
    Older {
        /// The file's schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The file is no store, or a part of it is missing.
    #[error(
        "the store {path} is damaged: {reason}; it was left as it is. Put a backup in its place: see `slurmdash backup \
         list`, then `slurmdash backup restore FILE`"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk is nearly full.
    #[error(
        "the disk of the store {path} has only {free} bytes left and nothing is written below {reserve}; make room"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes left.
        free: u64,
        /// Bytes that are left alone.
        reserve: u64,
    },
    /// Its disk failed, and the file has not been opened again yet.
    #[error("the disk of the store {path} has failed; it is tried again every second")]
    Away {
        /// The file.
        path: PathBuf,
    },
    /// A record is not what any version of this program wrote.
    #[error("a record in {table} can't be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Why.
        reason: String,
    },
    /// A look-up that finds one record would find two.
    #[error("there is one already in {lookup}")]
    Taken {
        /// The look-up.
        lookup: &'static str,
    },
    /// A table of somebody else: it can't be copied, so nothing is.
    #[error("the table {table} is none that slurmdash made, so the store can't be copied; nothing was changed")]
    Foreign {
        /// The table.
        table: String,
    },
    /// A backup can't be made.
    #[error("can't make a backup in {path}: {reason}")]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A backup is no use.
    #[error("the backup {path} can't be used: {reason}")]
    BadBackup {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A change said that there was none: a mistake in the program.
    #[error("a change had no audit row and was not made")]
    Unaudited,
    /// A change panicked: a mistake in the program.
    #[error("a change failed and was not made")]
    Panicked,
    /// redb's own errors: disk full, file damaged.
    #[error("the store failed: {0}")]
    Redb(Arc<redb::Error>),
    /// The writing thread is gone: the program is stopping.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    fn corrupt(table: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { table, reason: reason.to_string() }
    }

    fn open(path: &Path, source: std::io::Error) -> Self {
        Self::Open { path: path.into(), source: Arc::new(source) }
    }

    /// Whether the file itself is in trouble, not one change.
    fn is_disk(&self) -> bool {
        use redb::Error as E;
        let Self::Redb(error) = self else { return false };
        matches!(**error, E::Io(_) | E::PreviousIo | E::Corrupted(_) | E::DatabaseClosed | E::TransactionPoisoned)
    }
}

/// redb has an error type a call; all of them mean the same to us.
macro_rules! from_redb {
    ($($error:ty),*) => { $(impl From<$error> for StoreError {
        fn from(error: $error) -> Self { Self::Redb(Arc::new(error.into())) }
    })* };
}
from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::CursorError,
    redb::SetDurabilityError
);

/// The store. Cheap to clone; the file is closed when the last one goes.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    /// `None` only while the store is closing.
    tasks: Option<Sender<Task>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the file, or makes it (mode 0600). A file of another schema is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(path)?;
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => engine::create(path, initialise)?,
            // A link to a file that is not there, such as one on a disk that is not mounted, is no new store.
            _ => {}
        }
        let judge = |found| match found {
            found if found > SCHEMA_VERSION => Err(StoreError::Newer { found, known: SCHEMA_VERSION }),
            found if found < SCHEMA_VERSION => Err(StoreError::Older { found, known: SCHEMA_VERSION }),
            _ => Ok(()),
        };
        if let Some(found) = engine::peek_schema(path)? {
            judge(found)?;
        }
        let engine = Arc::new(Engine::open(path, lock)?);
        judge(engine::schema_of(&*engine.database()?)?)?;
        Self::start(engine)
    }

    /// Starts the thread that writes.
    fn start(engine: Arc<Engine>) -> Result<Self, StoreError> {
        let (tasks, waiting) = channel();
        let writer = std::thread::Builder::new().name("store".into()).spawn({
            let engine = engine.clone();
            move || writer::run(&engine, &waiting)
        });
        let writer = writer.map_err(|source| StoreError::open(engine.path(), source))?;
        Ok(Self { shared: Arc::new(Shared { engine, tasks: Some(tasks), writer: Mutex::new(Some(writer)) }) })
    }

    /// The key that signs tokens, made at the first call.
    pub fn token_key(&self, fresh: [u8; 32]) -> Result<Vec<u8>, StoreError> {
        self.write_blocking(move |tx| {
            if let Some(key) = tx.meta(TOKEN_KEY)? {
                return tx.unchanged(key);
            }
            tx.set_meta(TOKEN_KEY, &fresh)?;
            Ok(tx.housekeeping(fresh.to_vec()))
        })
    }

    /// Reads a consistent state.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let database = self.shared.engine.database()?;
        let view = database.begin_read().map(View).map_err(StoreError::from);
        let answer = view.and_then(|view| read(&view));
        if answer.as_ref().is_err_and(StoreError::is_disk) {
            // Whether it can be asked to doesn't matter: the error is answered either way.
            let _ = self.ask(Task::Reopen);
        }
        answer
    }

    /// Changes the store in one transaction, on disk when this answers. An error leaves everything as it was. `work`
    /// may run more than once, so it must do nothing but change the store.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Tx<'_>) -> Result<Written<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = tokio::sync::oneshot::channel();
        // Whoever asked may have gone; the change is made all the same.
        let answer = move |value| drop(answer.send(value));
        self.ask(Task::Change(Box::new(Waiting { work, value: None, answer })))?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Changes the store in one transaction, on disk when this answers, for code that may wait and has much to write at
    /// once: filling a store. `work` may run more than once, so it must do nothing but change the store.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        work: impl Fn(&Tx<'_>) -> Result<Written<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = channel();
        let answer = move |value| drop(answer.send(value));
        self.ask(Task::Change(Box::new(Waiting { work, value: None, answer })))?;
        outcome.recv().map_err(|_| StoreError::Closed)?
    }

    fn ask(&self, task: Task) -> Result<(), StoreError> {
        let tasks = self.shared.tasks.as_ref().ok_or(StoreError::Closed)?;
        tasks.send(task).map_err(|_| StoreError::Closed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The thread ends when nobody can ask any more; the file is closed when both of us have let go of it.
        self.tasks = None;
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the store's thread has failed");
        }
    }
}

impl Tx<'_> {
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.raw().open_table(META)?.get(key)?.map(|value| value.value().to_vec()))
    }

    fn set_meta(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.mark_changed();
        self.raw().open_table(META)?.insert(key, value)?;
        Ok(())
    }
}

/// Makes a new file's tables.
fn initialise(database: &redb::Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    create_tables(&transaction)?;
    transaction.open_table(META)?.insert(SCHEMA_KEY, SCHEMA_VERSION.to_le_bytes().as_slice())?;
    transaction.commit()?;
    Ok(())
}

/// Every table of this schema, so that none is missing when it is read.
fn create_tables(transaction: &redb::WriteTransaction) -> Result<(), StoreError> {
    struct Create<'a>(&'a redb::WriteTransaction);
    impl nouns::EveryRecord for Create<'_> {
        fn one<R: record::Record>(&mut self) -> Result<(), StoreError> {
            for table in R::LOOKUPS.iter().map(|lookup| lookup.table).chain([R::TABLE]) {
                self.0.open_table(walk::definition(table))?;
            }
            Ok(())
        }
    }
    transaction.open_table(walk::definition(import_v4::IMPORTED))?;
    for table in
        [walk::COUNTS, walk::NUMBERS, uploads::CHUNKS, uploads::JOB_FOLDERS, history::SCRIPTS, history::REQUESTS]
    {
        transaction.open_table(walk::definition(table))?;
    }
    nouns::every_record(&mut Create(transaction))
}

#[cfg(test)]
mod tests;
