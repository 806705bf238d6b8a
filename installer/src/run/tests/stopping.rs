//! Stopping from outside.
use super::*;

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
