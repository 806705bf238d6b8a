//! Signing in at an OpenID provider: authorisation code with PKCE (OpenID Connect Core 1.0, RFC 6749, RFC 7636).
//!
//! [`Oidc::start`] says where the browser goes and gives a ticket that only this browser gets, as a cookie.
//! [`Oidc::finish`] takes the ticket and what the provider sent back by the browser, and says who that is. What happens
//! between is kept here and never in the browser, so that nobody can end a sign-in that somebody else began.

mod claims;
mod error;
mod fetch;
mod pending;
mod provider;
mod token;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::url::Url;
use openidconnect::{
    ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use serde::Deserialize;

pub use error::{OidcError, SetUpError};

use crate::clock::Clock;
use crate::secret::Secret;
use crate::{config, random};
use claims::Person;
use fetch::{Fetcher, is_plain_loopback};
use pending::{Pending, SignIns};
use provider::{Known, Provider};

/// A sign-in may take so long, seconds; so long is a ticket good.
pub const LIFETIME: i64 = 600;
/// Where the provider sends people back to, below the address that they use.
pub const CALLBACK: &str = "/api/auth/oidc/callback";
/// Longest address to go on to, bytes.
const MAX_NEXT: usize = 1024;
/// Longest secret in `client_secret_file`, bytes.
const MAX_SECRET: usize = 4096;

/// Signs people in at an OpenID provider.
pub struct Oidc {
    settings: config::Oidc,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    clock: Clock,
    provider: Provider,
    sign_ins: SignIns,
}

/// A sign-in that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// For [`Oidc::finish`]: only this browser may have it, for [`LIFETIME`].
    pub ticket: Secret,
}

/// What comes back by the browser, in the query of [`CALLBACK`] (RFC 6749, section 4.1.2; RFC 9207). There may be more.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// As it was sent there.
    pub state: Option<String>,
    /// Good once, for tokens.
    pub code: Option<String>,
    /// The provider that answers.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in its words.
    pub error_description: Option<String>,
}

/// Who somebody is. An account is known by `issuer` and `subject` together: everything else may change, and may be
/// somebody else's tomorrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says so.
    pub issuer: String,
    /// The person, as the issuer knows them, for ever.
    pub subject: String,
    /// What the account is called; [`crate::users::is_name`] holds.
    pub username: String,
    /// The Unix user, where the provider names one; [`crate::unix::is_login`] holds.
    pub unix_user: Option<String>,
    /// As the provider calls them.
    pub groups: Vec<String>,
    /// By the groups, or the default one; at least one, each once.
    pub roles: Vec<String>,
    /// Unless the provider says that nobody has checked it.
    pub email: Option<String>,
    /// Where the person wanted to go: a path of this site.
    pub next: Option<String>,
}

