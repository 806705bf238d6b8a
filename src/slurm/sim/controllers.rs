//! The simulated cluster's controllers. One is away while there is a file with its name in the folder [`AWAY`]: for tests,
//! and to see in a demo what people are told. Jobs that run go on without any of them.

use std::path::Path;

use slurmdash_api::cluster::{Controller, ControllerRole};

/// Within the cluster's own folder: a file for each controller that is away.
pub const AWAY: &str = "away";

/// In the order in which they take over.
const HOSTS: [(&str, ControllerRole); 2] = [("head1", ControllerRole::Primary), ("head2", ControllerRole::Backup)];

/// All of them; `dir` is the cluster's own folder.
pub fn look(dir: &Path) -> Vec<Controller> {
    let away = dir.join(AWAY);
    let controller =
        |(host, role): (&str, _)| Controller { host: host.to_owned(), role, answers: !away.join(host).exists() };
    HOSTS.map(controller).into()
}
