//! Hosts that leave the cluster: their nodes take no more jobs, and their daemons are stopped, before the controllers
//! forget them. What is on them besides stays, for `slurmdash install uninstall --limit`.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::family::Daemon;
use super::site::{SLURM_CONF, Site};
use crate::action::{Action, DrainNodes};
use crate::config::Role;

/// Drains their nodes, then stops their daemons.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut drain = Steps::new(Phase::Configuration, "nodes that leave take no more jobs");
    let known = super::previous::names(site.controller().and_then(|host| host.file(SLURM_CONF)).unwrap_or_default());
    let nodes = site.leaving.iter().map(|leaving| leaving.host.name.clone());
    let nodes: Vec<String> = nodes.filter(|name| known.contains(name)).collect();
    if let (Some(controller), false) = (site.controller(), nodes.is_empty()) {
        drain.add(controller.name(), Action::DrainNodes(DrainNodes { nodes }));
    }
    draft.push(site, drain);

    let mut stop = Steps::new(Phase::Configuration, "hosts that leave stop their daemons");
    for leaving in site.leaving.iter().filter(|leaving| leaving.is_reached) {
        let daemons = leaving.host.roles.iter().filter_map(|role| match role {
            Role::Compute => Some(Daemon::Node.unit()),
            Role::BackupController => Some(Daemon::Controller.unit()),
            Role::Dashboard => Some(super::dashboard::UNIT),
            Role::Controller | Role::Database | Role::Login | Role::Storage => None,
        });
        for unit in daemons {
            stop.add(&leaving.host.name, draft::stopped(unit));
        }
    }
    draft.push(site, stop);
}
