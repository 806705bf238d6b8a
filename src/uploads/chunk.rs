//! One chunk on its way from the network to its place in the file, and into the record.
use std::sync::{Arc, Weak};

use aws_lc_rs::digest::{Context, SHA256};
use slurmdash_api::uploads::{ChunkStored, UploadStatus};
use tokio::sync::{mpsc, oneshot};

use super::opened::Opened;
use super::session::{Claim, Session};
use super::{Shared, UploadError, Uploads, blocking, per_cent, to_the_end};
use crate::store::uploads::ChunkRow;

/// Bytes that are collected before they are written: large enough for few system calls, small enough for many senders.
pub const BLOCK: usize = 512 * 1024;

/// A SHA-256.
pub type Digest = [u8; 32];

/// Reads a checksum: 64 hex digits, in either case.
pub fn parse_checksum(text: &str) -> Option<Digest> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(digest)
}

/// What to do with a chunk that is coming.
pub enum Turn {
    /// It is on disk already: read what comes, keep nothing.
    Stored {
        /// The upload and chunk.
        chunk: StoredChunk,
    },
    /// Write it.
    Write(ChunkWriter),
}

/// A chunk that was on disk before it came again.
pub struct StoredChunk {
    /// What to answer.
    answer: ChunkStored,
    /// Its digest; unknown once the upload is complete.
    digest: Option<Digest>,
    index: u32,
}

impl StoredChunk {
    /// The answer, unless the sender meant other bytes than those on disk.
    pub fn finish(self, checksum: Option<Digest>) -> Result<ChunkStored, UploadError> {
        match (checksum, self.digest) {
            (Some(meant), Some(stored)) if meant != stored => Err(UploadError::WrongChecksum { index: self.index }),
            _ => Ok(self.answer),
        }
    }
}

/// Writes one chunk. Dropping it leaves the chunk uncounted.
pub struct ChunkWriter {
    claim: Arc<Claim>,
    file: Arc<Opened>,
    counter: mpsc::Sender<Written>,
    /// Where the chunk begins in the file, bytes.
    start: u64,
    /// Bytes it must have.
    length: u64,
    /// Bytes that have come.
    received: u64,
    /// Bytes that have been written.
    written: u64,
    /// Bytes that have come and not been written.
    block: Vec<u8>,
    digest: Context,
}

/// A chunk whose bytes are on disk but not yet counted.
pub struct Written {
    claim: Arc<Claim>,
    digest: Digest,
    answer: oneshot::Sender<Result<ChunkStored, UploadError>>,
}

impl Uploads {
    /// Makes ready for a chunk. Waits while another sender writes the same one.
    pub async fn chunk(&self, owner_id: &str, id: &str, index: u32) -> Result<Turn, UploadError> {
        let Some(session) = self.shared.session(owner_id, id) else {
            return self.chunk_of_completed(owner_id, id, index);
        };
        if index >= session.total {
            return Err(UploadError::NoSuchChunk { index, total: session.total });
        }
        let Some(claim) = session.claim(index).await? else {
            let digest = self.shared.store.chunk_digest(id, index)?;
            let answer = stored(&session, session.state().have.count());
            return Ok(Turn::Stored { chunk: StoredChunk { answer, digest, index } });
        };
        let file = session.file(&self.shared).await?;
        let (start, length) = session.place_of(index);
        Ok(Turn::Write(ChunkWriter {
            claim,
            file,
            counter: self.counter.clone(),
            start,
            length,
            received: 0,
            written: 0,
            block: Vec::new(),
            digest: Context::new(&SHA256),
        }))
    }

    /// A chunk that comes again after the upload was completed.
    fn chunk_of_completed(&self, owner_id: &str, id: &str, index: u32) -> Result<Turn, UploadError> {
        let record = self.shared.record(owner_id, id)?;
        let upload = self.shared.shown(record, None);
        if upload.status != UploadStatus::Completed {
            return Err(UploadError::NotFound(id.to_owned()));
        }
        let total_chunks = upload.total_chunks;
        if index >= total_chunks {
            return Err(UploadError::NoSuchChunk { index, total: total_chunks });
        }
        let message = message_for(index);
        let answer = ChunkStored { message, uploaded_chunks: total_chunks, total_chunks, progress: 100.0 };
        Ok(Turn::Stored { chunk: StoredChunk { answer, digest: None, index } })
    }
}

