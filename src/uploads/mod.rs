//! Uploads: files that arrive in chunks, in any order and several at once, and may be gone on with after a break.
//!
//! - [`Uploads`] is what others call; its parts are in `begin`, [`chunk`], `finish` and `session`.
//! - Bytes go straight to their place in the final file's inode, which is called `.<id>.part` until the file is
//!   complete. There is no second copy, and never more than [`chunk::BLOCK`] bytes of a chunk in memory.
//! - Data first, then the record: a chunk counts once its bytes are synced and the store says so, in that order. What
//!   the store promises is on disk; what it does not know is simply sent again.
//! - Names come from outside: `names` judges them, `place` reaches files without following links.
//!
//! Nothing here knows HTTP.

mod begin;
mod bitmap;
pub mod chunk;
mod finish;
mod names;
mod place;
mod session;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use slurmdash_api::problem::FieldProblem;
use slurmdash_api::uploads::{Upload, UploadList, UploadProgress, UploadQuery, UploadStatus, classify, total_chunks};
use tokio::sync::{broadcast, mpsc};

use crate::clock::Clock;
use crate::config::Config;
use crate::random::NoRandomness;
use crate::store::uploads::{UploadFilter, UploadRecord};
use crate::store::walk::{Cursor, PageRequest};
use crate::store::{Store, StoreError};
use crate::templates::ProvidedFile;

use place::Root;
use session::Session;

/// Smallest and largest chunk, bytes.
pub const CHUNK_SIZES: std::ops::RangeInclusive<u64> = 64 * 1024..=64 * 1024 * 1024;
/// Most uploads that one person may have open.
const MAX_OPEN: usize = 1000;
/// Most chunks of a file.
const MAX_CHUNKS: u32 = 1 << 22;
/// Most missing chunks that are named at once; who sends those asks again.
const MAX_NAMED: usize = 100_000;
/// Most files of one job.
const MAX_FILES_OF_JOB: usize = 1000;
/// Progress messages that a slow listener may be behind.
const PROGRESS_BACKLOG: usize = 1024;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Fields of the request are wrong.
    #[error("{}", .0.iter().map(|p| format!("{} {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldProblem>),
    /// The upload would be somebody else's.
    #[error("uploads can be started for yourself only: user_id is not your id or account name")]
    NotYours,
    /// The job folder is somebody else's.
    #[error("the job folder {0} belongs to somebody else; choose another job_id")]
    FolderTaken(String),
    /// The file is too large.
    #[error("File size exceeds maximum")]
    TooLarge {
        /// The file's size, bytes.
        size: u64,
        /// The limit, bytes.
        max: u64,
    },
    /// The disk can't hold it.
    #[error("there is no room for {needed} more bytes; {free} are free once the uploads under way are complete")]
    NoSpace {
        /// The file's size, bytes.
        needed: u64,
        /// What is left, bytes.
        free: u64,
    },
    /// The disk or quota became full while a chunk was written.
    #[error("the disk or your quota is full; the chunks sent so far are kept, make room and go on")]
    DiskFull,
    /// Too many open uploads.
    #[error("you have {MAX_OPEN} unfinished uploads; finish or delete some first")]
    TooManyOpen,
    /// A file of that name is there.
    #[error("a file named {0:?} is already there; delete it, choose another name, or set overwrite")]
    NameTaken(String),
    /// There is no such upload, or it is somebody else's.
    #[error("there is no upload {0}")]
    NotFound(String),
    /// The chunk's number is beyond the file's end.
    #[error("there is no chunk {index}: the file has {total} chunks, numbered from 0")]
    NoSuchChunk {
        /// The number.
        index: u32,
        /// Chunks there are.
        total: u32,
    },
    /// The chunk has more or fewer bytes than its place.
    #[error("chunk {index} must have {expected} bytes, but {received}{} came; it was not counted", if *received > *expected { " or more" } else { "" })]
    WrongLength {
        /// The chunk.
        index: u32,
        /// Bytes of its place.
        expected: u64,
        /// Bytes that came, at least.
        received: u64,
    },
    /// The chunk is not what its sender meant.
    #[error("chunk {index} does not have the checksum that came with it; it was not counted, send it again")]
    WrongChecksum {
        /// The chunk.
        index: u32,
    },
    /// Chunks are missing.
    #[error("{total} {} still to be sent", if *total == 1 { "chunk is" } else { "chunks are" })]
    Missing {
        /// The first of them.
        chunks: Vec<u32>,
        /// How many there are.
        total: u32,
    },
    /// The upload is not complete yet.
    #[error("the upload {0} is not complete yet")]
    NotFinished(String),
    /// The bytes were removed by somebody else.
    #[error("the file of upload {0} is gone or was replaced; upload it again")]
    BytesGone(String),
    /// The disk failed.
    #[error("can't {what}: {source}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The program is stopping.
    #[error("the server is stopping; send the chunk again in a moment")]
    Stopping,
}

