//! The parsers on what no cluster has printed yet.

use proptest::prelude::*;
use slurmdash_api::cluster::NodeState;

use crate::slurm::cli::marked::Mark;
use crate::slurm::cli::{sacct, scontrol, squeue};

fn mark() -> Mark {
    Mark::new([0xab; 8])
}

/// One row as squeue prints it.
fn row(id: &str, account: &str, name: &str) -> String {
    let unit = "\u{1f}";
    let plain = [
        id,
        "7",
        "7",
        "ada",
        "compute",
        "RUNNING",
        "None",
        "1",
        "1",
        "2",
        "cpu=2,mem=200M,node=1",
        "N/A",
        "N/A",
        "n1",
        "1795357619",
        "1795357620",
        "1795359420",
        "30:00",
        "0:01",
        "1",
    ];
    let mut row = plain.map(|field| format!("{field}{unit}")).concat();
    for chosen in [account, "(null)", name] {
        row.push_str(chosen);
        row.push_str(mark().as_str());
    }
    row + "\n"
}

#[test]
fn broken_tables_are_errors_not_jobs() {
    let good = row("7", "a", "x");
    assert_eq!(squeue::parse(&good, &mark()).unwrap().len(), 1);
    assert_eq!(squeue::parse("", &mark()).unwrap().len(), 0);
    for broken in [
        "garbage\n".to_owned(),
        good[..good.len() - 5].to_owned(),
        good.clone() + "cut",
        good.replacen("\u{1f}7\u{1f}", "\u{1f}x\u{1f}", 1),
        good.replacen('\u{1f}', " ", 1),
    ] {
        assert!(squeue::parse(&broken, &mark()).is_err(), "{broken:?}");
    }
}

#[test]
fn every_node_state_has_a_word() {
    for (text, state) in [
        ("IDLE", NodeState::Idle),
        ("IDLE+DRAIN", NodeState::Drain),
        ("DRAINED", NodeState::Drain),
        ("DRAINING*", NodeState::Down),
        ("MIXED+DRAIN", NodeState::Drain),
        ("DOWN*", NodeState::Down),
        ("DOWN+DRAIN", NodeState::Down),
        ("IDLE*", NodeState::Down),
        ("IDLE+NOT_RESPONDING", NodeState::Down),
        ("IDLE+DRAIN+INVALID_REG", NodeState::Down),
        ("MIXED+PLANNED", NodeState::Mixed),
        ("IDLE+PLANNED", NodeState::Idle),
        ("PLANNED", NodeState::Idle),
        ("idle~", NodeState::Idle),
        ("mix-", NodeState::Mixed),
        ("IDLE+CLOUD+POWERED_DOWN", NodeState::Idle),
        ("ALLOCATED+COMPLETING", NodeState::Allocated),
        ("ALLOCATED", NodeState::Allocated),
        ("IDLE+MAINTENANCE", NodeState::Maintenance),
        ("IDLE+RESERVED", NodeState::Maintenance),
        ("FUTURE", NodeState::Unknown),
        ("UNKNOWN", NodeState::Unknown),
        ("", NodeState::Unknown),
    ] {
        assert_eq!(scontrol::state(text), state, "{text}");
    }
}

#[test]
fn free_text_does_not_pass_for_other_keys() {
    let line = "NodeName=n1 CPUAlloc=1 CPUTot=4 CPULoad=N/A Gres=gpu:a100:2(S:0-1) OS=Linux 6 x=y #1  RealMemory=4000 \
        AllocMem=100 State=DOWN* Partitions=a,b Reason=bad State=IDLE x = y [root@1795357619] \n   RealMemory=1\n\n";
    let nodes = scontrol::nodes(line).unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!((nodes[0].state, nodes[0].memory, nodes[0].gpus, nodes[0].load), (NodeState::Down, 4000, 2, None));
    assert_eq!(nodes[0].partitions, ["a", "b"]);
    let reason = scontrol::nodes("NodeName=n1 CPUAlloc=0 CPUTot=4 RealMemory=1 Reason=a [b] c [root@Unknown]").unwrap();
    assert_eq!(reason[0].reason.as_deref(), Some("a [b] c"));
    assert!(scontrol::nodes("NodeName=n1 CPUTot=many").is_err());
    assert_eq!(scontrol::nodes("No nodes in the system\n").unwrap(), []);
    assert_eq!(scontrol::cluster_name("Configuration data\nClusterName             = lab\n").unwrap(), "lab");
    assert!(scontrol::cluster_name("nothing").is_err());
}

#[test]
fn a_partition_of_too_many_nodes_is_refused() {
    let line = "PartitionName=p Default=NO State=UP TotalCPUs=1 Nodes=n[1-4000000000]\n";
    assert!(scontrol::partitions(line, &[]).is_err());
    let none = scontrol::partitions("PartitionName=p Default=NO State=DOWN TotalCPUs=0 Nodes=(null)", &[]).unwrap();
    assert!(none[0].nodes.is_empty() && !none[0].is_up && none[0].max_time.is_none());
}

proptest! {
    /// Whatever people call their jobs and accounts, it comes back, and only it.
    #[test]
    fn names_come_back(
        names in proptest::collection::vec(("(\\PC|[\n\u{1e}\u{1f}|= ])*", "[ -~\n\u{1f}]{0,12}"), 0..6),
    ) {
        let text: String = names.iter().map(|(name, account)| row("7", account, name)).collect();
        let jobs = squeue::parse(&text, &mark()).unwrap();
        prop_assert_eq!(jobs.len(), names.len());
        for (job, (name, account)) in jobs.iter().zip(&names) {
            prop_assert_eq!(&job.name, name);
            if !matches!(account.as_str(), "" | "N/A" | "None" | "n/a" | "(null)") {
                prop_assert_eq!(job.account.as_ref(), Some(account));
            }
            prop_assert_eq!((job.job_id, job.cpus, job.memory), (7, 2, Some(200)));
        }
    }

    #[test]
    fn never_panics(text in "(\\PC|[\n\u{1e}\u{1f}=]|NodeName=|PartitionName=|Nodes=|CPUTot=1 )*") {
        let marked = text.replace('|', mark().as_str());
        for text in [&text, &marked] {
            let _ = (squeue::parse(text, &mark()), squeue::parse_full(text, &mark()), sacct::parse(text, &mark()));
            let _ = (sacct::all_fields(text, &mark()), sacct::found(text, &mark(), "x"), squeue::found(text, &mark(), "x"));
            let _ = (scontrol::nodes(text), scontrol::partitions(text, &[]), scontrol::state(text));
        }
    }
}
