//! Nodes, partitions and the cluster's summary.
use serde_json::json;

use crate::support::{TestApp, json, problem};

#[tokio::test]
async fn nodes_are_listed_by_name_and_looked_up() {
    let app = TestApp::start().await;
    let status = json(app.get("/api/nodes/status").await).await;
    assert_eq!((status["total"].as_u64(), status["online"].as_u64()), (Some(6), Some(6)));
    assert_eq!(status["nodes"]["node001"]["state"], "IDLE");
    assert_eq!(status["nodes"]["viz002"]["gpus"], 2);
    let node = json(app.get("/api/nodes/viz001").await).await;
    assert_eq!(node, status["nodes"]["viz001"]);
    for name in ["nowhere", "..", "%2e%2e", "node001%20", "%00", "node[001-004]"] {
        problem(app.get(&format!("/api/nodes/{name}")).await, 404, "not_found").await;
    }
}

#[tokio::test]
async fn the_summary_counts_what_runs() {
    let app = TestApp::start().await;
    let idle = json(app.get("/api/cluster").await).await;
    assert_eq!(idle["simulated"], true);
    assert_eq!(idle["partitions"][0]["name"], "compute");
    assert_eq!(idle["cpus_allocated"], 0);
    let request = json!({"job_name": "x", "command": "sleep 600", "cpus_per_task": 4});
    assert_eq!(app.post("/api/jobs/submit", &request).await.status(), 201);
    let busy = crate::support::eventually(async || {
        let summary = json(app.get("/api/cluster").await).await;
        (summary["my_jobs"]["RUNNING"] == 1).then_some(summary)
    })
    .await;
    assert_eq!(busy["cpus_allocated"], 4);
    assert_eq!(busy["nodes"], json!({"IDLE": 5, "MIXED": 1}));
}
