//! What all phases look at: the configuration, the hosts that could be reached, and what was settled from both.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::admin::{self, Admin};
use super::family::{Daemon, Family};
use super::hardware::{self, Node};
use super::identities::{self, Numbers};
use super::limits::Limits;
use super::version::SlurmVersion;
use crate::config::{Config, ConfigHost, Packages, Role, ShareFrom};
use crate::facts::{Cgroup, Facts, Os};
use crate::finding::{Finding, Severity};
use crate::secrets::Secrets;

/// Slurm's configuration.
pub(crate) const SLURM_CONF: &str = "/etc/slurm/slurm.conf";
/// Slurm's control groups.
pub(crate) const CGROUP_CONF: &str = "/etc/slurm/cgroup.conf";
/// Slurm's devices.
pub(crate) const GRES_CONF: &str = "/etc/slurm/gres.conf";
/// How our slurm.conf begins.
pub(crate) const WRITTEN: &str = "# Written by `slurmdash install`";
/// Folder of the daemons' logs.
pub(crate) const LOGS: &str = "/var/log/slurm";
/// slurmd's own folder on every node.
pub(crate) const SPOOL: &str = "/var/spool/slurmd";
/// slurmctld's state, where there is one controller.
pub(crate) const STATE: &str = "/var/lib/slurm/slurmctld";
/// Ports on which srun waits for the nodes.
pub(crate) const SRUN_PORTS: &str = "60001-63000";
/// munge's key.
pub(crate) const MUNGE_KEY: &str = "/etc/munge/munge.key";
/// What is mounted on a host, as the kernel tells.
pub(crate) const MOUNTS: &str = "/proc/self/mounts";

/// A host that could be reached.
pub(crate) struct SiteHost<'a> {
    /// As it is configured.
    pub(crate) host: &'a ConfigHost,
    /// What is there.
    pub(crate) facts: &'a Facts,
    /// What things are called there.
    pub(crate) family: Family,
}

impl SiteHost<'_> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.host.name
    }

    /// Whether it has this part.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.host.has(role)
    }

    /// Whether it runs slurmctld.
    pub(crate) fn is_controller(&self) -> bool {
        self.has(Role::Controller) || self.has(Role::BackupController)
    }

    /// Whether Slurm's files are kept in `/etc/slurm` there. Other nodes have them from the controllers (configless);
    /// where there is a slurm.conf already, a package's or somebody's, commands would read that one, so ours takes its place.
    pub(crate) fn keeps_conf(&self) -> bool {
        let commands = self.is_controller() || self.has(Role::Login) || self.has(Role::Dashboard);
        let is_there = self.file(SLURM_CONF).is_some();
        commands || (self.has(Role::Compute) && (self.family.ships_slurm_conf || is_there))
    }

    /// A file as it is there.
    pub(crate) fn file(&self, path: &str) -> Option<&str> {
        self.facts.files.get(Path::new(path)).map(String::as_str)
    }
}

/// A host that was in the cluster and is not in the configuration any more.
pub(crate) struct LeavingHost<'a> {
    /// As it was configured.
    pub(crate) host: &'a ConfigHost,
    /// Whether it can be reached.
    pub(crate) is_reached: bool,
}

/// Everything that is settled before the first phase.
pub(crate) struct Site<'a> {
    /// The configuration.
    pub(crate) config: &'a Config,
    /// What nobody may see.
    pub(crate) secrets: &'a Secrets,
    /// Hosts that could be reached, in order.
    pub(crate) hosts: Vec<SiteHost<'a>>,
    /// Hosts that leave the cluster.
    pub(crate) leaving: Vec<LeavingHost<'a>>,
    /// Slurm is to come to the newest version, wherever there is one.
    pub(crate) upgrade: bool,
    /// Numbers of the system's users.
    pub(crate) numbers: Numbers,
    /// The Unix user of the dashboard's first admin.
    pub(crate) admin: Admin,
    /// Slurm's release.
    pub(crate) slurm: SlurmVersion,
    /// Compute nodes, in order, also those that can't be reached but were known before.
    pub(crate) nodes: Vec<Node>,
}

