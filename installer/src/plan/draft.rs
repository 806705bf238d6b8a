//! A plan while it is made.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::effect::Disruption;
use super::site::{Site, SiteHost, is_left_out};
use super::{Phase, Plan, Stage, Step, StepId};
use crate::action::{
    Action, Await, Content, Expected, Holds, InstallPackages, MakeDirectory, Materials, OpenPorts, RestartUnit,
    SetUnit, WriteFile,
};
use crate::bytes::{Bytes, sha256};

/// Stages so far, and what later phases want to know of them.
#[derive(Default)]
pub(crate) struct Draft {
    /// In order.
    stages: Vec<Stage>,
    /// Secrets, by host.
    materials: BTreeMap<String, Materials>,
    /// Steps that write Slurm's own files, by host.
    pub(crate) slurm_conf: BTreeMap<String, Vec<StepId>>,
}

/// The steps of one stage.
pub(crate) struct Steps {
    phase: Phase,
    title: &'static str,
    all: Vec<Step>,
}

impl Steps {
    /// None yet.
    pub(crate) fn new(phase: Phase, title: &'static str) -> Self {
        Self { phase, title, all: Vec::new() }
    }

    /// One that is done whenever its look finds something to do.
    pub(crate) fn add(&mut self, host: &str, action: Action) -> StepId {
        let step = Step::new(self.phase, host, action);
        let id = step.id.clone();
        self.all.push(step);
        id
    }

    /// One that is done when one of these has changed something; not at all when there is none.
    pub(crate) fn add_when(&mut self, host: &str, action: Action, causes: &[StepId]) -> Option<StepId> {
        if causes.is_empty() {
            return None;
        }
        let step = Step { when_changed: causes.to_vec(), ..Step::new(self.phase, host, action) };
        let id = step.id.clone();
        self.all.push(step);
        Some(id)
    }

    /// Says of the last step what it does to jobs.
    pub(crate) fn disrupting(&mut self, what: Option<Disruption>) {
        if let (Some(step), Some(what)) = (self.all.last_mut(), what) {
            (step.disrupts, step.endangers) = (Some(what.what), what.hosts);
        }
    }
}

impl Draft {
    /// Ends a stage; one without steps is none.
    pub(crate) fn push(&mut self, site: &Site, steps: Steps) {
        if steps.all.is_empty() {
            return;
        }
        let with_steps: BTreeSet<&str> = steps.all.iter().map(|step| step.host.as_str()).collect();
        let pure = site.hosts.iter().filter(|host| is_left_out(host.host) && with_steps.contains(host.name()));
        let leaving = site.leaving.iter().filter(|host| with_steps.contains(host.host.name.as_str()));
        let may_be_left_out =
            pure.map(SiteHost::name).chain(leaving.map(|host| host.host.name.as_str())).map(str::to_owned).collect();
        let Steps { phase, title, all: steps } = steps;
        self.stages.push(Stage { phase, title: title.to_owned(), steps, may_be_left_out });
    }

    /// Gives a host a secret by name.
    pub(crate) fn give(&mut self, host: &str, name: &str, bytes: &[u8]) {
        let materials = self.materials.entry(host.to_owned()).or_default();
        materials.0.insert(name.to_owned(), Bytes(bytes.to_vec()));
    }

    /// Gives a host a secret that is a file's content.
    pub(crate) fn secret(&mut self, host: &str, name: &str, bytes: &[u8]) -> Content {
        self.give(host, name, bytes);
        Content::Material { name: name.to_owned(), sha256: sha256(bytes) }
    }

    /// Steps so far that change something, of these phases.
    pub(crate) fn changing(&self, phases: &[Phase]) -> Vec<StepId> {
        let of = self.stages.iter().filter(|stage| phases.contains(&stage.phase)).flat_map(|stage| &stage.steps);
        of.filter(|step| !matches!(step.action, Action::Await(_))).map(|step| step.id.clone()).collect()
    }

    /// Steps of one host so far that change something, of these phases.
    pub(crate) fn changing_on(&self, host: &str, phases: &[Phase]) -> Vec<StepId> {
        let of = self.stages.iter().filter(|stage| phases.contains(&stage.phase)).flat_map(|stage| &stage.steps);
        let of = of.filter(|step| step.host == host && !matches!(step.action, Action::Await(_)));
        of.map(|step| step.id.clone()).collect()
    }

    /// The plan.
    pub(crate) fn finish(self) -> Plan {
        Plan { stages: self.stages, materials: self.materials }
    }
}

/// A template that was filled in, without the blank lines that empty values left.
pub(crate) fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut blank = true;
    for line in text.lines() {
        let is_blank = line.trim().is_empty();
        if !(is_blank && blank) {
            tidy.push_str(line.trim_end());
            tidy.push('\n');
        }
        blank = is_blank;
    }
    format!("{}\n", tidy.trim_end())
}

