//! The plain port that does nothing but send people to the HTTPS one.
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::LocalAddress;
use crate::tls::Tls;

/// Where people are sent.
#[derive(Clone)]
pub enum Target {
    /// Always there: an address such as `https://hpc.example.org`, without a path.
    Public(String),
    /// To the host that they asked for, on the port of this address; but only if it is ours: the certificate is good
    /// for it, or the request came to that very address. Anybody can write anything into a request.
    Asked {
        /// Whose certificate it is.
        tls: Arc<Tls>,
        /// Where TLS is spoken.
        address: SocketAddr,
    },
}

/// Answers everything with 308 to the same path over HTTPS, and serves nothing.
pub fn router(target: Target) -> Router {
    Router::new().fallback(async move |request: Request| answer(&target, &request))
}

fn answer(target: &Target, request: &Request) -> Response {
    // `*` is the path of a request about the server as a whole.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let base = match target {
        Target::Public(url) => Some(url.trim_end_matches('/').to_owned()),
        Target::Asked { tls, address } => asked(request).and_then(|host| {
            let local = request.extensions().get::<LocalAddress>().map(|local| local.0.ip().to_canonical());
            let is_ours = tls.is_for(&host) || host.parse::<IpAddr>().is_ok_and(|ip| Some(ip.to_canonical()) == local);
            is_ours.then(|| base(&host, address.port()))
        }),
    };
    let location = base.and_then(|base| HeaderValue::try_from(base + path).ok());
    let Some(location) = location else {
        let words = "There is only HTTPS here, and this host's name for it is not known: use its https:// address.\n";
        return (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], words).into_response();
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::PERMANENT_REDIRECT, headers).into_response()
}

/// The host that was asked for, without its port and brackets; nothing when there are several or it is no host.
fn asked(request: &Request) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

fn base(host: &str, port: u16) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") }
}
