//! Sign-in sessions: one record from login to logout, whatever refresh token it is at. By user, and by expiry.
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::AccountSource;

use super::audit::AuditEntry;
use super::events::{NewEvent, kinds};
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::users::{UserRecord, is_local};
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
    /// Tokens before that one which are still taken; see [`LOST_ANSWER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Before>,
    /// What the program called itself that used it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The address it was last used from, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it was last used; written at most once a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixSeconds>,
    /// Who said that it is that person.
    #[serde(default, skip_serializing_if = "is_local")]
    pub source: AccountSource,
}

/// The last use of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionUse {
    /// When.
    pub at: UnixSeconds,
    /// From where, as text.
    pub address: Option<String>,
    /// What the caller's program calls itself.
    pub agent: Option<String>,
}

/// A token that is used up but taken for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// [`token_hash`] of its id.
    pub token_hash: String,
    /// It is refused after this.
    pub until: UnixSeconds,
}

/// A browser may use a token once more for so long, seconds: a page that is left while it waits for the answer, or
/// another tab, has only the one before. Programs read every answer and get no such time.
pub const LOST_ANSWER: i64 = 10;
/// Most tokens of a session that are taken beside the good one.
const MAX_BEFORE: usize = 16;

impl SessionRecord {
    /// Puts a new token in the place of the one with this hash; `false` when that one is not taken (any more).
    fn rotate(&mut self, used: &str, new: String, now: UnixSeconds, leeway: i64) -> bool {
        let soon = now.saturating_add(leeway);
        self.before.retain(|before| before.until >= now);
        let good = std::mem::replace(&mut self.token_hash, new);
        if good == used {
            // Nobody waits for answers from before this one.
            self.before.retain(|before| before.until <= soon);
            self.before.push(Before { token_hash: good, until: soon });
        } else if let Some(before) = self.before.iter_mut().find(|before| before.token_hash == used) {
            before.until = before.until.min(soon);
            // Whether the browser keeps the token of this answer or of the other one can't be known.
            self.before.push(Before { token_hash: good, until: self.expires_at });
        } else {
            return false;
        }
        if leeway == 0 {
            self.before.clear();
        }
        let too_many = self.before.len().saturating_sub(MAX_BEFORE);
        self.before.drain(..too_many);
        true
    }
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

    /// A session and the account that it is of, as of one moment.
    pub fn session_with_user(&self, id: &str) -> Result<Option<(SessionRecord, UserRecord)>, StoreError> {
        self.read(|view| {
            let Some(session) = view.get::<SessionRecord>(&Key::raw(id))? else { return Ok(None) };
            let user = view.get::<UserRecord>(&Key::raw(session.user_id.as_bytes()))?;
            Ok(user.map(|user| (session, user)))
        })
    }

    /// Remembers that sessions were used.
    pub async fn sessions_used(&self, uses: Vec<(String, SessionUse)>) -> Result<(), StoreError> {
        self.write(move |tx| {
            for (id, used) in &uses {
                update::<SessionRecord>(tx, &Key::raw(id.as_str()), |session| {
                    session.last_used_at = Some(used.at);
                    session.address.clone_from(&used.address);
                    session.agent.clone_from(&used.agent);
                })?;
            }
            Ok(tx.housekeeping(()))
        })
        .await
    }

