//! One job as a row of a list.
use std::rc::Rc;

use slurmdash_api::jobs::{Job, JobState};
use sycamore::prelude::*;

use crate::components::{Cell, Column, JobStatePill, Row, time};
use crate::i18n::{format, t};
use crate::pages::job::person_of;
use crate::pages::job::why::short_reason;
use crate::router::path_to;

/// The columns, with or without whose job it is.
pub fn columns(all: bool) -> Vec<Column> {
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
    if all {
        columns.insert(2, Column::new(|| t().jobs.user()).sorted_as("user"));
    }
    columns
}

/// The row of a job, with as many cells as [`columns`].
pub fn row(job: &Job, all: bool) -> Row {
    let mut cells = vec![
        Cell::Mono(job.id.clone()),
        Cell::Text(job.name.clone()),
        state_cell(job),
        Cell::Text(job.partition.clone()),
        Cell::Number(format::count(usize::try_from(job.nodes).unwrap_or(usize::MAX))),
        Cell::Number(format::count(usize::try_from(job.cpus).unwrap_or(usize::MAX))),
        time_cell(job),
        Cell::Time(job.submit_time),
    ];
    if all {
        cells.insert(2, Cell::Text(person_of(job).to_owned()));
    }
    Row { key: job.id.clone(), href: Some(path_to("/jobs", &job.id)), cells }
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
        let text = r#"{"id":"1","job_id":1,"array_job_id":null,"name":"n","user":"u","owner":null,"account":null,
            "partition":"p","qos":null,"state":"RUNNING","reason":null,"nodes":1,"tasks":1,"cpus":1,"memory":null,
            "gpus":0,"node_list":null,"submit_time":null,"start_time":1000,"end_time":null,"time_limit":null,
            "elapsed":50,"priority":null,"template":null}"#;
        let mut job: Job = serde_json::from_str(text).expect("a job");
        assert_eq!(elapsed_now(&job, 1_060), 60);
        assert_eq!(elapsed_now(&job, 1_010), 50, "our clock is behind");
        assert_eq!(elapsed_now(&job, 9_000), 50, "our clock is far ahead");
        job.state = JobState::Completed;
        assert_eq!(elapsed_now(&job, 1_060), 50);
    }
}
