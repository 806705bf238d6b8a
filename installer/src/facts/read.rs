//! What files and programs of a host say, read. Pure.
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::{Cgroup, Cpus, Os};
use crate::host::HostError;

/// Reads os-release(5).
pub fn os_release(text: &str) -> Result<Os, HostError> {
    let value = |name: &str| {
        let found = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
    };
    let id = value("ID");
    if id.is_empty() {
        return Err(HostError::Malformed(String::from("os-release does not tell ID: which system is this?")));
    }
    let like = value("ID_LIKE").split_whitespace().map(str::to_owned).collect();
    let name = Some(value("PRETTY_NAME")).filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
    Ok(Os { id, version: value("VERSION_ID"), name, like })
}

/// Reads `lscpu -p=CPU,CORE,SOCKET`: a line for each logical CPU that is on.
pub fn lscpu(text: &str) -> Option<Cpus> {
    let rows: Option<Vec<[u32; 3]>> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            // A socket that is not known is empty, and then the only one.
            let number = |word: &str| if word.is_empty() { Some(0) } else { word.trim().parse().ok() };
            let numbers: Vec<u32> = line.split(',').map(number).collect::<Option<_>>()?;
            <[u32; 3]>::try_from(numbers).ok()
        })
        .collect();
    count(rows?.into_iter().map(|[_, core, socket]| (core, socket)))
}

/// Reads `/proc/cpuinfo`, where lscpu is missing. It tells cores and sockets on x86 alone.
pub fn cpuinfo(text: &str) -> Option<Cpus> {
    let value = |block: &str, name: &str| {
        let of =
            |line: &str| line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, value)| value.to_owned());
        block.lines().find_map(of)?.trim().parse::<u32>().ok()
    };
    let blocks = text.split("\n\n").filter_map(|block| {
        let number = value(block, "processor")?;
        Some((value(block, "core id").unwrap_or(number), value(block, "physical id").unwrap_or(0)))
    });
    count(blocks)
}

fn count(logical: impl Iterator<Item = (u32, u32)>) -> Option<Cpus> {
    let (mut total, mut cores) = (0, BTreeSet::new());
    for (core, socket) in logical {
        total += 1;
        cores.insert((socket, core));
    }
    let of = |count: usize| u32::try_from(count).ok().filter(|&count| count > 0);
    let sockets = of(cores.iter().map(|(socket, _)| socket).collect::<BTreeSet<_>>().len())?;
    let cores = of(cores.len())?;
    let cores_per_socket = (cores / sockets).max(1);
    let threads_per_core = (total / cores).max(1);
    Some(Cpus { total, sockets, cores_per_socket, threads_per_core })
}

/// Reads `MemTotal` of `/proc/meminfo`, MiB.
pub fn memory_mib(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// Reads the effective user's number of `/proc/self/status`, the second of four.
pub fn uid(text: &str) -> Option<u32> {
    let value = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    value.split_whitespace().nth(1)?.parse().ok()
}

/// Reads `/proc/self/cgroup` and `/proc/self/mounts` (cgroups(7)). Slurm's plugin for version 2 refuses a host where a
/// process is in any hierarchy of version 1, whatever is mounted.
pub fn cgroup(membership: &str, mounts: &str) -> Cgroup {
    let first = membership.lines().any(|line| {
        let mut parts = line.splitn(3, ':');
        let number = parts.next().and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| number > 0) && parts.next().is_some_and(|controllers| !controllers.is_empty())
    });
    let second = mounts.lines().any(|line| line.split(' ').nth(2) == Some("cgroup2"));
    match (first, second) {
        (true, true) => Cgroup::Hybrid,
        (true, false) => Cgroup::V1,
        (false, true) => Cgroup::V2,
        (false, false) => Cgroup::Absent,
    }
}

/// Reads `ss -Hltnp`: ports that are listened on, with the program.
pub fn listening(text: &str) -> BTreeMap<u16, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some(local) = line.split_whitespace().nth(3) else { continue };
        let Some(port) = local.rsplit_once(':').and_then(|(_, port)| port.parse().ok()) else { continue };
        let program = line.split_once("((\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        let known: &mut String = found.entry(port).or_default();
        if known.is_empty() {
            program.clone_into(known);
        }
    }
    found
}

