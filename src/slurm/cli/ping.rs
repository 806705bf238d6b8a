//! `scontrol ping`: one line for each controller, in the order in which they take over from each other.
//!
//! ```text
//! Slurmctld(primary) at head1 is DOWN
//! Slurmctld(backup) at head2 is UP
//! ```
//!
//! With more than two the backups are numbered (`backup1`), and root is shown a banner when one is down. Its exit code is
//! 1 when none answers. Source: `_print_ping` and `_ping_slurmctld` in scontrol.c, the same from 18.08 to 24.11.

use slurmdash_api::cluster::{Controller, ControllerRole};

use crate::slurm::notation::Malformed;

/// Reads what `scontrol ping` prints.
pub fn controllers(text: &str) -> Result<Vec<Controller>, Malformed> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("Slurmctld("));
    let controllers = lines.map(|line| controller(line).ok_or_else(|| Malformed(format!("Slurmctld({line}"))));
    let controllers = controllers.collect::<Result<Vec<Controller>, Malformed>>()?;
    if controllers.is_empty() {
        return Err(Malformed("no controller".to_owned()));
    }
    Ok(controllers)
}

/// Reads a line after its `Slurmctld(`.
fn controller(line: &str) -> Option<Controller> {
    let (mode, line) = line.split_once(") at ")?;
    let (host, state) = line.split_once(" is ")?;
    let role = match mode.strip_prefix("backup") {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => ControllerRole::Backup,
        None if mode == "primary" => ControllerRole::Primary,
        _ => return None,
    };
    let answers = match state {
        "UP" => true,
        "DOWN" => false,
        _ => return None,
    };
    let is_name = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-_:".contains(c));
    is_name.then(|| Controller { host: host.to_owned(), role, answers })
}
