//! A whole file in one call with an API key.
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::json;

use super::{Person, with_key};
use crate::support::{TestApp, eventually, json as body, problem};

const PATH: &str = "/api/v2/upload/external";

fn file(name: &str, bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name(name.to_owned())
}

async fn send(app: &TestApp, key: &str, form: Form) -> Response {
    with_key(app, Method::POST, PATH, key).multipart(form).send().await.unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    slurmdash::random::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

#[tokio::test]
async fn a_file_arrives_whole_with_or_without_its_size() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:submit"]).await;
    let small = send(&app, &key, Form::new().part("file", file("mesh.stl", b"solid".to_vec()))).await;
    assert_eq!(small.status(), 201);
    let small = body(small).await;
    assert_eq!(small["file_info"]["type"], "mesh");
    assert_eq!(std::fs::read(small["file_path"].as_str().unwrap()).unwrap(), b"solid");
    let large: Vec<u8> = (0..40_000_000_u32).map(|number| (number % 251) as u8).collect();
    let form = Form::new()
        .text("file_size", large.len().to_string())
        .text("checksum", sha256(&large))
        .text("job_id", "run-1")
        .part("file", file("dataset.tar.gz", large.clone()));
    let sent = body(send(&app, &key, form).await).await;
    let path = sent["file_path"].as_str().unwrap();
    assert!(path.contains("/jobs/run-1/data/"), "{path}");
    assert!(std::fs::read(path).unwrap() == large);
    let empty = send(&app, &key, Form::new().part("file", file("empty.csv", Vec::new()))).await;
    assert_eq!(empty.status(), 201);
    let rows = body(app.get("/api/v2/audit?action=upload.finish").await).await;
    assert!(rows["rows"][0]["key_id"].is_string(), "the key that did it is written down");
}

#[tokio::test]
async fn the_answer_names_the_file_for_a_job() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:submit", "job:view"]).await;
    let sent = body(send(&app, &key, Form::new().part("file", file("words.txt", b"of mine".to_vec()))).await).await;
    let job = json!({"job_name": "words", "command": "cat \"$FILE_1\"", "uploads": [sent["upload_id"]]});
    let submitted = with_key(&app, Method::POST, "/api/jobs/submit", &key).json(&job).send().await.unwrap();
    assert_eq!(submitted.status(), 201);
    let job = format!("/api/jobs/{}", body(submitted).await["job_id"]);
    let get = async |path: &str| body(with_key(&app, Method::GET, path, &key).send().await.unwrap()).await;
    eventually(async || (get(&job).await["state"] == "COMPLETED").then_some(())).await;
    assert_eq!(get(&format!("{job}/output")).await["text"], "of mine");
    let again = json!({"upload_id": sent["upload_id"]});
    let again = body(ada.post("/api/v2/files/upload/complete", &again).await).await;
    assert_eq!(again, sent, "a second completion gives the same answer");
}

#[tokio::test]
async fn it_takes_a_key_with_job_submit_and_nothing_else() {
    let app = TestApp::start().await;
    let form = || Form::new().part("file", file("a.csv", b"1".to_vec()));
    let without = app.anonymous(Method::POST, PATH).multipart(form()).send().await.unwrap();
    assert_eq!(problem(without, 401, "unauthorized").await["error"], "API Key required");
    let token = app.request(Method::POST, PATH).multipart(form()).send().await.unwrap();
    assert_eq!(problem(token, 401, "unauthorized").await["error"], "API Key required");
    let rubbish = problem(send(&app, "sk_live_rubbish", form()).await, 401, "unauthorized").await;
    assert_eq!(rubbish["error"], "Invalid or expired API Key");
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let viewing = ada.key(&["job:view", "data:write"]).await;
    problem(send(&app, &viewing, form()).await, 403, "forbidden").await;
}

#[tokio::test]
async fn what_is_wrong_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:submit"]).await;
    let part = || file("a.csv", b"12345".to_vec());
    for (form, status, code) in [
        (Form::new().text("file_size", "4").part("file", part()), 400, "invalid_request"),
        (Form::new().text("file_size", "6").part("file", part()), 400, "invalid_request"),
        (Form::new().text("file_size", "+5").part("file", part()), 400, "invalid_request"),
        (Form::new().text("checksum", sha256(b"other")).part("file", part()), 422, "wrong_checksum"),
        (Form::new().text("checksum", "xyz").part("file", part()), 400, "invalid_request"),
        (Form::new().text("job_id", "../x").part("file", part()), 400, "invalid_request"),
        (Form::new().text("unknown", "1").part("file", part()), 400, "invalid_request"),
        (Form::new().part("file", file("../a.csv", b"1".to_vec())), 400, "invalid_request"),
        (Form::new().text("file_size", "5"), 400, "invalid_request"),
        (Form::new().part("file", file("large.bin", vec![0; 17 << 20])), 411, "size_needed"),
        (Form::new().text("file_size", (1_u64 << 40).to_string()).part("file", part()), 413, "file_too_large"),
    ] {
        problem(send(&app, &key, form).await, status, code).await;
    }
    let no_form = with_key(&app, Method::POST, PATH, &key).json(&json!({})).send().await.unwrap();
    problem(no_form, 415, "unsupported_media_type").await;
    let uploads = body(ada.get("/api/v2/files/uploads").await).await;
    assert!(uploads["uploads"].as_array().unwrap().iter().all(|upload| upload["status"] == "cancelled"), "{uploads}");
    let good = send(&app, &key, Form::new().part("file", part())).await;
    assert_eq!(good.status(), 201);
    problem(send(&app, &key, Form::new().part("file", part())).await, 409, "name_taken").await;
    let form = Form::new().text("overwrite", "true").part("file", file("a.csv", b"new".to_vec()));
    assert_eq!(send(&app, &key, form).await.status(), 201);
}
