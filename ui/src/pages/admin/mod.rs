//! `/admin`: accounts, roles, the audit log and security events, for those who look after them.
mod account_form;
mod audit;
mod audit_words;
mod events;
mod export;
mod made_password;
mod new_user;
mod resolve;
mod roles;
mod severity;
mod user;
mod user_actions;
mod user_edit;
mod user_parts;
mod users;

use slurmdash_api::auth::Permission;
use sycamore::prelude::*;

use super::access::{Forbidden, guarded};
use crate::browser;
use crate::client::use_client;
use crate::components::Skeleton;
use crate::i18n::t;
use crate::router::{self, AdminPage};

/// A section: where it is, what it is called, and what one needs to see it.
struct Section {
    href: &'static str,
    name: fn() -> String,
    needs: Permission,
    holds: fn(&AdminPage) -> bool,
}

static SECTIONS: [Section; 4] = [
    Section {
        href: "/admin/users",
        name: || t().admin.users(),
        needs: Permission::UserView,
        holds: |page| matches!(page, AdminPage::Users | AdminPage::User(_)),
    },
    Section {
        href: "/admin/roles",
        name: || t().admin.roles(),
        needs: Permission::UserView,
        holds: |page| *page == AdminPage::Roles,
    },
    Section {
        href: "/admin/audit",
        name: || t().admin.audit(),
        needs: Permission::AuditView,
        holds: |page| *page == AdminPage::Audit,
    },
    Section {
        href: "/admin/events",
        name: || t().admin.events(),
        needs: Permission::EventView,
        holds: |page| *page == AdminPage::Events,
    },
];

/// The page.
#[component(inline_props)]
pub fn Admin(page: AdminPage) -> View {
    let Some(section) = SECTIONS.iter().find(|section| (section.holds)(&page)) else {
        return home();
    };
    guarded(section.needs, section.name, move || match &page {
        AdminPage::Home => View::new(),
        AdminPage::Users => view! { users::Users {} },
        AdminPage::User(id) => {
            let id = id.clone();
            view! { user::UserPage(id=id) }
        }
        AdminPage::Roles => view! { roles::Roles {} },
        AdminPage::Audit => view! { audit::Audit {} },
        AdminPage::Events => view! { events::Events {} },
    })
}

/// `/admin` itself leads on to the first section that the person may see.
fn home() -> View {
    const NEEDS: [Permission; 3] = [Permission::UserView, Permission::AuditView, Permission::EventView];
    let session = use_client().session;
    let first =
        create_selector(move || SECTIONS.iter().find(|section| session.may(section.needs)).map(|section| section.href));
    let nothing = create_selector(move || {
        let (known, first) = (session.user().is_some(), first.get());
        known && first.is_none()
    });
    create_effect(move || {
        if let Some(href) = first.get() {
            // Not from within this very page, which ends with that.
            browser::after(0, move || router::replace(href));
        }
    });
    view! {
        (if nothing.get() {
            view! { Forbidden(title=(|| t().admin.title()) as fn() -> String, needs=NEEDS.to_vec()) }
        } else {
            view! { Skeleton(lines=4) }
        })
    }
}

/// The sections that the person may see, as links.
pub fn section_links() -> View {
    let session = use_client().session;
    let route = router::route();
    let links: Vec<View> = SECTIONS
        .iter()
        .map(|section| {
            let allowed = create_selector(move || session.may(section.needs));
            let here = create_selector(move || {
                route.with(|route| matches!(route, router::Route::Admin(page) if (section.holds)(page)))
            });
            view! {
                (if allowed.get() {
                    view! {
                        a(class="tab", href=section.href, aria-current=move || here.get().then_some("page")) {
                            ((section.name)())
                        }
                    }
                } else {
                    view! {}
                })
            }
        })
        .collect();
    view! { nav(class="tabs", aria-label=move || t().admin.sections()) { (links) } }
}
