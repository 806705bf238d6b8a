//! A file with its content, owner and mode.
use std::path::PathBuf;

use crate::bytes::Bytes;
use crate::host::Attributes;
use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// A file is there with its content, owner and mode. Folders that are missing above it are made, root's and 0755.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Where.
    pub path: PathBuf,
    /// What it holds.
    pub content: super::Content,
    /// Login of its owner, who may come with an earlier step.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
    /// A command that judges it before it takes its place: an argument vector in which `{}` is the candidate's path.
    pub check: Option<Vec<String>>,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBefore {
    /// Its bytes.
    pub content: Bytes,
    /// Owner, group and mode.
    pub attributes: Attributes,
    /// Time of its last change.
    pub modified: (i64, u32),
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUndo {
    /// The file; `None` where there was none.
    pub before: Option<FileBefore>,
    /// Folders above it that were missing, outermost first.
    pub missing: Vec<PathBuf>,
}

impl Act for WriteFile {
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
