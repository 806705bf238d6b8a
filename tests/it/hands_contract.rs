//! What all hands promise: the same cases as our own user, as another user over a real sshd on this host (open files come
//! as descriptors), and on another host (the agent is copied there, bytes come over the channel).
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::Duration;

use slurmdash::clock::Clock;
use slurmdash::hands::local::Local;
use slurmdash::hands::{Command, Hands, HandsError, Kind, OpenHow, Place};
use slurmdash::ssh::{Ca, Pool, Settings};

use crate::real::RealCluster;
use crate::ssh::sshd::{PROGRAM, Sshd, said};

/// Every case, in a folder of the user's own.
async fn keeps_the_contract(hands: &dyn Hands, dir: &Path, is_here: bool) {
    commands(hands, dir).await;
    arguments_arrive_unchanged(hands).await;
    files(hands, dir, is_here).await;
    links_and_pipes_are_refused(hands, dir).await;
    folders(hands, dir).await;
}

async fn commands(hands: &dyn Hands, dir: &Path) {
    let sh = |line: &str| Command::new("sh").args(["-c", line]);
    let ended = hands.run(&sh("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!((ended.code, ended.signal), (Some(3), None));
    assert_eq!((&ended.stdout[..], &ended.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    let killed = hands.run(&sh("kill -9 $$")).await.unwrap();
    assert_eq!((killed.code, killed.signal), (None, Some(9)));
    let input = vec![b'x'; 1 << 20];
    let echoed = hands.run(&Command { input: input.clone(), ..Command::new("cat") }).await.unwrap();
    assert!(echoed.stdout == input, "a MiB there and back");
    let flood = Command { most_output: 1000, ..Command::new("yes") };
    assert!(matches!(hands.run(&flood).await, Err(HandsError::TooMuch { .. })));
    let late = Command { within: Duration::from_millis(300), ..sh("sleep 987 & sleep 988") };
    assert!(matches!(hands.run(&late).await, Err(HandsError::TimedOut { .. })));
    assert!(
        !said(hands, "ps", &["-u", &hands.user().name, "-o", "args="]).await.contains("sleep 98"),
        "nothing is left"
    );
    let missing = hands.run(&Command::new("no-such-command-here")).await.unwrap_err();
    assert_eq!(missing.kind(), Some(ErrorKind::NotFound), "{missing}");
    let nowhere = Command { folder: Some(dir.join("nowhere")), ..Command::new("true") };
    assert_eq!(hands.run(&nowhere).await.unwrap_err().kind(), Some(ErrorKind::NotFound));
    let environment = said(hands, "env", &[]).await;
    assert!(!environment.contains("CARGO") && environment.contains("HOME="), "{environment}");
}

async fn arguments_arrive_unchanged(hands: &dyn Hands) {
    for hostile in
        [&b"'"[..], b"\"", b"two\nlines", b"$(id)", b"`id`", b"; id", b"*", b"-n", b"\\", b" ", b"\xff\xfe", b"%s"]
    {
        let argument = std::ffi::OsString::from_vec(hostile.to_vec());
        let command = Command::new("printf").args(["%s".into(), argument]);
        assert_eq!(hands.run(&command).await.unwrap().stdout, hostile);
    }
}

async fn files(hands: &dyn Hands, dir: &Path, is_here: bool) {
    let place = Place::at(dir.join("file"));
    let file = hands.open(&place, OpenHow::Create).await.unwrap();
    assert_eq!(file.descriptor().is_some(), is_here);
    let again = hands.open(&place, OpenHow::Create).await.err().unwrap();
    assert_eq!(again.kind(), Some(ErrorKind::AlreadyExists), "{again}");
    let block: Vec<u8> = (0..5_u32 << 18).flat_map(u32::to_le_bytes).collect();
    let half = block.len() / 2;
    file.write_at(half as u64, block[half..].to_vec()).await.unwrap();
    file.write_at(0, block[..half].to_vec()).await.unwrap();
    file.sync().await.unwrap();
    let read = hands.open(&place, OpenHow::Read).await.unwrap();
    assert!(read.read_at(0, block.len() + 100).await.unwrap() == block, "5 MiB written out of order");
    assert_eq!(read.read_at(block.len() as u64 + 9, 10).await.unwrap(), b"");
    let size = block.len() as u64;
    let (grown, _) = tokio::join!(read.changed(size, Duration::from_secs(20)), file.write_at(size, b"more".to_vec()));
    assert_eq!(grown.unwrap().size, size + 4);
    assert_eq!(read.changed(size + 4, Duration::from_millis(100)).await.unwrap().size, size + 4, "nothing happens");
    let about = hands.stat(&place).await.unwrap().unwrap();
    assert_eq!((about.kind, about.mode, about.uid), (Kind::File, 0o600, hands.user().uid));
    let (other, third) = (Place::at(dir.join("other")), Place::at(dir.join("third")));
    hands.open(&other, OpenHow::Create).await.unwrap();
    assert_eq!(hands.rename(&place, &other, false).await.unwrap_err().kind(), Some(ErrorKind::AlreadyExists));
    hands.rename(&place, &other, true).await.unwrap();
    hands.rename(&other, &third, false).await.unwrap();
    assert!(hands.stat(&place).await.unwrap().is_none());
    hands.remove(&third).await.unwrap();
    hands.remove(&third).await.unwrap();
    let space = hands.space(&Place::at(dir)).await.unwrap();
    assert!(space.free > 0 && space.free <= space.total);
    if hands.user().uid != 0 {
        let refused = hands.open(&Place::at("/etc/shadow"), OpenHow::Read).await.err().unwrap();
        assert_eq!(refused.kind(), Some(ErrorKind::PermissionDenied), "{refused}");
    }
}

async fn links_and_pipes_are_refused(hands: &dyn Hands, dir: &Path) {
    let at = |name: &str| dir.join(name).display().to_string();
    said(hands, "ln", &["-s", "/etc/hostname", &at("link")]).await;
    said(hands, "ln", &["-s", "/etc", &at("linked")]).await;
    said(hands, "mkfifo", &[&at("pipe")]).await;
    assert_eq!(hands.stat(&Place::at(at("link"))).await.unwrap().unwrap().kind, Kind::Link);
    for place in [
        Place::at(at("link")),
        Place::at(at("pipe")),
        Place::at("/dev/null"),
        Place::at(dir),
        Place::at(dir.join("a\0b")),
        Place::below(dir, "linked/hostname"),
        Place::below(dir, "../x"),
        Place::below(dir, "/etc/hostname"),
    ] {
        assert!(hands.open(&place, OpenHow::Read).await.is_err(), "{place:?}");
    }
    assert!(hands.make_folder(&Place::below(dir, "linked/new")).await.is_err());
}

async fn folders(hands: &dyn Hands, dir: &Path) {
    let folder = Place::below(dir, "a/b/c");
    hands.make_folder(&folder).await.unwrap();
    hands.make_folder(&folder).await.unwrap();
    let about = hands.stat(&folder).await.unwrap().unwrap();
    assert_eq!((about.kind, about.mode), (Kind::Folder, 0o700));
    let line = format!("cd '{}' && seq -f 'n%05g' 2500 | xargs touch", folder.path().display());
    said(hands, "sh", &["-c", &line]).await;
    let (mut names, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = hands.list(&folder, after.as_deref(), 999).await.unwrap();
        names.extend(page.entries.into_iter().map(|entry| entry.name));
        after = names.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!((names.len(), names[0].as_str(), names.is_sorted()), (2500, "n00001", true));
}

#[tokio::test]
async fn our_own_hands_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    keeps_the_contract(&Local::own(std::env::vars_os()), dir.path(), true).await;
}

#[tokio::test]
async fn hands_over_ssh_on_this_host_keep_the_contract() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let pool = sshd.pool();
    keeps_the_contract(pool.hands(&user).await.unwrap().as_ref(), &sshd.path(&user), true).await;
}

#[tokio::test]
async fn hands_over_ssh_on_another_real_host_keep_the_contract() {
    let Some(cluster) = RealCluster::or_skip("hands on another host").await else { return };
    let (host, folder) = (cluster.other_host(), RealCluster::open_folder());
    let known_hosts = folder.path().join("known_hosts");
    std::fs::write(&known_hosts, format!("{}\n", host.known_host)).unwrap();
    let ca = Ca::open(&folder.path().join("ca")).unwrap();
    cluster.trust(&ca.keys().unwrap()[0].line);
    let settings = Settings {
        host: host.address.ip().to_string(),
        port: host.address.port(),
        known_hosts,
        min_uid: 1,
        source_addresses: Vec::new(),
        agent_path: Some("/no/such/slurmdash".into()),
        program: PROGRAM.into(),
        max_connections: 4,
        idle: Duration::from_mins(5),
    };
    let pool = Pool::new(settings, ca, Clock::system(), tokio::sync::mpsc::unbounded_channel().0);
    let hands = pool.hands(cluster.people()[0]).await.unwrap();
    let dir = hands.user().home.join("contract");
    hands.make_folder(&Place::at(&dir)).await.unwrap();
    keeps_the_contract(hands.as_ref(), &dir, false).await;
    pool.shutdown().await;
}
