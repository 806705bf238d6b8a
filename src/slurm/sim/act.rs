//! What is done with jobs after their submission, in Slurm's words where it can't be done.

use rustix::process::{Pid, Signal};
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{JobForecast, JobState};

use crate::slurm::notation::hostlist;
use crate::slurm::{Action, JobId, SlurmError};

use super::hardware::NODES;
use super::queue::{Outcome, Phase, Queue, Record};
use super::refused;
use super::request::Request;
use super::schedule::{Share, place};

/// A signal to be sent to a process group.
pub type Push = (Pid, Signal);

impl Queue {
    /// The records an id names: a task, or everything of an array.
    pub fn targets(&self, id: &JobId) -> Vec<&Record> {
        match id.task {
            None if self.record(id.job).is_some_and(|record| record.array.is_none()) => {
                self.record(id.job).into_iter().collect()
            }
            None if self.of_array(id.job).next().is_some() => self.of_array(id.job).map(|(record, _)| record).collect(),
            _ => self.find(id).into_iter().collect(),
        }
    }

    /// Does it; answers the signals that make it so.
    pub fn act(&mut self, id: &JobId, action: &Action, now: UnixSeconds) -> Result<Vec<Push>, SlurmError> {
        if *action == Action::Cancel {
            return self.cancel(id, now).map(|()| Vec::new());
        }
        let targets = self.targets(id);
        if targets.is_empty() {
            return Err(SlurmError::NoSuchJob(id.clone()));
        }
        let over = |record: &&Record| matches!(record.phase, Phase::Over(_));
        if *action != Action::Requeue && targets.iter().all(over) {
            return Err(SlurmError::AlreadyFinished(id.clone()));
        }
        let numbers: Vec<u32> = targets.iter().map(|record| record.id).collect();
        let (mut pushes, mut refusal, mut done) = (Vec::new(), None, false);
        for number in numbers {
            match self.act_on(number, id, action, now) {
                Ok(push) => {
                    pushes.extend(push);
                    done = true;
                }
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            Some(error) if !done => Err(error),
            _ => Ok(pushes),
        }
    }

    fn act_on(
        &mut self,
        number: u32,
        id: &JobId,
        action: &Action,
        now: UnixSeconds,
    ) -> Result<Option<Push>, SlurmError> {
        let not_now = |words: &str| Err(refused(format!("{words} for job {id}")));
        // One task of those that wait together becomes a record of its own.
        let waits = self.record(number).is_some_and(|record| matches!(record.phase, Phase::Waiting { .. }));
        let number = match id.task {
            Some(task) if waits => self.split_off(number, Some(task)).unwrap_or(number),
            _ => number,
        };
        let Some(record) = self.record_mut(number) else { return Err(SlurmError::NoSuchJob(id.clone())) };
        match (action, &mut record.phase) {
            (Action::Hold, _) => record.orders.held = true,
            (Action::Release, _) => record.orders.held = false,
            (Action::Nice(nice), _) => record.orders.nice = i64::from(*nice),
            (Action::TimeLimit(seconds), _) => {
                if *seconds > record.request.partition.max_time {
                    return Err(refused("Requested time limit is invalid (missing or exceeds some limit)"));
                }
                record.orders.time_limit = *seconds;
            }
            (_, Phase::Waiting { .. }) => return not_now("Job is pending execution"),
            (Action::Requeue, Phase::Running(running)) => {
                running.requeue = true;
                running.stop.notify_one();
            }
            (Action::Requeue, Phase::Over(_)) => self.again(number),
            (Action::Suspend, Phase::Running(running)) => {
                running.suspended.get_or_insert(now);
                return Ok(running.group.map(|group| (group, Signal::STOP)));
            }
            (Action::Resume, Phase::Running(running)) => {
                let Some(since) = running.suspended.take() else { return not_now("Job is not suspended") };
                running.paused = running.paused.saturating_add(now.saturating_sub(since).try_into().unwrap_or(0));
                return Ok(running.group.map(|group| (group, Signal::CONT)));
            }
            (_, Phase::Over(_)) => return Err(SlurmError::AlreadyFinished(id.clone())),
            (Action::Cancel, _) => {}
        }
        Ok(None)
    }

    /// Stops a job, an array or one task. Those that wait are over at once, those that run are told to stop.
    pub fn cancel(&mut self, id: &JobId, now: UnixSeconds) -> Result<(), SlurmError> {
        let ids: Vec<u32> = self.targets(id).into_iter().map(|record| record.id).collect();
        if ids.is_empty() {
            return Err(SlurmError::NoSuchJob(id.clone()));
        }
        let mut alive = false;
        for number in ids {
            match self.record(number).map(|record| (&record.phase, &record.array)) {
                Some((Phase::Running(running), _)) => {
                    running.stop.notify_one();
                    alive = true;
                }
                Some((Phase::Waiting { .. }, part)) => {
                    let one = id.task.filter(|_| part.as_ref().is_some_and(|part| !part.single));
                    let number = one.map_or(Some(number), |task| self.split_off(number, Some(task)));
                    let outcome = Outcome { state: JobState::Cancelled, exit_code: 0, signal: None, reason: "None" };
                    if let Some(number) = number {
                        self.finish(number, outcome, now);
                    }
                    alive = true;
                }
                _ => {}
            }
        }
        if alive { Ok(()) } else { Err(SlurmError::AlreadyFinished(id.clone())) }
    }

    /// When a request would start if nobody came before it and all that runs took its whole time.
    pub fn forecast(&self, request: &Request, now: UnixSeconds) -> JobForecast {
        let mut free = self.free().to_vec();
        let mut at = request.not_before.map_or(now, |begin| begin.max(now));
        let mut ends: Vec<(UnixSeconds, &[Share])> = self
            .records()
            .filter_map(|record| match &record.phase {
                Phase::Running(running) => {
                    let left = running.since.saturating_add_unsigned(record.orders.time_limit);
                    Some((left, running.shares.as_slice()))
                }
                _ => None,
            })
            .collect();
        ends.sort_by_key(|(end, _)| *end);
        let mut ends = ends.into_iter();
        let shares = loop {
            if let Some(shares) = place(&request.shape, request.partition.nodes.clone(), &free) {
                break shares;
            }
            let Some((end, given_back)) = ends.next() else { break Vec::new() };
            for share in given_back {
                free[share.node].give_back(share);
            }
            at = at.max(end);
        };
        let names: Vec<&str> = shares.iter().map(|share| NODES[share.node].name).collect();
        JobForecast {
            accepted: true,
            refusal: None,
            start_time: (!shares.is_empty()).then_some(at),
            cpus: Some(shares.iter().map(|share| share.cpus).sum()),
            node_list: (!names.is_empty()).then(|| hostlist::compress(&names)),
            partition: Some(request.partition.name.to_owned()),
        }
    }
}
