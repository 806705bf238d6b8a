//! What differs between two moments of a host, beside what may.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::census::{Entry, Snapshot};

/// What may differ at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Anything; it may come and go as well.
    Anything,
    /// When it was changed.
    MtimeOnly,
}

/// A difference that is none.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// A path with all that is below it; or, with a star at its end, all paths that begin so.
    pub path: &'static str,
    /// What may be different there.
    pub may: May,
    /// Why.
    pub reason: &'static str,
}

/// An exception for whatever is different at a path.
pub const fn anything(path: &'static str, reason: &'static str) -> Exception {
    Exception { path, may: May::Anything, reason }
}

const fn mtime(path: &'static str, reason: &'static str) -> Exception {
    Exception { path, may: May::MtimeOnly, reason }
}

const LOG: &str = "a log: what happened stays written down";
const CACHE: &str = "a cache of the package manager, made anew from what is installed";
const REWRITTEN: &str = "written whole by useradd and its like; the content is compared";

/// What a host writes by itself, and what a rollback leaves with reason.
pub const EXCEPTIONS: &[Exception] = &[
    anything("/var/lib/slurmdash-install", "the installer's own journal and what it keeps for the admin"),
    anything("/var/log/journal", LOG),
    anything("/var/log/apt", LOG),
    anything("/var/log/dpkg.log", LOG),
    anything("/var/log/alternatives.log", LOG),
    anything("/var/log/wtmp", LOG),
    anything("/var/log/lastlog", LOG),
    anything("/var/log/btmp", LOG),
    anything("/var/log/faillog", LOG),
    anything("/var/cache/apt", CACHE),
    anything("/var/cache/debconf", CACHE),
    anything("/var/cache/ldconfig", CACHE),
    anything("/var/lib/apt", "the lists of what could be installed, and which packages came by themselves"),
    anything("/var/lib/dpkg/status*", "compared package by package"),
    anything("/var/lib/dpkg/available*", CACHE),
    anything("/var/lib/dpkg/lock*", "held by the package manager"),
    anything("/var/lib/dpkg/triggers", "the package manager's own list of what to do later"),
    anything("/var/lib/dpkg/diversions-old", "the package manager's copy of what was before its last change"),
    anything("/var/lib/dpkg/statoverride-old", "the package manager's copy of what was before its last change"),
    mtime("/var/lib/dpkg/diversions*", "written whole when any package changes"),
    mtime("/var/lib/dpkg/statoverride*", "written whole when any package changes"),
    mtime("/var/lib/dpkg/alternatives", "written whole when a package with an alternative comes or goes"),
    anything("/var/lib/ucf/hashfile.*", "ucf's copies of its list from before each change"),
    mtime("/var/lib/ucf/hashfile", "ucf's list of configuration files, written whole"),
    anything("/etc/ld.so.cache", "made anew from the libraries that there are"),
    anything("/etc/.pwd.lock", "made by the first program that changes an account"),
    mtime("/etc/passwd", REWRITTEN),
    mtime("/etc/group", REWRITTEN),
    mtime("/etc/shadow", REWRITTEN),
    mtime("/etc/gshadow", REWRITTEN),
    mtime("/etc/subuid", REWRITTEN),
    mtime("/etc/subgid", REWRITTEN),
    anything("/etc/passwd-", "the system's copy of what was before its last change"),
    anything("/etc/group-", "the system's copy of what was before its last change"),
    anything("/etc/shadow-", "the system's copy of what was before its last change"),
    anything("/etc/gshadow-", "the system's copy of what was before its last change"),
    anything("/etc/subuid-", "the system's copy of what was before its last change"),
    anything("/etc/subgid-", "the system's copy of what was before its last change"),
    anything("/var/lib/systemd", "what systemd remembers by itself: the clock, when timers ran, the random seed"),
    anything("/var/lib/private", "systemd's folder for services without a user of their own"),
    anything("/var/tmp/systemd-private-*", "of a running service, gone with it"),
    anything("/tmp/systemd-private-*", "of a running service, gone with it"),
    anything("/root/.ssh/known_hosts", "of whoever looked by hand"),
];

/// Exceptions beside [`EXCEPTIONS`] for two moments between which nothing was to happen: none.
pub const NOTHING: &[Exception] = &[];

