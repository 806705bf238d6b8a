//! What is said at the end: where the dashboard is, who signs in first, and what to do next.
use std::path::Path;

use slurmdash_installer::action::Action;
use slurmdash_installer::config::Config;
use slurmdash_installer::journal::{Begun, Came, Journal, RunId};
use slurmdash_installer::secrets::DASHBOARD_ADMIN;

use super::voice::{Colour, Voice};
use crate::cli::print_line;

/// The address people use.
pub fn dashboard_url(config: &Config) -> Option<String> {
    let host = config.dashboard_host()?;
    if let Some(url) = &config.dashboard.public_url {
        return Some(url.trim_end_matches('/').to_owned());
    }
    Some(format!("https://{}", authority(config, &host.address)))
}

/// The address at which the dashboard itself listens, as seen from another host.
pub fn direct_url(config: &Config) -> Option<String> {
    let host = config.dashboard_host()?;
    Some(format!("https://{}", authority(config, &host.address)))
}

fn authority(config: &Config, address: &str) -> String {
    let listen = config.dashboard.listen;
    let name = if listen.ip().to_canonical().is_unspecified() { address.to_owned() } else { listen.ip().to_string() };
    // Addresses of version 6 stand in brackets (RFC 3986, section 3.2.2).
    let name = if name.contains(':') && !name.starts_with('[') { format!("[{name}]") } else { name };
    format!("{name}:{}", listen.port())
}

/// Whether a step made the dashboard's first account.
fn made_admin(begun: &Begun) -> bool {
    matches!(begun.action, Action::AddDashboardAdmin(_)) && begun.came == Came::Done
}

/// Says it on standard output alone: the password must not be in the log.
pub fn say(voice: Voice, config: &Config, run: Option<&RunId>, journal: &Journal, state: &Path) {
    let Some(url) = dashboard_url(config) else {
        print_line("\nNext: sinfo and srun hostname, as a user of the cluster.");
        return;
    };
    let admin = &config.dashboard.admin.name;
    print_line(&format!("\nDashboard: {}", voice.paint(Colour::Bold, &url)));
    let file = state.join("secrets").join(DASHBOARD_ADMIN);
    let is_new = run.and_then(|run| journal.run(run)).is_some_and(|run| run.steps.iter().any(made_admin));
    let password = is_new.then(|| journal.secrets().get(DASHBOARD_ADMIN).ok().flatten()).flatten();
    // What comes next was said when the account was made.
    let Some(password) = password.and_then(|password| String::from_utf8(password).ok()) else { return };
    print_line(&format!("Sign in as {admin} with the password {}", password.trim_end()));
    print_line(&format!("It is shown only now, and kept in {} for root.", file.display()));
    if config.dashboard.tls.is_none() {
        print_line("The certificate is self-signed: browsers ask once (docs/tls.md says how to use your own).");
    }
    print_line(
        "Next: sign in, change the password (profile), make accounts for your people; slurmdash doctor looks at it all.",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dashboard: serde_json::Value) -> Config {
        let mut config: Config = serde_json::from_value(serde_json::json!({
            "cluster": "hpc",
            "hosts": [{"name": "head1", "address": "10.77.0.11", "roles": ["controller", "compute", "dashboard"],
                "node": {"cpus": null, "sockets": null, "cores_per_socket": null, "threads_per_core": null,
                    "memory_mib": null, "gpus": null, "features": []}}],
            "ssh": {}, "partitions": [], "storage": {"shared": null, "home": null}, "identities": {},
            "memory_margin": {},
            "accounting": {"enabled": false, "database_on_controller": false, "accounts": [], "qos": [], "users": []},
            "slurm": {"options": {}, "cgroup": {}, "ports": {}}, "dashboard": {}, "apptainer": false,
            "packages": "distribution", "versions": {},
        }))
        .unwrap();
        config.dashboard = serde_json::from_value(dashboard).unwrap();
        config
    }

    #[test]
    fn the_address_is_one_that_others_reach() {
        let url = |dashboard| dashboard_url(&config(dashboard));
        assert_eq!(url(serde_json::json!({})).as_deref(), Some("https://10.77.0.11:8443"));
        let own = serde_json::json!({"listen": "192.0.2.5:443"});
        assert_eq!(url(own).as_deref(), Some("https://192.0.2.5:443"));
        let public = serde_json::json!({"public_url": "https://hpc.example.org/"});
        assert_eq!(url(public).as_deref(), Some("https://hpc.example.org"));
        assert_eq!(
            url(serde_json::json!({"listen": "[2001:db8::1]:8443"})).as_deref(),
            Some("https://[2001:db8::1]:8443")
        );
        assert_eq!(url(serde_json::json!({"enabled": false})), None);
    }
}
