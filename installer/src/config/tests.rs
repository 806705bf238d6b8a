//! Files as people write them, as they get them wrong, and as somebody hostile would.
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

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
fn a_problem_says_where_what_and_what_would_be_right() {
    for (text, expected) in [
        ("", "line 1, column 1: must be a mapping, not a single value"),
        ("- a", "line 1, column 1: must be a mapping, not a list"),
        (
            "cluster: [",
            "line 2, column 1: cluster[0] is no valid YAML: while parsing a node, did not find expected node content",
        ),
        ("a: &x 1\nb: *x", "line 1, column 7: a has an anchor (&), which isn't taken here"),
        ("a: !!str 1", "line 1, column 10: a has a tag (!), which isn't taken here"),
        ("a: 1\na: 2", "line 2, column 1: has the key \"a\" twice"),
        ("[1]: 2", "line 1, column 1: has a key that is no single word"),
        ("a: 1\n---\nb: 2", "line 2, column 1: is a second document"),
    ] {
        let all = problems(text);
        assert!(all.iter().any(|problem| problem == expected), "{text:?}: {all:#?}");
    }
}

#[test]
fn wrong_values_are_refused_in_words() {
    for (more, expected) in [
        ("partitons: []", "line 5, column 1: partitons is no key that is known here; did you mean partitions?"),
        (
            "zzz: 1",
            "line 5, column 1: zzz is no key that is known here; the keys here are accounting, apptainer, cluster, ",
        ),
        ("ssh: {prot: 1}", "line 5, column 7: ssh.prot is no key that is known here; did you mean port?"),
        ("ssh: {port: 0}", "line 5, column 7: ssh.port must be between 1 and 65535, not 0"),
        ("ssh: {port: -1}", "line 5, column 7: ssh.port must be between 1 and 65535, not -1"),
        ("ssh: {port: \"22\"}", "line 5, column 7: ssh.port must be a whole number, not \"22\""),
        ("ssh: {port: 99999999999999999999999}", "line 5, column 7: ssh.port must be a whole number"),
        (
            "ssh: {host_keys: strickt}",
            "line 5, column 7: ssh.host_keys must be one of strict, accept-new, not \"strickt\"; did you mean strict?",
        ),
        ("ssh: []", "line 5, column 1: ssh must be a mapping, not a list"),
        ("ssh: {user: \"a;b\"}", "line 5, column 7: ssh.user is no login: \"a;b\""),
        ("ssh: {user: -oProxyCommand=x}", "ssh.user is no login"),
        ("ssh: {jump: -J}", "ssh.jump must be [user@]host[:port], several with commas, not \"-J\""),
        ("ssh: {key: ../key}", "ssh.key must be a plain path that is absolute or begins with ~/"),
        ("apptainer: yes", "line 5, column 1: apptainer must be true or false, not \"yes\"; write true"),
        ("partitions: []", "partitions must not be empty"),
        ("partitions: [{name: a b, nodes: all}]", "partitions[0].name is no name for a partition: \"a b\""),
        ("partitions: [{name: Default, nodes: all}]", "partitions[0].name is no name for a partition"),
        (
            "partitions: [{name: a, nodes: haed1}]",
            "partitions[0].nodes has \"haed1\", which is no host of this cluster; did you mean head1?",
        ),
        ("partitions: [{name: a, nodes: \"head1,head1\"}]", "partitions[0].nodes has \"head1\" twice"),
        (
            "partitions: [{name: a, nodes: \"n[1-\"}]",
            "partitions[0].nodes is no list of hosts: brackets don't match in n[1-",
        ),
        (
            "partitions: [{name: a, nodes: all}, {name: A, nodes: all}]",
            "partitions[1].name has the name of partitions[0]",
        ),
        (
            "partitions: [{name: a, nodes: all, default: true}, {name: b, nodes: all, default: true}]",
            "partitions[1].default makes a second default; \"a\" is one already",
        ),
        (
            "partitions: [{name: a, nodes: all, max_time: 1d}]",
            "partitions[0].max_time is no time limit: \"1d\"; write 60 (minutes)",
        ),
        (
            "partitions: [{name: a, nodes: all, options: {nodes: x}}]",
            "partitions[0].options.nodes is written by the installer; use nodes",
        ),
        (
            "storage: {shared: {path: /shared, from: hed1}}",
            "storage.shared.from is no host of this cluster: \"hed1\"; did you mean head1?",
        ),
        (
            "storage: {shared: {path: /shared, from: head1}}",
            "storage.shared.from is head1, which isn't for storage; give it the role storage",
        ),
        (
            "storage: {shared: {path: /etc, from: existing}}",
            "storage.shared.path must not be /etc, a folder of the system; use /shared",
        ),
        ("storage: {shared: {path: /a/../b, from: existing}}", "storage.shared.path must be an absolute path"),
        ("storage: {shared: {path: \"/a b\", from: existing}}", "storage.shared.path must be an absolute path"),
        (
            "storage: {shared: {path: /a, from: existing}, home: {path: /a/home, from: existing}}",
            "storage.home.path and storage.shared.path must not be one in the other",
        ),
        ("storage: {shared: {path: /shared}}", "storage.shared.from is missing"),
        ("identities: {munge: {uid: 0, gid: 1}}", "identities.munge.uid must be between 1 and 4294967293, not 0"),
        (
            "identities: {munge: {uid: 65534, gid: 1}}",
            "identities.munge.uid must not be 65534, which stands for nobody",
        ),
        (
            "identities: {munge: {uid: 9, gid: 9}, slurm: {uid: 9, gid: 8}}",
            "identities.slurm.uid is 9, which munge has already",
        ),
        ("memory_margin: {percent: 91}", "memory_margin.percent must be between 0 and 90, not 91"),
        (
            "accounting: {enabled: false, qos: [{name: a}]}",
            "accounting.enabled is false, but there are accounts, QOS or users",
        ),
        (
            "accounting: {accounts: [{name: Physics}]}",
            "accounting.accounts[0].name is no name for an account: \"Physics\"",
        ),
        ("accounting: {accounts: [{name: root}]}", "accounting.accounts[0].name must not be root"),
        (
            "accounting: {accounts: [{name: a, parent: b}, {name: b, parent: a}]}",
            "accounting.accounts[0].parent makes \"a\" stand above itself",
        ),
        (
            "accounting: {accounts: [{name: a, parent: x}]}",
            "accounting.accounts[0].parent is no account of this file: \"x\"",
        ),
        (
            "accounting: {accounts: [{name: a, description: \"x'y\"}]}",
            "accounting.accounts[0].description must be one line without quotes",
        ),
        (
            "accounting: {qos: [{name: a, options: {\"b c\": 1}}]}",
            "accounting.qos[0].options.b c is no name for an option",
        ),
        ("accounting: {users: [{user: \"$(id)\", account: root}]}", "accounting.users[0].user is no login: \"$(id)\""),
        (
            "accounting: {users: [{user: ada, account: physics}]}",
            "accounting.users[0].account is no account of this file: \"physics\"",
        ),
        (
            "accounting: {users: [{user: ada, account: root, qos: [fast]}]}",
            "accounting.users[0].qos[0] is no QOS of this file: \"fast\"",
        ),
        (
            "slurm: {options: {slurmctldport: 1}}",
            "slurm.options.slurmctldport is written by the installer; use slurm.ports",
        ),
        (
            "slurm: {options: {ProctrackType: x}}",
            "is written by the installer; it is chosen for the control groups that the hosts have",
        ),
        ("slurm: {options: {\"a=b\": x}}", "slurm.options.a=b is no name for an option"),
        (
            "slurm: {options: {Prolog: \"a\\nSlurmUser=root\"}}",
            "slurm.options.Prolog must be one line without control characters",
        ),
        ("slurm: {options: {Prolog: \"a # b\"}}", "slurm.options.Prolog must have no #"),
        ("slurm: {options: {Prolog: \"\"}}", "slurm.options.Prolog must not be empty"),
        ("slurm: {options: {Prolog: a, prolog: b}}", "slurm.options.prolog is the same option as Prolog"),
        ("slurm: {options: {Prolog: [a]}}", "slurm.options.Prolog must be a single value, not a list"),
        (
            "slurm: {options: {SlurmctldParameters: preempt_send_user_signal}}",
            "must hold enable_configless, by which nodes get their configuration; write enable_configless,preempt",
        ),
        ("slurm: {cgroup: {CgroupPlugin: cgroup/v2}}", "slurm.cgroup.CgroupPlugin is written by the installer"),
        ("slurm: {ports: {slurmd: 6817}}", "slurm.ports.slurmd has port 6817, which slurm.ports.slurmctld has already"),
        ("slurm: {ports: {slurmd: 22}}", "slurm.ports.slurmd has port 22, which sshd has already"),
        (
            "dashboard: {listen: \"0.0.0.0:6819\"}",
            "dashboard.listen has port 6819, which slurm.ports.slurmdbd has already",
        ),
        ("dashboard: {listen: \":8443\"}", "dashboard.listen must be an address and a port, not \":8443\""),
        (
            "dashboard: {public_url: https://hpc.example.org/}",
            "dashboard.public_url must be http:// or https:// and a host",
        ),
        (
            "dashboard: {allowed_origins: [\"*\", https://a.org]}",
            "dashboard.allowed_origins[0] * already stands for all",
        ),
        (
            "dashboard: {allowed_origins: [a.org]}",
            "dashboard.allowed_origins[0] must be http:// or https:// and a host",
        ),
        ("dashboard: {tls: {certificate: /a, key: /a}}", "dashboard.tls.key must be another file than the certificate"),
        ("dashboard: {tls: {certificate: a, key: /a}}", "dashboard.tls.certificate must be an absolute path"),
        ("dashboard: {admin: {unix_user: root}}", "dashboard.admin.unix_user must not be root"),
        (
            "packages: {source: ../x}",
            "packages.source must be distribution, an absolute path or a plain http:// or https://",
        ),
        ("packages: {source: \"http://me:secret@host/\"}", "packages.source must be distribution"),
        ("versions: {slurm: new}", "versions.slurm is no version of Slurm: \"new\""),
    ] {
        let all = problems(&with(more));
        assert!(all.iter().any(|problem| problem.contains(expected)), "{more}\n{expected}\n{all:#?}");
    }
}

