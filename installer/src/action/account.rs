//! Groups and users of the system.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::place::{self, OPEN};
use super::{Act, Change, Look, Materials, Reverted, Setting, StepError, Undo};
use crate::host::{Attributes, Host, HostError, Kind, NewUser, User};

/// A group is there with its number. Refused when the name has another number or the number another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddGroup {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
}

/// A user is there with their number and groups. Refused when the name has another number or the number another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddUser {
    /// Login.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// First group.
    pub group: String,
    /// Further groups; those they are in already stay.
    pub groups: Vec<String>,
    /// Comment.
    pub comment: String,
    /// Home folder.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
    /// Makes the home folder.
    pub with_home: bool,
}

/// How it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUndo {
    /// Whether the group or user was there.
    pub was_there: bool,
    /// Groups that the user was put into.
    pub joined: Vec<String>,
    /// Number of the user's first group, where that was there: removing a user may take it along.
    pub group: Option<u32>,
    /// Whether the home folder came with the user.
    pub makes_home: bool,
    /// Folders above the home folder that were missing, outermost first.
    pub missing: Vec<PathBuf>,
}

impl AddGroup {
    /// The group as it is. Refused when it is another.
    fn there(&self, host: &dyn Host) -> Result<bool, StepError> {
        let groups = host.groups()?;
        if let Some(group) = groups.iter().find(|group| group.name == self.name) {
            return if group.gid == self.gid {
                Ok(true)
            } else {
                Err(StepError::Refused(format!(
                    "the group {} has the number {} here, not {}: give {0} that number in the configuration (identities), \
                     or change it on this host with the files it owns",
                    self.name, group.gid, self.gid
                )))
            };
        }
        match groups.iter().find(|group| group.gid == self.gid) {
            None => Ok(false),
            Some(group) => Err(StepError::Refused(format!(
                "the number {} of the group {} belongs to the group {} here: choose another in the configuration (identities)",
                self.gid, self.name, group.name
            ))),
        }
    }
}

