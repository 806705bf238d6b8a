//! Every address there is, and what lies around them all.
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{auth, cluster, docs, health, jobs, observe, output, templates, ui, uploads, ws};
use crate::app::App;

/// Largest body of a call that takes JSON, bytes: a 1 MiB script, escaped.
const MAX_BODY: usize = 4 << 20;
/// Longest time a call may take; those that wait for Slurm have their own, shorter limit.
const MAX_TIME: Duration = Duration::from_mins(1);

/// The whole program over HTTP.
pub fn router(app: Arc<App>) -> Router {
    let time_limit = |limit| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit);
    let calls = OpenApiRouter::with_openapi(docs::Description::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(cluster::summary))
        .routes(routes!(cluster::nodes))
        .routes(routes!(cluster::node))
        .routes(routes!(cluster::partitions))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::submit))
        .routes(routes!(jobs::preview))
        .routes(routes!(jobs::test))
        .routes(routes!(jobs::hints))
        .routes(routes!(jobs::act))
        .routes(routes!(jobs::detail))
        .routes(routes!(jobs::record))
        .routes(routes!(jobs::act_on_one))
        .routes(routes!(output::piece))
        .routes(routes!(output::link))
        .routes(routes!(output::download))
        .routes(routes!(templates::list))
        .routes(routes!(templates::detail))
        .routes(routes!(uploads::init))
        .routes(routes!(uploads::complete))
        .routes(routes!(uploads::list))
        .routes(routes!(uploads::detail, uploads::delete))
        .layer(time_limit(MAX_TIME))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // A chunk may be large and its sender slow: it has limits of its own.
        .merge(OpenApiRouter::new().routes(routes!(uploads::chunk)).layer(DefaultBodyLimit::max(uploads::MAX_BODY)));
    let (calls, description) = calls.split_for_parts();
    let description = Arc::new(description);
    calls
        .route("/api/openapi.json", get(async move || axum::Json(description.as_ref().clone())))
        .route("/api/docs", get(docs::redirect))
        .route("/api/docs/", get(docs::index))
        .route("/api/docs/{*path}", get(docs::asset))
        .route("/ws", get(ws::connect))
        .fallback(ui::serve)
        .with_state(app)
        .layer(ServiceBuilder::new().layer(from_fn(observe::observe)).layer(CatchPanicLayer::custom(observe::panicked)))
}
