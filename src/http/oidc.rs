//! `/api/auth/oidc`: to the identity provider and back, as page loads of a browser.
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::auth::{Cookies, device_cookies, session_cookie};
use super::own_site;
use crate::app::App;
use crate::auth::Origin;
use crate::auth::login::{SignInError, Welcome};
use crate::auth::oidc::{Answer, LIFETIME, OidcError};

/// Where a browser begins.
pub const START: &str = "/api/auth/oidc/start";
/// Binds a sign-in to the browser that began it. It comes back with a page load from another site, so it can't be
/// `SameSite=Strict`.
const COOKIE: &str = "slurmdash_sso";

/// Where to go afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Start {
    /// A path of this site.
    next: Option<String>,
}

/// Sends the browser to the identity provider.
#[utoipa::path(
    get, path = "/api/auth/oidc/start", tag = "auth", security(()), params(Start),
    responses((status = 303, description = "to the identity provider, or back to the login page with `error`"))
)]
pub async fn start(
    State(app): State<Arc<App>>,
    super::extract::Query(query): super::extract::Query<Start>,
) -> Response {
    match app.sign_in.begin_oidc(query.next.as_deref()).await {
        Ok(begun) => {
            let ticket = cookie(&app, begun.ticket.expose(), LIFETIME);
            (AppendHeaders(ticket), to(&begun.url)).into_response()
        }
        Err(error) => failed(&app, &error),
    }
}

/// Takes the browser back from the identity provider, and signs it in.
#[utoipa::path(
    get, path = "/api/auth/oidc/callback", tag = "auth", security(()),
    responses((status = 303, description = "to the page that was wanted, or to the login page with `error`"))
)]
pub async fn callback(
    State(app): State<Arc<App>>,
    origin: Origin,
    headers: HeaderMap,
    axum::extract::Query(answer): axum::extract::Query<Answer>,
) -> Response {
    let ticket = own_site::cookie(&headers, COOKIE).unwrap_or_default();
    match app.sign_in.by_oidc(ticket, answer, origin).await {
        Ok((Welcome { tokens, device, .. }, next)) => {
            let mut cookies = session_cookie(&app, &tokens.refresh);
            cookies.extend(device_cookies(&app, &device));
            cookies.extend(cookie(&app, "", 0));
            // The login page takes over the session that the cookie carries, and goes on from there.
            let next = super::ui::escape(next.as_deref().unwrap_or("/dashboard"));
            (AppendHeaders(cookies), to(&format!("/login?sso=done&next={next}"))).into_response()
        }
        Err(error) => failed(&app, &error),
    }
}

/// Back to the login page, which says in its own words what happened. Nothing of the provider's is in the address.
fn failed(app: &App, error: &SignInError) -> Response {
    let code = match error {
        SignInError::Oidc(OidcError::Denied) => "sso_denied",
        SignInError::Oidc(OidcError::NotAllowed) | SignInError::Disabled | SignInError::NameTaken(_) => {
            "sso_not_allowed"
        }
        _ => "sso_failed",
    };
    tracing::info!(%error, code, "no single sign-on");
    // A forged link must not end a sign-in that is under way.
    let is_ours = !matches!(error, SignInError::Oidc(OidcError::NotUnderWay));
    let cookies = if is_ours { cookie(app, "", 0) } else { Vec::new() };
    (AppendHeaders(cookies), to(&format!("/login?error={code}"))).into_response()
}

/// 303, which is followed with `GET` (RFC 9110, 15.4.4).
fn to(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(_) => Redirect::to(url).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn cookie(app: &App, value: &str, seconds: i64) -> Cookies {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/api/auth/oidc; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).ok().map(|value| (header::SET_COOKIE, value)).into_iter().collect()
}
