//! Files and folders. A link in the last part of a path is never followed; a file takes its place by a rename, and the
//! folder is synced after it, so that a power cut leaves the old one or the new one.
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, RawMode, RenameFlags, Stat, Timespec, Timestamps, UTIME_NOW, Uid,
};
use rustix::io::Errno;

use crate::host::{Attributes, Command, Entry, HostError, Kind, MAX_FILE, UNFINISHED as NEW};

/// What is moved away is called until it is wholly gone.
const OLD: &str = ".slurmdash-old";

/// Lower-case hex digits.
fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn failed(path: &Path, error: &io::Error) -> HostError {
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default().to_owned();
    HostError::File { path: path.to_owned(), error: words, errno: error.raw_os_error() }
}

fn errno(path: &Path, errno: Errno) -> HostError {
    failed(path, &errno.into())
}

fn refused(path: &Path, why: &str) -> HostError {
    HostError::File { path: path.to_owned(), error: why.to_owned(), errno: None }
}

/// A name in an open folder.
struct Place<'a> {
    folder: OwnedFd,
    name: &'a OsStr,
    path: &'a Path,
}

impl<'a> Place<'a> {
    fn open(path: &'a Path) -> Result<Self, HostError> {
        let (Some(folder), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute()) else {
            return Err(refused(path, "this is no absolute path of something in a folder"));
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| errno(folder, error))?;
        Ok(Self { folder, name, path })
    }

    fn stat(&self, name: &OsStr) -> Result<Option<Stat>, HostError> {
        match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(errno(self.path, error)),
        }
    }

    fn open_file(&self, more: OFlags) -> Result<File, HostError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
        let file = rustix::fs::openat(&self.folder, self.name, flags, Mode::empty());
        file.map(File::from).map_err(|error| match error {
            Errno::LOOP => refused(self.path, "this is a link, which is not followed"),
            error => errno(self.path, error),
        })
    }

    fn beside(&self, suffix: &str) -> OsString {
        let mut name = OsString::from(".");
        name.push(self.name);
        name.push(suffix);
        name
    }

    fn unlink(&self, name: &OsStr, flags: AtFlags) -> Result<(), HostError> {
        match rustix::fs::unlinkat(&self.folder, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(errno(self.path, error)),
        }
    }

    fn sync(&self) -> Result<(), HostError> {
        rustix::fs::fsync(&self.folder).map_err(|error| errno(self.path, error))
    }
}

fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// What is at a path. A file in the place of a folder above it counts as nothing.
pub fn entry(path: &Path) -> Result<Option<Entry>, HostError> {
    // Without a slash at its end, which would have a link followed.
    let path: PathBuf = path.components().collect();
    if !path.is_absolute() {
        return Err(refused(&path, "this is no absolute path"));
    }
    let stat = match rustix::fs::statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(errno(&path, error)),
    };
    Ok(Some(Entry {
        kind: kind(&stat),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or_default()),
    }))
}

fn regular(path: &Path) -> Result<File, HostError> {
    let file = Place::open(path)?.open_file(OFlags::empty())?;
    let is_file = file.metadata().map_err(|error| failed(path, &error))?.is_file();
    if is_file { Ok(file) } else { Err(refused(path, "this is no regular file")) }
}

pub fn read(path: &Path) -> Result<Vec<u8>, HostError> {
    let mut content = Vec::new();
    let read = regular(path)?.take(MAX_FILE + 1).read_to_end(&mut content);
    read.map_err(|error| failed(path, &error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(refused(path, "this is larger than 16 MiB, which is too much to be read as a whole"));
    }
    Ok(content)
}

fn sha256(path: &Path, mut file: File) -> Result<String, HostError> {
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; 1 << 18];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(context.finish().as_ref())),
            Ok(count) => context.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(path, &error)),
        }
    }
}

pub fn digest(path: &Path) -> Result<String, HostError> {
    sha256(path, regular(path)?)
}

/// The program that runs, even where its file was replaced or removed meanwhile (proc(5)).
pub fn program() -> Result<File, HostError> {
    let path = Path::new("/proc/self/exe");
    File::open(path).map_err(|error| failed(path, &error))
}

