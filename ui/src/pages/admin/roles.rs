//! `/admin/roles`: what each role allows, as a table of permissions and roles.
use std::rc::Rc;

use slurmdash_api::auth::Permission;
use slurmdash_api::users::{Role, RoleList};
use sycamore::prelude::*;

use super::section_links;
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::icon::{Glyph, icon};
use crate::components::{EmptyState, LoadProblem, PageHeader, Skeleton};
use crate::i18n::t;
use crate::pages::access::{areas, permission_words};
use crate::router::path_with;

/// The page.
#[component]
pub fn Roles() -> View {
    let list = Reading::<RoleList>::new(use_client(), "/api/v2/roles");
    let value = list.remote.value();
    let retry: Rc<dyn Fn()> = Rc::new(move || list.reload());
    let body = move || match value.get_clone() {
        None => view! { Skeleton(lines=6) },
        Some(list) if list.roles.is_empty() => view! {
            EmptyState(
                glyph=Glyph::Shield,
                title=move || t().admin.no_roles(),
                text=move || t().admin.roles_text()
            )
        },
        Some(list) => matrix(&list.roles),
    };
    view! {
        PageHeader(title=move || t().admin.roles(), context=move || t().admin.roles_text())
        (section_links())
        LoadProblem(problem=list.remote.problem(), retry=retry)
        (body())
    }
}

fn matrix(roles: &[Role]) -> View {
    let heads: Vec<View> = roles
        .iter()
        .map(|role| {
            let href = path_with("/admin/users", &[("role", &role.name)]);
            let (name, title) = (role.name.clone(), role.name.clone());
            view! {
                th(scope="col") { a(href=href, title=t().admin.people_with(&title)) { (name) } }
            }
        })
        .collect();
    let groups: Vec<View> = areas(Permission::ALL)
        .into_iter()
        .map(|(area, members)| {
            let rows: Vec<View> = members.into_iter().map(|permission| row(permission, roles)).collect();
            let width = (roles.len() + 1).to_string();
            view! {
                tbody {
                    tr(class="matrix-area") { th(colspan=width, scope="rowgroup") { (area) } }
                    (rows)
                }
            }
        })
        .collect();
    view! {
        div(class="table-frame matrix-frame", tabindex="0", role="region", aria-label=move || t().admin.roles()) {
            table(class="matrix") {
                thead {
                    tr {
                        th(scope="col") { (t().admin.permission()) }
                        (heads)
                    }
                }
                (groups)
            }
        }
    }
}

fn row(permission: Permission, roles: &[Role]) -> View {
    let cells: Vec<View> = roles
        .iter()
        .map(|role| {
            if role.permissions.contains(&permission) {
                view! {
                    td(class="matrix-yes") {
                        (icon(Glyph::Check))
                        span(class="visually-hidden") { (t().admin.allowed()) }
                    }
                }
            } else {
                view! {
                    td(class="matrix-no") {
                        span(aria-hidden="true") { "–" }
                        span(class="visually-hidden") { (t().admin.not_allowed()) }
                    }
                }
            }
        })
        .collect();
    view! {
        tr {
            th(scope="row") {
                span { (permission_words(permission)) }
                span(class="mono matrix-word") { (permission.as_str()) }
            }
            (cells)
        }
    }
}
