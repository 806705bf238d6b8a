//! Accounts, QOS and users in Slurm's accounting.
use super::Phase;
use super::draft::{Draft, Steps};
use super::site::Site;
use crate::action::{Action, Associations, Member};

/// What the configuration names, and the first admin in the first account, so that their jobs may run.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let (Some(_), Some(controller)) = (site.database(), site.controller()) else { return };
    let accounting = &site.config.accounting;
    let mut members = accounting.users.clone();
    if let Some(first) = accounting.accounts.first()
        && !members.iter().any(|member| member.user == site.admin.login)
    {
        members.push(Member { user: site.admin.login.clone(), account: first.name.clone(), qos: Vec::new() });
    }
    let mut steps = Steps::new(Phase::Accounts, "accounts, QOS and users");
    steps.add(
        controller.name(),
        Action::Associations(Associations {
            cluster: site.config.cluster.clone(),
            accounts: accounting.accounts.clone(),
            qos: accounting.qos.clone(),
            members,
        }),
    );
    draft.push(site, steps);
}
