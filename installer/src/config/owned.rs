//! Options that the installer writes itself, and where what they say is said in `cluster.yaml`.
//!
//! Everything else in slurm.conf may be given in `slurm.options` and wins over what the installer writes by default, as
//! `ReturnToService`, `SelectType` or `ProctrackType`: what a cluster was built with before it was adopted can be kept.

/// An option and where to say it instead.
type Owned = (&'static str, &'static str);

const HOSTS: &str = "use hosts";
const PARTITIONS: &str = "use partitions";
const PORTS: &str = "use slurm.ports";
const ACCOUNTING: &str = "use accounting and the role database";
const PLACES: &str = "it is the same on every cluster";
const GPUS: &str = "use hosts[].gpus";
const CGROUPS: &str = "it is chosen for the control groups that the hosts have";
const INCLUDE: &str = "give the options themselves";
const MUNGE: &str = "daemons know each other by munge";

/// Options of slurm.conf(5).
const SLURM_CONF: &[Owned] = &[
    ("AccountingStorageBackupHost", ACCOUNTING),
    ("AccountingStorageHost", ACCOUNTING),
    ("AccountingStorageLoc", ACCOUNTING),
    ("AccountingStoragePass", ACCOUNTING),
    ("AccountingStoragePort", PORTS),
    ("AccountingStorageType", ACCOUNTING),
    ("AccountingStorageUser", ACCOUNTING),
    ("AuthInfo", MUNGE),
    ("AuthType", MUNGE),
    ("BackupAddr", HOSTS),
    ("BackupController", HOSTS),
    ("ClusterName", "use cluster"),
    ("ControlAddr", HOSTS),
    ("ControlMachine", HOSTS),
    ("CredType", MUNGE),
    ("CryptoType", MUNGE),
    ("DownNodes", "use scontrol update"),
    ("FrontendName", HOSTS),
    ("GresTypes", GPUS),
    ("Include", INCLUDE),
    ("NodeName", HOSTS),
    ("NodeSet", PARTITIONS),
    ("PartitionName", PARTITIONS),
    ("SlurmUser", "use identities.slurm"),
    ("SlurmctldAddr", HOSTS),
    ("SlurmctldHost", HOSTS),
    ("SlurmctldLogFile", PLACES),
    ("SlurmctldPidFile", PLACES),
    ("SlurmctldPort", PORTS),
    ("SlurmdLogFile", PLACES),
    ("SlurmdPidFile", PLACES),
    ("SlurmdPort", PORTS),
    ("SlurmdUser", "it is root"),
    ("SrunPortRange", "it is chosen so that a firewall can be opened for it"),
];

/// Options of cgroup.conf(5).
const CGROUP_CONF: &[Owned] = &[("CgroupPlugin", CGROUPS), ("CgroupAutomount", CGROUPS), ("Include", INCLUDE)];

/// Options of a partition's line.
const PARTITION: &[Owned] =
    &[("Default", "use default"), ("MaxTime", "use max_time"), ("Nodes", "use nodes"), ("PartitionName", "use name")];

fn find(list: &[Owned], option: &str) -> Option<&'static str> {
    list.iter().find(|(name, _)| name.eq_ignore_ascii_case(option)).map(|(_, instead)| *instead)
}

/// What to do instead of giving an option of slurm.conf(5) that the installer writes itself; `None` when it may be given.
pub fn owned_option(option: &str) -> Option<&'static str> {
    find(SLURM_CONF, option)
}

/// The same for cgroup.conf(5).
pub fn owned_cgroup_option(option: &str) -> Option<&'static str> {
    find(CGROUP_CONF, option)
}

/// The same for a partition's line in slurm.conf(5).
pub fn owned_partition_option(option: &str) -> Option<&'static str> {
    find(PARTITION, option)
}
