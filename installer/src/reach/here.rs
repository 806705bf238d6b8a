//! This machine, or any host that is at hand.
use std::sync::Arc;

use super::Reach;
use crate::action::{Act as _, Action, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::facts::{Facts, Wanted, gather};
use crate::host::{Host, HostError};

/// A host that is at hand: it is never away.
pub struct Here(Arc<dyn Host>);

impl Here {
    /// That host.
    pub fn new(host: Arc<dyn Host>) -> Self {
        Self(host)
    }
}

impl Reach for Here {
    fn facts(&self, wanted: &Wanted) -> Result<Facts, HostError> {
        gather(&*self.0, wanted)
    }

    fn look(&self, actions: &[Action], setting: &Setting) -> Result<Vec<Result<Look, StepError>>, HostError> {
        Ok(actions.iter().map(|action| action.look(&*self.0, setting)).collect())
    }

    fn execute(
        &self,
        action: &Action,
        setting: &Setting,
        materials: &Materials,
    ) -> Result<Result<(), StepError>, HostError> {
        Ok(action.execute(&*self.0, setting, materials))
    }

    fn revert(
        &self,
        action: &Action,
        setting: &Setting,
        undo: &Undo,
    ) -> Result<Result<Reverted, StepError>, HostError> {
        Ok(action.revert(&*self.0, setting, undo))
    }
}
