//! What is done to each site.
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use slurmdash_installer::action::{Action, Look, Materials, Reverted, Setting, StepError, Undo, WriteFile};
use slurmdash_installer::facts::{Facts, Wanted};
use slurmdash_installer::host::fake::{Fake, Moment};
use slurmdash_installer::host::{Attributes, Host as _, HostError};
use slurmdash_installer::journal::{BreakOff, JournalError, Outcome};
use slurmdash_installer::plan::StepId;
use slurmdash_installer::reach::{Here, Reach};
use slurmdash_installer::run::{Ended, Event, Watch};

use crate::drive::{Site, Trial, undisturbed};

const BREAKS: [BreakOff; 3] = [BreakOff::Before, BreakOff::Amid, BreakOff::After];

/// What the preview says is what is done, and done once more it is nothing.
pub fn does_what_was_shown(make: fn() -> Site) {
    let trial = Trial::of(make);
    let shown = trial.preview(&trial.journal());
    trial.is_as_before("looking changes nothing");
    assert!(!shown.is_empty());
    let report = trial.apply();
    assert_eq!(report.ended, Ended::Done, "{report:#?}");
    let shown: BTreeSet<&StepId> = shown.changes.iter().map(|change| &change.step).collect();
    let done: BTreeSet<&StepId> = report.changed.iter().chain(&report.already).collect();
    assert_eq!(shown, done);
    assert!(report.besides.is_empty(), "{report:#?}");
    let after = trial.snapshots();
    trial.finish("the second time");
    assert_eq!(after, trial.snapshots());
    assert_eq!(trial.journal().runs().len(), 1, "nothing to do is no run");
    trial.undo("undone");
    trial.finish("and done again");
}

/// Executes each action twice.
struct Twice(Here);

impl Reach for Twice {
    fn facts(&self, wanted: &Wanted) -> Result<Facts, HostError> {
        self.0.facts(wanted)
    }

    fn look(&self, actions: &[Action], setting: &Setting) -> Result<Vec<Result<Look, StepError>>, HostError> {
        self.0.look(actions, setting)
    }

    fn execute(
        &self,
        action: &Action,
        setting: &Setting,
        materials: &Materials,
    ) -> Result<Result<(), StepError>, HostError> {
        match self.0.execute(action, setting, materials)? {
            Ok(()) => self.0.execute(action, setting, materials),
            failed => Ok(failed),
        }
    }

    fn revert(
        &self,
        action: &Action,
        setting: &Setting,
        undo: &Undo,
    ) -> Result<Result<Reverted, StepError>, HostError> {
        match self.0.revert(action, setting, undo)? {
            Ok(first) => Ok(self.0.revert(action, setting, undo)?.map(|second| Reverted {
                left: [first.left, second.left].concat(),
                kept: [first.kept, second.kept].concat(),
            })),
            failed => Ok(failed),
        }
    }
}

/// Doing or undoing a step twice comes to the same as once.
pub fn each_step_twice(make: fn() -> Site) {
    let once = undisturbed(make);
    let trial = Trial::of(make);
    let hosts = trial.hosts_by(|fake| Arc::new(Twice(Here::new(Arc::new(fake)))));
    let report = trial.apply_watched(&mut trial.journal(), &hosts, &slurmdash_installer::run::Unwatched).unwrap();
    assert_eq!(report.ended, Ended::Done, "{report:#?}");
    trial.is_like(&once.snapshots(), "each step twice");
    let back = slurmdash_installer::run::Back {
        runs: slurmdash_installer::run::Runs::All,
        to: None,
        keep_data: true,
        hosts: Vec::new(),
        parallel: 8,
    };
    let control = slurmdash_installer::run::Control::new();
    let watch = slurmdash_installer::run::Unwatched;
    let undone = slurmdash_installer::run::rollback(&hosts, &mut trial.journal(), &watch, &control, &back).unwrap();
    assert!(undone.is_complete() && undone.left.is_empty(), "{undone:#?}");
    trial.is_as_before("each step undone twice");
}

/// All numbers below one, or at most so many of them; with `EVERY_POINT` in the environment all.
fn some(below: u32, most: u32) -> impl Iterator<Item = u32> {
    let is_all = std::env::var_os("EVERY_POINT").is_some();
    let stride = if is_all { 1 } else { below.div_ceil(most.max(1)) };
    (0..below).step_by(usize::try_from(stride.max(1)).unwrap())
}

/// So many places of a plan are tried at most, each in three ways, unless all are wanted: all of them of the site with
/// every kind of action.
const POINTS: u32 = 110;

