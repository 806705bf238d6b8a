//! Reads a piece of a job's output file.
use std::io::ErrorKind;
use std::path::Path;

use slurmdash_api::jobs::{OutputChunk, OutputQuery, OutputStream};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};

use super::JobError;

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

/// Reads a piece. A file that isn't there yet is an empty one with `exists: false`.
///
/// A piece never ends inside a UTF-8 character unless the file does. Only regular files are read, and no symbolic
/// link is followed at the end of the path: the job could have put one there.
pub async fn read(path: &Path, stream: OutputStream, range: Range) -> Result<OutputChunk, JobError> {
    let mut chunk = OutputChunk {
        stream,
        path: path.display().to_string(),
        exists: false,
        size: 0,
        offset: 0,
        end: 0,
        text: String::new(),
    };
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let mut file: File = match OpenOptions::new().read(true).custom_flags(flags).open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(chunk),
        Err(error) => return Err(JobError::Output { path: path.into(), reason: error.to_string() }),
    };
    let failed = |error: std::io::Error| JobError::Output { path: path.into(), reason: error.to_string() };
    let metadata = file.metadata().await.map_err(failed)?;
    if !metadata.is_file() {
        return Err(JobError::Output { path: path.into(), reason: "it is not a regular file".into() });
    }
    chunk.exists = true;
    chunk.size = metadata.len();
    let (offset, limit) = match range {
        Range::Tail(tail) => (chunk.size.saturating_sub(tail), tail),
        Range::From { offset, limit } => (offset.min(chunk.size), limit),
    };
    file.seek(SeekFrom::Start(offset)).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).await.map_err(failed)?;
    // A tail may begin inside a character: leave out its rest.
    let skipped = if matches!(range, Range::Tail(_)) && offset > 0 { continuation_bytes(&bytes) } else { 0 };
    let kept = whole_characters(&bytes[skipped..]);
    chunk.offset = offset + skipped as u64;
    chunk.end = chunk.offset + kept.len() as u64;
    chunk.text = String::from_utf8_lossy(kept).into_owned();
    Ok(chunk)
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

    async fn text(path: &Path, range: Range) -> (u64, u64, String) {
        let chunk = read(path, OutputStream::Stdout, range).await.unwrap();
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
        assert!(read(&link, OutputStream::Stdout, Range::Tail(1)).await.is_err());
        assert!(read(dir.path(), OutputStream::Stdout, Range::Tail(1)).await.is_err());
        assert!(!read(&dir.path().join("none"), OutputStream::Stdout, Range::Tail(1)).await.unwrap().exists);
    }
}
