//! The table: sticky header, sorting kept in the URL, rows that are links, arrow keys between rows, cards on a phone.
//!
//! Pages describe rows as data ([`Row`] of [`Cell`]s); a row is drawn once, and afterwards only its cells that changed,
//! so live updates neither flicker nor take the focus away.
use std::rc::Rc;

use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::NodeState;
use slurmdash_api::jobs::JobState;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::Text;
use super::icon::{Glyph, icon};
use super::keyed::keyed_items;
use super::selection::Selection;
use super::skeleton::Skeleton;
use super::state_pill::{JobStatePill, NodeStatePill};
use super::time::time_ago;
use crate::i18n::format::percent_of;
use crate::i18n::t;
use crate::router::{query_value, set_query};

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The word for it in the URL's `sort`; empty when the list can't be sorted by it.
    pub sort: &'static str,
    /// Its heading in the current language.
    pub label: fn() -> String,
    /// Numbers stand at the right.
    pub numeric: bool,
}

impl Column {
    /// A column of words that can't be sorted by.
    pub const fn new(label: fn() -> String) -> Self {
        Self { sort: "", label, numeric: false }
    }

    /// Makes the list sortable by it, under this word.
    pub const fn sorted_as(mut self, sort: &'static str) -> Self {
        self.sort = sort;
        self
    }

    /// Sets it to the right.
    pub const fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }
}

/// Draws a cell that no other variant of [`Cell`] can.
pub type DrawCell = Rc<dyn Fn() -> View>;

/// What stands in one cell.
#[derive(Clone)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, already written.
    Number(String),
    /// An id, a path: monospace.
    Mono(String),
    /// A job's state.
    Job(JobState),
    /// A node's state.
    Node(NodeState),
    /// A point in time.
    Time(Option<UnixSeconds>),
    /// How much is in use of how much there is, with the words for it.
    Share(u64, u64, String),
    /// Anything else. It is drawn anew when its first part changes.
    Custom(String, DrawCell),
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) | (Self::Number(a), Self::Number(b)) | (Self::Mono(a), Self::Mono(b)) => {
                a == b
            }
            (Self::Job(a), Self::Job(b)) => a == b,
            (Self::Node(a), Self::Node(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Share(used, total, words), Self::Share(used2, total2, words2)) => {
                (used, total, words) == (used2, total2, words2)
            }
            (Self::Custom(a, _), Self::Custom(b, _)) => a == b,
            _ => false,
        }
    }
}

/// One row.
#[derive(Clone, PartialEq, Default)]
pub struct Row {
    /// What tells it from every other row.
    pub key: String,
    /// Where it leads; its first cell is the link and the whole row can be clicked.
    pub href: Option<String>,
    /// As many cells as there are columns.
    pub cells: Vec<Cell>,
    /// What its box is called, in a table whose rows can be chosen; without it this one can't be.
    pub chosen_as: Option<String>,
    /// It belongs to the row above it.
    pub is_part: bool,
}

/// How a list is sorted, as the URL and the server write it: `name`, or `-name` for the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortOrder {
    /// A column's word.
    pub key: String,
    /// Largest first.
    pub descending: bool,
}

impl SortOrder {
    /// Reads `name` or `-name`.
    pub fn parse(text: &str) -> Self {
        let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
        Self { key: key.to_owned(), descending }
    }

    /// What the header's button asks for next: up, then down, then the list's own order again (empty).
    pub fn after_press(&self, key: &str) -> String {
        match (self.key == key, self.descending) {
            (false, _) => key.to_owned(),
            (true, false) => format!("-{key}"),
            (true, true) => String::new(),
        }
    }
}

/// Props of [`Table`].
#[derive(Props)]
pub struct TableProps {
    /// What is listed, for screen readers.
    #[prop(setter(into))]
    label: Text,
    /// The columns.
    columns: Vec<Column>,
    /// The rows, sorted already.
    #[prop(setter(into))]
    rows: MaybeDyn<Vec<Row>>,
    /// Nothing is known yet.
    #[prop(default = MaybeDyn::Static(false), setter(into))]
    loading: MaybeDyn<bool>,
    /// Stands in place of the rows when there are none.
    #[prop(default = Rc::new(View::new))]
    empty: DrawCell,
    /// Rows can be chosen.
    #[prop(default, setter(strip_option))]
    selection: Option<Selection>,
}

/// A table.
#[component]
pub fn Table(props: TableProps) -> View {
    let TableProps { label, columns, rows, loading, empty, selection } = props;
    let (loading_now, for_empty) = (loading.clone(), rows.clone());
    let is_empty = create_selector(move || {
        // Both are read whatever the first one says: see the module's note in components/mod.rs.
        let (loading, none) = (loading_now.get(), for_empty.get_clone().is_empty());
        none && !loading
    });
    let for_choice = rows.clone();
    let choices = create_selector(move || -> Vec<String> {
        let rows = for_choice.get_clone();
        rows.into_iter().filter(|row| row.chosen_as.is_some()).map(|row| row.key).collect()
    });
    let (keys, items) = keyed_items(move || rows.get_clone(), |row| &row.key);
    let heads: Vec<View> = selection
        .map(|selection| selection.head(choices))
        .into_iter()
        .chain(columns.iter().map(|&column| head(column)))
        .collect();
    if let Some(selection) = selection {
        create_effect(move || selection.keep(&choices.get_clone()));
    }
    let touching = create_selector(move || selection.is_some_and(|selection| selection.touching().get()));
    let pressed = move |event: KeyboardEvent| {
        if let Some(selection) = selection {
            choose_by_key(&event, selection, &choices.get_clone_untracked());
        }
        move_between_rows(&event);
    };
    view! {
        div(class="table-frame", data-touching=move || touching.get().then_some("")) {
            table(class="table", role="table", aria-label=move || label.get_clone()) {
                thead(role="rowgroup") { tr(role="row") { (heads) } }
                tbody(role="rowgroup", on:keydown=pressed) {
                    Keyed(
                        list=keys,
                        key=Clone::clone,
                        view=move |key: String| {
                            let choice = selection.map(|selection| (selection, choices));
                            items.get(&key).map_or_else(View::new, |row| draw_row(row, &columns, choice))
                        }
                    )
                }
            }
            (if loading.get() { view! { Skeleton(lines=5, shape="row") } } else { view! {} })
            (if is_empty.get() { empty() } else { view! {} })
        }
    }
}

