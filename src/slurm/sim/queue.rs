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

use super::dependency::Standing;
use super::hardware::NODES;
use super::refused;
use super::request::Request;
use super::schedule::{Decision, Free, Share, Waiting, schedule};

/// The first job's number, so that ids look like a cluster's that has been used.
pub const FIRST_ID: u32 = 1001;

/// Most records there may be, as `MaxJobCount`.
pub const MOST: usize = 10_000;

/// Finished jobs that are remembered, as `MinJobAge` does by time.
pub const REMEMBERED: usize = 1000;

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
    /// What has been ordered since.
    pub orders: Orders,
    /// Where it is in its life.
    pub phase: Phase,
}

/// What may be changed after the submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// Whether it is held.
    pub held: bool,
    /// Nice value.
    pub nice: i64,
    /// Time limit, seconds.
    pub time_limit: u64,
    /// How often it was started anew.
    pub restarts: u32,
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
    /// Whether it goes back into the queue when it has stopped.
    pub requeue: bool,
    /// Since when it is suspended.
    pub suspended: Option<UnixSeconds>,
    /// How long it was suspended before, seconds.
    pub paused: u64,
    /// CPU time used so far, seconds.
    pub cpu: f64,
    /// Most memory seen at once, KiB.
    pub peak: u64,
}

impl Running {
    /// How long it has run, seconds.
    pub fn ran(&self, now: UnixSeconds) -> u64 {
        let until = self.suspended.unwrap_or(now);
        until.saturating_sub(self.since).try_into().unwrap_or(0_u64).saturating_sub(self.paused)
    }
}

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// When it started, if it did.
    pub started: Option<UnixSeconds>,
    /// When it ended.
    pub ended: UnixSeconds,
    /// What it had.
    pub shares: Vec<Share>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran, seconds.
    pub ran: u64,
    /// CPU time used, seconds.
    pub cpu: f64,
    /// Most memory seen at once, KiB.
    pub peak: u64,
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
        let orders = Orders { held: request.hold, nice: request.nice, time_limit: request.time_limit, restarts: 0 };
        self.records.insert(id, Record { id, array, request: Arc::new(request), submitted: now, orders, phase });
        Ok(id)
    }

    /// Starts what fits now; answers the started records' numbers. Nothing starts once the queue is closed.
    pub fn dispatch(&mut self, now: UnixSeconds) -> Vec<u32> {
        if self.closed {
            return Vec::new();
        }
        let held_back: Vec<(u32, &'static str)> =
            self.records.values().filter_map(|record| Some((record.id, self.obstacle(record, now)?))).collect();
        let mut waiting: Vec<(i64, Waiting<'_>)> = self
            .records
            .values()
            .filter(|record| held_back.binary_search_by_key(&record.id, |(id, _)| *id).is_err())
            .filter_map(|record| Some((record.orders.nice, self.waiting(record)?)))
            .collect();
        // Stable: of one priority, the oldest comes first.
        waiting.sort_by_key(|(nice, _)| *nice);
        let waiting: Vec<Waiting<'_>> = waiting.into_iter().map(|(_, waiting)| waiting).collect();
        let decisions = schedule(&waiting, &self.free);
        for (id, reason) in held_back {
            if let Some(record) = self.records.get_mut(&id) {
                record.phase = Phase::Waiting { reason };
            }
        }
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
        let mut over = Over { started: None, ended: now, shares: Vec::new(), outcome, ran: 0, cpu: 0.0, peak: 0 };
        match &mut record.phase {
            Phase::Waiting { .. } => {}
            Phase::Running(running) => {
                (over.started, over.ran, over.cpu, over.peak) =
                    (Some(running.since), running.ran(now), running.cpu, running.peak);
                over.shares = std::mem::take(&mut running.shares);
            }
            Phase::Over(_) => return,
        }
        let requeue = matches!(&record.phase, Phase::Running(running) if running.requeue);
        for share in &over.shares {
            self.free[share.node].give_back(share);
        }
        if requeue && !self.closed {
            record.orders.restarts += 1;
            record.phase = Phase::Waiting { reason: "None" };
            return;
        }
        record.phase = Phase::Over(over);
        self.over.push_back(id);
        while self.over.len() > REMEMBERED {
            self.over.pop_front().map(|id| self.records.remove(&id));
        }
    }

    /// Notes what a running job has used so far: CPU seconds, and memory now in KiB.
    pub fn used(&mut self, id: u32, cpu: f64, resident: u64) {
        if let Some(running) = self.running(id) {
            (running.cpu, running.peak) = (running.cpu.max(cpu), running.peak.max(resident));
        }
    }

    /// Whether a running job goes back into the queue when it has stopped.
    pub fn is_to_be_requeued(&self, id: u32) -> bool {
        matches!(self.record(id).map(|record| &record.phase), Some(Phase::Running(running)) if running.requeue)
    }

    /// Whether a job is suspended.
    pub fn is_suspended(&self, id: u32) -> bool {
        matches!(self.record(id).map(|record| &record.phase), Some(Phase::Running(running)) if running.suspended.is_some())
    }

    /// Puts a finished job back into the queue.
    pub fn again(&mut self, id: u32) {
        self.over.retain(|over| *over != id);
        if let Some(record) = self.records.get_mut(&id) {
            record.orders.restarts += 1;
            record.phase = Phase::Waiting { reason: "None" };
        }
    }

    /// When something that waits for the clock alone is to be looked at again.
    pub fn wake(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let waiting = self.records.values().filter(|record| matches!(record.phase, Phase::Waiting { .. }));
        let times = waiting.flat_map(|record| {
            let open = match record.request.dependencies.standing(record, self, now) {
                Standing::Open(at) => at,
                _ => None,
            };
            [record.request.not_before, open]
        });
        times.flatten().filter(|at| *at > now).min()
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

    /// One record by its number, to be changed.
    pub fn record_mut(&mut self, id: u32) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    /// Why a waiting record is not even thought about, in Slurm's reason codes.
    fn obstacle(&self, record: &Record, now: UnixSeconds) -> Option<&'static str> {
        if !matches!(record.phase, Phase::Waiting { .. }) {
            return None;
        }
        if record.orders.held {
            return Some("JobHeldUser");
        }
        match record.request.dependencies.standing(record, self, now) {
            Standing::Never => return Some("DependencyNeverSatisfied"),
            Standing::Open(_) => return Some("Dependency"),
            Standing::Met => {}
        }
        record.request.not_before.filter(|begin| *begin > now).map(|_| "BeginTime")
    }

    /// The records of an array, and which part of it each is.
    pub fn of_array(&self, job: u32) -> impl DoubleEndedIterator<Item = (&Record, &Part)> {
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
        record.phase = Phase::Running(Running {
            since: now,
            shares,
            stop,
            completing: false,
            group: None,
            requeue: false,
            suspended: None,
            paused: 0,
            cpu: 0.0,
            peak: 0,
        });
        Some(id)
    }

    /// Makes one task (the first when none is named) a record of its own and answers its number; a plain job and the
    /// last task of an array stay the record they are.
    pub fn split_off(&mut self, id: u32, task: Option<u32>) -> Option<u32> {
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
        let (request, submitted, orders) = (record.request.clone(), record.submitted, record.orders.clone());
        let id = self.new_id();
        let phase = Phase::Waiting { reason: "None" };
        self.records.insert(id, Record { id, array, request, submitted, orders, phase });
        Some(id)
    }
}
