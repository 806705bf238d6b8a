//! API keys: how other programs sign in.
use serde::{Deserialize, Serialize};

use crate::UnixSeconds;
use crate::auth::Permission;

/// Header that a key travels in.
pub const API_KEY_HEADER: &str = "x-api-key";
/// Every key begins with this.
pub const API_KEY_PREFIX: &str = "sk_live_";
/// Longest life of a key, days.
pub const MAX_KEY_DAYS: u32 = 3650;

/// `POST /api/v2/api-keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// What it may do: at least one, and never more than its owner may.
    pub permissions: Vec<Permission>,
    /// Its life, 1 to 3,650 days.
    #[serde(default = "ninety")]
    pub expires_in_days: u32,
}

fn ninety() -> u32 {
    90
}

/// A key that was made.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyMade {
    /// The key; shown only now.
    pub api_key: String,
    /// Its id.
    pub key_id: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it stops being good.
    pub expires_at: UnixSeconds,
}

/// One key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Stable id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// `area:action` words.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it stops being good; absent for never.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
    /// When it was last used, to the minute.
    #[serde(default)]
    pub last_used_at: Option<UnixSeconds>,
    /// Whether it is good now: neither revoked nor expired.
    pub is_active: bool,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixSeconds>,
}

/// `GET /api/v2/api-keys`: newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyList {
    /// The keys.
    pub api_keys: Vec<ApiKey>,
}
