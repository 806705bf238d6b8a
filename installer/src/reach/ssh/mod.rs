//! Another host, over OpenSSH's own client: the admin's `~/.ssh/config`, agent and known hosts hold as they do for them.
//!
//! A connection is opened by the first call, stays, and is closed when too many are idle. What breaks is told with what
//! to do about it. Calls that change nothing are asked once more on a new connection; of others only the caller knows
//! whether they may be.
mod bring;
mod idle;
mod line;
mod way;
mod why;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::serve::{Answer, Hello, MARK};
use super::{Call, Reach};
use crate::action::{Action, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::facts::{Facts, Wanted};
use crate::host::HostError;
use line::{Broken, Line};

pub use bring::Program;
pub use idle::Idle;
pub use way::Way;

/// A connection with all that comes before it, a name server and a jump host among them.
const CONNECT_WITHIN: Duration = Duration::from_secs(90);
/// The program goes over a slow line.
const BRING_WITHIN: Duration = Duration::from_mins(20);
/// What every far end that is well answers at once.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
/// What changes nothing.
const LOOK_WITHIN: Duration = Duration::from_mins(10);
/// What changes something: the longest is an installation of packages, which has its own limits.
const CHANGE_WITHIN: Duration = Duration::from_hours(2);
/// What a login shell may print before the far end does, bytes.
const NOISE: usize = 64 << 10;

/// A host at the end of an SSH connection.
pub struct Ssh {
    way: Way,
    program: Arc<Program>,
    line: Arc<Mutex<Option<Line>>>,
    idle: Arc<Idle>,
}

/// How a call is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Once more on a new connection where the first breaks.
    Again,
    /// Never twice.
    Once,
}

impl Ssh {
    /// That host. Nothing is opened yet. `program` is brought there, `idle` is shared with the other hosts.
    pub fn new(way: Way, program: Arc<Program>, idle: Arc<Idle>) -> Self {
        Self { way, program, line: Arc::default(), idle }
    }

    fn ask(&self, call: &Call, within: Duration, asked: Asked) -> Result<Answer, HostError> {
        let mut words = serde_json::to_vec(call).map_err(|error| HostError::Malformed(error.to_string()))?;
        words.push(b'\n');
        if words.len() > super::serve::MAX_LINE {
            return Err(HostError::Malformed(String::from("that is more than a call to another host can carry")));
        }
        let mut slot = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.idle.forget(&self.line);
        let answer = self.exchange(&mut slot, &words, within, asked);
        drop(slot);
        self.idle.rests(&self.line);
        answer
    }

    fn exchange(
        &self,
        slot: &mut Option<Line>,
        words: &[u8],
        within: Duration,
        asked: Asked,
    ) -> Result<Answer, HostError> {
        let mut left = if asked == Asked::Again { 2 } else { 1 };
        loop {
            left -= 1;
            // One that died while it was idle has not been told anything: that is no second time.
            let open = slot.take().filter(Line::is_quiet).and_then(|line| greeted(line, asked));
            let line = slot.insert(match open {
                Some(line) => line,
                None => self.connect()?,
            });
            let deadline = Instant::now() + within;
            let broken = match line.send(words, deadline).and_then(|()| line.receive(deadline)) {
                Ok(answer) => return self.understood(slot, &answer),
                Err(broken) => broken,
            };
            let (said, code) = slot.take().map(Line::end).unwrap_or_default();
            if left == 0 || broken == Broken::TimedOut {
                return Err(HostError::Away(why::broke(&self.way, broken, within, &said, code, asked == Asked::Once)));
            }
        }
    }

    fn understood(&self, slot: &mut Option<Line>, answer: &[u8]) -> Result<Answer, HostError> {
        match serde_json::from_slice(answer) {
            Ok(Answer::Refused(reason)) => {
                *slot = None;
                Err(HostError::Malformed(format!("{} did not understand a call: {reason}", self.way)))
            }
            Ok(answer) => Ok(answer),
            Err(error) => {
                // What comes after something that can't be read can't be told apart either.
                *slot = None;
                Err(HostError::Malformed(format!("{} answers what can't be read: {error}", self.way)))
            }
        }
    }

