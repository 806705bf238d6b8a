//! What comes after the first day: hosts come and go, Slurm is upgraded, munge's key changes, a cluster by hand is taken
//! over. Each beside a job that runs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::census::Snapshot;
use lab::compare::NOTHING;
use lab::run::{LIMIT, eventually};
use lab::{Host, Shape};

use crate::api::Dashboard;
use crate::installer::{CHANGES, install, says};
use crate::stage;
use crate::stage::Stage;
use crate::three::{CONFIGURATION, cluster_yaml, hosts, job_on_both};

/// What runs while all else happens.
const LONG: &str = "sleep 3000";
/// Slurm's packages as an update would bring them.
const NEWER: &str = include_str!("day_two/newer.sh");
/// A cluster by hand.
const BY_HAND: &str = include_str!("day_two/by_hand.sh");

/// The configuration with one node.
fn one_node() -> String {
    cluster_yaml("").replace("'node[001-002]'", "node001")
}

/// Puts a configuration there, and applies it.
fn apply(stage: &Stage, head: &Host<'_>, yaml: &str, more: &[&str], code: i32) -> Result<lab::Ran> {
    head.write(CONFIGURATION, yaml.as_bytes(), 0o600)?;
    let mut words = vec!["--config", CONFIGURATION];
    words.extend(more);
    install(stage, head, &words, code)
}

/// A job that runs on a node, of the dashboard's admin.
fn long_job(head: &Host<'_>, dashboard: &Dashboard, node: &str) -> Result<u64> {
    let sbatch =
        ["timeout", "20", "sbatch", "--parsable", "--time=60", "--output=/dev/null", "--mem=16", "--wrap", LONG];
    let mut words = vec!["runuser", "-u", "clusteradmin", "--"];
    words.extend(sbatch);
    words.extend(["--nodelist", node]);
    let id = head.exec(&words)?.good()?.trim().parse()?;
    dashboard.wait_for(id, "RUNNING")?;
    Ok(id)
}

fn still_runs(stage: &Stage, dashboard: &Dashboard, id: u64, what: &str) -> Result<()> {
    ensure!(dashboard.job(id)?["state"] == "RUNNING", "job {id} has gone, {what}");
    stage.say(&format!("job {id} goes on, {what}"));
    Ok(())
}

/// What a command of Slurm's says, which waits for ever where nobody answers.
fn slurm(host: &Host<'_>, command: &[&str]) -> Result<String> {
    let mut words = vec!["timeout", "20"];
    words.extend(command);
    host.exec(&words)?.good()
}

fn script(host: &Host<'_>, text: &str, arguments: &[&str]) -> Result<String> {
    let mut words = vec!["bash", "-s"];
    words.extend(arguments);
    host.exec_within(&words, Some(text.as_bytes()), LIMIT)?.good()
}

#[test]
fn a_node_comes_and_goes_beside_a_running_job() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let (head, node002) = (&hosts[0], &hosts[2]);
    apply(&stage, head, &one_node(), &["--yes"], 0)?;
    let dashboard = Dashboard::sign_in(head, head)?;
    let job = long_job(head, &dashboard, "node001")?;
    let fresh = Snapshot::of(node002)?;

    apply(&stage, head, &cluster_yaml(""), &["--yes"], 0)?;
    still_runs(&stage, &dashboard, job, "with a second node")?;
    job_on_both(&stage, head)?;

    let other = long_job(head, &dashboard, "node002")?;
    let refused = apply(&stage, head, &one_node(), &["--yes"], 1)?;
    says(&refused, &["ends running jobs on node002", &other.to_string(), "--allow-disruption"])?;
    slurm(head, &["scancel", &other.to_string()])?;
    eventually("node002 runs nothing", Duration::from_mins(1), || {
        Ok((slurm(head, &["squeue", "-h", "-w", "node002"])?.is_empty()).then_some(()))
    })?;

    let gone = apply(&stage, head, &one_node(), &["--yes"], 0)?;
    says(&gone, &["node002: it leaves the cluster", "uninstall --limit node002"])?;
    still_runs(&stage, &dashboard, job, "with one node again")?;
    ensure!(!slurm(head, &["sinfo", "-N", "-h"])?.contains("node002"), "node002 is still in the cluster");
    ensure!(!node002.exec(&["systemctl", "is-active", "slurmd"])?.ok(), "slurmd runs on node002");
    says(&install(&stage, head, &["--yes"], 0)?, &["nothing to do"])?;
    let refused = install(&stage, head, &["uninstall", "--limit", "node001", "--yes"], 1)?;
    says(&refused, &["node001 is in the cluster"])?;
    install(&stage, head, &["uninstall", "--limit", "node002", "--yes"], 0)?;
    stage.same("after it was taken away there", node002, &fresh, NOTHING)?;
    still_runs(&stage, &dashboard, job, "with node002 cleaned")?;
    says(&install(&stage, head, &["--yes"], 0)?, &["nothing to do"])
}

#[test]
fn a_partition_comes_and_goes_beside_a_running_job() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    apply(&stage, head, &cluster_yaml(""), &["--yes"], 0)?;
    let dashboard = Dashboard::sign_in(head, head)?;
    let job = long_job(head, &dashboard, "node001")?;
    let two = "partitions:\n  - {name: main, nodes: all, default: true}\n  - {name: short, nodes: node002, max_time: '0:10:00'}\n";
    apply(&stage, head, &cluster_yaml(two), &["--yes"], 0)?;
    ensure!(slurm(head, &["sinfo", "-h", "-o", "%R"])?.contains("short"), "no partition short");
    apply(&stage, head, &cluster_yaml(""), &["--yes"], 0)?;
    ensure!(!slurm(head, &["sinfo", "-h", "-o", "%R"])?.contains("short"), "partition short is still there");
    still_runs(&stage, &dashboard, job, "with a partition that came and went")
}

