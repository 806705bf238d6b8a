//! A folder with its owner and mode.
use std::path::PathBuf;

use crate::host::Attributes;
use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// What a folder will hold, which decides what undoing does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// What can be made again: it goes with the folder.
    Scratch,
    /// What people or the cluster put there: kept as a copy when the folder goes.
    Data,
}

/// A folder is there with its owner and mode. Folders that are missing above it are made, root's and 0755.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDirectory {
    /// Where.
    pub path: PathBuf,
    /// Login of its owner, who may come with an earlier step.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
    /// What will be in it.
    pub holds: Holds,
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryUndo {
    /// Owner, group and mode; `None` where there was none.
    pub before: Option<Attributes>,
    /// Folders above it that were missing, outermost first.
    pub missing: Vec<PathBuf>,
}

impl Act for MakeDirectory {
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
