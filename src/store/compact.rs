//! Making the file small again after much was removed: redb gives free pages to new rows, never back to the disk.
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::channel;

use redb::{Database, ReadableDatabase as _};

use super::copy::{copy_into, counts, estimate};
use super::engine::{self, Engine, Lock};
use super::writer::Task;
use super::{Store, StoreError, beside};

/// A file up to this size is left alone unless somebody asks, bytes.
const WORTH_IT: u64 = 64 << 20;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// The file's size before, bytes.
    pub before: u64,
    /// The file's size after, bytes.
    pub after: u64,
}

impl Store {
    /// Whether the file is large and less than half of it is in use. Reads all that is in use, beside readers and
    /// writers; takes time.
    pub fn is_compaction_worth_it(&self) -> Result<bool, StoreError> {
        let size = size_of(self.shared.engine.path())?;
        Ok(size > WORTH_IT && self.read(|view| estimate(&view.0))? < size / 2)
    }

    /// Puts a copy without free pages in the file's place. Writers wait for it; readers go on. Takes time.
    pub fn compact(&self) -> Result<Compacted, StoreError> {
        let (answer, outcome) = channel();
        self.ask(Task::Alone(Box::new(move |engine| {
            let done = catch_unwind(AssertUnwindSafe(|| compact(engine)));
            // Whoever asked may have gone; it was done all the same.
            let _ = answer.send(done.unwrap_or(Err(StoreError::Panicked)));
        })))?;
        outcome.recv().map_err(|_| StoreError::Closed)?
    }
}

/// [`Store::compact`] for a file that no server has open.
pub fn compact_closed(path: &Path) -> Result<Compacted, StoreError> {
    let engine = Engine::open(path, Lock::take(path)?)?;
    compact(&engine)
}

fn compact(engine: &Engine) -> Result<Compacted, StoreError> {
    let path = engine.path();
    let before = size_of(path)?;
    let new = beside(path, ".compact");
    let copy = put_copy(&*engine.database()?, &new, path).inspect_err(|_| {
        // It never was the store. A next attempt removes what is left of it.
        let _ = remove_if_there(&new);
    })?;
    // Under its name it is the store, whatever comes now: what is written must go there.
    engine.replace(copy);
    engine::sync_folder(path).map_err(|source| StoreError::open(path, source))?;
    Ok(Compacted { before, after: size_of(path)? })
}

/// Copies `old` to the file `new` and gives that the store's name.
fn put_copy(old: &Database, new: &Path, path: &Path) -> Result<Database, StoreError> {
    let open = |source| StoreError::open(new, source);
    remove_if_there(new).map_err(open)?;
    let view = old.begin_read()?;
    engine::check_room(path, estimate(&view)?)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(new).map_err(open)?;
    let copy = engine::builder().create(new)?;
    copy_into(&view, &copy)?;
    if counts(&view)? != counts(&copy.begin_read()?)? {
        return Err(StoreError::corrupt("the copy", "it has not as many rows as the store"));
    }
    std::fs::rename(new, path).map_err(open)?;
    Ok(copy)
}

fn size_of(path: &Path) -> Result<u64, StoreError> {
    Ok(std::fs::metadata(path).map_err(|source| StoreError::open(path, source))?.len())
}

/// Removes a file; one that is not there is as good as removed.
pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
