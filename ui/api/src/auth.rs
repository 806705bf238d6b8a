//! Login, sessions and permissions.
use serde::{Deserialize, Serialize};

/// Seconds that an access token lives.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;
/// Seconds that a refresh token lives.
pub const REFRESH_TOKEN_SECONDS: i64 = 7 * 24 * 3600;
/// A browser sends this header (any value) to keep its refresh token in an `HttpOnly` cookie instead of in the body.
/// Other origins can't send it without a CORS preflight, which makes it the CSRF protection of the cookie as well.
pub const BROWSER_SESSION_HEADER: &str = "x-slurmdash-browser";
/// WebSocket subprotocol that the server speaks.
pub const WS_PROTOCOL: &str = "slurmdash.v1";
/// Prefix of the WebSocket subprotocol that carries an access token, for clients that can't set headers:
/// `Sec-WebSocket-Protocol: slurmdash.v1, bearer.<token>`.
pub const WS_BEARER_PREFIX: &str = "bearer.";

/// `POST /api/auth/login`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Account name.
    pub username: String,
    /// Password in the clear; the connection protects it.
    pub password: String,
}

/// Answer to a login.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginAnswer {
    /// JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// JWT for `/api/auth/refresh`; absent when it went into the browser's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Who is signed in.
    pub user: User,
}

/// `POST /api/auth/refresh` and, optionally, `POST /api/auth/logout`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token; browsers send it as a cookie instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// Answer to a refresh.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefreshAnswer {
    /// New JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// New refresh token (the old one is used up); absent when it went into the browser's cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: i64,
}

/// An answer that only says that it was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// What was done.
    pub message: String,
}

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Stable id.
    pub id: String,
    /// Account name.
    pub username: String,
    /// `area:action` words.
    pub permissions: Vec<Permission>,
}

/// What a person or key may do, as `area:action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Permission {
    /// See jobs and their output (own ones; everybody's with `job:manage`).
    #[serde(rename = "job:view")]
    JobView,
    /// Submit jobs and cancel own ones.
    #[serde(rename = "job:submit")]
    JobSubmit,
    /// See the output of and cancel everybody's jobs.
    #[serde(rename = "job:manage")]
    JobManage,
    /// See nodes and partitions.
    #[serde(rename = "node:view")]
    NodeView,
    /// Read own data.
    #[serde(rename = "data:read")]
    DataRead,
    /// Upload and delete own data.
    #[serde(rename = "data:write")]
    DataWrite,
    /// See templates.
    #[serde(rename = "template:view")]
    TemplateView,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Permission; 7] = [
        Self::JobView,
        Self::JobSubmit,
        Self::JobManage,
        Self::NodeView,
        Self::DataRead,
        Self::DataWrite,
        Self::TemplateView,
    ];

    /// The word, such as `job:submit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JobView => "job:view",
            Self::JobSubmit => "job:submit",
            Self::JobManage => "job:manage",
            Self::NodeView => "node:view",
            Self::DataRead => "data:read",
            Self::DataWrite => "data:write",
            Self::TemplateView => "template:view",
        }
    }
}
