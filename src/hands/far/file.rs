//! A file that is open at an agent on another host.
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::call::{Answered, Calls};
use super::message::{Answer, Request};
use super::{PIECE, PIECES_AHEAD};
use crate::hands::{FarFile, HandsError, Stat};

/// One open file; closed at the agent when dropped.
pub struct Remote {
    calls: Arc<Calls>,
    /// The request that opened it.
    file: u64,
}

impl Remote {
    /// The file that this request opened.
    pub fn new(calls: Arc<Calls>, file: u64) -> Self {
        Self { calls, file }
    }

    async fn ask(&self, request: Request, data: &[u8], most: usize, within: Duration) -> io::Result<Answered> {
        let asked = self.calls.ask("a file on the login host", &request, data, most, within).await;
        asked.map(|(_, answered)| answered).map_err(|error| as_io(&error))
    }

    async fn piece(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let request = Request::Read { file: self.file, offset, length };
        let read = self.ask(request, &[], 0, self.calls.limits.call).await?;
        if read.bytes.len() > length {
            return Err(io::Error::other("the agent sent more than was asked for"));
        }
        Ok(read.bytes.to_vec())
    }

    async fn stat_by(&self, request: Request, within: Duration) -> io::Result<Stat> {
        match self.ask(request, &[], 0, within).await?.answer {
            Answer::Stat(stat) => Ok(stat),
            _ => Err(io::Error::other("the agent answered something else")),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.calls.cancel(self.file);
    }
}

#[async_trait]
impl FarFile for Remote {
    async fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let pieces = stream::iter((0..length).step_by(PIECE)).map(|at| {
            let want = PIECE.min(length - at);
            async move { self.piece(offset + at as u64, want).await.map(|bytes| (bytes, want)) }
        });
        let mut pieces = std::pin::pin!(pieces.buffered(PIECES_AHEAD));
        let mut all = Vec::with_capacity(length.min(PIECE * PIECES_AHEAD));
        while let Some((bytes, want)) = pieces.try_next().await? {
            all.extend_from_slice(&bytes);
            // What follows the end is nothing, whatever grew meanwhile.
            if bytes.len() < want {
                break;
            }
        }
        Ok(all)
    }

    async fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let pieces = bytes.chunks(PIECE).enumerate().map(|(nth, piece)| {
            let request = Request::Write { file: self.file, offset: offset + (nth * PIECE) as u64 };
            async move { self.ask(request, piece, 0, self.calls.limits.call).await.map(drop) }
        });
        // Collected first: a borrowed iterator of futures is not Send in all eyes.
        let pieces: Vec<_> = pieces.collect();
        stream::iter(pieces).buffer_unordered(PIECES_AHEAD).try_collect::<Vec<()>>().await.map(drop)
    }

    async fn sync(&self) -> io::Result<()> {
        self.ask(Request::Sync { file: self.file }, &[], 0, self.calls.limits.sync).await.map(drop)
    }

    async fn stat(&self) -> io::Result<Stat> {
        self.stat_by(Request::StatOpen { file: self.file }, self.calls.limits.call).await
    }

    async fn changed(&self, size: u64, within: Duration) -> io::Result<Stat> {
        let request = Request::Changed { file: self.file, size, within };
        self.stat_by(request, within.saturating_add(self.calls.limits.margin)).await
    }
}

/// The agent's refusal with its kind, so that a full disk is still one.
fn as_io(error: &HandsError) -> io::Error {
    match error {
        HandsError::File { kind, words, .. } => io::Error::new(*kind, words.clone()),
        HandsError::Lost(_) | HandsError::NotSent(_) => {
            io::Error::new(io::ErrorKind::ConnectionAborted, error.to_string())
        }
        _ => io::Error::other(error.to_string()),
    }
}
