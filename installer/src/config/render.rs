//! A configuration as a file that people go on with: what is as by default stands there as a comment.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{
    Accounting, Config, ConfigHost, Dashboard, Identities, MemoryMargin, NodeFacts, Packages, Partition, Role, Share,
    ShareFrom, Slurm, SlurmPorts, Ssh,
};
use crate::hostlist;

/// The file, beginning with these lines of comment. `about` says what is known of hosts, for a comment above them.
/// [`super::parse`] gives the configuration again.
pub(crate) fn render(config: &Config, header: &[String], about: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for line in header {
        text.push_str(format!("# {}", line.replace(char::is_control, " ")).trim_end());
        text.push('\n');
    }
    let mut add = |part: String| text.push_str(&part);
    add(format!("cluster: {}\n\n", scalar(&config.cluster)));
    add(hosts(&config.hosts, about));
    add(ssh(&config.ssh));
    add(partitions(&config.partitions));
    add(storage(config));
    add(identities(&config.identities));
    add(memory_margin(config.memory_margin));
    add(accounting(&config.accounting));
    add(slurm(&config.slurm));
    add(dashboard(&config.dashboard));
    add(rest(config));
    text
}

/// A scalar, in quotes where YAML would read something else than this text.
pub(crate) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    // A JSON string is a YAML scalar in double quotes.
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn path(path: &Path) -> String {
    scalar(&path.to_string_lossy())
}

fn list<T>(items: impl IntoIterator<Item = T>, each: impl Fn(T) -> String) -> String {
    let items: Vec<String> = items.into_iter().map(each).collect();
    format!("[{}]", items.join(", "))
}

fn map(options: &BTreeMap<String, String>) -> String {
    let options: Vec<String> =
        options.iter().map(|(name, value)| format!("{}: {}", scalar(name), scalar(value))).collect();
    format!("{{{}}}", options.join(", "))
}

/// Names in their order, as short as that allows.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let folded = hostlist::fold(&names);
    let again = hostlist::expand(&folded, names.len()).is_ok_and(|again| again == names);
    scalar(&if again { folded } else { names.join(",") })
}

fn hosts(all: &[ConfigHost], about: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "# Roles: controller, backup-controller, database, compute, login, dashboard, storage. Many hosts of a kind:\n\
         # {name: \"node[001-064]\", address: \"10.0.0.[1-64]\", roles: [compute]}. What a node has is asked of it unless\n\
         # it is given: cpus, sockets, cores_per_socket, threads_per_core, memory_mib, gpus, features.\nhosts:\n",
    );
    let alike = |one: &ConfigHost, other: &ConfigHost| {
        one.roles == other.roles && one.node == other.node && (one.address == one.name) == (other.address == other.name)
    };
    for group in all.chunk_by(alike) {
        let mut known: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for host in group {
            if let Some(words) = about.get(&host.name) {
                known.entry(words).or_default().push(&host.name);
            }
        }
        for (words, hosts) in known {
            let words = words.replace(char::is_control, " ");
            let _ = writeln!(text, "  # {}: {words}", hostlist::fold(&hosts));
        }
        let Some(first) = group.first() else { continue };
        let _ = writeln!(text, "  - name: {}", names(group.iter().map(|host| host.name.as_str())));
        if first.address != first.name {
            let _ = writeln!(text, "    address: {}", names(group.iter().map(|host| host.address.as_str())));
        }
        let roles = Role::ALL.into_iter().filter(|role| first.has(*role));
        let _ = writeln!(text, "    roles: {}", list(roles, |role| role.name().to_owned()));
        node(&first.node, &mut text);
    }
    text.push('\n');
    text
}

fn node(node: &NodeFacts, text: &mut String) {
    let numbers = [
        ("cpus", node.cpus.map(u64::from)),
        ("sockets", node.sockets.map(u64::from)),
        ("cores_per_socket", node.cores_per_socket.map(u64::from)),
        ("threads_per_core", node.threads_per_core.map(u64::from)),
        ("memory_mib", node.memory_mib),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            let _ = writeln!(text, "    {key}: {number}");
        }
    }
    if let Some(gpus) = &node.gpus {
        let _ = writeln!(text, "    gpus: {}", list(gpus, |file| path(file)));
    }
    if !node.features.is_empty() {
        let _ = writeln!(text, "    features: {}", list(&node.features, |feature| scalar(feature)));
    }
}

