//! Ends: completed, deleted, expired, used by a job, interrupted by a crash.
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::{CHUNK, INIT, begin, complete, delete, form, init, init_with, send, session, upload};
use crate::support::{TestApp, eventually, json, private_folder, problem};

#[tokio::test]
async fn a_file_that_got_its_name_just_before_a_crash_is_complete() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = private_folder();
    let app = TestApp::start_in(dir.path(), |_| {}, None).await;
    let password = app.password.clone();
    let (named, not_named) = (begin(&app, "named.bin", 1).await, begin(&app, "not.bin", 1).await);
    let folder = PathBuf::from(session(&app, &named).await["storage_path"].as_str().unwrap());
    for id in [&named, &not_named] {
        assert_eq!(send(&app, form(id, 0, b"x".to_vec())).await.status(), 200);
        let inode = std::fs::metadata(folder.join(format!(".{id}.part"))).unwrap().ino();
        app.app.store.about_to_finish_upload(id.clone(), inode).await.unwrap();
    }
    std::fs::rename(folder.join(format!(".{named}.part")), folder.join("named.bin")).unwrap();
    app.stop().await;
    let app = TestApp::start_in(dir.path(), |_| {}, Some(password)).await;
    // Settled by itself, though not before the start.
    eventually(async || (session(&app, &named).await["status"] == "completed").then_some(())).await;
    assert_eq!(complete(&app, &named).await.status(), 200);
    assert_eq!(session(&app, &not_named).await["status"], "uploading");
    assert_eq!(complete(&app, &not_named).await.status(), 200);
    assert_eq!(std::fs::read(folder.join("not.bin")).unwrap(), b"x");
}

#[tokio::test]
async fn nothing_is_overwritten_unless_asked() {
    let app = TestApp::start().await;
    let (old_id, path) = upload(&app, "run.sh", b"old").await;
    problem(init(&app, "run.sh", 3).await, 409, "name_taken").await;
    let body = json!({"filename": "run.sh", "file_size": 3, "user_id": "admin", "overwrite": true});
    let new_id = json(init_with(&app, &body).await).await["upload_id"].as_str().unwrap().to_owned();
    assert_eq!(send(&app, form(&new_id, 0, b"new".to_vec())).await.status(), 200);
    assert_eq!(std::fs::read(&path).unwrap(), b"old", "only when it is complete");
    assert_eq!(complete(&app, &new_id).await.status(), 200);
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    // The old upload's file is no more; removing its record leaves the new one alone.
    let job = json!({"job_name": "j", "command": "true", "uploads": [old_id]});
    problem(app.post("/api/jobs/preview", &job).await, 409, "upload_gone").await;
    assert_eq!(delete(&app, &old_id).await.status(), 200);
    assert_eq!(std::fs::read(&path).unwrap(), b"new");

    // The name appears while the upload is under way.
    let id = begin(&app, "late.sh", 1).await;
    assert_eq!(send(&app, form(&id, 0, b"x".to_vec())).await.status(), 200);
    std::fs::write(path.with_file_name("late.sh"), "theirs").unwrap();
    problem(complete(&app, &id).await, 409, "name_taken").await;
    std::fs::remove_file(path.with_file_name("late.sh")).unwrap();
    assert_eq!(complete(&app, &id).await.status(), 200);
}

#[tokio::test]
async fn what_is_deleted_or_dead_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let (done, path) = upload(&app, "done.bin", b"x").await;
    let folder = path.parent().unwrap().to_owned();
    let files = || std::fs::read_dir(&folder).unwrap().count();
    let open = begin(&app, "open.bin", 2 * CHUNK).await;
    send(&app, form(&open, 0, vec![1; CHUNK])).await;
    assert_eq!(files(), 2);
    for id in [&done, &open] {
        assert_eq!(delete(&app, id).await.status(), 200);
        problem(delete(&app, id).await, 404, "not_found").await;
        problem(app.get(&format!("/api/v2/files/uploads/{id}")).await, 404, "not_found").await;
    }
    assert_eq!(files(), 0);

    let (kept, _) = upload(&app, "kept.bin", b"x").await;
    let dead = begin(&app, "dead.bin", 2 * CHUNK).await;
    app.pass_time(6 * 24 * 3600);
    let token = json(app.login("admin", &app.password).await).await["access_token"].as_str().unwrap().to_owned();
    let alive = json!({"filename": "alive.bin", "file_size": 1, "user_id": "admin"});
    let alive = app.anonymous(Method::POST, INIT).bearer_auth(&token).json(&alive).send().await.unwrap();
    let alive = json(alive).await["upload_id"].as_str().unwrap().to_owned();
    app.pass_time(2 * 24 * 3600);
    assert_eq!(app.app.uploads.expire().await, 1);
    assert_eq!(app.app.uploads.expire().await, 0);
    let left = |id: &str| app.app.store.upload(id).unwrap().is_some();
    assert_eq!((left(&dead), left(&kept), left(&alive)), (false, true, true));
    assert_eq!(files(), 2);
}

#[tokio::test]
async fn a_job_gets_its_uploaded_files() {
    let app = TestApp::start().await;
    let (script, _) = upload(&app, "go.sh", b"echo \"got $# arguments and $(cat \"$FILE_INPUT\")\"").await;
    let (input, _) = upload(&app, "it's $(touch pwned).dat", b"the data").await;
    let unfinished = begin(&app, "b.dat", 1).await;
    let job = |uploads: Value| json!({"job_name": "with files", "template_id": "plain-script", "uploads": uploads, "parameters": {"arguments": "a $(id) b"}});
    problem(app.post("/api/jobs/submit", &job(json!([unfinished]))).await, 409, "upload_unfinished").await;
    problem(app.post("/api/jobs/submit", &job(json!([script, script]))).await, 400, "invalid_request").await;
    problem(app.post("/api/jobs/submit", &job(json!(["nope"]))).await, 400, "invalid_request").await;
    let answer = app.post("/api/jobs/submit", &job(json!([script, input]))).await;
    assert_eq!(answer.status(), 201);
    let id = json(answer).await["job_id"].as_u64().unwrap();
    let output = eventually(async || {
        let job = json(app.get(&format!("/api/jobs/{id}")).await).await;
        if job["state"] != "COMPLETED" {
            return None;
        }
        Some(json(app.get(&format!("/api/jobs/{id}/output")).await).await["text"].as_str().unwrap().to_owned())
    })
    .await;
    assert!(output.ends_with("got 3 arguments and the data\n"), "{output}");
}
