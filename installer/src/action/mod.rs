//! What can be done to a host, and undone. One file a kind.
//!
//! An action is data: it travels to its host, and into the journal. Secrets don't travel with it: a file that holds one
//! names a [`Content::Material`], whose bytes come beside it when it is executed.
//!
//! Whoever adds a kind adds it to [`Action`] and implements [`Act`]; the generic tests (`tests` here) then
//! fail it at every step, run it twice, kill it and compare the host with what it was.

mod account;
mod await_;
mod cause;
mod copy;
mod dashboard;
mod database;
mod directory;
mod drain;
mod file;
mod firewall;
mod own_folder;
mod packages;
mod place;
mod program;
mod unit;
mod upgrade;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::host::{Host, HostError};

pub use account::AccountUndo;
pub use account::{AddGroup, AddUser};
pub use await_::{Await, Expected};
pub use copy::{KeepCopy, Source};
pub use dashboard::AddDashboardAdmin;
pub use database::DatabaseUndo;
pub use database::{Account, Associations, MakeDatabase, Member, Qos};
pub use directory::DirectoryUndo;
pub use directory::{Holds, MakeDirectory};
pub use drain::DrainNodes;
pub use file::{FileBefore, FileUndo, WriteFile};
pub use firewall::OpenPorts;
pub use own_folder::OwnFolder;
pub use packages::InstallPackages;
pub use packages::PackagesUndo;
pub use program::PutProgram;
pub use unit::{RestartUnit, SetUnit};
pub use upgrade::UpgradePackages;

/// Why a step can't be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StepError {
    /// The host did not do it.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It would harm what is there; nothing was done. The text says what to do.
    #[error("{0}")]
    Refused(String),
    /// It was done, and did not come to what it should. `log` has the daemon's own last lines.
    #[error("{said}")]
    NotReached {
        /// What is missing, with the likely cause.
        said: String,
        /// The last lines of the daemon's log.
        log: Vec<String>,
    },
}

/// Bytes that actions name, by name. They hold secrets: only the memory, the connection and the place they go to has them.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Materials(pub BTreeMap<String, Bytes>);

impl std::fmt::Debug for Materials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Materials {
    /// The bytes of one.
    pub fn get(&self, name: &str) -> Result<&[u8], StepError> {
        let found = self.0.get(name).map(|bytes| bytes.0.as_slice());
        found.ok_or_else(|| StepError::Refused(format!("the secret {name} is not there: it belongs to another run")))
    }
}

/// What a file is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Text that anybody may see.
    Text(Arc<str>),
    /// What nobody may see.
    Material {
        /// Name among the [`Materials`].
        name: String,
        /// SHA-256 of its bytes, 64 hex digits.
        sha256: String,
    },
}

/// What a look at the host found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// It is as it should be.
    Same,
    /// It has to be changed.
    Change(Change),
}

/// What a step will change, and the way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// In words, without the subject: `new, 412 bytes, root:root 0644`. No secret.
    pub summary: String,
    /// Text before and after, for `--diff`; none where there is a secret.
    pub diff: Option<Diff>,
    /// How it was.
    pub undo: Undo,
    /// What is there was changed by hand since it was last written: a copy is kept.
    pub drift: bool,
    /// The daemon that should run has failed: why, with its last words.
    pub down: Option<Box<StepError>>,
}

impl Change {
    /// Of something that nobody changed by hand, without a text to show.
    pub fn new(summary: impl Into<String>, undo: Undo) -> Self {
        Self { summary: summary.into(), diff: None, undo, drift: false, down: None }
    }

    /// Whether something comes that was not there before; else what is there changes.
    pub fn is_new(&self) -> bool {
        match &self.undo {
            Undo::File(file) => file.before.is_none(),
            Undo::Directory(folder) => folder.before.is_none(),
            Undo::Account(account) => !account.was_there,
            // Which ones come from a source that is new itself, nobody knows before.
            Undo::Packages(packages) => !packages.coming.is_empty() || packages.upgraded.is_empty(),
            // What is there already stays as it is.
            Undo::Database(_) | Undo::DashboardAdmin { .. } => true,
            Undo::Nothing | Undo::Unit(_) | Undo::Ports(_) | Undo::Drain(_) => false,
        }
    }
}

/// A file's text before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// Before; empty when it was not there.
    pub before: String,
    /// After.
    pub after: Arc<str>,
}

/// How it was before, as the journal keeps it. Each action knows its own variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to bring back.
    Nothing,
    /// A file.
    File(file::FileUndo),
    /// A folder.
    Directory(directory::DirectoryUndo),
    /// A group or a user.
    Account(account::AccountUndo),
    /// Packages.
    Packages(Box<packages::PackagesUndo>),
    /// A unit.
    Unit(crate::host::Unit),
    /// A database or what is in it.
    Database(database::DatabaseUndo),
    /// The dashboard's admin: whether there was one.
    DashboardAdmin {
        /// Whether the account was there.
        was_there: bool,
    },
    /// Ports that were closed, as the firewall writes them.
    Ports(Vec<String>),
    /// Nodes that took jobs.
    Drain(Vec<String>),
}

