//! Accounts: by id, and by name.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::Permission;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::walk::{Source as _, View};
use super::{Store, StoreError};

/// One account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Stable id.
    pub id: String,
    /// Account name; no two accounts share one.
    pub username: String,
    /// Argon2id in PHC notation; empty when no password is good, until one is set.
    pub password_hash: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Whether it may sign in.
    pub is_active: bool,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

pub(super) const BY_NAME: Lookup<UserRecord> =
    Lookup::unique("users.by_name", |user| Some(Entry::new(Key::new().text(&user.username), Key::new())));

impl Record for UserRecord {
    const TABLE: &'static str = "users";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_NAME];

    fn key(&self) -> Key {
        Key::raw(self.id.as_bytes())
    }
}

impl Store {
    /// The account with this id.
    pub fn user(&self, id: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read(|view| view.get(&Key::raw(id)))
    }

    /// The account with this name.
    pub fn user_by_name(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read(|view| view.first(&BY_NAME, &Key::new().text(username)))
    }

    /// How many accounts there are.
    pub fn user_count(&self) -> Result<u64, StoreError> {
        self.read(View::total::<UserRecord>)
    }

    /// Adds an account. `false`, and nothing changed, when the name is taken.
    pub async fn add_user(&self, user: UserRecord, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |tx| {
            if tx.first(&BY_NAME, &Key::new().text(&user.username))?.is_some() {
                return tx.unchanged(false);
            }
            tx.put(&user)?;
            tx.audited(&audit, true)
        })
        .await
    }
}
