//! One job as a row of a list.
use std::rc::Rc;

use slurmdash_api::jobs::{ArrayStrip, Job, JobState};
use sycamore::prelude::*;

use super::reason::{is_held, short_reason};
use super::url::{open_arrays, tasks_href, with_array};
use crate::components::{Cell, Column, Glyph, JobStatePill, Row, Strip, icon, time};
use crate::i18n::{format, t};
use crate::pages::job::person_of;
use crate::pages::job_actions::Target;
use crate::router::{Query, here_with, location, path_to};

/// What a list is about, and so which columns it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One's own jobs.
    Mine,
    /// Everybody's.
    Everyone,
    /// The tasks of one array, on its page.
    Tasks,
}

/// The columns.
pub fn columns(shown: Shown) -> Vec<Column> {
    if shown == Shown::Tasks {
        return vec![
            Column::new(|| t().jobs.id()),
            Column::new(|| t().jobs.state()),
            Column::new(|| t().jobs.nodes()),
            Column::new(|| t().jobs.time()).numeric(),
            Column::new(|| t().jobs.started()),
        ];
    }
    let mut columns = vec![
        Column::new(|| t().jobs.id()).sorted_as("id"),
        Column::new(|| t().jobs.name()).sorted_as("name"),
        Column::new(|| t().jobs.state()).sorted_as("state"),
        Column::new(|| t().jobs.partition()).sorted_as("partition"),
        Column::new(|| t().jobs.nodes()).numeric(),
        Column::new(|| t().jobs.cpus()).sorted_as("cpus").numeric(),
        Column::new(|| t().jobs.time()).sorted_as("elapsed").numeric(),
        Column::new(|| t().jobs.submitted()).sorted_as("submit_time"),
    ];
    if shown == Shown::Everyone {
        columns.insert(2, Column::new(|| t().jobs.user()).sorted_as("user"));
    }
    columns
}

/// The row of a job, with as many cells as [`columns`]. One that stands for an array has its tasks in `strip`, and opens
/// to them.
pub fn row(job: &Job, strip: Option<&ArrayStrip>, shown: Shown) -> Row {
    Row {
        key: job.id.clone(),
        href: Some(path_to("/jobs", &page_of(job))),
        cells: cells(job, strip, shown),
        chosen_as: (!is_rest(job)).then(|| t().jobs.select_job(&job.id, &job.name)),
        is_part: false,
    }
}

fn cells(job: &Job, strip: Option<&ArrayStrip>, shown: Shown) -> Vec<Cell> {
    let id = Cell::Mono(job.id.clone());
    let state = strip.map_or_else(|| state_cell(job), strip_cell);
    if shown == Shown::Tasks {
        let nodes = Cell::Mono(job.node_list.clone().unwrap_or_else(|| "–".to_owned()));
        let start = job.start_time.filter(|_| job.state != JobState::Pending);
        return vec![id, state, nodes, time_cell(job), Cell::Time(start)];
    }
    let name = strip.map_or_else(|| Cell::Text(job.name.clone()), |strip| array_cell(job, strip));
    let mut cells = vec![
        id,
        name,
        state,
        Cell::Text(job.partition.clone()),
        Cell::Number(format::count(usize::try_from(job.nodes).unwrap_or(usize::MAX))),
        Cell::Number(format::count(usize::try_from(job.cpus).unwrap_or(usize::MAX))),
        time_cell(job),
        Cell::Time(job.submit_time),
    ];
    if shown == Shown::Everyone {
        cells.insert(2, Cell::Text(person_of(job).to_owned()));
    }
    cells
}

/// The row of an array's task, under its array.
pub fn task_row(task: &Job, shown: Shown) -> Row {
    let mut row = Row { is_part: true, ..row(task, None, shown) };
    if shown != Shown::Tasks
        && let Some(name) = row.cells.get_mut(1)
    {
        // Its array's name stands above it.
        *name = Cell::Text(String::new());
    }
    row
}

/// The row under an array's tasks that leads to the others.
pub fn more_row(array: u32, total: usize, shown: Shown) -> Row {
    let array = array.to_string();
    let mut cells = vec![Cell::Text(t().jobs.all_tasks(&format::count(total)))];
    cells.resize(columns(shown).len(), Cell::Text(String::new()));
    Row { key: format!("{array}_more"), href: Some(tasks_href(&array, None)), cells, chosen_as: None, is_part: true }
}

/// Whether this is the rest of an array, `12_[5-9]`: Slurm keeps tasks that have not started as one.
fn is_rest(job: &Job) -> bool {
    job.id.contains('[')
}

/// Whose page shows a job: the array's for its rest, which has none of its own.
fn page_of(job: &Job) -> String {
    match job.array_job_id.filter(|_| is_rest(job)) {
        Some(array) => array.to_string(),
        None => job.id.clone(),
    }
}

/// A job as something can be done with it.
pub fn target(job: &Job, strip: Option<&ArrayStrip>) -> Target {
    Target {
        id: job.id.clone(),
        name: job.name.clone(),
        states: strip.map_or_else(|| vec![job.state], |strip| strip.counts.keys().copied().collect()),
        held: strip.is_none().then(|| is_held(job.reason.as_deref())),
        time_limit: job.time_limit,
    }
}

