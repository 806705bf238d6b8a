//! The log view: a program's output as it grows. Follows the end, can be paused, wrapped, searched and copied.
//!
//! What escape sequences mean is decided in `terminal`, where a text occurs in `found`. Where the output comes from is
//! the page's business: it feeds a [`Log`]. What arrives between two frames of the browser is drawn at once, and lines
//! stay in the document, so a long output costs nothing while it grows.
mod found;
mod lines;
mod terminal;
mod tools;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use self::found::Found;
use self::lines::{Lines, Marks};
use self::terminal::{MOST_LINES, Terminal};
use self::tools::toolbar;
use super::{Text, no_text};
use crate::browser;
use crate::i18n::{format, t};

/// Pixels from the end that still count as being at the end.
const NEAR_END: i32 = 24;
/// Pixels of a line, about.
const LINE_PX: f64 = 24.0;

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

    /// Adds what stands before everything that is shown; `skipped` bytes are left out before that.
    pub fn feed_before(&self, text: &str, skipped: u64) {
        self.terminal.borrow_mut().feed_before(text);
        self.generation.set(self.generation.get() + 1);
        self.skipped.set(skipped);
        self.version.update(|version| *version += 1);
    }

    /// Begins anew, with an output whose first `skipped` bytes are left out.
    pub fn restart(&self, skipped: u64) {
        *self.terminal.borrow_mut() = Terminal::default();
        self.generation.set(self.generation.get() + 1);
        self.skipped.set(skipped);
        self.version.update(|version| *version += 1);
    }

    /// Bytes that are left out at the beginning.
    pub fn skipped(&self) -> u64 {
        self.skipped.get_untracked()
    }

    /// Whether there is something before what is shown, and room for it; tracked.
    fn has_earlier(&self) -> bool {
        self.version.track();
        self.skipped.get() > 0 && self.terminal.borrow().has_room_before()
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
    /// Reads what stands before what is shown.
    #[prop(default, setter(strip_option))]
    earlier: Option<Rc<dyn Fn()>>,
    /// That is being read.
    #[prop(default = MaybeDyn::Static(false), setter(into))]
    earlier_busy: MaybeDyn<bool>,
    /// Sends the whole output to the person's disk.
    #[prop(default, setter(strip_option))]
    download: Option<Rc<dyn Fn()>>,
}

/// How the person wants to see it.
#[derive(Clone, Copy)]
struct Controls {
    follow: Signal<bool>,
    paused: Signal<bool>,
    wrap: Signal<bool>,
    query: Signal<String>,
    /// How often the query was found, and whether there may be more.
    count: Signal<(usize, bool)>,
    /// Which of them is the current one.
    at: Signal<usize>,
    /// Lines that wait while it is paused.
    waiting: Signal<usize>,
}

/// What is in the document, and what is marked in it.
struct Screen {
    log: Log,
    controls: Controls,
    frame: NodeRef,
    body: NodeRef,
    lines: RefCell<Lines>,
    found: RefCell<Found>,
    /// The query that `found` is about.
    searched: RefCell<String>,
    /// The occurrence that is marked as the current one.
    marked: Cell<Option<usize>>,
    /// Whether the next frame of the browser draws.
    due: Cell<bool>,
    /// Height and place of the last look, pixels.
    scrolled: Cell<(i32, i32)>,
}

fn element(node: NodeRef) -> Option<HtmlElement> {
    node.try_get().and_then(|node| node.dyn_into().ok())
}

impl Screen {
    /// Draws with the browser's next frame.
    fn draw_soon(self: &Rc<Self>) {
        if !self.due.replace(true) {
            let this = Rc::downgrade(self);
            browser::next_frame(move || {
                if let Some(this) = this.upgrade() {
                    this.due.set(false);
                    this.draw();
                }
            });
        }
    }

