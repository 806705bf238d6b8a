//! `/api/cluster`, `/api/nodes`, `/api/partitions`: the cluster as last seen.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use slurmdash_api::Problem;
use slurmdash_api::cluster::{ClusterSummary, Node, NodesStatus, Partition};

use super::ApiError;
use super::extract::{Json, Path};
use crate::app::App;
use crate::auth::Principal;

/// The cluster at a glance.
#[utoipa::path(get, path = "/api/cluster", tag = "cluster", responses((status = 200, body = ClusterSummary)))]
pub async fn summary(State(app): State<Arc<App>>, who: Principal) -> Result<Json<ClusterSummary>, ApiError> {
    let snapshot = app.live.current().await;
    let mut summary = ClusterSummary {
        name: snapshot.cluster.to_string(),
        simulated: app.simulated,
        nodes: BTreeMap::new(),
        cpus: 0,
        cpus_allocated: 0,
        memory: 0,
        memory_allocated: 0,
        gpus: 0,
        gpus_allocated: 0,
        jobs: BTreeMap::new(),
        my_jobs: BTreeMap::new(),
        partitions: snapshot.partitions.to_vec(),
        controllers: snapshot.controllers.all.clone(),
        in_charge: snapshot.controllers.in_charge.clone(),
        max_file_size: app.config.uploads.max_file_size,
        freshness: snapshot.freshness.clone(),
    };
    for node in snapshot.nodes.iter() {
        *summary.nodes.entry(node.state).or_default() += 1;
        summary.cpus += node.cpus;
        summary.cpus_allocated += node.cpus_allocated;
        summary.memory += node.memory;
        summary.memory_allocated += node.memory_allocated;
        summary.gpus += node.gpus;
        summary.gpus_allocated += node.gpus_allocated;
    }
    for job in snapshot.jobs.iter() {
        *summary.jobs.entry(job.state).or_default() += 1;
        if job.owner.as_deref() == Some(&who.username) {
            *summary.my_jobs.entry(job.state).or_default() += 1;
        }
    }
    Ok(Json(summary))
}

/// Every node by name.
#[utoipa::path(get, path = "/api/nodes/status", tag = "cluster", responses((status = 200, body = NodesStatus)))]
pub async fn nodes(State(app): State<Arc<App>>) -> Result<Json<NodesStatus>, ApiError> {
    let snapshot = app.live.current().await;
    Ok(Json(NodesStatus {
        nodes: snapshot.nodes.iter().map(|node| (node.name.clone(), node.clone())).collect(),
        total: snapshot.nodes.len(),
        online: snapshot.nodes.iter().filter(|node| node.is_online()).count(),
        freshness: snapshot.freshness.clone(),
    }))
}

/// One node.
#[utoipa::path(
    get, path = "/api/nodes/{name}", tag = "cluster", params(("name" = String, Path)),
    responses((status = 200, body = Node), (status = 404, body = Problem))
)]
pub async fn node(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Node>, ApiError> {
    let node = app.live.current().await.node(&name).cloned();
    node.map(Json).ok_or_else(|| ApiError::not_found("such node"))
}

/// Every partition, the default one first.
#[utoipa::path(get, path = "/api/partitions", tag = "cluster", responses((status = 200, body = Vec<Partition>)))]
pub async fn partitions(State(app): State<Arc<App>>) -> Result<Json<Vec<Partition>>, ApiError> {
    Ok(Json(app.live.current().await.partitions.to_vec()))
}
