//! slurmdash: program, configuration, first admin, unit.
use std::fmt::Write as _;
use std::net::SocketAddr;

use super::Phase;
use super::admin::REMEMBERED;
use super::draft::{self, Draft, Steps};
use super::site::Site;
use crate::action::{Action, AddDashboardAdmin, Content, Expected, Holds, PutProgram};
use crate::finding::Finding;

/// slurmdash's program.
pub(crate) const PROGRAM: &str = "/usr/local/bin/slurmdash";
/// Its configuration.
pub(crate) const CONFIGURATION: &str = "/etc/slurmdash/slurmdash.yaml";
/// Its data.
pub(crate) const DATA: &str = "/var/lib/slurmdash";
/// The Unix user it runs as.
pub(crate) const USER: &str = "slurmdash";
/// Its unit.
pub(crate) const UNIT: &str = "slurmdash.service";
/// Name of the first admin's password among the secrets of its host.
pub(crate) const PASSWORD: &str = "dashboard-admin-password";
const UNIT_FILE: &str = "/etc/systemd/system/slurmdash.service";
const KNOWN_HOSTS: &str = "/etc/slurmdash/known_hosts";
/// The login host's public key.
pub(crate) const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key.pub";

/// All of it, on its host.
pub(crate) fn plan(site: &Site, draft: &mut Draft) -> Result<(), Finding> {
    let Some(host) = site.dashboard() else { return Ok(()) };
    let name = host.name();
    let mut steps = Steps::new(Phase::Dashboard, "slurmdash");
    let mut causes = vec![steps.add(name, Action::PutProgram(PutProgram { path: PROGRAM.into() }))];
    causes.push(steps.add(name, draft::file(KNOWN_HOSTS, known_hosts(site)?)));
    let text = Content::Text(configuration(site).into());
    let file = draft::owned_file(CONFIGURATION, text, "root", 0o644);
    causes.push(steps.add(name, draft::checked(file, &[PROGRAM, "config", "check", "{}"])));
    causes.push(steps.add(name, draft::file(UNIT_FILE, unit(site))));

    draft.give(name, PASSWORD, &site.secrets.dashboard_admin_password.0);
    steps.add(name, draft::directory(DATA, USER, 0o700, Holds::Data));
    steps.add(
        name,
        Action::AddDashboardAdmin(AddDashboardAdmin {
            name: site.config.dashboard.admin.name.clone(),
            unix_user: site.admin.login.clone(),
            password: PASSWORD.to_owned(),
            program: PROGRAM.into(),
            configuration: CONFIGURATION.into(),
            run_as: USER.to_owned(),
        }),
    );
    causes.extend(steps.add_when(name, draft::answers_later(draft::restart(UNIT, None)), &causes.clone()));
    causes.push(steps.add(name, draft::answers_later(draft::running(UNIT, None))));
    for action in draft::open(&host.facts.firewalls, &[site.config.dashboard.listen.port().to_string()]) {
        steps.add(name, action);
    }
    let wait = draft::answers(UNIT, Expected::DashboardAnswers { url: url(site) }, 60, None);
    steps.add_when(name, wait, &causes);
    draft.push(site, steps);
    Ok(())
}

/// Where slurmdash answers on its own host.
pub(crate) fn url(site: &Site) -> String {
    let listen = site.config.dashboard.listen;
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    format!("https://{}", SocketAddr::new(ip, listen.port()))
}

/// The login host's key under the name that slurmdash calls it by.
fn known_hosts(site: &Site) -> Result<String, Finding> {
    let Some(login) = site.login() else { return Ok(String::new()) };
    let mut words = login.file(HOST_KEY).unwrap_or_default().split_whitespace();
    match (words.next(), words.next()) {
        (Some("ssh-ed25519"), Some(key)) => Ok(match site.config.ssh.port {
            Some(port) if port != 22 => format!("[{}]:{port} ssh-ed25519 {key}\n", login.name()),
            _ => format!("{} ssh-ed25519 {key}\n", login.name()),
        }),
        _ => Err(Finding::error(
            Some(login.name()),
            format!("sshd has no Ed25519 host key ({HOST_KEY}), by which slurmdash knows the login host"),
            "install openssh-server, and run: ssh-keygen -A",
        )),
    }
}

fn configuration(site: &Site) -> String {
    let dashboard = &site.config.dashboard;
    let mut text = format!(
        "# Written by `slurmdash install` from cluster.yaml. What the keys mean: `slurmdash config show`.\n\
         {REMEMBERED}{}\n\
         data_dir: {DATA}\n\
         http:\n  listen: {}\n",
        site.admin.login,
        quoted(&dashboard.listen.to_string())
    );
    if let Some(url) = &dashboard.public_url {
        let _ = writeln!(text, "  public_url: {}", quoted(url));
    }
    if !dashboard.allowed_origins.is_empty() {
        text.push_str("  allowed_origins:\n");
        for origin in &dashboard.allowed_origins {
            let _ = writeln!(text, "    - {}", quoted(origin));
        }
    }
    text.push_str("tls:\n  mode: on\n");
    if let Some(tls) = &dashboard.tls {
        let path = |path: &std::path::Path| quoted(&path.display().to_string());
        let _ = writeln!(text, "  certificate: {}\n  key: {}", path(&tls.certificate), path(&tls.key));
    }
    if let Some(login) = site.login() {
        let _ = writeln!(text, "ssh:\n  enabled: true\n  host: {}\n  known_hosts: {KNOWN_HOSTS}", quoted(login.name()));
        if let Some(port) = site.config.ssh.port {
            let _ = writeln!(text, "  port: {port}");
        }
    }
    text.push_str("slurm:\n  backend: cli\n");
    text
}

/// A scalar that YAML takes for nothing but text: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn unit(site: &Site) -> String {
    let is_low = site.config.dashboard.listen.port() < 1024;
    let capabilities = if is_low {
        "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE"
    } else {
        "CapabilityBoundingSet="
    };
    format!(
        include_str!("../../../templates/slurm/slurmdash.service"),
        user = USER,
        program = PROGRAM,
        configuration = CONFIGURATION,
        data = DATA,
        capabilities = capabilities,
    )
}
