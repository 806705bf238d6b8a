//! Ending an upload: completing it, deleting it, and finding out whether it was completed when the answer was lost.
use std::io;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use slurmdash_api::uploads::{UploadFinished, UploadStatus, classify};

use super::opened::Opened;
use super::session::Session;
use super::{MAX_NAMED, Shared, UploadError, Uploads, blocking, to_the_end};
use crate::auth::Principal;
use crate::hands::{Hands, Place};
use crate::store::audit::{AuditEntry, By};
use crate::store::uploads::UploadRecord;

impl Uploads {
    /// Completes an upload: all chunks are there, and the file gets its name. Doing it again gives the same answer.
    ///
    /// With `verify`, the file is read back first and checked against the digests of its chunks; those that differ
    /// are missing again.
    pub async fn complete(&self, who: &Principal, id: &str, verify: bool) -> Result<UploadFinished, UploadError> {
        if let Some(session) = self.shared.session(&who.user_id, id) {
            let (shared, by) = (self.shared.clone(), who.by(self.shared.clock.now()));
            to_the_end(async move {
                let _ending = session.ending.lock().await;
                // Somebody else may have ended it while we waited.
                if session.state().closed { Ok(()) } else { shared.complete(&session, verify, by).await }
            })
            .await?;
        }
        let record = self.shared.record(&who.user_id, id)?;
        if record.status != UploadStatus::Completed {
            return Err(UploadError::NotFound(id.to_owned()));
        }
        Ok(UploadFinished {
            message: "Upload completed".into(),
            upload_id: record.id.clone(),
            file_path: self.shared.folder_shown(&record).await.join(&record.filename).display().to_string(),
            file_info: classify(&record.filename, record.file_size),
        })
    }

    /// Stops an upload and removes its bytes; a completed one's file as well, if it is still the one that was uploaded.
    pub async fn delete(&self, who: &Principal, id: &str) -> Result<(), UploadError> {
        let by = who.by(self.shared.clock.now());
        let (shared, owner_id, id) = (self.shared.clone(), who.user_id.clone(), id.to_owned());
        to_the_end(async move {
            if let Some(session) = shared.session(&owner_id, &id) {
                let _ending = session.ending.lock().await;
                if !session.state().closed {
                    return shared.discard(&session, AuditEntry::done(by, "upload.cancel", &id)).await;
                }
            }
            let record = shared.record(&owner_id, &id)?;
            let hands = shared.hands(&owner_id).await?;
            shared.remove_files(&*hands, &record).await?;
            let audit = AuditEntry::done(by, "upload.delete", &id);
            Ok(shared.store.remove_upload(id, audit).await?)
        })
        .await
    }
}

impl Shared {
    /// Completes an open upload. The caller holds its `ending`.
    async fn complete(&self, session: &Arc<Session>, verify: bool, by: By) -> Result<(), UploadError> {
        check_all_there(session)?;
        let hands = self.hands(&session.record.owner_id).await?;
        if self.is_renamed(session, &*hands).await? {
            return self.mark_completed(session, by).await;
        }
        let file = session.file(self).await?;
        if verify {
            let bad = self.bad_chunks(session, &file).await?;
            if !bad.is_empty() {
                self.store.forget_chunks(session.id().to_owned(), bad.clone()).await?;
                for &index in &bad {
                    session.state().have.remove(index);
                }
                check_all_there(session)?;
            }
        }
        let about = file.file.stat().await.map_err(UploadError::file("look at the file"))?;
        if about.size != session.record.file_size {
            return Err(UploadError::BytesGone(session.id().to_owned()));
        }
        self.store.about_to_finish_upload(session.id().to_owned(), about.inode).await?;
        session.state().inode = Some(about.inode);
        self.give_name(session, &*hands).await?;
        self.mark_completed(session, by).await
    }

    async fn give_name(&self, session: &Session, hands: &dyn Hands) -> Result<(), UploadError> {
        let record = &session.record;
        let (part, file) = (self.area.part(hands.user(), record), self.area.file(hands.user(), record));
        hands.rename(&part, &file, record.overwrite).await.map_err(|error| match error.kind() {
            Some(io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory) => {
                UploadError::NameTaken(record.filename.clone())
            }
            Some(io::ErrorKind::NotFound) => UploadError::BytesGone(record.id.clone()),
            _ => UploadError::hands("give the file its name")(error),
        })
    }

