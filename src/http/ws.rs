//! `/ws`: lets viewers in; what follows is [`crate::live::connection`].
//!
//! Programs send `Authorization: Bearer`. Browsers can't, so they offer the token as a subprotocol beside ours:
//! `Sec-WebSocket-Protocol: slurmdash.v1, bearer.<token>`; the token is never in an address and never sent back.
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use slurmdash_api::auth::WS_PROTOCOL;

use super::{ApiError, own_site};
use crate::app::App;
use crate::auth::Principal;
use crate::live::connection;
use crate::security::kinds;

/// Takes a WebSocket from somebody who is signed in, from a page of ours, of a site that is allowed, or of none.
pub async fn connect(State(app): State<Arc<App>>, who: Principal, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    if !own_site::is_allowed_page(&app, &parts.headers) {
        app.security.note(kinds::ORIGIN_REFUSED, &who.by(app.clock.now()), "a WebSocket from a page of another site");
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", "WebSockets from other sites are refused"));
    }
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
