//! What single kinds do besides: what they refuse, what they show, what they say when it is in vain.
use std::path::Path;

use super::samples::{bare, cluster, materials, samples, setting, with, with_dashboard, with_identities};
use crate::action::*;
use crate::bytes::sha256;
use crate::host::fake::commands::{failed, said};
use crate::host::fake::{Fake, Moment};
use crate::host::{Host, HostError, Package};

fn write(path: &str, text: &str, check: Option<&[&str]>) -> WriteFile {
    WriteFile {
        path: path.into(),
        content: Content::Text(text.into()),
        owner: "root".into(),
        group: "root".into(),
        mode: 0o644,
        check: check.map(|words| words.iter().map(|&word| word.to_owned()).collect()),
    }
}

fn change(look: Look) -> Change {
    match look {
        Look::Change(change) => change,
        Look::Same => panic!("there is something to do"),
    }
}

fn sample(name: &str) -> super::Sample {
    samples().into_iter().find(|sample| sample.name == name).expect("a sample of that name")
}

#[test]
fn a_file_changed_by_hand_is_shown_and_kept() {
    let fake = bare();
    fake.put_file("/etc/x.conf", "by hand\n", 0o644);
    let (action, mut setting) = (write("/etc/x.conf", "ours\n", None), setting());
    assert!(!change(action.look(&fake, &setting).unwrap()).drift, "nobody wrote it before");
    setting.written.insert("/etc/x.conf".into(), sha256(b"by hand\n"));
    assert!(!change(action.look(&fake, &setting).unwrap()).drift, "it is as it was written");
    setting.written.insert("/etc/x.conf".into(), sha256(b"written\n"));
    let found = change(action.look(&fake, &setting).unwrap());
    assert!(found.drift && found.summary.contains("by hand"), "{found:?}");
    assert_eq!(found.diff, Some(Diff { before: "by hand\n".into(), after: "ours\n".into() }));
    for _ in 0..2 {
        action.execute(&fake, &setting, &Materials::default()).unwrap();
    }
    assert_eq!(fake.text("/etc/x.conf").as_deref(), Some("ours\n"));
    let kept = Path::new("/var/lib/slurmdash-install/kept/1/etc");
    assert_eq!(fake.list(kept).unwrap(), ["x.conf"], "one copy");
    assert_eq!(fake.read(&kept.join("x.conf")).unwrap(), b"by hand\n");
    assert_eq!(fake.entry(kept).unwrap().unwrap().mode, 0o700);
}

#[test]
fn no_secret_is_shown() {
    let fake = with_identities();
    fake.put_file("/etc/x.conf", "secret of old\n", 0o640);
    let found = change(write("/etc/x.conf", "ours\n", None).look(&fake, &setting()).unwrap());
    assert_eq!(found.diff, None, "not everybody may read the old one");
    let sample = sample("secret file");
    fake.put_file("/etc/munge/munge.key", "old key", 0o644);
    let found = change(sample.action.look(&fake, &setting()).unwrap());
    assert!(found.diff.is_none() && !found.summary.contains("key"), "{found:?}");
    let shown = format!("{:?} {:?} {:?}", sample.action, found, materials());
    assert!(!shown.contains("old key") && !shown.contains("a key"), "{shown}");
}

#[test]
fn a_secret_that_is_another_is_not_written() {
    let mut materials = materials();
    let sample = sample("secret file");
    let fake = (sample.host)();
    materials.0.insert("munge.key".into(), crate::bytes::Bytes(b"another".to_vec()));
    let error = sample.action.execute(&fake, &setting(), &materials).unwrap_err();
    assert!(matches!(error, StepError::Refused(_)), "{error:?}");
    assert_eq!(fake.text("/etc/munge/munge.key"), None);
}

