//! Beginning an upload: everything that can be refused is refused before the first byte.
use std::sync::Arc;

use slurmdash_api::problem::FieldProblem;
use slurmdash_api::uploads::{DEFAULT_CHUNK_SIZE, InitUpload, UploadStarted, UploadStatus, classify, total_chunks};

use super::session::Session;
use super::{CHUNK_SIZES, MAX_CHUNKS, MAX_OPEN, Shared, UploadError, Uploads, names, to_the_end};
use crate::auth::Principal;
use crate::hands::Hands;
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
        let (shared, by, upload_id) = (shared.clone(), who.by(now), record.id.clone());
        let storage_path = to_the_end(async move { shared.begin(record, by).await }).await?;
        Ok(UploadStarted { upload_id, chunk_size, total_chunks, storage_path, file_info })
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
    /// Records an upload and makes its file; answers its folder. The record comes first, so that no file is ever
    /// nobody's.
    async fn begin(&self, record: UploadRecord, by: By) -> Result<String, UploadError> {
        let hands = self.hands(&record.owner_id).await?;
        // Kept until the session has its place among the open ones.
        let _promise = self.promise(&*hands, &record).await?;
        let audit = AuditEntry::done(by.clone(), "upload.begin", &record.id);
        match self.store.begin_upload(record.clone(), MAX_OPEN, audit).await? {
            Beginning::Begun => {}
            Beginning::FolderTaken => return Err(UploadError::FolderTaken(record.job_id.unwrap_or_default())),
            Beginning::TooManyOpen => return Err(UploadError::TooManyOpen),
        }
        let folder = self.area.folder(hands.user(), &record).path().display().to_string();
        let session = Arc::new(Session::new(record, &[]));
        // Only now: who may not use the folder is not told what is in it.
        if let Err(error) = self.prepare(&session, &*hands).await {
            let audit = AuditEntry::refused(by, "upload.begin", session.id(), error.to_string());
            self.take_back(session, &*hands, audit).await?;
            return Err(error);
        }
        self.tell(&session, 0, UploadStatus::Uploading);
        self.sessions().insert(session.id().to_owned(), session);
        Ok(folder)
    }

    /// Makes the file that the bytes are collected in, unless the final name can't be had anyway.
    async fn prepare(&self, session: &Session, hands: &dyn Hands) -> Result<(), UploadError> {
        let file = self.area.file(hands.user(), &session.record);
        let there = hands.stat(&file).await.map_err(UploadError::hands("look into the folder of an upload"))?;
        if there.is_some() && !session.record.overwrite {
            return Err(UploadError::NameTaken(session.record.filename.clone()));
        }
        session.file(self).await.map(drop)
    }

    /// Forgets an upload whose file can't be made. Where it is not known whether it was made after all and it can't be
    /// removed either, the upload stays for [`Uploads::expire`], which has another try at its next turn.
    async fn take_back(&self, session: Arc<Session>, hands: &dyn Hands, audit: AuditEntry) -> Result<(), UploadError> {
        match self.remove_files(hands, &session.record).await {
            Err(UploadError::Hands(_)) => {
                session.state().touched = i64::MIN;
                self.sessions().insert(session.id().to_owned(), session);
                Ok(())
            }
            // What the system refuses to look at or to remove was not made by us.
            _ => Ok(self.store.remove_upload(session.id().to_owned(), audit).await?),
        }
    }
}