/// Every difference that is no exception, one a line; empty when there is none.
pub fn compare(before: &Snapshot, after: &Snapshot, more: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    each(&before.files, &after.files, |path, was, is| {
        let may = may(path, more);
        if may == Some(May::Anything) {
            return;
        }
        match (was, is) {
            (Some(_), None) => found.push(format!("- {path}: it has gone")),
            (None, Some(is)) => found.push(format!("+ {path}: a {} that was not there", is.kind)),
            (Some(was), Some(is)) => found.extend(differences(path, was, is, may == Some(May::MtimeOnly))),
            (None, None) => {}
        }
    });
    each(&before.packages, &after.packages, |name, was, is| match (was, is) {
        (Some(_), None) => found.push(format!("- package {name}")),
        (None, Some(_)) => found.push(format!("+ package {name}")),
        (Some(was), Some(is)) if was != is => found.push(format!("  package {name}:\n{}", lines(was, is))),
        _ => {}
    });
    let passing = |name: &&String| !name.starts_with("user@") && !name.starts_with("user-runtime-dir@");
    found.extend(before.services.difference(&after.services).filter(passing).map(|name| format!("- running {name}")));
    found.extend(after.services.difference(&before.services).filter(passing).map(|name| format!("+ running {name}")));
    found
}

/// Every key of both, with both values.
fn each<V>(
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
    mut tell: impl FnMut(&str, Option<&V>, Option<&V>),
) {
    for (key, was) in before {
        tell(key, Some(was), after.get(key));
    }
    for (key, is) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        tell(key, None, Some(is));
    }
}

/// What may differ at a path, by the first exception that names it.
fn may(path: &str, more: &[Exception]) -> Option<May> {
    let named = |exception: &&Exception| match exception.path.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path.strip_prefix(exception.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    };
    more.iter().chain(EXCEPTIONS).find(named).map(|exception| exception.may)
}

fn differences(path: &str, was: &Entry, is: &Entry, any_time: bool) -> Option<String> {
    let mut found = Vec::new();
    let mut tell = |what: &str, was: &dyn Debug, is: &dyn Debug| {
        let (was, is) = (format!("{was:?}"), format!("{is:?}"));
        if was != is {
            found.push(format!("{what} {was} → {is}"));
        }
    };
    tell("kind", &was.kind, &is.kind);
    tell("mode", &format_args!("{:o}", was.mode), &format_args!("{:o}", is.mode));
    tell("owner", &(was.uid, was.gid), &(is.uid, is.gid));
    tell("size", &was.size, &is.size);
    tell("target", &was.target, &is.target);
    if was.sha256 == is.sha256 && !any_time {
        tell("mtime", &was.mtime, &is.mtime);
    }
    if was.sha256 != is.sha256 {
        found.push("content".to_owned());
    }
    if found.is_empty() {
        return None;
    }
    let mut text = format!("  {path}: {}", found.join(", "));
    if let (Some(was), Some(is)) = (&was.text, &is.text)
        && was != is
    {
        text = format!("{text}\n{}", lines(was, is));
    }
    Some(text)
}

/// Lines that only one of them has.
fn lines(was: &str, is: &str) -> String {
    let only = |one: &str, other: &str, sign: &str| {
        let other: Vec<_> = other.lines().collect();
        let only = one.lines().filter(|line| !other.contains(line)).map(|line| format!("      {sign} {line}"));
        only.collect::<Vec<_>>()
    };
    let found = [only(was, is, "-"), only(is, was, "+")].concat().join("\n");
    if found.is_empty() { "      the same lines in another order".to_owned() } else { found }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn entry(sha256: &str, mtime: i128) -> Entry {
        Entry {
            kind: "file".to_owned(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1,
            sha256: sha256.to_owned(),
            target: String::new(),
            mtime,
            text: None,
        }
    }

    fn snapshot(files: &[(&str, Entry)]) -> Snapshot {
        let files = files.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone())).collect();
        Snapshot { files, packages: BTreeMap::new(), services: BTreeSet::new() }
    }

    #[test]
    fn a_file_that_came_went_or_changed_is_told() {
        let before = snapshot(&[("/etc/a", entry("1", 1)), ("/etc/b", entry("1", 1)), ("/etc/same", entry("1", 1))]);
        let after = snapshot(&[("/etc/b", entry("2", 1)), ("/etc/c", entry("1", 1)), ("/etc/same", entry("1", 2))]);
        let found = compare(&before, &after, NOTHING);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("- /etc/a")), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("+ /etc/c")), "{found:?}");
        assert!(found.iter().any(|line| line.contains("/etc/b: content")), "{found:?}");
        assert!(found.iter().any(|line| line.contains("/etc/same: mtime")), "{found:?}");
    }

    #[test]
    fn an_exception_is_for_what_it_names_and_no_more() {
        let before = snapshot(&[("/etc/passwd", entry("1", 1)), ("/var/log/aptitude", entry("1", 1))]);
        let after = snapshot(&[("/etc/passwd", entry("1", 2)), ("/var/log/apt/x", entry("1", 1))]);
        assert_eq!(compare(&before, &after, NOTHING), ["- /var/log/aptitude: it has gone"]);
        let changed = snapshot(&[("/etc/passwd", entry("2", 1)), ("/var/log/aptitude", entry("1", 1))]);
        assert_eq!(compare(&before, &changed, NOTHING), ["  /etc/passwd: content"]);
    }
}
