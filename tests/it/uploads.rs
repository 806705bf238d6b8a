//! Uploads over HTTP: in any order, several at once, broken off, gone on with, killed, refused.
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, iter};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash::store::audit::{AuditEntry, By};
use slurmdash_api::uploads::UploadStatus;

use crate::support::{TestApp, eventually, json, private_folder, problem};

pub const CHUNK: usize = 64 * 1024;
pub const INIT: &str = "/api/v2/files/upload/init";
pub const CHUNKS: &str = "/api/v2/files/upload/chunk";
pub const COMPLETE: &str = "/api/v2/files/upload/complete";

/// Bytes that differ from chunk to chunk and from place to place.
pub fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| at.wrapping_mul(0x9e37_79b9).to_le_bytes()[2]).collect()
}

pub fn chunk_of(content: &[u8], index: usize, size: usize) -> Vec<u8> {
    content.chunks(size).nth(index).unwrap().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    slurmdash::random::hex(digest(&SHA256, bytes).as_ref())
}

pub fn form(id: &str, index: usize, bytes: Vec<u8>) -> Form {
    let checksum = sha256(&bytes);
    Form::new()
        .text("upload_id", id.to_owned())
        .text("chunk_index", index.to_string())
        .text("checksum", checksum)
        .part("chunk", Part::bytes(bytes).file_name("blob"))
}

async fn init(app: &TestApp, name: &str, size: usize) -> Response {
    init_with(app, &json!({"filename": name, "file_size": size, "user_id": "admin", "chunk_size": CHUNK})).await
}

async fn init_with(app: &TestApp, body: &Value) -> Response {
    app.post(INIT, body).await
}

/// Begins an upload and gives its id.
async fn begin(app: &TestApp, name: &str, size: usize) -> String {
    let answer = init(app, name, size).await;
    assert_eq!(answer.status(), 201);
    json(answer).await["upload_id"].as_str().unwrap().to_owned()
}

async fn send(app: &TestApp, form: Form) -> Response {
    app.request(Method::POST, CHUNKS).multipart(form).send().await.unwrap()
}

async fn complete(app: &TestApp, id: &str) -> Response {
    app.post(COMPLETE, &json!({"upload_id": id})).await
}

async fn session(app: &TestApp, id: &str) -> Value {
    json(app.get(&format!("/api/v2/files/uploads/{id}")).await).await
}

async fn delete(app: &TestApp, id: &str) -> Response {
    app.request(Method::DELETE, &format!("/api/v2/files/uploads/{id}")).send().await.unwrap()
}

/// Uploads a whole file and gives its id and path.
async fn upload(app: &TestApp, name: &str, content: &[u8]) -> (String, PathBuf) {
    let id = begin(app, name, content.len()).await;
    for (index, bytes) in content.chunks(CHUNK).enumerate() {
        assert_eq!(send(app, form(&id, index, bytes.to_vec())).await.status(), 200);
    }
    let answer = complete(app, &id).await;
    assert_eq!(answer.status(), 200);
    let path = json(answer).await["file_path"].as_str().unwrap().into();
    (id, path)
}

/// Every number below `count` once, in an order that has nothing to do with theirs.
pub fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| index.wrapping_mul(0x9e37_79b9) % 1_000_003);
    order
}

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
async fn twenty_senders_in_random_order_make_the_same_file() {
    let app = TestApp::start().await;
    let content = content(50 * CHUNK + 7);
    let mut progress = app.app.uploads.progress();
    let started = json(init(&app, "세트 1.csv", content.len()).await).await;
    assert_eq!((started["total_chunks"].as_u64(), started["chunk_size"].as_u64()), (Some(51), Some(CHUNK as u64)));
    assert_eq!(started["file_info"]["type"], "data");
    assert!(started["storage_path"].as_str().unwrap().ends_with("/uploads/users/admin/data"));
    let id = started["upload_id"].as_str().unwrap();
    let sent = iter(shuffled(51)).map(|index| send(&app, form(id, index, chunk_of(&content, index, CHUNK))));
    let answers: Vec<Response> = sent.buffer_unordered(20).collect().await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let finished = json(complete(&app, id).await).await;
    let path = finished["file_path"].as_str().unwrap();
    assert!(path.ends_with("/users/admin/data/세트 1.csv"));
    assert!(std::fs::read(path).unwrap() == content);
    assert_eq!(json(complete(&app, id).await).await, finished, "again, the same");
    let shown = session(&app, id).await;
    assert_eq!((shown["status"].as_str(), shown["progress"].as_f64()), (Some("completed"), Some(100.0)));
    assert_eq!(shown["missing_chunks"], json!([]));
    let mut told = Vec::new();
    while let Ok((_, told_now)) = progress.try_recv() {
        told.push(told_now);
    }
    assert!(told.windows(2).all(|pair| pair[0].uploaded_chunks <= pair[1].uploaded_chunks));
    assert_eq!((told.len(), told[52].status), (53, UploadStatus::Completed));
    // A chunk that was lost on its way to the sender may come once more.
    assert_eq!(send(&app, form(id, 3, chunk_of(&content, 3, CHUNK))).await.status(), 200);
}

