//! The ways in: a password, what the cluster asks beyond it, and single sign-on.
use slurmdash_api::auth::{ContinueLogin, LoginAnswer, LoginRequest, MorePrompts, SignInMethods};

use super::http::{Body, Call, ClientError, exchange, json, parse, send};
use super::session::{Session, safe_next};
use crate::router::path_with;

/// How one can sign in here.
pub async fn methods() -> Result<SignInMethods, ClientError> {
    send(Call::new("GET", "/api/auth/methods")).await
}

/// Where single sign-on begins, so that it leads back to `next`; nothing when the server names another site.
pub fn sso_href(start: &str, next: &str) -> Option<String> {
    let start = safe_next(start)?;
    let next = safe_next(next).unwrap_or_default();
    Some(path_with(&start, &[("next", &next)]))
}

impl Session {
    /// Signs in; answers what else the cluster asks before it lets anybody in.
    pub async fn sign_in(self, username: &str, password: &str) -> Result<Option<MorePrompts>, ClientError> {
        let body = json(&LoginRequest { username: username.to_owned(), password: password.to_owned() });
        self.try_to("/api/auth/login", body).await
    }

    /// Answers what was asked; there may be more.
    pub async fn answer(self, login_id: String, answers: Vec<String>) -> Result<Option<MorePrompts>, ClientError> {
        self.try_to("/api/auth/login/continue", json(&ContinueLogin { login_id, answers })).await
    }

    async fn try_to(self, path: &str, body: Body) -> Result<Option<MorePrompts>, ClientError> {
        // sshd takes its time with those whom it does not know.
        let call = Call { body, browser_session: true, time_limit_ms: 60_000, ..Call::new("POST", path) };
        let text = exchange(call).await?;
        // What belongs to one kind of answer is missing in the other. Tried one after the other: the derived reader of
        // `LoginOutcome` would be larger than both.
        match parse::<LoginAnswer>(&text) {
            Ok(answer) => {
                self.admit(answer);
                Ok(None)
            }
            Err(_) => parse::<MorePrompts>(&text).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_sign_on_begins_on_this_site_only() {
        assert_eq!(
            sso_href("/api/auth/oidc/start", "/jobs?a=1"),
            Some("/api/auth/oidc/start?next=%2Fjobs%3Fa%3D1".into())
        );
        assert_eq!(sso_href("/api/auth/oidc/start", ""), Some("/api/auth/oidc/start".into()));
        assert_eq!(sso_href("/start", "//evil.example"), Some("/start".into()));
        assert_eq!(sso_href("https://evil.example/", "/jobs"), None);
    }
}