#[test]
fn hosts_must_make_a_cluster() {
    for (hosts, expected) in [
        ("[]", "hosts must not be empty"),
        ("[{name: a, roles: []}]", "hosts[0].roles must not be empty"),
        ("[{name: a}]", "hosts[0].roles is missing"),
        (
            "[{name: a, roles: [comptue]}]",
            "hosts[0].roles[0] must be one of controller, backup-controller, database, compute, login, dashboard, storage, not \"comptue\"; did you mean compute?",
        ),
        ("[{name: a, roles: [compute]}]", "hosts has no controller; give one host the role controller"),
        ("[{name: a, roles: [controller]}]", "hosts has no host that runs jobs"),
        (
            "[{name: a, roles: [controller, compute]}]",
            "hosts has no database, which accounting needs; give one host the role database, or set accounting.enabled to false",
        ),
        ("[{name: a, roles: [controller, compute]}]", "hosts has no host for the dashboard"),
        (
            "[{name: a, roles: [controller]}, {name: b, roles: [controller]}]",
            "hosts[1].roles gives b the role controller, which a has already; there can be one; the second one is a backup-controller",
        ),
        (
            "[{name: \"b[1-2]\", roles: [backup-controller]}]",
            "hosts[0].roles gives b2 the role backup-controller, which b1 has already",
        ),
        ("[{name: a, roles: [controller, backup-controller]}]", "hosts[0].roles makes a its own backup"),
        (
            "[{name: a, roles: [controller]}, {name: b, roles: [backup-controller]}]",
            "hosts[1].roles has a backup controller, but no shared folder from which it could take over; set storage.shared",
        ),
        (
            "[{name: a, roles: [controller, database]}, {name: b, roles: [backup-controller]}]",
            "hosts[0].roles puts the database on a, a controller",
        ),
        ("[{name: a, roles: [compute, compute]}]", "hosts[0].roles names a role twice"),
        ("[{name: a, roles: [storage]}]", "hosts[0].roles gives a the role storage, but no folder is from there"),
        (
            "[{name: \"n[1-3]\", roles: [compute]}, {name: \"n[2-5]\", roles: [compute]}]",
            "hosts[1].name has \"n[2-3]\", which hosts[0] has already",
        ),
        ("[{name: \"a,A\", roles: [compute]}]", "hosts[0].name has \"A\" twice"),
        (
            "[{name: a, address: 10.0.0.1, roles: [compute]}, {name: b, address: 10.0.0.1, roles: [compute]}]",
            "hosts[1].address has \"10.0.0.1\", which hosts[0] has already",
        ),
        (
            "[{name: a, address: \"::1\", roles: [compute]}, {name: b, address: \"0:0::1\", roles: [compute]}]",
            "hosts[1].address has \"0:0::1\", which hosts[0] has already",
        ),
        (
            "[{name: \"n[1-3]\", address: \"10.0.0.[1-2]\", roles: [compute]}]",
            "hosts[0].address stands for 2 hosts, but name for 3 hosts",
        ),
        ("[{name: a, address: \"a b\", roles: [compute]}]", "hosts[0].address is no host name or address: \"a b\""),
        ("[{name: a.example.org, roles: [compute]}]", "hosts[0].name is no short host name: \"a.example.org\""),
        ("[{name: \"$(reboot)\", roles: [compute]}]", "hosts[0].name is no short host name: \"$(reboot)\""),
        (
            "[{name: \"a\\e[31mb\", roles: [compute]}]",
            "hosts[0].name is no list of hosts: brackets don't match in a\\u{1b}[31mb",
        ),
        ("[{name: a-, roles: [compute]}]", "hosts[0].name is no short host name"),
        ("[{name: localhost, roles: [compute]}]", "hosts[0].name must not be \"localhost\""),
        (
            "[{name: \"n[0-99999999999]\", roles: [compute]}]",
            "hosts[0].name brings the number of hosts to 100000000000; there may be at most 10000",
        ),
        (
            "[{name: \"n[1-9000]\", roles: [compute]}, {name: \"m[1-2000]\", roles: [compute]}]",
            "hosts[1].name brings the number of hosts to 11000; there may be at most 10000",
        ),
        ("[{name: a, roles: [login], cpus: 4}]", "hosts[0] has what only a compute node has"),
        (
            "[{name: a, roles: [compute], cpus: 4, sockets: 1, cores_per_socket: 1, threads_per_core: 2}]",
            "hosts[0].cpus is 4, but sockets, cores and threads make 2",
        ),
        ("[{name: a, roles: [compute], gpus: 65}]", "hosts[0].gpus must be between 0 and 64, not 65"),
        (
            "[{name: a, roles: [compute], gpus: {a: b}}]",
            "hosts[0].gpus must be a whole number or a list, not a mapping",
        ),
        ("[{name: a, roles: [compute], gpus: [/etc/passwd]}]", "hosts[0].gpus[0] must be a device file"),
        ("[{name: a, roles: [compute], gpus: [/dev/a, /dev/a]}]", "hosts[0].gpus[1] is there twice"),
        (
            "[{name: a, roles: [compute], features: [\"a,b\"]}]",
            "hosts[0].features[0] is no name for a feature: \"a,b\"",
        ),
    ] {
        let all = problems(&format!("cluster: hpc\nhosts: {hosts}\n"));
        assert!(all.iter().any(|problem| problem.contains(expected)), "{hosts}\n{expected}\n{all:#?}");
    }
}

