//! What is remembered of many callers, in memory that does not grow with their number.
//!
//! Callers are known by a keyed 64-bit hash: names of any length cost the same, and nobody outside can look for two that
//! meet. Entries are spread over shards of about a thousand, each with its own lock, so that growing, and throwing away
//! what no longer matters, never takes longer than a look at one shard. Once the table holds all it may and everything
//! in it matters, newcomers share entries with others of their neighbourhood: nobody gets a free pass, nobody who is
//! known is forgotten, and nothing grows.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use slurmdash_api::UnixSeconds;

/// Entries in a shard when the table is full.
const SHARD: usize = 1024;
/// Most shards.
const MAX_SHARDS: usize = 16_384;
/// Most entries that newcomers share when the table is full.
const MAX_SHARED: usize = 4_096;
/// A shard is looked through for what no longer matters when it was not for so long, seconds.
const SWEEP_EVERY: u64 = 60;

/// What is remembered of one caller; the default is somebody new.
pub trait Entry: Default {
    /// Whether forgetting it changes no answer from now on.
    fn is_idle(&self, now: UnixSeconds) -> bool;
}

/// A caller, and the neighbourhood they share with others when there is no room for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    own: u64,
    shared: u64,
}

/// Where a caller's entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Their own.
    Own,
    /// The one of their neighbourhood.
    Shared,
}

/// A bounded table of entries.
pub struct Table<E> {
    hasher: RandomState,
    shards: Box<[Mutex<Shard<E>>]>,
    shared: Box<[Mutex<E>]>,
    max: usize,
    len: AtomicUsize,
    /// The shard that the next newcomer looks through.
    turn: AtomicUsize,
}

struct Shard<E> {
    entries: HashMap<u64, E, RandomState>,
    swept_at: UnixSeconds,
}

impl<E: Entry> Table<E> {
    /// An empty table of at most `max` entries (at least one), besides the few that newcomers share.
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        let hasher = RandomState::new();
        let shards = max.div_ceil(SHARD).next_power_of_two().min(MAX_SHARDS);
        let shard = |_| Mutex::new(Shard { entries: HashMap::with_hasher(hasher.clone()), swept_at: 0 });
        Self {
            shards: (0..shards).map(shard).collect(),
            shared: (0..max.min(MAX_SHARED)).map(|_| Mutex::default()).collect(),
            hasher,
            max,
            len: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
        }
    }

    /// A keyed hash; another in every table and after every start.
    pub fn hash(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }

    /// A caller's key, from what tells them from everybody and what they share with their neighbours.
    pub fn key(&self, own: impl Hash, shared: impl Hash) -> Key {
        Key { own: self.hash(own), shared: self.hash(shared) }
    }

    /// Works on a caller's entry and says which one it was. Someone new gets an entry of their own when there is room.
    pub fn with<T>(&self, key: Key, now: UnixSeconds, work: impl FnOnce(&mut E) -> T) -> (Found, T) {
        let mut shard = self.shard(key.own);
        if now.abs_diff(shard.swept_at) >= SWEEP_EVERY {
            self.sweep(&mut shard, now);
        }
        if let Some(entry) = shard.entries.get_mut(&key.own) {
            return (Found::Own, work(entry));
        }
        // In a flood, once a second is enough: what has become idle since then is little.
        if self.len() >= self.max && shard.swept_at != now {
            self.sweep(&mut shard, now);
        }
        let is_room =
            self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |len| (len < self.max).then_some(len + 1));
        let done = if is_room.is_ok() {
            let done = work(shard.entries.entry(key.own).or_default());
            drop(shard);
            (Found::Own, done)
        } else {
            drop(shard);
            (Found::Shared, work(&mut lock(&self.shared[self.shared_of(key)])))
        };
        self.sweep_next(now);
        done
    }

    /// Works on the entry that was found before, and does nothing when it has gone since.
    pub fn again<T>(&self, key: Key, found: Found, work: impl FnOnce(&mut E) -> T) -> Option<T> {
        match found {
            Found::Own => self.shard(key.own).entries.get_mut(&key.own).map(work),
            Found::Shared => Some(work(&mut lock(&self.shared[self.shared_of(key)]))),
        }
    }

    /// Forgets all that are like this, and says how many they were. It looks at every entry, shard by shard.
    pub fn forget(&self, is_like: impl Fn(&E) -> bool) -> usize {
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.entries.len();
            shard.entries.retain(|_, entry| !is_like(entry));
            let gone = before - shard.entries.len();
            self.len.fetch_sub(gone, Ordering::Relaxed);
            forgotten += gone;
        }
        for shared in &self.shared {
            let mut entry = lock(shared);
            if is_like(&entry) {
                *entry = E::default();
                forgotten += 1;
            }
        }
        forgotten
    }

    /// Entries of single callers.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    fn shard(&self, own: u64) -> MutexGuard<'_, Shard<E>> {
        lock(&self.shards[index(own, self.shards.len())])
    }

    fn shared_of(&self, key: Key) -> usize {
        index(key.shared, self.shared.len())
    }

    /// Every newcomer looks through one more shard, so that those which nobody comes to any more get their turn.
    fn sweep_next(&self, now: UnixSeconds) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        let Ok(mut shard) = self.shards[turn].try_lock() else { return };
        if now.abs_diff(shard.swept_at) >= SWEEP_EVERY {
            self.sweep(&mut shard, now);
        }
    }

    fn sweep(&self, shard: &mut Shard<E>, now: UnixSeconds) {
        let before = shard.entries.len();
        shard.entries.retain(|_, entry| !entry.is_idle(now));
        let len = shard.entries.len();
        if len < shard.entries.capacity() / 4 {
            shard.entries.shrink_to(len * 2);
        }
        shard.swept_at = now;
        self.len.fetch_sub(before - len, Ordering::Relaxed);
    }
}

/// Which of so many, at least one, belongs to a hash.
#[expect(clippy::cast_possible_truncation, reason = "the remainder is less than a length")]
fn index(hash: u64, len: usize) -> usize {
    (hash % len as u64) as usize
}

/// What a panic elsewhere left is still a valid entry.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
