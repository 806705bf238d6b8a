//! The pages, one module each. A page reads its data from the client, keeps its filters in the URL, and is made of
//! components; `app.rs` decides which one is shown.

pub mod dashboard;
pub mod gallery;
pub mod job;
pub mod jobs;
pub mod login;
pub mod new_job;
pub mod nodes;
pub mod not_found;
pub mod template;
pub mod templates;

use sycamore::prelude::*;

/// Where a page is that shows a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has arrived yet.
    Loading,
    /// It arrived, and there is nothing in it to show.
    Empty,
    /// There is something to show.
    Ready,
}

/// Where a page is, from what arrived and from what of it is shown. One signal rather than two: a view that first asks
/// the one and then the other can miss a change (`components/mod.rs` says why).
pub fn phase<T, U>(arrived: ReadSignal<Option<T>>, shown: ReadSignal<Vec<U>>) -> ReadSignal<Phase> {
    create_selector(move || match (arrived.with(Option::is_some), shown.with(Vec::is_empty)) {
        (false, _) => Phase::Loading,
        (true, true) => Phase::Empty,
        (true, false) => Phase::Ready,
    })
}
