//! What is asked of a host before there is a plan.
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::apptainer;
use super::family::Family;
use super::site::{CGROUP_CONF, GRES_CONF, MOUNTS, MUNGE_KEY, SLURM_CONF, STATE};
use super::{dashboard, ssh_ca};
use crate::config::{Config, ConfigHost, Packages, Role};
use crate::facts::Wanted;

/// What the planner and [`crate::preflight`] want to know of a host.
pub fn wanted(config: &Config, host: &ConfigHost) -> Wanted {
    let others = config.hosts.iter().filter(|other| other.name != host.name && matters(host, other));
    Wanted {
        names: std::iter::once(host.name.clone()).chain(others.map(|other| other.name.clone())).collect(),
        ports: ports(config, host).into_iter().map(|(port, _)| port).collect(),
        folders: ["/", "/var", "/var/lib", STATE].iter().map(PathBuf::from).collect(),
        files: files(config).iter().map(PathBuf::from).collect(),
        digests: digests(config),
        packages: packages(host),
        own_source: config.packages != Packages::Distribution,
        units: units(host),
        asks_mirrors: false,
    }
}

/// Hosts that a host must know by name: the few that everybody talks to; a controller talks to all.
fn matters(host: &ConfigHost, other: &ConfigHost) -> bool {
    let is_node_alone = |host: &ConfigHost| super::site::is_left_out(host);
    !is_node_alone(host) || !is_node_alone(other)
}

/// Ports that a host's daemons will listen on, with their programs.
pub(crate) fn ports(config: &Config, host: &ConfigHost) -> Vec<(u16, &'static str)> {
    let slurm = config.slurm.ports;
    let mut ports = Vec::new();
    if host.has(Role::Controller) || host.has(Role::BackupController) {
        ports.push((slurm.slurmctld, "slurmctld"));
    }
    if host.has(Role::Compute) {
        ports.push((slurm.slurmd, "slurmd"));
    }
    if host.has(Role::Database) && config.accounting.enabled {
        ports.push((slurm.slurmdbd, "slurmdbd"));
    }
    if host.has(Role::Dashboard) && config.dashboard.enabled {
        ports.push((config.dashboard.listen.port(), "slurmdash"));
    }
    ports
}

fn files(config: &Config) -> Vec<String> {
    let mut files: Vec<&str> = vec![
        SLURM_CONF,
        CGROUP_CONF,
        GRES_CONF,
        MOUNTS,
        ssh_ca::SSHD,
        ssh_ca::TRUSTED,
        dashboard::HOST_KEY,
        dashboard::CONFIGURATION,
    ];
    if config.packages != Packages::Distribution {
        files.extend(Family::ALL.iter().map(|family| family.sources));
    }
    files.into_iter().map(str::to_owned).collect()
}

/// Files in a folder of packages, one of which is there when it can be used.
pub(crate) const INDEXES: [&str; 3] = ["Packages", "Packages.gz", "repodata/repomd.xml"];

fn digests(config: &Config) -> Vec<PathBuf> {
    let mut digests = vec![PathBuf::from(MUNGE_KEY), PathBuf::from(ssh_ca::PRIVATE)];
    if let Packages::Folder(folder) = &config.packages {
        digests.extend(INDEXES.iter().map(|index| folder.join(index)));
    }
    digests
}

/// Names in all families: which one a host is of is not known yet.
fn packages(host: &ConfigHost) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::from([apptainer::PACKAGE]);
    for family in Family::ALL {
        names.extend(host.roles.iter().flat_map(|role| family.packages(*role)));
        names.extend([family.package(super::family::Daemon::Controller), family.nfs_client, family.nfs_server]);
        names.extend(family.extra_sources);
    }
    names.into_iter().map(str::to_owned).collect()
}

fn units(host: &ConfigHost) -> Vec<String> {
    let mut units = vec!["munge.service", "slurmctld.service", "slurmd.service", "slurmdbd.service"];
    if host.has(Role::Dashboard) {
        units.push(dashboard::UNIT);
    }
    units.into_iter().map(str::to_owned).collect()
}
