//! The job's steps, as accounting or the controller knows them.
use std::rc::Rc;

use slurmdash_api::jobs::{JobDetail, Step, signal_name};
use sycamore::prelude::*;

use crate::components::{Cell, Column, Row, Table};
use crate::i18n::{format, t};

/// A table of the steps; nothing when none is known.
#[component(inline_props)]
pub fn Steps(detail: ReadSignal<Option<JobDetail>>) -> View {
    let steps = create_selector(move || detail.with(|d| d.as_ref().map(|d| d.steps.clone()).unwrap_or_default()));
    let any = create_selector(move || steps.with(|steps| !steps.is_empty()));
    let rows = create_memo(move || steps.with(|steps| steps.iter().map(row).collect::<Vec<_>>()));
    view! {
        (if any.get() {
            view! {
                section(class="job-steps") {
                    h2(class="section-title") { (|| t().job.steps()) }
                    Table(label=move || t().job.steps(), columns=columns(), rows=rows)
                }
            }
        } else {
            view! {}
        })
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new(|| t().job.step()),
        Column::new(|| t().job.state()),
        Column::new(|| t().job.exit_code()).numeric(),
        Column::new(|| t().job.tasks()).numeric(),
        Column::new(|| t().job.nodes_of_step()),
        Column::new(|| t().job.time()).numeric(),
        Column::new(|| t().job.cpu_time()).numeric(),
        Column::new(|| t().job.peak_memory()).numeric(),
    ]
}

fn row(step: &Step) -> Row {
    let dash = || "–".to_owned();
    let exit = match (step.exit_code, step.signal.filter(|signal| *signal > 0)) {
        (_, Some(signal)) => signal_name(signal),
        (Some(code), None) => code.to_string(),
        (None, None) => dash(),
    };
    Row {
        key: step.id.clone(),
        cells: vec![
            step_cell(step),
            step.state.map_or_else(|| Cell::Text(dash()), Cell::Job),
            Cell::Number(exit),
            Cell::Number(step.tasks.map_or_else(dash, |tasks| tasks.to_string())),
            Cell::Mono(step.node_list.clone().unwrap_or_else(dash)),
            Cell::Number(format::duration(step.elapsed)),
            Cell::Number(step.cpu_seconds.map_or_else(dash, |seconds| format::duration(whole(seconds)))),
            Cell::Number(step.memory_peak.map_or_else(dash, format::memory)),
        ],
        ..Row::default()
    }
}

/// A step's id, and its name where that says more.
fn step_cell(step: &Step) -> Cell {
    let (id, name) = (step.id.clone(), Some(step.name.clone()).filter(|name| *name != step.id).unwrap_or_default());
    Cell::Custom(
        format!("{id} {name}"),
        Rc::new(move || {
            let (id, name) = (id.clone(), name.clone());
            view! { span(class="step-id") { span(class="mono") { (id) } span(class="step-of") { (name) } } }
        }),
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, and never negative here")]
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0) as u64
}
