//! Bridges, cables and the hosts' fixed names and addresses.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::run::{LIMIT, Ran, eventually, finish, run};

/// Where the package cache answers: on this machine's loopback, which hosts reach through their bridge.
pub const CACHE: Ipv4Addr = Ipv4Addr::new(10, 78, 255, 1);
/// The cache's port.
pub const CACHE_PORT: u16 = 3178;
/// All labs.
const ALL: &str = "10.78.0.0/16";

/// Every host there can be, with the last number of its address. All are in everybody's /etc/hosts.
const HOSTS: [(&str, u8); 20] = [
    ("head1", 11),
    ("head2", 12),
    ("db1", 15),
    ("db2", 16),
    ("storage1", 17),
    ("login1", 18),
    ("login2", 19),
    ("viz001", 31),
    ("viz002", 32),
    ("gpu001", 41),
    ("gpu002", 42),
    ("node001", 101),
    ("node002", 102),
    ("node003", 103),
    ("node004", 104),
    ("node005", 105),
    ("node006", 106),
    ("node007", 107),
    ("node008", 108),
    ("spare1", 200),
];

/// Names of all hosts there can be.
pub fn names() -> impl Iterator<Item = &'static str> {
    HOSTS.iter().map(|(name, _)| *name)
}

/// The address of a host.
pub fn address(number: u8, name: &str) -> Result<Ipv4Addr> {
    let (_, last) = HOSTS.iter().find(|(known, _)| *known == name).with_context(|| {
        format!("no host can be called '{name}'; there are {}", names().collect::<Vec<_>>().join(", "))
    })?;
    Ok(Ipv4Addr::new(10, 78, number, *last))
}

/// This machine in a lab.
pub fn gateway(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 78, number, 1)
}

/// A lab's bridge.
pub fn bridge(number: u8) -> String {
    format!("sdlab{number}")
}

/// A host's end of the cable here; nspawn calls it so. At most 15 characters.
pub fn cable(machine: &str) -> String {
    format!("vb-{machine}")
}

/// Every host's /etc/hosts.
pub fn hosts_file(number: u8) -> String {
    let mut text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned();
    for (name, last) in HOSTS {
        let _ = writeln!(text, "10.78.{number}.{last}\t{name}.lab {name}");
    }
    text
}

/// A lab's bridge and the way to it; what is there already stays.
pub fn up(number: u8) -> Result<()> {
    guard()?;
    let bridge = bridge(number);
    if exists(&bridge) {
        return Ok(());
    }
    let net = format!("10.78.{number}.0/24");
    let taken = run(&["ip", "-o", "route", "show", "to", "root", &net])?;
    let taken: Vec<_> =
        taken.lines().filter(|line| !line.starts_with("default") && !line.starts_with("unreachable")).collect();
    ensure!(taken.is_empty(), "{net} is in use on this machine: {}", taken.join("; "));
    run(&["ip", "link", "add", &bridge, "type", "bridge"])?;
    // Nothing of the lab speaks IPv6, and the bridge makes no noise about it.
    fs::write(format!("/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6"), "1")
        .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    run(&["ip", "address", "add", &format!("{}/24", gateway(number)), "dev", &bridge])?;
    run(&["ip", "link", "set", &bridge, "up"])?;
    Ok(())
}

/// Keeps the lab's addresses from ever leaving by the default route, also when no bridge is there. It stays.
fn guard() -> Result<()> {
    if run(&["ip", "-o", "route", "show", "type", "unreachable", ALL])?.trim().is_empty() {
        run(&["ip", "route", "add", "unreachable", ALL, "metric", "4294967294"])?;
    }
    if run(&["ip", "-o", "address", "show", "dev", "lo", "to", &CACHE.to_string()])?.trim().is_empty() {
        run(&["ip", "address", "add", &format!("{CACHE}/32"), "dev", "lo"])?;
    }
    Ok(())
}

/// Takes a lab's bridge and its rules away.
pub fn down(number: u8) -> Result<()> {
    let table = table(number);
    if quiet(&["nft", "list", "table", "bridge", &table])?.ok() {
        run(&["nft", "delete", "table", "bridge", &table])?;
    }
    if exists(&bridge(number)) {
        run(&["ip", "link", "delete", &bridge(number)])?;
    }
    Ok(())
}

/// Pulls a host's cable out, or puts it in.
pub fn plug(machine: &str, plugged: bool) -> Result<()> {
    run(&["ip", "link", "set", &cable(machine), if plugged { "up" } else { "down" }])?;
    Ok(())
}

/// Takes the cable of a host that is off away. The kernel does so too, but only when it has forgotten the host's own end.
pub fn remove_cable(machine: &str) -> Result<()> {
    let cable = cable(machine);
    if exists(&cable) && !quiet(&["ip", "link", "delete", &cable])?.ok() {
        eventually(&format!("{cable} is gone"), Duration::from_secs(10), || Ok((!exists(&cable)).then_some(())))?;
    }
    Ok(())
}

/// Drops everything between two addresses, both ways, until [`join`]; others hear both.
pub fn part(number: u8, one: Ipv4Addr, other: Ipv4Addr) -> Result<()> {
    let table = table(number);
    let mut rules = format!("add table bridge {table}\n");
    for hook in ["forward", "input", "output"] {
        let _ = writeln!(rules, "add chain bridge {table} at_{hook} {{ type filter hook {hook} priority 0; }}");
        let _ = writeln!(rules, "add rule bridge {table} at_{hook} ip saddr {one} ip daddr {other} drop");
        let _ = writeln!(rules, "add rule bridge {table} at_{hook} ip saddr {other} ip daddr {one} drop");
    }
    finish(&["nft", "-f", "-"], Some(rules.as_bytes()), LIMIT)?.good()?;
    Ok(())
}

/// Undoes every [`part`] of a lab.
pub fn join(number: u8) -> Result<()> {
    let table = table(number);
    if quiet(&["nft", "list", "table", "bridge", &table])?.ok() {
        run(&["nft", "delete", "table", "bridge", &table])?;
    }
    Ok(())
}

/// Whether any lab has its bridge.
pub fn any_up() -> bool {
    (0..CACHE.octets()[2]).any(|number| exists(&bridge(number)))
}

fn exists(link: &str) -> bool {
    PathBuf::from("/sys/class/net").join(link).exists()
}

fn table(number: u8) -> String {
    format!("slurmdash_lab_{number}")
}

fn quiet(argv: &[&str]) -> Result<Ran> {
    finish(argv, None, LIMIT)
}
