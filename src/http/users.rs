//! `/api/v2/users` and `/api/v2/roles`: looking after accounts.
//!
//! Nobody reaches beyond themselves here: an account that may more than the one who asks can't be changed by them, and
//! no role be given that allows more. One's own account is looked after elsewhere, so that nobody locks themselves out.
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use slurmdash_api::Problem;
use slurmdash_api::api_keys::ApiKeyList;
use slurmdash_api::auth::{Message, SessionList, SessionsEnded};
use slurmdash_api::problem::FieldProblem;
use slurmdash_api::users::{
    Account, AccountChange, AccountMade, AccountPage, AccountQuery, NewAccount, PasswordReset, ResetPassword, RoleList,
};

use super::ApiError;
use super::extract::{Json, Path, Query, page_request};
use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::secret::Secret;
use crate::store::audit::AuditEntry;
use crate::store::users::{Change, UserRecord, Which};
use crate::users::{self, UserError};

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        let detail = error.to_string();
        let field =
            |name: &str| Self::invalid_fields(vec![FieldProblem { field: name.into(), message: detail.clone() }]);
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, detail.clone());
        match error {
            UserError::Name(_) => field("username"),
            UserError::Login(_) => field("unix_user"),
            UserError::Email(_) => field("email"),
            UserError::Role(..) => field("roles"),
            UserError::Password => field("password"),
            UserError::NotHere(_) => conflict("password_elsewhere"),
            UserError::Taken(_) => conflict("name_taken"),
            UserError::Unknown => Self::not_found("such account"),
            UserError::LastAdmin => conflict("last_admin"),
            UserError::Hash(_) | UserError::Random(_) => Self::internal(detail),
            UserError::Store(error) => error.into(),
        }
    }
}

/// Accounts by name; with filters.
#[utoipa::path(
    get, path = "/api/v2/users", tag = "users", params(AccountQuery),
    responses((status = 200, body = AccountPage), (status = 400, body = Problem))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<AccountPage>, ApiError> {
    let page = page_request(query.after.as_deref(), query.limit)?;
    let part = query.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let found = app.store.user_page(&page, |user| {
        let texts = [Some(&user.username), user.unix_user.as_ref(), user.email.as_ref()];
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&part))
            && query.role.as_ref().is_none_or(|role| user.roles.contains(role))
            && query.active.is_none_or(|active| user.is_active == active)
            && query.source.is_none_or(|source| user.source == source)
    })?;
    let users = found.items.into_iter().map(|user| account(&app, user)).collect::<Result<_, _>>()?;
    let next = found.next.map(|next| next.to_string());
    Ok(Json(AccountPage { users, next, total: app.store.user_count()? }))
}

/// Makes an account.
#[utoipa::path(
    post, path = "/api/v2/users", tag = "users", request_body = NewAccount,
    responses(
        (status = 201, body = AccountMade),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 403, body = Problem, description = "a role allows more than the caller may"),
        (status = 409, body = Problem, description = "there is an account of that name"),
    )
)]
pub async fn create(
    State(app): State<Arc<App>>,
    who: Principal,
    Json(request): Json<NewAccount>,
) -> Result<(StatusCode, Json<AccountMade>), ApiError> {
    let (password, is_random) = users::password_or_random(request.password.map(Secret::new))?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    // Hashing is what takes its time: everything else is judged before.
    let now = app.clock.now();
    let mut user = UserRecord {
        unix_user: some(request.unix_user),
        email: some(request.email),
        ..users::new_account(&request.username, String::new(), request.roles, now)?
    };
    users::judge_new(&user, &app.auth.roles)?;
    refuse_more(&app, &who, &user)?;
    user.password_hash = app.auth.hash(password.clone()).await?;
    let audit = AuditEntry::done(who.by(now), "user.create", &user.username);
    if !app.store.add_user(user.clone(), audit).await? {
        return Err(UserError::Taken(user.username).into());
    }
    let password = is_random.then(|| password.expose().to_owned());
    Ok((StatusCode::CREATED, Json(AccountMade { user: account(&app, user)?, password })))
}

