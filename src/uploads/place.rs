//! Where uploads lie on disk: folders and files below one root, reached without ever following a link below it.
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// The folder of all uploads.
pub struct Root {
    path: PathBuf,
    fd: OwnedFd,
}

impl Root {
    /// Opens it, or makes it for its owner alone.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // An admin may make the root itself a link to where there is room.
        let path = path.canonicalize()?;
        let fd = rustix::fs::open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, fd })
    }

    /// The absolute path of a folder below.
    pub fn path_of(&self, folder: &str) -> PathBuf {
        self.path.join(folder)
    }

    /// Bytes that can still be written.
    pub fn free(&self) -> io::Result<u64> {
        let about = rustix::fs::fstatvfs(&self.fd)?;
        Ok(about.f_bavail.saturating_mul(about.f_frsize))
    }

    /// Opens a folder below, making what is not there of it, one component at a time so that no link is followed.
    /// `folder` is made of checked names only.
    pub fn folder(&self, folder: &str) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut here = self.fd.try_clone()?;
        for name in folder.split('/') {
            let opened = match rustix::fs::openat(&here, name, flags, Mode::empty()) {
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&here, name, Mode::from(0o700)) {
                        // Another upload made it at the same time.
                        Ok(()) | Err(Errno::EXIST) => rustix::fs::fsync(&here)?,
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&here, name, flags, Mode::empty())
                }
                opened => opened,
            };
            here = opened?;
        }
        Ok(Folder(here))
    }
}

/// One folder, held open. Names given to its calls are single components.
pub struct Folder(OwnedFd);

impl Folder {
    /// Whether anything has this name.
    pub fn has(&self, name: &str) -> io::Result<bool> {
        Ok(self.inode(name)?.is_some())
    }

    /// The inode behind a name, links not followed.
    pub fn inode(&self, name: &str) -> io::Result<Option<u64>> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(about.st_ino)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file that is not there yet, for its owner alone; its name is on disk when this answers.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::from(0o600))?);
        file.sync_all()?;
        rustix::fs::fsync(&self.0)?;
        Ok(file)
    }

    /// Opens a regular file for reading and writing.
    pub fn open(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
    }

    /// Gives a file its final name; it is on disk when this answers. Without `overwrite` a file that has the name by
    /// now stays, and the answer is `AlreadyExists`.
    pub fn rename(&self, from: &str, to: &str, overwrite: bool) -> io::Result<()> {
        if overwrite {
            rustix::fs::renameat(&self.0, from, &self.0, to)?;
        } else {
            match rustix::fs::renameat_with(&self.0, from, &self.0, to, RenameFlags::NOREPLACE) {
                // NFS and some others can't do that; a second link fails just as well where the name is taken.
                Err(Errno::INVAL | Errno::NOSYS) => {
                    rustix::fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())?;
                    rustix::fs::unlinkat(&self.0, from, AtFlags::empty())?;
                }
                renamed => renamed?,
            }
        }
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Removes a file; one that is not there is as good as removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) => Ok(rustix::fs::fsync(&self.0)?),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_below_the_root_are_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let root = Root::open(&dir.path().join("up")).unwrap();
        std::fs::create_dir(dir.path().join("up/users")).unwrap();
        symlink(&elsewhere, dir.path().join("up/users/ada")).unwrap();
        assert!(root.folder("users/ada/data").is_err());
        assert!(std::fs::read_dir(&elsewhere).unwrap().next().is_none());

        let folder = root.folder("users/bob/data").unwrap();
        let made = std::fs::metadata(dir.path().join("up/users/bob")).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
        symlink("/etc/hostname", dir.path().join("up/users/bob/data/link")).unwrap();
        assert!(folder.open("link").is_err());
        assert!(folder.create("link").is_err());
        assert!(folder.has("link").unwrap());
    }

    #[test]
    fn a_name_is_taken_over_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        let folder = root.folder("a").unwrap();
        for name in ["part", "final"] {
            folder.create(name).unwrap();
        }
        let error = folder.rename("part", "final", false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let inode = folder.inode("part").unwrap();
        folder.rename("part", "final", true).unwrap();
        assert_eq!(folder.inode("final").unwrap(), inode);
        folder.remove("final").unwrap();
        folder.remove("final").unwrap();
        assert!(!folder.has("final").unwrap());
    }
}
