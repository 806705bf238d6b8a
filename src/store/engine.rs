//! The open file: its lock, its modes, and getting it back after its disk failed.
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redb::{Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, TableError};

use super::undo::Undo;
use super::{META, SCHEMA_KEY, StoreError};

/// redb's own cache, bytes. The system's page cache does the rest.
const CACHE: usize = 32 << 20;
/// How long an attempt to open the file again waits for readers of the failed one.
const READERS_LEAVE: Duration = Duration::from_millis(200);
/// Nothing is written when the disk has less than this left, bytes: a commit must never meet a full disk half-way.
const RESERVE: u64 = 8 << 20;

/// The open file.
pub struct Engine {
    path: PathBuf,
    /// `None` between a failure of the disk and the next good attempt to open the file.
    database: ArcSwapOption<Database>,
    _lock: Lock,
}

/// The right to use a store's file, held against every other process. Released when dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store at `path`, which need not be there.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::open(path, source);
        check_folder(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(beside(path, ".lock")).map_err(open)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.into() }),
            Err(std::fs::TryLockError::Error(error)) => Err(open(error)),
        }
    }
}

impl Engine {
    /// Opens a file that is there.
    pub fn open(path: &Path, lock: Lock) -> Result<Self, StoreError> {
        let database = open_database(path)?;
        Ok(Self { path: path.into(), database: ArcSwapOption::from_pointee(database), _lock: lock })
    }

    /// On a database that was opened otherwise.
    #[cfg(test)]
    pub fn on(database: Database, path: &Path, lock: Lock) -> Self {
        Self { path: path.into(), database: ArcSwapOption::from_pointee(database), _lock: lock }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is open now.
    pub fn is_open(&self) -> bool {
        self.database.load().is_some()
    }

    /// The open file.
    pub fn database(&self) -> Result<Arc<Database>, StoreError> {
        self.database.load_full().ok_or_else(|| StoreError::Away { path: self.path.clone() })
    }

    /// Puts another file in the place of this one, which stays open until the last reader has left it.
    pub fn replace(&self, database: Database) {
        self.database.store(Some(Arc::new(database)));
    }

    /// Refuses when the disk is about to be full.
    pub fn check_room(&self) -> Result<(), StoreError> {
        check_room(&self.path, 0)
    }

    /// Closes the file and opens it again if its disk has failed; redb answers nothing more after such an error.
    pub fn reopen_if_failed(&self) {
        if self.database().is_ok_and(|database| is_good(&database)) {
            return;
        }
        if let Some(failed) = self.database.swap(None) {
            // The file can be opened again when the last reader has left it, which takes milliseconds.
            let until = Instant::now() + READERS_LEAVE;
            while Arc::strong_count(&failed) > 1 && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        match open_database(&self.path) {
            Ok(database) => {
                self.replace(database);
                tracing::info!(store = %self.path.display(), "the store is open again");
            }
            Err(error) => tracing::error!(%error, "the store can't be opened again yet"),
        }
    }
}

/// Refuses when the disk of `path` is about to be full once `needed` bytes more are on it.
pub fn check_room(path: &Path, needed: u64) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Where the disk can't be asked, the write itself will tell.
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let reserve = RESERVE.saturating_add(needed);
    if free < reserve { Err(StoreError::Full { path: path.into(), free, reserve }) } else { Ok(()) }
}

/// How every file of redb is opened.
pub fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// A file beside another: its name with an ending more.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether it can be read and written. A failed commit may leave a database that can only be read.
fn is_good(database: &Database) -> bool {
    let reads = database.begin_read().is_ok_and(|tx| tx.list_tables().is_ok());
    reads && database.begin_write().is_ok_and(|tx| tx.abort().is_ok())
}

/// Opens a file that is there, judging its mode first. A file that is no store is left as it is.
pub fn open_database(path: &Path) -> Result<Database, StoreError> {
    check_file(path)?;
    let failed = |source| StoreError::open(path, source);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let (undo, file) = Undo::begin(file).map_err(|error| explain(path, error))?;
    let opened = catch_unwind(AssertUnwindSafe(|| builder().create_with_backend(file)));
    let error = match opened {
        Ok(Ok(database)) => {
            undo.forget();
            return Ok(database);
        }
        Ok(Err(error)) => explain(path, error),
        Err(_) => StoreError::Damaged { path: path.into(), reason: "it can't be read".into() },
    };
    undo.take_back().map_err(failed)?;
    Err(error)
}

/// The schema of a file, looked at without changing a byte of it. `None` when it was not closed in order: then it must
/// be opened to be repaired.
pub fn peek_schema(path: &Path) -> Result<Option<u32>, StoreError> {
    match read_only(path)? {
        Ok(database) => {
            // Pages that are full of anything may make redb panic.
            let found = catch_unwind(AssertUnwindSafe(|| schema_of(&database)));
            let damaged = |_| StoreError::Damaged { path: path.into(), reason: "it can't be read".into() };
            found.map_err(damaged)?.map(Some)
        }
        Err(DatabaseError::RepairAborted) => Ok(None),
        Err(error) => Err(explain(path, error)),
    }
}

/// Opens a file that was closed in order, to be read without changing a byte of it.
pub fn open_read_only(path: &Path) -> Result<ReadOnlyDatabase, StoreError> {
    read_only(path)?.map_err(|error| explain(path, error))
}

fn read_only(path: &Path) -> Result<Result<ReadOnlyDatabase, DatabaseError>, StoreError> {
    check_file(path)?;
    let opened = catch_unwind(AssertUnwindSafe(|| ReadOnlyDatabase::open(path)));
    opened.map_err(|_| StoreError::Damaged { path: path.into(), reason: "it can't be read".into() })
}

/// The schema that a file says it has; 0 when it says nothing.
pub fn schema_of(database: &impl ReadableDatabase) -> Result<u32, StoreError> {
    let meta = match database.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let found = redb::ReadableTable::get(&meta, SCHEMA_KEY)?;
    let version = found.map(|value| value.value().try_into().map(u32::from_le_bytes));
    version.unwrap_or(Ok(0)).map_err(|_| StoreError::corrupt("meta", "schema version"))
}

fn explain(path: &Path, error: DatabaseError) -> StoreError {
    let damaged = |reason: String| StoreError::Damaged { path: path.into(), reason };
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.into() },
        DatabaseError::UpgradeRequired(_) => damaged("it is in a format of an older redb".into()),
        DatabaseError::Storage(redb::StorageError::Corrupted(reason)) => damaged(reason),
        DatabaseError::Storage(redb::StorageError::Io(error))
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            damaged(error.to_string())
        }
        DatabaseError::Storage(redb::StorageError::Io(error)) => StoreError::open(path, error),
        other => StoreError::from(other),
    }
}

