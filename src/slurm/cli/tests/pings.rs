//! What scontrol says of controllers.

use proptest::prelude::*;
use slurmdash_api::cluster::{Controller, ControllerRole};

use super::hostile::cluster;
use super::releases::text;
use crate::slurm::cli::ping::controllers;
use crate::slurm::{Slurm, SlurmError};

fn controller(host: &str, role: ControllerRole, answers: bool) -> Controller {
    Controller { host: host.to_owned(), role, answers }
}

/// Two heads.
fn heads(primary: bool, backup: bool) -> Vec<Controller> {
    vec![controller("head1", ControllerRole::Primary, primary), controller("head2", ControllerRole::Backup, backup)]
}

#[test]
fn both_heads_are_told_apart_in_each_state() {
    for (file, expected) in [
        ("scontrol-ping-well.txt", heads(true, true)),
        ("scontrol-ping-primary-down.txt", heads(false, true)),
        ("scontrol-ping-primary-down-root.txt", heads(false, true)),
        ("scontrol-ping-all-down.txt", heads(false, false)),
    ] {
        assert_eq!(controllers(&text("22.05", file)), Ok(expected), "{file}");
    }
}

#[test]
fn one_controller_and_three_are_read_as_well() {
    let said = "Slurmctld(primary) at hpc-1.example.org is UP\n";
    assert_eq!(controllers(said), Ok(vec![controller("hpc-1.example.org", ControllerRole::Primary, true)]));
    let said = "Slurmctld(primary) at a is DOWN\nSlurmctld(backup1) at b is DOWN\nSlurmctld(backup2) at c is UP\n";
    let backup = |host, answers| controller(host, ControllerRole::Backup, answers);
    let expected = vec![controller("a", ControllerRole::Primary, false), backup("b", false), backup("c", true)];
    assert_eq!(controllers(said), Ok(expected));
}

#[test]
fn nothing_is_guessed() {
    for said in [
        "",
        "scontrol: error",
        "Slurmctld(primary/backup) at head1/head2 are UP/DOWN\n",
        "Slurmctld(primary) at head1 is SIDEWAYS\n",
        "Slurmctld(primary) at head1\n",
        "Slurmctld(primary) at  is UP\n",
        "Slurmctld(primary) at <b>head1</b> is UP\n",
        "Slurmctld(deputy) at head1 is UP\n",
        "Slurmctld(backupx) at head1 is UP\n",
        "Slurmctld(primary) at head1 is UP\nSlurmctld(backup) at head2 is U",
    ] {
        assert!(controllers(said).is_err(), "{said:?}");
    }
}

#[tokio::test]
async fn that_none_answers_is_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let lines = "echo 'Slurmctld(primary) at head1 is DOWN'; echo 'Slurmctld(backup) at head2 is DOWN'";
    let slurm = cluster(dir.path(), &[("scontrol", &format!("[ \"$*\" = ping ] && {lines}; exit 1"))]);
    assert_eq!(slurm.controllers().await, Ok(heads(false, false)));
    let dir = tempfile::tempdir().unwrap();
    let slurm = cluster(dir.path(), &[("scontrol", "echo 'scontrol: fatal: no configuration' >&2; exit 1")]);
    let error = slurm.controllers().await.unwrap_err();
    assert!(matches!(&error, SlurmError::Unavailable { message, .. } if message == "no configuration"), "{error:?}");
    let dir = tempfile::tempdir().unwrap();
    let slurm = cluster(dir.path(), &[("scontrol", "yes 'Slurmctld(primary) at head1 is UP'")]);
    assert!(matches!(slurm.controllers().await, Err(SlurmError::Unexpected { .. } | SlurmError::TimedOut { .. })));
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(answers in proptest::collection::vec(any::<bool>(), 1..8), hosts in "[a-z0-9.-]{1,30}") {
        let count = answers.len();
        let lines = answers.iter().enumerate().map(|(nth, answers)| {
            let mode = match nth {
                0 => "primary".to_owned(),
                1 if count == 2 => "backup".to_owned(),
                nth => format!("backup{nth}"),
            };
            format!("Slurmctld({mode}) at {hosts}{nth} is {}\n", if *answers { "UP" } else { "DOWN" })
        });
        let read = controllers(&lines.collect::<String>()).unwrap();
        prop_assert_eq!(read.iter().map(|one| one.answers).collect::<Vec<_>>(), answers);
        let named = read.iter().enumerate().all(|(nth, one)| one.host == format!("{hosts}{nth}"));
        prop_assert!(named, "{:?}", read);
        prop_assert!(read.iter().skip(1).all(|one| one.role == ControllerRole::Backup));
    }

    #[test]
    fn no_text_upsets_it(text in "(Slurmctld[(])?(primary|backup)?[)]?( at | is |UP|DOWN|\\PC|\n){0,20}") {
        if let Ok(read) = controllers(&text) {
            prop_assert!(!read.is_empty() && read.iter().all(|one| !one.host.is_empty()));
        }
    }
}
