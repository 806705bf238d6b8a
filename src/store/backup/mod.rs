//! Backups: one file each, that says what it is and proves that it is whole.
//!
//! The first line is a [`Header`] as JSON; a redb file follows (`tail -n +2 FILE` gives it). While the store is open a
//! backup is a logical copy of one consistent state, and writers go on; of a closed store it is the file's own bytes.

mod contents;
mod header;
mod restore;

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::ReadableDatabase as _;
use slurmdash_api::UnixSeconds;

use self::contents::Contents;
use self::header::{FORMAT, LENGTH, measure};
use super::audit::chain::Noted;
use super::audit::verify::{ChainReport, verify as verify_chain};
use super::compact::{remove_if_there, room_of};
use super::copy::{Counts, copy_into, counts};
use super::engine::{self, Lock};
use super::{SCHEMA_VERSION, Store, StoreError, check};

pub use self::header::Header;
pub use self::restore::{Replaced, Restore, Restored};

/// Asked for by a person.
pub const MANUAL: &str = "manual";
/// Made while serving, by the clock.
pub const SCHEDULED: &str = "scheduled";
/// Made of the store that a migration is about to change.
pub const BEFORE_MIGRATE: &str = "before-migrate";
/// Made of the store that a restored one takes the place of.
pub const BEFORE_RESTORE: &str = "before-restore";

/// Names end so.
const SUFFIX: &str = ".backup";
/// A backup that is being made. There is one at most, because its folder is locked meanwhile.
const UNFINISHED: &str = "unfinished.part";

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// What it says about itself.
    pub header: Header,
}

/// A file in the backups' folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The file.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// What it says about itself, or why it can't be used. Its contents were not read: see [`verify`].
    pub header: Result<Header, String>,
}

/// What a backup is made for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// Why: one of the words above.
    pub reason: &'a str,
    /// When.
    pub now: UnixSeconds,
    /// So many backups of this reason stay, this one among them.
    pub keep: usize,
}

impl Store {
    /// Makes a backup of the present state. Readers and writers go on; takes time.
    pub fn backup(&self, backups: &Path, purpose: &Purpose<'_>) -> Result<Backup, StoreError> {
        let folder = Folder::lock(backups)?;
        let engine = &self.shared.engine;
        let view = engine.database()?.begin_read()?;
        engine::check_room(&folder.path.join(UNFINISHED), room_of(engine.path())?)?;
        let made = folder.make(purpose, |file| {
            let contents = Contents { file: file.try_clone().map_err(failed)?, begin: LENGTH as u64 };
            let copy = engine::builder().create_with_backend(contents).map_err(failed)?;
            copy_into(&view, &copy).map_err(failed)?;
            copy.close().map_err(failed)
        })?;
        if made.header.records == counts(&view)? {
            folder.prune(purpose, &[&made.path]);
            Ok(made)
        } else {
            // A mistake of ours: such a file must not be trusted.
            remove_if_there(&made.path).map_err(|error| folder.failed(error.to_string()))?;
            Err(folder.failed("the copy has not as many rows as the store"))
        }
    }
}

/// Makes a backup of the closed store at `store_path`, whose lock the caller holds, and removes the oldest of the same
/// reason beyond `keep`.
pub fn copy_closed(
    store_path: &Path,
    backups: &Path,
    reason: &str,
    schema: u32,
    now: UnixSeconds,
    keep: usize,
) -> Result<PathBuf, StoreError> {
    let made = copy_closed_sparing(store_path, backups, &Purpose { reason, now, keep }, &[])?;
    if made.header.schema == schema {
        Ok(made.path)
    } else {
        let reason = format!("the store has schema {}, not {schema}", made.header.schema);
        Err(StoreError::NoBackup { path: made.path, reason })
    }
}

/// Makes a backup of the store at `store_path` when no server has it open.
pub fn create_closed(store_path: &Path, backups: &Path, purpose: &Purpose<'_>) -> Result<Backup, StoreError> {
    let _lock = Lock::take(store_path)?;
    copy_closed_sparing(store_path, backups, purpose, &[])
}

/// `spared` are not removed, however old they are.
fn copy_closed_sparing(
    store_path: &Path,
    backups: &Path,
    purpose: &Purpose<'_>,
    spared: &[&Path],
) -> Result<Backup, StoreError> {
    // Says so when it is missing, open to others, or no store at all.
    let was_closed = engine::peek_schema(store_path)?.is_some();
    let folder = Folder::lock(backups)?;
    engine::check_room(&folder.path.join(UNFINISHED), room_of(store_path)?)?;
    let made = folder.make(purpose, |file| {
        let mut store = File::open(store_path).map_err(failed)?;
        let mut end = file;
        end.seek(SeekFrom::End(0)).map_err(failed)?;
        std::io::copy(&mut store, &mut end).map_err(failed)?;
        if was_closed {
            return Ok(());
        }
        // It must be put in order before it can be read; the store itself is not ours to change.
        let contents = Contents { file: file.try_clone().map_err(failed)?, begin: LENGTH as u64 };
        let opened = catch_unwind(AssertUnwindSafe(|| engine::builder().create_with_backend(contents)));
        opened.map_err(|_| "the store can't be read")?.map_err(failed)?.close().map_err(failed)
    })?;
    let spared: Vec<&Path> = spared.iter().copied().chain([made.path.as_path()]).collect();
    folder.prune(purpose, &spared);
    Ok(made)
}

