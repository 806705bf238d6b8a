//! An array's page: all its tasks at a glance, and the first of them one by one.
use slurmdash_api::jobs::{ArrayStrip, JobDetail, JobState};
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::strip::HrefOf;
use crate::components::{LoadProblem, Strip, Table};
use crate::i18n::{format, t};
use crate::pages::jobs::{Shown, job_columns, task_rows, tasks_href, tasks_of};

/// The tasks of an array.
#[component(inline_props)]
pub fn ArrayTasks(array: u32, detail: ReadSignal<Option<JobDetail>>) -> View {
    let list = tasks_of(use_client(), array);
    let page = list.page.value();
    let strip: ReadSignal<ArrayStrip> =
        create_selector(move || detail.with(|d| d.as_ref().and_then(|d| d.array.clone()).unwrap_or_default()));
    let rows = create_memo(move || {
        page.with(|page| page.as_ref().map(|page| task_rows(array, page, Shown::Tasks)).unwrap_or_default())
    });
    let loading = create_selector(move || page.with(Option::is_none));
    let count = move || {
        let total = strip.with(|strip| strip.total);
        t().job.array_tasks(&format::count(usize::try_from(total).unwrap_or(usize::MAX)))
    };
    let all = tasks_href(&array.to_string(), None);
    let of_state: HrefOf = |array: &str, state: JobState| tasks_href(array, Some(state));
    view! {
        section(class="card") {
            header(class="card-head") {
                h2 { (|| t().job.array()) }
                span(class="card-note") { (count()) }
                a(href=all) { (|| t().job.tasks_all()) }
            }
            Strip(strip=strip, links=(array.to_string(), of_state), wordy=true)
        }
        LoadProblem(problem=list.page.problem())
        Table(label=move || t().job.array(), columns=job_columns(Shown::Tasks), rows=rows, loading=loading)
    }
}