impl<'a> Site<'a> {
    /// Settles it, or says why it can't be.
    pub(crate) fn survey(
        config: &'a Config,
        facts: &'a BTreeMap<String, Facts>,
        secrets: &'a Secrets,
        limits: &'a Limits,
    ) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut hosts = Vec::new();
        for host in &config.hosts {
            let Some(facts) = facts.get(&host.name) else {
                findings.extend(unreachable(host));
                continue;
            };
            match Family::of(&facts.os) {
                Some(family) => hosts.push(SiteHost { host, facts, family }),
                None => findings.push(unsupported(&host.name, &facts.os)),
            }
        }
        let numbers = identities::settle(config, &hosts).unwrap_or_else(|found| {
            findings.extend(found);
            Numbers::default()
        });
        let admin = admin::settle(config, &hosts).unwrap_or_else(|found| {
            findings.push(found);
            Admin::default()
        });
        let slurm = release(config, limits.upgrade, &hosts);
        super::upgrade::judge(config, limits.upgrade, &hosts, &mut findings);
        let nodes = hardware::nodes(config, &hosts, &mut findings);
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        match slurm {
            _ if findings.iter().any(is_error) => Err(findings),
            Some(slurm) => {
                let leaving = |host: &'a ConfigHost| LeavingHost { host, is_reached: facts.contains_key(&host.name) };
                let leaving = limits.leaving.iter().map(leaving).collect();
                Ok(Self { config, secrets, hosts, leaving, upgrade: limits.upgrade, numbers, admin, slurm, nodes })
            }
            None => {
                findings.push(Finding::error(
                    None,
                    "which release of Slurm there is can't be told",
                    "say it in cluster.yaml: `versions: {slurm: \"22.05\"}`",
                ));
                Err(findings)
            }
        }
    }

    /// A host that could be reached.
    pub(crate) fn host(&self, name: &str) -> Option<&SiteHost<'a>> {
        self.hosts.iter().find(|host| host.name() == name)
    }

    /// Hosts with this part.
    pub(crate) fn hosts_with(&self, role: Role) -> impl Iterator<Item = &SiteHost<'a>> {
        self.hosts.iter().filter(move |host| host.has(role))
    }

    /// The controller, then its backup.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = &SiteHost<'a>> {
        self.hosts_with(Role::Controller).chain(self.hosts_with(Role::BackupController))
    }

    /// The first controller.
    pub(crate) fn controller(&self) -> Option<&SiteHost<'a>> {
        self.hosts_with(Role::Controller).next()
    }

    /// Where people sign in: the first login host, else the dashboard's, else the controller.
    pub(crate) fn login(&self) -> Option<&SiteHost<'a>> {
        let dashboard = || self.config.dashboard_host().and_then(|host| self.host(&host.name));
        self.hosts_with(Role::Login).next().or_else(dashboard).or_else(|| self.controller())
    }

    /// The host of slurmdash, when it is wanted.
    pub(crate) fn dashboard(&self) -> Option<&SiteHost<'a>> {
        self.config.dashboard_host().and_then(|host| self.host(&host.name))
    }

    /// The host of slurmdbd, when there is accounting.
    pub(crate) fn database(&self) -> Option<&SiteHost<'a>> {
        self.config.database().and_then(|host| self.host(&host.name))
    }

    /// Whether there are two controllers.
    pub(crate) fn has_backup(&self) -> bool {
        self.config.host_with(Role::BackupController).is_some()
    }

    /// A place that is given among Slurm's options. What is there is not ours to make.
    pub(crate) fn given(&self, option: &str) -> Option<&str> {
        let options = self.config.slurm.options.iter();
        options.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(option)).map(|(_, value)| value.as_str())
    }

    /// slurmctld's state: shared where there are two controllers.
    pub(crate) fn state(&self) -> PathBuf {
        if let Some(given) = self.given("StateSaveLocation") {
            return PathBuf::from(given);
        }
        match &self.config.storage.shared {
            Some(share) if self.has_backup() => share.path.join("slurmctld"),
            _ => PathBuf::from(STATE),
        }
    }

    /// The host where slurmctld's state is made: root of another host may have no rights there (NFS).
    pub(crate) fn state_host(&self) -> Option<&SiteHost<'a>> {
        match &self.config.storage.shared {
            Some(share) if self.has_backup() => match &share.from {
                ShareFrom::Host(name) => self.host(name),
                ShareFrom::Existing => self.controller(),
            },
            _ => self.controller(),
        }
    }

    /// Where the controllers are asked, as slurmd and Slurm's commands take it: `head1:6817,head2:6817`.
    pub(crate) fn conf_servers(&self) -> String {
        let port = self.config.slurm.ports.slurmctld;
        let servers: Vec<String> = self.config.controllers().map(|host| format!("{}:{port}", host.address)).collect();
        servers.join(",")
    }

    /// Control groups of the nodes: what all have, `Hybrid` as soon as one has neither kind alone; `None` when there are
    /// both kinds.
    pub(crate) fn cgroup(&self) -> Option<Cgroup> {
        let kinds: Vec<Cgroup> = self.hosts_with(Role::Compute).map(|host| host.facts.cgroup).collect();
        if kinds.iter().any(|kind| matches!(kind, Cgroup::Hybrid | Cgroup::Absent)) {
            return Some(Cgroup::Hybrid);
        }
        let first = kinds.first().copied().unwrap_or(Cgroup::Hybrid);
        kinds.iter().all(|kind| *kind == first).then_some(first)
    }

    /// Whether any node has a GPU that jobs can ask for.
    pub(crate) fn has_gpus(&self) -> bool {
        self.nodes.iter().any(|node| !node.gpus.is_empty())
    }
}

