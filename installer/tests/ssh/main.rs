//! Another host over a real sshd: the program is brought, facts and looks come back, and what breaks is told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod sshd;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use slurmdash_installer::action::{Action, Await, Content, Expected, Materials, Setting, WriteFile};
use slurmdash_installer::config::{self, HostKeys};
use slurmdash_installer::facts::{Facts, Wanted};
use slurmdash_installer::host::HostError;
use slurmdash_installer::reach::{Idle, Reach, Ssh};
use sshd::{Sshd, eventually, signal};

fn facts(reach: &Ssh) -> Facts {
    reach.facts(&Wanted { names: vec!["localhost".into()], ..Wanted::default() }).unwrap()
}

fn away(reach: &Ssh) -> String {
    match reach.facts(&Wanted::default()) {
        Err(HostError::Away(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn wait_for_munge() -> Action {
    Action::Await(Await { expected: Expected::MungeAnswers, within_seconds: 1, log: None, unit: None })
}

fn setting() -> Setting {
    Setting { keep: "/nonexistent".into(), written: std::collections::BTreeMap::new(), keep_data: true }
}

#[test]
fn facts_and_looks_come_over_one_connection() {
    let sshd = Sshd::start();
    let reach = sshd.reach();
    let found = facts(&reach);
    assert!(found.cpus.total > 0 && found.names["localhost"].iter().any(std::net::IpAddr::is_loopback));
    assert_eq!(found.uid, rustix::process::geteuid().as_raw());
    let looks = reach.look(&[wait_for_munge(), wait_for_munge()], &setting()).unwrap();
    assert_eq!(looks.len(), 2);
    assert_eq!(sshd.logins(), 1);
}

#[test]
fn the_program_is_brought_once_and_again_when_it_is_damaged() {
    let sshd = Sshd::start();
    std::fs::create_dir(sshd.path("bin")).unwrap();
    std::fs::write(sshd.path("bin/slurmdash-0123456789abcdef"), "an older version").unwrap();
    std::fs::write(sshd.path("bin/.new-1"), "broken off").unwrap();
    facts(&sshd.reach());
    let there = || {
        let mut files: Vec<_> = std::fs::read_dir(sshd.path("bin")).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    };
    let (path, first) = (there(), there().metadata().unwrap());
    assert_eq!(first.permissions().mode() & 0o7777, 0o700);
    facts(&sshd.reach());
    assert_eq!(there().metadata().unwrap().ino(), first.ino());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "#!/bin/sh\necho damaged\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    facts(&sshd.reach());
    assert_eq!(there().metadata().unwrap().len(), first.len());
}

#[test]
fn a_host_key_that_is_another_or_unknown_is_refused() {
    let sshd = Sshd::start();
    sshd.know("other");
    let text = away(&sshd.reach());
    assert!(text.contains("another machine") && text.contains("ssh-keygen -R '[127.0.0.1]:"), "{text}");
    std::fs::write(sshd.path("known_hosts"), "").unwrap();
    let text = away(&sshd.reach());
    assert!(text.contains("its host key is not known") && text.contains("accept-new"), "{text}");
    let accepting = config::Ssh { host_keys: HostKeys::AcceptNew, ..sshd.way() };
    let idle = Arc::new(Idle::at_most(1));
    facts(&sshd.reach_by(&accepting, &idle));
    sshd.know("other");
    let text = match sshd.reach_by(&accepting, &idle).facts(&Wanted::default()) {
        Err(HostError::Away(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(text.contains("another machine"), "{text}");
}

#[test]
fn a_wrong_key_and_a_closed_port_are_told() {
    let mut sshd = Sshd::start();
    let idle = Arc::new(Idle::at_most(1));
    let wrong = config::Ssh { key: Some(sshd.path("other")), ..sshd.way() };
    let text = away(&sshd.reach_by(&wrong, &idle));
    assert!(text.contains("no key was accepted") && text.contains("authorized_keys"), "{text}");
    let missing = config::Ssh { key: Some(sshd.path("missing")), ..sshd.way() };
    let text = away(&sshd.reach_by(&missing, &idle));
    assert!(text.contains("missing can't be read: is that its path?"), "{text}");
    sshd.down();
    let text = away(&sshd.reach());
    assert!(text.contains("does sshd run"), "{text}");
}

#[test]
fn what_changes_nothing_is_asked_again_when_the_line_is_cut() {
    let sshd = Sshd::start();
    let reach = sshd.reach();
    facts(&reach);
    // While it is idle.
    sshd.cut();
    facts(&reach);
    assert_eq!(sshd.logins(), 2);
    // In the middle of a call: a file that takes minutes to be read.
    let large = sshd.path("large");
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    let wanted = Wanted { digests: vec![large.clone()], ..Wanted::default() };
    eventually("one far end", || sshd.far_ends().len() == 1);
    let far_end = sshd.far_ends()[0];
    let reads = || {
        let files = std::fs::read_dir(format!("/proc/{far_end}/fd")).unwrap();
        files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == large))
    };
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| reach.facts(&wanted).unwrap());
        eventually("it is read", reads);
        std::fs::remove_file(&large).unwrap();
        sshd.cut();
        assert!(asked.join().unwrap().digests.is_empty());
    });
    signal(far_end, Signal::KILL);
    assert_eq!(sshd.logins(), 3);
}

/// A file whose check takes a minute.
fn slow_file(sshd: &Sshd) -> Action {
    let id = |option: &str| String::from_utf8(Command::new("id").arg(option).output().unwrap().stdout).unwrap();
    Action::WriteFile(WriteFile {
        path: sshd.path("slow"),
        content: Content::Text("slow".into()),
        owner: id("-un").trim().to_owned(),
        group: id("-gn").trim().to_owned(),
        mode: 0o644,
        check: Some(vec!["sleep".into(), "60".into()]),
    })
}

#[test]
fn what_changes_something_is_never_asked_twice() {
    let sshd = Sshd::start();
    let reach = sshd.reach();
    facts(&reach);
    let execute = |action: &Action| reach.execute(action, &setting(), &Materials::default());
    // An idle line that was cut has carried nothing.
    sshd.cut();
    execute(&wait_for_munge()).unwrap().unwrap_err();
    assert_eq!(sshd.logins(), 2);
    let slow = slow_file(&sshd);
    let sleeper = || sshd.processes().into_iter().find(|(_, name)| name == "sleep");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| execute(&slow));
        eventually("it is done", || sleeper().is_some());
        let (sleeper, _) = sleeper().unwrap();
        sshd.cut();
        let text = asked.join().unwrap().unwrap_err().to_string();
        assert!(text.contains("broke off; whether the step was done is not known"), "{text}");
        assert_eq!(sshd.logins(), 2);
        // What was begun goes to its end there.
        signal(sleeper, Signal::KILL);
    });
    // The next call finds a new line.
    facts(&reach);
    assert_eq!(sshd.logins(), 3);
}