#[test]
fn a_candidate_that_is_not_taken_leaves_nothing() {
    let fake = bare();
    fake.put_file("/etc/x.conf", "good\n", 0o644);
    fake.answer("checker", |world, command| {
        let candidate = command.arguments.last().unwrap();
        assert_eq!(Path::new(candidate).parent(), Some(Path::new("/etc")), "beside its place");
        match world.tree.text(candidate).as_deref() {
            Some("bad\n") => failed(1, &format!("{candidate} line 1: bad")),
            _ => said(""),
        }
    });
    let before = fake.snapshot(&[]);
    let action = write("/etc/x.conf", "bad\n", Some(&["checker", "-t", "{}"]));
    let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert_eq!(error.to_string(), "checker does not take the new /etc/x.conf: /etc/x.conf line 1: bad");
    assert_eq!(before.diff(&fake.snapshot(&[])), "");
    write("/etc/x.conf", "fine\n", Some(&["checker", "-t", "{}"]))
        .execute(&fake, &setting(), &Materials::default())
        .unwrap();
    assert_eq!(fake.text("/etc/x.conf").as_deref(), Some("fine\n"));
}

#[test]
fn what_is_no_regular_file_is_not_written_over() {
    let fake = bare();
    fake.put_file("/etc/target", "theirs\n", 0o644);
    fake.change(|world| {
        world.link("/etc/link", "/etc/target").unwrap();
        let big = vec![0; usize::try_from(crate::host::MAX_FILE).unwrap() + 1];
        let attributes = crate::host::Attributes { mode: 0o644, uid: 0, gid: 0 };
        world.tree.put_any(Path::new("/etc/big"), &big, attributes);
    });
    for (path, words) in [("/etc/link", "symbolic link"), ("/etc/skel", "a folder"), ("/etc/big", "16 MiB")] {
        let action = write(path, "ours\n", None);
        for outcome in
            [action.look(&fake, &setting()).map(drop), action.execute(&fake, &setting(), &Materials::default())]
        {
            let error = outcome.unwrap_err();
            assert!(matches!(&error, StepError::Refused(said) if said.contains(words)), "{path}: {error:?}");
        }
    }
    assert_eq!(fake.text("/etc/target").as_deref(), Some("theirs\n"));
}

#[test]
fn full_disks_and_read_only_folders_are_told_and_change_nothing() {
    for (break_it, errno) in [(Fake::fill_disk as fn(&Fake, &str), 28), (Fake::make_read_only, 30)] {
        let fake = bare();
        let before = fake.snapshot(&[]);
        break_it(&fake, "/etc");
        let action = write("/etc/slurm/x.conf", "ours\n", None);
        let undo = change(action.look(&fake, &setting()).unwrap()).undo;
        let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
        let is_told = matches!(error, StepError::Host(HostError::File { errno: Some(number), .. }) if number == errno);
        assert!(is_told, "{error:?}");
        fake.repair();
        action.revert(&fake, &setting(), &undo).unwrap();
        assert_eq!(before.diff(&fake.snapshot(&[])), "");
    }
}

#[test]
fn a_folder_on_which_something_is_mounted_stays() {
    let fake = bare();
    let sample = sample("new folder");
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.put_file("/srv/a/b/c/home/thesis", "words\n", 0o600);
    fake.put_file("/proc/self/mountinfo", "36 35 98:0 / /srv/a/b/c/home rw - nfs4 nas:/home rw\n", 0o444);
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert!(reverted.left[0].contains("mounted on /srv/a/b/c/home"), "{reverted:?}");
    assert!(fake.text("/srv/a/b/c/home/thesis").is_some());
}

