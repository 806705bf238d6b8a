//! Filters, sorts and pages jobs: pure, from the snapshot and our history.
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use slurmdash_api::jobs::{ArrayStrip, Job, JobQuery, JobState};

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
    fold: bool,
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
    /// The tasks of the arrays among them, when arrays are folded, by the array's number.
    pub arrays: BTreeMap<u32, ArrayStrip>,
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
            fold: query.fold,
            order: Order::new(some(query.sort).as_deref().unwrap_or("-submit_time"))?,
            page,
            per_page,
        })
    }

    /// Applies the query; `is_own` says which jobs are the caller's.
    pub fn apply<'a>(&self, jobs: impl Iterator<Item = &'a Job>, is_own: impl Fn(&Job) -> bool) -> Page {
        if !self.fold {
            let found = jobs.filter(|job| self.accepts(job, &is_own)).map(Cow::Borrowed).collect();
            return self.page(found, |_| None);
        }
        let (mut found, mut arrays): (Vec<Cow<'a, Job>>, HashMap<u32, Vec<&'a Job>>) = (Vec::new(), HashMap::new());
        for job in jobs {
            match job.array_job_id {
                Some(array) => arrays.entry(array).or_default().push(job),
                None if self.accepts(job, &is_own) => found.push(Cow::Borrowed(job)),
                None => {}
            }
        }
        // An array is on the page when one of its tasks would be.
        let accepted = arrays.iter().filter(|(_, tasks)| tasks.iter().any(|task| self.accepts(task, &is_own)));
        found.extend(accepted.filter_map(|(array, tasks)| whole_array(*array, tasks)).map(Cow::Owned));
        self.page(found, |job| arrays.get(&job.array_job_id?).map(|tasks| strip(tasks)))
    }

    /// Sorts, cuts the page out, and looks up the arrays on it.
    fn page(&self, mut found: Vec<Cow<'_, Job>>, strip_of: impl Fn(&Job) -> Option<ArrayStrip>) -> Page {
        found.sort_by(|one, other| {
            let ordering = (self.order.compare)(one, other).then_with(|| one.job_id.cmp(&other.job_id));
            if self.order.reverse { ordering.reverse() } else { ordering }
        });
        let total = found.len();
        let page_count = total.div_ceil(self.per_page).max(1);
        let begin = self.page.saturating_sub(1).saturating_mul(self.per_page);
        let jobs: Vec<Job> = found.into_iter().skip(begin).take(self.per_page).map(Cow::into_owned).collect();
        let arrays = jobs.iter().filter_map(|job| Some((job.array_job_id?, strip_of(job)?))).collect();
        Page { jobs, arrays, total, page: self.page, page_count }
    }

    fn accepts(&self, job: &Job, is_own: impl Fn(&Job) -> bool) -> bool {
        self.states.as_ref().is_none_or(|states| states.contains(&job.state))
            && self.partition.as_ref().is_none_or(|partition| job.partition == *partition)
            && self
                .user
                .as_ref()
                .is_none_or(|user| job.user == *user || job.owner.as_ref().is_some_and(|owner| owner == user))
            && (!self.mine || is_own(job))
            && self.text.as_ref().is_none_or(|text| job.name.to_lowercase().contains(text) || job.id.starts_with(text))
    }
}

/// Most runs of a strip.
const MAX_RUNS: usize = 1000;

/// The tasks of an array by state. Tasks that have not started are one record of Slurm's: `7_[3-9]`.
pub fn strip(tasks: &[&Job]) -> ArrayStrip {
    let mut by_index: BTreeMap<u32, JobState> = BTreeMap::new();
    for task in tasks {
        let Some((_, index)) = task.id.split_once('_') else { continue };
        for (first, last) in indices(index) {
            by_index.extend((first..=last).map(|index| (index, task.state)));
        }
    }
    let mut strip = ArrayStrip::default();
    for (&index, &state) in &by_index {
        *strip.counts.entry(state).or_default() += 1;
        strip.total += 1;
        let is_full = strip.runs.len() >= MAX_RUNS;
        match strip.runs.last_mut() {
            Some((_, last, before)) if *before == state && *last + 1 == index => *last = index,
            _ if is_full => strip.cut = true,
            _ => strip.runs.push((index, index, state)),
        }
    }
    strip
}

