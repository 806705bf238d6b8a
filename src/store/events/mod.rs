//! Security events: what somebody should look at. By user and time, by severity and whether it is resolved.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Look at it when there is time.
    Medium,
    /// Look at it today.
    High,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEventRecord {
    /// Number of the event, from 1, in the order of writing.
    pub seq: u64,
    /// When it was detected.
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
}

const BY_USER: Lookup<SecurityEventRecord> = Lookup::counted("events.by_user", |event| {
    let user = event.user_id.as_deref().unwrap_or_default();
    Some(Entry::new(Key::new().text(user), Key::new().time(event.at)))
});
const BY_SEVERITY: Lookup<SecurityEventRecord> = Lookup::counted("events.by_severity", |event| {
    Some(Entry::new(severity_key(event.severity, event.resolved_at.is_some()), Key::new().time(event.at)))
});

fn severity_key(severity: Severity, is_resolved: bool) -> Key {
    Key::new().byte(severity as u8).byte(u8::from(is_resolved))
}

impl Record for SecurityEventRecord {
    const TABLE: &'static str = "security_events";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_USER, BY_SEVERITY];

    /// Time, then number: the table itself is in the order of time.
    fn key(&self) -> Key {
        Key::new().time(self.at).number(self.seq)
    }
}

const NEXT: &str = "security_events";

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EventFilter {
    /// All.
    #[default]
    All,
    /// Of one account; the empty id stands for nobody known.
    User(String),
    /// Of one severity, dealt with or not.
    Severity(Severity, bool),
}

/// What is written about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened, as a word: `token_reused`.
    pub kind: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub description: String,
}

impl Tx<'_> {
    /// Appends an event with its audit row's user, time and address. The audit row itself is still to be written.
    pub fn append_event(&self, audit: &AuditEntry, event: &NewEvent) -> Result<(), StoreError> {
        self.import_event(SecurityEventRecord {
            seq: 0,
            at: audit.by.at,
            user_id: audit.by.user_id.clone(),
            kind: event.kind.to_owned(),
            severity: event.severity,
            description: event.description.clone(),
            address: audit.by.address.map(|address| address.to_string()),
            resolved_at: None,
            resolved_by: None,
            note: None,
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
        self.write(move |tx| {
            tx.append_event(&audit, &event)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Marks an event as dealt with; `false` when there is none or it was before.
    pub async fn resolve_event(&self, key: Key, note: String, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let open = tx.get::<SecurityEventRecord>(&key)?.is_some_and(|event| event.resolved_at.is_none());
            if !open {
                return tx.unchanged(false);
            }
            update::<SecurityEventRecord>(tx, &key, |event| {
                event.resolved_at = Some(audit.by.at);
                event.resolved_by.clone_from(&audit.by.username);
                event.note = Some(note.clone());
            })?;
            tx.audited(&audit, true)
        })
        .await
    }

    /// A page of events, newest first, from the second `from` (inclusive) to `to` (exclusive).
    pub fn event_page(
        &self,
        filter: &EventFilter,
        from: Option<UnixSeconds>,
        to: Option<UnixSeconds>,
        page: &PageRequest,
    ) -> Result<Page<SecurityEventRecord>, StoreError> {
        let walk = match filter {
            EventFilter::All => Walk::table(),
            EventFilter::User(id) => Walk::group(&BY_USER, Key::new().text(id)),
            EventFilter::Severity(severity, resolved) => Walk::group(&BY_SEVERITY, severity_key(*severity, *resolved)),
        };
        let time = |at| Key::new().time(at);
        self.read(|view| walk.between(from.map(time), to.map(time)).page(view, page))
    }

    /// How many events there are, whenever they were.
    pub fn event_count(&self, filter: &EventFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            EventFilter::All => view.total::<SecurityEventRecord>(),
            EventFilter::User(id) => view.count(&BY_USER, &Key::new().text(id)),
            EventFilter::Severity(severity, resolved) => view.count(&BY_SEVERITY, &severity_key(*severity, *resolved)),
        })
    }
}
