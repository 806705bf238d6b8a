//! Gathering: everything through [`Host`], so that it holds for a fake host too.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Cgroup, Facts, Os, SlurmFacts, Wanted, read};
use crate::host::local::System;
use crate::host::{Command, Host, HostError, Kind};

/// Largest file whose text is told, bytes.
const MAX_TEXT: usize = 1 << 20;
/// So many names are looked up at the same time: one that is not answered takes seconds.
const LOOKUPS: usize = 16;

/// Gathers what is there and what is asked for. What a host does not tell is absent; an error is only what nobody can
/// plan without: its system, processors, memory, users, groups and packages, and its clock.
pub fn gather(host: &dyn Host, wanted: &Wanted) -> Result<Facts, HostError> {
    let os = os(host)?;
    let Itself { hostname, fqdn, addresses, names } = Itself::of(host, &wanted.names)?;
    let has_systemd = text(host, "/proc/1/comm").is_some_and(|name| name.trim() == "systemd");
    let packages = packages(host, &os)?;
    let Available { found: available, away: sources_away } = available(host, &os, wanted, &packages)?;
    let units = wanted.units.iter().filter(|_| has_systemd);
    let units = units.filter_map(|name| Some((name.clone(), host.unit(name).ok()?))).collect();
    let listening = says(host, "ss", &["-Hltnp"]).map(|text| read::listening(&text)).unwrap_or_default();
    Ok(Facts {
        fqdn,
        addresses,
        architecture: line(host, "uname", &["-m"]).ok_or_else(|| unknown("its architecture"))?,
        kernel: text(host, "/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
        has_systemd,
        cpus: says(host, "lscpu", &["-p=CPU,CORE,SOCKET"])
            .and_then(|text| read::lscpu(&text))
            .or_else(|| read::cpuinfo(&text(host, "/proc/cpuinfo")?))
            .ok_or_else(|| unknown("its processors"))?,
        memory_mib: text(host, "/proc/meminfo")
            .and_then(|text| read::memory_mib(&text))
            .ok_or_else(|| unknown("its memory"))?,
        gpus: gpus(host),
        cgroup: cgroup(host),
        clock_ms: line(host, "date", &["+%s%3N"])
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| unknown("its clock"))?,
        uid: text(host, "/proc/self/status")
            .and_then(|text| read::uid(&text))
            .ok_or_else(|| unknown("who I am there"))?,
        sudo_user: host
            .read(Path::new("/proc/self/environ"))
            .ok()
            .and_then(|environment| read::variable(&environment, "SUDO_USER")),
        users: host.users()?,
        groups: host.groups()?,
        available,
        sources_away,
        packages,
        units,
        ports: listening.into_iter().filter(|(port, _)| wanted.ports.contains(port)).collect(),
        names,
        free_mib: wanted.folders.iter().filter_map(|folder| Some((folder.clone(), free_mib(host, folder)?))).collect(),
        files: wanted.files.iter().filter_map(|path| Some((path.clone(), file(host, path)?))).collect(),
        digests: wanted
            .digests
            .iter()
            .filter_map(|path| Some((path.clone(), host.digest(&followed(host, path)?).ok()?)))
            .collect(),
        selinux: text(host, "/sys/fs/selinux/enforce")
            .map(|text| String::from(if text.trim() == "1" { "enforcing" } else { "permissive" })),
        apparmor: text(host, "/sys/module/apparmor/parameters/enabled").is_some_and(|text| text.trim() == "Y"),
        firewalls: firewalls(host, has_systemd),
        slurm: slurm(host),
        hostname,
        os,
    })
}

/// A host's own names and addresses, and addresses of others as it knows them: enough to tell which of many it is.
pub struct Itself {
    /// Its own short name.
    pub hostname: String,
    /// Its full name, as it knows itself.
    pub fqdn: String,
    /// Addresses of its interfaces, loopback left out.
    pub addresses: Vec<IpAddr>,
    /// Names that were asked for, with the addresses they have; empty where they have none.
    pub names: BTreeMap<String, Vec<IpAddr>>,
}

