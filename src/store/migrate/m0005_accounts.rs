//! 4 to 5: roles of accounts, audit rows as a chain, security events that count, and what finds them.
//!
//! Down: records become what schema 4 wrote. Fields that it does not know, and what it can't say as exactly, are set
//! aside by table and key ([`FIELDS`]); the way up puts them back where a record is still as the way down left it.
use redb::{ReadableTable as _, Table, WriteTransaction};

use super::json::Fields;
use super::roles::{WORDS, role_of, words_of};
use super::{Report, aside};
use crate::store::audit::chain::{ANCHOR, End, HEAD, hash};
use crate::store::audit::{self, NEWER_LOOKUPS};
use crate::store::events::OPEN_SAME_TABLE;
use crate::store::users::BY_SUBJECT_TABLE;
use crate::store::walk::{Bytes, definition};
use crate::store::{META, StoreError, rebuild};

/// Name of a table, NUL, a record's key; to the fields, as JSON.
const FIELDS: &str = "aside.fields";
const USERS: &str = "users";
const AUDIT: &str = "audit";
const EVENTS: &str = "security_events";
/// The version of all of them.
const VERSION: u8 = 1;
/// A table's name while its rows move out of it.
const MOVING: &str = "moving";

pub fn up(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    let mut apart = Apart::open(transaction)?;
    rewrite(transaction, USERS, report, |key, user| {
        if let Some(fields) = apart.get(USERS, key)?
            && put_back(user, fields)?
        {
            return apart.take(USERS, key).map(drop);
        }
        with_role(user)
    })?;
    rewrite(transaction, EVENTS, report, |key, event| {
        apart.take(EVENTS, key)?.into_iter().for_each(|fields| event.append(fields));
        Ok(())
    })?;
    rebuild::rebuild(transaction)?;
    link(transaction, &mut apart, report)?;
    report.of("fields").taken_back += apart.count;
    drop(apart);
    aside::drop_if_empty(transaction, FIELDS)
}

pub fn down(transaction: &WriteTransaction, report: &mut Report) -> Result<(), StoreError> {
    let mut apart = Apart::open(transaction)?;
    rewrite(transaction, USERS, report, |key, user| {
        // What is there from an earlier way down is older than the record.
        apart.table.remove(Apart::key(USERS, key).as_slice())?;
        let fields = without_roles(user)?;
        apart.put(USERS, key, &fields)
    })?;
    rewrite(transaction, EVENTS, report, |key, event| {
        let fields = event.split_off(&["username", "count", "last_at"]);
        apart.put(EVENTS, key, &fields)
    })?;
    rewrite(transaction, AUDIT, report, |key, row| {
        row.split_off(&["prev"]);
        let fields = row.split_off(&["key_id"]);
        apart.put(AUDIT, key, &fields)
    })?;
    let mut meta = transaction.open_table(META)?;
    meta.remove(HEAD)?;
    let anchor = meta.remove(ANCHOR)?.map(|anchor| End::decode(anchor.value())).transpose()?;
    drop(meta);
    if let Some(anchor) = anchor.filter(|anchor| anchor.hash.is_some()) {
        apart.put_bytes("meta", ANCHOR.as_bytes(), &anchor.encode()?)?;
    }
    report.of("fields").set_aside += apart.count;
    drop(apart);
    aside::drop_if_empty(transaction, FIELDS)?;
    for lookup in NEWER_LOOKUPS.into_iter().chain([OPEN_SAME_TABLE, BY_SUBJECT_TABLE]) {
        transaction.delete_table(definition(lookup))?;
    }
    Ok(())
}

/// Fields that are set aside.
struct Apart<'a> {
    table: Table<'a, Bytes, Bytes>,
    /// Of how many records they were moved.
    count: u64,
}

impl<'a> Apart<'a> {
    fn open(transaction: &'a WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self { table: transaction.open_table(definition(FIELDS))?, count: 0 })
    }

    fn key(table: &str, key: &[u8]) -> Vec<u8> {
        [table.as_bytes(), &[0], key].concat()
    }

    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Fields>, StoreError> {
        let found = self.table.get(Self::key(table, key).as_slice())?;
        found.map(|json| Fields::from_json(table, json.value())).transpose()
    }

    fn take(&mut self, table: &'static str, key: &[u8]) -> Result<Option<Fields>, StoreError> {
        let taken = self.take_bytes(table, key)?;
        taken.map(|json| Fields::from_json(table, &json)).transpose()
    }

    fn take_bytes(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let taken = self.table.remove(Self::key(table, key).as_slice())?.map(|bytes| bytes.value().to_vec());
        self.count += u64::from(taken.is_some());
        Ok(taken)
    }

    fn put(&mut self, table: &str, key: &[u8], fields: &Fields) -> Result<(), StoreError> {
        if fields.is_empty() { Ok(()) } else { self.put_bytes(table, key, &fields.json()?) }
    }

    fn put_bytes(&mut self, table: &str, key: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        self.table.insert(Self::key(table, key).as_slice(), bytes)?;
        self.count += 1;
        Ok(())
    }
}

/// Changes the records of a table in place.
fn rewrite(
    transaction: &WriteTransaction,
    table: &'static str,
    report: &mut Report,
    mut change: impl FnMut(&[u8], &mut Fields) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    transaction.rename_table(definition(table), definition(MOVING))?;
    let from = transaction.open_table(definition(MOVING))?;
    let mut to = transaction.open_table(definition(table))?;
    let mut changed = 0;
    for row in from.iter()? {
        let (key, before) = row?;
        let mut fields = Fields::read(table, VERSION, before.value())?;
        change(key.value(), &mut fields)?;
        let after = fields.write(VERSION)?;
        to.insert(key.value(), after.as_slice())?;
        changed += u64::from(after != before.value());
    }
    drop((from, to));
    transaction.delete_table(definition(MOVING))?;
    report.of(table).changed += changed;
    Ok(())
}

