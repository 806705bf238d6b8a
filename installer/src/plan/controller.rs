//! slurmctld, on the controller and then on its backup.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::effect::{self, Effect};
use super::family::Daemon;
use super::site::{SLURM_CONF, SRUN_PORTS, STATE, Site, SiteHost};
use crate::action::Expected;
use crate::config::Role;

/// slurmctld's log.
pub(crate) const LOG: &str = "/var/log/slurm/slurmctld.log";
const DROP_IN: &str = "/etc/systemd/system/slurmctld.service.d/50-slurmdash.conf";

/// Accounting answers, slurmctld runs, then its backup, and both say so.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    accounting(site, draft);
    for (role, title) in [(Role::Controller, "slurmctld"), (Role::BackupController, "slurmctld in reserve")] {
        let mut steps = Steps::new(Phase::Controller, title);
        for host in site.hosts_with(role) {
            start(site, draft, host, &mut steps);
        }
        draft.push(site, steps);
    }

    let mut answer = Steps::new(Phase::Controller, "controllers answer");
    if let Some(first) = site.controller() {
        let hosts = site.controllers().map(|host| host.name().to_owned()).collect();
        let causes = draft.changing(&[Phase::Munge, Phase::Configuration, Phase::Controller]);
        let wait = draft::answers(Daemon::Controller.unit(), Expected::ControllersAnswer { hosts }, 90, Some(LOG));
        answer.add_when(first.name(), wait, &causes);
    }
    draft.push(site, answer);
}

/// slurmctld's first start needs slurmdbd.
fn accounting(site: &Site, draft: &mut Draft) {
    let (Some(database), Some(controller)) = (site.database(), site.controller()) else { return };
    let mut steps = Steps::new(Phase::Controller, "accounting answers");
    let causes = draft.changing(&[Phase::Munge, Phase::Database]);
    let wait = if database.name() == controller.name() {
        draft::answers(Daemon::Database.unit(), Expected::AccountingAnswers, 90, Some(super::database::LOG))
    } else {
        draft::wait(Expected::AccountingAnswers, 90, None)
    };
    steps.add_when(controller.name(), wait, &causes);
    draft.push(site, steps);
}

fn start(site: &Site, draft: &Draft, host: &SiteHost, steps: &mut Steps) {
    let name = host.name();
    if let Some(rotated) = super::configuration::rotation(host, Daemon::Controller) {
        steps.add(name, rotated);
    }
    let written = draft.slurm_conf.get(name).cloned().unwrap_or_default();
    let unit = Daemon::Controller.unit();
    // The first controller is asked last of all.
    let is_first = site.controller().is_some_and(|first| first.name() == name);
    let started = |action| if is_first { draft::answers_later(action) } else { action };
    let new = super::configuration::slurm_conf(site);
    match effect::of(host.file(SLURM_CONF), &new, site.slurm) {
        Effect::Reconfigure if is_first => steps.add_when(name, draft::reconfigure(unit, LOG), &written),
        Effect::Reconfigure => steps.add_when(name, draft::reload(unit, Some(LOG)), &written),
        Effect::Controllers | Effect::Everything => {
            steps.add_when(name, started(draft::restart(unit, Some(LOG))), &written)
        }
    };
    if let Some(text) = drop_in(site, host) {
        steps.add(name, draft::file(DROP_IN, text));
    }
    steps.add(name, started(draft::running(unit, Some(LOG))));
    if site.config.hosts.len() > 1 {
        let ports = [site.config.slurm.ports.slurmctld.to_string(), SRUN_PORTS.to_owned()];
        for action in draft::open(&host.facts.firewalls, &ports) {
            steps.add(name, action);
        }
    }
}

/// What slurmctld waits for when the host boots: the folder of its state, and slurmdbd when it is on the same host.
fn drop_in(site: &Site, host: &SiteHost) -> Option<String> {
    let is_shared = site.state() != std::path::Path::new(STATE);
    let after = site.database().is_some_and(|database| database.name() == host.name());
    (is_shared || after).then(|| {
        draft::tidy(&format!(
            include_str!("../../../templates/slurm/slurmctld.drop-in"),
            needs = super::configuration::lines(&[
                if after { "After=slurmdbd.service".to_owned() } else { String::new() },
                if is_shared { format!("RequiresMountsFor={}", site.state().display()) } else { String::new() },
            ]),
        ))
    })
}
