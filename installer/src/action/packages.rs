//! Packages of the distribution.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::host::{Attributes, Group, Package, User};
use serde::{Deserialize, Serialize};

use self::states::State;
use super::file::attributes_of;
use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo, place};
use crate::host::{Host, HostError, Kind};

mod evidence;
mod states;
mod traces;

/// Packages are installed; those that are there already stay at their version, as far as the others can do with it. What
/// they bring with them is written down before, so that undoing takes exactly that away:
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
    /// Packages that were there and will be brought to another version, with the version they had. They stay, and undoing
    /// brings them back to that version where it can still be had.
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
    "/etc/logrotate.d",
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
    "/etc/logrotate.d/mariadb",
    "/etc/logrotate.d/munge",
    "/etc/logrotate.d/slurmctld",
    "/etc/logrotate.d/slurmd",
    "/etc/logrotate.d/slurmdbd",
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

/// What an installation comes to, in words: `installs slurmd 22.05.8-4 and 8 that they need; upgrades munge 0.5 → 0.6`.
struct Versions {
    new: Vec<String>,
    needed: usize,
    upgraded: Vec<String>,
    with_them: usize,
}

impl Versions {
    /// Those that are asked for by name, the others counted.
    fn of(host: &dyn Host, will: &[Package], asked: &[String]) -> Result<Self, HostError> {
        let there = host.packages()?;
        let mut versions = Self { new: Vec::new(), needed: 0, upgraded: Vec::new(), with_them: 0 };
        let by_asking = |package: &&Package| asked.iter().position(|name| *name == package.name).unwrap_or(asked.len());
        let mut will: Vec<&Package> = will.iter().collect();
        will.sort_by_key(by_asking);
        for package in will {
            let Package { name, version } = package;
            let old = there.iter().find(|old| old.name == *name).map(|old| &old.version).filter(|old| *old != version);
            match (old, asked.contains(name)) {
                (None, true) => versions.new.push(format!("{name} {version}")),
                (None, false) => versions.needed += 1,
                (Some(old), true) => versions.upgraded.push(format!("{name} {old} → {version}")),
                (Some(_), false) => versions.with_them += 1,
            }
        }
        Ok(versions)
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = |verb: &str, named: &[String], others: usize, which: &str| match (named.is_empty(), others) {
            (true, 0) => None,
            (true, others) => Some(format!("{verb} {others} packages {which}")),
            (false, 0) => Some(format!("{verb} {}", named.join(", "))),
            (false, others) => Some(format!("{verb} {} and {others} {which}", named.join(", "))),
        };
        let new = part("installs", &self.new, self.needed, "that they need");
        let upgraded = part("upgrades", &self.upgraded, self.with_them, "that go with them");
        f.write_str(&[new, upgraded].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// Brings back the versions that were there, and takes away what came.
pub(super) fn take_away(host: &dyn Host, setting: &Setting, undo: &PackagesUndo) -> Result<Reverted, StepError> {
    let (there, states) = (host.packages()?, states::of(host, &names(&undo.upgraded))?);
    // One that somebody removed since stays away.
    let is_other = |old: &&Package| match states.get(&old.name) {
        Some(State::Installed) => !there.contains(old),
        Some(State::Half) => true,
        Some(State::Remnant) | None => false,
    };
    let upgraded: Vec<Package> = undo.upgraded.iter().filter(is_other).cloned().collect();
    let outcome = if upgraded.is_empty() { Ok(()) } else { host.set_versions(&upgraded) };
    let refused = match outcome {
        // Anything else may go well another time.
        Err(HostError::Failed { said, .. }) if is_not_to_be_had(&said) => Some(said),
        other => other.map(|()| None)?,
    };
    let mut reverted = traces::remove(host, setting, undo)?;
    if let Some(said) = refused {
        let names: Vec<String> = upgraded.iter().map(|old| format!("{} {}", old.name, old.version)).collect();
        reverted.left.push(format!(
            "packages stay at their new version, as the sources do not give the old one any more ({said}); it was {}",
            names.join(", ")
        ));
    }
    Ok(reverted)
}

/// Whether the package system says that there is no such version. Source: the words of apt-get(8) and dnf(8).
fn is_not_to_be_had(said: &str) -> bool {
    ["was not found", "No match for argument", "Unable to find a match", "No packages marked for downgrade"]
        .iter()
        .any(|words| said.contains(words))
}

/// What installing some packages comes to, when these will come for it.
pub(super) fn look(
    host: &dyn Host,
    setting: &Setting,
    asked: &[String],
    will: Vec<Package>,
) -> Result<Look, StepError> {
    if will.is_empty() {
        return Ok(Look::Same);
    }
    let summary = Versions::of(host, &will, asked)?.to_string();
    let undo = Undo::Packages(Box::new(PackagesUndo::of(host, setting, will)?));
    Ok(Look::Change(Change::new(summary, undo)))
}

/// Installs packages, of which is written down first what will come.
pub(super) fn bring(host: &dyn Host, setting: &Setting, asked: &[String], will: Vec<Package>) -> Result<(), StepError> {
    let undo = PackagesUndo::of(host, setting, will)?;
    states::begin(host, setting, names(&undo.coming))?;
    Ok(host.install_packages(asked)?)
}

/// Those of some packages that are there, wholly or half.
pub(super) fn there(host: &dyn Host, asked: &[String]) -> Result<Vec<String>, HostError> {
    let states = states::of(host, &asked.iter().cloned().collect())?;
    let is_there = |name: &&String| matches!(states.get(*name), Some(State::Installed | State::Half));
    Ok(asked.iter().filter(is_there).cloned().collect())
}

fn names(packages: &[Package]) -> BTreeSet<String> {
    packages.iter().map(|package| package.name.clone()).collect()
}

impl InstallPackages {
    /// What would come, and for what it is asked. Where the host has no lists of packages yet, the mirrors are asked
    /// first.
    fn will(&self, host: &dyn Host) -> Result<(Vec<String>, Vec<Package>), HostError> {
        let will = match host.would_install(&self.names) {
            Err(HostError::Failed { .. }) => {
                host.refresh_packages()?;
                host.would_install(&self.names)?
            }
            other => other?,
        };
        if will.is_empty() {
            return Ok((self.names.clone(), will));
        }
        // What is there and would merely come to another version is not asked for: nobody wanted an upgrade.
        let there = host.packages()?;
        let is_newer = |name: &String| {
            let new = will.iter().find(|package| package.name == *name);
            let old = there.iter().find(|package| package.name == *name);
            matches!((new, old), (Some(new), Some(old)) if new.version != old.version)
        };
        let names: Vec<String> = self.names.iter().filter(|name| !is_newer(name)).cloned().collect();
        if names.len() == self.names.len() {
            return Ok((names, will));
        }
        let will = if names.is_empty() { Vec::new() } else { host.would_install(&names)? };
        Ok((names, will))
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
            return Ok(Look::Change(Change::new(summary, undo)));
        }
        let (names, will) = self.will(host)?;
        look(host, setting, &names, will)
    }

    fn execute(&self, host: &dyn Host, setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        let (asked, planned) = self.will(host)?;
        let first = match bring(host, setting, &asked, planned.clone()) {
            Err(StepError::Host(error @ HostError::Failed { .. })) => error,
            other => return other,
        };
        // The lists may be older than what the mirrors have by now.
        host.refresh_packages().map_err(|second| HostError::Failed {
            what: format!("installing {}", asked.join(" ")),
            said: format!("{first}; and asking the mirrors: {second}"),
        })?;
        let now = host.would_install(&asked)?;
        if let Some(new) = now.iter().find(|now| !planned.iter().any(|planned| planned.name == now.name)) {
            // The undo does not know it.
            let said = "has come to what these packages need on the mirrors meanwhile; start once more";
            return Err(StepError::Refused(format!("the package {} {said}", new.name)));
        }
        Ok(host.install_packages(&asked)?)
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Packages(undo) = undo else { return Ok(Reverted::wholly()) };
        let mut reverted = take_away(host, setting, undo)?;
        if !setting.keep_data {
            // Until here it could have been put back for a package that stays.
            reverted.kept.drain(..).try_for_each(|path| place::remove_all(host, &path))?;
        }
        Ok(reverted)
    }
}
