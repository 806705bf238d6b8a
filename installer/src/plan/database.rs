//! The accounting database and slurmdbd.
use super::Phase;
use super::draft::{self, Draft, Steps};
use super::family::Daemon;
use super::site::{LOGS, Site};
use crate::action::{Action, Holds, MakeDatabase};

/// Name of the database, as Slurm calls it by default.
pub(crate) const DATABASE: &str = "slurm_acct_db";
/// slurmdbd's user there.
const USER: &str = "slurm";
const MARIADB: &str = "mariadb.service";
/// Where slurmdbd's configuration is.
const CONFIGURATION: &str = "/etc/slurm/slurmdbd.conf";
/// slurmdbd's log.
pub(crate) const LOG: &str = "/var/log/slurm/slurmdbd.log";

/// MariaDB, the database, slurmdbd.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let Some(host) = site.database() else { return };
    let name = host.name();
    let mut steps = Steps::new(Phase::Database, "accounting database and slurmdbd");
    let text = tuning(host.facts.memory_mib, host.host.roles.len() == 1);
    let tuned = steps.add(name, draft::file(host.family.mariadb_conf, text));
    steps.add_when(name, draft::restart(MARIADB, None), &[tuned]);
    steps.add(name, draft::running(MARIADB, None));
    draft.give(name, "database-password", &site.secrets.database_password.0);
    steps.add(
        name,
        Action::MakeDatabase(MakeDatabase {
            name: DATABASE.to_owned(),
            user: USER.to_owned(),
            password: "database-password".to_owned(),
        }),
    );

    steps.add(name, draft::directory(LOGS, "slurm", 0o755, Holds::Scratch));
    let content = draft.secret(name, "slurmdbd.conf", configuration(site, name).as_bytes());
    let written = steps.add(name, draft::owned_file(CONFIGURATION, content, "slurm", 0o600));
    if let Some(rotated) = super::configuration::rotation(host, Daemon::Database) {
        steps.add(name, rotated);
    }
    // The controller waits for its answer.
    let is_asked = site.controller().is_some_and(|controller| controller.name() == name);
    let started = |action| if is_asked { draft::answers_later(action) } else { action };
    steps.add_when(name, started(draft::restart(Daemon::Database.unit(), Some(LOG))), &[written]);
    steps.add(name, started(draft::running(Daemon::Database.unit(), Some(LOG))));
    if site.config.hosts.len() > 1 {
        for action in draft::open(&host.facts.firewalls, &[site.config.slurm.ports.slurmdbd.to_string()]) {
            steps.add(name, action);
        }
    }
    draft.push(site, steps);
}

/// MariaDB's memory in steps of two, so that a few MiB more or less change nothing: an eighth of the host's, half of it
/// where the host does nothing else; its log a quarter of that, as Slurm's documents advise.
fn tuning(memory_mib: u64, alone: bool) -> String {
    let share = memory_mib / if alone { 2 } else { 8 };
    let pool = (1_u64 << share.max(1).ilog2()).clamp(128, 32 << 10);
    format!(include_str!("../../../templates/slurm/mariadb.cnf"), pool_mib = pool, log_mib = (pool / 4).clamp(64, 1024))
}

fn configuration(site: &Site, name: &str) -> String {
    let Some(host) = site.host(name) else { return String::new() };
    let pid_file = host.family.pid_file(Daemon::Database, site.slurm);
    draft::tidy(&format!(
        include_str!("../../../templates/slurm/slurmdbd.conf"),
        host = name,
        address = host.host.address,
        port = site.config.slurm.ports.slurmdbd,
        logs = LOGS,
        pid_file = pid_file.map(|path| format!("PidFile={path}")).unwrap_or_default(),
        database = DATABASE,
        user = USER,
        password = String::from_utf8_lossy(&site.secrets.database_password.0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_memory_goes_in_steps() {
        let pool = |memory, alone| {
            let text = tuning(memory, alone);
            let line = text.lines().find(|line| line.starts_with("innodb_buffer_pool_size")).unwrap().to_owned();
            line.split(" = ").nth(1).unwrap().to_owned()
        };
        assert_eq!(pool(600, false), "128M");
        assert_eq!(pool(15_990, false), "1024M");
        assert_eq!(pool(15_900, false), "1024M");
        assert_eq!(pool(15_990, true), "4096M");
        assert_eq!(pool(4_000_000, true), "32768M");
    }
}
