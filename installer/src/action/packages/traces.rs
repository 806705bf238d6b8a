//! Taking packages away, with every trace of them and nothing else.
//!
//! Purging does too much and too little. Debian's scripts remove what was there before the packages came (all of
//! `/etc/slurm`, munge's key, users), and the cluster's state with them; that is sheltered, or kept. And they leave users,
//! data and logs behind. What is theirs is known from the package system and their scripts ([`super::evidence`]), not from
//! what is new on the host, because much else may have come since.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PackagesUndo;
use super::evidence::{self, Evidence};
use super::states::{self, State};
use crate::action::place::{self, OPEN};
use crate::action::{Reverted, Setting, StepError};
use crate::host::{Attributes, Group, Host, HostError, Kind, NewUser, UnitVerb, User};

/// What was there before is moved aside while these packages are purged, because they or their scripts remove it.
const REMOVED: &[(&str, &[&str])] = &[
    ("/etc/default/munge", &["munge"]),
    ("/etc/default/slurmctld", &["slurmctld"]),
    ("/etc/default/slurmd", &["slurmd"]),
    ("/etc/default/slurmdbd", &["slurmdbd"]),
    ("/etc/logrotate.d/mariadb", &["mariadb-server"]),
    ("/etc/logrotate.d/munge", &["munge"]),
    ("/etc/logrotate.d/slurmctld", &["slurmctld"]),
    ("/etc/logrotate.d/slurmd", &["slurmd"]),
    ("/etc/logrotate.d/slurmdbd", &["slurmdbd"]),
    ("/etc/munge", &["munge"]),
    ("/etc/slurm", &["slurm-wlm-basic-plugins"]),
    ("/var/lib/munge", &["munge"]),
    ("/var/lib/slurm", &["slurmctld", "slurmd"]),
    ("/var/log/munge", &["munge"]),
    ("/var/log/mysql", &["mariadb-server"]),
    ("/var/log/slurm", &["slurmctld", "slurmd", "slurmdbd"]),
];
/// What is made again: munge's seed of random numbers, and what slurmd notes for itself.
const SCRATCH: &[&str] = &["/var/lib/munge", evidence::SPOOL];

/// What packages made or use, written down before they are purged: afterwards nobody knows any more.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Traces {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    paths: BTreeSet<PathBuf>,
}

impl Traces {
    fn add(&mut self, other: Self) {
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.paths.extend(other.paths);
    }

    /// Those of these that are a package's.
    fn of(&self, package: &Evidence) -> Self {
        // The links that enable units bear the units' names.
        let is_link = |path: &Path| {
            let is_in_place = path.parent().is_some_and(|folder| folder.ends_with("multi-user.target.wants"));
            is_in_place && package.units().any(|unit| path.ends_with(unit))
        };
        let names = |names: &BTreeSet<String>| names.iter().filter(|name| package.names(name)).cloned().collect();
        let paths = self.paths.iter().filter(|path| package.has(path) || is_link(path));
        Self { users: names(&self.users), groups: names(&self.groups), paths: paths.cloned().collect() }
    }
}

/// Removes what came.
pub(super) fn remove(host: &dyn Host, setting: &Setting, undo: &PackagesUndo) -> Result<Reverted, StepError> {
    let removal = Removal { host, setting, undo };
    let mut reverted = Reverted::wholly();
    let ours = removal.installed()?;
    let evidence = evidence::of(host, &ours)?;
    let traces = removal.traces(&evidence)?;
    let stopped = removal.stop(&evidence)?;
    let kept = removal.keep_data(&traces)?;
    removal.shelter(&ours, &evidence)?;
    let refusal = removal.purge(&ours)?;
    let names = removal.installed()?;
    let staying = Staying(names.iter().filter_map(|name| evidence.get(name)).collect());
    let theirs = removal.unshelter()?;
    for (path, place) in kept {
        if staying.need(|of| of.has(&path)) && host.entry(&path)?.is_none() {
            host.move_away(&place, &path)?;
        } else {
            reverted.kept.push(place);
        }
    }
    for unit in stopped.iter().filter(|unit| staying.need(|of| of.units().any(|name| name == *unit))) {
        host.set_unit(unit, UnitVerb::Start)?;
    }
    removal.sweep(&traces, &theirs, &staying, &mut reverted)?;
    removal.accounts(&traces, &staying)?;
    removal.owners()?;
    if let (false, Some(refusal)) = (names.is_empty(), refusal) {
        let names = names.join(" ");
        reverted.left.push(format!("the packages {names} stay, because they can't be removed alone ({refusal})"));
    }
    Ok(reverted)
}

