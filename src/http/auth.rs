//! `/api/auth`: login, refresh, logout, own password.
//!
//! Programs carry their refresh token in bodies. Browsers send [`BROWSER_SESSION_HEADER`] and get it as a cookie that
//! scripts can't read. No other site can send that header without our consent, which the rules for other sites never
//! give, and what a page of another site sends all the same is refused by its origin ([`own_page`]).
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use slurmdash_api::Problem;
use slurmdash_api::auth::{
    ACCESS_TOKEN_SECONDS, BROWSER_SESSION_HEADER, ChangePassword, ContinueLogin, LoginAnswer, LoginRequest, Message,
    MorePrompts, REFRESH_TOKEN_SECONDS, RefreshAnswer, RefreshRequest, SignInMethods, SingleSignOn, User,
};

use super::extract::Json;
use super::{ApiError, oidc, own_site};
use crate::app::App;
use crate::auth::cluster::ClusterError;
use crate::auth::login::{SignInError, SignInOutcome, Welcome};
use crate::auth::{AuthError, Origin, Principal};
use crate::limits::devices::DEVICE_TOKEN_SECONDS;
use crate::secret::Secret;
use crate::security::kinds;
use crate::store::users::{Change, Which};
use crate::users;

/// The refresh token, over TLS: the prefix keeps other hosts and plain HTTP from setting it (RFC 6265bis, 4.1.3.2).
const COOKIE: &str = "__Host-slurmdash_refresh";
/// The same over plain HTTP, where browsers refuse that prefix.
const PLAIN_COOKIE: &str = "slurmdash_refresh";
/// That this browser has signed in before.
const DEVICE_COOKIE: &str = "slurmdash_device";

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        let detail = error.to_string();
        let new = |status, code| Self::new(status, code, detail.clone());
        match error {
            SignInError::Auth(error) => error.into(),
            SignInError::Cluster(error) => match error {
                ClusterError::Refused { .. } => AuthError::InvalidCredentials.into(),
                ClusterError::Expired { .. } => new(StatusCode::FORBIDDEN, "password_expired"),
                ClusterError::Away { .. } => {
                    new(StatusCode::SERVICE_UNAVAILABLE, "cluster_login_away").with_retry_after(10)
                }
                ClusterError::Busy => new(StatusCode::SERVICE_UNAVAILABLE, "busy").with_retry_after(2),
                ClusterError::Over => new(StatusCode::GONE, "login_over"),
                ClusterError::Malformed { .. } => new(StatusCode::BAD_REQUEST, "invalid_request"),
                ClusterError::Random(error) => Self::internal(error),
            },
            SignInError::Oidc(_) => new(StatusCode::UNAUTHORIZED, "sso_failed"),
            SignInError::NameTaken(_) => new(StatusCode::CONFLICT, "name_taken"),
            SignInError::Disabled => new(StatusCode::FORBIDDEN, "account_disabled"),
            SignInError::NotConfigured => Self::not_found("such way of signing in"),
        }
    }
}

/// How one can sign in.
#[utoipa::path(
    get, path = "/api/auth/methods", tag = "auth", security(()),
    responses((status = 200, body = SignInMethods))
)]
pub async fn methods(State(app): State<Arc<App>>) -> Json<SignInMethods> {
    let sso = app.sign_in.single_sign_on();
    let sso = sso.map(|name| SingleSignOn { name: name.to_owned(), start: oidc::START.to_owned() });
    Json(SignInMethods { cluster: app.sign_in.takes_cluster_accounts(), sso })
}

