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
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use self::names::{is_address, is_cluster_name, is_slurm_name as is_feature};
pub use self::owned::{owned_cgroup_option, owned_option, owned_partition_option};
pub use self::problem::Problem;
pub use self::propose::init;
use self::resolve::judge_options;
pub use self::schema::schema;
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
    path.starts_with("/dev/") && names::is_clean_path(path)
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

/// How hosts are reached: by OpenSSH's own client, so what is absent is as in the admin's `~/.ssh/config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// Login on the hosts. Another than root needs sudo without a password.
    pub user: String,
    /// Port of sshd.
    pub port: Option<u16>,
    /// File of the private key, absolute or beginning with `~/`.
    pub key: Option<PathBuf>,
    /// Hosts on the way, as ssh(1) takes them with `-J`: `[user@]host[:port]`, several with commas.
    pub jump: Option<String>,
    /// What is done about a host key that isn't known yet.
    pub host_keys: HostKeys,
    /// Hosts at once.
    pub parallel: u32,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { user: "root".to_owned(), port: None, key: None, jump: None, host_keys: HostKeys::Strict, parallel: 64 }
    }
}

/// What is done about a host key that isn't known yet. One that has changed is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// It is refused (`StrictHostKeyChecking yes`).
    Strict,
    /// It is believed and kept (`StrictHostKeyChecking accept-new`).
    AcceptNew,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// `PartitionName`.
    pub name: String,
    /// Names of its hosts, all compute nodes, in the order of [`Config::hosts`].
    pub nodes: Vec<String>,
    /// Whether jobs go there that name none.
    pub default: bool,
    /// `MaxTime` as slurm.conf(5) takes it; unlimited when absent.
    pub max_time: Option<String>,
    /// Further options of its line in slurm.conf.
    pub options: BTreeMap<String, String>,
}

/// Folders that all hosts see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// For the cluster's own state and for shared programs and data.
    pub shared: Option<Share>,
    /// For people's homes.
    pub home: Option<Share>,
}

/// A folder that all hosts see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Where it is on every host: absolute, never `/`.
    pub path: PathBuf,
    /// Who brings it there.
    pub from: ShareFrom,
}

/// Who brings a shared folder to the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareFrom {
    /// Somebody else; it must be there.
    Existing,
    /// This host, over NFS.
    Host(String),
}

/// Numbers of system users. What is absent is what all hosts have already, else the default here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identities {
    /// `munge`; [`Identity::MUNGE`] when nothing is said and no host has one.
    pub munge: Option<Identity>,
    /// `slurm`; [`Identity::SLURM`] when nothing is said and no host has one.
    pub slurm: Option<Identity>,
    /// `slurmdash`; [`Identity::DASHBOARD`] when nothing is said and no host has one.
    pub dashboard: Option<Identity>,
}

/// The number of a user and of the group of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The user's.
    pub uid: u32,
    /// The group's.
    pub gid: u32,
}

impl Identity {
    /// munge's by default. Packages take any number below 1000, so one is chosen before they can.
    pub const MUNGE: Self = Self { uid: 901, gid: 901 };
    /// slurm's by default: the number that Debian's packages use.
    pub const SLURM: Self = Self { uid: 64_030, gid: 64_030 };
    /// slurmdash's by default.
    pub const DASHBOARD: Self = Self { uid: 902, gid: 902 };
}

/// Memory that jobs don't get, so that a node with a little less than yesterday is not set down. The larger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryMargin {
    /// Part of the host's memory, percent, 0 to 90.
    pub percent: u32,
    /// At least so much, MiB.
    pub at_least_mib: u64,
}

impl Default for MemoryMargin {
    fn default() -> Self {
        Self { percent: 5, at_least_mib: 512 }
    }
}

impl MemoryMargin {
    /// What jobs get of this much memory (MiB), at least 1.
    pub fn of(self, memory_mib: u64) -> u64 {
        let part = memory_mib.saturating_mul(u64::from(self.percent)) / 100;
        memory_mib.saturating_sub(part.max(self.at_least_mib)).max(1)
    }
}

/// Slurm's accounting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Whether there is a database. Without one Slurm forgets jobs minutes after their end.
    pub enabled: bool,
    /// Says that the database may be on the controller although there is a backup controller.
    pub database_on_controller: bool,
    /// Accounts, those above first.
    pub accounts: Vec<Account>,
    /// QOS.
    pub qos: Vec<Qos>,
    /// Who is in which account.
    pub users: Vec<Member>,
}

/// Slurm's own options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slurm {
    /// Lines for slurm.conf, none of them one that the installer writes itself. Names as slurm.conf(5) spells them.
    pub options: BTreeMap<String, String>,
    /// Lines for cgroup.conf, likewise.
    pub cgroup: BTreeMap<String, String>,
    /// Ports of the daemons.
    pub ports: SlurmPorts,
}

/// Ports of Slurm's daemons, all different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmPorts {
    /// `SlurmctldPort`.
    pub slurmctld: u16,
    /// `SlurmdPort`.
    pub slurmd: u16,
    /// `DbdPort`.
    pub slurmdbd: u16,
}

impl Default for SlurmPorts {
    fn default() -> Self {
        Self { slurmctld: 6817, slurmd: 6818, slurmdbd: 6819 }
    }
}

/// slurmdash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dashboard {
    /// Whether it is installed, on the host with the role `dashboard`.
    pub enabled: bool,
    /// Address and port that it listens on.
    pub listen: SocketAddr,
    /// The address people use when it differs from `listen`, such as `https://hpc.example.org`.
    pub public_url: Option<String>,
    /// Certificate and key; self-signed when absent.
    pub tls: Option<DashboardTls>,
    /// The first admin.
    pub admin: DashboardAdmin,
    /// Web sites whose pages may call the API, such as `https://cae.example.org`.
    pub allowed_origins: Vec<String>,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)),
            public_url: None,
            tls: None,
            admin: DashboardAdmin::default(),
            allowed_origins: Vec::new(),
        }
    }
}

/// Files on the dashboard's host, both PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardTls {
    /// The certificate with those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The dashboard's first admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DashboardAdmin {
    /// Name of the account.
    pub name: String,
    /// Login that it acts as; when absent the user who ran sudo, else a new one, `clusteradmin`.
    pub unix_user: Option<String>,
}

impl Default for DashboardAdmin {
    fn default() -> Self {
        Self { name: "admin".to_owned(), unix_user: None }
    }
}

/// Where packages come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packages {
    /// The package sources that each host has already.
    Distribution,
    /// A folder with packages and their index on the host that the installer runs on.
    Folder(PathBuf),
    /// A mirror: `http://` or `https://`.
    Mirror(String),
}

/// Versions that are insisted on; any other is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Versions {
    /// Of Slurm: `22.05` stands for each of its releases.
    pub slurm: Option<String>,
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
