//! slurmd on every compute node, all at the same time. A node that fails is left out, and the others go on.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::effect::{self, Effect};
use super::family::Daemon;
use super::site::{SLURM_CONF, SPOOL, SRUN_PORTS, Site, SiteHost};
use crate::action::{Expected, Holds};
use crate::config::Role;

/// slurmd's log.
pub(crate) const LOG: &str = "/var/log/slurm/slurmd.log";
const DROP_IN: &str = "/etc/systemd/system/slurmd.service.d/50-slurmdash.conf";

/// slurmd, and each node is ready.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut steps = Steps::new(Phase::Nodes, "slurmd on the nodes");
    let controller = site.controller();
    let new = super::configuration::slurm_conf(site);
    let before = controller.and_then(|host| host.file(SLURM_CONF));
    let everything = effect::of(before, &new, site.slurm) == Effect::Everything;
    let conf = match controller {
        Some(host) if everything => draft.slurm_conf.get(host.name()).cloned().unwrap_or_default(),
        _ => Vec::new(),
    };
    for host in site.hosts_with(Role::Compute) {
        if !site.nodes.iter().any(|node| node.name == host.name()) {
            continue;
        }
        let name = host.name();
        if site.given("SlurmdSpoolDir").is_none() {
            steps.add(name, draft::directory(SPOOL, "root", 0o755, Holds::Scratch));
        }
        if let Some(rotated) = super::configuration::rotation(host, Daemon::Node) {
            steps.add(name, rotated);
        }
        let mut causes = conf.clone();
        // Files of its own may have been something else than the controller's.
        if host.keeps_conf() && effect::of(host.file(SLURM_CONF), &new, site.slurm) == Effect::Everything {
            let own = draft.slurm_conf.get(name).into_iter().flatten();
            causes.extend(own.filter(|step| !conf.contains(step)).cloned());
        }
        for (path, text) in configless(site, host) {
            causes.push(steps.add(name, draft::file(path, text)));
        }
        let unit = Daemon::Node.unit();
        // Of one that ran already the controller may have an old answer.
        let is_new = !host.facts.units.get(unit).is_some_and(crate::host::Unit::is_active);
        let started = |action| if is_new { draft::answers_later(action) } else { action };
        let restarted = steps.add_when(name, started(draft::restart(unit, Some(LOG))), &causes);
        causes.extend(restarted);
        causes.push(steps.add(name, started(draft::running(unit, Some(LOG)))));
        causes.extend(draft.changing_on(name, &[Phase::Munge]));
        if site.config.hosts.len() > 1 && !host.is_controller() {
            for action in draft::open(&host.facts.firewalls, &ports(site)) {
                steps.add(name, action);
            }
        }
        let ready = Expected::NodesReady { nodes: vec![name.to_owned()], at_least: 1 };
        steps.add_when(name, draft::answers(unit, ready, 90, Some(LOG)), &causes);
    }
    draft.push(site, steps);
}

/// Ports of slurmd, and of srun in jobs.
fn ports(site: &Site) -> Vec<String> {
    vec![site.config.slurm.ports.slurmd.to_string(), SRUN_PORTS.to_owned()]
}

/// What makes slurmd ask the controllers for its configuration, where it has no files of its own.
fn configless(site: &Site, host: &SiteHost) -> Vec<(String, String)> {
    if host.keeps_conf() {
        return Vec::new();
    }
    let options = format!(include_str!("../../../templates/slurm/slurmd.options"), servers = site.conf_servers());
    vec![
        (format!("{}/slurmd", host.family.options), options),
        (DROP_IN.to_owned(), include_str!("../../../templates/slurm/slurmd.drop-in").to_owned()),
    ]
}
