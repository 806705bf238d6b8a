//! Clusters built by hand.
use proptest::prelude::*;

use super::*;
use crate::config::tests::facts;
use crate::config::{Packages, SlurmPorts};

const BY_HAND: &str = "\
# made by hand
ClusterName=Physics
SlurmctldHost=head1.example.org(10.0.0.1)
SlurmctldHost=head2
SlurmctldHost=head3
SlurmUser=slurm
AuthType=auth/munge
SlurmctldPort=6817-6820
SlurmdPort=7003
StateSaveLocation=/srv/shared/slurmctld
ProctrackType=proctrack/cgroup
SelectType=select/cons_tres
selecttypeparameters=CR_Core
SelectTypeParameters=CR_Core_Memory
SlurmctldParameters=idle_on_node_suspend
MailProg=\"/usr/bin/mail -s x\"
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=head1.example.org
Include extra.conf
NodeName=DEFAULT Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 State=UNKNOWN
NodeName=n[01-03] NodeAddr=10.0.1.[1-3] \\
    CPUs=32 RealMemory=64000 Feature=big,ib Weight=5
NodeName=g1 RealMemory=128000 Gres=gpu:a100:2,fpga:1
NodeName=bad_name RealMemory=1
PartitionName=DEFAULT MaxTime=1-0 State=UP
PartitionName=main Nodes=n[01-03] Default=YES PriorityTier=2
PartitionName=gpu Nodes=g1,n99 MaxTime=INFINITE
PartitionName=none Nodes=set1
garbage here
";

fn read_by_hand() -> (Config, Vec<String>) {
    let gres = "NodeName=g1 Name=gpu Type=a100 File=/dev/nvidia[2-3]\n";
    let cgroup = "CgroupPlugin=cgroup/v1\nConstrainCores=yes\n";
    let adopted = read(BY_HAND, Some(cgroup), Some(gres), &BTreeMap::new());
    let config = config::parse(&adopted.yaml).unwrap_or_else(|problems| panic!("{}\n{problems:#?}", adopted.yaml));
    (config, adopted.notes)
}

#[test]
fn a_cluster_by_hand_is_described() {
    let (config, _) = read_by_hand();
    assert_eq!(config.cluster, "physics");
    let names: Vec<&str> = config.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["head1", "head2", "n01", "n02", "n03", "g1"]);
    let head1 = config.host("head1").unwrap();
    assert_eq!(head1.address, "10.0.0.1");
    assert!(head1.has(Role::Controller) && head1.has(Role::Database));
    assert!(config.host("head2").unwrap().has(Role::BackupController));
    let n02 = config.host("n02").unwrap();
    assert_eq!(n02.address, "10.0.1.2");
    assert_eq!((n02.node.cpus, n02.node.sockets, n02.node.cores_per_socket), (Some(32), Some(2), Some(8)));
    assert_eq!((n02.node.memory_mib, n02.node.features.join(" ")), (Some(64_000), "big ib".into()));
    let gpus = config.host("g1").unwrap().node.gpus.clone().unwrap();
    assert_eq!(gpus, [PathBuf::from("/dev/nvidia2"), PathBuf::from("/dev/nvidia3")]);
    let partitions: Vec<_> = config
        .partitions
        .iter()
        .map(|partition| {
            (partition.name.as_str(), partition.nodes.len(), partition.default, partition.max_time.as_deref())
        })
        .collect();
    assert_eq!(partitions, [("main", 3, true, Some("1-0")), ("gpu", 1, false, Some("INFINITE"))]);
    assert_eq!(config.partitions[0].options["PriorityTier"], "2");
    assert_eq!(config.slurm.options["SelectTypeParameters"], "CR_Core_Memory");
    assert_eq!(config.slurm.options["SlurmctldParameters"], "enable_configless,idle_on_node_suspend");
    assert_eq!(config.slurm.options["ProctrackType"], "proctrack/cgroup");
    assert_eq!(config.slurm.options["JobAcctGatherType"], "jobacct_gather/none", "as it was where nothing is said");
    assert!(!config.slurm.options.contains_key("StateSaveLocation"), "it is where it would be anyway");
    assert_eq!(config.slurm.options["MailProg"], "/usr/bin/mail -s x");
    assert_eq!(config.slurm.cgroup["ConstrainCores"], "yes");
    assert_eq!(config.slurm.ports, SlurmPorts { slurmd: 7003, ..SlurmPorts::default() });
    assert_eq!(config.storage.shared.unwrap().path, Path::new("/srv/shared"));
    assert!(config.accounting.enabled && config.accounting.database_on_controller);
    assert!(!config.apptainer && !config.dashboard.enabled);
    assert_eq!(config.packages, Packages::Distribution);
}

