//! The audit log and security events.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

/// Whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuditResult {
    /// It was.
    Done,
    /// It was refused, or failed.
    Refused,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRow {
    /// Number of the row, in the order of writing.
    pub seq: u64,
    /// When.
    pub at: UnixSeconds,
    /// Account id; absent for the program itself and for strangers.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Account name as it was then.
    #[serde(default)]
    pub username: Option<String>,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// What it was done to.
    #[serde(default)]
    pub resource: Option<String>,
    /// Whether it was done.
    pub result: AuditResult,
    /// Why not.
    #[serde(default)]
    pub error: Option<String>,
    /// Address of the caller.
    #[serde(default)]
    pub address: Option<String>,
    /// What the caller's program calls itself.
    #[serde(default)]
    pub agent: Option<String>,
    /// The request's id, as in the server's log.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The API key that was used.
    #[serde(default)]
    pub key_id: Option<String>,
    /// SHA-256 of the row before, 64 hex digits: what makes a change of that one visible.
    #[serde(default)]
    pub prev: Option<String>,
}

/// `GET /api/v2/audit`: all filters together, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Account name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What was done, as `noun.verb`, or `noun.` for everything with a noun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Address of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Only what was done, or only what was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AuditResult>,
    /// From this second on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixSeconds>,
    /// Before this second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UnixSeconds>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most rows, 1 to 500; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Where the next page goes on; absent at the end. A page with filters may be short and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) with a heading.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// How bad a security event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Look at it when there is time.
    Medium,
    /// Look at it today.
    High,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// One security event. The same from the same place within an hour is one event, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecurityEvent {
    /// Stable id.
    pub id: String,
    /// When it was first detected.
    pub at: UnixSeconds,
    /// When it was last detected.
    pub last_at: UnixSeconds,
    /// How often.
    pub count: u64,
    /// What happened, as a word: `login_failed`, `login_throttled`, `token_reused`, `token_invalid`, `limit_hit`,
    /// `permission_refused`, `path_attack`, `origin_refused`.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub description: String,
    /// Account id, when one is known.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Account name, when one is known.
    #[serde(default)]
    pub username: Option<String>,
    /// Address of the caller.
    #[serde(default)]
    pub address: Option<String>,
    /// When somebody dealt with it.
    #[serde(default)]
    pub resolved_at: Option<UnixSeconds>,
    /// Name of the account that dealt with it.
    #[serde(default)]
    pub resolved_by: Option<String>,
    /// What that person wrote about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// `GET /api/v2/security-events`: all filters together, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Only of this severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Only those that were dealt with, or only those that were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// Only of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Account name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Address of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// From this second on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixSeconds>,
    /// Before this second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UnixSeconds>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most rows, 1 to 500; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A page of security events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventPage {
    /// The events.
    pub events: Vec<SecurityEvent>,
    /// Where the next page goes on; absent at the end. A page with filters may be short and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many of each severity nobody has dealt with.
    pub open: BTreeMap<Severity, u64>,
}

/// `POST /api/v2/security-events/{id}/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResolveEvent {
    /// What was found and done; up to 2,000 characters.
    #[serde(default)]
    pub note: String,
}
