use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::action::{AddGroup, Content, WriteFile};
use crate::clock::Clock;

fn caller_at(seconds: u64) -> Caller {
    let clock = Clock::from_fn(move || Duration::from_secs(seconds));
    Caller { command: vec!["slurmdash".into(), "install".into()], clock }
}

fn caller() -> Caller {
    caller_at(1_795_611_901)
}

fn place(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("slurmdash-install")
}

fn id(name: &str) -> StepId {
    StepId(name.to_owned())
}

fn started(name: &str, action: Action) -> Record {
    let action = Box::new(action);
    Record::Started { step: id(name), host: "node1".into(), action, undo: Undo::Nothing, stage: 0, causes: Vec::new() }
}

fn file(path: &str, text: &str) -> Action {
    let content = Content::Text(Arc::from(text));
    let (owner, group) = ("root".into(), "root".into());
    Action::WriteFile(WriteFile { path: path.into(), content, owner, group, mode: 0o644, check: None })
}

fn group(name: &str) -> Action {
    Action::AddGroup(AddGroup { name: name.to_owned(), gid: 901 })
}

fn done(name: &str) -> Record {
    Record::Done { step: id(name) }
}

fn reverted(name: &str) -> Record {
    Record::Reverted { step: id(name), outcome: Reverted::wholly() }
}

fn append(journal: &Journal, records: &[Record]) {
    for record in records {
        journal.append(record).unwrap();
    }
}

/// A journal with one run of four records, and the file that holds them.
fn with_a_run(folder: &tempfile::TempDir) -> (RunId, PathBuf) {
    let mut journal = Journal::open(&place(folder), caller()).unwrap();
    let run = journal.begin().unwrap();
    append(&journal, &[started("a", group("munge")), done("a"), started("b", group("slurm"))]);
    let path = place(folder).join("runs").join(run.as_str()).join("journal");
    (run, path)
}

#[test]
fn what_is_written_is_read_back_by_the_next_installer() {
    let folder = tempfile::tempdir().unwrap();
    let (run, path) = with_a_run(&folder);
    assert_eq!(run.as_str(), "20261125-130501");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let journal = Journal::open(&place(&folder), caller()).unwrap();
    let unfinished = journal.unfinished().unwrap();
    assert_eq!(unfinished.id, run);
    assert_eq!(unfinished.command, ["slurmdash", "install"]);
    let came: Vec<_> = unfinished.steps.iter().map(|begun| (begun.step.0.as_str(), begun.came)).collect();
    assert_eq!(came, [("a", Came::Done), ("b", Came::Begun)]);
    assert_eq!(unfinished.open().into_iter().collect::<Vec<_>>(), [id("b")]);
    let to_undo: Vec<_> = unfinished.to_undo().map(|begun| begun.step.0.as_str()).collect();
    assert_eq!(to_undo, ["b", "a"]);
}

#[test]
fn a_line_torn_at_any_byte_is_cut_off_and_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (run, path) = with_a_run(&folder);
    let whole = std::fs::read(&path).unwrap();
    let start = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in start..whole.len() {
        let mut torn = whole[..end].to_vec();
        // What a file system leaves of a page that was not written.
        torn.resize(whole.len(), 0);
        for content in [&whole[..end], &torn] {
            std::fs::write(&path, content).unwrap();
            let mut journal = Journal::open(&place(&folder), caller()).unwrap();
            assert_eq!(journal.run(&run).unwrap().steps.len(), 1, "{end}");
            journal.reopen(&run).unwrap();
            append(&journal, &[started("c", group("slurm"))]);
            drop(journal);
            let journal = Journal::read(&place(&folder), caller()).unwrap();
            assert_eq!(journal.run(&run).unwrap().steps[1].step, id("c"), "{end}");
        }
    }
}

#[test]
fn damage_in_the_middle_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (run, path) = with_a_run(&folder);
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    let refused = |content: &[u8], what: &str| {
        std::fs::write(&path, content).unwrap();
        let error = Journal::open(&place(&folder), caller()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("mv "), "{error}");
        error
    };
    for at in (0..last).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        refused(&changed, &format!("byte {at}"));
    }
    let mut lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    lines.remove(2);
    refused(&lines.concat(), "a lost line");
    let error = refused(&[whole.as_slice(), b"garbage\ngarbage\n"].concat(), "garbage at the end");
    let JournalError::Damaged { line, command, .. } = error else { unreachable!() };
    assert_eq!(line, 5);
    // The command does what the sentence says.
    assert!(std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success());
    assert_eq!(Journal::open(&place(&folder), caller()).unwrap().run(&run), None);
}

#[test]
fn a_folder_that_others_could_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(&place(&folder), caller()).unwrap());
    assert_eq!(std::fs::metadata(place(&folder)).unwrap().mode() & 0o7777, 0o700);
    for loose in [place(&folder), place(&folder).join("runs"), place(&folder).join("secrets")] {
        std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o750)).unwrap();
        let error = Journal::open(&place(&folder), caller()).unwrap_err();
        let JournalError::Unsafe { command, .. } = &error else { panic!("{error}") };
        assert!(std::process::Command::new("sh").args(["-c", command]).status().unwrap().success());
        Journal::open(&place(&folder), caller()).unwrap();
    }
}

