//! At least one of each kind of action, each on a host on which it has something to do.
use std::collections::BTreeMap;

use super::hosts::{
    add_system_user, bare, by_hand, cluster, running, stopped, with, with_admin, with_dashboard, with_identities,
};
use crate::action::*;
use crate::bytes::{Bytes, sha256};
use crate::host::Host;
use crate::host::fake::Fake;

/// An action, a host that it is for, and what somebody does there before it is undone.
pub struct Sample {
    pub name: &'static str,
    pub host: fn() -> Fake,
    pub action: Action,
    /// A look after it says that all is as it should be.
    pub settles: bool,
    /// What somebody else does after it.
    pub foreign: fn(&Fake),
    /// Whether that is still there.
    pub survives: fn(&Fake) -> bool,
}

/// Secrets that the samples name.
pub fn materials() -> Materials {
    let secrets =
        [("munge.key", &b"\x00\x01 a key \xff"[..]), ("database", b"it's \\ a \"pass'word"), ("admin", b"pw")];
    Materials(secrets.into_iter().map(|(name, bytes)| (name.to_owned(), Bytes(bytes.to_vec()))).collect())
}

pub fn setting() -> Setting {
    Setting { keep: "/var/lib/slurmdash-install/kept/1".into(), written: BTreeMap::new(), keep_data: true }
}

pub fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn sample(name: &'static str, host: fn() -> Fake, action: Action) -> Sample {
    Sample {
        name,
        host,
        action,
        settles: true,
        foreign: |fake| fake.put_file("/etc/cron.d/mine", "* * * * * root true\n", 0o644),
        survives: |fake| fake.text("/etc/cron.d/mine").is_some(),
    }
}

impl Sample {
    fn but(mut self, foreign: fn(&Fake), survives: fn(&Fake) -> bool) -> Self {
        (self.foreign, self.survives) = (foreign, survives);
        self
    }

    fn never_settles(mut self) -> Self {
        self.settles = false;
        self
    }
}

fn file(path: &str, content: Content, owner: &str, mode: u32, check: Option<&[&str]>) -> Action {
    Action::WriteFile(WriteFile {
        path: path.into(),
        content,
        owner: owner.into(),
        group: owner.into(),
        mode,
        check: check.map(strings),
    })
}

fn files() -> Vec<Sample> {
    let text = |text: &str| Content::Text(text.into());
    let key = materials();
    let key = Content::Material { name: "munge.key".into(), sha256: sha256(key.get("munge.key").unwrap()) };
    vec![
        sample("new file", bare, file("/etc/slurm/deep/slurm.conf", text("A=1\n"), "root", 0o644, None)).but(
            |fake| fake.put_file("/etc/slurm/mine", "mine\n", 0o600),
            |fake| fake.text("/etc/slurm/mine").is_some(),
        ),
        sample(
            "file of the admin's",
            || {
                let fake = bare();
                fake.put_file("/etc/slurm/slurm.conf", "by hand\n", 0o640);
                fake
            },
            file("/etc/slurm/slurm.conf", text("A=1\n"), "root", 0o644, Some(&["true", "-t", "{}"])),
        )
        .but(
            |fake| fake.put_file("/etc/slurm/slurm.conf", "changed since\n", 0o600),
            |fake| {
                fake.text("/var/lib/slurmdash-install/kept/1/etc/slurm/slurm.conf").as_deref()
                    == Some("changed since\n")
            },
        ),
        sample("secret file", with_identities, file("/etc/munge/munge.key", key, "munge", 0o400, None)),
        sample(
            "owner of a file",
            || {
                let fake = bare();
                fake.put_file("/etc/ssh/x.conf", "A=1\n", 0o600);
                fake
            },
            file("/etc/ssh/x.conf", text("A=1\n"), "root", 0o644, None),
        ),
    ]
}

fn folder(path: &str, owner: &str, holds: Holds) -> Action {
    let (owner, group) = (owner.into(), owner.into());
    Action::MakeDirectory(MakeDirectory { path: path.into(), owner, group, mode: 0o750, holds })
}

