//! The audit log: who did what from where with which result. By time, by user and time, by action and time.
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::Tx;
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// Whose doing a change is, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// When.
    pub at: UnixSeconds,
    /// Account id; `None` for the program itself and for strangers.
    pub user_id: Option<String>,
    /// Account name as it was then.
    pub username: Option<String>,
    /// Address of the caller.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself; cut at [`By::MAX_AGENT`] bytes.
    pub agent: Option<String>,
    /// The request's id, as in the log.
    pub request_id: Option<String>,
}

impl By {
    /// Longest `agent` that is kept, bytes.
    pub const MAX_AGENT: usize = 256;

    /// The program itself, or its admin at the command line.
    pub fn system(at: UnixSeconds) -> Self {
        Self { at, user_id: None, username: None, address: None, agent: None, request_id: None }
    }
}

/// What is written about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Whose doing.
    pub by: By,
    /// What was done, as `noun.verb`: `user.create`, `upload.finish`.
    pub action: &'static str,
    /// What it was done to, such as a job's number.
    pub resource: Option<String>,
    /// Why it failed; `None` when it was done.
    pub error: Option<String>,
}

impl AuditEntry {
    /// Something that was done.
    pub fn done(by: By, action: &'static str, resource: impl Into<String>) -> Self {
        Self { by, action, resource: Some(resource.into()), error: None }
    }

    /// Something that was tried and refused.
    pub fn refused(by: By, action: &'static str, resource: impl Into<String>, error: impl Into<String>) -> Self {
        Self { by, action, resource: Some(resource.into()), error: Some(error.into()) }
    }
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Number of the row, from 1, in the order of writing.
    pub seq: u64,
    /// When.
    pub at: UnixSeconds,
    /// Account id; `None` for the program itself and for strangers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Account name as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// HTTP method, on rows of the old system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Address of the caller, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the caller's program calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The request's id, as in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// HTTP status of the answer, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed; absent when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

const BY_USER: Lookup<AuditRecord> = Lookup::counted("audit.by_user", |row| {
    let user = row.user_id.as_deref().unwrap_or_default();
    Some(Entry::new(Key::new().text(user), Key::new().time(row.at)))
});
const BY_ACTION: Lookup<AuditRecord> =
    Lookup::counted("audit.by_action", |row| Some(Entry::new(Key::new().text(&row.action), Key::new().time(row.at))));

impl Record for AuditRecord {
    const TABLE: &'static str = "audit";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_USER, BY_ACTION];

    /// Time, then number: the table itself is in the order of time.
    fn key(&self) -> Key {
        Key::new().time(self.at).number(self.seq)
    }
}

/// What its numbers are given out under.
const NEXT: &str = "audit";

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AuditFilter {
    /// All.
    #[default]
    All,
    /// Of one account; the empty id stands for the program itself and strangers.
    User(String),
    /// Of one action.
    Action(String),
}

impl Tx<'_> {
    /// Appends a row to the log.
    pub fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let by = &entry.by;
        self.put(&AuditRecord {
            seq: self.next_number(NEXT)?,
            at: by.at,
            user_id: by.user_id.clone(),
            username: by.username.clone(),
            action: entry.action.to_owned(),
            resource: entry.resource.clone(),
            method: None,
            address: by.address.map(|address| address.to_string()),
            agent: by.agent.clone(),
            request_id: by.request_id.clone(),
            status: None,
            error: entry.error.clone(),
        })?;
        Ok(())
    }

    /// Appends a row as it is but for its number: from the old system.
    pub(crate) fn import_audit(&self, mut row: AuditRecord) -> Result<Key, StoreError> {
        row.seq = self.next_number(NEXT)?;
        self.put(&row)?;
        Ok(row.key())
    }
}

impl Store {
    /// Writes down something that changed no record: a login that was refused, a download.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| tx.audited(&entry, ())).await
    }

    /// A page of the log, newest first, from the second `from` (inclusive) to `to` (exclusive).
    pub fn audit_page(
        &self,
        filter: &AuditFilter,
        from: Option<UnixSeconds>,
        to: Option<UnixSeconds>,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let walk = match filter {
            AuditFilter::All => Walk::table(),
            AuditFilter::User(id) => Walk::group(&BY_USER, Key::new().text(id)),
            AuditFilter::Action(action) => Walk::group(&BY_ACTION, Key::new().text(action)),
        };
        let time = |at| Key::new().time(at);
        self.read(|view| walk.between(from.map(time), to.map(time)).page(view, page))
    }

    /// How many rows there are, whenever they were written.
    pub fn audit_count(&self, filter: &AuditFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            AuditFilter::All => view.total::<AuditRecord>(),
            AuditFilter::User(id) => view.count(&BY_USER, &Key::new().text(id)),
            AuditFilter::Action(action) => view.count(&BY_ACTION, &Key::new().text(action)),
        })
    }
}