/// A file of root's that everybody may read.
pub(crate) fn file(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Action {
    owned_file(path, Content::Text(text.into()), "root", 0o644)
}

/// A file of a user's.
pub(crate) fn owned_file(path: impl Into<PathBuf>, content: Content, owner: &str, mode: u32) -> Action {
    let (owner, group) = (owner.to_owned(), owner.to_owned());
    Action::WriteFile(WriteFile { path: path.into(), content, owner, group, mode, check: None })
}

/// The same, judged by a command before it takes its place.
pub(crate) fn checked(action: Action, command: &[&str]) -> Action {
    match action {
        Action::WriteFile(file) => {
            let check = Some(command.iter().map(|word| (*word).to_owned()).collect());
            Action::WriteFile(WriteFile { check, ..file })
        }
        other => other,
    }
}

/// A folder of a user's.
pub(crate) fn directory(path: impl Into<PathBuf>, owner: &str, mode: u32, holds: Holds) -> Action {
    let (owner, group) = (owner.to_owned(), owner.to_owned());
    Action::MakeDirectory(MakeDirectory { path: path.into(), owner, group, mode, holds })
}

/// Packages.
pub(crate) fn packages(names: Vec<String>, source: Option<&str>) -> Action {
    Action::InstallPackages(InstallPackages { names, source: source.map(PathBuf::from) })
}

/// A unit starts with the host, and runs.
pub(crate) fn running(name: &str, log: Option<&str>) -> Action {
    let log = log.map(PathBuf::from);
    Action::SetUnit(SetUnit { name: name.to_owned(), enabled: true, running: true, log, answers_later: false })
}

/// A unit is stopped until a later step starts it.
pub(crate) fn waiting(name: &str, log: &str) -> Action {
    let log = Some(log.into());
    Action::SetUnit(SetUnit { name: name.to_owned(), enabled: true, running: false, log, answers_later: false })
}

/// A unit does not run, nor does it start with the host.
pub(crate) fn stopped(name: &str) -> Action {
    let (name, log) = (name.to_owned(), None);
    Action::SetUnit(SetUnit { name, enabled: false, running: false, log, answers_later: false })
}

/// A unit is started anew.
pub(crate) fn restart(name: &str, log: Option<&str>) -> Action {
    let log = log.map(PathBuf::from);
    Action::RestartUnit(RestartUnit {
        name: name.to_owned(),
        reload: false,
        log,
        answers_later: false,
        reload_by: Vec::new(),
    })
}

/// A unit reads its configuration.
pub(crate) fn reload(name: &str, log: Option<&str>) -> Action {
    let log = log.map(PathBuf::from);
    Action::RestartUnit(RestartUnit {
        name: name.to_owned(),
        reload: true,
        log,
        answers_later: false,
        reload_by: Vec::new(),
    })
}

/// The active slurmctld reads slurm.conf, and tells the nodes. By a signal it would keep its partitions' limits, which
/// it has from its state. Source: scontrol(1); seen with 22.05.
pub(crate) fn reconfigure(name: &str, log: &str) -> Action {
    let reload_by = ["scontrol", "reconfigure"].map(str::to_owned).to_vec();
    let log = Some(PathBuf::from(log));
    Action::RestartUnit(RestartUnit { name: name.to_owned(), reload: true, log, answers_later: false, reload_by })
}

/// A unit's start, which is not watched: [`answers`] follows on the same host.
pub(crate) fn answers_later(mut action: Action) -> Action {
    match &mut action {
        Action::SetUnit(unit) => unit.answers_later = true,
        Action::RestartUnit(unit) => unit.answers_later = true,
        _ => {}
    }
    action
}

/// Goes on when something is as expected.
pub(crate) fn wait(expected: Expected, within_seconds: u64, log: Option<&str>) -> Action {
    Action::Await(Await { expected, within_seconds, log: log.map(PathBuf::from), unit: None })
}

/// The same, of a unit on this host: when it ends, it is not waited for any longer.
pub(crate) fn answers(unit: &str, expected: Expected, within_seconds: u64, log: Option<&str>) -> Action {
    let unit = Some(unit.to_owned());
    Action::Await(Await { expected, within_seconds, log: log.map(PathBuf::from), unit })
}

/// Lets connections in through the firewalls that a host has and that we can open.
pub(crate) fn open(firewalls: &[String], ports: &[String]) -> Vec<Action> {
    let ours = firewalls.iter().filter(|firewall| matches!(firewall.as_str(), "firewalld" | "ufw"));
    ours.map(|firewall| Action::OpenPorts(OpenPorts { firewall: firewall.clone(), ports: ports.to_vec() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_leave_no_holes() {
        assert_eq!(tidy("a\n\n\n\nb\n\n"), "a\n\nb\n");
        assert_eq!(tidy("\na  \nb"), "a\nb\n");
    }
}
