//! `/nodes`: every node as a grid or a table, filtered by state, partition and text, and one node's details at the
//! side. All of it is in the URL.
use std::cmp::Ordering;

use slurmdash_api::cluster::{Node, NodeState};
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::state_pill::node_state_word;
use crate::components::{
    Button, Cell, Choice, Column, Dialog, EmptyState, ExplanationBox, Glyph, HeatGrid, LoadProblem, Meter,
    NodeStatePill, PageHeader, Row, SearchInput, Select, Skeleton, SortOrder, Tab, Table, Tabs, Tone,
};
use crate::i18n::{format, t};
use crate::pages::dashboard::node_state_value;
use crate::pages::{Phase, phase};
use crate::router::{here_with, query_signal, query_value, set_query};

const STATES: [NodeState; 7] = [
    NodeState::Idle,
    NodeState::Mixed,
    NodeState::Allocated,
    NodeState::Drain,
    NodeState::Down,
    NodeState::Maintenance,
    NodeState::Unknown,
];

/// The filters as the URL holds them.
#[derive(Clone, Copy)]
struct Filters {
    text: Signal<String>,
    state: Signal<String>,
    partition: Signal<String>,
}

/// The page.
#[component]
pub fn Nodes() -> View {
    let nodes = use_client().data.watch_nodes();
    let status = nodes.value();
    let filters =
        Filters { text: query_signal("q"), state: query_signal("state"), partition: query_signal("partition") };
    let view = query_value("view");
    let sort = query_value("sort");
    let shown = create_memo(move || {
        let (text, state, partition) =
            (filters.text.get_clone(), filters.state.get_clone(), filters.partition.get_clone());
        let mut shown: Vec<Node> = status.with(|status| {
            let all = status.iter().flat_map(|status| status.nodes.values());
            all.filter(|node| matches(node, &text, &state, &partition)).cloned().collect()
        });
        arrange(&mut shown, &SortOrder::parse(&sort.get_clone()));
        shown
    });
    let context = move || {
        status.with(|status| {
            status.as_ref().map_or_else(String::new, |status| {
                t().nodes.context(&format::count(status.online), &format::count(status.total))
            })
        })
    };
    let phase = phase(status, shown);
    let as_table = create_selector(move || view.with(|view| view == "table"));
    let body = move || match (phase.get(), as_table.get()) {
        (Phase::Loading, _) => view! { Skeleton(lines=3, shape="card") },
        (Phase::Empty, _) => nothing_matches(),
        (Phase::Ready, true) => view! { NodeTable(nodes=shown) },
        (Phase::Ready, false) => view! { HeatGrid(nodes=shown, href=|name| here_with(&[("node", name)])) },
    };
    view! {
        PageHeader(title=move || t().nodes.title(), context=context)
        LoadProblem(problem=nodes.problem())
        FilterBar(filters=filters)
        (body())
        Details {}
    }
}

fn nothing_matches() -> View {
    view! {
        EmptyState(
            glyph=Glyph::Server,
            title=move || t().nodes.none_match_title(),
            text=move || t().nodes.none_match_text()
        ) {
            Button(on:click=|_| set_query(&[("q", ""), ("state", ""), ("partition", "")])) {
                (t().common.clear_filters())
            }
        }
    }
}

/// Whether a node passes the filters; empty ones let everything through.
fn matches(node: &Node, text: &str, state: &str, partition: &str) -> bool {
    let text = text.trim().to_lowercase();
    let has = |words: &str| words.to_lowercase().contains(&text);
    (state.is_empty() || state.split(',').any(|state| state == node_state_value(node.state)))
        && (partition.is_empty() || node.partitions.iter().any(|known| known == partition))
        && (text.is_empty()
            || has(&node.name)
            || node.features.iter().any(|feature| has(feature))
            || node.reason.as_deref().is_some_and(has))
}

/// Sorts by a column's word; nodes that are equal there stay in order of their names.
fn arrange(nodes: &mut [Node], order: &SortOrder) {
    // One comparison for all columns: each sort of its own would be compiled into the page on its own.
    nodes.sort_unstable_by(|a, b| {
        let by_column = match order.key.as_str() {
            "state" => a.state.cmp(&b.state),
            "cores" => a.cpus_allocated.cmp(&b.cpus_allocated),
            "memory" => a.memory_allocated.cmp(&b.memory_allocated),
            "gpus" => a.gpus_allocated.cmp(&b.gpus_allocated),
            "load" => a.load.unwrap_or(-1.0).total_cmp(&b.load.unwrap_or(-1.0)),
            _ => Ordering::Equal,
        };
        let ascending = by_column.then_with(|| natural(&a.name).cmp(&natural(&b.name)));
        if order.descending { ascending.reverse() } else { ascending }
    });
}

