//! The file as it is written: what is absent here gets its default in [`super::resolve`]. Keys and types are those of the
//! schema; a test holds both together.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Dashboard, Identities, MemoryMargin, Role, SlurmPorts, Ssh, Versions};

/// `cluster.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub cluster: String,
    pub hosts: Vec<Host>,
    #[serde(default)]
    pub ssh: Ssh,
    pub partitions: Option<Vec<Partition>>,
    #[serde(default)]
    pub storage: Storage,
    #[serde(default)]
    pub identities: Identities,
    #[serde(default)]
    pub memory_margin: MemoryMargin,
    #[serde(default)]
    pub accounting: Accounting,
    #[serde(default)]
    pub slurm: Slurm,
    #[serde(default)]
    pub dashboard: FileDashboard,
    #[serde(default = "yes")]
    pub apptainer: bool,
    #[serde(default)]
    pub packages: Packages,
    #[serde(default)]
    pub versions: Versions,
}

fn yes() -> bool {
    true
}

/// One host, or many of a kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub name: String,
    pub address: Option<String>,
    pub roles: Vec<Role>,
    pub cpus: Option<u32>,
    pub sockets: Option<u32>,
    pub cores_per_socket: Option<u32>,
    pub threads_per_core: Option<u32>,
    pub memory_mib: Option<u64>,
    pub gpus: Option<Gpus>,
    #[serde(default)]
    pub features: Vec<String>,
}

/// GPUs: how many, or their device files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Gpus {
    Count(u32),
    Files(Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Partition {
    pub name: String,
    pub nodes: Nodes,
    #[serde(default)]
    pub default: bool,
    pub max_time: Option<String>,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// `all`, a list of hosts, or several.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Nodes {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Storage {
    pub shared: Option<Share>,
    pub home: Option<Share>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    pub path: String,
    pub from: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Accounting {
    pub enabled: bool,
    pub database_on_controller: bool,
    pub accounts: Vec<Account>,
    pub qos: Vec<Qos>,
    pub users: Vec<Member>,
}

impl Default for Accounting {
    fn default() -> Self {
        Self { enabled: true, database_on_controller: false, accounts: Vec::new(), qos: Vec::new(), users: Vec::new() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub name: String,
    #[serde(default = "root")]
    pub parent: String,
    pub description: Option<String>,
    pub organization: Option<String>,
}

fn root() -> String {
    "root".to_owned()
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Qos {
    pub name: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub user: String,
    pub account: String,
    #[serde(default)]
    pub qos: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Slurm {
    pub options: BTreeMap<String, String>,
    pub cgroup: BTreeMap<String, String>,
    pub ports: SlurmPorts,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileDashboard {
    pub enabled: bool,
    pub listen: String,
    pub public_url: Option<String>,
    pub tls: Option<super::DashboardTls>,
    pub admin: super::DashboardAdmin,
    pub allowed_origins: Vec<String>,
}

impl Default for FileDashboard {
    fn default() -> Self {
        let Dashboard { enabled, listen, public_url, tls, admin, allowed_origins } = Dashboard::default();
        Self { enabled, listen: listen.to_string(), public_url, tls, admin, allowed_origins }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Packages {
    pub source: String,
}

impl Default for Packages {
    fn default() -> Self {
        Self { source: "distribution".to_owned() }
    }
}