fn ssh(ssh: &Ssh) -> String {
    if *ssh == Ssh::default() {
        return "# How hosts are reached; what is absent is as in ~/.ssh/config. Another user than root needs sudo without a\n\
                # password.\n\
                # ssh: {user: root, key: ~/.ssh/id_ed25519, jump: gateway, host_keys: strict, parallel: 64}\n\n"
            .to_owned();
    }
    let mut text = format!("ssh:\n  user: {}\n", scalar(&ssh.user));
    if let Some(port) = ssh.port {
        let _ = writeln!(text, "  port: {port}");
    }
    if let Some(key) = &ssh.key {
        let _ = writeln!(text, "  key: {}", path(key));
    }
    if let Some(jump) = &ssh.jump {
        let _ = writeln!(text, "  jump: {}", scalar(jump));
    }
    let host_keys = match ssh.host_keys {
        super::HostKeys::Strict => "strict",
        super::HostKeys::AcceptNew => "accept-new",
    };
    let _ = writeln!(text, "  host_keys: {host_keys}\n  parallel: {}\n", ssh.parallel);
    text
}

fn partitions(partitions: &[Partition]) -> String {
    let mut text = String::from("partitions:\n");
    for partition in partitions {
        let nodes = names(partition.nodes.iter().map(String::as_str));
        let _ = writeln!(text, "  - name: {}\n    nodes: {nodes}", scalar(&partition.name));
        if partition.default {
            text.push_str("    default: true\n");
        }
        if let Some(limit) = &partition.max_time {
            let _ = writeln!(text, "    max_time: {}", scalar(limit));
        }
        if !partition.options.is_empty() {
            let _ = writeln!(text, "    options: {}", map(&partition.options));
        }
    }
    text.push('\n');
    text
}

fn storage(config: &Config) -> String {
    let share = |share: &Share| {
        let from = match &share.from {
            ShareFrom::Existing => "existing".to_owned(),
            ShareFrom::Host(host) => scalar(host),
        };
        format!("{{path: {}, from: {from}}}", path(&share.path))
    };
    let shares = [("shared", &config.storage.shared), ("home", &config.storage.home)];
    let given: Vec<String> = shares
        .into_iter()
        .filter_map(|(key, folder)| folder.as_ref().map(|folder| format!("  {key}: {}\n", share(folder))))
        .collect();
    if given.is_empty() {
        return "# Folders that all hosts see: there already (existing), or served over NFS by a host with the role storage.\n\
                # storage: {shared: {path: /shared, from: existing}, home: {path: /home, from: existing}}\n\n"
            .to_owned();
    }
    format!("storage:\n{}\n", given.concat())
}

fn identities(identities: &Identities) -> String {
    let all = [("munge", identities.munge), ("slurm", identities.slurm), ("dashboard", identities.dashboard)];
    let given: Vec<String> = all
        .into_iter()
        .filter_map(|(key, identity)| {
            identity.map(|identity| format!("  {key}: {{uid: {}, gid: {}}}\n", identity.uid, identity.gid))
        })
        .collect();
    if given.is_empty() { String::new() } else { format!("identities:\n{}\n", given.concat()) }
}

fn memory_margin(margin: MemoryMargin) -> String {
    let MemoryMargin { percent, at_least_mib } = margin;
    let mark = if margin == MemoryMargin::default() { "# " } else { "" };
    format!(
        "# Memory that jobs don't get of what a host has; the larger of both.\n\
         {mark}memory_margin: {{percent: {percent}, at_least_mib: {at_least_mib}}}\n\n"
    )
}

