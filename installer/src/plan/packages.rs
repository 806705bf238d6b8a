//! Software of the distribution, from where it is to come from.
use std::collections::BTreeSet;

use super::Phase;
use super::draft::{self, Draft, Steps};
use super::family::{Daemon, Kind};
use super::site::{Site, SiteHost};
use crate::config::{Config, Packages, Role, ShareFrom};

/// What a host needs, sorted.
pub(crate) fn wanted(config: &Config, host: &SiteHost) -> Vec<String> {
    let family = &host.family;
    let is_used = |role: &&Role| match role {
        Role::Database => config.accounting.enabled,
        Role::Dashboard => config.dashboard.enabled,
        _ => true,
    };
    let roles = host.host.roles.iter().filter(is_used);
    let mut names: BTreeSet<&str> = roles.flat_map(|role| family.packages(*role)).collect();
    for share in [&config.storage.shared, &config.storage.home].into_iter().flatten() {
        if let ShareFrom::Host(server) = &share.from {
            names.insert(if server == host.name() { family.nfs_server } else { family.nfs_client });
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Sources where they are not the distribution's, then the packages.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut sources = Steps::new(Phase::Packages, "package sources");
    for host in &site.hosts {
        if let Some(text) = source(site, host) {
            sources.add(host.name(), draft::file(host.family.sources, text));
        } else if let Some(extra) = missing_source(site, host) {
            sources.add(host.name(), draft::packages(vec![extra], None));
        }
    }
    draft.push(site, sources);

    let mut steps = Steps::new(Phase::Packages, "packages of the distribution");
    for host in &site.hosts {
        let names = wanted(site.config, host);
        if !names.is_empty() {
            let own = source(site, host).map(|_| host.family.sources);
            steps.add(host.name(), draft::packages(names, own));
        }
    }
    draft.push(site, steps);
}

/// Our file among the package sources.
fn source(site: &Site, host: &SiteHost) -> Option<String> {
    let url = match &site.config.packages {
        Packages::Distribution => return None,
        Packages::Folder(folder) => format!("file:{}", folder.display()),
        Packages::Mirror(url) => url.trim_end_matches('/').to_owned() + "/",
    };
    Some(match host.family.kind {
        Kind::Debian => format!(include_str!("../../../templates/slurm/apt.list"), url = url),
        Kind::Rhel => format!(include_str!("../../../templates/slurm/dnf.repo"), url = url),
    })
}

/// The package that brings the source of Slurm's packages, where Slurm can't be had without it.
fn missing_source(site: &Site, host: &SiteHost) -> Option<String> {
    let extra = host.family.extra_sources?;
    let needs_slurm = wanted(site.config, host).iter().any(|name| name.starts_with(host.family.client));
    let is_there = host.facts.packages.contains_key(extra);
    let has = |name: &str| host.facts.available.contains_key(name) || host.facts.packages.contains_key(name);
    let has_slurm = has(host.family.client) || has(host.family.package(Daemon::Database));
    (needs_slurm && (is_there || !has_slurm)).then(|| extra.to_owned())
}
