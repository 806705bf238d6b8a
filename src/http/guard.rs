//! Before every handler: who is asking, whether they ask too often, and whether they may ([`super::routes`]).
//!
//! Handlers take what was found out here: the [`Principal`] is in the request's extensions.
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use slurmdash_api::api_keys::API_KEY_HEADER;
use slurmdash_api::auth::WS_BEARER_PREFIX;

use super::ApiError;
use super::routes::{self, Access, Route};
use crate::app::App;
use crate::auth::{AuthError, Credential, Origin, Principal};
use crate::limits::rates::{Decision, Who};
use crate::security::kinds;
use crate::store::audit::By;

/// What somebody shows.
enum Shown<'a> {
    Nothing,
    Token(&'a str),
    Key(&'a str),
}

/// The middleware. It must lie directly around the routes, where it is known which one was meant.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let Some(route) = routes::find(request.method(), path) else {
        if routes::is_path(path) {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        return ApiError::internal(format!("{path} has no row in the table of routes")).into_response();
    };
    if route.access == Access::Open {
        return next.run(request).await;
    }
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let who = identify(&app, route, request.headers(), &origin);
    let by = by(&app, who.as_ref().ok().and_then(Option::as_ref), &origin);
    let path = request.uri().path().to_owned();
    let asks = match (&who, origin.address) {
        (Ok(Some(who)), _) => Some(Who::User(&who.user_id)),
        (_, Some(address)) => Some(Who::Stranger(address)),
        // A request without a connection is none from outside.
        (_, None) => None,
    };
    let decision = asks.map(|asks| app.rates.decide(asks, route.method.as_str(), route.path));
    let mut response = match decision.as_ref().and_then(Decision::wait) {
        Some(seconds) => {
            app.security.note(kinds::LIMIT_HIT, &by, &format!("{} {}", route.method, route.path));
            ApiError::too_often(seconds).into_response()
        }
        None => match who.and_then(|who| admit(route, who)) {
            Ok(who) => {
                if let Some(who) = who {
                    app.auth.uses.note(&who, app.clock.now());
                    request.extensions_mut().insert(who);
                }
                next.run(request).await
            }
            Err(refusal) => refusal.into_response(),
        },
    };
    // The handler refuses as well: it knows whose the object is. Somebody known is told 401 where a key is wanted.
    let is_refusal =
        |error: &&ApiError| error.is_lack_of_permission() || error.code() == "unauthorized" && by.user_id.is_some();
    if let Some(error) = response.extensions().get::<ApiError>().filter(is_refusal) {
        app.security.refused(&by, &path, format!("{} {}: {}", route.method, route.path, error.detail()));
    }
    if let Some(decision) = decision {
        let fields = [("ratelimit-policy", decision.policy_field()), ("ratelimit", decision.limit_field())];
        for (name, value) in fields {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }
    response
}

/// Who is asking; `None` for a stranger.
fn identify(app: &App, route: &Route, headers: &HeaderMap, origin: &Origin) -> Result<Option<Principal>, ApiError> {
    if route.access == Access::Public {
        return Ok(None);
    }
    let shown = shown(route, headers)?;
    let found = match shown {
        Shown::Nothing => return Ok(None),
        Shown::Token(token) => app.auth.authenticate(token, origin.clone()),
        Shown::Key(key) => app.auth.authenticate_key(key, origin.clone()),
    };
    match found {
        Ok(who) => Ok(Some(who)),
        Err(error) => {
            let kind = match error {
                AuthError::InvalidToken => Some(kinds::TOKEN_INVALID),
                AuthError::InvalidKey => Some(kinds::KEY_INVALID),
                _ => None,
            };
            if let Some(kind) = kind {
                app.security.note(kind, &by(app, None, origin), &format!("{} {}", route.method, route.path));
            }
            Err(error.into())
        }
    }
}

fn shown<'a>(route: &Route, headers: &'a HeaderMap) -> Result<Shown<'a>, ApiError> {
    if let Some(key) = headers.get(API_KEY_HEADER) {
        if headers.contains_key(header::AUTHORIZATION) {
            return Err(ApiError::invalid("send Authorization or X-API-Key, not both"));
        }
        // What is no text is no key either.
        return Ok(Shown::Key(key.to_str().unwrap_or_default()));
    }
    if let Some(token) = bearer(headers) {
        return Ok(Shown::Token(token));
    }
    let of_protocol = if route.path == "/ws" { protocol_token(headers) } else { None };
    Ok(of_protocol.map_or(Shown::Nothing, Shown::Token))
}

/// Lets somebody through who may.
fn admit(route: &Route, who: Option<Principal>) -> Result<Option<Principal>, ApiError> {
    let Some(who) = who else {
        return match route.access {
            Access::Open | Access::Public | Access::MayOrTicket(_) => Ok(None),
            Access::KeyMay(_) => Err(ApiError::unauthorized("API Key required")),
            _ => Err(ApiError::unauthorized("sign in first")),
        };
    };
    let is_key = matches!(who.credential, Credential::ApiKey(_));
    match route.access {
        Access::Person | Access::PersonMay(_) if is_key => {
            Err(ApiError::new(StatusCode::FORBIDDEN, "not_with_key", "an API key can't do this; sign in as a person"))
        }
        Access::KeyMay(_) if !is_key => Err(ApiError::unauthorized("API Key required")),
        Access::May(needed) | Access::PersonMay(needed) | Access::KeyMay(needed) | Access::MayOrTicket(needed) => {
            who.require(needed)?;
            Ok(Some(who))
        }
        _ => Ok(Some(who)),
    }
}

fn by(app: &App, who: Option<&Principal>, origin: &Origin) -> By {
    let now = app.clock.now();
    who.map_or_else(|| origin.by(now), |who| who.by(now))
}

/// The bearer token of `Authorization`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token that a browser offers as a subprotocol of a WebSocket.
fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(WS_BEARER_PREFIX))
}
