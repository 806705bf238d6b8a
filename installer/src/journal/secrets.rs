//! What was made once and is needed again: munge's key, the database's password, the dashboard's first password.
use std::path::PathBuf;

use super::{JournalError, folder};

/// The folder `secrets` (0700). Files in it are 0600, and complete or not there.
#[derive(Debug, Clone)]
pub struct SecretFolder {
    pub(super) path: PathBuf,
}

impl SecretFolder {
    /// Any folder, for tests.
    #[cfg(test)]
    pub(crate) fn at(path: &std::path::Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// One secret; `None` where it was never made. Refused when somebody else could read it.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, JournalError> {
        folder::read(&self.path.join(judged(name)?))
    }

    /// Keeps one, over what was there under its name.
    pub fn put(&self, name: &str, secret: &[u8]) -> Result<(), JournalError> {
        folder::write(&self.path, judged(name)?, secret)
    }

    /// Names of all that are there, sorted.
    pub fn names(&self) -> Result<Vec<String>, JournalError> {
        let disk = |error: std::io::Error| JournalError::disk(&self.path, &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(disk)? {
            let name = entry.map_err(disk)?.file_name().into_string().unwrap_or_default();
            if judged(&name).is_ok() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// A secret's name: a file in this folder and nothing else.
fn judged(name: &str) -> Result<&str, JournalError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && !name.starts_with('.') && name.len() <= 100 && name.chars().all(is_plain) {
        return Ok(name);
    }
    Err(JournalError::Name(name.chars().take(100).collect()))
}
