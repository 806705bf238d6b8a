//! What a run keeps to, on hosts in memory with a daemon each.
mod doing;
mod hosts;
mod stopping;
mod undoing;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::action::{
    Action, AddGroup, Await, Content, Expected, Holds, Look, MakeDirectory, Materials, RestartUnit, Reverted, SetUnit,
    Setting, Undo, WriteFile,
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
    Action::RestartUnit(RestartUnit {
        name: "app.service".into(),
        reload: false,
        log: None,
        answers_later: false,
        reload_by: Vec::new(),
    })
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
