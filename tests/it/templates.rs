//! Templates over HTTP: what a folder says, what is wrong in it, who sees it.
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, json, problem};

async fn list(app: &TestApp, query: &str) -> Value {
    json(app.get(&format!("/api/v2/templates{query}")).await).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["templates"].as_array().unwrap().iter().map(|template| template["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_shipped_ones_are_listed_filtered_and_shown() {
    let app = TestApp::start().await;
    let all = list(&app, "").await;
    let shipped =
        ["openfoam-cfd", "mpi-job", "plain-script", "pytorch-training", "calculix-structural", "ls-dyna-structural"];
    assert_eq!(ids(&all), shipped);
    assert_eq!(all["problems"], json!([]));
    assert_eq!(ids(&list(&app, "?category=structural").await), ["calculix-structural", "ls-dyna-structural"]);
    assert_eq!(ids(&list(&app, "?q=pYtOrCh").await), ["pytorch-training"]);
    assert!(ids(&list(&app, "?is_public=false").await).is_empty());
    assert!(ids(&list(&app, "?category=structural&q=pytorch").await).is_empty());
    let one = json(app.get("/api/v2/templates/pytorch-training").await).await;
    assert_eq!(one["name"], "PyTorch Training");
    assert_eq!(one["parameters"][0]["type"], "integer");
    for query in ["?colour=red", "?is_public=perhaps", "?q=a&q=b"] {
        problem(app.get(&format!("/api/v2/templates{query}")).await, 400, "invalid_request").await;
    }
    for id in ["nope", "..%2fpytorch-training", "pytorch-training.yaml", "%00", "PYTORCH-TRAINING"] {
        problem(app.get(&format!("/api/v2/templates/{id}")).await, 404, "not_found").await;
    }
    assert_eq!(app.anonymous(reqwest::Method::GET, "/api/v2/templates").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_changed_folder_is_noticed_and_broken_files_are_named() {
    let app = TestApp::start().await;
    let folder = app.app.config.templates_dir();
    std::fs::write(folder.join("broken.yaml"), "name: B\ncategory: c\ncolour: red\nscript: x\n").unwrap();
    std::fs::write(folder.join("new.yaml"), "name: New\ncategory: c\nscript: echo hi\n").unwrap();
    let seen = eventually(async || Some(list(&app, "").await).filter(|seen| ids(seen).contains(&"new"))).await;
    let problem = &seen["problems"][0];
    assert_eq!((problem["file"].as_str(), problem["line"].as_u64()), (Some("broken.yaml"), Some(3)));
    assert!(problem["message"].as_str().unwrap().contains("`colour`"));
    assert_eq!(ids(&seen).len(), 7);
}

#[tokio::test]
async fn a_preview_shows_the_exact_script_and_every_wrong_field() {
    let app = TestApp::start().await;
    let request = json!({
        "template_id": "pytorch-training", "job_name": "train 1", "nodes": 2, "time": "10",
        "parameters": {"epochs": 3, "learning_rate": 0.5},
    });
    let preview = json(app.post("/api/jobs/preview", &request).await).await;
    let script = preview["script"].as_str().unwrap();
    for line in
        ["#!/bin/bash", "#SBATCH --job-name=\"train 1\"", "#SBATCH --nodes=2", "#SBATCH --time=10", "export EPOCHS='3'"]
    {
        assert!(script.lines().any(|there| there == line), "{line} in {script}");
    }
    let wrong = json!({
        "template_id": "openfoam-cfd", "job_name": "a\n#SBATCH --uid=0", "time": "soon", "partition": "a;b",
        "parameters": {"solver": "rm -rf /", "path": "/tmp"},
    });
    let refused = problem(app.post("/api/jobs/preview", &wrong).await, 400, "invalid_request").await;
    let mut fields: Vec<&str> =
        refused["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["files.case", "job_name", "parameters.path", "parameters.solver", "partition", "time"]);
}
