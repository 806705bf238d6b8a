//! `/api/auth`: login, refresh, logout.
//!
//! Programs carry their refresh token in bodies. Browsers send [`BROWSER_SESSION_HEADER`] and get it as a cookie that
//! scripts can't read; as no other origin can send that header without our consent, the cookie is of no use to it.
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use slurmdash_api::Problem;
use slurmdash_api::auth::{
    ACCESS_TOKEN_SECONDS, BROWSER_SESSION_HEADER, LoginAnswer, LoginRequest, Message, REFRESH_TOKEN_SECONDS,
    RefreshAnswer, RefreshRequest, User,
};

use super::ApiError;
use super::extract::Json;
use crate::app::App;
use crate::auth::{Origin, Principal};
use crate::secret::Secret;

const COOKIE: &str = "slurmdash_refresh";

/// Signs in.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", security(()), request_body = LoginRequest,
    responses((status = 200, body = LoginAnswer), (status = 400, body = Problem), (status = 401, body = Problem))
)]
pub async fn login(
    State(app): State<Arc<App>>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response, ApiError> {
    let (who, tokens) = app.auth.login(&request.username, Secret::new(request.password), origin).await?;
    let (refresh_token, cookie) = hand_over(&app, &headers, tokens.refresh);
    let answer =
        LoginAnswer { access_token: tokens.access, refresh_token, expires_in: ACCESS_TOKEN_SECONDS, user: who.user() };
    Ok((cookie, Json(answer)).into_response())
}

/// Trades a refresh token for new tokens.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth", security(()), request_body = Option<RefreshRequest>,
    responses((status = 200, body = RefreshAnswer), (status = 400, body = Problem), (status = 401, body = Problem))
)]
pub async fn refresh(
    State(app): State<Arc<App>>,
    origin: Origin,
    headers: HeaderMap,
    request: Option<Json<RefreshRequest>>,
) -> Result<Response, ApiError> {
    let token = request.and_then(|request| request.0.refresh_token).or_else(|| cookie_token(&headers));
    let Some(token) = token else {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "missing_token", "send refresh_token, or sign in"));
    };
    match app.auth.refresh(&token, is_browser(&headers), origin).await {
        Ok(tokens) => {
            let (refresh_token, cookie) = hand_over(&app, &headers, tokens.refresh);
            let answer = RefreshAnswer { access_token: tokens.access, refresh_token, expires_in: ACCESS_TOKEN_SECONDS };
            Ok((cookie, Json(answer)).into_response())
        }
        Err(error) => Ok((clear_cookie(&app, &headers), ApiError::from(error)).into_response()),
    }
}

/// Ends the session of the refresh token (body or cookie), or all sessions of the caller without one.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth", request_body = Option<RefreshRequest>,
    responses((status = 200, body = Message), (status = 401, body = Problem))
)]
pub async fn logout(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    request: Option<Json<RefreshRequest>>,
) -> Result<Response, ApiError> {
    let token = request.and_then(|request| request.0.refresh_token).or_else(|| cookie_token(&headers));
    app.auth.logout(&who, token.as_deref()).await?;
    let message = if token.is_some() { "Signed out" } else { "Signed out everywhere" };
    Ok((clear_cookie(&app, &headers), Json(Message { message: message.into() })).into_response())
}

/// Who is asking.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, body = User), (status = 401, body = Problem))
)]
pub async fn me(who: Principal) -> Json<User> {
    Json(who.user())
}

type Cookie = Option<AppendHeaders<[(header::HeaderName, HeaderValue); 1]>>;

fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(BROWSER_SESSION_HEADER)
}

/// The refresh token as body field for programs, as cookie for browsers.
fn hand_over(app: &App, headers: &HeaderMap, token: String) -> (Option<String>, Cookie) {
    if is_browser(headers) { (None, set_cookie(app, &token, REFRESH_TOKEN_SECONDS)) } else { (Some(token), None) }
}

fn clear_cookie(app: &App, headers: &HeaderMap) -> Cookie {
    if is_browser(headers) { set_cookie(app, "", 0) } else { None }
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> Cookie {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/api/auth; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&cookie).ok().map(|cookie| AppendHeaders([(header::SET_COOKIE, cookie)]))
}

fn cookie_token(headers: &HeaderMap) -> Option<String> {
    if !is_browser(headers) {
        return None;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
