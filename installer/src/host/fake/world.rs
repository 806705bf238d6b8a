//! What a host in memory is, and what changes it.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::catalogue::{Does, Offer};
use super::tree::{Node, Tree, What, errno, file_error};
use crate::host::{Attributes, Group, HostError, NewUser, Package, User};

/// A package on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// Its scripts ran to their end.
    pub configured: bool,
}

/// A daemon as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Daemon {
    /// `active`, `inactive`, `failed`, `activating`.
    pub active: String,
    /// Lines in its journal.
    pub log: Vec<String>,
    /// Times it was started or read its configuration.
    pub starts: u32,
}

/// How a unit that does not start fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What it says.
    pub log: Vec<String>,
    /// systemd sees it at once; else it is up for a moment first.
    pub at_once: bool,
}

/// The host as it is: what is on its disks, and what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Its name.
    pub hostname: String,
    /// Seconds since 1970. Ticks with each change.
    pub now: i64,
    /// Files.
    pub tree: Tree,
    /// passwd(5).
    pub users: Vec<User>,
    /// group(5).
    pub groups: Vec<Group>,
    /// Packages that can be had.
    pub catalogue: BTreeMap<String, Offer>,
    /// Packages that can be had in an older version too.
    pub older: BTreeMap<String, Offer>,
    /// Packages that are there.
    pub packages: BTreeMap<String, Installed>,
    /// The mirrors don't answer.
    pub mirror_down: bool,
    /// Units that run or ran.
    pub daemons: BTreeMap<String, Daemon>,
    /// Units that don't start.
    pub broken: BTreeMap<String, Broken>,
    /// Databases, by name.
    pub databases: BTreeSet<String>,
    /// Users of databases with their passwords.
    pub database_users: BTreeMap<String, String>,
    /// Databases and users who may do everything in them.
    pub grants: BTreeSet<(String, String)>,
    /// Slurm as it answers here.
    pub slurm: super::slurm::Slurm,
    /// Accounts of the dashboard, with their passwords.
    pub dashboard: BTreeMap<String, String>,
    /// `firewalld` or `ufw`, when one is active.
    pub firewall: Option<String>,
    /// Ports that it lets in, as it writes them; firewalld's that last have the word `permanent` before them.
    pub open_ports: BTreeSet<String>,
    /// Parts of changes that were done, and how many may be.
    pub(super) parts: u32,
    pub(super) most_parts: u32,
}

impl World {
    /// Goes on to the next part of a change, unless it stops here.
    pub(super) fn part(&mut self) -> Result<(), HostError> {
        if self.parts >= self.most_parts {
            return Err(HostError::Failed { what: "change".into(), said: "broken off in the middle".into() });
        }
        self.parts += 1;
        Ok(())
    }

    fn tick(&mut self) -> (i64, u32) {
        self.now += 1;
        (self.now, 0)
    }

    /// Writes a file over what is there.
    pub fn write(
        &mut self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        let modified = modified.unwrap_or_else(|| self.tick());
        self.tree.put(path, Node { what: What::File(content.into()), attributes, modified })
    }

    /// Makes a folder.
    pub fn make_directory(&mut self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        let modified = self.tick();
        self.tree.put(path, Node { what: What::Directory, attributes, modified })
    }

    /// Makes a link.
    pub fn link(&mut self, path: &str, to: &str) -> Result<(), HostError> {
        let modified = self.tick();
        let attributes = Attributes { mode: 0o777, uid: 0, gid: 0 };
        self.tree.put(Path::new(path), Node { what: What::Link(to.into()), attributes, modified })
    }

    /// Makes a folder and those that are missing above it.
    pub fn make_directories(&mut self, path: &Path, mode: u32) -> Result<(), HostError> {
        let missing: Vec<&Path> =
            path.ancestors().take_while(|folder| matches!(self.tree.get(folder), Ok(None) | Err(_))).collect();
        for folder in missing.into_iter().rev() {
            self.make_directory(folder, Attributes { mode, uid: 0, gid: 0 })?;
        }
        Ok(())
    }

    /// Number of a user.
    pub fn uid(&self, name: &str) -> u32 {
        self.users.iter().find(|user| user.name == name).map_or(0, |user| user.uid)
    }

    /// Number of a group.
    pub fn gid(&self, name: &str) -> u32 {
        self.groups.iter().find(|group| group.name == name).map_or(0, |group| group.gid)
    }

