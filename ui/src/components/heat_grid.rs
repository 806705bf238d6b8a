//! The heat grid: every node as one cell, by state and by how much of it is in use; from four nodes to ten thousand.
//!
//! Few nodes get tiles with their names; many get small cells whose shape still tells the state without its colour.
//! One cell takes part in the tab order; the arrow keys move between cells, Enter opens the node.
use slurmdash_api::cluster::Node;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::icon::icon;
use super::keyed::keyed_items;
use super::state_pill::{Mark, node_state_word};
use crate::i18n::format::{count, percent_of};
use crate::i18n::t;

/// How large a cell is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellSize {
    /// With name, state and bar.
    Tile,
    /// A square with its mark.
    Large,
    /// A small square.
    Small,
    /// As small as can still be told apart.
    Dot,
}

impl CellSize {
    /// The size at which `nodes` cells fill the width without filling the page.
    pub fn for_count(nodes: usize) -> Self {
        match nodes {
            0..=32 => Self::Tile,
            33..=256 => Self::Large,
            257..=2_000 => Self::Small,
            _ => Self::Dot,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tile => "tile",
            Self::Large => "large",
            Self::Small => "small",
            Self::Dot => "dot",
        }
    }
}

/// Where an arrow key leads in a grid of `count` cells in rows of `columns`; `None` when there is nothing there.
pub fn neighbour(index: usize, key: &str, columns: usize, count: usize) -> Option<usize> {
    let columns = columns.max(1);
    let target = match key {
        "ArrowRight" => index + 1,
        "ArrowLeft" => index.checked_sub(1)?,
        "ArrowDown" => index + columns,
        "ArrowUp" => index.checked_sub(columns)?,
        "Home" => 0,
        "End" => count.checked_sub(1)?,
        _ => return None,
    };
    (target < count).then_some(target)
}

/// How full a cell is drawn: 0 to 4 quarters of its cores.
fn quarters(node: &Node) -> u64 {
    let percent = percent_of(u64::from(node.cpus_allocated), u64::from(node.cpus));
    if percent == 0 { 0 } else { (percent / 25).max(1) }
}

/// Props of [`HeatGrid`].
#[derive(Props)]
pub struct HeatGridProps {
    /// The nodes, in order.
    #[prop(setter(into))]
    nodes: MaybeDyn<Vec<Node>>,
    /// Where a node's cell leads, by its name.
    href: fn(&str) -> String,
    /// Draw squares even for few nodes: beside other things.
    #[prop(default)]
    dense: bool,
}

fn cores_in_use(node: &Node) -> String {
    let (used, all) = (node.cpus_allocated as usize, node.cpus as usize);
    t().common.used_of(&count(used), &count(all))
}

/// What only a tile has: name, words and bar.
fn tile(node: Signal<Node>) -> View {
    let share = move || node.with(|node| percent_of(node.cpus_allocated.into(), node.cpus.into()));
    view! {
        span(class="cell-name") { (node.with(|node| node.name.clone())) }
        span(class="cell-words") {
            span { (node.with(|node| node_state_word(node.state))) }
            span { (node.with(|node| format!("{}/{}", node.cpus_allocated, node.cpus))) }
        }
        svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
            rect(class="meter-track", width="100%", height="100%", rx="2")
            rect(class="meter-fill", width=move || format!("{}%", share()), height="100%", rx="2")
        }
    }
}

fn cell(node: Signal<Node>, size: CellSize, is_first: bool, href: fn(&str) -> String) -> View {
    let mark = create_selector(move || node.with(|node| Mark::of_node(node.state)));
    let label = create_selector(move || {
        node.with(|node| t().nodes.cell(&node.name, &node_state_word(node.state), &cores_in_use(node)))
    });
    let picture = move || View::from_dynamic(move || icon(mark.get().glyph()));
    let inside = match size {
        CellSize::Tile => view! { (picture()) (tile(node)) },
        CellSize::Large => picture(),
        CellSize::Small | CellSize::Dot => View::new(),
    };
    view! {
        a(
            class="cell",
            href=move || node.with(|node| href(&node.name)),
            data-mark=move || mark.get().name(),
            data-fill=move || node.with(quarters).to_string(),
            // A tile says it all in its own words.
            aria-label=move || (size != CellSize::Tile).then(|| label.get_clone()),
            title=move || label.get_clone(),
            tabindex=if is_first { "0" } else { "-1" }
        ) { (inside) }
    }
}

fn move_focus(event: &KeyboardEvent) {
    let Some(grid) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        return;
    };
    let Some(cell) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    let cells = grid.children();
    let at = |index: u32| cells.item(index).and_then(|cell| cell.dyn_into::<HtmlElement>().ok());
    let top = |index: u32| at(index).map(|cell| cell.offset_top());
    let count = cells.length();
    let columns = (1..count).find(|&index| top(index) != top(0)).unwrap_or(count);
    let here = (0..count).find(|&index| at(index).as_ref() == Some(&cell));
    let target = here
        .and_then(|here| neighbour(here as usize, &event.key(), columns as usize, count as usize))
        .and_then(|index| u32::try_from(index).ok())
        .and_then(at);
    if let Some(target) = target {
        event.prevent_default();
        let _ = cell.set_attribute("tabindex", "-1");
        let _ = target.set_attribute("tabindex", "0");
        let _ = target.focus();
    }
}

/// The heat grid.
#[component]
pub fn HeatGrid(props: HeatGridProps) -> View {
    let HeatGridProps { nodes, href, dense } = props;
    let (keys, items) = keyed_items(move || nodes.get_clone(), |node| &node.name);
    let size = create_selector(move || match CellSize::for_count(keys.with(Vec::len)) {
        CellSize::Tile if dense => CellSize::Large,
        size => size,
    });
    view! {
        div(
            class="heat",
            data-size=move || size.get().name(),
            role="group",
            aria-label=move || t().nodes.grid_label(),
            on:keydown=|event: KeyboardEvent| move_focus(&event)
        ) {
            ({
                // Another size draws every cell anew; otherwise cells come, go and change one by one.
                let (size, items) = (size.get(), items.clone());
                let first = keys.with_untracked(|keys| keys.first().cloned());
                view! {
                    Keyed(
                        list=keys,
                        key=Clone::clone,
                        view=move |key: String| {
                            let is_first = first.as_ref() == Some(&key);
                            items.get(&key).map_or_else(View::new, |node| cell(node, size, is_first, href))
                        }
                    )
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_shrink_as_nodes_grow() {
        assert_eq!(CellSize::for_count(6), CellSize::Tile);
        assert_eq!(CellSize::for_count(200), CellSize::Large);
        assert_eq!(CellSize::for_count(1_000), CellSize::Small);
        assert_eq!(CellSize::for_count(10_000), CellSize::Dot);
    }

    #[test]
    fn arrows_stay_inside_the_grid() {
        // 7 cells in rows of 3: the last row has one.
        assert_eq!(neighbour(0, "ArrowLeft", 3, 7), None);
        assert_eq!(neighbour(0, "ArrowRight", 3, 7), Some(1));
        assert_eq!(neighbour(1, "ArrowDown", 3, 7), Some(4));
        assert_eq!(neighbour(4, "ArrowDown", 3, 7), None);
        assert_eq!(neighbour(3, "ArrowDown", 3, 7), Some(6));
        assert_eq!(neighbour(4, "ArrowUp", 3, 7), Some(1));
        assert_eq!(neighbour(4, "End", 3, 7), Some(6));
        assert_eq!(neighbour(4, "Tab", 3, 7), None);
        assert_eq!(neighbour(0, "End", 3, 0), None);
    }
}