pub fn program_digest() -> Result<String, HostError> {
    sha256(Path::new("/proc/self/exe"), program()?)
}

pub fn list(path: &Path) -> Result<Vec<String>, HostError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let wrong = |error| match error {
        Errno::LOOP => refused(path, "this is a link, which is not followed"),
        error => errno(path, error),
    };
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(wrong)?;
    let mut names = Vec::new();
    for item in Dir::new(folder).map_err(wrong)? {
        let name = item.map_err(wrong)?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn give(file: impl std::os::fd::AsFd, attributes: Attributes) -> Result<(), Errno> {
    let (owner, group) = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
    // In this order: a change of the owner takes the set-user-ID bit away.
    rustix::fs::fchown(&file, Some(owner), Some(group))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(RawMode::from(attributes.mode) & 0o7777))
}

/// Puts a file in its place: written beside it under a name of its own, synced, renamed over what was there.
pub fn write(
    path: &Path,
    attributes: Attributes,
    modified: Option<(i64, u32)>,
    content: &mut dyn Read,
) -> Result<(), HostError> {
    let place = Place::open(path)?;
    let new = place.beside(NEW);
    place.unlink(&new, AtFlags::empty())?;
    let written = complete(&place, &new, attributes, modified, content);
    if let Err(error) = written {
        // The first error is the one to tell.
        let _ = place.unlink(&new, AtFlags::empty());
        return Err(failed(path, &error));
    }
    place.sync()
}

fn complete(
    place: &Place<'_>,
    new: &OsStr,
    attributes: Attributes,
    modified: Option<(i64, u32)>,
    content: &mut dyn Read,
) -> Result<(), io::Error> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(&place.folder, new, flags, Mode::RUSR | Mode::WUSR)?);
    io::copy(content, &mut file)?;
    file.flush()?;
    give(&file, attributes)?;
    if let Some((seconds, nanoseconds)) = modified {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            last_modification: Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() },
        };
        rustix::fs::futimens(&file, &times)?;
    }
    file.sync_all()?;
    Ok(rustix::fs::renameat(&place.folder, new, &place.folder, place.name)?)
}

pub fn make_directory(path: &Path, attributes: Attributes) -> Result<(), HostError> {
    let place = Place::open(path)?;
    rustix::fs::mkdirat(&place.folder, place.name, Mode::RWXU).map_err(|error| errno(path, error))?;
    let folder = place.open_file(OFlags::DIRECTORY)?;
    give(&folder, attributes).map_err(|error| errno(path, error))?;
    folder.sync_all().map_err(|error| failed(path, &error))?;
    place.sync()
}

pub fn set_attributes(path: &Path, attributes: Attributes) -> Result<(), HostError> {
    let place = Place::open(path)?;
    match place.stat(place.name)?.as_ref().map(kind) {
        Some(Kind::File | Kind::Directory) => {}
        Some(_) => return Err(refused(path, "this is neither a file nor a folder")),
        None => return Err(errno(path, Errno::NOENT)),
    }
    let file = place.open_file(OFlags::empty())?;
    give(&file, attributes).map_err(|error| errno(path, error))?;
    file.sync_all().map_err(|error| failed(path, &error))
}

pub fn remove(path: &Path) -> Result<(), HostError> {
    let place = match Place::open(path) {
        Ok(place) => place,
        Err(HostError::File { errno: Some(code), .. }) if code == Errno::NOENT.raw_os_error() => return Ok(()),
        Err(error) => return Err(error),
    };
    place.unlink(&place.beside(NEW), AtFlags::empty())?;
    let Some(stat) = place.stat(place.name)? else { return place.sync() };
    let flags = if kind(&stat) == Kind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    place.unlink(place.name, flags)?;
    place.sync()
}

/// Makes a folder and those above it that are missing, root's own and nobody else's.
pub(crate) fn create_folders(path: &Path) -> Result<(), HostError> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        make_directory(folder, Attributes { mode: 0o700, uid, gid })?;
    }
    Ok(())
}

