//! The API's description: OpenAPI from the code at `/api/openapi.json`, Swagger UI at `/api/docs/`.
use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_swagger_ui::Config;

use super::ApiError;
use super::observe::CONTENT_SECURITY_POLICY;

/// What the description says besides the calls themselves, which [`super::router`] collects.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "slurmdash",
        description = "Submit and watch Slurm jobs, upload their files, see the cluster. Sign in with \
            `POST /api/auth/login` and send the access token as `Authorization: Bearer`; programs make themselves an API \
            key and send it as `X-API-Key`. Who asks too often gets 429 with `Retry-After`. Errors are \
            `application/problem+json` (RFC 9457) with a stable `code`. Live changes travel over the WebSocket `/ws`."
    ),
    modifiers(&Schemes),
    security(("bearer" = []), ("api_key" = [])),
    tags(
        (name = "auth", description = "Sign in and out"),
        (name = "sessions", description = "Where one is signed in"),
        (name = "api-keys", description = "How other programs sign in"),
        (name = "users", description = "Looking after accounts"),
        (name = "audit", description = "What was done, and what somebody should look at"),
        (name = "cluster", description = "Nodes and partitions"),
        (name = "jobs", description = "Submit, watch and cancel jobs"),
        (name = "templates", description = "Job templates"),
        (name = "uploads", description = "Chunked, resumable uploads"),
        (name = "health", description = "For whoever watches the process")
    )
)]
pub struct Description;

struct Schemes;

impl utoipa::Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        components.add_security_scheme("api_key", key);
    }
}

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/api/openapi.json")));

/// The policy of every page, but for the style attributes that Swagger UI's pictures carry.
static POLICY: LazyLock<String> =
    LazyLock::new(|| CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"));

/// `/api/docs` → `/api/docs/`: Swagger UI's own links are relative.
pub async fn redirect() -> Redirect {
    Redirect::permanent("/api/docs/")
}

/// Swagger UI's page.
pub async fn index() -> Response {
    file("index.html")
}

/// Swagger UI's other files.
pub async fn asset(Path(path): Path<String>) -> Response {
    file(&path)
}

fn file(path: &str) -> Response {
    match utoipa_swagger_ui::serve(path, CONFIG.clone()) {
        Ok(Some(file)) => {
            let headers = [
                (header::CONTENT_TYPE, file.content_type),
                (header::CACHE_CONTROL, "max-age=3600".to_owned()),
                (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
            ];
            (headers, file.bytes.into_owned()).into_response()
        }
        Ok(None) => ApiError::not_found("such file").into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}