#[tokio::test]
async fn a_broken_off_upload_goes_on_after_a_restart() {
    let dir = private_folder();
    let content = content(5 * CHUNK - 1);
    let app = TestApp::start_in(dir.path(), |_| {}, None).await;
    let password = app.password.clone();
    let id = begin(&app, "a.bin", content.len()).await;
    for index in [4, 1] {
        assert_eq!(send(&app, form(&id, index, chunk_of(&content, index, CHUNK))).await.status(), 200);
    }
    app.stop().await;
    let app = TestApp::start_in(dir.path(), |_| {}, Some(password)).await;
    let shown = session(&app, &id).await;
    assert_eq!((&shown["missing_chunks"], shown["uploaded_chunks"].as_u64()), (&json!([0, 2, 3]), Some(2)));
    let refused = problem(complete(&app, &id).await, 409, "missing_chunks").await;
    assert_eq!(refused["missing_chunks"], json!([0, 2, 3]));
    for index in [0, 2, 3] {
        assert_eq!(send(&app, form(&id, index, chunk_of(&content, index, CHUNK))).await.status(), 200);
    }
    let body = json!({"upload_id": id, "verify_checksum": true});
    let path = json(app.post(COMPLETE, &body).await).await["file_path"].as_str().unwrap().to_owned();
    assert!(std::fs::read(path).unwrap() == content);
}

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
    assert_eq!(session(&app, &named).await["status"], "completed");
    assert_eq!(complete(&app, &named).await.status(), 200);
    assert_eq!(session(&app, &not_named).await["status"], "uploading");
    assert_eq!(complete(&app, &not_named).await.status(), 200);
    assert_eq!(std::fs::read(folder.join("not.bin")).unwrap(), b"x");
}

#[tokio::test]
async fn the_same_chunk_from_many_senders_counts_once() {
    let app = TestApp::start().await;
    let content = content(2 * CHUNK);
    let id = begin(&app, "a.bin", content.len()).await;
    let sends: FuturesUnordered<_> = (0..10).map(|_| send(&app, form(&id, 0, chunk_of(&content, 0, CHUNK)))).collect();
    let answers: Vec<Response> = sends.collect().await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(session(&app, &id).await["uploaded_chunks"], 1);
    // Other bytes under the number of a chunk that is there: their sender is told.
    problem(send(&app, form(&id, 0, chunk_of(&content, 1, CHUNK))).await, 422, "wrong_checksum").await;
    assert_eq!(send(&app, form(&id, 1, chunk_of(&content, 1, CHUNK))).await.status(), 200);
    let path = json(complete(&app, &id).await).await["file_path"].as_str().unwrap().to_owned();
    assert!(std::fs::read(path).unwrap() == content);
}

