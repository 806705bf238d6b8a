//! Sessions: begun by a sign-in, carried on by refresh tokens, ended by their person, an admin, or time.
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{AccountSource, REFRESH_TOKEN_SECONDS, Session};

use super::principal::{Credential, Origin, Principal};
use super::tokens::{AccessClaims, Invalid, RefreshClaims};
use super::{Auth, AuthError, TokenPair};
use crate::random;
use crate::store::audit::AuditEntry;
use crate::store::sessions::{LOST_ANSWER, Rotation, SessionRecord, token_hash};
use crate::store::users::UserRecord;
use crate::store::walk::PageRequest;

/// Sessions that are listed, the newest of them.
const MAX_LISTED: usize = 1_000;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Without being used, seconds; a refresh token lives no longer.
    pub idle: i64,
    /// In all, seconds.
    pub most: i64,
}

impl Life {
    /// When a session ends that began at `begun` and is used now.
    fn end(self, begun: UnixSeconds, now: UnixSeconds) -> UnixSeconds {
        now.saturating_add(self.idle.min(REFRESH_TOKEN_SECONDS)).min(begun.saturating_add(self.most))
    }
}

impl Auth {
    /// Begins a session for somebody who has shown who they are.
    pub async fn begin(
        &self,
        user: UserRecord,
        source: AccountSource,
        origin: Origin,
    ) -> Result<(Principal, TokenPair), AuthError> {
        let now = self.clock.now();
        let token_id = random::id()?;
        let session = SessionRecord {
            id: random::id()?,
            user_id: user.id.clone(),
            token_hash: token_hash(&token_id),
            created_at: now,
            expires_at: self.life.end(now, now),
            before: Vec::new(),
            agent: origin.agent.clone(),
            address: origin.address.map(|address| address.to_string()),
            last_used_at: Some(now),
            source,
        };
        let pair = self.pair(&user, &session, &token_id)?;
        let who = self.principal(user, Credential::Session(session.id.clone()), origin);
        let audit = AuditEntry::done(who.by(now), "session.begin", &session.id);
        self.store.begin_session(session, audit).await?;
        Ok((who, pair))
    }

    /// Trades a refresh token for a new pair.
    ///
    /// From a browser a used token is taken once more for [`LOST_ANSWER`] seconds.
    pub async fn refresh(&self, token: &str, is_browser: bool, origin: Origin) -> Result<TokenPair, AuthError> {
        let now = self.clock.now();
        let claims: RefreshClaims = self.tokens.read(token, now)?;
        let known = self.store.session_with_user(&claims.session)?;
        let known = known.filter(|(session, user)| user.id == claims.user_id && is_good(session, user, now));
        let (session, user) = known.ok_or(AuthError::SessionOver)?;
        let expires_at = self.life.end(session.created_at, now);
        let token_id = random::id()?;
        let pair = self.pair(&user, &SessionRecord { expires_at, ..session }, &token_id)?;
        let by = self.principal(user, Credential::Session(claims.session.clone()), origin).by(now);
        let user_id = by.user_id.clone();
        let audit = AuditEntry::refused(by, "session.refresh", &claims.session, "the refresh token was used before");
        let leeway = if is_browser { LOST_ANSWER } else { 0 };
        let ids = (claims.token_id, token_id);
        match self.store.rotate_session(claims.session, ids, expires_at, leeway, audit).await? {
            Rotation::Rotated => Ok(pair),
            Rotation::Reused => {
                self.tell_ended(user_id.as_deref().unwrap_or_default());
                Err(AuthError::ReusedToken)
            }
            Rotation::Unknown => Err(AuthError::SessionOver),
        }
    }

    /// Who an access token belongs to.
    pub fn authenticate(&self, token: &str, origin: Origin) -> Result<Principal, AuthError> {
        let now = self.clock.now();
        let claims: AccessClaims = self.tokens.read(token, now)?;
        let known = self.store.session_with_user(&claims.session)?;
        let known = known.filter(|(session, user)| user.id == claims.user_id && is_good(session, user, now));
        let (session, user) = known.ok_or(AuthError::SessionOver)?;
        Ok(self.principal(user, Credential::Session(session.id), origin))
    }

