//! The tools over a log: search, follow, pause, wrap, copy, download.
use std::rc::Rc;

use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use web_sys::KeyboardEvent;

use super::{Controls, Log};
use crate::browser;
use crate::components::Text;
use crate::components::button::IconButton;
use crate::components::icon::{Glyph, icon};
use crate::i18n::{format, t};

/// The tools.
pub fn toolbar(log: &Log, controls: Controls, status: Text, download: Option<Rc<dyn Fn()>>) -> View {
    let copied = create_signal(false);
    let copy = {
        let log = log.clone();
        move |_| {
            let text = log.terminal.borrow().plain();
            spawn_local_scoped(async move {
                if browser::copy(&text).await {
                    copied.set(true);
                    browser::after(1_500, move || {
                        if copied.is_alive() {
                            copied.set(false);
                        }
                    });
                }
            });
        }
    };
    let download = download.map_or_else(View::new, |download| {
        view! {
            button(
                class="button button-ghost log-toggle",
                r#type="button",
                title=move || t().log.download(),
                on:click=move |_| download()
            ) {
                (icon(Glyph::Download))
                span(class="button-label") { (t().log.download()) }
            }
        }
    });
    let toggle = |glyph: Glyph, label: fn() -> String, on: Signal<bool>| {
        view! {
            button(
                class="button button-ghost log-toggle",
                r#type="button",
                title=label,
                aria-pressed=move || if on.get() { "true" } else { "false" },
                on:click=move |_| on.set(!on.get_untracked())
            ) {
                (icon(glyph))
                span(class="button-label") { (label()) }
            }
        }
    };
    view! {
        div(class="log-tools") {
            (search_field(controls))
            span(class="log-status") { (status.get_clone()) }
            (toggle(Glyph::ArrowDown, || t().log.follow(), controls.follow))
            button(
                class="button button-ghost log-toggle",
                r#type="button",
                title=move || if controls.paused.get() { t().log.resume() } else { t().log.pause() },
                on:click=move |_| controls.paused.set(!controls.paused.get_untracked())
            ) {
                (icon(if controls.paused.get() { Glyph::Play } else { Glyph::Pause }))
                span(class="button-label") {
                    (if controls.paused.get() { t().log.resume() } else { t().log.pause() })
                }
            }
            (toggle(Glyph::CornerDownLeft, || t().log.wrap(), controls.wrap))
            button(class="button button-ghost log-toggle", r#type="button", title=move || t().log.copy(), on:click=copy) {
                (icon(if copied.get() { Glyph::Check } else { Glyph::Copy }))
                span(class="button-label", aria-live="polite") {
                    (if copied.get() { t().log.copied() } else { t().log.copy() })
                }
            }
            (download)
        }
    }
}

/// The search field, with how often it was found and the way from one to the next.
fn search_field(controls: Controls) -> View {
    let step = move |forward: bool| {
        let count = controls.count.get_untracked().0;
        if count > 0 {
            let at = controls.at.get_untracked();
            controls.at.set(if forward { at + 1 } else { at + count - 1 } % count);
        }
    };
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            step(!event.shift_key());
        }
    };
    let count = move || {
        let ((count, more), at) = (controls.count.get(), controls.at.get());
        if controls.query.with(String::is_empty) {
            String::new()
        } else if count == 0 {
            t().log.no_match()
        } else {
            let (at, count) = (format::count(at + 1), format::count(count));
            if more { t().log.most_matches(&at, &count) } else { t().log.matches(&at, &count) }
        }
    };
    view! {
        div(class="search log-search") {
            (icon(Glyph::Search))
            input(
                class="input",
                r#type="search",
                name="log_search",
                bind:value=controls.query,
                aria-label=move || t().log.search(),
                placeholder=move || t().log.search(),
                data-search="page",
                autocomplete="off",
                "spellcheck"="false",
                on:keydown=keys
            )
        }
        div(class="log-found", hidden=move || controls.query.with(String::is_empty)) {
            span(class="log-count", aria-live="polite") { (count()) }
            IconButton(glyph=Glyph::ChevronUp, label=move || t().log.previous(), on:click=move |_| step(false))
            IconButton(glyph=Glyph::ChevronDown, label=move || t().log.next(), on:click=move |_| step(true))
        }
    }
}
