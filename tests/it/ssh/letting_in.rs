//! Who is let in as whom, and with what.
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, AuthResult};
use russh::keys::PublicKeyOrCertificate;
use slurmdash::hands::{HandsError, OpenHow, Place, TerminalSize};
use slurmdash::ssh::Settings;
use slurmdash::ssh::ca::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::sshd::{Sshd, said};
use crate::support::eventually;

#[tokio::test]
async fn everything_is_done_as_the_person_over_one_connection() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, pool) = (sshd.user(), sshd.pool());
    let hands = pool.hands(&user).await.unwrap();
    let asked = (0..50).map(|_| async { said(hands.as_ref(), "id", &["-un"]).await });
    for name in futures_util::future::join_all(asked).await {
        assert_eq!(name, user);
    }
    assert_eq!((pool.connections(), sshd.logins(&user)), (1, 1), "fifty at once make one connection");
    let file = hands.open(&Place::at(sshd.path(&user).join("mine")), OpenHow::Create).await.unwrap();
    assert!(file.descriptor().is_some(), "on the same host a descriptor comes back");
    file.write_at(0, b"hello".to_vec()).await.unwrap();
    let about = hands.stat(&Place::at(sshd.path(&user).join("mine"))).await.unwrap().unwrap();
    assert_eq!((about.uid, about.size, about.mode), (hands.user().uid, 5, 0o600));
    let secret = hands.open(&Place::at(sshd.path("ca/current")), OpenHow::Read).await.err().unwrap();
    assert_eq!(secret.kind(), Some(std::io::ErrorKind::PermissionDenied));
    let agents = said(hands.as_ref(), "ps", &["-o", "user:32=,args=", "-C", "slurmdash"]).await;
    assert!(agents.lines().any(|line| line.starts_with(&user) && line.ends_with("agent")), "{agents}");
    pool.shutdown().await;
}

#[tokio::test]
async fn each_person_reaches_their_own_things_only() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (alice, bob, pool) = (sshd.user(), sshd.user(), sshd.pool());
    let (hers, his) = (pool.hands(&alice).await.unwrap(), pool.hands(&bob).await.unwrap());
    let place = Place::at(sshd.path(&alice).join("secret"));
    hers.open(&place, OpenHow::Create).await.unwrap();
    let refused = his.open(&place, OpenHow::Read).await.err().unwrap();
    assert_eq!(refused.kind(), Some(std::io::ErrorKind::PermissionDenied), "{refused}");
    // A link to somebody else's file is no way either.
    let link = sshd.path(&bob).join("link");
    said(his.as_ref(), "ln", &["-s", place.path().to_str().unwrap(), link.to_str().unwrap()]).await;
    assert!(his.open(&Place::at(link), OpenHow::Read).await.is_err());
    assert_eq!(pool.connections(), 2);
}

#[tokio::test]
async fn nobody_is_let_in_as_root_or_a_system_account() {
    let Some(sshd) = Sshd::start() else { return };
    let pool = sshd.pool_with(Settings { min_uid: 1, ..sshd.settings() }).0;
    for name in ["root", "daemon", "sshd", "slurm", "munge", "nobody"] {
        let refused = pool.hands(name).await.err().unwrap();
        assert!(matches!(refused, HandsError::NotAllowed { .. } | HandsError::NoUser(_)), "{name}: {refused}");
    }
    for name in ["", "-l", "a b", "a;id", "$(id)", "../x", "a\n", "0"] {
        let refused = pool.hands(name).await.err().unwrap();
        assert!(matches!(refused, HandsError::NotAllowed { .. } | HandsError::NoUser(_)), "{name:?}: {refused}");
    }
    assert!(matches!(pool.hands("no-such-user-here").await, Err(HandsError::NoUser(_))));
    let strict = sshd.pool();
    assert!(matches!(strict.hands("bin").await, Err(HandsError::NotAllowed { .. })), "below ssh.min_uid");
    assert!(!sshd.log().contains("Accepted"), "no connection was made");
}

