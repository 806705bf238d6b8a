//! The built program: start, the ready file, modes of its files, stop.
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{eventually, private_folder};

/// A running program; killed when dropped.
pub struct Running {
    /// The process.
    pub child: Child,
    /// What its ready file said.
    pub ready: Value,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts `slurmdash serve` with its ready file in `dir`, and waits for that.
    pub async fn start(dir: &Path, arguments: &[&str]) -> Self {
        Self::start_with(dir, |command| command.args(arguments).stderr(Stdio::null())).await
    }

    /// The same with what `set` adds to the command.
    pub async fn start_with(dir: &Path, set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let ready_file = dir.join("ready.json");
        // One of an earlier start would be taken for this one's.
        let _ = std::fs::remove_file(&ready_file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        set(command.arg("serve")).args(["--listen", "127.0.0.1:0", "--ready-file"]).arg(&ready_file);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let ready = eventually(async || std::fs::read(&ready_file).ok()).await;
        assert_eq!(std::fs::metadata(&ready_file).unwrap().permissions().mode() & 0o777, 0o600);
        Self { child, ready: serde_json::from_slice(&ready).unwrap() }
    }

    /// Signs in as the first account, and gives the answer's status.
    pub async fn login(&self, password: &str) -> u16 {
        let body = json!({"username": "admin", "password": password});
        let url = format!("{}/api/auth/login", self.ready["url"].as_str().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(url).json(&body).send().await.unwrap().status().as_u16()
    }

    /// Asks it to stop as systemd does, and gives the exit code.
    pub async fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        eventually(async || self.child.try_wait().unwrap()).await.code()
    }
}

#[tokio::test]
async fn a_demo_starts_anywhere_and_leaves_nothing_behind() {
    let dir = private_folder();
    let demo = Running::start(dir.path(), &["--demo"]).await;
    assert_eq!(demo.ready["username"], "admin");
    let password = demo.ready["password"].as_str().unwrap().to_owned();
    assert_eq!(demo.login(&password).await, 200);
    assert_eq!(demo.login("wrong").await, 401);
    assert_eq!(demo.stop().await, Some(0));
}

#[tokio::test]
async fn a_data_folder_is_private_and_its_account_survives_a_restart() {
    let dir = private_folder();
    let data = dir.path().join("data");
    let config = dir.path().join("slurmdash.yaml");
    std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let first = Running::start(dir.path(), &arguments).await;
    let password = first.ready["password"].as_str().unwrap().to_owned();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("slurmdash.redb")), 0o600);
    assert!(data.join("templates/pytorch-training.yaml").is_file());
    assert_eq!(first.stop().await, Some(0));
    let again = Running::start(dir.path(), &arguments).await;
    assert_eq!(again.ready["password"], Value::Null, "the password is shown once");
    assert_eq!(again.login(&password).await, 200);
}

#[tokio::test]
async fn starting_without_slurm_fails_in_words() {
    let dir = private_folder();
    let output = Command::new(env!("CARGO_BIN_EXE_slurmdash"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
        .env_clear()
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("slurmdash serve --demo"), "{words}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_so() {
    let dir = private_folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_slurmdash"))
        .args(["serve", "--demo", "--listen", &address, "--dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--listen"));
}

#[tokio::test]
async fn version_says_whether_the_ui_is_inside() {
    let output = Command::new(env!("CARGO_BIN_EXE_slurmdash")).args(["version", "--json"]).output().unwrap();
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(["embedded", "absent"].contains(&version["ui"].as_str().unwrap()));
}
