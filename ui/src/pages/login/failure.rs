//! Why nobody was signed in, in words.
use sycamore::prelude::*;

use super::SignIn;
use crate::client::ClientError;
use crate::components::{Banner, Tone, problem_words};
use crate::i18n::{format, t};

/// Why a sign-in came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server said no, or nothing.
    Refused {
        /// What it said.
        error: Box<ClientError>,
        /// Whether it was about what the cluster asked beyond the password.
        is_second_step: bool,
    },
    /// Single sign-on was broken off by the person or the provider.
    SsoDenied,
    /// The provider does not know somebody whom we let in.
    SsoNotAllowed,
    /// Anything else about single sign-on.
    SsoFailed,
}

impl Failure {
    /// What a code in the address says, once single sign-on failed.
    pub fn of_sso(code: &str) -> Option<Self> {
        match code {
            "" => None,
            "sso_denied" => Some(Self::SsoDenied),
            "sso_not_allowed" => Some(Self::SsoNotAllowed),
            _ => Some(Self::SsoFailed),
        }
    }
}

fn words(failure: &Failure, wait: i64) -> String {
    let words = t().login;
    match failure {
        Failure::SsoDenied => words.sso_denied(),
        Failure::SsoNotAllowed => words.sso_not_allowed(),
        Failure::SsoFailed => words.sso_failed(),
        Failure::Refused { error, is_second_step } => match (error.status(), error.code()) {
            (Some(429), _) if wait > 0 => words.too_many(&clock(wait)),
            (Some(429), _) => words.go_on(),
            (Some(410), _) => words.too_late(),
            (Some(401), _) if *is_second_step => words.prompts_refused(),
            (Some(401), _) => words.invalid_credentials(),
            (_, "cluster_login_away") => words.cluster_away(),
            (_, "busy") => words.busy(),
            (_, "password_expired") => words.password_expired(),
            (_, "account_disabled") => words.account_disabled(),
            _ => problem_words(error),
        },
    }
}

/// Seconds as they are counted down: `0:42`, `12:05`.
pub fn clock(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    if seconds < 3_600 { format!("{}:{:02}", seconds / 60, seconds % 60) } else { format::duration(seconds) }
}

/// Says why. While the server wants to be left alone, it counts down; a screen reader hears only the first of it.
#[component(inline_props)]
pub fn FailureBanner(failure: Failure, state: SignIn) -> View {
    let counts = matches!(&failure, Failure::Refused { error, .. } if error.status() == Some(429));
    let wait = create_selector(move || if counts { state.wait() } else { 0 });
    let tone = if counts { Tone::Warning } else { Tone::Error };
    let title = move || {
        if counts { t().login.too_many_title() } else { t().login.failed() }
    };
    view! {
        Banner(tone=tone, title=title) { span(aria-live="off") { (words(&failure, wait.get())) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_in_an_address_is_read() {
        assert_eq!(Failure::of_sso(""), None);
        assert_eq!(Failure::of_sso("sso_denied"), Some(Failure::SsoDenied));
        assert_eq!(Failure::of_sso("Call 555-0100 to unlock"), Some(Failure::SsoFailed));
    }

    #[test]
    fn waiting_is_counted_in_minutes_and_seconds() {
        assert_eq!(clock(42), "0:42");
        assert_eq!(clock(725), "12:05");
        assert_eq!(clock(-1), "0:00");
        assert_eq!(clock(3_661), "1:01:01");
    }
}