/// Shows a certificate to sshd from an address, as somebody who stole one would.
async fn shown(sshd: &Sshd, user: &str, certified: &str, from: &str, for_address: &str, age: i64) -> bool {
    struct Anyone;
    impl client::Handler for Anyone {
        type Error = russh::Error;
        async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
            Ok(true)
        }
    }
    let now = slurmdash::clock::Clock::system().now() - age;
    let source: IpAddr = for_address.parse().unwrap();
    let (key, certificate) = sshd.ca().certificate(certified, "stolen", &[source], now).unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let stream = socket.connect(format!("127.0.0.1:{}", sshd.port).parse().unwrap()).await.unwrap();
    let mut handle = client::connect_stream(Arc::default(), stream, Anyone).await.unwrap();
    matches!(handle.authenticate_openssh_cert(user, Arc::new(key), certificate).await, Ok(AuthResult::Success))
}

#[tokio::test]
async fn a_certificate_is_good_for_its_minute_its_user_and_its_address() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (user, other) = (sshd.user(), sshd.user());
    assert!(shown(&sshd, &user, &user, "127.0.0.1", "127.0.0.1", 0).await, "{}", sshd.log());
    assert!(!shown(&sshd, &user, &user, "127.0.0.1", "127.0.0.1", 61).await, "after its minute");
    assert!(!shown(&sshd, &user, &user, "127.0.0.2", "127.0.0.1", 0).await, "from another address");
    assert!(!shown(&sshd, &other, &user, "127.0.0.1", "127.0.0.1", 0).await, "as somebody else");
    assert!(!shown(&sshd, "root", &user, "127.0.0.1", "127.0.0.1", 0).await, "as root");
}

#[tokio::test]
async fn the_key_id_stands_in_sshds_log_and_is_told() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let (pool, mut issued) = sshd.pool_with(sshd.settings());
    said(pool.hands(&user).await.unwrap().as_ref(), "true", &[]).await;
    let told = issued.recv().await.unwrap();
    assert_eq!(told.user, user);
    assert!(told.key_id.contains(&user));
    assert!(sshd.log().contains(&format!("ID {}", told.key_id)), "{}", sshd.log());
}

#[tokio::test]
async fn an_unknown_or_changed_host_is_refused_loudly() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let asked = async |sshd: &Sshd| {
        let pool = sshd.pool();
        pool.hands(&user).await.unwrap().stat(&Place::at("/")).await.unwrap_err()
    };
    sshd.know("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti");
    let changed = asked(&sshd).await;
    assert!(matches!(&changed, HandsError::HostKey { reason, .. } if reason.contains("CHANGED")), "{changed}");
    std::fs::write(sshd.path("known_hosts"), "").unwrap();
    let unknown = asked(&sshd).await;
    assert!(matches!(&unknown, HandsError::HostKey { reason, .. } if reason.contains("not among")), "{unknown}");
    std::fs::remove_file(sshd.path("known_hosts")).unwrap();
    let missing = asked(&sshd).await;
    assert!(matches!(&missing, HandsError::HostKey { reason, .. } if reason.contains("ssh-keyscan")), "{missing}");
    assert_eq!(sshd.logins(&user), 0);
}

#[tokio::test]
async fn an_authority_may_vouch_for_the_host() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let keygen = |args: &[&str]| {
        let done = std::process::Command::new("ssh-keygen").current_dir(sshd.dir.path()).args(args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "host_ca"]);
    let sign = |name: &str| {
        keygen(&["-q", "-s", "host_ca", "-I", "the-host", "-h", "-n", name, "-V", "+1h", "host.pub"]);
    };
    sign("127.0.0.1");
    sshd.configure(&format!("HostCertificate {}\n", sshd.path("host-cert.pub").display()));
    sshd.down();
    sshd.up();
    let authority = std::fs::read_to_string(sshd.path("host_ca.pub")).unwrap();
    let known = format!("@cert-authority [127.0.0.1]:{} {authority}", sshd.port);
    std::fs::write(sshd.path("known_hosts"), &known).unwrap();
    assert_eq!(said(sshd.pool().hands(&user).await.unwrap().as_ref(), "id", &["-un"]).await, user);
    let keygen = |args: &[&str]| {
        assert!(
            std::process::Command::new("ssh-keygen")
                .current_dir(sshd.dir.path())
                .args(args)
                .status()
                .unwrap()
                .success()
        );
    };
    keygen(&["-q", "-s", "host_ca", "-I", "the-host", "-h", "-n", "elsewhere", "-V", "+1h", "host.pub"]);
    sshd.down();
    sshd.up();
    let refused = sshd.pool().hands(&user).await.unwrap().stat(&Place::at("/")).await.unwrap_err();
    assert!(matches!(refused, HandsError::HostKey { .. }), "{refused}");
}

