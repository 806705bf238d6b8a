//! API keys, the audit log and security events.
use super::Refusal;
use super::fields::{Column, Fields, LINE, NAME, PROSE, WORD, quoted};
use super::item::Item;
use super::people::{People, known_permission};
use crate::store::api_keys::ApiKeyRecord;
use crate::store::audit::{AuditRecord, By};
use crate::store::events::{SecurityEventRecord, Severity};

const USER: Column = Column(&["user_id", "user", "username"]);
const ADDRESS: Column = Column(&["ip_address", "ip", "remote_addr"]);
const CREATED_AT: Column = Column(&["created_at", "created"]);

/// The table's own id, everywhere here.
pub const ID: Column = Column(&["id"]);

const KEY_NAME: Column = Column(&["name", "key_name"]);
const KEY_HASH: Column = Column(&["key_hash"]);
const PERMISSIONS: Column = Column(&["permissions", "scopes"]);
const EXPIRES_AT: Column = Column(&["expires_at"]);
const LAST_USED_AT: Column = Column(&["last_used_at", "last_used"]);
const REVOKED_AT: Column = Column(&["revoked_at"]);
const IS_ACTIVE: Column = Column(&["is_active", "active"]);

/// Every column of `api_keys` that something is taken from.
pub const API_KEY_COLUMNS: &[Column] =
    &[ID, USER, KEY_NAME, KEY_HASH, PERMISSIONS, CREATED_AT, EXPIRES_AT, LAST_USED_AT, REVOKED_AT, IS_ACTIVE];

/// Reads one API key.
pub fn api_key(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let key_hash = fields.exact(KEY_HASH, WORD).filter(|hash| is_sha256(hash));
    let key_hash = key_hash.ok_or("its key_hash is not 64 hex digits")?.to_ascii_lowercase();
    let user = people.named(fields, USER)?.ok_or("names no user")?;
    let created_at = fields.time_or_zero(CREATED_AT);
    let expires_at = fields.time(EXPIRES_AT);
    if expires_at.is_none() && fields.is_set(EXPIRES_AT) {
        // It would be good for ever.
        return Err("its expires_at can't be read".into());
    }
    // A key that the old system would not have taken must not come to life here.
    let is_active = if fields.has(IS_ACTIVE) { fields.boolean(IS_ACTIVE).unwrap_or(false) } else { true };
    let is_revoked = fields.is_set(REVOKED_AT) || !is_active;
    let revoked_at = fields.time(REVOKED_AT).or(is_revoked.then_some(created_at));
    let permissions = fields.words(PERMISSIONS);
    for word in &permissions {
        known_permission(fields, word);
    }
    let (id, name) = (format!("v4-{}", fields.id()), fields.line(KEY_NAME, NAME).unwrap_or_default());
    let last_used_at = fields.time(LAST_USED_AT);
    let user_id = user.id;
    let key =
        ApiKeyRecord { id, user_id, name, key_hash, permissions, created_at, expires_at, last_used_at, revoked_at };
    Ok(Item::ApiKey(key))
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

const ACTION: Column = Column(&["action", "event"]);
const RESOURCE: Column = Column(&["resource", "resource_id", "path"]);
const METHOD: Column = Column(&["method", "http_method"]);
const AGENT: Column = Column(&["user_agent", "agent"]);
const STATUS: Column = Column(&["status_code", "status"]);
const ERROR: Column = Column(&["error_message", "error"]);
const TIMESTAMP: Column = Column(&["timestamp", "created_at", "time"]);

/// Every column of `audit_logs` that something is taken from.
pub const AUDIT_COLUMNS: &[Column] = &[ID, USER, ACTION, RESOURCE, METHOD, ADDRESS, AGENT, STATUS, ERROR, TIMESTAMP];

/// Reads one row of the audit log.
pub fn audit(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let action = fields.line(ACTION, NAME).ok_or("has no action")?;
    let (user_id, username) = match people.named(fields, USER)? {
        Some(person) => (Some(person.id), person.username),
        None => (None, None),
    };
    let status = fields.number(STATUS);
    let known_status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status < 1000);
    if known_status.is_none() && status.is_some() {
        fields.adjust("status_code: is no HTTP status and is left out");
    }
    Ok(Item::Audit(Box::new(AuditRecord {
        seq: 0,
        at: fields.time_or_zero(TIMESTAMP),
        user_id,
        username,
        action,
        resource: fields.line(RESOURCE, LINE),
        method: fields.line(METHOD, WORD),
        address: fields.line(ADDRESS, WORD),
        agent: fields.line(AGENT, By::MAX_AGENT),
        request_id: None,
        status: known_status,
        error: fields.text(ERROR, PROSE),
        key_id: None,
        prev: None,
    })))
}

const KIND: Column = Column(&["event_type", "type", "kind"]);
const SEVERITY: Column = Column(&["severity", "level"]);
const DESCRIPTION: Column = Column(&["description", "message", "details"]);
const DETECTED_AT: Column = Column(&["detected_at", "timestamp", "created_at"]);
const RESOLVED_AT: Column = Column(&["resolved_at"]);
const IS_RESOLVED: Column = Column(&["is_resolved", "resolved"]);
const RESOLVED_BY: Column = Column(&["resolved_by"]);
const NOTE: Column = Column(&["note", "notes", "resolution"]);

/// Every column of `security_events` that something is taken from.
pub const EVENT_COLUMNS: &[Column] =
    &[ID, USER, KIND, SEVERITY, DESCRIPTION, ADDRESS, DETECTED_AT, RESOLVED_AT, IS_RESOLVED, RESOLVED_BY, NOTE];

/// Reads one security event.
pub fn event(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let kind = fields.line(KIND, NAME).ok_or("has no event_type")?;
    let at = fields.time_or_zero(DETECTED_AT);
    let resolved_at = fields.time(RESOLVED_AT);
    let is_resolved =
        if fields.has(IS_RESOLVED) { fields.boolean(IS_RESOLVED).unwrap_or(false) } else { fields.is_set(RESOLVED_AT) };
    let resolver = if is_resolved { people.named(fields, RESOLVED_BY)? } else { None };
    let (user_id, username) = match people.named(fields, USER)? {
        Some(person) => (Some(person.id), person.username),
        None => (None, None),
    };
    Ok(Item::Event(SecurityEventRecord {
        seq: 0,
        at,
        user_id,
        kind,
        severity: severity(fields),
        description: fields.text(DESCRIPTION, PROSE).unwrap_or_default(),
        address: fields.line(ADDRESS, WORD),
        resolved_at: is_resolved.then(|| resolved_at.unwrap_or(at)),
        resolved_by: resolver.map(|person| person.username.unwrap_or(person.id)),
        note: fields.text(NOTE, PROSE),
        username,
        count: 1,
        last_at: None,
    }))
}

fn severity(fields: &mut Fields<'_>) -> Severity {
    let word = fields.line(SEVERITY, WORD).unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "low" | "info" => Severity::Low,
        "medium" | "warning" | "moderate" => Severity::Medium,
        "high" | "error" => Severity::High,
        "critical" => Severity::Critical,
        _ => {
            fields.adjust(format!("severity: {} is not known, medium is taken", quoted(&word)));
            Severity::Medium
        }
    }
}
