//! `policy-rc.d`, by which packages of Debian ask whether they may start a service. While packages come nothing may.
//!
//! The admin's own, file or link, is put aside and comes back. What an installer left that was killed is known by its
//! words; while one works, or apt goes on after it was killed, nobody touches it.
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::files;
use crate::host::{Attributes, HostError};

/// 101: what is asked for is forbidden. Source: policy-rc.d of invoke-rc.d(8).
const OURS: &str = "#!/bin/sh\n\
                    # slurmdash install: no service is started by a package that comes. This goes away by itself.\n\
                    exit 101\n";

/// Where it is.
pub struct Policy {
    place: PathBuf,
    aside: PathBuf,
    lock: PathBuf,
    dpkg: PathBuf,
}

/// A policy that is in place; it goes with this.
pub struct Quiet<'a> {
    policy: &'a Policy,
    _lock: OwnedFd,
    is_over: bool,
}

impl Policy {
    /// That of this machine.
    pub fn of_this_machine() -> Self {
        Self {
            place: PathBuf::from("/usr/sbin/policy-rc.d"),
            aside: PathBuf::from("/usr/sbin/policy-rc.d.before-slurmdash"),
            lock: PathBuf::from("/run/slurmdash-install.lock"),
            dpkg: PathBuf::from("/var/lib/dpkg/lock-frontend"),
        }
    }

    #[cfg(test)]
    pub fn at(folder: &Path) -> Self {
        Self {
            place: folder.join("policy-rc.d"),
            aside: folder.join("policy-rc.d.before-slurmdash"),
            lock: folder.join("lock"),
            dpkg: folder.join("lock-frontend"),
        }
    }

    /// Nothing may start from here on.
    pub fn put(&self) -> Result<Quiet<'_>, HostError> {
        let lock = self.locked()?.ok_or_else(|| HostError::Failed {
            what: String::from("installing packages"),
            said: String::from("another slurmdash installer installs packages on this host; try again when it is done"),
        })?;
        let quiet = Quiet { policy: self, _lock: lock, is_over: false };
        if self.is_ours()? {
            return Ok(quiet);
        }
        if files::entry(&self.place)?.is_some() {
            if files::entry(&self.aside)?.is_some() {
                return Err(HostError::Failed {
                    what: String::from("installing packages"),
                    said: format!(
                        "both {} and {} are there, and only one can be this host's own: remove the other",
                        self.place.display(),
                        self.aside.display()
                    ),
                });
            }
            rename(&self.place, &self.aside)?;
        }
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        files::write(&self.place, Attributes { mode: 0o755, uid, gid }, None, &mut OURS.as_bytes())?;
        Ok(quiet)
    }

    /// Takes away what an installer left that was killed, if nobody works with it.
    pub fn recover(&self) -> Result<(), HostError> {
        if !self.is_ours()? && files::entry(&self.aside)?.is_none() {
            return Ok(());
        }
        // Who may not do that will be told so when it matters.
        let Some(_lock) = self.locked()? else { return Ok(()) };
        if self.dpkg_works() {
            return Ok(());
        }
        self.restore()
    }

    fn restore(&self) -> Result<(), HostError> {
        let (is_ours, has_place) = (self.is_ours()?, files::entry(&self.place)?.is_some());
        if files::entry(&self.aside)?.is_some() && (is_ours || !has_place) {
            return rename(&self.aside, &self.place);
        }
        if is_ours { files::remove(&self.place) } else { Ok(()) }
    }

    fn is_ours(&self) -> Result<bool, HostError> {
        match files::read(&self.place) {
            Ok(content) => Ok(content == OURS.as_bytes()),
            // Not there; a link is the admin's.
            Err(HostError::File { errno, .. }) if errno.is_none_or(|code| code == Errno::NOENT.raw_os_error()) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The lock of those who put it there; `None` while another has it.
    fn locked(&self) -> Result<Option<OwnedFd>, HostError> {
        let failed = |error: Errno| HostError::File {
            path: self.lock.clone(),
            error: error.to_string(),
            errno: Some(error.raw_os_error()),
        };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock = rustix::fs::open(&self.lock, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(lock)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether apt or dpkg holds its lock: it may go on after the installer that started it was killed.
    fn dpkg_works(&self) -> bool {
        let Ok(file) = File::options().read(true).write(true).open(&self.dpkg) else { return false };
        rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), HostError> {
    std::fs::rename(from, to).map_err(|error| HostError::File {
        path: to.to_owned(),
        error: error.to_string(),
        errno: error.raw_os_error(),
    })
}

impl Quiet<'_> {
    /// Services may start again.
    pub fn take_away(mut self) -> Result<(), HostError> {
        self.is_over = true;
        self.policy.restore()
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // The error that led here is the one to tell; the next start tries again.
            let _ = self.policy.restore();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn it_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::at(dir.path());
        let place = dir.path().join("policy-rc.d");
        let quiet = policy.put().unwrap();
        let output = std::process::Command::new(&place).status().unwrap();
        assert_eq!(output.code(), Some(101));
        assert!(policy.put().is_err(), "two at the same time");
        // A second installer that starts now leaves it.
        policy.recover().unwrap();
        assert!(place.exists());
        quiet.take_away().unwrap();
        assert!(!place.exists());
        drop(policy.put().unwrap());
        assert!(!place.exists());
    }

    #[test]
    fn the_admins_own_comes_back_be_it_a_file_or_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::at(dir.path());
        let place = dir.path().join("policy-rc.d");
        std::fs::write(&place, "#!/bin/sh\nexit 104\n").unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o711)).unwrap();
        let before = files::entry(&place).unwrap();
        let quiet = policy.put().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), OURS);
        quiet.take_away().unwrap();
        assert_eq!(files::entry(&place).unwrap(), before);
        std::fs::remove_file(&place).unwrap();
        symlink("/etc/alternatives/policy-rc.d", &place).unwrap();
        drop(policy.put().unwrap());
        assert_eq!(std::fs::read_link(&place).unwrap(), Path::new("/etc/alternatives/policy-rc.d"));
    }

    #[test]
    fn what_a_killed_installer_left_is_taken_away_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::at(dir.path());
        let (place, aside) = (dir.path().join("policy-rc.d"), dir.path().join("policy-rc.d.before-slurmdash"));
        // Killed after it was written, without one of the admin's, and with one.
        std::fs::write(&place, OURS).unwrap();
        policy.recover().unwrap();
        assert!(!place.exists());
        std::fs::write(&place, OURS).unwrap();
        std::fs::write(&aside, "admin's").unwrap();
        policy.recover().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "admin's");
        // Killed after the admin's was put aside.
        std::fs::rename(&place, &aside).unwrap();
        policy.recover().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "admin's");
        assert!(!aside.exists());
        // One that is somebody else's is nobody's to remove.
        policy.recover().unwrap();
        std::fs::write(&aside, "older").unwrap();
        policy.recover().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "admin's");
        assert!(policy.put().is_err());
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "admin's");
    }
}
