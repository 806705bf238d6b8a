//! What is to be done, in order: a plan is stages, a stage is steps that may be done on all its hosts at the same time.
//!
//! [`make`] is pure: the same configuration, facts and secrets give the same plan.
mod accounts;
pub(crate) mod admin;
mod apptainer;
mod configuration;
mod controller;
mod dashboard;
mod database;
mod draft;
mod effect;
pub(crate) mod family;
pub(crate) mod fold;
pub(crate) mod hardware;
pub(crate) mod identities;
mod leaving;
mod limits;
mod make;
mod munge;
mod nodes;
pub(crate) mod packages;
mod previous;
mod self_test;
pub(crate) mod site;
mod ssh_ca;
mod storage;
#[cfg(test)]
mod tests;
pub(crate) mod upgrade;
pub(crate) mod version;
pub(crate) mod wanted;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::{Act as _, Action, Materials};

pub use limits::Limits;
pub use make::make;
pub use wanted::wanted;

pub(crate) use database::DATABASE;

/// Part of an installation that can be asked for alone (`--only`). In order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Looks whether it can be done at all.
    Preflight,
    /// Users and groups with the same numbers everywhere. Before the packages, whose scripts would take any number.
    Identities,
    /// Software of the distribution.
    Packages,
    /// The key that munge's daemons share.
    Munge,
    /// Folders that all hosts see.
    Storage,
    /// The accounting database and slurmdbd.
    Database,
    /// slurm.conf and what belongs to it.
    Configuration,
    /// slurmctld, the backup too.
    Controller,
    /// slurmd.
    Nodes,
    /// Accounts, QOS and associations.
    Accounts,
    /// Apptainer.
    Apptainer,
    /// sshd lets the dashboard in as the person.
    SshCa,
    /// slurmdash itself.
    Dashboard,
    /// A real job, by Slurm and by the dashboard.
    SelfTest,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 14] = [
        Self::Preflight,
        Self::Identities,
        Self::Packages,
        Self::Munge,
        Self::Storage,
        Self::Database,
        Self::Configuration,
        Self::Controller,
        Self::Nodes,
        Self::Accounts,
        Self::Apptainer,
        Self::SshCa,
        Self::Dashboard,
        Self::SelfTest,
    ];

    /// As it is written at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Identities => "identities",
            Self::Packages => "packages",
            Self::Munge => "munge",
            Self::Storage => "storage",
            Self::Database => "database",
            Self::Configuration => "configuration",
            Self::Controller => "controller",
            Self::Nodes => "nodes",
            Self::Accounts => "accounts",
            Self::Apptainer => "apptainer",
            Self::SshCa => "ssh-ca",
            Self::Dashboard => "dashboard",
            Self::SelfTest => "self-test",
        }
    }
}

/// A step's name: `<phase>/<host>/<subject>`, unique in a plan and the same in the next plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to do on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// Name of its host in the configuration.
    pub host: String,
    /// What.
    pub action: Action,
    /// It is done only when one of these changed something, in this run or in one that was broken off before it came to
    /// this step; empty: always. They are of earlier stages, or earlier on the same host.
    pub when_changed: Vec<StepId>,
    /// What it does to what runs on the cluster, when it is done, as the rest of a sentence: `ends running jobs on
    /// node001`. Refused while jobs run unless it is named.
    pub disrupts: Option<String>,
    /// Hosts whose jobs it does that to; all when empty.
    pub endangers: Vec<String>,
}

impl Step {
    /// A step that is done whenever its look finds something to do.
    pub fn new(phase: Phase, host: &str, action: Action) -> Self {
        let id = StepId(format!("{}/{host}/{}", phase.name(), action.subject()));
        Self { id, host: host.to_owned(), action, when_changed: Vec::new(), disrupts: None, endangers: Vec::new() }
    }
}

/// What happens when a step of a stage fails on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing more is begun.
    Stop,
    /// The host is left out of all that follows, and named at the end. For hosts that others don't need.
    LeaveOut,
}

/// Steps between which and the next stage all hosts wait for each other. Steps of one host are done in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The part it belongs to.
    pub phase: Phase,
    /// In few words: `munge key to all hosts`.
    pub title: String,
    /// Its steps, those of a host in order.
    pub steps: Vec<Step>,
    /// Hosts where a failure stops everything are all but these.
    pub may_be_left_out: Vec<String>,
}

impl Stage {
    /// What a failure on a host means.
    pub fn on_failure(&self, host: &str) -> OnFailure {
        if self.may_be_left_out.iter().any(|name| name == host) { OnFailure::LeaveOut } else { OnFailure::Stop }
    }
}

/// All there is to do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order.
    pub stages: Vec<Stage>,
    /// Secrets that its actions name, by host.
    pub materials: BTreeMap<String, Materials>,
}

impl Plan {
    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|stage| &stage.steps)
    }
}
