//! Packages that are there come to the newest version that can be had.
use serde::{Deserialize, Serialize};

use super::packages::{PackagesUndo, Versions, take_away};
use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Host, HostError};

/// Packages that are there are brought to the newest version that the sources have, with what they need for that. Those
/// that are not there don't come. Their daemons are stopped before, by other steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradePackages {
    /// Their names.
    pub names: Vec<String>,
}

impl UpgradePackages {
    fn there(&self, host: &dyn Host) -> Result<Vec<String>, HostError> {
        let there = host.packages()?;
        Ok(self.names.iter().filter(|name| there.iter().any(|package| package.name == **name)).cloned().collect())
    }
}

impl Act for UpgradePackages {
    fn subject(&self) -> String {
        format!("upgrade of {}", self.names.join(" "))
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let names = self.there(host)?;
        let will = if names.is_empty() { Vec::new() } else { host.would_install(&names)? };
        if will.is_empty() {
            return Ok(Look::Same);
        }
        let summary = Versions::of(host, &will, &names)?.to_string();
        let undo = Undo::Packages(Box::new(PackagesUndo::of(host, will)?));
        Ok(Look::Change(Change { summary, diff: None, undo, drift: false }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        Ok(host.install_packages(&self.there(host)?)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Packages(undo) = undo else { return Ok(Reverted::wholly()) };
        take_away(host, setting, undo)
    }
}