/// One account.
#[utoipa::path(
    get, path = "/api/v2/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = Account), (status = 404, body = Problem))
)]
pub async fn detail(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Account>, ApiError> {
    Ok(Json(account(&app, known(&app, &id)?)?))
}

/// Changes an account: roles, whether it may sign in, Unix user, mail address.
#[utoipa::path(
    patch, path = "/api/v2/users/{id}", tag = "users", params(("id" = String, Path)), request_body = AccountChange,
    responses(
        (status = 200, body = Account),
        (status = 400, body = Problem, description = "a field is wrong; `fields` says which"),
        (status = 403, body = Problem, description = "the account may, or would, more than the caller may"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`last_admin`, or `own_account`"),
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Json(request): Json<AccountChange>,
) -> Result<Json<Account>, ApiError> {
    let user = known(&app, &id)?;
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let wishes = [
        request.roles.map(Change::Roles),
        request.is_active.map(Change::Active),
        request.unix_user.map(some).map(Change::UnixUser),
        request.email.map(some).map(Change::Email),
    ];
    // What is so already is no change and leaves no row.
    let is_new = |change: &Change| match change {
        Change::Roles(roles) => *roles != user.roles,
        Change::Active(is_active) => *is_active != user.is_active,
        Change::UnixUser(unix_user) => *unix_user != user.unix_user,
        Change::Email(email) => *email != user.email,
        Change::Password(_) | Change::Delete => true,
    };
    let changes: Vec<_> = wishes.into_iter().flatten().filter(is_new).collect();
    changes.iter().try_for_each(|change| users::judge(change, &app.auth.roles))?;
    if user.id == who.user_id && changes.iter().any(|change| !matches!(change, Change::Email(_))) {
        return Err(own_account());
    }
    refuse_more(&app, &who, &user)?;
    if let Some(Change::Roles(roles)) = changes.first() {
        refuse_more(&app, &who, &UserRecord { roles: roles.clone(), ..user.clone() })?;
    }
    let user = edit(&app, &who, &user, changes).await?;
    Ok(Json(account(&app, user)?))
}

/// Removes an account, its sessions and API keys. Its jobs, files and audit rows stay.
#[utoipa::path(
    delete, path = "/api/v2/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    let user = others(&app, &who, &id)?;
    edit(&app, &who, &user, vec![Change::Delete]).await?;
    Ok(Json(Message { message: "Account removed".into() }))
}

/// Gives an account another password and ends its sessions.
#[utoipa::path(
    post, path = "/api/v2/users/{id}/password", tag = "users", params(("id" = String, Path)),
    request_body = ResetPassword,
    responses((status = 200, body = PasswordReset), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub async fn reset_password(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Json(request): Json<ResetPassword>,
) -> Result<Json<PasswordReset>, ApiError> {
    let user = others(&app, &who, &id)?;
    let (password, is_random) = users::password_or_random(request.password.map(Secret::new))?;
    let changes = vec![Change::Password(app.auth.hash(password.clone()).await?)];
    users::refuse_foreign_password(&user, &changes)?;
    edit(&app, &who, &user, changes).await?;
    Ok(Json(PasswordReset { password: is_random.then(|| password.expose().to_owned()) }))
}

/// Forgets failed sign-ins to an account, so that its person need not wait.
#[utoipa::path(
    post, path = "/api/v2/users/{id}/unlock", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem))
)]
pub async fn unlock(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    let user = known(&app, &id)?;
    app.sign_in.unlock(&user.username);
    app.store.audit(AuditEntry::done(who.by(app.clock.now()), "user.unlock", user.username)).await?;
    Ok(Json(Message { message: "Failed sign-ins forgotten".into() }))
}

