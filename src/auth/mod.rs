//! Who is asking: passwords, tokens and sessions. What they may do is in their [`Principal`].
//!
//! Tokens follow the contract: HS256, access tokens for 15 minutes, refresh tokens for 7 days that are traded for a
//! new one at each use. Beyond the contract's claims every token names its session, so that ending a session also
//! refuses the access tokens that are already out.

pub mod oidc;
pub mod passwords;
pub mod tokens;

use std::net::IpAddr;

use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{Permission, REFRESH_TOKEN_SECONDS, User};

use crate::clock::Clock;
use crate::random;
use crate::secret::Secret;
use crate::store::audit::{AuditEntry, By};
use crate::store::sessions::{LOST_ANSWER, Rotation, SessionRecord, token_hash};
use crate::store::users::UserRecord;
use crate::store::{Store, StoreError};
use passwords::Passwords;
use tokens::{AccessClaims, RefreshClaims, Tokens};

/// Longest account name, bytes.
const MAX_USERNAME: usize = 128;
/// Longest password, bytes; more only costs hashing time.
const MAX_PASSWORD: usize = 1024;

/// Where a request came from, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Address of the caller.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself.
    pub agent: Option<String>,
    /// The request's id, as in the log.
    pub request_id: Option<String>,
}

impl Origin {
    /// As the audit log names somebody who is not signed in.
    pub fn by(&self, at: UnixSeconds) -> By {
        let Self { address, agent, request_id } = self.clone();
        By { address, agent, request_id, ..By::system(at) }
    }
}

/// The signed-in person behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Account id.
    pub user_id: String,
    /// Account name.
    pub username: String,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// The Unix user whose jobs and files are theirs, where that is not the server's own.
    pub unix_user: Option<String>,
    /// The session they are in.
    pub session_id: String,
    /// Where the request came from.
    pub origin: Origin,
}

impl Principal {
    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Refuses unless they may.
    pub fn require(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.may(permission) { Ok(()) } else { Err(Forbidden(permission)) }
    }

    /// As the audit log names them.
    pub fn by(&self, at: UnixSeconds) -> By {
        let (user_id, username) = (Some(self.user_id.clone()), Some(self.username.clone()));
        By { user_id, username, ..self.origin.by(at) }
    }

    /// As the API shows them.
    pub fn user(&self) -> User {
        User { id: self.user_id.clone(), username: self.username.clone(), permissions: self.permissions.clone() }
    }
}

/// The person lacks a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {}; ask an administrator for it", .0.as_str())]
pub struct Forbidden(pub Permission);

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// User or password is wrong; which one is not said.
    #[error("Invalid credentials")]
    InvalidCredentials,
    /// The token is missing, forged, expired, or its session is over.
    #[error("the session has ended; sign in again")]
    InvalidToken,
    /// A refresh token came a second time; its session is over now.
    #[error("this refresh token was used before; the session has been ended, sign in again")]
    ReusedToken,
    /// Too many people sign in at the same moment.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
    /// Hashing or signing failed.
    #[error("{0}")]
    Crypto(String),
}

/// A fresh pair of tokens.
pub struct TokenPair {
    /// For `Authorization: Bearer`.
    pub access: String,
    /// For the next refresh.
    pub refresh: String,
}

/// Signs people in and out.
#[derive(Clone)]
pub struct Auth {
    store: Store,
    clock: Clock,
    tokens: Tokens,
    passwords: Passwords,
}

impl Auth {
    /// Takes its signing key from the store.
    pub fn new(store: Store, clock: Clock) -> Result<Self, AuthError> {
        let key = store.token_key(random::bytes()?)?;
        Ok(Self { tokens: Tokens::new(&key), passwords: Passwords::new()?, store, clock })
    }

    /// Makes the account `admin` with a random password when there is no account at all, and answers the password.
    pub async fn first_admin(&self) -> Result<Option<(String, Secret)>, AuthError> {
        if self.store.user_count()? > 0 {
            return Ok(None);
        }
        let password = Secret::new(random::password()?);
        let user = UserRecord {
            id: random::id()?,
            username: "admin".into(),
            password_hash: self.passwords.hash(password.clone()).await?,
            permissions: Permission::ALL.to_vec(),
            created_at: self.clock.now(),
            is_active: true,
            email: None,
            unix_user: None,
        };
        let username = user.username.clone();
        let audit = AuditEntry::done(By::system(user.created_at), "user.create", &username);
        Ok(self.store.add_user(user, audit).await?.then_some((username, password)))
    }

