//! Files as people write them, as they get them wrong, and as somebody hostile would.
mod documents;
mod hostile;
mod wrong;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const MINIMAL: &str = "\
cluster: hpc
hosts:
  - name: head1
    roles: [controller, database, dashboard, compute]
";

const FULL: &str = r#"
cluster: hpc
hosts:
  - name: head1
    address: 10.77.0.11
    roles: [controller, dashboard, login]
  - {name: head2, address: 10.77.0.12, roles: [backup-controller]}
  - {name: db1, roles: [database, storage]}
  - name: node[001-003,100]
    address: 10.77.1.[1-3,100]
    roles: [compute]
    cpus: 64
    sockets: 2
    cores_per_socket: 16
    threads_per_core: 2
    memory_mib: 250000
    gpus: 2
    features: [a100, ib]
  - {name: "fat[1-2]", roles: [compute], gpus: [/dev/nvidia0]}
ssh: {user: ada, port: 2222, key: ~/.ssh/id_ed25519, jump: "ada@gateway:22,10.0.0.1", host_keys: accept-new, parallel: 8}
partitions:
  - {name: main, nodes: all, max_time: 1-00:00:00, options: {PriorityTier: 1}}
  - {name: fat, nodes: ["fat[1-2]", node100], default: true, max_time: 60}
storage:
  shared: {path: /shared, from: db1}
  home: {path: /home, from: existing}
identities: {munge: {uid: 901, gid: 901}, slurm: {uid: 64030, gid: 64030}}
memory_margin: {percent: 0, at_least_mib: 0}
accounting:
  accounts:
    - {name: theory, parent: physics}
    - {name: physics, description: Physics, organization: Science}
  qos: [{name: short, options: {MaxWall: "01:00:00", Priority: 100}}]
  users: [{user: ada, account: theory, qos: [short, normal]}]
slurm:
  options: {SlurmctldTimeout: 30, ReturnToService: 1, SlurmctldParameters: "enable_configless,idle_on_node_suspend"}
  cgroup: {ConstrainSwapSpace: true}
  ports: {slurmd: 7000}
