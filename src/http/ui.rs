//! The embedded UI: pages and assets, straight from the binary.
//!
//! Assets have their content's hash in their name and keep for a year; pages are asked for again each time and
//! answered with 304 while they are the same. Both lie ready in brotli and gzip; an asset that shrinks is kept in no other
//! form, and unpacked for who takes neither.
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::read::GzDecoder;
use include_dir::{Dir, include_dir};

use super::ApiError;
use crate::random::hex;

static DIST: Dir<'static> = include_dir!("$EMBEDDED_UI_DIR");

/// The page's file.
const INDEX: &str = "index.html";
/// Addresses of pages, and those below that have pages of their own. Nothing else falls back to the UI.
const PAGES: [&str; 13] = [
    "/",
    "/login",
    "/dashboard",
    "/jobs",
    "/nodes",
    "/templates",
    "/profile",
    "/admin",
    "/admin/users",
    "/admin/roles",
    "/admin/audit",
    "/admin/events",
    "/gallery",
];
const PAGES_BELOW: [&str; 3] = ["/jobs/", "/templates/", "/admin/users/"];
/// Served when the binary was built without the UI.
const NO_UI: &str = "<!doctype html><html lang=\"en\"><title>slurmdash</title><h1>No UI in this build</h1>\
    <p>Run <code>cargo xtask ui</code> and build again. The API is here all the same: <a href=\"/api/docs/\">/api/docs</a>.";

/// Whether the real UI is inside.
pub fn is_embedded() -> bool {
    DIST.get_file(INDEX).is_some()
}

struct Asset {
    plain: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
    mime: &'static str,
    etag: HeaderValue,
    is_immutable: bool,
}

static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    let mut files = HashMap::new();
    collect(&DIST, &mut files);
    let paths: BTreeSet<&str> = files.keys().map(|path| uncompressed(path)).collect();
    paths
        .into_iter()
        .map(|path| {
            let is_immutable = path.starts_with("assets/");
            let plain = files.get(path).copied();
            // An asset's name says what is in it; only a page's content must be looked at.
            let tag = if is_immutable { path.replace('/', "-") } else { digest(plain.unwrap_or_default()) };
            let asset = Asset {
                plain,
                brotli: files.get(&format!("{path}.br")).copied(),
                gzip: files.get(&format!("{path}.gz")).copied(),
                mime: mime(path),
                etag: HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\"")),
                is_immutable,
            };
            (path.to_owned(), asset)
        })
        .collect()
});

fn collect(dir: &'static Dir<'static>, files: &mut HashMap<String, &'static [u8]>) {
    for file in dir.files() {
        files.insert(file.path().to_string_lossy().into_owned(), file.contents());
    }
    for dir in dir.dirs() {
        collect(dir, files);
    }
}

/// The asset that a file holds.
fn uncompressed(path: &str) -> &str {
    [".br", ".gz"].iter().find_map(|suffix| path.strip_suffix(suffix)).unwrap_or(path)
}

/// The asset as it is, for who takes no coding.
fn unpacked(asset: &Asset) -> Cow<'static, [u8]> {
    if let Some(plain) = asset.plain {
        return Cow::Borrowed(plain);
    }
    let mut bytes = Vec::new();
    // What was packed when the program was built can be unpacked.
    let _ = GzDecoder::new(asset.gzip.unwrap_or_default()).read_to_end(&mut bytes);
    Cow::Owned(bytes)
}

fn digest(bytes: &[u8]) -> String {
    hex(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref()[..16])
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Answers whatever no API call is named for: an asset, a page, or 404.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let headers = request.headers();
    if let Some(asset) = ASSETS.get(path.trim_start_matches('/')).filter(|_| path != "/index.html") {
        return answer(asset, headers, StatusCode::OK);
    }
    if is_page(path) {
        return page(headers, StatusCode::OK);
    }
    // A person who mistyped sees the UI's own page for that; a program gets a problem.
    let is_person = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_api = ["/api/", "/ws", "/assets/"].iter().any(|prefix| path.starts_with(prefix));
    if !is_api && is_person.is_some_and(|accept| accept.contains("text/html")) {
        let mut response = page(headers, StatusCode::NOT_FOUND);
        response.extensions_mut().insert(super::observe::KeepBody);
        return response;
    }
    ApiError::not_found("such address").into_response()
}

/// A text as a value of a query: all but unreserved characters as their bytes (RFC 3986, 2.1).
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

fn is_page(path: &str) -> bool {
    PAGES.contains(&path)
        || PAGES_BELOW.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| !rest.contains(['/', '.'])))
}

fn page(headers: &HeaderMap, status: StatusCode) -> Response {
    match ASSETS.get(INDEX) {
        Some(index) => answer(index, headers, status),
        None => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], NO_UI).into_response(),
    }
}

fn answer(asset: &Asset, headers: &HeaderMap, status: StatusCode) -> Response {
    let keeps = if asset.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let own = asset.etag.to_str().unwrap_or_default();
    let is_known = known.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
    });
    let (encoding, bytes) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if accepts(headers, "br") => (Some("br"), Cow::Borrowed(bytes)),
        (_, Some(bytes)) if accepts(headers, "gzip") => (Some("gzip"), Cow::Borrowed(bytes)),
        _ => (None, unpacked(asset)),
    };
    let mut response = if is_known && status == StatusCode::OK {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = (status, Body::from(bytes)).into_response();
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, asset.etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeps));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Whether `Accept-Encoding` names this coding and does not weigh it with zero (RFC 9110, 12.5.3).
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|offer| {
            let (name, weight) = offer.trim().split_once(';').unwrap_or((offer.trim(), ""));
            let weight = weight.trim().strip_prefix("q=").map(str::trim);
            name.trim().eq_ignore_ascii_case(coding) && !weight.is_some_and(|q| q.parse() == Ok(0.0))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_fall_back_to_the_ui() {
        for page in ["/", "/login", "/jobs", "/jobs/12", "/jobs/new", "/jobs/12_3", "/templates/a-b", "/admin/users/u1"]
        {
            assert!(is_page(page), "{page}");
        }
        for other in ["/api", "/api/jobs", "/jobs/1/output", "/jobs/x.js", "/assets/a.js", "/etc/passwd", "/ws", ""] {
            assert!(!is_page(other), "{other}");
        }
    }

    #[test]
    fn codings_weighed_with_zero_are_not_taken() {
        let with =
            |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        assert!(accepts(&with("gzip, deflate, br"), "br"));
        assert!(accepts(&with("GZIP;q=0.5"), "gzip"));
        assert!(!accepts(&with("br;q=0, gzip"), "br"));
        assert!(!accepts(&with("brotli"), "br"));
        assert!(!accepts(&HeaderMap::new(), "br"));
    }
}