/// Whether nobody else needs a host: it runs jobs and nothing else, and the others go on without it.
pub(crate) fn is_left_out(host: &ConfigHost) -> bool {
    host.roles == BTreeSet::from([Role::Compute])
}

/// Slurm's release on the controller: what is installed, else what would be, else what the distribution usually has.
fn release(config: &Config, upgrade: bool, hosts: &[SiteHost]) -> Option<SlurmVersion> {
    let controller = hosts.iter().find(|host| host.has(Role::Controller))?;
    if let Some(newer) = super::upgrade::release(config, upgrade, controller) {
        return Some(newer);
    }
    let package = controller.family.package(Daemon::Controller);
    let facts = controller.facts;
    let ours = config.packages == Packages::Distribution || controller.file(controller.family.sources).is_some();
    let available = facts.available.get(package).filter(|_| ours);
    let told = facts.packages.get(package).or(available).or(facts.slurm.version.as_ref());
    let told = told.or(config.versions.slurm.as_ref()).and_then(|version| SlurmVersion::parse(version));
    told.or_else(|| controller.family.usual_slurm(&facts.os))
}

/// What is said of a host that could not be reached.
pub(crate) const UNREACHABLE: &str = "it can't be reached, and the others need it";

/// A host that could not be reached; none where the others can do without. That one is left out, which is said there.
pub(crate) fn unreachable(host: &ConfigHost) -> Option<Finding> {
    let fix = || format!("see that ssh {} works from here", host.address);
    (!is_left_out(host)).then(|| Finding::error(Some(&host.name), UNREACHABLE, fix()))
}

/// A system of which we know nothing.
pub(crate) fn unsupported(host: &str, os: &Os) -> Finding {
    let what = format!("{} is not supported", if os.name.is_empty() { &os.id } else { &os.name });
    Finding::error(Some(host), what, "use Debian 12 or 13, Ubuntu 22.04 or 24.04, or the RHEL family 8 to 10")
}
