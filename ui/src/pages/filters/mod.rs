//! Filters over a list that live in the URL: a text, a choice, a span of time.
mod span;

pub use span::{SpanFilter, span_of, this_minute};

use std::rc::Rc;

use sycamore::prelude::*;

use crate::client::clock::Timeout;
use crate::components::icon::{Glyph, icon};
use crate::router::{query_value, set_query};

/// How long typing must rest before the list is asked for, milliseconds.
const REST_MS: i32 = 250;

/// A text that lives in the URL: what is typed goes there when typing rests, and Back brings the old one back.
pub fn text_in_url(name: &'static str) -> Signal<String> {
    let stored = query_value(name);
    let typed = create_signal(stored.get_clone_untracked());
    let timer = create_signal(None::<Rc<Timeout>>);
    create_effect(move || {
        let stored = stored.get_clone();
        if typed.with_untracked(|typed| *typed != stored) {
            typed.set(stored);
        }
    });
    create_effect(move || {
        let value = typed.get_clone();
        if stored.with_untracked(|stored| *stored == value) {
            timer.set(None);
            return;
        }
        timer.set(Some(Rc::new(Timeout::new(REST_MS, move || {
            set_query(&[(name, &value), ("page", "")]);
        }))));
    });
    typed
}

/// A field for a text that lives in the URL; its label is its placeholder.
pub fn text_filter(name: &'static str, glyph: Glyph, label: fn() -> String) -> View {
    let value = text_in_url(name);
    view! {
        div(class="search filter-text") {
            (icon(glyph))
            input(
                class="input",
                r#type="search",
                name=name,
                bind:value=value,
                aria-label=label,
                placeholder=label,
                autocomplete="off",
                autocapitalize="none",
                "spellcheck"="false"
            )
        }
    }
}
