//! The lab itself: that hosts are hosts, that breaking them breaks what it should, and that a difference is seen.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lab::census::Snapshot;
use lab::compare::{NOTHING, compare};
use lab::run::eventually;
use lab::{Lab, Shape, can_run, net};

use crate::stage::settle;

/// The lab without a program to test.
fn lab() -> Result<Option<Lab>> {
    if let Err(reason) = can_run() {
        println!("SKIPPED {reason}");
        return Ok(None);
    }
    Lab::for_test().map(Some)
}

#[test]
fn hosts_reach_each_other_and_nothing_else() -> Result<()> {
    let Some(lab) = lab()? else { return Ok(()) };
    let begun = Instant::now();
    let hosts =
        lab.boot(&[("head1", Shape::default()), ("node001", Shape::default()), ("node002", Shape::default())])?;
    println!("three hosts in {:.1} s", begun.elapsed().as_secs_f64());
    let [head, one, two] = hosts.as_slice() else { unreachable!() };
    ensure!(head.ssh(&["ssh", "node001", "hostname"])?.good()? == "node001\n");
    ensure!(head.ssh(&["ssh", "node002", "ssh", "head1", "hostname"])?.good()? == "head1\n");
    let routes = head.exec(&["ip", "route"])?.good()?;
    ensure!(!routes.contains("default"), "there is a way out: {routes}");

    one.cut()?;
    ensure!(!head.ssh(&["ssh", "-o", "ConnectTimeout=2", "node001", "true"])?.ok(), "a cut cable carries");
    ensure!(one.exec(&["hostname"])?.good()? == "node001\n");
    one.heal()?;
    head.part_from(two)?;
    ensure!(!head.ssh(&["ssh", "-o", "ConnectTimeout=2", "node002", "true"])?.ok(), "parted hosts hear each other");
    ensure!(one.ssh(&["ssh", "node002", "hostname"])?.good()? == "node002\n");
    net::join(lab.number())?;
    eventually("both are back", Duration::from_secs(10), || {
        let back = |name| Ok::<_, anyhow::Error>(head.ssh(&["ssh", "-o", "ConnectTimeout=2", name, "true"])?.ok());
        Ok((back("node001")? && back("node002")?).then_some(()))
    })
}

#[test]
fn nothing_in_a_host_sets_the_machines_clock() -> Result<()> {
    let Some(lab) = lab()? else { return Ok(()) };
    let host = lab.boot(&[("head1", Shape::default())])?.remove(0);
    // The time that it is: should this ever be let through, nothing is harmed.
    for ran in [host.exec(&["sh", "-c", "date -s @$(date +%s)"])?, host.ssh(&["date -s @$(date +%s)"])?] {
        ensure!(ran.stderr.contains("cannot set date"), "{ran}");
    }
    let of = |pid: &str| host.exec(&["grep", "CapBnd", &format!("/proc/{pid}/status")])?.good();
    ensure!(of("1")? == of("self")?, "who enters a host may more than the host");
    Ok(())
}

#[test]
fn a_power_cut_keeps_the_disk_and_a_reset_does_not() -> Result<()> {
    let Some(lab) = lab()? else { return Ok(()) };
    let host = lab.boot(&[("head1", Shape { disk_mib: Some(200), ..Shape::default() })])?.remove(0);
    host.write("/root/kept", b"1", 0o600)?;
    host.exec(&["systemd-run", "--unit=lasting", "sleep", "infinity"])?.good()?;
    host.kill()?;
    ensure!(!host.is_on(), "it goes on without power");
    host.boot()?;
    ensure!(host.read("/root/kept")? == "1");
    ensure!(!host.exec(&["systemctl", "is-active", "lasting"])?.ok(), "a process went through a power cut");
    let full = host.exec(&["fallocate", "--length", "400M", "/filler"])?;
    ensure!(full.stderr.contains("No space left"), "{full}");
    host.reset(&Shape::default())?;
    ensure!(host.read("/root/kept").is_err(), "a reset keeps the disk");
    Ok(())
}

#[test]
fn a_snapshot_sees_what_was_done_and_nothing_else() -> Result<()> {
    let Some(lab) = lab()? else { return Ok(()) };
    let host = lab.boot(&[("head1", Shape::default())])?.remove(0);
    settle(&host)?;
    let begun = Instant::now();
    let before = Snapshot::of(&host)?;
    println!("a snapshot of {} files in {:.1} s", before.files.len(), begun.elapsed().as_secs_f64());
    host.kill()?;
    host.boot()?;
    settle(&host)?;
    let found = compare(&before, &Snapshot::of(&host)?, NOTHING);
    ensure!(found.is_empty(), "a reboot alone makes a difference:\n{}", found.join("\n"));

    host.exec(&["apt-get", "update", "--quiet"])?.good()?;
    host.exec(&["apt-get", "install", "--yes", "--quiet", "munge"])?.good()?;
    host.exec(&["chmod", "600", "/etc/issue"])?.good()?;
    host.exec(&["touch", "/etc/motd"])?.good()?;
    let found = compare(&before, &Snapshot::of(&host)?, NOTHING);
    for line in [
        "+ package munge:amd64",
        "+ running munge.service",
        "+ /etc/munge/munge.key",
        "/etc/issue: mode 644 → 600",
        "/etc/motd: mtime",
        "+ munge:x:",
    ] {
        ensure!(found.iter().any(|found| found.contains(line)), "it does not see '{line}':\n{}", found.join("\n"));
    }
    Ok(())
}
