//! Hands that fail: at every call, before it was done and after; and people who can't be reached.
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use serde_json::json;
use slurmdash::clock::Clock;
use slurmdash::hands::HandsError;
use slurmdash::uploads::chunk::Turn;
use slurmdash::uploads::{Area, UploadError, Uploads};
use slurmdash_api::uploads::{ChunkStored, InitUpload, Upload, UploadQuery, UploadStatus};

use super::shaky::{Call, Faults, How, Shaky, World, is_away, names_in, person, uploads_in};
use super::{CHUNK, INIT, chunk_of, content, form};
use crate::support::{TestApp, eventually, json, private_folder, problem};

fn request(name: &str, size: usize) -> InitUpload {
    let body = json!({"filename": name, "file_size": size, "user_id": "ada", "chunk_size": CHUNK});
    serde_json::from_value(body).unwrap()
}

async fn begin(uploads: &Uploads, name: &str, size: usize) -> Result<String, UploadError> {
    uploads.begin(&person("ada"), request(name, size)).await.map(|started| started.upload_id)
}

async fn send(uploads: &Uploads, owner: &str, id: &str, index: u32, bytes: &[u8]) -> Result<ChunkStored, UploadError> {
    match uploads.chunk(owner, id, index).await? {
        Turn::Stored { chunk } => chunk.finish(None),
        Turn::Write(mut writer) => {
            writer.write(bytes).await?;
            writer.finish(None).await
        }
    }
}

async fn uploads_of(uploads: &Uploads, owner: &str) -> Vec<Upload> {
    let query = UploadQuery { status: None, cursor: None, per_page: None };
    uploads.list(owner, &query).await.unwrap().uploads
}

/// Tries again until it succeeds; everything in between says that it is worth it.
async fn insist<T>(mut attempt: impl AsyncFnMut() -> Result<T, UploadError>) -> T {
    for _ in 0..5 {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(is_away(&error), "{error}"),
        }
    }
    panic!("it fails again and again");
}

