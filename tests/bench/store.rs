//! The store's figures: `cargo xtask bench store` runs this, judges them and prints the table.
//!
//! The last line on standard output is JSON: a list of `{"name", "value", "unit"}`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a program for the bench, not shipped"
)]

mod fill;
mod pages;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use slurmdash::audit::export;
use slurmdash::store::Store;
use slurmdash::store::audit::{AuditEntry, AuditFilter, By};
use slurmdash::store::sessions::SessionRecord;
use slurmdash_api::audit::ExportFormat;
use slurmdash_api::auth::AccountSource;

/// Durable writes that are timed, and as many syncs.
const WRITES: u32 = 500;
/// Pages of the file that is written here and there: 64 MiB.
const SCATTER: u64 = 16_384;
/// Writers at once, and how much each writes.
const WRITERS: u32 = 100;
const EACH: u32 = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let word = |at: usize| arguments.get(at).map(String::as_str);
    match (word(1), word(2)) {
        (Some("memory"), Some(file)) => return println!("{}", memory(Path::new(file))),
        (Some("crash"), Some(file)) => crash(Path::new(file)),
        _ => {}
    }
    let folder = Folder::new();
    let figures = measure(&folder.0);
    println!("{}", Value::from(figures));
}

/// A folder in cargo's target, which is on a real disk; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-store-{}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn measure(folder: &Path) -> Vec<Value> {
    let mut figures = Vec::new();
    let mut figure = |name: &str, value: f64, unit: &str| {
        eprintln!("{name}: {value:.1} {unit}");
        figures.push(json!({"name": name, "value": value, "unit": unit}));
    };
    let file = folder.join("store.redb");
    let empty = folder.join("empty.redb");
    drop(Store::open(&empty).expect("an empty store"));
    let begin = Instant::now();
    let store = Store::open(&file).expect("a new store");
    fill::fill(&store);
    drop(store);
    figure("time to fill", begin.elapsed().as_secs_f64(), "s");
    figure("file", mib(file.metadata().expect("the file").len()), "MiB");

    let mut opened: Vec<f64> = (0..5).map(|_| milliseconds(|| drop(Store::open(&file).expect("it opens")))).collect();
    figure("open (and close)", median(&mut opened), "ms");
    let mut opened: Vec<f64> = (0..5).map(|_| open(&file)).collect();
    figure("open", median(&mut opened), "ms");

    let store = Store::open(&file).expect("it opens");
    for took in pages::measure(&store) {
        figure(&format!("{}, p99", took.name), took.p99 / 1000.0, "ms");
        figure(&format!("{}, median", took.name), took.median / 1000.0, "ms");
    }
    let proven = milliseconds(|| assert!(store.verify_audit().expect("it is read").intact));
    figure("audit log proven", proven / 1000.0, "s");
    let before = peak_memory();
    let exported = milliseconds(|| {
        let pieces = export::pieces(&store, AuditFilter::default(), ExportFormat::Csv);
        let bytes: usize = pieces.map(|piece| piece.expect("it is read").len()).sum();
        assert!(bytes > 100 << 20, "{bytes}");
    });
    figure("audit log exported", exported / 1000.0, "s");
    figure("peak memory that the export adds", (peak_memory() - before).max(0.0), "MiB");
    drop(store);
    let (full, idle) = (child_memory(&file), child_memory(&empty));
    figure("memory over an empty store", (full - idle).max(0.0), "MiB");

    let store = Store::open(&file).expect("it opens");
    let durable = durable(&store, folder);
    figure("durable write with its audit row", durable.write, "ms");
    figure("pages of a durable write", durable.pages, "x");
    figure("4 KiB appended and synced", durable.append, "ms");
    figure("4 KiB overwritten and synced", durable.overwrite, "ms");
    figure("as many pages overwritten and synced", durable.scattered, "ms");
    figure("durable write, in appends", durable.write / durable.append, "x");
    figure("durable write, in overwrites", durable.write / durable.overwrite, "x");
    figure("durable write, in as many pages", durable.write / durable.scattered, "x");
    let (alone, together) = rates(&store);
    figure("one writer", alone, "/s");
    figure("a hundred writers", together, "/s");
    figure("a hundred writers, in one writer's rate", together / alone, "x");
    drop(store);

    let crashed = Command::new(std::env::current_exe().expect("us")).arg("crash").arg(&file).status();
    assert!(!crashed.expect("a child").success(), "it crashes");
    figure("open after a crash", open(&file), "ms");
    figures
}

/// The most memory that we have had so far, MiB. Source: proc(5), `status`.
fn peak_memory() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

fn mib(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}

