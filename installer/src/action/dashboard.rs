//! The dashboard's first admin.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// An account with the role `admin` is in the dashboard's store, for a Unix user. Made by `slurmdash user add`, whose
/// password comes by file; one that is there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddDashboardAdmin {
    /// Name of the account.
    pub name: String,
    /// Login it acts as.
    pub unix_user: String,
    /// Name of its password among the materials.
    pub password: String,
    /// slurmdash's program.
    pub program: PathBuf,
    /// slurmdash's configuration.
    pub configuration: PathBuf,
    /// The Unix user that slurmdash runs as.
    pub run_as: String,
}

impl Act for AddDashboardAdmin {
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
