//! API keys: how other programs sign in. The key is shown once; only its SHA-256 is kept.
use aws_lc_rs::digest::{SHA256, digest};
use slurmdash_api::UnixSeconds;
use slurmdash_api::api_keys::{API_KEY_PREFIX, ApiKey, ApiKeyMade, MAX_KEY_DAYS, NewApiKey};
use slurmdash_api::auth::Permission;
use slurmdash_api::problem::FieldProblem;

use super::principal::{Credential, Forbidden, Origin, Principal};
use super::{Auth, AuthError};
use crate::random;
use crate::store::api_keys::ApiKeyRecord;
use crate::store::audit::AuditEntry;
use crate::store::walk::PageRequest;

/// Letters of a key after its prefix: some 232 random bits.
const LETTERS: usize = 40;
/// Longest name of a key, characters.
const MAX_NAME: usize = 100;
/// Good keys that an account may have.
const MAX_GOOD: usize = 100;
/// Keys that are listed, the newest of them.
const MAX_LISTED: usize = 1_000;
const DAY: i64 = 24 * 60 * 60;

/// Why there is no such key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Something about it is wrong.
    #[error("{}", .0.iter().map(|p| format!("{}: {}", p.field, p.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldProblem>),
    /// It would do what its owner may not.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// There are too many.
    #[error("there are {MAX_GOOD} API keys that are good; revoke one that is no longer needed")]
    TooMany,
    /// Something else.
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl Auth {
    /// Makes a key for somebody. It never does more than they may, now or later.
    pub async fn create_api_key(&self, who: &Principal, new: NewApiKey) -> Result<ApiKeyMade, KeyError> {
        let problems = problems(&new);
        if !problems.is_empty() {
            return Err(KeyError::Invalid(problems));
        }
        new.permissions.iter().try_for_each(|permission| who.require(*permission))?;
        let now = self.clock.now();
        let known = self.store.api_keys_of(&who.user_id, &PageRequest::first(MAX_LISTED)).map_err(AuthError::from)?;
        if known.items.iter().filter(|key| key.is_active(now)).count() >= MAX_GOOD {
            return Err(KeyError::TooMany);
        }
        let secret = format!("{API_KEY_PREFIX}{}", random::text(LETTERS).map_err(AuthError::from)?);
        let mut permissions: Vec<_> = new.permissions.iter().map(|permission| permission.as_str().to_owned()).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let expires_at = now + i64::from(new.expires_in_days) * DAY;
        let key = ApiKeyRecord {
            id: random::id().map_err(AuthError::from)?,
            user_id: who.user_id.clone(),
            name: new.name.trim().to_owned(),
            key_hash: hash(&secret),
            permissions,
            created_at: now,
            expires_at: Some(expires_at),
            last_used_at: None,
            revoked_at: None,
        };
        let key_id = key.id.clone();
        let audit = AuditEntry::done(who.by(now), "api_key.create", &key_id);
        self.store.add_api_key(key, audit).await.map_err(AuthError::from)?;
        Ok(ApiKeyMade { api_key: secret, key_id, created_at: now, expires_at })
    }

    /// An account's keys, newest first.
    pub fn api_keys_of(&self, user_id: &str) -> Result<Vec<ApiKey>, AuthError> {
        let now = self.clock.now();
        let keys = self.store.api_keys_of(user_id, &PageRequest::first(MAX_LISTED))?;
        Ok(keys.items.into_iter().map(|key| shown(key, now)).collect())
    }

    /// Revokes a key of an account; `false` when it has no such key or it was revoked before.
    pub async fn revoke_api_key(&self, by: &Principal, user_id: &str, id: &str) -> Result<bool, AuthError> {
        let audit = AuditEntry::done(by.by(self.clock.now()), "api_key.revoke", id);
        let revoked = self.store.revoke_api_key(user_id.to_owned(), id.to_owned(), audit).await?;
        if revoked {
            self.tell_ended(user_id);
        }
        Ok(revoked)
    }

    /// Whose key this is, and what it may do for them now.
    pub fn authenticate_key(&self, secret: &str, origin: Origin) -> Result<Principal, AuthError> {
        // Looked up by its hash, so that the time it takes tells nothing of a key.
        let is_plausible = secret.len() <= 256 && secret.starts_with(API_KEY_PREFIX);
        let found = if is_plausible { self.store.api_key_by_hash(&hash(secret))? } else { None };
        let key = found.filter(|key| key.is_active(self.clock.now())).ok_or(AuthError::InvalidKey)?;
        let owner = self.store.user(&key.user_id)?.filter(|user| user.is_active).ok_or(AuthError::InvalidKey)?;
        let mut who = self.principal(owner, Credential::ApiKey(key.id), origin);
        who.permissions.retain(|permission| key.permissions.iter().any(|word| word == permission.as_str()));
        Ok(who)
    }
}

fn problems(new: &NewApiKey) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, message: String| problems.push(FieldProblem { field: field.into(), message });
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        refuse("name", format!("must be 1 to {MAX_NAME} characters on one line"));
    }
    if new.permissions.is_empty() {
        let known: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        refuse("permissions", format!("name at least one of {}", known.join(", ")));
    }
    if !(1..=MAX_KEY_DAYS).contains(&new.expires_in_days) {
        refuse("expires_in_days", format!("must be 1 to {MAX_KEY_DAYS}"));
    }
    problems
}

fn shown(key: ApiKeyRecord, now: UnixSeconds) -> ApiKey {
    let is_active = key.is_active(now);
    let ApiKeyRecord { id, name, permissions, created_at, expires_at, last_used_at, revoked_at, .. } = key;
    ApiKey { id, name, permissions, created_at, expires_at, last_used_at, is_active, revoked_at }
}

fn hash(secret: &str) -> String {
    random::hex(digest(&SHA256, secret.as_bytes()).as_ref())
}
