//! slurm.conf and what belongs to it: on the controllers, from which nodes have it, and where Slurm's commands are used
//! on hosts that are no nodes.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::Phase;
use super::draft::{self, Draft, Steps};
use super::effect;
use super::family::Daemon;
use super::hardware;
use super::site::{CGROUP_CONF, GRES_CONF, LOGS, SLURM_CONF, SPOOL, SRUN_PORTS, Site, SiteHost};
use crate::action::{Action, Holds};
use crate::config::{ConfigHost, Role};
use crate::facts::Cgroup;
use crate::slurm_conf::Pair;

/// Judges a slurm.conf before it takes its place: a command of Slurm's that reads it and asks nobody.
const CHECK: [&str; 6] = ["env", "SLURM_CONF={}", "scontrol", "show", "hostnames", "localhost"];

/// Folders, then the three files.
pub(crate) fn plan(site: &Site, draft: &mut Draft) {
    let mut steps = Steps::new(Phase::Configuration, "Slurm's configuration");
    let slurm: Arc<str> = slurm_conf(site).into();
    let cgroup: Arc<str> = cgroup_conf(site).into();
    let gres: Arc<str> = gres_conf(site).into();
    for host in &site.hosts {
        let name = host.name();
        if host.is_controller() || host.has(Role::Compute) {
            steps.add(name, draft::directory(LOGS, "slurm", 0o755, Holds::Scratch));
        }
        let is_ours = site.given("StateSaveLocation").is_none();
        if is_ours && site.state_host().is_some_and(|state| state.name() == name) {
            steps.add(name, draft::directory(site.state(), "slurm", 0o700, Holds::Data));
        }
        // srun is called back by the nodes of its job; heads and nodes are opened with their daemons.
        if host.has(Role::Login) && !host.is_controller() && !host.has(Role::Compute) && site.config.hosts.len() > 1 {
            for action in draft::open(&host.facts.firewalls, &[SRUN_PORTS.to_owned()]) {
                steps.add(name, action);
            }
        }
        if !host.keeps_conf() {
            continue;
        }
        let mut written = Vec::new();
        for (path, text) in [(CGROUP_CONF, &cgroup), (GRES_CONF, &gres)] {
            written.push(steps.add(name, draft::file(path, text.clone())));
        }
        written.push(steps.add(name, draft::checked(draft::file(SLURM_CONF, slurm.clone()), &CHECK)));
        if host.is_controller() {
            let before = [SLURM_CONF, CGROUP_CONF].map(|path| host.file(path));
            let of = |old: Option<&str>, new: &str| effect::disruption(old, new, site.slurm);
            steps.disrupting(of(before[0], &slurm).or_else(|| of(before[1], &cgroup)));
        }
        draft.slurm_conf.insert(name.to_owned(), written);
    }
    draft.push(site, steps);
}

/// The whole of slurm.conf.
pub(crate) fn slurm_conf(site: &Site) -> String {
    let config = site.config;
    let on_cgroup = uses_cgroup(site);
    let pid = |daemon: Daemon, key: &str| {
        let path = site.controller().and_then(|host| host.family.pid_file(daemon, site.slurm));
        path.map(|path| format!("{key}={path}")).unwrap_or_default()
    };
    let text = format!(
        include_str!("../../../templates/slurm/slurm.conf"),
        cluster = config.cluster,
        controllers = controllers(site),
        slurmctld_port = config.slurm.ports.slurmctld,
        slurmd_port = config.slurm.ports.slurmd,
        srun_ports = SRUN_PORTS,
        parameters = parameters(site),
        pid_files = lines(&[pid(Daemon::Controller, "SlurmctldPidFile"), pid(Daemon::Node, "SlurmdPidFile")]),
        state = site.state().display(),
        spool = SPOOL,
        logs = LOGS,
        proctrack = if on_cgroup { "proctrack/cgroup" } else { "proctrack/linuxproc" },
        task = if on_cgroup { "task/cgroup,task/affinity" } else { "task/affinity" },
        gather = if on_cgroup { "jobacct_gather/cgroup" } else { "jobacct_gather/linux" },
        memory_per_cpu = hardware::memory_per_cpu(&site.nodes),
        accounting = accounting(site),
        gres = if site.has_gpus() { "GresTypes=gpu" } else { "" },
        options = options(&without_parameters(&config.slurm.options)),
        nodes = hardware::node_lines(&site.nodes),
        partitions = partitions(site),
    );
    draft::tidy(&given_once(&text, &config.slurm.options))
}

