//! Backups of the built program and of a running server: by hand, by the clock, and back again.
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use slurmdash::control::{self, Answer, Request};
use slurmdash::store::audit::{AuditEntry, AuditFilter, AuditGroup, By};
use slurmdash::store::walk::PageRequest;
use slurmdash::store::{Store, backup};
use tempfile::TempDir;

use crate::program::Running;
use crate::support::{TestApp, eventually, private_folder};

const DAY: i64 = 86_400;

/// A data folder, and the built program on it.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { dir: private_folder() };
        std::fs::write(place.config(), "slurm: {backend: sim}\n").unwrap();
        place
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("slurmdash.yaml")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn store(&self) -> PathBuf {
        self.data().join("slurmdash.redb")
    }

    fn arguments(&self) -> [String; 4] {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        ["--data-dir".into(), text(self.data()), "--config".into(), text(self.config())]
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(arguments).args(self.arguments()).stdin(Stdio::null()).output().unwrap()
    }

    /// Exit code, and what was said.
    fn say(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let words = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(words).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Writes something down in the closed store, made when there is none.
    async fn write(&self, action: &'static str) {
        std::fs::create_dir_all(self.data()).unwrap();
        std::fs::set_permissions(self.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let store = Store::open(&self.store()).unwrap();
        store.audit(AuditEntry::done(By::system(1), action, "x")).await.unwrap();
    }

    fn actions(&self) -> Vec<String> {
        let store = Store::open(&self.store()).unwrap();
        let rows = store.audit_page(&AuditFilter::default(), &PageRequest::first(100)).unwrap().items;
        rows.into_iter().rev().map(|row| row.action).collect()
    }
}

fn scheduled(app: &TestApp) -> Vec<i64> {
    let found = backup::list(&app.app.config.backups_dir()).unwrap();
    let headers = found.into_iter().map(|one| one.header.unwrap());
    headers.filter(|header| header.reason == backup::SCHEDULED).map(|header| header.created_at).collect()
}

#[tokio::test]
async fn the_way_there_and_back_at_the_command_line() {
    let place = Place::new();
    let (code, words) = place.say(&["backup", "list"]);
    assert!(code == 0 && words.contains("no backups in"), "{code} {words}");
    assert_eq!(place.json(&["backup", "list"]), json!([]));
    let (code, words) = place.say(&["backup", "create"]);
    assert!(code == 1 && words.contains("can't open the store"), "{code} {words}");
    place.write("first").await;
    let made = place.json(&["backup", "create"]);
    assert_eq!((made["schema"].as_u64(), made["reason"].as_str()), (Some(5), Some("manual")), "{made}");
    assert_eq!(made["records"]["audit"], 1);
    let path = Path::new(made["path"].as_str().unwrap());
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let name = made["name"].as_str().unwrap();
    assert!(place.say(&["backup", "list"]).1.contains(name));
    let (code, words) = place.say(&["backup", "verify", name]);
    assert!(code == 0 && words.contains("is whole"), "{code} {words}");
    place.write("second").await;
    let (code, words) = place.say(&["backup", "restore", name]);
    assert!(code == 2 && words.contains("--yes"), "{code} {words}");
    assert_eq!(place.actions(), ["first", "second"]);
    let (code, words) = place.say(&["backup", "restore", name, "--yes"]);
    assert!(code == 0 && words.contains("restored"), "{code} {words}");
    assert_eq!(place.actions(), ["first", "store.restore"]);
    let listed = place.json(&["backup", "list"]);
    assert_eq!(listed[0]["reason"], "before-restore");
    let done = place.json(&["backup", "restore", "--yes", listed[0]["name"].as_str().unwrap()]);
    assert_eq!((&done["needs_migration"], &done["replaced_problem"]), (&json!(false), &Value::Null));
    assert_eq!(place.actions(), ["first", "second", "store.restore"]);
    let (code, words) = place.say(&["store", "check"]);
    assert!(code == 0 && words.ends_with("fine\n"), "{code} {words}");
}

#[tokio::test]
async fn a_backup_that_is_not_whole_replaces_nothing() {
    let place = Place::new();
    place.write("first").await;
    let made = place.json(&["backup", "create"]);
    let path = PathBuf::from(made["path"].as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    for command in [&["backup", "verify"][..], &["backup", "restore", "--yes"]] {
        let (code, words) = place.say(&[command, &[path.to_str().unwrap()]].concat());
        assert!(code == 1 && words.contains("can't be used"), "{code} {words}");
    }
    std::fs::write(&path, &bytes[..100]).unwrap();
    let (code, words) = place.say(&["backup", "list"]);
    assert!(code == 0 && words.contains("broken: "), "{code} {words}");
    assert!(place.json(&["backup", "list"])[0]["problem"].is_string());
    let (code, words) = place.say(&["backup", "restore", "--yes", "nowhere.backup"]);
    assert!(code == 1 && words.contains("nowhere.backup"), "{code} {words}");
    assert_eq!(place.actions(), ["first"]);
}

#[tokio::test]
async fn an_older_store_comes_back_and_the_next_step_is_said() {
    let place = Place::new();
    place.write("new").await;
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1.redb");
    let new = std::fs::read(place.store()).unwrap();
    std::fs::write(place.store(), std::fs::read(fixture).unwrap()).unwrap();
    let made = place.json(&["backup", "create"]);
    assert_eq!(made["schema"], 1);
    std::fs::write(place.store(), new).unwrap();
    let (code, words) = place.say(&["backup", "restore", "--yes", made["name"].as_str().unwrap()]);
    assert!(code == 0 && words.contains("slurmdash migrate up"), "{code} {words}");
    let (code, words) = place.say(&["store", "compact"]);
    assert!(code == 1 && words.contains("slurmdash migrate up"), "{code} {words}");
    assert_eq!(place.say(&["migrate", "up"]).0, 0);
    assert_eq!(place.say(&["store", "check"]).0, 0);
}

#[tokio::test]
async fn a_running_server_makes_its_backup_itself_and_keeps_its_store() {
    let place = Place::new();
    let arguments = place.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let serving = Running::start(place.dir.path(), &arguments).await;
    let made = place.json(&["backup", "create"]);
    assert_eq!(made["reason"], "manual");
    let name = made["name"].as_str().unwrap();
    assert_eq!(place.say(&["backup", "verify", name]).0, 0);
    let (code, words) = place.say(&["backup", "restore", "--yes", name]);
    assert!(code == 1 && words.contains("in use by another slurmdash"), "{code} {words}");
    let (code, words) = place.say(&["store", "compact"]);
    assert!(code == 0 && words.contains("the store's file"), "{code} {words}");
    let socket = place.data().join("control.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&socket).unwrap();
    let (code, words) = place.say(&["backup", "create"]);
    assert!(code == 1 && words.contains("in use") && words.contains("control.sock"), "{code} {words}");
    drop(serving);
    // It was killed: the store has to be put in order, and so has what is backed up.
    assert_eq!(place.say(&["backup", "create"]).0, 0);
    assert_eq!(place.say(&["backup", "restore", "--yes", name]).0, 0);
    assert_eq!(place.say(&["store", "check"]).0, 0);
    assert!(place.json(&["store", "compact"])["after"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_leaves_the_store_and_the_backups_as_they_were() {
    let place = Place::new();
    place.write("first").await;
    let made = place.json(&["backup", "create"]);
    place.write("second").await;
    let before = std::fs::read(place.store()).unwrap();
    let names = || {
        let entries = [place.data(), place.data().join("backups")].into_iter().flat_map(|dir| dir.read_dir().unwrap());
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let names_before = names();
    for arguments in [&["backup", "restore", "--yes", made["name"].as_str().unwrap()][..], &["backup", "create"]] {
        // A file may have 100 blocks of 512 bytes, or of 1024 where the shell counts so; the store has more.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_slurmdash")]);
        let output = command.args(arguments).args(place.arguments()).stdin(Stdio::null()).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && words.contains("File too large"), "{words}");
        assert!(std::fs::read(place.store()).unwrap() == before);
        assert_eq!(names(), names_before, "nothing is left of the attempt");
    }
    assert_eq!(place.actions(), ["first", "second"]);
}

/// Sends bytes to a server's socket and reads its answer.
fn send(path: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    // It may have hung up on the rest.
    let _ = stream.write_all(bytes);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_talk_nonsense_or_nothing_keep_nobody_waiting() {
    let app = TestApp::start().await;
    let path = app.app.config.control_path();
    let silent: Vec<UnixStream> = (0..70).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let asking = tokio::task::spawn_blocking(move || {
        for nonsense in [&b"\n"[..], b"{}\n", b"\"dance\"\n", b"\"backup\" \"backup\"\n", b"\"\xff\"\n"] {
            let answer = send(&path, nonsense);
            assert!(answer.starts_with("{\"error\":\"not understood"), "{answer}");
        }
        let _ = send(&path, &vec![b'x'; 1 << 20]);
        let long = send(&path, &[b'x'; 8000]);
        assert!(long.is_empty() || long.contains("at most 4096 bytes"), "{long}");
        control::ask(&path, &Request::Backup).unwrap()
    });
    assert!(app.get("/api/jobs").await.status().is_success(), "requests are served meanwhile");
    let Answer::Backup(made) = asking.await.unwrap() else { panic!("no backup was made") };
    assert_eq!(backup::verify(&made).unwrap().reason, backup::MANUAL);
    let told = AuditGroup::Action("store.backup".into());
    assert_eq!(app.app.store.audit_count(&told).unwrap(), 1);
    drop(silent);
    let socket = app.app.config.control_path();
    app.app.stopping.cancel();
    eventually(async || (!socket.exists()).then_some(())).await;
}

/// Something that is forgotten at the next turn of the store's upkeep.
async fn notify_long_ago(store: &Store) {
    let record = json!({
        "seq": 0, "user_id": "u", "at": 1, "kind": "k", "title": "t", "message": "m", "is_read": false,
    });
    store.notify(serde_json::from_value(record).unwrap()).await.unwrap();
}

#[tokio::test]
async fn scheduled_backups_follow_the_clock_over_restarts() {
    let dir = private_folder();
    let keep_two = |config: &mut slurmdash::config::Config| config.store.backup_keep = 2;
    let app = TestApp::start_in(dir.path(), keep_two, None).await;
    let password = app.password.clone();
    assert_eq!(scheduled(&app), [] as [i64; 0], "a start is left alone");
    app.pass_time(61);
    let first = eventually(async || scheduled(&app).first().copied()).await;
    app.pass_time(DAY + 1);
    let second = eventually(async || scheduled(&app).first().copied().filter(|newest| *newest > first)).await;
    assert!(second >= first + DAY);
    app.pass_time(DAY + 1);
    let third = eventually(async || scheduled(&app).first().copied().filter(|newest| *newest > second)).await;
    eventually(async || (scheduled(&app) == [third, second]).then_some(())).await;
    app.stop().await;
    // The clock of the next one is the system's again, and the newest backup is from its future.
    let app = TestApp::start_in(dir.path(), keep_two, Some(password)).await;
    let watched = app.app.store.clone();
    notify_long_ago(&watched).await;
    app.pass_time(61);
    // What is old is forgotten at that time, so the turn has passed.
    eventually(async || (watched.notification_count("u", false).unwrap() == 0).then_some(())).await;
    assert_eq!(scheduled(&app), [third, second], "none is due yet");
    app.pass_time(DAY);
    eventually(async || {
        (scheduled(&app).iter().filter(|at| **at != third && **at != second).count() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_hours_are_no_backups_and_a_failure_is_tried_again() {
    let app = TestApp::with(|config| config.store.backup_every_hours = 0).await;
    notify_long_ago(&app.app.store).await;
    app.pass_time(61);
    eventually(async || (app.app.store.notification_count("u", false).unwrap() == 0).then_some(())).await;
    assert_eq!(scheduled(&app), [] as [i64; 0]);
    let app = TestApp::start().await;
    let folder = app.app.config.backups_dir();
    // In the way of the folder.
    std::fs::write(&folder, "x").unwrap();
    notify_long_ago(&app.app.store).await;
    app.pass_time(61);
    eventually(async || (app.app.store.notification_count("u", false).unwrap() == 0).then_some(())).await;
    std::fs::remove_file(&folder).unwrap();
    app.pass_time(601);
    eventually(async || scheduled(&app).first().copied()).await;
}
