//! This machine: files by system calls, everything else by the programs that Debian, Ubuntu and the RHEL family come
//! with. Their output is read by pure functions.
mod accounts;
mod command;
mod files;
mod packages;
mod units;

use std::path::Path;
use std::time::Duration;

use super::{
    Attributes, Command, Entry, Group, Host, HostError, NewUser, Output, Package, Unit, UnitVerb, User, run_well,
};

pub(crate) use files::create_folders;
pub(crate) use packages::System;
#[cfg(test)]
pub(crate) use {
    accounts::{group, passwd},
    units::{set as set_unit, unit},
};

/// This machine. Whoever uses it should be root; what they may not do is an error of the system.
#[derive(Debug)]
pub struct Local {
    would_come: packages::Remembered,
}

impl Local {
    /// This machine. Takes away what an installer that was killed in the middle left in the way of others: the
    /// `policy-rc.d` that keeps services from starting while packages come.
    pub fn open() -> Result<Self, HostError> {
        packages::recover()?;
        Ok(Self { would_come: packages::Remembered::default() })
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self { would_come: packages::Remembered::default() }
    }
}

impl Host for Local {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, HostError> {
        files::entry(path)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        files::read(path)
    }

    fn digest(&self, path: &Path) -> Result<String, HostError> {
        files::digest(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        files::list(path)
    }

    fn write(
        &self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        files::write(path, attributes, modified, &mut &content[..])
    }

    fn write_program(&self, path: &Path) -> Result<(), HostError> {
        files::write(path, Attributes { mode: 0o755, uid: 0, gid: 0 }, None, &mut files::program()?)
    }

    fn program_digest(&self) -> Result<String, HostError> {
        files::program_digest()
    }

    fn make_directory(&self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        files::make_directory(path, attributes)
    }

    fn set_attributes(&self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        files::set_attributes(path, attributes)
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        files::remove(path)
    }

    fn move_away(&self, path: &Path, to: &Path) -> Result<(), HostError> {
        files::move_away(path, to, &|command| run_well(self, command).map(drop))
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        accounts::users()
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        accounts::groups()
    }

    fn add_group(&self, name: &str, gid: u32) -> Result<(), HostError> {
        accounts::add_group(self, name, gid)
    }

    fn add_user(&self, user: &NewUser) -> Result<(), HostError> {
        accounts::add_user(self, user)
    }

    fn remove_user(&self, name: &str) -> Result<(), HostError> {
        accounts::remove_user(self, name)
    }

    fn remove_group(&self, name: &str) -> Result<(), HostError> {
        accounts::remove_group(self, name)
    }

    fn set_member(&self, group: &str, user: &str, is_member: bool) -> Result<(), HostError> {
        accounts::set_member(self, group, user, is_member)
    }

    fn packages(&self) -> Result<Vec<Package>, HostError> {
        packages::System::here()?.installed(self)
    }

    fn refresh_packages(&self) -> Result<(), HostError> {
        packages::System::here()?.refresh(self)
    }

    fn would_install(&self, names: &[String]) -> Result<Vec<Package>, HostError> {
        match packages::System::here()? {
            apt @ System::Apt => self.would_come.or_ask(names, || apt.would_install(self, names)),
            // dnf asks its mirrors by itself when it finds its lists too old.
            dnf @ System::Dnf => dnf.would_install(self, names),
        }
    }

    fn install_packages(&self, names: &[String]) -> Result<(), HostError> {
        packages::System::here()?.install(self, names)
    }

    fn set_versions(&self, packages: &[Package]) -> Result<(), HostError> {
        packages::System::here()?.set_versions(self, packages)
    }

    fn purge_packages(&self, names: &[String]) -> Result<(), HostError> {
        // Their packages' scripts remove these, and fail while somebody's session is left.
        for user in ["munge", "slurm", "mysql"] {
            accounts::end_sessions(self, user)?;
        }
        packages::System::here()?.purge(self, names)
    }

    fn unit(&self, name: &str) -> Result<Unit, HostError> {
        units::unit(self, name)
    }

    fn set_unit(&self, name: &str, verb: UnitVerb) -> Result<(), HostError> {
        units::set(self, name, verb)
    }

    fn unit_log(&self, name: &str, lines: u32) -> Result<Vec<String>, HostError> {
        units::log(self, name, lines)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        command::run(command)
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