    /// Whether what was shown for an earlier [`Auth::authenticate`] or [`Auth::authenticate_key`] still holds, and
    /// nothing that it allowed was taken away since.
    pub fn still_holds(&self, who: &Principal) -> bool {
        let now = self.clock.now();
        let user = match &who.credential {
            Credential::Session(id) => {
                let known = self.store.session_with_user(id).ok().flatten();
                known.filter(|(session, user)| is_good(session, user, now)).map(|(_, user)| user)
            }
            Credential::ApiKey(id) => {
                let key = self.store.api_key(id).ok().flatten().filter(|key| key.is_active(now));
                key.and_then(|_| self.store.user(&who.user_id).ok().flatten()).filter(|user| user.is_active)
            }
        };
        user.is_some_and(|user| {
            let now = self.roles.permissions_of(&user);
            user.id == who.user_id
                && user.unix_user == who.unix_user
                && who.permissions.iter().all(|permission| now.contains(permission))
        })
    }

    /// Ends the session of `refresh_token`, or all sessions of the person without one.
    pub async fn logout(&self, who: &Principal, refresh_token: Option<&str>) -> Result<(), AuthError> {
        let Some(token) = refresh_token else {
            self.end_sessions(who, &who.user_id, None).await?;
            return Ok(());
        };
        let claims: RefreshClaims = self.tokens.read(token, self.clock.now())?;
        if claims.user_id != who.user_id {
            return Err(AuthError::InvalidToken);
        }
        self.end_session(who, &who.user_id, &claims.session).await?;
        Ok(())
    }

    /// An account's sessions, newest first.
    pub fn sessions_of(&self, user_id: &str, current: Option<&str>) -> Result<Vec<Session>, AuthError> {
        let now = self.clock.now();
        let sessions = self.store.sessions_of(user_id, &PageRequest::first(MAX_LISTED))?;
        let good = sessions.items.into_iter().filter(|session| session.expires_at > now);
        let shown = good.map(|session| Session {
            is_current: current == Some(session.id.as_str()),
            last_used_at: session.last_used_at.unwrap_or(session.created_at),
            id: session.id,
            agent: session.agent,
            address: session.address,
            source: session.source,
            created_at: session.created_at,
            expires_at: session.expires_at,
        });
        Ok(shown.collect())
    }

    /// Ends a session of an account; `false` when it has none of this id.
    pub async fn end_session(&self, by: &Principal, user_id: &str, id: &str) -> Result<bool, AuthError> {
        let audit = AuditEntry::done(by.by(self.clock.now()), "session.end", id);
        let ended = self.store.end_session(user_id.to_owned(), id.to_owned(), audit).await?;
        self.tell_ended(user_id);
        Ok(ended)
    }

    /// Ends all sessions of an account but, when named, one, and answers how many there were.
    pub async fn end_sessions(&self, by: &Principal, user_id: &str, but: Option<&str>) -> Result<usize, AuthError> {
        let audit = AuditEntry::done(by.by(self.clock.now()), "session.end_all", user_id);
        let ended = self.store.end_sessions_of(user_id.to_owned(), but.map(str::to_owned), audit).await?;
        self.tell_ended(user_id);
        Ok(ended)
    }

    /// Whether a caller at this address is in a session of this account already.
    pub(super) fn has_session_from(&self, user_id: &str, origin: &Origin) -> Result<bool, AuthError> {
        let Some(address) = origin.address.map(|address| address.to_string()) else { return Ok(false) };
        let now = self.clock.now();
        let sessions = self.store.sessions_of(user_id, &PageRequest::first(MAX_LISTED))?.items;
        Ok(sessions.iter().any(|session| session.expires_at > now && session.address.as_deref() == Some(&address)))
    }

    fn pair(&self, user: &UserRecord, session: &SessionRecord, token_id: &str) -> Result<TokenPair, AuthError> {
        let now = self.clock.now();
        let permissions = self.roles.permissions_of(user);
        Ok(TokenPair {
            access: self.tokens.sign(&AccessClaims::new(&user.id, &permissions, &session.id, now))?,
            refresh: self.tokens.sign(&RefreshClaims::new(&user.id, token_id, &session.id, now))?,
        })
    }
}

fn is_good(session: &SessionRecord, user: &UserRecord, now: UnixSeconds) -> bool {
    session.user_id == user.id && session.expires_at > now && user.is_active
}

impl From<Invalid> for AuthError {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Expired => Self::SessionOver,
            Invalid::Forged => Self::InvalidToken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idleness_and_by_age_whichever_comes_first() {
        let life = Life { idle: 3_600, most: 10_000 };
        assert_eq!(life.end(0, 0), 3_600);
        assert_eq!(life.end(0, 9_000), 10_000);
        assert_eq!(Life { idle: i64::MAX, most: i64::MAX }.end(0, 5), 5 + REFRESH_TOKEN_SECONDS);
    }
}
