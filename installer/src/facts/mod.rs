//! What is on a host before anything is done: gathered there in one go, and all that the planner sees.
mod gather;
mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::host::{Group, Unit, User};

pub use gather::{Itself, gather};
pub(crate) use read::os_release;

/// What is asked besides what is always told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Names to be looked up by the host: other hosts.
    pub names: Vec<String>,
    /// Ports that should be free, or be ours.
    pub ports: Vec<u16>,
    /// Folders whose free room matters; the nearest one that is there is asked.
    pub folders: Vec<PathBuf>,
    /// Files whose content matters when they are there (at most 1 MiB each, no secrets).
    pub files: Vec<PathBuf>,
    /// Files of which only the SHA-256 matters.
    pub digests: Vec<PathBuf>,
    /// Packages of which is asked which version could be had.
    pub packages: Vec<String>,
    /// Packages will come from a source that is yet to be written; those that the host has may be out of reach.
    #[serde(default)]
    pub own_source: bool,
    /// Units.
    pub units: Vec<String>,
    /// The mirrors are asked first what there is.
    #[serde(default)]
    pub asks_mirrors: bool,
}

/// Which of the two kinds of control groups a host has. Source: cgroups(7); Slurm's `cgroup/v2` plugin refuses `Hybrid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cgroup {
    /// The unified tree alone.
    V2,
    /// Version 1 alone.
    V1,
    /// Both: `/proc/self/cgroup` of systemd lists hierarchies of version 1 too.
    Hybrid,
    /// None.
    Absent,
}

/// os-release(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Os {
    /// `debian`, `ubuntu`, `rocky`, …
    pub id: String,
    /// `12`, `24.04`, `9.4`, …
    pub version: String,
    /// As it calls itself.
    pub name: String,
    /// Those it is like (`ID_LIKE`), such as `rhel`, `debian`.
    pub like: Vec<String>,
}

/// Processors, as lscpu(1) and Slurm count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpus {
    /// Logical CPUs.
    pub total: u32,
    /// Sockets.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores_per_socket: u32,
    /// Threads of a core.
    pub threads_per_core: u32,
}

/// Slurm as it runs on the host already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmFacts {
    /// `slurmctld -V`, `slurmd -V`, … as `22.05.8`.
    pub version: Option<String>,
    /// Jobs that run on this host (`scontrol listpids` or processes of slurmstepd), as ids.
    pub running_jobs: Vec<u32>,
    /// Whether `scontrol ping` says that the first controller answers.
    pub controller_answers: Option<bool>,
}

/// All that is known of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its own short name.
    pub hostname: String,
    /// Its full name, as it knows itself.
    pub fqdn: String,
    /// Addresses of its interfaces, loopback left out.
    pub addresses: Vec<std::net::IpAddr>,
    /// Operating system.
    pub os: Os,
    /// `x86_64`, `aarch64`.
    pub architecture: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Whether systemd is the first process.
    pub has_systemd: bool,
    /// Processors.
    pub cpus: Cpus,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// GPU devices (`/dev/nvidia0`, …).
    pub gpus: Vec<PathBuf>,
    /// Control groups.
    pub cgroup: Cgroup,
    /// The host's clock when it was asked, milliseconds since 1970.
    pub clock_ms: i64,
    /// The user that the installer is there; must be 0.
    pub uid: u32,
    /// The user who ran sudo, where one did.
    pub sudo_user: Option<String>,
    /// Users.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Installed packages, all, with their versions.
    pub packages: BTreeMap<String, String>,
    /// Packages that were asked for, and the version that could be had; absent where there is none.
    pub available: BTreeMap<String, String>,
    /// Why the package sources did not answer, when they had to be asked what there is.
    #[serde(default)]
    pub sources_away: Option<String>,
    /// Units that were asked for.
    pub units: BTreeMap<String, Unit>,
    /// Ports that were asked for and are listened on, with the program's name where it is known.
    pub ports: BTreeMap<u16, String>,
    /// Names that were asked for, with the addresses they have; empty where they have none.
    pub names: BTreeMap<String, Vec<std::net::IpAddr>>,
    /// Free room in the folders that were asked for, MiB.
    pub free_mib: BTreeMap<PathBuf, u64>,
    /// Files that were asked for and are there, as text.
    pub files: BTreeMap<PathBuf, String>,
    /// SHA-256 of files that were asked for and are there.
    pub digests: BTreeMap<PathBuf, String>,
    /// `enforcing`, `permissive`; absent without `SELinux`.
    pub selinux: Option<String>,
    /// Whether `AppArmor` is on.
    pub apparmor: bool,
    /// Firewalls that are active: `firewalld`, `ufw`, `nftables`.
    pub firewalls: Vec<String>,
    /// Slurm, as it runs there.
    pub slurm: SlurmFacts,
}

impl Facts {
    /// Sets the clock to what it showed at one moment for all hosts, milliseconds since 1970 by the clock here. It was
    /// read at some time between the question and the answer: what lies between them is right.
    pub fn as_of(&mut self, moment: i64, asked: i64, answered: i64) {
        self.clock_ms = moment + self.clock_ms - self.clock_ms.clamp(asked, answered.max(asked));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_clock_is_off_only_outside_of_the_time_that_the_question_took() {
        for (showed, off) in [(1_000, 0), (9_000, 0), (900, -100), (9_300, 300)] {
            let mut facts = crate::config::tests::facts("head1", &[], 0);
            facts.clock_ms = showed;
            facts.as_of(500, 1_000, 9_000);
            assert_eq!(facts.clock_ms, 500 + off, "{showed}");
        }
    }
}
