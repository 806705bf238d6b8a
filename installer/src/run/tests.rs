use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::action::{
    Action, AddGroup, Await, Content, Expected, Holds, Look, MakeDirectory, Materials, RestartUnit, Reverted, Setting,
    Undo, WriteFile,
};
use crate::clock::Clock;
use crate::facts::{Facts, Wanted};
use crate::host::Host as _;
use crate::host::fake::commands::said;
use crate::host::fake::{Fake, Moment};
use crate::journal::{BreakOff, Caller, Came, Journal, Outcome};
use crate::plan::{Phase, Plan, Stage, Step};
use crate::reach::Here;

/// A host in memory with a daemon, whose calls a test can look at, hold up and answer in its stead.
struct Reached {
    here: Here,
    fake: Fake,
    looks: AtomicUsize,
    jobs: Mutex<Vec<u32>>,
    away: Mutex<bool>,
    /// Executing waits until somebody sends something.
    hold: Mutex<Option<Receiver<()>>>,
}

impl Reached {
    fn is_there(&self) -> Result<(), HostError> {
        if *self.away.lock().unwrap() { Err(HostError::Away("no route to host".into())) } else { Ok(()) }
    }
}

impl Reach for Reached {
    fn facts(&self, wanted: &Wanted) -> Result<Facts, HostError> {
        self.is_there()?;
        let mut facts = self.here.facts(wanted)?;
        facts.slurm.running_jobs.clone_from(&self.jobs.lock().unwrap());
        Ok(facts)
    }

    fn look(&self, actions: &[Action], setting: &Setting) -> Result<Vec<Result<Look, StepError>>, HostError> {
        self.is_there()?;
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.here.look(actions, setting)
    }

    fn execute(&self, a: &Action, s: &Setting, m: &Materials) -> Result<Result<(), StepError>, HostError> {
        self.is_there()?;
        let held = self.hold.lock().unwrap().take();
        if let Some(held) = held {
            let _ = held.recv();
        }
        self.here.execute(a, s, m)
    }

    fn revert(&self, a: &Action, s: &Setting, undo: &Undo) -> Result<Result<Reverted, StepError>, HostError> {
        self.is_there()?;
        self.here.revert(a, s, undo)
    }
}

/// A site of some hosts, each with a daemon `app` that runs and its configuration.
struct Lab {
    reached: BTreeMap<String, Arc<Reached>>,
    plan: Plan,
    control: Control,
    events: Mutex<Vec<String>>,
    folder: tempfile::TempDir,
}

const CONF: &str = "/etc/app.conf";

impl Lab {
    fn new(hosts: &[&str]) -> Self {
        let reached = hosts.iter().map(|&name| {
            let fake = Fake::debian_12(name);
            fake.change(|world| world.add_service("app.service"));
            fake.put_file(CONF, "old\n", 0o644);
            fake.put_file("/proc/meminfo", "MemTotal:  2097152 kB\n", 0o444);
            fake.put_file("/proc/cpuinfo", "processor\t: 0\n", 0o444);
            fake.put_file("/proc/sys/kernel/hostname", name, 0o444);
            for (program, says) in [("uname", "x86_64\n"), ("date", "1795611901000\n"), ("id", "0\n")] {
                fake.answer(program, move |_, _| said(says));
            }
            let here = Here::new(Arc::new(fake.clone()));
            let (jobs, away, hold) = (Mutex::default(), Mutex::default(), Mutex::default());
            (name.to_owned(), Arc::new(Reached { here, fake, looks: AtomicUsize::new(0), jobs, away, hold }))
        });
        let folder = tempfile::tempdir().unwrap();
        let (reached, plan) = (reached.collect(), Plan::default());
        Self { reached, plan, control: Control::new(), events: Mutex::default(), folder }
    }

    fn stage(&mut self, may_be_left_out: &[&str]) {
        let may_be_left_out = may_be_left_out.iter().map(|&name| name.to_owned()).collect();
        let title = format!("stage {}", self.plan.stages.len());
        self.plan.stages.push(Stage { phase: Phase::Configuration, title, steps: Vec::new(), may_be_left_out });
    }

