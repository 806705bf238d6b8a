//! What is done at a place. All of it may block.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, RenameFlags};
use rustix::io::Errno;

use super::place::{self, Spot};
use crate::hands::open::stat_of;
use crate::hands::{Entry, HandsError, Listing, OpenHow, Place, Space, Stat};

/// Most entries of a page.
const LONGEST_PAGE: usize = 10_000;

/// Room for what the system says at once of a folder's entries, bytes.
const READ_AT_ONCE: usize = 64 << 10;

/// What is at a place, links not followed.
pub fn stat(place: &Place) -> io::Result<Option<Stat>> {
    let about = place::find(place).and_then(|spot| look(&spot));
    match about {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        about => about.map(|about| Some(stat_of(&about))),
    }
}

/// A page of a folder. However many entries it has, only those of the page are kept.
pub fn list(folder: &Place, after: Option<&str>, limit: usize) -> io::Result<Listing> {
    let limit = limit.clamp(1, LONGEST_PAGE);
    let spot = place::find(folder)?;
    if FileType::from_raw_mode(look(&spot)?.st_mode) == FileType::Symlink {
        return Err(place::is_link());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(&spot.folder, spot.name, flags, Mode::empty())?;
    let mut page = first_names(&folder, after, limit + 1)?;
    let more = page.len() > limit;
    if more {
        page.pop_last();
    }
    let entries = page.into_iter().map(|(shown, name)| {
        let about = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
        Entry { name: shown, stat: about.ok().as_ref().map(stat_of) }
    });
    Ok(Listing { entries: entries.collect(), more })
}

/// The first `most` names after `after`: as they are shown, with what they really are.
fn first_names(folder: &OwnedFd, after: Option<&str>, most: usize) -> io::Result<BTreeMap<String, CString>> {
    let mut names = BTreeMap::<String, _>::new();
    let mut buffer = Vec::with_capacity(READ_AT_ONCE);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let shown: Cow<'_, str> = name.to_string_lossy();
        let is_itself = matches!(&*shown, "." | "..");
        let before = after.is_some_and(|after| *shown <= *after);
        let too_late = names.len() >= most && names.last_key_value().is_some_and(|(last, _)| last.as_str() <= &*shown);
        if is_itself || before || too_late {
            continue;
        }
        names.insert(shown.into_owned(), name.to_owned());
        if names.len() > most {
            names.pop_last();
        }
    }
    Ok(names)
}

/// Opens a regular file.
pub fn open(place: &Place, how: OpenHow) -> io::Result<File> {
    let spot = place::find(place)?;
    let flags = match how {
        OpenHow::Read => OFlags::RDONLY,
        OpenHow::Write => OFlags::RDWR,
        OpenHow::Create => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
    };
    if how == OpenHow::Create {
        spot.is_named()?;
    } else {
        // To open a device or a pipe may do something already.
        regular(&look(&spot)?)?;
    }
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&spot.folder, spot.name, flags, Mode::RUSR | Mode::WUSR)?;
    regular(&rustix::fs::fstat(&file)?)?;
    if how == OpenHow::Create {
        rustix::fs::fsync(&file)?;
        place::sync(&spot.folder)?;
    }
    Ok(File::from(file))
}

/// Gives a file or folder another name; it is on disk then.
pub fn rename(from: &Place, to: &Place, overwrite: bool) -> Result<(), HandsError> {
    let named = |place| place::find(place).and_then(|spot| spot.is_named().map(|()| spot));
    let old = named(from).map_err(|error| HandsError::file(from.path(), &error))?;
    let new = named(to).map_err(|error| HandsError::file(to.path(), &error))?;
    let renamed = if overwrite {
        rustix::fs::renameat(&old.folder, old.name, &new.folder, new.name)
    } else {
        match rustix::fs::renameat_with(&old.folder, old.name, &new.folder, new.name, RenameFlags::NOREPLACE) {
            // NFS and some others can't do that.
            Err(Errno::INVAL | Errno::NOSYS) => move_to_free_name(&old, &new),
            renamed => renamed,
        }
    };
    renamed.map_err(|error| {
        let place = if error == Errno::NOENT { from } else { to };
        HandsError::file(place.path(), &error.into())
    })?;
    let synced = place::sync(&new.folder).and_then(|()| place::sync(&old.folder));
    synced.map_err(|error| HandsError::file(to.path(), &error))
}

/// Renames in two steps, of which the first fails where the name is taken: a second link for a file, an empty folder
/// to be replaced for a folder.
fn move_to_free_name(old: &Spot<'_>, new: &Spot<'_>) -> Result<(), Errno> {
    let about = rustix::fs::statat(&old.folder, old.name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(about.st_mode) != FileType::Directory {
        rustix::fs::linkat(&old.folder, old.name, &new.folder, new.name, AtFlags::empty())?;
        return rustix::fs::unlinkat(&old.folder, old.name, AtFlags::empty());
    }
    rustix::fs::mkdirat(&new.folder, new.name, Mode::RWXU)?;
    let renamed = rustix::fs::renameat(&old.folder, old.name, &new.folder, new.name);
    if renamed.is_err() {
        let _ = rustix::fs::unlinkat(&new.folder, new.name, AtFlags::REMOVEDIR);
    }
    renamed
}

/// Removes a file, a link or an empty folder; it is gone from the disk then.
pub fn remove(place: &Place) -> io::Result<()> {
    let spot = match place::find(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        spot => spot?,
    };
    spot.is_named()?;
    let removed = match rustix::fs::unlinkat(&spot.folder, spot.name, AtFlags::empty()) {
        Err(Errno::ISDIR) => rustix::fs::unlinkat(&spot.folder, spot.name, AtFlags::REMOVEDIR),
        removed => removed,
    };
    match removed {
        Ok(()) | Err(Errno::NOENT) => place::sync(&spot.folder),
        Err(error) => Err(error.into()),
    }
}

/// Room on a place's file system.
pub fn space(place: &Place) -> io::Result<Space> {
    let spot = place::find(place)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let about = rustix::fs::fstatvfs(rustix::fs::openat(&spot.folder, spot.name, flags, Mode::empty())?)?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Ok(Space { free: bytes(about.f_bavail), total: bytes(about.f_blocks), quota: None })
}

fn look(spot: &Spot<'_>) -> io::Result<rustix::fs::Stat> {
    Ok(rustix::fs::statat(&spot.folder, spot.name, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Whether it may be opened.
fn regular(about: &rustix::fs::Stat) -> io::Result<()> {
    match FileType::from_raw_mode(about.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(place::is_link()),
        FileType::Directory => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        _ => Err(place::wrong("it is a device, a pipe or a socket, and only regular files are opened")),
    }
}