/// Every backup in a folder, newest first, broken ones among them. None when there is no folder.
pub fn list(backups: &Path) -> Result<Vec<Listed>, StoreError> {
    let unreadable = |error: std::io::Error| StoreError::NoBackup { path: backups.into(), reason: error.to_string() };
    let entries = match std::fs::read_dir(backups) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.to_str().is_some_and(|path| path.ends_with(SUFFIX)) {
            let bytes = path.metadata().map_or(0, |facts| facts.len());
            let opened = File::open(&path);
            if opened.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
                // A server has removed it since the folder was read, as one too many.
                continue;
            }
            let header = opened.map_err(|error| format!("it can't be read: {error}"));
            let header = header.and_then(|file| Header::read(&file)).and_then(|(header, begin)| {
                let is_whole = begin.checked_add(header.size) == Some(bytes);
                if is_whole { Ok(header) } else { Err("it is not as long as it should be".to_owned()) }
            });
            found.push(Listed { path, bytes, header });
        }
    }
    let age =
        |one: &Listed| (one.header.as_ref().map_or(UnixSeconds::MIN, |header| header.created_at), turn(&one.path));
    found.sort_by(|one, other| age(other).cmp(&age(one)).then_with(|| other.path.cmp(&one.path)));
    Ok(found)
}

/// Which of the backups of the same second a name stands for.
fn turn(path: &Path) -> u32 {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.rsplit_once("Z-").and_then(|(_, turn)| turn.parse().ok()).unwrap_or(1)
}

/// The backup that somebody means: one of the folder by its name, else any file.
pub fn find(backups: &Path, name: &Path) -> PathBuf {
    let inside = backups.join(name);
    let is_bare = name.file_name() == Some(name.as_os_str());
    if is_bare && inside.exists() { inside } else { name.to_owned() }
}

/// Proves that a backup is whole: its header, its size, its digest, that redb reads it, schema and row counts; and
/// where it is of this program's schema, every record and look-up in it.
pub fn verify(path: &Path) -> Result<Header, StoreError> {
    let bad = |reason: String| StoreError::BadBackup { path: path.into(), reason };
    let (file, header, begin) = open_whole(path)?;
    let (schema, records) = look(&file, begin, no_faults).map_err(bad)?;
    if (schema, &records) == (header.schema, &header.records) {
        Ok(header)
    } else {
        Err(bad("it does not hold what it says".into()))
    }
}

/// Proves that the file of a backup is whole, and that the audit log in it is as it was written; and where a row's hash
/// was noted, that the row has it.
pub fn verify_audit(path: &Path, noted: Option<&Noted>) -> Result<ChainReport, StoreError> {
    let bad = |reason: String| StoreError::BadBackup { path: path.into(), reason };
    let (file, header, begin) = open_whole(path)?;
    if header.schema != SCHEMA_VERSION {
        let schema = header.schema;
        return Err(bad(format!("it has schema {schema}; this program can prove the audit log of {SCHEMA_VERSION}")));
    }
    let mut verified = None;
    let judge = |database: &redb::ReadOnlyDatabase| {
        verified = Some(verify_chain(database, noted).map_err(failed)?);
        Ok(())
    };
    look(&file, begin, judge).map_err(bad)?;
    verified.ok_or_else(|| bad("it can't be read".into()))
}

/// A backup whose size and digest are as they were; and where the store in it begins.
fn open_whole(path: &Path) -> Result<(File, Header, u64), StoreError> {
    let bad = |reason: String| StoreError::BadBackup { path: path.into(), reason };
    let unreadable = |error: std::io::Error| bad(format!("it can't be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let (header, begin) = Header::read(&file).map_err(bad)?;
    let mut contents = file.try_clone().map_err(unreadable)?;
    contents.seek(SeekFrom::Start(begin)).map_err(unreadable)?;
    let (size, sha256) = measure(&mut contents, |_| Ok(())).map_err(unreadable)?;
    check_contents(&header, size, &sha256).map_err(bad)?;
    Ok((file, header, begin))
}

/// Refuses a store of this program's schema in which something is not as it should be.
fn no_faults(database: &redb::ReadOnlyDatabase) -> Result<(), String> {
    if engine::schema_of(database).map_err(failed)? != SCHEMA_VERSION {
        return Ok(());
    }
    let report = check::check(database).map_err(failed)?;
    match report.faults.first() {
        None => Ok(()),
        Some(first) => {
            let (count, table, fault) = (report.fault_count, &first.table, &first.fault);
            Err(format!("the store in it has {count} faults; the first is in {table}: {fault}"))
        }
    }
}

fn check_contents(header: &Header, size: u64, sha256: &str) -> Result<(), String> {
    if size != header.size {
        return Err(format!("its contents have {size} bytes, not {}", header.size));
    }
    if sha256 != header.sha256 {
        return Err("its contents are not what was written: the digest differs".into());
    }
    Ok(())
}

/// Schema and row counts of contents, which are not changed; `judge` may have a word.
fn look(
    file: &File,
    begin: u64,
    judge: impl FnOnce(&redb::ReadOnlyDatabase) -> Result<(), String>,
) -> Result<(u32, Counts), String> {
    let look = || {
        let contents = Contents { file: file.try_clone().map_err(failed)?, begin };
        let database = engine::builder().open_read_only_with_backend(contents).map_err(failed)?;
        judge(&database)?;
        let schema = engine::schema_of(&database).map_err(failed)?;
        let records = counts(&database.begin_read().map_err(failed)?).map_err(failed)?;
        Ok((schema, records))
    };
    catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| Err("its contents can't be read".into()))
}

/// An error in words: which file it was about is known to the caller.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(error: impl ToString) -> String {
    error.to_string()
}

