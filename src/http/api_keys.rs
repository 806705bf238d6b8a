//! `/api/v2/api-keys`: how other programs sign in.
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use slurmdash_api::Problem;
use slurmdash_api::api_keys::{ApiKeyList, ApiKeyMade, NewApiKey};
use slurmdash_api::auth::Message;

use super::ApiError;
use super::extract::{Json, Path};
use crate::app::App;
use crate::auth::Principal;
use crate::auth::keys::KeyError;

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let detail = error.to_string();
        match error {
            KeyError::Invalid(fields) => Self::invalid_fields(fields),
            KeyError::Forbidden(error) => error.into(),
            KeyError::TooMany => Self::new(StatusCode::CONFLICT, "too_many_keys", detail),
            KeyError::Auth(error) => error.into(),
        }
    }
}

/// Makes a key. It is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/api/v2/api-keys", tag = "api-keys", request_body = NewApiKey,
    responses(
        (status = 201, body = ApiKeyMade),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 403, body = Problem, description = "it would do what its owner may not"),
        (status = 409, body = Problem, description = "there are too many good keys"),
    )
)]
pub async fn create(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<NewApiKey>,
) -> Result<(StatusCode, Json<ApiKeyMade>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.auth.create_api_key(&who, request).await?)))
}

/// Own keys, newest first, those that are no longer good among them.
#[utoipa::path(get, path = "/api/v2/api-keys", tag = "api-keys", responses((status = 200, body = ApiKeyList)))]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<ApiKeyList>, ApiError> {
    Ok(Json(ApiKeyList { api_keys: app.auth.api_keys_of(&who.user_id)? }))
}

/// Revokes an own key, at once and for good.
#[utoipa::path(
    delete, path = "/api/v2/api-keys/{id}", tag = "api-keys", params(("id" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem))
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    if app.auth.revoke_api_key(&who, &who.user_id, &id).await? {
        Ok(Json(Message { message: "API key revoked".into() }))
    } else {
        Err(ApiError::not_found("such API key"))
    }
}