#[test]
fn a_link_in_place_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    drop(Journal::open(&elsewhere, caller()).unwrap());
    std::os::unix::fs::symlink(&elsewhere, place(&folder)).unwrap();
    for error in
        [Journal::open(&place(&folder), caller()).unwrap_err(), Journal::read(&place(&folder), caller()).unwrap_err()]
    {
        assert!(error.to_string().contains("is a link"), "{error}");
    }
    let missing = folder.path().join("no/such");
    let error = Journal::open(&missing, caller()).unwrap_err();
    assert!(error.to_string().contains("mkdir -p"), "{error}");
}

#[test]
fn the_second_installer_is_told_who_the_first_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = Journal::open(&place(&folder), caller()).unwrap();
    let error = Journal::open(&place(&folder), caller()).unwrap_err();
    let JournalError::Held(holder) = &error else { panic!("{error}") };
    assert_eq!(holder.pid, std::process::id());
    let said = error.to_string();
    assert!(said.contains("slurmdash install") && said.contains("2026-11-25T13:05:01Z"), "{said}");
    // Looking is possible all the while, and changing is not.
    let mut onlooker = Journal::read(&place(&folder), caller()).unwrap();
    assert_eq!(onlooker.holder().unwrap().as_ref(), Some(holder));
    assert_eq!(onlooker.begin(), Err(JournalError::NoRun));
    drop(first);
    assert_eq!(onlooker.holder().unwrap(), None);
    Journal::open(&place(&folder), caller()).unwrap();
}

#[test]
fn names_of_runs_sort_by_their_order_whatever_the_clock_does() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(1_795_611_901));
    let times = Arc::clone(&now);
    let clock = Clock::from_fn(move || Duration::from_secs(times.load(Ordering::SeqCst)));
    let mut journal = Journal::open(&place(&folder), Caller { command: Vec::new(), clock }).unwrap();
    let mut names = Vec::new();
    for at in [1_795_611_901, 1_795_611_901, 1_795_000_000, 1_795_611_905] {
        now.store(at, Ordering::SeqCst);
        names.push(journal.begin().unwrap());
    }
    let said: Vec<_> = names.iter().map(RunId::as_str).collect();
    assert_eq!(said, ["20261125-130501", "20261125-130502", "20261125-130503", "20261125-130505"]);
    drop(journal);
    let journal = Journal::read(&place(&folder), caller()).unwrap();
    assert_eq!(journal.runs().into_iter().map(|run| run.id).collect::<Vec<_>>(), names);
}

#[test]
fn a_run_killed_while_it_was_made_is_no_run() {
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(&place(&folder), caller()).unwrap());
    super::folder::make(&place(&folder).join("runs/20261125-130501")).unwrap();
    super::folder::make(&place(&folder).join("runs/lost+found")).unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    assert!(journal.runs().is_empty());
    assert_eq!(journal.begin().unwrap().as_str(), "20261125-130502");
}

#[test]
fn what_was_written_last_is_that_of_steps_that_were_done_and_not_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    let sha = |text: &str| crate::bytes::sha256(text.as_bytes());
    let conf = Path::new("/etc/slurm/slurm.conf");
    journal.begin().unwrap();
    append(&journal, &[started("conf", file("/etc/slurm/slurm.conf", "one")), done("conf")]);
    assert_eq!(journal.written("node1"), BTreeMap::from([(conf.to_owned(), sha("one"))]));
    assert_eq!(journal.written("node2"), BTreeMap::new());
    journal.begin().unwrap();
    append(&journal, &[started("conf", file("/etc/slurm/slurm.conf", "two"))]);
    assert_eq!(journal.written("node1")[conf], sha("one"), "nobody knows whether it was written");
    append(&journal, &[done("conf")]);
    assert_eq!(journal.written("node1")[conf], sha("two"));
    append(&journal, &[reverted("conf")]);
    assert_eq!(journal.written("node1")[conf], sha("one"));
}

#[test]
fn a_step_is_owed_until_it_was_done_after_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    let owed = |journal: &Journal| journal.debts().owed(&id("restart"), &id("conf"));
    journal.begin().unwrap();
    assert!(!owed(&journal));
    append(&journal, &[started("conf", group("x"))]);
    assert!(owed(&journal), "it may have been done");
    append(&journal, &[done("conf"), started("restart", group("y"))]);
    assert!(owed(&journal));
    append(&journal, &[done("restart")]);
    assert!(!owed(&journal));
    let first = journal.current().unwrap();
    journal.begin().unwrap();
    append(&journal, &[started("conf", group("x")), done("conf")]);
    assert!(owed(&journal), "it was changed again, in another run");
    append(&journal, &[reverted("conf")]);
    assert!(!owed(&journal), "and changed back");
    journal.reopen(&first).unwrap();
    assert_eq!(journal.current(), Some(first));
}

