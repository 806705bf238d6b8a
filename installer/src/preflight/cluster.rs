//! All hosts together.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::config::{Config, ConfigHost, Role};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::plan::family::{Daemon, Family};
use crate::plan::fold;
use crate::plan::site::{SiteHost, UNREACHABLE};
use crate::plan::version::SlurmVersion;

/// Clocks may be so far apart, milliseconds; munge refuses credentials that are minutes off, certificates half a minute.
const CLOCKS_MS: i64 = 5_000;

/// Adds to findings about hosts that could not be reached why not. Gives the hosts that are left out instead.
pub fn explain<'a>(findings: &mut [Finding], away: &'a BTreeMap<String, String>) -> BTreeMap<&'a str, &'a str> {
    let mut left_out: BTreeMap<&str, &str> = away.iter().map(|(host, why)| (host.as_str(), why.as_str())).collect();
    for finding in findings.iter_mut().filter(|finding| finding.what == UNREACHABLE) {
        if let Some(why) = finding.host.as_deref().and_then(|host| left_out.remove(host)) {
            finding.what = format!("{UNREACHABLE}: {why}");
        }
    }
    left_out
}

/// Hosts that tell what they are, of a family that is known.
pub(super) fn known<'a>(config: &'a Config, facts: &'a BTreeMap<String, Facts>) -> Vec<SiteHost<'a>> {
    let known = |host: &'a ConfigHost| {
        let facts = facts.get(&host.name)?;
        Some(SiteHost { host, facts, family: Family::of(&facts.os)? })
    };
    config.hosts.iter().filter_map(known).collect()
}

/// Judges what hosts have to do with each other.
pub(super) fn judge(config: &Config, facts: &BTreeMap<String, Facts>, findings: &mut Vec<Finding>) {
    let hosts = known(config, facts);
    clocks(&hosts, findings);
    names(config, &hosts, findings);
    heads(config, findings);
    homes(config, findings);
    releases(&hosts, findings);
    crate::plan::hardware::nodes(config, &hosts, findings);
    if let Err(found) = crate::plan::identities::settle(config, &hosts) {
        findings.extend(found);
    }
    match crate::plan::admin::settle(config, &hosts) {
        Err(found) => findings.push(found),
        Ok(admin) if !admin.is_local() => findings.push(Finding::warning(
            None,
            format!("no host has {}, whom the dashboard's first admin acts as, in its own list of users", admin.login),
            "it must come from a directory (LDAP, SSSD) on every host",
        )),
        Ok(_) => {}
    }
}

/// Each against the middle one, so that a single wrong clock is the one that is named.
fn clocks(hosts: &[SiteHost], findings: &mut Vec<Finding>) {
    let mut clocks: Vec<i64> = hosts.iter().map(|host| host.facts.clock_ms).collect();
    clocks.sort_unstable();
    let Some(middle) = clocks.get(clocks.len() / 2).copied() else { return };
    for host in hosts {
        let apart = host.facts.clock_ms - middle;
        if apart.abs() > CLOCKS_MS {
            let way = if apart > 0 { "ahead of" } else { "behind" };
            let what = format!("its clock is {} s {way} the others'", apart.abs() / 1000);
            findings.push(Finding::error(Some(host.name()), what, "set it by NTP: timedatectl set-ntp true"));
        }
    }
}

/// Every name leads to that host: from each host to one of the addresses that the other one has. Hosts that give the same
/// answer are named together.
fn names(config: &Config, hosts: &[SiteHost], findings: &mut Vec<Finding>) {
    let addresses: BTreeMap<&str, &[IpAddr]> =
        hosts.iter().map(|host| (host.name(), host.facts.addresses.as_slice())).collect();
    let mut wrong: BTreeMap<(&str, Vec<IpAddr>), Vec<&str>> = BTreeMap::new();
    for host in hosts {
        for (name, found) in &host.facts.names {
            let own = name == host.name();
            let is_his = |address: &IpAddr| {
                let known = addresses.get(name.as_str());
                // A host's own name may be a loopback address, as Debian's installer writes it.
                (own && address.is_loopback()) || known.is_none_or(|known| known.contains(address))
            };
            if !found.iter().any(is_his) {
                wrong.entry((name, found.clone())).or_default().push(host.name());
            }
        }
    }
    for ((name, found), asking) in wrong {
        let Some(host) = config.host(name) else { continue };
        let asking = fold::fold(asking.iter().copied());
        let what = if found.is_empty() {
            format!("the name {name} is not known on {asking}")
        } else {
            let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            format!("the name {name} is {} on {asking}, which is no address of {name}", found.join(", "))
        };
        let address = addresses.get(name).and_then(|known| known.first());
        let address = address.map_or_else(|| host.address.clone(), IpAddr::to_string);
        findings.push(Finding::error(None, what, format!("enter it in DNS, or in /etc/hosts there: {address} {name}")));
    }
}

/// Two controllers: their state is shared, and the database on neither.
fn heads(config: &Config, findings: &mut Vec<Finding>) {
    if config.host_with(Role::BackupController).is_none() {
        return;
    }
    if config.storage.shared.is_none() {
        findings.push(Finding::error(
            None,
            "two controllers must share slurmctld's state, and there is no shared folder",
            "say where it is: `storage: {shared: {path: …, from: existing | HOST}}`",
        ));
    }
    let database = config.database().filter(|host| config.controllers().any(|head| head.name == host.name));
    if let Some(host) = database.filter(|_| !config.accounting.database_on_controller) {
        findings.push(Finding::error(
            Some(&host.name),
            "the accounting database is on a controller: when that host loses power the other controller waits for the \
             database, and answers nobody",
            "give the role database to another host, or accept it: `accounting: {database_on_controller: true}`",
        ));
    }
}

/// Jobs of the dashboard work in people's homes: the nodes must see those of the login host.
fn homes(config: &Config, findings: &mut Vec<Finding>) {
    if config.dashboard.enabled && config.storage.home.is_none() && config.hosts.len() > 1 {
        findings.push(Finding::warning(
            None,
            "nothing says that all hosts see the same homes, and jobs of the dashboard work in them",
            "say where they come from: `storage: {home: {path: /home, from: existing | HOST}}`",
        ));
    }
}

/// slurmdbd may be newer than slurmctld, and that newer than slurmd, and never the reverse; by two releases at most.
fn releases(hosts: &[SiteHost], findings: &mut Vec<Finding>) {
    let of = |daemon: Daemon| -> BTreeSet<SlurmVersion> {
        let told = hosts.iter().filter_map(|host| {
            let role = match daemon {
                Daemon::Controller => host.is_controller(),
                Daemon::Node => host.has(Role::Compute),
                Daemon::Database => host.has(Role::Database),
            };
            let package = host.family.package(daemon);
            let version = host.facts.packages.get(package).or_else(|| host.facts.available.get(package));
            version.filter(|_| role).and_then(|version| SlurmVersion::parse(version))
        });
        told.collect()
    };
    let daemons =
        [("slurmdbd", of(Daemon::Database)), ("slurmctld", of(Daemon::Controller)), ("slurmd", of(Daemon::Node))];
    for pair in daemons.windows(2) {
        let [(newer, theirs), (older, ours)] = pair else { continue };
        if let (Some(least), Some(most)) = (theirs.first(), ours.last())
            && most > least
        {
            findings.push(Finding::error(
                None,
                format!("{older} {most} is newer than {newer} {least}, which it can't talk to"),
                "use one release everywhere, or upgrade slurmdbd first, then slurmctld, then slurmd",
            ));
        }
    }
}
