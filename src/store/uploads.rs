//! Upload sessions: by id, by owner, by owner and status, by status; their chunks; who has which job folder.
use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::uploads::UploadStatus;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// Upload id and chunk index, to the chunk's SHA-256. A chunk is here if and only if its bytes are on disk.
pub(crate) const CHUNKS: &str = "upload_chunks";
/// Job folder, to its owner's id.
pub(crate) const JOB_FOLDERS: &str = "upload_job_folders";

/// One upload session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRecord {
    /// Stable id: 32 hex digits.
    pub id: String,
    /// Id of the account it belongs to.
    pub owner_id: String,
    /// Name of that account.
    pub username: String,
    /// The file's name, as given.
    pub filename: String,
    /// The file's size, bytes.
    pub file_size: u64,
    /// Bytes in every chunk but the last.
    pub chunk_size: u64,
    /// Job folder it goes into.
    pub job_id: Option<String>,
    /// Its folder below the folder of all uploads, such as `users/ada/data`.
    pub folder: String,
    /// Whether it may take the place of a file of the same name.
    pub overwrite: bool,
    /// Where it is.
    pub status: UploadStatus,
    /// When it began.
    pub created_at: UnixSeconds,
    /// When its last chunk came.
    pub updated_at: UnixSeconds,
    /// Chunks that are on disk.
    pub uploaded_chunks: u32,
    /// Inode of its bytes, known from just before the file gets its name: tells our file from others.
    pub inode: Option<u64>,
}

const BY_OWNER: Lookup<UploadRecord> = Lookup::counted("uploads.by_owner", |upload| {
    Some(Entry::new(Key::new().text(&upload.owner_id), Key::new().time(upload.created_at)))
});
const BY_OWNER_STATUS: Lookup<UploadRecord> = Lookup::counted("uploads.by_owner_status", |upload| {
    Some(Entry::new(owner_status_key(&upload.owner_id, upload.status), Key::new().time(upload.created_at)))
});
const BY_STATUS: Lookup<UploadRecord> = Lookup::counted("uploads.by_status", |upload| {
    Some(Entry::new(Key::new().byte(status_byte(upload.status)), Key::new().time(upload.created_at)))
});

fn owner_status_key(owner_id: &str, status: UploadStatus) -> Key {
    Key::new().text(owner_id).byte(status_byte(status))
}

fn status_byte(status: UploadStatus) -> u8 {
    match status {
        UploadStatus::Uploading => 0,
        UploadStatus::Completed => 1,
        UploadStatus::Cancelled => 2,
    }
}

/// Uploads of everybody in one status, by when they began.
pub(super) fn with_status(status: UploadStatus) -> Walk<'static, UploadRecord> {
    Walk::group(&BY_STATUS, Key::new().byte(status_byte(status)))
}

/// Where a chunk's digest is.
pub(crate) fn chunk_key(upload_id: &str, index: u32) -> Key {
    Key::new().text(upload_id).number(index.into())
}

impl Record for UploadRecord {
    const TABLE: &'static str = "uploads";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_OWNER, BY_OWNER_STATUS, BY_STATUS];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

/// Which of somebody's uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UploadFilter {
    /// All.
    #[default]
    All,
    /// Those in one status.
    Status(UploadStatus),
}

/// What came of beginning an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It is recorded.
    Begun,
    /// The job folder is somebody else's.
    FolderTaken,
    /// The owner has as many open ones as are allowed.
    TooManyOpen,
}

