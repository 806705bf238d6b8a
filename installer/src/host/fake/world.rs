//! What a host in memory is, and what changes it.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::catalogue::Offer;
use super::tree::{Node, Tree, What, errno, file_error};
use crate::host::{Attributes, Group, HostError, NewUser, User, unfinished};

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
    /// It ends by itself after so many moments, and says this.
    pub ends: Option<(u32, Vec<String>)>,
}

/// How a unit that does not start fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What it says.
    pub log: Vec<String>,
    /// systemd sees it at once; else it is up for a moment first.
    pub at_once: bool,
    /// It is up for so many moments, and systemd takes it for started.
    pub lasts: Option<u32>,
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

    /// Writes a file as a host does, beside its place first.
    pub fn write_by_and_by(
        &mut self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        let beside = unfinished(path);
        self.part()?;
        self.tree.put(&beside, Node { what: What::File([].into()), attributes, modified: (self.now, 0) })?;
        self.part()?;
        self.tree.remove(&beside)?;
        self.write(path, content, attributes, modified)
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
