//! What is old is forgotten, what is not stays, and everything agrees afterwards.
use std::path::PathBuf;

use serde_json::json;
use slurmdash::store::audit::{AuditEntry, AuditFilter, AuditGroup, By};
use slurmdash::store::events::{EventFilter, EventGroup, Kind, NewEvent, Severity};
use slurmdash::store::history::{HistoryFilter, HistoryRecord};
use slurmdash::store::notifications::NotificationRecord;
use slurmdash::store::retention::{self, Limits, Removed};
use slurmdash::store::sessions::SessionRecord;
use slurmdash::store::uploads::{UploadFilter, UploadRecord};
use slurmdash::store::walk::PageRequest;
use slurmdash::store::{Store, check};
use slurmdash_api::auth::AccountSource;
use slurmdash_api::jobs::{Job, JobState};
use slurmdash_api::uploads::UploadStatus;
use tempfile::TempDir;

use crate::support::{TestApp, eventually, private_folder};

const DAY: i64 = 86_400;
const NOW: i64 = 1_800_000_000;
const LIMITS: Limits = Limits { audit: 365, security_events: 100, notifications: 90, uploads: 30, history: 730 };

fn days_ago(days: i64) -> i64 {
    NOW - days * DAY
}

/// Done by the program itself.
fn done(at: i64) -> AuditEntry {
    AuditEntry::done(By::system(at), "test.row", "x")
}

fn notification(at: i64) -> NotificationRecord {
    let record = json!({
        "seq": 0, "user_id": "u", "at": at, "kind": "k", "title": "t", "message": "m", "is_read": false,
    });
    serde_json::from_value(record).unwrap()
}

fn upload(id: &str, at: i64) -> UploadRecord {
    let record = json!({
        "id": id, "owner_id": "u", "username": "ada", "filename": "f", "file_size": 10, "chunk_size": 5,
        "job_id": format!("folder-{id}"), "folder": "jobs", "overwrite": false, "status": UploadStatus::Uploading,
        "created_at": at, "updated_at": at, "uploaded_chunks": 0, "inode": null,
    });
    serde_json::from_value(record).unwrap()
}

fn job(number: u32, state: JobState, submitted_at: i64, end_time: Option<i64>) -> HistoryRecord {
    let job: Job = serde_json::from_value(json!({
        "id": number.to_string(), "job_id": number, "name": "n", "user": "u", "partition": "p", "state": state,
        "nodes": 1, "cpus": 1, "gpus": 0, "elapsed": 0, "end_time": end_time,
    }))
    .unwrap();
    HistoryRecord {
        job,
        owner_id: "u".into(),
        submitted_at,
        category: None,
        work_dir: "/w".into(),
        stdout: "/w/out".into(),
        files: Vec::new(),
        exit_code: None,
        signal: None,
        usage: None,
    }
}

struct Place {
    _dir: TempDir,
    path: PathBuf,
}

fn place() -> (Place, Store) {
    let dir = private_folder();
    let path = dir.path().join("slurmdash.redb");
    let store = Store::open(&path).unwrap();
    (Place { _dir: dir, path }, store)
}

impl Place {
    /// Every record, row of a look-up and count against a scan.
    fn check(&self, store: Store) {
        drop(store);
        let report = check::check_file(&self.path).unwrap();
        assert!(report.is_fine(), "{report:?}");
    }
}

#[tokio::test]
async fn old_records_go_and_others_stay() {
    let (place, store) = place();
    for days in [366, 365, 364, 1] {
        store.audit(AuditEntry { action: "test.old", ..done(days_ago(days) - 1) }).await.unwrap();
    }
    for days in [101, 99] {
        for severity in Severity::ALL {
            let kind = Kind { word: severity.as_str(), action: "security.test", severity, worse_from: &[] };
            let event = NewEvent::once(kind, "d".into());
            store.security_event(done(days_ago(days)), event).await.unwrap();
        }
    }
    let old_event = store.event_page(&EventFilter::default(), &PageRequest::first(9)).unwrap().items;
    let resolved = old_event[7].id();
    assert!(store.resolve_event(resolved, "seen".into(), done(NOW)).await.unwrap());
    for days in [91, 89] {
        store.notify(notification(days_ago(days))).await.unwrap();
    }
    let removed = retention::run(&store, &LIMITS, NOW).await.unwrap();
    let expected = Removed { audit: 2, security_events: 4, notifications: 1, ..Removed::default() };
    assert_eq!(removed, expected);
    assert_eq!(store.audit_count(&AuditGroup::Action("test.old".into())).unwrap(), 2);
    assert_eq!(store.event_count(&EventGroup::All).unwrap(), 4);
    assert_eq!(store.event_count(&EventGroup::Severity(Severity::High, true)).unwrap(), 0);
    assert_eq!(store.event_count(&EventGroup::Severity(Severity::High, false)).unwrap(), 1);
    assert_eq!(store.notification_count("u", false).unwrap(), 1);
    let told = AuditFilter::action("store.retention");
    let rows = store.audit_page(&told, &PageRequest::first(9)).unwrap().items;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].resource.as_deref(), Some("audit 2, security_events 4, notifications 1"));
    // Nothing is left to do, and nothing is told of that.
    assert_eq!(retention::run(&store, &LIMITS, NOW).await.unwrap(), Removed::default());
    assert_eq!(store.audit_count(&AuditGroup::Action("store.retention".into())).unwrap(), 1);
    place.check(store);
}

