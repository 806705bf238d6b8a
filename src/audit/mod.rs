//! The audit log as others see it: rows for the API, and files.

pub mod export;

use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::{AuditQuery, AuditResult, AuditRow};

use crate::store::audit::{AuditFilter, AuditRecord};
use crate::store::{Store, StoreError};

/// A row as the API shows it.
pub fn row(record: &AuditRecord) -> AuditRow {
    let result = record.result();
    let AuditRecord { seq, at, user_id, username, action, resource, error, address, agent, request_id, .. } =
        record.clone();
    let (key_id, prev) = (record.key_id.clone(), record.prev.clone());
    AuditRow { seq, at, user_id, username, action, resource, result, error, address, agent, request_id, key_id, prev }
}

/// The rows that are asked for; an account may be named by its id or its name.
pub fn filter(store: &Store, query: &AuditQuery) -> Result<AuditFilter, StoreError> {
    Ok(AuditFilter {
        user: query.user.as_deref().map(|user| store.whose(user)).transpose()?,
        action: query.action.clone(),
        address: query.address.clone(),
        result: query.result,
        from: query.from,
        to: query.to,
    })
}

/// What was asked for, in a line: for the row that tells of an export.
pub fn said(query: &AuditQuery) -> String {
    let time = |at: &UnixSeconds| at.to_string();
    let result = query.result.map(|result| match result {
        AuditResult::Done => "done".to_owned(),
        AuditResult::Refused => "refused".to_owned(),
    });
    let parts = [
        ("user", query.user.clone()),
        ("action", query.action.clone()),
        ("address", query.address.clone()),
        ("result", result),
        ("from", query.from.as_ref().map(time)),
        ("to", query.to.as_ref().map(time)),
    ];
    let parts: Vec<String> = parts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect();
    if parts.is_empty() { "all".into() } else { parts.join(" ") }
}
