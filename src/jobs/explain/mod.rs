//! Why a job waits, and why it ended as it did, in words for people, English and Korean.
//!
//! Pure: everything known comes in as [`Facts`], an explanation comes out. [`waiting`] reads Slurm's reason codes
//! ([`limit`] those of usage limits), [`failed`] states, exit codes and signals, [`output`] the end of what the job
//! wrote. Every text is made in both languages at one place ([`words`]). Whatever comes from outside is cleaned
//! before it stands in a sentence ([`text`]).

mod failed;
mod limit;
mod output;
mod signals;
mod text;
mod waiting;
mod words;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Node, Partition};
use slurmdash_api::jobs::{Explanation, Job, JobMore, JobState, Step, Usage};

pub use words::Both;

/// What is known of a job and of what is around it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The job.
    pub job: &'a Job,
    /// The script's exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Who cancelled it, as a name or a number, where accounting knows.
    pub cancelled_by: Option<&'a str>,
    /// What else is known.
    pub more: &'a JobMore,
    /// What it used.
    pub usage: Option<&'a Usage>,
    /// Its steps.
    pub steps: &'a [Step],
    /// The end of what it wrote; `Some("")` when it wrote nothing, `None` when that is not known. Only the last
    /// 64 KiB count.
    pub output_end: Option<&'a str>,
    /// The cluster around it.
    pub cluster: Cluster<'a>,
    /// The time now.
    pub now: UnixSeconds,
    /// The time zone to write points in time in.
    pub zone: &'a TimeZone,
}

/// The cluster as last seen. Jobs should be those that the person asking may see: they are named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cluster<'a> {
    /// Its nodes.
    pub nodes: &'a [Node],
    /// Its partitions.
    pub partitions: &'a [Partition],
    /// Its jobs.
    pub jobs: &'a [Job],
}

impl<'a> Facts<'a> {
    /// The partitions that the job may run in: Slurm lists several while it waits.
    fn partitions(&self) -> impl Iterator<Item = &'a Partition> + use<'a> {
        let (names, all) = (&self.job.partition, self.cluster.partitions);
        all.iter().filter(move |partition| names.split(',').any(|name| name == partition.name))
    }

    /// The nodes of those partitions.
    fn nodes(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let (names, all) = (&self.job.partition, self.cluster.nodes);
        all.iter().filter(move |node| node.partitions.iter().any(|own| names.split(',').any(|name| name == own)))
    }

    /// The job's partition as it stands in a sentence.
    fn partition_name(&self) -> String {
        words::name(&self.job.partition)
    }

    /// The nodes it asks for, at least one.
    fn node_count(&self) -> u32 {
        self.job.nodes.max(1)
    }

    /// The memory it may use on one node, MiB.
    fn memory_on_a_node(&self) -> Option<u64> {
        let given = self.usage.and_then(|usage| usage.memory_available);
        given.or_else(|| self.job.memory.map(|all| all / u64::from(self.node_count()))).filter(|memory| *memory > 0)
    }

    /// The most memory one of its tasks had, MiB.
    fn memory_peak(&self) -> Option<u64> {
        let steps = self.steps.iter().filter_map(|step| step.memory_peak);
        steps.chain(self.usage.and_then(|usage| usage.memory_peak)).max().filter(|peak| *peak > 0)
    }
}

/// Explains a job; `None` while it runs and when it ended well.
pub fn explain(facts: &Facts<'_>) -> Option<Explanation> {
    let said = match facts.job.state {
        JobState::Pending => Some(waiting::explain(facts)),
        JobState::Running | JobState::Completed | JobState::Unknown => None,
        JobState::Configuring | JobState::Completing | JobState::Suspended => waiting::explain_pause(facts),
        _ => failed::explain(facts),
    };
    said.map(words::Said::finish)
}

/// Why a job waits or how it ended, in a few words for lists; `None` where the state says it all.
pub fn short(reason: &str, state: JobState) -> Option<Both> {
    match state {
        JobState::Pending => Some(waiting::short(reason)),
        state if state.is_final() && state != JobState::Completed => failed::short(reason, state),
        _ => None,
    }
}
