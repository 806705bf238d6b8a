//! A configuration from what hosts are found to have, for those who have written none.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::{
    Config, ConfigHost, MAX_HOSTS, NodeFacts, Partition, Problem, Role, is_free_host_name, parse, problem, render,
};
use crate::facts::Facts;

impl Config {
    /// The cluster of one host that does everything. Refused when its name is none that a host of a cluster can have.
    pub fn single(facts: &Facts) -> Result<Self, Vec<Problem>> {
        let config = cluster(vec![(facts.hostname.clone(), facts.hostname.clone())]);
        parse(&render::render(&config, &[], &BTreeMap::new()))
    }
}

/// A commented `cluster.yaml` for these hosts, the first of them the controller. [`parse`] takes it as it is. Hosts that
/// can't be in a cluster, by their name or because they are there twice, are left out and named in a comment. Without any
/// host it is an example to be filled in.
pub fn init(facts: &[Facts]) -> String {
    let mut header = vec![
        "What this cluster is to be. Every key: docs/cluster-yaml.md. To see what would be done:".to_owned(),
        "slurmdash install --config cluster.yaml --plan".to_owned(),
    ];
    let mut seen = BTreeSet::new();
    let mut usable = Vec::new();
    let mut about = BTreeMap::new();
    for host in facts.iter().take(MAX_HOSTS) {
        let name = &host.hostname;
        if !is_free_host_name(name) {
            header.push(format!("Left out: {}, which is no name for a host.", problem::quoted(name)));
        } else if !seen.insert(name.to_lowercase()) {
            header.push(format!("Left out: another host that calls itself {name}."));
        } else {
            about.insert(name.clone(), described(host));
            usable.push(host);
        }
    }
    if facts.len() > MAX_HOSTS {
        header.push(format!("Left out: {} hosts beyond {MAX_HOSTS}.", facts.len() - MAX_HOSTS));
    }
    let hosts = if usable.is_empty() {
        header.push("No host was looked at: put in the names of yours.".to_owned());
        ["head1", "node001", "node002"].map(|name| (name.to_owned(), name.to_owned())).to_vec()
    } else {
        addressed(&usable)
    };
    render::render(&cluster(hosts), &header, &about)
}

/// What is worth knowing of a host, in a line.
fn described(facts: &Facts) -> String {
    let gpus = match facts.gpus.len() {
        0 => String::new(),
        1 => ", a GPU".to_owned(),
        count => format!(", {count} GPUs"),
    };
    format!("{}, {} CPUs, {} MiB{gpus}", facts.os.name, facts.cpus.total, facts.memory_mib)
}

/// Hosts with an address that only they have; one alone needs none.
fn addressed(hosts: &[&Facts]) -> Vec<(String, String)> {
    let mut owners: HashMap<IpAddr, usize> = HashMap::new();
    for address in hosts.iter().flat_map(|host| host.addresses.iter().collect::<BTreeSet<_>>()) {
        *owners.entry(*address).or_default() += 1;
    }
    let is_own = |address: &&IpAddr| {
        let reachable = !address.is_loopback() && !address.is_unspecified() && !address.is_multicast();
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        owners.get(*address) == Some(&1) && reachable && !link_local
    };
    let address = |host: &Facts| {
        let own = || host.addresses.iter().filter(is_own);
        own().find(|address| address.is_ipv4()).or_else(|| own().next()).map(ToString::to_string)
    };
    hosts
        .iter()
        .map(|host| {
            let address = if hosts.len() == 1 { None } else { address(host) };
            (host.hostname.clone(), address.unwrap_or_else(|| host.hostname.clone()))
        })
        .collect()
}

/// A cluster of these hosts, as names and addresses: the first does everything but run jobs, unless it is alone.
fn cluster(hosts: Vec<(String, String)>) -> Config {
    let is_alone = hosts.len() == 1;
    let roles = |at: usize| {
        let head = [Role::Controller, Role::Database, Role::Login, Role::Dashboard];
        let mut roles: BTreeSet<Role> = if at == 0 { head.into() } else { BTreeSet::new() };
        if at > 0 || is_alone {
            roles.insert(Role::Compute);
        }
        roles
    };
    let hosts: Vec<ConfigHost> = hosts
        .into_iter()
        .enumerate()
        .map(|(at, (name, address))| ConfigHost { name, address, roles: roles(at), node: NodeFacts::default() })
        .collect();
    let nodes = hosts.iter().filter(|host| host.has(Role::Compute)).map(|host| host.name.clone()).collect();
    let main = Partition { name: "main".to_owned(), nodes, default: true, max_time: None, options: BTreeMap::new() };
    Config { hosts, partitions: vec![main], ..Config::bare() }
}
