//! Upload sessions: by id, by owner and status newest first, the open ones; their chunks; who has which job folder.
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::uploads::UploadStatus;

use super::{Record, Store, StoreError};

const UPLOADS: TableDefinition<&str, &[u8]> = TableDefinition::new("uploads");
/// Owner's id, status, `u64::MAX - created_at` (so that order is newest first), upload id.
const BY_OWNER: TableDefinition<(&str, u8, u64, &str), ()> = TableDefinition::new("uploads_by_owner");
/// Ids of the sessions that take chunks: what is looked through at start.
const OPEN: TableDefinition<&str, ()> = TableDefinition::new("uploads_open");
/// Upload id and chunk index, to the chunk's SHA-256. A chunk is here if and only if its bytes are on disk.
const CHUNKS: TableDefinition<(&str, u32), [u8; 32]> = TableDefinition::new("upload_chunks");
/// Job folder, to its owner's id.
const JOB_FOLDERS: TableDefinition<&str, &str> = TableDefinition::new("upload_job_folders");

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

impl Record for UploadRecord {
    const VERSION: u8 = 1;
    const TABLE: &'static str = "uploads";
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

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(UPLOADS)?;
    tx.open_table(BY_OWNER)?;
    tx.open_table(OPEN)?;
    tx.open_table(CHUNKS)?;
    tx.open_table(JOB_FOLDERS)?;
    Ok(())
}

fn status_byte(status: UploadStatus) -> u8 {
    match status {
        UploadStatus::Uploading => 0,
        UploadStatus::Completed => 1,
        UploadStatus::Cancelled => 2,
    }
}

fn index_key(record: &UploadRecord) -> (&str, u8, u64, &str) {
    let age = u64::MAX - u64::try_from(record.created_at).unwrap_or(0);
    (&record.owner_id, status_byte(record.status), age, &record.id)
}

impl Store {
    /// Records a new upload with status `Uploading`, and that its job folder is its owner's.
    pub async fn begin_upload(&self, record: UploadRecord, max_open: usize) -> Result<Beginning, StoreError> {
        self.write(move |tx| {
            let owner = record.owner_id.as_str();
            if let Some(job_id) = &record.job_id {
                let mut folders = tx.open_table(JOB_FOLDERS)?;
                let taken = folders.get(job_id.as_str())?.map(|of| of.value() != owner);
                match taken {
                    Some(true) => return Ok(Beginning::FolderTaken),
                    Some(false) => {}
                    None => {
                        folders.insert(job_id.as_str(), owner)?;
                    }
                }
            }
            let mut by_owner = tx.open_table(BY_OWNER)?;
            if by_owner.range((owner, 0, 0, "")..(owner, 1, 0, ""))?.take(max_open).count() >= max_open {
                return Ok(Beginning::TooManyOpen);
            }
            by_owner.insert(index_key(&record), ())?;
            tx.open_table(OPEN)?.insert(record.id.as_str(), ())?;
            tx.open_table(UPLOADS)?.insert(record.id.as_str(), record.encode()?.as_slice())?;
            Ok(Beginning::Begun)
        })
        .await
    }

    /// The upload with this id.
    pub fn upload(&self, id: &str) -> Result<Option<UploadRecord>, StoreError> {
        self.read(|tx| tx.open_table(UPLOADS)?.get(id)?.map(|bytes| UploadRecord::decode(bytes.value())).transpose())
    }

    /// A page of an owner's uploads, newest first, and how many there are on all pages.
    pub fn uploads_of(
        &self,
        owner_id: &str,
        status: Option<UploadStatus>,
        skip: usize,
        limit: usize,
    ) -> Result<(Vec<UploadRecord>, usize), StoreError> {
        self.read(|tx| {
            let by_owner = tx.open_table(BY_OWNER)?;
            let mut keys: Vec<(u64, String)> = Vec::new();
            for wanted in [UploadStatus::Uploading, UploadStatus::Completed] {
                if status.is_none_or(|status| status == wanted) {
                    let byte = status_byte(wanted);
                    for entry in by_owner.range((owner_id, byte, 0, "")..(owner_id, byte + 1, 0, ""))? {
                        let (key, ()) = entry.map(|(key, value)| (key, value.value()))?;
                        let (_, _, age, id) = key.value();
                        keys.push((age, id.to_owned()));
                    }
                }
            }
            // Each status is in order already; this merges them.
            keys.sort();
            let total = keys.len();
            let uploads = tx.open_table(UPLOADS)?;
            let page = keys.into_iter().skip(skip).take(limit).filter_map(|(_, id)| {
                let found = uploads.get(id.as_str()).map_err(StoreError::from).transpose()?;
                Some(found.and_then(|bytes| UploadRecord::decode(bytes.value())))
            });
            Ok((page.collect::<Result<_, _>>()?, total))
        })
    }

