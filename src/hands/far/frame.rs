//! Frames: the pieces that both ends send each other. See [`super`] for their form.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest frame after its length, bytes.
pub const MOST: usize = (1 << 20) + (64 << 10);
/// Bytes of kind, id and header length.
const FIXED: usize = 13;
/// Memory that a reader keeps while nothing comes, bytes.
const KEEP: usize = 16 << 10;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Do this.
    Request = 1,
    /// More of a request's input.
    Input = 2,
    /// End a request, close its file.
    Cancel = 3,
    /// More of an answer may come.
    Credit = 4,
    /// A part of an answer.
    Data = 16,
    /// A request is over.
    Answer = 17,
    /// The agent ends.
    Bye = 18,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Request,
            2 => Self::Input,
            3 => Self::Cancel,
            4 => Self::Credit,
            16 => Self::Data,
            17 => Self::Answer,
            18 => Self::Bye,
            _ => return None,
        })
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is for.
    pub kind: Kind,
    /// Whose it is.
    pub id: u64,
    /// JSON, or nothing.
    pub header: Bytes,
    /// Bytes after it.
    pub data: Bytes,
}

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed, or ended within a frame.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no frame.
    #[error("{0}")]
    Malformed(String),
}

impl Frame {
    /// A frame without header.
    pub fn plain(kind: Kind, id: u64, data: impl Into<Bytes>) -> Self {
        Self { kind, id, header: Bytes::new(), data: data.into() }
    }

    /// A frame with a header. Fails when it can't be written as JSON (a path that is not UTF-8).
    pub fn new(kind: Kind, id: u64, header: &impl Serialize, data: impl Into<Bytes>) -> serde_json::Result<Self> {
        Ok(Self { kind, id, header: serde_json::to_vec(header)?.into(), data: data.into() })
    }

    /// Its header's content.
    pub fn content<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        let malformed = |error| FrameError::Malformed(format!("a header of {:?} is wrong: {error}", self.kind));
        serde_json::from_slice(&self.header).map_err(malformed)
    }

    /// Bytes after the length.
    pub fn size(&self) -> usize {
        FIXED + self.header.len() + self.data.len()
    }

    /// Everything before the data. Fails when the frame is longer than [`MOST`].
    fn head(&self) -> io::Result<BytesMut> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long");
        let size = u32::try_from(self.size()).ok().filter(|_| self.size() <= MOST).ok_or_else(too_long)?;
        let header = u32::try_from(self.header.len()).map_err(|_| too_long())?;
        let mut head = BytesMut::with_capacity(4 + FIXED + self.header.len());
        head.put_u32(size);
        head.put_u8(self.kind as u8);
        head.put_u64(self.id);
        head.put_u32(header);
        head.put_slice(&self.header);
        Ok(head)
    }
}

/// Writes a frame; it may be on its way only after a flush.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut head = frame.head()?;
    if frame.data.len() <= KEEP {
        head.extend_from_slice(&frame.data);
        return stream.write_all(&head).await;
    }
    stream.write_all(&head).await?;
    stream.write_all(&frame.data).await
}

/// Reads frames.
pub struct Reader<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// Reads from a stream, of which these bytes were read before.
    pub fn new(stream: S, read: BytesMut) -> Self {
        Self { stream, buffer: read }
    }

    /// The next frame; `None` at the end. When its future is dropped, what came stays for the next call.
    pub async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            if let Some(frame) = take(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            if self.buffer.is_empty() && self.buffer.capacity() != KEEP {
                self.buffer = BytesMut::with_capacity(KEEP);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let cut_off = io::Error::from(io::ErrorKind::UnexpectedEof);
                return if self.buffer.is_empty() { Ok(None) } else { Err(cut_off.into()) };
            }
        }
    }
}

/// Takes a frame that is whole off the beginning of a buffer, or makes room for more of it.
pub fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
    let malformed = |words: String| Err(FrameError::Malformed(words));
    let Some(length) = buffer.first_chunk::<4>() else {
        buffer.reserve(KEEP);
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length) as usize;
    if !(FIXED..=MOST).contains(&length) {
        return malformed(format!("a frame of {length} bytes"));
    }
    let kind = buffer.get(4).map(|byte| (Kind::from_byte(*byte), *byte));
    let kind = match kind {
        Some((None, byte)) => return malformed(format!("a frame of unknown kind {byte}")),
        Some((Some(kind), _)) if buffer.len() >= 4 + length => kind,
        _ => {
            // Doubling, so that a frame that never comes takes no memory.
            buffer.reserve((4 + length - buffer.len()).min(buffer.len().max(KEEP)));
            return Ok(None);
        }
    };
    let mut frame = buffer.split_to(4 + length).freeze();
    frame.advance(5);
    let (id, header) = (frame.get_u64(), frame.get_u32() as usize);
    if header > frame.len() {
        return malformed("a header longer than its frame".into());
    }
    let header = frame.split_to(header);
    Ok(Some(Frame { kind, id, header, data: frame }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame() -> impl Strategy<Value = Frame> {
        use Kind::{Answer, Bye, Cancel, Credit, Data, Input, Request};
        let kind = prop::sample::select(vec![Request, Input, Cancel, Credit, Data, Answer, Bye]);
        let bytes = || prop::collection::vec(any::<u8>(), 0..3 * KEEP);
        (kind, any::<u64>(), bytes(), bytes()).prop_map(|(kind, id, header, data)| Frame {
            kind,
            id,
            header: header.into(),
            data: data.into(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is written is what is read, however it is cut on the way.
        #[test]
        fn frames_come_as_they_went(frames in prop::collection::vec(frame(), 0..4), cut in 1..5000_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut wire = Vec::new();
                for frame in &frames {
                    write(&mut wire, frame).await.unwrap();
                }
                let (mut near, far) = tokio::io::duplex(cut);
                let send = async move { near.write_all(&wire).await.unwrap() };
                let read = async {
                    let mut reader = Reader::new(far, BytesMut::new());
                    let mut read = Vec::new();
                    while let Some(frame) = reader.next().await.unwrap() {
                        read.push(frame);
                    }
                    read
                };
                let ((), read) = tokio::join!(send, read);
                assert_eq!(read, frames);
            });
        }

        /// Any bytes are frames, the beginning of one, or refused: no panic, and no memory for what is not there.
        #[test]
        fn rubbish_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), small in any::<bool>()) {
            let mut buffer = BytesMut::from(&bytes[..]);
            if small && buffer.len() > 4 {
                buffer[..4].copy_from_slice(&[0, 0, 0, bytes[0]]);
            }
            while let Ok(Some(frame)) = take(&mut buffer) {
                prop_assert!(frame.size() <= bytes.len());
            }
            prop_assert!(buffer.capacity() <= 4 * KEEP);
        }
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_is_not_written() {
        let frame = Frame::plain(Kind::Data, 1, vec![0; MOST]);
        assert_eq!(write(&mut Vec::new(), &frame).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_no_end() {
        let mut wire = Vec::new();
        write(&mut wire, &Frame::plain(Kind::Data, 1, &b"abc"[..])).await.unwrap();
        let mut reader = Reader::new(&wire[..wire.len() - 1], BytesMut::new());
        assert!(matches!(reader.next().await, Err(FrameError::Io(_))));
    }
}
