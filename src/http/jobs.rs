//! `/api/jobs`: submit, list, look up, cancel, output.
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use slurmdash_api::Problem;
use slurmdash_api::auth::{Message, Permission};
use slurmdash_api::jobs::{
    JobDetail, JobPage, JobPreview, JobQuery, JobRequest, JobSubmitted, OutputChunk, OutputQuery,
};

use super::ApiError;
use super::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::Principal;
use crate::jobs::output::{self, Range};
use crate::jobs::{self, JobError};
use crate::slurm::JobId;

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        let detail = error.to_string();
        match error {
            JobError::Invalid(fields) => Self::invalid_fields(fields),
            JobError::NotFound(_) | JobError::NoOutput(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            JobError::Forbidden(error) => error.into(),
            JobError::Upload(error) => error.into(),
            JobError::Slurm(error) => error.into(),
            JobError::Store(error) => error.into(),
            JobError::Output { .. } => Self::new(StatusCode::CONFLICT, "output_unreadable", detail),
            JobError::Folder { .. } | JobError::Random(_) => Self::internal(detail),
        }
    }
}

/// Submits a job.
#[utoipa::path(
    post, path = "/api/jobs/submit", tag = "jobs", request_body = JobRequest,
    responses(
        (status = 201, body = JobSubmitted),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 422, body = Problem, description = "sbatch refused it; its own words are in `detail`"),
        (status = 503, body = Problem, description = "Slurm does not answer"),
    )
)]
pub async fn submit(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<JobRequest>,
) -> Result<(StatusCode, Json<JobSubmitted>), ApiError> {
    who.require(Permission::JobSubmit)?;
    Ok((StatusCode::CREATED, Json(jobs::submit(&app, &who, &request).await?)))
}

/// The exact script that submitting would hand to sbatch, without submitting it.
#[utoipa::path(
    post, path = "/api/jobs/preview", tag = "jobs", request_body = JobRequest,
    responses((status = 200, body = JobPreview), (status = 400, body = Problem))
)]
pub async fn preview(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<JobRequest>,
) -> Result<Json<JobPreview>, ApiError> {
    who.require(Permission::JobSubmit)?;
    Ok(Json(jobs::preview(&app, &who, &request).await?))
}

/// A page of jobs; `X-Total-Count` and `X-Page-Count` say how many there are.
#[utoipa::path(
    get, path = "/api/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = JobPage), (status = 400, body = Problem))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(query): Query<JobQuery>,
) -> Result<Response, ApiError> {
    who.require(Permission::JobView)?;
    let page = jobs::list(&app, &who, query).await?;
    let headers = AppendHeaders([
        (HeaderName::from_static("x-total-count"), page.total.to_string()),
        (HeaderName::from_static("x-page-count"), page.page_count.to_string()),
    ]);
    Ok((headers, Json(page)).into_response())
}

/// One job in full. `id` is `123`, or `123_4` for an array task.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobDetail), (status = 404, body = Problem))
)]
pub async fn detail(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<JobDetail>, ApiError> {
    who.require(Permission::JobView)?;
    let id: JobId = id.parse()?;
    Ok(Json(jobs::detail(&app, &who, &id).await?))
}

/// Cancels a job, an array or one task.
#[utoipa::path(
    post, path = "/api/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path)),
    responses(
        (status = 200, body = Message),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it is already over"),
    )
)]
pub async fn cancel(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    who.require(Permission::JobSubmit)?;
    let id: JobId = id.parse()?;
    jobs::cancel(&app, &who, &id).await?;
    Ok(Json(Message { message: format!("Job {id} is being cancelled") }))
}

/// A piece of a job's output: its end, or a range.
#[utoipa::path(
    get, path = "/api/jobs/{id}/output", tag = "jobs", params(("id" = String, Path), OutputQuery),
    responses((status = 200, body = OutputChunk), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn output(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Query(query): Query<OutputQuery>,
) -> Result<Json<OutputChunk>, ApiError> {
    who.require(Permission::JobView)?;
    let id: JobId = id.parse()?;
    let range = Range::of(&query)?;
    let path = jobs::output_of(&app, &who, &id, query.stream).await?;
    Ok(Json(output::read(&path, query.stream, range).await?))
}