#[test]
fn each_beginning_of_a_step_is_undone_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    let run = journal.begin().unwrap();
    append(&journal, &[started("a", group("one")), started("a", group("two")), done("a"), reverted("a")]);
    let run = journal.run(&run).unwrap();
    let left: Vec<_> = run.to_undo().map(|begun| (&begun.action, begun.came)).collect();
    assert_eq!(left, [(&group("one"), Came::Begun)]);
}

#[test]
fn secrets_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&place(&folder), caller()).unwrap();
    let secrets = journal.secrets();
    assert_eq!(secrets.get("munge.key").unwrap(), None);
    secrets.put("munge.key", b"one").unwrap();
    secrets.put("munge.key", b"\x00two").unwrap();
    assert_eq!(secrets.get("munge.key").unwrap().unwrap(), b"\x00two");
    assert_eq!(secrets.names().unwrap(), ["munge.key"]);
    let path = place(&folder).join("secrets/munge.key");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = secrets.get("munge.key").unwrap_err();
    assert!(error.to_string().contains("chmod 0600"), "{error}");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    secrets.get("munge.key").unwrap_err();
    for name in ["", ".", "..", "../lock", "a/b", ".hidden", "a\nb"] {
        assert!(matches!(secrets.put(name, b""), Err(JournalError::Name(_))), "{name:?}");
        assert!(matches!(secrets.get(name), Err(JournalError::Name(_))), "{name:?}");
    }
}

#[test]
fn the_configuration_that_was_applied_last_is_that_of_the_last_run_that_was_not_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    let now = |journal: &Journal| journal.configuration().unwrap().map(|text| String::from_utf8(text).unwrap());
    let end = |journal: &Journal, outcome| journal.append(&Record::Ended { at: 1, outcome }).unwrap();
    journal.keep_configuration(b"one");
    assert_eq!(now(&journal), None, "nothing is applied yet");
    let first = journal.begin().unwrap();
    append(&journal, &[started("a", group("a")), done("a")]);
    end(&journal, Outcome::Done);
    journal.keep_configuration(b"two");
    let second = journal.begin().unwrap();
    append(&journal, &[started("b", group("b"))]);
    assert_eq!(now(&journal).as_deref(), Some("two"));
    // Gone on with, it may have another.
    journal.keep_configuration(b"two and a half");
    journal.reopen(&second).unwrap();
    assert_eq!(now(&journal).as_deref(), Some("two and a half"));
    append(&journal, &[reverted("b")]);
    end(&journal, Outcome::RolledBack);
    assert_eq!(now(&journal).as_deref(), Some("one"));
    journal.reopen(&first).unwrap();
    append(&journal, &[reverted("a")]);
    end(&journal, Outcome::RolledBack);
    drop(journal);
    assert_eq!(now(&Journal::read(&place(&folder), caller()).unwrap()), None);
}

#[test]
fn what_is_forgotten_leaves_no_folder_and_what_is_others_stays() {
    let folder = tempfile::tempdir().unwrap();
    for with_copies in [true, false] {
        let mut journal = Journal::open(&place(&folder), caller()).unwrap();
        journal.begin().unwrap();
        journal.log("a line");
        journal.secrets().put("munge.key", b"one").unwrap();
        if with_copies {
            std::fs::create_dir_all(place(&folder).join("kept/1")).unwrap();
        }
        journal.forget().unwrap();
        let left: Vec<_> =
            std::fs::read_dir(place(&folder)).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, if with_copies { vec!["kept"] } else { Vec::new() });
        if with_copies {
            std::fs::remove_dir_all(place(&folder).join("kept")).unwrap();
        }
    }
    assert!(!place(&folder).exists());
}

#[test]
fn a_record_that_can_t_be_written_is_not_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    for how in [BreakOff::Before, BreakOff::Amid, BreakOff::After] {
        let mut journal = Journal::open(&place(&folder), caller()).unwrap();
        let run = journal.begin().unwrap();
        journal.stop_after(1, how);
        append(&journal, &[started("a", group("a"))]);
        journal.append(&done("a")).unwrap_err();
        journal.append(&started("b", group("b"))).unwrap_err();
        drop(journal);
        let journal = Journal::open(&place(&folder), caller()).unwrap();
        let expected = if how == BreakOff::After { Came::Done } else { Came::Begun };
        let steps = journal.run(&run).unwrap().steps;
        assert_eq!(steps.iter().map(|begun| begun.came).collect::<Vec<_>>(), [expected], "{how:?}");
    }
}

#[test]
fn the_log_has_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&place(&folder), caller()).unwrap();
    journal.log("before any run: lost");
    let run = journal.begin().unwrap();
    journal.log("done   a");
    let log = std::fs::read_to_string(journal.log_path(&run)).unwrap();
    assert_eq!(log, "2026-11-25T13:05:01Z done   a\n");
}