    fn step(&mut self, host: &str, action: Action, causes: &[&StepId]) -> StepId {
        let mut step = Step::new(Phase::Configuration, host, action);
        step.when_changed = causes.iter().map(|&cause| cause.clone()).collect();
        let id = step.id.clone();
        self.plan.stages.last_mut().unwrap().steps.push(step);
        id
    }

    fn hosts(&self) -> Hosts {
        Hosts(self.reached.iter().map(|(name, host)| (name.clone(), Arc::clone(host) as Arc<dyn Reach>)).collect())
    }

    fn journal(&self) -> Journal {
        let clock = Clock::from_fn(|| Duration::from_secs(1_795_611_901));
        Journal::open(&self.folder.path().join("journal"), Caller { command: vec!["slurmdash".into()], clock }).unwrap()
    }

    fn preview(&self) -> Preview {
        preview(&self.plan, &self.hosts(), &self.journal())
    }

    fn apply_as_shown(&self, shown: &Preview, options: &Options) -> Result<Report, RunError> {
        apply(&self.plan, shown, &self.hosts(), &mut self.journal(), self, &self.control, options)
    }

    fn apply(&self) -> Report {
        self.apply_as_shown(&self.preview(), &Options::default()).unwrap()
    }

    fn resume(&self) -> Report {
        self.apply_as_shown(&self.preview(), &Options { resume: true, ..Options::default() }).unwrap()
    }

    fn undo(&self, back: &Back) -> Result<Undone, RunError> {
        rollback(&self.hosts(), &mut self.journal(), self, &self.control, back)
    }

    fn fake(&self, host: &str) -> &Fake {
        &self.reached[host].fake
    }

    fn starts(&self, host: &str) -> u32 {
        self.fake(host).change(|world| world.daemons["app.service"].starts)
    }

    fn text(&self, host: &str, path: &str) -> Option<String> {
        self.fake(host).text(path)
    }
}

impl Watch for Lab {
    fn saw(&self, event: &Event<'_>) {
        self.events.lock().unwrap().push(event.to_string());
    }
}

fn file(path: &str, text: &str) -> Action {
    let (content, owner, group) = (Content::Text(Arc::from(text)), "root".into(), "root".into());
    Action::WriteFile(WriteFile { path: path.into(), content, owner, group, mode: 0o644, check: None })
}

fn conf() -> Action {
    file(CONF, "new\n")
}

fn restart() -> Action {
    Action::RestartUnit(RestartUnit { name: "app.service".into(), reload: false, log: None })
}

fn group(name: &str, gid: u32) -> Action {
    Action::AddGroup(AddGroup { name: name.to_owned(), gid })
}

fn last() -> Back {
    Back { runs: Runs::Last, to: None, keep_data: true, hosts: Vec::new(), parallel: 4 }
}

/// One host whose daemon is started anew when its configuration changes.
fn with_restart() -> (Lab, StepId, StepId) {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    let conf = lab.step("a", conf(), &[]);
    lab.stage(&[]);
    let restart = lab.step("a", restart(), &[&conf]);
    (lab, conf, restart)
}

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
    let wait = Await { expected: Expected::MungeAnswers, within_seconds: 1, log: None };
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
    let outcomes: Vec<_> = lab.journal().runs().iter().map(|run| run.outcome()).collect();
    assert_eq!(outcomes, [Some(Outcome::Done); 2], "for the others they are done");
    assert_eq!(lab.undo(&only("b")).unwrap(), Undone::default(), "nothing is left there");
    assert_eq!(lab.undo(&Back { runs: Runs::All, ..last() }).unwrap().reverted.len(), 2);
}

/// A head, a node that the head can do without, and a last stage on both.
fn with_a_node() -> Lab {
    let mut lab = Lab::new(&["head", "node"]);
    lab.stage(&["node"]);
    lab.step("head", conf(), &[]);
    lab.step("node", conf(), &[]);
    lab.stage(&["node"]);
    lab.step("head", file("/etc/later", "x"), &[]);
    lab.step("node", file("/etc/later", "x"), &[]);
    lab
}

