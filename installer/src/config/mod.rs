//! `cluster.yaml`: what a cluster is to be, as an admin writes it and as the planner sees it.
//!
//! [`parse`] reads a file, strictly, and says everything that is wrong with it at once, each with its place and what to do.
//! What it gives is complete: defaults are filled in and lists of hosts expanded. What is left open there (`Option`) is
//! for the hosts themselves to say.
mod accounting;
mod file;
mod hosts;
mod names;
mod owned;
mod partitions;
mod problem;
mod propose;
pub(crate) mod render;
mod resolve;
mod schema;
mod sections;
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use self::names::{is_address, is_cluster_name, is_slurm_name as is_feature};
pub use self::owned::{owned_cgroup_option, owned_option, owned_partition_option};
pub use self::problem::Problem;
pub use self::propose::init;
use self::resolve::judge_options;
pub use self::schema::schema;
pub use self::sections::{
    Accounting, Dashboard, DashboardAdmin, DashboardTls, HostKeys, Identities, Identity, MemoryMargin, Packages,
    Partition, Share, ShareFrom, Slurm, SlurmPorts, Ssh, Storage, Versions,
};
pub use crate::action::{Account, Member, Qos};

/// Whether a host can have this name.
pub(crate) fn is_free_host_name(name: &str) -> bool {
    names::is_host_name(name) && !hosts::is_taken(name)
}

/// Whether a partition can have this name.
pub(crate) fn is_partition_name(name: &str) -> bool {
    names::is_slurm_name(name) && !name.eq_ignore_ascii_case("default")
}

/// Whether this is a file of a device.
pub(crate) fn is_device(path: &str) -> bool {
    path.len() <= 64 && path.starts_with("/dev/") && names::is_clean_path(path)
}

/// Whether this can be a folder that all hosts see.
pub(crate) fn is_shared_folder(path: &str) -> bool {
    names::is_clean_path(path) && !resolve::is_system_folder(path)
}

/// Whether an option can be passed on.
pub(crate) fn is_option(name: &str, value: &str) -> bool {
    names::is_option_name(name) && names::wrong_value(value).is_none()
}

/// Hosts of one cluster.
pub const MAX_HOSTS: usize = 10_000;

/// Reads `cluster.yaml`. All that is wrong is told at once, in the order of the file: what the schema refuses and, when
/// what is left can be understood, what doesn't fit together.
pub fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = yaml::read(text).map_err(|problem| vec![problem])?;
    let mut report = problem::Report::default();
    let value = schema::check(&root, &mut report);
    let config = match serde_json::from_value(value) {
        Ok(file) => Some(resolve::resolve(file, &mut report)),
        Err(error) => {
            if report.is_empty() {
                report.refuse(&problem::KeyPath::default(), format!("can't be read: {error}"));
            }
            None
        }
    };
    match config {
        Some(config) if report.is_empty() => Ok(config),
        _ => Err(report.into_problems(|path| root.find(path))),
    }
}

/// The part that a host has in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs slurmctld.
    Controller,
    /// Runs the slurmctld that takes over when the controller is away.
    BackupController,
    /// Runs slurmdbd and its database.
    Database,
    /// Runs jobs.
    Compute,
    /// People sign in and submit there: Slurm's commands, no daemon.
    Login,
    /// Runs slurmdash.
    Dashboard,
    /// Serves the folders that all hosts see.
    Storage,
}

impl Role {
    /// All, in the order in which they are written.
    pub const ALL: [Self; 7] = [
        Self::Controller,
        Self::BackupController,
        Self::Database,
        Self::Compute,
        Self::Login,
        Self::Dashboard,
        Self::Storage,
    ];

    /// As it is written in `cluster.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::BackupController => "backup-controller",
            Self::Database => "database",
            Self::Compute => "compute",
            Self::Login => "login",
            Self::Dashboard => "dashboard",
            Self::Storage => "storage",
        }
    }
}