fn head(column: Column) -> View {
    let class = if column.numeric { "numeric" } else { "" };
    if column.sort.is_empty() {
        return view! { th(class=class, role="columnheader", scope="col") { ((column.label)()) } };
    }
    let sort = query_value("sort");
    let order = create_selector(move || {
        let order = SortOrder::parse(&sort.get_clone());
        (order.key == column.sort).then_some(order.descending)
    });
    let press = move |_| {
        let next = SortOrder::parse(&sort.get_clone_untracked()).after_press(column.sort);
        set_query(&[("sort", &next), ("page", "")]);
    };
    view! {
        th(
            class=class,
            role="columnheader",
            scope="col",
            aria-sort=move || order.get().map(|descending| if descending { "descending" } else { "ascending" })
        ) {
            button(class="sort", r#type="button", title=move || t().common.sort_by(&(column.label)()), on:click=press) {
                span { ((column.label)()) }
                (icon(match order.get() {
                    Some(true) => Glyph::ArrowDown,
                    Some(false) => Glyph::ArrowUp,
                    None => Glyph::ChevronsUpDown,
                }))
            }
        }
    }
}

fn draw_row(row: Signal<Row>, columns: &[Column], choice: Option<(Selection, ReadSignal<Vec<String>>)>) -> View {
    let cells: Vec<View> = columns
        .iter()
        .enumerate()
        .map(|(index, &column)| {
            let cell = create_selector(move || row.with(|row| row.cells.get(index).cloned()));
            let href = create_selector(move || row.with(|row| row.href.clone()).filter(|_| index == 0));
            let class = match (index, column.numeric) {
                (0, _) => "row-head",
                (_, true) => "numeric",
                (_, false) => "",
            };
            view! {
                td(class=class, role="cell", data-label=move || (column.label)()) {
                    (match (cell.get_clone(), href.get_clone()) {
                        (Some(cell), Some(href)) => {
                            let content = draw_cell(cell);
                            view! { a(class="row-link", href=href) { (content) } }
                        }
                        (Some(cell), None) => draw_cell(cell),
                        (None, _) => view! {},
                    })
                }
            }
        })
        .collect();
    let Some((selection, choices)) = choice else {
        return view! { tr(role="row") { (cells) } };
    };
    let key = row.with_untracked(|row| row.key.clone());
    let (own, shown) = (key.clone(), key.clone());
    let label = create_selector(move || row.with(|row| row.chosen_as.clone()));
    let is_part = create_selector(move || row.with(|row| row.is_part));
    let chosen = create_selector(move || selection.has(&own));
    view! {
        tr(
            role="row",
            data-key=shown,
            data-part=move || is_part.get().then_some(""),
            data-chosen=move || chosen.get().then_some("")
        ) {
            (selection.cell(key.clone(), label.get_clone().map(Into::into), choices))
            (cells)
        }
    }
}

fn draw_cell(cell: Cell) -> View {
    match cell {
        Cell::Text(text) | Cell::Number(text) => text.into(),
        Cell::Mono(text) => view! { span(class="mono") { (text) } },
        Cell::Job(state) => view! { JobStatePill(state=state) },
        Cell::Node(state) => view! { NodeStatePill(state=state) },
        Cell::Time(time) => time_ago(time),
        Cell::Share(used, total, words) => view! {
            span(class="share") {
                span { (words) }
                svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
                    rect(class="meter-track", width="100%", height="100%", rx="2")
                    rect(class="meter-fill", width=format!("{}%", percent_of(used, total)), height="100%", rx="2")
                }
            }
        },
        Cell::Custom(_, draw) => draw(),
    }
}

/// The space bar chooses the row that has the focus, and with the shift key everything from the last one to it.
fn choose_by_key(event: &KeyboardEvent, selection: Selection, choices: &[String]) {
    let link = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .filter(|element| event.key() == " " && element.class_list().contains("row-link"));
    let key = link.and_then(|link| link.closest("tr").ok().flatten()).and_then(|row| row.get_attribute("data-key"));
    let Some(key) = key else { return };
    event.prevent_default();
    if choices.contains(&key) {
        selection.press(&key, event.shift_key(), choices);
    }
}

/// Up and down lead from link to link; the others stay with the browser.
fn move_between_rows(event: &KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowDown" => Element::next_element_sibling,
        "ArrowUp" => Element::previous_element_sibling,
        _ => return,
    };
    let link = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|element| element.closest("tr").ok().flatten())
        .and_then(|row| step(&row))
        .and_then(|row| row.query_selector(".row-link").ok().flatten())
        .and_then(|link| link.dyn_into::<HtmlElement>().ok());
    if let Some(link) = link {
        event.prevent_default();
        let _ = link.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_sorts_up_then_down_then_not() {
        let order = SortOrder::parse("");
        assert_eq!(order.after_press("name"), "name");
        assert_eq!(SortOrder::parse("name").after_press("name"), "-name");
        assert_eq!(SortOrder::parse("-name").after_press("name"), "");
        assert_eq!(SortOrder::parse("-name").after_press("state"), "state");
    }
}
