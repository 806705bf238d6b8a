//! What apt and dpkg print, read.
use crate::host::{HostError, Package};

/// A package's name without the architecture that apt and dpkg put behind it where there is more than one.
fn bare(name: &str) -> String {
    name.split(':').next().unwrap_or_default().to_owned()
}

/// State of a package, as dpkg-query(1) abbreviates it: wanted, state, error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Name and version.
    pub package: Package,
    /// Whether all of it is there and configured.
    pub is_installed: bool,
}

/// Reads lines of abbreviated state, name and version with tabs between. Those that are not there at all are left out.
pub fn known(text: &str) -> Result<Vec<Known>, HostError> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split('\t').collect();
        let ([state, name, version], true) = (&parts[..], line.len() < 4096) else {
            return Err(HostError::Malformed(format!("dpkg-query printed what can't be read: {line:.200}")));
        };
        let package = Package { name: bare(name), version: (*version).to_owned() };
        match state.chars().nth(1) {
            // Installed, with triggers to come or waited for.
            Some('i' | 't' | 'W') => found.push(Known { package, is_installed: true }),
            Some('n') => {}
            Some(_) => found.push(Known { package, is_installed: false }),
            None => return Err(HostError::Malformed(format!("dpkg-query tells no state of {name}"))),
        }
    }
    Ok(found)
}

/// What `apt-get --simulate` would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// Comes, or changes its version.
    pub comes: Vec<Package>,
    /// Goes.
    pub goes: Vec<String>,
}

/// Reads `apt-get --simulate`: `Inst name [old] (new archive [arch]) …`, `Conf name (new archive [arch])`, `Remv name [old] …`, `Purg name [old]`.
pub fn simulated(text: &str) -> Result<Simulated, HostError> {
    let mut found = Simulated::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            // What is unpacked already, and not configured, comes by `Conf` alone.
            (Some("Inst" | "Conf"), Some(name)) => {
                let version = line.split_once('(').and_then(|(_, rest)| rest.split([' ', ')']).next());
                let Some(version) = version.filter(|version| !version.is_empty()) else {
                    return Err(HostError::Malformed(format!("apt-get tells no version: {line:.200}")));
                };
                found.comes.push(Package { name: bare(name), version: version.to_owned() });
            }
            (Some("Remv" | "Purg"), Some(name)) => found.goes.push(bare(name)),
            _ => {}
        }
    }
    found.comes.sort_unstable();
    found.comes.dedup();
    found.goes.sort_unstable();
    found.goes.dedup();
    Ok(found)
}

/// Reads `apt-cache policy`: the candidates, where there are any.
pub fn candidates(text: &str) -> Vec<Package> {
    let mut found = Vec::new();
    let mut name = None;
    for line in text.lines() {
        if !line.starts_with(' ') {
            name = line.strip_suffix(':').map(bare);
        } else if let (Some(of), Some(version)) = (&name, line.trim_start().strip_prefix("Candidate:")) {
            let version = version.trim();
            if version != "(none)" && !version.is_empty() {
                found.push(Package { name: of.clone(), version: version.to_owned() });
            }
        }
    }
    found
}