/// Tries something at each changing call of each host, at each moment of it.
fn at_each_call(make: fn() -> Site, disturb: fn(&Fake, u32, Moment), then: impl Fn(&Trial, &str, &str)) {
    let calm = Trial::of(make);
    let before: Vec<u32> = calm.site.fakes.values().map(Fake::calls).collect();
    assert_eq!(calm.apply().ended, Ended::Done);
    let calls: Vec<(String, u32)> = calm
        .site
        .fakes
        .iter()
        .zip(before)
        .map(|((name, fake), before)| (name.clone(), fake.calls() - before))
        .collect();
    let hosts = u32::try_from(calls.len()).unwrap();
    for (name, calls) in calls {
        assert!(calls > 0, "{name} has a part");
        for call in some(calls, POINTS / hosts).map(|call| call + 1) {
            for moment in Moment::ALL {
                let trial = Trial::of(make);
                disturb(&trial.site.fakes[&name], call, moment);
                then(&trial, &name, &format!("{name}, call {call} of {calls}, {moment:?}"));
            }
        }
    }
}

/// A call that fails, whichever: the run says so, and undoing brings back what was.
pub fn fail_at_each_call(make: fn() -> Site) {
    at_each_call(make, Fake::fail_at, |trial, name, what| {
        let report = trial.apply();
        let is_told = match report.ended {
            Ended::Failed => report.failures.iter().any(|failure| failure.host == *name),
            Ended::Done => report.left_out.contains_key(name),
            _ => false,
        };
        // Whatever an action makes good by itself need not be told.
        assert!(is_told || report.failures.is_empty(), "{what}: {report:#?}");
        trial.site.fakes[name].revive();
        trial.undo(what);
    });
}

/// The host loses power, comes back, and the run is gone on with.
pub fn power_loss(make: fn() -> Site) {
    let calm = undisturbed(make).snapshots();
    at_each_call(make, Fake::die_at, |trial, name, what| {
        let report = trial.apply();
        assert!(!report.failures.is_empty(), "{what}: {report:#?}");
        trial.site.fakes[name].revive();
        trial.finish(what);
        trial.is_like(&calm, what);
        trial.undo(what);
    });
}

/// The host loses power; the others are undone while it is away, and it is when it is back.
pub fn power_loss_and_undo(make: fn() -> Site) {
    at_each_call(make, Fake::die_at, |trial, name, what| {
        trial.apply();
        let undone = trial.undo_in(&mut trial.journal()).unwrap();
        let has_steps = !undone.stuck.is_empty();
        assert!(has_steps && undone.stuck.iter().all(|left| left.host == *name), "{what}: {undone:#?}");
        assert!(undone.away.contains_key(name), "{what}: {undone:#?}");
        trial.site.fakes[name].revive();
        trial.undo(what);
    });
}

/// Kills the installer at each record, and gives what is left of it to `then`.
fn at_each_record(make: fn() -> Site, then: impl Fn(&Trial, &str)) {
    let calm = undisturbed(make);
    let (records, hosts) = (calm.records(), u32::try_from(calm.site.fakes.len()).unwrap());
    for how in BREAKS {
        for record in some(records, POINTS / hosts) {
            let trial = Trial::of(make);
            let mut journal = trial.journal();
            journal.stop_after(usize::try_from(record).unwrap(), how);
            let ended = trial.apply_in(&mut journal);
            drop(journal);
            let what = format!("record {record} of {records}, {how:?}");
            assert!(ended.is_err(), "{what}");
            then(&trial, &what);
        }
    }
}

/// A killed run is gone on with, ends like one that was not disturbed, and can be undone as well.
pub fn kill_at_each_record(make: fn() -> Site) {
    let calm = undisturbed(make).snapshots();
    at_each_record(make, |trial, what| {
        trial.finish(what);
        trial.is_like(&calm, what);
        trial.undo(what);
    });
}

/// A killed run is undone.
pub fn kill_and_undo(make: fn() -> Site) {
    at_each_record(make, |trial, what| {
        trial.undo(what);
    });
}

/// Undoing that is killed is gone on with.
pub fn kill_while_undoing(make: fn() -> Site) {
    let calm = undisturbed(make);
    let before = calm.records();
    calm.undo("undisturbed");
    let (records, hosts) = (calm.records() - before, u32::try_from(calm.site.fakes.len()).unwrap());
    for how in BREAKS {
        for record in some(records, POINTS / hosts) {
            let trial = undisturbed(make);
            let mut journal = trial.journal();
            journal.stop_after(usize::try_from(record).unwrap(), how);
            let ended = trial.undo_in(&mut journal);
            drop(journal);
            let what = format!("record {record} of {records} of undoing, {how:?}");
            assert!(ended.is_err(), "{what}");
            trial.undo(&what);
            let runs = trial.journal().runs();
            assert!(runs.iter().all(|run| run.outcome() == Some(Outcome::RolledBack)), "{what}");
        }
    }
}

