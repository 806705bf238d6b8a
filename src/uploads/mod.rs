//! Uploads: files that arrive in chunks, in any order and several at once, and may be gone on with after a break.
//!
//! - [`Uploads`] is what others call; its parts are in `begin`, [`chunk`], `finish`, `upkeep` and `session`.
//! - Bytes go straight to their place in the final file's inode, which is called `.<id>.part` until the file is
//!   complete. There is no second copy, and never more than [`chunk::BLOCK`] bytes of a chunk in memory.
//! - Data first, then the record: a chunk counts once its bytes are synced and the store says so, in that order. What
//!   the store promises is on disk; what it does not know is simply sent again.
//! - Everything on disk is done by the owner's own hands ([`crate::hands`]), below a root (`area`) under which no link is
//!   followed. They may be away at any call: what has no clear answer is not counted, and asked or done again later.
//! - Names come from outside: `names` judges them.
//!
//! Nothing here knows HTTP.

mod area;
mod begin;
mod bitmap;
pub mod chunk;
mod error;
mod finish;
mod names;
mod opened;
mod room;
mod session;
mod upkeep;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::iter;
use futures_util::{StreamExt as _, TryStreamExt as _};
use slurmdash_api::problem::FieldProblem;
use slurmdash_api::uploads::{Upload, UploadList, UploadProgress, UploadQuery, UploadStatus, classify, total_chunks};
use tokio::sync::{broadcast, mpsc};

use crate::clock::Clock;
use crate::config;
use crate::hands::{Hands, HandsError, UnixUser};
use crate::store::Store;
use crate::store::uploads::{UploadFilter, UploadRecord};
use crate::store::walk::{Cursor, PageRequest};
use crate::templates::ProvidedFile;

pub use area::Area;
pub use error::UploadError;
use room::Promises;
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
/// So many of a job's files are looked at at once.
const LOOKS_AT_ONCE: usize = 16;
/// Progress messages that a slow listener may be behind.
const PROGRESS_BACKLOG: usize = 1024;

/// How the hands of an account's Unix user are got, by the account's id. It is asked often and by work in the
/// background, which must not wait long for one person: connecting is for the hands' first use.
pub type HandsOf = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Arc<dyn Hands>, HandsError>> + Send + Sync>;

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
    area: Area,
    hands_of: HandsOf,
    max_file_size: u64,
    /// Seconds that an open upload may lie untouched.
    expire_after: i64,
    /// The open uploads by id.
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    /// Room on the disk for the uploads that are just beginning.
    promises: Promises,
    /// Accounts whose uploads could not be worked on at the last turn in the background.
    troubled: Mutex<HashSet<String>>,
    progress: broadcast::Sender<(String, UploadProgress)>,
}

impl Uploads {
    /// Takes up the open uploads where they were. Nobody's files are looked at: whoever can't be reached now keeps
    /// nobody waiting. Must be called inside a Tokio runtime.
    pub fn open(
        config: &config::Uploads,
        area: Area,
        store: Store,
        clock: Clock,
        hands_of: HandsOf,
    ) -> Result<Self, UploadError> {
        let hours = i64::try_from(config.expire_hours).unwrap_or(i64::MAX);
        let open = store.open_uploads()?.into_iter();
        let sessions = open.map(|(record, on_disk)| (record.id.clone(), Arc::new(Session::new(record, &on_disk))));
        let shared = Arc::new(Shared {
            area,
            hands_of,
            max_file_size: config.max_file_size,
            expire_after: hours.saturating_mul(3600),
            sessions: Mutex::new(sessions.collect()),
            promises: Promises::default(),
            troubled: Mutex::default(),
            progress: broadcast::Sender::new(PROGRESS_BACKLOG),
            store,
            clock,
        });
        let (counter, written) = mpsc::channel(256);
        tokio::spawn(chunk::count(Arc::downgrade(&shared), written));
        Ok(Self { shared, counter })
    }

    /// Progress of all uploads: the owner's account id and where the upload is.
    pub fn progress(&self) -> broadcast::Receiver<(String, UploadProgress)> {
        self.shared.progress.subscribe()
    }

    /// A page of somebody's uploads, newest first.
    pub async fn list(&self, owner_id: &str, query: &UploadQuery) -> Result<UploadList, UploadError> {
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
        let user = self.shared.user(owner_id).await;
        Ok(UploadList {
            uploads: page.items.into_iter().map(|record| self.shared.shown(record, user.as_ref())).collect(),
            total: store.upload_count(owner_id, filter)?,
            next_cursor: page.next.map(|next| next.to_string()),
        })
    }

    /// One of somebody's uploads, with the chunks that are still to be sent (the first 100,000 of them).
    pub async fn get(&self, owner_id: &str, id: &str) -> Result<Upload, UploadError> {
        let record = self.shared.record(owner_id, id)?;
        let missing = match self.shared.session(owner_id, id) {
            Some(session) => session.state().have.missing(MAX_NAMED),
            None => Vec::new(),
        };
        let user = self.shared.user(owner_id).await;
        Ok(Upload { missing_chunks: Some(missing), ..self.shared.shown(record, user.as_ref()) })
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
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let hands = self.shared.hands(owner_id).await?;
        let looks = iter(records).map(|record| self.shared.provided(&*hands, record));
        looks.buffered(LOOKS_AT_ONCE).try_collect().await
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

    /// The hands of an upload's owner.
    async fn hands(&self, owner_id: &str) -> Result<Arc<dyn Hands>, UploadError> {
        (self.hands_of)(owner_id.to_owned()).await.map_err(UploadError::Hands)
    }

    /// Who an account is on the cluster, if that matters for where its uploads are and is known just now.
    async fn user(&self, owner_id: &str) -> Option<UnixUser> {
        if matches!(self.area, Area::Own(_)) {
            return None;
        }
        self.hands(owner_id).await.ok().map(|hands| hands.user().clone())
    }

    /// The file of a completed upload, if it is still the one that was uploaded.
    async fn provided(&self, hands: &dyn Hands, record: UploadRecord) -> Result<ProvidedFile, UploadError> {
        let file = self.area.file(hands.user(), &record);
        let inode = finish::inode_at(hands, &file).await?;
        if inode.is_none() || inode != record.inode {
            return Err(UploadError::BytesGone(record.id));
        }
        let kind = classify(&record.filename, record.file_size).r#type;
        Ok(ProvidedFile { name: record.filename, path: file.path(), kind })
    }

    /// An upload's folder for people.
    async fn folder_shown(&self, record: &UploadRecord) -> PathBuf {
        self.area.shown(self.user(&record.owner_id).await.as_ref(), record)
    }

    fn shown(&self, record: UploadRecord, user: Option<&UnixUser>) -> Upload {
        let total = total_chunks(record.file_size, record.chunk_size).unwrap_or(0);
        let is_complete = record.status == UploadStatus::Completed;
        let folder = self.area.shown(user, &record);
        Upload {
            progress: per_cent(record.uploaded_chunks, total, is_complete),
            storage_path: folder.display().to_string(),
            file_path: is_complete.then(|| folder.join(&record.filename).display().to_string()),
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

/// Runs what takes its time where that is fine.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, UploadError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| UploadError::Stopping)
}

/// Does something to its end, even when whoever waits for it goes away in the middle.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, UploadError>> + Send + 'static,
) -> Result<T, UploadError> {
    tokio::spawn(work).await.map_err(|_| UploadError::Stopping)?
}
