//! The cluster's memory: its jobs from submission until they are forgotten, and what is free on the nodes.
//!
//! A state machine without clock or processes: the time comes in, and who is to be started or stopped goes out.
//! An array is one record until its tasks start, as in Slurm: each start splits a task off under a number of its own,
//! and the last one keeps the array's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rustix::process::Pid;
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::JobState;
use tokio::sync::Notify;

use crate::slurm::{JobId, SlurmError};

use super::hardware::NODES;
use super::refused;
use super::request::Request;
use super::schedule::{Decision, Free, Share, Waiting, schedule};

/// The first job's number, so that ids look like a cluster's that has been used.
const FIRST_ID: u32 = 1001;

/// Most records there may be, as `MaxJobCount`.
const MOST: usize = 10_000;

/// Finished jobs that are remembered, as `MinJobAge` does by time.
const REMEMBERED: usize = 1000;

/// One record: a job, an array's waiting rest, or one of its tasks.
#[derive(Debug)]
pub struct Record {
    /// Its number.
    pub id: u32,
    /// Its place in an array.
    pub array: Option<Part>,
    /// What was asked for.
    pub request: Arc<Request>,
    /// When it was submitted.
    pub submitted: UnixSeconds,
    /// Where it is in its life.
    pub phase: Phase,
}

/// What part of an array a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The array's number.
    pub job: u32,
    /// The tasks it stands for.
    pub tasks: BTreeSet<u32>,
    /// Whether it is one split-off task rather than the waiting rest.
    pub single: bool,
}

impl Part {
    /// The task, of a split-off one.
    pub fn task(&self) -> Option<u32> {
        self.single.then(|| self.tasks.first().copied()).flatten()
    }
}

/// Where a record is in its life.
#[derive(Debug)]
pub enum Phase {
    /// In the queue.
    Waiting {
        /// Slurm's reason code.
        reason: &'static str,
    },
    /// On its nodes.
    Running(Running),
    /// Finished.
    Over(Over),
}

/// A job on its nodes.
#[derive(Debug)]
pub struct Running {
    /// Since when.
    pub since: UnixSeconds,
    /// What it has.
    pub shares: Vec<Share>,
    /// Told when it must stop.
    pub stop: Arc<Notify>,
    /// Whether it is on its way out.
    pub completing: bool,
    /// Its process group while there is one.
    pub group: Option<Pid>,
}

/// A finished job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// When it started, if it did.
    pub started: Option<UnixSeconds>,
    /// When it ended.
    pub ended: UnixSeconds,
    /// What it had.
    pub shares: Vec<Share>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Its final state.
    pub state: JobState,
    /// Exit code.
    pub exit_code: i32,
    /// Signal.
    pub signal: Option<i32>,
    /// Slurm's reason code.
    pub reason: &'static str,
}

/// The jobs and the nodes.
#[derive(Debug)]
pub struct Queue {
    records: BTreeMap<u32, Record>,
    over: VecDeque<u32>,
    next_id: u32,
    free: Vec<Free>,
    closed: bool,
}

impl Default for Queue {
    fn default() -> Self {
        let free = NODES.iter().map(super::hardware::NodeKind::free).collect();
        Queue { records: BTreeMap::new(), over: VecDeque::new(), next_id: FIRST_ID, free, closed: false }
    }
}

impl Queue {
    /// Every record, by number.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// What is free, by node.
    pub fn free(&self) -> &[Free] {
        &self.free
    }

    /// One record by its number.
    pub fn record(&self, id: u32) -> Option<&Record> {
        self.records.get(&id)
    }

    /// The record an id names: a task also while it waits with the rest; an array's number names what is left of it,
    /// or its last task.
    pub fn find(&self, id: &JobId) -> Option<&Record> {
        match id.task {
            None => self.records.get(&id.job).or_else(|| self.of_array(id.job).next_back().map(|(record, _)| record)),
            Some(task) => self.of_array(id.job).find(|(_, part)| part.tasks.contains(&task)).map(|(record, _)| record),
        }
    }

    /// Takes a request in.
    pub fn submit(&mut self, request: Request, now: UnixSeconds) -> Result<u32, SlurmError> {
        if self.records.len() >= MOST {
            return Err(refused("Batch job submission failed: the cluster holds as many jobs as it can"));
        }
        let id = self.new_id();
        let array = request.array.as_ref().map(|array| Part { job: id, tasks: array.tasks.clone(), single: false });
        let phase = Phase::Waiting { reason: "None" };
        self.records.insert(id, Record { id, array, request: Arc::new(request), submitted: now, phase });
        Ok(id)
    }

