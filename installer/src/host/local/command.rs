//! Commands: an argument vector, an environment of our own, a process group of its own, an end in time.
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::bytes::Bytes;
use crate::host::{Command, HostError, Output, User};

const FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MAX_STDOUT: usize = 16 << 20;
const MAX_STDERR: usize = 1 << 20;
/// How often is looked whether a command ended whose output somebody else still holds open.
const LOOK: Duration = Duration::from_millis(50);
/// A child that was not its program yet when it was interrupted ends within this time.
const INTERRUPTED: Duration = Duration::from_millis(200);

/// Where a program is, in the system's folders.
fn find(program: &str) -> Result<PathBuf, HostError> {
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let found = if program.contains('/') {
        Some(PathBuf::from(program)).filter(is_program)
    } else {
        FOLDERS.split(':').map(|folder| Path::new(folder).join(program)).find(is_program)
    };
    let error = || String::from("it is not installed");
    found.ok_or_else(|| HostError::NotStarted { program: program.to_owned(), error: error() })
}

/// A user by login, whichever list of the host they are in.
fn user(login: &str) -> Result<User, HostError> {
    let output = run(&Command::new("getent").args(["passwd", "--", login]))?;
    let found = if output.is_ok() { super::accounts::passwd(&output.text())?.into_iter().next() } else { None };
    found.ok_or_else(|| HostError::Failed { what: format!("acting as {login}"), said: "there is no such user".into() })
}

/// Runs a command to its end.
pub fn run(command: &Command) -> Result<Output, HostError> {
    let program = find(&command.program)?;
    let (mut started, home) = match command.user.as_deref() {
        None | Some("root") => (std::process::Command::new(program), PathBuf::from("/root")),
        Some(login) => {
            let user = user(login)?;
            let mut setpriv = std::process::Command::new(find("setpriv")?);
            setpriv.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)]);
            setpriv.args(["--init-groups", "--inh-caps=-all", "--"]).arg(program);
            (setpriv, user.home)
        }
    };
    started.args(&command.arguments).current_dir("/").process_group(0);
    started.env_clear().env("PATH", FOLDERS).env("LANG", "C.UTF-8").env("HOME", home).envs(&command.environment);
    let stdin = if command.input.0.is_empty() { Stdio::null() } else { Stdio::piped() };
    started.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let not_started =
        |error: io::Error| HostError::NotStarted { program: command.program.clone(), error: error.to_string() };
    let taken = |said: &mut Vec<u8>| Bytes(std::mem::take(said));
    let mut again = 5;
    loop {
        let begun = Instant::now();
        let child = started.spawn().map_err(not_started)?;
        let mut running = Running::new(child, &command.input.0).map_err(not_started)?;
        match running.finish(begun + command.within) {
            Ok(Some(status)) if again > 0 && is_not_begun(status, begun, &running) => again -= 1,
            Ok(Some(status)) => {
                let (stdout, stderr) = (taken(&mut running.said), taken(&mut running.complained));
                return Ok(Output { code: status.code(), stdout, stderr });
            }
            Ok(None) => {
                return Err(HostError::TimedOut {
                    program: command.program.clone(),
                    seconds: command.within.as_secs(),
                });
            }
            Err(error) => return Err(HostError::Failed { what: command.program.clone(), said: error.to_string() }),
        }
    }
}

/// Whether a Ctrl-C at the terminal ended the child before it was in a group of its own: it had not become the program yet.
fn is_not_begun(status: ExitStatus, begun: Instant, running: &Running<'_>) -> bool {
    let is_silent = running.said.is_empty() && running.complained.is_empty();
    status.signal() == Some(Signal::INT.as_raw()) && is_silent && begun.elapsed() < INTERRUPTED
}

/// A command that runs, with what it said until now. Whoever drops it ends it.
struct Running<'a> {
    child: Child,
    input: &'a [u8],
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
    complained: Vec<u8>,
    ended: bool,
}