/// A name in an order that people expect: `node9` before `node10`.
fn natural(name: &str) -> (String, u64, &str) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(stem.len()..).unwrap_or_default().parse().unwrap_or(0);
    (stem.to_owned(), number, name)
}

#[component(inline_props)]
fn FilterBar(filters: Filters) -> View {
    let cluster = use_client().data.watch_cluster().value();
    let states = move || {
        let mut choices = vec![Choice::new("", t().nodes.any_state())];
        choices.extend(STATES.map(|state| Choice::new(node_state_value(state), node_state_word(state))));
        choices
    };
    let names = create_selector(move || -> Vec<String> {
        cluster.with(|cluster| cluster.iter().flat_map(|c| &c.partitions).map(|p| p.name.clone()).collect())
    });
    let partitions = move || {
        let mut choices = vec![Choice::new("", t().nodes.any_partition())];
        choices.extend(names.get_clone().into_iter().map(|name| Choice::new(name.clone(), name)));
        choices
    };
    let tabs = vec![Tab { value: "", label: || t().nodes.grid() }, Tab { value: "table", label: || t().nodes.table() }];
    view! {
        div(class="filters", role="search") {
            SearchInput(name="q", label=move || t().nodes.search(), value=filters.text)
            Select(name="state", label=move || t().nodes.state(), value=filters.state, choices=states, bare=true)
            Select(
                name="partition",
                label=move || t().nodes.partition(),
                value=filters.partition,
                choices=partitions,
                bare=true
            )
            div(class="filters-end") {
                Tabs(label=move || t().nodes.view(), name="view", tabs=tabs)
            }
        }
    }
}

#[component(inline_props)]
fn NodeTable(nodes: ReadSignal<Vec<Node>>) -> View {
    let columns = vec![
        Column::new(|| t().nodes.node()).sorted_as("name"),
        Column::new(|| t().nodes.state()).sorted_as("state"),
        Column::new(|| t().nodes.cores()).sorted_as("cores"),
        Column::new(|| t().nodes.memory()).sorted_as("memory"),
        Column::new(|| t().nodes.gpus()).sorted_as("gpus"),
        Column::new(|| t().nodes.load()).sorted_as("load").numeric(),
        Column::new(|| t().nodes.partitions()),
        Column::new(|| t().nodes.reason()),
    ];
    let rows = create_memo(move || nodes.with(|nodes| nodes.iter().map(node_row).collect::<Vec<_>>()));
    view! {
        Table(label=move || t().nodes.title(), columns=columns, rows=rows)
    }
}

fn share(used: u64, total: u64, write: impl Fn(u64) -> String) -> Cell {
    if total == 0 {
        Cell::Text("–".into())
    } else {
        Cell::Share(used, total, t().common.used_of(&write(used), &write(total)))
    }
}

fn plain(value: u64) -> String {
    format::count(usize::try_from(value).unwrap_or(usize::MAX))
}

fn node_row(node: &Node) -> Row {
    Row {
        key: node.name.clone(),
        href: Some(here_with(&[("node", &node.name)])),
        cells: vec![
            Cell::Mono(node.name.clone()),
            Cell::Node(node.state),
            share(node.cpus_allocated.into(), node.cpus.into(), plain),
            share(node.memory_allocated, node.memory, format::memory),
            share(node.gpus_allocated.into(), node.gpus.into(), plain),
            Cell::Number(node.load.map_or_else(|| "–".into(), format::decimal)),
            Cell::Text(node.partitions.join(", ")),
            Cell::Text(node.reason.clone().unwrap_or_default()),
        ],
        ..Row::default()
    }
}

/// One node's details, at the side, while the URL names one.
#[component]
fn Details() -> View {
    let status = use_client().data.watch_nodes().value();
    let name = query_value("node");
    let node = create_selector(move || {
        status.with(|status| status.as_ref().and_then(|status| status.nodes.get(&name.get_clone()).cloned()))
    });
    let open = create_signal(false);
    create_effect(move || open.set(node.with(Option::is_some)));
    create_effect(move || {
        if !open.get() && name.with_untracked(|name| !name.is_empty()) && node.with_untracked(Option::is_some) {
            set_query(&[("node", "")]);
        }
    });
    view! {
        Dialog(open=open, title=move || name.get_clone(), drawer=true) {
            (node.get_clone().map_or_else(View::new, details))
        }
    }
}

