//! Does plans on hosts in memory.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use slurmdash_installer::clock::Clock;
use slurmdash_installer::host::fake::commands::said;
use slurmdash_installer::host::fake::{Fake, Snapshot};
use slurmdash_installer::journal::{Caller, Journal, PLACE};
use slurmdash_installer::plan::Plan;
use slurmdash_installer::reach::{Here, Reach};
use slurmdash_installer::run::{
    Back, Control, Ended, Hosts, Options, Preview, Report, RunError, Runs, Undone, Unwatched, Watch, apply, preview,
    rollback,
};

/// Plans for hosts as they are.
pub type Planner = Box<dyn Fn(&BTreeMap<String, Fake>) -> Plan + Sync>;

/// Hosts as they were before, and what plans for them.
pub struct Site {
    pub fakes: BTreeMap<String, Fake>,
    pub planner: Planner,
}

impl Site {
    /// What is to be done, as the hosts are now.
    pub fn plan(&self) -> Plan {
        (self.planner)(&self.fakes)
    }
}

/// A site with its journal.
pub struct Trial {
    pub site: Site,
    pub before: BTreeMap<String, Snapshot>,
    folder: tempfile::TempDir,
}

/// A folder for the journal, in memory where there is one: thousands of records are synced.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A host tells what every host does.
fn talkative(name: &str, fake: &Fake) {
    fake.put_file("/proc/sys/kernel/hostname", name, 0o444);
    fake.put_file("/proc/meminfo", "MemTotal:  16373760 kB\n", 0o444);
    fake.put_file("/proc/cpuinfo", "processor\t: 0\n", 0o444);
    for (program, says) in [("uname", "x86_64\n"), ("date", "1795611901000\n"), ("id", "0\n")] {
        fake.answer(program, move |_, _| said(says));
    }
}

impl Trial {
    pub fn of(make: fn() -> Site) -> Self {
        let site = make();
        site.fakes.iter().for_each(|(name, fake)| talkative(name, fake));
        let before = snapshots(&site);
        Self { site, before, folder: scratch() }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("slurmdash-install")
    }

    pub fn journal(&self) -> Journal {
        self.try_journal().unwrap()
    }

    pub fn try_journal(&self) -> Result<Journal, slurmdash_installer::journal::JournalError> {
        let clock = Clock::from_fn(|| Duration::from_secs(1_795_611_901));
        Journal::open(&self.root(), Caller { command: vec!["slurmdash".into(), "install".into()], clock })
    }

    /// How many records the journal has.
    pub fn records(&self) -> u32 {
        let lines = |run: &slurmdash_installer::journal::Run| {
            let path = self.root().join("runs").join(run.id.as_str()).join("journal");
            std::fs::read_to_string(path).unwrap().lines().count()
        };
        u32::try_from(self.journal().runs().iter().map(lines).sum::<usize>()).unwrap()
    }

    pub fn hosts(&self) -> Hosts {
        self.hosts_by(|fake| Arc::new(Here::new(Arc::new(fake))))
    }

    pub fn hosts_by(&self, reach: impl Fn(Fake) -> Arc<dyn Reach>) -> Hosts {
        Hosts(self.site.fakes.iter().map(|(name, fake)| (name.clone(), reach(fake.clone()))).collect())
    }

    pub fn preview(&self, journal: &Journal) -> Preview {
        preview(&self.site.plan(), &self.hosts(), journal)
    }

    /// Looks and does, going on with what was broken off.
    pub fn apply_in(&self, journal: &mut Journal) -> Result<Report, RunError> {
        self.apply_watched(journal, &self.hosts(), &Unwatched)
    }

    pub fn apply_watched(&self, journal: &mut Journal, hosts: &Hosts, watch: &dyn Watch) -> Result<Report, RunError> {
        let plan = self.site.plan();
        let preview = preview(&plan, hosts, journal);
        let options = Options { resume: journal.unfinished().is_some(), ..Options::default() };
        apply(&plan, &preview, hosts, journal, watch, &Control::new(), &options)
    }

    pub fn apply(&self) -> Report {
        self.apply_in(&mut self.journal()).unwrap()
    }

    /// Goes on until all is done, as an admin would, and checks that there is nothing left to do then.
    pub fn finish(&self, what: &str) {
        let report = self.apply();
        assert!(matches!(report.ended, Ended::Done | Ended::NothingToDo), "{what}: {report:#?}");
        assert!(report.left_out.is_empty(), "{what}: {report:#?}");
        let left = self.preview(&self.journal());
        assert!(left.is_empty() && left.refused.is_empty() && left.away.is_empty(), "{what}: {left:#?}");
        assert_eq!(self.journal().unfinished(), None, "{what}");
    }

    pub fn undo_in(&self, journal: &mut Journal) -> Result<Undone, RunError> {
        let back = Back { runs: Runs::All, to: None, keep_data: true, hosts: Vec::new(), parallel: 8 };
        rollback(&self.hosts(), journal, &Unwatched, &Control::new(), &back)
    }

    /// Undoes everything, and compares the hosts with what they were.
    pub fn undo(&self, what: &str) -> Undone {
        let undone = self.undo_in(&mut self.journal()).unwrap();
        assert!(undone.is_complete(), "{what}: {undone:#?}");
        assert!(undone.left.is_empty(), "{what}: {undone:#?}");
        self.is_as_before(what);
        assert!(self.journal().runs().iter().all(|run| !run.stands()), "{what}");
        undone
    }

    pub fn is_as_before(&self, what: &str) {
        for (name, fake) in &self.site.fakes {
            let diff = self.before[name].diff(&of(fake));
            assert!(diff.is_empty(), "{what}: {name} is not as it was before:\n{diff}");
        }
    }

    /// Compares the hosts with those of another trial, but for times.
    pub fn is_like(&self, other: &BTreeMap<String, Snapshot>, what: &str) {
        for (name, fake) in &self.site.fakes {
            let diff = other[name].diff(&of(fake));
            let lines: Vec<&str> = diff.lines().filter(|line| !differs_in_time(line)).collect();
            assert!(lines.is_empty(), "{what}: {name} came out otherwise:\n{}", lines.join("\n"));
        }
    }

    pub fn snapshots(&self) -> BTreeMap<String, Snapshot> {
        snapshots(&self.site)
    }
}

/// The site after everything was done without disturbance.
pub fn undisturbed(make: fn() -> Site) -> Trial {
    let trial = Trial::of(make);
    let report = trial.apply();
    assert_eq!(report.ended, Ended::Done, "{report:#?}");
    assert!(report.left_out.is_empty(), "{report:#?}");
    trial
}

fn snapshots(site: &Site) -> BTreeMap<String, Snapshot> {
    site.fakes.iter().map(|(name, fake)| (name.clone(), of(fake))).collect()
}

fn of(fake: &Fake) -> Snapshot {
    fake.snapshot(&[PLACE])
}

/// Whether a line of a comparison is about a file that differs in the time of its change alone.
fn differs_in_time(line: &str) -> bool {
    let without_time = |words: &str| match (words.find('('), words.find(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &words[..open], &words[close + 1..]),
        _ => words.to_owned(),
    };
    let Some((name, (before, after))) = line
        .strip_prefix("~ ")
        .and_then(|line| line.split_once(": "))
        .and_then(|(name, rest)| Some((name, rest.split_once(" -> ")?)))
    else {
        return false;
    };
    name.starts_with("path ") && without_time(before) == without_time(after)
}
