//! One installer at a time: flock(2) on a file that says who holds it. The kernel lets go of it when its holder ends,
//! however that comes, so a lock is never stale.
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::JournalError;

/// Who holds the lock. All is empty in the moment between its taking and its saying so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Number of its process.
    pub pid: u32,
    /// Its host, as that calls itself.
    pub host: String,
    /// Since when, seconds since 1970.
    pub since: i64,
    /// How it was called.
    pub command: Vec<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pid == 0 {
            return f.write_str("one that has begun this moment");
        }
        let since = jiff::Timestamp::from_second(self.since).map(|at| at.to_string()).unwrap_or_default();
        write!(f, "process {} on {} since {since}: {}", self.pid, self.host, self.command.join(" "))
    }
}

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes it, or says who has it.
    pub(super) fn take(path: &Path, holder: &Holder) -> Result<Self, JournalError> {
        let disk = |error: std::io::Error| JournalError::disk(path, &error);
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = open.open(path).map_err(disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held(said(&mut file))),
            Err(TryLockError::Error(error)) => return Err(disk(error)),
        }
        let told = serde_json::to_vec(holder).map_err(|error| disk(error.into()))?;
        file.set_len(0).and_then(|()| file.write_all(&told)).map_err(disk)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A name that is left would only be wrong for as long as nobody holds the lock.
        drop(self.0.set_len(0));
    }
}

/// Who holds it; `None` when nobody does.
pub(super) fn holder(path: &Path) -> Result<Option<Holder>, JournalError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::disk(path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(said(&mut file))),
        Err(TryLockError::Error(error)) => Err(JournalError::disk(path, &error)),
    }
}

/// What the holder wrote.
fn said(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default()
}
