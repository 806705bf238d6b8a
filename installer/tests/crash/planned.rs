//! Sites as the planner makes them, planned anew each time from what the hosts are then.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use slurmdash_installer::bytes::sha256;
use slurmdash_installer::config::{self, Config, ConfigHost, Role};
use slurmdash_installer::facts::Facts;
use slurmdash_installer::host::Host as _;
use slurmdash_installer::host::fake::Fake;
use slurmdash_installer::host::fake::commands::said;
use slurmdash_installer::plan::{Limits, Plan, make, wanted};
use slurmdash_installer::secrets::Secrets;

use crate::drive::Site;

const SINGLE: &str = "
cluster: hpc
hosts:
  - {name: head1, address: 10.77.0.11, roles: [controller, database, compute, login, dashboard]}
dashboard: {admin: {name: admin, unix_user: ada}}
";

const HEAD_AND_TWO: &str = "
cluster: hpc
hosts:
  - {name: head1, address: 10.77.0.11, roles: [controller, database, login, dashboard]}
  - {name: 'node[1-2]', address: '10.77.0.[12-13]', roles: [compute]}
dashboard: {admin: {name: admin, unix_user: ada}}
";

const TWO_HEADS: &str = "
cluster: hpc
hosts:
  - {name: head1, address: 10.77.0.11, roles: [controller, login]}
  - {name: head2, address: 10.77.0.12, roles: [backup-controller]}
  - {name: db1, address: 10.77.0.13, roles: [database, dashboard, storage]}
  - {name: 'node[1-3]', address: '10.77.0.[14-16]', roles: [compute]}
storage:
  shared: {path: /shared, from: db1}
accounting:
  accounts: [{name: physics, parent: root, description: Physics, organization: Uni}]
  users: [{user: ada, account: physics}]
dashboard: {admin: {name: admin, unix_user: ada}}
";

/// All on one host.
pub fn planned_single() -> Site {
    site(SINGLE)
}

/// A head, and two nodes.
pub fn planned_head_and_two() -> Site {
    site(HEAD_AND_TWO)
}

/// Two heads with what they share on a third host, and three nodes.
pub fn planned_two_heads() -> Site {
    site(TWO_HEADS)
}

fn site(text: &str) -> Site {
    let config = config::parse(text).unwrap();
    let fakes = config.hosts.iter().map(|host| (host.name.clone(), fake(&config, host))).collect();
    let secrets = secrets();
    Site { fakes, planner: Box::new(move |fakes| plan(&config, fakes, &secrets)) }
}

fn fake(config: &Config, host: &ConfigHost) -> Fake {
    let fake = Fake::debian_12(&host.name);
    fake.put_file("/etc/ssh/ssh_host_ed25519_key.pub", HOST_KEY, 0o644);
    for judge in ["env", "/usr/sbin/sshd"] {
        fake.answer(judge, |_, _| said(""));
    }
    // Hosts in memory know nothing of each other: where not all of Slurm is on a host, the rest of it is up.
    if !host.has(Role::Database) {
        let nodes = config.hosts_with(Role::Compute).map(|node| (node.name.clone(), ("IDLE".into(), String::new())));
        fake.change(|world| (world.slurm.is_far, world.slurm.nodes) = (true, nodes.collect()));
    }
    fake
}

const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnownKeyOfThisHostInTestsAAAAAAAAAAAAAAAAAAA root@head1\n";

fn secrets() -> Secrets {
    let mut next = 0_u8;
    Secrets::make(&mut |buffer| {
        for byte in buffer {
            next = next.wrapping_add(37);
            *byte = next;
        }
        Ok(())
    })
    .unwrap()
}

fn plan(config: &Config, fakes: &BTreeMap<String, Fake>, secrets: &Secrets) -> Plan {
    let facts = fakes.iter().filter_map(|(name, fake)| Some((name.clone(), facts(config, name, fake)?))).collect();
    make(config, &facts, secrets, &Limits::default()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// Facts of Debian 12 as they were recorded, with what this host is in those parts that plans look at; none when it has
/// no power.
fn facts(config: &Config, name: &str, fake: &Fake) -> Option<Facts> {
    let recorded = include_str!("../fixtures/facts/debian-12.json").replace("HOST", name);
    let mut facts: Facts = serde_json::from_str(&recorded).unwrap();
    let wanted = wanted(config, config.host(name).unwrap());
    let address = |name: &str| -> IpAddr { config.host(name).unwrap().address.parse().unwrap() };
    facts.addresses = vec![address(name)];
    facts.names = wanted.names.iter().map(|name| (name.clone(), vec![address(name)])).collect();
    facts.users = fake.users().ok()?;
    facts.groups = fake.groups().ok()?;
    facts.packages.extend(fake.packages().ok()?.into_iter().map(|package| (package.name, package.version)));
    facts.units = wanted.units.iter().map(|unit| (unit.clone(), fake.unit(unit).unwrap())).collect();
    let read = |path: &Path| fake.text(&path.to_string_lossy());
    facts.files.extend(wanted.files.iter().filter_map(|path| Some((path.clone(), read(path)?))));
    let digest = |path: &Path| read(path).map(|_| sha256(&fake.read(path).unwrap()));
    facts.digests = wanted.digests.iter().filter_map(|path| Some((path.clone(), digest(path)?))).collect();
    Some(facts)
}
