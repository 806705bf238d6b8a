//! The journal, opened.
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::history::written;
use super::lines::Writer;
use super::lock::Lock;
use super::{Debts, Holder, JournalError, Outcome, Record, Run, RunId, SecretFolder, folder, lines, lock};
use crate::clock::Clock;

/// The configuration in a run's folder.
const CONFIGURATION: &str = "cluster.yaml";

/// Who opens the journal.
#[derive(Debug, Clone)]
pub struct Caller {
    /// How the program was called: for the next one who finds the lock taken, and for the run's first record.
    pub command: Vec<String>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// The journal of all runs. Opened with [`Journal::open`] nobody else can write to it; opened with [`Journal::read`]
/// it can be looked at while somebody does.
#[derive(Debug)]
pub struct Journal {
    root: PathBuf,
    caller: Caller,
    held: Option<Lock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runs: Vec<Run>,
    /// The run that records go to: its place among the runs, and its file.
    open: Option<(usize, Writer)>,
    /// The configuration of the run that begins, or is gone on with, next.
    configuration: Option<Vec<u8>>,
    #[cfg(any(test, feature = "fake"))]
    break_off: Option<(usize, BreakOff)>,
}

/// Where a test breaks the journal off, as if the installer were killed there.
#[cfg(any(test, feature = "fake"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakOff {
    /// Before a record is written.
    Before,
    /// When half of it is written.
    Amid,
    /// When it is on disk.
    After,
}

/// File of the hosts that were in the cluster once.
const FORMER: &str = "former-hosts.json";

impl Journal {
    /// Opens the journal in a folder, which is made (0700) where it is not there, and keeps others away until it is
    /// dropped.
    pub fn open(root: &Path, caller: Caller) -> Result<Self, JournalError> {
        folder::make(root)?;
        let holder = Holder {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since: caller.clock.seconds(),
            command: caller.command.clone(),
        };
        let held = Some(Lock::take(&root.join("lock"), &holder)?);
        folder::make(&root.join("runs"))?;
        folder::make(&root.join("secrets"))?;
        Self::with(root, caller, held)
    }

    /// Opens it to be looked at. Nothing can be appended. Where there is no folder, nothing was ever done.
    pub fn read(root: &Path, caller: Caller) -> Result<Self, JournalError> {
        if std::fs::symlink_metadata(root).is_ok() {
            folder::check(root)?;
        }
        Self::with(root, caller, None)
    }

    fn with(root: &Path, caller: Caller, held: Option<Lock>) -> Result<Self, JournalError> {
        let state = Mutex::new(State { runs: read_all(root)?, ..State::default() });
        Ok(Self { root: root.to_owned(), caller, held, state })
    }

    /// The installer that runs, when one does that is not this one.
    pub fn holder(&self) -> Result<Option<Holder>, JournalError> {
        if self.held.is_some() { Ok(None) } else { lock::holder(&self.root.join("lock")) }
    }

