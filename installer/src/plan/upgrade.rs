//! Slurm's upgrade, in the order in which its daemons understand each other: slurmdbd, then all controllers, then the
//! nodes. Source: the upgrade guide of Slurm.
//!
//! Jobs go on meanwhile: those who look after them are processes of their own, and are not stopped with slurmd.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::family::Daemon;
use super::site::{Site, SiteHost};
use super::version::SlurmVersion;
use super::{StepId, controller, database, nodes};
use crate::action::{Action, Expected, KeepCopy, Source, UpgradePackages};
use crate::config::{Config, Role};
use crate::facts::Facts;
use crate::finding::Finding;

/// What can be had of Slurm on a host: packages that are there, with the versions they have and would have.
pub(crate) struct Newer {
    /// Their names, sorted.
    pub(crate) names: Vec<String>,
    /// The version of one of them.
    pub(crate) old: String,
    /// Its new one.
    pub(crate) new: String,
}

/// Slurm's packages of a host of which another version can be had.
pub(crate) fn newer(family: &super::family::Family, facts: &Facts) -> Option<Newer> {
    let mut names: Vec<&str> = family.daemons.into_iter().chain([family.client]).collect();
    names.retain(|name| {
        let (old, new) = (facts.packages.get(*name), facts.available.get(*name));
        matches!((old, new), (Some(old), Some(new)) if old != new)
    });
    names.sort_unstable();
    let first = *names.first()?;
    let (old, new) = (facts.packages.get(first)?.clone(), facts.available.get(first)?.clone());
    Some(Newer { names: names.into_iter().map(str::to_owned).collect(), old, new })
}

/// Whether it is wanted: at the command line, or because `versions.slurm` insists on what is not there yet.
pub(crate) fn is_wanted(config: &Config, asked: bool, newer: &Newer) -> bool {
    let insists = |wanted: &String| !is_version(&newer.old, wanted) && is_version(&newer.new, wanted);
    asked || config.versions.slurm.as_ref().is_some_and(insists)
}

/// Whether a package's version is one that is insisted on: `22.05` stands for each of its releases.
pub(crate) fn is_version(package: &str, wanted: &str) -> bool {
    let bare = package.split_once(':').map_or(package, |(_, rest)| rest);
    bare.strip_prefix(wanted).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The release that a host comes to, when an upgrade of it is wanted.
pub(crate) fn release(config: &Config, asked: bool, host: &SiteHost) -> Option<SlurmVersion> {
    let newer = newer(&host.family, host.facts).filter(|newer| is_wanted(config, asked, newer))?;
    SlurmVersion::parse(&newer.new)
}

/// Upgrades that can't be, and that there is one.
pub(crate) fn judge(config: &Config, asked: bool, hosts: &[SiteHost], findings: &mut Vec<Finding>) {
    for host in hosts {
        let Some(newer) = newer(&host.family, host.facts) else { continue };
        let Newer { old, new, .. } = &newer;
        if !is_wanted(config, asked, &newer) {
            findings.push(Finding::warning(
                Some(host.name()),
                format!("Slurm {new} can be had, and {old} is there"),
                "`slurmdash install --upgrade` brings it to all hosts, in the right order",
            ));
            continue;
        }
        let releases = SlurmVersion::parse(old).zip(SlurmVersion::parse(new));
        if !releases.is_some_and(|(old, new)| old.can_become(new)) {
            findings.push(Finding::error(
                Some(host.name()),
                format!(
                    "Slurm can't be upgraded from {old} to {new} at once: two releases are the most, and none back"
                ),
                "upgrade to one in between first, from a source that has it (`packages`)",
            ));
        }
    }
}

/// An upgrade while it is planned.
struct Upgrade<'a> {
    site: &'a Site<'a>,
    /// Hosts that have their turn, with what is upgraded there.
    hosts: Vec<(&'a SiteHost<'a>, Newer)>,
    /// Steps that stop a daemon or upgrade a host, by host.
    stopped: Vec<(String, Daemon)>,
    upgraded: Vec<(String, StepId)>,
}

/// Nothing when there is nothing to upgrade.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let due = site.hosts.iter().filter_map(|host| {
        let newer = newer(&host.family, host.facts)?;
        is_wanted(site.config, site.upgrade, &newer).then_some((host, newer))
    });
    let mut upgrade = Upgrade { site, hosts: due.collect(), stopped: Vec::new(), upgraded: Vec::new() };
    if upgrade.hosts.is_empty() {
        return;
    }
    upgrade.database(draft);
    upgrade.controllers(draft);
    upgrade.others(draft);
}

