//! Security events: what somebody should look at. By time, by user and time, by severity and whether it is resolved;
//! those that nobody has dealt with also by what makes two of them the same.
//!
//! The same again within an hour is not another event: the one that is there counts up.

pub mod kinds;
mod search;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
pub use slurmdash_api::audit::Severity;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::walk::{Source as _, Walk};
use super::{Store, StoreError};

pub use self::kinds::Kind;
pub use self::search::{EventFilter, EventGroup};

/// The same again after no more than so long is the same event, seconds.
pub const SAME_WITHIN: u64 = 3600;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEventRecord {
    /// Number of the event, from 1, in the order of writing.
    pub seq: u64,
    /// When it was first detected.
    pub at: UnixSeconds,
    /// Account id, when one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What happened, as a word: `token_reused`.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub description: String,
    /// Address of the caller, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When somebody dealt with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<UnixSeconds>,
    /// Name of the account that dealt with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// What that person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Account name, when one is known and it was always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// How often it was detected.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub count: u64,
    /// When it was last detected, when that was not the first time; see [`SecurityEventRecord::last_seen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<UnixSeconds>,
}

fn once() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_once(count: &u64) -> bool {
    *count == 1
}

impl SecurityEventRecord {
    /// Its stable id.
    pub fn id(&self) -> EventId {
        EventId { at: self.at, seq: self.seq }
    }

    /// When it was last detected.
    pub fn last_seen(&self) -> UnixSeconds {
        self.last_at.unwrap_or(self.at)
    }
}

/// An event's id; as text `<at>-<seq>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    /// When it was first detected.
    pub at: UnixSeconds,
    /// Its number.
    pub seq: u64,
}

impl EventId {
    fn key(self) -> Key {
        Key::new().time(self.at).number(self.seq)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.at, self.seq)
    }
}

/// The text is no event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no security event's id")]
pub struct BadEventId;

impl FromStr for EventId {
    type Err = BadEventId;

    fn from_str(text: &str) -> Result<Self, BadEventId> {
        let (at, seq) = text.rsplit_once('-').ok_or(BadEventId)?;
        let id = Self { at: at.parse().map_err(|_| BadEventId)?, seq: seq.parse().map_err(|_| BadEventId)? };
        // Only one text is good for each: no plus, no zeros in front.
        if id.to_string() == text { Ok(id) } else { Err(BadEventId) }
    }
}

const BY_USER: Lookup<SecurityEventRecord> = Lookup::counted("events.by_user", |event| {
    let user = event.user_id.as_deref().unwrap_or_default();
    Some(Entry::new(Key::new().text(user), Key::new().time(event.at)))
});
const BY_SEVERITY: Lookup<SecurityEventRecord> = Lookup::counted("events.by_severity", |event| {
    Some(Entry::new(severity_key(event.severity, event.resolved_at.is_some()), Key::new().time(event.at)))
});

/// The look-up that schema 5 adds.
pub(super) const OPEN_SAME_TABLE: &str = "events.open_same";
const OPEN_SAME: Lookup<SecurityEventRecord> = Lookup::plain(OPEN_SAME_TABLE, |event| {
    let group = same_key(&event.kind, event.user_id.as_deref(), event.address.as_deref());
    event.resolved_at.is_none().then(|| Entry::new(group, Key::new().time(event.last_seen())))
});

fn severity_key(severity: Severity, is_resolved: bool) -> Key {
    Key::new().byte(severity as u8).byte(u8::from(is_resolved))
}

/// What makes two events the same.
fn same_key(kind: &str, user_id: Option<&str>, address: Option<&str>) -> Key {
    Key::new().text(kind).text(user_id.unwrap_or_default()).text(address.unwrap_or_default())
}

impl Record for SecurityEventRecord {
    const TABLE: &'static str = "security_events";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_USER, BY_SEVERITY, OPEN_SAME];

    /// Time, then number: the table itself is in the order of time.
    fn key(&self) -> Key {
        self.id().key()
    }
}