/// An array's name, and the link that opens it to its tasks and closes it.
fn array_cell(job: &Job, strip: &ArrayStrip) -> Cell {
    let (name, id, total) = (job.name.clone(), job.id.clone(), strip.total);
    let array = job.array_job_id.unwrap_or(job.job_id);
    Cell::Custom(
        format!("{name} {total}"),
        Rc::new(move || {
            let (name, id) = (name.clone(), id.clone());
            let open = create_selector(move || open_arrays(&Query::parse(&location().query)).contains(&array));
            let href = move || here_with(&[("open", &with_array(&Query::parse(&location().query), array))]);
            let label =
                create_selector(move || if open.get() { t().jobs.hide_tasks(&id) } else { t().jobs.show_tasks(&id) });
            let count = format::count(usize::try_from(total).unwrap_or(usize::MAX));
            view! {
                span(class="array-name") {
                    span { (name) }
                    a(
                        class="array-toggle",
                        href=href,
                        title=move || label.get_clone(),
                        aria-label=move || label.get_clone(),
                        aria-expanded=move || if open.get() { "true" } else { "false" }
                    ) {
                        (icon(if open.get() { Glyph::ChevronDown } else { Glyph::ChevronRight }))
                        span { (t().jobs.tasks(&count)) }
                    }
                }
            }
        }),
    )
}

fn strip_cell(strip: &ArrayStrip) -> Cell {
    let strip = strip.clone();
    Cell::Custom(
        format!("{strip:?}"),
        Rc::new(move || {
            let strip = create_signal(strip.clone());
            view! { Strip(strip=*strip) }
        }),
    )
}

/// The state, and in a few words why it waits.
fn state_cell(job: &Job) -> Cell {
    let state = job.state;
    let reason = (state == JobState::Pending).then(|| job.reason.clone()).flatten();
    let key = format!("{state:?} {reason:?}");
    Cell::Custom(
        key,
        Rc::new(move || {
            let reason = reason.clone();
            view! {
                span(class="job-state") {
                    JobStatePill(state=state)
                    span(class="job-reason") { (reason.as_deref().map(short_reason).unwrap_or_default()) }
                }
            }
        }),
    )
}

/// Seconds that a job has run by now: a running one goes on between two answers of the server.
pub fn elapsed_now(job: &Job, now: i64) -> u64 {
    let since_start =
        job.start_time.filter(|_| job.state == JobState::Running).and_then(|start| u64::try_from(now - start).ok());
    match since_start {
        // A clock that differs from the server's must not make it jump far ahead.
        Some(seconds) if seconds <= job.elapsed + 120 => seconds.max(job.elapsed),
        _ => job.elapsed,
    }
}

/// How long it has run, and how long it may.
fn time_cell(job: &Job) -> Cell {
    let live = job.state == JobState::Running;
    let key = if live {
        format!("{:?} {:?}", job.start_time, job.time_limit)
    } else {
        format!("{:?} {} {:?}", job.state, job.elapsed, job.time_limit)
    };
    let job = job.clone();
    Cell::Custom(
        key,
        Rc::new(move || {
            let job = job.clone();
            let started = job.elapsed > 0 || job.state != JobState::Pending;
            let limit = job.time_limit.map(format::duration).unwrap_or_default();
            let ticking = job.clone();
            let elapsed = move || {
                if !started {
                    return "–".to_owned();
                }
                let now = if live { time::now() } else { 0 };
                format::duration(elapsed_now(&ticking, now))
            };
            view! {
                span(class="job-time") {
                    span { (elapsed()) }
                    span(class="job-limit") {
                        (if limit.is_empty() { String::new() } else { t().jobs.of_limit(&limit) })
                    }
                }
            }
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_jobs_go_on_between_answers() {
        let mut job = job();
        assert_eq!(elapsed_now(&job, 1_060), 60);
        assert_eq!(elapsed_now(&job, 1_010), 50, "our clock is behind");
        assert_eq!(elapsed_now(&job, 9_000), 50, "our clock is far ahead");
        job.state = JobState::Completed;
        assert_eq!(elapsed_now(&job, 1_060), 50);
    }

    #[test]
    fn the_rest_of_an_array_belongs_to_its_array() {
        let rest = Job { id: "12_[5-9%2]".into(), array_job_id: Some(12), state: JobState::Pending, ..job() };
        assert!(is_rest(&rest));
        assert_eq!(page_of(&rest), "12");
        let task = Job { id: "12_3".into(), ..rest };
        assert!(!is_rest(&task));
        assert_eq!(page_of(&task), "12_3");
        let strip = ArrayStrip { counts: [(JobState::Running, 1), (JobState::Failed, 2)].into(), ..Default::default() };
        assert_eq!(target(&task, Some(&strip)).states, [JobState::Running, JobState::Failed]);
    }

    fn job() -> Job {
        let text = r#"{"id":"1","job_id":1,"array_job_id":null,"name":"n","user":"u","owner":null,"account":null,
            "partition":"p","qos":null,"state":"RUNNING","reason":null,"nodes":1,"tasks":1,"cpus":1,"memory":null,
            "gpus":0,"node_list":null,"submit_time":null,"start_time":1000,"end_time":null,"time_limit":null,
            "elapsed":50,"priority":null,"template":null}"#;
        serde_json::from_str(text).expect("a job")
    }
}
