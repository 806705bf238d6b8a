//! Sections of a configuration.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Account, Member, Qos};

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

/// Versions that are insisted on; any other is refused, or upgraded to where the package sources have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Versions {
    /// Of Slurm: `22.05` stands for each of its releases.
    pub slurm: Option<String>,
}