fn folders() -> Vec<Sample> {
    vec![
        sample("own folder", bare, Action::OwnFolder(OwnFolder)),
        sample("new folder", bare, folder("/srv/a/b/c", "root", Holds::Scratch))
            .but(|fake| fake.put_file("/srv/a/mine", "mine\n", 0o644), |fake| fake.text("/srv/a/mine").is_some()),
        sample("folder with data", with_identities, folder("/srv/state", "slurm", Holds::Data)).but(
            |fake| fake.put_file("/srv/state/jobs", "jobs\n", 0o600),
            |fake| fake.text("/var/lib/slurmdash-install/kept/1/srv/state/jobs").is_some(),
        ),
        sample("owner of a folder", with_identities, folder("/srv", "slurm", Holds::Data))
            .but(|fake| fake.put_file("/srv/mine", "mine\n", 0o600), |fake| fake.text("/srv/mine").is_some()),
        sample("new program", bare, Action::PutProgram(PutProgram { path: "/usr/local/bin/slurmdash".into() })),
        sample(
            "newer program",
            with_dashboard,
            Action::PutProgram(PutProgram { path: "/usr/local/bin/slurmdash".into() }),
        )
        .but(
            |fake| fake.put_file("/usr/local/bin/slurmdash", "somebody's", 0o755),
            |fake| {
                let kept = "/var/lib/slurmdash-install/kept/1/usr/local/bin/slurmdash";
                fake.text(kept).as_deref() == Some("somebody's")
            },
        ),
    ]
}

fn accounts() -> Vec<Sample> {
    let user = |name: &str, uid: u32, group: &str, home: &str, with_home: bool| {
        Action::AddUser(AddUser {
            name: name.into(),
            uid,
            group: group.into(),
            groups: strings(&["sudo"]),
            comment: "somebody".into(),
            home: home.into(),
            shell: "/bin/bash".into(),
            with_home,
        })
    };
    vec![
        sample("new group", bare, Action::AddGroup(AddGroup { name: "munge".into(), gid: 901 })).but(
            |fake| fake.add_group("theirs", 903).unwrap(),
            |fake| fake.groups().unwrap().iter().any(|group| group.name == "theirs"),
        ),
        sample(
            "new user with a home",
            || {
                let fake = bare();
                fake.add_group("clusteradmin", 5000).unwrap();
                fake
            },
            user("clusteradmin", 5000, "clusteradmin", "/home/cluster/clusteradmin", true),
        )
        .but(
            |fake| fake.put_file("/home/cluster/clusteradmin/thesis", "words\n", 0o600),
            |fake| fake.text("/var/lib/slurmdash-install/kept/1/home/cluster/clusteradmin/thesis").is_some(),
        ),
        sample(
            "user in a group",
            || {
                let fake = with_identities();
                fake.set_member("root", "munge", true).unwrap();
                fake
            },
            user("munge", 901, "munge", "/nonexistent", false),
        )
        .but(
            |fake| fake.set_member("nobody", "munge", true).unwrap(),
            |fake| fake.groups().unwrap()[1].members == ["munge"],
        ),
    ]
}

fn packages() -> Vec<Sample> {
    let install = |names: &[&str]| Action::InstallPackages(InstallPackages { names: strings(names), source: None });
    let all = install(&["munge", "slurmctld", "slurmdbd", "slurmd", "slurm-client", "mariadb-server"]);
    let uses_munge = |fake: &Fake| fake.install_packages(&strings(&["pdsh", "jq"])).unwrap();
    vec![
        sample("packages on a bare host", bare, all.clone()).but(
            |fake| {
                fake.put_file("/etc/slurm/job_submit.lua", "-- mine\n", 0o644);
                add_system_user(fake, "theirs", 150);
                fake.put_file("/var/lib/theirs/data", "data\n", 0o600);
                fake.install_packages(&strings(&["jq"])).unwrap();
            },
            |fake| {
                let has_user = fake.users().unwrap().iter().any(|user| user.name == "theirs");
                let has_package = fake.packages().unwrap().iter().any(|package| package.name == "jq");
                has_user
                    && has_package
                    && fake.text("/etc/slurm/job_submit.lua").is_some()
                    && fake.text("/var/lib/theirs/data").is_some()
            },
        ),
        sample("packages after identities", with_identities, all.clone()).but(
            uses_munge,
            // munge stays with the package that needs it, with all that it needs.
            |fake| {
                let packages = fake.packages().unwrap();
                let has = |name: &str| packages.iter().any(|package| package.name == name);
                has("pdsh")
                    && has("jq")
                    && has("munge")
                    && !has("slurmctld")
                    && fake.text("/etc/munge/munge.key").is_some()
            },
        ),
        sample("packages beside munge", || with(&["munge"], &[], &["munge.service"]), all.clone()),
        sample("packages over a hand-made Slurm", by_hand, all),
        sample("one package", bare, install(&["nfs-kernel-server"])),
    ]
}