    pub(super) async fn mark_completed(&self, session: &Session, by: By) -> Result<(), UploadError> {
        let audit = AuditEntry::done(by, "upload.finish", session.id());
        self.store.finish_upload(session.id().to_owned(), audit).await?;
        session.close();
        self.sessions().remove(session.id());
        self.tell(session, session.total, UploadStatus::Completed);
        Ok(())
    }

    /// Whether an open upload's file has its name already: a crash came, or the answer was lost, just after that.
    pub(super) async fn is_renamed(&self, session: &Session, hands: &dyn Hands) -> Result<bool, UploadError> {
        let Some(inode) = session.state().inode else { return Ok(false) };
        let file = self.area.file(hands.user(), &session.record);
        let renamed = inode_at(hands, &file).await? == Some(inode);
        if renamed {
            // Where renaming is linking and unlinking, the first name may still be there.
            remove(hands, &self.area.part(hands.user(), &session.record)).await?;
        }
        Ok(renamed)
    }

    /// Removes an open upload. The caller holds its `ending`. Bytes first, so that none are ever nobody's; when they
    /// can't be removed now, the upload goes on as it was.
    pub(super) async fn discard(&self, session: &Session, audit: AuditEntry) -> Result<(), UploadError> {
        session.close();
        let removed = self.remove_session(session, audit).await;
        if removed.is_err() {
            session.reopen();
            return removed;
        }
        self.sessions().remove(session.id());
        let uploaded = session.state().have.count();
        self.tell(session, uploaded, UploadStatus::Cancelled);
        Ok(())
    }

    async fn remove_session(&self, session: &Session, audit: AuditEntry) -> Result<(), UploadError> {
        // Nobody makes the file anew meanwhile.
        let _alone = session.opening.lock().await;
        let hands = self.hands(&session.record.owner_id).await?;
        self.remove_files(&*hands, &session.record_now()).await?;
        Ok(self.store.remove_upload(session.id().to_owned(), audit).await?)
    }

    /// Removes what an upload has on disk.
    pub(super) async fn remove_files(&self, hands: &dyn Hands, record: &UploadRecord) -> Result<(), UploadError> {
        remove(hands, &self.area.part(hands.user(), record)).await?;
        let file = self.area.file(hands.user(), record);
        // Another upload may have taken the name over since.
        if record.inode.is_some() && inode_at(hands, &file).await? == record.inode {
            remove(hands, &file).await?;
        }
        Ok(())
    }

    /// Reads a file back and names the chunks that are not what was sent.
    async fn bad_chunks(&self, session: &Session, file: &Opened) -> Result<Vec<u32>, UploadError> {
        let mut bad = Vec::new();
        for index in 0..session.total {
            let (start, length) = session.place_of(index);
            if digest_of(file, start, length).await? != self.store.chunk_digest(session.id(), index)? {
                bad.push(index);
            }
        }
        Ok(bad)
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
async fn digest_of(file: &Opened, start: u64, length: u64) -> Result<Option<[u8; 32]>, UploadError> {
    let mut context = Context::new(&SHA256);
    let mut done = 0;
    while done < length {
        let want = usize::try_from(length - done).unwrap_or(usize::MAX).min(super::chunk::BLOCK);
        let block = file.file.read_at(start + done, want).await.map_err(UploadError::file("read the file back"))?;
        if block.is_empty() {
            return Ok(None);
        }
        done += block.len() as u64;
        let hashed = blocking(move || {
            context.update(&block);
            context
        });
        context = hashed.await?;
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(Some(digest))
}

async fn remove(hands: &dyn Hands, place: &Place) -> Result<(), UploadError> {
    hands.remove(place).await.map_err(UploadError::hands("remove the file of an upload"))
}

/// The inode behind a name, links not followed.
pub(super) async fn inode_at(hands: &dyn Hands, place: &Place) -> Result<Option<u64>, UploadError> {
    let about = hands.stat(place).await.map_err(UploadError::hands("look at an uploaded file"))?;
    Ok(about.map(|about| about.inode))
}
