//! Connections that are open and not used: no more than so many; and those that are being closed, at the same time.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use super::line::Line;

type Slot = Mutex<Option<Line>>;

/// Idle connections of all hosts, the one that rests longest first. Whoever drops it waits until all are closed.
#[derive(Default)]
pub struct Idle {
    most: usize,
    resting: Mutex<VecDeque<Weak<Slot>>>,
    closing: Mutex<Vec<JoinHandle<()>>>,
}

impl Idle {
    /// So many are kept open.
    pub fn at_most(most: usize) -> Self {
        Self { most, resting: Mutex::default(), closing: Mutex::default() }
    }

    /// A connection is used now.
    pub(super) fn forget(&self, slot: &Arc<Slot>) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(slot)));
    }

    /// A connection is not used any more; others that rest longer may be closed for it.
    pub(super) fn rests(&self, slot: &Arc<Slot>) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.push_back(Arc::downgrade(slot));
        let mut closed = Vec::new();
        while resting.len() > self.most {
            let Some(slot) = resting.pop_front().and_then(|slot| slot.upgrade()) else { continue };
            // One that is used again at this moment is no idle one.
            if let Ok(mut line) = slot.try_lock() {
                closed.extend(line.take());
            }
        }
        drop(resting);
        for line in closed {
            self.close(line);
        }
    }

    /// Closes a connection, which takes a round trip; nobody waits for it meanwhile.
    pub(super) fn close(&self, line: Line) {
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        closing.retain(|thread| !thread.is_finished());
        // Where the system gives no thread, the line is dropped here, and that closes it too.
        closing.extend(std::thread::Builder::new().spawn(move || drop(line)));
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let closing = std::mem::take(self.closing.get_mut().unwrap_or_else(PoisonError::into_inner));
        // A thread that broke down has closed its line all the same.
        for thread in closing {
            let _ = thread.join();
        }
    }
}
