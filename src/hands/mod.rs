//! The person's hands: what is done as one Unix user, wherever that is done.
//!
//! One trait, [`Hands`]: run a command, read, write, list, open, follow a growing file, open a terminal. Whoever acts
//! for a person gets a `&dyn Hands` and can't act as anybody else. [`local`] does it as the user this program runs as
//! (demo, tests, a person's own computer); [`far`] does it through an agent at the other end of an SSH connection that
//! was made as that user ([`crate::ssh`]). Both pass the contract tests in `tests/it/hands_contract.rs`.
//!
//! Nobody here judges whether a person may do something: the operating system does, because it is that person who asks.

pub mod far;
pub mod local;
mod open;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

pub use open::{FarFile, OpenFile};

/// A Unix user as the host's own lists know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixUser {
    /// Login.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Number of the first group.
    pub gid: u32,
    /// Home folder.
    pub home: PathBuf,
}

/// What can be done as one Unix user.
///
/// Every call ends by itself or with its future: dropping it ends what it started on the far side as well.
/// Calls may run side by side.
#[async_trait]
pub trait Hands: Send + Sync + 'static {
    /// Whose hands these are.
    fn user(&self) -> &UnixUser;

    /// Runs a command to its end, in a process group of its own that is gone when the call is over.
    async fn run(&self, command: &Command) -> Result<Output, HandsError>;

    /// Opens a login shell on a pseudo-terminal.
    async fn terminal(&self, size: TerminalSize) -> Result<Box<dyn Terminal>, HandsError>;

    /// What is at a place, links not followed; `None` when nothing is.
    async fn stat(&self, place: &Place) -> Result<Option<Stat>, HandsError>;

    /// A page of a folder's entries by name (byte order), beginning after `after`. A page is of 1 to 10,000 entries,
    /// whatever `limit` says.
    async fn list(&self, folder: &Place, after: Option<&str>, limit: usize) -> Result<Listing, HandsError>;

    /// Opens a regular file. Nothing else is opened, so no device or pipe can make anybody wait.
    async fn open(&self, place: &Place, how: OpenHow) -> Result<OpenFile, HandsError>;

    /// Makes a folder and those above it that are missing, each with mode 0700. Below a root, folders that are there
    /// already must be this person's own.
    async fn make_folder(&self, place: &Place) -> Result<(), HandsError>;

    /// Gives a file or folder another name; both places must be in one folder tree. Without `overwrite` whatever has
    /// the name stays, and the answer is [`io::ErrorKind::AlreadyExists`]. The new name is on disk when this answers.
    async fn rename(&self, from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError>;

    /// Removes a file, a link or an empty folder; what is not there is as good as removed. It is gone from the disk
    /// when this answers.
    async fn remove(&self, place: &Place) -> Result<(), HandsError>;

    /// Room on the file system of a place.
    async fn space(&self, place: &Place) -> Result<Space, HandsError>;
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// An absolute path. Links on the way are followed; one at its end is not.
    At(PathBuf),
    /// A relative path of plain names below an absolute root. Links below the root are not followed at all.
    Below {
        /// The root; links on the way to it are followed.
        root: PathBuf,
        /// The way from there, without `..`.
        path: PathBuf,
    },
}

impl Place {
    /// An absolute path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::At(path.into())
    }

    /// A path below a root.
    pub fn below(root: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Self {
        Self::Below { root: root.into(), path: path.into() }
    }

    /// The whole path.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::At(path) => path.clone(),
            Self::Below { root, path } => root.join(path),
        }
    }

    /// The same place with one more name.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        match self {
            Self::At(path) => Self::At(path.join(name)),
            Self::Below { root, path } => Self::Below { root: root.clone(), path: path.join(name) },
        }
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpenHow {
    /// To read.
    Read,
    /// To read and write; it must be there.
    Write,
    /// To read and write; it must not be there. Mode 0600; its name is on disk when this answers.
    Create,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Kind.
    pub kind: Kind,
    /// Size, bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner's number.
    pub uid: u32,
    /// Group's number.
    pub gid: u32,
    /// Last change of the content, Unix seconds.
    pub modified: i64,
    /// Inode.
    pub inode: u64,
}

/// Kinds of things in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

/// One page of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Entries by name. Names that are not UTF-8 come with U+FFFD in their place and can't be opened; several that look
    /// the same then come as one.
    pub entries: Vec<Entry>,
    /// Whether more follow the last one.
    pub more: bool,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name.
    pub name: String,
    /// What it is; `None` when it went away meanwhile.
    pub stat: Option<Stat>,
}

/// Room on a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Free for this person; the quota counts where there is one.
    pub free: u64,
    /// Size.
    pub total: u64,
    /// The person's quota here, when the system tells one: used and allowed.
    pub quota: Option<(u64, u64)>,
}

