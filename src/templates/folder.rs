//! The folder of template files: reading it, noticing that it changed, and filling a new one with what we ship.
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use include_dir::{Dir, include_dir};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use slurmdash_api::templates::{Template, TemplateList, TemplateProblem, TemplateQuery};

use super::file::{self, Fault, MAX_FILE_SIZE};

/// The templates that we ship.
static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates/jobs");

/// Most files that are read from a folder.
const MAX_FILES: usize = 1000;

/// Why a template folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder can't be read.
    #[error("can't read the template folder {}: {source}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The shipped templates can't be written.
    #[error("can't write the shipped templates to {}: {source}", path.display())]
    Seed {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// What tells one version of a file from another without reading it: name, inode, size, and when it was last changed
/// (ctime, which can't be set back).
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    name: String,
    inode: u64,
    size: u64,
    changed: (i64, u64),
}

/// What the folder said when it was last read.
struct Contents {
    /// By category, then name, then id.
    templates: Vec<Arc<Template>>,
    problems: Vec<TemplateProblem>,
    stamps: Vec<Stamp>,
}

/// A folder of templates and what it said when it was last read. Reading never blocks those who look.
///
/// All calls but the look-ups touch the disk; call them where blocking is fine.
pub struct TemplateFolder {
    path: PathBuf,
    contents: ArcSwap<Contents>,
}

impl TemplateFolder {
    /// Reads the folder. Files that can't be used become problems; only a folder that can't be read is an error.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TemplateError> {
        let path = path.into();
        let contents = ArcSwap::from_pointee(read_folder(&path)?);
        Ok(Self { path, contents })
    }

    /// Reads the folder again. When that fails, what it said before stays.
    pub fn reload(&self) -> Result<(), TemplateError> {
        self.contents.store(Arc::new(read_folder(&self.path)?));
        Ok(())
    }

    /// Whether a file has come, gone or changed since the folder was last read. Looks at names and times only.
    pub fn has_changed(&self) -> Result<bool, TemplateError> {
        Ok(open_folder(&self.path).and_then(|dir| stamps(&dir)).map_err(|source| self.unreadable(source))?.0
            != self.contents.load().stamps)
    }

    /// Reads the folder again if it has changed, and says whether it had.
    pub fn refresh(&self) -> Result<bool, TemplateError> {
        let changed = self.has_changed()?;
        if changed {
            self.reload()?;
        }
        Ok(changed)
    }

    fn unreadable(&self, source: io::Error) -> TemplateError {
        TemplateError::Read { path: self.path.clone(), source }
    }

    /// The template with this id. Private ones only if `sees_private`.
    pub fn get(&self, id: &str, sees_private: bool) -> Option<Arc<Template>> {
        let contents = self.contents.load();
        contents.templates.iter().find(|t| t.id == id && (t.is_public || sees_private)).cloned()
    }

    /// The templates that a query asks for, by category and name. Private ones, and the files that could not be used,
    /// only if `sees_private`.
    pub fn list(&self, query: &TemplateQuery, sees_private: bool) -> TemplateList {
        let contents = self.contents.load();
        let words = query.q.as_deref().map(str::to_lowercase).unwrap_or_default();
        let found = |text: &str| text.to_lowercase().contains(&words);
        let templates = contents.templates.iter().filter(|template| {
            (template.is_public || sees_private)
                && query.is_public.is_none_or(|wanted| template.is_public == wanted)
                && query.category.as_ref().is_none_or(|wanted| *wanted == template.category)
                && (words.is_empty() || found(&template.name) || found(&template.description))
        });
        TemplateList {
            templates: templates.map(|template| Template::clone(template)).collect(),
            problems: if sees_private { contents.problems.clone() } else { Vec::new() },
        }
    }
}

