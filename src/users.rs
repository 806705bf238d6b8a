//! Accounts: made, changed and removed, by an admin in the browser or at the command line.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::AccountSource;

use crate::auth::passwords;
use crate::auth::roles::Roles;
use crate::random;
use crate::secret::Secret;
use crate::store::audit::{AuditEntry, By};
use crate::store::users::{Administers, Change, Edit, Edited, UserRecord, Which};
use crate::store::{Store, StoreError};
use crate::unix;

/// Longest account name, bytes.
const MAX_NAME: usize = 64;
/// Longest mail address, bytes (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL: usize = 254;
/// Shortest and longest password, bytes; what is longer only costs hashing time.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=1024;

/// What an admin at the command line wants. It holds no password, but what is kept of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// A new account.
    Add(UserRecord),
    /// Changes of an account.
    Edit(Which, Vec<Change>),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name can't be an account's.
    #[error("{0:?} can't be an account's name: 1 to {MAX_NAME} letters, digits, _ . @ or -, not beginning with - or .")]
    Name(String),
    /// The login can't be a Unix user's.
    #[error("{0:?} can't be a Unix user's login")]
    Login(String),
    /// It is no mail address.
    #[error("{0:?} is no mail address")]
    Email(String),
    /// There is no such role.
    #[error("there is no role {0:?}; there are {1}")]
    Role(String, String),
    /// The password is too short or too long.
    #[error("a password has {} to {} bytes", PASSWORD.start(), PASSWORD.end())]
    Password,
    /// Somebody else looks after that account's password.
    #[error("the password of {0} is not kept here; it is changed where the account comes from")]
    NotHere(String),
    /// There is one of that name.
    #[error("there is an account {0} already")]
    Taken(String),
    /// There is none.
    #[error("there is no such account; see `slurmdash user list`")]
    Unknown,
    /// Nobody could look after accounts any more.
    #[error("this is the last account that can look after accounts; give another one the role admin first")]
    LastAdmin,
    /// The password can't be kept.
    #[error("the password can't be hashed: {0}")]
    Hash(String),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] random::NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses a password that is too short to be one, or too long to be hashed.
pub fn judge_password(password: &Secret) -> Result<(), UserError> {
    if PASSWORD.contains(&password.expose().len()) { Ok(()) } else { Err(UserError::Password) }
}

/// A given password, or a random one and `true`.
pub fn password_or_random(given: Option<Secret>) -> Result<(Secret, bool), UserError> {
    match given {
        Some(password) => judge_password(&password).map(|()| (password, false)),
        None => Ok((Secret::new(random::password()?), true)),
    }
}

/// The hash of a password; takes its time.
pub fn hash(password: &Secret) -> Result<String, UserError> {
    passwords::hash(password).map_err(|error| UserError::Hash(error.to_string()))
}

/// Whether a text can be an account's name.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '-');
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with(['-', '.']) && name.chars().all(plain)
}

/// A new local account with a new id and no more than a name, a password and roles. Nothing is written.
pub fn new_account(
    username: &str,
    password_hash: String,
    roles: Vec<String>,
    now: UnixSeconds,
) -> Result<UserRecord, UserError> {
    if !is_name(username) {
        return Err(UserError::Name(username.to_owned()));
    }
    Ok(UserRecord { roles, ..UserRecord::new(random::id()?, username.to_owned(), password_hash, now) })
}

/// Judges an account before it is added.
pub fn judge_new(user: &UserRecord, roles: &Roles) -> Result<(), UserError> {
    if !is_name(&user.username) {
        return Err(UserError::Name(user.username.clone()));
    }
    judge(&Change::Roles(user.roles.clone()), roles)?;
    judge(&Change::UnixUser(user.unix_user.clone()), roles)?;
    judge(&Change::Email(user.email.clone()), roles)
}

/// Judges what an account is to be changed to.
pub fn judge(change: &Change, roles: &Roles) -> Result<(), UserError> {
    match change {
        Change::Roles(names) => match names.iter().find(|name| !roles.is_one(name)) {
            Some(unknown) => {
                let known: Vec<_> = roles.list().into_iter().map(|role| role.name).collect();
                Err(UserError::Role(unknown.clone(), known.join(", ")))
            }
            None => Ok(()),
        },
        Change::UnixUser(Some(login)) if !unix::is_login(login) => Err(UserError::Login(login.clone())),
        Change::Email(Some(email)) if !is_email(email) => Err(UserError::Email(email.clone())),
        _ => Ok(()),
    }
}

