//! `/jobs`: one's own jobs or everybody's, filtered, sorted and paged by the server, live. Arrays are one row that opens
//! to its tasks; something can be done with one row or many.
mod bar;
mod filters;
mod reason;
mod row;
mod tasks;
mod url;

pub use row::{Shown, columns as job_columns, elapsed_now, target};
pub use tasks::{rows as task_rows, tasks_of};
pub use url::tasks_href;

use std::rc::Rc;

use slurmdash_api::jobs::{JobPage, JobQuery};
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use crate::browser;
use crate::client::jobs::JobList;
use crate::client::use_client;
use crate::components::{
    Banner, Button, ButtonKind, EmptyState, Glyph, LinkButton, LoadProblem, PageHeader, Pagination, Row, Selection,
    Tab, Table, Tabs, Tone, problem_words,
};
use crate::i18n::{format, t};
use crate::pages::job_actions::{ActionDialog, ActionReport, Actions, Target};
use crate::pages::may_submit;
use crate::router::{self, Query, location, set_query};

use self::bar::ActionBar;
use self::filters::Filters;
use self::tasks::{Tasks, open_tasks};
use self::url::{FILTERS, PER_PAGE, is_filtered, read};

/// The list of jobs.
#[component]
pub fn Jobs() -> View {
    let client = use_client();
    let query = create_selector(|| read(&Query::parse(&location().query)));
    let list = JobList::new(client, query);
    let page = list.page.value();
    let problem = list.page.problem();
    let all = create_selector(move || query.with(|query| !query.mine));
    let total = create_selector(move || page.with(|page| page.as_ref().map(|page| page.total)));
    let never_loaded = create_selector(move || page.with(Option::is_none));
    let tasks = open_tasks(client);
    let selection = Selection::new();
    let actions = Actions::new(client);
    let may_submit = may_submit();
    watch_keys(selection);
    create_effect(move || {
        let done = actions.done().get_clone();
        selection.drop_all(&done);
    });
    let context = move || match total.get() {
        Some(total) if query.with(is_filtered) => t().jobs.context_filtered(&format::count(total)),
        Some(total) => t().jobs.context(&format::count(total)),
        None => String::new(),
    };
    view! {
        PageHeader(title=move || t().jobs.title(), context=context) {
            (if may_submit.get() {
                view! {
                    Button(kind=ButtonKind::Primary, glyph=Glyph::Plus, on:click=|_| router::navigate("/jobs/new")) {
                        (t().jobs.new_job())
                    }
                }
            } else {
                view! {}
            })
        }
        div(class="jobs-bar") {
            Tabs(
                label=move || t().jobs.whose(),
                name="view",
                tabs=vec![
                    Tab { value: "", label: || t().jobs.mine() },
                    Tab { value: "all", label: || t().jobs.everyone() },
                ]
            )
            Filters(all=all, selection=selection)
        }
        ActionReport(actions=actions)
        (if never_loaded.get() { view! { LoadProblem(problem=problem) } } else { refresh_problem(list) })
        (if never_loaded.get() && problem.with(Option::is_some) {
            view! {}
        } else {
            // The columns differ, so each tab has a table of its own.
            table(list, all.get(), query, tasks, selection)
        })
        ActionBar(selection=selection, targets=chosen(list, tasks, selection), actions=actions)
        Pagination(
            page=move || query.with(|query| query.page.unwrap_or(1)),
            per_page=PER_PAGE,
            total=move || total.get().unwrap_or(0)
        )
        ActionDialog(actions=actions)
    }
}

/// The chosen jobs as they are now, in the order of the list.
fn chosen(list: JobList, tasks: Tasks, selection: Selection) -> ReadSignal<Vec<Target>> {
    let page = list.page.value();
    create_selector(move || {
        let chosen = selection.chosen().get_clone();
        let open = tasks_now(tasks);
        page.with(|page| {
            let Some(page) = page else { return Vec::new() };
            let rows = page.jobs.iter().map(|job| row::target(job, strip_of(page, job)));
            let tasks = open.iter().flat_map(|(_, page)| page).flat_map(|page| &page.jobs);
            let mut targets: Vec<Target> = rows.chain(tasks.map(|task| row::target(task, None))).collect();
            targets.retain(|target| chosen.contains(&target.id));
            targets
        })
    })
}

