//! Whether a page that a browser speaks for is one of ours.
use axum::http::{HeaderMap, header};

use crate::app::App;

/// A browser names the page's origin (RFC 6454); programs name none.
pub fn is_our_page(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    is_host || app.config.http.public_url.as_deref().is_some_and(|url| url.trim_end_matches('/') == origin)
}

/// The same, or a page of a site that the administrator allows.
pub fn is_allowed_page(app: &App, headers: &HeaderMap) -> bool {
    let allowed = &app.config.http.allowed_origins;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    is_our_page(app, headers) || origin.is_some_and(|origin| allowed.iter().any(|one| one == "*" || one == origin))
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(known, value)| *known == name && !value.is_empty())
        .map(|(_, value)| value)
}
