//! Everything there is on a host's disk, so that two moments can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Host;
use crate::root::hexadecimal;

/// Small files keep their text, so that a difference can be shown.
const SHOWN: u64 = 64 * 1024;

/// What is on a host at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every file, folder and link, by its path in the host.
    pub files: BTreeMap<String, Entry>,
    /// dpkg's paragraph about each package it knows of.
    pub packages: BTreeMap<String, String>,
    /// Services that run.
    pub services: BTreeSet<String>,
}

/// A file, folder, link or device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `file`, `folder`, `link`, `socket`, …
    pub kind: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Of a file, in bytes.
    pub size: u64,
    /// Of a file, in hexadecimal.
    pub sha256: String,
    /// Of a link: where it points.
    pub target: String,
    /// Of a file: when it was changed, nanoseconds since 1970. What is in a folder shows in itself, so a folder has none.
    pub mtime: i128,
    /// Of a small file that is text: what is in it.
    pub text: Option<String>,
}

impl Snapshot {
    /// Takes one of a running host.
    pub fn of(host: &Host<'_>) -> Result<Self> {
        // Whatever the kernel has not written yet is in the same page cache that we read from.
        let files = walk(&host.root())?;
        let packages = paragraphs(&host.read("/var/lib/dpkg/status")?);
        let units = ["systemctl", "list-units", "--type=service", "--state=active", "--plain", "--no-legend"];
        let services = host.exec(&units)?.good()?;
        let services = services.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
        Ok(Self { files, packages, services })
    }
}

/// Everything in a folder, by its path in it. Stays on the folder's file system.
pub fn walk(root: &Path) -> Result<BTreeMap<String, Entry>> {
    let mut files = BTreeMap::new();
    let device = fs::metadata(root)?.dev();
    visit(root, root, device, &mut files)?;
    Ok(files)
}

fn visit(root: &Path, folder: &Path, device: u64, files: &mut BTreeMap<String, Entry>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        // A running host removes files while we look.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let Ok(described) = describe(&path, &metadata) else { continue };
        let inside = path.strip_prefix(root)?.to_string_lossy().into_owned();
        files.insert(format!("/{inside}"), described);
        // Folders of an overlay have its own device, files may have their layer's.
        if metadata.is_dir() && metadata.dev() == device {
            visit(root, &path, device, files)?;
        }
    }
    Ok(())
}

fn describe(path: &Path, metadata: &fs::Metadata) -> Result<Entry> {
    let kind = metadata.file_type();
    let mut entry = Entry {
        kind: String::new(),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: 0,
        sha256: String::new(),
        target: String::new(),
        mtime: 0,
        text: None,
    };
    let name = if kind.is_dir() {
        "folder"
    } else if kind.is_symlink() {
        entry.target = fs::read_link(path)?.to_string_lossy().into_owned();
        entry.mode = 0;
        "link"
    } else if kind.is_file() {
        entry.size = metadata.len();
        entry.mtime = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let (sha256, text) = content(path, entry.size)?;
        entry.sha256 = sha256;
        entry.text = text;
        "file"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_fifo() {
        "pipe"
    } else {
        "device"
    };
    name.clone_into(&mut entry.kind);
    Ok(entry)
}

fn content(path: &Path, size: u64) -> Result<(String, Option<String>)> {
    let mut file = File::open(path)?;
    if size <= SHOWN {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        let in_etc = path.components().any(|part| part.as_os_str() == "etc");
        return Ok((sha256, if in_etc { String::from_utf8(bytes).ok() } else { None }));
    }
    let mut hash = Sha256::new();
    let mut part = vec![0; 256 * 1024];
    loop {
        match file.read(&mut part)? {
            0 => return Ok((hexadecimal(&hash.finalize()), None)),
            length => hash.update(&part[..length]),
        }
    }
}

/// dpkg's status file, by package and architecture.
fn paragraphs(text: &str) -> BTreeMap<String, String> {
    let field = |paragraph: &str, name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| {
            let name = format!("{}:{}", field(paragraph, "Package:"), field(paragraph, "Architecture:"));
            (name, paragraph.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_apart_by_architecture() {
        let status = "Package: a\nArchitecture: amd64\nStatus: x\n\nPackage: a\nArchitecture: i386\n\n";
        let names: Vec<_> = paragraphs(status).into_keys().collect();
        assert_eq!(names, ["a:amd64", "a:i386"]);
    }
}
