//! Submissions that come twice, break on the way, or were interrupted: exactly one job or none, and the person is told.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slurmdash::app::App;
use slurmdash::hands::{Hands, HandsError};
use slurmdash::jobs::submit;
use slurmdash::slurm::{Action, JobId, JobRecord, Measured, Slurm, SlurmError, Submission};
use slurmdash::store::submissions::{Beginning, Pending, SubmissionRecord};
use slurmdash::store::walk::PageRequest;
use slurmdash_api::UnixSeconds;
use slurmdash_api::cluster::{Controller, Node, Partition};
use slurmdash_api::jobs::{Job, JobForecast, JobRecordText};

use crate::support::{TestApp, eventually, json, problem};

/// A cluster to which the way breaks, at a chosen place of a submission; everything else is the cluster's own.
struct Breaking {
    inner: Arc<dyn Slurm>,
    how: How,
    submitted: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Before sbatch has the job.
    Before,
    /// When sbatch has made the job and not said so yet.
    After,
    /// The same, and Slurm does not answer afterwards either.
    AfterAndAway,
}

#[async_trait]
impl Slurm for Breaking {
    async fn cluster_name(&self) -> Result<String, SlurmError> {
        self.inner.cluster_name().await
    }
    async fn jobs(&self) -> Result<Vec<Job>, SlurmError> {
        self.inner.jobs().await
    }
    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, SlurmError> {
        self.inner.job(id).await
    }
    async fn nodes(&self) -> Result<Vec<Node>, SlurmError> {
        self.inner.nodes().await
    }
    async fn partitions(&self) -> Result<Vec<Partition>, SlurmError> {
        self.inner.partitions().await
    }
    async fn controllers(&self) -> Result<Vec<Controller>, SlurmError> {
        self.inner.controllers().await
    }
    async fn submit(&self, person: &dyn Hands, submission: &Submission) -> Result<u32, SlurmError> {
        self.submitted.fetch_add(1, Ordering::Relaxed);
        if self.how != How::Before {
            self.inner.submit(person, submission).await?;
        }
        Err(HandsError::Lost("the connection was cut".into()).into())
    }
    async fn test(&self, person: &dyn Hands, submission: &Submission) -> Result<JobForecast, SlurmError> {
        self.inner.test(person, submission).await
    }
    async fn act(&self, person: &dyn Hands, id: &JobId, action: &Action) -> Result<(), SlurmError> {
        self.inner.act(person, id, action).await
    }
    async fn find(&self, mark: &str, since: UnixSeconds) -> Result<Option<u32>, SlurmError> {
        if self.how == How::AfterAndAway {
            return Err(SlurmError::TimedOut { command: "squeue".into(), seconds: 1 });
        }
        self.inner.find(mark, since).await
    }
    async fn record_text(&self, person: &dyn Hands, id: &JobId) -> Result<JobRecordText, SlurmError> {
        self.inner.record_text(person, id).await
    }
    async fn measured(&self, person: &dyn Hands, id: &JobId, is_running: bool) -> Result<Measured, SlurmError> {
        self.inner.measured(person, id, is_running).await
    }
    async fn shutdown(&self) {
        self.inner.shutdown().await;
    }
}

async fn breaking(how: How) -> (TestApp, Arc<Breaking>) {
    let mut broken = None;
    let change = |app: &mut App| {
        let slurm = Arc::new(Breaking { inner: app.slurm.clone(), how, submitted: AtomicUsize::new(0) });
        broken = Some(slurm.clone());
        app.slurm = slurm;
    };
    let app = TestApp::with_app(|config| config.slurm.timeout_seconds = 1, change).await;
    (app, broken.unwrap())
}

async fn submit_with_key(app: &TestApp, key: &str, body: &Value) -> reqwest::Response {
    app.request(Method::POST, "/api/jobs/submit").header("Idempotency-Key", key).json(body).send().await.unwrap()
}