/// The tasks of an array that is one row.
fn strip_of<'a>(page: &'a JobPage, job: &slurmdash_api::jobs::Job) -> Option<&'a slurmdash_api::jobs::ArrayStrip> {
    page.arrays.get(&job.array_job_id?)
}

/// The open arrays with what is known of their tasks; tracked.
fn tasks_now(tasks: Tasks) -> Vec<(u32, Option<JobPage>)> {
    tasks.get_clone().into_iter().map(|(array, list)| (array, list.page.value().get_clone())).collect()
}

/// `x` and Esc choose nothing any more; the arrow keys begin with the first row.
fn watch_keys(selection: Selection) {
    browser::on_window("keydown", move |event| {
        let Ok(event) = event.dyn_into::<KeyboardEvent>() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let typing = target.as_ref().is_some_and(|target| {
            target.closest("input:not([type=checkbox]), textarea, select, dialog[open]").ok().flatten().is_some()
        });
        if typing || event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
            return;
        }
        match event.key().as_str() {
            "Escape" | "x" => selection.clear(),
            "ArrowDown"
                if target.is_some_and(|target| target.closest("tbody, .menu-anchor").ok().flatten().is_none())
                    && browser::has(".jobs-list .row-link") =>
            {
                event.prevent_default();
                browser::focus(".jobs-list .row-link");
            }
            _ => {}
        }
    });
}

/// Says that what is shown is no longer being refreshed.
fn refresh_problem(list: JobList) -> View {
    let problem = list.page.problem();
    view! {
        (match problem.get_clone() {
            Some(error) => view! {
                Banner(tone=Tone::Warning, title=move || t().jobs.not_refreshed()) { (problem_words(&error)) }
            },
            None => view! {},
        })
    }
}

fn table(list: JobList, all: bool, query: ReadSignal<JobQuery>, tasks: Tasks, selection: Selection) -> View {
    let shown = if all { Shown::Everyone } else { Shown::Mine };
    let page = list.page.value();
    // A list that is on its way for another tab or filter must not look like the answer.
    let loading = create_selector(move || page.with(Option::is_none));
    let rows = move || -> Vec<Row> {
        let open = tasks_now(tasks);
        page.with(|page| {
            let Some(page) = page else { return Vec::new() };
            let mut rows = Vec::new();
            for job in &page.jobs {
                let strip = strip_of(page, job);
                rows.push(row::row(job, strip, shown));
                let tasks = strip.and_then(|_| open.iter().find(|(array, _)| Some(*array) == job.array_job_id));
                if let Some((array, Some(tasks))) = tasks {
                    rows.extend(tasks::rows(*array, tasks, shown));
                }
            }
            rows
        })
    };
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        if list.busy.get() {
            return view! {};
        }
        empty(query.with(is_filtered), all)
    });
    view! {
        div(class="jobs-list", aria-busy=move || list.busy.get().then_some("true")) {
            Table(
                label=move || t().jobs.title(),
                columns=row::columns(shown),
                rows=create_memo(rows),
                loading=loading,
                empty=empty,
                selection=selection
            )
        }
    }
}

fn empty(filtered: bool, all: bool) -> View {
    if filtered {
        let clear = |_| set_query(&FILTERS.map(|name| (name, "")));
        view! {
            EmptyState(
                glyph=Glyph::Search,
                title=move || t().jobs.none_match_title(),
                text=move || t().jobs.none_match_text()
            ) {
                Button(on:click=clear) { (|| t().common.clear_filters()) }
            }
        }
    } else if all {
        view! {
            EmptyState(title=move || t().jobs.none_at_all_title(), text=move || t().jobs.none_at_all_text()) {
                (choose_template())
            }
        }
    } else {
        view! {
            EmptyState(title=move || t().jobs.none_title(), text=move || t().jobs.none_text()) {
                (choose_template())
                LinkButton(href="/jobs?view=all", kind=ButtonKind::Ghost) { (|| t().jobs.see_all()) }
            }
        }
    }
}

/// The way to a first job, for those who may submit one.
fn choose_template() -> View {
    let may_submit = may_submit();
    view! {
        (if may_submit.get() {
            view! { LinkButton(href="/jobs/new") { (|| t().jobs.choose_template()) } }
        } else {
            view! {}
        })
    }
}
