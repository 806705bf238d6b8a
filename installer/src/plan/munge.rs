//! The key that munge's daemons share.
//!
//! It is written on all hosts before the first daemon is started anew with it: a daemon reads its key once, so that
//! credentials are good everywhere until then, and jobs and Slurm's daemons don't notice.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::site::{MUNGE_KEY, Site};
use crate::action::{Expected, Holds};

const UNIT: &str = "munge.service";
const LOG: &str = "/var/log/munge/munged.log";
/// Name of the key among the secrets of a host.
const MATERIAL: &str = "munge-key";

/// The key on all hosts, then the daemons.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut keys = Steps::new(Phase::Munge, "munge key to all hosts");
    let mut daemons = Steps::new(Phase::Munge, "munge with that key");
    for host in &site.hosts {
        let name = host.name();
        if !super::packages::wanted(site.config, host).iter().any(|package| package == host.family.munge) {
            continue;
        }
        keys.add(name, draft::directory("/etc/munge", "munge", 0o700, Holds::Scratch));
        let content = draft.secret(name, MATERIAL, &site.secrets.munge_key.0);
        let key = keys.add(name, draft::owned_file(MUNGE_KEY, content, "munge", 0o400));
        let restarted =
            daemons.add_when(name, draft::answers_later(draft::restart(UNIT, Some(LOG))), std::slice::from_ref(&key));
        let runs = daemons.add(name, draft::answers_later(draft::running(UNIT, Some(LOG))));
        let causes: Vec<_> = [Some(key), restarted, Some(runs)].into_iter().flatten().collect();
        daemons.add_when(name, draft::answers(UNIT, Expected::MungeAnswers, 30, Some(LOG)), &causes);
    }
    draft.push(site, keys);
    draft.push(site, daemons);
}