/// Makes the chain over all rows, in the order of their numbers.
fn link(transaction: &WriteTransaction, apart: &mut Apart<'_>, report: &mut Report) -> Result<(), StoreError> {
    let order = transaction.open_table(definition(NEWER_LOOKUPS[0]))?;
    let mut rows = transaction.open_table(definition(AUDIT))?;
    let first = order.first()?.and_then(|(_, key)| audit::place(key.value())).map(|(_, seq)| seq);
    // The log may have begun earlier, and rows been removed since as too old.
    let began = apart.take_bytes("meta", ANCHOR.as_bytes())?.map(|anchor| End::decode(&anchor)).transpose()?;
    let anchor = began.filter(|began| first.is_none_or(|first| first == began.seq));
    let anchor = anchor.or(first.map(|seq| End { seq, hash: None }));
    let Some(anchor) = anchor else { return Ok(()) };
    let mut head = End { seq: anchor.seq.saturating_sub(1), hash: anchor.hash.clone() };
    for entry in order.iter()? {
        let entry = entry?;
        let key = entry.1.value();
        let missing = || StoreError::corrupt(AUDIT, "a row is not where it should be");
        let before = rows.get(key)?.ok_or_else(missing)?.value().to_vec();
        let mut row = Fields::read(AUDIT, VERSION, &before)?;
        row.split_off(&["prev"]);
        apart.take(AUDIT, key)?.into_iter().for_each(|fields| row.append(fields));
        if let Some(prev) = &head.hash {
            row.set("prev", prev)?;
        }
        let after = row.write(VERSION)?;
        let seq = audit::place(key).ok_or_else(missing)?.1;
        head = End { seq, hash: Some(hash(&after)) };
        if after != before {
            rows.insert(key, after.as_slice())?;
            report.of(AUDIT).changed += 1;
        }
    }
    let mut meta = transaction.open_table(META)?;
    meta.insert(ANCHOR, anchor.encode()?.as_slice())?;
    meta.insert(HEAD, head.encode()?.as_slice())?;
    Ok(())
}

/// The words of an account at schema 4: what its roles could do there, and what it may do beyond them.
fn words_at_4(roles: &[String], permissions: &[String]) -> Vec<String> {
    let is_known = |word: &&String| WORDS.contains(&word.as_str());
    if roles.is_empty() {
        return permissions.iter().filter(is_known).cloned().collect();
    }
    let may = |word: &&str| {
        roles.iter().any(|role| words_of(role).contains(word)) || permissions.iter().any(|given| given == word)
    };
    WORDS.iter().filter(|word| may(word)).map(|word| (*word).to_owned()).collect()
}

fn list(user: &Fields, name: &str) -> Result<Vec<String>, StoreError> {
    Ok(user.get(name)?.unwrap_or_default())
}

/// Fields that schema 5 adds after `roles`.
const SIGN_IN: [&str; 3] = ["source", "subject", "last_login_at"];

/// Puts a role in the place of words that stand for one.
fn with_role(user: &mut Fields) -> Result<(), StoreError> {
    let words = list(user, "permissions")?;
    let Some(role) = role_of(words.iter().map(String::as_str)) else { return Ok(()) };
    user.set("permissions", &[""; 0])?;
    user.set("roles", &[role])
}

/// Puts words in the place of roles, and answers what the way up could not make of what is left.
fn without_roles(user: &mut Fields) -> Result<Fields, StoreError> {
    let (roles, permissions) = (list(user, "roles")?, list(user, "permissions")?);
    let words = words_at_4(&roles, &permissions);
    let is_local = user.get::<String>("source")?.is_none_or(|source| source == "local");
    let hash: String = user.get("password_hash")?.unwrap_or_default();
    user.split_off(&["roles"]);
    user.set("permissions", &words)?;
    let mut apart = Fields::empty(USERS);
    let comes_back = match role_of(words.iter().map(String::as_str)) {
        Some(role) => roles == [role] && permissions.is_empty(),
        None => roles.is_empty() && permissions == words,
    };
    if !comes_back {
        apart.set("permissions", &permissions)?;
        apart.set("roles", &roles)?;
    }
    if !is_local && !hash.is_empty() {
        // Schema 4 knows only passwords of its own; this one is not to be good there.
        user.set("password_hash", &"")?;
        apart.set("password_hash", &hash)?;
    }
    apart.append(user.split_off(&SIGN_IN));
    if !apart.is_empty() {
        apart.set("username", &user.get::<String>("username")?)?;
    }
    Ok(apart)
}

/// Puts back what the way down has set aside of an account; `false`, and nothing changed, when it is another account
/// that has the id now.
fn put_back(user: &mut Fields, mut apart: Fields) -> Result<bool, StoreError> {
    if apart.get::<String>("username")? != user.get::<String>("username")? {
        return Ok(false);
    }
    let (roles, permissions) = (list(&apart, "roles")?, apart.get::<Vec<String>>("permissions")?);
    let words = list(user, "permissions")?;
    match permissions.filter(|permissions| words_at_4(&roles, permissions) == words) {
        Some(permissions) => {
            user.set("permissions", &permissions)?;
            if !roles.is_empty() {
                user.set("roles", &roles)?;
            }
        }
        // They came back by themselves, or somebody has given it other words.
        None => with_role(user)?,
    }
    if let Some(hash) = apart.get::<String>("password_hash")? {
        user.set("password_hash", &hash)?;
    }
    user.append(apart.split_off(&SIGN_IN));
    Ok(true)
}
