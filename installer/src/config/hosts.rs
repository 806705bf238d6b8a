//! Hosts: lists expanded, and whether their roles make a cluster.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;

use super::problem::{KeyPath, Report, quoted};
use super::{ConfigHost, MAX_HOSTS, NodeFacts, Role, file, names};
use crate::hostlist::{self, HostlistError};

/// Names that Slurm or this file gives a meaning of their own.
const TAKEN_NAMES: [&str; 5] = ["all", "default", "existing", "localhost", "none"];

/// Whether a name has a meaning of its own.
pub(super) fn is_taken(name: &str) -> bool {
    TAKEN_NAMES.contains(&name.to_lowercase().as_str())
}

/// Hosts, and where each was written.
pub(super) struct Hosts {
    pub all: Vec<ConfigHost>,
    /// Item of `hosts` for each.
    entries: Vec<usize>,
}

/// Expands and judges all hosts.
pub(super) fn resolve(written: &[file::Host], report: &mut Report) -> Hosts {
    let mut hosts = Hosts { all: Vec::new(), entries: Vec::new() };
    for (at, entry) in written.iter().enumerate() {
        let path = entry_path(at);
        let names = expand(&entry.name, hosts.all.len(), &path.key("name"), report);
        if let Some(wrong) = names.iter().find(|name| !names::is_host_name(name)) {
            let message = format!("is no short host name: {}", quoted(wrong));
            report.advise(&path.key("name"), message, "letters, digits and - make one; a full name goes into address");
        }
        if let Some(taken) = names.iter().find(|name| is_taken(name)) {
            report.refuse(&path.key("name"), format!("must not be {}, which has a meaning of its own", quoted(taken)));
        }
        let addresses = addresses(entry, &names, &path.key("address"), report);
        let roles: BTreeSet<Role> = entry.roles.iter().copied().collect();
        if roles.len() < entry.roles.len() {
            report.refuse(&path.key("roles"), "names a role twice");
        }
        let node = node_facts(entry, &path, report);
        for (name, address) in names.into_iter().zip(addresses) {
            hosts.all.push(ConfigHost { name, address, roles: roles.clone(), node: node.clone() });
            hosts.entries.push(at);
        }
    }
    hosts.judge_overlaps(report);
    hosts
}

fn entry_path(at: usize) -> KeyPath {
    KeyPath::from("hosts").item(at)
}

/// Names of a list; none when it is wrong.
fn expand(text: &str, before: usize, path: &KeyPath, report: &mut Report) -> Vec<String> {
    match hostlist::expand(text, MAX_HOSTS - before) {
        Ok(names) => names,
        Err(HostlistError::TooMany { count, .. }) => {
            let all = count.saturating_add(before as u128);
            let message = format!("brings the number of hosts to {all}; there may be at most {MAX_HOSTS}");
            report.refuse(path, message);
            Vec::new()
        }
        Err(error) => {
            report.refuse(path, format!("is no list of hosts: {error}"));
            Vec::new()
        }
    }
}

/// An address for each name.
fn addresses(entry: &file::Host, names: &[String], path: &KeyPath, report: &mut Report) -> Vec<String> {
    let Some(text) = &entry.address else { return names.to_vec() };
    let addresses = match hostlist::expand(text, MAX_HOSTS) {
        Ok(addresses) => addresses,
        Err(error) => {
            report.refuse(path, format!("is no address or list of addresses: {error}"));
            return names.to_vec();
        }
    };
    if let Some(wrong) = addresses.iter().find(|address| !names::is_address(address)) {
        report.refuse(path, format!("is no host name or address: {}", quoted(wrong)));
    }
    if addresses.len() != names.len() && !names.is_empty() {
        let message = format!("stands for {}, but name for {}", counted(addresses.len()), counted(names.len()));
        report.advise(path, message, "write as many in brackets: 10.0.0.[1-64] for node[01-64]");
        return names.to_vec();
    }
    addresses
}

fn counted(hosts: usize) -> String {
    if hosts == 1 { "one host".to_owned() } else { format!("{hosts} hosts") }
}

