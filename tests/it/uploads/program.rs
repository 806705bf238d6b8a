//! Uploads to the built program: killed in the middle, and how much memory they take.
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::{CHUNK, CHUNKS, COMPLETE, INIT, chunk_of, content, form, shuffled};
use crate::program::Running;
use crate::support::{json, private_folder};

/// The built program, signed in.
struct Program {
    running: Running,
    token: String,
    client: reqwest::Client,
}

impl Program {
    async fn start(dir: &Path, password: &mut Option<String>) -> Self {
        let config = dir.join("slurmdash.yaml");
        std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
        let data = dir.join("data");
        let arguments = ["--data-dir", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
        let running = Running::start(dir, &arguments).await;
        *password = running.ready["password"].as_str().map(str::to_owned).or(password.take());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut program = Self { running, token: String::new(), client };
        let body = json!({"username": "admin", "password": password});
        program.token = program.post("/api/auth/login", &body).await["access_token"].as_str().unwrap().into();
        program
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.running.ready["url"].as_str().unwrap()))
            .bearer_auth(&self.token)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        json(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// Sends a chunk; whether the program said that it is stored.
    async fn send(&self, form: Form) -> bool {
        let answer = self.request(Method::POST, CHUNKS).multipart(form).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }
}

#[tokio::test]
async fn a_killed_program_keeps_what_it_promised() {
    let dir = private_folder();
    let content = content(200 * CHUNK + 11);
    let mut password = None;
    let mut program = Program::start(dir.path(), &mut password).await;
    let body = json!({"filename": "big.dat", "file_size": content.len(), "user_id": "admin", "chunk_size": CHUNK});
    let id = program.post(INIT, &body).await["upload_id"].as_str().unwrap().to_owned();
    let mut promised = Vec::new();
    {
        let sends = iter(shuffled(201)).map(|index| {
            let sent = program.send(form(&id, index, chunk_of(&content, index, CHUNK)));
            async move { sent.await.then_some(index) }
        });
        let mut sends = sends.buffer_unordered(8);
        while promised.len() < 60 {
            promised.extend(sends.next().await.unwrap());
        }
        // Eight more are on their way just now.
        let pid = rustix::process::Pid::from_child(&program.running.child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        promised.extend(sends.filter_map(async |sent| sent).collect::<Vec<_>>().await);
    }
    program.running.child.wait().unwrap();
    assert!(promised.len() < 201, "it was killed in the middle");

    let again = Program::start(dir.path(), &mut password).await;
    let path = format!("/api/v2/files/uploads/{id}");
    let shown = json(again.request(Method::GET, &path).send().await.unwrap()).await;
    let missing: Vec<usize> = serde_json::from_value(shown["missing_chunks"].clone()).unwrap();
    assert!(promised.iter().all(|index| !missing.contains(index)), "what was promised is there");
    assert_eq!(shown["uploaded_chunks"], 201 - missing.len());
    for index in missing {
        assert!(again.send(form(&id, index, chunk_of(&content, index, CHUNK))).await);
    }
    let finished = again.post(COMPLETE, &json!({"upload_id": id, "verify_checksum": true})).await;
    assert!(std::fs::read(finished["file_path"].as_str().unwrap()).unwrap() == content);
}

#[tokio::test]
async fn memory_does_not_grow_with_the_file() {
    const LARGE: usize = 16 << 20;
    let dir = private_folder();
    let program = Program::start(dir.path(), &mut None).await;
    let peak = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.running.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().to_owned();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
    };
    // Signing in hashes a password, which takes its own memory; that peak is there before the upload.
    let before = peak();
    let body = json!({"filename": "big.dat", "file_size": 16 * LARGE, "user_id": "admin", "chunk_size": LARGE});
    let id = program.post(INIT, &body).await["upload_id"].as_str().unwrap().to_owned();
    let bytes = vec![7; LARGE];
    let sends = iter(0..16).map(|index| program.send(form(&id, index, bytes.clone())));
    assert!(sends.buffer_unordered(4).all(async |sent| sent).await);
    assert!(program.post(COMPLETE, &json!({"upload_id": id})).await["file_path"].is_string());
    assert!(peak() < before + 48, "{} MiB for 4 senders of 16 MiB chunks, {before} before", peak());
}
