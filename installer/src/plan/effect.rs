//! What a changed slurm.conf needs to take effect, and what it does to jobs. Source: slurm.conf(5) of Slurm 22.05 and 24.11.
use std::collections::{BTreeMap, BTreeSet};

use super::version::SlurmVersion;
use crate::slurm_conf::{Conf, Said};

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// The controllers read it, and tell the nodes (`scontrol reconfigure`).
    Reconfigure,
    /// slurmctld is started anew.
    Controllers,
    /// slurmctld and every slurmd are started anew. Jobs go on meanwhile.
    Everything,
}

/// Options that slurmctld reads when it starts.
const CONTROLLERS: &[&str] = &[
    "accountingstorageenforce",
    "accountingstoragehost",
    "accountingstorageport",
    "accountingstoragetype",
    "jobcomptype",
    "jobcontainertype",
    "maxjobcount",
    "maxnodecount",
    "powerplugin",
    "preempttype",
    "prioritytype",
    "schedulertype",
    "selecttypeparameters",
    "slurmctldhost",
    "slurmctldparameters",
    "slurmctldport",
    "statesavelocation",
];

/// Options that every daemon reads when it starts.
const EVERYTHING: &[&str] = &[
    "authtype",
    "clustername",
    "corespecplugin",
    "credtype",
    "cgroupplugin",
    "grestypes",
    "jobacctgathertype",
    "nodename",
    "plugindir",
    "proctracktype",
    "selecttype",
    "slurmdpidfile",
    "slurmdport",
    "slurmdspooldir",
    "slurmuser",
    "srunportrange",
    "switchtype",
    "taskplugin",
    "topologyplugin",
];

/// Options that a daemon takes at a start alone even where `scontrol reconfigure` starts it anew: those of its sockets.
const SOCKETS: &[&str] = &["slurmctldport", "slurmdport", "slurmctldhost", "clustername", "slurmuser", "switchtype"];

/// Options that running jobs don't survive.
const LOSES_JOBS: &[(&str, &str)] = &[
    ("authtype", "another way to sign messages (AuthType)"),
    ("clustername", "another name of the cluster (ClusterName)"),
    ("credtype", "another kind of credentials (CredType)"),
    ("jobacctgathertype", "another way to gather what jobs use (JobAcctGatherType)"),
    ("proctracktype", "another way to hold jobs together (ProctrackType)"),
    ("selecttype", "another way to give out resources (SelectType)"),
    ("slurmctldport", "another port of slurmctld (SlurmctldPort)"),
    ("slurmdport", "another port of slurmd (SlurmdPort)"),
    ("slurmdspooldir", "another folder of slurmd (SlurmdSpoolDir)"),
    ("slurmuser", "another user of Slurm (SlurmUser)"),
    ("statesavelocation", "another folder of slurmctld's state (StateSaveLocation)"),
    ("switchtype", "another kind of network (SwitchType)"),
    ("cgroupplugin", "another kind of control groups (CgroupPlugin)"),
];

/// What a new file needs. Without an old one, or when they are the same (a run that was broken off has written it), all
/// are started anew: that is always right.
pub(crate) fn of(old: Option<&str>, new: &str, version: SlurmVersion) -> Effect {
    let Some(old) = old.filter(|old| *old != new) else { return Effect::Everything };
    let changed = changed(old, new);
    let any = |keys: &[&str]| keys.iter().any(|key| changed.contains(*key));
    if version.reconfigures_all() {
        return if any(SOCKETS) { Effect::Everything } else { Effect::Reconfigure };
    }
    // A partition that is gone from the file stays with a slurmctld that merely reads it anew.
    let is_lost = || !super::previous::lost_partitions(old, new).0.is_empty();
    if any(EVERYTHING) {
        Effect::Everything
    } else if any(CONTROLLERS) || is_lost() {
        Effect::Controllers
    } else {
        Effect::Reconfigure
    }
}

/// What a step does to running jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disruption {
    /// As the rest of a sentence: `ends running jobs: …`.
    pub(crate) what: String,
    /// Hosts whose jobs those are; all when empty.
    pub(crate) hosts: Vec<String>,
}

/// What a new file does to running jobs; `None` when they go on.
pub(crate) fn disruption(old: Option<&str>, new: &str, version: SlurmVersion) -> Option<Disruption> {
    let old = old?;
    let defaults = defaults(version);
    let of = |text: &str, key: &str| {
        let usual = || defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| vec![(*value).to_owned()]);
        options(text).remove(key).or_else(usual)
    };
    let causes: Vec<&str> =
        LOSES_JOBS.iter().filter(|(key, _)| of(old, key) != of(new, key)).map(|(_, words)| *words).collect();
    if !causes.is_empty() {
        return Some(Disruption { what: format!("ends running jobs: {}", causes.join("; ")), hosts: Vec::new() });
    }
    let nodes = super::previous::lost(old, new);
    let (partitions, theirs) = super::previous::lost_partitions(old, new);
    let mut what = Vec::new();
    if !nodes.is_empty() {
        what.push(format!("on {}", crate::hostlist::fold(&nodes)));
    }
    if !partitions.is_empty() {
        what.push(format!("in partition {}", partitions.join(", ")));
    }
    let mut hosts = nodes;
    hosts.extend(theirs);
    hosts.sort();
    hosts.dedup();
    (!what.is_empty()).then(|| Disruption { what: format!("ends running jobs {}", what.join(" and ")), hosts })
}

