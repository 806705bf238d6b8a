//! From a place to a folder that is held open and a name in it.
//!
//! Below a root every step is taken from the folder that is held, by one plain name, and never through a link. So it
//! makes no difference what somebody puts in place of a folder meanwhile: no step leads out of the root.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::hands::Place;

/// A folder held open to find things in: no right to read it is needed.
const HELD: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A name in a folder.
pub struct Spot<'a> {
    /// The folder, held open.
    pub folder: OwnedFd,
    /// One component; `.` for a root itself, `..` where an absolute path ends so.
    pub name: &'a OsStr,
}

impl Spot<'_> {
    /// Whether what is there can be made, removed or given another name.
    pub fn is_named(&self) -> io::Result<()> {
        let named = self.name != "." && self.name != "..";
        if named { Ok(()) } else { Err(wrong("the path must end in a name")) }
    }
}

/// Finds a place; whether anything is there is another question.
pub fn find(place: &Place) -> io::Result<Spot<'_>> {
    match place {
        Place::At(path) => {
            absolute(path)?;
            let mut way = path.components();
            let name = match way.next_back() {
                Some(Component::Normal(name)) => name,
                Some(Component::ParentDir) => OsStr::new(".."),
                _ => OsStr::new("."),
            };
            let folder = Some(way.as_path()).filter(|folder| !folder.as_os_str().is_empty());
            Ok(Spot { folder: hold(folder.unwrap_or(Path::new("/")))?, name })
        }
        Place::Below { root, path } => {
            let names = plain_names(path)?;
            let (name, way) = names.split_last().map_or((OsStr::new("."), &[][..]), |(name, way)| (*name, way));
            absolute(root)?;
            let mut folder = hold(root)?;
            for name in way {
                folder = step(&folder, name, OFlags::NOFOLLOW)?;
            }
            Ok(Spot { folder, name })
        }
    }
}

/// Makes a folder and those above it that are missing. Below a root they all have to be `uid`'s own.
pub fn make(place: &Place, uid: u32) -> io::Result<()> {
    match place {
        Place::At(path) => make_way(path, OFlags::NOFOLLOW).map(drop),
        Place::Below { root, path } => {
            let names = plain_names(path)?;
            let mut folder = make_way(root, OFlags::empty())?;
            for name in names {
                folder = step_or_make(&folder, name, OFlags::NOFOLLOW)?;
                let owner = rustix::fs::fstat(&folder)?.st_uid;
                if owner != uid {
                    let words = format!("{} is a folder of somebody else (user {owner})", Path::new(name).display());
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
                }
            }
            Ok(())
        }
    }
}

/// Waits until the names in a folder are on disk.
pub fn sync(folder: &OwnedFd) -> io::Result<()> {
    match rustix::fs::openat(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(folder) => match rustix::fs::fsync(folder) {
            // Some file systems over the network have nothing to wait for.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        },
        // A folder that takes files and shows none: only everything can be waited for.
        Err(Errno::ACCESS) => {
            rustix::fs::sync();
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// That something is a link, where none is followed.
pub fn is_link() -> io::Error {
    wrong("it is a link, and links are not followed here")
}

/// A place that can't be one.
pub fn wrong(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

fn absolute(path: &Path) -> io::Result<()> {
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(wrong("the path holds a NUL"));
    }
    if path.is_absolute() { Ok(()) } else { Err(wrong("the path is not absolute")) }
}

/// The names of a way below a root; none for the root itself.
fn plain_names(path: &Path) -> io::Result<Vec<&OsStr>> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let names = bytes.split(|byte| *byte == b'/');
    names
        .map(|name| match name {
            b"" | b"." | b".." => Err(wrong("the path must be of plain names, without .., . and empty ones")),
            name if name.contains(&0) => Err(wrong("the path holds a NUL")),
            name => Ok(OsStr::from_bytes(name)),
        })
        .collect()
}

/// Holds the folder at an absolute path, links followed.
fn hold(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, HELD, Mode::empty())?)
}

/// From a folder into one that is in it.
fn step(folder: &OwnedFd, name: &OsStr, links: OFlags) -> io::Result<OwnedFd> {
    match rustix::fs::openat(folder, name, HELD | links, Mode::empty()) {
        Err(Errno::NOTDIR) if links.contains(OFlags::NOFOLLOW) => {
            let about = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let link = FileType::from_raw_mode(about.st_mode) == FileType::Symlink;
            Err(if link { is_link() } else { Errno::NOTDIR.into() })
        }
        stepped => Ok(stepped?),
    }
}

/// The same, but a folder that is missing is made; its name is on disk then.
fn step_or_make(folder: &OwnedFd, name: &OsStr, links: OFlags) -> io::Result<OwnedFd> {
    match step(folder, name, links) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match rustix::fs::mkdirat(folder, name, Mode::RWXU) {
                // Somebody else made it at the same time.
                Ok(()) | Err(Errno::EXIST) => sync(folder)?,
                Err(error) => return Err(error.into()),
            }
            step(folder, name, links)
        }
        stepped => stepped,
    }
}

/// Makes what is missing of an absolute path. Links are followed, at its end as `last` says.
fn make_way(path: &Path, last: OFlags) -> io::Result<OwnedFd> {
    absolute(path)?;
    let mut folder = hold(Path::new("/"))?;
    let mut way = path.components().peekable();
    while let Some(component) = way.next() {
        let links = if way.peek().is_some() { OFlags::empty() } else { last };
        folder = match component {
            Component::Normal(name) => step_or_make(&folder, name, links)?,
            Component::ParentDir => step(&folder, OsStr::new(".."), links)?,
            _ => folder,
        };
    }
    Ok(folder)
}
