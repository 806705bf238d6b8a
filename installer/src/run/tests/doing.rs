//! What is done, and what is refused.
use super::*;

#[test]
fn a_step_with_causes_is_done_only_when_one_of_them_changed() {
    let (lab, conf, restart) = with_restart();
    let shown = lab.preview();
    let steps: Vec<_> = shown.changes.iter().map(|change| (&change.step, change.because.as_slice())).collect();
    assert_eq!(steps, [(&conf, &[][..]), (&restart, &[conf.clone()][..])]);
    assert_eq!(lab.apply().changed, [conf, restart.clone()]);
    assert_eq!(lab.starts("a"), 2);
    let again = lab.preview();
    assert!(again.is_empty());
    assert!(again.same.contains(&restart));
    assert_eq!(lab.apply().ended, Ended::NothingToDo);
}

#[test]
fn causes_reach_across_hosts_and_through_steps_between() {
    let mut lab = Lab::new(&["a", "b"]);
    lab.stage(&[]);
    let first = lab.step("a", conf(), &[]);
    lab.stage(&[]);
    let second = lab.step("b", file("/etc/second", "x"), &[&first]);
    let third = lab.step("b", restart(), &[&second]);
    let shown: Vec<_> = lab.preview().changes.into_iter().map(|change| change.step).collect();
    assert_eq!(shown, [first, second, third]);
    lab.fake("a").put_file(CONF, "new\n", 0o644);
    assert!(lab.preview().is_empty(), "nothing changes first, so nothing follows");
}

#[test]
fn what_is_due_is_not_forgotten_when_the_run_breaks_off() {
    let (lab, conf, restart) = with_restart();
    let shown = lab.preview();
    let mut journal = lab.journal();
    // Began, Planned, Started, Done: killed before the daemon is started anew.
    journal.stop_after(4, BreakOff::Before);
    let error = apply(&lab.plan, &shown, &lab.hosts(), &mut journal, &lab, &lab.control, &Options::default());
    assert!(matches!(error, Err(RunError::Journal(_))), "{error:?}");
    drop(journal);
    assert_eq!(lab.text("a", CONF).as_deref(), Some("new\n"));
    assert_eq!(lab.starts("a"), 1, "what can't be written down is not done");
    let shown = lab.preview();
    assert_eq!(shown.changes.iter().map(|change| &change.step).collect::<Vec<_>>(), [&restart]);
    assert_eq!(shown.changes[0].because, [conf]);
    let error = lab.apply_as_shown(&shown, &Options::default()).unwrap_err();
    assert!(matches!(error, RunError::Unfinished(_)), "{error}");
    assert_eq!(lab.resume().changed, [restart]);
    assert_eq!(lab.starts("a"), 2);
    assert!(lab.preview().is_empty());
    let options = Options { resume: true, ..Options::default() };
    assert_eq!(lab.apply_as_shown(&lab.preview(), &options), Err(RunError::NothingToResume));
}

#[test]
fn what_was_not_shown_is_refused_before_it_is_done() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    let one = lab.step("a", file("/etc/one", "1"), &[]);
    lab.stage(&[]);
    let two = lab.step("a", conf(), &[]);
    lab.fake("a").put_file(CONF, "new\n", 0o644);
    let shown = lab.preview();
    lab.fake("a").put_file(CONF, "by hand\n", 0o644);
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!(report.ended, Ended::Failed);
    assert_eq!(report.changed, [one]);
    let failure = &report.failures[0];
    assert_eq!(failure.step, two);
    assert!(failure.error.to_string().contains("not as it was when the plan was shown"), "{}", failure.error);
    assert_eq!(lab.text("a", CONF).as_deref(), Some("by hand\n"));
}

#[test]
fn a_daemon_that_died_after_the_plan_was_shown_is_told_with_its_log() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    lab.step("a", conf(), &[]);
    let runs = SetUnit { name: "app.service".into(), enabled: true, running: true, log: None, answers_later: false };
    let runs = lab.step("a", Action::SetUnit(runs), &[]);
    let shown = lab.preview();
    assert_eq!(shown.same, std::slice::from_ref(&runs));
    lab.fake("a").change(|world| {
        let daemon = world.daemons.get_mut("app.service").unwrap();
        daemon.active = "failed".into();
        daemon.log.push("app: fatal: No space left on device".into());
    });
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!((report.ended, &report.failures[0].step), (Ended::Failed, &runs));
    let StepError::NotReached { said, log } = &report.failures[0].error else { panic!("{report:?}") };
    assert!(said.contains("app.service") && said.contains("the disk is full"), "{said}");
    assert!(log.iter().any(|line| line.contains("fatal")), "{log:?}");
    // One that somebody stopped did not fail.
    lab.fake("a").change(|world| world.daemons.get_mut("app.service").unwrap().active = "inactive".into());
    let report = lab.apply_as_shown(&shown, &Options { resume: true, ..Options::default() }).unwrap();
    assert!(matches!(report.failures[0].error, StepError::Refused(_)), "{report:?}");
}

