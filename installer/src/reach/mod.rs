//! A host from outside: how the installer reaches it. [`Here`] is this machine (and the fake one), [`Ssh`] another.
//!
//! Actions run on their host. On another host the same program does them: it is brought there once, started as root
//! over SSH, and answers a line of JSON for each call. OpenSSH's own client is used, so that the admin's `~/.ssh/config`,
//! agent, jump hosts and known hosts hold here as they do for them.
mod here;
mod serve;
mod ssh;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::facts::{Facts, Wanted};
use crate::host::HostError;

pub use here::Here;
pub use serve::{serve, serve_here};
pub use ssh::{Idle, Program, Ssh, Way};

/// One call, as it travels to another host: a line of JSON each way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Whether anybody is there.
    Hello,
    /// What is there.
    Facts(Wanted),
    /// Looks of many actions.
    Look(Vec<Action>, Setting),
    /// Does one.
    Execute(Box<Action>, Setting, Materials),
    /// Undoes one.
    Revert(Box<Action>, Setting, Undo),
}

/// A host that can be reached. The outer error is the way there (the host is away); the inner one the host's answer.
pub trait Reach: Send + Sync {
    /// What is there.
    fn facts(&self, wanted: &Wanted) -> Result<Facts, HostError>;
    /// Looks, one for each action, in order.
    fn look(&self, actions: &[Action], setting: &Setting) -> Result<Vec<Result<Look, StepError>>, HostError>;
    /// Does one. What is away in the middle may have been done or not.
    fn execute(
        &self,
        action: &Action,
        setting: &Setting,
        materials: &Materials,
    ) -> Result<Result<(), StepError>, HostError>;
    /// Undoes one.
    fn revert(&self, action: &Action, setting: &Setting, undo: &Undo)
    -> Result<Result<Reverted, StepError>, HostError>;
}
