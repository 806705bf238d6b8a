//! slurmdash itself at its place.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::file::attributes_of;
use super::place::{self, OPEN};
use super::{Act, Change, FileBefore, FileUndo, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::bytes::Bytes;
use crate::host::{Entry, Host, Kind, unfinished};

/// The program that runs is at a path, root's, 0755. Its undo is a file's; the one that was there is kept beside the
/// copies, not in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutProgram {
    /// Where.
    pub path: PathBuf,
}

impl PutProgram {
    /// Where the program that was there is kept meanwhile.
    fn old(&self, setting: &Setting) -> PathBuf {
        let path = self.path.strip_prefix("/").unwrap_or(&self.path);
        setting.keep.join("before").join(path)
    }

    fn there(&self, host: &dyn Host) -> Result<Option<Entry>, StepError> {
        match host.entry(&self.path)? {
            Some(entry) if entry.kind != Kind::File => {
                Err(StepError::Refused(format!("{} is no regular file; remove it", self.path.display())))
            }
            entry => Ok(entry),
        }
    }
}

impl Act for PutProgram {
    fn subject(&self) -> String {
        format!("program {}", self.path.display())
    }

    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError> {
        let there = self.there(host)?;
        let digest = if there.is_some() { Some(host.digest(&self.path)?) } else { None };
        let is_right = digest.as_ref() == Some(&host.program_digest()?);
        let summary = match &there {
            None => "new".to_owned(),
            Some(entry) if is_right && attributes_of(entry) == OPEN => return Ok(Look::Same),
            Some(entry) if is_right => format!("root:root 0755 (was {})", place::named(host, attributes_of(entry))?),
            Some(_) => "another version".to_owned(),
        };
        let written = setting.written.get(&self.path);
        let drift = !is_right && written.is_some_and(|written| Some(written) != digest.as_ref());
        // Its bytes are too many for the journal: they are moved where they can be taken back from.
        let before = there.map(|entry| FileBefore {
            content: Bytes::default(),
            attributes: attributes_of(&entry),
            modified: entry.modified,
        });
        let undo = Undo::File(FileUndo { before, missing: place::missing_above(host, &self.path)? });
        Ok(Look::Change(Change { drift, ..Change::new(summary, undo) }))
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        if self.there(host)?.is_some() {
            if host.digest(&self.path)? == host.program_digest()? {
                return Ok(host.set_attributes(&self.path, OPEN)?);
            }
            // When one is kept already, this one is of a run that was broken off.
            if host.entry(&self.old(setting))?.is_none() {
                host.move_away(&self.path, &self.old(setting))?;
            }
        }
        place::make_above(host, &self.path, OPEN)?;
        Ok(host.write_program(&self.path)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::File(FileUndo { before, missing }) = undo else { return Ok(Reverted::wholly()) };
        // A power cut may have left it.
        host.remove(&unfinished(&self.path))?;
        let mut reverted = Reverted::wholly();
        let old = self.old(setting);
        let has_old = host.entry(&old)?.is_some();
        if let Some(entry) = host.entry(&self.path)? {
            let digest = if entry.kind == Kind::File { Some(host.digest(&self.path)?) } else { None };
            let is_ours = digest.as_ref() == Some(&host.program_digest()?)
                || (digest.is_some() && digest.as_ref() == setting.written.get(&self.path));
            match before {
                // It was never moved: what is there is what was there.
                Some(before) if !has_old => {
                    if attributes_of(&entry) != before.attributes && entry.kind == Kind::File {
                        host.set_attributes(&self.path, before.attributes)?;
                    }
                }
                _ if is_ours => host.remove(&self.path)?,
                _ => reverted.kept.push(place::keep(host, setting, &self.path)?),
            }
        }
        if let (Some(before), true) = (before, has_old) {
            place::make_above(host, &self.path, OPEN)?;
            host.move_away(&old, &self.path)?;
            host.set_attributes(&self.path, before.attributes)?;
        }
        place::remove_empty(host, missing)?;
        Ok(reverted)
    }
}
