//! The frame around every page but the login: the rail with the pages, the top bar, the command palette, messages.

mod freshness;
mod palette;
mod rail;
mod topbar;

use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use crate::browser;
use crate::client::use_client;
use crate::components::Toasts;
use crate::i18n::t;
use crate::router;

use freshness::StaleBanner;
use palette::Palette;
use rail::Rail;
use topbar::TopBar;

pub use rail::brand_mark;
pub use topbar::Preferences;

/// The frame. It stays while pages come and go inside it. `indicator` makes the top bar's view of work that goes on.
#[component(inline_props)]
pub fn Frame(indicator: fn() -> View, children: Children) -> View {
    // Watched here, so that the top bar and every page read one and the same value.
    let cluster = use_client().data.watch_cluster().value();
    let palette_open = create_signal(false);
    watch_keys(palette_open);
    announce_pages();
    view! {
        a(class="skip-link", href="#content", rel="external") { (|| t().shell.skip_to_content()) }
        div(class="frame") {
            Rail(cluster=cluster)
            TopBar(cluster=cluster, palette_open=palette_open, indicator=indicator)
            main(class="content", id="content", tabindex="-1") {
                StaleBanner {}
                (children)
            }
        }
        Palette(open=palette_open)
        Toasts {}
    }
}

/// `Ctrl-K` opens the palette anywhere; `/` goes to the page's search, or to the palette where there is none.
fn watch_keys(palette_open: Signal<bool>) {
    browser::on_window("keydown", move |event| {
        let Ok(event) = event.dyn_into::<KeyboardEvent>() else {
            return;
        };
        let with_control = event.ctrl_key() || event.meta_key();
        if with_control && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            palette_open.set(!palette_open.get_untracked());
        } else if event.key() == "/" && !with_control && !event.alt_key() && !is_typing(&event) {
            event.prevent_default();
            if browser::has("[data-search=page]") {
                browser::focus("[data-search=page]");
            } else {
                palette_open.set(true);
            }
        }
    });
}

/// Whether a key belongs to a field that text goes into, or to an open dialog.
fn is_typing(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|element| element.closest("input, textarea, select, [contenteditable], dialog[open]").ok().flatten())
        .is_some()
}

/// Moves the focus to the heading of a page that was gone to, so that keyboard and screen reader arrive there as well.
fn announce_pages() {
    let route = router::route();
    let mut first = true;
    create_effect(move || {
        route.track();
        if !std::mem::take(&mut first) {
            browser::after(0, || browser::focus("main h1"));
        }
    });
}
