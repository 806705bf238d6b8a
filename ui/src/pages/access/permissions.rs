//! Permissions and kinds of accounts in words.
use slurmdash_api::auth::{AccountSource, Permission};
use sycamore::prelude::*;

use crate::i18n::t;

/// What a permission allows.
pub fn permission_words(permission: Permission) -> String {
    let words = t().access;
    match permission {
        Permission::JobView => words.job_view(),
        Permission::JobSubmit => words.job_submit(),
        Permission::JobManage => words.job_manage(),
        Permission::NodeView => words.node_view(),
        Permission::DataRead => words.data_read(),
        Permission::DataWrite => words.data_write(),
        Permission::TemplateView => words.template_view(),
        Permission::UserView => words.user_view(),
        Permission::UserManage => words.user_manage(),
        Permission::AuditView => words.audit_view(),
        Permission::EventView => words.event_view(),
        Permission::EventManage => words.event_manage(),
    }
}

/// The area of a permission, in words.
fn area_words(permission: Permission) -> String {
    let words = t().access;
    match permission {
        Permission::JobView | Permission::JobSubmit | Permission::JobManage => words.area_job(),
        Permission::NodeView => words.area_node(),
        Permission::DataRead | Permission::DataWrite => words.area_data(),
        Permission::TemplateView => words.area_template(),
        Permission::UserView | Permission::UserManage => words.area_user(),
        Permission::AuditView => words.area_audit(),
        Permission::EventView | Permission::EventManage => words.area_event(),
    }
}

/// Permissions by area, in the order of [`Permission::ALL`].
pub fn areas(permissions: &[Permission]) -> Vec<(String, Vec<Permission>)> {
    let mut areas: Vec<(String, Vec<Permission>)> = Vec::new();
    for permission in Permission::ALL.iter().filter(|permission| permissions.contains(permission)) {
        let area = area_words(*permission);
        match areas.last_mut() {
            Some((name, members)) if *name == area => members.push(*permission),
            _ => areas.push((area, vec![*permission])),
        }
    }
    areas
}

/// What permissions come to, in sentences, by area.
pub fn may_list(permissions: &[Permission]) -> View {
    let areas = areas(permissions);
    if areas.is_empty() {
        return view! { p(class="card-note") { (t().profile.may_nothing()) } };
    }
    let groups: Vec<View> = areas
        .into_iter()
        .map(|(area, permissions)| {
            let lines: Vec<View> = permissions
                .into_iter()
                .map(|permission| view! { li(title=permission.as_str()) { (permission_words(permission)) } })
                .collect();
            view! {
                li {
                    span(class="may-area") { (area) }
                    ul { (lines) }
                }
            }
        })
        .collect();
    view! { ul(class="may") { (groups) } }
}

/// Permissions as the words that programs know them by, each with what it allows on hover. One that we do not know (from
/// a newer server) stands for itself.
pub fn permission_tags(words: &[String]) -> View {
    let tags: Vec<View> = words
        .iter()
        .map(|word| {
            let (title, shown) = (word.clone(), word.clone());
            let title = move || Permission::parse(&title).map(permission_words);
            view! { span(class="tag mono", title=title) { (shown) } }
        })
        .collect();
    view! { span(class="tags") { (tags) } }
}

/// Who checks the password.
pub fn source_words(source: AccountSource) -> String {
    let words = t().access;
    match source {
        AccountSource::Local => words.source_local(),
        AccountSource::Cluster => words.source_cluster(),
        AccountSource::Oidc => words.source_oidc(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_stand_together_by_area() {
        let areas = areas(&[Permission::DataRead, Permission::JobSubmit, Permission::JobView]);
        let members: Vec<_> = areas.into_iter().map(|(_, members)| members).collect();
        assert_eq!(members, [vec![Permission::JobView, Permission::JobSubmit], vec![Permission::DataRead]]);
    }
}
