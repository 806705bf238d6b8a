//! A line to the far end: ssh as a child process, lines in and out, none of it without an end in time.
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::way::Way;
use crate::host::HostError;
use crate::reach::serve::MAX_LINE;

/// How long ssh has for its last words.
const GOODBYE: Duration = Duration::from_secs(2);
/// The last of what ssh complains about, bytes.
const COMPLAINT: usize = 16 << 10;

/// How a line ended that was needed still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The other end is gone, or ssh.
    Gone,
    /// It took too long.
    TimedOut,
    /// What comes is longer than any answer.
    Endless,
}

/// An open line. Whoever drops it closes it.
pub struct Line {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    come: Vec<u8>,
    /// So many of them have no line's end.
    searched: usize,
    complaint: Vec<u8>,
}

impl Line {
    /// Starts ssh with a command for the other host.
    pub fn open(way: &Way, command: &str) -> Result<Self, HostError> {
        let mut ssh = Command::new("ssh");
        // In a group of its own: a Ctrl-C at the terminal is the installer's to judge.
        ssh.args(way.arguments()).arg(command).process_group(0);
        // A jump host's questions, to which BatchMode does not reach, are answered with no instead of waited for.
        ssh.env("SSH_ASKPASS_REQUIRE", "force").env("SSH_ASKPASS", "/bin/false");
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ssh.spawn().map_err(|error| HostError::NotStarted {
            program: String::from("ssh"),
            error: format!("{error}; it comes with the package openssh-client (openssh-clients)"),
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let line = Self { child, stdin, stdout, stderr, come: Vec::new(), searched: 0, complaint: Vec::new() };
        let at_once = line.fds().into_iter().try_for_each(|(fd, _)| rustix::io::ioctl_fionbio(fd, true));
        at_once.map_err(|error| HostError::NotStarted { program: "ssh".into(), error: error.to_string() })?;
        Ok(line)
    }

    fn fds(&self) -> Vec<(rustix::fd::BorrowedFd<'_>, PollFlags)> {
        let stdout = self.stdout.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN));
        let stderr = self.stderr.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::IN));
        let stdin = self.stdin.as_ref().map(|pipe| (pipe.as_fd(), PollFlags::OUT));
        [stdout, stderr, stdin].into_iter().flatten().collect()
    }

    /// Whether nothing has come. Where nothing was asked, nothing comes but the end.
    pub fn is_quiet(&self) -> bool {
        let Some(stdout) = &self.stdout else { return false };
        let mut polled = [PollFd::new(stdout, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        self.come.is_empty() && poll(&mut polled, Some(&at_once)).is_ok_and(|ready| ready == 0)
    }

    /// Sends all of it.
    pub fn send(&mut self, mut words: &[u8], deadline: Instant) -> Result<(), Broken> {
        while !words.is_empty() {
            self.hear()?;
            let Some(stdin) = &mut self.stdin else { return Err(Broken::Gone) };
            match stdin.write(words) {
                Ok(count) => words = &words[count..],
                Err(error) if is_later(&error) => self.wait(true, deadline)?,
                Err(_) => return Err(Broken::Gone),
            }
        }
        Ok(())
    }

    /// The next line, without its end.
    pub fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, Broken> {
        loop {
            if let Some(end) = self.come[self.searched..].iter().position(|&byte| byte == b'\n') {
                let rest = self.come.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.come, rest);
                self.searched = 0;
                line.pop();
                return Ok(line);
            }
            self.searched = self.come.len();
            if self.come.len() > MAX_LINE {
                return Err(Broken::Endless);
            }
            if self.stdout.is_none() {
                return Err(Broken::Gone);
            }
            self.hear()?;
            if self.searched == self.come.len() && self.stdout.is_some() {
                self.wait(false, deadline)?;
            }
        }
    }

    /// Takes what is there, without waiting.
    fn hear(&mut self) -> Result<(), Broken> {
        drain(&mut self.stdout, &mut self.come, MAX_LINE + 2)?;
        drain(&mut self.stderr, &mut self.complaint, usize::MAX)?;
        let too_much = self.complaint.len().saturating_sub(COMPLAINT);
        self.complaint.drain(..too_much);
        Ok(())
    }

    fn wait(&self, to_send: bool, deadline: Instant) -> Result<(), Broken> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Broken::TimedOut);
        }
        let fds = self.fds().into_iter().filter(|(_, flags)| to_send || *flags != PollFlags::OUT);
        let mut polled: Vec<PollFd<'_>> = fds.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)).collect();
        let left = left.min(Duration::from_mins(1));
        let seconds = i64::try_from(left.as_secs()).unwrap_or(1);
        let timeout = Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(_) => Err(Broken::Gone),
        }
    }

    /// Closes it: what ssh complained about, and its exit code.
    pub fn end(mut self) -> (String, Option<i32>) {
        self.stdin = None;
        let deadline = Instant::now() + GOODBYE;
        while self.stderr.is_some() && self.hear().is_ok() && Instant::now() < deadline {
            if self.stderr.is_some() && self.stdout.is_none() && self.wait(false, deadline).is_err() {
                break;
            }
            if self.stdout.is_some() {
                self.come.clear();
                let _ = self.wait(false, deadline);
            }
        }
        let code = self.ended(deadline);
        (String::from_utf8_lossy(&self.complaint).into_owned(), code)
    }

    /// Its exit code, if it ends in time.
    fn ended(&mut self, deadline: Instant) -> Option<i32> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.code(),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                _ => return None,
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The far end ends with its input, and ssh with the far end.
        self.stdin = None;
        self.stdout = None;
        self.ended(Instant::now() + Duration::from_millis(500));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn drain<T: Read>(pipe: &mut Option<T>, into: &mut Vec<u8>, most: usize) -> Result<(), Broken> {
    let mut piece = [0; 1 << 14];
    for _ in 0..64 {
        let Some(open) = pipe else { return Ok(()) };
        if into.len() >= most {
            return Ok(());
        }
        match open.read(&mut piece) {
            Ok(0) => *pipe = None,
            Ok(count) => into.extend_from_slice(&piece[..count]),
            Err(error) if is_later(&error) => return Ok(()),
            Err(_) => return Err(Broken::Gone),
        }
    }
    Ok(())
}