/// A whole cluster. Judged: names are plain, hosts that others name are there, what excludes each other is not together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `ClusterName`.
    pub cluster: String,
    /// In the order of the file, each name once. At least one runs jobs, exactly one is the controller.
    pub hosts: Vec<ConfigHost>,
    /// How they are reached.
    pub ssh: Ssh,
    /// At least one, exactly one of them the default.
    pub partitions: Vec<Partition>,
    /// Folders that all hosts see.
    pub storage: Storage,
    /// Numbers of system users.
    pub identities: Identities,
    /// Memory that jobs don't get.
    pub memory_margin: MemoryMargin,
    /// Slurm's accounting.
    pub accounting: Accounting,
    /// Slurm's own options.
    pub slurm: Slurm,
    /// slurmdash.
    pub dashboard: Dashboard,
    /// Whether Apptainer is installed where the distribution has it.
    pub apptainer: bool,
    /// Where packages come from.
    pub packages: Packages,
    /// Versions that are insisted on.
    pub versions: Versions,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigHost {
    /// `NodeName` and host name: short, as in RFC 1123.
    pub name: String,
    /// A name or address at which the other hosts and the installer reach it; its name when none is given.
    pub address: String,
    /// What it does, at least one.
    pub roles: BTreeSet<Role>,
    /// What is given about it as a compute node.
    pub node: NodeFacts,
}

impl ConfigHost {
    /// Whether it has this part.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// What is given about a compute node; the host says what is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Logical CPUs.
    pub cpus: Option<u32>,
    /// Sockets.
    pub sockets: Option<u32>,
    /// Cores of a socket.
    pub cores_per_socket: Option<u32>,
    /// Threads of a core.
    pub threads_per_core: Option<u32>,
    /// Memory for jobs, MiB, the margin already taken off.
    pub memory_mib: Option<u64>,
    /// Device files of its GPUs; an empty list says that there are none to be used.
    pub gpus: Option<Vec<PathBuf>>,
    /// `Features` by which jobs can ask for it.
    pub features: Vec<String>,
}

impl Config {
    /// No hosts and no partitions, and what stands in every other section that isn't written. Not a cluster yet.
    pub(crate) fn bare() -> Self {
        Self {
            cluster: "hpc".to_owned(),
            hosts: Vec::new(),
            ssh: Ssh::default(),
            partitions: Vec::new(),
            storage: Storage::default(),
            identities: Identities::default(),
            memory_margin: MemoryMargin::default(),
            accounting: Accounting {
                enabled: true,
                database_on_controller: false,
                accounts: Vec::new(),
                qos: Vec::new(),
                users: Vec::new(),
            },
            slurm: Slurm::default(),
            dashboard: Dashboard::default(),
            apptainer: true,
            packages: Packages::Distribution,
            versions: Versions::default(),
        }
    }

    /// Hosts with this part, in order.
    pub fn hosts_with(&self, role: Role) -> impl Iterator<Item = &ConfigHost> {
        self.hosts.iter().filter(move |host| host.has(role))
    }

    /// The first host with this part.
    pub fn host_with(&self, role: Role) -> Option<&ConfigHost> {
        self.hosts_with(role).next()
    }

    /// The host of this name.
    pub fn host(&self, name: &str) -> Option<&ConfigHost> {
        self.hosts.iter().find(|host| host.name == name)
    }

    /// Hosts that run slurmctld: the controller, then its backup.
    pub fn controllers(&self) -> impl Iterator<Item = &ConfigHost> {
        self.hosts_with(Role::Controller).chain(self.hosts_with(Role::BackupController))
    }

    /// The host that runs slurmdbd, when there is accounting.
    pub fn database(&self) -> Option<&ConfigHost> {
        self.host_with(Role::Database).filter(|_| self.accounting.enabled)
    }

    /// The host that runs slurmdash, when it is installed.
    pub fn dashboard_host(&self) -> Option<&ConfigHost> {
        self.host_with(Role::Dashboard).filter(|_| self.dashboard.enabled)
    }
}
