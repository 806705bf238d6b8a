//! From a code to claims: the token endpoint, the ID token's checks (OpenID Connect Core 1.0, section 3.1.3.7), and the
//! userinfo endpoint.
use std::sync::Arc;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, Client,
    ClientId, ClientSecret, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    IdTokenClaims, IdTokenFields, IdTokenVerifier, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier,
    TokenResponse as _, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use slurmdash_api::UnixSeconds;

use super::claims::Claims;
use super::error::OidcError;
use super::fetch::FetchError;
use super::pending::Pending;
use super::provider::{Known, Provider};
use crate::clock::Clock;

/// The provider's clock may differ from ours by so much, seconds.
const LEEWAY: i64 = 60;
/// Longest subject, bytes (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// What ID tokens may be signed with: public keys only. With a shared secret, who has it could sign in as anybody.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The claims that the standard doesn't know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Others {
    #[serde(flatten)]
    claims: Claims,
}

impl AdditionalClaims for Others {}

type Token = IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type TokenError = StandardErrorResponse<CoreErrorResponseType>;

/// This program, as the provider knows it.
pub type OurClient = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenError,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// This program, as the provider knows it.
pub fn client(known: &Known, id: &ClientId, secret: Option<&ClientSecret>, redirect: &RedirectUrl) -> OurClient {
    let metadata = &known.metadata;
    // Where the provider doesn't say, it is Basic (OpenID Connect Discovery 1.0, section 3).
    let in_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
        !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    OurClient::from_provider_metadata(metadata.clone(), id.clone(), secret.cloned())
        .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
        .set_redirect_uri(redirect.clone())
}

/// What the provider says about the person who came back with a code.
pub struct Told {
    /// The person, as the provider knows them, for ever.
    pub subject: String,
    /// From the ID token.
    pub claims: Claims,
    access_token: AccessToken,
}

/// Trades a code for what the provider says in the ID token.
pub async fn redeem(
    provider: &Provider,
    known: &Arc<Known>,
    client: &OurClient,
    code: String,
    pending: &Pending,
    clock: &Clock,
) -> Result<Told, OidcError> {
    let request = client.exchange_code(AuthorizationCode::new(code));
    let request = request.map_err(|_| OidcError::answer("it names no token endpoint"))?;
    let verifier = PkceCodeVerifier::new(pending.verifier.expose().to_owned());
    let tokens = request.set_pkce_verifier(verifier).request_async(&provider.fetcher).await.map_err(not_redeemed)?;
    let id_token = tokens.id_token().ok_or_else(|| OidcError::answer("there is no ID token in it"))?;
    let access_token = tokens.access_token();
    // It becomes a header, and the crate takes anything for one that fits.
    if !access_token.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(OidcError::answer("its access token has characters that no token has"));
    }
    let (client_id, now) = (client.client_id(), clock.now());
    let check = |known: &Known| Check { known, client_id, pending, now }.run(id_token, access_token);
    let claims = match check(known) {
        // The provider may have begun to sign with another key.
        Err(Refusal::Key(words)) => match provider.with_newer_keys(known).await? {
            Some(newer) => check(&newer),
            None => Err(Refusal::Key(words)),
        },
        checked => checked,
    };
    let claims = claims.map_err(|refusal| match refusal {
        Refusal::Key(words) | Refusal::Other(words) => OidcError::untrusted(words),
    })?;
    let subject = claims.subject().to_string();
    if subject.is_empty() || subject.len() > MAX_SUBJECT {
        return Err(OidcError::claim("sub", format!("must be 1 to {MAX_SUBJECT} bytes")));
    }
    Ok(Told { subject, claims: object(&claims)?, access_token: access_token.clone() })
}

/// Adds what only the userinfo endpoint says; what is in the ID token stays.
pub async fn add_userinfo(provider: &Provider, client: &OurClient, told: &mut Told) -> Result<(), OidcError> {
    let subject = SubjectIdentifier::new(told.subject.clone());
    // Without the endpoint there is only the ID token.
    let Ok(request) = client.user_info(told.access_token.clone(), Some(subject)) else { return Ok(()) };
    let asked = request.request_async::<Others, _, CoreGenderClaim>(&provider.fetcher).await;
    for (name, value) in object(&asked.map_err(not_told)?)? {
        told.claims.entry(name).or_insert(value);
    }
    Ok(())
}

/// Why an ID token is not taken.
enum Refusal {
    /// There is no such key, or it does not fit the signature; a newer one may.
    Key(String),
    Other(String),
}

