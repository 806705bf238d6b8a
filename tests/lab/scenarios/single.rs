//! One fresh host becomes a cluster, and becomes what it was.

use anyhow::{Result, ensure};
use lab::Shape;
use lab::base::Release;
use lab::census::Snapshot;
use lab::compare::{Exception, NOTHING, anything};

use crate::api::Dashboard;
use crate::installer::{CHANGES, install, says};
use crate::stage;
use crate::stage::Stage;

const fn runs(path: &'static str) -> Exception {
    anything(path, "what a running cluster writes by itself")
}

/// What changes on a host with a cluster when nobody does anything.
pub const RUNNING: &[Exception] = &[
    runs("/var/lib/slurmdash"),
    runs("/var/lib/slurm"),
    runs("/var/spool/slurmd"),
    runs("/var/lib/mysql"),
    runs("/var/log/slurm"),
    runs("/var/log/mysql"),
    runs("/var/log/munge"),
    runs("/var/lib/munge"),
    runs("/home"),
];

#[test]
fn a_fresh_host_becomes_a_cluster_and_back() -> Result<()> {
    there_and_back(&stage!(), Release::Bookworm)
}

#[test]
fn a_fresh_host_of_debian_13_too() -> Result<()> {
    there_and_back(&stage!(), Release::Trixie)
}

fn there_and_back(stage: &Stage, release: Release) -> Result<()> {
    let host = stage.single(&Shape { release, ..Shape::default() })?;
    let fresh = Snapshot::of(&host)?;

    let planned = install(stage, &host, &["--plan"], CHANGES)?;
    says(&planned, &["slurmctld", "slurmd", "munge"])?;
    stage.same("after --plan", &host, &fresh, NOTHING)?;

    let installed = install(stage, &host, &["--yes"], 0)?;
    says(&installed, &["https://", "admin"])?;
    let password = host.read("/var/lib/slurmdash-install/secrets/dashboard-admin")?;
    ensure!(!planned.stdout.contains(password.trim()), "the plan has the password in it");
    Dashboard::sign_in(&host, &host)?.run_job(stage)?;

    let running = Snapshot::of(&host)?;
    let again = install(stage, &host, &["--yes"], 0)?;
    says(&again, &["nothing to do"])?;
    stage.say(&format!("a run with nothing to do took {:.1} s", again.took.as_secs_f64()));
    stage.same("after a run with nothing to do", &host, &running, RUNNING)?;

    install(stage, &host, &["rollback", "--yes"], 0)?;
    stage.same("after rollback", &host, &fresh, NOTHING)
}
