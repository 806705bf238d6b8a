//! Sign-in sessions: one record from login to logout, whatever refresh token it is at. By user, and by expiry.
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::audit::AuditEntry;
use super::events::{NewEvent, Severity};
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::Tx;
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};
use crate::random;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Stable id; access tokens name it.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// [`token_hash`] of the id of the one refresh token that is good.
    pub token_hash: String,
    /// When it began.
    pub created_at: UnixSeconds,
    /// When its refresh token expires.
    pub expires_at: UnixSeconds,
}

/// How a refresh token is known again without being kept: SHA-256 of its id, 64 lower-case hex digits. The id is 128
/// random bits, so that no salt is needed.
pub fn token_hash(token_id: &str) -> String {
    random::hex(digest(&SHA256, token_id.as_bytes()).as_ref())
}

const BY_USER: Lookup<SessionRecord> = Lookup::counted("sessions.by_user", |session| {
    Some(Entry::new(Key::new().text(&session.user_id), Key::new().time(session.created_at)))
});
const BY_EXPIRY: Lookup<SessionRecord> =
    Lookup::plain("sessions.by_expiry", |session| Some(Entry::new(Key::new(), Key::new().time(session.expires_at))));

impl Record for SessionRecord {
    const TABLE: &'static str = "sessions";
    /// 1 had the token's id itself; the migration to schema 3 hashes it.
    const VERSION: u8 = 2;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_USER, BY_EXPIRY];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

/// What came of handing in a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It was the good one and is used up; the new one is in its place.
    Rotated,
    /// It had been used before: somebody has a copy. The session is over.
    Reused,
    /// There is no such session (any more).
    Unknown,
}

impl Store {
    /// The session with this id, expired or not.
    pub fn session(&self, id: &str) -> Result<Option<SessionRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// A page of somebody's sessions, newest first, expired ones among them.
    pub fn sessions_of(&self, user_id: &str, page: &PageRequest) -> Result<Page<SessionRecord>, StoreError> {
        self.read(|view| Walk::group(&BY_USER, Key::new().text(user_id)).page(view, page))
    }

    /// Begins a session.
    pub async fn begin_session(&self, session: SessionRecord, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.put(&session)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Trades the token with id `token_id` for the one with id `new_token_id`, or ends the session when it is not the
    /// good one. `audit` is for that second case.
    pub async fn rotate_session(
        &self,
        id: String,
        token_id: String,
        new_token_id: String,
        expires_at: UnixSeconds,
        audit: AuditEntry,
    ) -> Result<Rotation, StoreError> {
        self.write(move |tx| {
            let Some(session) = tx.get::<SessionRecord>(&Key::raw(id.as_str()))? else {
                return tx.unchanged(Rotation::Unknown);
            };
            if session.token_hash != token_hash(&token_id) {
                tx.remove::<SessionRecord>(&session.key())?;
                let description = format!("a used refresh token of session {id} came again; the session was ended");
                tx.append_event(&audit, &NewEvent { kind: "token_reused", severity: Severity::High, description })?;
                return tx.audited(&audit, Rotation::Reused);
            }
            tx.put(&SessionRecord { token_hash: token_hash(&new_token_id), expires_at, ..session })?;
            Ok(tx.housekeeping(Rotation::Rotated))
        })
        .await
    }

    /// Ends one session; one that is not there is as good as ended.
    pub async fn end_session(&self, id: String, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| match tx.remove::<SessionRecord>(&Key::raw(id.as_str()))? {
            Some(_) => tx.audited(&audit, ()),
            None => tx.unchanged(()),
        })
        .await
    }

    /// Ends all sessions of a user and answers how many there were.
    pub async fn end_sessions_of(&self, user_id: String, audit: AuditEntry) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let sessions = Walk::group(&BY_USER, Key::new().text(&user_id)).keys(tx, usize::MAX)?;
            remove_all(tx, &sessions)?;
            tx.audited(&audit, sessions.len())
        })
        .await
    }

    /// Forgets up to `limit` sessions that had expired by `now` and answers how many.
    pub async fn expire_sessions(&self, now: UnixSeconds, limit: usize) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let past = Some(Key::new().time(now.saturating_add(1)));
            let expired = Walk::group(&BY_EXPIRY, Key::new()).between(None, past).ascending().keys(tx, limit)?;
            remove_all(tx, &expired)?;
            Ok(tx.housekeeping(expired.len()))
        })
        .await
    }
}

fn remove_all(tx: &Tx<'_>, sessions: &[Key]) -> Result<(), StoreError> {
    for key in sessions {
        tx.remove::<SessionRecord>(key)?;
    }
    Ok(())
}