/// Options that are given take the place of those that we write: Slurm would take the last one and complain each time.
fn given_once(text: &str, given: &BTreeMap<String, String>) -> String {
    let mut left: BTreeMap<String, String> =
        given.iter().map(|(name, value)| (name.to_ascii_lowercase(), pair(name, value))).collect();
    // Slurm refuses both at once.
    if left.contains_key("defmempernode") {
        left.entry("defmempercpu".to_owned()).or_default();
    }
    // Whole nodes are given out then, and no parameter of ours fits.
    if given.iter().any(|(name, value)| name.eq_ignore_ascii_case("SelectType") && value == "select/linear") {
        left.entry("selecttypeparameters".to_owned()).or_default();
    }
    let is_kept = |line: &&str| {
        let name = line.split('=').next().unwrap_or_default().to_ascii_lowercase();
        name == "slurmctldparameters" || left.get(&name).is_none_or(|given| given == line)
    };
    let mut seen = BTreeSet::new();
    let lines: Vec<&str> = text.lines().filter(is_kept).filter(|line| is_new(line, &mut seen)).collect();
    lines.join("\n")
}

/// Whether a line is there for the first time, if it is one of which there may be only one.
fn is_new<'a>(line: &'a str, seen: &mut BTreeSet<&'a str>) -> bool {
    !line.contains('=') || line.starts_with('#') || seen.insert(line)
}

/// What slurmctld is told beside what is given: that nodes may have their configuration from it.
fn parameters(site: &Site) -> String {
    const CONFIGLESS: &str = "enable_configless";
    let given = site.config.slurm.options.iter().find(|(name, _)| name.eq_ignore_ascii_case("SlurmctldParameters"));
    let given = given.map(|(_, value)| value.as_str()).unwrap_or_default();
    let others = given.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != CONFIGLESS);
    std::iter::once(CONFIGLESS).chain(others).collect::<Vec<_>>().join(",")
}

