//! One open upload in memory: which chunks are there, and who is writing which.
use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use slurmdash_api::uploads::total_chunks;
use tokio::sync::Notify;

use super::bitmap::Bitmap;
use super::opened::Opened;
use super::{Shared, UploadError};
use crate::hands::{Hands, OpenFile, OpenHow};
use crate::store::uploads::UploadRecord;

/// An open upload.
pub struct Session {
    /// The record as it was when the session was loaded; what changes of it is in `state`.
    pub record: UploadRecord,
    /// Chunks there are.
    pub total: u32,
    state: Mutex<State>,
    /// Told whenever a claim ends or the session closes.
    changed: Notify,
    /// Held by whoever completes or deletes it.
    pub ending: tokio::sync::Mutex<()>,
    /// Held by whoever opens the file, or removes it.
    pub opening: tokio::sync::Mutex<()>,
}

/// What changes.
pub struct State {
    /// The chunks that are on disk and recorded.
    pub have: Bitmap,
    /// The chunks that somebody is writing.
    writing: HashSet<u32>,
    /// When the last chunk came, Unix seconds.
    pub touched: i64,
    /// True once it is completed or deleted.
    pub closed: bool,
    /// The inode that was about to get the file's name; whether it got it may not be known.
    pub inode: Option<u64>,
    /// The file, as long as somebody has it open.
    file: Weak<Opened>,
}

/// The right to write one chunk, until it is dropped. Held by every write on its way to the disk as well, so that a
/// write of a sender that has gone can't land on top of the next one's.
pub struct Claim {
    /// The upload.
    pub session: Arc<Session>,
    /// The chunk.
    pub index: u32,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.session.state().writing.remove(&self.index);
        self.session.changed.notify_waiters();
    }
}

impl Session {
    /// A session of which these chunks are on disk.
    pub fn new(record: UploadRecord, on_disk: &[u32]) -> Self {
        let total = total_chunks(record.file_size, record.chunk_size).unwrap_or(0);
        let mut have = Bitmap::new(total);
        for &index in on_disk {
            have.insert(index);
        }
        let state = State {
            have,
            writing: HashSet::new(),
            touched: record.updated_at,
            closed: false,
            inode: record.inode,
            file: Weak::new(),
        };
        Self {
            record,
            total,
            state: Mutex::new(state),
            changed: Notify::new(),
            ending: tokio::sync::Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What changes, locked. Never held over an `await`.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one call on a plain value, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its record, with the inode that may have the file's name by now.
    pub fn record_now(&self) -> UploadRecord {
        UploadRecord { inode: self.state().inode, ..self.record.clone() }
    }

    /// Takes no more chunks from here on.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    /// Takes chunks again: its end did not come about.
    pub fn reopen(&self) {
        self.state().closed = false;
    }

    /// Where a chunk begins in the file and how long it is, bytes.
    pub fn place_of(&self, index: u32) -> (u64, u64) {
        let start = u64::from(index) * self.record.chunk_size;
        (start, self.record.chunk_size.min(self.record.file_size.saturating_sub(start)))
    }

    /// Bytes that are still to come.
    pub fn promised(&self) -> u64 {
        let arrived = u64::from(self.state().have.count()) * self.record.chunk_size;
        self.record.file_size.saturating_sub(arrived)
    }

    /// Waits until nobody else writes this chunk, and claims it; `None` when it is on disk already.
    pub async fn claim(self: &Arc<Self>, index: u32) -> Result<Option<Arc<Claim>>, UploadError> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed, even one between the look below and the wait.
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if state.closed {
                    return Err(UploadError::NotFound(self.id().to_owned()));
                }
                if state.have.has(index) {
                    return Ok(None);
                }
                if state.writing.insert(index) {
                    return Ok(Some(Arc::new(Claim { session: self.clone(), index })));
                }
            }
            changed.await;
        }
    }

    /// Whether somebody is writing.
    pub fn is_busy(&self) -> bool {
        !self.state().writing.is_empty()
    }

    /// The file that the bytes are collected in, shared by all who write at the same time.
    pub async fn file(&self, shared: &Shared) -> Result<Arc<Opened>, UploadError> {
        if let Some(file) = self.opened() {
            return Ok(file);
        }
        let _alone = self.opening.lock().await;
        // Somebody else may have opened it while we waited, or ended the upload.
        if let Some(file) = self.opened() {
            return Ok(file);
        }
        if self.state().closed {
            return Err(UploadError::NotFound(self.id().to_owned()));
        }
        let hands = shared.hands(&self.record.owner_id).await?;
        let file = Arc::new(Opened::new(self.open(shared, &*hands).await?));
        self.state().file = Arc::downgrade(&file);
        Ok(file)
    }

    fn opened(&self) -> Option<Arc<Opened>> {
        self.state().file.upgrade().filter(|file| !file.is_broken())
    }

    async fn open(&self, shared: &Shared, hands: &dyn Hands) -> Result<OpenFile, UploadError> {
        let failed = UploadError::hands("open the file of an upload");
        let part = shared.area.part(hands.user(), &self.record);
        match hands.open(&part, OpenHow::Write).await {
            Err(error) if error.kind() == Some(io::ErrorKind::NotFound) => {
                // A crash right after the start leaves a session without its file; later on bytes have been lost.
                if self.state().have.count() > 0 {
                    return Err(UploadError::BytesGone(self.id().to_owned()));
                }
                hands.make_folder(&shared.area.folder(hands.user(), &self.record)).await.map_err(&failed)?;
                match hands.open(&part, OpenHow::Create).await {
                    Err(error) if error.kind() == Some(io::ErrorKind::AlreadyExists) => {
                        hands.open(&part, OpenHow::Write).await.map_err(failed)
                    }
                    made => made.map_err(failed),
                }
            }
            opened => opened.map_err(failed),
        }
    }
}