impl Itself {
    /// Asks the host. An error when it does not tell its name.
    pub fn of(host: &dyn Host, others: &[String]) -> Result<Self, HostError> {
        let hostname = text(host, "/proc/sys/kernel/hostname").or_else(|| says(host, "uname", &["-n"]));
        let hostname = hostname.ok_or_else(|| unknown("its name"))?;
        let hostname = hostname.trim().split('.').next().unwrap_or_default().to_owned();
        let fqdn = says(host, "getent", &["hosts", &hostname]).and_then(|text| read::full_name(&text, &hostname));
        let addresses = says(host, "ip", &["-o", "address", "show"]).map(|text| read::addresses(&text));
        Ok(Self {
            fqdn: fqdn.unwrap_or_else(|| hostname.clone()),
            addresses: addresses.unwrap_or_default(),
            names: names(host, others),
            hostname,
        })
    }
}

fn unknown(what: &str) -> HostError {
    HostError::Malformed(format!("the host does not tell {what}"))
}

fn text(host: &dyn Host, path: &str) -> Option<String> {
    host.read(Path::new(path)).ok().map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// What a command says that ends well.
fn says(host: &dyn Host, program: &str, arguments: &[&str]) -> Option<String> {
    let output = host.run(&Command::new(program).args(arguments.iter().copied()).within(30)).ok()?;
    output.is_ok().then(|| output.text())
}

fn line(host: &dyn Host, program: &str, arguments: &[&str]) -> Option<String> {
    says(host, program, arguments).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn os(host: &dyn Host) -> Result<Os, HostError> {
    // The file in /etc is a link to the other on most systems.
    let text = text(host, "/usr/lib/os-release").or_else(|| text(host, "/etc/os-release"));
    read::os_release(&text.ok_or_else(|| unknown("its system: there is no os-release"))?)
}

fn packages(host: &dyn Host, os: &Os) -> Result<BTreeMap<String, String>, HostError> {
    if System::of(os).is_none() {
        // The planner refuses that system by name.
        return Ok(BTreeMap::new());
    }
    Ok(host.packages()?.into_iter().map(|package| (package.name, package.version)).collect())
}

/// Packages that could be had.
#[derive(Default)]
struct Available {
    /// Their versions.
    found: BTreeMap<String, String>,
    /// Why the sources did not answer.
    away: Option<String>,
}

/// Versions that could be had. A host whose package lists were never fetched fetches them first.
fn available(
    host: &dyn Host,
    os: &Os,
    wanted: &Wanted,
    installed: &BTreeMap<String, String>,
) -> Result<Available, HostError> {
    let Some(system) = System::of(os) else { return Ok(Available::default()) };
    let names = &wanted.packages;
    let refresh = || match host.refresh_packages() {
        Err(error @ (HostError::Failed { .. } | HostError::TimedOut { .. })) => Ok(Some(error.to_string())),
        other => other.map(|()| None),
    };
    let mut away = if wanted.asks_mirrors { refresh()? } else { None };
    let ask = || {
        let found = system.available(host, names).unwrap_or_default();
        found.into_iter().map(|package| (package.name, package.version)).collect::<BTreeMap<_, _>>()
    };
    let found = ask();
    let lacks = names.iter().any(|name| !found.contains_key(name) && !installed.contains_key(name));
    if system == System::Apt && lacks && !wanted.own_source {
        let lists = host.list(Path::new("/var/lib/apt/lists"));
        if lists.is_ok_and(|names| !names.iter().any(|name| name.contains("_Packages"))) {
            away = refresh()?;
            return Ok(Available { found: ask(), away });
        }
    }
    Ok(Available { found, away })
}

fn gpus(host: &dyn Host) -> Vec<PathBuf> {
    let number = |name: &str| name.strip_prefix("nvidia")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> =
        host.list(Path::new("/dev")).unwrap_or_default().iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/nvidia{number}"))).collect()
}

fn cgroup(host: &dyn Host) -> Cgroup {
    let read = |path| text(host, path).unwrap_or_default();
    read::cgroup(&read("/proc/self/cgroup"), &read("/proc/self/mounts"))
}

fn names(host: &dyn Host, names: &[String]) -> BTreeMap<String, Vec<IpAddr>> {
    let look = |name: &String| {
        // What an option begins with, no name does.
        let is_name = !name.starts_with('-');
        let found = is_name.then(|| says(host, "getent", &["ahosts", name])).flatten().map(|text| read::ahosts(&text));
        (name.clone(), found.unwrap_or_default())
    };
    let share = names.len().div_ceil(LOOKUPS).max(1);
    std::thread::scope(|scope| {
        let parts = names.chunks(share).map(|part| scope.spawn(move || part.iter().map(look).collect::<Vec<_>>()));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

fn free_mib(host: &dyn Host, folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|path| matches!(host.entry(path), Ok(Some(_))))?;
    let path = there.to_str()?;
    read::available_mib(&says(host, "df", &["--portability", "--block-size=1M", "--", path])?)
}

/// A file by its own path where a link leads to it; `None` where nothing is.
fn followed(host: &dyn Host, path: &Path) -> Option<PathBuf> {
    match host.entry(path).ok()??.kind {
        Kind::File => Some(path.to_owned()),
        Kind::Link => line(host, "readlink", &["--canonicalize-existing", "--", path.to_str()?]).map(PathBuf::from),
        Kind::Directory | Kind::Other => None,
    }
}

fn file(host: &dyn Host, path: &Path) -> Option<String> {
    let content = host.read(&followed(host, path)?).ok().filter(|content| content.len() <= MAX_TEXT)?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

fn firewalls(host: &dyn Host, has_systemd: bool) -> Vec<String> {
    let is_active = |unit: &str| has_systemd && host.unit(unit).is_ok_and(|unit| unit.is_active());
    let mut found = Vec::new();
    if is_active("firewalld.service") {
        found.push(String::from("firewalld"));
    }
    if says(host, "ufw", &["status"]).is_some_and(|text| text.starts_with("Status: active")) {
        found.push(String::from("ufw"));
    }
    if is_active("nftables.service") {
        found.push(String::from("nftables"));
    }
    found
}

fn slurm(host: &dyn Host) -> SlurmFacts {
    let version = ["slurmctld", "slurmdbd", "slurmd", "sinfo"]
        .iter()
        .find_map(|program| read::slurm_version(&line(host, program, &["-V"])?));
    let ping = || {
        // Its exit code tells how many answer; its words, which.
        let output = host.run(&Command::new("scontrol").args(["ping"]).within(40)).ok()?;
        read::first_controller_answers(&output.text())
    };
    let controller_answers = version.as_ref().and_then(|_| ping());
    SlurmFacts { version, running_jobs: running_jobs(host), controller_answers }
}

/// Jobs whose steps a slurmstepd looks after. Only root's and the daemon's processes count: anybody can call theirs so.
fn running_jobs(host: &dyn Host) -> Vec<u32> {
    let processes = host.list(Path::new("/proc")).unwrap_or_default();
    let mut jobs: Vec<u32> = processes
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|process| {
            let folder = PathBuf::from("/proc").join(process);
            let job = read::job_of(&String::from_utf8_lossy(&host.read(&folder.join("cmdline")).ok()?))?;
            host.entry(&folder).ok()??.uid.eq(&0).then_some(job)
        })
        .collect();
    jobs.sort_unstable();
    jobs.dedup();
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::script::Script;

    fn script() -> Script {
        Script::default()
            .file("/usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
            .file("/proc/sys/kernel/hostname", "node001.lab\n")
            .file("/proc/meminfo", "MemTotal:  2097152 kB\n")
            .file("/proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n")
            .file("/proc/self/cgroup", "9:name=systemd:/\n0::/\n")
            .file("/proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
            .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
            .file("/etc/group", "root:x:0:\n")
            .says("uname -m", "x86_64\n")
            .says("date", "1763800000123\n")
            .file("/proc/self/status", "Name:\tslurmdash\nUid:\t0\t0\t0\t0\n")
            .says("dpkg-query", "ii \tbash\t5.2\n")
    }

    #[test]
    fn a_host_that_tells_little_is_no_error() {
        let facts = gather(&script(), &Wanted::default()).unwrap();
        assert_eq!((facts.hostname.as_str(), facts.fqdn.as_str()), ("node001", "node001"));
        assert_eq!((facts.cpus.total, facts.memory_mib, facts.clock_ms), (2, 2048, 1_763_800_000_123));
        assert_eq!((facts.cgroup, facts.packages["bash"].as_str(), facts.uid), (Cgroup::Hybrid, "5.2", 0));
        assert_eq!(facts.slurm, SlurmFacts::default());
        let wordless = Script::default().file("/usr/lib/os-release", "ID=debian\n");
        assert!(gather(&wordless, &Wanted::default()).unwrap_err().to_string().contains("does not tell its name"));
    }

    #[test]
    fn what_is_asked_for_is_told() {
        let host = script()
            .file("/etc/slurm/slurm.conf", "ClusterName=hpc\n")
            .file("/proc/1/comm", "systemd\n")
            .file("/dev/nvidia1", "")
            .file("/dev/nvidia0", "")
            .file("/dev/nvidiactl", "")
            .file("/proc/77/cmdline", "slurmstepd: [42.0]\0")
            .file("/proc/78/cmdline", "slurmstepd: [42.extern]\0")
            .file("/proc/79/cmdline", "/usr/sbin/slurmd\0")
            .file("/proc/self/environ", "HOME=/root\0SUDO_USER=ada\0")
            .says("ss", "LISTEN 0 9 *:6817 *:* users:((\"slurmctld\",pid=9,fd=3))\nLISTEN 0 9 *:22 *:*\n")
            .says("getent ahosts head1", "10.0.0.1 STREAM head1\n")
            .answer("getent ahosts nobody", 2, "", "")
            .says("df", "Filesystem 1M-blocks Used Available Capacity Mounted on\n/dev/x 9 4 5 50% /\n")
            .says("apt-cache", "munge:\n  Candidate: 0.5\n")
            .says("systemctl show", "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n")
            .says("slurmd -V", "slurm 23.11.4\n")
            .answer("scontrol ping", 1, "Slurmctld(primary) at head1 is DOWN\n", "");
        let wanted = Wanted {
            names: vec!["head1".into(), "nobody".into()],
            ports: vec![6817, 6818],
            folders: vec!["/var/lib/mysql".into()],
            files: vec!["/etc/slurm/slurm.conf".into(), "/etc/none".into()],
            digests: vec!["/etc/slurm/slurm.conf".into()],
            packages: vec!["munge".into(), "apptainer".into()],
            own_source: false,
            units: vec!["slurmd.service".into()],
            asks_mirrors: false,
        };
        // The root folder, as there is no other.
        let facts = gather(&host, &wanted).unwrap();
        assert_eq!(facts.names["head1"], ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert!(facts.names["nobody"].is_empty());
        assert_eq!(facts.ports, BTreeMap::from([(6817, "slurmctld".into())]));
        assert_eq!(facts.free_mib, BTreeMap::from([("/var/lib/mysql".into(), 5)]));
        assert_eq!((facts.files.len(), facts.digests.len()), (1, 1));
        assert_eq!(facts.available, BTreeMap::from([("munge".into(), "0.5".into())]));
        assert!(facts.units["slurmd.service"].is_active());
        assert_eq!(facts.gpus, [PathBuf::from("/dev/nvidia0"), PathBuf::from("/dev/nvidia1")]);
        assert_eq!((facts.slurm.running_jobs, facts.slurm.controller_answers), (vec![42], Some(false)));
        assert_eq!((facts.slurm.version.as_deref(), facts.sudo_user.as_deref()), (Some("23.11.4"), Some("ada")));
        assert_eq!(facts.firewalls, ["firewalld", "nftables"]);
    }

    #[test]
    fn lists_that_were_never_fetched_are_and_a_mirror_that_is_away_is_told() {
        let wanted = Wanted { packages: vec!["munge".into()], ..Wanted::default() };
        let lists = |host: Script| host.file("/var/lib/apt/lists/lock", "");
        let host = lists(script().says("apt-cache", "").says("apt-cache", "munge:\n  Candidate: 0.5\n"));
        let facts = gather(&host.says("apt-get", ""), &wanted).unwrap();
        assert_eq!(facts.available["munge"], "0.5");
        let away = lists(script().says("apt-cache", ""));
        let away = away.answer("apt-get", 0, "", "W: Failed to fetch http://mirror/InRelease  refused\n");
        let why = gather(&away, &wanted).unwrap().sources_away.unwrap();
        assert!(why.contains("no answer from http://mirror/InRelease"), "{why}");
        // Lists are there, and do not have it: nobody is asked.
        let host = script().says("apt-cache", "").file("/var/lib/apt/lists/mirror_Packages", "");
        assert!(gather(&host, &wanted).unwrap().available.is_empty());
        assert!(!host.ran_any("apt-get"));
        // Packages will come from elsewhere, and this host may have no internet.
        let host = lists(script().says("apt-cache", "").answer("apt-get", 100, "", "E: no route"));
        assert!(gather(&host, &Wanted { own_source: true, ..wanted }).unwrap().available.is_empty());
        assert!(!host.ran_any("apt-get"));
    }

    #[test]
    fn a_source_of_our_own_must_answer_and_others_need_not() {
        let host = || script().file(crate::host::APT_SOURCE, "deb [trusted=yes] file:/srv/packages ./\n");
        let away = "W: Failed to fetch http://mirror/InRelease  refused\n";
        let others = host().says("apt-get", "").answer("apt-get", 0, "", away);
        others.refresh_packages().unwrap();
        let asked = others.ran();
        assert!(asked[0].contains("SourceList=/etc/apt/sources.list.d/slurmdash.list"), "{asked:?}");
        assert!(asked[0].contains("SourceParts=-") && asked[0].contains("List-Cleanup=0"), "{asked:?}");
        assert!(!asked[1].contains("SourceList"), "{asked:?}");
        let own = host().answer("apt-get", 0, "", away);
        assert!(own.refresh_packages().unwrap_err().to_string().contains("no answer from"));
    }

    #[test]
    fn a_host_in_memory_can_be_told() {
        let facts = gather(&crate::host::fake::Fake::debian_12("head1"), &Wanted::default()).unwrap();
        assert_eq!((facts.hostname.as_str(), facts.os.id.as_str(), facts.cpus.total), ("head1", "debian", 2));
        assert_eq!((facts.cgroup, facts.has_systemd, facts.uid), (Cgroup::V2, true, 0));
    }

    #[test]
    fn this_machine_can_be_told() {
        let wanted = Wanted { names: vec!["localhost".into()], folders: vec!["/tmp/a/b".into()], ..Wanted::default() };
        let facts = gather(&crate::host::local::Local::for_test(), &wanted).unwrap();
        assert!(!facts.hostname.is_empty() && facts.cpus.total > 0 && facts.memory_mib > 64);
        assert!(facts.names["localhost"].iter().any(std::net::IpAddr::is_loopback));
        assert_eq!(facts.free_mib.len(), 1);
        assert_eq!(facts.uid, rustix::process::geteuid().as_raw());
    }
}