    /// Checks a password and begins a session. An unknown user costs the same time as a wrong password.
    pub async fn login(
        &self,
        username: &str,
        password: Secret,
        origin: Origin,
    ) -> Result<(Principal, TokenPair), AuthError> {
        let plausible = username.len() <= MAX_USERNAME && password.expose().len() <= MAX_PASSWORD;
        let user = if plausible { self.store.user_by_name(username)? } else { None };
        // No password is good for an account without a hash, such as one from the old system.
        let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
        let password = if plausible { password } else { Secret::new(String::new()) };
        let is_right = self.passwords.verify(password, hash).await?;
        let Some(user) = user.filter(|user| is_right && user.is_active) else {
            return Err(AuthError::InvalidCredentials);
        };
        let now = self.clock.now();
        let token_id = random::id()?;
        let session = SessionRecord {
            id: random::id()?,
            user_id: user.id.clone(),
            token_hash: token_hash(&token_id),
            created_at: now,
            expires_at: now + REFRESH_TOKEN_SECONDS,
            before: Vec::new(),
        };
        let pair = self.pair(&user, &session.id, &token_id)?;
        let who = principal(user, session.id.clone(), origin);
        let audit = AuditEntry::done(who.by(now), "session.begin", &session.id);
        self.store.begin_session(session, audit).await?;
        Ok((who, pair))
    }

    /// Trades a refresh token for a new pair.
    ///
    /// From a browser a used token is taken once more for [`LOST_ANSWER`] seconds.
    pub async fn refresh(&self, token: &str, is_browser: bool, origin: Origin) -> Result<TokenPair, AuthError> {
        let claims: RefreshClaims = self.tokens.read(token, self.clock.now()).ok_or(AuthError::InvalidToken)?;
        let user = self.store.user(&claims.user_id)?.filter(|user| user.is_active).ok_or(AuthError::InvalidToken)?;
        let token_id = random::id()?;
        let pair = self.pair(&user, &claims.session, &token_id)?;
        let now = self.clock.now();
        let by = principal(user, claims.session.clone(), origin).by(now);
        let audit = AuditEntry::refused(by, "session.refresh", &claims.session, "the refresh token was used before");
        let expires_at = now + REFRESH_TOKEN_SECONDS;
        let leeway = if is_browser { LOST_ANSWER } else { 0 };
        let ids = (claims.token_id, token_id);
        match self.store.rotate_session(claims.session, ids, expires_at, leeway, audit).await? {
            Rotation::Rotated => Ok(pair),
            Rotation::Reused => Err(AuthError::ReusedToken),
            Rotation::Unknown => Err(AuthError::InvalidToken),
        }
    }

    /// Who an access token belongs to.
    pub fn authenticate(&self, token: &str) -> Result<Principal, AuthError> {
        let now = self.clock.now();
        let claims: AccessClaims = self.tokens.read(token, now).ok_or(AuthError::InvalidToken)?;
        let session = self.store.session(&claims.session)?.ok_or(AuthError::InvalidToken)?;
        let user = self.store.user(&claims.user_id)?.filter(|user| user.is_active).ok_or(AuthError::InvalidToken)?;
        if session.user_id != user.id || session.expires_at <= now {
            return Err(AuthError::InvalidToken);
        }
        Ok(principal(user, session.id, Origin::default()))
    }

    /// Whether the session behind an earlier [`Auth::authenticate`] still holds.
    pub fn is_signed_in(&self, who: &Principal) -> bool {
        let session = self.store.session(&who.session_id).ok().flatten();
        let user = self.store.user(&who.user_id).ok().flatten();
        session.is_some_and(|session| session.expires_at > self.clock.now()) && user.is_some_and(|user| user.is_active)
    }

    /// Ends the session of `refresh_token`, or all sessions of the person without one.
    pub async fn logout(&self, who: &Principal, refresh_token: Option<&str>) -> Result<(), AuthError> {
        let by = who.by(self.clock.now());
        let Some(token) = refresh_token else {
            let audit = AuditEntry::done(by, "session.end_all", &who.user_id);
            self.store.end_sessions_of(who.user_id.clone(), audit).await?;
            return Ok(());
        };
        let claims: RefreshClaims = self.tokens.read(token, self.clock.now()).ok_or(AuthError::InvalidToken)?;
        if claims.user_id != who.user_id {
            return Err(AuthError::InvalidToken);
        }
        let audit = AuditEntry::done(by, "session.end", &claims.session);
        self.store.end_session(claims.session, audit).await?;
        Ok(())
    }

    fn pair(&self, user: &UserRecord, session: &str, token_id: &str) -> Result<TokenPair, AuthError> {
        let now = self.clock.now();
        Ok(TokenPair {
            access: self.tokens.sign(&AccessClaims::new(&user.id, &user.permissions, session, now))?,
            refresh: self.tokens.sign(&RefreshClaims::new(&user.id, token_id, session, now))?,
        })
    }
}

fn principal(user: UserRecord, session_id: String, origin: Origin) -> Principal {
    let UserRecord { id, username, permissions, unix_user, .. } = user;
    Principal { user_id: id, username, permissions, unix_user, session_id, origin }
}
