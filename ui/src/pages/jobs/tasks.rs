//! The tasks of an array, one by one: those of arrays that are open in the list, and those of an array's own page.
use slurmdash_api::jobs::{JobPage, JobQuery};
use sycamore::prelude::*;

use super::row::{Shown, more_row, task_row};
use super::url::open_arrays;
use crate::client::Client;
use crate::client::jobs::JobList;
use crate::components::Row;
use crate::router::{Query, location};

/// Tasks that are listed under their array; the others are one link away.
const TASKS_SHOWN: usize = 25;

/// The open arrays, each with the list of its tasks.
pub type Tasks = ReadSignal<Vec<(u32, JobList)>>;

/// The tasks of an array, kept up to date for as long as the current scope lives.
pub fn tasks_of(client: Client, array: u32) -> JobList {
    let query = create_signal(JobQuery {
        q: Some(format!("{array}_")),
        sort: Some("id".into()),
        per_page: Some(TASKS_SHOWN),
        ..JobQuery::default()
    });
    JobList::new(client, *query)
}

/// The tasks of the arrays that the URL opens.
pub fn open_tasks(client: Client) -> Tasks {
    let open = create_selector(|| open_arrays(&Query::parse(&location().query)));
    map_keyed(open, move |array| (array, tasks_of(client, array)), |array| *array)
}

/// The rows of an array's tasks, in the order of their index.
pub fn rows(array: u32, page: &JobPage, shown: Shown) -> Vec<Row> {
    // A name may begin with the array's number as well.
    let mut tasks: Vec<_> = page.jobs.iter().filter(|task| task.array_job_id == Some(array)).collect();
    tasks.sort_by_key(|task| index_of(&task.id));
    let mut rows: Vec<Row> = tasks.into_iter().map(|task| task_row(task, shown)).collect();
    if page.total > page.jobs.len() {
        rows.push(more_row(array, page.total, shown));
    }
    rows
}

/// A task's index, or the first one of a rest.
fn index_of(id: &str) -> u64 {
    let index = id.split_once('_').map_or("", |(_, index)| index.trim_start_matches('['));
    let digits: String = index.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_in_the_order_of_their_index() {
        let mut ids = ["7_[20-30%2]", "7_10", "7_9", "7_[x", "7"];
        ids.sort_by_key(|id| index_of(id));
        assert_eq!(ids[..3], ["7_9", "7_10", "7_[20-30%2]"]);
    }
}
