//! Firewalls.
use serde::{Deserialize, Serialize};

use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::Host;

/// A firewall that is active lets connections to ports in, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPorts {
    /// `firewalld` or `ufw`.
    pub firewall: String,
    /// TCP ports, single or as ranges: `6817`, `60001-63000`.
    pub ports: Vec<String>,
}

impl Act for OpenPorts {
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