/// Writes the templates that we ship into a folder that is not there yet, and says whether it did. A folder that is
/// there is its owner's, even when it is empty.
pub fn seed(path: &Path) -> Result<bool, TemplateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Seed { path, source }
    };
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        made => made.map_err(failed(path))?,
    }
    for file in SHIPPED.files() {
        if let Some(name) = file.path().file_name() {
            let target = path.join(name);
            std::fs::write(&target, file.contents()).map_err(failed(&target))?;
        }
    }
    Ok(true)
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The template files of a folder in the order of their names, and how many there are beyond those that are read.
/// Hidden files, folders and files that are no YAML are nobody's business.
fn stamps(dir: &OwnedFd) -> io::Result<(Vec<Stamp>, usize)> {
    let mut stamps = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.file_name().to_bytes()).into_owned();
        let is_yaml = matches!(Path::new(&name).extension().and_then(|e| e.to_str()), Some("yaml" | "yml"));
        if name.starts_with('.') || !is_yaml || entry.file_type() == FileType::Directory {
            continue;
        }
        let about = match rustix::fs::statat(dir, entry.file_name(), AtFlags::empty()) {
            Ok(about) => about,
            // A link that leads nowhere is judged when it is read; a file that has just gone will not be there then.
            Err(_) => match rustix::fs::statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(about) => about,
                Err(_) => continue,
            },
        };
        stamps.push(Stamp {
            name,
            inode: about.st_ino,
            size: u64::try_from(about.st_size).unwrap_or(0),
            changed: (about.st_ctime, about.st_ctime_nsec),
        });
    }
    stamps.sort_by(|a, b| a.name.cmp(&b.name));
    let beyond = stamps.len().saturating_sub(MAX_FILES);
    stamps.truncate(MAX_FILES);
    Ok((stamps, beyond))
}

