//! Toasts: what just happened, said in passing, with a way back where there is one.
//!
//! Any code may call [`toast`]; the frame shows them with [`Toasts`]. Errors that need reading are not toasts: they
//! stand in the page, where they happened.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sycamore::prelude::*;

use super::banner::Tone;
use super::button::IconButton;
use super::icon::{Glyph, icon};
use crate::browser;
use crate::i18n::t;

/// How long a toast stays, milliseconds: long enough to read it and to press Undo.
const STAY: i32 = 6_000;

type Undo = Rc<dyn Fn()>;

#[derive(Clone)]
struct Entry {
    id: u32,
    tone: Tone,
    text: String,
    undo: Option<Undo>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

thread_local! {
    static ENTRIES: Cell<Option<Signal<Vec<Entry>>>> = const { Cell::new(None) };
    static NEXT_ID: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Says what just happened.
pub fn toast(tone: Tone, text: impl Into<String>) {
    show(tone, text.into(), None);
}

/// Says what just happened, with a button that takes it back.
pub fn toast_with_undo(tone: Tone, text: impl Into<String>, undo: impl Fn() + 'static) {
    show(tone, text.into(), Some(Rc::new(undo)));
}

fn show(tone: Tone, text: String, undo: Option<Undo>) {
    let id = NEXT_ID.replace(NEXT_ID.get() + 1);
    let entry = Entry { id, tone, text, undo };
    match ENTRIES.get() {
        Some(entries) => {
            entries.update(|entries| entries.push(entry));
            browser::after(STAY, move || remove(id));
        }
        None => WAITING.with_borrow_mut(|waiting| waiting.push(entry)),
    }
}

fn remove(id: u32) {
    if let Some(entries) = ENTRIES.get() {
        entries.update(|entries| entries.retain(|entry| entry.id != id));
    }
}

/// The place where toasts appear; once, in the frame.
#[component]
pub fn Toasts() -> View {
    let entries = create_signal(Vec::new());
    ENTRIES.set(Some(entries));
    for entry in WAITING.take() {
        show(entry.tone, entry.text, entry.undo);
    }
    view! {
        div(class="toasts", role="status", aria-live="polite", aria-label=move || t().shell.notifications()) {
            Keyed(
                list=entries,
                key=|entry| entry.id,
                view=|entry| {
                    let id = entry.id;
                    let undo = entry.undo.map_or_else(View::new, |undo| view! {
                        button(class="button button-ghost", r#type="button", on:click=move |_| { undo(); remove(id); }) {
                            (t().common.undo())
                        }
                    });
                    view! {
                        div(class="toast", data-tone=entry.tone.name()) {
                            (icon(entry.tone.glyph()))
                            p { (entry.text) }
                            (undo)
                            IconButton(glyph=Glyph::X, label=move || t().shell.dismiss(), on:click=move |_| remove(id))
                        }
                    }
                }
            )
        }
    }
}
