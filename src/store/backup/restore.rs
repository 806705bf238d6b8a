//! Putting a backup in the store's place. The store is there at every moment: the old one, or the new one.
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use redb::ReadableDatabase as _;
use slurmdash_api::UnixSeconds;

use super::super::audit::{AuditEntry, By};
use super::super::copy::counts;
use super::super::engine::{self, Lock};
use super::super::tx::Tx;
use super::super::{SCHEMA_VERSION, StoreError, beside};
use super::header::{Header, measure};
use super::{BEFORE_RESTORE, Folder, Purpose, check_contents, copy_closed_sparing, remove_if_there, room_of, verify};

/// A backup that was found whole, and the right to replace the store with it.
pub struct Restore {
    _lock: Lock,
    source: PathBuf,
    header: Header,
    store: PathBuf,
}

/// What became of the store that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// It is a backup now.
    Backup(PathBuf),
    /// No backup could be made of it; it is kept byte for byte.
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There was none.
    Nothing,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup that is the store now.
    pub header: Header,
    /// Where the one before is.
    pub replaced: Replaced,
}

impl Restore {
    /// Takes the store's lock and proves that the backup is whole and that this program can use it.
    pub fn prepare(source: &Path, store: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = store.parent() {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|source| StoreError::open(store, source))?;
        }
        let lock = Lock::take(store)?;
        let header = verify(source)?;
        if header.schema > SCHEMA_VERSION {
            let (found, program) = (header.schema, &header.program);
            let reason = format!(
                "it has schema {found} of slurmdash {program}, this program knows {SCHEMA_VERSION}; install that one"
            );
            return Err(StoreError::BadBackup { path: source.into(), reason });
        }
        Ok(Self { _lock: lock, source: source.into(), header, store: store.into() })
    }

    /// What the backup says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Size of the store that would be replaced, bytes; `None` when there is none.
    pub fn present(&self) -> Option<u64> {
        std::fs::metadata(&self.store).ok().map(|facts| facts.len())
    }

    /// Does it. A failure leaves the store as it was.
    pub fn run(self, backups: &Path, now: UnixSeconds, keep: usize) -> Result<Restored, StoreError> {
        let new = beside(&self.store, ".new");
        let restore = || {
            self.extract(&new)?;
            self.check(&new, now)?;
            let replaced = self.keep_present(backups, now, keep)?;
            let open = |source| StoreError::open(&self.store, source);
            std::fs::rename(&new, &self.store).map_err(open)?;
            engine::sync_folder(&self.store).map_err(open)?;
            Ok(Restored { header: self.header.clone(), replaced })
        };
        restore().inspect_err(|_| {
            // It never was the store.
            let _ = remove_if_there(&new);
        })
    }

    /// Writes the contents beside the store.
    fn extract(&self, new: &Path) -> Result<(), StoreError> {
        let bad = |reason: String| StoreError::BadBackup { path: self.source.clone(), reason };
        let open = |source| StoreError::open(new, source);
        remove_if_there(new).map_err(open)?;
        engine::check_room(new, self.header.size)?;
        let mut source = File::open(&self.source).map_err(|error| bad(error.to_string()))?;
        let (header, begin) = Header::read(&source).map_err(bad)?;
        if header != self.header {
            return Err(bad("it has changed since it was looked at".into()));
        }
        source.seek(SeekFrom::Start(begin)).map_err(|error| bad(error.to_string()))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new).map_err(open)?;
        let (size, sha256) = measure(&mut source, |block| file.write_all(block)).map_err(open)?;
        check_contents(&header, size, &sha256).map_err(bad)?;
        file.sync_all().map_err(open)
    }

    /// Opens what was written as the program will, and writes down that it was restored.
    fn check(&self, new: &Path, now: UnixSeconds) -> Result<(), StoreError> {
        let bad = |reason: &str| StoreError::BadBackup { path: self.source.clone(), reason: reason.to_owned() };
        let database = engine::open_database(new)?;
        if engine::schema_of(&database)? != self.header.schema
            || counts(&database.begin_read()?)? != self.header.records
        {
            return Err(bad("it does not hold what it says"));
        }
        if self.header.schema == SCHEMA_VERSION {
            let transaction = database.begin_write()?;
            let name = self.source.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Tx::new(&transaction).append_audit(&AuditEntry::done(By::system(now), "store.restore", name))?;
            transaction.commit()?;
        }
        database.close().map_err(|error| bad(&error.to_string()))
    }

    /// Makes a backup of the store that is there, or keeps it byte for byte when it can't be read.
    fn keep_present(&self, backups: &Path, now: UnixSeconds, keep: usize) -> Result<Replaced, StoreError> {
        let is_there = self.store.try_exists().map_err(|source| StoreError::open(&self.store, source))?;
        if !is_there {
            return Ok(Replaced::Nothing);
        }
        let purpose = Purpose { reason: BEFORE_RESTORE, now, keep };
        // Where it is one of the folder, under the name that the folder has it.
        let source = self.source.file_name().map(|name| backups.join(name)).unwrap_or_default();
        match copy_closed_sparing(&self.store, backups, &purpose, &[&source]) {
            Ok(made) => Ok(Replaced::Backup(made.path)),
            // Where it was the disk that failed, this fails as well, and nothing is replaced.
            Err(error) => self.keep_damaged(backups, now, error.to_string()),
        }
    }

    fn keep_damaged(&self, backups: &Path, now: UnixSeconds, reason: String) -> Result<Replaced, StoreError> {
        let folder = Folder::lock(backups)?;
        engine::check_room(backups, room_of(&self.store)?)?;
        let path = folder.free_name("replaced", now, ".redb").map_err(|reason| folder.failed(reason))?;
        let kept = std::fs::copy(&self.store, &path).and_then(|_| File::open(&path)?.sync_all());
        kept.and_then(|()| engine::sync_folder(&path)).map_err(|error| {
            // The store itself is still there.
            let _ = remove_if_there(&path);
            folder.failed(error.to_string())
        })?;
        Ok(Replaced::Damaged { path, reason })
    }
}