#[test]
fn a_backup_controller_needs_state_that_outlives_the_first() {
    let heads = "cluster: hpc\nhosts:\n  - {name: a, roles: [controller, dashboard, database, storage, compute]}\n  \
                 - {name: b, roles: [backup-controller]}\n";
    let from_a = format!(
        "{heads}storage: {{shared: {{path: /shared, from: a}}}}\naccounting: {{database_on_controller: true}}\n"
    );
    assert_eq!(
        problems(&from_a),
        [
            "line 5, column 29: storage.shared.from is a, a controller: when it is lost, the other has no state to go on with; \
          serve it from a third host"
        ]
    );
    let existing = from_a.replace("from: a}", "from: existing}").replace(", storage", "");
    parse(&existing).unwrap();
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "cluster: My Cluster\nhosts:\n  - {name: head1, roles: [controller, compute, dashboard]}\n  - {name: head1, \
                roles: [compute]}\npartitons: []\nssh: {user: \"\"}\n";
    assert_eq!(
        problems(text),
        [
            "line 1, column 1: cluster is no name for a cluster: \"My Cluster\"; lower-case letters, digits, _ and - make \
             one, at most 40",
            "line 2, column 1: hosts has no database, which accounting needs; give one host the role database, or set \
             accounting.enabled to false",
            "line 4, column 6: hosts[1].name has \"head1\", which hosts[0] has already",
            "line 5, column 1: partitons is no key that is known here; did you mean partitions?",
            "line 6, column 7: ssh.user is no login: \"\"",
        ]
    );
}

