//! Why an upload could not be begun, gone on with or ended.
use std::io;
use std::path::PathBuf;

use slurmdash_api::problem::FieldProblem;

use super::MAX_OPEN;
use crate::hands::HandsError;
use crate::random::NoRandomness;
use crate::store::StoreError;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Fields of the request are wrong.
    #[error("{}", .0.iter().map(|p| format!("{} {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldProblem>),
    /// The upload would be somebody else's.
    #[error("uploads can be started for yourself only: user_id is not your id or account name")]
    NotYours,
    /// The job folder is somebody else's.
    #[error("the job folder {0} belongs to somebody else; choose another job_id")]
    FolderTaken(String),
    /// The file is too large.
    #[error("File size exceeds maximum")]
    TooLarge {
        /// The file's size, bytes.
        size: u64,
        /// The limit, bytes.
        max: u64,
    },
    /// The disk or the person's quota can't hold it.
    #[error("there is no room for {needed} more bytes; {free} are free once the uploads under way are complete")]
    NoSpace {
        /// The file's size, bytes.
        needed: u64,
        /// What is left, bytes.
        free: u64,
    },
    /// The disk or quota became full while a chunk was written.
    #[error("the disk or your quota is full; the chunks sent so far are kept, make room and go on")]
    DiskFull,
    /// Too many open uploads.
    #[error("you have {MAX_OPEN} unfinished uploads; finish or delete some first")]
    TooManyOpen,
    /// A file of that name is there.
    #[error("a file named {0:?} is already there; delete it, choose another name, or set overwrite")]
    NameTaken(String),
    /// There is no such upload, or it is somebody else's.
    #[error("there is no upload {0}")]
    NotFound(String),
    /// The chunk's number is beyond the file's end.
    #[error("there is no chunk {index}: the file has {total} chunks, numbered from 0")]
    NoSuchChunk {
        /// The number.
        index: u32,
        /// Chunks there are.
        total: u32,
    },
    /// The chunk has more or fewer bytes than its place.
    #[error("chunk {index} must have {expected} bytes, but {received}{} came; it was not counted", if *received > *expected { " or more" } else { "" })]
    WrongLength {
        /// The chunk.
        index: u32,
        /// Bytes of its place.
        expected: u64,
        /// Bytes that came, at least.
        received: u64,
    },
    /// The chunk is not what its sender meant.
    #[error("chunk {index} does not have the checksum that came with it; it was not counted, send it again")]
    WrongChecksum {
        /// The chunk.
        index: u32,
    },
    /// Chunks are missing.
    #[error("{total} {} still to be sent", if *total == 1 { "chunk is" } else { "chunks are" })]
    Missing {
        /// The first of them.
        chunks: Vec<u32>,
        /// How many there are.
        total: u32,
    },
    /// The upload is not complete yet.
    #[error("the upload {0} is not complete yet")]
    NotFinished(String),
    /// The bytes were removed by somebody else.
    #[error("the file of upload {0} is gone or was replaced; upload it again")]
    BytesGone(String),
    /// Another chunk of the file failed, and with it what was not on disk yet.
    #[error("the file had to be opened again while this chunk was written; it was not counted, send it again")]
    Interrupted,
    /// The person's home folder is not there.
    #[error("your home folder {} is not there; ask an administrator of the cluster", .0.display())]
    NoHome(PathBuf),
    /// The folder of everybody's uploads is not there.
    #[error("the folder of uploads {} is not there or you may not enter it; ask an administrator of the cluster", .0.display())]
    NoFolder(PathBuf),
    /// The person may not do that there.
    #[error("you may not {what}: {}: {words}", .path.display())]
    Denied {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        words: String,
    },
    /// Something else than a folder or a file is where one has to be.
    #[error("can't {what}: {}: {words}; move what is there out of the way", .path.display())]
    InTheWay {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What is there.
        words: String,
    },
    /// The disk failed.
    #[error("can't {what}: {source}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// Nothing can be done as that person.
    #[error(transparent)]
    Hands(HandsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The program is stopping.
    #[error("the server is stopping; send the chunk again in a moment")]
    Stopping,
}

impl UploadError {
    /// Turns what the person's hands say into words.
    pub(super) fn hands(what: &'static str) -> impl Fn(HandsError) -> Self {
        use io::ErrorKind as Kind;
        move |error| match error {
            HandsError::File { path, kind, words } => match kind {
                Kind::StorageFull | Kind::QuotaExceeded => Self::DiskFull,
                Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied { what, path, words },
                // `InvalidInput` is how a link is called where none is followed.
                Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidInput => Self::InTheWay { what, path, words },
                _ => Self::Disk { what, source: io::Error::new(kind, format!("{}: {words}", path.display())) },
            },
            other => Self::Hands(other),
        }
    }

    /// Turns what an open file says into words.
    pub(super) fn file(what: &'static str) -> impl Fn(io::Error) -> Self {
        use io::ErrorKind as Kind;
        move |source| match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::DiskFull,
            Kind::StaleNetworkFileHandle => Self::Interrupted,
            Kind::BrokenPipe
            | Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::NotConnected
            | Kind::TimedOut
            | Kind::UnexpectedEof => Self::Hands(HandsError::Lost(source.to_string())),
            _ => Self::Disk { what, source },
        }
    }
}
