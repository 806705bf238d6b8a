//! Whether it can be done at all: what is wrong with hosts, in words, with what mends it. Pure, from facts.
mod cluster;
mod host;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Config, ConfigHost, Role};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::plan::site::{SLURM_CONF, WRITTEN, unreachable};
use crate::secrets::Secrets;
use crate::slurm_conf::Conf;
pub use cluster::explain;

/// What is to be known of hosts that leave the cluster, and why one can't. `away`: those that can't be reached.
pub fn leaving(hosts: &[ConfigHost], away: &BTreeMap<String, String>) -> Vec<Finding> {
    let judged = hosts.iter().map(|host| {
        let name = &host.name;
        let clean = format!("`slurmdash install uninstall --limit {name}` takes away what was installed there");
        if let Some(role) = [Role::Controller, Role::Database].into_iter().find(|role| host.has(*role)) {
            let what = if role == Role::Controller { "the state of the jobs" } else { "the accounting database" };
            return Finding::error(
                Some(name),
                format!("it is not in cluster.yaml any more, and has {what}, which the installer does not move"),
                "put it back; to move that by hand, stop the daemons, copy it, and then change cluster.yaml",
            );
        }
        match away.get(name) {
            None => Finding::warning(
                Some(name),
                "it leaves the cluster: its daemons are stopped; packages, files and munge's key stay on it",
                format!("afterwards {clean}"),
            ),
            Some(error) => Finding::warning(
                Some(name),
                format!("it leaves the cluster and can't be reached, so that its daemons are not stopped ({error})"),
                format!("when it is back, {clean}; or there: systemctl disable --now slurmd"),
            ),
        }
    });
    judged.collect()
}

/// Newer versions of Slurm that can be had, and upgrades that can't be. `asked`: an upgrade is wanted.
pub fn upgrades(config: &Config, facts: &BTreeMap<String, Facts>, asked: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    crate::plan::upgrade::judge(config, asked, &cluster::known(config, facts), &mut findings);
    findings
}

/// A cluster that is called otherwise already: slurmctld refuses a state of another name, and the accounting has it too.
fn renamed(config: &Config, conf: &str) -> Option<Finding> {
    let conf = Conf::parse(conf);
    let name = conf.get("ClusterName").filter(|name| !name.eq_ignore_ascii_case(&config.cluster))?;
    let what = format!("the cluster is called {name}, and its jobs and its accounting are kept by that name");
    let fix = format!("keep `cluster: {name}`; for a new cluster on these hosts: `slurmdash install uninstall` first");
    Some(Finding::error(None, what, fix))
}

/// A new cluster of which no node can be reached: that is no node that is off, but a way to them that is wrong.
fn nodeless(config: &Config, facts: &BTreeMap<String, Facts>) -> Option<Finding> {
    let nodes = config.hosts.iter().filter(|host| host.has(Role::Compute)).map(|host| host.name.as_str());
    let nodes: Vec<&str> = nodes.collect();
    let none = !nodes.is_empty() && nodes.iter().all(|name| !facts.contains_key(*name));
    none.then(|| {
        let what = format!("no host that runs jobs can be reached: {}", crate::hostlist::fold(&nodes));
        Finding::error(None, what, "a new cluster begins with one of them; why each can't be reached is said below")
    })
}

/// Judges all hosts, errors first. `facts` are by the hosts' names in the configuration; one that is missing there could
/// not be reached.
pub fn judge(config: &Config, facts: &BTreeMap<String, Facts>, secrets: &Secrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    let conf =
        config.host_with(Role::Controller).and_then(|host| facts.get(&host.name)?.files.get(Path::new(SLURM_CONF)));
    let is_ours = conf.is_some_and(|text| text.starts_with(WRITTEN));
    let cluster = host::Cluster { config, secrets, is_ours };
    for host in &config.hosts {
        match facts.get(&host.name) {
            Some(facts) => host::judge(&cluster, host, facts, &mut findings),
            None => findings.extend(unreachable(host)),
        }
    }
    findings.extend(if is_ours { conf.and_then(|text| renamed(config, text)) } else { nodeless(config, facts) });
    cluster::judge(config, facts, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}