fn units() -> Vec<Sample> {
    let set = |name: &str, enabled: bool, running: bool| {
        Action::SetUnit(SetUnit {
            name: name.into(),
            enabled,
            running,
            log: Some("/var/log/munge/munged.log".into()),
            answers_later: false,
        })
    };
    let again = |reload: bool| {
        Action::RestartUnit(RestartUnit {
            name: "munge.service".into(),
            reload,
            log: None,
            answers_later: false,
            reload_by: Vec::new(),
        })
    };
    vec![
        sample("unit starts", stopped, set("munge.service", true, true)),
        sample("unit stops", running, set("munge.service", false, false)),
        sample("unit is only enabled", stopped, set("munge.service", true, false)),
        sample("unit restarts", running, again(false)).never_settles(),
        sample("unit reloads", running, again(true)).never_settles(),
        sample("restarted unit that was down", stopped, again(false)).never_settles(),
    ]
}

fn databases() -> Vec<Sample> {
    fn database() -> Action {
        let (name, user, password) = ("slurm_acct".into(), "slurm".into(), "database".into());
        Action::MakeDatabase(MakeDatabase { name, user, password })
    }
    fn associations() -> Action {
        let account = |name: &str, parent: &str| Account {
            name: name.into(),
            parent: parent.into(),
            description: "what it is".into(),
            organization: String::new(),
        };
        let member =
            |user: &str, qos: &[&str]| Member { user: user.into(), account: "physics".into(), qos: strings(qos) };
        Action::Associations(Associations {
            cluster: "hpc".into(),
            accounts: vec![account("science", "root"), account("Physics", "science")],
            qos: vec![Qos { name: "long".into(), options: [("MaxWall".into(), "7-0".into())].into() }],
            members: vec![member("ada", &["long"]), member("bob", &[])],
        })
    }
    vec![
        sample("new database", cluster, database()).but(
            |fake| {
                fake.change(|world| world.databases.insert("theirs".into()));
            },
            |fake| fake.change(|world| world.databases.contains("theirs")),
        ),
        sample(
            "database without its grant",
            || {
                let fake = cluster();
                let password = String::from_utf8(materials().get("database").unwrap().to_vec()).unwrap();
                fake.change(|world| {
                    world.databases.insert("slurm_acct".into());
                    world.database_users.insert("slurm".into(), password);
                });
                fake
            },
            database(),
        ),
        sample("new accounting", cluster, associations()).but(
            |fake| {
                fake.change(|world| {
                    world.slurm.users.insert("eve".into());
                    world.slurm.members.insert(("eve".into(), "physics".into()), ["long".into()].into());
                });
            },
            // With all that their place needs.
            |fake| {
                fake.change(|world| {
                    let slurm = &world.slurm;
                    slurm.members.contains_key(&("eve".into(), "physics".into()))
                        && slurm.accounts.contains_key("science")
                        && slurm.qos.contains_key("long")
                        && slurm.clusters.contains("hpc")
                        && !slurm.users.contains("ada")
                })
            },
        ),
        sample(
            "accounting that is there in part",
            || {
                let fake = cluster();
                fake.change(|world| {
                    world.slurm.clusters.insert("hpc".into());
                    world.slurm.accounts.insert("science".into(), "root".into());
                    world.slurm.accounts.insert("chem".into(), "root".into());
                    world.slurm.users.insert("bob".into());
                    world.slurm.members.insert(("bob".into(), "chem".into()), [].into());
                });
                fake
            },
            associations(),
        ),
        sample(
            "dashboard's admin",
            with_dashboard,
            Action::AddDashboardAdmin(AddDashboardAdmin {
                name: "admin".into(),
                unix_user: "ada".into(),
                password: "admin".into(),
                program: "/usr/local/bin/slurmdash".into(),
                configuration: "/etc/slurmdash/slurmdash.yaml".into(),
                run_as: "slurmdash".into(),
            }),
        )
        .but(
            |fake| {
                fake.change(|world| world.dashboard.insert("eve".into(), "pw".into()));
            },
            |fake| fake.change(|world| world.dashboard.contains_key("eve")),
        ),
    ]
}

fn firewalls() -> Vec<Sample> {
    fn behind(firewall: &str, open: &[&str]) -> Fake {
        let fake = bare();
        fake.change(|world| {
            world.firewall = Some(firewall.to_owned());
            world.open_ports = open.iter().map(|&port| port.to_owned()).collect();
        });
        fake
    }
    let open = |firewall: &str| {
        Action::OpenPorts(OpenPorts { firewall: firewall.into(), ports: strings(&["6817", "60001-63000"]) })
    };
    let foreign = |fake: &Fake| {
        fake.change(|world| world.open_ports.insert("80/tcp".into()));
    };
    let survives = |fake: &Fake| fake.change(|world| world.open_ports.contains("80/tcp"));
    vec![
        sample("ports in firewalld", || behind("firewalld", &["permanent 6817/tcp"]), open("firewalld"))
            .but(foreign, survives),
        sample("ports in ufw", || behind("ufw", &["22/tcp"]), open("ufw")).but(foreign, survives),
    ]
}

