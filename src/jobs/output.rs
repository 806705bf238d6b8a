//! Reads a job's output file as the person who asks: the operating system says whether they may.
use std::io::ErrorKind;
use std::path::Path;

use slurmdash_api::jobs::{OutputChunk, OutputQuery, OutputStream};

use super::JobError;
use crate::hands::{Hands, HandsError, OpenFile, OpenHow, Place};

/// Most bytes in one answer.
pub const MAX_PIECE: u64 = 1 << 20;
/// Bytes from the end when nothing is asked for.
const DEFAULT_TAIL: u64 = 64 * 1024;

/// Which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The last so many.
    Tail(u64),
    /// From a position on.
    From {
        /// First byte.
        offset: u64,
        /// How many at most.
        limit: u64,
    },
}

impl Range {
    /// The range a query asks for, bounded.
    pub fn of(query: &OutputQuery) -> Result<Self, JobError> {
        match (query.tail, query.offset) {
            (Some(_), Some(_)) => Err(JobError::invalid("tail", "give either tail or offset, not both")),
            (Some(tail), None) => Ok(Self::Tail(tail.min(MAX_PIECE))),
            (None, Some(offset)) => {
                Ok(Self::From { offset, limit: query.limit.unwrap_or(DEFAULT_TAIL).clamp(4, MAX_PIECE) })
            }
            (None, None) => Ok(Self::Tail(query.limit.unwrap_or(DEFAULT_TAIL).clamp(4, MAX_PIECE))),
        }
    }
}

/// Opens an output file; `None` when it isn't there yet.
///
/// Only regular files are opened, and no symbolic link is followed at the end of the path: the job could have put one
/// there.
pub async fn open(hands: &dyn Hands, path: &Path) -> Result<Option<OpenFile>, HandsError> {
    match hands.open(&Place::at(path), OpenHow::Read).await {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == Some(ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the file and reads a piece. A file that isn't there yet is an empty one with `exists: false`.
pub async fn read(hands: &dyn Hands, path: &Path, stream: OutputStream, range: Range) -> Result<OutputChunk, JobError> {
    match open(hands, path).await? {
        Some(file) => piece(&file, path, stream, range).await,
        None => Ok(nothing(path, stream)),
    }
}

/// A file that isn't there yet.
pub fn nothing(path: &Path, stream: OutputStream) -> OutputChunk {
    let path = path.display().to_string();
    OutputChunk { stream, path, exists: false, size: 0, offset: 0, end: 0, text: String::new() }
}

/// Reads a piece of an open file. It never ends inside a UTF-8 character unless the file does.
pub async fn piece(file: &OpenFile, path: &Path, stream: OutputStream, range: Range) -> Result<OutputChunk, JobError> {
    let failed = |error: std::io::Error| JobError::from(HandsError::file(path, &error));
    let size = file.stat().await.map_err(failed)?.size;
    let (offset, limit) = match range {
        Range::Tail(tail) => (size.saturating_sub(tail), tail),
        Range::From { offset, limit } => (offset.min(size), limit),
    };
    let limit = usize::try_from(limit.min(size - offset)).unwrap_or(usize::MAX);
    let bytes = file.read_at(offset, limit).await.map_err(failed)?;
    // A tail may begin inside a character: leave out its rest.
    let skipped = if matches!(range, Range::Tail(_)) && offset > 0 { continuation_bytes(&bytes) } else { 0 };
    let kept = whole_characters(&bytes[skipped..]);
    let offset = offset + skipped as u64;
    Ok(OutputChunk {
        exists: true,
        size,
        offset,
        end: offset + kept.len() as u64,
        text: String::from_utf8_lossy(kept).into_owned(),
        ..nothing(path, stream)
    })
}

fn continuation_bytes(bytes: &[u8]) -> usize {
    bytes.iter().take(3).take_while(|byte| *byte & 0xC0 == 0x80).count()
}

/// Without a character at the end whose last bytes are still to come.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => break,
        };
        if length > back {
            return &bytes[..bytes.len() - back];
        }
        break;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hands::local::Local;

    async fn text(path: &Path, range: Range) -> (u64, u64, String) {
        let chunk = read(&Local::own([]), path, OutputStream::Stdout, range).await.unwrap();
        (chunk.offset, chunk.end, chunk.text)
    }

    #[tokio::test]
    async fn pieces_are_whole_characters_and_join_to_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let whole = "a한글é🙂 end";
        std::fs::write(&path, whole).unwrap();
        let (mut joined, mut offset) = (String::new(), 0);
        while offset < whole.len() as u64 {
            let (begin, end, piece) = text(&path, Range::From { offset, limit: 4 }).await;
            assert_eq!(begin, offset);
            assert!(end > offset, "no progress at {offset}");
            joined.push_str(&piece);
            offset = end;
        }
        assert_eq!(joined, whole);
        assert_eq!(text(&path, Range::Tail(6)).await.2, " end", "the tail begins inside a character");
        assert_eq!(text(&path, Range::From { offset: 999, limit: 4 }).await.2, "");
    }

    #[tokio::test]
    async fn rubbish_is_shown_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        std::fs::write(&path, b"\xff\xfe ok \x80").unwrap();
        assert_eq!(text(&path, Range::Tail(100)).await.2, "\u{fffd}\u{fffd} ok \u{fffd}");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let hands = Local::own([]);
        assert!(read(&hands, &link, OutputStream::Stdout, Range::Tail(1)).await.is_err());
        assert!(read(&hands, dir.path(), OutputStream::Stdout, Range::Tail(1)).await.is_err());
        let none = read(&hands, &dir.path().join("none"), OutputStream::Stdout, Range::Tail(1)).await.unwrap();
        assert!(!none.exists);
    }
}