const NEXT: &str = "security_events";

/// What is written about an event, once or several times at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub kind: Kind,
    /// What happened, in a sentence.
    pub description: String,
    /// How often.
    pub count: u64,
    /// When last; `None` when that was the time of its audit row, which is that of the first.
    pub last_at: Option<UnixSeconds>,
}

impl NewEvent {
    /// Something that was detected once.
    pub fn once(kind: Kind, description: String) -> Self {
        Self { kind, description, count: 1, last_at: None }
    }
}

impl Tx<'_> {
    /// Adds an event with its audit row's user, time and address: a new one, or to the same one that nobody has dealt
    /// with. The audit row itself is still to be written.
    pub fn append_event(&self, audit: &AuditEntry, event: &NewEvent) -> Result<(), StoreError> {
        let by = &audit.by;
        let address = by.address.map(|address| address.to_string());
        let last_at = event.last_at.map_or(by.at, |last_at| last_at.max(by.at));
        let same = same_key(event.kind.word, by.user_id.as_deref(), address.as_deref());
        let newest = Walk::group(&OPEN_SAME, same).keys(self, 1)?.pop();
        let newest = newest.map(|key| self.get::<SecurityEventRecord>(&key)).transpose()?.flatten();
        if let Some(mut found) = newest.filter(|found| found.last_seen().abs_diff(by.at) <= SAME_WITHIN) {
            found.count = found.count.saturating_add(event.count);
            found.severity = found.severity.max(event.kind.severity_of(found.count));
            found.last_at = Some(found.last_seen().max(last_at));
            if found.username != by.username {
                // Of an account it is another name now; of nobody, many were tried.
                found.username = found.user_id.as_ref().and(by.username.clone());
            }
            self.put(&found)?;
            return Ok(());
        }
        self.import_event(SecurityEventRecord {
            seq: 0,
            at: by.at,
            user_id: by.user_id.clone(),
            kind: event.kind.word.to_owned(),
            severity: event.kind.severity_of(event.count),
            description: event.description.clone(),
            address,
            resolved_at: None,
            resolved_by: None,
            note: None,
            username: by.username.clone(),
            count: event.count,
            last_at: Some(last_at).filter(|last_at| *last_at != by.at),
        })?;
        Ok(())
    }

    /// Appends an event as it is but for its number: from the old system.
    pub(crate) fn import_event(&self, mut event: SecurityEventRecord) -> Result<Key, StoreError> {
        event.seq = self.next_number(NEXT)?;
        self.put(&event)?;
        Ok(event.key())
    }
}

impl Store {
    /// Writes down an event and its audit row.
    pub async fn security_event(&self, audit: AuditEntry, event: NewEvent) -> Result<(), StoreError> {
        self.security_events(vec![(audit, event)]).await
    }

    /// Writes down events, each with its audit row, in one transaction.
    pub async fn security_events(&self, events: Vec<(AuditEntry, NewEvent)>) -> Result<(), StoreError> {
        self.write(move |tx| {
            for (audit, event) in &events {
                tx.append_event(audit, event)?;
                tx.append_audit(audit)?;
            }
            // Each has its row.
            Ok(tx.housekeeping(()))
        })
        .await
    }

    /// The event with this id.
    pub fn event(&self, id: EventId) -> Result<Option<SecurityEventRecord>, StoreError> {
        self.read(|view| view.get(&id.key()))
    }

    /// Marks an event as dealt with; `false` when there is none or it was before.
    pub async fn resolve_event(&self, id: EventId, note: String, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let open = tx.get::<SecurityEventRecord>(&id.key())?.is_some_and(|event| event.resolved_at.is_none());
            if !open {
                return tx.unchanged(false);
            }
            update::<SecurityEventRecord>(tx, &id.key(), |event| {
                event.resolved_at = Some(audit.by.at);
                event.resolved_by.clone_from(&audit.by.username);
                event.note = Some(note.clone());
            })?;
            tx.audited(&audit, true)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