#[test]
fn numbers_of_others_are_refused_by_name() {
    let fake = with_identities();
    let user = |name: &str, uid: u32| AddUser {
        name: name.into(),
        uid,
        group: name.into(),
        groups: Vec::new(),
        comment: String::new(),
        home: "/nonexistent".into(),
        shell: "/usr/sbin/nologin".into(),
        with_home: false,
    };
    let group = |name: &str, gid: u32| AddGroup { name: name.into(), gid };
    let looks = [
        (group("munge", 905).look(&fake, &setting()), "number 901 here, not 905"),
        (group("slurmdash", 901).look(&fake, &setting()), "belongs to the group munge"),
        (user("munge", 905).look(&fake, &setting()), "number 901 here, not 905"),
        (user("slurmdash", 901).look(&fake, &setting()), "belongs to munge"),
    ];
    for (look, words) in looks {
        let error = look.unwrap_err();
        assert!(matches!(&error, StepError::Refused(said) if said.contains(words)), "{words}: {error:?}");
    }
}

#[test]
fn packages_without_a_mirror_say_so_and_leave_nothing() {
    let sample = sample("packages on a bare host");
    let fake = bare();
    let before = fake.snapshot(&[]);
    fake.cut_mirror();
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    let error = sample.action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(error.to_string().contains("Could not connect to the mirror"), "{error}");
    sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert_eq!(before.diff(&fake.snapshot(&[])), "");
}

#[test]
fn packages_that_nobody_planned_do_not_come() {
    let fake = bare();
    let action = InstallPackages { names: vec!["jq".into()] };
    change(action.look(&fake, &setting()).unwrap());
    fake.fail_at(1, Moment::Before);
    // The mirrors have a newer one, which needs more.
    let calls = std::sync::atomic::AtomicU32::new(0);
    let newer = Newer { fake: fake.clone(), calls };
    let error = action.execute(&newer, &setting(), &Materials::default()).unwrap_err();
    assert!(matches!(&error, StepError::Refused(said) if said.contains("libhwloc15")), "{error:?}");
    assert!(!fake.packages().unwrap().iter().any(|package| package.name == "jq"));
}

/// A host whose mirrors are asked, and have another jq from then on.
struct Newer {
    fake: Fake,
    calls: std::sync::atomic::AtomicU32,
}

macro_rules! pass {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> $out { self.fake.$name($($argument),*) })*
    };
}

impl Host for Newer {
    fn refresh_packages(&self) -> Result<(), HostError> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.fake.change(|world| world.catalogue.get_mut("jq").unwrap().needs.push("libhwloc15".into()));
        Ok(())
    }

    fn write(
        &self,
        path: &Path,
        content: &[u8],
        attributes: crate::host::Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        self.fake.write(path, content, attributes, modified)
    }

    fn pause(&self, duration: std::time::Duration) {
        self.fake.pause(duration);
    }

    pass! {
        entry(path: &Path) -> Result<Option<crate::host::Entry>, HostError>;
        read(path: &Path) -> Result<Vec<u8>, HostError>;
        digest(path: &Path) -> Result<String, HostError>;
        list(path: &Path) -> Result<Vec<String>, HostError>;
        write_program(path: &Path) -> Result<(), HostError>;
        program_digest() -> Result<String, HostError>;
        make_directory(path: &Path, attributes: crate::host::Attributes) -> Result<(), HostError>;
        set_attributes(path: &Path, attributes: crate::host::Attributes) -> Result<(), HostError>;
        remove(path: &Path) -> Result<(), HostError>;
        move_away(path: &Path, to: &Path) -> Result<(), HostError>;
        users() -> Result<Vec<crate::host::User>, HostError>;
        groups() -> Result<Vec<crate::host::Group>, HostError>;
        add_group(name: &str, gid: u32) -> Result<(), HostError>;
        add_user(user: &crate::host::NewUser) -> Result<(), HostError>;
        remove_user(name: &str) -> Result<(), HostError>;
        remove_group(name: &str) -> Result<(), HostError>;
        set_member(group: &str, user: &str, is_member: bool) -> Result<(), HostError>;
        packages() -> Result<Vec<Package>, HostError>;
        would_install(names: &[String]) -> Result<Vec<Package>, HostError>;
        install_packages(names: &[String]) -> Result<(), HostError>;
        purge_packages(names: &[String]) -> Result<(), HostError>;
        unit(name: &str) -> Result<crate::host::Unit, HostError>;
        set_unit(name: &str, verb: crate::host::UnitVerb) -> Result<(), HostError>;
        unit_log(name: &str, lines: u32) -> Result<Vec<String>, HostError>;
        run(command: &crate::host::Command) -> Result<crate::host::Output, HostError>;
    }
}