fn milliseconds(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1000.0
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// How long opening takes, closing not counted.
fn open(file: &Path) -> f64 {
    let mut store = None;
    let took = milliseconds(|| store = Some(Store::open(file).expect("it opens")));
    drop(store);
    took
}

fn session(number: u32) -> (SessionRecord, AuditEntry) {
    let (id, user_id) = (format!("bench-{number}"), fill::user(u64::from(number) % fill::USERS));
    let at = fill::END + i64::from(number);
    let by = By { user_id: Some(user_id.clone()), ..By::system(at) };
    let audit = AuditEntry::done(by, "session.begin", &id);
    (
        SessionRecord {
            id,
            user_id,
            token_hash: fill::key_hash(7),
            created_at: at,
            expires_at: at + 604_800,
            before: Vec::new(),
            agent: None,
            address: None,
            last_used_at: None,
            source: AccountSource::Local,
        },
        audit,
    )
}

/// What a durable write costs, and what syncs cost, in milliseconds.
struct Durable {
    write: f64,
    /// Pages of 4 KiB that a durable write hands to the system.
    pages: f64,
    append: f64,
    overwrite: f64,
    scattered: f64,
}

/// The usual time of one durable write and of syncs, taken in turns so that all see the same disk: 4 KiB appended to a
/// file that grows, 4 KiB over bytes that are there, and as many pages as a durable write has, here and there over bytes
/// that are there.
///
/// The store's file has room that was never written, so some of its writes need new blocks as an append does.
fn durable(store: &Store, folder: &Path) -> Durable {
    let runtime = runtime();
    let write = |number: u32| {
        let (session, audit) = session(number);
        milliseconds(|| runtime.block_on(store.begin_session(session, audit)).expect("a write"))
    };
    let before = written_bytes();
    let _: Vec<f64> = (0..WRITES).map(|number| write(50_000 + number)).collect();
    let pages = u32::try_from((written_bytes() - before) / 4096 / u64::from(WRITES)).unwrap_or_default();

    let new = |name: &str| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).open(folder.join(name)).expect("a file")
    };
    let (growing, written) = (new("growing"), new("written"));
    written.write_all_at(&vec![1; 64 << 20], 0).and_then(|()| written.sync_all()).expect("a file");
    let sync = |file: &File, pages: &[u32]| {
        milliseconds(|| {
            for &page in pages {
                file.write_all_at(&[2; 4096], u64::from(page) * 4096).expect("a page");
            }
            file.sync_data().expect("a sync");
        })
    };
    let mut dice = fill::Dice::new(1);
    let mut times: [Vec<f64>; 4] = Default::default();
    for number in 0..WRITES {
        let somewhere: Vec<u32> = (0..pages.max(1)).map(|_| u32::try_from(dice.below(SCATTER)).unwrap_or(0)).collect();
        let took =
            [write(number), sync(&growing, &[number]), sync(&written, &somewhere[..1]), sync(&written, &somewhere)];
        for (times, took) in times.iter_mut().zip(took) {
            times.push(took);
        }
    }
    let [write, append, overwrite, scattered] = times.map(|mut times| median(&mut times));
    Durable { write, pages: f64::from(pages), append, overwrite, scattered }
}

/// Bytes that we have handed to the system so far. Source: proc(5), `io`.
fn written_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").expect("proc");
    text.lines().find_map(|line| line.strip_prefix("wchar: ")).expect("wchar").parse().expect("a number")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Writes a second of one writer, and of a hundred at once.
fn rates(store: &Store) -> (f64, f64) {
    let runtime = runtime();
    let write = |number: u32| {
        let (session, audit) = session(number);
        async move { store.begin_session(session, audit).await.expect("a write") }
    };
    let begin = Instant::now();
    runtime.block_on(async {
        for number in 0..WRITES {
            write(10_000 + number).await;
        }
    });
    let alone = f64::from(WRITES) / begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    runtime.block_on(futures_util::future::join_all((0..WRITERS).map(|writer| async move {
        for number in 0..EACH {
            write(20_000 + writer * EACH + number).await;
        }
    })));
    (alone, f64::from(WRITERS * EACH) / begin.elapsed().as_secs_f64())
}

/// Writes and ends without closing the file.
fn crash(file: &Path) -> ! {
    let store = Store::open(file).expect("it opens");
    let (session, audit) = session(90_000);
    runtime().block_on(store.begin_session(session, audit)).expect("a write");
    std::process::abort()
}

/// Our resident memory in MiB with the store open and pages of every look-up read. Source: proc(5), `smaps_rollup`.
fn memory(file: &Path) -> f64 {
    let store = Store::open(file).expect("it opens");
    pages::read_all(&store);
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("proc");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).expect("Rss");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

fn child_memory(file: &Path) -> f64 {
    let output = Command::new(std::env::current_exe().expect("us")).arg("memory").arg(file).output().expect("a child");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}
