//! Plans for a cluster that stands already.
use super::*;

/// A cluster as it stands, with its slurm.conf on the controller.
pub(super) fn standing(config: &Config) -> BTreeMap<String, Facts> {
    let mut facts = facts("debian-12", config);
    let head = &config.hosts[0].name;
    let conf = text_of(&planned(config, &facts), head, "/etc/slurm/slurm.conf");
    facts.get_mut(head).unwrap().files.insert("/etc/slurm/slurm.conf".into(), conf);
    facts
}

#[test]
fn a_host_that_leaves_takes_no_more_jobs_and_stops_before_the_controller_forgets_it() {
    let mut config = head_and_nodes();
    let mut facts = standing(&config);
    let leaving = vec![config.hosts.pop().unwrap()];
    config.partitions[0].nodes.pop();
    let limits = Limits { leaving, ..Limits::default() };
    let plan = make(&config, &facts, &secrets(), &limits).unwrap();
    let place = |id: &str| plan.steps().position(|step| step.id.0 == id).unwrap_or_else(|| panic!("no {id}"));
    let order = [
        "configuration/head1/drain of node002",
        "configuration/node002/unit slurmd.service",
        "configuration/head1/file /etc/slurm/slurm.conf",
        "controller/head1/restart of slurmctld.service",
        "nodes/node001/restart of slurmd.service",
    ];
    assert!(order.map(place).is_sorted(), "{order:?}");
    let step = plan.steps().nth(place(order[2])).unwrap();
    assert_eq!(step.disrupts.as_deref(), Some("ends running jobs on node002"));
    assert_eq!(step.endangers, ["node002"], "jobs elsewhere go on");
    let stage = plan.stages.iter().find(|stage| stage.steps.iter().any(|step| step.host == "node002")).unwrap();
    assert_eq!(stage.may_be_left_out, ["node002"]);
    assert_eq!(plan.steps().filter(|step| step.host == "node002").count(), 1, "what is on it stays");

    // One that can't be reached keeps nobody from going on, nor does one that Slurm does not know.
    facts.remove("node002");
    let plan = make(&config, &facts, &secrets(), &limits).unwrap();
    assert!(has(&plan, order[0]) && plan.steps().all(|step| step.host != "node002"));
    facts.get_mut("head1").unwrap().files.remove(Path::new("/etc/slurm/slurm.conf"));
    assert!(!has(&make(&config, &facts, &secrets(), &limits).unwrap(), order[0]));
}

#[test]
fn a_partition_that_goes_needs_a_restart_and_one_that_comes_does_not() {
    let mut config = head_and_nodes();
    let mut facts = standing(&config);
    let short = Partition { name: "short".into(), nodes: vec!["node002".into()], ..config.partitions[0].clone() };
    config.partitions.push(Partition { default: false, ..short });
    let plan = planned(&config, &facts);
    assert!(has(&plan, "controller/head1/reload of slurmctld.service"));
    let conf = text_of(&plan, "head1", "/etc/slurm/slurm.conf");
    facts.get_mut("head1").unwrap().files.insert("/etc/slurm/slurm.conf".into(), conf);
    config.partitions.pop();
    let plan = planned(&config, &facts);
    assert!(has(&plan, "controller/head1/restart of slurmctld.service"));
    let written = plan.steps().find(|step| step.id.0 == "configuration/head1/file /etc/slurm/slurm.conf").unwrap();
    assert_eq!(written.disrupts.as_deref(), Some("ends running jobs in partition short"));
    assert_eq!(written.endangers, ["node002"]);
}

/// The same cluster with a newer Slurm in its package sources.
fn with_newer(config: &Config, version: &str) -> BTreeMap<String, Facts> {
    let mut facts = standing(config);
    for host in &config.hosts {
        let there = facts.get_mut(&host.name).unwrap();
        let roles = host.roles.iter().filter_map(|role| match role {
            Role::Controller | Role::BackupController => Some("slurmctld"),
            Role::Database => Some("slurmdbd"),
            Role::Compute => Some("slurmd"),
            _ => None,
        });
        for package in roles.chain(["slurm-client"]) {
            there.packages.insert(package.into(), "22.05.8-4".into());
            there.available.insert(package.into(), version.into());
        }
    }
    facts
}

