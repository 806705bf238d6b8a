//! What people get wrong, and what they are told.
use super::*;

/// Whole files, and what is wrong with them.
const FILES: &[(&str, &str)] = &[
    ("", "line 1, column 1: cluster is missing"),
    ("a", "line 1, column 1: must be a mapping, not a single value"),
    ("- a", "line 1, column 1: must be a mapping, not a list"),
    (
        "cluster: [",
        "line 2, column 1: cluster is no valid YAML: while parsing a node, did not find expected node content",
    ),
    ("a: &x 1\nb: *x", "line 1, column 4: a has an anchor (&), which isn't taken here"),
    ("a: !!str 1", "line 1, column 4: a has a tag (!), which isn't taken here"),
    ("a: 1\na: 2", "line 2, column 1: has the key \"a\" twice"),
    ("[1]: 2", "line 1, column 1: has a key that is no single word"),
    ("a: 1\n---\nb: 2", "line 2, column 1: is a second document"),
];

#[test]
fn a_problem_says_where_what_and_what_would_be_right() {
    for (text, expected) in FILES {
        let all = problems(text);
        assert!(all.iter().any(|problem| problem == expected), "{text:?}: {all:#?}");
    }
}

/// Lines after [`MINIMAL`], and what is wrong with them.
const LINES: &[(&str, &str)] = &[
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
    ("partitions: [{name: a, nodes: all}, {name: A, nodes: all}]", "partitions[1].name has the name of partitions[0]"),
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
    ("identities: {munge: {uid: 65534, gid: 1}}", "identities.munge.uid must not be 65534, which stands for nobody"),
    (
        "identities: {munge: {uid: 9, gid: 9}, slurm: {uid: 9, gid: 8}}",
        "identities.slurm.uid is 9, which munge has already",
    ),
    ("memory_margin: {percent: 91}", "memory_margin.percent must be between 0 and 90, not 91"),
    (
        "accounting: {enabled: false, qos: [{name: a}]}",
        "accounting.enabled is false, but there are accounts, QOS or users",
    ),
    ("accounting: {accounts: [{name: Physics}]}", "accounting.accounts[0].name is no name for an account: \"Physics\""),
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
    ("accounting: {qos: [{name: a, options: {\"b c\": 1}}]}", "accounting.qos[0].options.b c is no name for an option"),
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
        "slurm: {cgroup: {CgroupAutomount: x}}",
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
    ("dashboard: {listen: \"0.0.0.0:6819\"}", "dashboard.listen has port 6819, which slurm.ports.slurmdbd has already"),
    ("dashboard: {listen: \":8443\"}", "dashboard.listen must be an address and a port, not \":8443\""),
    (
        "dashboard: {public_url: https://hpc.example.org/}",
        "dashboard.public_url must be http:// or https:// and a host",
    ),
    ("dashboard: {allowed_origins: [\"*\", https://a.org]}", "dashboard.allowed_origins[0] * already stands for all"),
    ("dashboard: {allowed_origins: [a.org]}", "dashboard.allowed_origins[0] must be http:// or https:// and a host"),
    ("dashboard: {tls: {certificate: /a, key: /a}}", "dashboard.tls.key must be another file than the certificate"),
    ("dashboard: {tls: {certificate: a, key: /a}}", "dashboard.tls.certificate must be an absolute path"),
    ("dashboard: {admin: {unix_user: root}}", "dashboard.admin.unix_user must not be root"),
    (
        "packages: {source: ../x}",
        "packages.source must be distribution, an absolute path or a plain http:// or https://",
    ),
    ("packages: {source: \"http://me:secret@host/\"}", "packages.source must be distribution"),
    ("versions: {slurm: new}", "versions.slurm is no version of Slurm: \"new\""),
];

#[test]
fn wrong_values_are_refused_in_words() {
    for (more, expected) in LINES {
        let all = problems(&with(more));
        assert!(all.iter().any(|problem| problem.contains(*expected)), "{more}\n{expected}\n{all:#?}");
    }
}

/// Values of `hosts`, and what is wrong with them.
const HOSTS: &[(&str, &str)] = &[
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
    ("[{name: a, roles: [compute], gpus: {a: b}}]", "hosts[0].gpus must be a whole number or a list, not a mapping"),
    ("[{name: a, roles: [compute], gpus: [/etc/passwd]}]", "hosts[0].gpus[0] must be a device file"),
    ("[{name: a, roles: [compute], gpus: [/dev/a, /dev/a]}]", "hosts[0].gpus[1] is there twice"),
    ("[{name: a, roles: [compute], features: [\"a,b\"]}]", "hosts[0].features[0] is no name for a feature: \"a,b\""),
];

#[test]
fn hosts_must_make_a_cluster() {
    for (hosts, expected) in HOSTS {
        let all = problems(&format!("cluster: hpc\nhosts: {hosts}\n"));
        assert!(all.iter().any(|problem| problem.contains(*expected)), "{hosts}\n{expected}\n{all:#?}");
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
            "line 5, column 35: storage.shared.from is a, a controller: when it is lost, the other has no state to go on with; \
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
