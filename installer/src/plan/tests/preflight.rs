//! What is wrong with hosts is found before anything is done.
use super::day_two::standing;
use super::*;

#[test]
fn preflight_says_what_is_wrong_and_what_mends_it() {
    type Break = fn(&mut Config, &mut BTreeMap<String, Facts>);
    let cases: [(Break, &str); 19] = [
        (|_, facts| facts.retain(|name, _| name == "head1"), "no host that runs jobs can be reached: node[001-002]"),
        (|_, facts| facts.get_mut("node001").unwrap().clock_ms += 9_000, "node001: its clock is 9 s ahead"),
        (|_, facts| facts.get_mut("head1").unwrap().uid = 1000, "head1: the installer is user 1000"),
        (|_, facts| facts.get_mut("head1").unwrap().has_systemd = false, "systemd"),
        (|_, facts| facts.get_mut("node001").unwrap().hostname = "other".into(), "hostnamectl set-hostname node001"),
        (|_, facts| drop(facts.get_mut("head1").unwrap().ports.insert(6817, "nginx".into())), "port 6817"),
        (|_, facts| *facts.get_mut("head1").unwrap().free_mib.get_mut(Path::new("/var")).unwrap() = 100, "make room"),
        (
            |_, facts| drop(facts.get_mut("node001").unwrap().names.insert("head1".into(), vec![])),
            "not known on node001",
        ),
        (
            |_, facts| {
                let wrong = vec!["192.0.2.1".parse().unwrap()];
                facts.get_mut("node001").unwrap().names.insert("head1".into(), wrong);
            },
            "the name head1 is 192.0.2.1 on node001",
        ),
        (|_, facts| drop(facts.get_mut("head1").unwrap().available.remove("slurmctld")), "have no slurmctld"),
        (|config, _| config.versions.slurm = Some("23.11".into()), "versions.slurm insists on 23.11"),
        (
            |_, facts| {
                let head = facts.get_mut("head1").unwrap();
                head.files.insert("/etc/slurm/slurm.conf".into(), "ClusterName=mine\n".into());
            },
            "slurmdash install adopt",
        ),
        (
            |_, facts| {
                let head = facts.get_mut("head1").unwrap();
                head.digests.insert("/etc/munge/munge.key".into(), "ab".repeat(32));
                head.units.get_mut("slurmctld.service").unwrap().active = "active".into();
            },
            "another munge key",
        ),
        (
            |config, _| {
                config.hosts[1].roles.insert(Role::BackupController);
            },
            "the accounting database is on a controller",
        ),
        (
            |config, _| {
                config.storage.home = Some(Share { path: "/export".into(), from: ShareFrom::Existing });
            },
            "nothing is mounted there",
        ),
        (
            |_, facts| {
                facts.get_mut("node001").unwrap().files.remove(Path::new("/proc/self/mounts"));
                facts.get_mut("node002").unwrap().files.insert("/proc/self/mounts".into(), "/dev/sda1 / ext4\n".into());
            },
            "node002: its homes are its own",
        ),
        (
            |_, facts| {
                let mounts = "/dev/sda1 / ext4 rw,relatime 0 0\n/dev/sda1 /etc ext4 rw 0 0\n/dev/sda2 /etc ext4 ro,relatime 0 0\n";
                facts.get_mut("head1").unwrap().files.insert("/proc/self/mounts".into(), mounts.into());
            },
            "head1: mounted read-only: /etc;",
        ),
        (
            |_, facts| {
                let head = facts.get_mut("head1").unwrap();
                head.available.clear();
                head.sources_away = Some("apt-get update failed: no answer from mirror".into());
            },
            "head1: its package sources do not answer: apt-get update failed: no answer from mirror",
        ),
        (
            |config, facts| {
                *facts = standing(config);
                config.cluster = "other".into();
            },
            "keep `cluster: hpc`",
        ),
    ];
    for (spoil, said) in cases {
        let mut config = head_and_nodes();
        let mut facts = facts("debian-12", &config);
        spoil(&mut config, &mut facts);
        let errors = errors(&judge(&config, &facts, &secrets()));
        assert!(errors.iter().any(|error| error.contains(said)), "{said}: {errors:?}");
    }
}