#[tokio::test]
async fn a_rotation_of_the_key_shuts_nobody_out() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let trust = |sshd: &Sshd, keep: &dyn Fn(Role) -> bool| {
        let keys = sshd.ca().keys().unwrap();
        let lines: Vec<&str> = keys.iter().filter(|key| keep(key.role)).map(|key| key.line.as_str()).collect();
        std::fs::write(sshd.path("trusted"), lines.join("\n") + "\n").unwrap();
    };
    let comes_in = async |sshd: &Sshd| {
        let pool = sshd.pool();
        pool.hands(&user).await.unwrap().stat(&Place::at("/")).await.is_ok()
    };
    sshd.ca().rotate().unwrap();
    assert!(comes_in(&sshd).await, "the old key signs, the new one is not trusted yet");
    trust(&sshd, &|role| role != Role::Retired);
    assert!(comes_in(&sshd).await, "both are trusted");
    sshd.ca().finish_rotation().unwrap();
    assert!(comes_in(&sshd).await, "the new key signs");
    trust(&sshd, &|role| role == Role::Current);
    assert!(comes_in(&sshd).await, "the old key is forgotten");
    trust(&sshd, &|role| role == Role::Retired);
    assert!(!comes_in(&sshd).await, "with the old key alone it is over");
}

#[tokio::test]
async fn a_terminal_is_a_login_shell_with_a_size() {
    let Some(mut sshd) = Sshd::start() else { return };
    let user = sshd.user();
    let pool = sshd.pool();
    let hands = pool.hands(&user).await.unwrap();
    let mut terminal = hands.terminal(TerminalSize { columns: 90, rows: 33 }).await.unwrap();
    let mut stream = terminal.stream().unwrap();
    let mut seen = String::new();
    let mut read_until = async |stream: &mut std::pin::Pin<Box<dyn slurmdash::hands::Stream>>, words: &str| {
        let mut block = [0; 4096];
        while !seen.contains(words) {
            let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut block)).await;
            let read = read.unwrap_or_else(|_| panic!("no {words:?} in {seen:?}")).unwrap();
            assert!(read > 0, "it ended before {words:?}: {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&block[..read]));
        }
        seen.clear();
    };
    stream.write_all(b"stty size; echo \"I am $(id -un).\"\n").await.unwrap();
    read_until(&mut stream, &format!("I am {user}.")).await;
    terminal.resize(TerminalSize { columns: 120, rows: 50 }).await.unwrap();
    stream.write_all(b"until stty size | grep '50 120'; do :; done; exit 7\n").await.unwrap();
    read_until(&mut stream, "50 120\r\n").await;
    assert_eq!(terminal.wait().await, Some(7));
}

#[tokio::test]
async fn the_pool_is_bounded_and_lets_the_idle_go() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (one, two, three) = (sshd.user(), sshd.user(), sshd.user());
    let settings = Settings { max_connections: 2, idle: Duration::from_secs(2), ..sshd.settings() };
    let pool = sshd.pool_with(settings).0;
    for user in [&one, &two, &three] {
        said(pool.hands(user).await.unwrap().as_ref(), "true", &[]).await;
    }
    assert_eq!(pool.connections(), 2, "the one that was idle longest has gone");
    eventually(async || (pool.connections() == 0).then_some(())).await;
    said(pool.hands(&one).await.unwrap().as_ref(), "true", &[]).await;
    let busy = Settings { max_connections: 1, ..sshd.settings() };
    let pool = sshd.pool_with(busy).0;
    let hands = pool.hands(&one).await.unwrap();
    said(hands.as_ref(), "true", &[]).await;
    let sleeping = tokio::spawn(async move { said(hands.as_ref(), "sleep", &["2"]).await });
    let second = pool.hands(&two).await.unwrap();
    let busy = eventually(async || match second.stat(&Place::at("/")).await {
        Err(HandsError::Busy) => Some(()),
        _ => None,
    });
    tokio::join!(busy, async { sleeping.await.unwrap() });
}