/// Lines without the empty ones.
pub(crate) fn lines(lines: &[String]) -> String {
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn controllers(site: &Site) -> String {
    let line = |host: &ConfigHost| {
        let address = if host.address == host.name { String::new() } else { format!("({})", host.address) };
        format!("SlurmctldHost={}{address}", host.name)
    };
    lines(&site.config.controllers().map(line).collect::<Vec<_>>())
}

/// Limits of accounts and QOS count once there are any; before, everybody may run jobs.
fn accounting(site: &Site) -> String {
    let Some(database) = site.config.database() else { return String::new() };
    let accounting = &site.config.accounting;
    let enforced = !(accounting.users.is_empty() && accounting.qos.is_empty() && accounting.accounts.is_empty());
    lines(&[
        "AccountingStorageType=accounting_storage/slurmdbd".to_owned(),
        format!("AccountingStorageHost={}", database.address),
        format!("AccountingStoragePort={}", site.config.slurm.ports.slurmdbd),
        if enforced { "AccountingStorageEnforce=associations,limits,qos".to_owned() } else { String::new() },
        if site.has_gpus() { "AccountingStorageTRES=gres/gpu".to_owned() } else { String::new() },
    ])
}

fn options(options: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = options.iter().map(|(name, value)| pair(name, value)).collect();
    lines.join("\n")
}

/// Those that are not merged with ours.
fn without_parameters(options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut options = options.clone();
    options.retain(|name, _| !name.eq_ignore_ascii_case("SlurmctldParameters"));
    options
}

/// An option as Slurm reads it, in quotes where it must be.
fn pair(name: &str, value: &str) -> String {
    Pair { name: name.to_owned(), value: value.to_owned() }.to_string()
}

fn partitions(site: &Site) -> String {
    let mut text = String::new();
    for partition in &site.config.partitions {
        let is_there = |name: &&String| site.nodes.iter().any(|node| &node.name == *name);
        let nodes = if site.nodes.iter().map(|node| &node.name).eq(partition.nodes.iter()) {
            "ALL".to_owned()
        } else {
            super::fold::fold(partition.nodes.iter().filter(is_there).map(String::as_str))
        };
        if nodes.is_empty() {
            continue;
        }
        let _ = write!(text, "PartitionName={} Nodes={nodes}", partition.name);
        text.push_str(if partition.default { " Default=YES" } else { " Default=NO" });
        let _ = write!(text, " MaxTime={}", partition.max_time.as_deref().unwrap_or("INFINITE"));
        for (name, value) in &partition.options {
            let _ = write!(text, " {}", pair(name, value));
        }
        let has_state = partition.options.keys().any(|name| name.eq_ignore_ascii_case("State"));
        text.push_str(if has_state { "\n" } else { " State=UP\n" });
    }
    text.trim_end().to_owned()
}

/// Whether jobs can be held in control groups: the nodes have one kind alone, and Slurm knows it.
fn uses_cgroup(site: &Site) -> bool {
    match site.cgroup() {
        Some(Cgroup::V1) => true,
        Some(Cgroup::V2) | None => site.slurm.knows_cgroup_v2(),
        Some(Cgroup::Hybrid | Cgroup::Absent) => false,
    }
}

/// cgroup.conf. On hosts with both kinds of control groups Slurm's plugin for version 2 refuses to start, and it is asked
/// for even where nothing uses it: so it is named, or nothing is.
fn cgroup_conf(site: &Site) -> String {
    let plugin = match site.cgroup() {
        _ if !site.slurm.knows_cgroup_v2() => "",
        Some(Cgroup::V2) => "CgroupPlugin=cgroup/v2",
        None => "CgroupPlugin=autodetect",
        Some(Cgroup::Hybrid | Cgroup::Absent) if site.slurm.can_do_without_cgroup() => "CgroupPlugin=disabled",
        Some(Cgroup::V1 | Cgroup::Hybrid | Cgroup::Absent) => "CgroupPlugin=cgroup/v1",
    };
    let constraints =
        if uses_cgroup(site) { "ConstrainCores=yes\nConstrainRAMSpace=yes\nConstrainDevices=yes" } else { "" };
    let text = format!(
        include_str!("../../../templates/slurm/cgroup.conf"),
        plugin = plugin,
        constraints = constraints,
        options = options(&site.config.slurm.cgroup),
    );
    draft::tidy(&given_once(&text, &site.config.slurm.cgroup))
}

fn gres_conf(site: &Site) -> String {
    let devices = hardware::device_lines(&site.nodes);
    draft::tidy(&format!(include_str!("../../../templates/slurm/gres.conf"), devices = devices))
}

/// The file for logrotate in place of a package's own that leaves a daemon writing to the old log; Slurm's daemons open
/// a new one on SIGUSR2.
pub(crate) fn rotation(host: &SiteHost, daemon: Daemon) -> Option<Action> {
    let text = format!(
        include_str!("../../../templates/slurm/logrotate"),
        log = format_args!("{LOGS}/{}.log", daemon.name()),
        unit = daemon.unit(),
    );
    (!host.family.rotates_logs).then(|| draft::file(format!("/etc/logrotate.d/{}", daemon.name()), text))
}
