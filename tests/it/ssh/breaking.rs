//! What breaks on the way: each time a clear answer in bounded time, and the next call works.
use std::time::{Duration, Instant};

use slurmdash::hands::{Command, HandsError, Place};
use slurmdash::ssh::Settings;

use super::sshd::{Sshd, said};
use crate::support::eventually;

#[tokio::test]
async fn a_cut_connection_is_told_and_made_again() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    let hands = pool.hands(&user).await.unwrap();
    said(hands.as_ref(), "true", &[]).await;
    let marker = sshd.path(&user).join("running");
    let line = format!("touch {}; sleep 600", marker.display());
    let long = Command { within: Duration::from_mins(1), ..Command::new("sh").args(["-c", &line]) };
    let asked = {
        let hands = hands.clone();
        tokio::spawn(async move { hands.run(&long).await })
    };
    eventually(async || marker.exists().then_some(())).await;
    let begun = Instant::now();
    Sshd::cut(&user);
    let lost = asked.await.unwrap().unwrap_err();
    assert!(matches!(lost, HandsError::Lost(_)), "{lost}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(said(hands.as_ref(), "id", &["-un"]).await, user, "the next call works");
    assert_eq!(sshd.logins(&user), 2);
    let left = async || said(hands.as_ref(), "ps", &["-u", &user, "-o", "args="]).await;
    eventually(async || (!left().await.contains("sleep 600")).then_some(())).await;
}

#[tokio::test]
async fn a_dropped_call_ends_the_far_command() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    let hands = pool.hands(&user).await.unwrap();
    let marker = sshd.path(&user).join("running");
    let line = format!("touch {}; sleep 601 & sleep 602", marker.display());
    let long = Command { within: Duration::from_mins(1), ..Command::new("sh").args(["-c", &line]) };
    let asked = {
        let hands = hands.clone();
        tokio::spawn(async move { hands.run(&long).await })
    };
    eventually(async || marker.exists().then_some(())).await;
    asked.abort();
    let left = async || said(hands.as_ref(), "ps", &["-u", &user, "-o", "args="]).await;
    eventually(async || (!left().await.contains("sleep 60")).then_some(())).await;
    let over = Command { within: Duration::from_secs(1), ..Command::new("sleep").args(["603"]) };
    assert!(matches!(hands.run(&over).await, Err(HandsError::TimedOut { .. })));
    assert_eq!(sshd.logins(&user), 1, "the connection stays");
}

#[tokio::test]
async fn sshd_away_is_told_at_once_and_found_again() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    sshd.down();
    let hands = pool.hands(&user).await.unwrap();
    let away = hands.stat(&Place::at("/")).await.unwrap_err();
    assert!(matches!(away, HandsError::Unreachable { .. }), "{away}");
    let begun = Instant::now();
    assert!(hands.stat(&Place::at("/")).await.is_err());
    assert!(begun.elapsed() < Duration::from_millis(500), "a host that is away is not hammered");
    sshd.up();
    eventually(async || hands.stat(&Place::at("/")).await.ok()).await;
}

#[tokio::test]
async fn a_removed_or_locked_user_is_refused_in_words() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    let hands = pool.hands(&user).await.unwrap();
    said(hands.as_ref(), "true", &[]).await;
    let expired = std::process::Command::new("chage").args(["-E", "0", &user]).status().unwrap();
    assert!(expired.success());
    pool.close_user(&user).await;
    let refused = pool.hands(&user).await.unwrap().stat(&Place::at("/")).await.unwrap_err();
    assert!(
        matches!(&refused, HandsError::LoginRefused { reason, .. } if reason.contains("locked or expired")),
        "{refused}"
    );
    sshd.remove_user(&user);
    pool.close_user(&user).await;
    let gone = pool.hands(&user).await.err().unwrap();
    assert!(matches!(gone, HandsError::NoUser(_)), "{gone}");
}

#[tokio::test]
async fn the_agent_is_copied_once_where_it_is_missing() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let settings = || Settings { agent_path: Some("/no/such/slurmdash".into()), ..sshd.settings() };
    let pool = sshd.pool_with(settings()).0;
    let hands = pool.hands(&user).await.unwrap();
    assert_eq!(said(hands.as_ref(), "id", &["-un"]).await, user);
    let cache = sshd.path(&user).join(".cache/slurmdash");
    let copies = || {
        let entries = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap())).collect::<Vec<_>>()
    };
    let first = copies();
    assert_eq!(first.len(), 1, "{first:?}");
    let again = sshd.pool_with(settings()).0;
    assert_eq!(said(again.hands(&user).await.unwrap().as_ref(), "id", &["-un"]).await, user);
    assert_eq!(copies(), first, "it is copied once");
    // A damaged copy is made anew.
    let copy = cache.join(&first[0].0);
    std::fs::remove_file(&copy).unwrap();
    std::fs::write(&copy, "#!/bin/sh\nexit 1\n").unwrap();
    let third = sshd.pool_with(settings()).0;
    assert_eq!(said(third.hands(&user).await.unwrap().as_ref(), "id", &["-un"]).await, user);
    assert_eq!(copies().len(), 1);
}

#[tokio::test]
async fn a_home_that_is_missing_or_holds_no_programs_is_told() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let settings = Settings { agent_path: Some("/no/such/slurmdash".into()), ..sshd.settings() };
    let home = sshd.path(&user);
    // A full home: nothing can be copied.
    let full = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&home)
        .status()
        .unwrap();
    assert!(full.success());
    std::os::unix::fs::chown(&home, Some(uid(&user)), None).unwrap();
    let pool = sshd.pool_with(settings.clone()).0;
    let refused = pool.hands(&user).await.unwrap().stat(&Place::at("/")).await;
    let _ = std::process::Command::new("umount").arg(&home).status();
    let refused = refused.unwrap_err();
    assert!(matches!(&refused, HandsError::NoAgent { reason, .. } if reason.contains("copied")), "{refused}");
    let noexec =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "noexec", "none"]).arg(&home).status().unwrap();
    assert!(noexec.success());
    std::os::unix::fs::chown(&home, Some(uid(&user)), None).unwrap();
    let pool = sshd.pool_with(settings.clone()).0;
    let refused = pool.hands(&user).await.unwrap().stat(&Place::at("/")).await;
    let _ = std::process::Command::new("umount").arg(&home).status();
    let refused = refused.unwrap_err();
    assert!(matches!(&refused, HandsError::NoAgent { reason, .. } if reason.contains("noexec")), "{refused}");
    // Where slurmdash is installed, no home is needed.
    std::fs::remove_dir_all(&home).unwrap();
    let installed = sshd.pool();
    assert_eq!(said(installed.hands(&user).await.unwrap().as_ref(), "id", &["-un"]).await, user);
}

fn uid(user: &str) -> u32 {
    let asked = std::process::Command::new("id").args(["-u", user]).output().unwrap();
    String::from_utf8(asked.stdout).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn what_a_shell_prints_at_login_does_not_disturb() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    let noise = "echo welcome; echo 'loading modules' >&2; seq 1 500\n";
    std::fs::write(sshd.path(&user).join(".bashrc"), noise).unwrap();
    assert_eq!(said(pool.hands(&user).await.unwrap().as_ref(), "id", &["-un"]).await, user);
}
