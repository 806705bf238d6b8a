//! A plan for many hosts, from facts as they were recorded.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use slurmdash_installer::config::{self, Config, ConfigHost};
use slurmdash_installer::facts::Facts;
use slurmdash_installer::finding::Severity;
use slurmdash_installer::plan::{Limits, make, wanted};
use slurmdash_installer::preflight;

use crate::{figure, secrets, since};

/// Hosts, the head among them.
const HOSTS: usize = 1000;
/// Packages that a server has.
const PACKAGES: usize = 600;
const RECORDED: &str = include_str!("../../installer/tests/fixtures/facts/debian-12.json");

/// Time and memory of a plan.
pub fn measure() -> Vec<Value> {
    let idle = kib("VmRSS:");
    let config = config();
    let facts: BTreeMap<String, Facts> = config
        .hosts
        .iter()
        .enumerate()
        .map(|(number, host)| (host.name.clone(), facts(&config, number, host)))
        .collect();
    let secrets = secrets();
    let with_facts = kib("VmRSS:");
    let begun = Instant::now();
    let findings = preflight::judge(&config, &facts, &secrets);
    let plan = make(&config, &facts, &secrets, &Limits::default());
    let took = since(begun);
    let plan = plan.unwrap_or_else(|findings| panic!("{findings:#?}"));
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let steps = plan.steps().count();
    assert!(steps > 5 * HOSTS, "{steps} steps are no plan for {HOSTS} hosts");
    let peak = kib("VmHWM:");
    eprintln!("{steps} steps for {HOSTS} hosts; the facts alone take {:.1} MiB", (with_facts - idle) / 1024.0);
    vec![
        figure("plan for 1,000 hosts after facts", took, "s"),
        figure("memory for the facts and the plan of 1,000 hosts", (peak - idle) / 1024.0, "MiB"),
    ]
}

fn config() -> Config {
    let nodes = HOSTS - 1;
    let text = format!(
        "cluster: hpc\n\
         hosts:\n\
         \x20 - {{name: head1, roles: [controller, database, login, dashboard]}}\n\
         \x20 - {{name: 'node[0001-{nodes:04}]', roles: [compute]}}\n\
         dashboard: {{admin: {{name: admin, unix_user: ada}}}}\n"
    );
    config::parse(&text).unwrap()
}

fn address(number: usize) -> IpAddr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 77, high, low).into()
}

/// What Debian 12 told, under a host's own name and address, and with as many packages as a server has.
fn facts(config: &Config, number: usize, host: &ConfigHost) -> Facts {
    let mut facts: Facts = serde_json::from_str(&RECORDED.replace("HOST", &host.name)).unwrap();
    facts.addresses = vec![address(number)];
    let at = |name: &String| config.hosts.iter().position(|other| other.name == *name).map(address);
    let names = wanted(config, host).names.into_iter();
    facts.names = names.map(|name| (name.clone(), at(&name).into_iter().collect())).collect();
    for package in 0..PACKAGES {
        facts.packages.insert(format!("a-library-of-debian-{package}"), format!("1:{package}.0.1-2+deb12u3"));
    }
    if let Some(mounts) = facts.files.get_mut(Path::new("/proc/self/mounts")) {
        let _ = writeln!(mounts, "files1:/home /home nfs4 rw 0 0");
    }
    facts
}

/// A line of this process's status, KiB. Source: proc(5).
fn kib(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