/// Whether a text has the shape of a mail address. Whether mail arrives there is for mail to find out.
fn is_email(text: &str) -> bool {
    let no_space = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let parts = text.rsplit_once('@');
    text.len() <= MAX_EMAIL && no_space && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Changes with their audit rows.
pub fn edit(which: Which, said: &str, changes: Vec<Change>, by: &By, but: Option<String>) -> Edit {
    let with_row = |change: Change| {
        let (action, to) = match &change {
            Change::Roles(roles) => ("user.set_roles", Some(roles.join(", "))),
            Change::Active(true) => ("user.enable", None),
            Change::Active(false) => ("user.disable", None),
            Change::UnixUser(login) => ("user.set_unix", Some(login.as_deref().unwrap_or("nobody").to_owned())),
            Change::Email(email) => ("user.set_email", Some(email.as_deref().unwrap_or("none").to_owned())),
            Change::Password(_) => ("user.set_password", None),
            Change::Delete => ("user.delete", None),
        };
        let resource = to.map_or_else(|| said.to_owned(), |to| format!("{said} → {to}"));
        (change, AuditEntry::done(by.clone(), action, resource))
    };
    Edit { which, changes: changes.into_iter().map(with_row).collect(), but }
}

/// Whether an account can look after accounts, for [`Store::edit_user`].
pub fn administers(roles: &Roles) -> Administers {
    let roles = roles.clone();
    std::sync::Arc::new(move |user| roles.is_admin(user))
}

/// Fulfils a wish of the command line, and answers the account. It may block.
pub fn fulfil(store: &Store, roles: &Roles, wish: Wish, now: UnixSeconds) -> Result<UserRecord, UserError> {
    let by = By::system(now);
    match wish {
        Wish::Add(user) => {
            judge_new(&user, roles)?;
            let audit = AuditEntry::done(by, "user.create", &user.username);
            if store.add_user_blocking(user.clone(), audit)? { Ok(user) } else { Err(UserError::Taken(user.username)) }
        }
        Wish::Edit(which, changes) => {
            changes.iter().try_for_each(|change| judge(change, roles))?;
            let user = match &which {
                Which::Id(id) => store.user(id)?,
                Which::Name(name) => store.user_by_name(name)?,
            };
            let user = user.ok_or(UserError::Unknown)?;
            refuse_foreign_password(&user, &changes)?;
            let edit = edit(which, &user.username, changes, &by, None);
            edited(store.edit_user_blocking(edit, administers(roles))?)
        }
    }
}

/// A password that is not kept here can't be set here.
pub fn refuse_foreign_password(user: &UserRecord, changes: &[Change]) -> Result<(), UserError> {
    let sets_password = changes.iter().any(|change| matches!(change, Change::Password(_)));
    if sets_password && user.source != AccountSource::Local {
        return Err(UserError::NotHere(user.username.clone()));
    }
    Ok(())
}

/// The account, or why it was not changed.
pub fn edited(edited: Edited) -> Result<UserRecord, UserError> {
    match edited {
        Edited::Done(user) => Ok(*user),
        Edited::Unknown => Err(UserError::Unknown),
        Edited::LastAdmin => Err(UserError::LastAdmin),
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
    use crate::auth::roles;

    #[test]
    fn accounts_are_made_changed_and_removed_but_for_the_last_admin() {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let dir = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
        let store = Store::open(&dir.path().join("slurmdash.redb")).unwrap();
        let roles = Roles::new(roles::defaults());
        let account = |name: &str, role: &str| new_account(name, "hash".into(), vec![role.into()], 5).unwrap();
        let fulfil = |wish| super::fulfil(&store, &roles, wish, 6);
        let edit = |name: &str, change| fulfil(Wish::Edit(Which::Name(name.into()), vec![change]));
        fulfil(Wish::Add(account("ada", "admin"))).unwrap();
        assert!(matches!(fulfil(Wish::Add(account("ada", "user"))), Err(UserError::Taken(_))));
        assert!(matches!(fulfil(Wish::Add(account("eve", "root"))), Err(UserError::Role(..))));
        assert_eq!(edit("ada", Change::UnixUser(Some("alice".into()))).unwrap().unix_user.as_deref(), Some("alice"));
        assert!(matches!(edit("bob", Change::Active(false)), Err(UserError::Unknown)));
        for hostile in ["", "-a", "a b", "../x", "a\n", "root;id"] {
            let login = edit("ada", Change::UnixUser(Some(hostile.into())));
            assert!(matches!(login, Err(UserError::Login(_))), "{hostile:?}");
        }
        for change in [Change::Active(false), Change::Delete, Change::Roles(vec!["user".into()])] {
            assert!(matches!(edit("ada", change), Err(UserError::LastAdmin)));
        }
        fulfil(Wish::Add(account("bob", "admin"))).unwrap();
        edit("ada", Change::Active(false)).unwrap();
        assert!(matches!(edit("bob", Change::Delete), Err(UserError::LastAdmin)), "a disabled one looks after nothing");
        edit("ada", Change::Active(true)).unwrap();
        edit("bob", Change::Delete).unwrap();
        assert_eq!(list(&store).unwrap().len(), 1);
        let shown = format!("{:?}", Wish::Edit(Which::Name("ada".into()), vec![Change::Password("$argon2id$".into())]));
        assert!(!shown.contains("argon2"), "{shown}");
        assert!(!format!("{:?}", Wish::Add(account("x", "user"))).contains("hash\""));
    }

    #[test]
    fn names_are_plain() {
        for hostile in ["", "-a", ".a", "a b", "../x", "a\n", "a\0", "a/b", &"a".repeat(65)] {
            assert!(!is_name(hostile), "{hostile:?}");
        }
        for good in ["ada", "ada@uni.example", "김철수", "a_b-c.d"] {
            assert!(is_name(good), "{good:?}");
        }
        assert!(judge_password(&Secret::new("elevenchars".into())).is_err());
        assert!(judge_password(&Secret::new("twelve chars".into())).is_ok());
    }
}