    /// Opens a connection with the far end at its end.
    fn connect(&self) -> Result<Line, HostError> {
        let size = self.program.size()?;
        let mut line = Line::open(&self.way, &self.program.start(&self.way)?)?;
        let mut deadline = Instant::now() + CONNECT_WITHIN;
        let mut noise = String::new();
        loop {
            let said = match line.receive(deadline) {
                Ok(said) => said,
                Err(broken) => return Err(self.no_start(line, broken, &noise)),
            };
            let said = String::from_utf8_lossy(&said).into_owned();
            let Some(word) = said.strip_prefix(MARK) else {
                noise.extend([said.as_str(), "\n"]);
                if noise.len() > NOISE {
                    let what = "its login shell prints without end before anything is asked: see its start files";
                    return Err(HostError::Away(format!("{}: {what}", self.way)));
                }
                continue;
            };
            if word.trim() == bring::WANTED {
                deadline = Instant::now() + BRING_WITHIN;
                if let Err(broken) = self.program.send(size, &mut line, deadline)? {
                    return Err(self.no_start(line, broken, &noise));
                }
            } else {
                return match serde_json::from_str::<Hello>(word) {
                    Ok(hello) if hello == Hello::ours() => Ok(line),
                    _ => Err(HostError::Away(format!("{}: another version answers there: {word:.200}", self.way))),
                };
            }
        }
    }

    /// Words that came instead of the far end's, such as nologin's, may tell why.
    fn no_start(&self, line: Line, broken: Broken, noise: &str) -> HostError {
        let (said, code) = line.end();
        HostError::Away(why::no_start(&self.way, broken, &format!("{noise}{said}"), code))
    }

    fn odd<T>(&self) -> Result<T, HostError> {
        Err(HostError::Malformed(format!("{} answers another question than was asked", self.way)))
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // The lines of many hosts are closed at the same time.
        if let Some(line) = self.line.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.idle.close(line);
        }
    }
}

/// An open line, if it holds. What may be asked once only is asked when the other end just answered.
fn greeted(mut line: Line, asked: Asked) -> Option<Line> {
    if asked == Asked::Again {
        return Some(line);
    }
    let deadline = Instant::now() + HELLO_WITHIN;
    let answer = line.send(b"\"hello\"\n", deadline).and_then(|()| line.receive(deadline)).ok()?;
    matches!(serde_json::from_slice(&answer), Ok(Answer::Hello)).then_some(line)
}

impl Reach for Ssh {
    fn facts(&self, wanted: &Wanted) -> Result<Facts, HostError> {
        match self.ask(&Call::Facts(wanted.clone()), LOOK_WITHIN, Asked::Again)? {
            Answer::Facts(facts) => facts.map(|facts| *facts),
            _ => self.odd(),
        }
    }

    fn look(&self, actions: &[Action], setting: &Setting) -> Result<Vec<Result<Look, StepError>>, HostError> {
        match self.ask(&Call::Look(actions.to_vec(), setting.clone()), LOOK_WITHIN, Asked::Again)? {
            Answer::Looks(looks) if looks.len() == actions.len() => Ok(looks),
            _ => self.odd(),
        }
    }

    fn execute(
        &self,
        action: &Action,
        setting: &Setting,
        materials: &Materials,
    ) -> Result<Result<(), StepError>, HostError> {
        let within = match action {
            Action::Await(wait) => CHANGE_WITHIN.max(Duration::from_secs(wait.within_seconds) + LOOK_WITHIN),
            _ => CHANGE_WITHIN,
        };
        let call = Call::Execute(Box::new(action.clone()), setting.clone(), materials.clone());
        match self.ask(&call, within, Asked::Once)? {
            Answer::Executed(outcome) => Ok(outcome),
            _ => self.odd(),
        }
    }

    fn revert(
        &self,
        action: &Action,
        setting: &Setting,
        undo: &Undo,
    ) -> Result<Result<Reverted, StepError>, HostError> {
        let call = Call::Revert(Box::new(action.clone()), setting.clone(), undo.clone());
        match self.ask(&call, CHANGE_WITHIN, Asked::Once)? {
            Answer::Reverted(outcome) => Ok(outcome),
            _ => self.odd(),
        }
    }
}
