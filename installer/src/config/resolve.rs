//! From the file to the whole configuration: sections that stand for themselves are judged here, hosts, partitions and
//! accounts beside it.
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::problem::{KeyPath, Report, quoted};
use super::{
    Config, Dashboard, Identities, Identity, Packages, Share, ShareFrom, Slurm, Ssh, Storage, accounting, file, hosts,
    names, owned_cgroup_option, owned_option, partitions,
};

/// Folders of the system that no shared folder may hide.
const SYSTEM_FOLDERS: [&str; 15] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr",
    "/var", "/var/lib",
];

/// Whether it is a folder that no shared one may hide.
pub(super) fn is_system_folder(path: &str) -> bool {
    SYSTEM_FOLDERS.contains(&path)
}

/// Fills in what is absent and reports what is wrong.
pub(super) fn resolve(written: file::File, report: &mut Report) -> Config {
    if !names::is_cluster_name(&written.cluster) {
        let message = format!("is no name for a cluster: {}", quoted(&written.cluster));
        report.advise(&"cluster".into(), message, "lower-case letters, digits, _ and - make one, at most 40");
    }
    let hosts = hosts::resolve(&written.hosts, report);
    let storage = storage(&written.storage, report);
    hosts.judge_roles(written.accounting.enabled, written.dashboard.enabled, report);
    hosts.judge_backup(storage.shared.as_ref(), &written.accounting, report);
    hosts.judge_storage(&servers(&storage), report);
    let partitions = partitions::resolve(written.partitions.as_deref(), &hosts.all, report);
    judge_ssh(&written.ssh, report);
    judge_identities(&written.identities, report);
    let slurm = Slurm { options: written.slurm.options, cgroup: written.slurm.cgroup, ports: written.slurm.ports };
    judge_slurm(&slurm, report);
    let dashboard = dashboard(written.dashboard, report);
    judge_ports(&slurm, &written.ssh, dashboard.enabled.then_some(dashboard.listen), report);
    if let Some(version) = written.versions.slurm.as_ref().filter(|version| !names::is_version(version)) {
        let message = format!("is no version of Slurm: {}", quoted(version));
        report.advise(&"versions.slurm".into(), message, "write \"22.05\" or \"22.05.8\"");
    }
    Config {
        accounting: accounting::resolve(&written.accounting, &written.cluster, report),
        cluster: written.cluster,
        hosts: hosts.all,
        ssh: written.ssh,
        partitions,
        storage,
        identities: written.identities,
        memory_margin: written.memory_margin,
        slurm,
        dashboard,
        apptainer: written.apptainer,
        packages: packages(&written.packages.source, report),
        versions: written.versions,
    }
}

/// Options have plain names and values, each name once, and none is one that the installer writes itself.
pub(super) fn judge_options(
    options: &BTreeMap<String, String>,
    path: &KeyPath,
    owned: impl Fn(&str) -> Option<&'static str>,
    report: &mut Report,
) {
    let mut seen = HashMap::new();
    for (name, value) in options {
        let path = path.key(name);
        if !names::is_option_name(name) {
            report.refuse(&path, "is no name for an option");
        } else if let Some(instead) = owned(name) {
            report.advise(&path, "is written by the installer", instead);
        } else if let Some(first) = seen.insert(name.to_lowercase(), name) {
            report.refuse(&path, format!("is the same option as {first}"));
        }
        if let Some(wrong) = names::wrong_value(value) {
            report.refuse(&path, wrong);
        }
    }
}

fn judge_slurm(slurm: &Slurm, report: &mut Report) {
    judge_options(&slurm.options, &"slurm.options".into(), owned_option, report);
    judge_options(&slurm.cgroup, &"slurm.cgroup".into(), owned_cgroup_option, report);
    for (name, value) in &slurm.options {
        let configless = value.split(',').any(|word| word.eq_ignore_ascii_case("enable_configless"));
        if name.eq_ignore_ascii_case("SlurmctldParameters") && !configless {
            let message = "must hold enable_configless, by which nodes get their configuration";
            let suggestion = format!("write enable_configless,{}", quoted(value).trim_matches('"'));
            report.advise(&KeyPath::from("slurm.options").key(name), message, suggestion);
        }
    }
}

fn judge_ssh(ssh: &Ssh, report: &mut Report) {
    if !names::is_login(&ssh.user) {
        report.refuse(&"ssh.user".into(), format!("is no login: {}", quoted(&ssh.user)));
    }
    let key = ssh.key.as_ref().map(|key| key.to_string_lossy());
    if let Some(key) = key.filter(|key| !names::is_key_file(key)) {
        let message = format!("must be a plain path that is absolute or begins with ~/, not {}", quoted(&key));
        report.refuse(&"ssh.key".into(), message);
    }
    if let Some(jump) = ssh.jump.as_ref().filter(|jump| !names::is_jump(jump)) {
        let message = format!("must be [user@]host[:port], several with commas, not {}", quoted(jump));
        report.refuse(&"ssh.jump".into(), message);
    }
}

fn judge_identities(identities: &Identities, report: &mut Report) {
    let given = [("munge", identities.munge), ("slurm", identities.slurm), ("dashboard", identities.dashboard)];
    let section = KeyPath::from("identities");
    let (mut uids, mut gids) = (HashMap::new(), HashMap::new());
    for (name, identity) in given {
        let Some(Identity { uid, gid }) = identity else { continue };
        for (key, number, seen) in [("uid", uid, &mut uids), ("gid", gid, &mut gids)] {
            let path = section.key(name).key(key);
            if matches!(number, 65_534 | 65_535) {
                report.refuse(&path, format!("must not be {number}, which stands for nobody"));
            }
            if let Some(first) = seen.insert(number, name) {
                report.refuse(&path, format!("is {number}, which {first} has already"));
            }
        }
    }
}