/// What did not answer while `apt-get update` ran, as `address (reason)`. It ends well all the same, so its words are
/// what counts: `W: Failed to fetch ADDRESS  REASON`, `E: The repository 'ADDRESS …' …`.
pub fn unanswered(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in said.lines() {
        let Some(line) = line.strip_prefix("W: ").or_else(|| line.strip_prefix("E: ")) else { continue };
        let failure = if let Some(rest) = line.strip_prefix("Failed to fetch ") {
            let (address, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            Some((address.to_owned(), reason.trim().to_owned()))
        } else if let Some(rest) = line.strip_prefix("The repository '") {
            rest.split_once('\'').map(|(address, reason)| (address.to_owned(), reason.trim().to_owned()))
        } else {
            line.strip_prefix("GPG error: ").map(|rest| {
                let (address, reason) = rest.split_once(": ").unwrap_or((rest, "its signature is not trusted"));
                (address.to_owned(), reason.to_owned())
            })
        };
        let Some((address, reason)) = failure else { continue };
        let words = if reason.is_empty() { address } else { format!("{address} ({reason})") };
        if !found.contains(&words) {
            found.push(words);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INSTALL: &str = "Reading package lists...\nBuilding dependency tree...\n\
        The following NEW packages will be installed:\n  libmunge2 munge slurmctld\n\
        Inst libmunge2 (0.5.15-2 Debian:12.5/stable [amd64])\n\
        Inst libc6:i386 [2.36-9+deb12u8] (2.36-9+deb12u9 Debian:12.9/stable [amd64]) []\n\
        Inst slurmctld (22.05.8-4+deb12u2 Debian:12.5/stable, Debian-Security:12/stable-security [amd64])\n\
        Remv mysql-server [8.0]\n\
        Conf libmunge2 (0.5.15-2 Debian:12.5/stable [amd64])\n";

    #[test]
    fn a_simulated_installation_is_read() {
        let found = simulated(INSTALL).unwrap();
        let comes: Vec<_> = found.comes.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(comes, ["libc6 2.36-9+deb12u9", "libmunge2 0.5.15-2", "slurmctld 22.05.8-4+deb12u2"]);
        assert_eq!(found.goes, ["mysql-server"]);
        let purge = "Purg openssh-server [1:9.2p1-2+deb12u10]\nPurg openssh-client [1:9.2p1-2+deb12u10]\n";
        assert_eq!(simulated(purge).unwrap().goes, ["openssh-client", "openssh-server"]);
        assert!(simulated("Inst broken\n").is_err());
        let unpacked = simulated("Conf munge (0.5.15-2 Debian:12.5/stable [amd64])\n").unwrap();
        assert_eq!(unpacked.comes.len(), 1, "an installation that was broken off is not done");
    }

    #[test]
    fn states_of_dpkg_are_told_apart() {
        let text = "ii \tbash\t5.2.15-2+b8\nhi \tlibc6:amd64\t2.36\nrc \told\t1\nun \tnever\t\niU \thalf\t2\niF \tfailed\t3\nit \tman-db\t4\n";
        let found = known(text).unwrap();
        let installed: Vec<_> = found.iter().filter(|k| k.is_installed).map(|k| k.package.name.as_str()).collect();
        assert_eq!(installed, ["bash", "libc6", "man-db"]);
        let others: Vec<_> = found.iter().filter(|k| !k.is_installed).map(|k| k.package.name.as_str()).collect();
        assert_eq!(others, ["old", "half", "failed"]);
        assert!(known("ii bash 5.2\n").is_err());
    }

    #[test]
    fn candidates_are_read() {
        let text = "slurmctld:\n  Installed: (none)\n  Candidate: 22.05.8-4+deb12u3\n  Version table:\n     22.05.8-4+deb12u3 500\n\
                    nothing:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\nN: Unable to locate package nosuch\n";
        let found = candidates(text);
        assert_eq!(found, [Package { name: "slurmctld".into(), version: "22.05.8-4+deb12u3".into() }]);
    }

    #[test]
    fn mirrors_that_do_not_answer_are_named() {
        let said = "W: Failed to fetch http://10.77.0.1:3142/debian/dists/bookworm/InRelease  Could not connect to 10.77.0.1:3142 (10.77.0.1). - connect (111: Connection refused)\n\
                    W: Some index files failed to download. They have been ignored, or old ones used instead.\n";
        assert_eq!(
            unanswered(said),
            [
                "http://10.77.0.1:3142/debian/dists/bookworm/InRelease (Could not connect to 10.77.0.1:3142 (10.77.0.1). - connect (111: Connection refused))"
            ]
        );
        let said = "E: The repository 'http://mirror.lab/debian nosuch Release' does not have a Release file.\n";
        assert_eq!(unanswered(said), ["http://mirror.lab/debian nosuch Release (does not have a Release file.)"]);
        assert!(unanswered("W: Target Packages is configured multiple times\n").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "(\\PC|\n|\t|Inst |Remv |W: |E: |Failed to fetch |The repository '|\\(){0,100}") {
            let _ = known(&text);
            let _ = simulated(&text);
            let _ = candidates(&text);
            let _ = unanswered(&text);
        }
    }
}