#[test]
fn a_host_that_fails_and_is_not_needed_takes_no_further_part() {
    let lab = with_a_node();
    lab.fake("node").fail_at(1, Moment::Before);
    let report = lab.apply();
    assert_eq!(report.ended, Ended::Done);
    assert_eq!(report.left_out.keys().collect::<Vec<_>>(), ["node"]);
    assert!(report.failures.iter().all(|failure| failure.leaves_out && failure.host == "node"));
    assert_eq!(lab.text("head", "/etc/later").as_deref(), Some("x"));
    assert_eq!(lab.text("node", "/etc/later"), None);
    assert!(status(&lab.journal()).unwrap().next.contains("(node)"));
    let report = lab.apply();
    assert_eq!((report.ended, report.left_out.len(), report.changed.len()), (Ended::Done, 0, 2));
}

#[test]
fn a_host_that_is_away_is_left_out_when_it_is_not_needed() {
    let lab = with_a_node();
    *lab.reached["node"].away.lock().unwrap() = true;
    let shown = lab.preview();
    assert!(shown.away["node"].can_be_left_out);
    assert!(shown.changes.iter().all(|change| change.host == "head"));
    let report = lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!((report.ended, report.left_out["node"].as_str()), (Ended::Done, "no route to host"));
    // Nothing to do is said with who was not asked.
    let report = lab.apply();
    assert_eq!((report.ended, report.left_out.len()), (Ended::NothingToDo, 1));
}

#[test]
fn a_host_that_is_away_and_needed_stops_everything_before_it_begins() {
    let lab = with_a_node();
    *lab.reached["head"].away.lock().unwrap() = true;
    let error = lab.apply_as_shown(&lab.preview(), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "head can't be reached, and others need it: no route to host");
    assert_eq!(lab.text("node", CONF).as_deref(), Some("old\n"));
}

#[test]
fn what_a_host_that_is_left_out_would_have_caused_is_not_due() {
    let mut lab = Lab::new(&["head", "node"]);
    lab.stage(&["node"]);
    let cause = lab.step("node", conf(), &[]);
    lab.step("node", group("munge", 27), &[]);
    lab.stage(&[]);
    lab.step("head", restart(), &[&cause]);
    let shown = lab.preview();
    assert!(shown.is_empty(), "{shown:#?}");
    assert_eq!(shown.left_out().keys().collect::<Vec<_>>(), ["node"]);
}

#[test]
fn a_host_is_asked_once_for_all_that_stays_as_it_is() {
    let mut lab = Lab::new(&["a"]);
    lab.stage(&[]);
    for number in 0..50 {
        lab.step("a", file(&format!("/etc/{number}"), "x"), &[]);
        lab.fake("a").put_file(&format!("/etc/{number}"), "x", 0o644);
    }
    lab.step("a", conf(), &[]);
    let looks = || lab.reached["a"].looks.swap(0, Ordering::SeqCst);
    let shown = lab.preview();
    assert_eq!(looks(), 1);
    lab.apply_as_shown(&shown, &Options::default()).unwrap();
    assert_eq!(looks(), 2, "one for those that stay, one right before the one that changes");
}

/// Wants to stop as soon as something begins.
struct Stopper<'a>(&'a Lab, u32);

impl Watch for Stopper<'_> {
    fn saw(&self, event: &Event<'_>) {
        if matches!(event, Event::StepBegan { .. } | Event::Reverting { .. }) {
            (0..self.1).for_each(|_| self.0.control.interrupt());
        }
    }
}