fn node_facts(entry: &file::Host, path: &KeyPath, report: &mut Report) -> NodeFacts {
    let &file::Host { cpus, sockets, cores_per_socket, threads_per_core, memory_mib, .. } = entry;
    let gpus = entry.gpus.as_ref().map(|gpus| match gpus {
        file::Gpus::Count(count) => (0..*count).map(|at| PathBuf::from(format!("/dev/nvidia{at}"))).collect(),
        file::Gpus::Files(files) => gpu_files(files, &path.key("gpus"), report),
    });
    // What is wrong isn't kept: it would be made again for each of ten thousand hosts.
    let (features, wrong): (Vec<_>, Vec<_>) =
        entry.features.iter().enumerate().partition(|(_, feature)| names::is_slurm_name(feature));
    for (at, feature) in wrong {
        let message = format!("is no name for a feature: {}", quoted(feature));
        report.refuse(&path.key("features").item(at), message);
    }
    if let (Some(cpus), Some(sockets), Some(cores)) = (cpus, sockets, cores_per_socket) {
        let cores = u64::from(sockets) * u64::from(cores);
        let threads = cores * u64::from(threads_per_core.unwrap_or(1));
        let known = threads_per_core.is_some();
        if known && u64::from(cpus) != cores && u64::from(cpus) != threads {
            let message = format!("is {cpus}, but sockets, cores and threads make {threads}");
            report.refuse(&path.key("cpus"), message);
        }
    }
    let node = NodeFacts {
        cpus,
        sockets,
        cores_per_socket,
        threads_per_core,
        memory_mib,
        gpus,
        features: features.into_iter().map(|(_, feature)| feature.clone()).collect(),
    };
    if node != NodeFacts::default() && !entry.roles.contains(&Role::Compute) {
        report.advise(path, "has what only a compute node has", "add the role compute, or remove these keys");
    }
    node
}

fn gpu_files(files: &[String], path: &KeyPath, report: &mut Report) -> Vec<PathBuf> {
    let mut devices = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let device = PathBuf::from(file);
        if !super::is_device(file) {
            report.refuse(&path.item(at), format!("must be a device file such as /dev/nvidia0, not {}", quoted(file)));
        } else if devices.contains(&device) {
            report.refuse(&path.item(at), "is there twice");
        } else {
            devices.push(device);
        }
    }
    devices
}

/// An address by which two that are the same are found.
fn canonical(address: &str) -> String {
    address.parse::<IpAddr>().map_or_else(|_| address.to_lowercase(), |address| address.to_string())
}

impl Hosts {
    /// Where a host was written.
    fn path(&self, at: usize) -> KeyPath {
        entry_path(self.entries.get(at).copied().unwrap_or_default())
    }

    /// Names and addresses are there once.
    fn judge_overlaps(&self, report: &mut Report) {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut addresses: HashMap<String, usize> = HashMap::new();
        let mut twice: BTreeMap<(usize, &str, usize), Vec<&str>> = BTreeMap::new();
        for (host, &entry) in self.all.iter().zip(&self.entries) {
            if let Some(&first) = names.get(&host.name.to_lowercase()) {
                twice.entry((entry, "name", first)).or_default().push(&host.name);
                continue;
            }
            names.insert(host.name.to_lowercase(), entry);
            if let Some(&first) = addresses.get(&canonical(&host.address)) {
                twice.entry((entry, "address", first)).or_default().push(&host.address);
            }
            addresses.insert(canonical(&host.address), entry);
        }
        for ((entry, key, first), which) in twice {
            let which = quoted(&hostlist::fold(&which));
            let message = if entry == first {
                format!("has {which} twice")
            } else {
                format!("has {which}, which hosts[{first}] has already")
            };
            report.refuse(&entry_path(entry).key(key), message);
        }
    }

    fn with(&self, role: Role) -> impl Iterator<Item = (usize, &ConfigHost)> {
        self.all.iter().enumerate().filter(move |(_, host)| host.has(role))
    }

    /// The host of this name, and where it was written.
    pub fn find(&self, name: &str) -> Option<&ConfigHost> {
        self.all.iter().find(|host| host.name == name)
    }

    fn at_most_one(&self, role: Role, suggestion: Option<&str>, report: &mut Report) {
        let mut hosts = self.with(role);
        let (Some((_, first)), Some((at, second))) = (hosts.next(), hosts.next()) else { return };
        let (first, second, role) = (&first.name, &second.name, role.name());
        let message = format!("gives {second} the role {role}, which {first} has already; there can be one");
        match suggestion {
            Some(suggestion) => report.advise(&self.path(at).key("roles"), message, suggestion),
            None => report.refuse(&self.path(at).key("roles"), message),
        }
    }

