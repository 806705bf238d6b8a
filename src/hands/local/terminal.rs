//! A login shell on a pseudo-terminal.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pty_process::{OwnedReadPty, OwnedWritePty, Size};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::command::{home_or_root, not_started};
use crate::hands::{HandsError, Stream, Terminal, TerminalSize};

/// What programs may expect of the browser's terminal.
const TERM: &str = "xterm-256color";

/// How long a shell has to leave after a hang-up, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Starts the shell. May block.
pub fn open(
    shell: &Path,
    home: &Path,
    environment: Vec<(OsString, OsString)>,
    size: TerminalSize,
) -> Result<Box<dyn Terminal>, HandsError> {
    let name = shell.display().to_string();
    let failed = |error: pty_process::Error| not_started(&name, &of_the_system(error));
    let (pty, pts) = pty_process::open().map_err(failed)?;
    pty.resize(Size::new(size.rows, size.columns)).map_err(failed)?;
    // By the dash before its name a shell knows that it is the first one.
    let mut called = OsString::from("-");
    called.push(shell.file_name().unwrap_or(OsStr::new("sh")));
    let command = pty_process::Command::new(shell)
        .arg0(called)
        .env_clear()
        .envs(environment)
        .env("TERM", TERM)
        .current_dir(home_or_root(home));
    let child = command.spawn(pts).map_err(failed)?;
    let (reading, writing) = pty.into_split();
    let writing = Arc::new(Mutex::new(writing));
    let stream = Both { reading, writing: writing.clone() };
    Ok(Box::new(Shell { stream: Some(stream), writing, child: Some(child) }))
}

/// The system's own error, so that its kind is not lost.
fn of_the_system(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        pty_process::Error::Rustix(error) => error.into(),
        error => io::Error::other(error.to_string()),
    }
}

/// A shell and our end of its terminal.
struct Shell {
    stream: Option<Both>,
    writing: Arc<Mutex<OwnedWritePty>>,
    child: Option<Child>,
}

#[async_trait]
impl Terminal for Shell {
    fn stream(&mut self) -> Option<Pin<Box<dyn Stream>>> {
        self.stream.take().map(|stream| Box::pin(stream) as Pin<Box<dyn Stream>>)
    }

    async fn resize(&mut self, size: TerminalSize) -> Result<(), HandsError> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let resized = writing.resize(Size::new(size.rows, size.columns));
        resized.map_err(|error| HandsError::file("/dev/ptmx", &of_the_system(error)))
    }

    async fn wait(&mut self) -> Option<i32> {
        self.child.as_mut()?.wait().await.ok()?.code()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // None when it has ended already.
        let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let Some(group) = group else { return };
        let signal = |signal| {
            let _ = kill_process_group(group, signal);
        };
        // The shell passes it on to its jobs; with its end the system tells the one in the foreground.
        signal(Signal::HUP);
        // One that is stopped hears nothing.
        signal(Signal::CONT);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if timeout(GRACE, child.wait()).await.is_err() {
                    let _ = kill_process_group(group, Signal::KILL);
                    let _ = child.wait().await;
                }
            })),
            Err(_) => signal(Signal::KILL),
        }
    }
}

/// Both ways of the bytes.
struct Both {
    reading: OwnedReadPty,
    writing: Arc<Mutex<OwnedWritePty>>,
}

impl Both {
    fn write<T>(&self, work: impl FnOnce(Pin<&mut OwnedWritePty>) -> T) -> T {
        work(Pin::new(&mut self.writing.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl AsyncRead for Both {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.reading).poll_read(cx, buf) {
            // What Linux says when nobody is at the other end any more.
            Poll::Ready(Err(error)) if Errno::from_io_error(&error) == Some(Errno::IO) => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl AsyncWrite for Both {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(|writing| writing.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(|writing| writing.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(|writing| writing.poll_shutdown(cx))
    }
}
