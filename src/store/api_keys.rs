//! API keys: by hash, by user, and the good ones by expiry. The key itself is never here.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// Stable id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the key, 64 lower-case hex digits.
    pub key_hash: String,
    /// `area:action` words; never more than its owner's count.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it stops being good; `None` for never.
    pub expires_at: Option<UnixSeconds>,
    /// When it was last used; written at most once a minute.
    pub last_used_at: Option<UnixSeconds>,
    /// When it was revoked.
    pub revoked_at: Option<UnixSeconds>,
}

pub(super) const BY_HASH: Lookup<ApiKeyRecord> =
    Lookup::unique("api_keys.by_hash", |key| Some(Entry::new(Key::new().text(&key.key_hash), Key::new())));
const BY_USER: Lookup<ApiKeyRecord> = Lookup::counted("api_keys.by_user", |key| {
    Some(Entry::new(Key::new().text(&key.user_id), Key::new().time(key.created_at)))
});
const ACTIVE: Lookup<ApiKeyRecord> = Lookup::plain("api_keys.active", |key| {
    let order = Key::new().time(key.expires_at.unwrap_or(UnixSeconds::MAX));
    key.revoked_at.is_none().then(|| Entry::new(Key::new(), order))
});

impl Record for ApiKeyRecord {
    const TABLE: &'static str = "api_keys";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_HASH, BY_USER, ACTIVE];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

impl ApiKeyRecord {
    /// Whether it is good at this time.
    pub fn is_active(&self, now: UnixSeconds) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

impl Store {
    /// Writes down a new key.
    pub async fn add_api_key(&self, key: ApiKeyRecord, audit: AuditEntry) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.put(&key)?;
            tx.audited(&audit, ())
        })
        .await
    }

    /// The key with this hash, good or not.
    pub fn api_key_by_hash(&self, key_hash: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.read(|view| view.first(&BY_HASH, &Key::new().text(key_hash)))
    }

    /// The key with this id, good or not.
    pub fn api_key(&self, id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// A page of somebody's keys, newest first.
    pub fn api_keys_of(&self, user_id: &str, page: &PageRequest) -> Result<Page<ApiKeyRecord>, StoreError> {
        self.read(|view| Walk::group(&BY_USER, Key::new().text(user_id)).page(view, page))
    }

    /// A page of the keys that are good at `now`, those that expire first coming first.
    pub fn active_api_keys(&self, now: UnixSeconds, page: &PageRequest) -> Result<Page<ApiKeyRecord>, StoreError> {
        let good = Some(Key::new().time(now.saturating_add(1)));
        self.read(|view| Walk::group(&ACTIVE, Key::new()).between(good, None).ascending().page(view, page))
    }

    /// How many keys somebody has, good or not.
    pub fn api_key_count(&self, user_id: &str) -> Result<u64, StoreError> {
        self.read(|view| view.count(&BY_USER, &Key::new().text(user_id)))
    }

    /// Revokes somebody's key; `false` when there is none or it was revoked before.
    pub async fn revoke_api_key(&self, user_id: String, id: String, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let key = Key::raw(id.as_str());
            let found = tx.get::<ApiKeyRecord>(&key)?;
            if !found.is_some_and(|found| found.user_id == user_id && found.revoked_at.is_none()) {
                return tx.unchanged(false);
            }
            update::<ApiKeyRecord>(tx, &key, |found| found.revoked_at = Some(audit.by.at))?;
            tx.audited(&audit, true)
        })
        .await
    }

    /// Remembers that keys were used, each with its audit row.
    pub async fn api_keys_used(&self, keys: Vec<(String, UnixSeconds, AuditEntry)>) -> Result<(), StoreError> {
        self.write(move |tx| {
            for (id, at, audit) in &keys {
                if update::<ApiKeyRecord>(tx, &Key::raw(id.as_str()), |found| found.last_used_at = Some(*at))? {
                    tx.append_audit(audit)?;
                }
            }
            Ok(tx.housekeeping(()))
        })
        .await
    }
}

/// Removes all keys of a user.
pub(super) fn remove_of(tx: &Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    let keys = Walk::group(&BY_USER, Key::new().text(user_id)).keys(tx, usize::MAX)?;
    keys.iter().try_for_each(|key| tx.remove::<ApiKeyRecord>(key).map(drop))
}