#[test]
fn slurm_is_upgraded_and_brought_back_beside_a_running_job() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    let sources = cluster_yaml("packages: {source: /shared/packages}\n");
    apply(&stage, head, &cluster_yaml(""), &["--yes"], 0)?;
    let version = |host: &Host<'_>| {
        let said = host.exec(&["dpkg-query", "--show", "--showformat=${Version}", "slurm-client"])?.good()?;
        Ok::<_, anyhow::Error>(said.trim().to_owned())
    };
    let old = version(head)?;
    script(head, NEWER, &["22.05.9-1", "/shared/packages"])?;
    let dashboard = Dashboard::sign_in(head, head)?;
    let job = long_job(head, &dashboard, "node001")?;

    apply(&stage, head, &sources, &["--yes"], 0)?;
    ensure!(version(head)? == old, "it was upgraded, and nobody asked for it");
    let planned = install(&stage, head, &["--plan", "--upgrade"], CHANGES)?;
    says(&planned, &["→ 22.05.9-1", "dump of database slurm_acct_db"])?;
    install(&stage, head, &["--upgrade", "--yes"], 0)?;
    for host in &hosts {
        ensure!(version(host)? == "22.05.9-1", "{} was not upgraded", host.name());
    }
    still_runs(&stage, &dashboard, job, "after the upgrade")?;
    dashboard.run_job(&stage)?;
    let dump = script(head, "zgrep -lis 'create table' /var/lib/slurmdash-install/kept/*/slurm_acct_db.sql", &[])?;
    ensure!(dump.contains("slurm_acct_db.sql"), "no dump was kept");
    says(&install(&stage, head, &["--upgrade", "--yes"], 0)?, &["nothing to do"])?;

    install(&stage, head, &["rollback", "--yes"], 0)?;
    for host in &hosts {
        ensure!(version(host)? == old, "{} has not the version that it had", host.name());
    }
    still_runs(&stage, &dashboard, job, "after the way back")?;
    dashboard.run_job(&stage)
}

#[test]
fn munges_key_changes_beside_a_running_job() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    apply(&stage, head, &cluster_yaml(""), &["--yes"], 0)?;
    let dashboard = Dashboard::sign_in(head, head)?;
    let job = long_job(head, &dashboard, "node001")?;
    let keys = || -> Result<Vec<String>> {
        hosts.iter().map(|host| host.exec(&["sha256sum", "/etc/munge/munge.key"])?.good()).collect()
    };
    let before = keys()?;

    hosts[2].cut()?;
    let refused = install(&stage, head, &["--rotate-munge-key", "--yes"], 1)?;
    says(&refused, &["node002", "on all hosts or on none"])?;
    hosts[2].heal()?;
    eventually("node002 is back", Duration::from_mins(1), || Ok(hosts[2].ssh(&["true"])?.ok().then_some(())))?;

    install(&stage, head, &["--rotate-munge-key", "--yes"], 0)?;
    let after = keys()?;
    ensure!(after.iter().all(|key| *key == after[0]) && after[0] != before[0], "{before:?} {after:?}");
    still_runs(&stage, &dashboard, job, "with munge's new key")?;
    job_on_both(&stage, head)?;
    says(&install(&stage, head, &["--yes"], 0)?, &["nothing to do"])?;
    install(&stage, head, &["rollback", "--yes"], 0)?;
    ensure!(keys()? == before, "the old key has not come back");
    still_runs(&stage, &dashboard, job, "with the old key again")?;
    says(&install(&stage, head, &["--yes"], 0)?, &["nothing to do"])
}

#[test]
fn a_cluster_by_hand_is_taken_over_beside_a_running_job() -> Result<()> {
    let stage = stage!();
    let hosts = stage.hosts(&["head1", "node001"], &Shape { shared: true, ..Shape::default() })?;
    let head = &hosts[0];
    let job = script(head, BY_HAND, &[])?;
    let job = job.lines().last().context("no job")?.to_owned();
    let runs = || Ok::<_, anyhow::Error>(slurm(head, &["squeue", "-h", "-o", "%T", "-j", &job])?.trim() == "RUNNING");
    stage.say(&format!("a cluster by hand, which runs job {job}"));
    let accounted = || slurm(head, &["sacct", "-n", "-X", "-o", "jobid", "-j", &job]);
    eventually("the job is in the accounting", Duration::from_mins(1), || {
        Ok(accounted()?.contains(&job).then_some(()))
    })?;

    install(&stage, head, &["adopt", "--output", "/root/adopted.yaml"], 0)?;
    let planned = install(&stage, head, &["--config", "/root/adopted.yaml", "--plan", "--diff"], CHANGES)?;
    ensure!(!planned.stdout.contains("disrupts"), "{planned}");
    install(&stage, head, &["--config", "/root/adopted.yaml", "--yes"], 0)?;
    ensure!(runs()?, "job {job} has gone");
    ensure!(accounted()?.contains(&job), "its accounting has gone");
    stage.say(&format!("job {job} goes on, in the cluster that was taken over"));
    says(&install(&stage, head, &["--yes"], 0)?, &["nothing to do"])?;

    install(&stage, head, &["rollback", "--yes"], 0)?;
    ensure!(head.read("/etc/slurm/slurm.conf")?.starts_with("# Our cluster. Ask Bob"), "slurm.conf has not come back");
    ensure!(runs()?, "job {job} has gone on the way back");
    Ok(())
}
