//! MariaDB, and what Slurm keeps in it.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// A database and a user who may do everything in it, who comes from this host alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDatabase {
    /// Name of the database.
    pub name: String,
    /// Name of the user.
    pub user: String,
    /// Name of the user's password among the materials.
    pub password: String,
}

/// An account in Slurm's accounting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The account above it; `root` is above all.
    pub parent: String,
    /// What it is.
    pub description: String,
    /// Whose it is.
    pub organization: String,
}

/// A QOS in Slurm's accounting, with options as sacctmgr(1) takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qos {
    /// Its name.
    pub name: String,
    /// `MaxWall=1-0`, `Priority=100`, …
    pub options: BTreeMap<String, String>,
}

/// A user's place in Slurm's accounting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Login.
    pub user: String,
    /// Account.
    pub account: String,
    /// QOS beside the account's own.
    pub qos: Vec<String>,
}

/// Cluster, accounts, QOS and users are in Slurm's accounting. What is there besides stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associations {
    /// Name of the cluster.
    pub cluster: String,
    /// Accounts, those above first.
    pub accounts: Vec<Account>,
    /// QOS.
    pub qos: Vec<Qos>,
    /// Users.
    pub members: Vec<Member>,
}

/// How it was: what was missing of what the action adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUndo {
    /// Names, as `database slurm_acct`, `account physics`, `user ada@physics`.
    pub missing: Vec<String>,
}

impl Act for MakeDatabase {
    fn subject(&self) -> String {
        String::from("UNWRITTEN")
    }

    fn look(&self, _host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn execute(&self, _host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn revert(&self, _host: &dyn Host, _setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }
}

impl Act for Associations {
    fn subject(&self) -> String {
        String::from("UNWRITTEN")
    }

    fn look(&self, _host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn execute(&self, _host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        Err(StepError::Refused("unwritten".into()))
    }

    fn revert(&self, _host: &dyn Host, _setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        Err(StepError::Refused("unwritten".into()))
    }
}
