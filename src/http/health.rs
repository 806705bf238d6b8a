//! `/health` and `/ready`, for whoever watches the process.
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::extract::Json;
use crate::app::App;

/// Alive: the process answers.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses((status = 200)))]
pub async fn health() -> Json<serde_json::Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// Ready: the store answers. Slurm may be away; then the last known state is served, and this says so.
#[utoipa::path(get, path = "/ready", tag = "health", security(()), responses((status = 200), (status = 503)))]
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let store = app.store.user_count();
    if let Err(error) = &store {
        tracing::error!(%error, "the store does not answer");
    }
    let freshness = app.live.last_known().freshness.clone();
    let slurm = if freshness.stale { "stale" } else { "ok" };
    let body = json!({"ready": store.is_ok(), "store": if store.is_ok() { "ok" } else { "failed" }, "slurm": slurm});
    let status = if store.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}
