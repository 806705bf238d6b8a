//! What is asked and answered: the headers of frames.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hands::{Command, HandsError, OpenHow, Place, Space, Stat};

/// Longest text that is taken from an agent, characters.
const MOST_WORDS: usize = 2000;

/// What is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Run a command. Data: its standard output; bytes of the answer: the beginning of its standard error.
    Run(Run),
    /// What is at a place?
    Stat(Place),
    /// A page of a folder. Data: [`Listing`](crate::hands::Listing) as JSON.
    List {
        /// Which.
        folder: Place,
        /// The entry before the first.
        after: Option<String>,
        /// Most entries.
        limit: usize,
    },
    /// Open a file.
    Open {
        /// Which.
        place: Place,
        /// How.
        how: OpenHow,
    },
    /// Make a folder.
    MakeFolder(Place),
    /// Rename something.
    Rename {
        /// What.
        from: Place,
        /// To what.
        to: Place,
        /// Even over something.
        overwrite: bool,
    },
    /// Remove something.
    Remove(Place),
    /// How much room is there?
    Space(Place),
    /// Read of an open file; the bytes are the answer's.
    Read {
        /// The request that opened it.
        file: u64,
        /// From here.
        offset: u64,
        /// So much, at most [`PIECE`](super::PIECE).
        length: usize,
    },
    /// Write the request's bytes, at most [`PIECE`](super::PIECE), to an open file.
    Write {
        /// The request that opened it.
        file: u64,
        /// To here.
        offset: u64,
    },
    /// Wait until an open file is on disk.
    Sync {
        /// The request that opened it.
        file: u64,
    },
    /// What is an open file?
    StatOpen {
        /// The request that opened it.
        file: u64,
    },
    /// Wait until an open file's size differs from this.
    Changed {
        /// The request that opened it.
        file: u64,
        /// The size.
        size: u64,
        /// So long at most.
        within: Duration,
    },
}

/// A command without its input, which is the request's bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
    most_output: u64,
    within: Duration,
    /// How much input there is, bytes.
    pub input: usize,
}

impl Run {
    /// What is sent of a command.
    pub fn new(command: &Command) -> Self {
        Self {
            program: command.program.clone(),
            args: command.args.clone(),
            environment: command.environment.clone(),
            folder: command.folder.clone(),
            most_output: command.most_output,
            within: command.within,
            input: command.input.len(),
        }
    }

    /// The command again.
    pub fn with(self, input: Vec<u8>) -> Command {
        let Self { program, args, environment, folder, most_output, within, input: _ } = self;
        Command { program, args, environment, folder, input, most_output, within }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It was done, and there is nothing to say.
    Done,
    /// The command ended.
    Ended {
        /// Exit code.
        code: Option<i32>,
        /// Signal.
        signal: Option<i32>,
    },
    /// What is at the place.
    Found(Option<Stat>),
    /// What the open file is.
    Stat(Stat),
    /// How much room there is.
    Space(Space),
    /// The file is open.
    Opened {
        /// Whether it was sent over the socket and is not the agent's any more.
        descriptor: bool,
    },
    /// It was broken off.
    Cancelled,
    /// It was not done.
    Refused(Refusal),
}

/// Why something was not done. The kinds of failure are words of [`KINDS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// [`HandsError::TimedOut`]
    TimedOut {
        /// What.
        what: String,
        /// The limit.
        seconds: u64,
    },
    /// [`HandsError::TooMuch`]
    TooMuch {
        /// What.
        what: String,
        /// The limit, bytes.
        most: u64,
    },
    /// [`HandsError::NotStarted`]
    NotStarted {
        /// What.
        command: String,
        /// The kind of failure.
        kind: String,
        /// The system's words.
        words: String,
    },
    /// [`HandsError::File`]
    File {
        /// Where.
        path: PathBuf,
        /// The kind of failure.
        kind: String,
        /// The system's words.
        words: String,
    },
    /// Anything else.
    Other(String),
}

