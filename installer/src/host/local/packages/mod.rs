//! Packages: of Debian and Ubuntu by apt and dpkg, of the RHEL family by dnf and rpm.
//!
//! Coming and going are judged by a simulation first. What removes is `dpkg` and `rpm` themselves, which take exactly
//! what they are told or nothing.
mod apt;
mod apt_said;
mod dnf;
mod dnf_said;
mod policy;
mod remembered;

use std::path::Path;
use std::time::Duration;

use crate::host::{Command, Host, HostError, Output, Package};

pub use remembered::Remembered;

/// How long is waited for another program that holds the package system's lock, seconds.
const PATIENCE: u64 = 300;

/// Which package system the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Debian, Ubuntu and what is like them.
    Apt,
    /// The RHEL family.
    Dnf,
}

/// Takes away a `policy-rc.d` of an installer that was killed.
pub fn recover() -> Result<(), HostError> {
    policy::Policy::of_this_machine().recover()
}

impl System {
    /// That of this machine, by os-release(5).
    pub fn here() -> Result<Self, HostError> {
        let read = |path| super::files::read(Path::new(path));
        let text = read("/usr/lib/os-release").or_else(|_| read("/etc/os-release"))?;
        let os = crate::facts::os_release(&String::from_utf8_lossy(&text))?;
        Self::of(&os).ok_or_else(|| HostError::Failed {
            what: String::from("managing packages"),
            said: format!("{} is neither like Debian nor like RHEL", os.name),
        })
    }

    /// That of an operating system.
    pub fn of(os: &crate::facts::Os) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| os.id == *name || os.like.iter().any(|like| like == name));
        if is(&["debian", "ubuntu"]) {
            Some(Self::Apt)
        } else if is(&["rhel", "fedora", "centos", "rocky", "almalinux"]) {
            Some(Self::Dnf)
        } else {
            None
        }
    }

    /// Packages that are installed, sorted.
    pub fn installed(self, host: &dyn Host) -> Result<Vec<Package>, HostError> {
        match self {
            Self::Apt => apt::installed(host),
            Self::Dnf => dnf::installed(host),
        }
    }

    /// Asks the mirrors.
    pub fn refresh(self, host: &dyn Host) -> Result<(), HostError> {
        match self {
            Self::Apt => apt::refresh(host),
            Self::Dnf => dnf::refresh(host),
        }
    }

    /// What would come.
    pub fn would_install(self, host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
        check(names)?;
        match self {
            _ if names.is_empty() => Ok(Vec::new()),
            Self::Apt => apt::would_install(host, names),
            Self::Dnf => dnf::would_install(host, names),
        }
    }

    /// Installs.
    pub fn install(self, host: &dyn Host, names: &[String]) -> Result<(), HostError> {
        check(names)?;
        match self {
            _ if names.is_empty() => Ok(()),
            Self::Apt => apt::install(host, &policy::Policy::of_this_machine(), names),
            Self::Dnf => dnf::install(host, names),
        }
    }

    /// Brings packages to versions.
    pub fn set_versions(self, host: &dyn Host, packages: &[Package]) -> Result<(), HostError> {
        check(&packages.iter().map(|package| package.name.clone()).collect::<Vec<_>>())?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+._-:~^".contains(c);
        if let Some(bad) = packages.iter().find(|package| !package.version.chars().all(allowed)) {
            return Err(HostError::Malformed(format!("{:?} is no version of {}", bad.version, bad.name)));
        }
        match self {
            _ if packages.is_empty() => Ok(()),
            Self::Apt => apt::set_versions(host, &policy::Policy::of_this_machine(), packages),
            Self::Dnf => dnf::set_versions(host, packages),
        }
    }

    /// Removes with the configuration.
    pub fn purge(self, host: &dyn Host, names: &[String]) -> Result<(), HostError> {
        check(names)?;
        match self {
            _ if names.is_empty() => Ok(()),
            Self::Apt => apt::purge(host, names),
            Self::Dnf => dnf::purge(host, names),
        }
    }

    /// Versions that could be had, of those that are asked for.
    pub fn available(self, host: &dyn Host, names: &[String]) -> Result<Vec<Package>, HostError> {
        check(names)?;
        match self {
            _ if names.is_empty() => Ok(Vec::new()),
            Self::Apt => apt::available(host, names),
            Self::Dnf => dnf::available(host, names),
        }
    }
}

/// Names of packages can't be read as options, patterns, versions, files or removals (`name-`, `name=1`).
fn check(names: &[String]) -> Result<(), HostError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+._-".contains(c);
    let starts = |c: char| c.is_ascii_alphanumeric();
    let is_name =
        |name: &str| name.starts_with(starts) && !name.ends_with('-') && name.len() <= 128 && name.chars().all(allowed);
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(HostError::Malformed(format!("{name:?} is no name of a package"))),
        None => Ok(()),
    }
}

/// Runs what needs the package system's lock, and waits for it where the program itself does not.
fn patiently(host: &dyn Host, command: &Command) -> Result<Output, HostError> {
    let mut waited = 0;
    loop {
        let output = host.run(command)?;
        if output.is_ok() || !is_held(&output.complaint()) || waited >= PATIENCE {
            return Ok(output);
        }
        host.pause(Duration::from_secs(3));
        waited += 3;
    }
}

fn is_held(said: &str) -> bool {
    ["Could not get lock", "Unable to lock", "is locked by another process", "was locked by another process"]
        .iter()
        .any(|words| said.contains(words))
}

fn failed(what: &str, said: String) -> HostError {
    HostError::Failed { what: what.to_owned(), said }
}

/// A command must have ended well.
fn well(what: &str, output: Output) -> Result<Output, HostError> {
    if output.is_ok() { Ok(output) } else { Err(failed(what, output.complaint())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_what_an_os_is_like() {
        let os = |id: &str, like: &[&str]| crate::facts::Os {
            id: id.into(),
            version: String::new(),
            name: String::new(),
            like: like.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(System::of(&os("debian", &[])), Some(System::Apt));
        assert_eq!(System::of(&os("linuxmint", &["ubuntu", "debian"])), Some(System::Apt));
        assert_eq!(System::of(&os("rocky", &["rhel", "centos", "fedora"])), Some(System::Dnf));
        assert_eq!(System::of(&os("arch", &[])), None);
    }

    #[test]
    fn names_are_names() {
        let names = |names: &[&str]| check(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        names(&["slurmctld", "libstdc++6", "g++", "python3.11", "0ad", "slurm-slurmctld", "libc6.1"]).unwrap();
        for bad in ["", "-y", "mariadb-server-", "a=1", "/etc/x.deb", "a b", "a;b", "*", "a/stable", "+x"] {
            assert!(names(&["munge", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_tells_its_packages() {
        let (local, system) = (crate::host::local::Local::for_test(), System::here().unwrap());
        let packages = system.installed(&local).unwrap();
        let own = if system == System::Apt { "dpkg" } else { "rpm" };
        assert!(packages.iter().any(|package| package.name == own) && packages.is_sorted());
        let missing = system.would_install(&local, &["no-such-package-at-all".to_owned()]);
        assert!(missing.unwrap_err().to_string().contains("no-such-package-at-all"));
    }
}
