//! The log view: a program's output as it grows. Follows the end, can be paused, wrapped, searched and copied.
//!
//! What escape sequences mean is decided in `terminal`. Where the output comes from is the page's business: it feeds a
//! [`Log`]. Lines go into the document one by one and stay there, so a long output costs nothing while it grows.
mod lines;
mod terminal;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use self::lines::Lines;
use self::terminal::{MOST_LINES, Terminal};
use super::button::IconButton;
use super::icon::{Glyph, icon};
use super::{Text, no_text};
use crate::browser;
use crate::i18n::{format, t};

/// Pixels from the end that still count as being at the end.
const NEAR_END: i32 = 24;

/// Output to be shown; clones are the same output.
#[derive(Clone)]
pub struct Log {
    terminal: Rc<RefCell<Terminal>>,
    /// Counts outputs: another one begins when the old one is thrown away.
    generation: Rc<Cell<usize>>,
    version: Signal<usize>,
    skipped: Signal<u64>,
}

impl Log {
    /// Empty as yet; lives as long as the current scope.
    pub fn new() -> Self {
        Self {
            terminal: Rc::default(),
            generation: Rc::default(),
            version: create_signal(0),
            skipped: create_signal(0),
        }
    }

    /// Adds what the program wrote next.
    pub fn feed(&self, text: &str) {
        if !text.is_empty() {
            self.terminal.borrow_mut().feed(text);
            self.version.update(|version| *version += 1);
        }
    }

    /// Begins anew, with an output whose first `skipped` bytes are left out.
    pub fn restart(&self, skipped: u64) {
        *self.terminal.borrow_mut() = Terminal::default();
        self.generation.set(self.generation.get() + 1);
        self.skipped.set(skipped);
        self.version.update(|version| *version += 1);
    }

