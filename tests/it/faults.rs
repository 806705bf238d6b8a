//! What the store does when it is killed, when its disk is full or read-only, and when its file is damaged or taken.
#![expect(clippy::print_stdout, reason = "figures of what was survived, and what was skipped")]

use fastrand::Rng;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use slurmdash::store::audit::verify::verify_file;
use slurmdash::store::audit::{AuditEntry, AuditFilter, AuditGroup, By};
use slurmdash::store::sessions::SessionRecord;
use slurmdash::store::templates::TemplateRecord;
use slurmdash::store::uploads::{Beginning, ChunkRow, UploadRecord};
use slurmdash::store::{Store, StoreError, check};
use slurmdash_api::auth::AccountSource;
use slurmdash_api::uploads::UploadStatus;

use crate::program::Running;
use crate::support::private_folder;

/// Makes this test binary, started by itself, do the part that is killed or needs a small disk: in this folder.
const INSIDE: &str = "SLURMDASH_TEST_INSIDE";

fn inside() -> Option<PathBuf> {
    std::env::var_os(INSIDE).map(PathBuf::from)
}

/// This test binary once more, with one test.
fn this_test(name: &str) -> Vec<OsString> {
    let me = std::env::current_exe().unwrap().into_os_string();
    [me, name.into(), "--exact".into(), "--nocapture".into()].into()
}

fn session(id: &str, at: i64) -> SessionRecord {
    SessionRecord {
        id: id.into(),
        user_id: "ada".into(),
        token_hash: String::new(),
        created_at: at,
        expires_at: at,
        before: Vec::new(),
        agent: None,
        address: None,
        last_used_at: None,
        source: AccountSource::Local,
    }
}

fn template(id: &str, at: i64, definition: String) -> TemplateRecord {
    TemplateRecord {
        id: id.into(),
        name: "n".into(),
        description: None,
        category: "c".into(),
        is_public: true,
        owner_id: None,
        created_at: at,
        updated_at: at,
        definition: Some(definition),
    }
}

fn upload(id: &str, at: i64) -> UploadRecord {
    UploadRecord {
        id: id.into(),
        owner_id: "ada".into(),
        username: "ada".into(),
        filename: "f".into(),
        file_size: 10,
        chunk_size: 5,
        job_id: None,
        folder: "f".into(),
        overwrite: false,
        status: UploadStatus::Uploading,
        created_at: at,
        updated_at: at,
        uploaded_chunks: 0,
        inode: None,
    }
}

/// Writes what `id` stands for, with its audit row: a session, a template, or an upload with a chunk.
async fn write(store: &Store, id: &str, at: i64) -> Result<(), StoreError> {
    let audit = |action| AuditEntry::done(By::system(at), action, id);
    match id.as_bytes().last().unwrap() % 3 {
        0 => store.begin_session(session(id, at), audit("session.begin")).await,
        1 => store.put_template(template(id, at, "x".repeat(3000)), audit("template.put")).await,
        _ => {
            let begun = store.begin_upload(upload(id, at), usize::MAX, audit("upload.begin")).await?;
            assert_eq!(begun, Beginning::Begun);
            let row = ChunkRow { upload_id: id.into(), index: 1, digest: [7; 32] };
            assert_eq!(store.count_chunks(vec![row], at).await?, [true]);
            Ok(())
        }
    }
}

/// Whether it is there as it was written.
fn is_there(store: &Store, id: &str, at: i64) -> bool {
    match id.as_bytes().last().unwrap() % 3 {
        0 => store.session(id).unwrap() == Some(session(id, at)),
        1 => store.template(id).unwrap() == Some(template(id, at, "x".repeat(3000))),
        _ => {
            let expected = UploadRecord { uploaded_chunks: 1, ..upload(id, at) };
            store.upload(id).unwrap() == Some(expected) && store.chunk_digest(id, 1).unwrap() == Some([7; 32])
        }
    }
}

/// What audit rows since `at` are about.
fn audited_since(store: &Store, at: i64) -> HashSet<String> {
    let rows = store.audit_export(AuditFilter { from: Some(at), ..AuditFilter::default() });
    rows.flat_map(Result::unwrap).filter_map(|row| row.resource).collect()
}

fn assert_fine(file: &Path, when: &str) {
    let report = check::check_file(file).unwrap();
    assert!(report.is_fine(), "{when}: {report:?}");
    let chain = verify_file(file, None).unwrap();
    assert!(chain.intact, "{when}: {chain:?}");
}

