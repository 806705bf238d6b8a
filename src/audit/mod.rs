//! The audit log as others see it: rows for the API, and files.

pub mod export;

use slurmdash_api::audit::AuditRow;

use crate::store::audit::AuditRecord;

/// A row as the API shows it.
pub fn row(record: &AuditRecord) -> AuditRow {
    let result = record.result();
    let AuditRecord { seq, at, user_id, username, action, resource, error, address, agent, request_id, .. } =
        record.clone();
    let (key_id, prev) = (record.key_id.clone(), record.prev.clone());
    AuditRow { seq, at, user_id, username, action, resource, result, error, address, agent, request_id, key_id, prev }
}