    fn draw(&self) {
        let controls = self.controls;
        let (Some(frame), Some(body)) = (element(self.frame), element(self.body)) else {
            return;
        };
        if !controls.follow.is_alive() {
            return;
        }
        let terminal = self.log.terminal.borrow();
        let mut lines = self.lines.borrow_mut();
        let mut found = self.found.borrow_mut();
        let generation = self.log.generation.get();
        let paused = controls.paused.get_untracked() && lines.generation() == generation;
        let query = controls.query.get_clone_untracked();
        let asked_anew = *self.searched.borrow() != query;
        let another = lines.generation() != generation;
        let mut changed: Vec<usize> = Vec::new();
        if asked_anew || another {
            changed.extend(found.hits().iter().map(|hit| hit.line));
            found.search(&query);
            if asked_anew {
                controls.at.set(0);
            }
            self.searched.replace(query);
        }
        let end = if paused { lines.end() } else { terminal.end() };
        let gone = found.update(&terminal, end);
        if gone > 0 {
            controls.at.set(controls.at.get_untracked().saturating_sub(gone));
            self.marked.set(self.marked.get().map(|marked| marked.saturating_sub(gone)));
        }
        let at = controls.at.get_untracked();
        let marks = Marks { found: &found, at };
        let below = frame.scroll_height() - frame.scroll_top();
        if !paused {
            lines.show(&body, &terminal, generation, marks);
        }
        // Lines that were there before the question was asked.
        if asked_anew {
            changed.extend(found.hits().iter().map(|hit| hit.line));
        }
        let current = found.hits().get(at).map(|hit| hit.line);
        let moved = asked_anew || self.marked.get() != Some(at);
        if moved {
            let before = self.marked.replace(Some(at));
            changed.extend(before.and_then(|before| found.hits().get(before)).map(|hit| hit.line));
            changed.extend(current);
        }
        changed.sort_unstable();
        changed.dedup();
        for line in changed {
            lines.redraw(&body, &terminal, line, marks);
        }
        self.tell(&found, terminal.end().saturating_sub(end));
        self.place(&frame, &body, &lines, current.filter(|_| moved), another.then_some(below));
    }

    /// Says how much was found and how much waits.
    fn tell(&self, found: &Found, waiting: usize) {
        let controls = self.controls;
        let count = (found.hits().len(), found.is_cut());
        if controls.count.get_untracked() != count {
            controls.count.set(count);
        }
        if controls.waiting.get_untracked() != waiting {
            controls.waiting.set(waiting);
        }
    }

    /// Brings into sight what should be: the current occurrence, the end, or what was there before `below` pixels were
    /// drawn anew.
    fn place(
        &self,
        frame: &HtmlElement,
        body: &HtmlElement,
        lines: &Lines,
        current: Option<usize>,
        below: Option<i32>,
    ) {
        if let Some(line) = current.and_then(|line| lines.element(body, line)) {
            // Following on would take the occurrence out of sight again.
            self.controls.follow.set(false);
            bring_into_sight(frame, &line);
            // Blocks that come into sight are measured only then.
            let frame = frame.clone();
            browser::next_frame(move || bring_into_sight(&frame, &line));
        } else if self.controls.follow.get_untracked() {
            frame.set_scroll_top(frame.scroll_height());
        } else if let Some(below) = below {
            frame.set_scroll_top(frame.scroll_height() - below);
        }
        self.scrolled.set((frame.scroll_height(), frame.scroll_top()));
    }

    /// The person, or the browser, has scrolled.
    fn scroll(&self) {
        let Some(frame) = element(self.frame) else { return };
        let (height, top) = (frame.scroll_height(), frame.scroll_top());
        let (last_height, last_top) = self.scrolled.replace((height, top));
        let at_end = height - top - frame.client_height() <= NEAR_END;
        let follow = self.controls.follow;
        if at_end && !follow.get_untracked() && top > last_top {
            follow.set(true);
        } else if !at_end && follow.get_untracked() && height == last_height && top < last_top {
            follow.set(false);
        }
    }
}

