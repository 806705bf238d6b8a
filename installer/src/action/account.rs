//! Groups and users of the system.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// A group is there with its number. Refused when the name has another number or the number another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddGroup {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
}

/// A user is there with their number and groups. Refused when the name has another number or the number another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddUser {
    /// Login.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// First group.
    pub group: String,
    /// Further groups; those they are in already stay.
    pub groups: Vec<String>,
    /// Comment.
    pub comment: String,
    /// Home folder.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
    /// Makes the home folder.
    pub with_home: bool,
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUndo {
    /// Whether the group or user was there.
    pub was_there: bool,
    /// Groups that the user was put into.
    pub joined: Vec<String>,
}

impl Act for AddGroup {
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

impl Act for AddUser {
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
