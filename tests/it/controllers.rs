//! Two controllers of which one is away, or both: who is in charge, who is told, and that jobs go on.
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use slurmdash::config::Backend;

use crate::live::{hears, say, viewer};
use crate::program::Running;
use crate::support::{TestApp, eventually, json, private_folder};

/// The simulated cluster's controller is away while this file is there.
fn away(data_dir: &Path, host: &str) -> PathBuf {
    data_dir.join("simulated-cluster/away").join(host)
}

async fn until(app: &TestApp, answers: [bool; 2], in_charge: Option<&str>) -> Value {
    let controllers = json!([
        {"host": "head1", "role": "primary", "answers": answers[0]},
        {"host": "head2", "role": "backup", "answers": answers[1]},
    ]);
    eventually(async || {
        let summary = json(app.get("/api/cluster").await).await;
        (summary["controllers"] == controllers && summary["in_charge"] == json!(in_charge)).then_some(summary)
    })
    .await
}

#[tokio::test]
async fn when_the_primary_is_away_the_backup_is_in_charge_and_jobs_go_on() {
    let app = TestApp::start().await;
    let head1 = away(&app.app.config.data_dir, "head1");
    until(&app, [true, true], Some("head1")).await;
    let gate = app.app.config.data_dir.join("gate");
    let command = format!("while [ ! -e '{}' ]; do sleep 0.05; done", gate.display());
    let before = json(app.post("/api/jobs/submit", &json!({"job_name": "before", "command": command})).await).await;
    let mut socket = viewer(&app).await;
    say(&mut socket, &json!({"action": "subscribe", "topic": "nodes"})).await;
    hears(&mut socket, |message| message["type"] == "subscribed").await;

    std::fs::write(&head1, "").unwrap();
    let summary = until(&app, [false, true], Some("head2")).await;
    assert_eq!(summary["freshness"]["stale"], false);
    // First that it does not answer, then, when Slurm has answered, that the other is in charge.
    let silent = |message: &Value| message["data"]["controllers"][0]["answers"] == false;
    let told = hears(&mut socket, silent).await;
    assert_eq!((&told["type"], &told["data"]["in_charge"]), (&json!("nodes"), &Value::Null));
    hears(&mut socket, |message| silent(message) && message["data"]["in_charge"] == "head2").await;

    let meanwhile = app.post("/api/jobs/submit", &json!({"job_name": "meanwhile", "command": "true"})).await;
    assert_eq!(meanwhile.status(), 201);
    std::fs::write(&gate, "").unwrap();
    for id in [before["job_id"].clone(), json(meanwhile).await["job_id"].clone()] {
        eventually(async || {
            (json(app.get(&format!("/api/jobs/{id}")).await).await["state"] == "COMPLETED").then_some(())
        })
        .await;
    }

    std::fs::remove_file(&head1).unwrap();
    until(&app, [true, true], Some("head1")).await;
    hears(&mut socket, |message| message["data"]["in_charge"] == "head1").await;
}

#[tokio::test]
async fn a_silent_backup_changes_nothing_but_is_told() {
    let app = TestApp::start().await;
    std::fs::write(away(&app.app.config.data_dir, "head2"), "").unwrap();
    until(&app, [true, false], Some("head1")).await;
}

#[tokio::test]
async fn without_any_controller_nobody_is_in_charge_and_the_last_state_stays() {
    let app = TestApp::start().await;
    let (head1, head2) = (away(&app.app.config.data_dir, "head1"), away(&app.app.config.data_dir, "head2"));
    until(&app, [true, true], Some("head1")).await;
    std::fs::write(&head2, "").unwrap();
    std::fs::write(&head1, "").unwrap();
    let summary = until(&app, [false, false], None).await;
    assert_eq!(summary["nodes"], json!({"IDLE": 6}));
    let problem = eventually(async || {
        json(app.get("/api/cluster").await).await["freshness"]["problem"].as_str().map(str::to_owned)
    })
    .await;
    assert!(problem.contains("Unable to contact slurm controller"), "{problem}");
    std::fs::remove_file(&head2).unwrap();
    let summary = until(&app, [false, true], Some("head2")).await;
    assert_eq!(summary["freshness"]["stale"], false);
}

/// Stand-ins for Slurm's commands: these lines for `scontrol ping`, and this for everything else that is asked.
fn commands(dir: &Path, ping: &str, other: &str) {
    for name in ["sbatch", "squeue", "scontrol", "scancel", "sacct", "sinfo"] {
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in ping) printf '{ping}';; show) echo 'ClusterName = two'; {other};; *) {other};; esac\n"
        );
        // A running one can't be written over, only replaced.
        let new = dir.join(format!(".{name}"));
        std::fs::write(&new, script).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&new, dir.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_backup_in_standby_answers_and_is_not_in_charge_before_slurm_answers() {
    let bin = private_folder();
    let (up, down) = (r"Slurmctld(primary) at head1 is UP\nSlurmctld(backup) at head2 is UP\n", "is DOWN");
    commands(bin.path(), up, "exit 0");
    let app = TestApp::with(|config| {
        config.slurm.backend = Backend::Cli;
        config.slurm.bin_dir = Some(bin.path().to_owned());
    })
    .await;
    until(&app, [true, true], Some("head1")).await;
    // As 22.05 does for as long as SlurmctldTimeout says.
    let silent = up.replacen("is UP", down, 1);
    let standby = "echo 'slurm_load_jobs error: Slurm backup controller in standby mode' >&2; exit 1";
    commands(bin.path(), &silent, standby);
    let summary = until(&app, [false, true], None).await;
    eventually(async || (json(app.get("/api/cluster").await).await["freshness"]["stale"] == true).then_some(())).await;
    assert_eq!(summary["name"], "two");
    until(&app, [false, true], None).await;
    commands(bin.path(), &silent, "exit 0");
    until(&app, [false, true], Some("head2")).await;
}

#[tokio::test]
async fn the_log_says_each_change_once() {
    let dir = private_folder();
    let (log, data) = (dir.path().join("log"), dir.path().join("demo"));
    let demo = Running::start_with(dir.path(), |command| {
        let command = command.args(["--demo", "--dir"]).arg(&data).stderr(File::create(&log).unwrap());
        command.env("SLURMDASH_SLURM__POLL_MILLISECONDS", "100").env("SLURMDASH_SLURM__IDLE_POLL_MILLISECONDS", "100")
    })
    .await;
    let said = |words: &str| std::fs::read_to_string(&log).unwrap().matches(words).count();
    let says = async |words: &str| eventually(async || (said(words) > 0).then_some(())).await;
    let folder = data.join("simulated-cluster/away");
    std::fs::write(folder.join("head1"), "").unwrap();
    says("a backup is in charge").await;
    std::fs::write(folder.join("head2"), "").unwrap();
    says("no controller answers").await;
    for host in ["head1", "head2"] {
        std::fs::remove_file(folder.join(host)).unwrap();
    }
    says("every controller answers").await;
    for words in
        ["a backup is in charge", "a backup is to take over", "no controller answers", "every controller answers"]
    {
        assert_eq!(said(words), 1, "{words}: {}", std::fs::read_to_string(&log).unwrap());
    }
    assert_eq!(demo.stop().await, Some(0));
}
