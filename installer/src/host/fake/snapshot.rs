//! What a host is at a moment, to be compared.
use std::collections::BTreeMap;
use std::path::Path;

use super::tree::{Node, What};
use super::world::World;
use crate::host::UnitVerb;

/// What a host is: each thing by its name, with all that matters of it in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Of a host, without what is below some folders.
    pub(super) fn of(world: &World, ignored: &[&str]) -> Self {
        let mut all = BTreeMap::new();
        for (path, node) in
            world.tree.nodes().filter(|(path, _)| !ignored.iter().any(|folder| path.starts_with(folder)))
        {
            all.insert(format!("path {}", path.display()), words(node));
        }
        for user in &world.users {
            let (home, shell) = (user.home.display(), user.shell.display());
            let words = format!("{}:{}:{}:{home}:{shell}", user.uid, user.gid, user.comment);
            all.insert(format!("user {}", user.name), words);
        }
        for group in &world.groups {
            let mut members = group.members.clone();
            members.sort();
            all.insert(format!("group {}", group.name), format!("{}:{}", group.gid, members.join(",")));
        }
        for (name, package) in &world.packages {
            let half = if package.configured { "" } else { ", half-installed" };
            all.insert(format!("package {name}"), format!("{}{half}", package.version));
        }
        for name in world.daemons.keys() {
            // A unit that failed and one that was never started are the same to everybody but systemd.
            let active = world.unit(name).active;
            if active != "failed" && active != "inactive" {
                all.insert(format!("unit {name}"), active);
            }
        }
        for name in &world.databases {
            all.insert(format!("database {name}"), String::new());
        }
        for (name, password) in &world.database_users {
            all.insert(format!("database user {name}"), password.clone());
        }
        for (database, user) in &world.grants {
            all.insert(format!("database grant {user} on {database}"), String::new());
        }
        let slurm = &world.slurm;
        all.insert("accounting clusters".into(), format!("{:?}", slurm.clusters));
        all.insert("accounting accounts".into(), format!("{:?}", slurm.accounts));
        all.insert("accounting qos".into(), format!("{:?}", slurm.qos));
        all.insert("accounting users".into(), format!("{:?} {:?}", slurm.users, slurm.members));
        all.insert("dashboard accounts".into(), format!("{:?}", world.dashboard));
        all.insert("open ports".into(), format!("{:?}", world.open_ports));
        Self(all)
    }

    /// What of it another is not, a line each: `-` what is gone, `+` what has come, `~` what is otherwise. Empty when
    /// they are the same.
    pub fn diff(&self, now: &Self) -> String {
        let mut lines = Vec::new();
        for (name, before) in &self.0 {
            match now.0.get(name) {
                None => lines.push(format!("- {name}: {before}")),
                Some(after) if after != before => lines.push(format!("~ {name}: {before} -> {after}")),
                Some(_) => {}
            }
        }
        let new = now.0.iter().filter(|(name, _)| !self.0.contains_key(*name));
        lines.extend(new.map(|(name, after)| format!("+ {name}: {after}")));
        lines.join("\n")
    }
}

fn words(node: &Node) -> String {
    let attributes = node.attributes;
    let of = format!("{}:{} {:04o}", attributes.uid, attributes.gid, attributes.mode);
    match &node.what {
        What::File(content) => {
            let start = String::from_utf8_lossy(&content[..content.len().min(40)]).into_owned();
            let digest = crate::bytes::sha256(content);
            format!("file {of} {:?} {} bytes {} {start:?}", node.modified, content.len(), &digest[..12])
        }
        What::Directory => format!("folder {of}"),
        What::Link(to) => format!("link to {}", to.display()),
        What::Other => format!("other {of}"),
    }
}

impl World {
    /// A service that was there before anything is done: with its unit file, enabled and running.
    pub fn add_service(&mut self, name: &str) {
        let path = format!("/lib/systemd/system/{name}");
        let attributes = crate::host::Attributes { mode: 0o644, uid: 0, gid: 0 };
        let folder = Path::new("/lib/systemd/system");
        let made = self
            .make_directories(folder, 0o755)
            .and_then(|()| self.write(Path::new(&path), b"[Service]\n", attributes, None))
            .and_then(|()| self.set_unit(name, UnitVerb::Enable))
            .and_then(|()| self.set_unit(name, UnitVerb::Start));
        debug_assert!(made.is_ok(), "a bare host takes any service");
    }
}
