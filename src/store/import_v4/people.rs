//! The old system's accounts, and who is meant where its other tables name somebody.
use std::collections::HashMap;

use argon2::password_hash::phc::PasswordHash;
use slurmdash_api::auth::{AccountSource, Permission};

use super::fields::{Column, Fields, LINE, NAME, WORD, digest_id, plain_id, quoted};
use super::item::Item;
use super::known::Known;
use super::{Refusal, mark};
use crate::store::StoreError;
use crate::store::migrate::roles::role_of;
use crate::store::users::UserRecord;

/// Longest account name, bytes, as at the login.
const MAX_USERNAME: usize = 128;
/// Longest password hash, bytes.
const MAX_HASH: usize = 512;

/// The table.
pub const TABLE: &str = "users";
/// The old id.
pub const ID: Column = Column(&["id", "user_id", "uid"]);
const USERNAME: Column = Column(&["username", "user_name", "name", "login"]);
const EMAIL: Column = Column(&["email", "mail", "email_address"]);
const HASH: Column = Column(&["password_hash", "hashed_password", "password"]);
const ROLE: Column = Column(&["role", "user_role"]);
const IS_ADMIN: Column = Column(&["is_admin", "is_superuser"]);
const PERMISSIONS: Column = Column(&["permissions"]);
const IS_ACTIVE: Column = Column(&["is_active", "active", "enabled"]);
const CREATED_AT: Column = Column(&["created_at", "created"]);

/// Every column that something is taken from.
pub const COLUMNS: &[Column] = &[ID, USERNAME, EMAIL, HASH, ROLE, IS_ADMIN, PERMISSIONS, IS_ACTIVE, CREATED_AT];

/// Reads one account.
pub fn read(fields: &mut Fields<'_>, _people: &People) -> Result<Item, Refusal> {
    let username = fields.exact(USERNAME, MAX_USERNAME);
    let username = username.ok_or("has no username of 1 to 128 bytes on one line")?;
    let hash = fields.exact(HASH, MAX_HASH).filter(|hash| is_argon2id(hash));
    if hash.is_none() {
        fields.adjust("needs a new password: its hash is not argon2id");
    }
    // An account that the old system would not have let in is not let in here.
    let is_active = if fields.has(IS_ACTIVE) { fields.boolean(IS_ACTIVE).unwrap_or(false) } else { true };
    let (roles, permissions) = rights(fields);
    Ok(Item::User(UserRecord {
        id: format!("v4-{}", fields.id()),
        username,
        password_hash: hash.unwrap_or_default(),
        permissions,
        created_at: fields.time_or_zero(CREATED_AT),
        is_active,
        email: fields.line(EMAIL, NAME),
        unix_user: None,
        roles,
        source: AccountSource::Local,
        subject: None,
        last_login_at: None,
    }))
}

fn is_argon2id(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some())
}

/// Every permission that the old system had.
const OLD: [Permission; 7] = [
    Permission::JobView,
    Permission::JobSubmit,
    Permission::JobManage,
    Permission::NodeView,
    Permission::DataRead,
    Permission::DataWrite,
    Permission::TemplateView,
];

/// Its roles, and what it may do beyond them.
fn rights(fields: &mut Fields<'_>) -> (Vec<String>, Vec<Permission>) {
    let role = fields.line(ROLE, WORD).map(|role| role.to_lowercase());
    let is_admin = fields.boolean(IS_ADMIN) == Some(true);
    let words = fields.words(PERMISSIONS);
    let given: Vec<Permission> = words.iter().filter_map(|word| known_permission(fields, word)).collect();
    let only = |role: &str| (vec![role.to_owned()], Vec::new());
    match role.as_deref() {
        Some("admin" | "administrator") => return only("admin"),
        // That of today may not read files.
        Some("viewer" | "guest" | "readonly" | "read-only" | "read_only") => {
            return (vec!["viewer".to_owned()], vec![Permission::DataRead]);
        }
        _ if is_admin => return only("admin"),
        None | Some("user" | "member" | "operator") => {}
        Some(other) => fields.adjust(format!("role: {} is not known; it may do what users may", quoted(other))),
    }
    if words.is_empty() {
        return only("user");
    }
    match role_of(given.iter().map(|permission| permission.as_str())) {
        Some(role) => only(role),
        None => (Vec::new(), given),
    }
}

/// The permission that a word names, and a note when there is none.
pub fn known_permission(fields: &mut Fields<'_>, word: &str) -> Option<Permission> {
    let known = OLD.into_iter().find(|permission| permission.as_str() == word);
    if known.is_none() {
        fields.adjust(format!("permissions: {} is not known today", quoted(word)));
    }
    known
}

/// Somebody that an old row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Account id; the old text where nobody is known by it.
    pub id: String,
    /// Account name, if it is known.
    pub username: Option<String>,
}

/// Everybody that old rows may name, by old id or by name.
#[derive(Default)]
pub struct People {
    by_id: HashMap<String, Person>,
    by_name: HashMap<String, Person>,
    store: Option<Known>,
}

impl People {
    /// Nobody but those in the store.
    pub fn new(store: Known) -> Self {
        Self { store: Some(store), ..Self::default() }
    }

    /// Adds an account of the old system: the one in the store that it became, or is about to become.
    pub fn add(&mut self, old_id: &str, user: &UserRecord, known: &Known) -> Result<(), StoreError> {
        let id = match known.marked(&mark(TABLE, old_id))? {
            Some(key) => String::from_utf8_lossy(key.bytes()).into_owned(),
            None => known.user_id(&user.username)?.unwrap_or_else(|| user.id.clone()),
        };
        let known = self.by_name.get(&user.username).cloned();
        let person = known.unwrap_or_else(|| Person { id, username: Some(user.username.clone()) });
        self.by_id.entry(old_id.to_owned()).or_insert_with(|| person.clone());
        self.by_name.entry(user.username.clone()).or_insert(person);
        Ok(())
    }

    /// Who is meant by the text in a column; `None` when it is empty or no text.
    pub fn named(&self, fields: &mut Fields<'_>, column: Column) -> Result<Option<Person>, StoreError> {
        let Some(text) = fields.exact(column, MAX_USERNAME) else {
            // What is cleaned or cut must not become somebody else.
            return Ok(fields.line(column, LINE).map(|text| {
                fields.adjust(format!("{}: is no name or id; a digest stands for it", column.name()));
                Person { id: digest_id(&text), username: None }
            }));
        };
        if let Some(person) = self.by_id.get(&plain_id(text.clone())).or_else(|| self.by_name.get(&text)) {
            return Ok(Some(person.clone()));
        }
        let in_store = self.store.as_ref().map_or(Ok(None), |store| store.user_id(&text))?;
        Ok(Some(match in_store {
            Some(id) => Person { id, username: Some(text) },
            None => Person { id: text, username: None },
        }))
    }
}
