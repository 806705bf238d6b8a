//! A list of jobs as one page of it is shown: filtered, sorted and paged by the server, kept up to date in place.
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use slurmdash_api::jobs::{ActionRequest, ActionResults, ArrayStrip, Job, JobPage, JobQuery, OutputStream};
use slurmdash_api::live::ServerMessage;
use sycamore::prelude::*;

use super::data::Remote;
use super::http::escape;
use super::refetch::{Keeper, Refetch};
use super::{Client, ClientError};

/// Shortest time between two reads of the list, milliseconds.
const GAP_MS: f64 = 1_500.0;

/// One page of jobs for a query that may change.
#[derive(Clone, Copy)]
pub struct JobList {
    /// The page; what was shown for the last query stays until the new one's answer is there.
    pub page: Remote<JobPage>,
    /// True from a change of the query until its answer.
    pub busy: ReadSignal<bool>,
}

impl JobList {
    /// Follows `query` for as long as the current scope lives.
    pub fn new(client: Client, query: ReadSignal<JobQuery>) -> Self {
        let page = Remote::new();
        let busy = create_signal(true);
        let read = Refetch::new(GAP_MS, move || async move {
            let path = with_query("/api/jobs", &query.get_clone_untracked());
            let answer = client.get::<JobPage>(&path).await;
            batch(|| {
                busy.set(false);
                page.put(answer);
            });
        });
        let keeper = Keeper::new(client.live, &["jobs"], &read, {
            let read = read.clone();
            move |message| {
                if let ServerMessage::Jobs { changed, gone, freshness } = message {
                    let mut moved = false;
                    page.patch(|page| {
                        page.freshness = freshness.clone();
                        moved = patch(&mut page.jobs, &page.arrays, changed, gone);
                        true
                    });
                    if moved {
                        read.soon();
                    }
                }
            }
        });
        on_cleanup(move || drop(keeper));
        let mut first = true;
        create_effect(move || {
            query.track();
            if !std::mem::take(&mut first) {
                busy.set(true);
                read.restart();
            }
        });
        Self { page, busy: *busy }
    }
}

/// Puts changed jobs into the rows that show them. True when the list itself may be another one now (rows came, went or
/// changed state, or a task of an array that is one row did), so that the server must be asked again.
fn patch(rows: &mut [Job], arrays: &BTreeMap<u32, ArrayStrip>, changed: &[Job], gone: &[String]) -> bool {
    let mut places: HashMap<String, usize> =
        rows.iter().enumerate().map(|(place, job)| (job.id.clone(), place)).collect();
    let mut moved = gone.iter().any(|id| places.contains_key(id));
    for job in changed {
        match places.remove(&job.id) {
            _ if job.array_job_id.is_some_and(|array| arrays.contains_key(&array)) => moved = true,
            Some(place) => {
                moved |= rows[place].state != job.state;
                rows[place] = job.clone();
            }
            None => moved = true,
        }
    }
    moved
}

/// Does one thing with one job or many; the answer tells of each.
pub async fn act(client: Client, request: &ActionRequest) -> Result<ActionResults, ClientError> {
    client.post("/api/jobs/actions", request).await
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

/// An address that gives a job's whole output once, without a session, within a minute.
pub async fn output_link(client: Client, id: &str, stream: OutputStream) -> Result<String, ClientError> {
    let stream = if stream == OutputStream::Stderr { "stderr" } else { "stdout" };
    let path = format!("/api/jobs/{}/output/link?stream={stream}", escape(id));
    Ok(client.post::<Link>(&path, &serde_json::json!({})).await?.url)
}

/// `path?name=value&…` of a query type: its fields by name, without those that are left out.
pub fn with_query(path: &str, query: &impl Serialize) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(query) else {
        return path.to_owned();
    };
    let pairs: Vec<String> = fields
        .iter()
        .filter_map(|(name, value)| {
            let value = match value {
                serde_json::Value::String(text) => escape(text),
                serde_json::Value::Null => return None,
                other => escape(&other.to_string()),
            };
            Some(format!("{name}={value}"))
        })
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use slurmdash_api::jobs::JobState;

    use super::*;

    fn job(id: &str, state: JobState) -> Job {
        let text = format!(
            r#"{{"id":"{id}","job_id":1,"array_job_id":null,"name":"n","user":"u","owner":null,"account":null,
            "partition":"p","qos":null,"state":"{}","reason":null,"nodes":1,"tasks":1,"cpus":1,"memory":null,"gpus":0,
            "node_list":null,"submit_time":null,"start_time":null,"end_time":null,"time_limit":null,"elapsed":0,
            "priority":null,"template":null}}"#,
            state.as_str()
        );
        serde_json::from_str(&text).expect("a job")
    }

    #[test]
    fn rows_are_patched_in_place() {
        let mut rows = vec![job("1", JobState::Running), job("2", JobState::Pending)];
        let none = BTreeMap::new();
        let mut longer = job("1", JobState::Running);
        longer.elapsed = 9;
        assert!(!patch(&mut rows, &none, &[longer], &[]), "only its time went on");
        assert_eq!(rows[0].elapsed, 9);
        assert!(!patch(&mut rows, &none, &[], &["7".into()]), "gone elsewhere");
        assert!(patch(&mut rows, &none, &[job("2", JobState::Running)], &[]));
        assert_eq!(rows[1].state, JobState::Running);
        assert!(patch(&mut rows, &none, &[job("3", JobState::Pending)], &[]), "a new one");
        assert!(patch(&mut rows, &none, &[], &["1".into()]));
        assert_eq!(rows.len(), 2);
        let mut task = job("1_4", JobState::Running);
        task.array_job_id = Some(1);
        let arrays = BTreeMap::from([(1, ArrayStrip::default())]);
        assert!(patch(&mut rows, &arrays, &[task], &[]), "its array's row says another thing now");
        assert_eq!(rows[0].id, "1");
    }

    #[test]
    fn queries_leave_out_what_is_not_asked() {
        let mut query = JobQuery::default();
        assert_eq!(with_query("/api/jobs", &query), "/api/jobs");
        query.state = Some("RUNNING,PENDING".into());
        query.mine = true;
        query.page = Some(2);
        let text = with_query("/api/jobs", &query);
        for part in ["state=RUNNING%2CPENDING", "mine=true", "page=2"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
