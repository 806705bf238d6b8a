//! `/dashboard`: the cluster at a glance, and my jobs.
mod controllers;

use slurmdash_api::cluster::{ClusterSummary, Node, NodeState};
use slurmdash_api::jobs::{Job, JobQuery, JobState};
use sycamore::prelude::*;

use crate::client::jobs::JobList;
use crate::client::use_client;
use crate::components::state_pill::Mark;
use crate::components::{
    ButtonKind, Cell, Column, EmptyState, Glyph, HeatGrid, JobStatePill, LinkButton, LoadProblem, Meter, NodeStatePill,
    PageHeader, Row, Skeleton, Table,
};
use crate::i18n::{format, t};
use crate::pages::{Phase, may_submit, phase};
use crate::router::{path_to, path_with};

use controllers::{ControllersLine, TakeoverBanner};

/// How many of my jobs are shown; the rest is one link away.
const MY_JOBS: usize = 8;

/// The page.
#[component]
pub fn Dashboard() -> View {
    let data = use_client().data;
    let cluster = data.watch_cluster();
    let summary = cluster.value();
    let context = move || {
        summary.with(|summary| {
            summary.as_ref().map_or_else(String::new, |summary| {
                let nodes = summary.nodes.values().sum();
                t().dashboard.context(&format::count(nodes), &format::count(summary.partitions.len()))
            })
        })
    };
    view! {
        PageHeader(title=move || t().dashboard.title(), context=context) {
            (new_job())
        }
        TakeoverBanner {}
        LoadProblem(problem=cluster.problem())
        ControllersLine {}
        div(class="dashboard") {
            NodesCard {}
            UsageCard(summary=summary)
            QueueCard(summary=summary)
        }
        MyJobs {}
    }
}

/// The way to a new job, for those who may submit one.
fn new_job() -> View {
    let may_submit = may_submit();
    view! {
        (if may_submit.get() {
            view! {
                LinkButton(href="/jobs/new", kind=ButtonKind::Primary, glyph=Glyph::Plus) { (|| t().dashboard.new_job()) }
            }
        } else {
            view! {}
        })
    }
}

/// The nodes as a heat grid, with how many are in which state.
#[component]
fn NodesCard() -> View {
    let nodes = use_client().data.watch_nodes();
    let status = nodes.value();
    let list = create_memo(move || -> Vec<Node> {
        status.with(|status| status.as_ref().map(|s| s.nodes.values().cloned().collect()).unwrap_or_default())
    });
    let counts = create_selector(move || list.with(|list| count_states(list)));
    let note = move || {
        status.with(|status| {
            status.as_ref().map_or_else(String::new, |status| {
                t().dashboard.nodes_ready(&format::count(status.online), &format::count(status.total))
            })
        })
    };
    let phase = phase(status, list);
    let body = move || match phase.get() {
        Phase::Loading => view! { Skeleton(lines=2, shape="card") },
        Phase::Empty => view! {
            EmptyState(
                glyph=Glyph::Server,
                title=move || t().dashboard.no_nodes_title(),
                text=move || t().dashboard.no_nodes_text()
            )
        },
        Phase::Ready => view! {
            HeatGrid(nodes=list, href=|name| path_with("/nodes", &[("node", name)]))
            ul(class="legend") {
                (counts.get_clone().into_iter().map(legend_entry).collect::<Vec<_>>())
            }
        },
    };
    view! {
        section(class="card dashboard-nodes") {
            header(class="card-head") {
                h2 { (|| t().dashboard.nodes()) }
                span(class="card-note") { (note()) }
                a(href="/nodes") { (|| t().dashboard.all_nodes()) }
            }
            (body())
        }
    }
}

