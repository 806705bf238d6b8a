//! Sign-ins that wait for answers: few, not for long, each under an id that nobody can guess.
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use slurmdash_api::UnixSeconds;

use super::{ClusterError, Owed};
use crate::random;
use crate::ssh::password::Exchange;

/// Most in all.
pub(super) const MOST: usize = 256;
/// Most from one address. Many people may share one.
pub(super) const MOST_OF_ADDRESS: usize = 16;
/// Most with one name from one address; the oldest makes room. Counted together, so that a stranger elsewhere pushes
/// nobody out.
pub(super) const MOST_OF_LOGIN: usize = 3;

/// Sign-ins that wait.
#[derive(Default)]
pub(super) struct Rooms(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    waiting: HashMap<String, (u64, Waiting)>,
    came: u64,
}

/// One that waits. Dropping it closes its connection.
pub(super) struct Waiting {
    pub owed: Owed,
    pub prompts: usize,
    pub exchange: Box<Exchange>,
}

impl Rooms {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // A panic elsewhere leaves the map whole: every change to it is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> usize {
        self.inside().waiting.len()
    }

    /// Whether one more may come from an address.
    pub fn have_room(&self, address: Option<IpAddr>) -> bool {
        self.inside().have_room(address)
    }

    /// Puts one in; answers its id.
    pub fn put(&self, new: Waiting) -> Result<String, ClusterError> {
        let id = random::id()?;
        let mut inside = self.inside();
        let pushed_out = inside.make_room(&new.owed);
        if !inside.have_room(new.owed.address) {
            return Err(ClusterError::Busy);
        }
        inside.came += 1;
        let came = inside.came;
        inside.waiting.insert(id.clone(), (came, new));
        drop(inside);
        drop(pushed_out);
        Ok(id)
    }

    /// Takes one out, unless `check` finds something wrong with the answers to so many prompts.
    pub fn take(
        &self,
        id: &str,
        now: UnixSeconds,
        check: impl FnOnce(usize) -> Result<(), ClusterError>,
    ) -> Result<Waiting, ClusterError> {
        let mut inside = self.inside();
        let (_, found) = inside.waiting.get(id).ok_or(ClusterError::Over)?;
        if found.owed.until > now {
            check(found.prompts)?;
        }
        let (_, taken) = inside.waiting.remove(id).ok_or(ClusterError::Over)?;
        if taken.owed.until > now { Ok(taken) } else { Err(ClusterError::Over) }
    }

    /// Ends those that took too long.
    pub fn end_late(&self, now: UnixSeconds) {
        let late: Vec<_> = self.inside().waiting.extract_if(|_, (_, waiting)| waiting.owed.until <= now).collect();
        drop(late);
    }
}

impl Inside {
    fn have_room(&self, address: Option<IpAddr>) -> bool {
        let of_address = self.waiting.values().filter(|(_, waiting)| waiting.owed.address == address).count();
        self.waiting.len() < MOST && of_address < MOST_OF_ADDRESS
    }

    /// Takes out the oldest of those with this name from this address when there are as many as there may be.
    fn make_room(&mut self, new: &Owed) -> Option<(u64, Waiting)> {
        let same = |waiting: &Waiting| waiting.owed.login == new.login && waiting.owed.address == new.address;
        let same: Vec<_> = self.waiting.iter().filter(|(_, (_, waiting))| same(waiting)).collect();
        let oldest = same.iter().min_by_key(|(_, (came, _))| *came).map(|(id, _)| (*id).clone());
        let oldest = oldest.filter(|_| same.len() >= MOST_OF_LOGIN)?;
        self.waiting.remove(&oldest)
    }
}
