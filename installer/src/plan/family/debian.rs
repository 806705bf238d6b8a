//! Debian and Ubuntu. Source: the packages slurmctld, slurmd, slurmdbd, slurm-client, munge, mariadb-server and
//! nfs-kernel-server of Debian 12 and 13.
use super::{Family, Kind};
use crate::plan::version::SlurmVersion;

/// The names. `slurm-wlm` would bring slurmd to controllers, where its unit fails: daemons are named one by one.
pub(super) const FAMILY: Family = Family {
    kind: Kind::Debian,
    munge: "munge",
    client: "slurm-client",
    daemons: ["slurmctld", "slurmd", "slurmdbd"],
    mariadb: "mariadb-server",
    nfs_server: "nfs-kernel-server",
    nfs_client: "nfs-common",
    sshd_unit: "ssh.service",
    options: "/etc/default",
    mariadb_conf: "/etc/mysql/mariadb.conf.d/60-slurmdash.cnf",
    sources: crate::host::APT_SOURCE,
    extra_sources: None,
    ships_slurm_conf: false,
    rotates_logs: false,
};

/// Releases, with their Slurm.
pub(super) const SLURM: &[(&str, &str, SlurmVersion)] = &[
    ("debian", "12", SlurmVersion(22, 5)),
    ("debian", "13", SlurmVersion(24, 11)),
    ("ubuntu", "22.04", SlurmVersion(21, 8)),
    ("ubuntu", "24.04", SlurmVersion(23, 11)),
];
