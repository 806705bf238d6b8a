//! What is refused before the first byte.
use reqwest::Method;
use serde_json::{Value, json};
use slurmdash::store::audit::{AuditEntry, By};

use super::{CHUNKS, COMPLETE, INIT, begin, complete, delete, form, init, init_with, send};
use crate::support::{TestApp, json, problem};

/// Adds an account with admin's password, and signs in as it.
async fn another_account(app: &TestApp) -> String {
    let mut user = app.app.store.user_by_name("admin").unwrap().unwrap();
    user.id = slurmdash::random::id().unwrap();
    user.username = "bob".into();
    let audit = AuditEntry::done(By::system(app.app.clock.now()), "user.create", "bob");
    assert!(app.app.store.add_user(user, audit).await.unwrap());
    json(app.login("bob", &app.password).await).await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn bad_beginnings_are_refused_by_field() {
    let app = TestApp::start().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"filename": "a.csv", "file_size": 1, "user_id": "admin"});
        body[field] = value;
        body
    };
    for name in [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "a\0b",
        "a\nb",
        "\u{1b}[2J",
        "\u{202e}a",
        " a",
        "a ",
        &"x".repeat(256),
        &"가".repeat(100),
        ".0.part",
    ] {
        let refused = problem(init_with(&app, &with("filename", json!(name))).await, 400, "invalid_request").await;
        assert_eq!(refused["fields"][0]["field"], "filename", "{name:?}");
    }
    for (field, value) in [
        ("filename", json!(1)),
        ("filename", json!(null)),
        ("file_size", json!(-1)),
        ("file_size", json!("1")),
        ("file_size", json!(1.5)),
        ("user_id", json!([])),
        ("overwrite", json!("yes")),
        ("job_id", json!("../x")),
        ("job_id", json!("")),
        ("job_id", json!("a b")),
        ("job_id", json!("x".repeat(65))),
        ("chunk_size", json!(0)),
        ("chunk_size", json!(1)),
        ("chunk_size", json!((64 << 20) + 1)),
        ("chunk_size", json!(u64::MAX)),
    ] {
        let refused = problem(init_with(&app, &with(field, value.clone())).await, 400, "invalid_request").await;
        assert_eq!(refused["fields"][0]["field"], field, "{value}");
    }
    problem(init_with(&app, &with("colour", json!("red"))).await, 400, "invalid_request").await;
    for user in ["", "root", "Admin", "admin ", "../admin"] {
        problem(init_with(&app, &with("user_id", json!(user))).await, 403, "forbidden").await;
    }
    for size in [(50_u64 << 30) + 1, u64::MAX] {
        let refused = problem(init_with(&app, &with("file_size", json!(size))).await, 413, "file_too_large").await;
        assert_eq!(refused["error"], "File size exceeds maximum");
    }
    for body in [
        r#"{"filename":"a","filename":"b","file_size":1,"user_id":"admin"}"#.as_bytes(),
        b"{\"filename\":\"\xff\",\"file_size\":1,\"user_id\":\"admin\"}",
        b"[",
        b"",
        b"null",
    ] {
        let request = app.request(Method::POST, INIT).header("content-type", "application/json").body(body.to_vec());
        problem(request.send().await.unwrap(), 400, "invalid_request").await;
    }
    assert_eq!(json(app.get("/api/v2/files/uploads").await).await["total"], 0);
    for (path, body) in
        [(COMPLETE, json!({})), (COMPLETE, json!({"upload_id": 1})), (COMPLETE, json!({"upload_id": "x", "a": 1}))]
    {
        problem(app.post(path, &body).await, 400, "invalid_request").await;
    }
    problem(complete(&app, "../x").await, 404, "not_found").await;
    for query in ["status=gone", "cursor=0g", "cursor=000", "per_page=501", "per_page=-1", "colour=red"] {
        problem(app.get(&format!("/api/v2/files/uploads?{query}")).await, 400, "invalid_request").await;
    }
    for id in ["x", "..%2f..%2fetc", "%00", &"a".repeat(2000)] {
        problem(app.get(&format!("/api/v2/files/uploads/{id}")).await, 404, "not_found").await;
    }
}