    /// Makes a group.
    pub fn add_group(&mut self, name: &str, gid: u32) -> Result<(), HostError> {
        if self.groups.iter().any(|group| group.name == name || group.gid == gid) {
            let said = format!("groupadd: group '{name}' or GID {gid} already exists");
            return Err(HostError::Failed { what: "groupadd".into(), said });
        }
        self.tree.set_attributes(Path::new("/etc"), Attributes { mode: 0o755, uid: 0, gid: 0 })?;
        self.groups.push(Group { name: name.into(), gid, members: Vec::new() });
        Ok(())
    }

    /// Makes a user.
    pub fn add_user(&mut self, new: &NewUser) -> Result<(), HostError> {
        let failed = |said: String| HostError::Failed { what: "useradd".into(), said };
        let user = &new.user;
        if self.users.iter().any(|there| there.name == user.name || there.uid == user.uid) {
            return Err(failed(format!("useradd: user '{}' or UID {} already exists", user.name, user.uid)));
        }
        if !self.groups.iter().any(|group| group.gid == user.gid) {
            return Err(failed(format!("useradd: group '{}' does not exist", user.gid)));
        }
        self.tree.set_attributes(Path::new("/etc"), Attributes { mode: 0o755, uid: 0, gid: 0 })?;
        self.users.push(user.clone());
        if new.with_home && self.tree.get(&user.home)?.is_none() {
            self.part()?;
            self.make_directories(user.home.parent().unwrap_or(Path::new("/")), 0o755)?;
            let attributes = Attributes { mode: 0o700, uid: user.uid, gid: user.gid };
            self.make_directory(&user.home, attributes)?;
            let skeleton = Path::new("/etc/skel");
            for name in self.tree.list(skeleton).unwrap_or_default() {
                let content = self.tree.read(&skeleton.join(&name))?.clone();
                self.write(&user.home.join(name), &content, Attributes { mode: 0o644, ..attributes }, None)?;
            }
        }
        Ok(())
    }

    /// Removes a user, and as userdel(8) does, the group of the same name when nobody is in it.
    pub fn remove_user(&mut self, name: &str) -> Result<(), HostError> {
        let Some(index) = self.users.iter().position(|user| user.name == name) else {
            let said = format!("userdel: user '{name}' does not exist");
            return Err(HostError::Failed { what: "userdel".into(), said });
        };
        self.users.remove(index);
        for group in &mut self.groups {
            group.members.retain(|member| member != name);
        }
        let users = &self.users;
        self.groups.retain(|group| {
            group.name != name || !group.members.is_empty() || users.iter().any(|user| user.gid == group.gid)
        });
        Ok(())
    }

    /// Removes a group.
    pub fn remove_group(&mut self, name: &str) -> Result<(), HostError> {
        let failed = |said: String| HostError::Failed { what: "groupdel".into(), said };
        let Some(index) = self.groups.iter().position(|group| group.name == name) else {
            return Err(failed(format!("groupdel: group '{name}' does not exist")));
        };
        let gid = self.groups[index].gid;
        if let Some(user) = self.users.iter().find(|user| user.gid == gid) {
            return Err(failed(format!("groupdel: cannot remove the primary group of user '{}'", user.name)));
        }
        self.groups.remove(index);
        Ok(())
    }

    /// The packages that these need, they among them, those needed first.
    fn closure(&self, names: &[String]) -> Result<Vec<String>, HostError> {
        fn visit(world: &World, name: &str, found: &mut Vec<String>) -> Result<(), HostError> {
            if found.iter().any(|there| there == name) {
                return Ok(());
            }
            let Some(offer) = world.catalogue.get(name) else {
                let said = format!("E: Unable to locate package {name}");
                return Err(HostError::Failed { what: "apt-get".into(), said });
            };
            for need in &offer.needs {
                visit(world, need, found)?;
            }
            found.push(name.to_owned());
            Ok(())
        }
        let mut found = Vec::new();
        for name in names {
            visit(self, name, &mut found)?;
        }
        Ok(found)
    }