fn accounting(accounting: &Accounting) -> String {
    let nothing = accounting.accounts.is_empty() && accounting.qos.is_empty() && accounting.users.is_empty();
    if accounting.enabled && !accounting.database_on_controller && nothing {
        return "# accounting:\n\
                #   accounts: [{name: physics, description: Physics, organization: Science}]\n\
                #   qos: [{name: short, options: {MaxWall: \"01:00:00\"}}]\n\
                #   users: [{user: ada, account: physics, qos: [short]}]\n\n"
            .to_owned();
    }
    let mut text = format!("accounting:\n  enabled: {}\n", accounting.enabled);
    if accounting.database_on_controller {
        text.push_str("  database_on_controller: true\n");
    }
    let mut section = |key: &str, items: Vec<String>| {
        if !items.is_empty() {
            let _ = write!(text, "  {key}:\n{}", items.concat());
        }
    };
    let accounts = accounting.accounts.iter().map(|account| {
        let (name, parent) = (scalar(&account.name), scalar(&account.parent));
        let (description, organization) = (scalar(&account.description), scalar(&account.organization));
        format!("    - {{name: {name}, parent: {parent}, description: {description}, organization: {organization}}}\n")
    });
    section("accounts", accounts.collect());
    let qos = accounting.qos.iter();
    section(
        "qos",
        qos.map(|qos| format!("    - {{name: {}, options: {}}}\n", scalar(&qos.name), map(&qos.options))).collect(),
    );
    let users = accounting.users.iter().map(|member| {
        let qos = list(&member.qos, |name| scalar(name));
        format!("    - {{user: {}, account: {}, qos: {qos}}}\n", scalar(&member.user), scalar(&member.account))
    });
    section("users", users.collect());
    text.push('\n');
    text
}

fn slurm(slurm: &Slurm) -> String {
    if *slurm == Slurm::default() {
        return "# slurm: {options: {SlurmctldTimeout: 30}, ports: {slurmctld: 6817, slurmd: 6818, slurmdbd: 6819}}\n\n"
            .to_owned();
    }
    let mut text = String::from("slurm:\n");
    for (key, options) in [("options", &slurm.options), ("cgroup", &slurm.cgroup)] {
        if !options.is_empty() {
            let _ = writeln!(text, "  {key}:");
        }
        for (name, value) in options {
            let _ = writeln!(text, "    {}: {}", scalar(name), scalar(value));
        }
    }
    let SlurmPorts { slurmctld, slurmd, slurmdbd } = slurm.ports;
    if slurm.ports != SlurmPorts::default() {
        let _ = writeln!(text, "  ports: {{slurmctld: {slurmctld}, slurmd: {slurmd}, slurmdbd: {slurmdbd}}}");
    }
    text.push('\n');
    text
}

fn dashboard(dashboard: &Dashboard) -> String {
    let mut text = String::from(
        "# With a certificate of its own making unless tls says another: {certificate: /etc/…, key: /etc/…}.\n\
         dashboard:\n",
    );
    let _ = writeln!(text, "  enabled: {}", dashboard.enabled);
    let _ = writeln!(text, "  listen: {}", scalar(&dashboard.listen.to_string()));
    match &dashboard.public_url {
        Some(url) => {
            let _ = writeln!(text, "  public_url: {}", scalar(url));
        }
        None => text.push_str("  # public_url: https://hpc.example.org\n"),
    }
    if let Some(tls) = &dashboard.tls {
        let _ = writeln!(text, "  tls: {{certificate: {}, key: {}}}", path(&tls.certificate), path(&tls.key));
    }
    let admin = &dashboard.admin;
    match &admin.unix_user {
        Some(user) => {
            let _ = writeln!(text, "  admin: {{name: {}, unix_user: {}}}", scalar(&admin.name), scalar(user));
        }
        None => {
            let _ = writeln!(text, "  admin: {{name: {}}} # unix_user: the login they act as", scalar(&admin.name));
        }
    }
    if !dashboard.allowed_origins.is_empty() {
        let _ = writeln!(text, "  allowed_origins: {}", list(&dashboard.allowed_origins, |origin| scalar(origin)));
    }
    text.push('\n');
    text
}

fn rest(config: &Config) -> String {
    let source = match &config.packages {
        Packages::Distribution => "distribution".to_owned(),
        Packages::Folder(folder) => path(folder),
        Packages::Mirror(url) => scalar(url),
    };
    let mut text = format!(
        "# Apptainer, where the distribution has it.\napptainer: {}\n\n\
         # distribution (what each host has), a folder at the same place on every host, or a mirror: https://mirror/slurm.\n\
         packages: {{source: {source}}}\n",
        config.apptainer
    );
    if let Some(version) = &config.versions.slurm {
        let _ = write!(text, "\n# Another version of Slurm is refused.\nversions: {{slurm: {}}}\n", scalar(version));
    }
    text
}
