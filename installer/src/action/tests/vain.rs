//! What single kinds say when they are in vain, and what they keep to themselves.
use std::path::Path;

use super::change;
use super::hosts::{bare, cluster, with, with_dashboard};
use super::samples::{materials, sample_named as sample, setting};
use crate::action::*;
use crate::host::fake::{Fake, Moment};
use crate::host::{Host, HostError};

#[test]
fn a_daemon_that_does_not_stay_up_is_told_with_its_log_and_cause() {
    let line = "slurmd: fatal: Hybrid mode is not supported. Mounted cgroups are: 9:name=systemd:/";
    for at_once in [true, false] {
        let fake = with(&["slurmd"], &[("/var/log/slurm/slurmd.log", "its own line\n")], &[]);
        fake.break_unit("slurmd.service", &[line], at_once);
        let log = Some("/var/log/slurm/slurmd.log".into());
        let action = SetUnit { name: "slurmd.service".into(), enabled: true, running: true, log, answers_later: false };
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
    let action = RestartUnit {
        name: "slurmctld.service".into(),
        reload: false,
        log: None,
        answers_later: false,
        reload_by: Vec::new(),
    };
    let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(error.to_string().contains("configuration file is not there"), "{error}");
    let missing = SetUnit { name: "no.service".into(), enabled: true, running: true, log: None, answers_later: false };
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

#[test]
fn what_is_added_to_the_accounting_is_said_as_far_as_it_is_known() {
    let fake = cluster();
    let (accounts, qos, members) = (Vec::new(), Vec::new(), Vec::new());
    let action = Associations { cluster: "other".into(), accounts, qos, members };
    assert_eq!(change(action.look(&fake, &setting()).unwrap()).summary, "adds cluster other");
    fake.set_unit("slurmdbd.service", crate::host::UnitVerb::Stop).unwrap();
    let summary = change(action.look(&fake, &setting()).unwrap()).summary;
    assert_eq!(summary, "adds the cluster");
}

#[test]
fn new_is_what_was_not_there_whatever_the_words_say() {
    for (name, is_new) in [("new file", true), ("new program", true), ("newer program", false), ("new folder", true)] {
        let sample = sample(name);
        let change = change(sample.action.look(&(sample.host)(), &setting()).unwrap());
        assert_eq!(change.is_new(), is_new, "{name}: {}", change.summary);
    }
}

#[test]
fn a_daemon_reads_its_configuration_by_its_own_command() {
    let (name, reload_by) = ("slurmctld.service".to_owned(), vec!["scontrol".to_owned(), "reconfigure".to_owned()]);
    let reload = RestartUnit { name: name.clone(), reload: true, log: None, answers_later: false, reload_by };
    let fake = with(&["slurmctld"], &[("/etc/slurm/slurm.conf", "SlurmctldHost=head1\n")], &[&name]);
    reload.execute(&fake, &setting(), &Materials::default()).unwrap();
    assert!(fake.ran().contains(&reload.reload_by), "{:?}", fake.ran());
    // It runs, and does not answer.
    fake.change(|world| world.slurm.controllers = vec![("head1".into(), false)]);
    let error = reload.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    assert!(matches!(&error, StepError::NotReached { said, .. } if said.contains("scontrol")), "{error:?}");
}

#[test]
fn a_daemon_that_is_to_answer_and_ends_is_not_waited_for() {
    let line = "slurmctld: error: cannot find sched plugin for sched/nosuch";
    let name = "slurmctld.service".to_owned();
    let fake = with(&["slurmctld"], &[("/etc/slurm/slurm.conf", "SlurmctldHost=elsewhere\n")], &[]);
    fake.break_unit_after(&name, &[line], 3);
    let start = SetUnit { name: name.clone(), enabled: true, running: true, log: None, answers_later: true };
    start.execute(&fake, &setting(), &Materials::default()).unwrap();
    let expected = Expected::NodesReady { nodes: vec!["node1".into()], at_least: 1 };
    let wait = Await { expected, within_seconds: 90, log: None, unit: Some(name) };
    let error = wait.execute(&fake, &setting(), &Materials::default()).unwrap_err();
    let StepError::NotReached { said, log } = &error else { panic!("{error:?}") };
    assert!(said.contains("slurmctld.service was started, and ended") && said.contains("plugin"), "{said}");
    assert!(log.iter().any(|there| there == line), "{log:?}");
    assert!(!said.contains("not within"), "{said}");
}

fn wait(expected: Expected) -> Await {
    Await { expected, within_seconds: 3, log: None, unit: None }
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

#[test]
fn a_daemon_that_dies_within_its_first_seconds_is_noticed_where_it_is_started() {
    let line = "slurmctld: error: cannot find sched plugin for sched/nosuch";
    let name = "slurmctld.service".to_owned();
    let log = None;
    let actions = [
        Action::RestartUnit(RestartUnit {
            name: name.clone(),
            reload: false,
            log: log.clone(),
            answers_later: false,
            reload_by: Vec::new(),
        }),
        Action::SetUnit(SetUnit { name, enabled: true, running: true, log, answers_later: false }),
    ];
    for action in actions {
        let fake = with(&["slurmctld"], &[("/etc/slurm/slurm.conf", "SchedulerType=sched/nosuch\n")], &[]);
        // systemd has taken it for started for more than a second by then.
        fake.break_unit_after("slurmctld.service", &[line], 14);
        let error = action.execute(&fake, &setting(), &Materials::default()).unwrap_err();
        let StepError::NotReached { said, log } = &error else { panic!("{error:?}") };
        assert!(said.contains("slurmctld.service") && said.contains("plugin"), "{said}");
        assert!(log.iter().any(|there| there == line), "{log:?}");
    }
}
