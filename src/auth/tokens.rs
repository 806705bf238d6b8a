//! JSON Web Tokens (RFC 7519), HS256 only.
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use slurmdash_api::auth::{ACCESS_TOKEN_SECONDS, Permission, REFRESH_TOKEN_SECONDS};
use std::sync::Arc;

use super::AuthError;

/// Longest token that is looked at, bytes.
const MAX_TOKEN: usize = 4096;

/// Claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Account id.
    pub user_id: String,
    /// What the account could do when this was signed; what counts is what it may do now.
    pub permissions: Vec<Permission>,
    /// The session; when that is over, so is this.
    pub session: String,
    #[serde(rename = "type")]
    kind: Access,
    iat: UnixSeconds,
    exp: UnixSeconds,
}

/// Claims of a refresh token.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshClaims {
    /// Account id.
    pub user_id: String,
    /// Good for one refresh.
    pub token_id: String,
    /// The session.
    pub session: String,
    #[serde(rename = "type")]
    kind: Refresh,
    iat: UnixSeconds,
    exp: UnixSeconds,
}

/// Only the word `access` is read as this.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    Access,
}

/// Only the word `refresh` is read as this.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Refresh {
    Refresh,
}

/// Claims that say when they end.
pub trait Expires {
    /// First second at which the token is no longer good.
    fn expires_at(&self) -> UnixSeconds;
}

impl Expires for AccessClaims {
    fn expires_at(&self) -> UnixSeconds {
        self.exp
    }
}

impl Expires for RefreshClaims {
    fn expires_at(&self) -> UnixSeconds {
        self.exp
    }
}

impl AccessClaims {
    /// Claims from `now` on.
    pub fn new(user_id: &str, permissions: &[Permission], session: &str, now: UnixSeconds) -> Self {
        Self {
            user_id: user_id.into(),
            permissions: permissions.to_vec(),
            session: session.into(),
            kind: Access::Access,
            iat: now,
            exp: now + ACCESS_TOKEN_SECONDS,
        }
    }
}

impl RefreshClaims {
    /// Claims from `now` on.
    pub fn new(user_id: &str, token_id: &str, session: &str, now: UnixSeconds) -> Self {
        Self {
            user_id: user_id.into(),
            token_id: token_id.into(),
            session: session.into(),
            kind: Refresh::Refresh,
            iat: now,
            exp: now + REFRESH_TOKEN_SECONDS,
        }
    }
}

/// Why a token is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// Its time is over. That happens to everybody.
    Expired,
    /// It is none of ours, or not of this kind. That happens to nobody who means well.
    Forged,
}

/// Signs and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: Arc<EncodingKey>,
    decoding: Arc<DecodingKey>,
    validation: Arc<Validation>,
}

impl Tokens {
    /// `key`: 32 random bytes.
    pub fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Judged in `read`, against our own clock and without leeway.
        validation.validate_exp = false;
        Self {
            encoding: Arc::new(EncodingKey::from_secret(key)),
            decoding: Arc::new(DecodingKey::from_secret(key)),
            validation: Arc::new(validation),
        }
    }

    /// A signed token.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, AuthError> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
            .map_err(|error| AuthError::Crypto(error.to_string()))
    }

    /// The claims, when the token is ours, of this kind and not expired.
    pub fn read<C: DeserializeOwned + Expires>(&self, token: &str, now: UnixSeconds) -> Result<C, Invalid> {
        if token.len() > MAX_TOKEN {
            return Err(Invalid::Forged);
        }
        let data = jsonwebtoken::decode::<C>(token, &self.decoding, &self.validation).map_err(|_| Invalid::Forged)?;
        if now < data.claims.expires_at() { Ok(data.claims) } else { Err(Invalid::Expired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_fresh_tokens_of_the_right_kind_are_read() {
        let (ours, theirs) = (Tokens::new(&[1; 32]), Tokens::new(&[2; 32]));
        let access = ours.sign(&AccessClaims::new("u", &[], "s", 1_000)).unwrap();
        let refresh = ours.sign(&RefreshClaims::new("u", "t", "s", 1_000)).unwrap();
        assert!(ours.read::<AccessClaims>(&access, 1_000).is_ok());
        assert!(ours.read::<AccessClaims>(&access, 1_000 + ACCESS_TOKEN_SECONDS - 1).is_ok());
        let late = ours.read::<AccessClaims>(&access, 1_000 + ACCESS_TOKEN_SECONDS);
        assert_eq!(late.err(), Some(Invalid::Expired), "expired by a second");
        assert!(ours.read::<RefreshClaims>(&refresh, 1_000).is_ok());
        assert!(ours.read::<AccessClaims>(&refresh, 1_000).is_err(), "refresh used as access");
        assert!(ours.read::<RefreshClaims>(&access, 1_000).is_err(), "access used as refresh");
        assert!(theirs.read::<AccessClaims>(&access, 1_000).is_err(), "another key");
        assert!(ours.read::<AccessClaims>(&access[..access.len() - 2], 1_000).is_err(), "cut short");
        // {"alg":"none","typ":"JWT"}
        let body = access.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
        assert!(ours.read::<AccessClaims>(&unsigned, 1_000).is_err(), "alg none");
        assert!(ours.read::<AccessClaims>(&"a".repeat(10_000), 1_000).is_err());
        assert!(ours.read::<AccessClaims>("", 1_000).is_err());
    }
}
