//! A head and two nodes, over SSH.

use std::time::Duration;

use anyhow::{Result, ensure};
use lab::census::Snapshot;
use lab::compare::NOTHING;
use lab::run::{LIMIT, eventually};
use lab::{Host, Shape};
use serde_json::json;

use crate::api::Dashboard;
use crate::installer::{CHANGES, install, says};
use crate::stage::{Stage, settle};
use crate::{single, stage};

/// Where a scenario puts its configuration.
pub const CONFIGURATION: &str = "/root/cluster.yaml";
/// The hosts, the head first.
pub const NAMES: [&str; 3] = ["head1", "node001", "node002"];

/// A head and two nodes with common homes.
pub fn cluster_yaml(more: &str) -> String {
    format!(
        "cluster: lab
hosts:
  - {{name: head1, roles: [controller, database, dashboard, login]}}
  - {{name: 'node[001-002]', roles: [compute]}}
ssh: {{user: root, key: /root/.ssh/id_ed25519}}
storage:
  home: {{path: /home, from: existing}}
{more}"
    )
}

/// The three hosts, fresh, and their configuration on the head.
pub fn hosts<'stage>(stage: &'stage Stage, more: &str) -> Result<Vec<Host<'stage>>> {
    let hosts = stage.hosts(&NAMES, &Shape { shared: true, ..Shape::default() })?;
    hosts[0].write(CONFIGURATION, cluster_yaml(more).as_bytes(), 0o600)?;
    Ok(hosts)
}

/// A job on both nodes, as the dashboard's first admin's Unix user.
pub fn job_on_both(stage: &Stage, head: &Host<'_>) -> Result<()> {
    let user = head.exec(&["getent", "passwd", "clusteradmin"])?.good()?;
    ensure!(!user.is_empty(), "no Unix user for the admin");
    let srun = ["runuser", "-u", "clusteradmin", "--", "timeout", "60", "srun", "-N2", "hostname"];
    let said = head.exec_within(&srun, None, LIMIT)?.good()?;
    let mut names: Vec<_> = said.lines().collect();
    names.sort_unstable();
    ensure!(names == ["node001", "node002"], "srun -N2 ran on {names:?}");
    stage.say("srun -N2 ran on both nodes");
    Ok(())
}

#[test]
fn a_head_and_two_nodes_there_and_back() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    let fresh = hosts.iter().map(Snapshot::of).collect::<Result<Vec<_>>>()?;

    let planned = install(&stage, head, &["--config", CONFIGURATION, "--plan"], CHANGES)?;
    says(&planned, &["head1", "node[001-002]"])?;
    for (host, before) in hosts.iter().zip(&fresh) {
        stage.same("after --plan", host, before, NOTHING)?;
    }

    install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?;
    Dashboard::sign_in(head, head)?.run_job(&stage)?;
    job_on_both(&stage, head)?;

    let running = hosts.iter().map(Snapshot::of).collect::<Result<Vec<_>>>()?;
    let again = install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?;
    says(&again, &["nothing to do"])?;
    for (host, before) in hosts.iter().zip(&running) {
        stage.same("after a run with nothing to do", host, before, single::RUNNING)?;
    }

    install(&stage, head, &["rollback", "--yes"], 0)?;
    for (host, before) in hosts.iter().zip(&fresh) {
        stage.same("after rollback", host, before, NOTHING)?;
    }
    Ok(())
}

#[test]
fn a_change_that_would_end_running_jobs_is_refused() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?;
    let dashboard = Dashboard::sign_in(head, head)?;
    let id = dashboard.submit("sleep 120", &json!({}))?;
    dashboard.wait_for(id, "RUNNING")?;

    let moved = cluster_yaml("slurm: {ports: {slurmd: 7818}}\n");
    head.write(CONFIGURATION, moved.as_bytes(), 0o600)?;
    let refused = install(&stage, head, &["--config", CONFIGURATION, "--yes"], 1)?;
    says(&refused, &["job", "--allow-disruption"])?;
    ensure!(dashboard.job(id)?["state"] == "RUNNING", "the job has gone");
    stage.say("refused while a job runs, and the job goes on");

    // What is known to be harmless is done beside running jobs: another node limit of a partition.
    let harmless = cluster_yaml("partitions:\n  - {name: main, nodes: all, default: true, max_time: '2:00:00'}\n");
    head.write(CONFIGURATION, harmless.as_bytes(), 0o600)?;
    install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?;
    ensure!(dashboard.job(id)?["state"] == "RUNNING", "the job has gone");
    eventually("the new limit", Duration::from_secs(30), || {
        let shown = head.exec(&["timeout", "10", "scontrol", "show", "partition", "main"])?.good()?;
        Ok(shown.contains("MaxTime=02:00:00").then_some(()))
    })?;
    settle(head)?;
    stage.say("a partition's limit changed beside the running job");
    Ok(())
}
