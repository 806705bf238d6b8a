//! What pages of other web sites may do here in people's browsers: nothing, unless an administrator names the site.
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::Http;

/// A browser asks again after so long.
const REMEMBERED: Duration = Duration::from_mins(10);

/// The rules, when any site is named (Fetch standard, 3.2).
///
/// The header that makes the refresh cookie count is never among those that another site may send.
pub fn layer(http: &Http) -> Option<CorsLayer> {
    if http.allowed_origins.is_empty() {
        return None;
    }
    let origins = if http.allowed_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(http.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([
            header::RETRY_AFTER,
            header::CONTENT_DISPOSITION,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-total-count"),
            HeaderName::from_static("x-page-count"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(REMEMBERED);
    Some(layer.allow_credentials(http.allow_credentials))
}
