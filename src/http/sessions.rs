//! `/api/v2/sessions`: where one is signed in, and ending that.
use std::sync::Arc;

use axum::extract::State;
use slurmdash_api::Problem;
use slurmdash_api::auth::{Message, SessionList, SessionsEnded};

use super::ApiError;
use super::extract::{Json, Path};
use crate::app::App;
use crate::auth::Principal;

/// Own sessions, newest first.
#[utoipa::path(get, path = "/api/v2/sessions", tag = "sessions", responses((status = 200, body = SessionList)))]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<SessionList>, ApiError> {
    Ok(Json(SessionList { sessions: app.auth.sessions_of(&who.user_id, who.session_id())? }))
}

/// Ends an own session.
#[utoipa::path(
    delete, path = "/api/v2/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem))
)]
pub async fn end(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    if app.auth.end_session(&who, &who.user_id, &id).await? {
        Ok(Json(Message { message: "Session ended".into() }))
    } else {
        Err(ApiError::not_found("such session"))
    }
}

/// Ends all own sessions but the one that asks.
#[utoipa::path(delete, path = "/api/v2/sessions", tag = "sessions", responses((status = 200, body = SessionsEnded)))]
pub async fn end_others(State(app): State<Arc<App>>, who: Principal) -> Result<Json<SessionsEnded>, ApiError> {
    let ended = app.auth.end_sessions(&who, &who.user_id, who.session_id()).await?;
    Ok(Json(SessionsEnded { message: "All other sessions ended".into(), ended }))
}