/// Writes from many tasks until it is killed; says on standard output what was acknowledged.
fn write_until_killed(folder: &Path) {
    let cycle: i64 = std::env::var("SLURMDASH_TEST_CYCLE").unwrap().parse().unwrap();
    let store = Store::open(&folder.join("store.redb")).unwrap();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(async {
        let tasks = (0..16).map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0_u64.. {
                    let id = format!("{cycle}-{task}-{number}");
                    write(&store, &id, cycle).await.unwrap();
                    // One write for the line, so that it comes as a whole or not at all.
                    std::io::stdout().lock().write_all(format!("\nwritten {id}\n").as_bytes()).unwrap();
                }
            })
        });
        futures_util::future::join_all(tasks).await;
    });
}

/// Starts a writer, kills it after `delay`, and answers what it had acknowledged.
fn kill_a_writer(test: &str, folder: &Path, cycle: u64, delay: Duration, from_first_write: bool) -> Vec<String> {
    let command = this_test(test);
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .env(INSIDE, folder)
        .env("SLURMDASH_TEST_CYCLE", cycle.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n').map(|line| {
        let line = String::from_utf8(line.unwrap()).unwrap();
        line.strip_prefix("written ").map(str::to_owned)
    });
    let first = if from_first_write { lines.by_ref().find_map(|line| line) } else { None };
    let reader = std::thread::scope(|scope| {
        let reader = scope.spawn(|| lines.flatten().collect::<Vec<_>>());
        // This is the fault's moment; nothing is waited for.
        std::thread::sleep(delay);
        child.kill().unwrap();
        reader.join().unwrap()
    });
    assert!(!child.wait().unwrap().success(), "it was killed, it did not end");
    first.into_iter().chain(reader).collect()
}

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    if let Some(folder) = inside() {
        return write_until_killed(&folder);
    }
    let cycles = std::env::var("SLURMDASH_TEST_CYCLES").map_or(10, |cycles| cycles.parse().unwrap());
    let seed = std::env::var("SLURMDASH_TEST_SEED")
        .map_or_else(|_| u64::from(std::process::id()), |seed| seed.parse().unwrap());
    let mut dice = Rng::with_seed(seed);
    let folder = private_folder();
    let file = folder.path().join("store.redb");
    let (mut all, begin) = (Vec::new(), Instant::now());
    println!("seed {seed}: to see it again, set SLURMDASH_TEST_SEED");
    for cycle in 0..cycles {
        // Some are killed while they open or repair the file.
        let from_first_write = dice.u64(..4) > 0;
        let delay = Duration::from_micros(dice.u64(..if from_first_write { 200_000 } else { 60_000 }));
        let name = "faults::a_killed_writer_loses_nothing_that_it_acknowledged";
        let acknowledged = kill_a_writer(name, folder.path(), cycle, delay, from_first_write);
        let at = i64::try_from(cycle).unwrap();
        let store = Store::open(&file).unwrap();
        let audited = audited_since(&store, at);
        for id in &acknowledged {
            assert!(is_there(&store, id, at), "cycle {cycle}, seed {seed}: {id} was acknowledged and is not there");
            assert!(audited.contains(id), "cycle {cycle}, seed {seed}: {id} has no audit row");
        }
        all.extend(acknowledged.into_iter().map(|id| (id, at)));
        drop(store);
        assert_fine(&file, &format!("cycle {cycle}, seed {seed}"));
    }
    let store = Store::open(&file).unwrap();
    assert!(all.iter().all(|(id, at)| is_there(&store, id, *at)));
    println!("{cycles} kills, {} acknowledged writes, {:?}", all.len(), begin.elapsed());
    assert!(!all.is_empty());
}

