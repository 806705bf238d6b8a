//! What the package system says that packages have, and what their scripts speak of.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::{Command, Host, HostError};

/// The folder that slurmd makes when it starts: where slurm.conf is missing or says nothing of it. A host that boots starts
/// it by itself once the package is there. Source: `SlurmdSpoolDir` in slurm.conf(5).
pub(super) const SPOOL: &str = "/var/spool/slurmd";
/// Packages that have it.
const OF_SLURMD: [&str; 2] = ["slurmd", "slurm-slurmd"];

/// One package's files and scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// Files and folders that it brings.
    pub paths: Vec<PathBuf>,
    /// Its scripts, and its part of sysusers.d(5).
    pub scripts: String,
}

impl Evidence {
    /// Whether its scripts speak of a user or group.
    pub fn names(&self, name: &str) -> bool {
        mentions(&self.scripts, name, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    }

    /// Whether it brings a path, or its scripts speak of it.
    pub fn has(&self, path: &Path) -> bool {
        let in_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        self.paths.iter().any(|there| there == path) || mentions(&self.scripts, &path.to_string_lossy(), in_name)
    }

    /// Units whose files it brings.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        let names =
            self.paths.iter().filter(|path| path.parent().is_some_and(|folder| folder.ends_with("systemd/system")));
        let names = names.filter_map(|path| path.file_name()?.to_str());
        names.filter(|name| !name.contains('@') && (name.ends_with(".service") || name.ends_with(".socket")))
    }
}

/// Whether a text has words that are not part of longer ones.
fn mentions(text: &str, words: &str, in_name: impl Fn(char) -> bool) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(&in_name) && !after.is_some_and(&in_name)
    })
}

/// What dpkg, or rpm where that is the package system, says of packages that are installed.
pub(super) fn of(host: &dyn Host, names: &[String]) -> Result<BTreeMap<String, Evidence>, HostError> {
    let mut all = BTreeMap::new();
    for name in names {
        let mut evidence = match listed(host, "dpkg-query", &["--listfiles", name]) {
            Err(HostError::NotStarted { .. }) => {
                let paths = listed(host, "rpm", &["-ql", name])?;
                Evidence { paths: paths_in(&paths), scripts: listed(host, "rpm", &["-q", "--scripts", name])? }
            }
            paths => {
                let paths = paths_in(&paths?);
                let before = listed(host, "dpkg-query", &["--control-show", name, "preinst"])?;
                let after = listed(host, "dpkg-query", &["--control-show", name, "postinst"])?;
                Evidence { paths, scripts: format!("{before}\n{after}") }
            }
        };
        let declared = evidence.paths.iter().filter(|path| path.parent() == Some(Path::new("/usr/lib/sysusers.d")));
        for file in declared {
            if let Ok(text) = host.read(file) {
                evidence.scripts.push('\n');
                evidence.scripts.push_str(&String::from_utf8_lossy(&text));
            }
        }
        if OF_SLURMD.contains(&name.as_str()) {
            evidence.paths.push(PathBuf::from(SPOOL));
        }
        all.insert(name.clone(), evidence);
    }
    Ok(all)
}

fn paths_in(text: &str) -> Vec<PathBuf> {
    text.lines().filter(|line| line.starts_with('/') && *line != "/.").map(PathBuf::from).collect()
}

/// What a query prints; nothing when it has nothing to say, as of a package without scripts.
fn listed(host: &dyn Host, program: &str, arguments: &[&str]) -> Result<String, HostError> {
    let output = host.run(&Command::new(program).args(arguments.iter().copied()))?;
    Ok(if output.is_ok() { output.text() } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words() {
        let evidence =
            Evidence { paths: Vec::new(), scripts: "adduser --system mysql\nmkdir /var/lib/mysql-files".into() };
        assert!(evidence.names("mysql"));
        assert!(!evidence.names("mysq"));
        assert!(!evidence.has(Path::new("/var/lib/mysql")), "that is another folder");
        assert!(evidence.has(Path::new("/var/lib/mysql-files")));
    }

    #[test]
    fn templates_of_units_are_no_units() {
        let paths =
            ["/lib/systemd/system/mariadb.service", "/lib/systemd/system/mariadb@.service", "/lib/systemd/system"];
        let evidence = Evidence { paths: paths.map(PathBuf::from).to_vec(), scripts: String::new() };
        assert_eq!(evidence.units().collect::<Vec<_>>(), ["mariadb.service"]);
    }
}
