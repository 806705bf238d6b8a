//! What every action keeps to, whatever it does: written once, for all kinds.
mod hosts;
mod samples;
mod single;
mod vain;

use super::{Act as _, Change, Look, Reverted, Undo};
use crate::action::StepError;
use crate::host::fake::{Fake, Moment, Snapshot};
use samples::{KEPT, KINDS, Sample, kind, materials, samples, setting};

/// Looks, and does what is to be done, as the engine does: the undo is written down before anything is changed.
fn apply(sample: &Sample, fake: &Fake, journal: &mut Vec<Undo>) -> Result<(), StepError> {
    match sample.action.look(fake, &setting())? {
        Look::Same => Ok(()),
        Look::Change(change) => {
            journal.push(change.undo);
            sample.action.execute(fake, &setting(), &materials())
        }
    }
}

/// Undoes all that was begun, in reverse.
fn unwind(sample: &Sample, fake: &Fake, journal: &[Undo]) -> Result<Vec<Reverted>, StepError> {
    journal.iter().rev().map(|undo| sample.action.revert(fake, &setting(), undo)).collect()
}

fn assert_same(sample: &Sample, what: &str, before: &Snapshot, fake: &Fake) {
    let diff = before.diff(&fake.snapshot(KEPT));
    assert!(diff.is_empty(), "{}: {what}: the host is not what it was:\n{diff}", sample.name);
}

/// Changing calls of one look and execution, and of the undoing after it.
fn calls(sample: &Sample) -> (u32, u32) {
    let (fake, mut journal) = ((sample.host)(), Vec::new());
    let start = fake.calls();
    apply(sample, &fake, &mut journal).unwrap();
    let done = fake.calls();
    unwind(sample, &fake, &journal).unwrap();
    (done - start, fake.calls() - done)
}

#[test]
fn every_kind_has_a_sample() {
    let samples = samples();
    for wanted in 0..KINDS {
        assert!(samples.iter().any(|sample| kind(&sample.action) == wanted), "kind {wanted} has no sample");
    }
}

#[test]
fn subjects_tell_what_and_no_secret() {
    for sample in samples() {
        let subject = sample.action.subject();
        assert!(!subject.is_empty() && !subject.contains("pass"), "{}: {subject}", sample.name);
        let travelled: super::Action = serde_json::from_str(&serde_json::to_string(&sample.action).unwrap()).unwrap();
        assert_eq!(travelled, sample.action, "{}", sample.name);
    }
}

#[test]
fn a_look_changes_nothing() {
    for sample in samples() {
        let fake = (sample.host)();
        let (before, calls) = (fake.snapshot(&[]), fake.calls());
        sample.action.look(&fake, &setting()).unwrap();
        assert_eq!(fake.calls(), calls, "{}", sample.name);
        assert_same(&sample, "look", &before, &fake);
    }
}

#[test]
fn a_look_works_on_a_bare_host() {
    for sample in samples() {
        let fake = hosts::bare();
        let look = sample.action.look(&fake, &setting());
        // Nothing that is looked for comes with a bare host.
        assert!(look.is_ok(), "{}: {look:?}", sample.name);
    }
}

#[test]
fn what_is_done_is_as_it_should_be() {
    for sample in samples() {
        let (fake, mut journal) = ((sample.host)(), Vec::new());
        apply(&sample, &fake, &mut journal).unwrap_or_else(|error| panic!("{}: {error:?}", sample.name));
        let look = sample.action.look(&fake, &setting()).unwrap();
        assert_eq!(look == Look::Same, sample.settles, "{}: {look:?}", sample.name);
    }
}

#[test]
fn undone_it_is_as_it_was() {
    for sample in samples() {
        let (fake, mut journal) = ((sample.host)(), Vec::new());
        let before = fake.snapshot(KEPT);
        apply(&sample, &fake, &mut journal).unwrap();
        let reverted = unwind(&sample, &fake, &journal).unwrap();
        assert_same(&sample, "undone", &before, &fake);
        assert!(reverted.iter().all(|reverted| reverted.left.is_empty()), "{}: {reverted:?}", sample.name);
        // What was never begun, or was undone already, is undone by nothing.
        unwind(&sample, &fake, &journal).unwrap();
        assert_same(&sample, "undone twice", &before, &fake);
    }
}