impl Act for AddGroup {
    fn subject(&self) -> String {
        format!("group {}", self.name)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        if self.there(host)? {
            return Ok(Look::Same);
        }
        let undo = Undo::Account(AccountUndo::default());
        Ok(Look::Change(Change { summary: format!("new, gid {}", self.gid), diff: None, undo, drift: false }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        if self.there(host)? { Ok(()) } else { Ok(host.add_group(&self.name, self.gid)?) }
    }

    fn revert(&self, host: &dyn Host, _setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Account(AccountUndo { was_there: false, .. }) = undo else { return Ok(Reverted::wholly()) };
        let groups = host.groups()?;
        let Some(group) = groups.iter().find(|group| group.name == self.name && group.gid == self.gid) else {
            return Ok(Reverted::wholly());
        };
        let users = host.users()?;
        let theirs = users.iter().filter(|user| user.gid == self.gid).map(|user| &user.name);
        let theirs: Vec<&str> = theirs.chain(&group.members).map(String::as_str).collect();
        if !theirs.is_empty() {
            // Somebody put them there since.
            let left = format!("the group {} stays: {} in it", self.name, are(&theirs));
            return Ok(Reverted { left: vec![left], kept: Vec::new() });
        }
        host.remove_group(&self.name)?;
        Ok(Reverted::wholly())
    }
}

fn are(names: &[&str]) -> String {
    if let [name] = names { format!("{name} is") } else { format!("{} are", names.join(", ")) }
}

impl AddUser {
    /// The user as they are. Refused when they are another.
    fn there(&self, host: &dyn Host) -> Result<Option<User>, StepError> {
        let users = host.users()?;
        let Some(user) = users.iter().find(|user| user.name == self.name) else {
            return match users.iter().find(|user| user.uid == self.uid) {
                None => Ok(None),
                Some(user) => Err(StepError::Refused(format!(
                    "the number {} of the user {} belongs to {} here: choose another in the configuration (identities)",
                    self.uid, self.name, user.name
                ))),
            };
        };
        if user.uid != self.uid {
            return Err(StepError::Refused(format!(
                "the user {} has the number {} here, not {}: give {0} that number in the configuration (identities), or \
                 change it on this host with the files they own",
                self.name, user.uid, self.uid
            )));
        }
        if let Some(group) = host.groups()?.iter().find(|group| group.name == self.group)
            && group.gid != user.gid
        {
            return Err(StepError::Refused(format!(
                "the first group of the user {} is number {} here, not {} ({})",
                self.name, user.gid, self.group, group.gid
            )));
        }
        Ok(Some(user.clone()))
    }

    /// Groups that they are not in yet.
    fn joins(&self, host: &dyn Host) -> Result<Vec<String>, HostError> {
        let groups = host.groups()?;
        let is_in = |name: &String| {
            let group = groups.iter().find(|group| group.name == *name);
            group.is_some_and(|group| group.members.contains(&self.name))
        };
        Ok(self.groups.iter().filter(|name| !is_in(name)).cloned().collect())
    }

    /// Removes the home folder, or keeps it when there is more in it than at its beginning.
    fn clear_home(&self, host: &dyn Host, setting: &Setting) -> Result<Option<PathBuf>, HostError> {
        if host.entry(&self.home)?.is_none_or(|entry| entry.kind != Kind::Directory) {
            return Ok(None);
        }
        for name in host.list(&self.home)? {
            let (file, model) = (self.home.join(&name), Path::new("/etc/skel").join(&name));
            let is_file = |path: &Path| Ok(host.entry(path)?.is_some_and(|entry| entry.kind == Kind::File));
            if !is_file(&file)? || !is_file(&model)? || host.digest(&file)? != host.digest(&model)? {
                return place::keep(host, setting, &self.home).map(Some);
            }
        }
        place::remove_all(host, &self.home)?;
        Ok(None)
    }
}

/// Where a home folder is made, before it takes its place whole.
fn home_beside(home: &Path) -> PathBuf {
    home.with_file_name(format!(".{}.slurmdash", home.file_name().unwrap_or_default().to_string_lossy()))
}

/// Makes the home folder of somebody who is there without one, as useradd(8) does. It comes to its place in one go: one
/// that is there is theirs, and nobody adds to it.
fn make_home(host: &dyn Host, user: &User) -> Result<(), HostError> {
    let attributes = Attributes { mode: 0o700, uid: user.uid, gid: user.gid };
    let beside = home_beside(&user.home);
    place::remove_all(host, &beside)?;
    host.make_directory(&beside, attributes)?;
    let skeleton = Path::new("/etc/skel");
    let names = if host.entry(skeleton)?.is_some() { host.list(skeleton)? } else { Vec::new() };
    for name in names {
        let model = skeleton.join(&name);
        if let Some(entry) = host.entry(&model)?.filter(|entry| entry.kind == Kind::File) {
            let attributes = Attributes { mode: entry.mode, ..attributes };
            host.write(&beside.join(name), &host.read(&model)?, attributes, Some(entry.modified))?;
        }
    }
    host.move_away(&beside, &user.home)
}

impl Act for AddUser {
    fn subject(&self) -> String {
        format!("user {}", self.name)
    }

    fn look(&self, host: &dyn Host, _setting: &Setting) -> Result<Look, StepError> {
        let there = self.there(host)?;
        let joined = self.joins(host)?;
        let makes_home = self.with_home && host.entry(&self.home)?.is_none();
        let summary = match (&there, joined.as_slice()) {
            (Some(_), []) if makes_home => format!("gets the folder {}", self.home.display()),
            (Some(_), []) => return Ok(Look::Same),
            (Some(_), joined) => format!("joins {}", joined.join(", ")),
            (None, _) => format!("new, uid {}, group {}", self.uid, self.group),
        };
        let groups = host.groups()?;
        let undo = Undo::Account(AccountUndo {
            was_there: there.is_some(),
            joined,
            group: groups.into_iter().find(|group| group.name == self.group).map(|group| group.gid),
            makes_home,
            missing: if makes_home { place::missing_above(host, &self.home)? } else { Vec::new() },
        });
        Ok(Look::Change(Change { summary, diff: None, undo, drift: false }))
    }

    fn execute(&self, host: &dyn Host, _setting: &Setting, _materials: &Materials) -> Result<(), StepError> {
        if self.with_home {
            place::make_above(host, &self.home, OPEN)?;
        }
        let has_home = host.entry(&self.home)?.is_some();
        let there = self.there(host)?;
        if let (Some(user), true, false) = (&there, self.with_home, has_home) {
            make_home(host, user)?;
        }
        if there.is_none() {
            let (_, gid) = place::ids(host, "root", &self.group)?
                .ok_or_else(|| StepError::Refused(format!("there is no group {} on this host", self.group)))?;
            let user = User {
                name: self.name.clone(),
                uid: self.uid,
                gid,
                comment: self.comment.clone(),
                home: self.home.clone(),
                shell: self.shell.clone(),
            };
            host.add_user(&NewUser { user, with_home: self.with_home && !has_home })?;
        }
        self.joins(host)?.iter().try_for_each(|group| host.set_member(group, &self.name, true))?;
        Ok(())
    }

    fn revert(&self, host: &dyn Host, setting: &Setting, undo: &Undo) -> Result<Reverted, StepError> {
        let Undo::Account(undo) = undo else { return Ok(Reverted::wholly()) };
        let mut reverted = Reverted::wholly();
        let is_ours = host.users()?.iter().any(|user| user.name == self.name && user.uid == self.uid);
        if undo.was_there {
            let groups = host.groups()?;
            let is_member =
                |name: &&String| groups.iter().any(|group| group.name == **name && group.members.contains(&self.name));
            let joined = undo.joined.iter().filter(is_member);
            joined.into_iter().try_for_each(|group| host.set_member(group, &self.name, false))?;
        } else if is_ours {
            host.remove_user(&self.name)?;
        }
        // userdel(8) takes the group of the same name along.
        if let Some(gid) = undo.group
            && !host.groups()?.iter().any(|group| group.name == self.group || group.gid == gid)
        {
            host.add_group(&self.group, gid)?;
        }
        if undo.makes_home {
            place::remove_all(host, &home_beside(&self.home))?;
            reverted.kept.extend(self.clear_home(host, setting)?);
        }
        place::remove_empty(host, &undo.missing)?;
        Ok(reverted)
    }
}