/// What options of [`LOSES_JOBS`] are where nothing is said. Source: slurm.conf(5) of 22.05 and 24.11.
fn defaults(version: SlurmVersion) -> [(&'static str, &'static str); 10] {
    let select = if version.gives_out_cores() { "select/cons_tres" } else { "select/linear" };
    [
        ("authtype", "auth/munge"),
        ("credtype", "cred/munge"),
        ("jobacctgathertype", "jobacct_gather/none"),
        ("proctracktype", "proctrack/cgroup"),
        ("selecttype", select),
        ("slurmctldport", "6817"),
        ("slurmdport", "6818"),
        ("slurmdspooldir", "/var/spool/slurmd"),
        ("statesavelocation", "/var/spool"),
        ("switchtype", "switch/none"),
    ]
}

/// Names of options whose values differ, in lower case. Lines of nodes and partitions count as `nodename` and
/// `partitionname`.
fn changed(old: &str, new: &str) -> BTreeSet<String> {
    let (old, new) = (options(old), options(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

fn options(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut options: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |name: &str, value: String| options.entry(name.to_ascii_lowercase()).or_default().push(value);
    for line in Conf::parse(text).lines {
        match line.said {
            Said::Options(pairs) => pairs.into_iter().for_each(|pair| add(&pair.name, pair.value)),
            Said::Record(pairs) => {
                let whole: Vec<String> = pairs.iter().map(ToString::to_string).collect();
                if let Some(first) = pairs.first() {
                    add(&first.name, whole.join(" "));
                }
            }
            Said::Include(path) => add("include", path),
            Said::Malformed(text) => add("", text),
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str =
        "ClusterName=a\nSlurmctldPort=6817\nKillWait=30 # s\nNodeName=n1 CPUs=2\nPartitionName=p Nodes=n1\n";

    #[test]
    fn each_option_has_its_effect() {
        let version = SlurmVersion(22, 5);
        for (from, to, effect) in [
            ("KillWait=30", "KillWait=60", Effect::Reconfigure),
            ("Nodes=n1", "Nodes=n1 MaxTime=1", Effect::Reconfigure),
            ("# s", "# seconds", Effect::Reconfigure),
            ("6817", "7000", Effect::Controllers),
            ("KillWait=30", "KILLWAIT=30\nMaxJobCount=5", Effect::Controllers),
            ("KillWait=30", "KillWait=30\nPriorityType=priority/basic", Effect::Controllers),
            ("CPUs=2", "CPUs=4", Effect::Everything),
        ] {
            assert_eq!(of(Some(OLD), &OLD.replace(from, to), version), effect, "{from} → {to}");
        }
        assert_eq!(of(None, OLD, version), Effect::Everything);
        assert_eq!(of(Some(OLD), OLD, version), Effect::Everything, "a run that was broken off goes on");
        let newer = SlurmVersion(24, 11);
        assert_eq!(of(Some(OLD), &OLD.replace("CPUs=2", "CPUs=4"), newer), Effect::Reconfigure);
        assert_eq!(of(Some(OLD), &OLD.replace("6817", "7000"), newer), Effect::Everything);
    }

    #[test]
    fn what_running_jobs_do_not_survive_is_said() {
        let said = |old: Option<&str>, new: &str| disruption(old, new, SlurmVersion(22, 5));
        assert_eq!(said(None, OLD), None);
        assert_eq!(said(Some(OLD), &OLD.replace("KillWait=30", "KillWait=60")), None);
        let port = said(Some(OLD), &OLD.replace("6817", "7000")).unwrap();
        assert!(port.what.contains("SlurmctldPort") && port.hosts.is_empty(), "{port:?}");
        // What was not said before was so all the same.
        assert_eq!(said(Some(OLD), &format!("{OLD}JobAcctGatherType=jobacct_gather/none\nSlurmdPort=6818\n")), None);
        assert!(said(Some(OLD), &format!("{OLD}JobAcctGatherType=jobacct_gather/linux\n")).is_some());
    }

    #[test]
    fn jobs_on_what_leaves_are_told_from_others() {
        let old = "NodeName=n[1-3]\nPartitionName=p Nodes=n[1-3]\nPartitionName=q Nodes=n3\n";
        let less = "NodeName=n[1-2]\nPartitionName=p Nodes=n[1-2]\nPartitionName=q Nodes=n2\n";
        let found = disruption(Some(old), less, SlurmVersion(22, 5)).unwrap();
        assert_eq!((found.what.as_str(), found.hosts), ("ends running jobs on n3", vec!["n3".to_owned()]));
        let gone = "NodeName=n[1-3]\nPartitionName=p Nodes=n[1-3]\n";
        let found = disruption(Some(old), gone, SlurmVersion(22, 5)).unwrap();
        assert_eq!((found.what.as_str(), found.hosts), ("ends running jobs in partition q", vec!["n3".to_owned()]));
        assert_eq!(of(Some(old), gone, SlurmVersion(22, 5)), Effect::Controllers);
        assert_eq!(of(Some(gone), old, SlurmVersion(22, 5)), Effect::Reconfigure, "one that comes is read");
        assert_eq!(of(Some(old), gone, SlurmVersion(24, 11)), Effect::Reconfigure);
    }
}
