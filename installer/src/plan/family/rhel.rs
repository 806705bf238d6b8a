//! Red Hat Enterprise Linux and those like it (Rocky, Alma, …), with Slurm from EPEL.
use super::{Family, Kind};
use crate::plan::version::SlurmVersion;

/// The names.
pub(super) const FAMILY: Family = Family {
    kind: Kind::Rhel,
    munge: "munge",
    client: "slurm",
    daemons: ["slurm-slurmctld", "slurm-slurmd", "slurm-slurmdbd"],
    mariadb: "mariadb-server",
    nfs_server: "nfs-utils",
    nfs_client: "nfs-utils",
    sshd_unit: "sshd.service",
    options: "/etc/sysconfig",
    mariadb_conf: "/etc/my.cnf.d/60-slurmdash.cnf",
    sources: "/etc/yum.repos.d/slurmdash.repo",
    extra_sources: Some("epel-release"),
    ships_slurm_conf: true,
    rotates_logs: true,
};

/// Releases, with EPEL's Slurm. Only until the host itself can be asked.
pub(super) const SLURM: &[(&str, &str, SlurmVersion)] =
    &[("rhel", "8", SlurmVersion(20, 11)), ("rhel", "9", SlurmVersion(22, 5)), ("rhel", "10", SlurmVersion(24, 11))];
