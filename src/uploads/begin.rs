//! Beginning an upload: everything that can be refused is refused before the first byte.
use std::sync::Arc;

use slurmdash_api::problem::FieldProblem;
use slurmdash_api::uploads::{DEFAULT_CHUNK_SIZE, InitUpload, UploadStarted, UploadStatus, classify, total_chunks};

use super::session::Session;
use super::{CHUNK_SIZES, MAX_CHUNKS, MAX_OPEN, Shared, UploadError, Uploads, blocking, names};
use crate::auth::Principal;
use crate::random;
use crate::store::audit::{AuditEntry, By};
use crate::store::uploads::{Beginning, UploadRecord};

impl Uploads {
    /// Begins an upload for the caller.
    pub async fn begin(&self, who: &Principal, request: InitUpload) -> Result<UploadStarted, UploadError> {
        if request.user_id != who.user_id && request.user_id != who.username {
            return Err(UploadError::NotYours);
        }
        let shared = &self.shared;
        if request.file_size > shared.max_file_size {
            return Err(UploadError::TooLarge { size: request.file_size, max: shared.max_file_size });
        }
        let (chunk_size, total_chunks) = judge(who, &request)?;
        let file_info = classify(&request.filename, request.file_size);
        let folder = match &request.job_id {
            Some(job_id) => format!("jobs/{job_id}/{}", file_info.r#type.as_str()),
            None => format!("users/{}/{}", who.username, file_info.r#type.as_str()),
        };
        let now = shared.clock.now();
        let record = UploadRecord {
            id: random::id()?,
            owner_id: who.user_id.clone(),
            username: who.username.clone(),
            filename: request.filename,
            file_size: request.file_size,
            chunk_size,
            job_id: request.job_id,
            folder,
            overwrite: request.overwrite,
            status: UploadStatus::Uploading,
            created_at: now,
            updated_at: now,
            uploaded_chunks: 0,
            inode: None,
        };
        let started = UploadStarted {
            upload_id: record.id.clone(),
            chunk_size,
            total_chunks,
            storage_path: shared.root.path_of(&record.folder).display().to_string(),
            file_info,
        };
        shared.begin(record, who.by(now)).await?;
        Ok(started)
    }
}

/// Judges the fields; answers the chunk size and the number of chunks.
fn judge(who: &Principal, request: &InitUpload) -> Result<(u64, u32), UploadError> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| problems.push(FieldProblem { field: field.into(), message });
    if let Some(message) = names::filename_problem(&request.filename) {
        refuse("filename", message);
    }
    if let Some(message) = request.job_id.as_deref().and_then(names::job_id_problem) {
        refuse("job_id", message);
    }
    if !names::is_folder(&who.username) {
        refuse("user_id", "your account's name can't be a folder; ask an admin for another".into());
    }
    let chunk_size = request.chunk_size.unwrap_or(DEFAULT_CHUNK_SIZE);
    let total = total_chunks(request.file_size, chunk_size).filter(|&total| total <= MAX_CHUNKS);
    if !CHUNK_SIZES.contains(&chunk_size) {
        refuse("chunk_size", format!("must be from {} to {} bytes", CHUNK_SIZES.start(), CHUNK_SIZES.end()));
    } else if total.is_none() {
        refuse("chunk_size", format!("makes more than {MAX_CHUNKS} chunks; choose a larger one"));
    }
    match total {
        Some(total) if problems.is_empty() => Ok((chunk_size, total)),
        _ => Err(UploadError::Invalid(problems)),
    }
}

impl Shared {
    /// Records an upload and makes its file. The record comes first, so that no file is ever nobody's.
    async fn begin(self: &Arc<Self>, record: UploadRecord, by: By) -> Result<(), UploadError> {
        let _alone = self.beginning.lock().await;
        self.check_room(record.file_size).await?;
        let audit = AuditEntry::done(by.clone(), "upload.begin", &record.id);
        match self.store.begin_upload(record.clone(), MAX_OPEN, audit).await? {
            Beginning::Begun => {}
            Beginning::FolderTaken => return Err(UploadError::FolderTaken(record.job_id.unwrap_or_default())),
            Beginning::TooManyOpen => return Err(UploadError::TooManyOpen),
        }
        let session = Arc::new(Session::new(record, &[]));
        // Only now: who may not use the folder is not told what is in it.
        if let Err(error) = self.prepare(&session).await {
            let audit = AuditEntry::refused(by, "upload.begin", session.id(), error.to_string());
            self.store.remove_upload(session.id().to_owned(), audit).await?;
            return Err(error);
        }
        self.tell(&session, 0, UploadStatus::Uploading);
        self.sessions().insert(session.id().to_owned(), session);
        Ok(())
    }

    /// Makes the file that the bytes are collected in, unless the final name can't be had anyway.
    async fn prepare(self: &Arc<Self>, session: &Arc<Session>) -> Result<(), UploadError> {
        let (shared, record) = (self.clone(), session.record.clone());
        let taken = blocking(move || shared.root.folder(&record.folder)?.has(&record.filename)).await?;
        if taken.map_err(UploadError::disk("look into the folder of an upload"))? && !session.record.overwrite {
            return Err(UploadError::NameTaken(session.record.filename.clone()));
        }
        session.file(self).await.map(drop)
    }

    /// Whether the disk can hold a file beside what the open uploads have been promised.
    async fn check_room(self: &Arc<Self>, needed: u64) -> Result<(), UploadError> {
        let shared = self.clone();
        let free = blocking(move || shared.root.free()).await?.map_err(UploadError::disk("ask for free space"))?;
        let promised = self.sessions().values().map(|session| session.promised()).fold(0, u64::saturating_add);
        let free = free.saturating_sub(promised);
        if needed > free { Err(UploadError::NoSpace { needed, free }) } else { Ok(()) }
    }
}
