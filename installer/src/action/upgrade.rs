//! Packages that are there come to the newest version that can be had.
use serde::{Deserialize, Serialize};

use super::packages::{bring, look, take_away, there};
use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// Packages that are there are brought to the newest version that the sources have, with what they need for that. Those
/// that are not there don't come. Their daemons are stopped before, by other steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradePackages {
    /// Their names.
    pub names: Vec<String>,
}

impl Act for UpgradePackages {
    fn subject(&self) -> String {
        format!("upgrade of {}", self.names.join(" "))
    }

    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError> {
        let names = there(host, &self.names)?;
        let will = if names.is_empty() { Vec::new() } else { host.would_install(&names)? };
        look(host, setting, &names, will)
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let names = there(host, &self.names)?;
        let will = host.would_install(&names)?;
        bring(host, setting, &names, will)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Packages(undo) = undo else { return Ok(Reverted::wholly()) };
        take_away(host, setting, undo)
    }
}
