//! Errors as answers: `application/problem+json` (RFC 9457).
use std::fmt::Display;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use slurmdash_api::Problem;
use slurmdash_api::problem::FieldProblem;

use crate::auth::{AuthError, Forbidden};
use crate::hands::HandsError;
use crate::slurm::{NotAJobId, SlurmError};
use crate::store::StoreError;

/// An error on its way out. [`super::observe`] turns it into the body, with the request's id in it.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    fields: Vec<FieldProblem>,
    missing_chunks: Vec<u32>,
    retry_after: Option<u64>,
}

impl ApiError {
    /// `code` is a stable word for programs, `detail` is for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), fields: Vec::new(), missing_chunks: Vec::new(), retry_after: None }
    }

    /// 400 `invalid_request`.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// 400 `invalid_request` with what is wrong in each field.
    pub fn invalid_fields(fields: Vec<FieldProblem>) -> Self {
        let detail = fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; ");
        Self { fields, ..Self::invalid(detail) }
    }

    /// 404 `not_found`. Also for what the caller may not know about.
    pub fn not_found(what: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}"))
    }

    /// 401 `unauthorized`.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 429 `rate_limited`.
    pub fn too_often(seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Rate limit exceeded").with_retry_after(seconds)
    }

    /// 500 `internal`: the error goes to the log, not to the caller.
    pub fn internal(error: impl Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong on the server; its log tells more under this request's id",
        )
    }

    /// With the chunks that are still to be sent.
    #[must_use]
    pub fn with_missing_chunks(mut self, missing: Vec<u32>) -> Self {
        self.missing_chunks = missing;
        self
    }

    /// With the seconds after which it is worth trying again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Whether it says that the caller may not do this, be it at all or with this object of somebody else's.
    pub fn is_lack_of_permission(&self) -> bool {
        let codes = ["forbidden", "not_with_key", "permission_denied", "slurm_not_permitted"];
        self.status == StatusCode::FORBIDDEN && codes.contains(&self.code)
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Seconds after which it is worth trying again.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The body.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            r#type: "about:blank".into(),
            title: title(self.code),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.into(),
            request_id: request_id.into(),
            error: self.detail.clone(),
            fields: self.fields.clone(),
            missing_chunks: self.missing_chunks.clone(),
            retry_after: self.retry_after,
        }
    }
}

/// `not_found` → `Not found`.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let detail = error.to_string();
        match error {
            AuthError::InvalidCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail),
            AuthError::InvalidToken | AuthError::SessionOver | AuthError::InvalidKey => Self::unauthorized(detail),
            AuthError::Throttled { seconds } => Self::too_often(seconds),
            AuthError::ReusedToken => Self::new(StatusCode::UNAUTHORIZED, "token_reused", detail),
            AuthError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).with_retry_after(1),
            AuthError::Store(error) => error.into(),
            AuthError::Random(_) | AuthError::Crypto(_) => Self::internal(detail),
        }
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let words = match &error {
            StoreError::Full { .. } => {
                tracing::error!(%error, "a change was refused");
                let words = "the server's disk is full, so nothing was changed; tell an administrator";
                return Self::new(StatusCode::INSUFFICIENT_STORAGE, "store_full", words);
            }
            StoreError::Away { .. } | StoreError::Redb(_) => "the server's store has failed; try again in a moment",
            StoreError::Closed => "the server is stopping; try again in a moment",
            _ => return Self::internal(error),
        };
        tracing::error!(%error, "the store did not answer");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", words).with_retry_after(5)
    }
}

impl From<NotAJobId> for ApiError {
    fn from(error: NotAJobId) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<HandsError> for ApiError {
    fn from(error: HandsError) -> Self {
        use std::io::ErrorKind;
        let detail = error.to_string();
        let refused = |code| Self::new(StatusCode::FORBIDDEN, code, detail.clone());
        let away = |code| {
            tracing::warn!(error = detail, "nothing can be done on the login host");
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail.clone())
        };
        match &error {
            HandsError::NoUser(_) | HandsError::NoAccount(_) => refused("no_unix_user"),
            HandsError::NotAllowed { .. } => refused("unix_user_not_allowed"),
            HandsError::LoginRefused { .. } => refused("login_refused"),
            HandsError::Unreachable { .. }
            | HandsError::NotSent(_)
            | HandsError::Lost(_)
            | HandsError::TimedOut { .. } => away("login_host_away").with_retry_after(10),
            HandsError::Protocol(_) => away("agent_failed").with_retry_after(10),
            HandsError::HostKey { .. } => away("login_host_untrusted"),
            HandsError::NoAgent { .. } => away("no_agent"),
            HandsError::Busy => away("login_host_busy").with_retry_after(1),
            HandsError::TooMuch { .. } => Self::new(StatusCode::BAD_GATEWAY, "too_much_output", detail),
            HandsError::NotStarted { .. } => away("command_missing"),
            HandsError::File { kind, .. } => match kind {
                ErrorKind::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
                ErrorKind::PermissionDenied => refused("permission_denied"),
                ErrorKind::AlreadyExists => Self::new(StatusCode::CONFLICT, "already_exists", detail),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", detail)
                }
                _ => Self::new(StatusCode::CONFLICT, "file_unusable", detail),
            },
        }
    }
}

impl From<SlurmError> for ApiError {
    fn from(error: SlurmError) -> Self {
        let detail = error.to_string();
        match error {
            SlurmError::Refused { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "slurm_refused", detail),
            SlurmError::NoSuchJob(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            SlurmError::AlreadyFinished(_) => Self::new(StatusCode::CONFLICT, "already_finished", detail),
            SlurmError::NotPermitted { .. } => Self::new(StatusCode::FORBIDDEN, "slurm_not_permitted", detail),
            SlurmError::Hands(error) => error.into(),
            SlurmError::TimedOut { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "slurm_timed_out", detail).with_retry_after(10)
            }
            SlurmError::CommandMissing { .. } | SlurmError::Unavailable { .. } | SlurmError::Unexpected { .. } => {
                tracing::warn!(error = detail, "Slurm is not available");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "slurm_unavailable", detail).with_retry_after(10)
            }
        }
    }
}
