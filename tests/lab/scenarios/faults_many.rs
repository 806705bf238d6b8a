//! What can go wrong between hosts.

use anyhow::{Context as _, Result, ensure};
use lab::census::Snapshot;
use lab::compare::NOTHING;

use crate::api::Dashboard;
use crate::installer::{LEFT_OUT, Running, install, says};
use crate::journal::{host_of, phase, steps};
use crate::stage;
use crate::three::{CONFIGURATION, hosts, job_on_both};

const APPLY: [&str; 3] = ["--config", CONFIGURATION, "--yes"];

#[test]
fn a_node_that_is_away_at_the_start_is_left_out() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, _, node] = hosts.as_slice() else { unreachable!() };
    node.cut()?;
    stage.say("node002's cable is out");
    let ran = install(&stage, head, &APPLY, LEFT_OUT)?;
    says(&ran, &["node002"])?;
    Dashboard::sign_in(head, head)?.run_job(&stage)?;
    node.heal()?;
    install(&stage, head, &APPLY, 0)?;
    job_on_both(&stage, head)
}

#[test]
fn a_cable_cut_in_the_middle_leaves_a_node_out() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, _, node] = hosts.as_slice() else { unreachable!() };
    let fresh = hosts.iter().map(Snapshot::of).collect::<Result<Vec<_>>>()?;
    let mut running = Running::start(&stage, head, &APPLY)?;
    let step = running.begins(head, 0, |step| phase(step) == "packages" && host_of(step) == "node002")?;
    node.cut()?;
    stage.say(&format!("node002's cable was pulled in {}", step.context("no step in packages")?));
    let ran = running.ends_with(LEFT_OUT)?;
    says(&ran, &["node002"])?;
    Dashboard::sign_in(head, head)?.run_job(&stage)?;
    node.heal()?;
    stage.say("node002's cable is in again");
    install(&stage, head, &APPLY, 0)?;
    job_on_both(&stage, head)?;
    install(&stage, head, &["rollback", "--all", "--yes"], 0)?;
    for (host, before) in hosts.iter().zip(&fresh) {
        stage.same("after rollback", host, before, NOTHING)?;
    }
    Ok(())
}

#[test]
fn a_rollback_goes_on_past_a_host_that_is_away() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, other, node] = hosts.as_slice() else { unreachable!() };
    let fresh = hosts.iter().map(Snapshot::of).collect::<Result<Vec<_>>>()?;
    install(&stage, head, &APPLY, 0)?;
    node.cut()?;
    stage.say("node002's cable is out");
    let ran = install(&stage, head, &["rollback", "--yes"], 1)?;
    says(&ran, &["node002"])?;
    stage.same("after rollback", head, &fresh[0], NOTHING)?;
    stage.same("after rollback", other, &fresh[1], NOTHING)?;
    node.heal()?;
    // What is left is done when it is there again.
    install(&stage, head, &["rollback", "--yes"], 0)?;
    stage.same("after the second rollback", node, &fresh[2], NOTHING)
}

#[test]
fn another_munge_key_gives_way_and_comes_back() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, node, _] = hosts.as_slice() else { unreachable!() };
    node.exec(&["apt-get", "update", "--quiet"])?.good()?;
    node.exec(&["apt-get", "install", "--yes", "--quiet", "munge"])?.good()?;
    stage.say("node001 has munge with a key of its own");
    let key = std::fs::read(node.root().join("etc/munge/munge.key"))?;
    let before = Snapshot::of(node)?;
    install(&stage, head, &APPLY, 0)?;
    job_on_both(&stage, head)?;
    ensure!(std::fs::read(node.root().join("etc/munge/munge.key"))? != key, "node001 has its old key");
    install(&stage, head, &["rollback", "--yes"], 0)?;
    // munge writes these while it runs, and it runs before and after.
    stage.same("after rollback", node, &before, crate::single::RUNNING)?;
    ensure!(std::fs::read(node.root().join("etc/munge/munge.key"))? == key, "node001's old key has not come back");
    Ok(())
}

#[test]
fn a_host_key_that_changed_is_refused() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    let [head, _, node] = hosts.as_slice() else { unreachable!() };
    node.exec(&["rm", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"])?.good()?;
    let make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key"];
    node.exec(&make)?.good()?;
    node.exec(&["systemctl", "restart", "ssh"])?.good()?;
    stage.say("node002 has another host key");
    let before = Snapshot::of(node)?;
    let ran = install(&stage, head, &APPLY, LEFT_OUT)?;
    says(&ran, &["node002", "host key"])?;
    stage.same("as nobody may speak to it", node, &before, NOTHING)
}

#[test]
fn an_ssh_user_without_sudo_is_said() -> Result<()> {
    let stage = stage!();
    let hosts = hosts(&stage, "")?;
    for host in &hosts[1..] {
        host.exec(&["useradd", "--create-home", "--shell", "/bin/bash", "ops"])?.good()?;
        let key = host.read("/root/.ssh/authorized_keys")?;
        host.write("/home/ops/.ssh/authorized_keys", key.as_bytes(), 0o644)?;
    }
    let head = &hosts[0];
    let text = crate::three::cluster_yaml("").replace("user: root", "user: ops");
    head.write(CONFIGURATION, text.as_bytes(), 0o600)?;
    let before = hosts.iter().map(Snapshot::of).collect::<Result<Vec<_>>>()?;
    let ran = Running::start(&stage, head, &APPLY)?.end()?;
    says(&ran, &["sudo", "node"])?;
    ensure!(!ran.ok(), "it went well: {ran}");
    for (host, before) in hosts.iter().zip(&before).skip(1) {
        stage.same("as nobody may change it", host, before, NOTHING)?;
    }
    ensure!(steps(head, "done").iter().all(|step| host_of(step) == "head1"), "something was done on a node");
    Ok(())
}
