//! Sites to try things on.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use slurmdash_installer::action::{
    Account, Action, AddDashboardAdmin, AddGroup, AddUser, Associations, Await, Content, DrainNodes, Expected, Holds,
    InstallPackages, KeepCopy, MakeDatabase, MakeDirectory, Materials, Member, OpenPorts, PutProgram, Qos, RestartUnit,
    SetUnit, Source, UpgradePackages, WriteFile,
};
use slurmdash_installer::bytes::{Bytes, sha256};
use slurmdash_installer::host::fake::Fake;
use slurmdash_installer::plan::{Phase, Plan, Stage, Step, StepId};

use crate::drive::Site;

const MUNGE_KEY: &str = "the munge key that all hosts share";
const PASSWORD: &str = "the password of the database";
const SLURMDBD: &str = "StoragePass=the password of the database\n";
const ADMIN: &str = "the first password of the dashboard";

/// A plan that grows step by step.
#[derive(Default)]
struct Draft(Plan);

impl Draft {
    fn stage(&mut self, phase: Phase, title: &str, may_be_left_out: &[&str]) {
        let may_be_left_out = may_be_left_out.iter().map(|&host| host.to_owned()).collect();
        self.0.stages.push(Stage { phase, title: title.to_owned(), steps: Vec::new(), may_be_left_out });
    }

    fn step(&mut self, host: &str, action: Action) -> StepId {
        self.because(host, action, &[])
    }

    fn because(&mut self, host: &str, action: Action, causes: &[&StepId]) -> StepId {
        let stage = self.0.stages.last_mut().unwrap();
        let mut step = Step::new(stage.phase, host, action);
        step.when_changed = causes.iter().map(|&cause| cause.clone()).collect();
        stage.steps.push(step);
        stage.steps.last().unwrap().id.clone()
    }
}

fn text(path: &str, text: &str, owner: &str, mode: u32) -> Action {
    let check = Some(vec!["true".to_owned(), "{}".to_owned()]);
    file(path, Content::Text(Arc::from(text)), owner, mode, check)
}

fn secret(path: &str, name: &str, bytes: &str, owner: &str) -> Action {
    let content = Content::Material { name: name.to_owned(), sha256: sha256(bytes.as_bytes()) };
    file(path, content, owner, 0o600, None)
}

fn file(path: &str, content: Content, owner: &str, mode: u32, check: Option<Vec<String>>) -> Action {
    Action::WriteFile(WriteFile { path: path.into(), content, owner: owner.into(), group: owner.into(), mode, check })
}

fn folder(path: &str, owner: &str, holds: Holds) -> Action {
    let (owner, group) = (owner.to_owned(), owner.to_owned());
    Action::MakeDirectory(MakeDirectory { path: path.into(), owner, group, mode: 0o750, holds })
}

fn unit(name: &str) -> Action {
    Action::SetUnit(SetUnit {
        name: format!("{name}.service"),
        enabled: true,
        running: true,
        log: None,
        answers_later: false,
    })
}

fn restart(name: &str, reload: bool) -> Action {
    let (name, log, reload_by) = (format!("{name}.service"), None, Vec::new());
    Action::RestartUnit(RestartUnit { name, reload, log, answers_later: false, reload_by })
}

fn until(expected: Expected) -> Action {
    Action::Await(Await { expected, within_seconds: 20, log: None, unit: None })
}

/// A group and its user.
fn account(draft: &mut Draft, host: &str, name: &str, number: u32) {
    draft.step(host, Action::AddGroup(AddGroup { name: name.into(), gid: number }));
    let (home, shell) = ("/nonexistent".into(), "/usr/sbin/nologin".into());
    let (group, groups, comment) = (name.into(), vec!["sudo".into()], String::new());
    let (name, uid) = (name.into(), number);
    draft.step(host, Action::AddUser(AddUser { name, uid, group, groups, comment, home, shell, with_home: false }));
}

fn identities(draft: &mut Draft, hosts: &[&str]) {
    draft.stage(Phase::Identities, "users and groups", &[]);
    for host in hosts {
        account(draft, host, "munge", 901);
        account(draft, host, "slurm", 64030);
    }
}

fn packages(draft: &mut Draft, host: &str, names: &[&str]) {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    draft.step(host, Action::InstallPackages(InstallPackages { names, source: None }));
}

fn munge(draft: &mut Draft, hosts: &[&str]) {
    draft.stage(Phase::Munge, "the munge key to all hosts", &[]);
    for host in hosts {
        let key = draft.step(host, secret("/etc/munge/munge.key", "munge", MUNGE_KEY, "munge"));
        draft.step(host, unit("munge"));
        draft.because(host, restart("munge", false), &[&key]);
        draft.step(host, until(Expected::MungeAnswers));
    }
}

