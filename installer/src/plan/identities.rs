//! Users and groups with the same numbers everywhere. Slurm and munge compare numbers, not names; and packages' scripts
//! would take any number that is free on the host they run on.
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Phase;
use super::draft::{Draft, Steps};
use super::site::{Site, SiteHost};
use crate::action::{Action, AddGroup, AddUser};
use crate::config::{Config, Identity};
use crate::finding::Finding;

/// Numbers of the system's users.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    /// munge.
    pub(crate) munge: Number,
    /// slurm.
    pub(crate) slurm: Number,
    /// slurmdash.
    pub(crate) dashboard: Number,
}

/// A user's number and their group's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Number {
    /// The user's.
    pub(crate) uid: u32,
    /// The group's.
    pub(crate) gid: u32,
}

/// Settles them: what is given, else what all hosts have that know the name, else the default.
pub(crate) fn settle(config: &Config, hosts: &[SiteHost]) -> Result<Numbers, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut one = |name, given: Option<Identity>, default: Identity| match settle_one(name, given, default, hosts) {
        Ok(number) => number,
        Err(found) => {
            findings.extend(found);
            Number::default()
        }
    };
    let identities = &config.identities;
    let numbers = Numbers {
        munge: one("munge", identities.munge, Identity::MUNGE),
        slurm: one("slurm", identities.slurm, Identity::SLURM),
        dashboard: if config.dashboard.enabled {
            one("slurmdash", identities.dashboard, Identity::DASHBOARD)
        } else {
            Number::default()
        },
    };
    if findings.is_empty() { Ok(numbers) } else { Err(findings) }
}

fn settle_one(
    name: &str,
    given: Option<Identity>,
    default: Identity,
    hosts: &[SiteHost],
) -> Result<Number, Vec<Finding>> {
    let uids = known(hosts, |host| host.facts.users.iter().find(|user| user.name == name).map(|user| user.uid));
    let gids = known(hosts, |host| host.facts.groups.iter().find(|group| group.name == name).map(|group| group.gid));
    let key = if name == "slurmdash" { "dashboard" } else { name };
    // Nobody but the host itself sees munge's number, and packages take any that is free: what is there already stays.
    if name == "munge" && given.is_none() && (uids.len() > 1 || gids.len() > 1) {
        return Ok(Number { uid: unused(hosts, default.uid), gid: unused(hosts, default.gid) });
    }
    let uid = same(name, "user", key, given.map(|given| given.uid), default.uid, &uids);
    let gid = same(name, "group", key, given.map(|given| given.gid), default.gid, &gids);
    let (uid, gid) = match (uid, gid) {
        (Ok(uid), Ok(gid)) => (uid, gid),
        (uid, gid) => return Err([uid.err(), gid.err()].into_iter().flatten().collect()),
    };
    let mut findings = Vec::new();
    for host in hosts {
        let user = host.facts.users.iter().find(|user| user.uid == uid && user.name != name);
        let group = host.facts.groups.iter().find(|group| group.gid == gid && group.name != name);
        let others = [user.map(|user| ("uid", uid, &user.name)), group.map(|group| ("gid", gid, &group.name))];
        for (kind, number, other) in others.into_iter().flatten() {
            findings.push(Finding::error(
                Some(host.name()),
                format!("{kind} {number}, which {name} is to have on every host, is {other}'s"),
                format!("choose one that is free everywhere: `identities: {{{key}: {}}}`", free(hosts, uid)),
            ));
        }
    }
    if findings.is_empty() { Ok(Number { uid, gid }) } else { Err(findings) }
}

/// By number, the hosts that have it.
fn known<'a>(hosts: &'a [SiteHost], number: impl Fn(&SiteHost) -> Option<u32>) -> BTreeMap<u32, Vec<&'a str>> {
    let mut known: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for host in hosts {
        if let Some(number) = number(host) {
            known.entry(number).or_default().push(host.name());
        }
    }
    known
}