#[test]
fn a_host_that_goes_away_wholly_is_told() {
    let mut sshd = Sshd::start();
    let reach = sshd.reach();
    facts(&reach);
    let processes = sshd.processes();
    sshd.down();
    for (pid, _) in processes {
        signal(pid, Signal::KILL);
    }
    let text = away(&reach);
    assert!(text.contains("can't be reached: nothing listens"), "{text}");
}

#[test]
fn what_a_login_shell_prints_is_no_answer() {
    let sshd = Sshd::start_with("ForceCommand echo welcome; echo 'slurmdash is here'; eval \"$SSH_ORIGINAL_COMMAND\"");
    facts(&sshd.reach());
    let endless = Sshd::start_with("ForceCommand exec yes welcome");
    let text = away(&endless.reach());
    assert!(text.contains("login shell prints without end"), "{text}");
    let silent = Sshd::start_with("ForceCommand echo no entry >&2; exit 3");
    let text = away(&silent.reach());
    assert!(text.contains("ended before the far end answered (exit code 3)") && text.contains("no entry"), "{text}");
    let locked = Sshd::start_with("ForceCommand exec /usr/sbin/nologin");
    let text = away(&locked.reach());
    assert!(text.contains("may not sign in there"), "{text}");
}

#[test]
fn idle_lines_are_closed_when_there_are_too_many() {
    let sshd = Sshd::start();
    let idle = Arc::new(Idle::at_most(2));
    let hosts: Vec<Ssh> = (0..5).map(|_| sshd.reach_by(&sshd.way(), &idle)).collect();
    for host in &hosts {
        facts(host);
    }
    eventually("two lines are left", || sshd.far_ends().len() == 2);
    // One that was closed is opened again, one that is open is used.
    facts(&hosts[4]);
    assert_eq!(sshd.logins(), 5);
    facts(&hosts[0]);
    assert_eq!(sshd.logins(), 6);
    drop(hosts);
    eventually("all are closed", || sshd.far_ends().is_empty());
}