#[test]
fn what_was_changed_by_hand_after_it_was_shown_is_refused() {
    let (mut lab, ..) = with_restart();
    lab.apply();
    lab.plan.stages[0].steps[0].action = file(CONF, "newer\n");
    let shown = lab.preview();
    assert_eq!(shown.drift().count(), 0);
    lab.fake("a").put_file(CONF, "by hand\n", 0o644);
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!(report.ended, Ended::Failed);
    assert_eq!(lab.text("a", CONF).as_deref(), Some("by hand\n"));
    let shown = lab.preview();
    assert_eq!(shown.drift().count(), 1, "the next plan says so");
    assert_eq!(lab.apply_as_shown(&shown, &Options::default()).unwrap().ended, Ended::Done);
    assert_eq!(lab.text("a", CONF).as_deref(), Some("newer\n"));
}

#[test]
fn waiting_is_never_a_surprise() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    lab.step("a", conf(), &[]);
    let wait = Await { expected: Expected::MungeAnswers, within_seconds: 1, log: None, unit: None };
    let wait = lab.step("a", Action::Await(wait), &[]);
    let mut shown = lab.preview();
    shown.changes.retain(|change| change.step != wait);
    shown.refused.clear();
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    // It is tried (in vain here, as there is no munge), not refused.
    let error = report.failures[0].error.to_string();
    assert!(!error.contains("when the plan was shown"), "{error}");
}

#[test]
fn a_step_that_harms_is_refused_before_anything_is_done() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    lab.step("a", conf(), &[]);
    lab.step("a", group("munge", 27), &[]);
    let shown = lab.preview();
    let error = lab.apply_as_shown(&shown, &Options::default()).unwrap_err();
    let RunError::Refused(refused) = &error else { panic!("{error}") };
    assert_eq!((refused.len(), refused[0].leaves_out), (1, false));
    assert!(error.to_string().contains("configuration/a/group munge: "), "{error}");
    assert_eq!(lab.text("a", CONF).as_deref(), Some("old\n"));
    assert!(lab.journal().runs().is_empty());
}

#[test]
fn jobs_that_run_are_not_disturbed_unless_the_step_is_named() {
    let (mut lab, _, restart) = with_restart();
    lab.plan.stages[1].steps[0].disrupts = Some("kills jobs on a".into());
    *lab.reached["a"].jobs.lock().unwrap() = vec![12, 13];
    let shown = lab.preview();
    assert_eq!(shown.disruptions().map(|change| &change.step).collect::<Vec<_>>(), [&restart]);
    let error = lab.apply_as_shown(&shown, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("2 jobs run now (12, 13)"), "{error}");
    assert_eq!(lab.text("a", CONF).as_deref(), Some("old\n"));
    *lab.reached["a"].jobs.lock().unwrap() = Vec::new();
    lab.fake("a").answer("date", |_, _| said("no clock"));
    let error = lab.apply_as_shown(&lab.preview(), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("a does not tell whether any run"), "{error}");
    let allow_disruption = BTreeSet::from([restart]);
    let report = lab.apply_as_shown(&shown, &Options { allow_disruption, ..Options::default() }).unwrap();
    assert_eq!(report.ended, Ended::Done);
    assert_eq!(lab.starts("a"), 2);
}

#[test]
fn jobs_that_began_after_the_plan_was_shown_are_not_disturbed_either() {
    let (mut lab, conf, restart) = with_restart();
    lab.plan.stages[1].steps[0].disrupts = Some("kills jobs on a".into());
    let shown = lab.preview();
    *lab.reached["a"].jobs.lock().unwrap() = vec![14];
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!((report.ended, report.changed), (Ended::Failed, vec![conf]));
    assert_eq!(lab.starts("a"), 1);
    // When the job is over, going on does what is left.
    lab.reached["a"].jobs.lock().unwrap().clear();
    assert_eq!(lab.resume().changed, [restart]);
}

#[test]
fn jobs_on_hosts_that_a_step_does_not_endanger_go_on_beside_it() {
    let (mut lab, _, restart) = with_restart();
    let mut other = Lab::new(&["b"]);
    lab.reached.append(&mut other.reached);
    let step = &mut lab.plan.stages[1].steps[0];
    (step.disrupts, step.endangers) = (Some("ends jobs on b".into()), vec!["b".into()]);
    *lab.reached["a"].jobs.lock().unwrap() = vec![12];
    *lab.reached["b"].jobs.lock().unwrap() = vec![13];
    let shown = lab.preview();
    assert_eq!(shown.running_jobs, [13]);
    let error = lab.apply_as_shown(&shown, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("a job runs now (13)"), "{error}");
    lab.reached["b"].jobs.lock().unwrap().clear();
    assert_eq!(lab.preview().disruptions().count(), 0);
    assert!(lab.apply().changed.contains(&restart));
}
