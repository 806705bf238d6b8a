//! The file tree of a host in memory.
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::host::{Attributes, Entry, HostError, Kind, MAX_FILE};

/// Error numbers (errno(3)) that the tree answers with.
pub mod errno {
    /// No such file or directory.
    pub const ENOENT: i32 = 2;
    /// File exists.
    pub const EEXIST: i32 = 17;
    /// Not a directory.
    pub const ENOTDIR: i32 = 20;
    /// Is a directory.
    pub const EISDIR: i32 = 21;
    /// Invalid argument.
    pub const EINVAL: i32 = 22;
    /// File too large.
    pub const EFBIG: i32 = 27;
    /// No space left on device.
    pub const ENOSPC: i32 = 28;
    /// Read-only file system.
    pub const EROFS: i32 = 30;
    /// Directory not empty.
    pub const ENOTEMPTY: i32 = 39;
    /// Too many levels of symbolic links.
    pub const ELOOP: i32 = 40;
}

/// What something in the tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A file with its bytes.
    File(Arc<[u8]>),
    /// A folder.
    Directory,
    /// A link and where it leads.
    Link(PathBuf),
    /// A device, a socket, a pipe.
    Other,
}

/// Something in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub what: What,
    /// Owner and mode.
    pub attributes: Attributes,
    /// Last change of its content.
    pub modified: (i64, u32),
}

impl Node {
    pub(super) fn entry(&self) -> Entry {
        let (kind, size) = match &self.what {
            What::File(content) => (Kind::File, content.len() as u64),
            What::Directory => (Kind::Directory, 4096),
            What::Link(to) => (Kind::Link, to.as_os_str().len() as u64),
            What::Other => (Kind::Other, 0),
        };
        let Attributes { mode, uid, gid } = self.attributes;
        Entry { kind, mode, uid, gid, size, modified: self.modified }
    }
}

/// Files, folders and links by their paths, in which no link occurs but as the last part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    nodes: BTreeMap<Arc<Path>, Node>,
    /// Folders below which there is no room.
    pub(super) full: Vec<PathBuf>,
    /// Folders below which nothing can be changed.
    pub(super) read_only: Vec<PathBuf>,
}

/// An error of the file system, in the system's words.
pub fn file_error(path: &Path, errno: i32) -> HostError {
    let error = std::io::Error::from_raw_os_error(errno).to_string();
    HostError::File { path: path.to_owned(), error, errno: Some(errno) }
}

impl Tree {
    /// A tree with a root folder alone.
    pub fn new(now: i64) -> Self {
        let mut tree = Self::default();
        let attributes = Attributes { mode: 0o755, uid: 0, gid: 0 };
        tree.nodes.insert(Path::new("/").into(), Node { what: What::Directory, attributes, modified: (now, 0) });
        tree
    }

    /// Everything, by path.
    pub fn nodes(&self) -> impl Iterator<Item = (&Path, &Node)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    /// The path without links in its folders.
    fn real(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.real_within(path, 40)
    }

    fn real_within(&self, path: &Path, links: u32) -> Result<PathBuf, HostError> {
        let Some(name) = path.file_name() else { return Ok(PathBuf::from("/")) };
        let mut real = PathBuf::from("/");
        for part in path.parent().unwrap_or(Path::new("/")).components() {
            match part {
                Component::Normal(part) => real.push(part),
                Component::RootDir => continue,
                _ => return Err(file_error(path, errno::EINVAL)),
            }
            if let Some(Node { what: What::Link(to), .. }) = self.nodes.get(real.as_path()) {
                if links == 0 {
                    return Err(file_error(path, errno::ELOOP));
                }
                let to = real.parent().unwrap_or(Path::new("/")).join(to);
                // The last part may be a link too.
                real = self.real_within(&to.join("x"), links - 1)?;
                real.pop();
            }
        }
        Ok(real.join(name))
    }

    /// What is at a path.
    pub fn get(&self, path: &Path) -> Result<Option<&Node>, HostError> {
        Ok(self.nodes.get(self.real(path)?.as_path()))
    }

    /// Whether something is at a path.
    pub fn has(&self, path: &str) -> bool {
        matches!(self.get(Path::new(path)), Ok(Some(_)))
    }

    /// The bytes of a file.
    pub fn read(&self, path: &Path) -> Result<&Arc<[u8]>, HostError> {
        match self.get(path)?.map(|node| &node.what) {
            None => Err(file_error(path, errno::ENOENT)),
            Some(What::Directory) => Err(file_error(path, errno::EISDIR)),
            Some(What::File(content)) => Ok(content),
            Some(_) => Err(file_error(path, errno::EINVAL)),
        }
    }

    /// The text of a file, or none.
    pub fn text(&self, path: &str) -> Option<String> {
        self.read(Path::new(path)).ok().map(|content| String::from_utf8_lossy(content).into_owned())
    }

