//! Ending an upload: completing it, deleting it, letting it expire, and what a crash in between leaves behind.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use slurmdash_api::uploads::{UploadFinished, UploadStatus, classify};

use super::names::part_name;
use super::session::Session;
use super::{MAX_NAMED, Shared, UploadError, Uploads, blocking};
use crate::auth::Principal;
use crate::store::audit::{AuditEntry, By};
use crate::store::uploads::UploadRecord;

impl Uploads {
    /// Completes an upload: all chunks are there, and the file gets its name. Doing it again gives the same answer.
    ///
    /// With `verify`, the file is read back first and checked against the digests of its chunks; those that differ
    /// are missing again.
    pub async fn complete(&self, who: &Principal, id: &str, verify: bool) -> Result<UploadFinished, UploadError> {
        if let Some(session) = self.shared.session(&who.user_id, id) {
            let _ending = session.ending.lock().await;
            // Somebody else may have ended it while we waited.
            if !session.state().closed {
                self.shared.complete(&session, verify, who.by(self.shared.clock.now())).await?;
            }
        }
        let record = self.shared.record(&who.user_id, id)?;
        if record.status != UploadStatus::Completed {
            return Err(UploadError::NotFound(id.to_owned()));
        }
        Ok(UploadFinished {
            message: "Upload completed".into(),
            file_path: self.shared.path_of(&record).display().to_string(),
            file_info: classify(&record.filename, record.file_size),
        })
    }

    /// Stops an upload and removes its bytes; a completed one's file as well, if it is still the one that was uploaded.
    pub async fn delete(&self, who: &Principal, id: &str) -> Result<(), UploadError> {
        let by = who.by(self.shared.clock.now());
        if let Some(session) = self.shared.session(&who.user_id, id) {
            let _ending = session.ending.lock().await;
            if !session.state().closed {
                return self.shared.discard(&session, AuditEntry::done(by, "upload.cancel", id)).await;
            }
        }
        let record = self.shared.record(&who.user_id, id)?;
        self.shared.remove_file(record).await?;
        Ok(self.shared.store.remove_upload(id.to_owned(), AuditEntry::done(by, "upload.delete", id)).await?)
    }