#[test]
fn what_cannot_be_said_is_noted() {
    let (_, notes) = read_by_hand();
    for expected in [
        "slurm.conf line 20: extra.conf is included, and wasn't read",
        "slurm.conf line 30: not understood, left out: garbage here",
        "head3 is a further backup controller",
        "nodes n[01-03]: Weight=5 can't be said",
        "nodes g1: Gres=fpga:1 can't be said",
        "nodes g1: the type of Gres=gpu:a100:2 can't be said",
        "gres.conf line 1: Type=a100 can't be said",
        "bad_name is no name for a host",
        "partition gpu: n99 is no node of slurm.conf",
        "partition none has no nodes",
        "cgroup.conf: CgroupPlugin=cgroup/v1 is left out",
        "SlurmctldPort=6817-6820: cluster.yaml takes one port",
        "selecttypeparameters is there twice; the last one holds",
        "the database is on head1, a controller",
    ] {
        assert!(notes.iter().any(|note| note.contains(expected)), "{expected}\n{notes:#?}");
    }
    assert!(!notes.iter().any(|note| note.contains("put right") || note.contains("AuthType")), "{notes:#?}");
}

#[test]
fn old_names_and_a_cluster_without_accounting_are_understood() {
    let text =
        "ClusterName=c\nControlMachine=box\nControlAddr=10.0.0.9\nNodeName=box CPUs=2\nPartitionName=p Nodes=ALL\n";
    let mut found = facts("box", &[], 1);
    found.users = vec![user("munge", 116)];
    found.groups = vec![crate::host::Group { name: "munge".into(), gid: 117, members: Vec::new() }];
    let adopted = read(text, None, None, &[("box".to_owned(), found)].into());
    let config = config::parse(&adopted.yaml).unwrap();
    let host = config.host("box").unwrap();
    assert!(host.has(Role::Controller) && host.has(Role::Compute));
    assert_eq!((host.address.as_str(), host.node.gpus.clone()), ("10.0.0.9", Some(Vec::new())));
    assert!(!config.accounting.enabled && config.partitions[0].default);
    assert_eq!(config.identities.munge, Some(Identity { uid: 116, gid: 117 }));
}

fn user(name: &str, uid: u32) -> crate::host::User {
    let (home, shell) = (PathBuf::from("/"), PathBuf::from("/bin/false"));
    crate::host::User { name: name.into(), uid, gid: uid, comment: String::new(), home, shell }
}

#[test]
fn what_is_missing_is_said() {
    let adopted = read("", None, None, &BTreeMap::new());
    let notes = adopted.notes.join("\n");
    assert!(notes.contains("names no controller") && notes.contains("put right: line"), "{notes}");
}

proptest! {
    #[test]
    fn any_files_are_described(conf in any::<String>(), other in any::<String>()) {
        read(&conf, Some(&other), Some(&other), &BTreeMap::new());
    }

    #[test]
    fn a_file_with_a_wrong_place_is_described(at in 0..BY_HAND.len(), with in any::<Option<char>>(), gone in 0_usize..9) {
        let mut text: Vec<char> = BY_HAND.chars().collect();
        text.splice(at..(at + gone).min(text.len()), with);
        let text: String = text.into_iter().collect();
        let adopted = read(&text, None, None, &BTreeMap::new());
        let is_right = config::parse(&adopted.yaml).is_ok();
        prop_assert_eq!(is_right, !adopted.notes.iter().any(|note| note.contains("put right")));
    }
}
