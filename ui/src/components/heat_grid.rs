//! The heat grid: every node as one cell, by state and by how much of it is in use; from four nodes to ten thousand.
//!
//! Few nodes get tiles with their names; many get small cells whose shape still tells the state without its colour.
//! One cell takes part in the tab order; the arrow keys move between cells, Enter opens the node.
use slurmdash_api::cluster::Node;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::icon::icon;
use super::state_pill::{Mark, node_state_word};
use crate::i18n::format::{count, percent_of};
use crate::i18n::t;
use crate::router::path_with;

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
    /// Draw small cells even for few nodes: beside other things.
    #[prop(default)]
    dense: bool,
}

fn cell(node: &Node, size: CellSize, first: bool) -> View {
    let used = t().common.used_of(&count(node.cpus_allocated as usize), &count(node.cpus as usize));
    let label = t().nodes.cell(&node.name, &node_state_word(node.state), &used);
    let mark = Mark::of_node(node.state);
    let inside = match size {
        CellSize::Tile => {
            let share = percent_of(u64::from(node.cpus_allocated), u64::from(node.cpus));
            let (name, word) = (node.name.clone(), node_state_word(node.state));
            let (cores, width) = (format!("{}/{}", node.cpus_allocated, node.cpus), format!("{share}%"));
            let picture = icon(mark.glyph());
            view! {
                span(class="cell-head") {
                    (picture)
                    span(class="cell-name") { (name) }
                }
                span(class="cell-words") {
                    span { (word) }
                    span { (cores) }
                }
                svg(class="meter-bar", aria-hidden="true", preserveAspectRatio="none") {
                    rect(class="meter-track", width="100%", height="100%", rx="2")
                    rect(class="meter-fill", width=width, height="100%", rx="2")
                }
            }
        }
        CellSize::Large => icon(mark.glyph()),
        CellSize::Small | CellSize::Dot => view! {},
    };
    let href = path_with("/nodes", &[("node", &node.name)]);
    let (mark, fill, title) = (mark.name(), quarters(node).to_string(), label.clone());
    view! {
        a(
            class="cell",
            href=href,
            data-mark=mark,
            data-fill=fill,
            aria-label=label,
            title=title,
            tabindex=if first { "0" } else { "-1" }
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
    let HeatGridProps { nodes, dense } = props;
    let size = move |count: usize| match CellSize::for_count(count) {
        CellSize::Tile if dense => CellSize::Large,
        size => size,
    };
    let for_size = nodes.clone();
    view! {
        div(
            class="heat",
            data-size=move || size(for_size.get_clone().len()).name(),
            role="group",
            aria-label=move || t().nodes.grid_label(),
            on:keydown=|event: KeyboardEvent| move_focus(&event)
        ) {
            ({
                let nodes = nodes.get_clone();
                let size = size(nodes.len());
                nodes.iter().enumerate().map(|(index, node)| cell(node, size, index == 0)).collect::<Vec<_>>()
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