    fn is_empty(&self) -> bool {
        self.version.track();
        self.terminal.borrow().is_empty()
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

/// Props of [`LogView`].
#[derive(Props)]
pub struct LogViewProps {
    /// What is written here, for screen readers.
    #[prop(setter(into))]
    label: Text,
    /// The output.
    log: Log,
    /// What to say while there is none.
    #[prop(setter(into))]
    placeholder: Text,
    /// How the output arrives, in a word or two.
    #[prop(default = no_text(), setter(into))]
    status: Text,
}

/// How the person wants to see it.
#[derive(Clone, Copy)]
struct Controls {
    follow: Signal<bool>,
    paused: Signal<bool>,
    wrap: Signal<bool>,
    query: Signal<String>,
    /// Numbers of the lines that match, and which of them is the current one.
    matches: Signal<Vec<usize>>,
    at: Signal<usize>,
}

/// A log view.
#[component]
pub fn LogView(props: LogViewProps) -> View {
    let LogViewProps { label, log, placeholder, status } = props;
    let controls = Controls {
        follow: create_signal(true),
        paused: create_signal(false),
        wrap: create_signal(true),
        query: create_signal(String::new()),
        matches: create_signal(Vec::new()),
        at: create_signal(0),
    };
    let frame = create_node_ref();
    let body = create_node_ref();
    let element = move |node: NodeRef| node.try_get().and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let lines = Rc::new(RefCell::new(Lines::default()));
    let waiting = create_signal(0_usize);

    on_mount({
        let (log, lines) = (log.clone(), lines.clone());
        move || {
            create_effect(move || {
                log.version.track();
                let (paused, follow) = (controls.paused.get(), controls.follow.get());
                let (Some(frame), Some(body)) = (element(frame), element(body)) else {
                    return;
                };
                let terminal = log.terminal.borrow();
                let mut lines = lines.borrow_mut();
                if paused {
                    waiting.set(terminal.end().saturating_sub(lines.end()));
                    return;
                }
                waiting.set(0);
                lines.show(&body, &terminal, log.generation.get());
                // New lines are without their marks yet.
                controls.matches.with_untracked(|matches| {
                    let current = matches.get(controls.at.get_untracked()).copied();
                    lines.mark(&body, matches, current);
                });
                if follow {
                    frame.set_scroll_top(frame.scroll_height());
                }
            });
        }
    });
    search(&log, controls, lines, move || element(body));

    let scrolled = move |_: web_sys::Event| {
        if let Some(frame) = element(frame) {
            let from_end = frame.scroll_height() - frame.scroll_top() - frame.client_height();
            let at_end = from_end <= NEAR_END;
            if controls.follow.get_untracked() != at_end && !controls.paused.get_untracked() {
                controls.follow.set(at_end);
            }
        }
    };
    let is_empty = {
        let log = log.clone();
        create_selector(move || log.is_empty())
    };
    let cut = {
        let log = log.clone();
        create_selector(move || cut_words(&log))
    };
    view! {
        section(class="log", data-wrap=move || controls.wrap.get().then_some("")) {
            (toolbar(&log, controls, status.clone()))
            p(class="log-note", hidden=move || !controls.paused.get()) {
                (t().log.paused(&format::count(waiting.get())))
            }
            p(class="log-note", hidden=move || cut.with(String::is_empty)) { (cut.get_clone()) }
            div(
                class="log-frame",
                r#ref=frame,
                role="log",
                aria-live="off",
                aria-label=move || label.get_clone(),
                tabindex="0",
                on:scroll=scrolled
            ) {
                div(class="log-lines", r#ref=body, hidden=move || is_empty.get())
                p(class="log-empty", hidden=move || !is_empty.get()) { (placeholder.get_clone()) }
            }
        }
    }
}

/// What was left out at the beginning, if anything.
fn cut_words(log: &Log) -> String {
    log.version.track();
    let skipped = log.skipped.get();
    if log.terminal.borrow().first() > 0 {
        t().log.lines_cut(&format::count(MOST_LINES))
    } else if skipped > 0 {
        t().log.earlier_cut(&format::bytes(skipped))
    } else {
        String::new()
    }
}

/// Keeps the matches of the query up to date and marks them.
fn search(
    log: &Log,
    controls: Controls,
    lines: Rc<RefCell<Lines>>,
    body: impl Fn() -> Option<HtmlElement> + Copy + 'static,
) {
    let log = log.clone();
    let found = lines.clone();
    create_effect(move || {
        log.version.track();
        let query = controls.query.get_clone().to_lowercase();
        let matches = if query.is_empty() {
            Vec::new()
        } else {
            let terminal = log.terminal.borrow();
            (terminal.first()..terminal.end())
                .filter(|number| terminal.text(*number).to_lowercase().contains(&query))
                .collect()
        };
        if controls.matches.with_untracked(|before| *before != matches) {
            controls.matches.set(matches);
        }
    });
    create_effect(move || {
        controls.query.track();
        controls.at.set(0);
    });
    let mut reached = None;
    create_effect(move || {
        let current = controls.matches.with(|matches| matches.get(controls.at.get()).copied());
        let moved = std::mem::replace(&mut reached, current) != current;
        let Some(body) = body() else { return };
        controls.matches.with(|matches| found.borrow().mark(&body, matches, current));
        if let Some(number) = current.filter(|_| moved) {
            // Following on would take the match out of sight again.
            controls.follow.set(false);
            if let Some(line) = lines.borrow().element(&body, number) {
                line.scroll_into_view_with_bool(false);
            }
        }
    });
}

fn toolbar(log: &Log, controls: Controls, status: Text) -> View {
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
    let step = move |forward: bool| {
        let count = controls.matches.with_untracked(Vec::len);
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
        let (matches, at) = (controls.matches.with(Vec::len), controls.at.get());
        if controls.query.with(String::is_empty) {
            String::new()
        } else if matches == 0 {
            t().log.no_match()
        } else {
            t().log.matches(&format::count(at + 1), &format::count(matches))
        }
    };
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
        }
    }
}
