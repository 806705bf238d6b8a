//! `/ws`: lets viewers in; what follows is [`crate::live::connection`].
//!
//! Programs send `Authorization: Bearer`. Browsers can't, so they offer the token as a subprotocol beside ours:
//! `Sec-WebSocket-Protocol: slurmdash.v1, bearer.<token>`; the token is never in an address and never sent back.
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use slurmdash_api::auth::{WS_BEARER_PREFIX, WS_PROTOCOL};

use super::ApiError;
use super::observe::bearer;
use crate::app::App;
use crate::live::connection;

/// Takes a WebSocket from somebody who is signed in, from our own pages or from no page at all.
pub async fn connect(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    if !is_our_page(&app, &parts.headers) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", "WebSockets from other sites are refused"));
    }
    let token = bearer(&parts.headers).or_else(|| protocol_token(&parts.headers));
    let token = token.ok_or_else(|| ApiError::unauthorized("sign in first"))?;
    let who = app.auth.authenticate(token)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &app).await.map_err(|_| {
        ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "this address speaks WebSocket")
    })?;
    let Some(place) = app.live.admit() else {
        let busy =
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", "too many viewers; try later");
        return Err(busy.with_retry_after(10));
    };
    let upgrade = upgrade.protocols([WS_PROTOCOL]).max_message_size(connection::MAX_MESSAGE);
    Ok(upgrade.on_upgrade(async move |socket| {
        connection::serve(socket, app, who).await;
        drop(place);
    }))
}

fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(WS_BEARER_PREFIX))
}

/// A browser names the page's origin; it must be ours. Programs name none.
fn is_our_page(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    is_host || app.config.http.public_url.as_deref().is_some_and(|url| url.trim_end_matches('/') == origin)
}