    /// Begins a session.
    pub async fn begin_session(&self, session: SessionRecord, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            update::<UserRecord>(tx, &Key::raw(session.user_id.as_bytes()), |user| {
                user.last_login_at = Some(session.created_at);
            })?;
            tx.put(&session)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// Trades the token with id `token_id` for the one with id `new_token_id`, or ends the session when it is not the
    /// good one. `audit` is for that second case. `leeway`: 0, or [`LOST_ANSWER`] for a browser.
    pub async fn rotate_session(
        &self,
        id: String,
        (token_id, new_token_id): (String, String),
        expires_at: UnixSeconds,
        leeway: i64,
        audit: AuditEntry,
    ) -> Result<Rotation, StoreError> {
        self.write(move |tx| {
            let Some(mut session) = tx.get::<SessionRecord>(&Key::raw(id.as_str()))? else {
                return tx.unchanged(Rotation::Unknown);
            };
            if !session.rotate(&token_hash(&token_id), token_hash(&new_token_id), audit.by.at, leeway) {
                tx.remove::<SessionRecord>(&session.key())?;
                let description = format!("a used refresh token of session {id} came again; the session was ended");
                tx.append_event(&audit, &NewEvent::once(kinds::TOKEN_REUSED, description))?;
                return tx.audited(&audit, Rotation::Reused);
            }
            tx.put(&SessionRecord { expires_at, ..session })?;
            Ok(tx.housekeeping(Rotation::Rotated))
        })
        .await
    }

    /// Ends a session of a user; `false` when they have none of this id.
    pub async fn end_session(&self, user_id: String, id: String, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let key = Key::raw(id.as_str());
            let found = tx.get::<SessionRecord>(&key)?;
            if found.is_none_or(|session| session.user_id != user_id) {
                return tx.unchanged(false);
            }
            tx.remove::<SessionRecord>(&key)?;
            tx.audited(&audit, true)
        })
        .await
    }

    /// Ends all sessions of a user but, when named, one, and answers how many there were.
    pub async fn end_sessions_of(
        &self,
        user_id: String,
        but: Option<String>,
        audit: AuditEntry,
    ) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let ended = end_sessions(tx, &user_id, but.as_deref())?;
            tx.audited(&audit, ended)
        })
        .await
    }

    /// How many sessions a user has, expired ones among them.
    pub fn session_count(&self, user_id: &str) -> Result<u64, StoreError> {
        self.read(|view| view.count(&BY_USER, &Key::new().text(user_id)))
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

/// Ends all sessions of a user but, when named, one, and answers how many there were.
pub(super) fn end_sessions(tx: &Tx<'_>, user_id: &str, but: Option<&str>) -> Result<usize, StoreError> {
    let mut sessions = Walk::group(&BY_USER, Key::new().text(user_id)).keys(tx, usize::MAX)?;
    sessions.retain(|key| but.is_none_or(|but| key.bytes() != but.as_bytes()));
    remove_all(tx, &sessions)?;
    Ok(sessions.len())
}

fn remove_all(tx: &Tx<'_>, sessions: &[Key]) -> Result<(), StoreError> {
    for key in sessions {
        tx.remove::<SessionRecord>(key)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionRecord {
        SessionRecord {
            id: "s".into(),
            user_id: "u".into(),
            token_hash: "1".into(),
            created_at: 0,
            expires_at: 1000,
            before: Vec::new(),
            agent: None,
            address: None,
            last_used_at: None,
            source: AccountSource::Local,
        }
    }

    #[test]
    fn a_browser_that_lost_an_answer_comes_again() {
        let mut session = session();
        assert!(session.rotate("1", "2".into(), 100, LOST_ANSWER));
        assert!(session.rotate("1", "3".into(), 105, LOST_ANSWER), "a second tab, or the answer was lost");
        assert!(session.rotate("1", "4".into(), 110, LOST_ANSWER), "and a third");
        let mut other = session.clone();
        assert!(!other.rotate("1", "5".into(), 111, LOST_ANSWER), "then its time is over");
        for kept in ["2", "3", "4"] {
            let mut later = session.clone();
            assert!(later.rotate(kept, "5".into(), 900, LOST_ANSWER), "{kept} may be what the browser has");
            assert!(later.rotate(kept, "6".into(), 910, LOST_ANSWER));
            assert!(!later.rotate(kept, "7".into(), 911, LOST_ANSWER));
        }
        assert!(session.rotate("4", "5".into(), 900, LOST_ANSWER));
        assert!(!session.rotate("2", "6".into(), 901, LOST_ANSWER), "the browser had the good one");
    }

    #[test]
    fn a_program_uses_each_token_once() {
        let mut session = session();
        assert!(session.rotate("1", "2".into(), 100, 0));
        assert!(session.before.is_empty());
        assert!(!session.rotate("1", "3".into(), 100, 0));
    }

    #[test]
    fn a_session_keeps_only_so_many_tokens() {
        let mut session = session();
        assert!(session.rotate("1", "2".into(), 100, LOST_ANSWER));
        for number in 3..100 {
            session.rotate("1", number.to_string(), 100, LOST_ANSWER);
            assert!(session.before.len() <= MAX_BEFORE);
        }
    }
}
