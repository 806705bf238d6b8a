//! `/api/v2/templates`: job templates.
use std::sync::Arc;

use axum::extract::State;
use slurmdash_api::Problem;
use slurmdash_api::auth::Permission;
use slurmdash_api::templates::{Template, TemplateList, TemplateQuery};

use super::ApiError;
use super::extract::{Json, Path, Query};
use crate::app::App;
use crate::auth::Principal;

/// Private templates, and files that can't be read, are for those who look after everybody's jobs.
fn sees_private(who: &Principal) -> bool {
    who.may(Permission::JobManage)
}

/// The templates, by category and name.
#[utoipa::path(
    get, path = "/api/v2/templates", tag = "templates", params(TemplateQuery),
    responses((status = 200, body = TemplateList), (status = 400, body = Problem))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(query): Query<TemplateQuery>,
) -> Result<Json<TemplateList>, ApiError> {
    Ok(Json(app.templates.list(&query, sees_private(&who))))
}

/// One template.
#[utoipa::path(
    get, path = "/api/v2/templates/{id}", tag = "templates", params(("id" = String, Path)),
    responses((status = 200, body = Template), (status = 404, body = Problem))
)]
pub async fn detail(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Template>, ApiError> {
    let template = app.templates.get(&id, sees_private(&who));
    template.map(|template| Json(Template::clone(&template))).ok_or_else(|| ApiError::not_found("such template"))
}
