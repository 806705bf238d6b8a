//! The dashboard's first admin.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Command, Host, HostError, run_well};

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

impl AddDashboardAdmin {
    fn command(&self, words: &[&str]) -> Command {
        let command = Command::new(&self.program.to_string_lossy()).as_user(&self.run_as);
        command.args(words.iter().copied()).args(["--config".to_owned(), self.configuration.to_string_lossy().into()])
    }

    /// Whether the account is there; `None` where slurmdash can't be asked (yet).
    fn there(&self, host: &dyn Host) -> Result<Option<bool>, HostError> {
        Ok(self.accounts(host)?.map(|all| all.iter().any(|account| account.username == self.name)))
    }

    /// All accounts; `None` where slurmdash can't be asked (yet).
    fn accounts(&self, host: &dyn Host) -> Result<Option<Vec<Account>>, HostError> {
        if host.entry(&self.program)?.is_none() || host.entry(&self.configuration)?.is_none() {
            return Ok(None);
        }
        let output = match host.run(&self.command(&["user", "list", "--json"])) {
            // As when there is no such Unix user yet.
            Err(HostError::NotStarted { .. } | HostError::Failed { .. }) => return Ok(None),
            output => output?,
        };
        let accounts: Option<Vec<Account>> = serde_json::from_slice(&output.stdout.0).ok();
        Ok(accounts.filter(|_| output.is_ok()))
    }
}

/// An account, as `slurmdash user list --json` has it.
#[derive(Deserialize)]
struct Account {
    username: String,
}

impl Act for AddDashboardAdmin {
    fn subject(&self) -> String {
        format!("dashboard account {}", self.name)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let there = self.there(host)?;
        if there == Some(true) {
            return Ok(Look::Same);
        }
        // An account that nobody could ask for is not ours to remove.
        let undo = Undo::DashboardAdmin { was_there: there.is_none() };
        let summary = format!("new, role admin, for the Unix user {}", self.unix_user);
        Ok(Look::Change(Change { summary, diff: None, undo, drift: false }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, materials: &Materials) -> Result<(), StepError> {
        if self.there(host)? == Some(true) {
            return Ok(());
        }
        let mut password = materials.get(&self.password)?.to_vec();
        password.push(b'\n');
        let words = ["user", "add", &self.name, "--admin", "--unix-user", &self.unix_user, "--password-file", "-"];
        run_well(host, &self.command(&words).input(password))?;
        Ok(())
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::DashboardAdmin { was_there: false } = undo else { return Ok(Reverted::wholly()) };
        let accounts = self.accounts(host)?.unwrap_or_default();
        if accounts.iter().any(|account| account.username == self.name) {
            let deleted = run_well(host, &self.command(&["user", "delete", &self.name, "--yes"]));
            // slurmdash keeps the last account that looks after accounts. With nobody else in it, the store is as new, and
            // goes with its folder.
            if accounts.len() > 1 {
                deleted?;
            }
        }
        Ok(Reverted::wholly())
    }
}