/// Reads `getent ahosts`: each address once, in order.
pub fn ahosts(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some(word) = line.split_whitespace().next() else { continue };
        // Link-local addresses have a zone behind them, which no other host understands.
        let Ok(address) = word.split('%').next().unwrap_or_default().parse::<IpAddr>() else { continue };
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// Reads `ip -o address show`: addresses of all interfaces but the loopback, without those that hold on a link alone.
pub fn addresses(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(interface), Some(family)) = (words.get(1), words.get(2)) else { continue };
        if *interface == "lo" || !family.starts_with("inet") || line.contains(" scope link") && *family == "inet6" {
            continue;
        }
        let address = words.get(3).and_then(|word| word.split('/').next()?.parse().ok());
        found.extend(address.filter(|address: &IpAddr| !address.is_loopback()));
    }
    found.dedup();
    found
}

/// Reads `df --portability --block-size=1M`: what is available in the first file system, MiB.
pub fn available_mib(text: &str) -> Option<u64> {
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Reads `slurmctld -V` and others: `slurm-wlm 22.05.8`, `slurm 24.11.1`.
pub fn slurm_version(text: &str) -> Option<String> {
    let word = text.trim().rsplit(' ').next()?;
    let is_version = word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains('.')
        && word.len() < 32
        && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-~".contains(c));
    is_version.then(|| word.to_owned())
}

/// Reads `scontrol ping`: whether the first controller answers.
pub fn first_controller_answers(text: &str) -> Option<bool> {
    let line = text.lines().find(|line| line.starts_with("Slurmctld(primary)"))?;
    Some(line.trim_end().ends_with(" UP"))
}

/// Reads the command line of a process (proc(5)): the job whose step it looks after, if it is a slurmstepd, which
/// writes its step there: `slurmstepd: [123.batch]`.
pub fn job_of(command_line: &str) -> Option<u32> {
    let step = command_line.strip_prefix("slurmstepd: [")?;
    let digits = step.find(|c: char| !c.is_ascii_digit())?;
    // The rest tells a step, of a part of a heterogeneous job too: `.0]`, `+1.batch]`.
    step[digits..].starts_with(['.', '+']).then(|| step[..digits].parse().ok())?
}

/// Reads `/proc/PID/environ`: the value of a variable.
pub fn variable(environment: &[u8], name: &str) -> Option<String> {
    let values = environment.split(|&byte| byte == 0);
    let mut values = values.filter_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    values.next().and_then(|value| String::from_utf8(value.to_vec()).ok()).filter(|value| !value.is_empty())
}

/// Reads `getent hosts`: the first full name of a host.
pub fn full_name(text: &str, hostname: &str) -> Option<String> {
    let is_full = |name: &&str| name.strip_prefix(hostname).is_some_and(|rest| rest.starts_with('.'));
    text.split_whitespace().filter(|word| word.parse::<SocketAddr>().is_err()).find(is_full).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn systems_are_told() {
        let debian =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n";
        let os = os_release(debian).unwrap();
        assert_eq!((os.id.as_str(), os.version.as_str(), os.like.len()), ("debian", "12", 0));
        assert_eq!(os.name, "Debian GNU/Linux 12 (bookworm)");
        let rocky = "NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";
        let os = os_release(rocky).unwrap();
        assert_eq!(
            (os.id.as_str(), os.name.as_str(), os.like.join("+")),
            ("rocky", "rocky", "rhel+centos+fedora".into())
        );
        assert!(os_release("NAME=x\n").is_err());
    }

    #[test]
    fn processors_are_counted() {
        let two = "# CPU,Core,Socket\n0,0,0\n1,0,0\n2,1,0\n3,1,0\n4,2,1\n5,2,1\n6,3,1\n7,3,1\n";
        assert_eq!(lscpu(two).unwrap(), Cpus { total: 8, sockets: 2, cores_per_socket: 2, threads_per_core: 2 });
        let x86 =
            "processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 1\n\n";
        assert_eq!(cpuinfo(x86).unwrap(), Cpus { total: 2, sockets: 1, cores_per_socket: 2, threads_per_core: 1 });
        let arm = "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\n\nprocessor\t: 2\n";
        assert_eq!(cpuinfo(arm).unwrap().cores_per_socket, 3);
        assert_eq!((lscpu(""), lscpu("x,y,z\n"), cpuinfo("")), (None, None, None));
        assert_eq!((uid("Uid:\t1000\t0\t0\t0\n"), uid("Uid:\t1000\n")), (Some(0), None));
        assert_eq!(memory_mib("MemTotal:       24684588 kB\nMemFree: 1 kB\n"), Some(24_106));
    }

    #[test]
    fn control_groups_are_told_apart() {
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let first = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n";
        assert_eq!(cgroup("0::/init.scope\n", second), Cgroup::V2);
        assert_eq!(cgroup("9:name=systemd:/\n0::/\n", second), Cgroup::Hybrid);
        assert_eq!(cgroup("4:memory:/\n3:cpu,cpuacct:/\n", first), Cgroup::V1);
        assert_eq!(cgroup("", ""), Cgroup::Absent);
    }

    #[test]
    fn ports_addresses_and_names_are_read() {
        let text = "LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=1,fd=3))\n\
                    LISTEN 0 128 [::]:22 [::]:* users:((\"sshd\",pid=1,fd=4))\n\
                    LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:*\nLISTEN 0 9 *:6817 *:*\n";
        let found = listening(text);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [22, 53, 6817]);
        assert_eq!((found[&22].as_str(), found[&53].as_str()), ("sshd", ""));
        let text = "10.77.0.11      STREAM head1\n10.77.0.11      DGRAM  \n10.77.0.11 RAW\nfe80::1%eth0 STREAM head1\n";
        assert_eq!(ahosts(text), ["10.77.0.11".parse::<IpAddr>().unwrap(), "fe80::1".parse().unwrap()]);
        let text = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n\
                    2: host0    inet 10.77.0.11/24 brd 10.77.0.255 scope global host0\\  valid_lft forever\n\
                    2: host0    inet6 fe80::a/64 scope link \\       valid_lft forever preferred_lft forever\n\
                    3: tun0    inet 10.8.0.2 peer 10.8.0.1/32 scope global tun0\n";
        assert_eq!(addresses(text), ["10.77.0.11".parse::<IpAddr>().unwrap(), "10.8.0.2".parse().unwrap()]);
        assert_eq!(full_name("10.77.0.11  head1.lab.example head1\n", "head1").as_deref(), Some("head1.lab.example"));
        assert_eq!(full_name("10.77.0.11  head1 head10.lab\n", "head1"), None);
        let df = "Filesystem 1048576-blocks Used Available Capacity Mounted on\n/dev/vda 258020 39137 53927 43% /\n";
        assert_eq!(available_mib(df), Some(53_927));
    }

    #[test]
    fn slurm_is_read() {
        assert_eq!(slurm_version("slurm-wlm 22.05.8\n").as_deref(), Some("22.05.8"));
        assert_eq!(slurm_version("slurm 24.11.0-0rc1").as_deref(), Some("24.11.0-0rc1"));
        assert_eq!(slurm_version("slurmctld: fatal: error"), None);
        let ping = "Slurmctld(primary) at head1 is DOWN\nSlurmctld(backup) at head2 is UP\n";
        assert_eq!(first_controller_answers(ping), Some(false));
        assert_eq!(first_controller_answers("Slurmctld(primary) at head1 is UP\n"), Some(true));
        assert_eq!(first_controller_answers("scontrol: error: no\n"), None);
        let jobs = ["slurmstepd: [123.batch]\0", "slurmstepd: [7+1.0]", "slurmstepd: [8.extern] "].map(job_of);
        assert_eq!(jobs, [Some(123), Some(7), Some(8)]);
        for other in
            ["slurmstepd infinity", "slurmstepd: [", "slurmstepd: []", "slurmstepd: [9]", "vi slurmstepd: [1.0]"]
        {
            assert_eq!(job_of(other), None, "{other}");
        }
        assert_eq!(variable(b"A=1\0SUDO_USER=ada\0", "SUDO_USER").as_deref(), Some("ada"));
        assert_eq!(variable(b"NOT_SUDO_USER=ada\0SUDO_USER=\0", "SUDO_USER"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "(\\PC|\n|:|,|/|%|slurmstepd: \\[|\\(\\(\"|processor\t: |0|MemTotal:|kB|ID=| ){0,120}") {
            let _ = os_release(&text);
            let _ = lscpu(&text);
            let _ = cpuinfo(&text);
            let _ = memory_mib(&text);
            let _ = uid(&text);
            let _ = cgroup(&text, &text);
            let _ = listening(&text);
            let _ = ahosts(&text);
            let _ = addresses(&text);
            let _ = available_mib(&text);
            let _ = slurm_version(&text);
            let _ = first_controller_answers(&text);
            let _ = job_of(&text);
            let _ = variable(text.as_bytes(), "ID");
            let _ = full_name(&text, "h");
        }
    }
}