fn read_folder(path: &Path) -> Result<Contents, TemplateError> {
    let unreadable = |source| TemplateError::Read { path: path.to_owned(), source };
    let dir = open_folder(path).map_err(unreadable)?;
    let (stamps, beyond) = stamps(&dir).map_err(unreadable)?;
    let mut by_id: BTreeMap<String, (String, Arc<Template>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for Stamp { name, .. } in &stamps {
        let read = read_file(&dir, name).and_then(|template| match by_id.get(&template.id) {
            Some((other, _)) => Err(Fault::of_file(format!("has the same id as {other}"))),
            None => Ok(template),
        });
        match read {
            Ok(template) => {
                by_id.insert(template.id.clone(), (name.clone(), Arc::new(template)));
            }
            Err(Fault { line, column, message }) => {
                problems.push(TemplateProblem { file: name.clone(), line, column, message });
            }
        }
    }
    if beyond > 0 {
        let message = format!("{beyond} more files are there than the {MAX_FILES} that are read");
        problems.push(TemplateProblem { file: path.display().to_string(), line: None, column: None, message });
    }
    let mut templates: Vec<Arc<Template>> = by_id.into_values().map(|(_, template)| template).collect();
    templates
        .sort_by(|a, b| (&a.category, a.name.to_lowercase(), &a.id).cmp(&(&b.category, b.name.to_lowercase(), &b.id)));
    Ok(Contents { templates, problems, stamps })
}

fn read_file(dir: &OwnedFd, name: &str) -> Result<Template, Fault> {
    let id = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if !is_id(id) {
        return Err(Fault::of_file(
            "the file's name must be 1 to 64 lower-case letters, digits and -, beginning with a letter or digit, and .yaml",
        ));
    }
    let file = open_beneath(dir, name).map_err(|error| match error {
        Errno::XDEV | Errno::LOOP => Fault::of_file("is a link that leads out of the folder"),
        other => Fault::of_file(format!("can't be opened: {other}")),
    })?;
    let file = std::fs::File::from(file);
    let can_not = |error: io::Error| Fault::of_file(format!("can't be read: {error}"));
    if !file.metadata().map_err(can_not)?.is_file() {
        return Err(Fault::of_file("is no regular file"));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that it is too large.
    file.take(MAX_FILE_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(can_not)?;
    file::parse(id, &bytes)
}

/// Whether this is a template's id: 1 to 64 of `a-z 0-9 -`, not beginning with `-`.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.starts_with('-')
}

/// Opens a file of the folder; a link is followed only where it stays inside. Never waits (for a FIFO's writer, say).
fn open_beneath(dir: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::openat2(dir, name, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS) {
        // Kernels before 5.6 and some sandboxes have no openat2; there no link is followed at all.
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW, Mode::empty()),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const GOOD: &str = "name: Good\ncategory: c\nscript: |\n  true\n";

    fn list(folder: &TemplateFolder, query: &TemplateQuery) -> Vec<String> {
        folder.list(query, true).templates.into_iter().map(|t| t.id).collect()
    }

    #[test]
    fn the_shipped_templates_are_seeded_once_and_load() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("templates");
        assert!(seed(&path).unwrap());
        let folder = TemplateFolder::open(&path).unwrap();
        assert_eq!(folder.list(&TemplateQuery::default(), true).problems, []);
        assert_eq!(folder.get("pytorch-training", false).unwrap().name, "PyTorch Training");
        assert_eq!(
            list(&folder, &TemplateQuery { q: Some("pytorch".into()), ..Default::default() }),
            ["pytorch-training"]
        );
        assert_eq!(
            list(&folder, &TemplateQuery { category: Some("cfd".into()), ..Default::default() }),
            ["openfoam-cfd"]
        );
        fs::remove_file(path.join("mpi-job.yaml")).unwrap();
        assert!(!seed(&path).unwrap(), "a folder that is there is left alone");
        assert!(!path.join("mpi-job.yaml").exists());
    }

    #[test]
    fn broken_files_are_named_and_the_others_load() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| fs::write(dir.path().join(name), text).unwrap();
        write("good.yaml", GOOD.as_bytes());
        write("twin.yaml", GOOD.as_bytes());
        write("twin.yml", GOOD.as_bytes());
        write("Bad Name.yaml", GOOD.as_bytes());
        write("unknown.yaml", format!("{GOOD}colour: red\n").as_bytes());
        write("latin.yaml", b"name: \xe9\n");
        write("huge.yaml", &vec![b'#'; MAX_FILE_SIZE * 2]);
        write(".hidden.yaml", b"[");
        write("README.md", b"not a template");
        fs::create_dir(dir.path().join("folder.yaml")).unwrap();
        symlink("/etc/hostname", dir.path().join("outside.yaml")).unwrap();
        symlink("../../../../../../etc/hostname", dir.path().join("above.yaml")).unwrap();
        symlink("nowhere", dir.path().join("dangling.yaml")).unwrap();
        symlink("good.yaml", dir.path().join("inside.yaml")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("fifo.yaml"), FileType::Fifo, Mode::from(0o600), 0)
            .unwrap();
        let folder = TemplateFolder::open(dir.path()).unwrap();
        assert_eq!(list(&folder, &TemplateQuery::default()), ["good", "inside", "twin"]);
        let problems = folder.list(&TemplateQuery::default(), true).problems;
        let named: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
        assert_eq!(
            named,
            [
                "Bad Name.yaml",
                "above.yaml",
                "dangling.yaml",
                "fifo.yaml",
                "huge.yaml",
                "latin.yaml",
                "outside.yaml",
                "twin.yml",
                "unknown.yaml"
            ]
        );
        assert_eq!((problems[8].line, problems[8].column), (Some(5), Some(1)), "{problems:?}");
        assert!(folder.list(&TemplateQuery::default(), false).problems.is_empty());
    }

    #[test]
    fn changes_are_noticed_and_a_lost_folder_keeps_what_was_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.yaml"), GOOD).unwrap();
        let folder = TemplateFolder::open(&path).unwrap();
        assert!(!folder.refresh().unwrap());
        fs::write(path.join("b.yaml"), format!("is_public: false\n{GOOD}")).unwrap();
        assert!(folder.refresh().unwrap());
        assert!(folder.get("b", true).is_some() && folder.get("b", false).is_none());
        assert_eq!(list(&folder, &TemplateQuery { is_public: Some(false), ..Default::default() }), ["b"]);
        // The same size, another file.
        fs::write(path.join("new"), GOOD.replace("Good", "Best")).unwrap();
        fs::rename(path.join("new"), path.join("a.yaml")).unwrap();
        assert!(folder.refresh().unwrap());
        assert_eq!(folder.get("a", false).unwrap().name, "Best");
        fs::remove_dir_all(&path).unwrap();
        assert!(folder.refresh().is_err());
        assert!(folder.get("a", false).is_some());
    }
}