#[test]
fn interrupted_once_the_step_is_finished_and_no_other_begun() {
    let (lab, conf, restart) = with_restart();
    let shown = lab.preview();
    let options = Options::default();
    let stopper = Stopper(&lab, 1);
    let report = apply(&lab.plan, &shown, &lab.hosts(), &mut lab.journal(), &stopper, &lab.control, &options).unwrap();
    assert_eq!((report.ended, report.changed.as_slice()), (Ended::Stopped, [conf.clone()].as_slice()));
    let unfinished = lab.journal().unfinished().unwrap();
    assert_eq!(unfinished.outcome(), Some(Outcome::Stopped));
    assert!(status(&lab.journal()).unwrap().next.contains("--resume"));
    lab.control.reset();
    assert_eq!(lab.resume().changed, [restart]);
    // The same when it is undone.
    let undone = rollback(&lab.hosts(), &mut lab.journal(), &Stopper(&lab, 1), &lab.control, &last()).unwrap();
    assert!(undone.stopped && !undone.is_complete());
    assert_eq!(undone.reverted.len(), 1);
    lab.control.reset();
    assert!(lab.undo(&last()).unwrap().is_complete());
    assert_eq!(lab.text("a", CONF).as_deref(), Some("old\n"));
}

#[test]
fn interrupted_twice_nothing_is_waited_for() {
    let (lab, conf, _) = with_restart();
    let (release, hold): (Sender<()>, _) = channel();
    *lab.reached["a"].hold.lock().unwrap() = Some(hold);
    let shown = lab.preview();
    let mut journal = lab.journal();
    let stopper = Stopper(&lab, 2);
    let options = Options::default();
    let report = apply(&lab.plan, &shown, &lab.hosts(), &mut journal, &stopper, &lab.control, &options).unwrap();
    assert_eq!((report.ended, report.changed.len()), (Ended::BrokenOff, 0));
    drop(journal);
    let run = lab.journal().unfinished().unwrap();
    assert_eq!((run.outcome(), run.steps[0].came), (None, Came::Begun));
    assert_eq!(run.steps[0].step, conf);
    // What was left behind ends by itself; then it is gone on with.
    drop(release);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while lab.text("a", CONF).as_deref() != Some("new\n") {
        assert!(std::time::Instant::now() < deadline, "the call goes on by itself");
        std::thread::yield_now();
    }
    lab.control.reset();
    assert_eq!(lab.resume().ended, Ended::Done);
    assert_eq!(lab.starts("a"), 2);
    assert_eq!(lab.journal().runs()[0].steps[0].came, Came::Done, "it turned out to be done");
}

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

/// Lets go of one host when the other is done.
struct Release(Sender<()>, Mutex<Vec<String>>);
impl Watch for Release {
    fn saw(&self, event: &Event<'_>) {
        if let Event::StepDone { step, host, .. } = event {
            self.1.lock().unwrap().push(step.0.clone());
            if *host == "b" {
                let _ = self.0.send(());
            }
        }
    }
}

#[test]
fn hosts_of_a_stage_work_at_the_same_time_and_stages_wait_for_each_other() {
    let mut lab = Lab::new(&["a", "b"]);
    lab.stage(&[]);
    lab.step("a", conf(), &[]);
    lab.step("b", conf(), &[]);
    lab.stage(&[]);
    lab.step("b", file("/etc/later", "x"), &[]);
    // The first host is held up until the other one is done: in turns, that would never end.
    let (release, hold): (Sender<()>, _) = channel();
    *lab.reached["a"].hold.lock().unwrap() = Some(hold);
    let watch = Release(release, Mutex::default());
    let shown = lab.preview();
    let options = Options::default();
    apply(&lab.plan, &shown, &lab.hosts(), &mut lab.journal(), &watch, &lab.control, &options).unwrap();
    let done = watch.1.into_inner().unwrap();
    assert_eq!(
        done,
        ["configuration/b/file /etc/app.conf", "configuration/a/file /etc/app.conf", "configuration/b/file /etc/later"]
    );
}

#[test]
fn a_preview_as_json_says_what_changes_and_not_what_was_there() {
    let (lab, ..) = with_restart();
    lab.fake("a").put_file(CONF, "hidden before\n", 0o600);
    let json = serde_json::to_value(lab.preview()).unwrap();
    assert_eq!(json["changes"][0]["step"], "configuration/a/file /etc/app.conf");
    assert_eq!(json["changes"][0]["phase"], "configuration");
    assert!(!json.to_string().contains("hidden before"), "{json}");
}