/// Runs a command where it may mount file systems that only it sees; `None`, said so, where that is not permitted.
fn in_own_mounts(script: &str, arguments: &[OsString], environment: &[(&str, &Path)]) -> Option<Output> {
    let permitted = |flags: &str| {
        let tried = Command::new("unshare").args([flags, "sh", "-c", "mount -t tmpfs none /tmp"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(flags) = ["-rm", "-m"].into_iter().find(|flags| permitted(flags)) else {
        let words = "SKIPPED a small disk: `unshare -rm` and mounting are not permitted here";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}, and with CI=true it has to run");
        println!("{words}");
        return None;
    };
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-ec", script, "sh"]).args(arguments).envs(environment.iter().copied());
    Some(command.output().unwrap())
}

/// Runs one test of this binary again on a small disk.
fn again_on_a_disk_of(size: &str, test: &str) {
    let folder = private_folder();
    let script = format!("mount -t tmpfs -o size={size},mode=700 none \"${INSIDE}\"; exec \"$@\"");
    if let Some(output) = in_own_mounts(&script, &this_test(test), &[(INSIDE, folder.path())]) {
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        println!("{words}");
        assert!(words.contains("1 passed"), "{words}");
    }
}

fn fill(file: &Path, bytes: usize) {
    std::fs::write(file, vec![1; bytes]).unwrap();
}

fn free(folder: &Path) -> u64 {
    let disk = rustix::fs::statvfs(folder).unwrap();
    disk.f_bavail * disk.f_frsize
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_lost_and_it_goes_on_when_there_is_room() {
    let Some(folder) = inside() else {
        return again_on_a_disk_of("24m", "faults::on_a_full_disk_nothing_is_lost_and_it_goes_on_when_there_is_room");
    };
    let (file, ballast) = (folder.join("store.redb"), folder.join("ballast"));
    fill(&ballast, 10 << 20);
    let store = Store::open(&file).unwrap();
    let mut written = Vec::new();
    for round in 0..3 {
        let refused = loop {
            let id = format!("{round}-{}", written.len());
            match write(&store, &id, 0).await {
                Ok(()) => written.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
        assert!(refused.to_string().contains("make room"), "{refused}");
        assert!(written.iter().all(|id| is_there(&store, id, 0)), "reading goes on");
        fill(&ballast, (7 - 3 * round) << 20);
        let id = format!("again-{round}");
        write(&store, &id, 0).await.unwrap();
        written.push(id);
    }
    let audited = audited_since(&store, 0);
    assert!(written.iter().all(|id| audited.contains(id)));
    drop(store);
    assert_fine(&file, "after three times full");
}

/// Small writes while the disk is filled to the last byte and emptied again; answers what was acknowledged.
async fn write_while_the_disk_fills_up(store: &Store, folder: &Path) -> Vec<String> {
    let ballast = folder.join("ballast");
    let (mut written, mut refused) = (Vec::new(), 0);
    for round in 0..6 {
        let filling = std::thread::spawn({
            let ballast = ballast.clone();
            // It ends when there is no room for more.
            move || drop(std::io::copy(&mut std::io::repeat(1), &mut std::fs::File::create(ballast).unwrap()))
        });
        let mut number = 0;
        while !filling.is_finished() {
            let ids = (number..number + 8).map(|number| format!("race-{round}-{number}"));
            let writes = ids.map(async |id| write(store, &id, 0).await.map(|()| id));
            for outcome in futures_util::future::join_all(writes).await {
                match outcome {
                    Ok(id) => written.push(id),
                    Err(_) => refused += 1,
                }
            }
            number += 8;
        }
        filling.join().unwrap();
        assert!(write(store, "full", 0).await.is_err(), "the disk is full");
        std::fs::remove_file(&ballast).unwrap();
        let id = format!("race-{round}-after");
        write(store, &id, 0).await.unwrap();
        written.push(id);
    }
    println!("{} writes were acknowledged while the disk filled up, {refused} refused", written.len());
    written
}

#[tokio::test]
async fn a_disk_that_fills_up_during_a_commit_costs_only_that_commit() {
    let Some(folder) = inside() else {
        return again_on_a_disk_of("128m", "faults::a_disk_that_fills_up_during_a_commit_costs_only_that_commit");
    };
    let (file, ballast) = (folder.join("store.redb"), folder.join("ballast"));
    let store = Store::open(&file).unwrap();
    let mut written: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    for id in &written {
        write(&store, id, 0).await.unwrap();
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (store, is_over) = (store.clone(), is_over.clone());
        move || {
            let (mut good, mut away) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                match store.session("s0").and_then(|_| store.audit_count(&AuditGroup::All)) {
                    Ok(_) => good += 1,
                    Err(_) => away += 1,
                }
            }
            (good, away)
        }
    });
    for round in 0..5 {
        // More than is left alone, less than what comes. What a failed commit wrote stays in the file, to be used again.
        let room = usize::try_from(free(&folder)).unwrap();
        fill(&ballast, room - (10 << 20));
        let size = (12 << 20) + usize::try_from(file.metadata().unwrap().blocks() * 512).unwrap();
        let audit = AuditEntry::done(By::system(0), "template.put", "big");
        let refused = store.put_template(template("big", 0, "x".repeat(size)), audit).await.unwrap_err();
        assert!(refused.to_string().contains("No space left"), "{refused}");
        std::fs::remove_file(&ballast).unwrap();
        let id = format!("after-{round}");
        write(&store, &id, 0).await.unwrap();
        written.push(id);
        assert_eq!(store.template("big").unwrap(), None, "what was refused is not there");
    }
    written.extend(write_while_the_disk_fills_up(&store, &folder).await);
    is_over.store(true, Ordering::Relaxed);
    let (good, away) = reader.join().unwrap();
    println!("{good} reads were answered, {away} were not");
    let audited = audited_since(&store, 0);
    assert!(written.iter().all(|id| is_there(&store, id, 0) && audited.contains(id)));
    assert!(!audited.contains("big"));
    drop(store);
    assert_fine(&file, "after failed commits");
}

/// Starts `slurmdash serve`, which must fail, and gives its words.
fn refusal(data: &Path) -> String {
    let config = data.with_extension("yaml");
    std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config).arg("--data-dir").arg(data);
    words_of(&command.output().unwrap())
}

fn private(folder: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
}

fn words_of(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(!words.contains("panicked"), "{words}");
    words
}

#[tokio::test]
async fn the_program_says_that_its_disk_is_full_or_read_only() {
    let folder = private_folder();
    let config = folder.path().join("c.yaml");
    std::fs::write(&config, "slurm: {backend: cli}\n").unwrap();
    let data = folder.path().join("data");
    private(&data);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--config"].map(OsString::from);
    let mut command = vec![OsString::from(env!("CARGO_BIN_EXE_slurmdash"))];
    command.extend(serve.into_iter().chain([config.clone().into(), "--data-dir".into(), data.clone().into()]));
    let full = "mount -t tmpfs -o size=6m,mode=700 none \"$DATA\"; exec \"$@\"";
    let environment = [("DATA", data.as_path())];
    let Some(output) = in_own_mounts(full, &command, &environment) else { return };
    let words = words_of(&output);
    assert!(words.contains("slurmdash.redb") && words.contains("make room"), "{words}");
    let no_room_at_all = "mount -t tmpfs -o size=32k,mode=700 none \"$DATA\"; exec \"$@\"";
    let words = words_of(&in_own_mounts(no_room_at_all, &command, &environment).unwrap());
    assert!(words.contains("slurmdash.redb"), "{words}");
    // A store that is there, on a disk that became read-only.
    let arguments = ["--config", config.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    assert_eq!(Running::start(folder.path(), &arguments).await.stop().await, Some(0));
    let before = std::fs::read(data.join("slurmdash.redb")).unwrap();
    let read_only = "mount --bind \"$DATA\" \"$DATA\"; mount -o remount,bind,ro \"$DATA\"; exec \"$@\"";
    let words = words_of(&in_own_mounts(read_only, &command, &environment).unwrap());
    assert!(words.contains("slurmdash.redb") && words.contains("Read-only file system"), "{words}");
    assert!(std::fs::read(data.join("slurmdash.redb")).unwrap() == before);
}

#[test]
fn the_program_refuses_a_damaged_store_and_leaves_it_alone() {
    let folder = private_folder();
    let data = folder.path().join("data");
    private(&data);
    let file = data.join("slurmdash.redb");
    drop(Store::open(&file).unwrap());
    let good = std::fs::read(&file).unwrap();
    let mut flipped = good.clone();
    flipped[64..512].fill(0xA5);
    for bytes in [&b""[..], b"not a store", &good[..good.len() - 4096], &good[..5000], &flipped] {
        std::fs::write(&file, bytes).unwrap();
        let words = refusal(&data);
        assert!(words.contains(file.to_str().unwrap()) && words.contains("slurmdash backup restore"), "{words}");
        assert!(std::fs::read(&file).unwrap() == bytes, "not a byte has changed");
    }
    std::fs::write(&file, &good).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refusal(&data).contains("chmod 600"));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(refusal(&data).contains(file.to_str().unwrap()));
    std::fs::remove_dir(&file).unwrap();
    symlink("/nonexistent/store", &file).unwrap();
    let words = refusal(&data);
    assert!(words.contains(file.to_str().unwrap()), "{words}");
    assert!(file.is_symlink(), "it is still the link that it was");
}

#[tokio::test]
async fn a_second_server_and_a_check_are_refused_and_the_first_goes_on() {
    let folder = private_folder();
    let (data, config) = (folder.path().join("data"), folder.path().join("c.yaml"));
    std::fs::write(&config, "slurm: {backend: sim}\n").unwrap();
    let arguments = ["--data-dir", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let first = Running::start(folder.path(), &arguments).await;
    let words = refusal(&data);
    assert!(words.contains("in use") && words.contains("slurmdash.redb"), "{words}");
    let store_check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(["store", "check", "--data-dir"]).arg(&data).arg("--config").arg(&config);
        command
    };
    assert!(words_of(&store_check().output().unwrap()).contains("in use"));
    let password = first.ready["password"].as_str().unwrap().to_owned();
    assert_eq!(first.login(&password).await, 200);
    assert_eq!(first.stop().await, Some(0));
    let output = store_check().output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.contains("users") && words.ends_with("fine\n"), "{words}");
    let output = store_check().arg("--json").output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["fault_count"], 0);
}
