//! `/api/jobs/{id}/output`: a piece of what a job wrote, or all of it.
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use slurmdash_api::Problem;
use slurmdash_api::jobs::{DownloadLink, DownloadQuery, OutputChunk, OutputQuery, OutputStream};

use super::extract::{Json, Path, Query};
use super::{ApiError, own_site};
use crate::app::App;
use crate::auth::{Origin, Principal};
use crate::hands::{HandsError, OpenFile};
use crate::jobs::downloads::GOOD_FOR;
use crate::jobs::output::{self, Range};
use crate::jobs::{self};
use crate::slurm::JobId;
use crate::store::audit::AuditEntry;

/// The cookie that a ticket travels in.
const COOKIE: &str = "slurmdash_download";
/// Bytes that are read at once on their way out.
const BLOCK: usize = 1 << 20;
/// Blocks that are read ahead.
const AHEAD: usize = 2;

/// A piece of a job's output: its end, or a range.
#[utoipa::path(
    get, path = "/api/jobs/{id}/output", tag = "jobs", params(("id" = String, Path), OutputQuery),
    responses((status = 200, body = OutputChunk), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn piece(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Query(query): Query<OutputQuery>,
) -> Result<Json<OutputChunk>, ApiError> {
    let id: JobId = id.parse()?;
    let range = Range::of(&query)?;
    let (hands, path) = jobs::output_of(&app, &who, &id, query.stream).await?;
    Ok(Json(output::read(hands.as_ref(), &path, query.stream, range).await?))
}

/// A link that a browser can follow once within a minute: the ticket for it comes as a cookie.
#[utoipa::path(
    post, path = "/api/jobs/{id}/output/link", tag = "jobs", params(("id" = String, Path), DownloadQuery),
    responses((status = 200, body = DownloadLink), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn link(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response, ApiError> {
    let id: JobId = id.parse()?;
    // Refused now rather than on a page that can't say why.
    jobs::output_of(&app, &who, &id, query.stream).await?;
    let ticket = app.downloads.give(&who, &id, query.stream, app.clock.now()).map_err(ApiError::internal)?;
    let path = format!("/api/jobs/{id}/output/download");
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let ticket = ticket.expose();
    let cookie = format!("{COOKIE}={ticket}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={GOOD_FOR}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(ApiError::internal)?;
    let stream = if query.stream == OutputStream::Stderr { "stderr" } else { "stdout" };
    let link = DownloadLink { url: format!("{path}?stream={stream}"), expires_in: GOOD_FOR };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(link)).into_response())
}

/// The whole output as a file: with a token, or with the ticket of a link. `Range: bytes=N-` goes on where it broke off.
#[utoipa::path(
    get, path = "/api/jobs/{id}/output/download", tag = "jobs", params(("id" = String, Path), DownloadQuery),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206, content_type = "application/octet-stream"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub async fn download(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let Path(id) = Path::<String>::from_request_parts(&mut parts, &app).await?;
    let Query(query) = Query::<DownloadQuery>::from_request_parts(&mut parts, &app).await?;
    let id: JobId = id.parse()?;
    let Ok(origin) = Origin::from_request_parts(&mut parts, &app).await;
    let who = match (parts.extensions.remove::<Principal>(), own_site::cookie(&parts.headers, COOKIE)) {
        (Some(who), _) => who,
        (None, Some(ticket)) => {
            let who = app.downloads.take(ticket, &id, query.stream, app.clock.now());
            let who = who.filter(|who| app.auth.still_holds(who));
            let who =
                who.ok_or_else(|| ApiError::unauthorized("this link was used or is too old; ask for it again"))?;
            Principal { origin, ..who }
        }
        (None, None) => return Err(ApiError::unauthorized("sign in first")),
    };
    let (hands, path) = jobs::output_of(&app, &who, &id, query.stream).await?;
    let file = output::open(hands.as_ref(), &path).await?;
    let file =
        file.ok_or_else(|| ApiError::not_found(format!("file {}: the job has not written yet", path.display())))?;
    let size = file.stat().await.map_err(|error| HandsError::file(&path, &error))?.size;
    let kind = if query.stream == OutputStream::Stderr { "err" } else { "out" };
    app.store.audit(AuditEntry::done(who.by(app.clock.now()), "output.download", format!("{id} {kind}"))).await?;
    sent(file, size, &parts.headers, &format!("slurm-{id}.{kind}"))
}

/// What is there now, as an attachment; what the job adds meanwhile is not waited for.
fn sent(file: OpenFile, size: u64, headers: &HeaderMap, name: &str) -> Result<Response, ApiError> {
    let (status, begin) = match headers.get(header::RANGE).map(|range| begin_of(range, size)) {
        None => (StatusCode::OK, 0),
        Some(Some(begin)) => (StatusCode::PARTIAL_CONTENT, begin),
        Some(None) => {
            let detail = format!("the file has {size} bytes; ranges are taken as bytes=N-");
            return Err(ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail));
        }
    };
    let mut response = Body::from_stream(blocks(file, begin, size)).into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let value = |text: String| HeaderValue::from_str(&text).map_err(ApiError::internal);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, (size - begin).into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_DISPOSITION, value(format!("attachment; filename=\"{name}\""))?);
    if status == StatusCode::PARTIAL_CONTENT {
        let last = size.saturating_sub(1);
        headers.insert(header::CONTENT_RANGE, value(format!("bytes {begin}-{last}/{size}"))?);
    }
    Ok(response)
}

/// `bytes=N-` within the file. RFC 9110, 14.1.2; other forms nobody needs to go on with a download.
fn begin_of(range: &HeaderValue, size: u64) -> Option<u64> {
    let begin = range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?;
    begin.parse::<u64>().ok().filter(|begin| *begin < size)
}

/// The bytes from `begin` to `end`, a few blocks ahead of who takes them.
fn blocks(file: OpenFile, begin: u64, end: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let step = BLOCK as u64;
    let offsets = stream::iter((begin..end).step_by(BLOCK));
    let read = move |offset: u64| {
        let file = file.clone();
        async move {
            let length = usize::try_from(step.min(end - offset)).unwrap_or(BLOCK);
            let bytes = file.read_at(offset, length).await?;
            // It was cut off while it was sent: the receiver must not take it for whole.
            if bytes.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Bytes::from(bytes)) }
        }
    };
    offsets.map(read).buffered(AHEAD)
}