    /// Removes open uploads that nobody has sent a chunk of for too long, and says how many.
    pub async fn expire(&self) -> Result<usize, UploadError> {
        let now = self.shared.clock.now();
        let dead = |session: &Session| {
            let touched = session.state().touched;
            !session.is_busy() && touched.saturating_add(self.shared.expire_after) <= now
        };
        let found: Vec<_> = self.shared.sessions().values().filter(|session| dead(session)).cloned().collect();
        let mut removed = 0;
        for session in found {
            let _ending = session.ending.lock().await;
            // It may have come back to life, or to its end, in the meantime.
            if dead(&session) && !session.state().closed {
                let audit = AuditEntry::done(By::system(now), "upload.expire", session.id());
                self.shared.discard(&session, audit).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Shared {
    /// Completes an open upload. The caller holds its `ending`.
    async fn complete(self: &Arc<Self>, session: &Arc<Session>, verify: bool, by: By) -> Result<(), UploadError> {
        check_all_there(session)?;
        if verify {
            let bad = self.bad_chunks(session).await?;
            if !bad.is_empty() {
                self.store.forget_chunks(session.id().to_owned(), bad.clone()).await?;
                for &index in &bad {
                    session.state().have.remove(index);
                }
                check_all_there(session)?;
            }
        }
        let file = session.file(self).await?;
        let about = blocking(move || file.metadata()).await?.map_err(UploadError::disk("look at the file"))?;
        if about.len() != session.record.file_size {
            return Err(UploadError::BytesGone(session.id().to_owned()));
        }
        let inode = std::os::unix::fs::MetadataExt::ino(&about);
        self.store.about_to_finish_upload(session.id().to_owned(), inode).await?;
        let (shared, ending) = (self.clone(), session.clone());
        blocking(move || {
            let record = &ending.record;
            let folder = shared.root.folder(&record.folder)?;
            folder.rename(&part_name(&record.id), &record.filename, record.overwrite)
        })
        .await?
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
                UploadError::NameTaken(session.record.filename.clone())
            }
            _ => UploadError::disk("give the file its name")(error),
        })?;
        self.mark_completed(session, by).await
    }

    async fn mark_completed(&self, session: &Session, by: By) -> Result<(), UploadError> {
        let audit = AuditEntry::done(by, "upload.finish", session.id());
        self.store.finish_upload(session.id().to_owned(), audit).await?;
        session.close();
        self.sessions().remove(session.id());
        self.tell(session, session.total, UploadStatus::Completed);
        Ok(())
    }

    /// Removes an open upload. The caller holds its `ending`. Bytes first, so that none are ever nobody's.
    async fn discard(self: &Arc<Self>, session: &Arc<Session>, audit: AuditEntry) -> Result<(), UploadError> {
        session.close();
        self.remove_file(session.record.clone()).await?;
        self.store.remove_upload(session.id().to_owned(), audit).await?;
        self.sessions().remove(session.id());
        let uploaded = session.state().have.count();
        self.tell(session, uploaded, UploadStatus::Cancelled);
        Ok(())
    }

    /// Removes what an upload has on disk.
    async fn remove_file(self: &Arc<Self>, record: UploadRecord) -> Result<(), UploadError> {
        let shared = self.clone();
        let removed = blocking(move || {
            let folder = shared.root.folder(&record.folder)?;
            folder.remove(&part_name(&record.id))?;
            // Another upload may have taken the name over since.
            if record.inode.is_some() && folder.inode(&record.filename)? == record.inode {
                folder.remove(&record.filename)?;
            }
            Ok(())
        });
        removed.await?.map_err(UploadError::disk("remove the file of an upload"))
    }

    /// Reads a file back and names the chunks that are not what was sent.
    async fn bad_chunks(self: &Arc<Self>, session: &Arc<Session>) -> Result<Vec<u32>, UploadError> {
        let file = session.file(self).await?;
        let (shared, session) = (self.clone(), session.clone());
        blocking(move || {
            let mut bad = Vec::new();
            for index in 0..session.total {
                let (start, length) = session.place_of(index);
                let read = digest_of(&file, start, length).map_err(UploadError::disk("read the file back"))?;
                if read != shared.store.chunk_digest(session.id(), index)? {
                    bad.push(index);
                }
            }
            Ok(bad)
        })
        .await?
    }
}

fn check_all_there(session: &Session) -> Result<(), UploadError> {
    let state = session.state();
    if state.have.is_full() {
        return Ok(());
    }
    Err(UploadError::Missing { chunks: state.have.missing(MAX_NAMED), total: session.total - state.have.count() })
}

/// SHA-256 of a part of a file; `None` when the file ends before it.
fn digest_of(file: &File, start: u64, length: u64) -> io::Result<Option<[u8; 32]>> {
    let mut context = Context::new(&SHA256);
    let mut block = vec![0; super::chunk::BLOCK];
    let mut done = 0;
    while done < length {
        let want = usize::try_from(length - done).unwrap_or(usize::MAX).min(block.len());
        let got = file.read_at(&mut block[..want], start + done)?;
        if got == 0 {
            return Ok(None);
        }
        context.update(&block[..got]);
        done += got as u64;
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(Some(digest))
}

/// At start: whether an open upload's file got its name just before a crash; then the record is brought up to it.
pub(super) async fn is_renamed(shared: &Arc<Shared>, session: &Arc<Session>) -> Result<bool, UploadError> {
    let Some(inode) = session.record.inode else { return Ok(false) };
    let (looking, record) = (shared.clone(), session.record.clone());
    let renamed = blocking(move || {
        let folder = looking.root.folder(&record.folder)?;
        let renamed = folder.inode(&record.filename)? == Some(inode);
        if renamed {
            // Where renaming is linking and unlinking, the first name may still be there.
            folder.remove(&part_name(&record.id))?;
        }
        Ok(renamed)
    });
    let renamed = renamed.await?.map_err(UploadError::disk("look for the file of an upload"))?;
    if renamed {
        shared.mark_completed(session, By::system(shared.clock.now())).await?;
    }
    Ok(renamed)
}
