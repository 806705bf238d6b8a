//! Explanations as a whole: every reason code, every state, real-looking outputs, and arbitrary input.
mod codes;
mod failed;
mod output;
mod properties;
mod waiting;

use jiff::tz::TimeZone;
use slurmdash_api::cluster::{Node, NodeState, Partition};
use slurmdash_api::jobs::{Explanation, Job, JobMore, JobState, Step, Usage, Words};

use super::{Cluster, Facts, explain};

/// The time now in these tests.
const NOW: i64 = 1_700_000_000;

/// Facts that own what they refer to.
struct Case {
    job: Job,
    exit_code: Option<i32>,
    signal: Option<i32>,
    cancelled_by: Option<String>,
    more: JobMore,
    usage: Option<Usage>,
    steps: Vec<Step>,
    output: Option<String>,
    nodes: Vec<Node>,
    partitions: Vec<Partition>,
    jobs: Vec<Job>,
}

impl Case {
    fn new(state: JobState) -> Self {
        Self {
            job: Job { state, elapsed: 60, ..job(7) },
            exit_code: None,
            signal: None,
            cancelled_by: None,
            more: JobMore::default(),
            usage: None,
            steps: Vec::new(),
            output: None,
            nodes: Vec::new(),
            partitions: Vec::new(),
            jobs: Vec::new(),
        }
    }

    fn waits(reason: &str) -> Self {
        let mut case = Self::new(JobState::Pending);
        case.job.reason = Some(reason.into());
        case
    }

    fn failed(exit_code: i32, output: &str) -> Self {
        let mut case = Self::new(JobState::Failed);
        (case.exit_code, case.output) = (Some(exit_code), Some(output.into()));
        case
    }

    /// Three nodes, one of them down, in one partition.
    fn with_cluster(mut self) -> Self {
        self.nodes = vec![node("n1", NodeState::Allocated), node("n2", NodeState::Idle), node("n3", NodeState::Down)];
        self.nodes[0].cpus_allocated = 16;
        self.nodes[2].reason = Some("disk failure".into());
        self.partitions = vec![partition("compute", Some(86_400))];
        self
    }

    fn facts<'a>(&'a self, zone: &'a TimeZone) -> Facts<'a> {
        Facts {
            job: &self.job,
            exit_code: self.exit_code,
            signal: self.signal,
            cancelled_by: self.cancelled_by.as_deref(),
            more: &self.more,
            usage: self.usage.as_ref(),
            steps: &self.steps,
            output_end: self.output.as_deref(),
            cluster: Cluster { nodes: &self.nodes, partitions: &self.partitions, jobs: &self.jobs },
            now: NOW,
            zone,
        }
    }

    /// The explanation, which must be there and sound.
    fn explain(&self) -> Explanation {
        let told = explain(&self.facts(&TimeZone::UTC)).expect("an explanation");
        assert_sound(&told);
        assert!(!format!("{told:?}").contains("{}"), "a name was not filled in: {told:?}");
        told
    }
}

/// What must hold for every explanation.
fn assert_sound(told: &Explanation) {
    let is_hangul = |c: char| ('가'..='힣').contains(&c);
    assert!(
        !told.code.is_empty() && told.code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
        "{}",
        told.code
    );
    let texts = |words: &Words| [words.short.clone(), words.what.clone(), words.why.clone(), words.todo.clone()];
    for (at, (en, ko)) in texts(&told.en).into_iter().zip(texts(&told.ko)).enumerate() {
        assert_eq!(en.is_empty(), ko.is_empty(), "{told:?}");
        if en.is_empty() {
            assert_eq!(at, 3, "only what to do may be empty: {told:?}");
            continue;
        }
        assert_ne!(en, ko);
        assert!(ko.chars().any(is_hangul), "{ko}");
        for text in [&en, &ko] {
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert_eq!(text.trim(), text);
            assert!(text.chars().count() < 2000, "{text}");
        }
    }
}

fn job(job_id: u32) -> Job {
    Job {
        reason: None,
        account: Some("physics".into()),
        qos: Some("normal".into()),
        cpus: 4,
        memory: Some(8192),
        time_limit: Some(3600),
        ..crate::jobs::tests::job(job_id)
    }
}

fn node(name: &str, state: NodeState) -> Node {
    Node {
        name: name.into(),
        state,
        state_text: "STATE".into(),
        cpus: 16,
        cpus_allocated: 0,
        memory: 64_000,
        memory_allocated: 0,
        gpus: 0,
        gpus_allocated: 0,
        load: None,
        reason: None,
        partitions: vec!["compute".into()],
        features: Vec::new(),
        version: None,
    }
}

fn partition(name: &str, max_time: Option<u64>) -> Partition {
    Partition {
        name: name.into(),
        is_default: false,
        is_up: true,
        max_time,
        default_time: None,
        nodes: Vec::new(),
        cpus: 48,
        max_cpus_per_node: 16,
        max_memory_per_node: 64_000,
        max_gpus_per_node: 0,
    }
}