impl UploadError {
    /// Turns an error of the disk into words.
    fn disk(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Disk { what, source },
        }
    }
}

/// All uploads.
pub struct Uploads {
    shared: Arc<Shared>,
    /// To the task that syncs chunks and counts them.
    counter: mpsc::Sender<chunk::Written>,
}

/// What the parts of this room share.
struct Shared {
    store: Store,
    clock: Clock,
    root: Root,
    max_file_size: u64,
    /// Seconds that an open upload may lie untouched.
    expire_after: i64,
    /// The open uploads by id.
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// Held while an upload begins, so that two don't promise themselves the same room on the disk.
    beginning: tokio::sync::Mutex<()>,
    progress: broadcast::Sender<(String, UploadProgress)>,
}

impl Uploads {
    /// Opens the folder of uploads and takes up the open ones where they were. Must be called inside a Tokio runtime.
    pub async fn open(config: &Config, store: Store, clock: Clock) -> Result<Self, UploadError> {
        let path = config.uploads_dir();
        let open_root = move || Root::open(&path);
        let root = blocking(open_root).await?.map_err(UploadError::disk("open the folder of uploads"))?;
        let hours = i64::try_from(config.uploads.expire_hours).unwrap_or(i64::MAX);
        let shared = Arc::new(Shared {
            root,
            max_file_size: config.uploads.max_file_size,
            expire_after: hours.saturating_mul(3600),
            sessions: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            progress: broadcast::Sender::new(PROGRESS_BACKLOG),
            store,
            clock,
        });
        for (record, on_disk) in shared.store.open_uploads()? {
            let session = Arc::new(Session::new(record, &on_disk));
            if !finish::is_renamed(&shared, &session).await? {
                shared.sessions().insert(session.id().to_owned(), session);
            }
        }
        let (counter, written) = mpsc::channel(256);
        tokio::spawn(chunk::count(Arc::downgrade(&shared), written));
        Ok(Self { shared, counter })
    }

    /// Progress of all uploads: the owner's account id and where the upload is.
    pub fn progress(&self) -> broadcast::Receiver<(String, UploadProgress)> {
        self.shared.progress.subscribe()
    }

    /// A page of somebody's uploads, newest first.
    pub fn list(&self, owner_id: &str, query: &UploadQuery) -> Result<UploadList, UploadError> {
        let refuse = |field: &str, message: String| {
            Err(UploadError::Invalid(vec![FieldProblem { field: field.into(), message }]))
        };
        let limit = query.per_page.unwrap_or(100);
        if !(1..=500).contains(&limit) {
            return refuse("per_page", "must be from 1 to 500".into());
        }
        let after = match query.cursor.as_deref().map(str::parse::<Cursor>).transpose() {
            Ok(after) => after,
            Err(error) => return refuse("cursor", error.to_string()),
        };
        let store = &self.shared.store;
        let filter = query.status.map_or(UploadFilter::All, UploadFilter::Status);
        let page = store.upload_page(owner_id, filter, &PageRequest { after, limit })?;
        Ok(UploadList {
            uploads: page.items.into_iter().map(|record| self.shared.shown(record)).collect(),
            total: store.upload_count(owner_id, filter)?,
            next_cursor: page.next.map(|next| next.to_string()),
        })
    }

    /// One of somebody's uploads, with the chunks that are still to be sent (the first 100,000 of them).
    pub fn get(&self, owner_id: &str, id: &str) -> Result<Upload, UploadError> {
        let record = self.shared.record(owner_id, id)?;
        let missing = match self.shared.session(owner_id, id) {
            Some(session) => session.state().have.missing(MAX_NAMED),
            None => Vec::new(),
        };
        Ok(Upload { missing_chunks: Some(missing), ..self.shared.shown(record) })
    }