/// Signs in.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", security(()), request_body = LoginRequest,
    responses(
        (status = 200, body = LoginAnswer),
        (status = 202, body = MorePrompts, description = "the cluster asks for more, such as a code"),
        (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 429, body = Problem, description = "too many tries failed"),
        (status = 503, body = Problem, description = "`cluster_login_away`, or too many sign in at once"),
    )
)]
pub async fn login(
    State(app): State<Arc<App>>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response, ApiError> {
    own_page(&app, &headers, &origin)?;
    let (password, device) = (Secret::new(request.password), own_site::cookie(&headers, DEVICE_COOKIE));
    let outcome = app.sign_in.by_password(&request.username, password, device, origin).await?;
    Ok(answer(&app, &headers, outcome))
}

/// Answers what the cluster asks for beyond a password.
#[utoipa::path(
    post, path = "/api/auth/login/continue", tag = "auth", security(()), request_body = ContinueLogin,
    responses(
        (status = 200, body = LoginAnswer), (status = 202, body = MorePrompts), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 410, body = Problem, description = "it took too long; begin anew"),
        (status = 503, body = Problem),
    )
)]
pub async fn login_continue(
    State(app): State<Arc<App>>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<ContinueLogin>,
) -> Result<Response, ApiError> {
    own_page(&app, &headers, &origin)?;
    let answers = request.answers.into_iter().map(Secret::new).collect();
    let outcome = app.sign_in.by_answers(&request.login_id, answers, origin).await?;
    Ok(answer(&app, &headers, outcome))
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
    own_page(&app, &headers, &origin)?;
    let token = request.and_then(|request| request.0.refresh_token).or_else(|| cookie_token(&app, &headers));
    let Some(token) = token else {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "missing_token", "send refresh_token, or sign in"));
    };
    let by = origin.by(app.clock.now());
    match app.auth.refresh(&token, is_browser(&headers), origin).await {
        Ok(tokens) => {
            let (refresh_token, cookie) = hand_over(&app, &headers, tokens.refresh);
            let answer = RefreshAnswer { access_token: tokens.access, refresh_token, expires_in: ACCESS_TOKEN_SECONDS };
            Ok((AppendHeaders(cookie), Json(answer)).into_response())
        }
        Err(error) => {
            if matches!(error, AuthError::InvalidToken) {
                app.security.note(kinds::TOKEN_INVALID, &by, "a refresh token that is none");
            }
            Ok((clear_cookie(&app, &headers), ApiError::from(error)).into_response())
        }
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
    own_page(&app, &headers, &who.origin)?;
    let token = request.and_then(|request| request.0.refresh_token).or_else(|| cookie_token(&app, &headers));
    app.auth.logout(&who, token.as_deref()).await?;
    let message = if token.is_some() { "Signed out" } else { "Signed out everywhere" };
    Ok((clear_cookie(&app, &headers), Json(Message { message: message.into() })).into_response())
}

/// Who is asking, and what they may.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, body = User), (status = 401, body = Problem))
)]
pub async fn me(who: Principal) -> Json<User> {
    Json(who.user())
}

/// Changes the own password. All other sessions end.
#[utoipa::path(
    post, path = "/api/auth/password", tag = "auth", request_body = ChangePassword,
    responses(
        (status = 200, body = Message),
        (status = 400, body = Problem, description = "the new one is too short or too long"),
        (status = 401, body = Problem, description = "`invalid_credentials`: the current one is wrong"),
        (status = 409, body = Problem, description = "the password is not kept here"),
        (status = 429, body = Problem),
    )
)]
pub async fn change_password(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    Json(request): Json<ChangePassword>,
) -> Result<Json<Message>, ApiError> {
    let user = app.store.user(&who.user_id)?.ok_or(AuthError::SessionOver)?;
    users::refuse_foreign_password(&user, &[Change::Password(String::new())])?;
    let new = Secret::new(request.new);
    users::judge_password(&new)?;
    let device = own_site::cookie(&headers, DEVICE_COOKIE);
    app.sign_in.check_password(user, Secret::new(request.current), device, &who.origin).await?;
    let changes = vec![Change::Password(app.auth.hash(new).await?)];
    let but = who.session_id().map(str::to_owned);
    let edit = users::edit(Which::Id(who.user_id.clone()), &who.username, changes, &who.by(app.clock.now()), but);
    users::edited(app.store.edit_user(edit, users::administers(&app.auth.roles)).await?)?;
    app.auth.tell_ended(&who.user_id);
    Ok(Json(Message { message: "Password changed; all other sessions were ended".into() }))
}

