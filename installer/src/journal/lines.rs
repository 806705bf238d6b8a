//! A run's journal as a file: a record a line, JSON, a tab, and the first 16 hex digits of SHA-256 of the line before's
//! digits and this line's JSON. So a line that was changed, lost or torn is found.
//!
//! A line is on disk before the next one is written. So power loss can tear the last line alone, and that one is cut
//! off: nothing was done yet that rests on it. Anything else that does not add up was not our doing, and is refused.
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::{JournalError, Record, folder};

/// Room that is kept free behind a journal's end, bytes: that of the records of all steps that run at the same time.
const ROOM: u64 = 256 << 10;

/// Room for each step that was begun, bytes: it may have to be undone when the disk is full.
const ROOM_A_STEP: u64 = 2 << 10;

/// What a journal holds.
#[derive(Debug)]
pub(super) struct Lines {
    /// Its records.
    pub(super) records: Vec<Record>,
    /// Where the last whole line ends.
    end: u64,
    /// Checksum of the last whole line.
    sum: String,
}

/// The checksum of a line.
fn sum(before: &str, json: &[u8]) -> String {
    let mut all = before.as_bytes().to_vec();
    all.extend_from_slice(json);
    HEXLOWER.encode(digest(&SHA256, &all).as_ref().get(..8).unwrap_or_default())
}

/// Reads a journal. A last line that is torn is left out.
pub(super) fn read(path: &Path) -> Result<Lines, JournalError> {
    let content = folder::read(path)?.unwrap_or_default();
    let mut lines = Lines { records: Vec::new(), end: 0, sum: String::new() };
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, [].as_slice()),
        };
        let is_whole = end.is_some() && whole(line, &lines.sum);
        if !is_whole && after.is_empty() && (end.is_none() || !is_complete(line)) {
            return Ok(lines);
        }
        let damaged = |why: &str| JournalError::Damaged {
            path: path.to_owned(),
            line: lines.records.len() + 1,
            why: why.to_owned(),
            command: format!(
                "mv {} {}",
                folder::quoted(&run_of(path)),
                folder::quoted(&run_of(path).with_extension("damaged"))
            ),
        };
        if !is_whole {
            return Err(damaged("is damaged, or lines before it were lost"));
        }
        let (json, digits) = line.split_at(line.len().saturating_sub(17));
        let record = serde_json::from_slice(json)
            .map_err(|error| damaged(&format!("was written by another version of slurmdash ({error})")))?;
        lines.records.push(record);
        lines.sum.clear();
        lines.sum.push_str(String::from_utf8_lossy(digits).trim_start());
        lines.end += line.len() as u64 + 1;
        rest = after;
    }
    Ok(lines)
}

/// Whether a line is as it was written.
fn whole(line: &[u8], before: &str) -> bool {
    let (json, digits) = line.split_at(line.len().saturating_sub(17));
    digits.strip_prefix(b"\t").is_some_and(|digits| digits == sum(before, json).as_bytes())
}

/// Whether a line has all its parts. One that was torn has not, so where the checksum of one that has is wrong, that
/// line or one before it was changed or lost.
fn is_complete(line: &[u8]) -> bool {
    let (json, digits) = line.split_at(line.len().saturating_sub(17));
    digits.first() == Some(&b'\t') && serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok()
}

/// The run's folder.
fn run_of(journal: &Path) -> PathBuf {
    journal.parent().unwrap_or(journal).to_owned()
}

/// A journal that is written to.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    end: u64,
    sum: String,
    /// Up to where the disk is ours already.
    reserved: u64,
    steps: u64,
    /// Why nothing more can be written.
    broken: Option<String>,
}

impl Writer {
    /// Makes a journal that is not there yet.
    pub(super) fn create(path: &Path) -> Result<Self, JournalError> {
        let disk = |error: std::io::Error| JournalError::disk(path, &error);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(disk)?;
        file.sync_all().map_err(disk)?;
        folder::sync(&run_of(path))?;
        Ok(Self { path: path.to_owned(), file, end: 0, sum: String::new(), reserved: 0, steps: 0, broken: None })
    }