impl Oidc {
    /// Reads the files that the settings name; the provider is asked when somebody signs in. `public_url` is the address
    /// that people use, without a path.
    pub fn new(settings: config::Oidc, public_url: &str, clock: Clock) -> Result<Self, SetUpError> {
        let value = |key| move |words: String| SetUpError::Value { key, words };
        judge_issuer(&settings.issuer).map_err(value("issuer"))?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| value("issuer")(error.to_string()))?;
        let redirect = RedirectUrl::new(format!("{public_url}{CALLBACK}"));
        let redirect = redirect.map_err(|error| value("issuer")(format!("http.public_url: {error}")))?;
        let fetcher = Fetcher::new(is_plain_loopback(issuer.url()), settings.ca_file.as_deref())?;
        Ok(Self {
            client_id: ClientId::new(settings.client_id.clone()),
            client_secret: settings.client_secret_file.as_deref().map(secret).transpose()?,
            provider: Provider::new(issuer, fetcher, clock.clone()),
            sign_ins: SignIns::default(),
            redirect,
            clock,
            settings,
        })
    }

    /// Whether groups there decide on roles here.
    pub fn maps_roles(&self) -> bool {
        !self.settings.roles.is_empty()
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Begins a sign-in, to go on to `next` afterwards; what is no path of this site is left out.
    pub async fn start(&self, next: Option<&str>) -> Result<Begun, OidcError> {
        let known = self.provider.known().await?;
        let secret = || random::bytes::<32>().map(|bytes| Secret::new(random::hex(&bytes)));
        let (ticket, state, nonce, verifier) = (secret()?, secret()?, secret()?, secret()?);
        let challenge = PkceCodeVerifier::new(verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&challenge);
        let (sent_state, sent_nonce) = (state.expose().to_owned(), nonce.expose().to_owned());
        // The crate asks for `openid` by itself.
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let (url, _, _) = self
            .client(&known)
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(sent_state),
                move || Nonce::new(sent_nonce),
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let next = next.filter(|next| is_path_here(next)).map(str::to_owned);
        self.sign_ins.begin(&ticket, Pending { state, nonce, verifier, next, begun_at: self.clock.now() });
        Ok(Begun { url: url.into(), ticket })
    }

    /// Ends a sign-in with what came back: who that is. Each ticket is good once, with the state that went with it.
    pub async fn finish(&self, ticket: &str, answer: Answer) -> Result<Identity, OidcError> {
        let state = answer.state.as_deref().unwrap_or_default();
        let pending = self.sign_ins.take(ticket, state, self.clock.now()).ok_or(OidcError::NotUnderWay)?;
        let known = self.provider.known().await?;
        judge_answerer(&known, answer.iss.as_deref())?;
        if let Some(error) = &answer.error {
            return Err(OidcError::refused(error, answer.error_description.as_deref()));
        }
        let code = answer.code.filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| OidcError::answer("it has neither a code nor an error"))?;
        let client = self.client(&known);
        let mut told = token::redeem(&self.provider, &known, &client, code, &pending, &self.clock).await?;
        if !claims::are_enough(&self.settings, &told.claims) {
            token::add_userinfo(&self.provider, &client, &mut told).await?;
        }
        let Person { username, unix_user, groups, roles, email } = claims::person(&self.settings, &told.claims)?;
        let issuer = known.metadata.issuer().to_string();
        Ok(Identity { issuer, subject: told.subject, username, unix_user, groups, roles, email, next: pending.next })
    }

    fn client(&self, known: &Known) -> token::OurClient {
        token::client(known, &self.client_id, self.client_secret.as_ref(), &self.redirect)
    }
}

/// RFC 9207: an answer that names its provider must come from this one, and must name it where the provider says that
/// all its answers do. Otherwise another provider's code would be sent to this one, or this one's elsewhere.
fn judge_answerer(known: &Known, iss: Option<&str>) -> Result<(), OidcError> {
    let names_itself = known.metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match iss {
        Some(iss) if iss != known.metadata.issuer().as_str() => {
            Err(OidcError::untrusted("it comes from another provider (iss)"))
        }
        None if names_itself => Err(OidcError::untrusted("it does not say where it comes from (iss)")),
        _ => Ok(()),
    }
}

/// Whether a browser that is sent there stays on this site. Backslashes are slashes to browsers, and they leave out
/// line breaks and tabs.
fn is_path_here(next: &str) -> bool {
    next.len() <= MAX_NEXT
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is wrong with an issuer's address (OpenID Connect Discovery 1.0, section 3): it must be HTTPS, or plain HTTP on
/// the loopback, and nothing but host, port and path.
pub fn judge_issuer(issuer: &str) -> Result<(), String> {
    let wrong = |words: &str| Err(format!("{words}, not {issuer:?}"));
    let Ok(url) = Url::parse(issuer) else {
        return wrong("must be the provider's address, such as https://login.example.org/realms/uni");
    };
    if url.scheme() != "https" && !is_plain_loopback(&url) {
        return wrong("must begin with https:// (http:// on the loopback only)");
    }
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if bare { Ok(()) } else { wrong("must have nothing but host, port and path") }
}

/// The client's secret. Others may not read it, and only we and root may have written it.
fn secret(path: &Path) -> Result<ClientSecret, SetUpError> {
    let key = "client_secret_file";
    let unreadable = |source| SetUpError::Unreadable { key, path: path.into(), source };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    let (mode, owner, us) = (about.mode() & 0o777, about.uid(), rustix::process::geteuid().as_raw());
    if mode & 0o077 != 0 {
        return Err(SetUpError::Exposed { path: path.into(), mode });
    }
    if owner != us && owner != 0 {
        return Err(SetUpError::NotOurs { path: path.into(), owner, us });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.len() > MAX_SECRET || secret.contains(char::is_control) {
        let words = format!("{} must hold the secret alone, on one line", path.display());
        return Err(SetUpError::Value { key, words });
    }
    Ok(ClientSecret::new(secret.to_owned()))
}

#[cfg(test)]
mod tests;
