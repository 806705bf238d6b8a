//! Packages of the distribution.
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::host::Package;
use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// Packages are installed. What they bring with them is written down before, so that undoing takes exactly that away:
/// packages, and users, groups and folders that their scripts made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallPackages {
    /// Their names.
    pub names: Vec<String>,
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagesUndo {
    /// Packages that will come, with their versions.
    pub coming: Vec<Package>,
    /// Users that were there.
    pub users: Vec<String>,
    /// Groups that were there.
    pub groups: Vec<String>,
    /// What was in the folders in which packages make something: `/etc`, `/var/lib`, …; by folder.
    pub folders: BTreeMap<PathBuf, Vec<String>>,
}

impl Act for InstallPackages {
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
