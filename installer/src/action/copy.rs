//! Copies of what an upgrade converts.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo, database, place};
use crate::host::{Command, Host, run_well};

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder with all that is in it.
    Folder(PathBuf),
    /// A database of MariaDB, as a dump.
    Database(String),
}

/// A copy goes to the folder for copies, and stays there. Planned before what is copied is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepCopy {
    /// Of what.
    pub source: Source,
    /// What comes next is another release of Slurm, which the older one can't read.
    pub is_of_another_release: bool,
}

impl Act for KeepCopy {
    fn subject(&self) -> String {
        match &self.source {
            Source::Folder(path) => format!("copy of {}", path.display()),
            Source::Database(name) => format!("dump of database {name}"),
        }
    }

    /// Always a change: it is planned for when something is about to be changed.
    fn look(&self, _host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let summary = "kept on its host".to_owned();
        Ok(Look::Change(Change::new(summary, Undo::Nothing)))
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        match &self.source {
            Source::Database(name) => database::dump(host, setting, name).map(drop),
            Source::Folder(path) if host.entry(path)?.is_some() => {
                let copy = place::free_copy(host, setting, path)?;
                place::make_closed_above(host, &copy)?;
                let words = ["--archive", "--reflink=auto", "--"].map(str::to_owned);
                let paths = [path, &copy].map(|path| path.display().to_string());
                run_well(host, &Command::new("cp").args(words).args(paths).within(3600))?;
                Ok(())
            }
            Source::Folder(_) => Ok(()),
        }
    }

    /// The copy stays. Within a release the older daemon reads what the newer one wrote; else a person decides what is
    /// given up: what came since, or the older release.
    fn revert(&self, _host: &dyn Host, setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        if !self.is_of_another_release {
            return Ok(Reverted::wholly());
        }
        let keep = setting.keep.display();
        let left = match &self.source {
            Source::Database(name) => format!(
                "the database {name} was converted by the newer slurmdbd, and an older one may refuse it. Its dump is in \
                 {keep}; to go back to it, and lose what was accounted since: systemctl stop slurmdbd; mariadb --execute \
                 'DROP DATABASE {name}'; mariadb < {keep}/{name}.sql; systemctl start slurmdbd"
            ),
            Source::Folder(path) => {
                let (copy, path) = (copied(setting, path), path.display());
                format!(
                    "{path} was converted by the newer slurmctld, and an older one may refuse it. The copy is {copy}; to go \
                     back to it, and lose the jobs that came since: systemctl stop slurmctld; mv {path} {path}.newer; cp -a \
                     {copy} {path}; systemctl start slurmctld"
                )
            }
        };
        Ok(Reverted { left: vec![left], kept: Vec::new() })
    }
}

fn copied(setting: &Setting, path: &Path) -> String {
    setting.keep.join(path.strip_prefix("/").unwrap_or(path)).display().to_string()
}
