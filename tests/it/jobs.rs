//! Jobs over HTTP on the simulated cluster: submit, list, look up, cancel, output.
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, json, private_folder, problem};

/// Submits a command and gives the job's number.
async fn submit(app: &TestApp, name: &str, command: &str) -> u64 {
    let answer = app.post("/api/jobs/submit", &json!({"job_name": name, "command": command})).await;
    assert_eq!(answer.status(), 201);
    let answer = json(answer).await;
    assert_eq!(answer["message"], "Job submitted successfully");
    answer["job_id"].as_u64().unwrap()
}

async fn job(app: &TestApp, id: u64) -> Value {
    json(app.get(&format!("/api/jobs/{id}")).await).await
}

async fn reaches(app: &TestApp, id: u64, state: &str) -> Value {
    eventually(async || {
        let job = job(app, id).await;
        (job["state"] == state).then_some(job)
    })
    .await
}

#[tokio::test]
async fn a_job_runs_and_its_output_can_be_read() {
    let app = TestApp::start().await;
    let id = submit(&app, "hello", "echo one; echo two >&2; exit 3").await;
    let done = reaches(&app, id, "FAILED").await;
    assert_eq!(done["exit_code"], 3);
    assert_eq!(done["owner"], "admin");
    assert_eq!(done["may_cancel"], false);
    assert!(done["script"].as_str().unwrap().contains("echo one"));
    let output = json(app.get(&format!("/api/jobs/{id}/output")).await).await;
    assert_eq!(output["text"], "one\ntwo\n");
    assert_eq!(output["path"], done["stdout"]);
    let rest = json(app.get(&format!("/api/jobs/{id}/output?offset=4")).await).await;
    assert_eq!((rest["text"].as_str(), rest["end"].as_u64()), (Some("two\n"), Some(8)));
    let tail = json(app.get(&format!("/api/jobs/{id}/output?tail=2")).await).await;
    assert_eq!(tail["text"], "o\n");
    problem(app.get(&format!("/api/jobs/{id}/output?tail=1&offset=1")).await, 400, "invalid_request").await;
    problem(app.get(&format!("/api/jobs/{id}/output?offset=-1")).await, 400, "invalid_request").await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_once() {
    let app = TestApp::start().await;
    let id = submit(&app, "long", "sleep 600").await;
    assert_eq!(reaches(&app, id, "RUNNING").await["may_cancel"], true);
    let cancel = format!("/api/jobs/{id}/cancel");
    assert_eq!(app.request(Method::POST, &cancel).send().await.unwrap().status(), 200);
    reaches(&app, id, "CANCELLED").await;
    problem(app.request(Method::POST, &cancel).send().await.unwrap(), 409, "already_finished").await;
    let unknown = app.request(Method::POST, "/api/jobs/4000000/cancel").send().await.unwrap();
    problem(unknown, 404, "not_found").await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_on_the_server() {
    let app = TestApp::start().await;
    for number in 0..5 {
        submit(&app, &format!("batch {number}"), "true").await;
    }
    let last = submit(&app, "other", "sleep 600").await;
    let answer = eventually(async || {
        let answer = app.get("/api/jobs?q=batch&state=COMPLETED&sort=name&per_page=2&page=2").await;
        (answer.headers()["x-total-count"] == "5").then_some(answer)
    })
    .await;
    assert_eq!(answer.headers()["x-page-count"], "3");
    let page = json(answer).await;
    let names: Vec<_> = page["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["batch 2", "batch 3"]);
    assert_eq!(page["freshness"]["stale"], false);
    let active = json(app.get("/api/jobs?state=active&mine=true").await).await;
    assert_eq!(active["jobs"][0]["job_id"], last);
    for nonsense in ["page=0", "per_page=0", "per_page=501", "sort=x", "state=x", "mine=maybe", "unknown=1", "page=x"] {
        problem(app.get(&format!("/api/jobs?{nonsense}")).await, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn hostile_ids_are_refused_and_unknown_jobs_are_not_found() {
    let app = TestApp::start().await;
    for id in ["0", "-1", "1;id", "x", "1_", "_1", "99999999999", "1%0a2", "%00", "1%20", "..%2f1", "٣"] {
        problem(app.get(&format!("/api/jobs/{id}")).await, 400, "invalid_request").await;
    }
    problem(app.get("/api/jobs/4294967295").await, 404, "not_found").await;
    problem(app.get("/api/jobs/7_9").await, 404, "not_found").await;
}

#[tokio::test]
async fn wrong_fields_are_named_and_nothing_is_submitted() {
    let app = TestApp::start().await;
    for (field, value) in [
        ("job_name", json!("")),
        ("job_name", json!("a\nb")),
        ("job_name", json!("a\u{0}b")),
        ("job_name", json!("x".repeat(200))),
        ("job_name", json!(7)),
        ("partition", json!("a b")),
        ("partition", json!("$(id)")),
        ("account", json!("--uid=0")),
        ("qos", json!("../x")),
        ("nodes", json!(0)),
        ("nodes", json!(-1)),
        ("nodes", json!("2")),
        ("nodes", json!(1e9)),
        ("tasks", json!(0)),
        ("memory", json!(-5)),
        ("time", json!("forever")),
        ("time", json!("10; id")),
        ("array", json!("0-9; id")),
        ("command", json!("a\nb")),
        ("command", json!("a\u{0}")),
        ("script", json!("no shebang")),
        ("uploads", json!(["../../etc/passwd"])),
        ("uploads", json!([1])),
        ("template_id", json!("../secret")),
        ("image", json!("relative.sif")),
        ("parameters", json!([])),
    ] {
        let mut request = json!({"job_name": "fine", "command": "true"});
        if field == "script" {
            request.as_object_mut().unwrap().remove("command");
        }
        request[field] = value.clone();
        for call in ["/api/jobs/submit", "/api/jobs/preview"] {
            let answer = app.post(call, &request).await;
            assert_eq!(answer.status(), 400, "{field} = {value} on {call}");
            let body = problem(answer, 400, "invalid_request").await;
            let named = body["fields"][0]["field"].as_str().unwrap_or_default();
            assert!(named.starts_with(field), "{field} = {value} was called {body}");
        }
    }
    problem(app.post("/api/jobs/submit", &json!({"job_name": "x"})).await, 400, "invalid_request").await;
    problem(app.post("/api/jobs/submit", &json!({"command": "true"})).await, 400, "invalid_request").await;
    let huge = json!({"job_name": "x", "script": format!("#!/bin/sh\n{}", "#".repeat(5 << 20))});
    problem(app.post("/api/jobs/submit", &huge).await, 413, "body_too_large").await;
    assert_eq!(json(app.get("/api/jobs").await).await["total"], 0);
}

#[tokio::test]
async fn slurms_own_words_reach_the_person_when_it_refuses() {
    let app = TestApp::start().await;
    let request = json!({"job_name": "x", "command": "true", "partition": "nowhere"});
    let body = problem(app.post("/api/jobs/submit", &request).await, 422, "slurm_refused").await;
    assert!(body["detail"].as_str().unwrap().contains("partition"), "{body}");
    let request = json!({"job_name": "x", "command": "true", "nodes": 99});
    problem(app.post("/api/jobs/submit", &request).await, 422, "slurm_refused").await;
}

#[tokio::test]
async fn a_preview_is_the_script_that_is_submitted() {
    let app = TestApp::start().await;
    let request = json!({
        "template_id": "pytorch-training", "job_name": "try", "nodes": 1, "parameters": {"epochs": 2}
    });
    let preview = json(app.post("/api/jobs/preview", &request).await).await;
    let script = preview["script"].as_str().unwrap();
    assert!(script.contains("export EPOCHS='2'"), "{script}");
    assert_eq!(preview["fits_now"], true);
    let submitted = json(app.post("/api/jobs/submit", &request).await).await;
    let job = job(&app, submitted["job_id"].as_u64().unwrap()).await;
    assert_eq!(job["script"], script);
    assert_eq!(job["template"], "PyTorch Training");
    let too_much = json!({"job_name": "x", "command": "true", "nodes": 50});
    let preview = json(app.post("/api/jobs/preview", &too_much).await).await;
    assert_eq!(preview["fits_now"], false);
    assert!(!preview["warnings"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn finished_jobs_stay_listed_after_a_restart() {
    let dir = private_folder();
    let app = TestApp::start_in(dir.path(), |_| {}, None).await;
    let password = app.password.clone();
    let id = submit(&app, "kept", "echo kept").await;
    reaches(&app, id, "COMPLETED").await;
    eventually(async || {
        let record = app.app.store.history_of_job(u32::try_from(id).unwrap()).unwrap().unwrap();
        record.job.state.is_final().then_some(())
    })
    .await;
    app.stop().await;
    let app = TestApp::start_in(dir.path(), |_| {}, Some(password)).await;
    let page = json(app.get("/api/jobs?mine=true").await).await;
    assert_eq!((page["total"].as_u64(), page["jobs"][0]["name"].as_str()), (Some(1), Some("kept")));
    assert_eq!(page["jobs"][0]["state"], "COMPLETED");
    let output = json(app.get(&format!("/api/jobs/{id}/output")).await).await;
    assert_eq!(output["text"], "kept\n");
}

#[tokio::test]
async fn an_array_has_a_row_and_an_output_for_each_task() {
    let app = TestApp::start().await;
    let request = json!({"job_name": "sweep", "command": "echo task $SLURM_ARRAY_TASK_ID", "array": "1-3"});
    let id = json(app.post("/api/jobs/submit", &request).await).await["job_id"].as_u64().unwrap();
    eventually(async || {
        let page = json(app.get("/api/jobs?q=sweep&state=COMPLETED").await).await;
        (page["total"] == 3).then_some(())
    })
    .await;
    let output = json(app.get(&format!("/api/jobs/{id}_2/output")).await).await;
    assert_eq!(output["text"], "task 2\n");
}

#[tokio::test]
async fn nothing_of_the_servers_environment_reaches_a_job() {
    let app = TestApp::start().await;
    let id = submit(&app, "env", "env").await;
    reaches(&app, id, "COMPLETED").await;
    let output = json(app.get(&format!("/api/jobs/{id}/output")).await).await;
    let text = output["text"].as_str().unwrap();
    assert!(text.contains("SLURM_JOB_ID="), "{text}");
    assert!(!text.contains("CARGO") && !text.contains("NEXTEST"), "{text}");
    tokio::time::timeout(Duration::from_secs(5), app.stop()).await.unwrap();
}
