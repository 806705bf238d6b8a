//! Uploads over HTTP: in any order, several at once, broken off, gone on with, killed, refused.
mod beginning;
mod ending;
mod faults;
mod program;
mod sending;
mod shaky;

use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{TestApp, json};

const CHUNK: usize = 64 * 1024;
const INIT: &str = "/api/v2/files/upload/init";
const CHUNKS: &str = "/api/v2/files/upload/chunk";
const COMPLETE: &str = "/api/v2/files/upload/complete";

/// Bytes that differ from chunk to chunk and from place to place.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| at.wrapping_mul(0x9e37_79b9).to_le_bytes()[2]).collect()
}

fn chunk_of(content: &[u8], index: usize, size: usize) -> Vec<u8> {
    content.chunks(size).nth(index).unwrap().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    slurmdash::random::hex(digest(&SHA256, bytes).as_ref())
}

fn form(id: &str, index: usize, bytes: Vec<u8>) -> Form {
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
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| index.wrapping_mul(0x9e37_79b9) % 1_000_003);
    order
}