#[tokio::test]
async fn more_than_the_disk_holds_is_refused() {
    let app = TestApp::with(|config| config.uploads.max_file_size = 1 << 50).await;
    let body = |name: &str, size: u64| json!({"filename": name, "file_size": size, "user_id": "admin", "chunk_size": 64 << 20});
    problem(init_with(&app, &body("a.bin", 1 << 47)).await, 507, "no_space").await;
    // What an open upload was promised is gone for the next one, although nothing has been written.
    let about = rustix::fs::statvfs(app.app.config.data_dir.as_path()).unwrap();
    let most = about.f_bavail * about.f_frsize / 4 * 3;
    let first = init_with(&app, &body("b.bin", most)).await;
    assert_eq!(first.status(), 201);
    problem(init_with(&app, &body("c.bin", most)).await, 507, "no_space").await;
    let id = json(first).await["upload_id"].as_str().unwrap().to_owned();
    assert_eq!(delete(&app, &id).await.status(), 200);
    assert_eq!(init_with(&app, &body("c.bin", most)).await.status(), 201);
}

#[tokio::test]
async fn other_peoples_uploads_are_not_there() {
    let app = TestApp::start().await;
    let token = another_account(&app).await;
    let id = begin(&app, "a.bin", 1).await;
    let as_bob = |method: Method, path: &str| app.anonymous(method, path).bearer_auth(&token);
    let one = format!("/api/v2/files/uploads/{id}");
    for request in [
        as_bob(Method::GET, &one),
        as_bob(Method::DELETE, &one),
        as_bob(Method::POST, COMPLETE).json(&json!({"upload_id": id})),
        as_bob(Method::POST, CHUNKS).multipart(form(&id, 0, b"x".to_vec())),
    ] {
        problem(request.send().await.unwrap(), 404, "not_found").await;
    }
    assert_eq!(json(as_bob(Method::GET, "/api/v2/files/uploads").send().await.unwrap()).await["total"], 0);
    let mine = json!({"filename": "a.bin", "file_size": 1, "user_id": "admin", "job_id": "job-1"});
    assert_eq!(init_with(&app, &mine).await.status(), 201);
    let bobs = |user: &str| json!({"filename": "a.bin", "file_size": 1, "user_id": user, "job_id": "job-1"});
    for user in ["admin", "bob"] {
        let refused = as_bob(Method::POST, INIT).json(&bobs(user)).send().await.unwrap();
        problem(refused, 403, "forbidden").await;
    }
    assert_eq!(send(&app, form(&id, 0, b"x".to_vec())).await.status(), 200);
    assert_eq!(complete(&app, &id).await.status(), 200);
    let job = json!({"job_name": "j", "command": "true", "uploads": [id]});
    let refused = as_bob(Method::POST, "/api/jobs/preview").json(&job).send().await.unwrap();
    problem(refused, 400, "invalid_request").await;
}

#[tokio::test]
async fn a_person_has_so_many_open_uploads_and_no_more() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for number in 0..1000 {
        ids.push(begin(&app, &format!("{number}.bin"), 1).await);
    }
    problem(init(&app, "one-more.bin", 1).await, 409, "too_many_uploads").await;
    let mut listed = Vec::new();
    let mut query = "per_page=400&status=uploading".to_owned();
    loop {
        let page = json(app.get(&format!("/api/v2/files/uploads?{query}")).await).await;
        assert_eq!(page["total"].as_u64(), Some(1000));
        listed.extend(page["uploads"].as_array().unwrap().iter().map(|upload| upload["upload_id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("per_page=400&status=uploading&cursor={cursor}");
    }
    listed.sort_by_key(ToString::to_string);
    ids.sort();
    assert_eq!(listed, ids, "the pages have each of them once");
    assert_eq!(delete(&app, &ids[0]).await.status(), 200);
    assert_eq!(init(&app, "one-more.bin", 1).await.status(), 201);
}
