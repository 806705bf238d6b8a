//! `/api/jobs`: submit, list, look up, act. Their output is in [`super::output`].
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use slurmdash_api::Problem;
use slurmdash_api::auth::Message;
use slurmdash_api::jobs::{
    ActionKind, ActionRequest, ActionResult, ActionResults, HintsQuery, JobDetail, JobForecast, JobPage, JobPreview,
    JobQuery, JobRecordText, JobRequest, JobSubmitted, RunHints,
};

use super::ApiError;
use super::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::Principal;
use crate::jobs::{self, JobError, actions};
use crate::slurm::JobId;

/// The header of a request that may come twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        let detail = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, detail.clone());
        match error {
            JobError::Invalid(fields) => Self::invalid_fields(fields),
            JobError::NotFound(_) | JobError::NoOutput(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            JobError::Forbidden(error) => error.into(),
            JobError::NotNow { .. } => conflict("not_possible_now"),
            JobError::KeyTaken => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail),
            JobError::UnderWay => conflict("submission_under_way").with_retry_after(2),
            JobError::NotSubmitted { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_submitted", detail).with_retry_after(5)
            }
            JobError::Unclear { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "submission_unclear", detail).with_retry_after(30)
            }
            JobError::Hands(error) => error.into(),
            JobError::Upload(error) => error.into(),
            JobError::Slurm(error) => error.into(),
            JobError::Store(error) => error.into(),
            JobError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail).with_retry_after(5),
            JobError::Random(_) => Self::internal(detail),
        }
    }
}

/// Submits a job. With an `Idempotency-Key` it can be asked again after a broken connection: the same key with the same
/// body gives the first answer, and never a second job.
#[utoipa::path(
    post, path = "/api/jobs/submit", tag = "jobs", request_body = JobRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = JobSubmitted),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 409, body = Problem, description = "a request with this key is on its way"),
        (status = 422, body = Problem, description = "sbatch refused it (its own words are in `detail`), or the key was \
            used for another request"),
        (status = 503, body = Problem, description = "`not_submitted`: nothing was submitted; `submission_unclear`: it \
            is not known yet, ask again with the same key; else Slurm or the login host does not answer"),
    )
)]
pub async fn submit(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    Json(request): Json<JobRequest>,
) -> Result<(StatusCode, Json<JobSubmitted>), ApiError> {
    let key = headers.get(IDEMPOTENCY_KEY).map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    Ok((StatusCode::CREATED, Json(jobs::submit::submit(&app, &who, request, key).await?)))
}

/// Whether Slurm would take it and when it would start (`sbatch --test-only`). Nothing is submitted.
#[utoipa::path(
    post, path = "/api/jobs/test", tag = "jobs", request_body = JobRequest,
    responses((status = 200, body = JobForecast), (status = 400, body = Problem))
)]
pub async fn test(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<JobRequest>,
) -> Result<Json<JobForecast>, ApiError> {
    Ok(Json(jobs::test(&app, &who, &request).await?))
}

/// What the caller's last runs of a template, or of a job name, used.
#[utoipa::path(
    get, path = "/api/jobs/hints", tag = "jobs", params(HintsQuery),
    responses((status = 200, body = RunHints), (status = 400, body = Problem))
)]
pub async fn hints(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(query): Query<HintsQuery>,
) -> Result<Json<RunHints>, ApiError> {
    Ok(Json(jobs::hints(&app, &who, &query)?))
}

/// One action on one or many jobs, with what became of each.
#[utoipa::path(
    post, path = "/api/jobs/actions", tag = "jobs", request_body = ActionRequest,
    responses((status = 200, body = ActionResults), (status = 400, body = Problem))
)]
pub async fn act(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<ActionRequest>,
) -> Result<Json<ActionResults>, ApiError> {
    let outcomes = actions::act(&app, &who, request).await?;
    let by = who.by(app.clock.now());
    let results: Vec<ActionResult> = outcomes
        .into_iter()
        .map(|(id, outcome)| {
            let problem = outcome.err().map(ApiError::from);
            // The answer as a whole is none that the guard would write down.
            if let Some(refusal) = problem.as_ref().filter(|problem| problem.is_lack_of_permission()) {
                app.security.refused(&by, &format!("job {id}"), refusal.detail().to_owned());
            }
            let (code, detail) =
                problem.map(|problem| (problem.code().to_owned(), problem.detail().to_owned())).unzip();
            ActionResult { job: id.to_string(), ok: code.is_none(), code, detail }
        })
        .collect();
    let done = results.iter().filter(|result| result.ok).count();
    Ok(Json(ActionResults { failed: results.len() - done, done, results }))
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
    let id: JobId = id.parse()?;
    Ok(Json(jobs::detail(&app, &who, &id).await?))
}

/// Everything Slurm says of a job, as it says it.
#[utoipa::path(
    get, path = "/api/jobs/{id}/record", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobRecordText), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn record(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<JobRecordText>, ApiError> {
    let id: JobId = id.parse()?;
    Ok(Json(jobs::record_text(&app, &who, &id).await?))
}

/// Cancels, holds, releases, requeues, suspends or resumes a job, an array or one task.
#[utoipa::path(
    post, path = "/api/jobs/{id}/{action}", tag = "jobs",
    params(
        ("id" = String, Path),
        ("action" = String, Path, description = "cancel, hold, release, requeue, suspend or resume"),
    ),
    responses(
        (status = 200, body = Message),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it is already over, or not in a state for that"),
    )
)]
pub async fn act_on_one(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((id, action)): Path<(String, String)>,
) -> Result<Json<Message>, ApiError> {
    let id: JobId = id.parse()?;
    let (kind, done) = match action.as_str() {
        "cancel" => (ActionKind::Cancel, "is being cancelled"),
        "hold" => (ActionKind::Hold, "is on hold"),
        "release" => (ActionKind::Release, "is released"),
        "requeue" => (ActionKind::Requeue, "is back in the queue"),
        "suspend" => (ActionKind::Suspend, "is suspended"),
        "resume" => (ActionKind::Resume, "goes on"),
        _ => return Err(ApiError::not_found("such action")),
    };
    actions::act_on_one(&app, &who, &id, kind).await?;
    Ok(Json(Message { message: format!("Job {id} {done}") }))
}
