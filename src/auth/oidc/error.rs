//! Why somebody can't sign in by the provider, and why that can't be set up.
use std::path::PathBuf;

use crate::random::NoRandomness;

/// Longest text of the provider's that is shown or logged, characters.
const MAX_WORDS: usize = 200;

/// Why somebody isn't signed in. Texts of the provider's in it are made harmless: see [`plain`].
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider can't be reached, or says of itself what can't be used. Worth trying again.
    #[error("the login provider can't be used now: {0}")]
    Away(String),
    /// There is no such sign-in under way.
    #[error(
        "this sign-in was begun in another browser, was finished already or took more than ten minutes; begin again"
    )]
    NotUnderWay,
    /// The person, or the provider for them, said no (`access_denied`).
    #[error("the sign-in was refused at the login provider")]
    Denied,
    /// The provider answered with an error.
    #[error("the login provider refused: {error}{}", if .description.is_empty() { String::new() } else { format!(" ({description})") })]
    Refused {
        /// Its code, such as `invalid_grant` (RFC 6749, sections 4.1.2.1 and 5.2).
        error: String,
        /// Its words, or none.
        description: String,
    },
    /// An answer is not what it has to be.
    #[error("the login provider's answer can't be used: {0}")]
    Answer(String),
    /// Who somebody is can't be trusted.
    #[error("the login provider's answer can't be trusted: {0}")]
    Untrusted(String),
    /// A claim is missing, or is nothing that can be used.
    #[error("the login provider's claim {claim} {words}; an administrator can choose another in auth.oidc")]
    Claim {
        /// Its name.
        claim: String,
        /// What is wrong with it.
        words: String,
    },
    /// They are in none of the groups that may sign in.
    #[error("none of your groups may sign in here; ask an administrator")]
    NotAllowed,
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl OidcError {
    /// A stable word for programs and pages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Away(_) => "provider_away",
            Self::NotUnderWay => "sign_in_not_under_way",
            Self::Denied => "sign_in_denied",
            Self::Refused { .. } => "provider_refused",
            Self::Answer(_) | Self::Untrusted(_) => "provider_answer",
            Self::Claim { .. } => "provider_claim",
            Self::NotAllowed => "not_allowed",
            Self::Random(_) => "internal",
        }
    }

    /// An answer that can't be used, in words that may hold the provider's.
    pub(super) fn answer(words: impl AsRef<str>) -> Self {
        Self::Answer(plain(words.as_ref()))
    }

    /// An answer that can't be trusted, in words that may hold the provider's.
    pub(super) fn untrusted(words: impl AsRef<str>) -> Self {
        Self::Untrusted(plain(words.as_ref()))
    }

    /// A claim that can't be used.
    pub(super) fn claim(claim: &str, words: impl Into<String>) -> Self {
        Self::Claim { claim: plain(claim), words: words.into() }
    }

    /// An error answer of the provider's, at its login page (RFC 6749, section 4.1.2.1) or its token endpoint (5.2).
    pub(super) fn refused(error: &str, description: Option<&str>) -> Self {
        match error {
            "access_denied" => Self::Denied,
            _ => Self::Refused { error: plain(error), description: plain(description.unwrap_or_default()) },
        }
    }
}

/// Text from outside as the start of it in printable ASCII, the rest as `?`: such texts may try to forge a line of the
/// log, or to look like something else.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let mut plain: String = text.chars().take(MAX_WORDS).map(shown).collect();
    if text.chars().nth(MAX_WORDS).is_some() {
        plain.push_str("...");
    }
    plain
}

/// Why signing in by the provider can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A value is wrong that the configuration's own judgement lets pass.
    #[error("auth.oidc.{key}: {words}")]
    Value {
        /// Below `auth.oidc`.
        key: &'static str,
        /// What is wrong with it.
        words: String,
    },
    /// A file can't be read.
    #[error("auth.oidc.{key}: can't read {path}: {source}")]
    Unreadable {
        /// Below `auth.oidc`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Others may read the secret.
    #[error("auth.oidc.client_secret_file: {path} is open to others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The secret belongs to somebody who may change it and is neither us nor root.
    #[error(
        "auth.oidc.client_secret_file: {path} belongs to the user with number {owner}, not to us; run: chown {us} {path}"
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our number.
        us: u32,
    },
    /// There is no way to check the provider's certificate.
    #[error("the login provider's certificate can't be checked: {0}; install ca-certificates or set auth.oidc.ca_file")]
    Certificates(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_provider_are_harmless() {
        let error = OidcError::refused("bad\r\nINFO forged", Some("\u{202e}\u{1b}[31m<b>größe</b>"));
        assert_eq!(error.to_string(), "the login provider refused: bad??INFO forged (??[31m<b>gr??e</b>)");
        assert_eq!(plain(&"x".repeat(100_000)).len(), MAX_WORDS + 3);
        assert_eq!(OidcError::refused("server_error", None).to_string(), "the login provider refused: server_error");
        assert!(matches!(OidcError::refused("access_denied", Some("no")), OidcError::Denied));
    }
}
