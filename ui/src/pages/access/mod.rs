//! What one's own profile and the pages for administrators both show: permissions in words, sessions, API keys, the
//! rules for a password, and why something about accounts was refused.

mod device;
mod keys;
mod listed;
mod password;
mod permissions;
mod sessions;

pub use device::device_words;
pub use keys::KeyTable;
pub use password::{PasswordState, strength};
pub use permissions::{areas, may_list, permission_tags, permission_words, source_words};
pub use sessions::SessionTable;

use slurmdash_api::auth::Permission;
use sycamore::prelude::*;

use crate::client::{ClientError, use_client};
use crate::components::{EmptyState, Glyph, LinkButton, PageHeader, Skeleton, problem_words};
use crate::i18n::t;

/// Why something about accounts was refused.
pub fn refusal(error: &ClientError) -> String {
    match (error.code(), error.status()) {
        ("last_admin", _) => t().access.last_admin(),
        ("own_account", _) => t().access.own_account(),
        (_, Some(404)) => t().access.gone(),
        _ => problem_words(error),
    }
}

/// A page, for those who have the permission that it needs.
pub fn guarded(needs: Permission, title: fn() -> String, page: impl Fn() -> View + 'static) -> View {
    let session = use_client().session;
    // What is known of the person arrives a moment after the page was opened by its address.
    let may = create_selector(move || session.user().map(|user| user.may(needs)));
    view! {
        (match may.get() {
            None => view! { Skeleton(lines=4) },
            Some(false) => view! { Forbidden(title=title, needs=vec![needs]) },
            Some(true) => page(),
        })
    }
}

/// In place of a page that the person may not see.
#[component(inline_props)]
pub fn Forbidden(title: fn() -> String, needs: Vec<Permission>) -> View {
    let needed: Vec<View> =
        needs.into_iter().map(|permission| view! { span(class="tag mono") { (permission.as_str()) } }).collect();
    view! {
        PageHeader(title=title)
        EmptyState(
            glyph=Glyph::Lock,
            title=move || t().access.forbidden_title(),
            text=move || t().access.forbidden_text()
        ) {
            div(class="tags forbidden-needs") { (needed) }
            LinkButton(href="/profile") { (|| t().access.your_permissions()) }
            LinkButton(href="/dashboard") { (|| t().shell.to_dashboard()) }
        }
    }
}
