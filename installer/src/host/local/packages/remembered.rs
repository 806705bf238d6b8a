//! What an installation would bring, by apt's own words, as long as nothing has changed on which they rest. A simulation
//! takes a second, and a step is looked at several times before it is done.
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::host::{HostError, Package};

/// What apt reads: what is installed and how it came, what the mirrors have, and its configuration. Of a folder, its
/// files too.
const READ: [&str; 11] = [
    "/etc/apt/apt.conf",
    "/etc/apt/apt.conf.d",
    "/etc/apt/preferences",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/var/lib/apt/extended_states",
    "/var/lib/apt/lists",
    "/var/lib/dpkg/arch",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/updates",
];

/// Number, size and times of change of a file; a file that was changed or replaced has others.
type Mark = (u64, u64, i64, i64, i64, i64);

/// An answer, with the question and what it rests on.
#[derive(Debug)]
struct Answer {
    names: Vec<String>,
    marks: Vec<Option<Mark>>,
    comes: Vec<Package>,
}

/// The last answer.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<Option<Answer>>);

impl Remembered {
    /// The last answer when it was to the same question and still holds; else a new one.
    pub fn or_ask(
        &self,
        names: &[String],
        ask: impl FnOnce() -> Result<Vec<Package>, HostError>,
    ) -> Result<Vec<Package>, HostError> {
        self.or_ask_by(names, &READ.map(Path::new), ask)
    }

    fn or_ask_by(
        &self,
        names: &[String],
        read: &[&Path],
        ask: impl FnOnce() -> Result<Vec<Package>, HostError>,
    ) -> Result<Vec<Package>, HostError> {
        let marks: Vec<_> = read.iter().flat_map(|path| marks(path)).collect();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.names == names && last.marks == marks) {
            return Ok(last.comes.clone());
        }
        let comes = ask()?;
        *last = Some(Answer { names: names.to_vec(), marks, comes: comes.clone() });
        Ok(comes)
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let it = path.metadata().ok()?;
    Some((it.ino(), it.size(), it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()))
}

/// Of a file, or of a folder and what is in it, in order.
fn marks(path: &Path) -> Vec<Option<Mark>> {
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut inside: Vec<_> = inside.map(|entry| entry.path()).collect();
    inside.sort_unstable();
    std::iter::once(mark(path)).chain(inside.iter().map(|path| mark(path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (status, sources) = (folder.path().join("status"), folder.path().join("sources.list.d"));
        std::fs::write(&status, "one").unwrap();
        std::fs::create_dir(&sources).unwrap();
        let (remembered, asked) = (Remembered::default(), std::cell::Cell::new(0));
        let ask = |name: &str| {
            let answer = || {
                asked.set(asked.get() + 1);
                Ok(vec![Package { name: name.to_owned(), version: "1".into() }])
            };
            let read = [status.as_path(), sources.as_path(), Path::new("/nowhere")];
            let found = remembered.or_ask_by(&[name.to_owned()], &read, answer).unwrap();
            assert_eq!(found[0].name, name);
            asked.get()
        };
        assert_eq!((ask("munge"), ask("munge"), ask("slurmd"), ask("slurmd")), (1, 1, 2, 2));
        std::fs::write(&status, "two, and longer").unwrap();
        assert_eq!((ask("slurmd"), ask("slurmd")), (3, 3));
        std::fs::write(sources.join("mirror.list"), "deb").unwrap();
        assert_eq!((ask("slurmd"), ask("slurmd")), (4, 4));
        std::fs::write(sources.join("mirror.list"), "deb, in its place").unwrap();
        assert_eq!((ask("slurmd"), ask("slurmd")), (5, 5));
        let failed = || Err(HostError::Malformed("no answer".into()));
        assert!(remembered.or_ask_by(&["other".into()], &[&status], failed).is_err(), "an error is not remembered");
    }
}