/// Most tasks of an array that are counted: `MaxArraySize` is at most 4,000,001 (slurm.conf(5)).
const MAX_TASKS: u32 = 4_000_001;

/// The ranges of `5`, `[3-9]`, `[1,5-7,20-40:10%2]`, as squeue(1) writes array tasks. What it cut off with `...` is not
/// known.
fn indices(text: &str) -> Vec<(u32, u32)> {
    let list = text.trim_matches(['[', ']']);
    let list = list.split('%').next().unwrap_or_default();
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number < MAX_TASKS);
    let mut ranges = Vec::new();
    for part in list.split(',') {
        match part.split_once('-') {
            None => ranges.extend(number(part).map(|index| (index, index))),
            Some((first, rest)) => {
                let (until, every) = rest.split_once(':').unwrap_or((rest, "1"));
                let (Some(from), Some(to), Some(every)) = (number(first), number(until), number(every)) else {
                    continue;
                };
                match every {
                    0 => {}
                    1 => ranges.push((from, to)),
                    every => ranges.extend((from..=to).step_by(every as usize).map(|index| (index, index))),
                }
            }
        }
    }
    ranges
}

/// One row for an array: its newest record with the array's id, the state of most interest, and the sums.
fn whole_array(array: u32, tasks: &[&Job]) -> Option<Job> {
    const INTEREST: [JobState; 7] = [
        JobState::Running,
        JobState::Completing,
        JobState::Configuring,
        JobState::Suspended,
        JobState::Pending,
        JobState::Failed,
        JobState::Completed,
    ];
    let rank = |state: JobState| INTEREST.iter().position(|one| *one == state).unwrap_or(INTEREST.len());
    let shown = tasks.iter().min_by_key(|task| rank(task.state))?;
    let running = |task: &&&Job| task.state == JobState::Running;
    Some(Job {
        id: array.to_string(),
        job_id: array,
        array_job_id: Some(array),
        node_list: None,
        submit_time: tasks.iter().filter_map(|task| task.submit_time).min(),
        start_time: tasks.iter().filter_map(|task| task.start_time).min(),
        end_time: tasks.iter().filter_map(|task| task.end_time).max().filter(|_| shown.state.is_final()),
        elapsed: tasks.iter().map(|task| task.elapsed).max().unwrap_or(0),
        cpus: tasks.iter().filter(running).map(|task| task.cpus).sum::<u32>().max(shown.cpus),
        ..(*shown).clone()
    })
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

    fn is_anns(job: &Job) -> bool {
        job.owner.as_deref() == Some("ann")
    }

    fn ids(query: JobQuery, jobs: &[Job]) -> Vec<u32> {
        Filter::new(query).unwrap().apply(jobs.iter(), is_anns).jobs.iter().map(|job| job.job_id).collect()
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
    fn an_array_is_one_row_with_a_strip() {
        let mut jobs: Vec<Job> = (1..=4).map(job).collect();
        for (at, (id, state)) in
            [("1_0", JobState::Completed), ("1_1", JobState::Failed), ("1_[2-5,8-10:2%2]", JobState::Pending)]
                .into_iter()
                .enumerate()
        {
            jobs[at] = Job { id: id.into(), array_job_id: Some(1), state, ..jobs[at].clone() };
        }
        let fold = |query: JobQuery| Filter::new(JobQuery { fold: true, ..query }).unwrap().apply(jobs.iter(), is_anns);
        let page = fold(JobQuery::default());
        assert_eq!(page.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["4", "1"]);
        assert_eq!((page.total, page.jobs[1].state), (2, JobState::Pending));
        let strip = &page.arrays[&1];
        assert_eq!(strip.total, 8);
        assert_eq!(
            strip.runs,
            [
                (0, 0, JobState::Completed),
                (1, 1, JobState::Failed),
                (2, 5, JobState::Pending),
                (8, 8, JobState::Pending),
                (10, 10, JobState::Pending)
            ]
        );
        assert_eq!(strip.counts[&JobState::Pending], 6);
        let failed = fold(JobQuery { state: Some("FAILED".into()), ..JobQuery::default() });
        assert_eq!((failed.total, failed.arrays.len()), (1, 1), "one task is enough");
        for odd in ["", "_", "[", "[]", "9-1", "4294967295", "[1-", "[0-4000000000]", "x", "[1...]"] {
            assert!(indices(odd).iter().all(|(first, last)| first <= last || last < first), "{odd}");
        }
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
