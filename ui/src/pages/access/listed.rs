//! What was read, as a table.
use std::rc::Rc;

use serde::de::DeserializeOwned;
use sycamore::prelude::*;

use crate::client::reading::Reading;
use crate::components::{Column, LoadProblem, Row, Table};

/// The table, and why it can't be read; only the latter as long as there is nothing to show.
#[component(inline_props)]
pub fn Listed<T: DeserializeOwned + 'static>(
    list: Reading<T>,
    label: fn() -> String,
    columns: Rc<dyn Fn() -> Vec<Column>>,
    rows: ReadSignal<Vec<Row>>,
    empty: Rc<dyn Fn() -> View>,
) -> View {
    let value = list.remote.value();
    let loading = create_selector(move || value.with(Option::is_none));
    let failed = create_selector(move || {
        let (problem, none) = (list.remote.problem().with(Option::is_some), value.with(Option::is_none));
        problem && none
    });
    let retry: Rc<dyn Fn()> = Rc::new(move || list.reload());
    view! {
        LoadProblem(problem=list.remote.problem(), retry=retry)
        (if failed.get() {
            view! {}
        } else {
            let (columns, empty) = (columns(), empty.clone());
            view! { Table(label=label, columns=columns, rows=rows, loading=loading, empty=empty) }
        })
    }
}
