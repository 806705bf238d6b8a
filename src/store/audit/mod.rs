//! The audit log: who did what from where with which result. By time, by user and time, by action and time, by address
//! and time, refused ones by time; and in the order of writing, in which each row holds the digest of the one before
//! ([`chain`]).

pub mod chain;
pub mod search;
pub mod verify;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::AuditResult;

use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::Tx;
use super::{Store, StoreError};

pub use self::search::{AuditExport, AuditFilter, AuditGroup, Whose};

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
    /// Id of the API key that was used.
    pub key_id: Option<String>,
}

impl By {
    /// Longest `agent` that is kept, bytes.
    pub const MAX_AGENT: usize = 256;

    /// The program itself, or its admin at the command line.
    pub fn system(at: UnixSeconds) -> Self {
        Self { at, user_id: None, username: None, address: None, agent: None, request_id: None, key_id: None }
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
    /// Id of the API key that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// SHA-256 of the stored bytes of the row that was written before this one, 64 lower-case hex digits; absent on the
    /// first row ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
}

impl AuditRecord {
    /// Whether it was done. Rows of the old system may say so only by an HTTP status.
    pub fn result(&self) -> AuditResult {
        let is_refused = self.error.is_some() || self.status.is_some_and(|status| status >= 400);
        if is_refused { AuditResult::Refused } else { AuditResult::Done }
    }
}

const BY_USER: Lookup<AuditRecord> = Lookup::counted("audit.by_user", |row| {
    let user = row.user_id.as_deref().unwrap_or_default();
    Some(Entry::new(Key::new().text(user), Key::new().time(row.at)))
});
const BY_ACTION: Lookup<AuditRecord> =
    Lookup::counted("audit.by_action", |row| Some(Entry::new(Key::new().text(&row.action), Key::new().time(row.at))));

/// The look-ups that schema 5 adds.
pub(super) const NEWER_LOOKUPS: [&str; 3] = ["audit.by_seq", "audit.by_address", "audit.refused"];
/// The order of writing. The table's own order is that of time, which may go back, and imported rows have old times.
const BY_SEQ: Lookup<AuditRecord> =
    Lookup::plain(NEWER_LOOKUPS[0], |row| Some(Entry::new(Key::new(), Key::new().number(row.seq))));
const BY_ADDRESS: Lookup<AuditRecord> = Lookup::plain(NEWER_LOOKUPS[1], |row| {
    row.address.as_ref().map(|address| Entry::new(Key::new().text(address), Key::new().time(row.at)))
});
const REFUSED: Lookup<AuditRecord> = Lookup::plain(NEWER_LOOKUPS[2], |row| {
    (row.result() == AuditResult::Refused).then(|| Entry::new(Key::new(), Key::new().time(row.at)))
});

impl Record for AuditRecord {
    const TABLE: &'static str = "audit";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_USER, BY_ACTION, BY_SEQ, BY_ADDRESS, REFUSED];

    /// Time, then number: the table itself is in the order of time.
    fn key(&self) -> Key {
        Key::new().time(self.at).number(self.seq)
    }
}

/// The time and the number that a row's key is made of; `None` when it is no key of a row.
pub(in crate::store) fn place(key: &[u8]) -> Option<(UnixSeconds, u64)> {
    let (time, seq) = key.split_first_chunk::<8>()?;
    let seq = u64::from_be_bytes(seq.try_into().ok()?);
    Some(((u64::from_be_bytes(*time) ^ (1 << 63)).cast_signed(), seq))
}

impl Tx<'_> {
    /// Appends a row to the log.
    pub fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let by = &entry.by;
        self.import_audit(AuditRecord {
            seq: 0,
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
            key_id: by.key_id.clone(),
            prev: None,
        })?;
        Ok(())
    }

    /// Appends a row as it is but for its number and its place in the chain: from the old system.
    pub(crate) fn import_audit(&self, row: AuditRecord) -> Result<Key, StoreError> {
        self.append_to_chain(row)
    }
}

#[cfg(test)]
mod tests;

impl Store {
    /// Writes down something that changed no record: a login that was refused, a download.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| tx.audited(&entry, ())).await
    }
}
