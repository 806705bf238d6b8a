//! For tests: a host that is nothing but files and answers to commands.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::{Attributes, Command, Entry, Group, Host, HostError, Kind, NewUser, Output, Package, Unit, UnitVerb, User};
use crate::bytes::Bytes;

/// Sees a command line before it is answered.
pub type Watch = Box<dyn Fn(&str) + Send + Sync>;

/// Answers by the beginning of the command line, the longest that fits; those for the same beginning one after the
/// other, the last again and again.
#[derive(Default)]
pub struct Script {
    answers: Mutex<BTreeMap<String, Vec<Output>>>,
    files: BTreeMap<PathBuf, Vec<u8>>,
    ran: Mutex<Vec<String>>,
    /// Looks on.
    pub watch: Option<Watch>,
}

impl Script {
    pub fn answer(self, begin: &str, code: i32, stdout: &str, stderr: &str) -> Self {
        let bytes = |text: &str| Bytes(text.as_bytes().to_vec());
        let output = Output { code: Some(code), stdout: bytes(stdout), stderr: bytes(stderr) };
        self.answers.lock().unwrap().entry(begin.to_owned()).or_default().push(output);
        self
    }

    pub fn says(self, begin: &str, stdout: &str) -> Self {
        self.answer(begin, 0, stdout, "")
    }

    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    pub fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }

    pub fn ran_any(&self, begin: &str) -> bool {
        self.ran().iter().any(|line| line.starts_with(begin))
    }
}

fn none<T>(path: &Path) -> Result<T, HostError> {
    Err(HostError::File { path: path.to_owned(), error: "No such file or directory".into(), errno: Some(2) })
}

fn no<T>() -> Result<T, HostError> {
    Err(HostError::Malformed("not in the script".into()))
}

impl Host for Script {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, HostError> {
        let is_folder = self.files.keys().any(|file| file != path && file.starts_with(path));
        let kind = if is_folder { Kind::Directory } else { Kind::File };
        let there = is_folder || self.files.contains_key(path);
        Ok(there.then_some(Entry { kind, mode: 0o755, uid: 0, gid: 0, size: 0, modified: (0, 0) }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        self.files.get(path).map_or_else(|| none(path), |content| Ok(content.clone()))
    }

    fn digest(&self, path: &Path) -> Result<String, HostError> {
        self.read(path).map(|content| format!("{:064}", content.len()))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, HostError> {
        let below = self.files.keys().filter_map(|file| file.strip_prefix(path).ok()?.components().next());
        let mut names: Vec<String> = below.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
        names.dedup();
        if names.is_empty() { none(path) } else { Ok(names) }
    }

    fn write(&self, _: &Path, _: &[u8], _: Attributes, _: Option<(i64, u32)>) -> Result<(), HostError> {
        no()
    }

    fn write_program(&self, _: &Path) -> Result<(), HostError> {
        no()
    }

    fn program_digest(&self) -> Result<String, HostError> {
        no()
    }

    fn make_directory(&self, _: &Path, _: Attributes) -> Result<(), HostError> {
        no()
    }

    fn set_attributes(&self, _: &Path, _: Attributes) -> Result<(), HostError> {
        no()
    }

    fn remove(&self, path: &Path) -> Result<(), HostError> {
        self.ran.lock().unwrap().push(format!("remove {}", path.display()));
        Ok(())
    }

    fn move_away(&self, _: &Path, _: &Path) -> Result<(), HostError> {
        no()
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        super::local::passwd(&String::from_utf8(self.read(Path::new("/etc/passwd"))?).unwrap())
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        super::local::group(&String::from_utf8(self.read(Path::new("/etc/group"))?).unwrap())
    }

    fn add_group(&self, _: &str, _: u32) -> Result<(), HostError> {
        no()
    }

    fn add_user(&self, _: &NewUser) -> Result<(), HostError> {
        no()
    }

    fn remove_user(&self, _: &str) -> Result<(), HostError> {
        no()
    }

    fn remove_group(&self, _: &str) -> Result<(), HostError> {
        no()
    }

    fn set_member(&self, _: &str, _: &str, _: bool) -> Result<(), HostError> {
        no()
    }

    fn packages(&self) -> Result<Vec<Package>, HostError> {
        super::local::System::Apt.installed(self)
    }

    fn refresh_packages(&self) -> Result<(), HostError> {
        super::local::System::Apt.refresh(self)
    }

    fn would_install(&self, _: &[String]) -> Result<Vec<Package>, HostError> {
        no()
    }

    fn install_packages(&self, _: &[String]) -> Result<(), HostError> {
        no()
    }

    fn set_versions(&self, _: &[Package]) -> Result<(), HostError> {
        no()
    }

    fn purge_packages(&self, _: &[String]) -> Result<(), HostError> {
        no()
    }

    fn unit(&self, name: &str) -> Result<Unit, HostError> {
        super::local::unit(self, name)
    }

    fn set_unit(&self, name: &str, verb: UnitVerb) -> Result<(), HostError> {
        super::local::set_unit(self, name, verb)
    }

    fn unit_log(&self, _: &str, _: u32) -> Result<Vec<String>, HostError> {
        no()
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let line = format!("{} {}", command.program, command.arguments.join(" "));
        self.ran.lock().unwrap().push(line.clone());
        if let Some(watch) = &self.watch {
            watch(&line);
        }
        let mut answers = self.answers.lock().unwrap();
        let fitting = answers.iter_mut().filter(|(begin, _)| line.starts_with(begin.as_str()));
        match fitting.max_by_key(|(begin, _)| begin.len()) {
            Some((_, outputs)) if outputs.len() > 1 => Ok(outputs.remove(0)),
            Some((_, outputs)) => Ok(outputs[0].clone()),
            None => {
                Err(HostError::NotStarted { program: command.program.clone(), error: "it is not installed".into() })
            }
        }
    }

    fn pause(&self, _: Duration) {
        self.ran.lock().unwrap().push("pause".into());
    }
}