    /// Whether a package that is there comes to another version: it is asked for, or of one source with one that is.
    fn is_upgraded(&self, name: &str, asked: &[String]) -> bool {
        let is_other = |name: &str| match (self.packages.get(name), self.catalogue.get(name)) {
            (Some(there), Some(offer)) => there.version != offer.version,
            _ => false,
        };
        let version = self.catalogue.get(name).map(|offer| &offer.version);
        let mates = asked.iter().filter_map(|name| Some(&self.catalogue.get(name)?.version));
        is_other(name)
            && (asked.iter().any(|asked| asked == name) || mates.into_iter().any(|mate| Some(mate) == version))
    }

    /// What would come.
    pub fn would_install(&self, names: &[String]) -> Result<Vec<Package>, HostError> {
        let is_there = |name: &String| self.packages.get(name).is_some_and(|package| package.configured);
        let mut coming: Vec<Package> = self
            .closure(names)?
            .into_iter()
            .filter(|name| !is_there(name) || self.is_upgraded(name, names))
            .map(|name| Package { version: self.catalogue[&name].version.clone(), name })
            .collect();
        coming.sort();
        Ok(coming)
    }

    /// Installs packages: unpacks all, then runs the scripts of all.
    pub fn install(&mut self, names: &[String]) -> Result<(), HostError> {
        let half: Vec<String> =
            self.packages.iter().filter(|(_, package)| !package.configured).map(|(name, _)| name.clone()).collect();
        for name in half {
            self.configure(&name)?;
        }
        let coming: Vec<String> = self.closure(names)?;
        let comes = |name: &String| !self.packages.contains_key(name) || self.is_upgraded(name, names);
        let coming: Vec<String> = coming.into_iter().filter(comes).collect();
        if self.mirror_down && !coming.is_empty() {
            let said = "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?";
            return Err(HostError::Failed { what: "apt-get".into(), said: said.into() });
        }
        for name in &coming {
            self.part()?;
            self.unpack(name)?;
        }
        for name in &coming {
            self.part()?;
            self.configure(name)?;
        }
        Ok(())
    }

    /// Brings packages that are there to versions.
    pub fn set_versions(&mut self, packages: &[Package]) -> Result<(), HostError> {
        for package in packages {
            let offers = [&self.catalogue, &self.older].into_iter().filter_map(|offers| offers.get(&package.name));
            let Some(offer) = offers.into_iter().find(|offer| offer.version == package.version).cloned() else {
                let said = format!("E: Version '{}' for '{}' was not found", package.version, package.name);
                return Err(HostError::Failed { what: "apt-get".into(), said });
            };
            self.part()?;
            self.unpack_as(&package.name, &offer)?;
        }
        for package in packages {
            self.part()?;
            self.configure(&package.name)?;
        }
        Ok(())
    }

    fn unpack(&mut self, name: &str) -> Result<(), HostError> {
        let offer = self.catalogue[name].clone();
        self.unpack_as(name, &offer)
    }

    fn unpack_as(&mut self, name: &str, offer: &Offer) -> Result<(), HostError> {
        // dpkg makes the users of scripts that run before the unpacking.
        self.packages.insert(name.to_owned(), Installed { version: offer.version.clone(), configured: false });
        for folder in &offer.folders {
            self.make_directories(Path::new(folder), 0o755)?;
        }
        for (path, mode) in &offer.files {
            let place = Path::new(path);
            if path.starts_with("/etc/") && self.tree.has(path) {
                // Configuration that is there stays.
                continue;
            }
            self.make_directories(place.parent().unwrap_or(Path::new("/")), 0o755)?;
            let content = format!("{path} of {name} {}\n", offer.version);
            // Files have the time at which they were packed.
            let attributes = Attributes { mode: *mode, uid: 0, gid: 0 };
            self.write(place, content.as_bytes(), attributes, Some((1_700_000_000, 0)))?;
        }
        Ok(())
    }

    fn configure(&mut self, name: &str) -> Result<(), HostError> {
        for does in self.catalogue[name].does.clone() {
            self.script(does)?;
        }
        if let Some(package) = self.packages.get_mut(name) {
            package.configured = true;
        }
        Ok(())
    }

