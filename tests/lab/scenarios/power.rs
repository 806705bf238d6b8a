//! The power goes in the middle of a phase; then `--resume`, or the way back.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use lab::census::Snapshot;
use lab::compare::{Exception, anything};
use lab::{Host, Shape};

use crate::api::Dashboard;
use crate::installer::{LEFT_OUT, Running, install, says};
use crate::journal::{host_of, phase, started};
use crate::stage::{Stage, settle};
use crate::three::{CONFIGURATION, hosts, job_on_both};
use crate::{single, stage};

/// Phases that have something to do on every fresh single host. The power is cut in others too, where they have steps.
const CERTAIN: [&str; 8] =
    ["identities", "packages", "munge", "database", "configuration", "controller", "nodes", "dashboard"];

/// What programs of the system leave when their power is cut; the next ones go round it.
const LOCKS: &[Exception] = &[
    anything("/etc/passwd.*", "a lock of useradd and its like"),
    anything("/etc/group.*", "a lock of useradd and its like"),
    anything("/etc/shadow.*", "a lock of useradd and its like"),
    anything("/etc/gshadow.*", "a lock of useradd and its like"),
];

/// Cuts the power of the host that the installer runs on, once in every phase that has a step, and goes on each time.
/// Answers the phases.
fn cut_in_every_phase(stage: &Stage, controlling: &Host<'_>, arguments: &[&str]) -> Result<BTreeSet<String>> {
    let mut cut: BTreeSet<String> = BTreeSet::new();
    loop {
        let mut words = arguments.to_vec();
        words.push("--yes");
        if !cut.is_empty() {
            words.push("--resume");
        }
        let before = started(controlling).len();
        let mut running = Running::start(stage, controlling, &words)?;
        let Some(step) = running.begins(controlling, before, |step| !cut.contains(phase(step)))? else {
            running.ends_with(0)?;
            return Ok(cut);
        };
        controlling.kill()?;
        running.abandon()?;
        stage.say(&format!("power cut in {step}"));
        cut.insert(phase(&step).to_owned());
        controlling.boot()?;
        settle(controlling)?;
    }
}

#[test]
fn a_single_host_goes_on_after_a_power_cut_in_each_phase() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let fresh = Snapshot::of(&host)?;
    let cut = cut_in_every_phase(&stage, &host, &[])?;
    for phase in CERTAIN {
        ensure!(cut.contains(phase), "the power was never cut in {phase}: {cut:?}");
    }
    stage.say(&format!("the power was cut in {} phases", cut.len()));
    Dashboard::sign_in(&host, &host)?.run_job(&stage)?;
    let running = Snapshot::of(&host)?;
    says(&install(&stage, &host, &["--yes"], 0)?, &["nothing to do"])?;
    stage.same("after a run with nothing to do", &host, &running, single::RUNNING)?;
    install(&stage, &host, &["rollback", "--all", "--yes"], 0)?;
    stage.same("after rollback", &host, &fresh, LOCKS)
}

#[test]
fn a_power_cut_can_be_unwound_too() -> Result<()> {
    let stage = stage!();
    for wanted in ["packages", "database", "controller", "dashboard"] {
        let host = stage.lab.host("head1")?;
        host.forget()?;
        let host = stage.single(&Shape::default())?;
        let fresh = Snapshot::of(&host)?;
        let mut running = Running::start(&stage, &host, &["--yes"])?;
        let step = running.begins(&host, 0, |step| phase(step) == wanted)?;
        let step = step.with_context(|| format!("no step in {wanted}"))?;
        host.kill()?;
        running.abandon()?;
        stage.say(&format!("power cut in {step}"));
        host.boot()?;
        settle(&host)?;
        install(&stage, &host, &["rollback", "--yes"], 0)?;
        stage.same(&format!("after a power cut in {wanted} and rollback"), &host, &fresh, LOCKS)?;
        // The way is free for a fresh start.
        install(&stage, &host, &["--plan"], crate::installer::CHANGES)?;
    }
    Ok(())
}

#[test]
fn the_head_of_three_goes_on_after_a_power_cut_in_each_phase() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let head = &hosts[0];
    let cut = cut_in_every_phase(&stage, head, &["--config", CONFIGURATION])?;
    stage.say(&format!("the power was cut in {} phases", cut.len()));
    Dashboard::sign_in(head, head)?.run_job(&stage)?;
    job_on_both(&stage, head)?;
    says(&install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?, &["nothing to do"])
}

#[test]
fn a_node_that_loses_its_power_is_left_out_and_comes_later() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, _, node] = hosts.as_slice() else { unreachable!() };
    let mut running = Running::start(&stage, head, &["--config", CONFIGURATION, "--yes"])?;
    let step = running.begins(head, 0, |step| phase(step) == "packages" && host_of(step) == "node002")?;
    node.kill()?;
    stage.say(&format!("power of node002 cut in {}", step.context("no step in packages")?));
    let ran = running.ends_with(LEFT_OUT)?;
    says(&ran, &["node002"])?;
    Dashboard::sign_in(head, head)?.run_job(&stage)?;
    stage.say("the rest is a cluster");

    node.boot()?;
    settle(node)?;
    install(&stage, head, &["--config", CONFIGURATION, "--yes"], 0)?;
    job_on_both(&stage, head)
}