/// What came of undoing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverted {
    /// What is left for a person, each in a sentence with what to do. Empty when all is as before.
    pub left: Vec<String>,
    /// Where copies of what would have been lost were put.
    pub kept: Vec<std::path::PathBuf>,
}

impl Reverted {
    /// All as before.
    pub fn wholly() -> Self {
        Self { left: Vec::new(), kept: Vec::new() }
    }
}

/// What an action needs besides the host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setting {
    /// A folder on the action's own host for copies of what would be lost: `/var/lib/slurmdash-install/kept/RUN`.
    pub keep: std::path::PathBuf,
    /// SHA-256 of what earlier runs wrote last, by path on this host. A file that is something else was changed by hand.
    pub written: BTreeMap<std::path::PathBuf, String>,
    /// Undoing keeps copies of what people or the cluster made; else that goes. Copies of files that somebody changed by
    /// hand are kept in any case.
    pub keep_data: bool,
}

/// The three things that every action can do. They run on the action's host.
pub trait Act {
    /// What it is about, in few words and without secrets: `file /etc/slurm/slurm.conf`. With the host's name it tells
    /// the step from all others of a plan.
    fn subject(&self) -> String;

    /// Looks. Changes nothing, and works too where what comes before it in the plan has not been done.
    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError>;

    /// Does it, right after a look that found a change. Done twice it comes to the same; broken off at any place,
    /// a `revert` with the look's undo brings back what was, and another `look` and `execute` complete it.
    fn execute(&self, host: &dyn Host, setting: &Setting, materials: &Materials) -> Result<(), StepError>;

    /// Brings back what `undo` says was there, whether `execute` was done, was broken off, or never begun. What was
    /// changed by somebody else since is kept as a copy.
    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError>;
}

/// Everything that can be done to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A file gets its content, owner and mode.
    WriteFile(WriteFile),
    /// A folder is there.
    MakeDirectory(MakeDirectory),
    /// This program is there.
    PutProgram(PutProgram),
    /// A group is there, with its number.
    AddGroup(AddGroup),
    /// A user is there, with their number and groups.
    AddUser(AddUser),
    /// Packages are installed.
    InstallPackages(InstallPackages),
    /// A unit is enabled and runs, or neither.
    SetUnit(SetUnit),
    /// A unit is started anew, or reads its configuration, because something of it changed.
    RestartUnit(RestartUnit),
    /// A database and its user are there.
    MakeDatabase(MakeDatabase),
    /// Cluster, accounts, QOS and users in Slurm's accounting.
    Associations(Associations),
    /// The dashboard's first admin has an account.
    AddDashboardAdmin(AddDashboardAdmin),
    /// A firewall lets connections in.
    OpenPorts(OpenPorts),
    /// Nodes take no more jobs.
    DrainNodes(DrainNodes),
    /// Packages that are there come to the newest version.
    UpgradePackages(UpgradePackages),
    /// A copy is kept.
    KeepCopy(KeepCopy),
    /// Nothing is changed; goes on when something is as expected.
    Await(Await),
    /// The installer's own folder, which is no step: it is undone last.
    OwnFolder(OwnFolder),
}

impl Action {
    fn act(&self) -> &dyn Act {
        match self {
            Self::WriteFile(action) => action,
            Self::MakeDirectory(action) => action,
            Self::PutProgram(action) => action,
            Self::AddGroup(action) => action,
            Self::AddUser(action) => action,
            Self::InstallPackages(action) => action,
            Self::SetUnit(action) => action,
            Self::RestartUnit(action) => action,
            Self::MakeDatabase(action) => action,
            Self::Associations(action) => action,
            Self::AddDashboardAdmin(action) => action,
            Self::OpenPorts(action) => action,
            Self::DrainNodes(action) => action,
            Self::UpgradePackages(action) => action,
            Self::KeepCopy(action) => action,
            Self::Await(action) => action,
            Self::OwnFolder(action) => action,
        }
    }
}

impl Action {
    /// What it is about, as it stands before its summary: of a daemon that is started its name alone.
    pub fn about(&self) -> String {
        match self {
            Self::RestartUnit(action) => action.name.clone(),
            other => other.subject(),
        }
    }

    /// What it does, as a sentence: `munge.service is started`, `file /etc/slurm/slurm.conf: new, 412 bytes`; of what is
    /// waited for what is to come: `slurmdbd answers`.
    pub fn sentence(&self, summary: &str) -> String {
        match self {
            Self::RestartUnit(_) => format!("{} {summary}", self.about()),
            Self::Await(wait) if !wait.is_job() => self.about(),
            _ => format!("{}: {summary}", self.about()),
        }
    }
}

impl Act for Action {
    fn subject(&self) -> String {
        self.act().subject()
    }

    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError> {
        self.act().look(host, setting)
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, materials: &Materials) -> Result<(), StepError> {
        self.act().execute(host, setting, materials)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        self.act().revert(host, setting, undo)
    }
}

#[cfg(test)]
mod tests;
