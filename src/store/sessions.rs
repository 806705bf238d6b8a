//! Sign-in sessions: one record from login to logout, whatever refresh token it is at.
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::{Record, Store, StoreError};

const SESSIONS: TableDefinition<&str, &[u8]> = TableDefinition::new("sessions");
/// `user id`, then all of that user's session ids.
const BY_USER: TableDefinition<(&str, &str), ()> = TableDefinition::new("sessions_by_user");

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Stable id; access tokens name it.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Id of the one refresh token that is good.
    pub token_id: String,
    /// When it began.
    pub created_at: UnixSeconds,
    /// When its refresh token expires.
    pub expires_at: UnixSeconds,
}

impl Record for SessionRecord {
    const VERSION: u8 = 1;
    const TABLE: &'static str = "sessions";
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

pub(super) fn create_tables(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(SESSIONS)?;
    tx.open_table(BY_USER)?;
    Ok(())
}

impl Store {
    /// The session with this id, expired or not.
    pub fn session(&self, id: &str) -> Result<Option<SessionRecord>, StoreError> {
        self.read(|tx| tx.open_table(SESSIONS)?.get(id)?.map(|bytes| SessionRecord::decode(bytes.value())).transpose())
    }

    /// Begins a session; ended ones of the same user that have expired by `now` go at the same time.
    pub async fn begin_session(&self, session: SessionRecord, now: UnixSeconds) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut sessions = tx.open_table(SESSIONS)?;
            let mut by_user = tx.open_table(BY_USER)?;
            for id in of_user(&by_user, &session.user_id)? {
                let expired = match sessions.get(id.as_str())? {
                    Some(bytes) => SessionRecord::decode(bytes.value())?.expires_at <= now,
                    None => true,
                };
                if expired {
                    sessions.remove(id.as_str())?;
                    by_user.remove((session.user_id.as_str(), id.as_str()))?;
                }
            }
            by_user.insert((session.user_id.as_str(), session.id.as_str()), ())?;
            sessions.insert(session.id.as_str(), session.encode()?.as_slice())?;
            Ok(())
        })
        .await
    }

    /// Trades `token_id` for `new_token_id`, or ends the session when `token_id` is not the good one.
    pub async fn rotate_session(
        &self,
        id: String,
        token_id: String,
        new_token_id: String,
        expires_at: UnixSeconds,
    ) -> Result<Rotation, StoreError> {
        self.write(move |tx| {
            let mut sessions = tx.open_table(SESSIONS)?;
            let found = sessions.get(id.as_str())?.map(|bytes| SessionRecord::decode(bytes.value())).transpose()?;
            let Some(mut session) = found else {
                return Ok(Rotation::Unknown);
            };
            if session.token_id != token_id {
                sessions.remove(id.as_str())?;
                tx.open_table(BY_USER)?.remove((session.user_id.as_str(), id.as_str()))?;
                return Ok(Rotation::Reused);
            }
            session.token_id = new_token_id;
            session.expires_at = expires_at;
            sessions.insert(id.as_str(), session.encode()?.as_slice())?;
            Ok(Rotation::Rotated)
        })
        .await
    }

    /// Ends one session; one that is not there is as good as ended.
    pub async fn end_session(&self, id: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            let mut sessions = tx.open_table(SESSIONS)?;
            let removed =
                sessions.remove(id.as_str())?.map(|bytes| SessionRecord::decode(bytes.value())).transpose()?;
            if let Some(session) = removed {
                tx.open_table(BY_USER)?.remove((session.user_id.as_str(), id.as_str()))?;
            }
            Ok(())
        })
        .await
    }

    /// Ends all sessions of a user and answers how many there were.
    pub async fn end_sessions_of(&self, user_id: String) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let mut sessions = tx.open_table(SESSIONS)?;
            let mut by_user = tx.open_table(BY_USER)?;
            let ids = of_user(&by_user, &user_id)?;
            for id in &ids {
                sessions.remove(id.as_str())?;
                by_user.remove((user_id.as_str(), id.as_str()))?;
            }
            Ok(ids.len())
        })
        .await
    }
}

fn of_user(
    table: &impl ReadableTable<(&'static str, &'static str), ()>,
    user: &str,
) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    for entry in table.range((user, "")..)? {
        let (key, ()) = entry.map(|(key, value)| (key, value.value()))?;
        let (owner, id) = key.value();
        if owner != user {
            break;
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}