    /// Every upload that takes chunks, each with the chunks that are on disk.
    pub fn open_uploads(&self) -> Result<Vec<(UploadRecord, Vec<u32>)>, StoreError> {
        self.read(|tx| {
            let (open, uploads, chunks) = (tx.open_table(OPEN)?, tx.open_table(UPLOADS)?, tx.open_table(CHUNKS)?);
            let mut found = Vec::new();
            for entry in open.iter()? {
                let id = entry?.0.value().to_owned();
                if let Some(bytes) = uploads.get(id.as_str())? {
                    let record = UploadRecord::decode(bytes.value())?;
                    let on_disk = chunks.range((id.as_str(), 0)..=(id.as_str(), u32::MAX))?;
                    let on_disk = on_disk.map(|entry| Ok(entry?.0.value().1)).collect::<Result<_, StoreError>>()?;
                    found.push((record, on_disk));
                }
            }
            Ok(found)
        })
    }

    /// The digest of a chunk that is on disk.
    pub fn chunk_digest(&self, upload_id: &str, index: u32) -> Result<Option<[u8; 32]>, StoreError> {
        self.read(|tx| Ok(tx.open_table(CHUNKS)?.get((upload_id, index))?.map(|digest| digest.value())))
    }

    /// Says that chunks are on disk. The answer has, for each, whether its upload still takes chunks; a chunk that was
    /// on disk before is not counted twice.
    pub async fn count_chunks(&self, rows: Vec<ChunkRow>, now: UnixSeconds) -> Result<Vec<bool>, StoreError> {
        self.write(move |tx| {
            let (mut uploads, mut chunks) = (tx.open_table(UPLOADS)?, tx.open_table(CHUNKS)?);
            let mut counted = Vec::with_capacity(rows.len());
            for row in &rows {
                let record = uploads.get(row.upload_id.as_str())?.map(|bytes| UploadRecord::decode(bytes.value()));
                let Some(mut record) = record.transpose()?.filter(|r| r.status == UploadStatus::Uploading) else {
                    counted.push(false);
                    continue;
                };
                if chunks.insert((row.upload_id.as_str(), row.index), row.digest)?.is_none() {
                    record.uploaded_chunks += 1;
                }
                record.updated_at = now;
                uploads.insert(row.upload_id.as_str(), record.encode()?.as_slice())?;
                counted.push(true);
            }
            Ok(counted)
        })
        .await
    }

    /// Says that chunks must be sent again.
    pub async fn forget_chunks(&self, id: String, indices: Vec<u32>) -> Result<(), StoreError> {
        self.change_upload(id.clone(), move |tx, record| {
            let mut chunks = tx.open_table(CHUNKS)?;
            for &index in &indices {
                if chunks.remove((id.as_str(), index))?.is_some() {
                    record.uploaded_chunks = record.uploaded_chunks.saturating_sub(1);
                }
            }
            Ok(())
        })
        .await
    }

    /// Remembers which inode is about to get the file's name, so that a start after a crash knows it again.
    pub async fn about_to_finish_upload(&self, id: String, inode: u64) -> Result<(), StoreError> {
        self.change_upload(id, move |_, record| {
            record.inode = Some(inode);
            Ok(())
        })
        .await
    }

    /// Marks an upload as completed. Its chunks' digests have done their work.
    pub async fn finish_upload(&self, id: String, now: UnixSeconds) -> Result<(), StoreError> {
        self.change_upload(id.clone(), move |tx, record| {
            record.status = UploadStatus::Completed;
            record.updated_at = now;
            tx.open_table(OPEN)?.remove(id.as_str())?;
            remove_chunks(tx, &id)
        })
        .await
    }

