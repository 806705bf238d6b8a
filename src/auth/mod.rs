//! Who is asking: passwords, tokens, sessions and API keys. What they may do is in their [`Principal`].
//!
//! Tokens follow the contract: HS256, access tokens for 15 minutes, refresh tokens for 7 days that are traded for a
//! new one at each use. Beyond the contract's claims every token names its session, so that ending a session also
//! refuses the access tokens that are already out.

pub mod cluster;
pub mod keys;
pub mod login;
pub mod oidc;
pub mod passwords;
mod principal;
pub mod roles;
pub mod sessions;
pub mod tokens;
mod uses;

use std::sync::Arc;

use tokio::sync::broadcast;

pub use self::principal::{Credential, Forbidden, Origin, Principal};
pub use self::uses::Uses;

use self::passwords::Passwords;
use self::roles::Roles;
use self::sessions::Life;
use self::tokens::Tokens;
use crate::clock::Clock;
use crate::random;
use crate::secret::Secret;
use crate::store::audit::{AuditEntry, By};
use crate::store::users::UserRecord;
use crate::store::{Store, StoreError};

/// Longest password that is looked at, bytes; more only costs hashing time.
pub const MAX_PASSWORD: usize = 1024;
/// Ends of sessions that a connection may not have heard of yet; one that missed some looks for itself.
const ENDED_BACKLOG: usize = 64;

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// User or password is wrong; which one is not said.
    #[error("Invalid credentials")]
    InvalidCredentials,
    /// The token is missing or forged.
    #[error("the session has ended; sign in again")]
    InvalidToken,
    /// The token was good once; its time or its session is over.
    #[error("the session has ended; sign in again")]
    SessionOver,
    /// A refresh token came a second time; its session is over now.
    #[error("this refresh token was used before; the session has been ended, sign in again")]
    ReusedToken,
    /// The API key is none, or not good any more.
    #[error("Invalid or expired API Key")]
    InvalidKey,
    /// Too many people sign in at the same moment.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
    /// Too many tries failed.
    #[error("Rate limit exceeded")]
    Throttled {
        /// Seconds to wait.
        seconds: u64,
    },
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
    life: Life,
    /// What each role allows.
    pub roles: Roles,
    /// When sessions and keys were last used.
    pub uses: Uses,
    ended: broadcast::Sender<Arc<str>>,
}

impl Auth {
    /// Takes its signing key from the store.
    pub fn new(store: Store, clock: Clock, roles: Roles, life: Life) -> Result<Self, AuthError> {
        let key = store.token_key(random::bytes()?)?;
        let (tokens, passwords) = (Tokens::new(&key), Passwords::new()?);
        let ended = broadcast::Sender::new(ENDED_BACKLOG);
        Ok(Self { tokens, passwords, roles, life, uses: Uses::default(), ended, store, clock })
    }

    /// Makes the account `admin` with a random password when there is no account at all, and answers the password.
    pub async fn first_admin(&self) -> Result<Option<(String, Secret)>, AuthError> {
        if self.store.user_count()? > 0 {
            return Ok(None);
        }
        let password = Secret::new(random::password()?);
        let hash = self.passwords.hash(password.clone()).await?;
        let user = UserRecord {
            roles: vec![roles::ADMIN.into()],
            ..UserRecord::new(random::id()?, "admin".into(), hash, self.clock.now())
        };
        let username = user.username.clone();
        let audit = AuditEntry::done(By::system(user.created_at), "user.create", &username);
        Ok(self.store.add_user(user, audit).await?.then_some((username, password)))
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: Secret) -> Result<String, AuthError> {
        self.passwords.hash(password).await
    }

    /// Hears of accounts (ids) of which a session or key has ended, or whose permissions have changed. Whoever keeps a
    /// connection open for somebody asks [`Auth::still_holds`] then.
    pub fn ended(&self) -> broadcast::Receiver<Arc<str>> {
        self.ended.subscribe()
    }

    /// Tells those who keep connections open.
    pub fn tell_ended(&self, user_id: &str) {
        // Nobody has one open: nobody is told.
        let _ = self.ended.send(user_id.into());
    }

    fn principal(&self, user: UserRecord, credential: Credential, origin: Origin) -> Principal {
        let permissions = self.roles.permissions_of(&user);
        let UserRecord { id, username, unix_user, roles, source, .. } = user;
        Principal { user_id: id, username, permissions, roles, source, unix_user, credential, origin }
    }
}
