//! Packages of the distribution.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::host::{Attributes, Group, Package, User};
use serde::{Deserialize, Serialize};

use self::states::State;
use super::file::attributes_of;
use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Host, HostError, Kind};

mod evidence;
mod states;
mod traces;

/// Packages are installed. What they bring with them is written down before, so that undoing takes exactly that away:
/// packages, and users, groups and folders that their scripts made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallPackages {
    /// Their names.
    pub names: Vec<String>,
    /// The file that names their source, where an earlier step writes it. Until it is there nobody can say what will come
    /// beside them.
    #[serde(default)]
    pub source: Option<PathBuf>,
}

/// How it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagesUndo {
    /// Packages that will come, with their versions. What somebody else left half-installed is not among them.
    pub coming: Vec<Package>,
    /// Packages that were there and will be brought to another version, with the version they had. They stay.
    pub upgraded: Vec<Package>,
    /// Users that were there: purging takes some of them along.
    pub users: Vec<User>,
    /// Groups that were there.
    pub groups: Vec<Group>,
    /// What was in the folders in which packages make something: `/etc`, `/var/lib`, …; by folder.
    pub folders: BTreeMap<PathBuf, Vec<String>>,
    /// What was there already of that which these packages' scripts take over or remove.
    pub owned: BTreeMap<PathBuf, Attributes>,
    /// Which of those are folders.
    pub folders_at_stake: BTreeSet<PathBuf>,
}

/// Folders in which packages make something. `/run` is empty after the next start anyway.
const FOLDERS: &[&str] = &[
    "/etc",
    "/etc/default",
    "/etc/systemd/system",
    "/etc/systemd/system/multi-user.target.wants",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
];

/// What scripts of munge, Slurm and MariaDB give another owner when they are installed, or remove when they are purged,
/// though it was there before. `slurm-wlm-basic-plugins` removes all of `/etc/slurm`, `munge` the key.
const AT_STAKE: &[&str] = &[
    "/etc/default/munge",
    "/etc/default/slurmctld",
    "/etc/default/slurmd",
    "/etc/default/slurmdbd",
    "/etc/munge",
    "/etc/mysql",
    "/etc/slurm",
    "/var/lib/munge",
    "/var/lib/mysql",
    "/var/lib/slurm",
    "/var/log/munge",
    "/var/log/mysql",
    "/var/log/slurm",
];

impl PackagesUndo {
    fn of(host: &dyn Host, setting: &Setting, will: Vec<Package>) -> Result<Self, HostError> {
        let there = host.packages()?;
        let begun = states::begun(host, setting)?;
        let states = states::of(host, &names(&will))?;
        let (mut coming, mut upgraded) = (Vec::new(), Vec::new());
        for new in will {
            let is_ours = begun.contains(&new.name);
            match (states.get(&new.name), there.iter().find(|old| old.name == new.name)) {
                (None | Some(State::Remnant), _) => coming.push(new),
                // What is half-installed was left so by this run, or by somebody else.
                (Some(State::Half), _) if is_ours => coming.push(new),
                (Some(State::Half), _) | (Some(State::Installed), None) => {}
                (Some(State::Installed), Some(old)) if old.version == new.version => {}
                (Some(State::Installed), Some(old)) => upgraded.push(old.clone()),
            }
        }
        let mut folders = BTreeMap::new();
        for folder in FOLDERS.iter().map(Path::new) {
            let is_folder = host.entry(folder)?.is_some_and(|entry| entry.kind == Kind::Directory);
            folders.insert(folder.to_owned(), if is_folder { host.list(folder)? } else { Vec::new() });
        }
        let (mut owned, mut folders_at_stake) = (BTreeMap::new(), BTreeSet::new());
        for path in AT_STAKE.iter().map(Path::new) {
            let Some(entry) = host.entry(path)?.filter(|entry| entry.kind != Kind::Link) else { continue };
            owned.insert(path.to_owned(), attributes_of(&entry));
            if entry.kind == Kind::Directory {
                folders_at_stake.insert(path.to_owned());
                for inside in host.list(path)?.iter().map(|name| path.join(name)) {
                    if let Some(entry) = host.entry(&inside)?.filter(|entry| entry.kind != Kind::Link) {
                        if entry.kind == Kind::Directory {
                            folders_at_stake.insert(inside.clone());
                        }
                        owned.insert(inside, attributes_of(&entry));
                    }
                }
            }
        }
        Ok(Self { coming, upgraded, users: host.users()?, groups: host.groups()?, folders, owned, folders_at_stake })
    }
}

