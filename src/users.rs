//! Accounts: made and changed by an administrator at the command line, whether a server runs or not.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::Permission;

use crate::auth::passwords;
use crate::random;
use crate::secret::Secret;
use crate::store::audit::{AuditEntry, By};
use crate::store::users::UserRecord;
use crate::store::{Store, StoreError};
use crate::unix;

/// Longest account name, bytes.
const MAX_NAME: usize = 64;

/// A change to the accounts. It holds no password, but what is kept of one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new account.
    Add(UserRecord),
    /// Another Unix user for an account, or none.
    UnixUser {
        /// The account's name.
        username: String,
        /// Login.
        unix_user: Option<String>,
    },
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Add(user) => write!(f, "Add({:?})", user.username),
            Self::UnixUser { username, unix_user } => write!(f, "UnixUser({username:?}, {unix_user:?})"),
        }
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name can't be an account's; see [`is_name`].
    #[error("{0:?} can't be an account's name: 1 to {MAX_NAME} letters, digits, _ . @ or -, not beginning with - or .")]
    Name(String),
    /// The login can't be a Unix user's.
    #[error("{0:?} can't be a Unix user's login")]
    Login(String),
    /// There is one of that name.
    #[error("there is an account {0} already")]
    Taken(String),
    /// There is none.
    #[error("there is no account {0}; see `slurmdash user list`")]
    Unknown(String),
    /// The password can't be kept.
    #[error("the password can't be hashed: {0}")]
    Password(String),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a text can be an account's name.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '-');
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with(['-', '.']) && name.chars().all(plain)
}

/// A new account with a new id. Nothing is written.
pub fn new_account(
    username: &str,
    password: &Secret,
    permissions: Vec<Permission>,
    unix_user: Option<String>,
    now: UnixSeconds,
) -> Result<UserRecord, UserError> {
    if !is_name(username) {
        return Err(UserError::Name(username.to_owned()));
    }
    judge_login(unix_user.as_deref())?;
    Ok(UserRecord {
        id: random::id()?,
        username: username.to_owned(),
        password_hash: passwords::hash(password).map_err(|error| UserError::Password(error.to_string()))?,
        permissions,
        created_at: now,
        is_active: true,
        email: None,
        unix_user,
    })
}

fn judge_login(login: Option<&str>) -> Result<(), UserError> {
    match login {
        Some(login) if !unix::is_login(login) => Err(UserError::Login(login.to_owned())),
        _ => Ok(()),
    }
}

/// Makes a change together with its audit row.
pub fn apply(store: &Store, change: Change, now: UnixSeconds) -> Result<(), UserError> {
    match change {
        Change::Add(account) => {
            let username = account.username.clone();
            let audit = AuditEntry::done(By::system(now), "user.create", &username);
            if store.add_user_blocking(account, audit)? { Ok(()) } else { Err(UserError::Taken(username)) }
        }
        Change::UnixUser { username, unix_user } => {
            judge_login(unix_user.as_deref())?;
            let said = format!("{username} → {}", unix_user.as_deref().unwrap_or("nobody"));
            let audit = AuditEntry::done(By::system(now), "user.set_unix", said);
            let done = store.set_unix_user_blocking(username.clone(), unix_user, audit)?;
            if done { Ok(()) } else { Err(UserError::Unknown(username)) }
        }
    }
}

/// Every account, by name.
pub fn list(store: &Store) -> Result<Vec<UserRecord>, StoreError> {
    let mut users = store.users()?;
    users.sort_by(|one, other| one.username.cmp(&other.username));
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_made_and_given_a_unix_user() {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let dir = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
        let store = Store::open(&dir.path().join("slurmdash.redb")).unwrap();
        let password = Secret::new("secret".into());
        let account = || new_account("ada", &password, Permission::ALL.to_vec(), None, 5).unwrap();
        apply(&store, Change::Add(account()), 5).unwrap();
        assert!(matches!(apply(&store, Change::Add(account()), 5), Err(UserError::Taken(_))));
        let set = |name: &str, login: &str| Change::UnixUser { username: name.into(), unix_user: Some(login.into()) };
        apply(&store, set("ada", "alice"), 6).unwrap();
        assert_eq!(store.user_by_name("ada").unwrap().unwrap().unix_user.as_deref(), Some("alice"));
        assert!(matches!(apply(&store, set("bob", "bob"), 6), Err(UserError::Unknown(_))));
        for hostile in ["", "-a", "a b", "../x", "a\n", "root;id"] {
            assert!(matches!(apply(&store, set("ada", hostile), 6), Err(UserError::Login(_))), "{hostile:?}");
            assert!(new_account("x", &password, Vec::new(), Some(hostile.into()), 0).is_err());
        }
        assert!(matches!(new_account("../etc", &password, Vec::new(), None, 0), Err(UserError::Name(_))));
        assert_eq!(list(&store).unwrap().len(), 1);
        let shown = format!("{:?}", Change::Add(account()));
        assert!(!shown.contains("argon2"), "{shown}");
    }
}