    fn script(&mut self, does: Does) -> Result<(), HostError> {
        match does {
            Does::User(name, number, shell) => {
                let system = |taken: &dyn Fn(u32) -> bool| (100..1000).find(|&number| !taken(number)).unwrap_or(999);
                if !self.groups.iter().any(|group| group.name == name) {
                    let free = system(&|gid| self.groups.iter().any(|group| group.gid == gid));
                    self.add_group(&name, number.unwrap_or(free))?;
                }
                if !self.users.iter().any(|user| user.name == name) {
                    let free = system(&|uid| self.users.iter().any(|user| user.uid == uid));
                    let user = User {
                        uid: number.unwrap_or(free),
                        gid: self.gid(&name),
                        name,
                        comment: String::new(),
                        home: "/nonexistent".into(),
                        shell: shell.into(),
                    };
                    self.add_user(&NewUser { user, with_home: false })?;
                }
            }
            Does::Own(path, user, mode) => {
                let attributes = Attributes { mode, uid: self.uid(&user), gid: self.gid(&user) };
                self.tree.set_attributes(Path::new(&path), attributes)?;
            }
            Does::File(path, content, user, mode) => {
                let attributes = Attributes { mode, uid: self.uid(&user), gid: self.gid(&user) };
                if self.tree.has(&path) {
                    self.tree.set_attributes(Path::new(&path), attributes)?;
                } else {
                    self.write(Path::new(&path), content.as_bytes(), attributes, None)?;
                }
            }
            Does::Folder(path, user, mode) => {
                if !self.tree.has(&path) {
                    let attributes = Attributes { mode, uid: self.uid(&user), gid: self.gid(&user) };
                    self.make_directory(Path::new(&path), attributes)?;
                }
            }
            Does::Enable(unit) => self.enable(&unit)?,
        }
        Ok(())
    }

    /// Removes packages with their configuration.
    pub fn purge(&mut self, names: &[String]) -> Result<(), HostError> {
        let goes = |name: &String| names.contains(name);
        let others: Vec<&String> = self
            .packages
            .keys()
            .filter(|name| !goes(name) && self.catalogue.get(*name).is_some_and(|offer| offer.needs.iter().any(goes)))
            .collect();
        if !others.is_empty() {
            let others = others.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
            let said = format!("these would be removed too: {others}");
            return Err(HostError::Failed { what: "apt-get purge".into(), said });
        }
        let mut order = self.closure(names).unwrap_or_else(|_| names.to_vec());
        order.retain(goes);
        for name in order.iter().rev() {
            if self.packages.contains_key(name) {
                self.part()?;
                self.purge_one(name)?;
            }
        }
        Ok(())
    }

    fn purge_one(&mut self, name: &str) -> Result<(), HostError> {
        let offer = self.catalogue[name].clone();
        for does in &offer.does {
            if let Does::Enable(unit) = does {
                self.disable(unit)?;
                self.daemons.remove(unit);
            }
        }
        let others: Vec<String> = self.packages.keys().filter(|other| *other != name).cloned().collect();
        let others: Vec<Offer> = others.iter().filter_map(|other| self.catalogue.get(other)).cloned().collect();
        for (path, _) in &offer.files {
            self.tree.remove(Path::new(path))?;
        }
        for path in &offer.purges {
            self.tree.remove_all(Path::new(path))?;
        }
        for user in &offer.purges_users {
            if self.users.iter().any(|there| there.name == *user) {
                self.remove_user(user)?;
            }
        }
        // Folders that no other package has, from the innermost on, while they are empty.
        let folders = offer.folders.iter().map(PathBuf::from).chain(offer.files.iter().map(|(path, _)| path.into()));
        let folders: BTreeSet<PathBuf> =
            folders.flat_map(|path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>()).collect();
        for folder in folders.iter().rev() {
            let is_theirs = others.iter().any(|other| {
                let paths = other.folders.iter().chain(other.files.iter().map(|(path, _)| path));
                paths.into_iter().any(|path| Path::new(path).starts_with(folder))
            });
            let is_folder = matches!(self.tree.get(folder), Ok(Some(Node { what: What::Directory, .. })));
            if is_folder && !is_theirs && !super::is_of_the_base(folder) {
                // One that is not empty stays.
                let _ = self.tree.remove(folder);
            }
        }
        self.packages.remove(name);
        Ok(())
    }

    /// Moves something away.
    pub fn move_away(&mut self, path: &Path, to: &Path) -> Result<(), HostError> {
        if self.tree.get(path)?.is_none() {
            return Err(file_error(path, errno::ENOENT));
        }
        self.make_directories(to.parent().unwrap_or(Path::new("/")), 0o700)?;
        self.part()?;
        self.tree.rename(path, to)
    }
}
