//! dpkg and apt of a host in memory.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::catalogue::{Does, Offer};
use super::tree::{Node, What};
use super::world::{Installed, World};
use crate::host::{Attributes, HostError, NewUser, Package, User};

impl World {
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
        let is_other = match (self.packages.get(name), self.catalogue.get(name)) {
            (Some(there), Some(offer)) => there.version != offer.version,
            _ => false,
        };
        let version = |name: &String| self.catalogue.get(name).map(|offer| &offer.version);
        let own = self.catalogue.get(name).map(|offer| &offer.version);
        is_other && asked.iter().any(|asked| asked == name || version(asked) == own)
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
            let is_it = |offer: &&Offer| offer.version == package.version;
            let offer = self.catalogue.get(&package.name).filter(is_it);
            let Some(offer) = offer.or_else(|| self.older.get(&package.name).filter(is_it)).cloned() else {
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
}