fn names(packages: &[Package]) -> BTreeSet<String> {
    packages.iter().map(|package| package.name.clone()).collect()
}

impl InstallPackages {
    /// What would come. Where the host has no lists of packages yet, the mirrors are asked first.
    fn will(&self, host: &dyn Host) -> Result<Vec<Package>, HostError> {
        match host.would_install(&self.names) {
            Err(HostError::Failed { .. }) => {
                host.refresh_packages()?;
                host.would_install(&self.names)
            }
            other => other,
        }
    }

    /// Those that the host lacks, while their source is not there yet.
    fn awaited(&self, host: &dyn Host) -> Result<Option<Vec<&str>>, HostError> {
        let Some(source) = &self.source else { return Ok(None) };
        if host.entry(source)?.is_some() {
            return Ok(None);
        }
        let there = host.packages()?;
        let lacks = |name: &&String| !there.iter().any(|package| package.name == **name);
        Ok(Some(self.names.iter().filter(lacks).map(String::as_str).collect()))
    }
}

impl Act for InstallPackages {
    fn subject(&self) -> String {
        format!("packages {}", self.names.join(" "))
    }

    fn look(&self, host: &dyn Host, setting: &Setting) -> Result<Look, StepError> {
        if let Some(awaited) = self.awaited(host)? {
            if awaited.is_empty() {
                return Ok(Look::Same);
            }
            let summary = format!("installs {} and what they need, from the new source", awaited.join(", "));
            let undo = Undo::Packages(Box::new(PackagesUndo::of(host, setting, Vec::new())?));
            return Ok(Look::Change(Change { summary, diff: None, undo, drift: false }));
        }
        let will = self.will(host)?;
        if will.is_empty() {
            return Ok(Look::Same);
        }
        let asked = self.names.iter().filter_map(|name| will.iter().find(|package| package.name == *name));
        let named: Vec<String> = asked.map(|package| format!("{} {}", package.name, package.version)).collect();
        let summary = match will.len() - named.len() {
            0 => format!("installs {}", named.join(", ")),
            others if named.is_empty() => format!("installs {others} packages that they need"),
            others => format!("installs {} and {others} that they need", named.join(", ")),
        };
        let undo = Undo::Packages(Box::new(PackagesUndo::of(host, setting, will)?));
        Ok(Look::Change(Change { summary, diff: None, undo, drift: false }))
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let planned = host.would_install(&self.names)?;
        let undo = PackagesUndo::of(host, setting, planned.clone())?;
        states::begin(host, setting, names(&undo.coming))?;
        let first = match host.install_packages(&self.names) {
            Err(error @ HostError::Failed { .. }) => error,
            other => return Ok(other?),
        };
        // The lists may be older than what the mirrors have by now.
        host.refresh_packages().map_err(|second| HostError::Failed {
            what: format!("installing {}", self.names.join(" ")),
            said: format!("{first}; and asking the mirrors: {second}"),
        })?;
        let now = host.would_install(&self.names)?;
        if let Some(new) = now.iter().find(|now| !planned.iter().any(|planned| planned.name == now.name)) {
            // The undo does not know it.
            let said = "has come to what these packages need on the mirrors meanwhile; start once more";
            return Err(StepError::Refused(format!("the package {} {said}", new.name)));
        }
        Ok(host.install_packages(&self.names)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Packages(undo) = undo else { return Ok(Reverted::wholly()) };
        traces::remove(host, setting, undo)
    }
}