fn share(written: &file::Share, key: &str, report: &mut Report) -> Share {
    let path = KeyPath::from("storage").key(key).key("path");
    if !names::is_clean_path(&written.path) {
        let words = "must be an absolute path of letters, digits and /._+@-, without .. and a last /";
        report.refuse(&path, format!("{words}, not {}", quoted(&written.path)));
    } else if is_system_folder(&written.path) {
        report.advise(&path, format!("must not be {}, a folder of the system", written.path), "use /shared or /srv/…");
    }
    let from = match written.from.as_str() {
        "existing" => ShareFrom::Existing,
        host => ShareFrom::Host(host.to_owned()),
    };
    Share { path: PathBuf::from(&written.path), from }
}

fn storage(written: &file::Storage, report: &mut Report) -> Storage {
    let storage = Storage {
        shared: written.shared.as_ref().map(|written| share(written, "shared", report)),
        home: written.home.as_ref().map(|written| share(written, "home", report)),
    };
    if let (Some(shared), Some(home)) = (&storage.shared, &storage.home) {
        let within = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
        if within(&shared.path, &home.path) {
            report.refuse(&"storage.home.path".into(), "and storage.shared.path must not be one in the other");
        }
    }
    storage
}

/// Hosts that serve a folder, with the key that says so.
fn servers(storage: &Storage) -> Vec<(&str, &str)> {
    let shares = [("storage.shared.from", &storage.shared), ("storage.home.from", &storage.home)];
    shares
        .into_iter()
        .filter_map(|(key, share)| match share.as_ref().map(|share| &share.from) {
            Some(ShareFrom::Host(host)) => Some((key, host.as_str())),
            _ => None,
        })
        .collect()
}

fn judge_ports(slurm: &Slurm, ssh: &Ssh, listen: Option<SocketAddr>, report: &mut Report) {
    let ports = slurm.ports;
    let mut seen: HashMap<u16, &str> = HashMap::from([(ssh.port.unwrap_or(22), "sshd")]);
    for (key, port) in [
        ("slurm.ports.slurmctld", Some(ports.slurmctld)),
        ("slurm.ports.slurmd", Some(ports.slurmd)),
        ("slurm.ports.slurmdbd", Some(ports.slurmdbd)),
        ("dashboard.listen", listen.map(|listen| listen.port())),
    ] {
        let Some(port) = port else { continue };
        if let Some(first) = seen.insert(port, key) {
            report.refuse(&key.into(), format!("has port {port}, which {first} has already"));
        }
    }
}

fn dashboard(written: file::FileDashboard, report: &mut Report) -> Dashboard {
    let section = KeyPath::from("dashboard");
    let listen = written.listen.parse::<SocketAddr>().ok().filter(|listen| listen.port() != 0);
    if listen.is_none() {
        let message = format!("must be an address and a port, not {}", quoted(&written.listen));
        report.advise(&section.key("listen"), message, "write \"0.0.0.0:8443\" for all addresses");
    }
    if let Some(url) = written.public_url.as_ref().filter(|url| !names::is_site(url)) {
        let words = "must be http:// or https:// and a host, in lower case and without a path";
        report.refuse(&section.key("public_url"), format!("{words}, not {}", quoted(url)));
    }
    for (at, origin) in written.allowed_origins.iter().enumerate() {
        let path = section.key("allowed_origins").item(at);
        if origin == "*" && written.allowed_origins.len() > 1 {
            report.refuse(&path, "* already stands for all; remove it or the others");
        } else if origin != "*" && !names::is_site(origin) {
            let words = "must be http:// or https:// and a host, in lower case and without a path";
            report.refuse(&path, format!("{words}, not {}", quoted(origin)));
        }
    }
    for (key, path) in written.tls.iter().flat_map(|tls| [("certificate", &tls.certificate), ("key", &tls.key)]) {
        let text = path.to_string_lossy();
        if !names::is_clean_path(&text) {
            let message = format!("must be an absolute path of letters, digits and /._+@-, not {}", quoted(&text));
            report.refuse(&section.key("tls").key(key), message);
        }
    }
    if written.tls.as_ref().is_some_and(|tls| tls.certificate == tls.key) {
        report.refuse(&section.key("tls").key("key"), "must be another file than the certificate");
    }
    let admin = section.key("admin");
    if !names::is_login(&written.admin.name) {
        report.refuse(&admin.key("name"), format!("is no name for an account: {}", quoted(&written.admin.name)));
    }
    match written.admin.unix_user.as_deref() {
        Some("root") => {
            report.advise(&admin.key("unix_user"), "must not be root", "name the login of a person");
        }
        Some(user) if !names::is_login(user) => {
            report.refuse(&admin.key("unix_user"), format!("is no login: {}", quoted(user)));
        }
        _ => {}
    }
    let file::FileDashboard { enabled, public_url, tls, admin, allowed_origins, .. } = written;
    let listen = listen.unwrap_or_else(|| Dashboard::default().listen);
    Dashboard { enabled, listen, public_url, tls, admin, allowed_origins }
}

fn packages(source: &str, report: &mut Report) -> Packages {
    if source == "distribution" {
        Packages::Distribution
    } else if names::is_clean_path(source) {
        Packages::Folder(PathBuf::from(source))
    } else {
        if !names::is_mirror(source) {
            let words =
                "must be distribution, an absolute path or a plain http:// or https:// address without a password";
            report.refuse(&"packages.source".into(), format!("{words}, not {}", quoted(source)));
        }
        Packages::Mirror(source.to_owned())
    }
}