impl<'a> Running<'a> {
    fn new(mut child: Child, input: &'a [u8]) -> Result<Self, io::Error> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (said, complained) = (Vec::new(), Vec::new());
        let running = Self { child, input, stdin, stdout, stderr, said, complained, ended: false };
        for pipe in running.pipes().into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(running)
    }

    /// How it ended; `None` when that was not in time.
    fn finish(&mut self, deadline: Instant) -> Result<Option<ExitStatus>, io::Error> {
        loop {
            let status = self.child.try_wait()?;
            // What it wrote before it ended is in the pipes by now; what its own children write later is not waited for.
            let open = self.pass_on()?;
            if let Some(status) = status {
                self.ended = true;
                return Ok(Some(status));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(if open { LOOK.min(left) } else { Duration::from_millis(1).min(left) })?;
        }
    }

    /// Moves what can be moved without waiting; whether one of its outputs is open still.
    fn pass_on(&mut self) -> Result<bool, io::Error> {
        if let Some(stdin) = &mut self.stdin {
            match stdin.write(self.input) {
                Ok(count) => self.input = &self.input[count..],
                Err(error) if is_later(&error) => {}
                // It ended, or does not want to read: its own end tells what that means.
                Err(_) => self.input = &[],
            }
            if self.input.is_empty() {
                self.stdin = None;
            }
        }
        drain(&mut self.stdout, &mut self.said, MAX_STDOUT)?;
        drain(&mut self.stderr, &mut self.complained, MAX_STDERR)?;
        Ok(self.stdout.is_some() || self.stderr.is_some())
    }

    /// Standard input, output and error, as far as they are open.
    fn pipes(&self) -> [Option<BorrowedFd<'_>>; 3] {
        let (stdin, stdout) = (self.stdin.as_ref().map(AsFd::as_fd), self.stdout.as_ref().map(AsFd::as_fd));
        [stdin, stdout, self.stderr.as_ref().map(AsFd::as_fd)]
    }

    fn wait(&self, longest: Duration) -> Result<(), io::Error> {
        let events = [PollFlags::OUT, PollFlags::IN, PollFlags::IN];
        let pipes = self.pipes().into_iter().zip(events);
        let mut pipes: Vec<PollFd<'_>> =
            pipes.filter_map(|(pipe, events)| Some(PollFd::from_borrowed_fd(pipe?, events))).collect();
        let timeout = Timespec { tv_sec: 0, tv_nsec: longest.subsec_nanos().into() };
        match poll(&mut pipes, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads what is there. What goes beyond the limit is read too, so that the command goes on, and forgotten.
fn drain<T: io::Read>(pipe: &mut Option<T>, into: &mut Vec<u8>, limit: usize) -> Result<(), io::Error> {
    let mut piece = [0; 1 << 14];
    // No more than so much at a time: the deadline holds for one that never stops talking too.
    for _ in 0..64 {
        let Some(open) = pipe else { return Ok(()) };
        match open.read(&mut piece) {
            Ok(0) => *pipe = None,
            Ok(count) => into.extend_from_slice(&piece[..count.min(limit.saturating_sub(into.len()))]),
            Err(error) if is_later(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Ok(pid) = i32::try_from(self.child.id()) else { return };
        // Those that left the group are its descendants still, as long as their parents live.
        let descendants = descendants(pid);
        if let Some(group) = Pid::from_raw(pid) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for process in descendants.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Processes below one, at any depth. Source: `/proc/PID/task/TID/children`, proc(5).
fn descendants(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command::new("sh").args(["-c", script])
    }

    #[test]
    fn arguments_input_environment_and_ends_come_through() {
        let mut command =
            shell("cat; echo \"$1|$PATH|$LANG|$FOO\"; env | wc -l; echo oh >&2; exit 7").args(["sh", "a b'\""]);
        command.environment.insert("FOO".into(), "bar".into());
        let output = run(&command.input("typed\n")).unwrap();
        let text = output.text();
        assert!(text.starts_with(&format!("typed\na b'\"|{FOLDERS}|C.UTF-8|bar\n")), "{text}");
        // PATH, LANG, HOME, FOO, and PWD, which sh sets.
        assert_eq!(text.lines().last().unwrap().trim(), "5");
        assert_eq!((output.code, output.complaint().as_str()), (Some(7), "oh"));
        assert_eq!(run(&shell("kill -9 $$")).unwrap().code, None);
        let missing = run(&Command::new("no-such-program")).unwrap_err();
        assert_eq!(missing.to_string(), "no-such-program can't be started: it is not installed");
    }

    #[test]
    fn what_an_interrupt_took_before_it_began_is_started_once_more() {
        let dir = tempfile::tempdir().unwrap();
        let once = dir.path().join("once");
        let script = format!("test -e {0} && echo here && exit; touch {0}; kill -INT $$", once.display());
        assert_eq!(run(&shell(&script)).unwrap().text(), "here\n");
        assert_eq!(run(&shell("echo said; kill -INT $$")).unwrap().code, None, "it had begun");
        assert_eq!(run(&shell("kill -INT $$")).unwrap().code, None, "there is an end to it");
    }

    #[test]
    fn much_goes_in_and_out_at_once_and_is_bounded() {
        let input = vec![b'x'; 3 << 20];
        assert_eq!(run(&Command::new("cat").input(input.clone())).unwrap().stdout.0, input);
        let output = run(&shell("head -c 20000000 /dev/zero; head -c 2000000 /dev/zero >&2")).unwrap();
        assert_eq!((output.stdout.0.len(), output.stderr.0.len()), (MAX_STDOUT, MAX_STDERR));
        // One that does not read what it is given.
        assert!(run(&Command::new("true").input(input)).unwrap().is_ok());
    }

    #[test]
    fn time_over_ends_all_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let script = format!(
            "echo $$ >> {0}; sleep 300 & echo $! >> {0}; setsid sh -c 'echo $$ >> {0}; exec sleep 300' & sleep 300",
            pids.display()
        );
        let began = Instant::now();
        let error = run(&shell(&script).within(1)).unwrap_err();
        assert_eq!(error.to_string(), "sh gave no answer within 1 s");
        assert!(began.elapsed() < Duration::from_secs(5));
        let pids = std::fs::read_to_string(pids).unwrap();
        assert_eq!(pids.lines().count(), 3);
        let deadline = Instant::now() + Duration::from_secs(5);
        for pid in pids.lines() {
            let runs = || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                !stat.is_empty() && !stat.contains(") Z ")
            };
            while runs() {
                assert!(Instant::now() < deadline, "{pid} lives");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        // One that talks without end is ended in time too.
        assert!(matches!(run(&Command::new("yes").within(1)), Err(HostError::TimedOut { .. })));
    }

    #[test]
    fn a_child_that_stays_does_not_hold_up_the_answer() {
        let began = Instant::now();
        let output = run(&shell("sleep 20 & echo $!")).unwrap();
        assert!(began.elapsed() < Duration::from_secs(5));
        let pid = output.text().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }

    #[test]
    fn another_user_has_their_own_numbers_and_groups() {
        let output = run(&Command::new("id").as_user("nobody")).unwrap();
        if rustix::process::geteuid().is_root() {
            assert!(output.text().starts_with("uid=65534(nobody) gid="), "{}", output.text());
        } else {
            assert!(output.complaint().contains("Operation not permitted"), "{}", output.complaint());
        }
        let error = run(&Command::new("id").as_user("--reuid=0")).unwrap_err();
        assert_eq!(error.to_string(), "acting as --reuid=0 failed: there is no such user");
        // No shell sees an argument.
        let output = run(&Command::new("printf").args(["%s", "$(id -u); `id`"])).unwrap();
        assert_eq!(output.text(), "$(id -u); `id`");
    }
}
