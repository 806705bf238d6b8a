//! The file as redb sees it, with the way back: opening a file that was not closed in order repairs it, and when that
//! comes to nothing, every byte must be as it was.
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// What was done to a file while it was being opened.
#[derive(Debug)]
pub struct Undo {
    file: File,
    length: u64,
    /// Whether it is still being opened.
    is_kept: AtomicBool,
    /// Where something was written, and what was there before; the oldest first.
    before: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Undo {
    /// The file, to be opened, and the way back.
    pub fn begin(file: File) -> Result<(Arc<Self>, Undoable), DatabaseError> {
        let length = file.metadata()?.len();
        let own = file.try_clone()?;
        let undo = Arc::new(Self { file: own, length, is_kept: true.into(), before: Mutex::default() });
        Ok((undo.clone(), Undoable { file: FileBackend::new(file)?, undo }))
    }

    /// It was opened: what was done stays.
    pub fn forget(&self) {
        self.is_kept.store(false, Ordering::Release);
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// It could not be opened: puts everything back.
    pub fn take_back(&self) -> io::Result<()> {
        let before = std::mem::take(&mut *self.before.lock().unwrap_or_else(PoisonError::into_inner));
        // Where we did nothing, as with a file that is open elsewhere, nothing is to be undone.
        if before.is_empty() {
            return Ok(());
        }
        for (offset, bytes) in before.iter().rev() {
            self.file.write_all_at(bytes, *offset)?;
        }
        self.file.set_len(self.length)?;
        self.file.sync_all()
    }

    fn keep(&self, offset: u64, length: u64) -> io::Result<()> {
        if !self.is_kept.load(Ordering::Acquire) {
            return Ok(());
        }
        let end = (offset + length).min(self.file.metadata()?.len());
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(offset)).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, offset)?;
        self.before.lock().unwrap_or_else(PoisonError::into_inner).push((offset, bytes));
        Ok(())
    }
}

/// The file for redb.
#[derive(Debug)]
pub struct Undoable {
    file: FileBackend,
    undo: Arc<Undo>,
}

impl StorageBackend for Undoable {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        // What is cut off; nothing when it grows.
        self.undo.keep(length, self.undo.length.saturating_sub(length))?;
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.undo.keep(offset, data.len() as u64)?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
