//! What the daemons' last words mean, and what to do.
//!
//! Sources: the daemons' own messages, as the sources of Slurm, munge and MariaDB have them.
use std::path::Path;

use super::StepError;
use crate::host::{Command, Host};

/// Lines of a log that are shown.
const LINES: u32 = 12;

const NO_PLUGIN: &str = "slurm.conf names a plugin that this build of Slurm does not have: look at what cluster.yaml says in \
     slurm.options";

/// Words in a log, and what they mean with what to do. The first that fits is told, so the more exact come first.
const CAUSES: &[(&str, &str)] = &[
    (
        "Hybrid mode is not supported",
        "this host has control groups of both versions, which Slurm's cgroup/v2 plugin refuses: CgroupPlugin in cgroup.conf \
         must be cgroup/v1, or disabled from Slurm 23.02 on",
    ),
    (
        "cannot find cgroup plugin",
        "the cgroup plugin that cgroup.conf names is not in this build of Slurm: name another as CgroupPlugin",
    ),
    ("plugin for ", NO_PLUGIN),
    ("specified plugin name", NO_PLUGIN),
    (
        "Incompatible versions",
        "another part of Slurm has a release that is too far away: upgrade slurmdbd first, then slurmctld, then slurmd",
    ),
    (
        "Unable to determine this slurmd's NodeName",
        "slurm.conf has no NodeName with this host's name: the name in cluster.yaml must be what `hostname -s` says here",
    ),
    (
        "This host is not a valid controller",
        "slurm.conf has no SlurmctldHost with this host's name: the name in cluster.yaml must be what `hostname -s` says here",
    ),
    (
        "CLUSTER NAME MISMATCH",
        "the state folder belongs to a cluster of another name: give the old name, or move the state folder away",
    ),
    ("Rewound credential", "the clocks of the two hosts differ: let both keep time (NTP)"),
    ("Expired credential", "the clocks of the two hosts differ: let both keep time (NTP)"),
    ("Invalid credential", "the two hosts have different munge keys: /etc/munge/munge.key must be the same on all"),
    ("Keyfile is insecure", "/etc/munge/munge.key must belong to munge and be readable by nobody else (0400)"),
    ("Failed to open keyfile", "/etc/munge/munge.key is missing, or munge may not read it"),
    ("Failed to access keyfile", "/etc/munge/munge.key is missing, or munge may not read it"),
    ("Munge encode failed", "munged does not run here, or does not answer: `systemctl status munge`"),
    (
        "slurmdbd.conf file",
        "slurmdbd.conf must belong to SlurmUser with mode 0600, because it has the database's password",
    ),
    (
        "Access denied for user",
        "the database has this user with another password: drop that user, or give it the password",
    ),
    ("Unknown database", "the accounting database is missing: run the installer's phase `database`"),
    ("Can't connect to local server through socket", "MariaDB does not run: `systemctl status mariadb`"),
    (
        "Can't connect to MySQL server",
        "the database does not answer: does MariaDB run there, and does a firewall let this host in?",
    ),
    ("innodb_buffer_pool_size", "MariaDB has less memory than slurmdbd recommends; it is a warning"),
    ("Unable to parse config", "the configuration has an option that this release of Slurm does not know"),
    ("Parsing error at unrecognized key", "the configuration has an option that this release of Slurm does not know"),
    ("Address already in use", "another program has the port: `ss -ltnp` shows which; stop it, or choose another port"),
    ("Cannot assign requested address", "the host's own name leads to an address it does not have: look at /etc/hosts"),
    (
        "Name or service not known",
        "a host's name in the configuration can't be looked up here: look at /etc/hosts or the DNS",
    ),
    (
        "Unable to contact slurm controller",
        "slurmctld does not answer: does it run, and does a firewall let this host in?",
    ),
    ("No space left on device", "the disk is full: `df -h` shows which"),
    ("Read-only file system", "a file system is mounted read-only: look at `dmesg`"),
    (
        "Permission denied",
        "the daemon may not use a file or folder that its configuration names: look at owner and mode",
    ),
    ("Out of memory", "the host has too little memory"),
    ("unmet condition", "its configuration file is not there"),
];

/// The likely cause of what a log says, from its last lines up.
fn of<S: AsRef<str>>(log: &[S]) -> Option<&'static str> {
    let in_line = |line: &str| CAUSES.iter().find(|(words, _)| line.contains(words)).map(|(_, meaning)| *meaning);
    log.iter().rev().find_map(|line| in_line(line.as_ref()))
}

/// The last lines of a unit's journal and of a daemon's own log. What can't be read is left out.
pub(super) fn log(host: &dyn Host, unit: Option<&str>, file: Option<&Path>) -> Vec<String> {
    let mut lines = unit.and_then(|unit| host.unit_log(unit, LINES).ok()).unwrap_or_default();
    if let Some(file) = file {
        let command =
            Command::new("tail").args(["-n", &LINES.to_string(), "--"]).args([file.to_string_lossy()]).within(10);
        if let Ok(output) = host.run(&command)
            && output.is_ok()
        {
            lines.extend(output.text().lines().map(str::to_owned));
        }
    }
    lines
}

/// The error of something that was done in vain, with the likely cause and the log.
pub(super) fn not_reached(said: &str, log: Vec<String>) -> StepError {
    // The cause may be in what is said itself.
    let cause = of(&log).or_else(|| of(&[said]));
    let said = cause.map_or_else(|| said.to_owned(), |cause| format!("{said}. Likely cause: {cause}"));
    StepError::NotReached { said, log }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_count_most() {
        let log = ["slurmd: error: Address already in use", "slurmd: fatal: Hybrid mode is not supported. Mounted"];
        assert!(of(&log).is_some_and(|cause| cause.contains("cgroup/v1")), "{:?}", of(&log));
        assert_eq!(of(&["all is well"]), None);
    }

    #[test]
    fn a_cause_in_the_error_itself_is_told() {
        let error = not_reached("sacctmgr: Unable to contact slurm controller", Vec::new());
        assert!(error.to_string().contains("firewall"), "{error}");
    }
}