/// An account's sessions, newest first.
#[utoipa::path(
    get, path = "/api/v2/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = SessionList), (status = 404, body = Problem))
)]
pub async fn sessions(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<SessionList>, ApiError> {
    let user = known(&app, &id)?;
    Ok(Json(SessionList { sessions: app.auth.sessions_of(&user.id, who.session_id())? }))
}

/// Ends all sessions of an account.
#[utoipa::path(
    delete, path = "/api/v2/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = SessionsEnded), (status = 404, body = Problem))
)]
pub async fn end_sessions(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<SessionsEnded>, ApiError> {
    let user = known(&app, &id)?;
    refuse_more(&app, &who, &user)?;
    let ended = app.auth.end_sessions(&who, &user.id, None).await?;
    Ok(Json(SessionsEnded { message: "All sessions ended".into(), ended }))
}

/// Ends one session of an account.
#[utoipa::path(
    delete, path = "/api/v2/users/{id}/sessions/{session}", tag = "users",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem))
)]
pub async fn end_session(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((id, session)): Path<(String, String)>,
) -> Result<Json<Message>, ApiError> {
    let user = known(&app, &id)?;
    refuse_more(&app, &who, &user)?;
    if app.auth.end_session(&who, &user.id, &session).await? {
        Ok(Json(Message { message: "Session ended".into() }))
    } else {
        Err(ApiError::not_found("such session"))
    }
}

/// An account's API keys, newest first.
#[utoipa::path(
    get, path = "/api/v2/users/{id}/api-keys", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = ApiKeyList), (status = 404, body = Problem))
)]
pub async fn api_keys(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<ApiKeyList>, ApiError> {
    let user = known(&app, &id)?;
    Ok(Json(ApiKeyList { api_keys: app.auth.api_keys_of(&user.id)? }))
}

/// Revokes an API key of an account.
#[utoipa::path(
    delete, path = "/api/v2/users/{id}/api-keys/{key}", tag = "users",
    params(("id" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = Message), (status = 404, body = Problem))
)]
pub async fn revoke_api_key(
    State(app): State<Arc<App>>,
    who: Principal,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<Message>, ApiError> {
    let user = known(&app, &id)?;
    refuse_more(&app, &who, &user)?;
    if app.auth.revoke_api_key(&who, &user.id, &key).await? {
        Ok(Json(Message { message: "API key revoked".into() }))
    } else {
        Err(ApiError::not_found("such API key"))
    }
}

/// The roles that there are, and what each allows. They are set in the configuration.
#[utoipa::path(get, path = "/api/v2/roles", tag = "users", responses((status = 200, body = RoleList)))]
pub async fn roles(State(app): State<Arc<App>>) -> Json<RoleList> {
    Json(RoleList { roles: app.auth.roles.list() })
}

fn known(app: &App, id: &str) -> Result<UserRecord, ApiError> {
    app.store.user(id)?.ok_or_else(|| ApiError::not_found("such account"))
}

/// An account that is not the caller's own and may no more than they.
fn others(app: &App, who: &Principal, id: &str) -> Result<UserRecord, ApiError> {
    let user = known(app, id)?;
    if user.id == who.user_id {
        return Err(own_account());
    }
    refuse_more(app, who, &user)?;
    Ok(user)
}

fn own_account() -> ApiError {
    let words = "this is your own account; ask another administrator, so that nobody locks themselves out";
    ApiError::new(StatusCode::CONFLICT, "own_account", words)
}

/// Refuses an account that may something which the caller may not.
fn refuse_more(app: &App, who: &Principal, user: &UserRecord) -> Result<(), Forbidden> {
    app.auth.roles.permissions_of(user).into_iter().try_for_each(|permission| who.require(permission))
}

async fn edit(app: &App, who: &Principal, user: &UserRecord, changes: Vec<Change>) -> Result<UserRecord, ApiError> {
    let (which, by) = (Which::Id(user.id.clone()), who.by(app.clock.now()));
    let edit = users::edit(which, &user.username, changes, &by, None);
    let edited = app.store.edit_user(edit, users::administers(&app.auth.roles)).await?;
    app.auth.tell_ended(&user.id);
    Ok(users::edited(edited)?)
}

fn account(app: &App, user: UserRecord) -> Result<Account, ApiError> {
    Ok(Account {
        permissions: app.auth.roles.permissions_of(&user),
        sessions: app.store.session_count(&user.id)?,
        api_keys: app.store.api_key_count(&user.id)?,
        id: user.id,
        username: user.username,
        roles: user.roles,
        source: user.source,
        unix_user: user.unix_user,
        email: user.email,
        is_active: user.is_active,
        created_at: user.created_at,
        last_login_at: user.last_login_at,
    })
}
