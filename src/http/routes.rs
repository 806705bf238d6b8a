//! Who may call what: every address of the program with its permission, in one table.
//!
//! [`super::guard`] asks it before any handler runs, and refuses what is not in it. A test compares it with the API's
//! description, so that a call without a row can't be added.
use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use slurmdash_api::auth::Permission::{
    self, AuditView, DataRead, DataWrite, EventManage, EventView, JobSubmit, JobView, NodeView, TemplateView,
    UserManage, UserView,
};

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing, and it is not counted either: pages, assets, whether the server is alive.
    Open,
    /// Nothing: how one gets in.
    Public,
    /// To be signed in, with whatever permissions.
    SignedIn,
    /// To be signed in as a person: an API key must not look after itself or its owner.
    Person,
    /// This permission.
    May(Permission),
    /// This permission, as a person.
    PersonMay(Permission),
    /// This permission, with an API key.
    KeyMay(Permission),
    /// This permission; the handler also takes a ticket that was given to somebody who holds it.
    MayOrTicket(Permission),
}

/// One address.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Method; `HEAD` is as `GET`.
    pub method: &'static Method,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// What it needs.
    pub access: Access,
}

const GET: &Method = &Method::GET;
const POST: &Method = &Method::POST;
const PATCH: &Method = &Method::PATCH;
const DELETE: &Method = &Method::DELETE;

const fn route(method: &'static Method, path: &'static str, access: Access) -> Route {
    Route { method, path, access }
}

/// Every address but those of the embedded UI, which are open.
pub const ROUTES: &[Route] = {
    use Access::{KeyMay, May, MayOrTicket, Open, Person, PersonMay, Public, SignedIn};
    &[
        route(GET, "/health", Open),
        route(GET, "/ready", Open),
        route(GET, "/api/openapi.json", Open),
        route(GET, "/api/docs", Open),
        route(GET, "/api/docs/", Open),
        route(GET, "/api/docs/{*path}", Open),
        route(GET, "/ws", SignedIn),
        // Signing in and out.
        route(GET, "/api/auth/methods", Public),
        route(POST, "/api/auth/login", Public),
        route(POST, "/api/auth/login/continue", Public),
        route(POST, "/api/auth/refresh", Public),
        route(GET, "/api/auth/oidc/start", Public),
        route(GET, "/api/auth/oidc/callback", Public),
        route(POST, "/api/auth/logout", Person),
        route(GET, "/api/auth/me", SignedIn),
        route(POST, "/api/auth/password", Person),
        // One's own sessions and keys.
        route(GET, "/api/v2/sessions", Person),
        route(DELETE, "/api/v2/sessions", Person),
        route(DELETE, "/api/v2/sessions/{id}", Person),
        route(GET, "/api/v2/api-keys", Person),
        route(POST, "/api/v2/api-keys", Person),
        route(DELETE, "/api/v2/api-keys/{id}", Person),
        // Everybody's accounts.
        route(GET, "/api/v2/users", May(UserView)),
        route(POST, "/api/v2/users", PersonMay(UserManage)),
        route(GET, "/api/v2/users/{id}", May(UserView)),
        route(PATCH, "/api/v2/users/{id}", PersonMay(UserManage)),
        route(DELETE, "/api/v2/users/{id}", PersonMay(UserManage)),
        route(POST, "/api/v2/users/{id}/password", PersonMay(UserManage)),
        route(POST, "/api/v2/users/{id}/unlock", PersonMay(UserManage)),
        route(GET, "/api/v2/users/{id}/sessions", May(UserView)),
        route(DELETE, "/api/v2/users/{id}/sessions", PersonMay(UserManage)),
        route(DELETE, "/api/v2/users/{id}/sessions/{session}", PersonMay(UserManage)),
        route(GET, "/api/v2/users/{id}/api-keys", May(UserView)),
        route(DELETE, "/api/v2/users/{id}/api-keys/{key}", PersonMay(UserManage)),
        route(GET, "/api/v2/roles", May(UserView)),
        // What was done.
        route(GET, "/api/v2/audit", May(AuditView)),
        route(GET, "/api/v2/audit/export", May(AuditView)),
        route(GET, "/api/v2/security-events", May(EventView)),
        route(POST, "/api/v2/security-events/{id}/resolve", May(EventManage)),
        // The cluster.
        route(GET, "/api/cluster", May(NodeView)),
        route(GET, "/api/nodes/status", May(NodeView)),
        route(GET, "/api/nodes/{name}", May(NodeView)),
        route(GET, "/api/partitions", May(NodeView)),
        // Jobs.
        route(GET, "/api/jobs", May(JobView)),
        route(POST, "/api/jobs/submit", May(JobSubmit)),
        route(POST, "/api/jobs/preview", May(JobSubmit)),
        route(POST, "/api/jobs/test", May(JobSubmit)),
        route(GET, "/api/jobs/hints", May(JobView)),
        route(POST, "/api/jobs/actions", May(JobSubmit)),
        route(GET, "/api/jobs/{id}", May(JobView)),
        route(GET, "/api/jobs/{id}/record", May(JobView)),
        route(POST, "/api/jobs/{id}/{action}", May(JobSubmit)),
        route(GET, "/api/jobs/{id}/output", May(JobView)),
        route(POST, "/api/jobs/{id}/output/link", PersonMay(JobView)),
        route(GET, "/api/jobs/{id}/output/download", MayOrTicket(JobView)),
        route(GET, "/api/v2/templates", May(TemplateView)),
        route(GET, "/api/v2/templates/{id}", May(TemplateView)),
        // Files.
        route(POST, "/api/v2/files/upload/init", May(DataWrite)),
        route(POST, "/api/v2/files/upload/chunk", May(DataWrite)),
        route(POST, "/api/v2/files/upload/complete", May(DataWrite)),
        route(GET, "/api/v2/files/uploads", May(DataRead)),
        route(GET, "/api/v2/files/uploads/{id}", May(DataRead)),
        route(DELETE, "/api/v2/files/uploads/{id}", May(DataWrite)),
        route(POST, "/api/v2/upload/external", KeyMay(JobSubmit)),
    ]
};