/// Refuses what a page of another site sends in somebody's browser: it could sign them in as somebody else, or out.
fn own_page(app: &App, headers: &HeaderMap, origin: &Origin) -> Result<(), ApiError> {
    // Sites that are allowed may sign people in for their own use, but have no business with our cookies.
    let is_right =
        if is_browser(headers) { own_site::is_our_page(app, headers) } else { own_site::is_allowed_page(app, headers) };
    if is_right {
        return Ok(());
    }
    app.security.note(kinds::ORIGIN_REFUSED, &origin.by(app.clock.now()), "a sign-in call from a page of another site");
    Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", "calls from pages of other sites are refused"))
}

fn answer(app: &App, headers: &HeaderMap, outcome: SignInOutcome) -> Response {
    match outcome {
        SignInOutcome::In(welcome) => {
            let Welcome { who, tokens, device } = *welcome;
            let (refresh_token, mut cookies) = hand_over(app, headers, tokens.refresh);
            cookies.extend(device_cookie(app, headers, &device));
            let answer = LoginAnswer {
                access_token: tokens.access,
                refresh_token,
                expires_in: ACCESS_TOKEN_SECONDS,
                user: who.user(),
            };
            (AppendHeaders(cookies), Json(answer)).into_response()
        }
        SignInOutcome::More(prompts) => (StatusCode::ACCEPTED, Json(prompts)).into_response(),
    }
}

/// Cookies to be set.
pub type Cookies = Vec<(HeaderName, HeaderValue)>;

fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(BROWSER_SESSION_HEADER)
}

/// The refresh token as body field for programs, as cookie for browsers.
fn hand_over(app: &App, headers: &HeaderMap, token: String) -> (Option<String>, Cookies) {
    if is_browser(headers) { (None, session_cookie(app, &token)) } else { (Some(token), Vec::new()) }
}

/// The cookie that keeps a refresh token.
pub fn session_cookie(app: &App, token: &str) -> Cookies {
    set_session_cookie(app, token, REFRESH_TOKEN_SECONDS)
}

/// The cookie by which this browser is known again.
fn device_cookie(app: &App, headers: &HeaderMap, device: &Secret) -> Cookies {
    if is_browser(headers) { device_cookies(app, device) } else { Vec::new() }
}

/// The same, for a browser that is known to be one.
pub fn device_cookies(app: &App, device: &Secret) -> Cookies {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let life = DEVICE_TOKEN_SECONDS;
    cookie(&format!(
        "{DEVICE_COOKIE}={}; Path=/api/auth; HttpOnly; SameSite=Strict; Max-Age={life}{secure}",
        device.expose()
    ))
}

fn clear_cookie(app: &App, headers: &HeaderMap) -> AppendHeaders<Cookies> {
    AppendHeaders(if is_browser(headers) { set_session_cookie(app, "", 0) } else { Vec::new() })
}

fn set_session_cookie(app: &App, value: &str, seconds: i64) -> Cookies {
    let whole = if app.config.is_https() {
        // The prefix wants the whole site as its path.
        format!("{COOKIE}={value}; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age={seconds}")
    } else {
        format!("{PLAIN_COOKIE}={value}; Path=/api/auth; HttpOnly; SameSite=Strict; Max-Age={seconds}")
    };
    cookie(&whole)
}

fn cookie(text: &str) -> Cookies {
    HeaderValue::from_str(text).ok().map(|value| (header::SET_COOKIE, value)).into_iter().collect()
}

fn cookie_token(app: &App, headers: &HeaderMap) -> Option<String> {
    let name = if app.config.is_https() { COOKIE } else { PLAIN_COOKIE };
    if is_browser(headers) { own_site::cookie(headers, name).map(str::to_owned) } else { None }
}
