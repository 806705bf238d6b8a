//! Accounts: by id, and by name.
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{AccountSource, Permission};

use super::audit::AuditEntry;
use super::audit::search::MOST_LOOKED_AT;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, Written};
use super::walk::{Page, PageRequest, Source as _, View, Walk};
use super::{Store, StoreError, api_keys, sessions};

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

impl UserRecord {
    /// A local account that may sign in and do nothing else.
    pub fn new(id: String, username: String, password_hash: String, created_at: UnixSeconds) -> Self {
        Self {
            id,
            username,
            password_hash,
            permissions: Vec::new(),
            created_at,
            is_active: true,
            email: None,
            unix_user: None,
            roles: Vec::new(),
            source: AccountSource::Local,
            subject: None,
            last_login_at: None,
        }
    }
}

impl fmt::Debug for UserRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UserRecord({:?})", self.username)
    }
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

    /// A page of the accounts that are wanted, by name. It may be short and still have a next one: see [`Walk::search`].
    pub fn user_page(
        &self,
        page: &PageRequest,
        is_wanted: impl Fn(&UserRecord) -> bool,
    ) -> Result<Page<UserRecord>, StoreError> {
        self.read(|view| Walk::group(&BY_NAME, Key::new()).ascending().search(view, page, MOST_LOOKED_AT, is_wanted))
    }

    /// The account of this subject of an identity provider.
    pub fn user_by_subject(&self, subject: &str) -> Result<Option<UserRecord>, StoreError> {
        self.read(|view| view.first(&BY_SUBJECT, &Key::new().text(subject)))
    }

    /// Changes an account. `administers` says whether somebody can look after accounts: the last one of those stays.
    pub async fn edit_user(&self, edit: Edit, administers: Administers) -> Result<Edited, StoreError> {
        self.write(move |tx| edit_user(tx, &edit, &administers)).await
    }

    /// [`Store::edit_user`] for code that may wait.
    pub fn edit_user_blocking(&self, edit: Edit, administers: Administers) -> Result<Edited, StoreError> {
        self.write_blocking(move |tx| edit_user(tx, &edit, &administers))
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

/// Whether an account can look after accounts.
pub type Administers = Arc<dyn Fn(&UserRecord) -> bool + Send + Sync>;

/// Which account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// With this id.
    Id(String),
    /// With this name.
    Name(String),
}

/// What is changed of an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its roles.
    Roles(Vec<String>),
    /// Whether it may sign in.
    Active(bool),
    /// The Unix user that it stands for.
    UnixUser(Option<String>),
    /// Its mail address.
    Email(Option<String>),
    /// The hash of its password.
    Password(String),
    /// It goes, with its sessions and API keys. What it did stays in history and audit log.
    Delete,
}

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roles(roles) => write!(out, "Roles({roles:?})"),
            Self::Active(is_active) => write!(out, "Active({is_active})"),
            Self::UnixUser(login) => write!(out, "UnixUser({login:?})"),
            Self::Email(email) => write!(out, "Email({email:?})"),
            Self::Password(_) => out.write_str("Password(…)"),
            Self::Delete => out.write_str("Delete"),
        }
    }
}

impl Change {
    /// Whether sessions that were begun before must end.
    fn ends_sessions(&self) -> bool {
        matches!(self, Self::Active(false) | Self::Password(_) | Self::Delete)
    }
}

/// Changes of one account, made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which account.
    pub which: Which,
    /// What is changed, each with its audit row.
    pub changes: Vec<(Change, AuditEntry)>,
    /// The session that stays when others end.
    pub but: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It was done; the account as it is now, or was before it went.
    Done(Box<UserRecord>),
    /// There is no such account.
    Unknown,
    /// It is the last one that can look after accounts, and could no longer.
    LastAdmin,
}

fn edit_user(tx: &Tx<'_>, edit: &Edit, administers: &Administers) -> Result<Written<Edited>, StoreError> {
    let found = match &edit.which {
        Which::Id(id) => tx.get::<UserRecord>(&Key::raw(id.as_bytes()))?,
        Which::Name(name) => tx.first(&BY_NAME, &Key::new().text(name))?,
    };
    let Some(before) = found else { return tx.unchanged(Edited::Unknown) };
    let mut user = before.clone();
    for (change, _) in &edit.changes {
        match change {
            Change::Roles(roles) => user.roles.clone_from(roles),
            Change::Active(is_active) => user.is_active = *is_active,
            Change::UnixUser(unix_user) => user.unix_user.clone_from(unix_user),
            Change::Email(email) => user.email.clone_from(email),
            Change::Password(hash) => user.password_hash.clone_from(hash),
            Change::Delete => {}
        }
    }
    let goes = edit.changes.iter().any(|(change, _)| *change == Change::Delete);
    if administers(&before) && (goes || !administers(&user)) && !has_other(tx, &before, administers)? {
        return tx.unchanged(Edited::LastAdmin);
    }
    let Some(((_, last), others)) = edit.changes.split_last() else {
        return tx.unchanged(Edited::Done(Box::new(user)));
    };
    if edit.changes.iter().any(|(change, _)| change.ends_sessions()) {
        sessions::end_sessions(tx, &user.id, edit.but.as_deref())?;
    }
    if goes {
        api_keys::remove_of(tx, &user.id)?;
        tx.remove::<UserRecord>(&user.key())?;
    } else {
        tx.put(&user)?;
    }
    others.iter().try_for_each(|(_, audit)| tx.append_audit(audit))?;
    tx.audited(last, Edited::Done(Box::new(user)))
}

/// Whether another account can look after accounts.
fn has_other(tx: &Tx<'_>, user: &UserRecord, administers: &Administers) -> Result<bool, StoreError> {
    let mut page = PageRequest::first(500);
    loop {
        let users = Walk::<UserRecord>::table().page(tx, &page)?;
        if users.items.iter().any(|other| other.id != user.id && administers(other)) {
            return Ok(true);
        }
        match users.next {
            Some(next) => page.after = Some(next),
            None => return Ok(false),
        }
    }
}
