//! Accounts: by id, and by name.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{AccountSource, Permission};

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, Written};
use super::walk::{PageRequest, Source as _, View, Walk};
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
    /// What it may do beyond its roles: that of an account of the old system which fits no role.
    pub permissions: Vec<Permission>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Whether it may sign in.
    pub is_active: bool,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The Unix user whose jobs and files are theirs, where that is not the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_user: Option<String>,
    /// Names of its roles; what they allow is in the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Who checks its password.
    #[serde(default, skip_serializing_if = "is_local")]
    pub source: AccountSource,
    /// By what its identity provider knows it: issuer and subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When somebody last signed in with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<UnixSeconds>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
pub(super) fn is_local(source: &AccountSource) -> bool {
    *source == AccountSource::Local
}

pub(super) const BY_NAME: Lookup<UserRecord> =
    Lookup::unique("users.by_name", |user| Some(Entry::new(Key::new().text(&user.username), Key::new())));

/// The look-up that schema 5 adds.
pub(super) const BY_SUBJECT_TABLE: &str = "users.by_subject";
const BY_SUBJECT: Lookup<UserRecord> = Lookup::unique(BY_SUBJECT_TABLE, |user| {
    user.subject.as_ref().map(|subject| Entry::new(Key::new().text(subject), Key::new()))
});

impl Record for UserRecord {
    const TABLE: &'static str = "users";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_NAME, BY_SUBJECT];

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
        self.write(move |tx| add(tx, &user, &audit)).await
    }

    /// [`Store::add_user`] for code that may wait.
    pub fn add_user_blocking(&self, user: UserRecord, audit: AuditEntry) -> Result<bool, StoreError> {
        self.write_blocking(move |tx| add(tx, &user, &audit))
    }

    /// Names the Unix user that an account stands for. `false`, and nothing changed, when there is no such account.
    pub fn set_unix_user_blocking(
        &self,
        username: String,
        unix_user: Option<String>,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write_blocking(move |tx| {
            let Some(user) = tx.first(&BY_NAME, &Key::new().text(&username))? else { return tx.unchanged(false) };
            tx.put(&UserRecord { unix_user: unix_user.clone(), ..user })?;
            tx.audited(&audit, true)
        })
    }

    /// Every account.
    pub fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        self.read(|view| Ok(Walk::table().page(view, &PageRequest::first(usize::MAX))?.items))
    }
}

fn add(tx: &Tx<'_>, user: &UserRecord, audit: &AuditEntry) -> Result<Written<bool>, StoreError> {
    if tx.first(&BY_NAME, &Key::new().text(&user.username))?.is_some() {
        return tx.unchanged(false);
    }
    tx.put(user)?;
    tx.audited(audit, true)
}
