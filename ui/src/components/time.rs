//! Points in time: told from now, with the exact one on hover, and moving on by themselves.
use std::cell::Cell;

use slurmdash_api::UnixSeconds;
use sycamore::prelude::*;

use crate::browser;
use crate::i18n::format;

thread_local! {
    static TICK: Cell<Option<Signal<i64>>> = const { Cell::new(None) };
}

/// Starts the clock that ages every shown time, once a second. Called once, in the root scope.
pub fn start() {
    let tick = create_signal(browser::now());
    TICK.set(Some(tick));
    browser::every(1_000, move || tick.set(browser::now()));
}

/// Now, Unix seconds; tracked, and a second old at most.
pub fn now() -> UnixSeconds {
    TICK.get().map_or_else(browser::now, |tick| tick.get())
}

/// `3 minutes ago`, with the exact time on hover. A dash when there is no time.
pub fn time_ago(time: Option<UnixSeconds>) -> View {
    let Some(time) = time else {
        return view! { span(class="absent") { "–" } };
    };
    // Rewritten only when the words change, not every second.
    let words = create_selector(move || {
        now();
        format::relative_time(time)
    });
    view! { time(title=move || format::exact_time(time)) { (words.get_clone()) } }
}
