//! Folders that all hosts see, when one of them serves them over NFS. Those that are there already are judged before
//! ([`crate::preflight`]).
use std::fmt::Write as _;
use std::path::Path;

use super::Phase;
use super::draft::{self, Draft, Steps};
use super::effect::Disruption;
use super::site::Site;
use crate::action::Holds;
use crate::config::{Share, ShareFrom};

const EXPORTS: &str = "/etc/exports.d/slurmdash.exports";
const SERVER_UNIT: &str = "nfs-server.service";

/// Folders on their server, then on the others.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let storage = &site.config.storage;
    let shares: Vec<&Share> = [&storage.shared, &storage.home].into_iter().flatten().collect();
    serve(site, draft, &shares);

    let mut mounts = Steps::new(Phase::Storage, "shared folders on all hosts");
    for host in &site.hosts {
        for share in &shares {
            let ShareFrom::Host(server) = &share.from else { continue };
            let Some(server) = site.config.host(server).filter(|server| server.name != host.name()) else { continue };
            let unit = mount_unit(&share.path);
            let text = format!(
                include_str!("../../../templates/slurm/mount"),
                path = share.path.display(),
                host = server.name,
                address = server.address
            );
            let path = format!("/etc/systemd/system/{unit}");
            let written = mounts.add(host.name(), draft::file(path, text));
            mounts.add_when(host.name(), draft::restart(&unit, None), &[written]);
            let path = share.path.display();
            let what = format!("takes {path} from running jobs on {} for a moment", host.name());
            mounts.disrupting(Some(Disruption { what, hosts: vec![host.name().to_owned()] }));
            mounts.add(host.name(), draft::running(&unit, None));
        }
    }
    draft.push(site, mounts);
}

fn serve(site: &Site, draft: &mut Draft, shares: &[&Share]) {
    let mut steps = Steps::new(Phase::Storage, "shared folders on their server");
    for host in &site.hosts {
        let served: Vec<&&Share> =
            shares.iter().filter(|share| share.from == ShareFrom::Host(host.name().to_owned())).collect();
        if served.is_empty() {
            continue;
        }
        for share in &served {
            steps.add(host.name(), draft::directory(&share.path, "root", 0o755, Holds::Data));
        }
        let text =
            format!(include_str!("../../../templates/slurm/exports"), lines = exports(site, host.name(), &served));
        let written = steps.add(host.name(), draft::file(EXPORTS, draft::tidy(&text)));
        steps.add_when(host.name(), draft::reload(SERVER_UNIT, None), &[written]);
        steps.add(host.name(), draft::running(SERVER_UNIT, None));
        for action in draft::open(&host.facts.firewalls, &["2049".to_owned()]) {
            steps.add(host.name(), action);
        }
    }
    draft.push(site, steps);
}

/// A line for each folder and each of the other hosts. root has no rights there: what root makes is made on the server.
fn exports(site: &Site, server: &str, shares: &[&&Share]) -> String {
    let mut lines = String::new();
    for share in shares {
        for host in site.config.hosts.iter().filter(|host| host.name != server) {
            let _ =
                writeln!(lines, "\"{}\" {}(rw,sync,no_subtree_check,root_squash)", share.path.display(), host.address);
        }
    }
    lines
}

/// The name that a mount's unit must have. Source: systemd.unit(5), "String escaping for inclusion in unit names".
pub(crate) fn mount_unit(path: &Path) -> String {
    let path = path.to_string_lossy();
    let mut name = String::new();
    for (place, byte) in path.trim_matches('/').bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if place == 0 => name.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => name.push(char::from(byte)),
            other => {
                let _ = write!(name, "\\x{other:02x}");
            }
        }
    }
    name + ".mount"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_named_as_systemd_wants() {
        for (path, unit) in [
            ("/shared", "shared.mount"),
            ("/data/a-b", "data-a\\x2db.mount"),
            ("/.x", "\\x2ex.mount"),
            ("/a/", "a.mount"),
        ] {
            assert_eq!(mount_unit(Path::new(path)), unit);
        }
    }
}