/// The row of an address.
pub fn find(method: &Method, path: &str) -> Option<&'static Route> {
    static INDEX: LazyLock<HashMap<(&'static Method, &'static str), &'static Route>> =
        LazyLock::new(|| ROUTES.iter().map(|route| ((route.method, route.path), route)).collect());
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    INDEX.get(&(method, path)).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::router::description;

    #[test]
    fn every_call_of_the_api_states_its_permission_and_no_row_is_left_over() {
        let described: BTreeSet<(String, String)> = description()
            .paths
            .paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = [
                    ("GET", &item.get),
                    ("POST", &item.post),
                    ("PUT", &item.put),
                    ("PATCH", &item.patch),
                    ("DELETE", &item.delete),
                ];
                methods
                    .into_iter()
                    .filter(|(_, operation)| operation.is_some())
                    .map(|(method, _)| (method.to_owned(), path.clone()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let is_described = |route: &&Route| {
            !route.path.starts_with("/api/docs") && !["/ws", "/api/openapi.json"].contains(&route.path)
        };
        let stated: BTreeSet<(String, String)> =
            ROUTES.iter().filter(is_described).map(|route| (route.method.to_string(), route.path.to_owned())).collect();
        assert_eq!(described, stated);
        assert_eq!(ROUTES.len(), ROUTES.iter().map(|route| (route.method, route.path)).collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn what_is_not_stated_is_not_found() {
        assert!(find(&Method::HEAD, "/api/jobs").is_some());
        assert!(find(&Method::PUT, "/api/jobs").is_none());
        assert!(find(&Method::GET, "/api/nothing").is_none());
    }
}
