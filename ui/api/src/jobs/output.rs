//! What jobs write.
use serde::{Deserialize, Serialize};

/// Which of a job's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// Query of `GET /api/jobs/{id}/output`: the last `tail` bytes, or `limit` bytes from `offset`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct OutputQuery {
    /// Which output.
    pub stream: OutputStream,
    /// Bytes from the end; 64 KiB when neither this nor `offset` is given, 1 MiB at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// First byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Bytes from `offset`, 1 MiB at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Query of `GET /api/jobs/{id}/output/download` and `POST /api/jobs/{id}/output/link`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct DownloadQuery {
    /// Which output.
    pub stream: OutputStream,
}

/// A link to follow once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadLink {
    /// Where to go, from the same browser that asked.
    pub url: String,
    /// Seconds that it is good.
    pub expires_in: i64,
}

/// A piece of a job's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutputChunk {
    /// Which output.
    pub stream: OutputStream,
    /// The file's path.
    pub path: String,
    /// False while the file is not there (the job has not started).
    pub exists: bool,
    /// The file's size, bytes.
    pub size: u64,
    /// Where `text` begins, bytes.
    pub offset: u64,
    /// Where `text` ends, bytes: ask from here for what follows.
    pub end: u64,
    /// The bytes as UTF-8; what isn't UTF-8 shows as U+FFFD.
    pub text: String,
}
