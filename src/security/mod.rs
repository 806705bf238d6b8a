//! What may be an attack, on its way into the store: told of by whoever sees it, folded, and written once a second.
//!
//! Telling costs next to nothing, so that an attacker gains nothing by being noticed: no disk, no waiting, and room for
//! so many different ones, however many come.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slurmdash_api::UnixSeconds;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::store::audit::{AuditEntry, By};
use crate::store::events::NewEvent;
use crate::store::{Store, StoreError};

pub use crate::store::events::kinds;
pub use crate::store::events::kinds::Kind;

/// Pause between two flushes.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Different ones of a kind that are told apart in a row; the others are counted by their kind alone. So no flood of
/// addresses fills the disk, and none of one kind hides another.
const TOLD_APART: u32 = 256;
/// One more may be told apart after so long, seconds.
const ANOTHER_AFTER: UnixSeconds = 4;
/// Most that wait for a flush, told apart: the store may be away for long.
const MOST_WAITING: usize = 4096;
/// Longest text that is kept of what somebody typed, bytes.
const MAX_TEXT: usize = 512;

/// Something that was seen and may be an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What it is.
    pub kind: Kind,
    /// When, who and from where, as far as that is known.
    pub by: By,
    /// What it was about, such as a path or a file's name.
    pub resource: Option<String>,
    /// What happened, in a sentence.
    pub description: String,
}

/// Takes what was seen. Cheap to clone.
#[derive(Clone)]
pub struct Security(Arc<Inner>);

struct Inner {
    store: Store,
    waiting: Mutex<Waiting>,
    /// Held while one flush is under way, so that the next one ends after it.
    flushing: tokio::sync::Mutex<()>,
}