/// The backups' folder, held against others who would write there.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it unless it is there, and waits until nobody else writes in it.
    fn lock(path: &Path) -> Result<Self, StoreError> {
        let error = |error: std::io::Error| StoreError::NoBackup { path: path.into(), reason: error.to_string() };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(error)?;
        engine::check_folder(&path.join(UNFINISHED))?;
        let lock = File::open(path).map_err(error)?;
        lock.lock().map_err(error)?;
        // What a crash has left of an earlier one.
        remove_if_there(&path.join(UNFINISHED)).map_err(error)?;
        Ok(Self { path: path.into(), _lock: lock })
    }

    fn failed(&self, reason: impl Into<String>) -> StoreError {
        StoreError::NoBackup { path: self.path.clone(), reason: reason.into() }
    }

    /// Makes a backup; `write` writes the contents behind the room for the header.
    fn make(
        &self,
        purpose: &Purpose<'_>,
        write: impl FnOnce(&File) -> Result<(), String>,
    ) -> Result<Backup, StoreError> {
        let unfinished = self.path.join(UNFINISHED);
        let make = || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed)?;
            file.set_len(LENGTH as u64).map_err(failed)?;
            write(&file)?;
            let header = seal(&file, purpose)?;
            let path = self.free_name(&format!("v{}", header.schema), purpose.now, SUFFIX)?;
            std::fs::rename(&unfinished, &path).map_err(failed)?;
            engine::sync_folder(&path).map_err(failed)?;
            Ok(Backup { path, header })
        };
        make().map_err(|reason: String| {
            // A next attempt removes what is left of it.
            let _ = remove_if_there(&unfinished);
            self.failed(reason)
        })
    }

    fn free_name(&self, kind: &str, now: UnixSeconds, suffix: &str) -> Result<PathBuf, String> {
        let time = jiff::Timestamp::from_second(now).map_err(failed)?.strftime("%Y%m%dT%H%M%SZ");
        for turn in 1_u32.. {
            let turn = if turn == 1 { String::new() } else { format!("-{turn}") };
            let path = self.path.join(format!("slurmdash-{kind}-{time}{turn}{suffix}"));
            if !path.try_exists().map_err(failed)? {
                return Ok(path);
            }
        }
        Err("there is no free name".into())
    }

    /// Removes the oldest backups of a reason, those of `spared` never.
    fn prune(&self, purpose: &Purpose<'_>, spared: &[&Path]) {
        let same = |one: &Listed| one.header.as_ref().is_ok_and(|header| header.reason == purpose.reason);
        let removed = list(&self.path).and_then(|found| {
            for old in found.iter().filter(|one| same(one)).skip(purpose.keep) {
                if !spared.contains(&old.path.as_path()) {
                    remove_if_there(&old.path).map_err(|error| self.failed(error.to_string()))?;
                }
            }
            Ok(())
        });
        if let Err(error) = removed {
            // The backup itself is made.
            tracing::warn!(%error, "old backups can't be removed");
        }
    }
}

/// Writes the header of what stands in the file, and all of it to the disk.
fn seal(file: &File, purpose: &Purpose<'_>) -> Result<Header, String> {
    let mut contents = file;
    contents.seek(SeekFrom::Start(LENGTH as u64)).map_err(failed)?;
    let (size, sha256) = measure(&mut contents, |_| Ok(())).map_err(failed)?;
    let (schema, records) = look(file, LENGTH as u64, |_| Ok(()))?;
    let header = Header {
        slurmdash_backup: FORMAT,
        schema,
        program: env!("CARGO_PKG_VERSION").into(),
        created_at: purpose.now,
        reason: purpose.reason.into(),
        size,
        sha256,
        records,
    };
    file.write_all_at(&header.encode()?, 0).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(header)
}

#[cfg(test)]
mod tests;
