//! The queue's rules, without clock or processes.

use slurmdash_api::jobs::JobState;

use super::queue::*;
use super::request::Request;
use crate::slurm::{Action, JobId, Settings, SlurmError, Submission};

fn request(array: Option<&str>) -> Request {
    let settings = Settings {
        name: "test".to_owned(),
        cpus_per_task: Some(16),
        array: array.map(str::to_owned),
        ..Settings::default()
    };
    asked(settings)
}

fn asked(settings: Settings) -> Request {
    let script = "#!/bin/sh\n".to_owned();
    let asked = Submission { script, settings, work_dir: "/tmp".into(), ..Submission::default() };
    Request::check(&asked, 10).unwrap()
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
    assert!(matches!(&queue.record(1002).unwrap().phase, Phase::Over(over) if over.outcome == DONE), "it ended once");
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

fn reason(queue: &Queue, id: u32) -> &'static str {
    match queue.record(id).map(|record| &record.phase) {
        Some(Phase::Waiting { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

fn after(dependency: &str) -> Request {
    let dependency = Some(dependency.to_owned());
    asked(Settings { name: "after".to_owned(), dependency, ..Settings::default() })
}

#[test]
fn dependencies_keep_jobs_back_until_they_come_true() {
    let mut queue = Queue::default();
    let first = queue.submit(request(None), 10).unwrap();
    let texts = ["afterok:1001", "afternotok:1001", "afterany:1001", "after:1001+1", "afterok:1001?afternotok:1001"];
    let ids = texts.map(|text| queue.submit(after(text), 10).unwrap());
    let single = queue.submit(after("singleton"), 10).unwrap();
    let unknown = queue.submit(after("afterok:7"), 10).unwrap();
    assert_eq!(queue.dispatch(20), [first, unknown], "nobody knows job 7 any more");
    assert!(ids.iter().chain([&single]).all(|id| reason(&queue, *id) == "Dependency"));
    assert_eq!(queue.wake(20), Some(80), "a minute after the first one's start");
    queue.finish(first, Outcome { state: JobState::Failed, ..DONE }, 30);
    assert_eq!(queue.dispatch(30), [ids[1], ids[2], ids[4]]);
    assert_eq!(reason(&queue, ids[0]), "DependencyNeverSatisfied");
    assert_eq!(queue.dispatch(80), [ids[3]]);
    for id in ids.into_iter().chain([unknown]) {
        queue.finish(id, DONE, 90);
    }
    assert_eq!(queue.dispatch(90), [single], "no other job has its name");
}

#[test]
fn jobs_are_held_put_off_and_put_back() {
    let mut queue = Queue::default();
    let job = queue.submit(request(None), 10).unwrap();
    let job_id = id(job, None);
    queue.act(&job_id, &Action::Hold, 10).unwrap();
    assert_eq!((queue.dispatch(11).len(), reason(&queue, job)), (0, "JobHeldUser"));
    queue.act(&job_id, &Action::Release, 12).unwrap();
    assert_eq!(queue.dispatch(12), [job]);
    queue.act(&job_id, &Action::Requeue, 13).unwrap();
    queue.finish(job, DONE, 14);
    assert_eq!((queue.dispatch(14), queue.record(job).unwrap().orders.restarts), (vec![job], 1));
    let later = asked(Settings { name: "later".into(), begin: Some("now+60".into()), ..Settings::default() });
    let later = queue.submit(later, 10).unwrap();
    assert_eq!((queue.dispatch(20).len(), reason(&queue, later), queue.wake(20)), (0, "BeginTime", Some(70)));
    assert_eq!(queue.dispatch(70), [later]);
    queue.finish(later, DONE, 71);
    let over = queue.act(&id(later, None), &Action::Hold, 72);
    assert_eq!(over, Err(SlurmError::AlreadyFinished(id(later, None))));
    assert_eq!(queue.act(&id(9, None), &Action::Hold, 72), Err(SlurmError::NoSuchJob(id(9, None))));
}

#[test]
fn one_waiting_task_is_held_alone() {
    let mut queue = Queue::default();
    let array = queue.submit(request(Some("0-2")), 10).unwrap();
    queue.act(&id(array, Some(1)), &Action::Hold, 10).unwrap();
    assert_eq!(queue.dispatch(11).len(), 2);
    let held = queue.find(&id(array, Some(1))).unwrap();
    assert_eq!(reason(&queue, held.id), "JobHeldUser");
}
