//! `/api/v2/audit` and `/api/v2/security-events`: what was done, and what somebody should look at.
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use slurmdash_api::Problem;
use slurmdash_api::audit::{
    AuditPage, AuditQuery, AuditResult, EventPage, EventQuery, ExportFormat, ResolveEvent, SecurityEvent,
};
use slurmdash_api::auth::Message;
use slurmdash_api::problem::FieldProblem;
use tokio::task::spawn_blocking;

use super::ApiError;
use super::extract::{Json, Path, Query, page_request};
use crate::app::App;
use crate::audit::{self, export};
use crate::auth::Principal;
use crate::store::StoreError;
use crate::store::audit::AuditEntry;
use crate::store::events::{EventFilter, EventId, SecurityEventRecord};

/// Longest note on an event, characters.
const MAX_NOTE: usize = 2000;

/// What was done, newest first; with filters.
#[utoipa::path(
    get, path = "/api/v2/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = 400, body = Problem))
)]
pub async fn list(State(app): State<Arc<App>>, Query(query): Query<AuditQuery>) -> Result<Json<AuditPage>, ApiError> {
    let page = page_request(query.after.as_deref(), query.limit)?;
    let filter = audit::filter(&app.store, &query)?;
    let found = app.store.audit_page(&filter, &page)?;
    let next = found.next.map(|next| next.to_string());
    Ok(Json(AuditPage { rows: found.items.iter().map(audit::row).collect(), next }))
}

/// What is exported: the filters of the list, without pages. They are named here again because serde can't refuse unknown
/// names of what is flattened.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// `csv` or `jsonl`.
    #[serde(default)]
    format: ExportFormat,
    /// Account name or id.
    user: Option<String>,
    /// What was done, as `noun.verb`, or `noun.` for everything with a noun.
    action: Option<String>,
    /// Address of the caller.
    address: Option<String>,
    /// `done` or `refused`.
    result: Option<AuditResult>,
    /// From this second on.
    from: Option<i64>,
    /// Before this second.
    to: Option<i64>,
}

impl ExportQuery {
    fn parts(self) -> (AuditQuery, ExportFormat) {
        let Self { format, user, action, address, result, from, to } = self;
        (AuditQuery { user, action, address, result, from, to, ..AuditQuery::default() }, format)
    }
}

/// All rows that the filters leave, as a file.
#[utoipa::path(
    get, path = "/api/v2/audit/export", tag = "audit", params(ExportQuery),
    responses((status = 200, content_type = "text/csv"), (status = 400, body = Problem))
)]
pub async fn export(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let (query, format) = query.parts();
    let filter = audit::filter(&app.store, &query)?;
    let now = app.clock.now();
    app.store.audit(AuditEntry::done(who.by(now), "audit.export", audit::said(&query))).await?;
    let body = stream::try_unfold(export::pieces(&app.store, filter, format), async |mut pieces| {
        // A piece is a read of the store, which may have to wait for the disk.
        let read = spawn_blocking(move || pieces.next().map(|piece| (piece, pieces))).await;
        let Some((piece, pieces)) = read.map_err(|_| StoreError::Panicked)? else { return Ok(None) };
        piece.map(|piece| Some((Bytes::from(piece), pieces)))
    });
    let extension = match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Jsonl => "jsonl",
    };
    let headers = AppendHeaders([
        (header::CONTENT_TYPE, HeaderValue::from_static(export::media_type(format))),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&format!("attachment; filename=\"audit-{now}.{extension}\""))
                .map_err(ApiError::internal)?,
        ),
    ]);
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Security events, newest first; with filters, and how many are open.
#[utoipa::path(
    get, path = "/api/v2/security-events", tag = "audit", params(EventQuery),
    responses((status = 200, body = EventPage), (status = 400, body = Problem))
)]
pub async fn events(State(app): State<Arc<App>>, Query(query): Query<EventQuery>) -> Result<Json<EventPage>, ApiError> {
    let page = page_request(query.after.as_deref(), query.limit)?;
    let filter = EventFilter {
        severity: query.severity,
        resolved: query.resolved,
        kind: query.kind,
        user: query.user.as_deref().map(|user| app.store.whose(user)).transpose()?,
        address: query.address,
        from: query.from,
        to: query.to,
    };
    let found = app.store.event_page(&filter, &page)?;
    let next = found.next.map(|next| next.to_string());
    Ok(Json(EventPage { events: found.items.into_iter().map(shown).collect(), next, open: app.store.open_events()? }))
}

/// Marks an event as dealt with.
#[utoipa::path(
    post, path = "/api/v2/security-events/{id}/resolve", tag = "audit", params(("id" = String, Path)),
    request_body = ResolveEvent,
    responses(
        (status = 200, body = Message), (status = 400, body = Problem),
        (status = 404, body = Problem, description = "there is none, or somebody dealt with it before"),
    )
)]
pub async fn resolve(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Json(request): Json<ResolveEvent>,
) -> Result<Json<Message>, ApiError> {
    if request.note.chars().count() > MAX_NOTE {
        let message = format!("must have at most {MAX_NOTE} characters");
        return Err(ApiError::invalid_fields(vec![FieldProblem { field: "note".into(), message }]));
    }
    let event: EventId = id.parse().map_err(|_| ApiError::not_found("such event"))?;
    let audit = AuditEntry::done(who.by(app.clock.now()), "event.resolve", id);
    if app.store.resolve_event(event, request.note, audit).await? {
        Ok(Json(Message { message: "Event resolved".into() }))
    } else {
        Err(ApiError::not_found("such open event"))
    }
}

fn shown(event: SecurityEventRecord) -> SecurityEvent {
    let (id, last_at) = (event.id().to_string(), event.last_seen());
    let SecurityEventRecord { at, count, kind, severity, description, user_id, username, address, .. } = event;
    let (resolved_at, resolved_by, note) = (event.resolved_at, event.resolved_by, event.note);
    SecurityEvent {
        id,
        at,
        last_at,
        count,
        kind,
        severity,
        description,
        user_id,
        username,
        address,
        resolved_at,
        resolved_by,
        note,
    }
}
