//! What can go wrong on one host. In the end it is as it was, or as it should be, and the admin was told.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::census::Snapshot;
use lab::compare::NOTHING;
use lab::{Host, Shape};

use crate::api::Dashboard;
use crate::installer::{CHANGES, Running, install, says};
use crate::journal::phase;
use crate::stage;
use crate::stage::Stage;

/// An installation that can't succeed: it says why, and the host is as it was.
fn refused(stage: &Stage, host: &Host<'_>, words: &[&str]) -> Result<()> {
    let before = Snapshot::of(host)?;
    let ran = install(stage, host, &["--yes"], 1)?;
    says(&ran, words)?;
    stage.same("after it was refused", host, &before, NOTHING)
}

#[test]
fn a_full_disk_is_said_and_undone() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape { disk_mib: Some(8000), ..Shape::default() })?;
    let before = Snapshot::of(&host)?;
    let mut running = Running::start(&stage, &host, &["--yes"])?;
    let step = running.begins(&host, 0, |step| phase(step) == "packages")?;
    let step = step.context("no step in packages")?;
    // All that is free, but for a few MiB: room for the journal, not for the packages.
    let free = host.exec(&["stat", "--file-system", "--format=%a %S", "/"])?.good()?;
    let mut free = free.split_whitespace().map(str::parse::<u64>);
    let (blocks, size) = (free.next().context("blocks")??, free.next().context("size")??);
    let filler = (blocks * size).saturating_sub(20 << 20).to_string();
    host.exec(&["fallocate", "--length", &filler, "/filler"])?.good()?;
    stage.say(&format!("disk full in {step}"));
    says(&running.ends_with(1)?, &["No space left"])?;
    host.exec(&["rm", "/filler"])?.good()?;
    stage.same("after a full disk", &host, &before, NOTHING)?;
    install(&stage, &host, &["--yes"], 0)?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)
}

#[test]
fn a_small_disk_is_refused_beforehand() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape { disk_mib: Some(350), ..Shape::default() })?;
    refused(&stage, &host, &["MiB"])
}

#[test]
fn a_port_that_is_taken_is_refused() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let listen = ["systemd-run", "--unit=taken", "systemd-socket-activate", "--listen=6817", "/bin/cat"];
    host.exec(&listen)?.good()?;
    refused(&stage, &host, &["6817", "systemd-socket"])
}

#[test]
fn numbers_of_other_accounts_are_refused() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    host.exec(&["useradd", "--system", "--uid", "64030", "other"])?.good()?;
    refused(&stage, &host, &["64030", "other"])
}

#[test]
fn a_read_only_etc_is_refused() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    host.exec(&["mount", "--bind", "/etc", "/etc"])?.good()?;
    host.exec(&["mount", "-o", "remount,bind,ro", "/etc"])?.good()?;
    refused(&stage, &host, &["/etc", "read-only"])
}

#[test]
fn a_mirror_that_is_away_is_said_and_undone() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape { packages: false, ..Shape::default() })?;
    refused(&stage, &host, &["apt-get update", "no answer"])
}

#[test]
fn a_slurm_conf_by_hand_is_not_replaced() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let by_hand = "# ours since 2009\nClusterName=old\nSlurmctldHost=elsewhere\n";
    host.write("/etc/slurm/slurm.conf", by_hand.as_bytes(), 0o640)?;
    refused(&stage, &host, &["/etc/slurm/slurm.conf", "adopt"])
}

#[test]
fn what_was_changed_by_hand_is_shown_and_kept() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let (ours, theirs) = ("/etc/slurm/slurm.conf", "/etc/logrotate.d/slurmctld");
    host.write(theirs, b"# ours since 2009\n", 0o640)?;
    host.exec(&["touch", "--date=2009-02-13 23:31:30", theirs])?.good()?;
    let before = Snapshot::of(&host)?;
    install(&stage, &host, &["--yes"], 0)?;
    ensure!(host.read(theirs)? != "# ours since 2009\n", "it was not replaced");

    host.exec_within(&["tee", "--append", ours], Some(b"# a line of the admin's\n"), LIMIT)?.good()?;
    let changed = host.read(ours)?;
    says(&install(&stage, &host, &["--plan"], CHANGES)?, &["drift", ours])?;
    install(&stage, &host, &["--yes"], 0)?;
    ensure!(host.read(ours)? != changed, "it is still as the admin changed it");
    ensure!(kept(&host, &changed)?, "the admin's line is in no copy");
    stage.say("a copy with the admin's line is kept");

    host.exec_within(&["tee", "--append", ours], Some(b"# another line\n"), LIMIT)?.good()?;
    let changed = host.read(ours)?;
    install(&stage, &host, &["rollback", "--all", "--yes"], 0)?;
    stage.same("after rollback", &host, &before, NOTHING)?;
    ensure!(kept(&host, &changed)?, "what was changed last is in no copy");
    Ok(())
}

const LIMIT: Duration = Duration::from_secs(30);

/// Whether some file that was kept has this text.
fn kept(host: &Host<'_>, text: &str) -> Result<bool> {
    let kept = lab::census::walk(&host.root().join("var/lib/slurmdash-install/kept"))?;
    let root = host.root().join("var/lib/slurmdash-install/kept");
    Ok(kept.keys().any(|path| std::fs::read_to_string(root.join(&path[1..])).is_ok_and(|is| is == text)))
}

#[test]
fn a_second_installer_is_refused() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let mut first = Running::start(&stage, &host, &["--yes"])?;
    first.begins(&host, 0, |step| phase(step) == "packages")?.context("no step in packages")?;
    let second = install(&stage, &host, &["--yes"], 1)?;
    says(&second, &["another"])?;
    ensure!(second.took < Duration::from_secs(10), "it was refused after {:?} only", second.took);
    first.ends_with(0)?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)
}

#[test]
fn an_installer_whose_terminal_closes_can_be_resumed() -> Result<()> {
    let stage = stage!();
    let host = stage.single(&Shape::default())?;
    let mut first = Running::start(&stage, &host, &["--yes"])?;
    first.begins(&host, 0, |step| phase(step) == "packages")?.context("no step in packages")?;
    // The SSH client is killed: the installer's output has nowhere to go.
    first.abandon()?;
    stage.say("the connection has gone");
    // It goes on by itself, or can be resumed: it must not be lost in between.
    loop {
        let ran = Running::start(&stage, &host, &["--yes", "--resume"])?.end()?;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        if ran.ok() || said.contains("no run was broken off") {
            break;
        }
        says(&ran, &["another"])?;
        sleep(Duration::from_secs(2));
    }
    says(&install(&stage, &host, &["--yes"], 0)?, &["nothing to do"])?;
    Dashboard::sign_in(&host, &host)?.run_job(&stage)
}