/// Scrolls the log, and nothing around it, to a line.
fn bring_into_sight(frame: &HtmlElement, line: &Element) {
    let (frame_top, line_top) = (frame.get_bounding_client_rect().top(), line.get_bounding_client_rect().top());
    let height = f64::from(frame.client_height());
    let below = line_top - frame_top;
    if below < 0.0 || below > height - LINE_PX {
        let to = f64::from(frame.scroll_top()) + below - height / 2.0;
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
        frame.set_scroll_top(to.max(0.0) as i32);
    }
}

/// A log view.
#[component]
pub fn LogView(props: LogViewProps) -> View {
    let LogViewProps { label, log, placeholder, status, earlier, earlier_busy, download } = props;
    let controls = Controls {
        follow: create_signal(true),
        paused: create_signal(false),
        wrap: create_signal(true),
        query: create_signal(String::new()),
        count: create_signal((0, false)),
        at: create_signal(0),
        waiting: create_signal(0),
    };
    let screen = Rc::new(Screen {
        log: log.clone(),
        controls,
        frame: create_node_ref(),
        body: create_node_ref(),
        lines: RefCell::default(),
        found: RefCell::default(),
        searched: RefCell::default(),
        marked: Cell::default(),
        due: Cell::default(),
        scrolled: Cell::default(),
    });
    let (frame, body) = (screen.frame, screen.body);
    on_mount({
        let (log, screen) = (log.clone(), screen.clone());
        move || {
            create_effect(move || {
                log.version.track();
                controls.paused.track();
                controls.follow.track();
                controls.wrap.track();
                controls.query.track();
                controls.at.track();
                screen.draw_soon();
            });
        }
    });
    let is_empty = {
        let log = log.clone();
        create_selector(move || log.is_empty())
    };
    let cut = {
        let log = log.clone();
        create_selector(move || cut_words(&log))
    };
    let offers_earlier = {
        let (log, can) = (log.clone(), earlier.is_some());
        create_selector(move || log.has_earlier() && can)
    };
    let more = move || {
        if let Some(earlier) = &earlier {
            controls.follow.set(false);
            earlier();
        }
    };
    let (busy, busy_words) = (earlier_busy.clone(), earlier_busy);
    view! {
        section(class="log", data-wrap=move || controls.wrap.get().then_some("")) {
            (toolbar(&log, controls, status.clone(), download.clone()))
            p(class="log-note", hidden=move || !controls.paused.get()) {
                (t().log.paused(&format::count(controls.waiting.get())))
            }
            div(class="log-note", hidden=move || cut.with(String::is_empty)) {
                span { (cut.get_clone()) }
                button(
                    class="log-earlier",
                    r#type="button",
                    hidden=move || !offers_earlier.get(),
                    disabled=move || busy.get(),
                    on:click=move |_| more()
                ) { (if busy_words.get() { t().log.earlier_loading() } else { t().log.earlier() }) }
            }
            div(
                class="log-frame",
                r#ref=frame,
                role="log",
                aria-live="off",
                aria-label=move || label.get_clone(),
                tabindex="0",
                on:scroll=move |_: web_sys::Event| screen.scroll()
            ) {
                div(class="log-lines", r#ref=body, hidden=move || is_empty.get())
                p(class="log-empty", hidden=move || !is_empty.get()) { (placeholder.get_clone()) }
            }
            span(class="visually-hidden", role="status") {
                (if controls.follow.get() { t().log.following() } else { t().log.not_following() })
            }
        }
    }
}

/// What was left out at the beginning, if anything.
fn cut_words(log: &Log) -> String {
    log.version.track();
    let skipped = log.skipped.get();
    let terminal = log.terminal.borrow();
    if terminal.is_cut() {
        t().log.lines_cut(&format::count(terminal.count().min(MOST_LINES)))
    } else if skipped > 0 {
        t().log.earlier_cut(&format::bytes(skipped))
    } else {
        String::new()
    }
}
