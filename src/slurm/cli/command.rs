//! One Slurm command from start to end: arguments, a clean environment, a time limit, bounded output.
//!
//! No shell anywhere. Each command is a process group of its own, which is gone when the call is over: it ended, ran
//! into the time limit, printed too much, or the caller lost interest and dropped the future.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::slurm::SlurmError;

/// Most that a command may print: several times what 100,000 jobs take.
const MOST_OUTPUT: u64 = 128 << 20;

/// Most of its error output that is kept; the rest is read and dropped.
const MOST_ERRORS: u64 = 64 << 10;

/// Where the commands are and how long they may take.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Their folder; looked up on `PATH` when `None`.
    pub bin_dir: Option<PathBuf>,
    /// What they find in their environment, and all of it.
    pub environment: Vec<(OsString, OsString)>,
    /// Time limit of each call.
    pub timeout: Duration,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Whether its exit code was 0.
    pub ok: bool,
    /// Its standard output.
    pub stdout: String,
    /// The beginning of its standard error.
    pub stderr: String,
}

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The command's name.
    pub command: &'a str,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// More environment for this call.
    pub environment: &'a [(&'a str, &'a str)],
    /// Standard input.
    pub stdin: &'a str,
}

impl Commands {
    /// Runs a command to its end.
    pub async fn run(&self, call: Call<'_>) -> Result<Said, SlurmError> {
        let command = call.command;
        let mut child = self.spawn(&call).map_err(|error| match error.kind() {
            // Only what a person asked for makes arguments that long.
            io::ErrorKind::ArgumentListTooLong | io::ErrorKind::InvalidInput => {
                SlurmError::Refused { message: error.to_string() }
            }
            _ => SlurmError::CommandMissing { command: command.to_owned(), reason: error.to_string() },
        })?;
        let _group = Group::of(&child);
        match tokio::time::timeout(self.timeout, converse(&mut child, call.stdin)).await {
            Ok(Ok(said)) => Ok(said),
            Ok(Err(error)) => Err(SlurmError::Unexpected { command: command.to_owned(), message: error.to_string() }),
            Err(_) => Err(SlurmError::TimedOut { command: command.to_owned(), seconds: self.timeout.as_secs() }),
        }
    }

    fn spawn(&self, call: &Call<'_>) -> io::Result<Child> {
        let program = self.bin_dir.as_ref().map_or_else(|| call.command.into(), |dir| dir.join(call.command));
        Command::new(program)
            .args(&call.args)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(call.environment.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Kills the command's process group when the call is over, however it ends.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        Group(child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Usually nothing is left of it. Its number is not somebody else's yet: they are given out in turn.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn converse(child: &mut Child, input: &str) -> io::Result<Said> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that doesn't want its input closes it; what it says then is what counts.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        Ok(())
    };
    let ((), stdout, stderr) = tokio::try_join!(write, all(stdout), beginning(stderr))?;
    Ok(Said { ok: child.wait().await?.success(), stdout, stderr })
}

async fn all(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MOST_OUTPUT + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MOST_OUTPUT {
        return Err(io::Error::other(format!("more than {} MiB", MOST_OUTPUT >> 20)));
    }
    Ok(text(bytes))
}

async fn beginning(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(MOST_ERRORS).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(text(bytes))
}

/// Bytes as text without a copy where they are UTF-8, as they nearly always are.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
