//! What a job waits for: `afterok:123:124,singleton`. Source: sbatch(1), `--dependency`.

use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::JobState;

use crate::slurm::{JobId, SlurmError};

use super::queue::{Phase, Queue, Record};
use super::request::failed;

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dependencies {
    list: Vec<Dependency>,
    /// Whether one is enough.
    any: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Dependency {
    /// The job has started, so many seconds ago.
    After(JobId, i64),
    /// The job is over.
    AfterAny(JobId),
    /// The job has ended well.
    AfterOk(JobId),
    /// The job has failed.
    AfterNotOk(JobId),
    /// No other job of the same name is there.
    Singleton,
}

/// How a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It keeps nothing back.
    Met,
    /// It may still come true, by itself at this time if there is one.
    Open(Option<UnixSeconds>),
    /// It can't come true any more.
    Never,
}

impl Dependencies {
    /// Reads them as sbatch does.
    pub fn parse(text: &str) -> Result<Self, SlurmError> {
        let problem = || failed("Job dependency problem");
        let any = text.contains('?');
        if any && text.contains(',') {
            return Err(problem());
        }
        let mut list = Vec::new();
        for one in text.split([',', '?']) {
            if one == "singleton" {
                list.push(Dependency::Singleton);
                continue;
            }
            let (kind, jobs) = one.split_once(':').ok_or_else(problem)?;
            for job in jobs.split(':') {
                let (id, minutes) = job.split_once('+').unwrap_or((job, "0"));
                let id: JobId = id.parse().map_err(|_| problem())?;
                let minutes: u32 = minutes.parse().map_err(|_| problem())?;
                list.push(match kind {
                    "after" => Dependency::After(id, i64::from(minutes) * 60),
                    "afterany" => Dependency::AfterAny(id),
                    "afterok" | "aftercorr" => Dependency::AfterOk(id),
                    "afternotok" => Dependency::AfterNotOk(id),
                    _ => return Err(problem()),
                });
            }
        }
        Ok(Self { list, any })
    }

    /// How they stand for a record. Jobs that nobody knows keep nothing back, as in Slurm.
    pub fn standing(&self, of: &Record, queue: &Queue, now: UnixSeconds) -> Standing {
        let all: Vec<Standing> = self.list.iter().map(|one| one.standing(of, queue, now)).collect();
        let soonest = all.iter().filter_map(|one| if let Standing::Open(at) = one { *at } else { None }).min();
        let is = |what: Standing| all.contains(&what);
        let open = all.iter().any(|one| matches!(one, Standing::Open(_)));
        match self.any {
            _ if all.is_empty() => Standing::Met,
            true if is(Standing::Met) => Standing::Met,
            false if is(Standing::Never) => Standing::Never,
            _ if open => Standing::Open(soonest),
            false => Standing::Met,
            true => Standing::Never,
        }
    }
}

impl Dependency {
    fn standing(&self, of: &Record, queue: &Queue, now: UnixSeconds) -> Standing {
        let met = |met: bool| if met { Standing::Met } else { Standing::Open(None) };
        let ends = |id: &JobId| -> Option<Vec<JobState>> { queue.targets(id).into_iter().map(end).collect() };
        match self {
            Self::Singleton => {
                let before = queue.records().take_while(|other| other.id < of.id);
                let mut same = before.filter(|other| {
                    let own = other.array.as_ref().map(|part| part.job) == of.array.as_ref().map(|part| part.job);
                    other.request.name == of.request.name && !(own && of.array.is_some())
                });
                met(same.all(|other| end(other).is_some()))
            }
            Self::After(id, seconds) => {
                let begun: Option<Vec<UnixSeconds>> = queue.targets(id).into_iter().map(begin).collect();
                let due =
                    begun.map(|begun| begun.into_iter().max().map_or(now, |begun| begun.saturating_add(*seconds)));
                match due {
                    None => Standing::Open(None),
                    Some(due) if due > now => Standing::Open(Some(due)),
                    Some(_) => Standing::Met,
                }
            }
            Self::AfterAny(id) => met(ends(id).is_some()),
            Self::AfterOk(id) => match ends(id) {
                Some(ends) if ends.iter().all(|end| *end == JobState::Completed) => Standing::Met,
                Some(_) => Standing::Never,
                None => Standing::Open(None),
            },
            Self::AfterNotOk(id) => match ends(id) {
                Some(ends) if ends.is_empty() || ends.iter().any(|end| *end != JobState::Completed) => Standing::Met,
                Some(_) => Standing::Never,
                None => Standing::Open(None),
            },
        }
    }
}

/// How a record has ended.
fn end(record: &Record) -> Option<JobState> {
    match &record.phase {
        Phase::Over(over) => Some(over.outcome.state),
        _ => None,
    }
}

/// When a record has started, or ended without that.
fn begin(record: &Record) -> Option<UnixSeconds> {
    match &record.phase {
        Phase::Waiting { .. } => None,
        Phase::Running(running) => Some(running.since),
        Phase::Over(over) => Some(over.started.unwrap_or(over.ended)),
    }
}