    /// Goes on with one, behind its last whole line.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let disk = |error: std::io::Error| JournalError::disk(path, &error);
        let lines = read(path)?;
        let file = OpenOptions::new().write(true).open(path).map_err(disk)?;
        file.set_len(lines.end).and_then(|()| file.sync_all()).map_err(disk)?;
        let steps = lines.records.iter().filter(|record| matches!(record, Record::Started { .. })).count() as u64;
        let Lines { end, sum, .. } = lines;
        Ok(Self { path: path.to_owned(), file, end, sum, reserved: end, steps, broken: None })
    }

    /// Appends a record; it is on disk when this returns well, and not in the journal when it does not.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        if let Some(why) = &self.broken {
            return Err(JournalError::Broken(why.clone()));
        }
        let (line, sum) = self.line(record)?;
        if matches!(record, Record::Started { .. }) {
            self.steps += 1;
            self.reserve(line.len() as u64)?;
        }
        if let Err(error) = self.file.write_all_at(&line, self.end) {
            // Half a line must not stay in the way of the next one.
            if let Err(worse) = self.file.set_len(self.end) {
                self.broken = Some(worse.to_string());
            }
            return Err(JournalError::disk(&self.path, &error));
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed sync nobody knows what is on disk, and the next one may succeed without it: fsync(2).
            self.broken = Some(error.to_string());
            return Err(JournalError::disk(&self.path, &error));
        }
        self.end += line.len() as u64;
        self.sum = sum;
        Ok(())
    }

    /// A record as a line, and its checksum.
    fn line(&self, record: &Record) -> Result<(Vec<u8>, String), JournalError> {
        let mut line = serde_json::to_vec(record).map_err(|error| JournalError::disk(&self.path, &error.into()))?;
        let sum = sum(&self.sum, &line);
        line.push(b'\t');
        line.extend_from_slice(sum.as_bytes());
        line.push(b'\n');
        Ok((line, sum))
    }

    /// Makes sure that what has to be written after a step is begun, and to undo it, has its room on the disk.
    fn reserve(&mut self, line: u64) -> Result<(), JournalError> {
        let wanted = self.end + line + ROOM + self.steps * ROOM_A_STEP;
        if wanted <= self.reserved {
            return Ok(());
        }
        let length = wanted + ROOM - self.end;
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.end, length) {
            // A file system that can't keep room; what is written then finds out by itself.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.reserved = self.end + length,
            Err(error) => return Err(JournalError::disk(&self.path, &error.into())),
        }
        Ok(())
    }

    /// Gives room back that is not needed any more.
    pub(super) fn trim(&mut self) {
        // Room that stays reserved does no harm.
        drop(self.file.set_len(self.end));
        self.reserved = self.end;
    }

    /// Breaks a record off in the middle of its line, as power loss does.
    #[cfg(any(test, feature = "fake"))]
    pub(super) fn tear(&mut self, record: &Record) {
        if let Ok((line, _)) = self.line(record) {
            drop(self.file.write_all_at(line.get(..line.len() / 2).unwrap_or_default(), self.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepId;

    #[test]
    fn a_full_disk_is_named_and_breaks_what_can_t_be_cut_back() {
        // The kernel's own full disk; it can't be cut to a length either.
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let mut writer =
            Writer { path: path.to_owned(), file, end: 0, sum: String::new(), reserved: 0, steps: 0, broken: None };
        let record = Record::Done { step: StepId(String::from("a")) };
        let error = writer.append(&record).unwrap_err();
        assert!(error.to_string().starts_with("/dev/full: no space is left"), "{error}");
        assert!(matches!(writer.append(&record), Err(JournalError::Broken(_))));
    }

    #[test]
    fn room_for_what_must_be_written_later_is_kept_while_a_run_lasts() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut writer = Writer::create(&path).unwrap();
        writer.reserve(100).unwrap();
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!(about.len(), 0, "it is not longer than what is in it");
        assert!(about.blocks() * 512 >= ROOM, "{} blocks", about.blocks());
    }
}