/// Checks that every chunk that counts has its bytes on disk.
async fn check_counted(uploads: &Uploads, id: &str, part: &Path, content: &[u8]) {
    let missing = uploads.get("ada", id).await.unwrap().missing_chunks.unwrap();
    let on_disk = std::fs::read(part).unwrap();
    for (index, chunk) in content.chunks(CHUNK).enumerate() {
        if !missing.contains(&u32::try_from(index).unwrap()) {
            assert!(on_disk[index * CHUNK..].starts_with(chunk), "chunk {index} counts");
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_anywhere_loses_and_doubles_nothing() {
    let dir = private_folder();
    let root = uploads_in(dir.path());
    let faults = Arc::new(Faults::default());
    let mut world = World::new(dir.path(), Area::Own(root.clone()), [("ada", Shaky::new(&faults))]);
    let content = content(3 * CHUNK + 5);
    let folder = root.join("users/ada/data");
    let mut names = Vec::new();
    for call in [
        Call::Space,
        Call::Stat,
        Call::Open,
        Call::MakeFolder,
        Call::Create,
        Call::Write,
        Call::Sync,
        Call::Look,
        Call::Read,
        Call::Rename,
    ] {
        for (how, restart) in [(How::Undone, false), (How::Half, false), (How::Done, false), (How::Done, true)] {
            if how == How::Half && call != Call::Write {
                continue;
            }
            let name = format!("{call:?}-{how:?}-{restart}.csv");
            faults.lose(call, how);
            let id = insist(async || begin(&world.uploads, &name, content.len()).await).await;
            let part = folder.join(format!(".{id}.part"));
            for (index, bytes) in (0..).zip(content.chunks(CHUNK)) {
                let sent = send(&world.uploads, "ada", &id, index, bytes).await;
                check_counted(&world.uploads, &id, &part, &content).await;
                let Err(error) = sent else { continue };
                assert!(is_away(&error), "{error}");
                let missing = world.uploads.get("ada", &id).await.unwrap().missing_chunks.unwrap();
                assert!(missing.contains(&index), "a chunk that failed does not count");
                if restart {
                    world.restart();
                }
                insist(async || send(&world.uploads, "ada", &id, index, bytes).await).await;
            }
            let completed = world.uploads.complete(&person("ada"), &id, true).await;
            if restart {
                world.restart();
            }
            if let Err(error) = completed {
                assert!(is_away(&error), "{error}");
                insist(async || world.uploads.complete(&person("ada"), &id, true).await).await;
            }
            assert!(faults.is_over(), "{name}: that call was made");
            names.push(name.clone());
            assert!(std::fs::read(folder.join(&name)).unwrap() == content, "{name}");
            world.uploads.expire().await;
        }
    }
    names.sort();
    assert_eq!(names_in(&folder), names, "each is there once, and nothing else");
    let mut listed: Vec<_> = uploads_of(&world.uploads, "ada").await;
    assert!(listed.iter().all(|upload| upload.status == UploadStatus::Completed && upload.uploaded_chunks == 4));
    listed.sort_by(|one, other| one.filename.cmp(&other.filename));
    assert!(listed.iter().map(|upload| &upload.filename).eq(&names));
}

#[tokio::test]
async fn a_rename_without_an_answer_is_looked_for_by_whoever_comes_first() {
    let dir = private_folder();
    let root = uploads_in(dir.path());
    let faults = Arc::new(Faults::default());
    let mut world = World::new(dir.path(), Area::Own(root.clone()), [("ada", Shaky::new(&faults))]);
    let folder = root.join("users/ada/data");
    let mut ready = Vec::new();
    for name in ["settled.csv", "restarted.csv", "deleted.csv"] {
        let id = begin(&world.uploads, name, 1).await.unwrap();
        send(&world.uploads, "ada", &id, 0, b"x").await.unwrap();
        faults.lose(Call::Rename, How::Done);
        assert!(is_away(&world.uploads.complete(&person("ada"), &id, false).await.unwrap_err()));
        assert_eq!(world.uploads.get("ada", &id).await.unwrap().status, UploadStatus::Uploading);
        ready.push(id);
        match name {
            "settled.csv" => assert_eq!(world.uploads.settle().await, 1),
            "restarted.csv" => {
                faults.away.store(true, Ordering::SeqCst);
                world.restart();
                assert_eq!(world.uploads.settle().await, 0);
                faults.away.store(false, Ordering::SeqCst);
                assert_eq!(world.uploads.settle().await, 1);
            }
            _ => world.uploads.delete(&person("ada"), &ready[2]).await.unwrap(),
        }
        assert_eq!(world.uploads.settle().await, 0);
    }
    assert_eq!(
        names_in(&folder),
        ["restarted.csv", "settled.csv"],
        "what was deleted has left no file without a record"
    );
    assert!(uploads_of(&world.uploads, "ada").await.iter().all(|upload| upload.status == UploadStatus::Completed));
}

#[tokio::test]
async fn what_can_not_be_removed_now_is_removed_later() {
    let dir = private_folder();
    let root = uploads_in(dir.path());
    let faults = Arc::new(Faults::default());
    let world = World::new(dir.path(), Area::Own(root.clone()), [("ada", Shaky::new(&faults))]);
    let (uploads, folder) = (&world.uploads, root.join("users/ada/data"));
    for how in [How::Undone, How::Done] {
        for complete in [false, true] {
            let id = begin(uploads, "a.csv", 2 * CHUNK).await.unwrap();
            send(uploads, "ada", &id, 0, &vec![1; CHUNK]).await.unwrap();
            if complete {
                send(uploads, "ada", &id, 1, &vec![1; CHUNK]).await.unwrap();
                uploads.complete(&person("ada"), &id, false).await.unwrap();
            }
            faults.lose(Call::Remove, how);
            assert!(is_away(&uploads.delete(&person("ada"), &id).await.unwrap_err()));
            assert_eq!(uploads_of(uploads, "ada").await.len(), 1, "it is not forgotten");
            if !complete && how == How::Undone {
                send(uploads, "ada", &id, 1, &vec![1; CHUNK]).await.expect("it goes on as if nothing had been");
            }
            uploads.delete(&person("ada"), &id).await.unwrap();
            assert_eq!(names_in(&folder), [""; 0]);
            assert!(uploads_of(uploads, "ada").await.is_empty());
        }
    }
    // A beginning whose file can't be taken back: it is removed at the next turn, whatever its age.
    faults.lose(Call::Create, How::Done);
    faults.lose(Call::Remove, How::Undone);
    assert!(is_away(&begin(uploads, "a.csv", 1).await.unwrap_err()));
    assert_eq!((names_in(&folder).len(), uploads_of(uploads, "ada").await.len()), (1, 1), "no file is nobody's");
    uploads.expire().await;
    assert_eq!((names_in(&folder), uploads_of(uploads, "ada").await.len()), (Vec::new(), 0));
}

#[tokio::test]
async fn who_is_away_keeps_nobody_else_waiting() {
    let (dir, bytes) = (private_folder(), content(CHUNK));
    let root = uploads_in(dir.path());
    let (ada, bob) = (Arc::new(Faults::default()), Arc::new(Faults::default()));
    let people = [("ada", Shaky::new(&ada)), ("bob", Shaky::new(&bob))];
    let mut world = World::new(dir.path(), Area::Own(root), people);
    let adas = begin(&world.uploads, "a.csv", 2 * CHUNK).await.unwrap();
    let bobs = InitUpload { user_id: "bob".into(), ..request("b.csv", 2 * CHUNK) };
    let bobs = world.uploads.begin(&person("bob"), bobs).await.unwrap().upload_id;
    // A sync that hangs.
    ada.hold_syncs.store(true, Ordering::SeqCst);
    let mut hung = Box::pin(send(&world.uploads, "ada", &adas, 0, &bytes));
    let bobs_chunk = send(&world.uploads, "bob", &bobs, 0, &bytes);
    tokio::select! {
        _ = &mut hung => panic!("it is held"),
        stored = bobs_chunk => assert_eq!(stored.unwrap().uploaded_chunks, 1),
    }
    ada.let_sync();
    assert_eq!(hung.await.unwrap().uploaded_chunks, 1);

    // A person who is away at the start and afterwards.
    begin(&world.uploads, "another.csv", 1).await.unwrap();
    ada.away.store(true, Ordering::SeqCst);
    let long_after = world.clock.now() + 8 * 24 * 3600;
    world.restart_at(Clock::from_fn(move || long_after));
    let uploads = &world.uploads;
    assert_eq!(uploads_of(uploads, "ada").await.len(), 2);
    assert!(is_away(&send(uploads, "ada", &adas, 1, &bytes).await.unwrap_err()));
    assert!(is_away(&begin(uploads, "c.csv", 1).await.unwrap_err()));
    assert_eq!(uploads_of(uploads, "ada").await.len(), 2, "what could not begin left nothing");
    ada.refused.store(0, Ordering::SeqCst);
    assert_eq!(uploads.expire().await, 1, "bob's");
    assert_eq!(ada.refused.load(Ordering::SeqCst), 1, "who does not answer once is not asked again at that turn");
    ada.away.store(false, Ordering::SeqCst);
    assert_eq!(uploads.expire().await, 2, "ada's, now that it can be done");
    assert!(uploads_of(uploads, "ada").await.is_empty());
}

#[tokio::test]
async fn chunks_of_a_file_share_a_sync_and_its_failure() {
    let dir = private_folder();
    let root = uploads_in(dir.path());
    let faults = Arc::new(Faults::default());
    let world = World::new(dir.path(), Area::Own(root.clone()), [("ada", Shaky::new(&faults))]);
    let (uploads, content) = (&world.uploads, content(20 * CHUNK));
    let id = begin(uploads, "a.csv", content.len()).await.unwrap();
    faults.hold_syncs.store(true, Ordering::SeqCst);
    let sends = join_all((0..10).map(|index| {
        let bytes = chunk_of(&content, index, CHUNK);
        let id = id.as_str();
        async move { send(uploads, "ada", id, u32::try_from(index).unwrap(), &bytes).await }
    }));
    let release = async {
        eventually(async || (faults.writes.load(Ordering::SeqCst) == 10).then_some(())).await;
        assert_eq!(uploads.get("ada", &id).await.unwrap().uploaded_chunks, 0, "nothing counts before its sync");
        faults.let_sync();
    };
    let (sent, ()) = tokio::join!(sends, release);
    assert!(sent.iter().all(Result::is_ok));
    // One that was under way, one for all who waited; the last writer may have been a moment late.
    assert!(faults.syncs.load(Ordering::SeqCst) <= 4, "{} syncs", faults.syncs.load(Ordering::SeqCst));

    // What was written to a file before its sync failed counts under no later sync.
    let Ok(Turn::Write(mut first)) = uploads.chunk("ada", &id, 10).await else { panic!("it is to be written") };
    let Ok(Turn::Write(mut second)) = uploads.chunk("ada", &id, 11).await else { panic!("it is to be written") };
    first.write(&chunk_of(&content, 10, CHUNK)).await.unwrap();
    second.write(&chunk_of(&content, 11, CHUNK)).await.unwrap();
    let damaged =
        HandsError::File { path: "/up".into(), kind: io::ErrorKind::Other, words: "input/output error".into() };
    faults.fail(Call::Sync, How::Undone, damaged);
    assert!(matches!(first.finish(None).await, Err(UploadError::Disk { .. })));
    let third = chunk_of(&content, 12, CHUNK);
    send(uploads, "ada", &id, 12, &third).await.expect("it goes to a file that was opened anew");
    assert!(matches!(second.finish(None).await, Err(UploadError::Interrupted)));
    assert_eq!(uploads.get("ada", &id).await.unwrap().uploaded_chunks, 11);

    // A connection that breaks while others hold the same file: theirs is opened anew as well.
    let Ok(Turn::Write(held)) = uploads.chunk("ada", &id, 13).await else { panic!("it is to be written") };
    faults.lose(Call::Write, How::Half);
    let fourth = chunk_of(&content, 14, CHUNK);
    assert!(is_away(&send(uploads, "ada", &id, 14, &fourth).await.unwrap_err()));
    send(uploads, "ada", &id, 14, &fourth).await.expect("it goes to a file that was opened anew");
    drop(held);
    for index in 10..20 {
        let bytes = chunk_of(&content, usize::try_from(index).unwrap(), CHUNK);
        send(uploads, "ada", &id, index, &bytes).await.unwrap();
    }
    let finished = uploads.complete(&person("ada"), &id, true).await.unwrap();
    assert!(std::fs::read(finished.file_path).unwrap() == content);
}

#[tokio::test]
async fn a_sender_who_goes_away_leaves_no_write_behind() {
    let (dir, bytes) = (private_folder(), content(CHUNK));
    let root = uploads_in(dir.path());
    let faults = Arc::new(Faults::default());
    let world = World::new(dir.path(), Area::Own(root), [("ada", Shaky::new(&faults))]);
    let uploads = &world.uploads;
    let id = begin(uploads, "a.csv", CHUNK).await.unwrap();
    faults.hold_syncs.store(true, Ordering::SeqCst);
    let going_away = Box::pin(send(uploads, "ada", &id, 0, &bytes));
    tokio::select! {
        _ = going_away => panic!("it is held"),
        () = eventually(async || (faults.syncs.load(Ordering::SeqCst) == 1).then_some(())) => {}
    }
    // The next one waits until it is known what has become of it.
    let mut next = Box::pin(send(uploads, "ada", &id, 0, &bytes));
    assert!(futures_util::poll!(&mut next).is_pending());
    faults.let_sync();
    assert_eq!(next.await.unwrap().uploaded_chunks, 1);
    assert_eq!(faults.writes.load(Ordering::SeqCst), 1, "its bytes were there already");
}

#[tokio::test]
async fn homes_and_shared_folders_hold_each_persons_own() {
    let dir = private_folder();
    let (home, faults) = (dir.path().join("home"), Arc::new(Faults::default()));
    let ada = || Shaky::new(&faults).at_home(&home);
    let world = World::new(dir.path(), Area::of(Path::new("~/dash/up"), true), [("ada", ada())]);
    let refused = HandsError::File { path: home.clone(), kind: io::ErrorKind::PermissionDenied, words: "no".into() };
    faults.fail(Call::MakeFolder, How::Undone, refused);
    assert!(matches!(begin(&world.uploads, "a.csv", 0).await, Err(UploadError::NoHome(missing)) if missing == home));

    std::fs::create_dir_all(home.join("dash")).unwrap();
    let large = dir.path().join("large");
    std::fs::create_dir(&large).unwrap();
    symlink(&large, home.join("dash/up")).unwrap();
    let id = begin(&world.uploads, "a.csv", 0).await.unwrap();
    let finished = world.uploads.complete(&person("ada"), &id, false).await.unwrap();
    assert_eq!(Path::new(&finished.file_path), home.join("dash/up/users/ada/data/a.csv"));
    assert!(large.join("users/ada/data/a.csv").is_file(), "the person has put a link to where there is room");
    drop(world);

    let shared = dir.path().join("shared");
    let other = private_folder();
    let world = World::new(other.path(), Area::of(&shared, true), [("ada", ada())]);
    assert!(
        matches!(begin(&world.uploads, "a.csv", 0).await, Err(UploadError::NoFolder(missing)) if missing == shared)
    );
    assert!(!shared.exists(), "whoever made it would own it");
    std::fs::create_dir(&shared).unwrap();
    let id = begin(&world.uploads, "a.csv", 0).await.unwrap();
    let finished = world.uploads.complete(&person("ada"), &id, false).await.unwrap();
    let unix_user = slurmdash::unix::own_login();
    assert_eq!(Path::new(&finished.file_path), shared.join(unix_user).join("users/ada/data/a.csv"));
}

#[tokio::test]
async fn links_below_the_root_are_never_followed() {
    let app = TestApp::start().await;
    let elsewhere = private_folder();
    let admins = app.app.config.uploads_dir().join("users/admin");
    std::fs::create_dir_all(&admins).unwrap();
    symlink(elsewhere.path(), admins.join("data")).unwrap();
    let body = |name: &str| json!({"filename": name, "file_size": 1, "user_id": "admin"});
    problem(app.post(INIT, &body("a.csv")).await, 403, "path_in_the_way").await;
    // In the middle of an upload, too.
    let id = json(app.post(INIT, &body("a.sh")).await).await["upload_id"].as_str().unwrap().to_owned();
    std::fs::rename(admins.join("script"), admins.join("moved")).unwrap();
    symlink(elsewhere.path(), admins.join("script")).unwrap();
    problem(super::send(&app, form(&id, 0, b"x".to_vec())).await, 403, "path_in_the_way").await;
    assert_eq!(names_in(elsewhere.path()), [""; 0]);
    std::fs::remove_file(admins.join("script")).unwrap();
    std::fs::rename(admins.join("moved"), admins.join("script")).unwrap();
    assert_eq!(super::send(&app, form(&id, 0, b"x".to_vec())).await.status(), 200);
    assert_eq!(super::complete(&app, &id).await.status(), 200);
}

#[tokio::test]
async fn every_failure_has_its_own_answer() {
    let dir = private_folder();
    let faults = Arc::new(Faults::default());
    let alter = |app: &mut slurmdash::app::App| {
        let hands: Arc<dyn slurmdash::hands::Hands> = Arc::new(Shaky::new(&faults));
        let hands_of: slurmdash::uploads::HandsOf = Arc::new(move |_| Box::pin(std::future::ready(Ok(hands.clone()))));
        let area = Area::Own(app.config.uploads_dir());
        let (config, store, clock) = (&app.config.uploads, app.store.clone(), app.clock.clone());
        app.uploads = Uploads::open(config, area, store, clock, hands_of).unwrap();
    };
    let app = TestApp::start_altered(dir.path(), |_| {}, alter, None).await;
    let text = String::from;
    let file = |kind| HandsError::File { path: "/up".into(), kind, words: "the system's words".into() };
    for (error, status, code) in [
        (HandsError::NoUser(text("ada")), 403, "no_unix_user"),
        (HandsError::NotAllowed { user: text("root"), reason: text("x") }, 403, "unix_user_not_allowed"),
        (HandsError::LoginRefused { host: text("h"), user: text("u"), reason: text("x") }, 403, "login_refused"),
        (HandsError::Unreachable { host: text("h"), reason: text("x") }, 503, "login_host_away"),
        (HandsError::TimedOut { what: text("x"), seconds: 9 }, 503, "login_host_away"),
        (HandsError::Busy, 503, "login_host_busy"),
        (HandsError::HostKey { host: text("h"), reason: text("x") }, 503, "login_host_untrusted"),
        (HandsError::NoAgent { user: text("u"), reason: text("x") }, 503, "no_agent"),
        (HandsError::Protocol(text("x")), 503, "agent_failed"),
        (file(io::ErrorKind::QuotaExceeded), 507, "no_space"),
        (file(io::ErrorKind::StorageFull), 507, "no_space"),
        (file(io::ErrorKind::PermissionDenied), 403, "permission_denied"),
        (file(io::ErrorKind::NotADirectory), 403, "path_in_the_way"),
        (file(io::ErrorKind::Other), 500, "internal"),
    ] {
        faults.fail(Call::Create, How::Undone, error);
        let answer = super::init(&app, "a.csv", 1).await;
        let retry = answer.headers().contains_key("retry-after");
        problem(answer, status, code).await;
        assert_eq!(retry, matches!(code, "login_host_away" | "login_host_busy" | "agent_failed"), "{code}");
    }
    assert_eq!(json(app.get("/api/v2/files/uploads").await).await["total"], 0, "none of them left anything");

    let id = super::begin(&app, "a.csv", CHUNK).await;
    for (call, error, status, code) in [
        (Call::Write, HandsError::Lost(text("x")), 503, "login_host_away"),
        (Call::Write, file(io::ErrorKind::QuotaExceeded), 507, "no_space"),
        (Call::Sync, file(io::ErrorKind::StorageFull), 507, "no_space"),
        (Call::Sync, HandsError::Lost(text("x")), 503, "login_host_away"),
    ] {
        faults.fail(call, How::Undone, error);
        problem(super::send(&app, form(&id, 0, vec![1; CHUNK])).await, status, code).await;
        assert_eq!(super::session(&app, &id).await["missing_chunks"], json!([0]));
    }
    assert_eq!(super::send(&app, form(&id, 0, vec![1; CHUNK])).await.status(), 200);
    faults.away.store(true, Ordering::SeqCst);
    problem(super::complete(&app, &id).await, 503, "login_host_away").await;
    problem(super::delete(&app, &id).await, 503, "login_host_away").await;
    assert_eq!(super::session(&app, &id).await["uploaded_chunks"], 1);
    faults.away.store(false, Ordering::SeqCst);
    assert_eq!(super::complete(&app, &id).await.status(), 200);
}