/// Moves something. To another file system it is copied with all that belongs to it, synced, and only then removed.
pub fn move_away(path: &Path, to: &Path, run: &dyn Fn(&Command) -> Result<(), HostError>) -> Result<(), HostError> {
    let from = Place::open(path)?;
    if from.stat(from.name)?.is_none() {
        return Err(errno(path, Errno::NOENT));
    }
    create_folders(to.parent().unwrap_or(to))?;
    let target = Place::open(to)?;
    if target.stat(target.name)?.is_some() {
        return Err(errno(to, Errno::EXIST));
    }
    match rustix::fs::renameat_with(&from.folder, from.name, &target.folder, target.name, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // A file system without that flag, such as NFS; nothing is there, as was just seen.
        Err(Errno::INVAL | Errno::NOSYS) => {
            let renamed = rustix::fs::renameat(&from.folder, from.name, &target.folder, target.name);
            renamed.map_err(|error| errno(path, error))?;
        }
        Err(Errno::XDEV) => copy_away(&from, &target, run)?,
        Err(error) => return Err(errno(path, error)),
    }
    target.sync()?;
    from.sync()
}

fn copy_away(
    from: &Place<'_>,
    to: &Place<'_>,
    run: &dyn Fn(&Command) -> Result<(), HostError>,
) -> Result<(), HostError> {
    let command = |program: &str, options: &[&str], paths: &[&Path]| {
        let paths = paths.iter().map(|path| path.to_string_lossy().into_owned());
        run(&Command::new(program).args(options.iter().copied()).args(paths).within(6 * 3600))
    };
    let beside = |place: &Place<'_>, suffix| place.path.with_file_name(place.beside(suffix));
    let (copy, old) = (beside(to, NEW), beside(from, OLD));
    let gone: &[&str] = &["--recursive", "--force", "--one-file-system", "--"];
    command("rm", gone, &[&copy])?;
    command("cp", &["--archive", "--one-file-system", "--no-target-directory", "--"], &[from.path, &copy])?;
    command("sync", &["--file-system", "--"], &[&copy])?;
    let named = rustix::fs::renameat(&to.folder, to.beside(NEW), &to.folder, to.name);
    named.map_err(|error| errno(to.path, error))?;
    to.sync()?;
    command("rm", gone, &[&old])?;
    // From here on nothing is at its place, even where the removal is broken off.
    let named = rustix::fs::renameat(&from.folder, from.name, &from.folder, from.beside(OLD));
    named.map_err(|error| errno(from.path, error))?;
    from.sync()?;
    command("rm", gone, &[&old])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn own() -> Attributes {
        Attributes { mode: 0o640, uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    #[test]
    fn a_file_gets_content_mode_and_time_and_nothing_stays_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("slurm.conf");
        std::fs::write(dir.path().join(".slurm.conf.slurmdash-new"), "left by a power cut").unwrap();
        write(&path, own(), Some((1_000_000_000, 123_456_789)), &mut &b"one"[..]).unwrap();
        let found = entry(&path).unwrap().unwrap();
        assert_eq!((found.kind, found.mode, found.size), (Kind::File, 0o640, 3));
        assert_eq!(found.modified, (1_000_000_000, 123_456_789));
        write(&path, Attributes { mode: 0o4755, ..own() }, None, &mut &b"two"[..]).unwrap();
        assert_eq!((read(&path).unwrap(), entry(&path).unwrap().unwrap().mode), (b"two".to_vec(), 0o4755));
        assert_eq!(list(dir.path()).unwrap(), ["slurm.conf"]);
        assert_eq!(digest(&path).unwrap(), "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
    }

    #[test]
    fn links_are_seen_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        std::fs::write(&target, "kept").unwrap();
        symlink(&target, &link).unwrap();
        assert_eq!(entry(&link).unwrap().unwrap().kind, Kind::Link);
        assert!(read(&link).unwrap_err().to_string().contains("is a link"));
        assert!(digest(&link).is_err() && set_attributes(&link, own()).is_err());
        let folder = dir.path().join("folder");
        symlink(dir.path(), &folder).unwrap();
        assert!(list(&folder).is_err());
        assert_eq!(entry(&folder.join("")).unwrap().unwrap().kind, Kind::Link);
        // A file takes the link's place; what it pointed to stays.
        write(&link, own(), None, &mut &b"mine"[..]).unwrap();
        assert_eq!((read(&link).unwrap(), read(&target).unwrap()), (b"mine".to_vec(), b"kept".to_vec()));
        // A link at the name that a new file has until it is complete leads nowhere else.
        symlink(&target, dir.path().join(".other.slurmdash-new")).unwrap();
        write(&dir.path().join("other"), own(), None, &mut &b"other"[..]).unwrap();
        assert_eq!(read(&target).unwrap(), b"kept");
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        struct Full(usize);
        impl Read for Full {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 3 { Err(Errno::NOSPC.into()) } else { Ok(into.len()) }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "before").unwrap();
        let error = write(&path, own(), None, &mut Full(0)).unwrap_err();
        assert!(matches!(error, HostError::File { errno: Some(28), .. }), "{error}");
        assert_eq!((read(&path).unwrap(), list(dir.path()).unwrap().len()), (b"before".to_vec(), 1));
        let missing = dir.path().join("none/file");
        let error = write(&missing, own(), None, &mut &b""[..]).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: No such file or directory", dir.path().join("none").display()));
        assert!(write(dir.path(), own(), None, &mut &b""[..]).is_err(), "a folder is not replaced");
    }

    #[test]
    fn folders_are_made_and_removed_when_empty() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("spool");
        make_directory(&folder, Attributes { mode: 0o1770, ..own() }).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o1770);
        assert!(make_directory(&folder, own()).is_err());
        std::fs::write(folder.join("job"), "").unwrap();
        assert!(matches!(remove(&folder).unwrap_err(), HostError::File { errno: Some(39), .. }));
        remove(&folder.join("job")).unwrap();
        remove(&folder).unwrap();
        remove(&folder).unwrap();
        remove(&folder.join("nothing/below")).unwrap();
        assert_eq!(entry(&folder.join("nothing")).unwrap(), None);
        assert!(entry(Path::new("relative")).is_err() && entry(Path::new("/")).unwrap().is_some());
    }

    fn run(command: &Command) -> Result<(), HostError> {
        let output = super::super::command::run(command)?;
        assert!(output.is_ok(), "{command:?}: {}", output.complaint());
        Ok(())
    }

    #[test]
    fn what_is_moved_away_comes_whole_even_to_another_file_system() {
        let here = tempfile::tempdir().unwrap();
        let there = tempfile::tempdir_in("/dev/shm").unwrap();
        assert_ne!(rustix::fs::stat(here.path()).unwrap().st_dev, rustix::fs::stat(there.path()).unwrap().st_dev);
        for target in [here.path(), there.path()] {
            let state = here.path().join("state");
            std::fs::create_dir_all(state.join("deep")).unwrap();
            write(&state.join("deep/job"), own(), Some((7, 8)), &mut &b"data"[..]).unwrap();
            symlink("job", state.join("deep/link")).unwrap();
            let to = target.join("kept/run/state");
            move_away(&state, &to, &run).unwrap();
            assert_eq!(entry(&state).unwrap(), None);
            let moved = entry(&to.join("deep/job")).unwrap().unwrap();
            assert_eq!((moved.mode, moved.modified), (0o640, (7, 8)));
            assert_eq!(entry(&to.join("deep/link")).unwrap().unwrap().kind, Kind::Link);
            assert_eq!(entry(&target.join("kept")).unwrap().unwrap().mode, 0o700);
            std::fs::create_dir(&state).unwrap();
            assert!(matches!(move_away(&state, &to, &run), Err(HostError::File { errno: Some(17), .. })));
            std::fs::remove_dir(&state).unwrap();
        }
        assert_eq!(list(here.path()).unwrap(), ["kept"]);
    }
}
