//! The planner.
use std::collections::BTreeMap;

use super::draft::Draft;
use super::limits::Limits;
use super::site::Site;
use super::{
    Plan, accounts, apptainer, configuration, controller, dashboard, database, identities, leaving, munge, nodes,
    packages, self_test, ssh_ca, storage, upgrade,
};
use crate::config::Config;
use crate::facts::Facts;
use crate::finding::Finding;
use crate::secrets::Secrets;

/// What is to be done, in order. Pure: the same configuration, facts, secrets and limits give the same plan.
///
/// `facts` are by the hosts' names in the configuration, and those of hosts that leave it. A host without facts could not be reached: when it runs jobs
/// and nothing else the others are planned for without it, and it stays in slurm.conf as it was there.
///
/// # Errors
/// Everything that must be mended before there can be a plan.
pub fn make(
    config: &Config,
    facts: &BTreeMap<String, Facts>,
    secrets: &Secrets,
    limits: &Limits,
) -> Result<Plan, Vec<Finding>> {
    let site = Site::survey(config, facts, secrets, limits)?;
    let mut draft = Draft::default();
    identities::plan(&site, &mut draft);
    upgrade::plan(&site, &mut draft);
    packages::plan(&site, &mut draft);
    munge::plan(&site, &mut draft);
    storage::plan(&site, &mut draft);
    database::plan(&site, &mut draft);
    leaving::plan(&site, &mut draft);
    configuration::plan(&site, &mut draft);
    controller::plan(&site, &mut draft);
    nodes::plan(&site, &mut draft);
    accounts::plan(&site, &mut draft);
    apptainer::plan(&site, &mut draft);
    ssh_ca::plan(&site, &mut draft);
    dashboard::plan(&site, &mut draft).map_err(|finding| vec![finding])?;
    self_test::plan(&site, &mut draft);
    Ok(limits.apply(draft.finish()))
}
