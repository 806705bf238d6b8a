//! Every address there is, and what lies around them all.
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    api_keys, audit, auth, cluster, cors, docs, external, guard, health, jobs, observe, oidc, output, sessions,
    templates, ui, uploads, users, ws,
};
use crate::app::App;

/// Largest body of a call that takes JSON, bytes: a 1 MiB script, escaped.
const MAX_BODY: usize = 4 << 20;
/// Longest time a call may take; those that wait for Slurm have their own, shorter limit.
const MAX_TIME: Duration = Duration::from_mins(1);

/// The whole program over HTTP.
pub fn router(app: Arc<App>) -> Router {
    let (calls, description) = calls().split_for_parts();
    let description = Arc::new(description);
    let cross_origin = cors::layer(&app.config.http);
    calls
        .route("/api/openapi.json", get(async move || axum::Json(description.as_ref().clone())))
        .route("/api/docs", get(docs::redirect))
        .route("/api/docs/", get(docs::index))
        .route("/api/docs/{*path}", get(docs::asset))
        .route("/ws", get(ws::connect))
        .route_layer(from_fn_with_state(app.clone(), guard::guard))
        .fallback(ui::serve)
        .with_state(app.clone())
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(app, observe::observe))
                .layer(CatchPanicLayer::custom(observe::panicked))
                .option_layer(cross_origin),
        )
}

/// The API's description, as it is served.
pub fn description() -> utoipa::openapi::OpenApi {
    calls().split_for_parts().1
}

/// Every call that is described.
fn calls() -> OpenApiRouter<Arc<App>> {
    let time_limit = |limit| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit);
    OpenApiRouter::with_openapi(docs::Description::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .merge(accounts())
        .merge(work())
        .layer(time_limit(MAX_TIME))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // Files may be large and their senders slow: they have limits of their own.
        .merge(OpenApiRouter::new().routes(routes!(uploads::chunk)).layer(DefaultBodyLimit::max(uploads::MAX_BODY)))
        .merge(OpenApiRouter::new().routes(routes!(external::upload)).layer(DefaultBodyLimit::disable()))
        // A year of rows takes its time to send.
        .merge(OpenApiRouter::new().routes(routes!(audit::export)))
}

/// Who people are and what they did.
fn accounts() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(auth::methods))
        .routes(routes!(auth::login))
        .routes(routes!(auth::login_continue))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(auth::change_password))
        .routes(routes!(oidc::start))
        .routes(routes!(oidc::callback))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::detail, users::change, users::delete))
        .routes(routes!(users::reset_password))
        .routes(routes!(users::unlock))
        .routes(routes!(users::sessions, users::end_sessions))
        .routes(routes!(users::end_session))
        .routes(routes!(users::api_keys))
        .routes(routes!(users::revoke_api_key))
        .routes(routes!(users::roles))
        .routes(routes!(audit::list))
        .routes(routes!(audit::events))
        .routes(routes!(audit::resolve))
}

/// The cluster, jobs and files.
fn work() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
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
}