dashboard:
  listen: "[::]:443"
  public_url: https://hpc.example.org
  tls: {certificate: /etc/ssl/hpc.pem, key: /etc/ssl/hpc.key}
  admin: {name: admin, unix_user: ada}
  allowed_origins: [https://cae.example.org]
apptainer: false
packages: {source: http://mirror/slurm}
versions: {slurm: 24.10}
"#;

fn problems(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

/// [`MINIMAL`] with more lines.
fn with(more: &str) -> String {
    format!("{MINIMAL}{more}\n")
}

#[test]
fn what_is_absent_has_its_default() {
    let config = parse(MINIMAL).unwrap();
    let head = ConfigHost {
        name: "head1".into(),
        address: "head1".into(),
        roles: [Role::Controller, Role::Database, Role::Dashboard, Role::Compute].into(),
        node: NodeFacts::default(),
    };
    let main = Partition {
        name: "main".into(),
        nodes: vec!["head1".into()],
        default: true,
        max_time: None,
        options: BTreeMap::new(),
    };
    assert_eq!(config, Config { hosts: vec![head], partitions: vec![main], ..Config::bare() });
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = parse(FULL).unwrap();
    let names: Vec<&str> = config.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["head1", "head2", "db1", "node001", "node002", "node003", "node100", "fat1", "fat2"]);
    assert_eq!(config.host("node100").unwrap().address, "10.77.1.100");
    let node = &config.host("node002").unwrap().node;
    assert_eq!(node.gpus, Some(vec!["/dev/nvidia0".into(), "/dev/nvidia1".into()]));
    assert_eq!((node.cpus, node.memory_mib, node.features.len()), (Some(64), Some(250_000), 2));
    assert_eq!(config.controllers().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["head1", "head2"]);
    assert_eq!(config.database().unwrap().name, "db1");
    assert_eq!(config.ssh.port, Some(2222));
    assert_eq!(config.ssh.host_keys, HostKeys::AcceptNew);
    let [main, fat] = config.partitions.as_slice() else { panic!("{:?}", config.partitions) };
    assert_eq!((main.nodes.len(), main.default, main.max_time.as_deref()), (6, false, Some("1-00:00:00")));
    assert_eq!(main.options["PriorityTier"], "1");
    assert_eq!(fat.nodes, ["node100", "fat1", "fat2"], "in the order of the hosts");
    assert_eq!((fat.default, fat.max_time.as_deref()), (true, Some("60")));
    assert_eq!(config.storage.shared, Some(Share { path: "/shared".into(), from: ShareFrom::Host("db1".into()) }));
    assert_eq!(config.identities.dashboard, None);
    let accounts: Vec<&str> = config.accounting.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(accounts, ["physics", "theory"], "those above first");
    assert_eq!(config.accounting.accounts[1].organization, "hpc");
    assert_eq!(config.slurm.cgroup["ConstrainSwapSpace"], "true");
    assert_eq!(config.slurm.ports, SlurmPorts { slurmd: 7000, ..SlurmPorts::default() });
    assert_eq!(config.dashboard.listen.port(), 443);
    assert_eq!(config.packages, Packages::Mirror("http://mirror/slurm".into()));
    assert_eq!(config.versions.slurm.as_deref(), Some("24.10"), "no number, whose zero would be lost");
}

#[test]
fn memory_for_jobs_is_what_the_margin_leaves() {
    let margin = MemoryMargin::default();
    assert_eq!([margin.of(100_000), margin.of(4_000), margin.of(100)], [95_000, 3_488, 1]);
}

#[test]
fn what_is_written_is_read_again() {
    for text in [MINIMAL, FULL] {
        let config = parse(text).unwrap();
        let written = render::render(&config, &["a\nb".to_owned()], &BTreeMap::new());
        assert_eq!(parse(&written).unwrap_or_else(|problems| panic!("{written}\n{problems:#?}")), config);
    }
}

/// Facts of a host; what isn't given doesn't matter here.
pub(crate) fn facts(hostname: &str, addresses: &[&str], gpus: usize) -> crate::facts::Facts {
    serde_json::from_value(json!({
        "hostname": hostname, "fqdn": hostname, "addresses": addresses,
        "os": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)", "like": []},
        "architecture": "x86_64", "kernel": "6.1", "has_systemd": true,
        "cpus": {"total": 8, "sockets": 1, "cores_per_socket": 4, "threads_per_core": 2}, "memory_mib": 16_000,
        "gpus": (0..gpus).map(|at| format!("/dev/nvidia{at}")).collect::<Vec<_>>(),
        "cgroup": "v2", "clock_ms": 0, "uid": 0, "sudo_user": null, "users": [], "groups": [], "packages": {},
        "available": {}, "units": {}, "ports": {}, "names": {}, "free_mib": {}, "files": {}, "digests": {},
        "selinux": null, "apparmor": false, "firewalls": [],
        "slurm": {"version": null, "running_jobs": [], "controller_answers": null},
    }))
    .unwrap()
}

#[test]
fn one_host_needs_no_file() {
    let config = Config::single(&facts("box", &["192.0.2.7"], 0)).unwrap();
    assert_eq!(config.hosts.len(), 1);
    assert_eq!(config.controllers().count(), 1);
    assert!(config.database().is_some() && config.dashboard_host().is_some());
    assert_eq!(config.partitions[0].nodes, ["box"]);
    let problems = Config::single(&facts("localhost", &[], 0)).unwrap_err();
    assert!(problems[0].message.contains("must not be \"localhost\""), "{problems:?}");
}

#[test]
fn a_first_file_is_written_from_what_was_found() {
    let hosts = [
        facts("head", &["172.17.0.1", "10.0.0.1"], 0),
        facts("n1", &["172.17.0.1", "10.0.0.2"], 2),
        facts("n2", &["172.17.0.1", "10.0.0.3"], 2),
        facts("N1", &["10.0.0.4"], 0),
        facts("not a name", &[], 0),
    ];
    let text = init(&hosts);
    assert!(
        text.contains("# n[1-2]: Debian GNU/Linux 12 (bookworm), 8 CPUs, 16000 MiB, 2 GPUs\n  - name: \"n[1-2]\"\n"),
        "{text}"
    );
    assert!(text.contains("    address: \"10.0.0.[2-3]\"\n"), "an address that all have is nobody's: {text}");
    assert!(text.contains("# Left out: \"not a name\", which is no name for a host.\n"), "{text}");
    assert!(text.contains("# Left out: another host that calls itself N1.\n"), "{text}");
    let config = parse(&text).unwrap();
    assert_eq!(config.hosts.len(), 3);
    assert!(parse(&init(&[])).is_ok());
}

proptest! {
    #[test]
    fn a_first_file_is_always_right(
        names in prop::collection::vec(prop_oneof!["[a-zA-Z][a-zA-Z0-9-]{0,5}[0-9]{0,3}", any::<String>()], 0..8),
        last in prop::collection::vec(0_u8..5, 8),
    ) {
        let address = |at: usize| format!("10.0.0.{}", last[at]);
        let all: Vec<_> = names.iter().enumerate().map(|(at, name)| facts(name, &[&address(at)], at % 2)).collect();
        let text = init(&all);
        prop_assert!(parse(&text).is_ok(), "{}\n{:#?}", text, parse(&text));
    }
}