/// Files of the plan, with their hosts.
fn files(site: &Site) -> Vec<(String, WriteFile)> {
    let plan = site.plan();
    let files = plan.steps().filter_map(|step| match &step.action {
        Action::WriteFile(file) => Some((step.host.clone(), file.clone())),
        _ => None,
    });
    files.collect()
}

const BY_HAND: &str = "# changed by hand\n";

/// Changes the content of a file, as an editor does.
fn change_by_hand(fake: &Fake, file: &WriteFile) {
    let entry = fake.entry(&file.path).unwrap().unwrap();
    let attributes = Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid };
    fake.write(&file.path, BY_HAND.as_bytes(), attributes, None).unwrap();
}

/// Whether a copy of what was written by hand is among these.
fn has_copy(fake: &Fake, kept: &[PathBuf]) -> bool {
    kept.iter().any(|path| fake.text(&path.to_string_lossy()).as_deref() == Some(BY_HAND))
}

/// A file that was changed by hand is undone, and what the hand wrote is kept.
pub fn hand_changed_then_undone(make: fn() -> Site) {
    for (host, file) in files(&make()) {
        let trial = undisturbed(make);
        let fake = &trial.site.fakes[&host];
        change_by_hand(fake, &file);
        let what = format!("{} of {host}", file.path.display());
        let undone = trial.undo(&what);
        assert!(has_copy(fake, undone.kept.get(&host).map_or(&[], Vec::as_slice)), "{what}: {undone:#?}");
    }
}

/// A file that was changed by hand is shown before it is written over, and what the hand wrote is kept.
pub fn hand_changed_then_done(make: fn() -> Site) {
    for (host, file) in files(&make()) {
        let trial = undisturbed(make);
        let calm = trial.snapshots();
        let fake = &trial.site.fakes[&host];
        change_by_hand(fake, &file);
        let what = format!("{} of {host}", file.path.display());
        if !files(&trial.site).contains(&(host.clone(), file.clone())) {
            // The planner leaves this one to whoever changed it.
            continue;
        }
        let shown = trial.preview(&trial.journal());
        let drift: Vec<_> = shown.drift().map(|change| (change.host.as_str(), &change.step)).collect();
        assert_eq!(drift.len(), 1, "{what}: {shown:#?}");
        trial.finish(&what);
        trial.is_like(&calm, &what);
        let run = trial.journal().runs().pop().unwrap().id;
        let copy = slurmdash_installer::journal::keep(&run).join(file.path.strip_prefix("/").unwrap());
        assert!(has_copy(fake, &[copy]), "{what}");
        trial.undo(&what);
    }
}

/// Tries to be a second installer whenever something happens.
struct Intruder<'a>(&'a Trial, Mutex<usize>);

impl Watch for Intruder<'_> {
    fn saw(&self, event: &Event<'_>) {
        assert!(matches!(self.0.try_journal(), Err(JournalError::Held(_))), "at {event}");
        *self.1.lock().unwrap() += 1;
    }
}

/// While a run is under way, no other can begin.
pub fn no_second_installer(make: fn() -> Site) {
    let trial = Trial::of(make);
    let intruder = Intruder(&trial, Mutex::new(0));
    let mut journal = trial.journal();
    trial.apply_watched(&mut journal, &trial.hosts(), &intruder).unwrap();
    assert!(*intruder.1.lock().unwrap() > 3);
    drop(journal);
    trial.journal();
}

/// Neither the preview nor the journal, the log or the report has a secret.
pub fn no_secret_is_told(make: fn() -> Site) {
    let trial = Trial::of(make);
    let preview = serde_json::to_string(&trial.preview(&trial.journal())).unwrap();
    let report = trial.apply();
    let run = report.run.clone().unwrap();
    let folder = trial.root().join("runs").join(run.as_str());
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let told = [preview, serde_json::to_string(&report).unwrap(), read("journal"), read("log")].concat();
    let plan = trial.site.plan();
    let secrets: BTreeSet<&Vec<u8>> =
        plan.materials.values().flat_map(|materials| materials.0.values()).map(|bytes| &bytes.0).collect();
    assert!(!secrets.is_empty(), "a site without secrets proves nothing");
    for secret in secrets {
        let text = String::from_utf8_lossy(secret);
        assert!(!told.contains(text.trim()), "{text} is told");
        assert!(!told.contains(&data_encoding::BASE64.encode(secret)), "{text} is told in base64");
    }
}
