//! Slurm that is missing, hangs or says no: no request hangs, the last known state stays, and it recovers by itself.
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use slurmdash::config::Backend;

use crate::support::{TestApp, eventually, json, private_folder, problem};

/// Puts a stand-in for each of Slurm's commands into a folder.
fn commands(dir: &Path, script: &str) {
    for name in ["sbatch", "squeue", "scontrol", "scancel", "sacct", "sinfo"] {
        let path = dir.join(name);
        // A running one can't be written over, only replaced.
        let new = dir.join(format!(".{name}"));
        std::fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }
}

async fn without_slurm(bin: &Path) -> TestApp {
    TestApp::with(|config| {
        config.slurm.backend = Backend::Cli;
        config.slurm.bin_dir = Some(bin.to_owned());
        config.slurm.timeout_seconds = 1;
    })
    .await
}

#[tokio::test]
async fn missing_commands_are_named_and_everything_else_works() {
    let bin = private_folder();
    let app = without_slurm(bin.path()).await;
    let summary = json(app.get("/api/cluster").await).await;
    assert_eq!(summary["freshness"]["stale"], true);
    assert!(summary["freshness"]["problem"].as_str().unwrap().contains("slurm.bin_dir"), "{summary}");
    assert_eq!(json(app.get("/api/jobs").await).await["total"], 0);
    let submit = app.post("/api/jobs/submit", &json!({"job_name": "x", "command": "true"})).await;
    assert!(submit.headers().contains_key("retry-after"));
    problem(submit, 503, "slurm_unavailable").await;
    problem(app.get("/api/jobs/5").await, 503, "slurm_unavailable").await;
    assert_eq!(json(app.get("/ready").await).await["slurm"], "stale");
}

#[tokio::test]
async fn hanging_commands_cost_their_time_limit_and_no_more() {
    let bin = private_folder();
    commands(bin.path(), "exec sleep 600");
    let app = without_slurm(bin.path()).await;
    let submit = app.post("/api/jobs/submit", &json!({"job_name": "x", "command": "true"})).await;
    // sbatch may have reached Slurm before it hung.
    problem(submit, 503, "submission_unclear").await;
    let summary = json(app.get("/api/cluster").await).await;
    assert!(summary["freshness"]["problem"].as_str().unwrap().contains("no answer"), "{summary}");
}

#[tokio::test]
async fn sbatchs_own_words_are_passed_on() {
    let bin = private_folder();
    commands(bin.path(), "echo 'sbatch: error: invalid account or <b>association</b>' >&2; exit 1");
    let app = without_slurm(bin.path()).await;
    let submit = app.post("/api/jobs/submit", &json!({"job_name": "x", "command": "true"})).await;
    let body = problem(submit, 422, "slurm_refused").await;
    assert!(body["detail"].as_str().unwrap().contains("invalid account or <b>association</b>"), "{body}");
    assert!(!body["detail"].as_str().unwrap().contains("sbatch: error"), "{body}");
}

#[tokio::test]
async fn rubbish_from_slurm_is_no_state_and_recovery_is_by_itself() {
    let bin = private_folder();
    commands(bin.path(), "head -c 100000 /dev/urandom");
    let app = without_slurm(bin.path()).await;
    let stale = json(app.get("/api/cluster").await).await;
    assert_eq!(stale["freshness"]["stale"], true, "{stale}");
    // An empty cluster: no jobs, no nodes, no partitions.
    commands(bin.path(), r#"case "$*" in *config*) echo "ClusterName = lab";; esac"#);
    eventually(async || {
        let summary = json(app.get("/api/cluster").await).await;
        (summary["freshness"]["stale"] == false).then_some(())
    })
    .await;
}
