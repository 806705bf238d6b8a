//! Proof that it works: munge on every host, the controllers, and a job in every partition, one of them through the
//! dashboard.
use super::Phase;
use super::dashboard;
use super::draft::{self, Draft, Steps};
use super::site::Site;
use crate::action::Expected;
use crate::config::Partition;

/// What a job depends on.
const OF_JOBS: [Phase; 8] = [
    Phase::Packages,
    Phase::Munge,
    Phase::Storage,
    Phase::Database,
    Phase::Configuration,
    Phase::Controller,
    Phase::Nodes,
    Phase::Accounts,
];

/// After changes alone, unless it is asked for by itself.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut munge = Steps::new(Phase::SelfTest, "munge on every host, and the controllers");
    for host in &site.hosts {
        let causes = draft.changing_on(host.name(), &[Phase::Munge]);
        munge.add_when(host.name(), draft::wait(Expected::MungeAnswers, 30, None), &causes);
    }
    let changed = draft.changing(&OF_JOBS);
    if let Some(first) = site.controller() {
        let hosts = site.controllers().map(|host| host.name().to_owned()).collect();
        let log = Some(super::controller::LOG);
        munge.add_when(first.name(), draft::wait(Expected::ControllersAnswer { hosts }, 60, log), &changed);
    }
    draft.push(site, munge);

    let mut jobs = Steps::new(Phase::SelfTest, "a job in every partition");
    let has_nodes = |partition: &&Partition| partition.nodes.iter().any(|name| site.host(name).is_some());
    let partitions: Vec<_> = site.config.partitions.iter().filter(has_nodes).collect();
    let first = partitions.iter().find(|partition| partition.default).or_else(|| partitions.first()).copied();
    let by_dashboard = site.dashboard().and(first);
    if let Some(login) = site.login() {
        for partition in
            partitions.iter().filter(|partition| by_dashboard.is_none_or(|first| first.name != partition.name))
        {
            let expected = Expected::JobRuns { partition: partition.name.clone(), user: site.admin.login.clone() };
            jobs.add_when(login.name(), draft::wait(expected, 120, None), &changed);
        }
    }
    draft.push(site, jobs);

    let mut through = Steps::new(Phase::SelfTest, "a job through the dashboard");
    if let (Some(host), Some(partition)) = (site.dashboard(), by_dashboard) {
        let mut causes = changed;
        causes.extend(draft.changing(&[Phase::SshCa, Phase::Dashboard]));
        let expected = Expected::DashboardJobRuns {
            url: dashboard::url(site),
            partition: partition.name.clone(),
            user: site.config.dashboard.admin.name.clone(),
            password: dashboard::PASSWORD.to_owned(),
        };
        through.add_when(host.name(), draft::wait(expected, 180, None), &causes);
    }
    draft.push(site, through);
}
