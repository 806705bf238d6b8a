//! Chunks on their way: in any order, several at once, twice, broken off, damaged.
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, iter};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash_api::uploads::UploadStatus;

use super::{
    CHUNK, CHUNKS, COMPLETE, begin, chunk_of, complete, content, form, init, send, session, sha256, shuffled, upload,
};
use crate::support::{TestApp, json, private_folder, problem};

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
async fn an_empty_file_has_no_chunks() {
    let app = TestApp::start().await;
    let (id, path) = upload(&app, "empty.txt", b"").await;
    assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
    problem(send(&app, form(&id, 0, Vec::new())).await, 400, "no_such_chunk").await;
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
