//! The open file of an upload, shared by all who write chunks of it at the same time.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::UploadError;
use crate::hands::OpenFile;

/// An open file. Once a write or a sync of it has failed it is of no more use: what was written and not synced before
/// may be lost, and a later sync need not say so. Then its chunks are sent again, to a newly opened file.
pub struct Opened {
    /// For reading and looking; chunks go through [`Opened::write`].
    pub file: OpenFile,
    broken: AtomicBool,
    /// Chunks whose bytes have been written.
    written: AtomicU64,
    /// So many of them are on disk. Held by whoever syncs.
    synced: Mutex<u64>,
}

impl Opened {
    /// A file that has just been opened.
    pub fn new(file: OpenFile) -> Self {
        Self { file, broken: AtomicBool::new(false), written: AtomicU64::new(0), synced: Mutex::default() }
    }

    /// Whether it must be opened anew.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Writes a part of a chunk, and gives the buffer back.
    pub async fn write(&self, at: u64, bytes: Vec<u8>) -> Result<Vec<u8>, UploadError> {
        let written = self.file.write_at(at, bytes).await.map_err(UploadError::file("write a chunk"));
        // What was written by others is no worse for a full disk.
        if written.as_ref().is_err_and(|error| !matches!(error, UploadError::DiskFull)) {
            self.broken.store(true, Ordering::Release);
        }
        written
    }

    /// Waits until a chunk that has been written is on disk. Of those who wait, one syncs for all whose chunks were
    /// written before it began.
    pub async fn sync(&self) -> Result<(), UploadError> {
        let mine = self.written.fetch_add(1, Ordering::AcqRel) + 1;
        let mut synced = self.synced.lock().await;
        if *synced >= mine {
            return Ok(());
        }
        if self.is_broken() {
            return Err(UploadError::Interrupted);
        }
        let so_many = self.written.load(Ordering::Acquire);
        // Whoever goes away in the middle of this leaves it to the next one: nothing counts as synced.
        if let Err(error) = self.file.sync().await {
            self.broken.store(true, Ordering::Release);
            return Err(UploadError::file("sync a chunk")(error));
        }
        *synced = so_many;
        Ok(())
    }
}