#[test]
fn hostile_files_are_refused_quickly() {
    let begin = Instant::now();
    let deep = format!("cluster: {}", "[".repeat(100_000));
    let nested: String = (0..1000).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n".to_owned();
    let long_key = format!("{}: 1", "k".repeat(900_000));
    let many_keys: String = (0..60_000).map(|at| format!("key{at}: 1\n")).collect();
    let many_hosts = format!("hosts:\n{}", "  - {name: \"n[1-10000]\", roles: [compute]}\n".repeat(20_000));
    let big = format!("# {}", "x".repeat(yaml::MAX_FILE));
    for text in [deep, nested, bomb, long_key, many_keys, many_hosts, big] {
        let problems = problems(&text);
        assert!((1..=51).contains(&problems.len()), "{problems:#?}");
        assert!(problems.iter().all(|problem| problem.len() < 1000), "{problems:#?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn ten_thousand_hosts_are_taken() {
    let text = "cluster: hpc\nhosts:\n  - {name: head, roles: [controller, dashboard, database]}\n  - {name: \
                \"n[0001-9999]\", roles: [compute]}\npartitions: [{name: a, nodes: \"n[0001-9999]\"}]\n";
    let config = parse(text).unwrap();
    assert_eq!(config.hosts.len(), MAX_HOSTS);
    assert_eq!(config.partitions[0].nodes.len(), MAX_HOSTS - 1);
}

/// Every key of the schema, as `ssh.port`, `hosts[].name`, with its default; `options{}` are keys of a map.
fn keys(schema: &Value, root: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
    let schema = schema["$ref"].as_str().map_or(schema, |to| root.pointer(&to[1..]).unwrap());
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        keys(choice, root, path, all);
    }
    if schema["items"].is_object() {
        keys(&schema["items"], root, &format!("{path}[]"), all);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        all.insert(path.clone(), property["default"].clone());
        keys(property, root, &path, all);
    }
    if schema["properties"].is_object() {
        assert_eq!(schema["additionalProperties"], json!(false), "{path} is open");
    }
}

fn schema_keys() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    keys(&schema(), &schema(), "", &mut all);
    all
}