#[test]
fn done_twice_it_comes_to_the_same() {
    for sample in samples() {
        let (fake, mut journal) = ((sample.host)(), Vec::new());
        apply(&sample, &fake, &mut journal).unwrap();
        let once = fake.snapshot(KEPT);
        sample.action.execute(&fake, &setting(), &materials()).unwrap();
        assert_same(&sample, "done twice", &once, &fake);
    }
}

#[test]
fn failed_at_any_call_it_can_be_undone_and_done() {
    for sample in samples() {
        for (call, moment) in faults(calls(&sample).0) {
            let what = format!("failed at call {call} ({moment:?})");
            let (fake, mut journal) = ((sample.host)(), Vec::new());
            let before = fake.snapshot(KEPT);
            fake.fail_at(call, moment);
            // Some go round a call that fails.
            let outcome = apply(&sample, &fake, &mut journal);
            fake.revive();
            unwind(&sample, &fake, &journal).unwrap_or_else(|error| panic!("{}: {what}: {error:?}", sample.name));
            assert_same(&sample, &format!("{what}: {outcome:?}"), &before, &fake);
            apply(&sample, &fake, &mut journal).unwrap();
        }
    }
}

#[test]
fn after_a_power_cut_at_any_call_it_can_be_completed_and_undone() {
    for sample in samples() {
        for (call, moment) in faults(calls(&sample).0) {
            let what = format!("power cut at call {call} ({moment:?})");
            let (fake, mut journal) = ((sample.host)(), Vec::new());
            let before = fake.snapshot(KEPT);
            fake.die_at(call, moment);
            apply(&sample, &fake, &mut journal).unwrap_err();
            assert!(fake.is_off(), "{}: {what}", sample.name);
            fake.revive();
            apply(&sample, &fake, &mut journal).unwrap_or_else(|error| panic!("{}: {what}: {error:?}", sample.name));
            let look = sample.action.look(&fake, &setting()).unwrap();
            assert_eq!(look == Look::Same, sample.settles, "{}: {what}: {look:?}", sample.name);
            unwind(&sample, &fake, &journal).unwrap();
            assert_same(&sample, &what, &before, &fake);
        }
    }
}

#[test]
fn after_a_power_cut_it_can_be_undone_at_once() {
    for sample in samples() {
        for (call, moment) in faults(calls(&sample).0) {
            let (fake, mut journal) = ((sample.host)(), Vec::new());
            let before = fake.snapshot(KEPT);
            fake.die_at(call, moment);
            apply(&sample, &fake, &mut journal).unwrap_err();
            fake.revive();
            unwind(&sample, &fake, &journal).unwrap();
            assert_same(&sample, &format!("power cut at call {call} ({moment:?})"), &before, &fake);
        }
    }
}

#[test]
fn undoing_that_is_broken_off_can_be_done_again() {
    for sample in samples() {
        for (call, moment) in faults(calls(&sample).1) {
            for is_power in [false, true] {
                let what = format!("undoing broken off at call {call} ({moment:?}, power cut: {is_power})");
                let (fake, mut journal) = ((sample.host)(), Vec::new());
                let before = fake.snapshot(KEPT);
                apply(&sample, &fake, &mut journal).unwrap();
                if is_power {
                    fake.die_at(call, moment);
                } else {
                    fake.fail_at(call, moment);
                }
                let first = unwind(&sample, &fake, &journal);
                fake.revive();
                unwind(&sample, &fake, &journal).unwrap_or_else(|error| panic!("{}: {what}: {error:?}", sample.name));
                assert_same(&sample, &format!("{what}: {first:?}"), &before, &fake);
            }
        }
    }
}

#[test]
fn what_others_did_in_between_stays_or_is_kept() {
    for sample in samples() {
        let (fake, mut journal) = ((sample.host)(), Vec::new());
        apply(&sample, &fake, &mut journal).unwrap();
        (sample.foreign)(&fake);
        let reverted = unwind(&sample, &fake, &journal).unwrap_or_else(|error| panic!("{}: {error:?}", sample.name));
        assert!((sample.survives)(&fake), "{}: {reverted:?}", sample.name);
    }
}

fn faults(calls: u32) -> impl Iterator<Item = (u32, Moment)> {
    (1..=calls).flat_map(|call| Moment::ALL.map(|moment| (call, moment)))
}

/// What a look found, which must be a change.
fn change(look: Look) -> Change {
    match look {
        Look::Change(change) => change,
        Look::Same => panic!("there is something to do"),
    }
}