/// A chunk whose bytes are on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    /// The upload.
    pub upload_id: String,
    /// The chunk.
    pub index: u32,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl Store {
    /// Records a new upload with status `Uploading`, and that its job folder is its owner's.
    pub async fn begin_upload(
        &self,
        record: UploadRecord,
        max_open: usize,
        audit: AuditEntry,
    ) -> Result<Beginning, StoreError> {
        self.write(move |tx| {
            let owner = record.owner_id.as_str();
            let is_free = match &record.job_id {
                None => true,
                Some(job_id) => match tx.open(JOB_FOLDERS)?.get(job_id.as_bytes())? {
                    Some(taken) if taken.value() != owner.as_bytes() => return tx.unchanged(Beginning::FolderTaken),
                    taken => taken.is_none(),
                },
            };
            let open = tx.count(&BY_OWNER_STATUS, &owner_status_key(owner, UploadStatus::Uploading))?;
            if usize::try_from(open).is_ok_and(|open| open >= max_open) {
                return tx.unchanged(Beginning::TooManyOpen);
            }
            if let Some(job_id) = record.job_id.as_ref().filter(|_| is_free) {
                tx.change(JOB_FOLDERS)?.insert(job_id.as_bytes(), owner.as_bytes())?;
            }
            tx.put(&record)?;
            tx.audited(&audit, Beginning::Begun)
        })
        .await
    }

    /// The upload with this id.
    pub fn upload(&self, id: &str) -> Result<Option<UploadRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// A page of an owner's uploads, newest first.
    pub fn upload_page(
        &self,
        owner_id: &str,
        filter: UploadFilter,
        page: &PageRequest,
    ) -> Result<Page<UploadRecord>, StoreError> {
        let walk = match filter {
            UploadFilter::All => Walk::group(&BY_OWNER, Key::new().text(owner_id)),
            UploadFilter::Status(status) => Walk::group(&BY_OWNER_STATUS, owner_status_key(owner_id, status)),
        };
        self.read(|view| walk.page(view, page))
    }

    /// How many uploads an owner has.
    pub fn upload_count(&self, owner_id: &str, filter: UploadFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            UploadFilter::All => view.count(&BY_OWNER, &Key::new().text(owner_id)),
            UploadFilter::Status(status) => view.count(&BY_OWNER_STATUS, &owner_status_key(owner_id, status)),
        })
    }

    /// Every upload that takes chunks, each with the chunks that are on disk.
    pub fn open_uploads(&self) -> Result<Vec<(UploadRecord, Vec<u32>)>, StoreError> {
        let open = Key::new().byte(status_byte(UploadStatus::Uploading));
        self.read(|view| {
            let records = Walk::group(&BY_STATUS, open).page(view, &PageRequest::first(usize::MAX))?.items;
            let chunks = view.table(CHUNKS)?;
            let with_chunks = |record: UploadRecord| {
                let (first, last) = (chunk_key(&record.id, 0), chunk_key(&record.id, u32::MAX));
                let rows = chunks.range::<&[u8]>(first.bytes()..=last.bytes())?;
                let indices = rows.map(|row| chunk_index(row?.0.value())).collect::<Result<_, StoreError>>()?;
                Ok((record, indices))
            };
            records.into_iter().map(with_chunks).collect()
        })
    }

    /// The digest of a chunk that is on disk.
    pub fn chunk_digest(&self, upload_id: &str, index: u32) -> Result<Option<[u8; 32]>, StoreError> {
        self.read(|view| {
            let found = view.table(CHUNKS)?.get(chunk_key(upload_id, index).bytes())?;
            let digest = found.map(|digest| digest.value().try_into());
            digest.transpose().map_err(|_| StoreError::corrupt(CHUNKS, "a digest is not 32 bytes"))
        })
    }

    /// Says that chunks are on disk. The answer has, for each, whether its upload still takes chunks; a chunk that was
    /// on disk before is not counted twice.
    pub async fn count_chunks(&self, rows: Vec<ChunkRow>, now: UnixSeconds) -> Result<Vec<bool>, StoreError> {
        self.write(move |tx| {
            let mut counted = Vec::with_capacity(rows.len());
            for row in &rows {
                let record = tx.get::<UploadRecord>(&Key::raw(row.upload_id.as_str()))?;
                let Some(mut record) = record.filter(|record| record.status == UploadStatus::Uploading) else {
                    counted.push(false);
                    continue;
                };
                let key = chunk_key(&row.upload_id, row.index);
                if tx.change(CHUNKS)?.insert(key.bytes(), row.digest.as_slice())?.is_none() {
                    record.uploaded_chunks += 1;
                }
                record.updated_at = now;
                tx.put(&record)?;
                counted.push(true);
            }
            Ok(tx.housekeeping(counted))
        })
        .await
    }

    /// Says that chunks must be sent again.
    pub async fn forget_chunks(&self, id: String, indices: Vec<u32>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut forgotten = 0;
            for &index in &indices {
                if tx.change(CHUNKS)?.remove(chunk_key(&id, index).bytes())?.is_some() {
                    forgotten += 1;
                }
            }
            update::<UploadRecord>(tx, &Key::raw(id.as_str()), |record| {
                record.uploaded_chunks = record.uploaded_chunks.saturating_sub(forgotten);
            })?;
            Ok(tx.housekeeping(()))
        })
        .await
    }

    /// Remembers which inode is about to get the file's name, so that a start after a crash knows it again.
    pub async fn about_to_finish_upload(&self, id: String, inode: u64) -> Result<(), StoreError> {
        self.write(move |tx| {
            update::<UploadRecord>(tx, &Key::raw(id.as_str()), |record| record.inode = Some(inode))?;
            Ok(tx.housekeeping(()))
        })
        .await
    }

    /// Marks an upload as completed. Its chunks' digests have done their work.
    pub async fn finish_upload(&self, id: String, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            let was_there = update::<UploadRecord>(tx, &Key::raw(id.as_str()), |record| {
                record.status = UploadStatus::Completed;
                record.updated_at = audit.by.at;
            })?;
            if !was_there {
                return tx.unchanged(());
            }
            remove_chunks(tx, &id)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Forgets an upload.
    pub async fn remove_upload(&self, id: String, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            if tx.remove::<UploadRecord>(&Key::raw(id.as_str()))?.is_none() {
                return tx.unchanged(());
            }
            remove_chunks(tx, &id)?;
            tx.audited(&audit, ())
        })
        .await
    }
}