/// Checks that the folder of a file is ours and that only we may enter it.
pub fn check_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let facts = std::fs::metadata(folder).map_err(|source| StoreError::open(path, source))?;
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(StoreError::NotOurs { path: folder.into(), owner: facts.uid() });
    }
    let mode = facts.permissions().mode() & 0o777;
    let is_private = mode.trailing_zeros() >= 6;
    if is_private { Ok(()) } else { Err(StoreError::Exposed { path: folder.into(), mode, right: 0o700 }) }
}

/// Checks that only we may read the file, and that there is something in it.
fn check_file(path: &Path) -> Result<(), StoreError> {
    let facts = std::fs::metadata(path).map_err(|source| StoreError::open(path, source))?;
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.into(), mode, right: 0o600 });
    }
    if !facts.is_file() {
        return Err(StoreError::Damaged { path: path.into(), reason: "it is no regular file".into() });
    }
    if facts.len() == 0 {
        return Err(StoreError::Damaged { path: path.into(), reason: "it is empty".into() });
    }
    Ok(())
}

/// Makes a file at `path` in one go: `fill` writes it under another name, and it gets its own when it is on disk.
pub fn create(path: &Path, fill: impl FnOnce(&Database) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let open = |source| StoreError::open(path, source);
    let new = beside(path, ".new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(open(error)),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(open)?;
    let made = builder().create(&new).map_err(|error| explain(path, error));
    made.and_then(|database| {
        fill(&database)?;
        database.close().map_err(|error| explain(path, error))
    })
    .and_then(|()| {
        std::fs::rename(&new, path).map_err(open)?;
        sync_folder(path).map_err(open)
    })
    .inspect_err(|_| {
        // Nothing is lost with it: it never was the store.
        let _ = std::fs::remove_file(&new);
    })
}

/// Makes a change of names in a file's folder last.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}