#[test]
fn an_upgrade_is_done_when_it_is_asked_for_and_goes_down_from_the_database() {
    let config = two_heads();
    let facts = with_newer(&config, "22.05.9-1");
    let upgrades = |plan: &Plan| plan.steps().filter(|step| step.id.0.contains("/upgrade of ")).count();
    assert_eq!(upgrades(&planned(&config, &facts)), 0, "nobody asked for it");
    let said = crate::preflight::upgrades(&config, &facts, false);
    assert!(said.len() == 6 && said.iter().all(|finding| finding.fix.contains("--upgrade")), "{said:?}");

    let plan = make(&config, &facts, &secrets(), &Limits { upgrade: true, ..Limits::default() }).unwrap();
    assert_eq!(upgrades(&plan), 6);
    let steps: Vec<&str> = plan.steps().map(|step| step.id.0.as_str()).collect();
    let place = |id: &str| steps.iter().position(|step| *step == id).unwrap_or_else(|| panic!("no {id} in {steps:#?}"));
    let order = [
        "packages/db1/unit slurmdbd.service",
        "packages/db1/dump of database slurm_acct_db",
        "packages/db1/upgrade of slurm-client slurmdbd",
        "packages/db1/restart of slurmdbd.service",
        "packages/head1/slurmdbd answers",
        "packages/head2/unit slurmctld.service",
        "packages/head1/unit slurmctld.service",
        "packages/head1/copy of /shared/slurmctld",
        "packages/head1/upgrade of slurm-client slurmctld",
        "packages/head1/restart of slurmctld.service",
        "packages/head2/upgrade of slurm-client slurmctld",
        "packages/head2/restart of slurmctld.service",
        "packages/node003/unit slurmd.service",
        "packages/node003/upgrade of slurm-client slurmd",
        "packages/node003/restart of slurmd.service",
    ];
    assert!(order.map(place).is_sorted(), "{steps:#?}");
    let mut of_packages = plan.steps().filter(|step| step.id.0.starts_with("packages/"));
    assert!(of_packages.all(|step| step.disrupts.is_none()), "jobs go on");

    // Where one host does it all, each daemon is stopped once and started in the same order.
    let config = single();
    let facts = with_newer(&config, "22.05.9-1");
    let plan = make(&config, &facts, &secrets(), &Limits { upgrade: true, ..Limits::default() });
    let plan = plan.unwrap_or_else(|findings| panic!("{findings:?}"));
    let starts: Vec<&str> =
        plan.steps().map(|step| step.id.0.as_str()).filter(|id| id.starts_with("packages/hpc1/re")).collect();
    assert_eq!(
        starts,
        ["slurmdbd", "slurmctld", "slurmd"].map(|unit| format!("packages/hpc1/restart of {unit}.service"))
    );
    assert_eq!(upgrades(&plan), 1);
}

#[test]
fn a_version_that_is_insisted_on_is_brought_and_two_releases_are_the_most() {
    let mut config = head_and_nodes();
    let facts = with_newer(&config, "23.11.4-1");
    config.versions.slurm = Some("23.11".into());
    assert_eq!(errors(&judge(&config, &facts, &secrets())), Vec::<String>::new());
    let plan = planned(&config, &facts);
    assert!(has(&plan, "packages/node001/upgrade of slurm-client slurmd"));
    let copy = plan.steps().find(|step| step.id.0.contains("dump of")).unwrap();
    assert!(matches!(&copy.action, Action::KeepCopy(copy) if copy.is_of_another_release));
    config.versions.slurm = Some("22.05".into());
    assert!(!has(&planned(&config, &facts), "packages/node001/upgrade of slurm-client slurmd"));
    config.versions.slurm = None;
    let facts = with_newer(&config, "24.11.1-1");
    let refused = make(&config, &facts, &secrets(), &Limits { upgrade: true, ..Limits::default() }).unwrap_err();
    assert!(errors(&refused)[0].contains("two releases are the most"), "{refused:?}");
}