#[tokio::test]
async fn open_jobs_and_uploads_stay_however_old_they_are() {
    let (place, store) = place();
    let jobs = [
        (job(1, JobState::Completed, days_ago(900), Some(days_ago(800))), false),
        (job(2, JobState::Running, days_ago(900), Some(days_ago(800))), true),
        (job(3, JobState::Pending, days_ago(900), None), true),
        (job(4, JobState::Suspended, days_ago(900), None), true),
        (job(5, JobState::Failed, days_ago(900), Some(days_ago(700))), true),
        (job(6, JobState::Unknown, days_ago(731), None), false),
        (job(7, JobState::Cancelled, days_ago(729), None), true),
    ];
    for (record, _) in &jobs {
        store.add_history(record.clone(), "#!/bin/sh".into(), "{}".into(), done(NOW)).await.unwrap();
    }
    let uploads = [("a", 60, Some(40)), ("b", 60, Some(20)), ("c", 60, None), ("d", 10, Some(10))];
    for (id, began, finished) in uploads {
        store.begin_upload(upload(id, days_ago(began)), 9, done(NOW)).await.unwrap();
        if let Some(finished) = finished {
            store.finish_upload(id.into(), done(days_ago(finished))).await.unwrap();
        }
    }
    let removed = retention::run(&store, &LIMITS, NOW).await.unwrap();
    assert_eq!(removed, Removed { uploads: 1, history: 2, ..Removed::default() });
    for (record, stays) in &jobs {
        assert_eq!(store.history_of_job(record.job.job_id).unwrap().is_some(), *stays, "job {}", record.job.job_id);
        assert_eq!(store.job_script(record).unwrap().is_some(), *stays, "job {}", record.job.job_id);
    }
    assert_eq!(store.history_count(&HistoryFilter::Owner("u".into())).unwrap(), 5);
    assert_eq!(store.history_count(&HistoryFilter::State("u".into(), JobState::Completed)).unwrap(), 0);
    let left = store.upload_page("u", UploadFilter::All, &PageRequest::first(9)).unwrap().items;
    let left: String = left.into_iter().map(|upload| upload.id).collect();
    assert_eq!((left.len(), left.contains('a')), (3, false));
    assert_eq!(store.upload_count("u", UploadFilter::Status(UploadStatus::Uploading)).unwrap(), 1);
    // Whose the folder of a forgotten upload is stays known.
    let stranger = UploadRecord { id: "e".into(), owner_id: "v".into(), ..upload("a", NOW) };
    let refused = store.begin_upload(stranger, 9, done(NOW)).await.unwrap();
    assert_eq!(refused, slurmdash::store::uploads::Beginning::FolderTaken);
    place.check(store);
}

#[tokio::test]
async fn zero_days_are_for_ever_but_sessions_expire() {
    let (place, store) = place();
    store.audit(done(1)).await.unwrap();
    store.notify(notification(1)).await.unwrap();
    let session = |number: i32| SessionRecord {
        id: format!("s{number}"),
        user_id: "u".into(),
        token_hash: "h".into(),
        created_at: 1,
        expires_at: if number < 1100 { NOW } else { NOW + 1 },
        before: Vec::new(),
        agent: None,
        address: None,
        last_used_at: None,
        source: AccountSource::Local,
    };
    let all = (0..1200).map(|number| store.begin_session(session(number), done(NOW)));
    futures_util::future::try_join_all(all).await.unwrap();
    let for_ever = Limits { audit: 0, security_events: 0, notifications: 0, uploads: 0, history: 0 };
    let removed = retention::run(&store, &for_ever, NOW).await.unwrap();
    assert_eq!(removed, Removed { sessions: 1100, ..Removed::default() });
    assert_eq!(store.sessions_of("u", &PageRequest::first(2000)).unwrap().items.len(), 100);
    assert_eq!(store.notification_count("u", false).unwrap(), 1);
    place.check(store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_go_in_small_steps_while_others_write() {
    let (place, store) = place();
    let all = (0..3000).map(|number| store.notify(notification(days_ago(100 + number % 7))));
    futures_util::future::try_join_all(all).await.unwrap();
    let background = tokio::spawn({
        let store = store.clone();
        async move { retention::run(&store, &LIMITS, NOW).await.unwrap() }
    });
    for _ in 0..50 {
        store.notify(notification(NOW)).await.unwrap();
    }
    assert_eq!(background.await.unwrap().notifications, 3000);
    assert_eq!(store.notification_count("u", false).unwrap(), 50);
    place.check(store);
}

#[tokio::test]
async fn a_server_forgets_by_its_clock() {
    let app = TestApp::with(|config| config.store.notification_days = 2).await;
    let now = app.app.clock.now();
    let count = || app.app.store.notification_count("u", false).unwrap();
    app.app.store.notify(notification(now - 2 * DAY)).await.unwrap();
    app.app.store.notify(notification(now - DAY)).await.unwrap();
    app.pass_time(61);
    eventually(async || (count() == 1).then_some(())).await;
    app.pass_time(DAY + 61);
    eventually(async || (count() == 0).then_some(())).await;
}
