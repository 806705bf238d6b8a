//! Folders above a place, numbers of its owner, and copies of what would be lost.
use std::path::{Path, PathBuf};

use super::{Setting, StepError};
use crate::host::{Attributes, Host, HostError, Kind, MAX_FILE};

/// A folder that anybody may look into.
pub(super) const OPEN: Attributes = Attributes { mode: 0o755, uid: 0, gid: 0 };
/// A folder that is root's alone.
const CLOSED: Attributes = Attributes { mode: 0o700, uid: 0, gid: 0 };

/// Folders above a path that are missing, outermost first.
pub(super) fn missing_above(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, HostError> {
    let mut missing = Vec::new();
    for folder in path.ancestors().skip(1) {
        if host.entry(folder)?.is_some() {
            break;
        }
        missing.push(folder.to_owned());
    }
    missing.reverse();
    Ok(missing)
}

/// Makes the folders above a path that are missing.
pub(super) fn make_above(host: &dyn Host, path: &Path, attributes: Attributes) -> Result<(), HostError> {
    missing_above(host, path)?.iter().try_for_each(|folder| host.make_directory(folder, attributes))
}

/// Removes folders that a step made, innermost first, as far as nothing is in them.
pub(super) fn remove_empty(host: &dyn Host, made: &[PathBuf]) -> Result<(), HostError> {
    for folder in made.iter().rev() {
        let is_folder = host.entry(folder)?.is_some_and(|entry| entry.kind == Kind::Directory);
        if !is_folder {
            continue;
        }
        if !host.list(folder)?.is_empty() {
            break;
        }
        host.remove(folder)?;
    }
    Ok(())
}

/// Removes something with all that is in it; links are not followed.
pub(super) fn remove_all(host: &dyn Host, path: &Path) -> Result<(), HostError> {
    if host.entry(path)?.is_some_and(|entry| entry.kind == Kind::Directory) {
        for name in host.list(path)? {
            remove_all(host, &path.join(name))?;
        }
    }
    host.remove(path)
}

/// Whether something other than folders is at a path or below it.
pub(super) fn holds_files(host: &dyn Host, path: &Path) -> Result<bool, HostError> {
    match host.entry(path)? {
        None => Ok(false),
        Some(entry) if entry.kind != Kind::Directory => Ok(true),
        Some(_) => {
            for name in host.list(path)? {
                if holds_files(host, &path.join(name))? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Numbers of a login and a group; `None` when one of them is not there (yet).
pub(super) fn ids(host: &dyn Host, owner: &str, group: &str) -> Result<Option<(u32, u32)>, HostError> {
    let uid = host.users()?.into_iter().find(|user| user.name == owner).map(|user| user.uid);
    let gid = host.groups()?.into_iter().find(|there| there.name == group).map(|there| there.gid);
    Ok(uid.zip(gid))
}

/// Owner and mode, whose login and group must be there by now.
pub(super) fn attributes(host: &dyn Host, owner: &str, group: &str, mode: u32) -> Result<Attributes, StepError> {
    let missing = || StepError::Refused(format!("there is no user {owner} or no group {group} on this host"));
    let (uid, gid) = ids(host, owner, group)?.ok_or_else(missing)?;
    Ok(Attributes { mode, uid, gid })
}

/// Owner, group and mode as people write them: `root:slurm 0640`.
pub(super) fn named(host: &dyn Host, attributes: Attributes) -> Result<String, HostError> {
    let user = host.users()?.into_iter().find(|user| user.uid == attributes.uid).map(|user| user.name);
    let group = host.groups()?.into_iter().find(|group| group.gid == attributes.gid).map(|group| group.name);
    let user = user.unwrap_or_else(|| attributes.uid.to_string());
    let group = group.unwrap_or_else(|| attributes.gid.to_string());
    Ok(format!("{user}:{group} {:04o}", attributes.mode))
}

/// Where a copy of something goes: below the folder for copies, by its own path. Never where something is.
pub(super) fn free_copy(host: &dyn Host, setting: &Setting, path: &Path) -> Result<PathBuf, HostError> {
    let place = setting.keep.join(path.strip_prefix("/").unwrap_or(path));
    let numbered = |number: u32| {
        let mut name = place.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let mut free = place.clone();
    let mut number = 2;
    while host.entry(&free)?.is_some() {
        free = numbered(number);
        number += 1;
    }
    Ok(free)
}

/// Puts a copy of a file among the copies, and leaves the file where it is. One that is too large to be read is moved.
pub(super) fn keep_copy(host: &dyn Host, setting: &Setting, path: &Path) -> Result<PathBuf, HostError> {
    let is_small = host.entry(path)?.is_some_and(|entry| entry.kind == Kind::File && entry.size <= MAX_FILE);
    if !is_small {
        return keep(host, setting, path);
    }
    // A step that was broken off may have kept it already.
    let place = setting.keep.join(path.strip_prefix("/").unwrap_or(path));
    let is_kept = host.entry(&place)?.is_some_and(|entry| entry.kind == Kind::File);
    if is_kept && host.digest(&place)? == host.digest(path)? {
        return Ok(place);
    }
    let place = free_copy(host, setting, path)?;
    make_above(host, &place, CLOSED)?;
    let content = host.read(path)?;
    host.write(&place, &content, Attributes { mode: 0o600, ..CLOSED }, None)?;
    Ok(place)
}

/// Moves something among the copies, with all that is in it.
pub(super) fn keep(host: &dyn Host, setting: &Setting, path: &Path) -> Result<PathBuf, HostError> {
    let place = free_copy(host, setting, path)?;
    host.move_away(path, &place)?;
    Ok(place)
}

/// Makes the folders above a copy that a command makes.
pub(super) fn make_closed_above(host: &dyn Host, copy: &Path) -> Result<(), HostError> {
    make_above(host, copy, CLOSED)
}

/// Makes the folder for copies, for what a command writes there itself.
pub(super) fn make_keep(host: &dyn Host, setting: &Setting) -> Result<(), HostError> {
    make_above(host, &setting.keep.join("x"), CLOSED)
}

/// Folders at or below a path on which another file system is mounted. Source: proc(5), `/proc/self/mountinfo`.
pub(super) fn mounts_below(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, HostError> {
    let file = Path::new("/proc/self/mountinfo");
    let text = match host.read(file) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(HostError::File { .. }) => String::new(),
        Err(error) => return Err(error),
    };
    let places = text.lines().filter_map(|line| line.split(' ').nth(4));
    // Blanks in paths are written as octal numbers there.
    Ok(places.map(|place| PathBuf::from(place.replace("\\040", " "))).filter(|place| place.starts_with(path)).collect())
}