fn details(node: Node) -> View {
    let (cpus, cpus_used) = (u64::from(node.cpus), u64::from(node.cpus_allocated));
    let (memory, memory_used) = (node.memory, node.memory_allocated);
    let (gpus, gpus_used) = (u64::from(node.gpus), u64::from(node.gpus_allocated));
    let why = explanation(&node);
    let gpu_meter = if gpus > 0 {
        view! { Meter(label=move || t().nodes.gpus(), used=gpus_used, total=gpus, write=plain) }
    } else {
        View::new()
    };
    let tags = |words: Vec<String>| -> View {
        if words.is_empty() {
            return view! { span(class="absent") { (|| t().common.none()) } };
        }
        let tags: Vec<View> = words.into_iter().map(|word| view! { span(class="tag") { (word) } }).collect();
        view! { div(class="tags") { (tags) } }
    };
    let facts = [
        (t().nodes.slurm_state(), view! { span(class="mono") { (node.state_text) } }),
        (t().nodes.load(), node.load.map_or_else(|| "–".to_owned(), format::decimal).into()),
        (t().nodes.partitions(), tags(node.partitions)),
        (t().nodes.features(), tags(node.features)),
        (t().nodes.version(), node.version.unwrap_or_else(|| "–".into()).into()),
    ];
    let facts: Vec<View> = facts.into_iter().map(|(name, value)| view! { dt { (name) } dd { (value) } }).collect();
    view! {
        div(class="node-details") {
            p { NodeStatePill(state=node.state) }
            (why)
            div(class="meters") {
                Meter(label=move || t().nodes.cores(), used=cpus_used, total=cpus, write=plain)
                Meter(label=move || t().nodes.memory(), used=memory_used, total=memory, write=format::memory)
                (gpu_meter)
            }
            dl(class="facts") { (facts) }
        }
    }
}

/// Why a node takes no work, in words.
fn explanation(node: &Node) -> View {
    let reason = node.reason.clone().unwrap_or_else(|| t().nodes.unknown_reason());
    match node.state {
        NodeState::Drain => view! {
            ExplanationBox(
                tone=Tone::Warning,
                what=move || t().nodes.why_drained(),
                why=move || t().nodes.why_drained_text(&reason),
                todo=move || t().nodes.why_todo()
            )
        },
        NodeState::Down => view! {
            ExplanationBox(
                tone=Tone::Error,
                what=move || t().nodes.why_down(),
                why=move || t().nodes.why_down_text(&reason),
                todo=move || t().nodes.why_todo()
            )
        },
        _ => View::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, state: NodeState, cpus_allocated: u32) -> Node {
        Node {
            name: name.into(),
            state,
            state_text: String::new(),
            cpus: 64,
            cpus_allocated,
            memory: 1024,
            memory_allocated: 0,
            gpus: 0,
            gpus_allocated: 0,
            load: None,
            reason: Some("Replacing DIMM".into()),
            partitions: vec!["compute".into()],
            features: vec!["avx512".into()],
            version: None,
        }
    }

    #[test]
    fn filters_narrow_and_empty_ones_do_not() {
        let node = node("node7", NodeState::Drain, 0);
        assert!(matches(&node, "", "", ""));
        assert!(matches(&node, " NODE7 ", "idle,drain", "compute"));
        assert!(matches(&node, "dimm", "", ""));
        assert!(matches(&node, "AVX", "", ""));
        assert!(!matches(&node, "", "idle", ""));
        assert!(!matches(&node, "", "", "viz"));
        assert!(!matches(&node, "gpu", "", ""));
    }

    #[test]
    fn names_sort_as_people_count() {
        let mut nodes = [("node10", 1), ("node9", 5), ("a1", 3)].map(|(name, used)| node(name, NodeState::Idle, used));
        let names = |nodes: &[Node]| nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        arrange(&mut nodes, &SortOrder::parse(""));
        assert_eq!(names(&nodes), ["a1", "node9", "node10"]);
        arrange(&mut nodes, &SortOrder::parse("-cores"));
        assert_eq!(names(&nodes), ["node9", "a1", "node10"]);
    }
}
