//! One command from start to end: arguments, a clean environment, a time limit, bounded output.
//!
//! No shell anywhere. Each command is a process group of its own, which is gone when the call is over: it ended, ran
//! into the time limit, printed too much, or the caller lost interest and dropped the future.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::time::timeout;

use super::blocking;
use crate::hands::{Command, HandsError, Output};

/// Most of a command's error output that is kept; the rest is read and dropped.
const MOST_ERRORS: u64 = 64 << 10;

/// Runs a command to its end, with `environment` and what the command has of its own, and nothing else.
pub(crate) async fn run(
    environment: &[(OsString, OsString)],
    home: &Path,
    mut command: Command,
) -> Result<Output, HandsError> {
    let (name, within, most) = (command.name(), command.within, command.most_output);
    let prepared = prepare(environment, &command)?;
    let (folder, home, input) = (command.folder.take(), home.to_owned(), std::mem::take(&mut command.input));
    let call = async {
        let started = name.clone();
        let mut running = blocking(move || start(prepared, &started, folder.as_deref(), &home)).await?;
        converse(&mut running.child, &name, &input, most).await
    };
    match timeout(within, call).await {
        Ok(said) => said,
        Err(_) => Err(HandsError::TimedOut { what: name.clone(), seconds: within.as_secs() }),
    }
}

fn prepare(environment: &[(OsString, OsString)], command: &Command) -> Result<tokio::process::Command, HandsError> {
    let wrong = |words: &str| not_started(&command.name(), &io::Error::new(io::ErrorKind::InvalidInput, words));
    if command.program.is_empty() || (!is_absolute(command) && command.program.as_bytes().contains(&b'/')) {
        return Err(wrong("a command is a plain name or an absolute path"));
    }
    if command.environment.iter().any(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(wrong("an environment variable's name is empty or holds = or NUL"));
    }
    let mut prepared = tokio::process::Command::new(&command.program);
    prepared
        .args(&command.args)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .envs(command.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(prepared)
}

fn is_absolute(command: &Command) -> bool {
    Path::new(&command.program).is_absolute()
}

/// Starts it. A file system that hangs may block it, so this is for a thread that may block.
fn start(
    mut command: tokio::process::Command,
    name: &str,
    folder: Option<&Path>,
    home: &Path,
) -> Result<Running, HandsError> {
    if let Some(folder) = folder.filter(|folder| !folder.is_absolute()) {
        let relative = io::Error::new(io::ErrorKind::InvalidInput, "the working directory is not an absolute path");
        return Err(HandsError::file(folder, &relative));
    }
    match folder {
        Some(folder) => command.current_dir(folder),
        None => command.current_dir(home_or_root(home)),
    };
    let child = command.spawn().map_err(|error| {
        // The system doesn't say which of them it could not find or enter.
        let entered = folder.map_or(Ok(()), |folder| enter(folder).map_err(|why| (folder, why)));
        entered.map_or_else(|(folder, why)| HandsError::file(folder, &why), |()| not_started(name, &error))
    })?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    Ok(Running { child, group })
}

/// The home folder, or `/` where that is missing or somebody else's: much can be done without one.
pub(super) fn home_or_root(home: &Path) -> &Path {
    if enter(home).is_ok() { home } else { Path::new("/") }
}

/// Whether a folder can be worked in.
fn enter(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder.join("."), Access::EXEC_OK)?)
}

/// Why a program is not running.
pub(super) fn not_started(command: &str, error: &io::Error) -> HandsError {
    HandsError::NotStarted { command: command.to_owned(), kind: error.kind(), words: crate::hands::words_of(error) }
}

/// A command under way. Dropping it kills its process group.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Usually nothing is left of it. Its number is not somebody else's yet: they are given out in turn.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn converse(child: &mut Child, name: &str, input: &[u8], most: u64) -> Result<Output, HandsError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let broken = |error: io::Error| HandsError::file(name, &error);
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that doesn't want its input closes it; what it says then is what counts.
            let _ = stdin.write_all(input).await;
        }
        Ok(())
    };
    let read = async {
        let stdout = all(stdout, most).await.map_err(broken)?;
        stdout.ok_or_else(|| HandsError::TooMuch { what: name.to_owned(), most })
    };
    let errors = async { beginning(stderr).await.map_err(broken) };
    let ((), stdout, stderr) = tokio::try_join!(write, read, errors)?;
    let status = child.wait().await.map_err(broken)?;
    Ok(Output { code: status.code(), signal: status.signal(), stdout, stderr })
}

/// All that comes; `None` when it is more than `most` bytes.
async fn all(stream: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    }
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

async fn beginning(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(MOST_ERRORS).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}
