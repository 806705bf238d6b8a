//! Around every request: an id, one log line, problem bodies and the security headers.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::ApiError;
use crate::app::App;
use crate::auth::Origin;
use crate::limits::client::client_address;
use crate::random;
use crate::security::kinds;
use crate::store::audit::By;

/// Answers carry the id under which the log has the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What pages may do: everything from here, WebAssembly, no inline script or style.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// Marks an error answer that is a page and keeps its body.
#[derive(Clone, Copy)]
pub struct KeepBody;

/// The outermost middleware. What lies within finds the request's [`Origin`] in its extensions.
pub async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Ok(id) = random::bytes::<8>().map(|bytes| random::hex(&bytes)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let origin = origin(&app, &request, &id);
    if is_path_attack(&path) {
        app.security.note(kinds::PATH_ATTACK, &origin.by(app.clock.now()), "an address that leads out of its folder");
    }
    request.extensions_mut().insert(origin);
    let span = tracing::info_span!("request", id, %method, path);
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = with_problem_body(response, &id);
    let status = response.status();
    let milliseconds = begun.elapsed().as_millis();
    span.in_scope(|| match status.as_u16() {
        500.. => tracing::error!(status = status.as_u16(), milliseconds, "answered"),
        _ if path.starts_with("/api/") || path == "/ws" => {
            tracing::info!(status = status.as_u16(), milliseconds, "answered");
        }
        _ => tracing::debug!(status = status.as_u16(), milliseconds, "answered"),
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    // Answers of the API are about somebody and about now; assets say for themselves how long they keep.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Where a request comes from: behind a trusted proxy, from where that one says.
fn origin(app: &App, request: &Request, id: &str) -> Origin {
    let headers = request.headers();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let agent = headers.get(header::USER_AGENT).map(|agent| {
        let agent = String::from_utf8_lossy(agent.as_bytes());
        agent[..agent.floor_char_boundary(By::MAX_AGENT)].to_owned()
    });
    Origin {
        address: peer.map(|peer| client_address(peer, headers, &app.config.http.trusted_proxies)),
        agent,
        request_id: Some(id.to_owned()),
    }
}

/// Gives every error answer its body: ours from [`ApiError`], the framework's plain ones in our shape.
fn with_problem_body(response: Response, request_id: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<KeepBody>().is_some() {
        return response;
    }
    let error = match response.extensions().get::<ApiError>() {
        Some(error) => error.clone(),
        None => framework_error(status),
    };
    let (mut parts, _) = response.into_parts();
    if let Some(seconds) = error.retry_after() {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.entry(header::WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Bearer"));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let body = serde_json::to_vec(&error.problem(request_id)).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

fn framework_error(status: StatusCode) -> ApiError {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not take that method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the request's body is too large"),
        StatusCode::REQUEST_TIMEOUT => ("timed_out", "the request took too long; try again"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "the body's content type is not taken here"),
        StatusCode::UPGRADE_REQUIRED => ("upgrade_required", "this address speaks WebSocket only"),
        status if status.is_server_error() => {
            return ApiError::new(status, "internal", "something went wrong on the server");
        }
        status => return ApiError::new(status, "invalid_request", "the request can't be understood"),
    };
    ApiError::new(status, code, detail)
}

/// Whether an address tries to lead out of where it is, plainly or encoded once or twice. No page or call has such a one.
fn is_path_attack(path: &str) -> bool {
    let path =
        path.to_ascii_lowercase().replace("%25", "%").replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    path.contains("%00") || path.split(['/', '\\']).any(|segment| segment == "..")
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer wants")]
/// Answers a handler's panic like any other internal error; the panic itself is in the log.
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    ApiError::internal(words).into_response()
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_that_lead_out_are_seen_through() {
        for attack in ["/../x", "/a/..", "/%2e%2e/x", "/%252e%252e%252fx", "/a%2f..%2f", "/..%5cx", "/x%00.txt"] {
            assert!(super::is_path_attack(attack), "{attack}");
        }
        for plain in ["/", "/api/jobs/1", "/a..b", "/...", "/a%20b"] {
            assert!(!super::is_path_attack(plain), "{plain}");
        }
    }
}