async fn jobs_named(app: &TestApp, name: &str) -> usize {
    app.app.slurm.jobs().await.unwrap().iter().filter(|job| job.name == name).count()
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_and_no_second_job() {
    let app = TestApp::start().await;
    let body = json!({"job_name": "once", "command": "true"});
    let first = submit_with_key(&app, "k-1", &body).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first = json(first).await;
    let second = submit_with_key(&app, "k-1", &body).await;
    assert_eq!(second.status(), StatusCode::CREATED);
    assert_eq!(json(second).await, first);
    assert_eq!(jobs_named(&app, "once").await, 1);
    let other = json!({"job_name": "once", "command": "false"});
    problem(submit_with_key(&app, "k-1", &other).await, 422, "idempotency_key_reused").await;
    assert_eq!(submit_with_key(&app, "k-2", &body).await.status(), StatusCode::CREATED);
    assert_eq!(jobs_named(&app, "once").await, 2);
    for bad in ["", "with space", &"x".repeat(256)] {
        problem(submit_with_key(&app, bad, &body).await, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn many_at_once_under_one_key_make_one_job() {
    let app = TestApp::start().await;
    let body = json!({"job_name": "crowd", "command": "true"});
    let answers = futures_util::future::join_all((0..20).map(|_| submit_with_key(&app, "k", &body))).await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in answers {
        match answer.status().as_u16() {
            201 => drop(ids.insert(json(answer).await["job_id"].as_u64().unwrap())),
            _ => drop(problem(answer, 409, "submission_under_way").await),
        }
    }
    assert_eq!((ids.len(), jobs_named(&app, "crowd").await), (1, 1));
}

#[tokio::test]
async fn a_refused_submission_leaves_its_key_free_and_no_folder() {
    let app = TestApp::start().await;
    let refused = json!({"job_name": "no", "command": "true", "partition": "nowhere"});
    problem(submit_with_key(&app, "k", &refused).await, 422, "slurm_refused").await;
    let good = json!({"job_name": "no", "command": "true"});
    assert_eq!(submit_with_key(&app, "k", &good).await.status(), StatusCode::CREATED);
    let folders = std::fs::read_dir(app.app.config.data_dir.join("jobs/admin")).unwrap().count();
    assert_eq!(folders, 1, "the refused job's folder is gone");
    assert!(app.app.store.open_submissions(&PageRequest::first(9)).unwrap().items.is_empty());
}

#[tokio::test]
async fn a_cut_before_the_job_is_made_is_told_as_none() {
    let (app, slurm) = breaking(How::Before).await;
    let body = json!({"job_name": "cut", "command": "true"});
    let answer = problem(submit_with_key(&app, "k", &body).await, 503, "not_submitted").await;
    assert!(answer["detail"].as_str().unwrap().contains("nothing was submitted"));
    assert_eq!((slurm.submitted.load(Ordering::Relaxed), jobs_named(&app, "cut").await), (1, 0));
}

#[tokio::test]
async fn a_cut_after_the_job_is_made_is_found_out() {
    let (app, slurm) = breaking(How::After).await;
    let body = json!({"job_name": "cut", "command": "true"});
    let answer = submit_with_key(&app, "k", &body).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let id = json(answer).await["job_id"].as_u64().unwrap();
    assert_eq!((slurm.submitted.load(Ordering::Relaxed), jobs_named(&app, "cut").await), (1, 1));
    assert_eq!(json(app.get(&format!("/api/jobs/{id}")).await).await["owner"], "admin");
}

#[tokio::test]
async fn when_slurm_does_not_say_the_person_is_told_that_and_nothing_is_made_twice() {
    let (app, slurm) = breaking(How::AfterAndAway).await;
    let body = json!({"job_name": "cut", "command": "true"});
    problem(submit_with_key(&app, "k", &body).await, 503, "submission_unclear").await;
    problem(submit_with_key(&app, "k", &body).await, 409, "submission_under_way").await;
    assert_eq!((slurm.submitted.load(Ordering::Relaxed), jobs_named(&app, "cut").await), (1, 1));
    assert_eq!(app.app.store.open_submissions(&PageRequest::first(9)).unwrap().items.len(), 1);
}

/// As a server leaves it that is killed while it submits.
async fn interrupted(app: &TestApp, mark: &str, name: &str) {
    let account = app.app.store.user_by_name("admin").unwrap().unwrap();
    let now = app.app.clock.now();
    let history = serde_json::from_value(json!({
        "job": {"id": "0", "job_id": 0, "array_job_id": null, "name": name, "user": "x", "owner": "admin",
                "account": null, "partition": "", "qos": null, "state": "PENDING", "reason": null, "nodes": 1,
                "tasks": null, "cpus": 1, "memory": null, "gpus": 0, "node_list": null, "submit_time": now,
                "start_time": null, "end_time": null, "time_limit": null, "elapsed": 0, "priority": null,
                "template": null},
        "owner_id": account.id, "submitted_at": now, "category": null, "work_dir": "/w", "stdout": "/w/o",
        "files": [], "exit_code": null, "signal": null,
    }));
    let pending = Pending { history: history.unwrap(), script: "#!/bin/sh\n".into(), request: "{}".into() };
    let record = SubmissionRecord {
        id: mark.into(),
        owner_id: account.id,
        key: Some("k".into()),
        digest: String::new(),
        created_at: now,
        answer: None,
        pending: Some(Box::new(pending)),
    };
    assert_eq!(app.app.store.begin_submission(record).await.unwrap(), Beginning::Begun);
}

#[tokio::test]
async fn interrupted_submissions_are_settled_after_a_restart() {
    let app = TestApp::start().await;
    let id = json(app.post("/api/jobs/submit", &json!({"job_name": "there", "command": "true"})).await).await;
    let id = id["job_id"].as_u64().unwrap();
    let comment = app.app.slurm.job(&id.to_string().parse().unwrap()).await.unwrap().unwrap().more.comment.unwrap();
    let mark = comment.strip_prefix("slurmdash:").unwrap().to_owned();
    // Its own record is closed; another account of the same job is what a killed server would have left.
    app.app.store.forget_submissions(i64::MAX, 9).await.unwrap();
    interrupted(&app, &mark, "there").await;
    let user = app.app.store.user_by_name("admin").unwrap().unwrap().id;
    assert_eq!(submit::recover(&app.app).await.unwrap(), 1, "it may still be on its way");
    app.pass_time(600);
    eventually(async || (submit::recover(&app.app).await.unwrap() == 0).then_some(())).await;
    let told = app.app.store.notification_page(&user, false, &PageRequest::first(9)).unwrap().items;
    assert_eq!(
        (told[0].kind.as_str(), told[0].link.as_deref()),
        ("submission_recovered", Some(&*format!("/jobs/{id}")))
    );
    assert_eq!(app.app.store.submission(&mark).unwrap().unwrap().answer.unwrap().job_id, u32::try_from(id).unwrap());

    let lost = "f".repeat(32);
    app.app.store.forget_submissions(i64::MAX, 9).await.unwrap();
    interrupted(&app, &lost, "lost").await;
    app.pass_time(600);
    eventually(async || (submit::recover(&app.app).await.unwrap() == 0).then_some(())).await;
    let told = app.app.store.notification_page(&user, false, &PageRequest::first(9)).unwrap().items;
    assert_eq!(told[0].kind, "submission_lost");
    assert!(app.app.store.submission(&lost).unwrap().is_none(), "its key is free");
    assert_eq!(jobs_named(&app, "lost").await, 0);
}