fn same(
    name: &str,
    kind: &str,
    key: &str,
    given: Option<u32>,
    default: u32,
    known: &BTreeMap<u32, Vec<&str>>,
) -> Result<u32, Finding> {
    let wanted = match (given, known.len()) {
        (Some(given), _) => given,
        (None, 0) => default,
        (None, _) => known.keys().next().copied().unwrap_or(default),
    };
    if known.keys().all(|number| *number == wanted) {
        return Ok(wanted);
    }
    let said: Vec<String> = known
        .iter()
        .map(|(number, hosts)| format!("{number} on {}", super::fold::fold(hosts.iter().copied())))
        .collect();
    let letter = if kind == "user" { "uid" } else { "gid" };
    Err(Finding::error(
        None,
        format!("the {kind} {name} has not the number that it must have on every host: {}", said.join(", ")),
        format!(
            "give it the same number everywhere (`{}mod -{} {wanted} {name}`, then chown what it owns), or name the one \
             to be used in cluster.yaml: `identities: {{{key}: {{{letter}: …}}}}`",
            kind,
            letter.chars().next().unwrap_or('u'),
        ),
    ))
}

/// A number from another on that is nobody's anywhere.
fn unused(hosts: &[SiteHost], from: u32) -> u32 {
    let user = |host: &SiteHost, number: u32| host.facts.users.iter().any(|user| user.uid == number);
    let group = |host: &SiteHost, number: u32| host.facts.groups.iter().any(|group| group.gid == number);
    let is_free = |number: &u32| !hosts.iter().any(|host| user(host, *number) || group(host, *number));
    (1..=from).rev().find(is_free).unwrap_or(from)
}

/// A number near another that is nobody's anywhere, as it is written in `cluster.yaml`.
fn free(hosts: &[SiteHost], near: u32) -> String {
    let taken = |number: u32| {
        let ours = [Identity::MUNGE, Identity::SLURM, Identity::DASHBOARD];
        let user = |host: &SiteHost| host.facts.users.iter().any(|user| user.uid == number);
        let group = |host: &SiteHost| host.facts.groups.iter().any(|group| group.gid == number);
        ours.iter().any(|ours| ours.uid == number || ours.gid == number)
            || hosts.iter().any(|host| user(host) || group(host))
    };
    let number = (near..near.saturating_add(1000)).find(|number| !taken(*number)).unwrap_or(near);
    format!("{{uid: {number}, gid: {number}}}")
}

/// Groups and users on all hosts.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut steps = Steps::new(Phase::Identities, "users and groups with the same numbers everywhere");
    let numbers = &site.numbers;
    for host in &site.hosts {
        let mut system = |name: &str, number: Number, comment: &str, home: &str| {
            steps.add(host.name(), Action::AddGroup(AddGroup { name: name.to_owned(), gid: number.gid }));
            steps.add(
                host.name(),
                Action::AddUser(AddUser {
                    name: name.to_owned(),
                    uid: number.uid,
                    group: name.to_owned(),
                    groups: Vec::new(),
                    comment: comment.to_owned(),
                    home: PathBuf::from(home),
                    shell: PathBuf::from("/usr/sbin/nologin"),
                    with_home: false,
                }),
            );
        };
        let user = host.facts.users.iter().find(|user| user.name == "munge").map(|user| user.uid);
        let group = host.facts.groups.iter().find(|group| group.name == "munge").map(|group| group.gid);
        let munge = Number { uid: user.unwrap_or(numbers.munge.uid), gid: group.unwrap_or(numbers.munge.gid) };
        system("munge", munge, "MUNGE authentication", "/nonexistent");
        system("slurm", numbers.slurm, "Slurm", "/nonexistent");
        if site.config.dashboard.enabled {
            system("slurmdash", numbers.dashboard, "slurmdash", super::dashboard::DATA);
        }
        if let Some(action) = site.admin.group_on(host) {
            steps.add(host.name(), action);
        }
        if let Some(action) = site.admin.user_on(site.config, host) {
            steps.add(host.name(), action);
        }
    }
    draft.push(site, steps);
}
