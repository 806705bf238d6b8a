//! Wires the page together: language, theme, address bar, client, and which page is shown to whom.
use sycamore::prelude::*;

use crate::browser;
use crate::client::session::{SessionState, login_path, safe_next};
use crate::client::{Client, use_client};
use crate::components::time;
use crate::i18n;
use crate::pages;
use crate::router::{self, Query, Route};
use crate::shell::Frame;
use crate::theme;
use crate::upload::Uploads;

/// Takes over the page that `index.html` painted.
pub fn start() {
    let document = browser::document();
    let Some(root) = document.get_element_by_id("app") else {
        return;
    };
    root.set_text_content(None);
    sycamore::render_to(App, &root);
}

#[component]
fn App() -> View {
    i18n::start();
    theme::start();
    router::start();
    time::start();
    Uploads::provide(Client::provide());
    guard();

    let route = router::route();
    let framed = create_selector(move || route.with(|route| *route != Route::Login));
    view! {
        (if framed.get() {
            view! { Frame { (page(route)) } }
        } else {
            view! { pages::login::Login {} }
        })
    }
}

/// Sends people to where they may be: to the login page without a session, and on from there with one.
fn guard() {
    let session = use_client().session;
    let route = router::route();
    create_effect(move || {
        let signed_out = session.state().with(|state| *state == SessionState::SignedOut);
        let signed_in = session.state().with(|state| matches!(state, SessionState::SignedIn(_)));
        let route = route.get_clone();
        let here = untrack(router::location);
        match route {
            Route::Login if signed_in => {
                let next = safe_next(Query::parse(&here.query).get("next"));
                router::replace(next.as_deref().unwrap_or("/dashboard"));
            }
            Route::Login => {}
            _ if signed_out => {
                let query = if here.query.is_empty() { String::new() } else { format!("?{}", here.query) };
                router::replace(&login_path(&format!("{}{query}", here.path)));
            }
            Route::Root => router::replace("/dashboard"),
            _ => {}
        }
    });
}

/// The page that the address bar names.
fn page(route: ReadSignal<Route>) -> View {
    View::from_dynamic(move || match route.get_clone() {
        Route::Dashboard => view! { pages::dashboard::Dashboard {} },
        Route::Nodes => view! { pages::nodes::Nodes {} },
        Route::Templates => view! { pages::templates::Templates {} },
        Route::Template(id) => view! { pages::template::TemplatePage(id=id) },
        Route::Gallery => view! { pages::gallery::Gallery {} },
        Route::Login | Route::Root => View::new(),
        Route::Jobs => view! { pages::jobs::Jobs {} },
        Route::Job(id) => view! { pages::job::JobPage(id=id) },
        Route::NewJob => view! { pages::new_job::NewJob {} },
        Route::NotFound => view! { pages::not_found::NotFound {} },
    })
}
