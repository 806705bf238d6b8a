//! Connections that are open and not used: no more than so many.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::line::Line;

type Slot = Mutex<Option<Line>>;

/// Idle connections of all hosts, the one that rests longest first.
#[derive(Default)]
pub struct Idle {
    most: usize,
    resting: Mutex<VecDeque<Weak<Slot>>>,
}

impl Idle {
    /// So many are kept open.
    pub fn at_most(most: usize) -> Self {
        Self { most, resting: Mutex::default() }
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
        // Each says goodbye, which takes a moment.
        drop(closed);
    }
}
