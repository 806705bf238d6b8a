//! Everything that can be done with a job, by its owner, by somebody else, and by an operator.
use serde_json::json;
use slurmdash_api::jobs::JobState;

use super::{Dashboard, sleeper, with};

#[tokio::test]
async fn real_waiting_jobs_are_held_released_changed_and_cancelled() {
    let Some(board) = Dashboard::start("actions on waiting jobs").await else { return };
    let alice = board.sign_in(0).await;
    let later = with(sleeper(), json!({"begin": "now+1hour", "time": "01:00:00"}));
    let ids = [alice.submit(later.clone()).await, alice.submit(later).await];
    assert_eq!(alice.act("hold", &ids, json!({})).await, [None, None]);
    for id in ids {
        let job = alice.until(id, "JobHeldUser", |job| job["reason"] == "JobHeldUser").await;
        assert!(job["actions"].as_array().unwrap().contains(&json!("release")), "{job:#}");
    }
    assert_eq!(alice.act("release", &ids, json!({})).await, [None, None]);
    assert_eq!(alice.act("nice", &ids, json!({"nice": 50})).await, [None, None]);
    assert_eq!(alice.act("time_limit", &ids, json!({"time": "00:30:00"})).await, [None, None]);
    for id in ids {
        alice.until(id, "its release", |job| job["reason"] == "BeginTime").await;
        alice.until(id, "the nice value", |job| job["more"]["nice"] == 50).await;
        alice.until(id, "the new limit", |job| job["time_limit"] == 1800).await;
    }
    let unknown = 4_000_000;
    let answers = alice.act("cancel", &[ids[0], unknown, ids[1]], json!({})).await;
    assert_eq!(answers, [None, Some("not_found".to_owned()), None]);
    for id in ids {
        alice.until_state(id, JobState::Cancelled).await;
    }
    assert_eq!(alice.act("cancel", &ids[..1], json!({})).await, [Some("already_finished".to_owned())]);
}

#[tokio::test]
async fn real_running_jobs_are_requeued_shortened_and_cancelled() {
    let Some(board) = Dashboard::start("actions on running jobs").await else { return };
    let alice = board.sign_in(0).await;
    let id = alice.submit(with(sleeper(), json!({"time": "01:00:00"}))).await;
    alice.until_state(id, JobState::Running).await;
    assert_eq!(alice.act("time_limit", &[id], json!({"time": "00:20:00"})).await, [None]);
    alice.until(id, "the new limit", |job| job["time_limit"] == 1200).await;
    let refused = alice.act("time_limit", &[id], json!({"time": "02:00:00"})).await;
    assert!(refused[0].is_some(), "only an operator makes a running job's limit longer");
    assert_eq!(alice.act("requeue", &[id], json!({})).await, [None]);
    let job = alice.until(id, "its new start", |job| job["more"]["restarts"] == 1).await;
    assert_eq!(job["job_id"], id);
    assert_eq!(alice.act("cancel", &[id], json!({})).await, [None]);
    alice.until_state(id, JobState::Cancelled).await;
}

#[tokio::test]
async fn real_jobs_are_suspended_and_resumed_by_those_who_may() {
    let Some(board) = Dashboard::start("suspending jobs").await else { return };
    let (alice, carol) = (board.sign_in(0).await, board.sign_in(2).await);
    let (alices, carols) = (alice.submit(sleeper()).await, carol.submit(sleeper()).await);
    alice.until_state(alices, JobState::Running).await;
    carol.until_state(carols, JobState::Running).await;
    let refused = alice.act("suspend", &[alices], json!({})).await;
    assert!(refused[0].is_some(), "Slurm lets operators only");
    assert_eq!(alice.job(alices).await["state"], "RUNNING");
    assert_eq!(carol.act("suspend", &[carols], json!({})).await, [None]);
    carol.until_state(carols, JobState::Suspended).await;
    assert_eq!(carol.act("resume", &[carols], json!({})).await, [None]);
    carol.until_state(carols, JobState::Running).await;
}

#[tokio::test]
async fn real_jobs_of_others_are_left_alone() {
    let Some(board) = Dashboard::start("other people's jobs").await else { return };
    let (alice, bob) = (board.sign_in(0).await, board.sign_in(1).await);
    let id = alice.submit(json!({"command": "echo private; sleep 3600"})).await;
    let job = alice.until_state(id, JobState::Running).await;
    for action in ["cancel", "requeue", "suspend"] {
        assert_eq!(bob.act(action, &[id], json!({})).await, [Some("forbidden".to_owned())], "{action}");
    }
    // Slurm itself says the same to bob's own hands.
    let said = board.cluster.as_person(&bob.name, &format!("scancel {id} 2>&1 || true"));
    assert!(said.contains("denied"), "{said}");
    let output = bob.request(reqwest::Method::GET, &format!("/api/jobs/{id}/output")).send().await.unwrap();
    assert_eq!(output.status(), 403);
    let stdout = job["stdout"].as_str().unwrap();
    let said = board.cluster.as_person(&bob.name, &format!("cat {stdout} 2>&1 || true"));
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(alice.job(id).await["state"], "RUNNING");
}
