//! Folders and files that only we may read, and that are on disk when a call returns.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::JournalError;

/// Makes a folder (0700) where there is none, and refuses one that others may read, that is somebody else's, or that
/// is a link.
pub(super) fn make(path: &Path) -> Result<(), JournalError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some(parent) = path.parent() {
                sync(parent)?;
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.parent().is_some() => {
            return Err(JournalError::Unsafe {
                path: path.to_owned(),
                what: String::from("can't be made, as its folder is not there"),
                command: format!("mkdir -p {}", quoted(path.parent().unwrap_or(path))),
            });
        }
        Err(error) => return Err(JournalError::disk(path, &error)),
    }
    check(path)
}

/// Refuses a folder that is not ours alone.
pub(super) fn check(path: &Path) -> Result<(), JournalError> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let opened = OpenOptions::new().read(true).custom_flags(bits(flags)).open(path);
    let folder = match opened {
        Ok(folder) => folder,
        Err(error) => {
            let about = std::fs::symlink_metadata(path).map_err(|_| JournalError::disk(path, &error))?;
            if about.is_dir() {
                return Err(JournalError::disk(path, &error));
            }
            let what = if about.is_symlink() { "is a link" } else { "is no folder" };
            return Err(JournalError::Unsafe {
                path: path.to_owned(),
                what: what.to_owned(),
                command: format!("mv {0} {0}.old", quoted(path)),
            });
        }
    };
    ours_alone(path, &folder, 0o700)
}

/// Refuses what is somebody else's, or open to others.
fn ours_alone(path: &Path, file: &File, mode: u32) -> Result<(), JournalError> {
    let about = file.metadata().map_err(|error| JournalError::disk(path, &error))?;
    let us = rustix::process::geteuid().as_raw();
    if about.uid() != us {
        return Err(JournalError::Unsafe {
            path: path.to_owned(),
            what: format!("belongs to user {}, not to {us}", about.uid()),
            command: format!("chown {us} {}", quoted(path)),
        });
    }
    if about.mode() & 0o077 != 0 {
        return Err(JournalError::Unsafe {
            path: path.to_owned(),
            what: format!("is open to others (mode {:04o})", about.mode() & 0o7777),
            command: format!("chmod {mode:04o} {}", quoted(path)),
        });
    }
    Ok(())
}

/// A file that is ours alone, whole; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let disk = |error: &std::io::Error| JournalError::disk(path, error);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = match OpenOptions::new().read(true).custom_flags(bits(flags)).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(&error)),
    };
    if !file.metadata().map_err(|error| disk(&error))?.is_file() {
        return Err(JournalError::Unsafe {
            path: path.to_owned(),
            what: String::from("is no regular file"),
            command: format!("mv {0} {0}.old", quoted(path)),
        });
    }
    ours_alone(path, &file, 0o600)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(|error| disk(&error))?;
    Ok(Some(content))
}

/// Puts a file (0600) in its place at once, over what was there: written beside it, synced, renamed, its folder synced,
/// and read back.
pub(super) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<(), JournalError> {
    let path = folder.join(name);
    let beside = folder.join(format!(".{name}.new"));
    let disk = |error: std::io::Error| JournalError::disk(&path, &error);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(error)),
        _ => {}
    }
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    })();
    if let Err(error) = written {
        // What is left beside it holds a part of the content; the reason that counts is the first one.
        drop(std::fs::remove_file(&beside));
        return Err(disk(error));
    }
    sync(folder)?;
    if read(&path)?.as_deref() == Some(content) {
        return Ok(());
    }
    Err(JournalError::Disk { path, error: String::from("what was written is not what is read back"), errno: None })
}

/// Removes a file, or a folder with all that is in it. Links are not followed, and nothing there is fine.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::disk(path, &error)),
        _ => Ok(()),
    }
}

/// Removes a folder when nothing is in it.
pub(super) fn remove_empty(path: &Path) -> Result<(), JournalError> {
    use std::io::ErrorKind::{DirectoryNotEmpty, NotFound};
    match std::fs::remove_dir(path) {
        Err(error) if !matches!(error.kind(), DirectoryNotEmpty | NotFound) => Err(JournalError::disk(path, &error)),
        _ => Ok(()),
    }
}

/// Has the names in a folder on disk.
pub(super) fn sync(folder: &Path) -> Result<(), JournalError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| JournalError::disk(folder, &error))
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Flags as the standard library takes them.
#[expect(clippy::cast_possible_wrap, reason = "flags are bits")]
fn bits(flags: OFlags) -> i32 {
    flags.bits() as i32
}
