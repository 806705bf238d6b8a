//! A folder with its owner and mode.
use std::path::PathBuf;

use crate::host::Attributes;
use serde::{Deserialize, Serialize};

use super::file::attributes_of;
use super::place::{self, OPEN};
use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Host, Kind};

/// What a folder will hold, which decides what undoing does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// What can be made again: it goes with the folder.
    Scratch,
    /// What people or the cluster put there: kept as a copy when the folder goes.
    Data,
}

/// A folder is there with its owner and mode. Folders that are missing above it are made, root's and 0755.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDirectory {
    /// Where.
    pub path: PathBuf,
    /// Login of its owner, who may come with an earlier step.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
    /// What will be in it.
    pub holds: Holds,
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryUndo {
    /// Owner, group and mode; `None` where there was none.
    pub before: Option<Attributes>,
    /// Folders above it that were missing, outermost first.
    pub missing: Vec<PathBuf>,
}

impl Act for MakeDirectory {
    fn subject(&self) -> String {
        format!("folder {}", self.path.display())
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let wanted = format!("{}:{} {:04o}", self.owner, self.group, self.mode);
        let before = self.there(host)?;
        let summary = match before {
            None => format!("new, {wanted}"),
            Some(before) => {
                let ids = place::ids(host, &self.owner, &self.group)?;
                if ids.is_some_and(|(uid, gid)| before == Attributes { mode: self.mode, uid, gid }) {
                    return Ok(Look::Same);
                }
                format!("{wanted} (was {})", place::named(host, before)?)
            }
        };
        let undo = Undo::Directory(DirectoryUndo { before, missing: place::missing_above(host, &self.path)? });
        Ok(Look::Change(Change::new(summary, undo)))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let attributes = place::attributes(host, &self.owner, &self.group, self.mode)?;
        if self.there(host)?.is_some() {
            return Ok(host.set_attributes(&self.path, attributes)?);
        }
        place::make_above(host, &self.path, OPEN)?;
        Ok(host.make_directory(&self.path, attributes)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Directory(DirectoryUndo { before, missing }) = undo else { return Ok(Reverted::wholly()) };
        let mut reverted = Reverted::wholly();
        let now = host.entry(&self.path)?.filter(|entry| entry.kind == Kind::Directory);
        match (now, before) {
            // Somebody removed it, or put something else there: that is theirs.
            (None, _) => {}
            (Some(now), Some(before)) => {
                if attributes_of(&now) != *before {
                    host.set_attributes(&self.path, *before)?;
                }
            }
            (Some(_), None) => {
                let mounts = place::mounts_below(host, &self.path)?;
                if let Some(mount) = mounts.first() {
                    let (path, mount) = (self.path.display(), mount.display());
                    reverted.left.push(format!(
                        "the folder {path} stays, because something is mounted on {mount}: unmount that, then remove {path}"
                    ));
                    return Ok(reverted);
                }
                if setting.keep_data && self.holds == Holds::Data && place::holds_files(host, &self.path)? {
                    reverted.kept.push(place::keep(host, setting, &self.path)?);
                } else {
                    place::remove_all(host, &self.path)?;
                }
            }
        }
        place::remove_empty(host, missing)?;
        Ok(reverted)
    }
}

impl MakeDirectory {
    /// Owner and mode of the folder that is there.
    fn there(&self, host: &dyn Host) -> Result<Option<Attributes>, StepError> {
        match host.entry(&self.path)? {
            None => Ok(None),
            Some(entry) if entry.kind == Kind::Directory => Ok(Some(attributes_of(&entry))),
            Some(_) => Err(StepError::Refused(format!(
                "{} is no folder (a link to one is none either); move it away",
                self.path.display()
            ))),
        }
    }
}
