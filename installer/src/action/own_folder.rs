//! The installer's own folder on a host.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::place;
use super::{Act, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Host, Kind};
use crate::journal::PLACE;

/// What installing packages writes down for its undoing, beside the copies of a run.
const NOTE: &str = "packages-of-this-run.json";
/// The same of all runs, beside their folders.
const NOTE_OF_ALL: &str = "traces-of-packages.json";
/// Held by the far end that changes something.
const LOCK: &str = "host.lock";

/// The program that was brought to the host, and copies of what would have been lost. It is there before the first step,
/// and when all steps are undone undoing it removes what nobody needs any more. Copies stay, and are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnFolder;

impl Act for OwnFolder {
    fn subject(&self) -> String {
        format!("folder {PLACE}")
    }

    fn look(&self, _host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        Ok(Look::Same)
    }

    fn execute(&self, _host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        Ok(())
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, _undo: &Undo) -> Result<Reverted, StepError> {
        let mut reverted = Reverted::wholly();
        let own = Path::new(PLACE);
        let copies = own.join("kept");
        for run in folders(host, &copies)? {
            host.remove(&run.join(NOTE))?;
            if place::holds_files(host, &run)? {
                reverted.kept.push(run);
            } else {
                place::remove_all(host, &run)?;
            }
        }
        host.remove(&copies.join(NOTE_OF_ALL))?;
        place::remove_all(host, &own.join("bin"))?;
        // Whoever holds it is this one, and nobody else comes while the installer's own lock is held.
        host.remove(&own.join(LOCK))?;
        place::remove_empty(host, &[own.to_owned(), copies])?;
        Ok(reverted)
    }
}

/// Folders in a folder, when that is there.
fn folders(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, StepError> {
    let is_folder = |path: &Path| Ok::<_, StepError>(host.entry(path)?.is_some_and(|it| it.kind == Kind::Directory));
    let mut folders = Vec::new();
    if is_folder(path)? {
        for name in host.list(path)? {
            let inside = path.join(name);
            if is_folder(&inside)? {
                folders.push(inside);
            }
        }
    }
    Ok(folders)
}