impl Upgrade<'_> {
    fn is_due(&self, name: &str) -> bool {
        self.hosts.iter().any(|(host, _)| host.name() == name)
    }

    fn crosses(&self, name: &str) -> bool {
        let due = self.hosts.iter().find(|(host, _)| host.name() == name);
        due.is_some_and(|(_, newer)| SlurmVersion::parse(&newer.old) != SlurmVersion::parse(&newer.new))
    }

    /// Stops a daemon once.
    fn stop(&mut self, steps: &mut Steps, name: &str, daemon: Daemon, log: &str) {
        let key = (name.to_owned(), daemon);
        if !self.stopped.contains(&key) {
            steps.add(name, draft::waiting(daemon.unit(), log));
            self.stopped.push(key);
        }
    }

    /// Stops what runs on a host, and brings its packages to the new version; nothing where that was done.
    fn host(&mut self, steps: &mut Steps, name: &str) {
        let Some(at) = self.hosts.iter().position(|(host, _)| host.name() == name) else { return };
        if self.upgraded.iter().any(|(host, _)| host == name) {
            return;
        }
        let (host, names) = (self.hosts[at].0, self.hosts[at].1.names.clone());
        for (has, daemon, log) in [
            (host.is_controller(), Daemon::Controller, controller::LOG),
            (self.site.database().is_some_and(|host| host.name() == name), Daemon::Database, database::LOG),
            (host.has(Role::Compute), Daemon::Node, nodes::LOG),
        ] {
            if has {
                self.stop(steps, name, daemon, log);
            }
        }
        let id = steps.add(name, Action::UpgradePackages(UpgradePackages { names }));
        self.upgraded.push((name.to_owned(), id));
    }

    fn start(&self, steps: &mut Steps, name: &str, daemon: Daemon, log: &str) {
        let causes: Vec<StepId> =
            self.upgraded.iter().filter(|(host, _)| host == name).map(|(_, id)| id.clone()).collect();
        steps.add_when(name, draft::restart(daemon.unit(), Some(log)), &causes);
    }

    /// slurmdbd, after all that it has was dumped.
    fn database(&mut self, draft: &mut Draft) {
        let Some(host) = self.site.database().filter(|host| self.is_due(host.name())) else { return };
        let name = host.name();
        let mut steps = Steps::new(Phase::Packages, "upgrade: slurmdbd, after a dump of its database");
        self.stop(&mut steps, name, Daemon::Database, database::LOG);
        let source = Source::Database(database::DATABASE.to_owned());
        let copy = KeepCopy { source, is_of_another_release: self.crosses(name) };
        steps.add(name, Action::KeepCopy(copy));
        self.host(&mut steps, name);
        self.start(&mut steps, name, Daemon::Database, database::LOG);
        draft.push(self.site, steps);

        let mut answer = Steps::new(Phase::Packages, "upgrade: accounting answers");
        let causes = self.upgraded.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
        if let Some(controller) = self.site.controller() {
            // It converts its tables first, which takes long where there are many jobs.
            let log = (name == controller.name()).then_some(database::LOG);
            answer.add_when(controller.name(), draft::wait(Expected::AccountingAnswers, 3600, log), &causes);
        }
        draft.push(self.site, answer);
    }

    /// All controllers at once, as an older one can't read what a newer one wrote; the first is up again first.
    fn controllers(&mut self, draft: &mut Draft) {
        let site = self.site;
        let due: Vec<&SiteHost> = site.controllers().filter(|host| self.is_due(host.name())).collect();
        let Some(first) = due.first() else { return };
        for (title, hosts) in [
            ("upgrade: slurmctld in reserve waits", due.get(1..).unwrap_or_default()),
            ("upgrade: slurmctld waits, and a copy of its state is kept", due.get(..1).unwrap_or_default()),
        ] {
            let mut steps = Steps::new(Phase::Packages, title);
            for host in hosts {
                self.stop(&mut steps, host.name(), Daemon::Controller, controller::LOG);
            }
            if hosts.iter().any(|host| host.name() == first.name()) {
                let is_of_another_release = self.crosses(first.name());
                let copy = KeepCopy { source: Source::Folder(site.state()), is_of_another_release };
                steps.add(first.name(), Action::KeepCopy(copy));
            }
            draft.push(site, steps);
        }
        for host in &due {
            let name = host.name();
            let mut steps = Steps::new(Phase::Packages, "upgrade: slurmctld");
            self.host(&mut steps, name);
            self.start(&mut steps, name, Daemon::Controller, controller::LOG);
            draft.push(site, steps);
        }
        let mut answer = Steps::new(Phase::Packages, "upgrade: controllers answer");
        let hosts = due.iter().map(|host| host.name().to_owned()).collect();
        let causes = self.upgraded.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
        let wait = draft::wait(Expected::ControllersAnswer { hosts }, 300, Some(controller::LOG));
        answer.add_when(first.name(), wait, &causes);
        draft.push(site, answer);
    }

    /// slurmd on the nodes, and Slurm's commands elsewhere.
    fn others(&mut self, draft: &mut Draft) {
        let mut steps = Steps::new(Phase::Packages, "upgrade: slurmd on the nodes, and commands elsewhere");
        let all: Vec<&SiteHost> = self.hosts.iter().map(|(host, _)| *host).collect();
        for host in all {
            let name = host.name();
            self.host(&mut steps, name);
            if host.has(Role::Compute) {
                self.start(&mut steps, name, Daemon::Node, nodes::LOG);
            }
        }
        draft.push(self.site, steps);
    }
}