    /// The clock it was opened with.
    pub fn clock(&self) -> &Clock {
        &self.caller.clock
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run; records go to it from now on.
    pub fn begin(&mut self) -> Result<RunId, JournalError> {
        if self.held.is_none() {
            return Err(JournalError::NoRun);
        }
        let runs = self.root.join("runs");
        let now = self.caller.clock.seconds();
        // The clock may have been set back; names sort by the order of the runs all the same.
        let last = names(&runs)?.last().map_or(i64::MIN, |(_, at)| *at);
        let at = now.max(last.saturating_add(1));
        let id = RunId::at(at).ok_or_else(|| JournalError::Broken(format!("the clock says {now}")))?;
        let place = runs.join(id.as_str());
        folder::make(&place)?;
        self.give_configuration(&id)?;
        let writer = Writer::create(&place.join("journal"))?;
        {
            let mut state = self.state();
            state.runs.push(Run::new(id.clone()));
            state.open = Some((state.runs.len() - 1, writer));
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.append(&Record::Began { at: now, version, command: self.caller.command.clone() })?;
        Ok(id)
    }

    /// Goes on with a run; records go to it from now on.
    pub fn reopen(&mut self, run: &RunId) -> Result<(), JournalError> {
        if self.held.is_none() {
            return Err(JournalError::NoRun);
        }
        self.give_configuration(run)?;
        let mut state = self.state();
        let number = state.runs.iter().position(|known| known.id == *run).ok_or(JournalError::NoRun)?;
        if state.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let writer = Writer::open(&self.folder(run).join("journal"))?;
            state.open = Some((number, writer));
        }
        Ok(())
    }

    /// Writes a record down. It is on disk when this returns well; where it does not, the record is not in the journal,
    /// and what it announces must not be done.
    pub fn append(&self, record: &Record) -> Result<(), JournalError> {
        let mut state = self.state();
        #[cfg(any(test, feature = "fake"))]
        let breaks = state.breaks(record)?;
        let (number, writer) = state.open.as_mut().ok_or(JournalError::NoRun)?;
        let number = *number;
        writer.append(record)?;
        if matches!(record, Record::Ended { .. }) {
            writer.trim();
        }
        if let Some(run) = state.runs.get_mut(number) {
            run.take(record.clone());
        }
        #[cfg(any(test, feature = "fake"))]
        if breaks {
            return Err(JournalError::Broken(String::from("broken off")));
        }
        Ok(())
    }

    /// Breaks the journal off at the record after `records` more, as if the installer were killed there: nothing is
    /// written from then on.
    #[cfg(any(test, feature = "fake"))]
    pub fn stop_after(&self, records: usize, how: BreakOff) {
        self.state().break_off = Some((records, how));
    }

    /// Adds a line with the time to the open run's log. The log is for people; where it can't be written, the run goes on.
    pub fn log(&self, line: &str) {
        let Some(run) = self.current() else { return };
        let at = jiff::Timestamp::from_second(self.caller.clock.seconds()).map(|at| at.to_string()).unwrap_or_default();
        let mut open = OpenOptions::new();
        open.append(true).create(true).mode(0o600);
        let said =
            open.open(self.log_path(&run)).and_then(|mut log| log.write_all(format!("{at} {line}\n").as_bytes()));
        drop(said);
    }

    /// Where a run's log is.
    pub fn log_path(&self, run: &RunId) -> PathBuf {
        self.folder(run).join("log")
    }

    fn folder(&self, run: &RunId) -> PathBuf {
        self.root.join("runs").join(run.as_str())
    }

    /// The run that records go to.
    pub fn current(&self) -> Option<RunId> {
        let state = self.state();
        let (number, _) = state.open.as_ref()?;
        state.runs.get(*number).map(|run| run.id.clone())
    }

    /// All runs, the first one first.
    pub fn runs(&self) -> Vec<Run> {
        self.state().runs.clone()
    }

    /// One run.
    pub fn run(&self, id: &RunId) -> Option<Run> {
        self.state().runs.iter().find(|run| run.id == *id).cloned()
    }

    /// The last run, when it was broken off or stopped and something of it is still there: it can be gone on with, or
    /// undone.
    pub fn unfinished(&self) -> Option<Run> {
        let state = self.state();
        let last = state.runs.last()?;
        (last.stands() && last.outcome() != Some(Outcome::Done)).then(|| last.clone())
    }

    /// SHA-256 of what was written last on a host, by path. A file that is something else was changed by hand.
    pub fn written(&self, host: &str) -> BTreeMap<PathBuf, String> {
        written(&self.state().runs, host)
    }

    /// What is still to be done because of something that was changed.
    pub fn debts(&self) -> Debts {
        Debts::of(&self.state().runs)
    }

    /// What was made once.
    pub fn secrets(&self) -> SecretFolder {
        SecretFolder { path: self.root.join("secrets") }
    }

    /// The `cluster.yaml` that was applied last: that of the last run which was not undone.
    pub fn configuration(&self) -> Result<Option<Vec<u8>>, JournalError> {
        self.configuration_of(|run| run.stands() || run.outcome() == Some(Outcome::Done))
    }

    /// The `cluster.yaml` of the last run, undone or not: it names hosts that something may be left on.
    pub fn last_configuration(&self) -> Result<Option<Vec<u8>>, JournalError> {
        self.configuration_of(|_| true)
    }

    fn configuration_of(&self, is_meant: impl Fn(&Run) -> bool) -> Result<Option<Vec<u8>>, JournalError> {
        for run in self.runs().iter().rev().filter(|run| is_meant(run)) {
            if let Some(text) = folder::read(&self.folder(&run.id).join(CONFIGURATION))? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Keeps a copy of the `cluster.yaml` that is applied, with the run that begins or is gone on with next.
    pub fn keep_configuration(&self, text: &[u8]) {
        self.state().configuration = Some(text.to_vec());
    }

    /// Puts it into the run's folder.
    fn give_configuration(&self, run: &RunId) -> Result<(), JournalError> {
        let Some(text) = self.state().configuration.take() else { return Ok(()) };
        folder::write(&self.folder(run), CONFIGURATION, &text)
    }

    /// Forgets all runs and what was made once, when everything is undone. What else is in the folder stays, and the
    /// folder with it. Nothing can be appended any more.
    pub fn forget(self) -> Result<(), JournalError> {
        if self.held.is_none() {
            return Err(JournalError::NoRun);
        }
        for name in ["runs", "secrets", FORMER] {
            folder::remove(&self.root.join(name))?;
        }
        // Whoever comes before this line is told that we are at work; who comes after it begins anew.
        folder::remove(&self.root.join("lock"))?;
        folder::remove_empty(&self.root)
    }

    /// Hosts that were in the cluster once, as they were kept; `None` where there are none.
    pub fn former_hosts(&self) -> Result<Option<Vec<u8>>, JournalError> {
        folder::read(&self.root.join(FORMER))
    }

    /// Keeps the hosts that were in the cluster once: what is still on them can be undone by it.
    pub fn keep_former_hosts(&self, json: &[u8]) -> Result<(), JournalError> {
        folder::write(&self.root, FORMER, json)
    }
}

#[cfg(any(test, feature = "fake"))]
impl State {
    /// Counts a record, and breaks off before or amid it where a test wants that; whether it is to be done after it.
    fn breaks(&mut self, record: &Record) -> Result<bool, JournalError> {
        let Some((left, how)) = self.break_off.as_mut() else { return Ok(false) };
        let how = *how;
        if *left > 0 {
            *left -= 1;
            return Ok(false);
        }
        let broken = Err(JournalError::Broken(String::from("broken off")));
        let Some((_, writer)) = self.open.as_mut() else { return broken };
        match how {
            BreakOff::Before => broken,
            BreakOff::Amid => {
                writer.tear(record);
                self.break_off = Some((0, BreakOff::Before));
                broken
            }
            BreakOff::After => {
                self.break_off = Some((0, BreakOff::Before));
                Ok(true)
            }
        }
    }
}

/// Runs by their folders, in order.
fn names(runs: &Path) -> Result<Vec<(RunId, i64)>, JournalError> {
    let disk = |error: std::io::Error| JournalError::disk(runs, &error);
    let entries = match std::fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(RunId::of(&entry.map_err(disk)?.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

/// All runs as their journals tell them. One whose folder was made and that never began is left out.
fn read_all(root: &Path) -> Result<Vec<Run>, JournalError> {
    let place = root.join("runs");
    let mut runs = Vec::new();
    for (id, _) in names(&place)? {
        let mut run = Run::new(id);
        folder::check(&place.join(run.id.as_str()))?;
        for record in lines::read(&place.join(run.id.as_str()).join("journal"))?.records {
            run.take(record);
        }
        if run.is_begun() {
            runs.push(run);
        }
    }
    Ok(runs)
}
