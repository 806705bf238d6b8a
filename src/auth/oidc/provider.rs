//! What the provider says of itself (OpenID Connect Discovery 1.0), and its keys.
//!
//! It is asked when somebody first signs in, so that a provider that is away keeps nothing from starting, and again
//! when what it said is old. One request at a time asks; who comes meanwhile waits for that, or uses what is known.
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, JsonWebKeySet, ProviderMetadata};
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;
use tokio::sync::Mutex;

use super::error::{OidcError, plain};
use super::fetch::{FetchError, Fetcher, TIME_LIMIT};
use crate::clock::Clock;

/// What the provider said is asked again after so long, seconds.
const OLD: i64 = 3600;
/// After it could not be asked, nobody tries again for so long, seconds: a provider that gives no answer would make each
/// wait in turn for the one before.
const PAUSE: i64 = 5;
/// Its keys are fetched again for a key that is not known at most once in so long, seconds.
const KEYS_PAUSE: i64 = 60;

/// What RFC 9207 adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rfc9207 {
    /// Whether every answer by the browser names the issuer.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Rfc9207 {}

/// What the provider says of itself, with its keys.
pub type Metadata = ProviderMetadata<
    Rfc9207,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// That, and when it said so.
pub struct Known {
    /// What it said.
    pub metadata: Metadata,
    at: UnixSeconds,
}

/// The provider.
pub struct Provider {
    /// How it is asked.
    pub fetcher: Fetcher,
    issuer: IssuerUrl,
    clock: Clock,
    known: ArcSwapOption<Known>,
    asking: Mutex<Asking>,
}

/// For who asks.
#[derive(Default)]
struct Asking {
    /// When it could not be asked, and why.
    failed: Option<(UnixSeconds, String)>,
    /// When its keys were fetched again.
    keys_at: Option<UnixSeconds>,
}

impl Provider {
    /// Nothing is asked yet.
    pub fn new(issuer: IssuerUrl, fetcher: Fetcher, clock: Clock) -> Self {
        Self { fetcher, issuer, clock, known: ArcSwapOption::empty(), asking: Mutex::default() }
    }

    /// What it says of itself. When that is old and can't be asked again, what it said before.
    pub async fn known(&self) -> Result<Arc<Known>, OidcError> {
        let before = self.known.load_full();
        if let Some(known) = before.as_ref().filter(|known| !self.is_old(known)) {
            return Ok(known.clone());
        }
        let mut asking = match &before {
            None => self.asking.lock().await,
            Some(before) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(before.clone()),
            },
        };
        if let Some(known) = self.known.load_full().filter(|known| !self.is_old(known)) {
            return Ok(known);
        }
        let failed = asking.failed.as_ref().filter(|(at, _)| self.is_within(*at, PAUSE));
        let asked = match failed {
            Some((_, words)) => Err(words.clone()),
            None => self.ask().await,
        };
        match (asked, before) {
            (Ok(metadata), _) => {
                asking.failed = None;
                Ok(self.remember(metadata))
            }
            (Err(words), before) => {
                if asking.failed.as_ref().is_none_or(|(at, _)| !self.is_within(*at, PAUSE)) {
                    tracing::warn!(issuer = self.issuer.as_str(), reason = words, "the login provider can't be asked");
                    asking.failed = Some((self.clock.now(), words.clone()));
                }
                before.ok_or(OidcError::Away(words))
            }
        }
    }

    /// What is known with other keys than those in `used`, unless they were fetched again a moment ago.
    pub async fn with_newer_keys(&self, used: &Arc<Known>) -> Result<Option<Arc<Known>>, OidcError> {
        let mut asking = self.asking.lock().await;
        if let Some(known) = self.known.load_full().filter(|known| !Arc::ptr_eq(known, used)) {
            return Ok(Some(known));
        }
        if asking.keys_at.is_some_and(|at| self.is_within(at, KEYS_PAUSE)) {
            return Ok(None);
        }
        asking.keys_at = Some(self.clock.now());
        let keys = JsonWebKeySet::fetch_async(used.metadata.jwks_uri(), &self.fetcher).await;
        let keys = keys.map_err(|error| OidcError::Away(words(error)))?;
        let known = Known { metadata: used.metadata.clone().set_jwks(keys), at: used.at };
        let known = Arc::new(known);
        self.known.store(Some(known.clone()));
        Ok(Some(known))
    }

    async fn ask(&self) -> Result<Metadata, String> {
        let asked = Metadata::discover_async(self.issuer.clone(), &self.fetcher);
        let metadata = match tokio::time::timeout(TIME_LIMIT, asked).await {
            Err(_) => return Err(FetchError::TimedOut.to_string()),
            Ok(asked) => asked.map_err(words)?,
        };
        let token = metadata.token_endpoint().ok_or("it names no token endpoint")?;
        let userinfo = metadata.userinfo_endpoint().map(|url| url.as_str());
        // Those that only others ask, or that are asked later: better to hear of it now.
        for address in [metadata.authorization_endpoint().as_str(), token.as_str()].into_iter().chain(userinfo) {
            self.fetcher.judge(address).map_err(|error| plain(&error.to_string()))?;
        }
        Ok(metadata)
    }

    fn remember(&self, metadata: Metadata) -> Arc<Known> {
        let known = Arc::new(Known { metadata, at: self.clock.now() });
        self.known.store(Some(known.clone()));
        known
    }

    fn is_old(&self, known: &Known) -> bool {
        !self.is_within(known.at, OLD)
    }

    /// Whether it is less than so long ago; a time that is yet to come, after the clock was set back, is long ago.
    fn is_within(&self, at: UnixSeconds, seconds: i64) -> bool {
        (0..seconds).contains(&(self.clock.now() - at))
    }
}

/// The error in words, without more of the answer than where it is wrong.
fn words(error: DiscoveryError<FetchError>) -> String {
    let words = match error {
        DiscoveryError::Request(error) => error.to_string(),
        DiscoveryError::Response(status, _, _) if !status.is_success() => format!("it answers {status}"),
        DiscoveryError::Response(_, _, words) | DiscoveryError::Validation(words) | DiscoveryError::Other(words) => {
            words
        }
        DiscoveryError::Parse(error) => format!("it says something else than it should at {}", error.path()),
        other => other.to_string(),
    };
    plain(&words)
}