impl ChunkWriter {
    /// Takes more of the chunk's bytes.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.received += bytes.len() as u64;
        if self.received > self.length {
            return Err(self.wrong_length());
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends the chunk: checks its length and, when the sender told one, its checksum; answers once the bytes are on
    /// disk and counted.
    pub async fn finish(mut self, checksum: Option<Digest>) -> Result<ChunkStored, UploadError> {
        if self.received != self.length {
            return Err(self.wrong_length());
        }
        self.flush().await?;
        let mut digest = [0; 32];
        digest.copy_from_slice(self.digest.finish().as_ref());
        if checksum.is_some_and(|meant| meant != digest) {
            return Err(UploadError::WrongChecksum { index: self.claim.index });
        }
        let Self { claim, file, counter, .. } = self;
        to_the_end(async move {
            file.sync().await?;
            let (answer, counted) = oneshot::channel();
            counter.send(Written { claim, digest, answer }).await.map_err(|_| UploadError::Stopping)?;
            counted.await.map_err(|_| UploadError::Stopping)?
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), UploadError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let (claim, file, mut digest) = (self.claim.clone(), self.file.clone(), self.digest.clone());
        let block = std::mem::take(&mut self.block);
        let at = self.start + self.written;
        let (digest, block) = to_the_end(async move {
            let _claim = claim;
            let hashed = blocking(move || {
                digest.update(&block);
                (digest, block)
            });
            let (digest, block) = hashed.await?;
            Ok((digest, file.write(at, block).await?))
        })
        .await?;
        self.digest = digest;
        self.written += block.len() as u64;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn wrong_length(&self) -> UploadError {
        UploadError::WrongLength { index: self.claim.index, expected: self.length, received: self.received }
    }
}

fn message_for(index: u32) -> String {
    format!("Chunk {index} stored")
}

fn stored(session: &Session, uploaded_chunks: u32) -> ChunkStored {
    ChunkStored {
        message: format!("{uploaded_chunks} of {} chunks stored", session.total),
        uploaded_chunks,
        total_chunks: session.total,
        progress: per_cent(uploaded_chunks, session.total, false),
    }
}

/// Counts chunks, many at a time: whatever has come while the last round was on its way makes the next one, so that
/// many senders share one transaction. Ends when all senders are gone.
pub(super) async fn count(shared: Weak<Shared>, mut written: mpsc::Receiver<Written>) {
    let mut round = Vec::new();
    while written.recv_many(&mut round, 256).await > 0 {
        // Held for a round only: the store is free to be opened again as soon as nobody uses it.
        let Some(shared) = shared.upgrade() else { return };
        count_round(&shared, std::mem::take(&mut round)).await;
    }
}

async fn count_round(shared: &Arc<Shared>, round: Vec<Written>) {
    let rows = round.iter().map(|chunk| ChunkRow {
        upload_id: chunk.claim.session.id().to_owned(),
        index: chunk.claim.index,
        digest: chunk.digest,
    });
    let now = shared.clock.now();
    match shared.store.count_chunks(rows.collect(), now).await {
        Ok(counted) => {
            for (chunk, counted) in round.into_iter().zip(counted) {
                let session = &chunk.claim.session;
                let answer = if counted {
                    let uploaded_chunks = {
                        let mut state = session.state();
                        state.have.insert(chunk.claim.index);
                        state.touched = now;
                        state.have.count()
                    };
                    shared.tell(session, uploaded_chunks, UploadStatus::Uploading);
                    Ok(stored(session, uploaded_chunks))
                } else {
                    Err(UploadError::NotFound(session.id().to_owned()))
                };
                // The sender may have gone away; the chunk counts all the same.
                let _ = chunk.answer.send(answer);
            }
        }
        Err(error) => {
            tracing::error!(%error, "chunks can't be recorded");
            for chunk in round {
                let source = std::io::Error::other(error.to_string());
                let _ = chunk.answer.send(Err(UploadError::Disk { what: "record a chunk", source }));
            }
        }
    }
}
