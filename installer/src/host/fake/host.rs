//! The host in memory as a [`Host`].
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::commands::{Answer, KNOWN};
use super::tree::{self, errno, file_error};
use super::{Fake, away};
use crate::host::{
    Attributes, Command, Entry, Group, Host, HostError, MAX_FILE, NewUser, Output, Package, Unit, UnitVerb, User,
    unfinished,
};

impl Host for Fake {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, HostError> {
        self.see(|world| Ok(world.tree.get(path)?.map(tree::Node::entry)))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        self.see(|world| {
            let content = world.tree.read(path)?;
            if content.len() as u64 > MAX_FILE { Err(file_error(path, errno::EFBIG)) } else { Ok(content.to_vec()) }
        })
    }

    fn digest(&self, path: &Path) -> Result<String, HostError> {
        self.see(|world| Ok(crate::bytes::sha256(world.tree.read(path)?)))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        self.see(|world| world.tree.list(path))
    }

    fn write(
        &self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        modified: Option<(i64, u32)>,
    ) -> Result<(), HostError> {
        self.act(|world| world.write_by_and_by(path, content, attributes, modified))
    }

    fn write_program(&self, path: &Path) -> Result<(), HostError> {
        let program = self.state().program.clone();
        self.act(|world| world.write_by_and_by(path, &program, Attributes { mode: 0o755, uid: 0, gid: 0 }, None))
    }

    fn program_digest(&self) -> Result<String, HostError> {
        let program = self.state().program.clone();
        self.see(|_| Ok(crate::bytes::sha256(&program)))
    }

    fn make_directory(&self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        self.act(|world| world.make_directory(path, attributes))
    }

    fn set_attributes(&self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        self.act(|world| world.tree.set_attributes(path, attributes))
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        self.act(|world| {
            world.tree.remove(&unfinished(path))?;
            world.tree.remove(path)
        })
    }

    fn move_away(&self, path: &Path, to: &Path) -> Result<(), HostError> {
        self.act(|world| world.move_away(path, to))
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        self.see(|world| Ok(world.users.clone()))
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        self.see(|world| Ok(world.groups.clone()))
    }

    fn add_group(&self, name: &str, gid: u32) -> Result<(), HostError> {
        self.act(|world| world.add_group(name, gid))
    }

    fn add_user(&self, user: &NewUser) -> Result<(), HostError> {
        self.act(|world| world.add_user(user))
    }

    fn remove_user(&self, name: &str) -> Result<(), HostError> {
        self.act(|world| world.remove_user(name))
    }

    fn remove_group(&self, name: &str) -> Result<(), HostError> {
        self.act(|world| world.remove_group(name))
    }

    fn set_member(&self, group: &str, user: &str, is_member: bool) -> Result<(), HostError> {
        self.act(|world| {
            let failed = |said: String| HostError::Failed { what: "gpasswd".into(), said };
            if !world.users.iter().any(|there| there.name == user) {
                return Err(failed(format!("gpasswd: user '{user}' does not exist")));
            }
            let group = world.groups.iter_mut().find(|there| there.name == group);
            let group = group.ok_or_else(|| failed("gpasswd: group does not exist in /etc/group".to_owned()))?;
            group.members.retain(|member| member != user);
            if is_member {
                group.members.push(user.to_owned());
            }
            Ok(())
        })
    }

    fn packages(&self) -> Result<Vec<Package>, HostError> {
        self.see(|world| {
            let packages = world.packages.iter();
            Ok(packages.map(|(name, it)| Package { name: name.clone(), version: it.version.clone() }).collect())
        })
    }

    fn refresh_packages(&self) -> Result<(), HostError> {
        self.see(|world| {
            if world.mirror_down {
                let said = "E: Failed to fetch Packages: Could not connect to the mirror".to_owned();
                return Err(HostError::Failed { what: "apt-get update".into(), said });
            }
            Ok(())
        })
    }

    fn would_install(&self, names: &[String]) -> Result<Vec<Package>, HostError> {
        self.see(|world| world.would_install(names))
    }

    fn install_packages(&self, names: &[String]) -> Result<(), HostError> {
        self.act(|world| world.install(names))
    }

    fn set_versions(&self, packages: &[Package]) -> Result<(), HostError> {
        self.act(|world| world.set_versions(packages))
    }

    fn purge_packages(&self, names: &[String]) -> Result<(), HostError> {
        self.act(|world| world.purge(names))
    }

    fn unit(&self, name: &str) -> Result<Unit, HostError> {
        self.see(|world| Ok(world.unit(name)))
    }

    fn set_unit(&self, name: &str, verb: UnitVerb) -> Result<(), HostError> {
        self.act(|world| world.set_unit(name, verb))
    }

    fn unit_log(&self, name: &str, lines: u32) -> Result<Vec<String>, HostError> {
        self.see(|world| {
            let log = world.daemons.get(name).map(|daemon| daemon.log.clone()).unwrap_or_default();
            let first = log.len().saturating_sub(lines as usize);
            Ok(log[first..].to_vec())
        })
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let not_started =
            |error: &str| Err(HostError::NotStarted { program: command.program.clone(), error: error.to_owned() });
        let answer = {
            let mut state = self.state();
            if state.faults.is_off {
                return Err(away(&state.world));
            }
            if let Some(user) = &command.user
                && !state.world.users.iter().any(|there| there.name == *user)
            {
                let what = format!("acting as {user}");
                return Err(HostError::Failed { what, said: "there is no such user".into() });
            }
            let known =
                KNOWN.iter().find(|(program, needs, _)| *program == command.program && state.world.tree.has(needs));
            let known = known.map(|&(_, _, answer)| Arc::new(answer) as Answer);
            let Some(answer) = state.answers.get(&command.program).cloned().or(known) else {
                return not_started("No such file or directory (os error 2)");
            };
            let words = std::iter::once(&command.program).chain(&command.arguments).cloned().collect();
            state.ran.push(words);
            answer
        };
        self.act(|world| Ok(answer(world, command)))
    }

    fn pause(&self, duration: Duration) {
        let mut state = self.state();
        if !state.faults.is_off {
            state.world.now += i64::try_from(duration.as_secs()).unwrap_or(0) + 1;
            state.world.moment();
        }
    }
}