    /// Names in a folder.
    pub fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        let real = match self.get(path)? {
            None => return Err(file_error(path, errno::ENOENT)),
            Some(Node { what: What::Link(to), .. }) => {
                let to = path.parent().unwrap_or(Path::new("/")).join(to);
                return self.list(&to);
            }
            Some(Node { what: What::Directory, .. }) => self.real(path)?,
            Some(_) => return Err(file_error(path, errno::ENOTDIR)),
        };
        let inside = self.below(&real).filter(|inside| inside.parent() == Some(&real));
        Ok(inside.filter_map(|inside| inside.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    /// Paths below one, which must be free of links.
    fn below<'a>(&'a self, real: &'a Path) -> impl Iterator<Item = &'a Path> {
        let from: Arc<Path> = real.into();
        let range = self.nodes.range(from..).map(|(path, _)| &**path);
        range.skip_while(move |path| *path == real).take_while(move |path| path.starts_with(real))
    }

    fn may_change(&self, path: &Path) -> Result<(), HostError> {
        if self.read_only.iter().any(|folder| path.starts_with(folder)) {
            return Err(file_error(path, errno::EROFS));
        }
        Ok(())
    }

    fn may_grow(&self, path: &Path) -> Result<(), HostError> {
        self.may_change(path)?;
        if self.full.iter().any(|folder| path.starts_with(folder)) {
            return Err(file_error(path, errno::ENOSPC));
        }
        Ok(())
    }

    fn in_folder(&self, path: &Path) -> Result<PathBuf, HostError> {
        let real = self.real(path)?;
        match real.parent().and_then(|parent| self.nodes.get(parent)) {
            None => Err(file_error(path, errno::ENOENT)),
            Some(Node { what: What::Directory, .. }) => Ok(real),
            Some(_) => Err(file_error(path, errno::ENOTDIR)),
        }
    }

    /// Puts something at a path: a file or link over what is there, a folder where nothing is.
    pub fn put(&mut self, path: &Path, node: Node) -> Result<(), HostError> {
        let real = self.in_folder(path)?;
        self.may_grow(&real)?;
        match (self.nodes.get(real.as_path()).map(|there| &there.what), &node.what) {
            (Some(What::Directory), What::File(_) | What::Link(_) | What::Other) => {
                return Err(file_error(path, errno::EISDIR));
            }
            (Some(_), What::Directory) => return Err(file_error(path, errno::EEXIST)),
            _ => {}
        }
        if matches!(&node.what, What::File(content) if content.len() as u64 > MAX_FILE) {
            return Err(file_error(path, errno::EFBIG));
        }
        self.nodes.insert(real.into(), node);
        Ok(())
    }

    /// Puts a file of any size where a folder is.
    pub fn put_any(&mut self, path: &Path, content: &[u8], attributes: Attributes) {
        self.nodes.insert(path.into(), Node { what: What::File(content.into()), attributes, modified: (0, 0) });
    }

    /// Gives something its owner and mode.
    pub fn set_attributes(&mut self, path: &Path, attributes: Attributes) -> Result<(), HostError> {
        let real = self.real(path)?;
        self.may_change(&real)?;
        match self.nodes.get_mut(real.as_path()) {
            None => Err(file_error(path, errno::ENOENT)),
            Some(Node { what: What::Link(_), .. }) => Err(file_error(path, errno::ELOOP)),
            Some(node) => {
                node.attributes = attributes;
                Ok(())
            }
        }
    }

    /// Removes a file, a link or an empty folder.
    pub fn remove(&mut self, path: &Path) -> Result<(), HostError> {
        let real = self.real(path)?;
        if !self.nodes.contains_key(real.as_path()) {
            return Ok(());
        }
        self.may_change(&real)?;
        if self.below(&real).next().is_some() {
            return Err(file_error(path, errno::ENOTEMPTY));
        }
        self.nodes.remove(real.as_path());
        Ok(())
    }

    /// Removes something with all that is in it.
    pub fn remove_all(&mut self, path: &Path) -> Result<(), HostError> {
        let real = self.real(path)?;
        self.may_change(&real)?;
        let inside: Vec<PathBuf> = self.below(&real).map(Path::to_owned).collect();
        for path in inside.iter().chain([&real]) {
            self.nodes.remove(path.as_path());
        }
        Ok(())
    }

    /// Moves something with all that is in it to where nothing is.
    pub fn rename(&mut self, path: &Path, to: &Path) -> Result<(), HostError> {
        let (from, real) = (self.real(path)?, self.in_folder(to)?);
        self.may_change(&from)?;
        self.may_grow(&real)?;
        if !self.nodes.contains_key(from.as_path()) {
            return Err(file_error(path, errno::ENOENT));
        }
        if self.nodes.contains_key(real.as_path()) {
            return Err(file_error(to, errno::EEXIST));
        }
        if real.starts_with(&from) {
            return Err(file_error(to, errno::EINVAL));
        }
        let mut moved: Vec<PathBuf> = self.below(&from).map(Path::to_owned).collect();
        moved.push(from.clone());
        for old in moved {
            if let Some(node) = self.nodes.remove(old.as_path()) {
                let rest = old.strip_prefix(&from).unwrap_or(Path::new(""));
                let new = if rest.as_os_str().is_empty() { real.clone() } else { real.join(rest) };
                self.nodes.insert(new.into(), node);
            }
        }
        Ok(())
    }

    /// Empties a folder, as the start of the system does with `/run`.
    pub(super) fn empty(&mut self, folder: &Path) {
        let inside: Vec<PathBuf> = self.below(folder).map(Path::to_owned).collect();
        for path in inside {
            self.nodes.remove(path.as_path());
        }
    }
}
