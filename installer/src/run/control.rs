//! How a run is stopped from outside.
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts how often somebody wanted the run to stop: a Ctrl-C, a SIGTERM, or a terminal that closes (SIGHUP) is one.
///
/// Once: the steps that run are finished, and none is begun. Twice: nothing is waited for; the steps that run stay
/// `Started` in the journal, to be looked at anew or undone later.
#[derive(Debug, Default)]
pub struct Control(AtomicU32);

impl Control {
    /// One that nobody has touched.
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Wants it to stop, once more. May be called in a signal handler.
    pub fn interrupt(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Goes on: somebody was asked, and said so.
    pub fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// Whether no further step may be begun.
    pub fn stops(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 1
    }

    /// Whether nothing may be waited for.
    pub fn breaks_off(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 2
    }
}
