//! Wires the page together: language, theme, address bar, client, and who is let into which page.
use sycamore::prelude::*;

use crate::browser;
use crate::client::session::{SessionState, login_path, safe_next};
use crate::client::{Client, use_client};
use crate::components::time;
use crate::i18n;
use crate::pages::login::Login;
use crate::program::Program;
use crate::router::{self, Query, Route};
use crate::shell::Frame;
use crate::theme;

/// Tells `static/boot.js` that somebody is signed in.
const SIGNED_IN: &str = "slurmdash:signed-in";

/// Takes over the page that `index.html` painted.
pub fn start(program: &'static Program) {
    let document = browser::document();
    let Some(root) = document.get_element_by_id("app") else {
        return;
    };
    root.set_text_content(None);
    sycamore::render_to(move || app(program), &root);
}

fn app(program: &'static Program) -> View {
    i18n::start();
    theme::start();
    time::start();
    let client = Client::provide();
    router::start(program.holds, client.session);
    (program.provide)(client);
    guard();
    tell_of_sign_in(client);

    let route = router::route();
    let framed = create_selector(move || route.with(|route| *route != Route::Login));
    view! {
        (if framed.get() {
            let page = View::from_dynamic(move || (program.page)(route.get_clone()));
            view! { Frame(indicator=program.indicator) { (page) } }
        } else {
            view! { Login {} }
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

/// Once somebody is signed in, the rest of the pages is worth fetching.
fn tell_of_sign_in(client: Client) {
    let state = client.session.state();
    create_effect(move || {
        if state.with(|state| matches!(state, SessionState::SignedIn(_))) {
            browser::tell(SIGNED_IN);
        }
    });
}