    /// Whether there are hosts for all that a cluster needs. `with_database` and `with_dashboard`: these are wanted.
    pub fn judge_roles(&self, with_database: bool, with_dashboard: bool, report: &mut Report) {
        if self.all.is_empty() {
            return; // Said already: each list was wrong.
        }
        let all = KeyPath::from("hosts");
        let has = |role| self.with(role).next().is_some();
        if !has(Role::Controller) {
            report.advise(&all, "has no controller", "give one host the role controller");
        }
        if !has(Role::Compute) {
            report.advise(&all, "has no host that runs jobs", "give at least one host the role compute");
        }
        if with_database && !has(Role::Database) {
            let suggestion = "give one host the role database, or set accounting.enabled to false";
            report.advise(&all, "has no database, which accounting needs", suggestion);
        }
        if with_dashboard && !has(Role::Dashboard) {
            let suggestion = "give one host the role dashboard, or set dashboard.enabled to false";
            report.advise(&all, "has no host for the dashboard", suggestion);
        }
        self.at_most_one(Role::Controller, Some("the second one is a backup-controller"), report);
        self.at_most_one(Role::BackupController, None, report);
        self.at_most_one(Role::Database, None, report);
        self.at_most_one(Role::Dashboard, None, report);
        for (at, host) in self.with(Role::BackupController).filter(|(_, host)| host.has(Role::Controller)) {
            let message = format!("makes {} its own backup", host.name);
            report.advise(&self.path(at).key("roles"), message, "the backup is another host");
        }
    }

    /// Whether two controllers have their state and the database where the loss of one doesn't take them along.
    pub fn judge_backup(&self, shared: Option<&super::Share>, accounting: &file::Accounting, report: &mut Report) {
        let Some((at, backup)) = self.with(Role::BackupController).next() else { return };
        let Some((_, controller)) = self.with(Role::Controller).next() else { return };
        let is_head = |host: &ConfigHost| host.name == backup.name || host.name == controller.name;
        match shared.map(|share| &share.from) {
            None => {
                let message = "has a backup controller, but no shared folder from which it could take over";
                report.advise(&self.path(at).key("roles"), message, "set storage.shared");
            }
            Some(super::ShareFrom::Host(server)) if self.find(server).is_some_and(is_head) => {
                let message =
                    format!("is {server}, a controller: when it is lost, the other has no state to go on with");
                report.advise(&"storage.shared.from".into(), message, "serve it from a third host");
            }
            Some(_) => {}
        }
        if !accounting.enabled || accounting.database_on_controller {
            return;
        }
        for (at, host) in self.with(Role::Database).filter(|(_, host)| is_head(host)) {
            let message = format!(
                "puts the database on {}, a controller: when it is lost, the other one waits for the database instead of \
                 taking over",
                host.name
            );
            let suggestion = "give the role database to another host, or set accounting.database_on_controller to true";
            report.advise(&self.path(at).key("roles"), message, suggestion);
        }
    }

    /// Whether the role `storage` is with those who serve a folder.
    pub fn judge_storage(&self, servers: &[(&str, &str)], report: &mut Report) {
        for (key, server) in servers {
            let path = KeyPath::from(*key);
            match self.find(server) {
                None => {
                    let names = self.all.iter().map(|host| host.name.as_str()).take(1000);
                    let suggestion = super::problem::did_you_mean(server, names.chain(["existing"]))
                        .unwrap_or_else(|| "write existing when the folder is there already".to_owned());
                    report.advise(&path, format!("is no host of this cluster: {}", quoted(server)), suggestion);
                }
                Some(host) if !host.has(Role::Storage) => {
                    report.advise(&path, format!("is {server}, which isn't for storage"), "give it the role storage");
                }
                Some(_) => {}
            }
        }
        for (at, host) in self.with(Role::Storage) {
            if !servers.iter().any(|(_, server)| *server == host.name) {
                let message = format!("gives {} the role storage, but no folder is from there", host.name);
                report.advise(
                    &self.path(at).key("roles"),
                    message,
                    "name it in storage.shared.from or storage.home.from",
                );
            }
        }
    }
}