/// A command: no shell anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its name, looked up on the person's `PATH`, or its absolute path.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it finds in its environment besides `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `LANG` and `TZ`.
    pub environment: Vec<(String, String)>,
    /// Working directory, an absolute path. When `None`, the home folder, or `/` where there is none.
    pub folder: Option<PathBuf>,
    /// Standard input.
    pub input: Vec<u8>,
    /// Most bytes it may print on standard output; of standard error the first 64 KiB are kept.
    pub most_output: u64,
    /// Time limit.
    pub within: Duration,
}

impl Command {
    /// A command without arguments, input or further environment: at most 10 s and 1 MiB of output.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: Vec::new(),
            folder: None,
            input: Vec::new(),
            most_output: 1 << 20,
            within: Duration::from_secs(10),
        }
    }

    /// With these arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The program's name for people.
    pub fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }
}

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// The beginning of standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether its exit code was 0.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }
}

/// A terminal's size, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// An open terminal; dropping it hangs up.
#[async_trait]
pub trait Terminal: Send {
    /// Both ways of its bytes, once.
    fn stream(&mut self) -> Option<Pin<Box<dyn Stream>>>;
    /// Tells what runs in it that its size has changed.
    async fn resize(&mut self, size: TerminalSize) -> Result<(), HandsError>;
    /// Waits for the shell's end; its exit code.
    async fn wait(&mut self) -> Option<i32>;
}

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandsError {
    /// There is no such Unix user.
    #[error("there is no Unix user {0} on the cluster; ask an administrator which one is yours")]
    NoUser(String),
    /// The account stands for no Unix user.
    #[error(
        "the account {0} stands for no Unix user of the cluster; an administrator names one: slurmdash user set-unix {0} LOGIN"
    )]
    NoAccount(String),
    /// Nobody acts as this user.
    #[error("nothing is ever done as the Unix user {user}: {reason}")]
    NotAllowed {
        /// Login.
        user: String,
        /// Why.
        reason: String,
    },
    /// The login host can't be reached.
    #[error("the login host {host} can't be reached: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The login host is not the one that is known.
    #[error("the login host {host} is not trusted: {reason}")]
    HostKey {
        /// Host and port.
        host: String,
        /// What is wrong with its key, and what an administrator does about it.
        reason: String,
    },
    /// The login host does not let the person in.
    #[error("the login host {host} does not let {user} in: {reason}")]
    LoginRefused {
        /// Host and port.
        host: String,
        /// Login.
        user: String,
        /// What to look at.
        reason: String,
    },
    /// The connection was lost before it was asked for: nothing was done, and it may be asked again.
    #[error("the connection to the login host was lost before anything was done: {0}")]
    NotSent(String),
    /// The connection was lost while something was under way: whether it was done is not known.
    #[error("the connection to the login host was lost: {0}")]
    Lost(String),
    /// There are too many people at once.
    #[error("too many people use the login host through this server at once; try again in a moment")]
    Busy,
    /// The agent can't be had on the far side.
    #[error("slurmdash can't work on the login host as {user}: {reason}")]
    NoAgent {
        /// Login.
        user: String,
        /// Why, and what helps.
        reason: String,
    },
    /// The agent said something that makes no sense; the connection was closed.
    #[error("the agent on the login host does not keep to the protocol ({0}); the connection was closed")]
    Protocol(String),
    /// It took too long, and was ended.
    #[error("{what} gave no answer within {seconds} s")]
    TimedOut {
        /// The command or call.
        what: String,
        /// The time limit.
        seconds: u64,
    },
    /// A command printed too much, and was ended.
    #[error("{what} printed more than {most} bytes")]
    TooMuch {
        /// The command.
        what: String,
        /// The limit, bytes.
        most: u64,
    },
    /// A command can't be started.
    #[error("{command} can't be started: {words}")]
    NotStarted {
        /// The command.
        command: String,
        /// What kind of failure.
        #[doc(hidden)]
        kind: io::ErrorKind,
        /// The system's words.
        words: String,
    },
    /// The operating system said no.
    #[error("{path}: {words}")]
    File {
        /// Where.
        path: PathBuf,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// The system's words.
        words: String,
    },
}

impl HandsError {
    /// What the operating system said of a path.
    pub fn file(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::File { path: path.into(), kind: error.kind(), words: words_of(error) }
    }

    /// Whether it may have been done all the same: the way there broke, not the thing itself.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Protocol(_) | Self::TimedOut { .. } | Self::TooMuch { .. })
    }

    /// What kind of failure the operating system reported, when it was that.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::File { kind, .. } | Self::NotStarted { kind, .. } => Some(*kind),
            _ => None,
        }
    }
}

/// An error's words without the number that Rust adds.
pub(crate) fn words_of(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_owned()
}