impl Security {
    /// Into this store.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Inner { store, waiting: Mutex::default(), flushing: tokio::sync::Mutex::default() }))
    }

    /// Tells of something. Never waits for the disk; it is in the store after the next flush.
    pub fn report(&self, incident: Incident) {
        self.waiting(|waiting| waiting.add(Group::of(incident)));
    }

    /// Tells of something in a few words.
    pub fn note(&self, kind: Kind, by: &By, description: &str) {
        self.report(Incident { kind, by: by.clone(), resource: None, description: description.to_owned() });
    }

    /// Tells that somebody wanted something that they may not, and in which words they were refused.
    pub fn refused(&self, by: &By, wanted: &str, words: String) {
        let (kind, resource) = (kinds::PERMISSION_REFUSED, Some(wanted.to_owned()));
        self.report(Incident { kind, by: by.clone(), resource, description: words });
    }

    /// Writes down what waits, and answers when that, and all from flushes before, is on disk. What can't be written
    /// waits on.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _turn = self.0.flushing.lock().await;
        let taken = self.waiting(Waiting::take);
        if taken.is_empty() {
            return Ok(());
        }
        let events = taken.groups().map(Group::written).collect();
        let written = self.0.store.security_events(events).await;
        if written.is_err() {
            self.waiting(|waiting| taken.into_groups().for_each(|group| waiting.put_back(group)));
        }
        written
    }

    /// Flushes once a second until the program is to stop, and once more then.
    pub async fn run(self, stopping: CancellationToken) {
        let mut turns = interval(FLUSH_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_failed = false;
        loop {
            let is_last = tokio::select! {
                _ = turns.tick() => false,
                () = stopping.cancelled() => true,
            };
            match self.flush().await {
                Ok(()) => has_failed = false,
                Err(error) if !has_failed => {
                    has_failed = true;
                    tracing::error!(%error, "security events can't be written down; will try again");
                }
                Err(_) => {}
            }
            if is_last {
                return;
            }
        }
    }

    fn waiting<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(&mut self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What makes two incidents the same: kind, account, address.
type Same = (&'static str, Option<String>, Option<IpAddr>);

/// What waits for the next flush.
#[derive(Default)]
struct Waiting {
    groups: HashMap<Same, Group>,
    /// What there is no more room for, by kind.
    crowds: BTreeMap<&'static str, Group>,
    /// How many more of each kind may be told apart.
    budgets: BTreeMap<&'static str, Budget>,
}

/// How many more may be told apart, as of a time.
struct Budget {
    left: u32,
    at: UnixSeconds,
}

impl Budget {
    /// Spends one; `false` when there is none.
    fn spend(&mut self, now: UnixSeconds) -> bool {
        let more = now.saturating_sub(self.at).max(0) / ANOTHER_AFTER;
        self.at = self.at.saturating_add(more * ANOTHER_AFTER).min(now.max(self.at));
        self.left = self.left.saturating_add(u32::try_from(more).unwrap_or(u32::MAX)).min(TOLD_APART);
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

impl Waiting {
    /// What waits; budgets stay.
    fn take(&mut self) -> Self {
        let (groups, crowds) = (std::mem::take(&mut self.groups), std::mem::take(&mut self.crowds));
        Self { groups, crowds, budgets: BTreeMap::new() }
    }

    fn add(&mut self, group: Group) {
        let (kind, now) = (group.incident.kind.word, group.incident.by.at);
        if let Some(same) = self.groups.get_mut(&group.same()) {
            same.join(&group);
        } else if self.budgets.entry(kind).or_insert(Budget { left: TOLD_APART, at: now }).spend(now) {
            self.put_back(group);
        } else {
            self.add_to_crowd(group);
        }
    }

    /// Adds what was told apart before, and is still.
    fn put_back(&mut self, group: Group) {
        if let Some(same) = self.groups.get_mut(&group.same()) {
            same.join(&group);
        } else if group.is_crowd || self.groups.len() >= MOST_WAITING {
            self.add_to_crowd(group);
        } else {
            self.groups.insert(group.same(), group);
        }
    }

    fn add_to_crowd(&mut self, group: Group) {
        let crowd = group.into_crowd();
        match self.crowds.get_mut(crowd.incident.kind.word) {
            Some(same) => same.join(&crowd),
            None => drop(self.crowds.insert(crowd.incident.kind.word, crowd)),
        }
    }

    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.crowds.is_empty()
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().chain(self.crowds.values())
    }

    fn into_groups(self) -> impl Iterator<Item = Group> {
        self.groups.into_values().chain(self.crowds.into_values())
    }
}

/// The same, so many times.
struct Group {
    /// The first one.
    incident: Incident,
    count: u64,
    last_at: UnixSeconds,
    is_crowd: bool,
}

impl Group {
    fn of(mut incident: Incident) -> Self {
        cut(&mut incident.description);
        incident.resource.iter_mut().chain(&mut incident.by.username).for_each(cut);
        let last_at = incident.by.at;
        Self { incident, count: 1, last_at, is_crowd: false }
    }

    fn same(&self) -> Same {
        let by = &self.incident.by;
        (self.incident.kind.word, by.user_id.clone(), by.address)
    }

    fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.last_at = self.last_at.max(other.last_at);
        if self.incident.by.username != other.incident.by.username {
            // Many names were tried.
            self.incident.by.username = None;
        }
        if self.incident.resource != other.incident.resource {
            self.incident.resource = None;
        }
    }

    /// Of nobody, from nowhere: one of too many to tell apart.
    fn into_crowd(self) -> Self {
        let Incident { kind, by, .. } = self.incident;
        let description = format!("{}, from more addresses or accounts than are told apart", kind.word);
        let incident = Incident { kind, by: By::system(by.at), resource: None, description };
        Self { incident, is_crowd: true, ..self }
    }

    /// As it is written down: the event, and its row in the audit log.
    fn written(&self) -> (AuditEntry, NewEvent) {
        let Incident { kind, by, resource, description } = self.incident.clone();
        let error = match self.count {
            1 => description.clone(),
            count => format!("{description} ({count} times)"),
        };
        let audit = AuditEntry { by, action: kind.action, resource, error: Some(error) };
        (audit, NewEvent { kind, description, count: self.count, last_at: Some(self.last_at) })
    }
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
}

#[cfg(test)]
mod tests;