#[test]
fn state_and_logs_are_kept_when_packages_go() {
    let sample = sample("packages on a bare host");
    let fake = bare();
    let before = fake.snapshot(super::KEPT);
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.put_file("/etc/slurm/slurm.conf", "ClusterName=hpc\nSlurmctldHost=head1\n", 0o644);
    fake.set_unit("slurmctld.service", crate::host::UnitVerb::Start).unwrap();
    fake.remove(Path::new("/etc/slurm/slurm.conf")).unwrap();
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert_eq!(before.diff(&fake.snapshot(super::KEPT)), "");
    let kept = "/var/lib/slurmdash-install/kept/1";
    for file in ["var/lib/slurm/slurmctld/clustername", "var/log/slurm/slurmctld.log", "var/lib/mysql/ibdata1"] {
        assert!(fake.text(&format!("{kept}/{file}")).is_some(), "{file}: {reverted:?}");
    }
    assert!(!fake.ran().iter().any(|words| words[0] == "scancel"));
}

#[test]
fn packages_that_others_need_stay_with_a_word() {
    let sample = sample("packages after identities");
    let fake = (sample.host)();
    let undo = change(sample.action.look(&fake, &setting()).unwrap()).undo;
    sample.action.execute(&fake, &setting(), &Materials::default()).unwrap();
    fake.set_unit("munge.service", crate::host::UnitVerb::Start).unwrap();
    (sample.foreign)(&fake);
    let reverted = sample.action.revert(&fake, &setting(), &undo).unwrap();
    assert!(reverted.left.iter().any(|left| left.contains("munge") && left.contains("pdsh")), "{reverted:?}");
    assert!(fake.unit("munge.service").unwrap().is_active(), "it serves the others");
}

#[test]
fn a_daemon_that_does_not_stay_up_is_told_with_its_log_and_cause() {
    let line = "slurmd: fatal: Hybrid mode is not supported. Mounted cgroups are: 9:name=systemd:/";
    for at_once in [true, false] {
        let fake = with(&["slurmd"], &[("/var/log/slurm/slurmd.log", "its own line\n")], &[]);
        fake.break_unit("slurmd.service", &[line], at_once);
        let log = Some("/var/log/slurm/slurmd.log".into());
        let action = SetUnit { name: "slurmd.service".into(), enabled: true, running: true, log };
        let undo = change(action.look(&fake, &setting()).unwrap()).undo;
        let before = fake.snapshot(&[]);
        let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
        let StepError::NotReached { said, log } = &error else { panic!("{error:?}") };
        assert!(said.contains("slurmd.service") && said.contains("cgroup/v1"), "{said}");
        assert!(log.iter().any(|there| there == line) && log.iter().any(|there| there == "its own line"), "{log:?}");
        action.revert(&fake, &setting(), &undo).unwrap();
        assert_eq!(before.diff(&fake.snapshot(&[])), "");
    }
}

#[test]
fn a_unit_whose_condition_is_not_met_does_not_count_as_up() {
    let fake = with(&["slurmctld"], &[], &[]);
    let action = RestartUnit { name: "slurmctld.service".into(), reload: false, log: None };
    let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(error.to_string().contains("configuration file is not there"), "{error}");
    let missing = SetUnit { name: "no.service".into(), enabled: true, running: true, log: None };
    change(missing.look(&fake, &setting()).unwrap());
    let error = missing.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(matches!(error, StepError::Refused(_)), "{error:?}");
}

