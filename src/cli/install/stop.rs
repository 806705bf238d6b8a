//! Signals: Ctrl-C, `kill`, and a terminal that is closed. The installer finishes its step, and asks; told twice it stops
//! at once.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use slurmdash_installer::run::Control;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::print_error;

/// Exit code when it was stopped before anything was done.
const STOPPED: i32 = 1;

/// Where signals go.
#[derive(Default)]
pub struct Reins {
    /// What the run is told.
    pub control: Control,
    /// Whether anything is being done that must come to an end.
    under_way: AtomicBool,
}

/// How it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// By somebody who can ask again: then at once.
    Stop,
    /// By a terminal that went away. Its shell may say the same once more, which means nothing new.
    HangUp,
}

impl Reins {
    /// Takes the signals that ask to stop, from now until the program ends.
    pub fn take() -> Result<Arc<Self>, String> {
        let reins = Arc::new(Self::default());
        let told = reins.clone();
        listen(move |how| told.told(how))?;
        Ok(reins)
    }

    /// Does something that a signal must not break off.
    pub fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        self.control.reset();
        self.under_way.store(true, Ordering::SeqCst);
        let done = work();
        self.under_way.store(false, Ordering::SeqCst);
        done
    }

    fn told(&self, how: Told) {
        if !self.under_way.load(Ordering::SeqCst) {
            // Only looking, or waiting for an answer: nothing is left half-done.
            std::process::exit(STOPPED);
        }
        let is_first = !self.control.stops();
        if how == Told::Stop || is_first {
            self.control.interrupt();
        }
        if how == Told::Stop && is_first {
            print_error("stops when the step under way is done; Ctrl-C once more stops at once");
        }
    }
}

/// Calls `told` for each signal that asks to stop, from a thread of its own.
fn listen(told: impl Fn(Told) + Send + 'static) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("can't listen for signals: {error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    // Within the runtime, and before anything is done: none is missed.
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    drop(guard);
    let wait = move || {
        runtime.block_on(async {
            loop {
                let (came, how) = tokio::select! {
                    came = interrupt.recv() => (came, Told::Stop),
                    came = terminate.recv() => (came, Told::Stop),
                    came = hang_up.recv() => (came, Told::HangUp),
                };
                if came.is_none() {
                    return;
                }
                told(how);
            }
        });
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_goes_away_stops_a_run_once_and_a_person_twice_at_once() {
        let reins = Reins::default();
        reins.hold(|| {
            reins.told(Told::HangUp);
            reins.told(Told::HangUp);
            assert!(reins.control.stops() && !reins.control.breaks_off());
            reins.told(Told::Stop);
            assert!(reins.control.breaks_off());
        });
        reins.hold(|| assert!(!reins.control.stops(), "what comes next begins anew"));
    }
}
