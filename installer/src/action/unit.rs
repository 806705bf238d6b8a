//! Units of systemd.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// A unit is enabled or not, and runs or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUnit {
    /// Its name with the type: `slurmctld.service`.
    pub name: String,
    /// Starts with the host.
    pub enabled: bool,
    /// Runs.
    pub running: bool,
    /// The daemon's own log, shown when it fails.
    pub log: Option<PathBuf>,
}

/// A unit that runs is started anew, or reads its configuration; one that does not run is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartUnit {
    /// Its name with the type.
    pub name: String,
    /// `true`: reads its configuration, `false`: is started anew.
    pub reload: bool,
    /// The daemon's own log, shown when it fails.
    pub log: Option<PathBuf>,
}

impl Act for SetUnit {
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

impl Act for RestartUnit {
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