#[test]
fn no_password_is_in_an_argument() {
    for name in ["new database", "dashboard's admin", "job by the dashboard"] {
        let sample = sample(name);
        let fake = (sample.host)();
        sample.action.execute(&fake, &setting(), &materials()).unwrap();
        let ran = format!("{:?}", fake.ran());
        assert!(!ran.contains("pass'word") && !ran.contains("\"pw\""), "{ran}");
    }
    let fake = (sample("new database").host)();
    sample("new database").action.execute(&fake, &setting(), &materials()).unwrap();
    let stored = fake.change(|world| world.database_users["slurm"].clone());
    assert_eq!(stored.as_bytes(), materials().get("database").unwrap(), "quoted as it should be");
}

#[test]
fn names_that_could_be_anything_else_are_refused() {
    let fake = cluster();
    for name in ["a`; DROP DATABASE mysql; --", "a'b", "", "a b", &"a".repeat(65)] {
        for (database, user) in [(name, "slurm"), ("slurm_acct", name)] {
            let action = MakeDatabase { name: database.into(), user: user.into(), password: "database".into() };
            let error = action.execute(&fake, &setting(), &materials()).unwrap_err();
            assert!(matches!(error, StepError::Refused(_)), "{name}: {error:?}");
            assert!(action.look(&fake, &setting()).is_err(), "{name}");
        }
    }
    for name in ["", "a b", "-i", "a,b", "a=b", "a'b", "a\nb"] {
        let member = Member { user: name.into(), account: "physics".into(), qos: Vec::new() };
        let (accounts, qos) = (Vec::new(), Vec::new());
        let action = Associations { cluster: "hpc".into(), accounts, qos, members: vec![member] };
        let error = action.look(&fake, &setting()).unwrap_err();
        assert!(matches!(error, StepError::Refused(_)), "{name}: {error:?}");
    }
    let ports = OpenPorts { firewall: "ufw".into(), ports: vec!["6817 --force".into()] };
    assert!(matches!(ports.look(&fake, &setting()), Err(StepError::Refused(_))));
    assert_eq!(fake.ran(), Vec::<Vec<String>>::new(), "no command ever saw them");
}

#[test]
fn a_database_user_with_another_password_is_told() {
    let fake = cluster();
    fake.change(|world| world.database_users.insert("slurm".into(), "the site's".into()));
    let action = MakeDatabase { name: "slurm_acct".into(), user: "slurm".into(), password: "database".into() };
    let undo = change(action.look(&fake, &setting()).unwrap()).undo;
    let error = action.execute(&fake, &setting(), &materials()).unwrap_err();
    assert!(error.to_string().contains("was there before"), "{error}");
    action.revert(&fake, &setting(), &undo).unwrap();
    let (user, databases) = fake.change(|world| (world.database_users["slurm"].clone(), world.databases.clone()));
    assert_eq!(user, "the site's");
    assert!(databases.is_empty(), "{databases:?}");
}

#[test]
fn a_database_that_goes_is_kept_and_one_that_nobody_could_ask_for_stays() {
    let fake = cluster();
    let action = MakeDatabase { name: "slurm_acct".into(), user: "slurm".into(), password: "database".into() };
    let undo = change(action.look(&fake, &setting()).unwrap()).undo;
    action.execute(&fake, &setting(), &materials()).unwrap();
    let reverted = action.revert(&fake, &setting(), &undo).unwrap();
    let dump = fake.text(&reverted.kept[0].to_string_lossy()).unwrap();
    assert!(dump.contains("CREATE TABLE"), "{dump}");

    fake.change(|world| world.databases.insert("slurm_acct".into()));
    fake.set_unit("mariadb.service", crate::host::UnitVerb::Stop).unwrap();
    let undo = change(action.look(&fake, &setting()).unwrap()).undo;
    fake.set_unit("mariadb.service", crate::host::UnitVerb::Start).unwrap();
    action.revert(&fake, &setting(), &undo).unwrap();
    assert!(fake.change(|world| world.databases.contains("slurm_acct")));
}

