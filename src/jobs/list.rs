//! Filters, sorts and pages jobs: pure, from the snapshot and our history.
use std::cmp::Ordering;

use slurmdash_api::jobs::{Job, JobQuery, JobState};

use super::JobError;

/// Rows on a page when nothing is asked for.
const DEFAULT_PER_PAGE: usize = 50;
/// Most rows on a page.
const MAX_PER_PAGE: usize = 500;
/// Longest text that is searched for, bytes.
const MAX_TEXT: usize = 256;

/// A query that has been judged.
pub struct Filter {
    states: Option<Vec<JobState>>,
    partition: Option<String>,
    user: Option<String>,
    text: Option<String>,
    mine: bool,
    order: Order,
    page: usize,
    per_page: usize,
}

struct Order {
    compare: fn(&Job, &Job) -> Ordering,
    reverse: bool,
}

/// One page.
pub struct Page {
    /// The rows.
    pub jobs: Vec<Job>,
    /// Rows on all pages.
    pub total: usize,
    /// This page, from 1.
    pub page: usize,
    /// Pages there are, at least 1.
    pub page_count: usize,
}

impl Filter {
    /// Judges a query.
    pub fn new(query: JobQuery) -> Result<Self, JobError> {
        for (field, text) in
            [("q", &query.q), ("user", &query.user), ("partition", &query.partition), ("state", &query.state)]
        {
            if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
                return Err(JobError::invalid(field, format!("is longer than {MAX_TEXT} bytes")));
            }
        }
        let page = query.page.unwrap_or(1);
        let per_page = query.per_page.unwrap_or(DEFAULT_PER_PAGE);
        if page == 0 {
            return Err(JobError::invalid("page", "counts from 1"));
        }
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            return Err(JobError::invalid("per_page", format!("must be between 1 and {MAX_PER_PAGE}")));
        }
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            states: some(query.state).map(|text| states(&text)).transpose()?,
            partition: some(query.partition),
            user: some(query.user),
            text: some(query.q).map(|text| text.to_lowercase()),
            mine: query.mine,
            order: Order::new(some(query.sort).as_deref().unwrap_or("-submit_time"))?,
            page,
            per_page,
        })
    }

    /// Applies the query; `owner` is the caller's account.
    pub fn apply<'a>(&self, jobs: impl Iterator<Item = &'a Job>, owner: &str) -> Page {
        let mut found: Vec<&Job> = jobs.filter(|job| self.accepts(job, owner)).collect();
        found.sort_by(|one, other| {
            let ordering = (self.order.compare)(one, other).then_with(|| one.job_id.cmp(&other.job_id));
            if self.order.reverse { ordering.reverse() } else { ordering }
        });
        let total = found.len();
        let page_count = total.div_ceil(self.per_page).max(1);
        let begin = self.page.saturating_sub(1).saturating_mul(self.per_page);
        let jobs = found.into_iter().skip(begin).take(self.per_page).cloned().collect();
        Page { jobs, total, page: self.page, page_count }
    }

    fn accepts(&self, job: &Job, owner: &str) -> bool {
        self.states.as_ref().is_none_or(|states| states.contains(&job.state))
            && self.partition.as_ref().is_none_or(|partition| job.partition == *partition)
            && self
                .user
                .as_ref()
                .is_none_or(|user| job.user == *user || job.owner.as_ref().is_some_and(|owner| owner == user))
            && (!self.mine || job.owner.as_deref() == Some(owner))
            && self.text.as_ref().is_none_or(|text| job.name.to_lowercase().contains(text) || job.id.starts_with(text))
    }
}

fn states(text: &str) -> Result<Vec<JobState>, JobError> {
    let mut states = Vec::new();
    for word in text.split(',').map(str::trim) {
        match word.to_ascii_lowercase().as_str() {
            "active" => states.extend(JobState::ALL.into_iter().filter(|state| !state.is_final())),
            "finished" => states.extend(JobState::ALL.into_iter().filter(|state| state.is_final())),
            _ => match JobState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(word)) {
                Some(state) => states.push(state),
                None => return Err(JobError::invalid("state", "is no job state; active, finished, RUNNING, …")),
            },
        }
    }
    Ok(states)
}

impl Order {
    fn new(sort: &str) -> Result<Self, JobError> {
        let (name, reverse) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let compare: fn(&Job, &Job) -> Ordering = match name {
            "id" => |one, other| one.job_id.cmp(&other.job_id),
            "name" => |one, other| one.name.cmp(&other.name),
            "user" => |one, other| one.user.cmp(&other.user),
            "partition" => |one, other| one.partition.cmp(&other.partition),
            "state" => |one, other| one.state.cmp(&other.state),
            "submit_time" => |one, other| one.submit_time.cmp(&other.submit_time),
            "start_time" => |one, other| one.start_time.cmp(&other.start_time),
            "elapsed" => |one, other| one.elapsed.cmp(&other.elapsed),
            "cpus" => |one, other| one.cpus.cmp(&other.cpus),
            _ => return Err(JobError::invalid("sort", "is no column to sort by")),
        };
        Ok(Self { compare, reverse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::job;

    fn ids(query: JobQuery, jobs: &[Job]) -> Vec<u32> {
        Filter::new(query).unwrap().apply(jobs.iter(), "ann").jobs.iter().map(|job| job.job_id).collect()
    }

    #[test]
    fn jobs_are_filtered_sorted_and_paged() {
        let mut jobs: Vec<Job> = (1..=7).map(job).collect();
        jobs[0].state = JobState::Running;
        jobs[1].owner = Some("ann".into());
        jobs[2].name = "Crash Test".into();
        jobs[3].partition = "viz".into();
        let query = JobQuery::default;
        assert_eq!(ids(query(), &jobs), [7, 6, 5, 4, 3, 2, 1], "newest first");
        assert_eq!(ids(JobQuery { state: Some("running".into()), ..query() }, &jobs), [1]);
        assert_eq!(ids(JobQuery { state: Some("failed, RUNNING".into()), ..query() }, &jobs), [1]);
        assert_eq!(ids(JobQuery { mine: true, ..query() }, &jobs), [2]);
        assert_eq!(ids(JobQuery { q: Some("crash".into()), ..query() }, &jobs), [3]);
        assert_eq!(ids(JobQuery { q: Some("4".into()), ..query() }, &jobs), [4]);
        assert_eq!(ids(JobQuery { partition: Some("viz".into()), ..query() }, &jobs), [4]);
        assert_eq!(
            ids(JobQuery { sort: Some("id".into()), page: Some(2), per_page: Some(3), ..query() }, &jobs),
            [4, 5, 6]
        );
        assert_eq!(ids(JobQuery { page: Some(usize::MAX), per_page: Some(500), ..query() }, &jobs), [0_u32; 0]);
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        let query = JobQuery::default;
        for (nonsense, field) in [
            (JobQuery { page: Some(0), ..query() }, "page"),
            (JobQuery { per_page: Some(501), ..query() }, "per_page"),
            (JobQuery { sort: Some("shoe".into()), ..query() }, "sort"),
            (JobQuery { state: Some("HAPPY".into()), ..query() }, "state"),
            (JobQuery { q: Some("x".repeat(300)), ..query() }, "q"),
        ] {
            match Filter::new(nonsense) {
                Err(JobError::Invalid(fields)) => assert_eq!(fields[0].field, field),
                _ => panic!("{field} was accepted"),
            }
        }
    }
}
