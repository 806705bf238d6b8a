//! Whole plans, from facts of each distribution.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Limits, Phase, Plan, Step, make};
use crate::action::{Account, Action, Content, Member};
use crate::config::{
    Accounting, Config, ConfigHost, Dashboard, Identities, MemoryMargin, NodeFacts, Packages, Partition, Role, Share,
    ShareFrom, Slurm, Ssh, Storage, Versions,
};
use crate::facts::{Cgroup, Facts};
use crate::finding::{Finding, Severity};
use crate::host::User;
use crate::preflight::{explain, judge};
use crate::secrets::Secrets;
use crate::slurm_conf::{Conf, Said};

mod day_two;
mod identities;
mod preflight;

const SYSTEMS: [&str; 7] = ["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "rocky-8", "rocky-9", "rocky-10"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

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

fn config(hosts: &[(&str, &[Role])]) -> Config {
    let hosts: Vec<ConfigHost> = hosts
        .iter()
        .map(|(name, roles)| ConfigHost {
            name: (*name).to_owned(),
            address: (*name).to_owned(),
            roles: roles.iter().copied().collect(),
            node: NodeFacts::default(),
        })
        .collect();
    let nodes = hosts.iter().filter(|host| host.has(Role::Compute)).map(|host| host.name.clone()).collect();
    Config {
        cluster: "hpc".into(),
        hosts,
        ssh: Ssh::default(),
        partitions: vec![Partition {
            name: "main".into(),
            nodes,
            default: true,
            max_time: None,
            options: BTreeMap::new(),
        }],
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

fn single() -> Config {
    use Role::{Compute, Controller, Dashboard, Database, Login};
    config(&[("hpc1", &[Controller, Database, Compute, Login, Dashboard])])
}

fn head_and_nodes() -> Config {
    use Role::{Compute, Controller, Dashboard, Database, Login};
    config(&[("head1", &[Controller, Database, Login, Dashboard]), ("node001", &[Compute]), ("node002", &[Compute])])
}

fn two_heads() -> Config {
    use Role::{BackupController, Compute, Controller, Dashboard, Database, Login, Storage};
    let mut config = config(&[
        ("head1", &[Controller, Login]),
        ("head2", &[BackupController]),
        ("db1", &[Database, Dashboard, Storage]),
        ("node001", &[Compute]),
        ("node002", &[Compute]),
        ("node003", &[Compute]),
    ]);
    for (number, host) in config.hosts.iter_mut().enumerate() {
        host.address = format!("10.77.0.{}", number + 11);
    }
    config.storage.shared = Some(Share { path: "/shared".into(), from: ShareFrom::Host("db1".into()) });
    config.accounting.accounts = vec![Account {
        name: "physics".into(),
        parent: "root".into(),
        description: "Physics".into(),
        organization: "Uni".into(),
    }];
    config.accounting.users = vec![Member { user: "ada".into(), account: "physics".into(), qos: Vec::new() }];
    config
}

/// Facts of one system for all hosts, each with its own name and address.
fn facts(system: &str, config: &Config) -> BTreeMap<String, Facts> {
    let text = std::fs::read_to_string(fixtures().join(format!("facts/{system}.json"))).unwrap();
    let address = |number: usize| -> IpAddr { format!("10.77.0.{}", number + 11).parse().unwrap() };
    let names: BTreeMap<String, Vec<IpAddr>> =
        config.hosts.iter().enumerate().map(|(number, host)| (host.name.clone(), vec![address(number)])).collect();
    let of = |(number, host): (usize, &ConfigHost)| {
        let mut facts: Facts = serde_json::from_str(&text.replace("HOST", &host.name)).unwrap();
        facts.addresses = vec![address(number)];
        facts.names.clone_from(&names);
        if let Some(mounts) = facts.files.get_mut(Path::new("/proc/self/mounts")) {
            mounts.push_str("files1:/home /home nfs4 rw 0 0\n");
        }
        (host.name.clone(), facts)
    };
    config.hosts.iter().enumerate().map(of).collect()
}

fn planned(config: &Config, facts: &BTreeMap<String, Facts>) -> Plan {
    make(config, facts, &secrets(), &Limits::default()).unwrap()
}

/// A plan as text: stages, steps, and the text of files.
fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    let mut files: BTreeMap<(&Path, &str), Vec<&str>> = BTreeMap::new();
    for stage in &plan.stages {
        let _ = writeln!(text, "## {} | {}", stage.phase.name(), stage.title);
        if !stage.may_be_left_out.is_empty() {
            let _ = writeln!(text, "may be left out: {}", stage.may_be_left_out.join(" "));
        }
        for step in &stage.steps {
            let _ = write!(text, "{}", step.id);
            if !step.when_changed.is_empty() {
                let _ = write!(text, " | after {} of {}", step.when_changed.len(), step.when_changed[0]);
            }
            text.push('\n');
            if let Action::WriteFile(file) = &step.action {
                let content = match &file.content {
                    Content::Text(content) => content,
                    Content::Material { .. } => "(secret)\n",
                };
                files.entry((&file.path, content)).or_default().push(&step.host);
            }
        }
    }
    for ((path, content), hosts) in files {
        let _ = write!(text, "\n==> {} on {}\n{content}", path.display(), super::fold::fold(hosts));
    }
    text
}

/// Compares with the file; writes it anew when the test is told to.
fn is_as_recorded(name: &str, text: &str) {
    let path = fixtures().join(format!("plans/{name}.txt"));
    if std::env::var_os("RECORD_PLANS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let at = recorded.lines().zip(text.lines()).position(|(one, other)| one != other);
    assert!(recorded == text, "{} differs, first in line {at:?}; RECORD_PLANS=1 writes it anew", path.display());
}

fn errors(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).map(Finding::to_string).collect()
}

fn text_of(plan: &Plan, host: &str, path: &str) -> String {
    let found = plan.steps().filter(|step| step.host == host).find_map(|step| match &step.action {
        Action::WriteFile(file) if file.path == Path::new(path) => Some(file.content.clone()),
        _ => None,
    });
    match found {
        Some(Content::Text(text)) => text.to_string(),
        other => panic!("{path} on {host}: {other:?}"),
    }
}

fn has(plan: &Plan, id: &str) -> bool {
    plan.steps().any(|step| step.id.0 == id)
}

#[test]
fn plans_are_as_recorded() {
    for (name, config) in
        [("single", single()), ("head-and-two", head_and_nodes()), ("two-heads-and-three", two_heads())]
    {
        for system in SYSTEMS {
            let facts = facts(system, &config);
            assert_eq!(errors(&judge(&config, &facts, &secrets())), Vec::<String>::new(), "{name} on {system}");
            is_as_recorded(&format!("{name}-{system}"), &shown(&planned(&config, &facts)));
        }
    }
}

#[test]
fn steps_are_named_once_and_wait_for_earlier_ones() {
    for config in [single(), head_and_nodes(), two_heads()] {
        for system in SYSTEMS {
            let plan = planned(&config, &facts(system, &config));
            let mut earlier = BTreeSet::new();
            for stage in &plan.stages {
                let before = earlier.clone();
                for step in &stage.steps {
                    for cause in &step.when_changed {
                        let same_host = format!("{}/{}/", stage.phase.name(), step.host);
                        let is_earlier =
                            before.contains(cause) || (earlier.contains(cause) && cause.0.starts_with(&same_host));
                        assert!(is_earlier, "{} waits for {cause}", step.id);
                    }
                    assert!(earlier.insert(step.id.clone()), "{} is there twice", step.id);
                }
            }
            for (host, materials) in &plan.materials {
                assert!(config.host(host).is_some() && !materials.0.is_empty());
            }
        }
    }
}

#[test]
fn no_secret_is_in_a_plan() {
    let (config, secrets) = (two_heads(), secrets());
    let plan = planned(&config, &facts("debian-12", &config));
    let steps = serde_json::to_string(&plan.stages).unwrap() + &format!("{plan:?}");
    for secret in [&secrets.database_password, &secrets.dashboard_admin_password, &secrets.ssh_ca.private] {
        let text = String::from_utf8(secret.0.clone()).unwrap();
        assert!(!steps.contains(text.lines().next_back().unwrap()) && !steps.contains(text.trim()));
    }
    assert!(!steps.contains(&data_encoding::BASE64.encode(&secrets.munge_key.0)));
    let materials = &plan.materials["db1"];
    let password = String::from_utf8(secrets.database_password.0).unwrap();
    assert!(String::from_utf8_lossy(materials.get("slurmdbd.conf").unwrap()).contains(&password));
}

#[test]
fn a_plan_is_the_same_twice_and_on_what_it_made() {
    let config = two_heads();
    let mut facts = facts("debian-12", &config);
    let first = planned(&config, &facts);
    assert_eq!(shown(&first), shown(&planned(&config, &facts)));
    for step in first.steps() {
        let facts = facts.get_mut(&step.host).unwrap();
        if let Action::WriteFile(file) = &step.action {
            match &file.content {
                Content::Text(text) => drop(facts.files.insert(file.path.clone(), text.to_string())),
                Content::Material { sha256, .. } => drop(facts.digests.insert(file.path.clone(), sha256.clone())),
            }
        }
        if let Action::AddUser(user) = &step.action
            && !facts.users.iter().any(|known| known.name == user.name)
        {
            facts.users.push(User {
                name: user.name.clone(),
                uid: user.uid,
                gid: user.uid,
                comment: String::new(),
                home: user.home.clone(),
                shell: user.shell.clone(),
            });
        }
        // Another kernel counts some MiB less.
        facts.memory_mib = 15_985;
    }
    assert_eq!(shown(&first), shown(&planned(&config, &facts)));
    assert_eq!(errors(&judge(&config, &facts, &secrets())), Vec::<String>::new());
}

#[test]
fn limits_leave_out_what_is_not_asked_for() {
    let config = head_and_nodes();
    let facts = facts("debian-12", &config);
    let limited = |only: &[Phase], hosts: &[&str]| {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        make(&config, &facts, &secrets(), &Limits { only: only.to_vec(), hosts, ..Limits::default() }).unwrap()
    };
    let test = limited(&[Phase::SelfTest], &[]);
    assert!(test.steps().count() >= 5 && test.steps().all(|step| step.when_changed.is_empty()));
    let node = limited(&[], &["node001"]);
    assert!(node.steps().all(|step| step.host == "node001"));
    assert!(has(&node, "nodes/node001/restart of slurmd.service"));
    let controller = limited(&[Phase::Controller], &[]);
    assert!(!has(&controller, "controller/head1/restart of slurmctld.service"), "nothing of it can have changed");
    assert!(has(&controller, "controller/head1/unit slurmctld.service"));
}

#[test]
fn a_node_that_is_away_stays_as_it_was_and_a_new_one_waits() {
    let config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    let whole = text_of(&planned(&config, &facts), "head1", "/etc/slurm/slurm.conf");
    facts.remove("node002");
    let without = text_of(&planned(&config, &facts), "head1", "/etc/slurm/slurm.conf");
    assert!(without.contains("NodeName=node001 ") && !without.contains("node002"), "{without}");
    let before = whole.clone();
    facts.get_mut("head1").unwrap().files.insert("/etc/slurm/slurm.conf".into(), before);
    let plan = planned(&config, &facts);
    assert_eq!(text_of(&plan, "head1", "/etc/slurm/slurm.conf"), whole);
    assert!(plan.steps().all(|step| step.host != "node002"));
    // It is said once, with the reason: here, or among the hosts that are left out.
    facts.remove("head1");
    let refused = make(&config, &facts, &secrets(), &Limits::default()).unwrap_err();
    assert!(errors(&refused)[0].contains("head1: it can't be reached"), "{refused:?}");
    let mut findings = judge(&config, &facts, &secrets());
    let away = BTreeMap::from(["head1", "node002"].map(|host| (host.to_owned(), "no route to host".to_owned())));
    let left_out = explain(&mut findings, &away);
    assert_eq!(left_out, BTreeMap::from([("node002", "no route to host")]));
    let said: Vec<_> = findings.iter().filter(|finding| finding.what.contains("can't be reached")).collect();
    assert_eq!(said.len(), 1, "{findings:?}");
    assert!(said[0].host.as_deref() == Some("head1") && said[0].what.contains("no route to host"), "{said:?}");
}

#[test]
fn a_changed_option_is_read_and_a_changed_node_restarts_the_daemons() {
    let mut config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    let old = text_of(&planned(&config, &facts), "head1", "/etc/slurm/slurm.conf");
    facts.get_mut("head1").unwrap().files.insert("/etc/slurm/slurm.conf".into(), old);
    config.slurm.options.insert("KillWait".into(), "60".into());
    let plan = planned(&config, &facts);
    assert!(has(&plan, "controller/head1/reload of slurmctld.service"));
    let restart = plan.steps().find(|step| step.id.0 == "nodes/node001/restart of slurmd.service").unwrap();
    assert!(restart.when_changed.iter().all(|cause| cause.0.starts_with("nodes/node001/")), "{restart:?}");

    config.hosts.pop();
    config.partitions[0].nodes.pop();
    let plan = planned(&config, &facts);
    assert!(has(&plan, "controller/head1/restart of slurmctld.service"));
    let written = plan.steps().find(|step| step.id.0 == "configuration/head1/file /etc/slurm/slurm.conf").unwrap();
    assert!(written.disrupts.as_ref().unwrap().contains("node002"), "{written:?}");
}

#[test]
fn what_is_written_is_what_slurm_and_the_configuration_know() {
    let mut config = two_heads();
    config.slurm.options.insert("JobSubmitPlugins".into(), "lua".into());
    config.slurm.cgroup.insert("ConstrainRAMSpace".into(), "no".into());
    config.slurm.options.insert("MailDomain".into(), "a b".into());
    config.slurm.options.insert("returntoservice".into(), "1".into());
    config.slurm.options.insert("DefMemPerNode".into(), "100".into());
    config.slurm.options.insert("SlurmctldParameters".into(), "idle_on_node_suspend".into());
    for system in SYSTEMS {
        let plan = planned(&config, &facts(system, &config));
        let conf = Conf::parse(&text_of(&plan, "head1", "/etc/slurm/slurm.conf"));
        assert!(!conf.lines.iter().any(|line| matches!(line.said, Said::Malformed(_))), "{conf:?}");
        assert_eq!(conf.get("MailDomain"), Some("a b"));
        for pair in conf.options() {
            let times = conf.all(&pair.name).count();
            assert!(times == 1 || pair.is("SlurmctldHost"), "{} is there {times} times", pair.name);
        }
        assert_eq!((conf.get("ReturnToService"), conf.get("DefMemPerCPU")), (Some("1"), None));
        assert_eq!(conf.get("SlurmctldParameters"), Some("enable_configless,idle_on_node_suspend"));
        assert_eq!(conf.records("NodeName").len(), 1);
        assert_eq!(conf.records("PartitionName")[0].get("Nodes"), Some("ALL"));
        let cgroup = Conf::parse(&text_of(&plan, "head1", "/etc/slurm/cgroup.conf"));
        for pair in cgroup.options() {
            assert_eq!(cgroup.all(&pair.name).count(), 1, "{}", pair.name);
        }
    }
}

#[test]
fn the_authority_is_the_dashboards_once_it_has_it() {
    let config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    let trusted = "/etc/ssh/slurmdash_ca.pub";
    let ours = text_of(&planned(&config, &facts), "head1", trusted);
    // A rotation began: sshd trusts both keys, ours still signs.
    let both = format!("{ours}ssh-ed25519 AAAAnext slurmdash-user-ca\n");
    let head = facts.get_mut("head1").unwrap();
    head.files.insert(trusted.into(), both.clone());
    head.digests.insert(super::ssh_ca::PRIVATE.into(), crate::bytes::sha256(&secrets().ssh_ca.private.0));
    assert_eq!(text_of(&planned(&config, &facts), "head1", trusted), both);
    // It is over: another key signs.
    let next = "ssh-ed25519 AAAAnext slurmdash-user-ca\n";
    let head = facts.get_mut("head1").unwrap();
    head.files.insert(trusted.into(), next.into());
    head.digests.insert(super::ssh_ca::PRIVATE.into(), "ab".repeat(32));
    let plan = planned(&config, &facts);
    assert_eq!(text_of(&plan, "head1", trusted), next);
    assert!(!has(&plan, "ssh-ca/head1/file /var/lib/slurmdash/ssh_ca/current"));
}

#[test]
fn packages_come_from_a_folder_that_every_host_has() {
    let mut config = head_and_nodes();
    config.packages = Packages::Folder("/shared/debs".into());
    let mut facts = facts("debian-12", &config);
    let missing = errors(&judge(&config, &facts, &secrets()));
    assert_eq!(missing.len(), 3, "{missing:?}");
    for facts in facts.values_mut() {
        facts.digests.insert("/shared/debs/Packages".into(), "ab".repeat(32));
        facts.available.clear();
    }
    assert_eq!(errors(&judge(&config, &facts, &secrets())), Vec::<String>::new());
    let plan = planned(&config, &facts);
    let list = text_of(&plan, "node001", "/etc/apt/sources.list.d/slurmdash.list");
    assert!(list.ends_with("\ndeb [trusted=yes] file:/shared/debs ./\n"), "{list}");
}

#[test]
fn a_host_is_asked_for_what_it_must_know() {
    let config = two_heads();
    let names = |host: &str| super::wanted(&config, config.host(host).unwrap()).names;
    assert_eq!(names("head1").len(), 6);
    assert_eq!(names("node001"), ["node001", "head1", "head2", "db1"], "not the other nodes");
    let wanted = super::wanted(&config, config.host("db1").unwrap());
    assert_eq!(wanted.ports, [6819, 8443]);
    assert!(wanted.packages.contains(&"mariadb-server".to_owned()));
}

#[test]
fn hybrid_hosts_get_what_slurm_takes() {
    for (system, plugin) in [("debian-12", "cgroup/v1"), ("debian-13", "disabled")] {
        let config = single();
        let mut facts = facts(system, &config);
        facts.get_mut("hpc1").unwrap().cgroup = Cgroup::Hybrid;
        let plan = planned(&config, &facts);
        let cgroup = text_of(&plan, "hpc1", "/etc/slurm/cgroup.conf");
        assert!(cgroup.contains(&format!("CgroupPlugin={plugin}\n")) && !cgroup.contains("Constrain"), "{cgroup}");
        let slurm = text_of(&plan, "hpc1", "/etc/slurm/slurm.conf");
        assert!(slurm.contains("ProctrackType=proctrack/linuxproc\nTaskPlugin=task/affinity\n"), "{slurm}");
    }
}

#[test]
fn srun_is_called_back_on_a_login_host_too() {
    let mut config = two_heads();
    config.hosts[0].roles.remove(&Role::Login);
    config.hosts[2].roles.insert(Role::Login);
    let mut facts = facts("debian-12", &config);
    facts.get_mut("db1").unwrap().firewalls = vec!["firewalld".into()];
    let plan = planned(&config, &facts);
    assert!(has(&plan, "configuration/db1/ports 60001-63000 in firewalld"));
}

#[test]
fn a_head_that_is_away_is_one_error() {
    let config = head_and_nodes();
    let mut facts = facts("debian-12", &config);
    facts.remove("head1");
    let found = make(&config, &facts, &secrets(), &Limits::default()).unwrap_err();
    let errors = errors(&found);
    assert!(matches!(errors.as_slice(), [one] if one.contains("head1")), "{errors:?}");
}

#[test]
fn a_daemon_is_watched_where_nobody_waits_for_its_answer() {
    let config = head_and_nodes();
    let facts = facts("debian-12", &config);
    let unwatched = |limits: &Limits| -> Vec<String> {
        let plan = make(&config, &facts, &secrets(), limits).unwrap();
        let later = |step: &&Step| match &step.action {
            Action::SetUnit(unit) => unit.answers_later,
            _ => false,
        };
        plan.steps().filter(later).map(|step| step.id.0.clone()).collect()
    };
    let all = unwatched(&Limits::default());
    for step in ["database/head1/unit slurmdbd.service", "controller/head1/unit slurmctld.service"] {
        assert!(all.iter().any(|id| id == step), "{step}: {all:?}");
    }
    assert!(!all.iter().any(|id| id.contains("mariadb")), "{all:?}");
    let only = unwatched(&Limits { only: vec![Phase::Database], ..Limits::default() });
    assert!(only.is_empty(), "the controller waits for slurmdbd, and is left out: {only:?}");
}

#[test]
fn a_thousand_nodes_are_few_lines() {
    let mut config = head_and_nodes();
    config.hosts.truncate(1);
    for number in 1..=1000 {
        config.hosts.push(ConfigHost {
            name: format!("node{number:04}"),
            address: format!("node{number:04}"),
            roles: BTreeSet::from([Role::Compute]),
            node: NodeFacts::default(),
        });
    }
    config.partitions[0].nodes = config.hosts[1..].iter().map(|host| host.name.clone()).collect();
    let facts = facts("debian-12", &head_and_nodes());
    let node = facts["node001"].clone();
    let facts = config
        .hosts
        .iter()
        .map(|host| {
            let facts = if host.name == "head1" { facts["head1"].clone() } else { node.clone() };
            (host.name.clone(), Facts { hostname: host.name.clone(), ..facts })
        })
        .collect();
    let plan = planned(&config, &facts);
    let conf = text_of(&plan, "head1", "/etc/slurm/slurm.conf");
    let nodes: Vec<&str> = conf.lines().filter(|line| line.starts_with("NodeName=")).collect();
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    assert!(nodes[0].starts_with("NodeName=node[0001-1000] "), "{}", nodes[0]);
    assert!(plan.steps().count() > 10_000);
}