fn wait(expected: Expected) -> Await {
    Await { expected, within_seconds: 3, log: None }
}

fn in_vain(fake: &Fake, expected: Expected) -> String {
    match wait(expected).execute(fake, &setting(), &materials()) {
        Err(StepError::NotReached { said, .. }) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn waiting_in_vain_says_why() {
    let fake = bare();
    assert!(in_vain(&fake, Expected::MungeAnswers).contains("munge can't be started"));
    let fake = cluster();
    fake.set_unit("slurmdbd.service", crate::host::UnitVerb::Stop).unwrap();
    assert!(in_vain(&fake, Expected::AccountingAnswers).contains("Connection refused"));
    fake.change(|world| world.slurm.controllers = vec![("head1".into(), true), ("head2".into(), false)]);
    let hosts = vec!["head1".to_owned(), "head2".to_owned()];
    let said = in_vain(&fake, Expected::ControllersAnswer { hosts });
    assert!(said.contains("slurmctld on head2 does not answer"), "{said}");
    fake.change(|world| {
        world.slurm.nodes.insert("n1".into(), ("IDLE".into(), String::new()));
        world.slurm.nodes.insert("n2".into(), ("IDLE+DRAIN".into(), "Low RealMemory".into()));
        world.slurm.nodes.insert("n3".into(), ("DOWN*".into(), "Not responding".into()));
        world.slurm.nodes.insert("n4".into(), ("IDLE*".into(), String::new()));
    });
    let nodes: Vec<String> = ["n1", "n2", "n3", "n4", "n5"].map(str::to_owned).to_vec();
    let said = in_vain(&fake, Expected::NodesReady { nodes: nodes.clone(), at_least: 2 });
    for words in ["1 of 5", "n2 (IDLE+DRAIN, Low RealMemory)", "n3 (DOWN*, Not responding)", "n4 (IDLE*)", "n5 (not in"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let reached = wait(Expected::NodesReady { nodes, at_least: 1 }).execute(&fake, &setting(), &materials());
    assert_eq!(reached, Ok(()));
}

#[test]
fn a_job_that_waits_in_vain_is_cancelled_and_says_why() {
    let job = || Expected::JobRuns { partition: "main".into(), user: "ada".into() };
    let fake = cluster();
    fake.change(|world| world.slurm.jobs_come_to = Some(("PENDING".into(), "Resources".into())));
    let said = in_vain(&fake, job());
    assert!(said.contains("job 1 is PENDING (Resources)"), "{said}");
    fake.change(|world| {
        assert_eq!(world.slurm.jobs[&1].state, "CANCELLED");
        assert_eq!(world.slurm.jobs[&1].user, "ada");
        world.slurm.jobs_come_to = Some(("FAILED".into(), "NonZeroExitCode".into()));
    });
    let said = in_vain(&fake, job());
    assert!(said.contains("job 2 ended as FAILED (NonZeroExitCode)"), "{said}");
    let mut fake = with_dashboard();
    let (partition, user, password) = ("main".into(), "admin".into(), "admin".into());
    let url = "https://127.0.0.1:8443".to_owned();
    let by_dashboard = Expected::DashboardJobRuns { url: url.clone(), partition, user, password };
    let said = in_vain(&fake, by_dashboard.clone());
    assert!(said.contains("wrong name or password") && !said.contains("pw"), "{said}");
    fake = cluster();
    assert!(in_vain(&fake, Expected::DashboardAnswers { url }).contains("can't be started"));
}

#[test]
fn a_host_that_goes_away_is_not_waited_for() {
    let fake = cluster();
    fake.die_at(1, Moment::Before);
    let _ = fake.remove(Path::new("/etc/hostname"));
    let error = wait(Expected::MungeAnswers).execute(&fake, &setting(), &materials()).unwrap_err();
    assert!(matches!(error, StepError::Host(HostError::Away(_))), "{error:?}");
}
