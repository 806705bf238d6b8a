//! Errors as the API answers them: `application/problem+json` (RFC 9457) with our three extensions.
use serde::{Deserialize, Serialize};

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind of problem; `about:blank` where `code` says enough.
    pub r#type: String,
    /// The status in words, the same for every problem of this `code`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do, for a person.
    pub detail: String,
    /// A stable word for programs, such as `invalid_credentials` or `missing_chunks`.
    pub code: String,
    /// The id under which the server logged this request.
    pub request_id: String,
    /// The same text as `detail`, for older clients.
    pub error: String,
    /// The request's fields that were refused, when that is the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// The chunks still to be sent, with `missing_chunks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_chunks: Vec<u32>,
    /// Seconds after which it is worth trying again, as in `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// One refused field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// Path of the field, such as `parameters.epochs`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}
