//! Two heads with shared state: the second takes over, and the dashboard says so.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lab::run::eventually;
use lab::{Host, Shape};
use serde_json::json;

use crate::api::Dashboard;
use crate::installer::{install, says};
use crate::stage;
use crate::stage::Stage;
use crate::three::CONFIGURATION;

/// How long the second head may take: the time limit below, and what Slurm needs beside it.
const TAKEOVER: Duration = Duration::from_mins(1);

/// Ends the long job.
const STOP: &str = "/home/stop";

/// Two heads, the database and the dashboard on a third host, three nodes.
const CLUSTER: &str = "cluster: lab
hosts:
  - {name: head1, roles: [controller]}
  - {name: head2, roles: [backup-controller]}
  - {name: db1, roles: [database, dashboard, login]}
  - {name: 'node[001-003]', roles: [compute]}
ssh: {user: root, key: /root/.ssh/id_ed25519}
storage:
  shared: {path: /shared, from: existing}
  home: {path: /home, from: existing}
slurm: {options: {SlurmctldTimeout: 10}}
";

#[test]
fn the_second_head_takes_over_and_gives_back() -> Result<()> {
    let stage = stage!();
    let names = ["db1", "head1", "head2", "node001", "node002", "node003"];
    let hosts = stage.hosts(&names, &Shape { shared: true, ..Shape::default() })?;
    let [login, head1, head2, ..] = hosts.as_slice() else { unreachable!() };
    login.write(CONFIGURATION, CLUSTER.as_bytes(), 0o600)?;
    install(&stage, login, &["--config", CONFIGURATION, "--yes"], 0)?;
    let dashboard = Dashboard::sign_in(login, login)?;
    dashboard.run_job(&stage)?;
    says_in_charge(&stage, &dashboard, "head1")?;
    let id = dashboard.submit(&format!("until [ -e {STOP} ]; do sleep 1; done"), &json!({"time": "20"}))?;
    dashboard.wait_for(id, "RUNNING")?;

    stage.say("slurmctld on head1 is stopped");
    head1.exec(&["systemctl", "stop", "slurmctld"])?.good()?;
    taken_over(&stage, login, &dashboard, id, "head2")?;
    dashboard.run_job(&stage)?;

    stage.say("slurmctld on head1 is started");
    head1.exec(&["systemctl", "start", "slurmctld"])?.good()?;
    taken_over(&stage, login, &dashboard, id, "head1")?;

    stage.say("the power of head1 is cut");
    head1.kill()?;
    taken_over(&stage, login, &dashboard, id, "head2")?;
    dashboard.run_job(&stage)?;

    head1.boot()?;
    stage.say("head1 has booted");
    taken_over(&stage, login, &dashboard, id, "head1")?;
    ensure!(head2.is_on(), "head2 has gone");
    fs::write(stage.lab.home().join("stop"), "")?;
    dashboard.wait_for(id, "COMPLETED")?;
    stage.say(&format!("job {id} went through all of it"));
    let again = install(&stage, login, &["--config", CONFIGURATION, "--yes"], 0)?;
    says(&again, &["nothing to do"])
}

/// Slurm answers through a head, the job goes on, and the dashboard says who is in charge.
fn taken_over(stage: &Stage, login: &Host<'_>, dashboard: &Dashboard, job: u64, head: &str) -> Result<()> {
    let begun = Instant::now();
    eventually(&format!("{head} is in charge"), TAKEOVER, || {
        // `Slurmctld(primary) at head1 is UP`, a line each. The one in charge answers for the nodes.
        let said = login.exec(&["timeout", "10", "scontrol", "ping"])?.good()?;
        let up = |name: &str| said.lines().any(|line| line.contains(&format!(" at {name} is UP")));
        let in_charge = if up("head1") { "head1" } else { "head2" };
        Ok((in_charge == head && up(head)).then_some(()))
    })?;
    eventually("squeue answers", TAKEOVER, || {
        let queue = ["timeout", "10", "squeue", "--noheader", "--format=%T", "--jobs", &job.to_string()];
        Ok((login.exec(&queue)?.good()?.trim() == "RUNNING").then_some(()))
    })?;
    stage.say(&format!("{head} answers after {:.1} s, and job {job} goes on", begun.elapsed().as_secs_f64()));
    says_in_charge(stage, dashboard, head)
}

/// `GET /api/cluster` names the controller that is in charge.
fn says_in_charge(stage: &Stage, dashboard: &Dashboard, head: &str) -> Result<()> {
    eventually(&format!("the dashboard says that {head} is in charge"), TAKEOVER, || {
        Ok((dashboard.get("/api/cluster")?["in_charge"] == head).then_some(()))
    })?;
    stage.say(&format!("the dashboard says that {head} is in charge"));
    Ok(())
}
