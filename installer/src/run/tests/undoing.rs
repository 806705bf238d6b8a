//! Undoing.
use super::*;

#[test]
fn a_daemon_takes_up_what_is_brought_back() {
    let (lab, conf, restart) = with_restart();
    lab.apply();
    lab.events.lock().unwrap().clear();
    let undone = lab.undo(&last()).unwrap();
    assert_eq!(undone.reverted, [conf, restart], "the file first, then the daemon");
    assert_eq!((lab.text("a", CONF).as_deref(), lab.starts("a")), (Some("old\n"), 3));
    assert!(lab.fake("a").unit("app.service").unwrap().is_active());
}

#[test]
fn a_daemon_that_failed_with_the_new_configuration_runs_again_with_the_old_one() {
    let (lab, ..) = with_restart();
    let shown = lab.preview();
    lab.fake("a").break_unit("app.service", &["fatal: no"], true);
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!(report.ended, Ended::Failed);
    assert!(
        matches!(&report.failures[0].error, StepError::NotReached { log, .. } if log.iter().any(|l| l == "fatal: no"))
    );
    lab.fake("a").repair();
    assert!(lab.undo(&last()).unwrap().is_complete());
    assert!(lab.fake("a").unit("app.service").unwrap().is_active());
}

#[test]
fn undoing_goes_on_past_what_it_can_t_undo_and_hosts_that_are_away() {
    let mut lab = Lab::new(&["a", "b"]);
    lab.stage(&[]);
    let first = lab.step("a", conf(), &[]);
    let elsewhere = lab.step("b", conf(), &[]);
    lab.stage(&[]);
    let last_step = lab.step("a", file("/etc/two", "2"), &[]);
    lab.apply();
    *lab.reached["b"].away.lock().unwrap() = true;
    lab.fake("a").fail_at(1, Moment::Before);
    let undone = lab.undo(&last()).unwrap();
    assert_eq!(undone.reverted, [first]);
    let stuck: Vec<_> = undone.stuck.iter().map(|left| &left.step).collect();
    assert_eq!(stuck, [&last_step, &elsewhere]);
    assert_eq!(undone.away.keys().collect::<Vec<_>>(), ["b"]);
    let said = status(&lab.journal()).unwrap();
    assert_eq!(said.runs[0].stuck.len(), 2);
    assert!(said.next.contains("rollback"), "{}", said.next);
    // Another try undoes what was left.
    *lab.reached["b"].away.lock().unwrap() = false;
    let undone = lab.undo(&last()).unwrap();
    assert!(undone.is_complete() && undone.reverted.len() == 2, "{undone:#?}");
    assert_eq!(lab.journal().runs()[0].outcome(), Some(Outcome::RolledBack));
    assert_eq!(lab.undo(&last()).unwrap(), Undone::default(), "nothing is left");
}

#[test]
fn undoing_goes_back_to_a_step_or_a_run() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    let one = lab.step("a", file("/etc/one", "1"), &[]);
    let two = lab.step("a", file("/etc/two", "2"), &[]);
    lab.apply();
    lab.stage(&[]);
    let three = lab.step("a", file("/etc/three", "3"), &[]);
    lab.apply();
    let there = || ["/etc/one", "/etc/two", "/etc/three"].map(|path| lab.text("a", path).is_some());
    let to = |runs, to: &StepId| Back { runs, to: Some(to.clone()), ..last() };
    assert_eq!(lab.undo(&to(Runs::Last, &one)), Err(RunError::NoSuchStep(one.clone())), "it is of an earlier run");
    assert_eq!(lab.undo(&to(Runs::All, &one)).unwrap().reverted, [three, two]);
    assert_eq!(there(), [true, false, false]);
    assert_eq!(lab.journal().unfinished().map(|run| run.id), None, "the last run is wholly undone");
    assert_eq!(lab.undo(&last()).unwrap().reverted, [one]);
    assert_eq!(there(), [false; 3]);
}

#[test]
fn data_goes_with_the_folder_only_when_that_is_wanted() {
    for keep_data in [true, false] {
        let mut lab = Lab::new(&["a"]);
        lab.stage(&[]);
        let (owner, group, mode, holds) = ("root".into(), "root".into(), 0o700, Holds::Data);
        lab.step(
            "a",
            Action::MakeDirectory(MakeDirectory { path: "/srv/data".into(), owner, group, mode, holds }),
            &[],
        );
        lab.apply();
        lab.fake("a").put_file("/srv/data/results", "42", 0o600);
        let undone = lab.undo(&Back { keep_data, ..last() }).unwrap();
        assert_eq!(lab.text("a", "/srv/data/results"), None);
        let kept: Vec<PathBuf> = undone.kept.into_values().flatten().collect();
        assert_eq!(kept.len(), usize::from(keep_data));
        for folder in kept {
            assert_eq!(lab.text("a", &folder.join("results").to_string_lossy()).as_deref(), Some("42"));
        }
    }
}

#[test]
fn hosts_are_left_when_everything_is_undone() {
    let lab = Lab::new(&["a", "b", "c"]);
    lab.fake("a").put_file("/var/lib/slurmdash-install/bin/slurmdash-0", "program", 0o700);
    lab.fake("b").put_file("/var/lib/slurmdash-install/kept/1/etc/hosts", "by hand", 0o600);
    *lab.reached["c"].away.lock().unwrap() = true;
    let cleared = clear(&lab.hosts(), 2);
    assert_eq!(lab.fake("a").entry("/var/lib/slurmdash-install".as_ref()).unwrap(), None);
    let kept = PathBuf::from("/var/lib/slurmdash-install/kept/1");
    assert_eq!(cleared.kept, BTreeMap::from([("b".to_owned(), vec![kept])]));
    assert_eq!(cleared.away, BTreeMap::from([("c".to_owned(), "no route to host".to_owned())]));
}

#[test]
fn one_host_can_be_undone_alone() {
    let mut lab = Lab::new(&["a", "b"]);
    lab.stage(&[]);
    lab.step("a", file("/etc/one", "1"), &[]);
    let on_b = lab.step("b", file("/etc/one", "1"), &[]);
    lab.apply();
    lab.stage(&[]);
    lab.step("a", file("/etc/two", "2"), &[]);
    lab.apply();
    let only = |host: &str| Back { runs: Runs::All, hosts: vec![host.to_owned()], ..last() };
    let undone = lab.undo(&only("b")).unwrap();
    assert!(undone.is_complete() && undone.reverted == [on_b], "{undone:#?}");
    assert_eq!((lab.text("a", "/etc/one").as_deref(), lab.text("b", "/etc/one")), (Some("1"), None));
    let outcomes: Vec<_> = lab.journal().runs().iter().map(crate::journal::Run::outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Done); 2], "for the others they are done");
    assert_eq!(lab.undo(&only("b")).unwrap(), Undone::default(), "nothing is left there");
    assert_eq!(lab.undo(&Back { runs: Runs::All, ..last() }).unwrap().reverted.len(), 2);
}