    /// Forgets an upload.
    pub async fn remove_upload(&self, id: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut uploads = tx.open_table(UPLOADS)?;
            let removed = uploads.remove(id.as_str())?.map(|bytes| UploadRecord::decode(bytes.value())).transpose()?;
            if let Some(record) = removed {
                tx.open_table(BY_OWNER)?.remove(index_key(&record))?;
                tx.open_table(OPEN)?.remove(id.as_str())?;
                remove_chunks(tx, &id)?;
            }
            Ok(())
        })
        .await
    }

    /// Changes one record and keeps the look-ups in step; one that is not there stays so.
    async fn change_upload(
        &self,
        id: String,
        change: impl FnOnce(&WriteTransaction, &mut UploadRecord) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut uploads = tx.open_table(UPLOADS)?;
            let found = uploads.get(id.as_str())?.map(|bytes| UploadRecord::decode(bytes.value())).transpose()?;
            let Some(mut record) = found else { return Ok(()) };
            let mut by_owner = tx.open_table(BY_OWNER)?;
            by_owner.remove(index_key(&record))?;
            change(tx, &mut record)?;
            by_owner.insert(index_key(&record), ())?;
            uploads.insert(id.as_str(), record.encode()?.as_slice())?;
            Ok(())
        })
        .await
    }
}

fn remove_chunks(tx: &WriteTransaction, id: &str) -> Result<(), StoreError> {
    tx.open_table(CHUNKS)?.retain_in((id, 0)..=(id, u32::MAX), |_, _| false)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn row(id: &str, index: u32) -> ChunkRow {
        ChunkRow { upload_id: id.into(), index, digest: [7; 32] }
    }

    #[tokio::test]
    async fn the_look_ups_follow_the_record() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("s")).unwrap();
        for (id, created_at) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(store.begin_upload(record(id, created_at), 3).await.unwrap(), Beginning::Begun);
        }
        assert_eq!(store.begin_upload(record("d", 4), 3).await.unwrap(), Beginning::TooManyOpen);
        let rows = vec![row("a", 0), row("a", 0), row("a", 1), row("none", 0)];
        assert_eq!(store.count_chunks(rows, 9).await.unwrap(), [true, true, true, false]);
        store.forget_chunks("a".into(), vec![1]).await.unwrap();
        assert_eq!(store.upload("a").unwrap().unwrap().uploaded_chunks, 1);
        assert_eq!(store.chunk_digest("a", 0).unwrap(), Some([7; 32]));
        assert_eq!(store.open_uploads().unwrap()[0].1, [0]);
        store.finish_upload("b".into(), 5).await.unwrap();
        let ids = |status, skip, limit| {
            let (page, total) = store.uploads_of("u1", status, skip, limit).unwrap();
            (page.into_iter().map(|r| r.id).collect::<String>(), total)
        };
        assert_eq!(ids(None, 0, 9), ("cba".into(), 3));
        assert_eq!(ids(None, 1, 1), ("b".into(), 3));
        assert_eq!(ids(Some(UploadStatus::Completed), 0, 9), ("b".into(), 1));
        assert_eq!(store.uploads_of("u", None, 0, 9).unwrap().1, 0, "a shorter id is another one");
        store.remove_upload("a".into()).await.unwrap();
        assert_eq!((store.upload("a").unwrap(), store.chunk_digest("a", 0).unwrap()), (None, None));
        assert_eq!(ids(None, 0, 9), ("cb".into(), 2));
        assert_eq!(store.open_uploads().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_job_folder_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("s")).unwrap();
        let mine = UploadRecord { job_id: Some("j".into()), ..record("a", 1) };
        let theirs = UploadRecord { owner_id: "u2".into(), id: "b".into(), ..mine.clone() };
        assert_eq!(store.begin_upload(mine.clone(), 9).await.unwrap(), Beginning::Begun);
        assert_eq!(store.begin_upload(theirs, 9).await.unwrap(), Beginning::FolderTaken);
        assert_eq!(store.begin_upload(UploadRecord { id: "c".into(), ..mine }, 9).await.unwrap(), Beginning::Begun);
    }
}
