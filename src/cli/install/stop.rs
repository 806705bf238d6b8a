//! Signals: Ctrl-C, `kill`, and a terminal that is closed. The installer finishes its step, and asks; told twice it stops
//! at once.
use tokio::signal::unix::{SignalKind, signal};

/// How it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// By somebody who can ask again: then at once.
    Stop,
    /// By a terminal that went away. Its shell may say the same once more, which means nothing new.
    HangUp,
}

/// Calls `told` for each signal that asks to stop, from a thread of its own, until the program ends.
pub fn watch(told: impl Fn(Told) + Send + 'static) -> Result<(), String> {
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