/// Kinds of failure that keep their meaning on the way.
const KINDS: [(&str, io::ErrorKind); 26] = {
    use io::ErrorKind as Kind;
    [
        ("not-found", Kind::NotFound),
        ("permission-denied", Kind::PermissionDenied),
        ("already-exists", Kind::AlreadyExists),
        ("not-a-directory", Kind::NotADirectory),
        ("is-a-directory", Kind::IsADirectory),
        ("directory-not-empty", Kind::DirectoryNotEmpty),
        ("read-only", Kind::ReadOnlyFilesystem),
        ("stale-handle", Kind::StaleNetworkFileHandle),
        ("invalid-input", Kind::InvalidInput),
        ("invalid-data", Kind::InvalidData),
        ("invalid-filename", Kind::InvalidFilename),
        ("timed-out", Kind::TimedOut),
        ("storage-full", Kind::StorageFull),
        ("quota-exceeded", Kind::QuotaExceeded),
        ("file-too-large", Kind::FileTooLarge),
        ("resource-busy", Kind::ResourceBusy),
        ("executable-busy", Kind::ExecutableFileBusy),
        ("crosses-devices", Kind::CrossesDevices),
        ("too-many-links", Kind::TooManyLinks),
        ("argument-list-too-long", Kind::ArgumentListTooLong),
        ("interrupted", Kind::Interrupted),
        ("unsupported", Kind::Unsupported),
        ("unexpected-end", Kind::UnexpectedEof),
        ("out-of-memory", Kind::OutOfMemory),
        ("would-block", Kind::WouldBlock),
        ("broken-pipe", Kind::BrokenPipe),
    ]
};

fn name_of(kind: io::ErrorKind) -> String {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("other", |(name, _)| name).to_owned()
}

fn kind_of(name: &str) -> io::ErrorKind {
    KINDS.iter().find(|(known, _)| *known == name).map_or(io::ErrorKind::Other, |(_, kind)| *kind)
}

impl From<HandsError> for Refusal {
    fn from(error: HandsError) -> Self {
        match error {
            HandsError::TimedOut { what, seconds } => Self::TimedOut { what, seconds },
            HandsError::TooMuch { what, most } => Self::TooMuch { what, most },
            HandsError::NotStarted { command, kind, words } => Self::NotStarted { command, kind: name_of(kind), words },
            // A path that JSON can't hold is told as well as it can be.
            HandsError::File { path, kind, words } => {
                Self::File { path: path.to_string_lossy().into_owned().into(), kind: name_of(kind), words }
            }
            other => Self::Other(other.to_string()),
        }
    }
}

impl Refusal {
    /// The error that it stands for, for the asker `user`.
    pub fn into_error(self, user: &str) -> HandsError {
        match self {
            Self::TimedOut { what, seconds } => HandsError::TimedOut { what: plain(&what), seconds },
            Self::TooMuch { what, most } => HandsError::TooMuch { what: plain(&what), most },
            Self::NotStarted { command, kind, words } => {
                HandsError::NotStarted { command: plain(&command), kind: kind_of(&kind), words: plain(&words) }
            }
            Self::File { path, kind, words } => HandsError::File {
                path: plain(&path.to_string_lossy()).into(),
                kind: kind_of(&kind),
                words: plain(&words),
            },
            Self::Other(reason) => HandsError::NotAllowed { user: user.to_owned(), reason: plain(&reason) },
        }
    }
}

/// An agent's words as they may be shown: of bounded length, without control characters.
pub fn plain(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control()).take(MOST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_meaning() {
        let errors = [
            HandsError::TimedOut { what: "sbatch".into(), seconds: 3 },
            HandsError::TooMuch { what: "sbatch".into(), most: 3 },
            HandsError::NotStarted { command: "x".into(), kind: io::ErrorKind::NotFound, words: "no".into() },
            HandsError::File { path: "/a b".into(), kind: io::ErrorKind::QuotaExceeded, words: "no".into() },
        ];
        for error in errors {
            let json = serde_json::to_string(&Refusal::from(error.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap().into_error("ada"), error);
        }
    }

    #[test]
    fn an_agents_words_are_short_and_plain() {
        let words = "\u{1b}[31mred\n".repeat(1000);
        let refusal = Refusal::File { path: words.clone().into(), kind: words.clone(), words };
        let error = refusal.into_error("ada").to_string();
        assert!(error.len() < 3 * MOST_WORDS && !error.contains(char::is_control), "{}", error.len());
    }
}