/// Keys of a value, likewise.
fn value_keys(value: &Value, path: &str, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| value_keys(item, &format!("{path}[]"), all)),
        Value::Object(object) if !path.ends_with("options") && !path.ends_with("cgroup") => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                all.insert(path.clone(), value.clone());
                value_keys(value, &path, all);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_no_other() {
    let full = yaml::read(FULL).unwrap();
    let mut report = problem::Report::default();
    let mut file: file::File = serde_json::from_value(schema::check(&full, &mut report)).unwrap();
    assert!(report.is_empty());
    file.identities.dashboard = Some(Identity::DASHBOARD);
    let mut read = BTreeMap::new();
    value_keys(&serde_json::to_value(file).unwrap(), "", &mut read);
    assert_eq!(schema_keys().keys().collect::<Vec<_>>(), read.keys().collect::<Vec<_>>());
}

#[test]
fn the_schema_says_the_defaults_that_hold() {
    let minimal: file::File = serde_json::from_value(json!({
        "cluster": "hpc", "hosts": [], "partitions": [{"name": "a", "nodes": "all"}],
        "accounting": {"accounts": [{"name": "a"}]},
    }))
    .unwrap();
    let mut hold = BTreeMap::new();
    value_keys(&serde_json::to_value(minimal).unwrap(), "", &mut hold);
    for (key, said) in schema_keys().into_iter().filter(|(_, said)| !said.is_null()) {
        assert_eq!(hold.get(&key), Some(&said), "{key}");
    }
}

#[test]
fn every_key_is_in_the_documents_and_every_example_there_is_right() {
    let text = include_str!("../../../docs/cluster-yaml.md");
    for key in schema_keys().keys() {
        assert!(text.contains(&format!("| `{key}` |")), "docs/cluster-yaml.md has no row for {key}");
    }
    let examples: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        parse(example).unwrap_or_else(|problems| panic!("{example}\n{problems:#?}"));
    }
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

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn yaml_of_any_shape_is_answered(text in "([a-z\\[\\]{}&*!|>'\"%@#:, ?-]{0,12}\n[ ]{0,4}){0,12}") {
        let _ = parse(&text);
    }

    #[test]
    fn a_file_with_a_wrong_place_is_answered(at in 0..FULL.len(), with in any::<Option<char>>(), gone in 0_usize..6) {
        let mut text: Vec<char> = FULL.chars().collect();
        let at = at.min(text.len() - 1);
        text.splice(at..(at + gone).min(text.len()), with);
        let text: String = text.into_iter().collect();
        match parse(&text) {
            // Whatever is taken can be written and read again.
            Ok(config) => {
                let written = render::render(&config, &[], &BTreeMap::new());
                prop_assert_eq!(parse(&written), Ok(config), "{}", written);
            }
            Err(problems) => {
                let lines = text.lines().count() + 1;
                prop_assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line) && problem.column > 0));
            }
        }
    }
}