pub(super) fn remove_chunks(tx: &Tx<'_>, id: &str) -> Result<(), StoreError> {
    let (first, last) = (chunk_key(id, 0), chunk_key(id, u32::MAX));
    tx.change(CHUNKS)?.retain_in::<&[u8], _>(first.bytes()..=last.bytes(), |_, _| false)?;
    Ok(())
}

fn chunk_index(key: &[u8]) -> Result<u32, StoreError> {
    let number = key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes)).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| StoreError::corrupt(CHUNKS, "a key has no chunk's number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::By;
    use crate::store::tests::private_folder;

    fn record(id: &str, created_at: i64) -> UploadRecord {
        UploadRecord {
            id: id.into(),
            owner_id: "u1".into(),
            username: "ada".into(),
            filename: "f".into(),
            file_size: 10,
            chunk_size: 5,
            job_id: None,
            folder: "users/ada/other".into(),
            overwrite: false,
            status: UploadStatus::Uploading,
            created_at,
            updated_at: created_at,
            uploaded_chunks: 0,
            inode: None,
        }
    }

    fn audit() -> AuditEntry {
        AuditEntry::done(By::system(5), "test.change", "x")
    }

    fn row(id: &str, index: u32) -> ChunkRow {
        ChunkRow { upload_id: id.into(), index, digest: [7; 32] }
    }

    #[tokio::test]
    async fn the_look_ups_follow_the_record() {
        let dir = private_folder();
        let store = Store::open(&dir.path().join("s")).unwrap();
        for (id, created_at) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(store.begin_upload(record(id, created_at), 3, audit()).await.unwrap(), Beginning::Begun);
        }
        assert_eq!(store.begin_upload(record("d", 4), 3, audit()).await.unwrap(), Beginning::TooManyOpen);
        let rows = vec![row("a", 0), row("a", 0), row("a", 1), row("none", 0)];
        assert_eq!(store.count_chunks(rows, 9).await.unwrap(), [true, true, true, false]);
        store.forget_chunks("a".into(), vec![1]).await.unwrap();
        assert_eq!(store.upload("a").unwrap().unwrap().uploaded_chunks, 1);
        assert_eq!(store.chunk_digest("a", 0).unwrap(), Some([7; 32]));
        assert_eq!(store.open_uploads().unwrap()[2].1, [0]);
        store.finish_upload("b".into(), audit()).await.unwrap();
        let ids = |filter, limit| {
            let page = store.upload_page("u1", filter, &PageRequest::first(limit)).unwrap();
            let ids = page.items.into_iter().map(|record| record.id).collect::<String>();
            (ids, store.upload_count("u1", filter).unwrap())
        };
        assert_eq!(ids(UploadFilter::All, 9), ("cba".into(), 3));
        assert_eq!(ids(UploadFilter::All, 1), ("c".into(), 3));
        assert_eq!(ids(UploadFilter::Status(UploadStatus::Completed), 9), ("b".into(), 1));
        assert_eq!(store.upload_count("u", UploadFilter::All).unwrap(), 0, "a shorter id is another one");
        store.remove_upload("a".into(), audit()).await.unwrap();
        assert_eq!((store.upload("a").unwrap(), store.chunk_digest("a", 0).unwrap()), (None, None));
        assert_eq!(ids(UploadFilter::All, 9), ("cb".into(), 2));
        assert_eq!(store.open_uploads().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_job_folder_has_one_owner() {
        let dir = private_folder();
        let store = Store::open(&dir.path().join("s")).unwrap();
        let mine = UploadRecord { job_id: Some("j".into()), ..record("a", 1) };
        let theirs = UploadRecord { owner_id: "u2".into(), id: "b".into(), ..mine.clone() };
        assert_eq!(store.begin_upload(mine.clone(), 9, audit()).await.unwrap(), Beginning::Begun);
        assert_eq!(store.begin_upload(theirs, 9, audit()).await.unwrap(), Beginning::FolderTaken);
        let another = UploadRecord { id: "c".into(), ..mine };
        assert_eq!(store.begin_upload(another, 9, audit()).await.unwrap(), Beginning::Begun);
    }
}
