//! What stands around a list that is read page by page.
use std::rc::Rc;

use sycamore::prelude::*;

use crate::client::paged::{CursorPage, Paged};
use crate::components::{Banner, Button, Glyph, IconButton, LoadProblem, Tone, problem_words};
use crate::i18n::t;

/// Over a list: why it could not be read. What was read before stays in sight.
pub fn list_problem<P: CursorPage>(list: Paged<P>) -> View {
    let retry: Rc<dyn Fn()> = Rc::new(move || list.reload());
    view! { LoadProblem(problem=list.page.problem(), retry=retry) }
}

/// The button that reads it again, for lists whose news do not come by themselves.
pub fn reload_button<P: CursorPage>(list: Paged<P>) -> View {
    view! {
        IconButton(glyph=Glyph::RotateCw, label=move || t().common.reload(), on:click=move |_| list.reload())
    }
}

/// Under a list: the button for what comes after it. A filter may have found nothing so far and still find more; then
/// `searched` says so.
pub fn more_rows<P: CursorPage>(list: Paged<P>, more: fn() -> String, searched: fn() -> String) -> View {
    let state = create_selector(move || {
        let page = list.page.value();
        page.with(|page| page.as_ref().map(|page| (page.next().is_some(), page.count() == 0)))
    });
    view! {
        (match list.stuck.get_clone() {
            Some(error) => view! {
                Banner(tone=Tone::Error, title=move || t().common.load_failed()) { (problem_words(&error)) }
            },
            None => view! {},
        })
        (match state.get() {
            Some((true, none_yet)) => view! {
                div(class="more-rows") {
                    (if none_yet { view! { p(class="card-note") { (searched()) } } } else { view! {} })
                    Button(busy=list.reading_on, on:click=move |_| list.read_on()) { (more()) }
                }
            },
            _ => view! {},
        })
    }
}

/// Whether a list has come to its end without a row: only then it is empty.
pub fn is_empty<P: CursorPage>(list: Paged<P>) -> bool {
    let (busy, page) = (list.busy.get(), list.page.value());
    !busy && page.with(|page| page.as_ref().is_some_and(|page| page.count() == 0 && page.next().is_none()))
}
