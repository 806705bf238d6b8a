//! sshd on the login hosts lets the dashboard in as the person: slurmdash's authority, and sshd's trust in it.
//!
//! The authority's key is given to the dashboard once. Afterwards it is the dashboard's, which may exchange it
//! (`slurmdash ssh-ca rotate`): then neither its key nor sshd's file is touched.
use std::path::Path;

use super::Phase;
use super::dashboard::{self, USER};
use super::draft::{self, Draft, Steps};
use super::site::{Site, SiteHost};
use crate::action::{Content, Holds};
use crate::bytes::sha256;
use crate::config::Role;

/// The authority's private key.
pub(crate) const PRIVATE: &str = "/var/lib/slurmdash/ssh_ca/current";
/// Keys that sshd trusts.
pub(crate) const TRUSTED: &str = "/etc/ssh/slurmdash_ca.pub";
/// sshd's own file.
pub(crate) const SSHD: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/50-slurmdash.conf";
const FOLDER: &str = "/var/lib/slurmdash/ssh_ca";
/// sshd judges its configuration. It starts from its own path alone.
const CHECK: [&str; 4] = ["/usr/sbin/sshd", "-t", "-f", "{}"];

/// The key to the dashboard, then sshd on the login hosts.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let Some(dashboard) = site.dashboard() else { return };
    let ca = &site.secrets.ssh_ca;
    let there = dashboard.facts.digests.get(Path::new(PRIVATE));
    let is_ours = there.is_none_or(|there| *there == sha256(&ca.private.0));

    let mut key = Steps::new(Phase::SshCa, "slurmdash's authority");
    let name = dashboard.name();
    key.add(name, draft::directory(dashboard::DATA, USER, 0o700, Holds::Data));
    key.add(name, draft::directory(FOLDER, USER, 0o700, Holds::Data));
    if is_ours {
        let content = draft.secret(name, "ssh-ca", &ca.private.0);
        key.add(name, draft::owned_file(PRIVATE, content, USER, 0o600));
    }
    draft.push(site, key);

    let mut trust = Steps::new(Phase::SshCa, "sshd trusts it");
    let login = site.login().map(SiteHost::name);
    let hosts = site.hosts.iter().filter(|host| host.has(Role::Login) || login == Some(host.name()));
    for host in hosts {
        let mut causes = Vec::new();
        let trusted = host.file(TRUSTED);
        let keys = match trusted {
            Some(text) if !is_ours || text.lines().any(|line| line == ca.public) => text.to_owned(),
            _ => format!("{}\n", ca.public),
        };
        if is_ours || trusted.is_some() {
            causes.push(trust.add(host.name(), draft::file(TRUSTED, keys)));
        }
        let (path, text) = sshd(host);
        // sshd's own file as systems have it that read no folder of them.
        let mode = if path == SSHD { 0o600 } else { 0o644 };
        let action = draft::owned_file(path, Content::Text(text.into()), "root", mode);
        causes.push(trust.add(host.name(), draft::checked(action, &CHECK)));
        trust.add_when(host.name(), draft::reload(host.family.sshd_unit, None), &causes);
    }
    draft.push(site, trust);
}

/// What sshd is told, and where: in a file of its own, else at the beginning of sshd's.
fn sshd(host: &SiteHost) -> (&'static str, String) {
    let ours = format!(include_str!("../../../templates/slurm/sshd.conf"), key = TRUSTED);
    let Some(own) = host.file(SSHD) else { return (DROP_IN, ours) };
    let includes = |line: &str| {
        let mut words = line.split_whitespace();
        let is_include = words.next().is_some_and(|word| word.eq_ignore_ascii_case("include"));
        is_include && words.any(|word| word == "/etc/ssh/sshd_config.d/*.conf")
    };
    if own.lines().any(includes) {
        (DROP_IN, ours)
    } else if own.starts_with(&ours) {
        (SSHD, own.to_owned())
    } else {
        (SSHD, ours + own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_where_the_dashboard_looks_for_it() {
        assert_eq!(Path::new(PRIVATE).parent(), Some(Path::new(FOLDER)));
        assert!(Path::new(FOLDER).starts_with(dashboard::DATA));
    }
}
