//! What dnf and rpm print, read.
use crate::host::{HostError, Package};

/// Reads lines of name and version with a tab between. Keys of repositories, which rpm counts as packages, are left out.
pub fn known(text: &str) -> Result<Vec<Package>, HostError> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, version)) = line.split_once('\t') else {
            return Err(HostError::Malformed(format!("rpm printed what can't be read: {line:.200}")));
        };
        if name != "gpg-pubkey" {
            found.push(Package { name: name.to_owned(), version: without_epoch(version) });
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The epoch 0 is never written.
fn without_epoch(version: &str) -> String {
    version.strip_prefix("0:").or_else(|| version.strip_prefix("(none):")).unwrap_or(version).to_owned()
}

/// What dnf would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// Comes, or changes its version.
    pub comes: Vec<Package>,
    /// Goes.
    pub goes: Vec<String>,
}

/// Reads the table that `dnf --assumeno` prints: headings that end with a colon, below them ` name arch version
/// repository size`. Long names have a line of their own.
pub fn simulated(text: &str) -> Simulated {
    let mut found = Simulated::default();
    let mut section = None;
    let mut row: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with(['=', '-']) || line == "Transaction Summary" {
            row.clear();
            if line.starts_with('T') {
                section = None;
            }
        } else if !line.starts_with(' ') {
            row.clear();
            section = heading(line);
        } else if let Some(goes) = section {
            row.extend(line.split_whitespace());
            // Name, architecture, version, repository, size and its unit.
            if row.len() >= 5 {
                if row[0] == "replacing" {
                    found.goes.push(row[1].split('.').next().unwrap_or_default().to_owned());
                } else if goes {
                    found.goes.push(row[0].to_owned());
                } else {
                    found.comes.push(Package { name: row[0].to_owned(), version: without_epoch(row[2]) });
                }
                row.clear();
            }
        }
    }
    found.comes.sort_unstable();
    found.comes.dedup();
    found.goes.sort_unstable();
    found.goes.dedup();
    found
}

/// Whether what is below a heading goes; `None` for what is no heading of a change.
fn heading(line: &str) -> Option<bool> {
    let line = line.strip_suffix(':')?;
    let is = |beginnings: &[&str]| beginnings.iter().any(|beginning| line.starts_with(beginning));
    if is(&["Removing"]) {
        Some(true)
    } else if is(&["Installing", "Upgrading", "Downgrading", "Reinstalling"]) {
        Some(false)
    } else {
        None
    }
}

/// Addresses in what dnf said while it asked the mirrors, with the line in which they are.
pub fn unanswered(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in said.lines() {
        let address = line.split(char::is_whitespace).find_map(|word| {
            let begin =
                ["https://", "http://", "ftp://", "file://"].iter().filter_map(|scheme| word.find(scheme)).min()?;
            word[begin..].split(['[', ']', '\'', '"', ',', ')', '>']).next()
        });
        if let Some(address) = address {
            let reason = line.trim().trim_start_matches(['-', ' ']);
            // Once for each address, however often it was tried.
            if !found.iter().any(|words| words.split(' ').next() == Some(address)) {
                found.push(format!("{address} ({reason:.300})"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INSTALL: &str = "Last metadata expiration check: 0:01:02 ago on Sat 22 Nov 2025.\nDependencies resolved.\n\
================================================================================\n \
Package              Arch    Version                Repository            Size\n\
================================================================================\n\
Installing:\n \
slurm-slurmctld      x86_64  22.05.9-1.el9          epel                 1.2 M\n\
Upgrading:\n \
munge-libs           x86_64  0:0.5.13-13.el9        appstream             21 k\n\
Installing dependencies:\n \
a-package-with-quite-a-long-name-indeed\n                      x86_64  1:2.3-4.el9            epel                  12 k\n     \
replacing  old-munge.x86_64 0.5-1\n\
Removing dependent packages:\n \
lonely               noarch  1-1                    @epel                  4 k\n\n\
Transaction Summary\n\
================================================================================\nInstall  2 Packages\nUpgrade  1 Package\n\nTotal download size: 1.3 M\nOperation aborted.\n";

    #[test]
    fn a_transaction_is_read() {
        let found = simulated(INSTALL);
        let comes: Vec<_> = found.comes.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(
            comes,
            [
                "a-package-with-quite-a-long-name-indeed 1:2.3-4.el9",
                "munge-libs 0.5.13-13.el9",
                "slurm-slurmctld 22.05.9-1.el9"
            ]
        );
        assert_eq!(found.goes, ["lonely"]);
        assert_eq!(simulated("Nothing to do.\n"), Simulated::default());
    }

    /// What dnf 4.14 said.
    const LONG: &str = "Dependencies resolved.\n\
=========================================================================================\n \
Package                                                    Arch    Version      Repo\n                                                                                     Size\n\
=========================================================================================\n\
Installing:\n \
slurm                                                      noarch  22.05-1.el9  l  5.9 k\n\
Installing dependencies:\n \
a-package-with-quite-a-long-name-indeed-so-that-it-wraps   noarch  1:1.0-1.el9  l  6.2 k\n \
munge                                                      noarch  0.5.13-1.el9 l  6.0 k\n\
\nTransaction Summary\n\
=========================================================================================\n\
Install  3 Packages\n\nTotal size: 18 k\nInstalled size: 6  \nOperation aborted.\n";

    #[test]
    fn a_wide_table_is_read() {
        let found = simulated(LONG);
        let comes: Vec<_> = found.comes.iter().map(|p| p.version.as_str()).collect();
        assert_eq!((comes, found.goes.len()), (vec!["1:1.0-1.el9", "0.5.13-1.el9", "22.05-1.el9"], 0));
    }

    #[test]
    fn rpms_are_read() {
        let text = "bash\t0:5.1.8-9.el9\ngpg-pubkey\t(none):1-2\ndbus\t1:1.12.20-8.el9\n";
        let found: Vec<_> = known(text).unwrap().into_iter().map(|p| p.version).collect();
        assert_eq!(found, ["5.1.8-9.el9", "1:1.12.20-8.el9"]);
        assert!(known("error: rpmdb open failed\n").is_err());
    }

    #[test]
    fn mirrors_that_do_not_answer_are_named() {
        let tries = "Curl error (7) for http://m/x [after 1 ms]\nCurl error (7) for http://m/x [after 2 ms]\n";
        assert_eq!(unanswered(tries), ["http://m/x (Curl error (7) for http://m/x [after 1 ms])"]);
        let said = "Errors during downloading metadata for repository 'epel':\n  - Curl error (6): Couldn't resolve host name for https://mirrors.lab/metalink?repo=epel-9&arch=x86_64 [Could not resolve host: mirrors.lab]\nError: Failed to download metadata for repo 'epel': Cannot prepare internal mirrorlist\n";
        let found = unanswered(said);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("https://mirrors.lab/metalink?repo=epel-9&arch=x86_64 (Curl error (6)"),
            "{found:?}"
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "(\\PC|\n| |\t|Installing:\n|Removing:\n|replacing|http://){0,100}") {
            let _ = known(&text);
            let _ = simulated(&text);
            let _ = unanswered(&text);
        }
    }
}
