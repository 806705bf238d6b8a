//! What handlers take from a request, each refusing with a problem that says what is wrong where.
use std::convert::Infallible;
use std::error::Error;
use std::io;

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slurmdash_api::problem::FieldProblem;

use super::ApiError;
use crate::auth::{Origin, Principal};
use crate::store::walk::{Cursor, PageRequest};

/// Rows of a page unless told.
const PAGE: usize = 50;
/// Most rows of a page.
const MAX_PAGE: usize = 500;

/// A JSON body, both ways. In: unknown and duplicate fields, wrong types and trailing text are refused by field.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as application/json",
            ));
        }
        parse(&body(request, state).await?)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = body(request, state).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if !is_json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as application/json",
            ));
        }
        parse(&bytes).map(Some)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<bytes::Bytes, ApiError> {
    bytes::Bytes::from_request(request, state).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the request's body is too large")
        }
        _ => too_slow(&error).unwrap_or_else(|| ApiError::invalid("the request's body ended early")),
    })
}

/// 408 `timed_out`, when that is why a body can't be read ([`super::listen`] bounds how long one may take).
pub(super) fn too_slow(error: &(dyn Error + 'static)) -> Option<ApiError> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let is_late = |cause: &io::Error| cause.kind() == io::ErrorKind::TimedOut;
    causes.any(|cause| cause.downcast_ref().is_some_and(is_late)).then(|| {
        let words = "the request's body came too slowly; try again";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "timed_out", words)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .is_some_and(|mime| mime == "application/json" || mime.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let at = format!("line {} column {}", inner.line(), inner.column());
        let message = inner.to_string();
        let message = message.strip_suffix(&format!(" at {at}")).unwrap_or(&message).to_owned();
        if inner.is_data() && path != "." {
            ApiError::invalid_fields(vec![FieldProblem { field: path, message }])
        } else {
            ApiError::invalid(format!("the body is no JSON that is taken here: {message} ({at})"))
        }
    })?;
    json.end().map_err(|_| ApiError::invalid("there is more text after the JSON"))?;
    Ok(Json(value))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The query string; unknown names are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|error| ApiError::invalid(error.body_text()))
    }
}

/// One segment of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|error| ApiError::invalid(error.body_text()))
    }
}

/// See [`super::observe`].
impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// What the guard found out; see [`super::guard`].
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ApiError::unauthorized("sign in first"))
    }
}

/// Which page of a list that is read by cursor.
pub fn page_request(after: Option<&str>, limit: Option<usize>) -> Result<PageRequest, ApiError> {
    let wrong =
        |field: &str, message: String| ApiError::invalid_fields(vec![FieldProblem { field: field.into(), message }]);
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(wrong("limit", format!("must be 1 to {MAX_PAGE}")));
    }
    let after = after.map(str::parse::<Cursor>).transpose().map_err(|error| wrong("after", error.to_string()))?;
    Ok(PageRequest { after, limit })
}
