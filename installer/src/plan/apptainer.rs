//! Apptainer, where the distribution has it.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::site::Site;
use crate::config::Role;

/// The package, called so everywhere.
pub(crate) const PACKAGE: &str = "apptainer";

/// On hosts where jobs run or people sign in.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    if !site.config.apptainer {
        return;
    }
    let mut steps = Steps::new(Phase::Apptainer, "Apptainer");
    for host in site.hosts.iter().filter(|host| host.has(Role::Compute) || host.has(Role::Login)) {
        let facts = host.facts;
        if facts.packages.contains_key(PACKAGE) || facts.available.contains_key(PACKAGE) {
            steps.add(host.name(), draft::packages(vec![PACKAGE.to_owned()], None));
        }
    }
    draft.push(site, steps);
}