    /// Starts what fits now; answers the started records' numbers. Nothing starts once the queue is closed.
    pub fn dispatch(&mut self, now: UnixSeconds) -> Vec<u32> {
        if self.closed {
            return Vec::new();
        }
        let waiting: Vec<Waiting<'_>> = self.records.values().filter_map(|record| self.waiting(record)).collect();
        let decisions = schedule(&waiting, &self.free);
        let mut started = Vec::new();
        for decision in decisions {
            match decision {
                Decision::Start { id, shares } => started.extend(self.start(id, shares, now)),
                Decision::Wait { id, reason } => {
                    if let Some(Record { phase, .. }) = self.records.get_mut(&id) {
                        *phase = Phase::Waiting { reason };
                    }
                }
            }
        }
        started
    }

    /// Stops a job, an array or one task. Those that wait are over at once, those that run are told to stop.
    pub fn cancel(&mut self, id: &JobId, now: UnixSeconds) -> Result<(), SlurmError> {
        let ids: Vec<u32> = match id.task {
            None if self.of_array(id.job).next().is_some() => {
                self.of_array(id.job).map(|(record, _)| record.id).collect()
            }
            _ => self.find(id).map(|record| record.id).into_iter().collect(),
        };
        if ids.is_empty() {
            return Err(SlurmError::NoSuchJob(id.clone()));
        }
        let mut alive = false;
        for number in ids {
            match self.records.get(&number).map(|record| (&record.phase, &record.array)) {
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

    /// Notes a started job's process group. Answers false when the queue has closed meanwhile.
    pub fn launched(&mut self, id: u32, group: Pid) -> bool {
        if let Some(running) = self.running(id) {
            running.group = Some(group);
        }
        !self.closed
    }

    /// Notes that a job is on its way out; `gone` when its process has been waited for.
    pub fn completing(&mut self, id: u32, gone: bool) {
        if let Some(running) = self.running(id) {
            running.completing = true;
            running.group = running.group.filter(|_| !gone);
        }
    }

    /// Ends a job and frees what it had.
    pub fn finish(&mut self, id: u32, outcome: Outcome, now: UnixSeconds) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        let (started, shares) = match &mut record.phase {
            Phase::Waiting { .. } => (None, Vec::new()),
            Phase::Running(running) => (Some(running.since), std::mem::take(&mut running.shares)),
            Phase::Over(_) => return,
        };
        for share in &shares {
            self.free[share.node].give_back(share);
        }
        record.phase = Phase::Over(Over { started, ended: now, shares, outcome });
        self.over.push_back(id);
        while self.over.len() > REMEMBERED {
            self.over.pop_front().map(|id| self.records.remove(&id));
        }
    }

    /// Starts nothing any more; answers the process groups that are there.
    pub fn close(&mut self) -> Vec<Pid> {
        self.closed = true;
        let running = self.records.values().filter_map(|record| match &record.phase {
            Phase::Running(running) => running.group,
            _ => None,
        });
        running.collect()
    }

    fn new_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn running(&mut self, id: u32) -> Option<&mut Running> {
        match self.records.get_mut(&id).map(|record| &mut record.phase) {
            Some(Phase::Running(running)) => Some(running),
            _ => None,
        }
    }

    fn of_array(&self, job: u32) -> impl DoubleEndedIterator<Item = (&Record, &Part)> {
        self.records.range(job..).filter_map(move |(_, record)| {
            record.array.as_ref().filter(|part| part.job == job).map(|part| (record, part))
        })
    }

    fn waiting<'a>(&'a self, record: &'a Record) -> Option<Waiting<'a>> {
        if !matches!(record.phase, Phase::Waiting { .. }) {
            return None;
        }
        let (mut copies, mut limited) = (1, false);
        if let Some(part) = &record.array {
            copies = part.tasks.len();
            if let Some(limit) = record.request.array.as_ref().and_then(|array| array.limit) {
                let started = self.of_array(part.job).filter(|(other, _)| matches!(other.phase, Phase::Running(_)));
                let may = (limit as usize).saturating_sub(started.count());
                limited = copies > may;
                copies = copies.min(may);
            }
        }
        let within = record.request.partition.nodes.clone();
        Some(Waiting { id: record.id, within, shape: &record.request.shape, copies, limited })
    }

    fn start(&mut self, id: u32, shares: Vec<Share>, now: UnixSeconds) -> Option<u32> {
        let id = self.split_off(id, None)?;
        let record = self.records.get_mut(&id)?;
        for share in &shares {
            self.free[share.node].take(share);
        }
        let stop = Arc::new(Notify::new());
        record.phase = Phase::Running(Running { since: now, shares, stop, completing: false, group: None });
        Some(id)
    }

    /// Makes one task (the first when none is named) a record of its own and answers its number; a plain job and the
    /// last task of an array stay the record they are.
    fn split_off(&mut self, id: u32, task: Option<u32>) -> Option<u32> {
        let record = self.records.get_mut(&id)?;
        let Some(part) = record.array.as_mut() else {
            return Some(id);
        };
        let task = task.or_else(|| part.tasks.first().copied()).filter(|task| part.tasks.contains(task))?;
        if part.tasks.len() == 1 {
            part.single = true;
            return Some(id);
        }
        part.tasks.remove(&task);
        let array = Some(Part { job: part.job, tasks: BTreeSet::from([task]), single: true });
        let (request, submitted) = (record.request.clone(), record.submitted);
        let id = self.new_id();
        self.records.insert(id, Record { id, array, request, submitted, phase: Phase::Waiting { reason: "None" } });
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::Submission;

    fn request(array: Option<&str>) -> Request {
        Request::check(&Submission {
            script: "#!/bin/sh\n".to_owned(),
            name: "test".to_owned(),
            partition: None,
            account: None,
            qos: None,
            nodes: None,
            tasks: None,
            cpus_per_task: Some(16),
            memory: None,
            gpus: None,
            time: None,
            array: array.map(str::to_owned),
            work_dir: "/tmp".into(),
            stdout: "out".into(),
        })
        .unwrap()
    }

    const DONE: Outcome = Outcome { state: JobState::Completed, exit_code: 0, signal: None, reason: "None" };

    fn id(job: u32, task: Option<u32>) -> JobId {
        JobId { job, task }
    }

    #[test]
    fn jobs_wait_for_room_and_get_it() {
        let mut queue = Queue::default();
        let ids: Vec<u32> = (0..6).map(|_| queue.submit(request(None), 10).unwrap()).collect();
        assert_eq!(ids, [1001, 1002, 1003, 1004, 1005, 1006]);
        assert_eq!(queue.dispatch(11), ids[..4]);
        let reason = |queue: &Queue, id| match queue.record(id).map(|record| &record.phase) {
            Some(Phase::Waiting { reason }) => *reason,
            other => panic!("{other:?}"),
        };
        assert_eq!((reason(&queue, 1005), reason(&queue, 1006)), ("Resources", "Priority"));
        queue.finish(1002, DONE, 12);
        assert_eq!(queue.dispatch(12), [1005]);
        queue.finish(1002, Outcome { state: JobState::Failed, ..DONE }, 13);
        assert!(
            matches!(&queue.record(1002).unwrap().phase, Phase::Over(over) if over.outcome == DONE),
            "it ended once"
        );
        assert_eq!(queue.close(), []);
        queue.finish(1001, DONE, 14);
        assert_eq!(queue.dispatch(14), Vec::<u32>::new(), "nothing starts any more");
    }

    #[test]
    fn an_arrays_last_task_keeps_its_number() {
        let mut queue = Queue::default();
        let array = queue.submit(request(Some("0-2%2")), 10).unwrap();
        assert_eq!(queue.dispatch(11), [1002, 1003]);
        assert_eq!(queue.find(&id(array, Some(2))).unwrap().id, array);
        queue.finish(1002, DONE, 12);
        assert_eq!(queue.dispatch(12), [array]);
        let tasks = [0, 1, 2].map(|task| queue.find(&id(array, Some(task))).unwrap().id);
        assert_eq!(tasks, [1002, 1003, array]);
        assert!(queue.find(&id(array, Some(3))).is_none());
    }

    #[test]
    fn cancelling_tells_what_it_found() {
        let mut queue = Queue::default();
        let job = queue.submit(request(None), 10).unwrap();
        assert_eq!(queue.cancel(&id(9, None), 11), Err(SlurmError::NoSuchJob(id(9, None))));
        assert_eq!(queue.cancel(&id(job, Some(1)), 11), Err(SlurmError::NoSuchJob(id(job, Some(1)))));
        assert_eq!(queue.cancel(&id(job, None), 11), Ok(()));
        assert_eq!(queue.cancel(&id(job, None), 12), Err(SlurmError::AlreadyFinished(id(job, None))));
        assert_eq!(queue.dispatch(12), Vec::<u32>::new());
    }

    #[test]
    fn old_jobs_are_forgotten_and_there_is_an_end_to_new_ones() {
        let mut queue = Queue::default();
        for _ in 0..REMEMBERED + 5 {
            let id = queue.submit(request(None), 10).unwrap();
            queue.finish(id, DONE, 11);
        }
        assert_eq!(queue.records().count(), REMEMBERED);
        assert!(queue.record(FIRST_ID).is_none());
        let taken = (0..MOST).map_while(|_| queue.submit(request(None), 12).ok()).count();
        assert_eq!(taken, MOST - REMEMBERED);
    }
}
