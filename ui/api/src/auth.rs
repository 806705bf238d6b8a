//! Login, sessions and permissions.
use serde::{Deserialize, Serialize};

use crate::UnixSeconds;

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
    /// `area:action` words: those of the roles, and with an API key only those of the key.
    pub permissions: Vec<Permission>,
    /// Names of the account's roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Who checks the password.
    #[serde(default)]
    pub source: AccountSource,
    /// The Unix user whose jobs and files are theirs, where that is not the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_user: Option<String>,
}

impl User {
    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// Who says that somebody is who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AccountSource {
    /// This dashboard, by a password of its own.
    #[default]
    Local,
    /// The cluster: its sshd, with PAM and what is behind it.
    Cluster,
    /// An identity provider, by OIDC.
    Oidc,
}

/// `GET /api/auth/methods`: how one can sign in here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInMethods {
    /// Whether the cluster's own accounts are taken, with their passwords.
    pub cluster: bool,
    /// Single sign-on, when it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<SingleSignOn>,
}

/// Single sign-on with an identity provider, by OIDC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SingleSignOn {
    /// What people call it, for the button.
    pub name: String,
    /// Where the browser begins; takes `?next=` with a path of this site.
    pub start: String,
}

/// 202 of a login: the cluster asks for more than a password, such as a code. Nobody is signed in yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MorePrompts {
    /// For `POST /api/auth/login/continue`; good for one call.
    pub login_id: String,
    /// What the cluster says about it; may be empty.
    pub instruction: String,
    /// What it asks, in order.
    pub prompts: Vec<Prompt>,
    /// Seconds until it has to begin anew.
    pub expires_in: i64,
}

/// One question of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prompt {
    /// The question.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}

/// `POST /api/auth/login/continue`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ContinueLogin {
    /// From the answer before.
    pub login_id: String,
    /// As many as there were prompts, in order.
    pub answers: Vec<String>,
}

/// What a login comes to: 200 or 202.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LoginOutcome {
    /// Signed in.
    Done(LoginAnswer),
    /// More is asked.
    More(MorePrompts),
}

/// `POST /api/auth/password`: another password for the own account. All other sessions end.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The one that is good now.
    pub current: String,
    /// The one that is to be: 12 to 1,024 bytes.
    pub new: String,
}

/// A sign-in that is still good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Stable id.
    pub id: String,
    /// What the program calls itself (`User-Agent`), as it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Address it was last used from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How it was begun.
    pub source: AccountSource,
    /// When it was begun.
    pub created_at: UnixSeconds,
    /// When it was last used, to the minute.
    pub last_used_at: UnixSeconds,
    /// When it ends unless it is used.
    pub expires_at: UnixSeconds,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// `GET /api/v2/sessions`: newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// How many sessions were ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionsEnded {
    /// For people.
    pub message: String,
    /// So many.
    pub ended: usize,
}

/// Every permission, with its word and what it is for; makes the enum and its tables from one list.
macro_rules! permissions {
    ($( $(#[$doc:meta])* $name:ident = $word:literal ),* $(,)?) => {
        /// What a person or key may do, as `area:action`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Permission {
            $( $(#[$doc])* #[serde(rename = $word)] $name, )*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &[Permission] = &[$( Self::$name, )*];

            /// The word, such as `job:submit`.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }
        }
    };
}

permissions! {
    /// See jobs and their output (own ones; everybody's with `job:manage`).
    JobView = "job:view",
    /// Submit jobs and cancel own ones.
    JobSubmit = "job:submit",
    /// See the output of and cancel everybody's jobs.
    JobManage = "job:manage",
    /// See nodes and partitions.
    NodeView = "node:view",
    /// Read own data.
    DataRead = "data:read",
    /// Upload and delete own data.
    DataWrite = "data:write",
    /// See templates.
    TemplateView = "template:view",
    /// See accounts, their sessions and keys.
    UserView = "user:view",
    /// Make, change, disable and delete accounts, and end their sessions and keys.
    UserManage = "user:manage",
    /// Read and export the audit log.
    AuditView = "audit:view",
    /// See security events.
    EventView = "event:view",
    /// Mark security events as dealt with.
    EventManage = "event:manage",
}

impl Permission {
    /// The permission of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == word)
    }
}