fn waits() -> Vec<Sample> {
    let wait = |expected: Expected| Action::Await(Await { expected, within_seconds: 5, log: None, unit: None });
    let url = "https://127.0.0.1:8443".to_owned();
    let nodes = Expected::NodesReady { nodes: strings(&["node1", "node2"]), at_least: 2 };
    let job = Expected::JobRuns { partition: "main".into(), user: "ada".into() };
    let (partition, user, password) = ("main".into(), "admin".into(), "admin".into());
    let by_dashboard = Expected::DashboardJobRuns { url: url.clone(), partition, user, password };
    vec![
        sample("munge", cluster, wait(Expected::MungeAnswers)),
        sample("slurmdbd", cluster, wait(Expected::AccountingAnswers)),
        sample("controllers", cluster, wait(Expected::ControllersAnswer { hosts: strings(&["head1"]) })),
        sample("nodes", cluster, wait(nodes)),
        sample("job", cluster, wait(job)).never_settles(),
        sample("dashboard", with_admin, wait(Expected::DashboardAnswers { url })),
        sample("job by the dashboard", with_admin, wait(by_dashboard)).never_settles(),
    ]
}

fn with_database() -> Fake {
    let fake = cluster();
    fake.change(|world| world.databases.insert("slurm_acct_db".into()));
    fake
}

/// Slurm's packages as an older release, with newer ones on the mirrors.
fn outdated() -> Fake {
    let fake = cluster();
    fake.change(|world| {
        let older = world.catalogue.clone();
        for offer in world.catalogue.values_mut().filter(|offer| offer.version.starts_with("22.05.8")) {
            offer.version = "22.05.9-1".into();
        }
        world.older = older;
    });
    fake
}

fn day_two() -> Vec<Sample> {
    let drain = Action::DrainNodes(DrainNodes { nodes: strings(&["node2", "elsewhere"]) });
    let upgrade =
        Action::UpgradePackages(UpgradePackages { names: strings(&["slurm-client", "slurmctld", "slurmdbd"]) });
    let copy = |source, is_of_another_release| Action::KeepCopy(KeepCopy { source, is_of_another_release });
    vec![
        sample("drain", cluster, drain),
        sample("upgrade", outdated, upgrade),
        sample(
            "copy of a folder",
            || {
                let fake = cluster();
                fake.put_file("/var/lib/slurm/slurmctld/job_state", "jobs", 0o600);
                fake
            },
            copy(Source::Folder("/var/lib/slurm/slurmctld".into()), false),
        )
        .never_settles(),
        sample("dump of a database", with_database, copy(Source::Database("slurm_acct_db".into()), false))
            .never_settles(),
    ]
}

/// All of them.
pub fn samples() -> Vec<Sample> {
    let groups = [files(), folders(), accounts(), packages(), units(), databases(), firewalls(), waits(), day_two()];
    groups.into_iter().flatten().collect()
}

/// The kind's number among [`KINDS`]. Whoever adds a kind comes here, and to [`samples`].
pub fn kind(action: &Action) -> usize {
    match action {
        Action::WriteFile(_) => 0,
        Action::MakeDirectory(_) => 1,
        Action::PutProgram(_) => 2,
        Action::AddGroup(_) => 3,
        Action::AddUser(_) => 4,
        Action::InstallPackages(_) => 5,
        Action::SetUnit(_) => 6,
        Action::RestartUnit(_) => 7,
        Action::MakeDatabase(_) => 8,
        Action::Associations(_) => 9,
        Action::AddDashboardAdmin(_) => 10,
        Action::OpenPorts(_) => 11,
        Action::DrainNodes(_) => 19,
        Action::UpgradePackages(_) => 20,
        Action::KeepCopy(_) => 21,
        Action::Await(wait) => match wait.expected {
            Expected::MungeAnswers => 12,
            Expected::AccountingAnswers => 13,
            Expected::ControllersAnswer { .. } => 14,
            Expected::NodesReady { .. } => 15,
            Expected::JobRuns { .. } => 16,
            Expected::DashboardJobRuns { .. } => 17,
            Expected::DashboardAnswers { .. } => 18,
        },
        Action::OwnFolder(_) => 22,
    }
}

/// How many kinds there are.
pub const KINDS: usize = 23;

/// The folder for copies, and all that may stay.
pub const KEPT: &[&str] = &["/var/lib/slurmdash-install"];

/// One of them.
pub fn sample_named(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).expect("a sample of that name")
}