    /// The finished files behind upload ids, in that order, for a job.
    pub async fn finished_files(&self, owner_id: &str, ids: &[String]) -> Result<Vec<ProvidedFile>, UploadError> {
        let refuse = |at: usize, message: &str| {
            let problem = FieldProblem { field: format!("uploads[{at}]"), message: message.into() };
            Err(UploadError::Invalid(vec![problem]))
        };
        if ids.len() > MAX_FILES_OF_JOB {
            return refuse(MAX_FILES_OF_JOB, "a job takes at most 1000 files");
        }
        let mut records = Vec::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            if ids[..at].contains(id) {
                return refuse(at, "is there twice");
            }
            let record = self.shared.record(owner_id, id)?;
            if record.status != UploadStatus::Completed {
                return Err(UploadError::NotFinished(id.clone()));
            }
            records.push(record);
        }
        let shared = self.shared.clone();
        blocking(move || records.into_iter().map(|record| shared.provided(&record)).collect()).await?
    }
}

impl Shared {
    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // A panic elsewhere leaves the map whole: every change to it is one call.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open upload with this id, if it is this owner's.
    fn session(&self, owner_id: &str, id: &str) -> Option<Arc<Session>> {
        self.sessions().get(id).filter(|session| session.record.owner_id == owner_id).cloned()
    }

    /// The record of an upload, if it is this owner's.
    fn record(&self, owner_id: &str, id: &str) -> Result<UploadRecord, UploadError> {
        let record = self.store.upload(id)?.filter(|record| record.owner_id == owner_id);
        record.ok_or_else(|| UploadError::NotFound(id.chars().take(64).collect()))
    }

    /// The file of a completed upload, if it is still the one that was uploaded.
    fn provided(&self, record: &UploadRecord) -> Result<ProvidedFile, UploadError> {
        let inode = self.root.folder(&record.folder).and_then(|folder| folder.inode(&record.filename));
        let inode = inode.map_err(UploadError::disk("look at an uploaded file"))?;
        if inode.is_none() || inode != record.inode {
            return Err(UploadError::BytesGone(record.id.clone()));
        }
        Ok(ProvidedFile {
            name: record.filename.clone(),
            path: self.path_of(record),
            kind: classify(&record.filename, record.file_size).r#type,
        })
    }

    fn path_of(&self, record: &UploadRecord) -> PathBuf {
        self.root.path_of(&record.folder).join(&record.filename)
    }

    fn shown(&self, record: UploadRecord) -> Upload {
        let total = total_chunks(record.file_size, record.chunk_size).unwrap_or(0);
        let is_complete = record.status == UploadStatus::Completed;
        Upload {
            progress: per_cent(record.uploaded_chunks, total, is_complete),
            storage_path: self.root.path_of(&record.folder).display().to_string(),
            file_path: is_complete.then(|| self.path_of(&record).display().to_string()),
            file_info: classify(&record.filename, record.file_size),
            upload_id: record.id,
            filename: record.filename,
            username: record.username,
            job_id: record.job_id,
            status: record.status,
            chunk_size: record.chunk_size,
            uploaded_chunks: record.uploaded_chunks,
            total_chunks: total,
            created_at: record.created_at,
            updated_at: record.updated_at,
            missing_chunks: None,
        }
    }

    /// Tells who listens where an upload is.
    fn tell(&self, session: &Session, uploaded_chunks: u32, status: UploadStatus) {
        let progress = UploadProgress {
            upload_id: session.id().to_owned(),
            uploaded_chunks,
            total_chunks: session.total,
            progress: per_cent(uploaded_chunks, session.total, status == UploadStatus::Completed),
            status,
        };
        // Nobody may be listening; that is fine.
        let _ = self.progress.send((session.record.owner_id.clone(), progress));
    }
}

/// Per cent of the chunks that are there; an empty file has none and is there once it is complete.
fn per_cent(uploaded: u32, total: u32, is_complete: bool) -> f64 {
    match (is_complete, total) {
        (true, _) => 100.0,
        (false, 0) => 0.0,
        (false, total) => f64::from(uploaded) * 100.0 / f64::from(total),
    }
}

/// Runs what waits for the disk where waiting is fine.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, UploadError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| UploadError::Stopping)
}