fn database(draft: &mut Draft, host: &str) {
    draft.stage(Phase::Database, "the accounting database", &[]);
    draft.step(host, unit("mariadb"));
    let (name, user, password) = ("slurm_acct".into(), "slurm".into(), "database".into());
    draft.step(host, Action::MakeDatabase(MakeDatabase { name, user, password }));
    draft.step(host, secret("/etc/slurm/slurmdbd.conf", "slurmdbd", SLURMDBD, "slurm"));
    draft.step(host, unit("slurmdbd"));
    draft.step(host, until(Expected::AccountingAnswers));
}

const CONF: &str = "ClusterName=hpc\nSlurmctldHost=head1\nNodeName=head1,node1,node2 CPUs=4\n";

/// slurmctld, and what starts it anew.
fn controller(draft: &mut Draft, host: &str) -> StepId {
    draft.stage(Phase::Configuration, "slurm.conf", &[]);
    let conf = draft.step(host, text("/etc/slurm/slurm.conf", CONF, "root", 0o644));
    let cgroup = draft.step(host, text("/etc/slurm/cgroup.conf", "CgroupPlugin=cgroup/v2\n", "root", 0o644));
    draft.stage(Phase::Controller, "slurmctld", &[]);
    draft.step(host, folder("/srv/slurm/state/slurmctld", "slurm", Holds::Data));
    draft.step(host, unit("slurmctld"));
    draft.because(host, restart("slurmctld", true), &[&conf, &cgroup]);
    draft.step(host, until(Expected::ControllersAnswer { hosts: vec!["head1".into()] }));
    conf
}

fn nodes(draft: &mut Draft, hosts: &[&str], left_out: &[&str], conf: &StepId) {
    draft.stage(Phase::Nodes, "slurmd", left_out);
    for host in hosts {
        draft.step(host, folder("/var/spool/slurmd", "root", Holds::Scratch));
        let options = draft.step(host, text("/etc/default/slurmd", "SLURMD_OPTIONS=-Z\n", "root", 0o644));
        draft.step(host, unit("slurmd"));
        draft.because(host, restart("slurmd", false), &[&options, conf]);
    }
}

/// What comes later in a cluster's life.
fn day_two(draft: &mut Draft, host: &str, conf: &StepId) {
    draft.stage(Phase::Nodes, "a node leaves, and packages are upgraded", &[]);
    // No controller knows it before, so looking and doing find the same. Draining is tried with the samples.
    draft.because(host, Action::DrainNodes(DrainNodes { nodes: vec!["node9".into()] }), &[conf]);
    let source = Source::Folder("/srv/slurm/state/slurmctld".into());
    draft.because(host, Action::KeepCopy(KeepCopy { source, is_of_another_release: false }), &[conf]);
    draft.step(host, Action::UpgradePackages(UpgradePackages { names: vec!["jq".into()] }));
}

fn accounts(draft: &mut Draft, host: &str) {
    draft.stage(Phase::Accounts, "accounts", &[]);
    draft.step(host, until(Expected::NodesReady { nodes: vec!["head1".into()], at_least: 1 }));
    let (name, parent) = ("physics".into(), "root".into());
    let account = Account { name, parent, description: "Physics".into(), organization: "Physics".into() };
    let qos = Qos { name: "long".into(), options: BTreeMap::from([("Priority".into(), "10".into())]) };
    let member = Member { user: "ada".into(), account: "physics".into(), qos: vec!["long".into()] };
    let (cluster, accounts, qos, members) = ("hpc".into(), vec![account], vec![qos], vec![member]);
    draft.step(host, Action::Associations(Associations { cluster, accounts, qos, members }));
}

fn dashboard(draft: &mut Draft, host: &str) {
    draft.stage(Phase::Dashboard, "the dashboard", &[]);
    account(draft, host, "slurmdash", 902);
    draft.step(host, Action::PutProgram(PutProgram { path: "/usr/local/bin/slurmdash".into() }));
    draft.step(host, folder("/var/lib/slurmdash", "slurmdash", Holds::Data));
    let configuration = draft.step(host, text("/etc/slurmdash/slurmdash.yaml", "http: {}\n", "slurmdash", 0o600));
    draft.step(host, text("/etc/systemd/system/slurmdash.service", "[Service]\n", "root", 0o644));
    draft.step(
        host,
        Action::AddDashboardAdmin(AddDashboardAdmin {
            name: "admin".into(),
            unix_user: "ada".into(),
            password: "admin".into(),
            program: "/usr/local/bin/slurmdash".into(),
            configuration: "/etc/slurmdash/slurmdash.yaml".into(),
            run_as: "slurmdash".into(),
        }),
    );
    draft.step(host, unit("slurmdash"));
    draft.because(host, restart("slurmdash", false), &[&configuration]);
    let ports = vec!["8443".into(), "60001-63000".into()];
    draft.step(host, Action::OpenPorts(OpenPorts { firewall: "firewalld".into(), ports }));
    let url = "https://127.0.0.1:8443".to_owned();
    draft.step(host, until(Expected::DashboardAnswers { url }));
}

