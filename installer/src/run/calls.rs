//! Calls to a host that may be left behind.
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Control;
use crate::host::HostError;

/// How often it is looked whether a call is to be left behind.
const GLANCE: Duration = Duration::from_millis(50);

/// Makes a call in a thread of its own and waits for it; `None` when somebody wanted the run to break off before it was
/// over. The call goes on then, and nobody hears of it.
pub(super) fn leavable<T: Send + 'static>(
    control: &Control,
    call: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Option<Result<T, HostError>> {
    let (answer, answers) = channel();
    let started = std::thread::Builder::new().spawn(move || {
        // Nobody listens any more when the run was broken off.
        drop(answer.send(call()));
    });
    if let Err(error) = started {
        let program = String::from("a thread");
        return Some(Err(HostError::NotStarted { program, error: error.to_string() }));
    }
    loop {
        match answers.recv_timeout(GLANCE) {
            Ok(answer) => return Some(answer),
            Err(RecvTimeoutError::Timeout) if control.breaks_off() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Some(Err(HostError::Malformed(String::from(
                    "the call broke off: this is a fault of slurmdash",
                ))));
            }
        }
    }
}