#[tokio::test]
async fn wrong_chunks_are_refused_and_not_counted() {
    let app = TestApp::start().await;
    let content = content(2 * CHUNK);
    let good = || chunk_of(&content, 0, CHUNK);
    let id = begin(&app, "a.bin", content.len()).await;
    let plain =
        |id: &str, index: &str| Form::new().text("upload_id", id.to_owned()).text("chunk_index", index.to_owned());
    let bytes = |bytes: Vec<u8>| Part::bytes(bytes);

    let wrong = plain(&id, "0").text("checksum", sha256(b"other")).part("chunk", bytes(good()));
    problem(send(&app, wrong).await, 422, "wrong_checksum").await;
    let short = good()[1..].to_vec();
    problem(send(&app, plain(&id, "0").part("chunk", bytes(short))).await, 400, "wrong_length").await;
    let long = [good(), vec![0; 3 * CHUNK]].concat();
    problem(send(&app, plain(&id, "0").part("chunk", bytes(long))).await, 400, "wrong_length").await;
    problem(send(&app, plain(&id, "0").part("chunk", bytes(Vec::new()))).await, 400, "wrong_length").await;
    problem(send(&app, plain(&id, "2").part("chunk", bytes(good()))).await, 400, "no_such_chunk").await;
    for index in ["", "-1", "+0", "0x0", "1.0", "4294967296", "99999999999999999999", " 0", "٠", "0;id"] {
        let refused =
            problem(send(&app, plain(&id, index).part("chunk", bytes(good()))).await, 400, "invalid_request").await;
        assert_eq!(refused["fields"][0]["field"], "chunk_index", "{index:?}");
    }
    for checksum in ["", "zz", &"g".repeat(64), &"a".repeat(65), &"é".repeat(32)] {
        let form = plain(&id, "0").text("checksum", checksum.to_owned()).part("chunk", bytes(good()));
        let refused = problem(send(&app, form).await, 400, "invalid_request").await;
        assert_eq!(refused["fields"][0]["field"], "checksum", "{checksum:?}");
    }
    for id in ["", "x", "../../etc/passwd", &"0".repeat(32), &"f".repeat(200), "\0"] {
        problem(send(&app, plain(id, "0").part("chunk", bytes(good()))).await, 404, "not_found").await;
    }
    let field = |refused: Value| refused["fields"][0]["field"].as_str().unwrap().to_owned();
    for (form, missing) in [
        (Form::new().text("chunk_index", "0").part("chunk", bytes(good())), "upload_id"),
        (Form::new().text("upload_id", id.clone()).part("chunk", bytes(good())), "chunk_index"),
        (plain(&id, "0"), "chunk"),
        (plain(&id, "0").text("chunk_index", "1").part("chunk", bytes(good())), "chunk_index"),
        (plain(&id, "0").part("chunk", bytes(good())).part("chunk", bytes(good())), "chunk"),
        (plain(&"x".repeat(300), "0").part("chunk", bytes(good())), "upload_id"),
        (
            Form::new().part("upload_id", bytes(vec![0xff])).text("chunk_index", "0").part("chunk", bytes(good())),
            "upload_id",
        ),
    ] {
        assert_eq!(field(problem(send(&app, form).await, 400, "invalid_request").await), missing);
    }
    problem(send(&app, plain(&id, "0").text("extra", "1")).await, 400, "invalid_request").await;
    let boundary = "multipart/form-data; boundary=b";
    for body in ["", "--b\r\nContent-Disposition: form-data; name=\"chunk\"\r\n\r\nabc", "nonsense", "\0\0"] {
        let cut = app.request(Method::POST, CHUNKS).header("content-type", boundary).body(body);
        problem(cut.send().await.unwrap(), 400, "invalid_request").await;
    }
    problem(app.post(CHUNKS, &json!({"upload_id": id})).await, 415, "unsupported_media_type").await;
    assert_eq!(app.anonymous(Method::POST, CHUNKS).multipart(form(&id, 0, good())).send().await.unwrap().status(), 401);
    assert_eq!(session(&app, &id).await["uploaded_chunks"], 0);

    // The parts may come in any order: the chunk first, its checksum last.
    let turned = Form::new().part("chunk", bytes(good())).text("chunk_index", "0").text("upload_id", id.clone());
    assert_eq!(send(&app, turned.text("checksum", sha256(&good()).to_uppercase())).await.status(), 200);
    let late = plain(&id, "1").part("chunk", bytes(chunk_of(&content, 1, CHUNK))).text("checksum", sha256(b"x"));
    problem(send(&app, late).await, 422, "wrong_checksum").await;
    assert_eq!(session(&app, &id).await["missing_chunks"], json!([1]));
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
async fn an_empty_file_has_no_chunks() {
    let app = TestApp::start().await;
    let (id, path) = upload(&app, "empty.txt", b"").await;
    assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
    problem(send(&app, form(&id, 0, Vec::new())).await, 400, "no_such_chunk").await;
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
async fn damaged_bytes_are_found_and_sent_again() {
    let app = TestApp::start().await;
    let content = content(3 * CHUNK);
    let id = begin(&app, "a.bin", content.len()).await;
    for index in 0..3 {
        send(&app, form(&id, index, chunk_of(&content, index, CHUNK))).await;
    }
    let folder = session(&app, &id).await["storage_path"].as_str().unwrap().to_owned();
    let part = Path::new(&folder).join(format!(".{id}.part"));
    let mut damaged = content.clone();
    damaged[CHUNK + 5] ^= 1;
    std::fs::write(&part, &damaged).unwrap();
    let verify = json!({"upload_id": id, "verify_checksum": true});
    let refused = problem(app.post(COMPLETE, &verify).await, 409, "missing_chunks").await;
    assert_eq!(refused["missing_chunks"], json!([1]));
    assert_eq!(send(&app, form(&id, 1, chunk_of(&content, 1, CHUNK))).await.status(), 200);
    let path = json(app.post(COMPLETE, &verify).await).await["file_path"].as_str().unwrap().to_owned();
    assert!(std::fs::read(path).unwrap() == content);
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
    assert_eq!(app.app.uploads.expire().await.unwrap(), 1);
    assert_eq!(app.app.uploads.expire().await.unwrap(), 0);
    let left = |id: &str| app.app.store.upload(id).unwrap().is_some();
    assert_eq!((left(&dead), left(&kept), left(&alive)), (false, true, true));
    assert_eq!(files(), 2);
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
