//! slurmdash itself at its place.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// The program that runs is at a path, root's, 0755. Its undo is a file's; the one that was there is kept beside the
/// copies, not in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutProgram {
    /// Where.
    pub path: PathBuf,
}

impl Act for PutProgram {
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
