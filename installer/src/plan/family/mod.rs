//! What distributions call things: packages, units, places. The rest of the planner knows none of these names.
mod debian;
mod rhel;

use crate::config::Role;
use crate::facts::Os;
use crate::plan::version::SlurmVersion;

/// A daemon of Slurm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// slurmctld.
    Controller,
    /// slurmd.
    Node,
    /// slurmdbd.
    Database,
}

impl Daemon {
    /// The program's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Controller => "slurmctld",
            Self::Node => "slurmd",
            Self::Database => "slurmdbd",
        }
    }

    /// Its unit, called the same everywhere.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Controller => "slurmctld.service",
            Self::Node => "slurmd.service",
            Self::Database => "slurmdbd.service",
        }
    }
}

/// A kind of distribution, with the names it gives to things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    /// Which kind.
    pub(crate) kind: Kind,
    /// Its package of munge, then those that every client of Slurm needs.
    pub(crate) munge: &'static str,
    /// Slurm's commands.
    pub(crate) client: &'static str,
    /// slurmctld, slurmd, slurmdbd.
    pub(crate) daemons: [&'static str; 3],
    /// MariaDB's server.
    pub(crate) mariadb: &'static str,
    /// Serves NFS.
    pub(crate) nfs_server: &'static str,
    /// Mounts NFS.
    pub(crate) nfs_client: &'static str,
    /// sshd's unit.
    pub(crate) sshd_unit: &'static str,
    /// Folder of the files that units read their daemons' options from.
    pub(crate) options: &'static str,
    /// Our file among MariaDB's.
    pub(crate) mariadb_conf: &'static str,
    /// Our file among the package sources.
    pub(crate) sources: &'static str,
    /// The package that brings the source of Slurm's packages.
    pub(crate) extra_sources: Option<&'static str>,
    /// Whether Slurm's packages bring a slurm.conf, which commands would take for the cluster's.
    pub(crate) ships_slurm_conf: bool,
    /// Whether the packages' own logrotate file makes the daemons open a new log.
    pub(crate) rotates_logs: bool,
}

/// The two kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Debian and Ubuntu.
    Debian,
    /// Red Hat Enterprise Linux and those like it, with EPEL.
    Rhel,
}

impl Family {
    /// All.
    pub(crate) const ALL: [Self; 2] = [debian::FAMILY, rhel::FAMILY];

    /// The kind of a host; `None` when we know nothing of it.
    pub(crate) fn of(os: &Os) -> Option<Self> {
        let is = |name: &str| os.id == name || os.like.iter().any(|like| like == name);
        if is("debian") || is("ubuntu") {
            Some(debian::FAMILY)
        } else if is("rhel") || is("centos") {
            Some(rhel::FAMILY)
        } else {
            None
        }
    }

    /// The package of a daemon.
    pub(crate) fn package(&self, daemon: Daemon) -> &'static str {
        self.daemons[match daemon {
            Daemon::Controller => 0,
            Daemon::Node => 1,
            Daemon::Database => 2,
        }]
    }

    /// Packages of Slurm, munge and MariaDB for a part in the cluster.
    pub(crate) fn packages(&self, role: Role) -> Vec<&'static str> {
        let slurm = |daemon| vec![self.munge, self.client, self.package(daemon)];
        match role {
            Role::Controller | Role::BackupController => slurm(Daemon::Controller),
            Role::Compute => slurm(Daemon::Node),
            Role::Login | Role::Dashboard => vec![self.munge, self.client],
            Role::Database => vec![self.munge, self.package(Daemon::Database), self.mariadb],
            Role::Storage => Vec::new(),
        }
    }

    /// Where a daemon's PID file is, when it is not where Slurm puts it by itself. Newer units run the daemon as the user
    /// slurm with a folder of its own below `/run`.
    pub(crate) fn pid_file(&self, daemon: Daemon, version: SlurmVersion) -> Option<String> {
        match (self.kind, daemon) {
            (Kind::Rhel, _) => Some(format!("/run/slurm/{}.pid", daemon.name())),
            (Kind::Debian, Daemon::Node) => None,
            (Kind::Debian, _) => version.has_own_user().then(|| format!("/run/{0}/{0}.pid", daemon.name())),
        }
    }

    /// Slurm's release in a distribution, for hosts whose package sources can't be asked yet.
    pub(crate) fn usual_slurm(&self, os: &Os) -> Option<SlurmVersion> {
        let table = match self.kind {
            Kind::Debian => debian::SLURM,
            Kind::Rhel => rhel::SLURM,
        };
        let name = |id: &str, version: &str| {
            let is_id = os.id == id || (self.kind == Kind::Rhel && id == "rhel");
            is_id && (os.version == version || os.version.starts_with(&format!("{version}.")))
        };
        table.iter().find(|(id, version, _)| name(id, version)).map(|(.., slurm)| *slurm)
    }

    /// Whether this release of the distribution is one that we say works.
    pub(crate) fn is_supported(&self, os: &Os) -> bool {
        self.usual_slurm(os).is_some()
    }
}