/// Packages that came and can't be removed.
struct Staying<'a>(Vec<&'a Evidence>);

impl Staying<'_> {
    /// Whether one of them needs something.
    fn need(&self, is_of: impl Fn(&Evidence) -> bool) -> bool {
        self.0.iter().any(|evidence| is_of(evidence))
    }
}

struct Removal<'a> {
    host: &'a dyn Host,
    setting: &'a Setting,
    undo: &'a PackagesUndo,
}

impl Removal<'_> {
    /// Packages that came and are there, in whole or in part.
    fn installed(&self) -> Result<Vec<String>, HostError> {
        let coming = self.undo.coming.iter().map(|package| package.name.clone()).collect();
        let states = states::of(self.host, &coming)?;
        let begun = states::begun(self.host, self.setting)?;
        // What is left of one that was removed is the admin's, unless this run has begun to bring it.
        let is_ours = |name: &str, state: State| state != State::Remnant || begun.contains(name);
        Ok(states.into_iter().filter(|(name, state)| is_ours(name, *state)).map(|(name, _)| name).collect())
    }

    /// What the packages made or use, together with what was written down when they were removed before: by this, when
    /// it was broken off, or for an attempt to install them that came later.
    fn traces(&self, evidence: &BTreeMap<String, Evidence>) -> Result<Traces, StepError> {
        let file = self.setting.keep.with_file_name("traces-of-packages.json");
        let mut known: BTreeMap<String, Traces> = match self.host.entry(&file)? {
            None => BTreeMap::new(),
            Some(_) => serde_json::from_slice(&self.host.read(&file)?)
                .map_err(|error| HostError::Malformed(format!("{}: {error}", file.display())))?,
        };
        if !evidence.is_empty() {
            let seen = self.seen()?;
            for (package, of) in evidence {
                known.entry(package.clone()).or_default().add(seen.of(of));
            }
            let text = serde_json::to_vec(&known).map_err(|error| HostError::Malformed(error.to_string()))?;
            place::make_keep(self.host, self.setting)?;
            self.host.write(&file, &text, Attributes { mode: 0o600, uid: 0, gid: 0 }, None)?;
        }
        let mut traces = Traces::default();
        for package in &self.undo.coming {
            traces.add(known.remove(&package.name).unwrap_or_default());
        }
        Ok(traces)
    }

    /// All that may be a package's.
    fn seen(&self) -> Result<Traces, HostError> {
        let users = self.host.users()?.into_iter().filter(|user| is_system(user.uid)).map(|user| user.name).collect();
        let groups = self.host.groups()?.into_iter().filter(|group| is_system(group.gid));
        let groups = groups.map(|group| group.name).collect();
        let mut paths = BTreeSet::new();
        let folders = self.undo.folders.keys().map(PathBuf::as_path);
        for folder in folders.chain(super::AT_STAKE.iter().map(Path::new)) {
            let is_folder = self.host.entry(folder)?.is_some_and(|entry| entry.kind == Kind::Directory);
            let names = if is_folder { self.host.list(folder)? } else { Vec::new() };
            paths.extend(names.into_iter().map(|name| folder.join(name)));
        }
        Ok(Traces { users, groups, paths })
    }

    /// Whether something was there before the packages came.
    fn was_there(&self, path: &Path) -> bool {
        if self.undo.owned.contains_key(path) {
            return true;
        }
        let names = path.parent().and_then(|folder| self.undo.folders.get(folder));
        names.is_some_and(|names| path.file_name().is_some_and(|name| names.iter().any(|there| name == there.as_str())))
    }

    /// Stops the packages' daemons, so that what they hold open can be moved, and their scripts find nothing running:
    /// slurmctld's cancels all jobs if it does.
    fn stop(&self, evidence: &BTreeMap<String, Evidence>) -> Result<Vec<String>, HostError> {
        let mut stopped = Vec::new();
        for unit in evidence.values().flat_map(Evidence::units) {
            if self.host.unit(unit)?.is_active() {
                self.host.set_unit(unit, UnitVerb::Stop)?;
                stopped.push(unit.to_owned());
            }
        }
        Ok(stopped)
    }

    /// Keeps state and logs, which purging would remove or leave. Gives where they were and where they are.
    fn keep_data(&self, traces: &Traces) -> Result<Vec<(PathBuf, PathBuf)>, HostError> {
        let is_data = |path: &&PathBuf| {
            let folder = path.parent().unwrap_or(Path::new("/"));
            (folder == Path::new("/var/lib") || folder == Path::new("/var/log")) && !is_scratch(path)
        };
        let mut kept = Vec::new();
        for path in traces.paths.iter().filter(is_data).filter(|path| !self.was_there(path)) {
            if place::holds_files(self.host, path)? {
                kept.push((path.clone(), place::keep(self.host, self.setting, path)?));
            }
        }
        Ok(kept)
    }

    fn shelter_folder(&self) -> PathBuf {
        self.setting.keep.join("sheltered")
    }

    /// Moves aside what the packages' scripts would remove though it is not theirs.
    fn shelter(&self, ours: &[String], evidence: &BTreeMap<String, Evidence>) -> Result<(), HostError> {
        let goes = |path: &Path| {
            let mut removed =
                REMOVED.iter().filter(|(_, packages)| ours.iter().any(|name| packages.contains(&&**name)));
            removed.any(|(removed, _)| path.starts_with(removed))
        };
        let mut paths: Vec<PathBuf> = self.undo.owned.keys().filter(|path| goes(path)).cloned().collect();
        // What somebody put beside Slurm's configuration since goes with it too.
        let slurm = Path::new("/etc/slurm");
        if goes(slurm) && self.host.entry(slurm)?.is_some_and(|entry| entry.kind == Kind::Directory) {
            paths.extend(self.host.list(slurm)?.into_iter().map(|name| slurm.join(name)));
        }
        let is_theirs = |path: &Path| evidence.values().any(|of| of.paths.iter().any(|there| there == path));
        for path in paths {
            // Folders at stake are sheltered by what is in them.
            let is_root = REMOVED.iter().any(|(root, _)| path == Path::new(root));
            let Some(entry) = self.host.entry(&path)? else { continue };
            let is_old = self.undo.owned.contains_key(&path);
            if (is_root && entry.kind == Kind::Directory) || (!is_old && is_theirs(&path)) {
                continue;
            }
            self.host.move_away(&path, &self.shelter_folder().join(path.strip_prefix("/").unwrap_or(&path)))?;
        }
        Ok(())
    }

    /// Puts back what was moved aside. Gives the paths.
    fn unshelter(&self) -> Result<Vec<PathBuf>, HostError> {
        let shelter = self.shelter_folder();
        let mut back = Vec::new();
        for (root, _) in REMOVED {
            let root = Path::new(root);
            let aside = shelter.join(root.strip_prefix("/").unwrap_or(root));
            let inside = match self.host.entry(&aside)? {
                None => continue,
                Some(entry) if entry.kind != Kind::Directory => vec![root.to_owned()],
                Some(_) => self.host.list(&aside)?.into_iter().map(|name| root.join(name)).collect(),
            };
            for path in inside {
                let from = shelter.join(path.strip_prefix("/").unwrap_or(&path));
                if let Some(folder) = path.parent()
                    && self.host.entry(folder)?.is_none()
                {
                    place::make_above(self.host, folder, OPEN)?;
                    let attributes = self.undo.owned.get(folder).copied().unwrap_or(OPEN);
                    self.host.make_directory(folder, attributes)?;
                }
                if self.host.entry(&path)?.is_none() {
                    self.host.move_away(&from, &path)?;
                    back.push(path);
                }
            }
        }
        if self.host.entry(&shelter)?.is_some() && !place::holds_files(self.host, &shelter)? {
            place::remove_all(self.host, &shelter)?;
        }
        Ok(back)
    }

    /// Purges them, all at once or as many as can be without others. Gives why, when some can't.
    fn purge(&self, ours: &[String]) -> Result<Option<String>, HostError> {
        if ours.is_empty() {
            return Ok(None);
        }
        let mut refusal = match self.host.purge_packages(ours) {
            Ok(()) => return Ok(None),
            Err(HostError::Failed { said, .. }) => said,
            Err(error) => return Err(error),
        };
        loop {
            let rest = self.installed()?;
            for name in &rest {
                match self.host.purge_packages(std::slice::from_ref(name)) {
                    Ok(()) => {}
                    Err(HostError::Failed { said, .. }) => refusal = said,
                    Err(error) => return Err(error),
                }
            }
            if self.installed()?.len() == rest.len() {
                return Ok((!rest.is_empty()).then_some(refusal));
            }
        }
    }

    /// Removes or keeps what purging left.
    fn sweep(
        &self,
        traces: &Traces,
        theirs: &[PathBuf],
        staying: &Staying,
        reverted: &mut Reverted,
    ) -> Result<(), HostError> {
        // What is in a folder goes before the folder.
        for path in traces.paths.iter().rev().filter(|path| !self.was_there(path)) {
            let Some(entry) = self.host.entry(path)? else { continue };
            if staying.need(|of| of.has(path) || of.units().any(|unit| path.ends_with(unit))) {
                continue;
            }
            if let Some(inside) = theirs.iter().find(|inside| inside.starts_with(path)) {
                let (path, inside) = (path.display(), inside.display());
                reverted.left.push(format!("{path} stays, because {inside} was put there by somebody else"));
                continue;
            }
            let is_cache = path.starts_with("/var/cache") || is_scratch(path);
            if entry.kind == Kind::Link || is_cache || !place::holds_files(self.host, path)? {
                place::remove_all(self.host, path)?;
            } else {
                reverted.kept.push(place::keep(self.host, self.setting, path)?);
            }
        }
        Ok(())
    }

    /// Removes the users and groups that came, and brings those back that purging took along.
    fn accounts(&self, traces: &Traces, staying: &Staying) -> Result<(), HostError> {
        let was_user = |name: &str| self.undo.users.iter().any(|user| user.name == name);
        let was_group = |name: &str| self.undo.groups.iter().any(|group| group.name == name);
        for name in traces.users.iter().filter(|name| !was_user(name) && !staying.need(|of| of.names(name))) {
            if self.host.users()?.iter().any(|user| user.name == *name) {
                self.host.remove_user(name)?;
            }
        }
        for name in traces.groups.iter().filter(|name| !was_group(name) && !staying.need(|of| of.names(name))) {
            let group = self.host.groups()?.into_iter().find(|group| group.name == *name);
            let Some(group) = group else { continue };
            let is_used = self.host.users()?.iter().any(|user| user.gid == group.gid) || !group.members.is_empty();
            if !is_used {
                self.host.remove_group(name)?;
            }
        }
        for group in self.undo.groups.iter().filter(|group| traces.groups.contains(&group.name)) {
            if !self.host.groups()?.iter().any(|there| there.name == group.name || there.gid == group.gid) {
                self.host.add_group(&group.name, group.gid)?;
            }
        }
        for user in self.undo.users.iter().filter(|user| traces.users.contains(&user.name)) {
            self.bring_back(user)?;
        }
        Ok(())
    }

    fn bring_back(&self, user: &User) -> Result<(), HostError> {
        if !self.host.users()?.iter().any(|there| there.name == user.name || there.uid == user.uid) {
            self.host.add_user(&NewUser { user: user.clone(), with_home: false })?;
        }
        let there = self.host.groups()?;
        let lacks = |group: &&Group| {
            let now = there.iter().find(|now| now.name == group.name);
            group.members.contains(&user.name) && now.is_some_and(|now| !now.members.contains(&user.name))
        };
        let groups = self.undo.groups.iter().filter(lacks);
        groups.into_iter().try_for_each(|group| self.host.set_member(&group.name, &user.name, true))
    }

    /// Gives what was there before its owner and mode again.
    fn owners(&self) -> Result<(), HostError> {
        for (path, attributes) in &self.undo.owned {
            match self.host.entry(path)? {
                Some(entry) if entry.kind == Kind::Link || super::attributes_of(&entry) == *attributes => {}
                Some(_) => self.host.set_attributes(path, *attributes)?,
                None if self.undo.folders_at_stake.contains(path) => {
                    // It was empty, and went with the packages.
                    place::make_above(self.host, path, OPEN)?;
                    self.host.make_directory(path, *attributes)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn is_scratch(path: &Path) -> bool {
    SCRATCH.iter().any(|scratch| path.starts_with(scratch))
}

/// Numbers that scripts of packages give. Source: Debian Policy 9.2.2.
fn is_system(number: u32) -> bool {
    (1..1000).contains(&number) || (60000..=64999).contains(&number)
}
