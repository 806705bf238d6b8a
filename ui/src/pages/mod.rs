//! The pages, one module each. A page reads its data from the client, keeps its filters in the URL, and is made of
//! components; the address bar names the one that is shown, `app.rs` decides who may see it.

pub mod access;
pub mod admin;
pub mod dashboard;
pub mod filters;
pub mod gallery;
pub mod job;
pub mod job_actions;
pub mod jobs;
pub mod listing;
pub mod login;
pub mod new_job;
pub mod nodes;
pub mod not_found;
pub mod profile;
pub mod template;
pub mod templates;

use slurmdash_api::auth::Permission;
use sycamore::prelude::*;

use self::access::guarded;
use crate::client::use_client;
use crate::i18n::t;
use crate::router::Route;

/// The pages of the program that a first visit loads. The login page is `app.rs`'s: it has no frame.
pub fn first_pages(route: &Route) -> View {
    match route {
        Route::Dashboard => view! { dashboard::Dashboard {} },
        _ => View::new(),
    }
}

/// Every page that is shown inside the frame.
pub fn all_pages(route: Route) -> View {
    match route {
        Route::Login | Route::Root | Route::Dashboard => first_pages(&route),
        Route::Jobs => guarded(Permission::JobView, || t().jobs.title(), || view! { jobs::Jobs {} }),
        Route::Job(id) => view! { job::JobPage(id=id) },
        Route::NewJob => guarded(Permission::JobSubmit, || t().shell.new_job(), || view! { new_job::NewJob {} }),
        Route::Nodes => guarded(Permission::NodeView, || t().shell.nodes(), || view! { nodes::Nodes {} }),
        Route::Templates => {
            guarded(Permission::TemplateView, || t().templates.title(), || view! { templates::Templates {} })
        }
        Route::Template(id) => view! { template::TemplatePage(id=id) },
        Route::Profile => view! { profile::Profile {} },
        Route::Admin(page) => view! { admin::Admin(page=page) },
        Route::Gallery => view! { gallery::Gallery {} },
        Route::NotFound => view! { not_found::NotFound {} },
    }
}

/// Whether the person may submit jobs: without that nothing leads to a new one.
pub fn may_submit() -> ReadSignal<bool> {
    let session = use_client().session;
    create_selector(move || session.may(Permission::JobSubmit))
}

/// Where a page is that shows a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has arrived yet.
    Loading,
    /// It arrived, and there is nothing in it to show.
    Empty,
    /// There is something to show.
    Ready,
}

/// Where a page is, from what arrived and from what of it is shown. One signal rather than two: a view that first asks
/// the one and then the other can miss a change (`components/mod.rs` says why).
pub fn phase<T, U>(arrived: ReadSignal<Option<T>>, shown: ReadSignal<Vec<U>>) -> ReadSignal<Phase> {
    create_selector(move || match (arrived.with(Option::is_some), shown.with(Vec::is_empty)) {
        (false, _) => Phase::Loading,
        (true, true) => Phase::Empty,
        (true, false) => Phase::Ready,
    })
}