/// All that an ID token is held against.
struct Check<'a> {
    known: &'a Known,
    client_id: &'a ClientId,
    pending: &'a Pending,
    now: UnixSeconds,
}

type TokenClaims = IdTokenClaims<Others, CoreGenderClaim>;

impl Check<'_> {
    fn run(&self, token: &Token, access_token: &AccessToken) -> Result<TokenClaims, Refusal> {
        let (issuer, keys) = (self.known.metadata.issuer().clone(), self.known.metadata.jwks().clone());
        // Made for a public client even where there is a secret: it must never become a key.
        let verifier = IdTokenVerifier::new_public_client(self.client_id.clone(), issuer, keys)
            .set_allowed_algs(ALGORITHMS)
            // Times are judged below, against our own clock.
            .set_time_fn(Default::default);
        let nonce = Nonce::new(self.pending.nonce.expose().to_owned());
        let claims = token.claims(&verifier, &nonce).map_err(refusal)?;
        self.times(claims)?;
        // For somebody else, with us among those who may read it.
        if claims.authorized_party().is_some_and(|party| party != self.client_id) {
            return Err(Refusal::Other("the ID token was made for another program (azp)".into()));
        }
        if let Some(expected) = claims.access_token_hash() {
            let words = |error: String| Refusal::Other(format!("at_hash: {error}"));
            let algorithm = token.signing_alg().map_err(|error| words(error.to_string()))?;
            let key = token.signing_key(&verifier).map_err(|error| words(error.to_string()))?;
            let hash = AccessTokenHash::from_token(access_token, algorithm, key);
            if hash.map_err(|error| words(error.to_string()))? != *expected {
                return Err(Refusal::Other("the access token is not the ID token's (at_hash)".into()));
            }
        }
        Ok(claims.clone())
    }

    fn times(&self, claims: &TokenClaims) -> Result<(), Refusal> {
        let (issued, expires) = (claims.issue_time().timestamp(), claims.expiration().timestamp());
        let refused = if expires.saturating_add(LEEWAY) <= self.now {
            "the ID token has expired"
        } else if issued.saturating_sub(LEEWAY) > self.now {
            "the ID token is from the future"
        } else if issued.saturating_add(LEEWAY) < self.pending.begun_at {
            "the ID token is from before this sign-in"
        } else {
            return Ok(());
        };
        Err(Refusal::Other(format!("{refused}; do the clocks here and there agree?")))
    }
}

fn refusal(error: ClaimsVerificationError) -> Refusal {
    match error {
        ClaimsVerificationError::SignatureVerification(error) => {
            let words = format!("the ID token's signature: {error}");
            match error {
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_) => {
                    Refusal::Key(words)
                }
                _ => Refusal::Other(words),
            }
        }
        error => Refusal::Other(format!("the ID token: {error}")),
    }
}

fn object(claims: &impl Serialize) -> Result<Claims, OidcError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(OidcError::answer("its claims are no object")),
    }
}

/// In words without the answer itself: tokens may be in it.
fn not_redeemed(error: RequestTokenError<FetchError, TokenError>) -> OidcError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            OidcError::refused(answer.error().as_ref(), answer.error_description().map(String::as_str))
        }
        RequestTokenError::Request(error) => unasked(&error),
        RequestTokenError::Parse(error, _) => unreadable("the token endpoint", "tokens", error.path()),
        RequestTokenError::Other(words) => OidcError::answer(words),
    }
}

fn not_told(error: UserInfoError<FetchError>) -> OidcError {
    match error {
        UserInfoError::ClaimsVerification(error) => OidcError::untrusted(format!("the userinfo: {error}")),
        UserInfoError::Request(error) => unasked(&error),
        UserInfoError::Parse(error) => unreadable("the userinfo endpoint", "claims", error.path()),
        UserInfoError::Response(status, _, _) => OidcError::answer(format!("the userinfo endpoint answers {status}")),
        other => OidcError::answer(other.to_string()),
    }
}

/// Where JSON is not what it should be; serde's own words may quote a token.
fn unreadable(endpoint: &str, wanted: &str, at: &serde_path_to_error::Path) -> OidcError {
    let at = if at.iter().next().is_some() { format!(" (at {at})") } else { String::new() };
    OidcError::answer(format!("{endpoint} says something else than {wanted}{at}"))
}

fn unasked(error: &FetchError) -> OidcError {
    match error {
        FetchError::TimedOut | FetchError::Failed(_) => OidcError::Away(super::error::plain(&error.to_string())),
        error => OidcError::answer(error.to_string()),
    }
}
