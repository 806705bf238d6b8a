//! Sign-ins under way: what was said to the provider and has to come back, by a ticket that only the browser has.
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use slurmdash_api::UnixSeconds;

use super::LIFETIME;
use crate::secret::Secret;

/// Most sign-ins under way; the oldest make room.
const MOST: usize = 10_000;

/// One sign-in under way.
pub struct Pending {
    /// Comes back from the provider by the browser.
    pub state: Secret,
    /// Comes back in the ID token.
    pub nonce: Secret,
    /// Shows the provider that who has the code also asked for it (RFC 7636).
    pub verifier: Secret,
    /// Where the person wants to go.
    pub next: Option<String>,
    /// When it was begun.
    pub begun_at: UnixSeconds,
}

/// A ticket's digest: looking it up in a map tells nothing about the ticket by the time it takes.
type Key = [u8; 32];

/// All sign-ins under way.
#[derive(Default)]
pub struct SignIns(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    /// With its place in `by_age`.
    by_ticket: HashMap<Key, (u64, Pending)>,
    by_age: BTreeMap<u64, Key>,
    begun: u64,
}

fn key(ticket: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, ticket.as_bytes()).as_ref());
    key
}

impl SignIns {
    /// Adds one. Those that are over go, and the oldest when there are too many.
    pub fn begin(&self, ticket: &Secret, pending: Pending) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = pending.begun_at;
        while let Some(entry) = inside.by_age.first_entry() {
            let key = *entry.get();
            let is_over = inside.by_ticket.get(&key).is_none_or(|(_, pending)| is_over(pending, now));
            if !is_over && inside.by_age.len() < MOST {
                break;
            }
            inside.by_age.pop_first();
            inside.by_ticket.remove(&key);
        }
        inside.begun += 1;
        let (place, key) = (inside.begun, key(ticket.expose()));
        inside.by_age.insert(place, key);
        inside.by_ticket.insert(key, (place, pending));
    }

    /// Takes the one of this ticket, once. With another `state` nothing is taken: who makes a browser come here with
    /// something made up must not end what its owner has begun.
    pub fn take(&self, ticket: &str, state: &str, now: UnixSeconds) -> Option<Pending> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(ticket);
        let (_, pending) = inside.by_ticket.get(&key)?;
        verify_slices_are_equal(pending.state.expose().as_bytes(), state.as_bytes()).ok()?;
        let (place, pending) = inside.by_ticket.remove(&key)?;
        inside.by_age.remove(&place);
        Some(pending).filter(|pending| !is_over(pending, now))
    }
}

/// Also when the clock was set back to before it was begun.
fn is_over(pending: &Pending, now: UnixSeconds) -> bool {
    !(0..LIFETIME).contains(&(now - pending.begun_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(sign_ins: &SignIns, number: usize, at: UnixSeconds) {
        let secret = |what: &str| Secret::new(format!("{what}{number}"));
        let (state, nonce, verifier) = (secret("state"), secret("nonce"), secret("verifier"));
        sign_ins.begin(&secret("ticket"), Pending { state, nonce, verifier, next: None, begun_at: at });
    }

    fn size(sign_ins: &SignIns) -> usize {
        let inside = sign_ins.0.lock().unwrap();
        assert_eq!(inside.by_age.len(), inside.by_ticket.len());
        inside.by_age.len()
    }

    #[test]
    fn each_is_taken_once_by_its_ticket_and_state() {
        let sign_ins = SignIns::default();
        begun(&sign_ins, 1, 100);
        begun(&sign_ins, 2, 100);
        assert!(sign_ins.take("ticket1", "state2", 101).is_none());
        assert!(sign_ins.take("ticket1", "", 101).is_none());
        assert!(sign_ins.take("ticket3", "state1", 101).is_none());
        assert_eq!(sign_ins.take("ticket1", "state1", 101).unwrap().nonce.expose(), "nonce1");
        assert!(sign_ins.take("ticket1", "state1", 101).is_none());
        assert_eq!(size(&sign_ins), 1);
    }

    #[test]
    fn ten_minutes_are_the_limit() {
        let sign_ins = SignIns::default();
        begun(&sign_ins, 1, 100);
        begun(&sign_ins, 2, 100);
        begun(&sign_ins, 3, 100);
        assert!(sign_ins.take("ticket1", "state1", 100 + LIFETIME - 1).is_some());
        assert!(sign_ins.take("ticket2", "state2", 100 + LIFETIME).is_none());
        assert!(sign_ins.take("ticket3", "state3", 99).is_none(), "the clock was set back");
        assert_eq!(size(&sign_ins), 0);
        begun(&sign_ins, 4, 100);
        begun(&sign_ins, 5, 100 + LIFETIME);
        assert_eq!(size(&sign_ins), 1, "what is over makes room");
    }

    #[test]
    fn a_flood_takes_no_more_room_and_drops_the_oldest() {
        let sign_ins = SignIns::default();
        for number in 0..MOST + 5 {
            begun(&sign_ins, number, 100);
        }
        assert_eq!(size(&sign_ins), MOST);
        assert!(sign_ins.take("ticket4", "state4", 100).is_none());
        assert!(sign_ins.take("ticket5", "state5", 100).is_some());
        let last = MOST + 4;
        assert!(sign_ins.take(&format!("ticket{last}"), &format!("state{last}"), 100).is_some());
    }
}