fn fakes(names: &[&str]) -> BTreeMap<String, Fake> {
    let made = names.iter().map(|&name| {
        let fake = Fake::debian_12(name);
        fake.change(|world| {
            world.firewall = Some("firewalld".into());
            world.install(&["jq".into()]).unwrap();
            world.older = world.catalogue.clone();
            world.catalogue.get_mut("jq").unwrap().version = "1.7.1-3".into();
        });
        // What an admin had before: it must come back to the byte.
        fake.put_file("/etc/slurm/slurm.conf", "ClusterName=old\n", 0o640);
        fake.put_file("/usr/local/bin/slurmdash", "an older program", 0o700);
        fake.put_file("/var/spool/slurmd/cred_state", "an older node's", 0o600);
        (name.to_owned(), fake)
    });
    made.collect()
}

fn finish(draft: Draft, fakes: BTreeMap<String, Fake>) -> Site {
    let mut plan = draft.0;
    let secrets = [("munge", MUNGE_KEY), ("database", PASSWORD), ("slurmdbd", SLURMDBD), ("admin", ADMIN)];
    let secrets = secrets.map(|(name, bytes)| (name.to_owned(), Bytes(bytes.into())));
    for name in fakes.keys() {
        plan.materials.insert(name.clone(), Materials(BTreeMap::from(secrets.clone())));
    }
    Site { fakes, planner: Box::new(move |_| plan.clone()) }
}

/// Everything on one host.
pub fn one_host() -> Site {
    let mut draft = Draft::default();
    let head = "head1";
    identities(&mut draft, &[head]);
    draft.stage(Phase::Packages, "packages", &[]);
    packages(&mut draft, head, &["munge", "slurmctld", "slurmd", "slurmdbd", "slurm-client", "mariadb-server"]);
    munge(&mut draft, &[head]);
    database(&mut draft, head);
    let conf = controller(&mut draft, head);
    nodes(&mut draft, &[head], &[], &conf);
    day_two(&mut draft, head, &conf);
    accounts(&mut draft, head);
    dashboard(&mut draft, head);
    finish(draft, fakes(&[head]))
}

/// A head, and two nodes that the rest can do without.
pub fn three_hosts() -> Site {
    let mut draft = Draft::default();
    let hosts = ["head1", "node1", "node2"];
    identities(&mut draft, &hosts);
    draft.stage(Phase::Packages, "packages", &[]);
    packages(&mut draft, "head1", &["munge", "slurmctld", "slurm-client"]);
    packages(&mut draft, "node1", &["munge", "slurmd"]);
    packages(&mut draft, "node2", &["munge", "slurmd"]);
    munge(&mut draft, &hosts);
    let conf = controller(&mut draft, "head1");
    nodes(&mut draft, &["node1", "node2"], &["node1", "node2"], &conf);
    finish(draft, fakes(&hosts))
}

/// The kind of an action. A new kind does not compile until it is named here, and then fails the test below until a
/// site has it.
fn kind(action: &Action) -> &'static str {
    match action {
        Action::WriteFile(_) => "WriteFile",
        Action::MakeDirectory(_) => "MakeDirectory",
        Action::PutProgram(_) => "PutProgram",
        Action::AddGroup(_) => "AddGroup",
        Action::AddUser(_) => "AddUser",
        Action::InstallPackages(_) => "InstallPackages",
        Action::SetUnit(_) => "SetUnit",
        Action::RestartUnit(_) => "RestartUnit",
        Action::MakeDatabase(_) => "MakeDatabase",
        Action::Associations(_) => "Associations",
        Action::AddDashboardAdmin(_) => "AddDashboardAdmin",
        Action::OpenPorts(_) => "OpenPorts",
        Action::DrainNodes(_) => "DrainNodes",
        Action::UpgradePackages(_) => "UpgradePackages",
        Action::KeepCopy(_) => "KeepCopy",
        Action::Await(_) => "Await",
        // Undone last, and no step.
        Action::OwnFolder(_) => "OwnFolder",
    }
}

#[test]
fn every_kind_of_action_is_tried() {
    let plan = one_host().plan();
    let kinds: BTreeSet<&str> = plan.steps().map(|step| kind(&step.action)).collect();
    assert_eq!(kinds.len(), 16, "{kinds:?}: name the new kind above, and add a step of it to the site");
    let ids: BTreeSet<_> = plan.steps().map(|step| &step.id).collect();
    assert_eq!(ids.len(), plan.steps().count(), "steps have names of their own");
}