/// How many nodes are in which state, the states in their own order.
fn count_states(nodes: &[Node]) -> Vec<(NodeState, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for node in nodes {
        *counts.entry(node.state).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn legend_entry((state, count): (NodeState, usize)) -> View {
    let href = path_with("/nodes", &[("state", node_state_value(state))]);
    view! {
        li {
            a(class="legend-entry", href=href) {
                NodeStatePill(state=state)
                span { (format::count(count)) }
            }
        }
    }
}

/// A node state's word in the URL.
pub fn node_state_value(state: NodeState) -> &'static str {
    match state {
        NodeState::Idle => "idle",
        NodeState::Mixed => "mixed",
        NodeState::Allocated => "allocated",
        NodeState::Drain => "drain",
        NodeState::Down => "down",
        NodeState::Maintenance => "maintenance",
        NodeState::Unknown => "unknown",
    }
}

type Summary = ReadSignal<Option<ClusterSummary>>;

/// Cores, memory and GPUs in use.
#[component(inline_props)]
fn UsageCard(summary: Summary) -> View {
    // Known or not, and with GPUs or without.
    let known = create_selector(move || summary.with(|s| s.as_ref().map(|s| s.gpus > 0)));
    let of = move |pick: fn(&ClusterSummary) -> u64| {
        create_selector(move || summary.with(|summary| summary.as_ref().map_or(0, pick)))
    };
    let meters = move |has_gpus: bool| {
        let gpus = if has_gpus {
            view! {
                Meter(
                    label=move || t().dashboard.gpus(),
                    used=of(|s| s.gpus_allocated.into()),
                    total=of(|s| s.gpus.into()),
                    write=write_count
                )
            }
        } else {
            View::new()
        };
        view! {
            div(class="meters") {
                Meter(
                    label=move || t().dashboard.cores(),
                    used=of(|s| s.cpus_allocated.into()),
                    total=of(|s| s.cpus.into()),
                    write=write_count
                )
                Meter(
                    label=move || t().dashboard.memory(),
                    used=of(|s| s.memory_allocated),
                    total=of(|s| s.memory),
                    write=format::memory
                )
                (gpus)
            }
        }
    };
    view! {
        section(class="card") {
            header(class="card-head") { h2 { (|| t().dashboard.in_use()) } }
            (known.get().map_or_else(|| view! { Skeleton(lines=5) }, meters))
        }
    }
}

fn write_count(value: u64) -> String {
    format::count(usize::try_from(value).unwrap_or(usize::MAX))
}

/// The queue by state: a bar to look at, and the numbers with links.
#[component(inline_props)]
fn QueueCard(summary: Summary) -> View {
    let counts =
        create_selector(move || summary.with(|summary| summary.as_ref().map(|summary| active_states(&summary.jobs))));
    let body = move || match counts.get_clone() {
        None => view! { Skeleton(lines=3) },
        Some(counts) if counts.is_empty() => view! { p(class="card-note") { (|| t().dashboard.queue_empty()) } },
        Some(counts) => {
            let bar = segments(&counts);
            let entries: Vec<View> = counts.into_iter().map(queue_entry).collect();
            view! {
                svg(class="queue-bar", aria-hidden="true", preserveAspectRatio="none") { (bar) }
                ul(class="queue-states") { (entries) }
            }
        }
    };
    view! {
        section(class="card") {
            header(class="card-head") {
                h2 { (|| t().dashboard.queue()) }
                a(href="/jobs") { (|| t().dashboard.all_jobs()) }
            }
            (body())
        }
    }
}

/// The states of jobs that are not over, those that run first.
fn active_states(jobs: &std::collections::BTreeMap<JobState, usize>) -> Vec<(JobState, usize)> {
    let order =
        [JobState::Running, JobState::Completing, JobState::Configuring, JobState::Suspended, JobState::Pending];
    order
        .into_iter()
        .filter_map(|state| jobs.get(&state).map(|&count| (state, count)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn queue_entry((state, count): (JobState, usize)) -> View {
    let href = path_with("/jobs", &[("state", state.as_str())]);
    view! {
        li {
            a(class="legend-entry", href=href) {
                JobStatePill(state=state)
                span { (format::count(count)) }
            }
        }
    }
}

/// One rectangle a state, as wide as its share. Positions are per cent of the bar.
fn segments(counts: &[(JobState, usize)]) -> Vec<View> {
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let mut before = 0;
    counts
        .iter()
        .map(|&(state, count)| {
            let (x, width) = (before * 1000 / total.max(1), count * 1000 / total.max(1));
            before += count;
            let tenths = |value: usize| format!("{}.{}%", value / 10, value % 10);
            let (x, width, mark) = (tenths(x), tenths(width), Mark::of_job(state).name());
            view! { rect(class="queue-segment", data-mark=mark, x=x, width=width, height="100%") }
        })
        .collect()
}

/// My jobs, newest first.
#[component]
fn MyJobs() -> View {
    let query = create_signal(JobQuery { mine: true, per_page: Some(MY_JOBS), ..JobQuery::default() });
    let list = JobList::new(use_client(), *query);
    let page = list.page.value();
    let rows = create_memo(move || {
        page.with(|page| {
            page.as_ref().map(|page| page.jobs.iter().map(job_row).collect::<Vec<_>>()).unwrap_or_default()
        })
    });
    let loading = create_selector(move || page.with(Option::is_none));
    let columns = vec![
        Column::new(|| t().dashboard.name()),
        Column::new(|| t().dashboard.job()),
        Column::new(|| t().dashboard.state()),
        Column::new(|| t().dashboard.partition()),
        Column::new(|| t().dashboard.time()).numeric(),
        Column::new(|| t().dashboard.submitted()).numeric(),
    ];
    let empty = || {
        view! {
            EmptyState(
                glyph=Glyph::ListVideo,
                title=move || t().dashboard.no_jobs_title(),
                text=move || t().dashboard.no_jobs_text()
            ) {
                (new_job())
                LinkButton(href="/templates") { (|| t().dashboard.browse_templates()) }
            }
        }
    };
    view! {
        section(aria-labelledby="my-jobs") {
            header(class="section-head") {
                h2(id="my-jobs") { (|| t().dashboard.my_jobs()) }
                a(href="/jobs") { (|| t().dashboard.my_jobs_all()) }
            }
            LoadProblem(problem=list.page.problem())
            Table(
                label=move || t().dashboard.my_jobs(),
                columns=columns,
                rows=rows,
                loading=loading,
                empty=std::rc::Rc::new(empty)
            )
        }
    }
}

fn job_row(job: &Job) -> Row {
    let limit = job.time_limit.map(format::duration);
    let time = match limit {
        Some(limit) => format!("{} {}", format::duration(job.elapsed), t().dashboard.of_limit(&limit)),
        None => format::duration(job.elapsed),
    };
    Row {
        key: job.id.clone(),
        href: Some(path_to("/jobs", &job.id)),
        cells: vec![
            Cell::Text(job.name.clone()),
            Cell::Mono(job.id.clone()),
            Cell::Job(job.state),
            Cell::Text(job.partition.clone()),
            Cell::Number(time),
            Cell::Time(job.submit_time),
        ],
        ..Row::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_shows_what_is_not_over_and_what_runs_first() {
        let jobs =
            [(JobState::Pending, 4), (JobState::Running, 2), (JobState::Completed, 90), (JobState::Suspended, 0)];
        assert_eq!(active_states(&jobs.into_iter().collect()), [(JobState::Running, 2), (JobState::Pending, 4)]);
    }
}
