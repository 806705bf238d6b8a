//! The far end: a line of JSON for each call, a line for each answer, after a first line that tells who answers.
use std::io::{BufRead, Read as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::action::{Act as _, Look, Reverted, StepError};
use crate::facts::{Facts, gather};
use crate::host::local::{Local, create_folders};
use crate::host::{Host, HostError};

/// Longest line, bytes: a file of 16 MiB in base64 with what is around it, a few times.
pub(super) const MAX_LINE: usize = 64 << 20;
/// How a first line begins. What a login shell prints before it does not begin so.
pub(super) const MARK: &str = "slurmdash-install ";
/// Both ends speak the same; another number is another protocol.
const PROTOCOL: u32 = 1;
/// How long a call that changes something waits for one that a connection left behind when it broke.
const PATIENCE: Duration = Duration::from_mins(10);

/// The first line, behind the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    protocol: u32,
    version: String,
}

impl Hello {
    /// What this program says.
    pub(super) fn ours() -> Self {
        Self { protocol: PROTOCOL, version: String::from(env!("CARGO_PKG_VERSION")) }
    }
}

/// What comes back for a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// To a hello.
    Hello,
    /// To a question for facts.
    Facts(Result<Box<Facts>, HostError>),
    /// To looks, in order.
    Looks(Vec<Result<Look, StepError>>),
    /// To something to be done.
    Executed(Result<(), StepError>),
    /// To something to be undone.
    Reverted(Result<Reverted, StepError>),
    /// It was no call. Nothing more is answered.
    Refused(String),
}

/// Answers calls until there are no more. A line that is none, or too long, ends it with an error.
pub fn serve(host: &dyn Host, input: impl BufRead, output: impl Write) -> Result<(), HostError> {
    serve_with(host, &mut || Ok(()), input, output)
}

/// Answers calls to this machine on standard input and output: all that the hidden command `install-host` does. One at a
/// time changes something: what a broken connection left behind is waited for.
pub fn serve_here() -> Result<(), HostError> {
    let mut lock = None;
    let mut before_change = || {
        if lock.is_none() {
            lock = Some(wait_for(Path::new("/var/lib/slurmdash-install/host.lock"), PATIENCE)?);
        }
        Ok(())
    };
    serve_with(&Local::open()?, &mut before_change, std::io::stdin().lock(), std::io::stdout().lock())
}

fn wait_for(path: &Path, longest: Duration) -> Result<rustix::fd::OwnedFd, HostError> {
    create_folders(path.parent().unwrap_or(path))?;
    let failed = |error: Errno| {
        let (error, errno) = (error.to_string(), Some(error.raw_os_error()));
        HostError::File { path: path.to_owned(), error, errno }
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
    let began = Instant::now();
    loop {
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(lock),
            Err(Errno::WOULDBLOCK | Errno::INTR) if began.elapsed() < longest => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(Errno::WOULDBLOCK) => {
                let said = String::from("another installer still works on this host; see what it waits for");
                return Err(HostError::Failed { what: String::from("changing this host"), said });
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

fn serve_with(
    host: &dyn Host,
    before_change: &mut dyn FnMut() -> Result<(), HostError>,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(), HostError> {
    let hello = serde_json::to_string(&Hello::ours()).map_err(|error| broken(&error))?;
    say(&mut output, &format!("{MARK}{hello}"))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        read.map_err(|error| broken(&error))?;
        if line.is_empty() {
            return Ok(());
        }
        let call = if line.last() == Some(&b'\n') {
            serde_json::from_slice::<Call>(&line).map_err(|error| format!("this is no call: {error}"))
        } else {
            Err(format!("a call ends within {MAX_LINE} bytes, with its line"))
        };
        let answer = match call {
            Ok(call) => answer(host, before_change, call),
            Err(reason) => {
                // Whoever sends such a thing may not read the answer either.
                let _ = say(&mut output, &json(&Answer::Refused(reason.clone()))?);
                return Err(HostError::Malformed(reason));
            }
        };
        say(&mut output, &json(&answer)?)?;
    }
}

fn answer(host: &dyn Host, before_change: &mut dyn FnMut() -> Result<(), HostError>, call: Call) -> Answer {
    match call {
        Call::Hello => Answer::Hello,
        Call::Facts(wanted) => Answer::Facts(gather(host, &wanted).map(Box::new)),
        Call::Look(actions, setting) => {
            Answer::Looks(actions.iter().map(|action| action.look(host, &setting)).collect())
        }
        Call::Execute(action, setting, materials) => Answer::Executed(
            before_change().map_err(StepError::from).and_then(|()| action.execute(host, &setting, &materials)),
        ),
        Call::Revert(action, setting, undo) => Answer::Reverted(
            before_change().map_err(StepError::from).and_then(|()| action.revert(host, &setting, &undo)),
        ),
    }
}

fn json(answer: &Answer) -> Result<String, HostError> {
    serde_json::to_string(answer).map_err(|error| broken(&error))
}

fn say(output: &mut impl Write, line: &str) -> Result<(), HostError> {
    let written = output.write_all(line.as_bytes()).and_then(|()| output.write_all(b"\n"));
    written.and_then(|()| output.flush()).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> HostError {
    HostError::Away(format!("the connection to the installer broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Wanted;
    use crate::host::script::Script;

    fn exchange(input: &[u8]) -> (Result<(), HostError>, Vec<String>) {
        let mut output = Vec::new();
        let outcome = serve(&Script::default(), input, &mut output);
        (outcome, String::from_utf8(output).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn it_says_hello_and_answers_until_the_end() {
        let call = serde_json::to_string(&Call::Facts(Wanted::default())).unwrap();
        let (outcome, lines) = exchange(format!("{call}\n{call}\n").as_bytes());
        outcome.unwrap();
        let hello: Hello = serde_json::from_str(lines[0].strip_prefix(MARK).unwrap()).unwrap();
        assert_eq!((hello, lines.len()), (Hello::ours(), 3));
        let answer: Answer = serde_json::from_str(&lines[1]).unwrap();
        assert!(matches!(answer, Answer::Facts(Err(HostError::Malformed(_)))), "{answer:?}");
    }

    #[test]
    fn what_is_no_call_ends_it() {
        for bad in ["\n", "{}\n", "{\"facts\":1}\n", "{\"run\":[\"rm\"]}\n", "{\"facts\":", "\0\n"] {
            let (outcome, lines) = exchange(bad.as_bytes());
            assert!(outcome.is_err(), "{bad}");
            assert!(matches!(serde_json::from_str(&lines[1]).unwrap(), Answer::Refused(_)));
        }
        let long = std::io::BufReader::new(std::io::repeat(b' '));
        let mut output = Vec::new();
        let error = serve(&Script::default(), long, &mut output).unwrap_err();
        assert!(error.to_string().contains("67108864 bytes"), "{error}");
    }

    #[test]
    fn one_changes_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("installer/host.lock");
        let first = wait_for(&path, Duration::ZERO).unwrap();
        let error = wait_for(&path, Duration::from_millis(150)).unwrap_err();
        assert!(error.to_string().contains("another installer"), "{error}");
        drop(first);
        wait_for(&path, Duration::ZERO).unwrap();
    }

    proptest! {
        #[test]
        fn no_input_is_too_much(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (_, lines) = exchange(&input);
            prop_assert!(lines.len() <= 2);
        }
    }
}
