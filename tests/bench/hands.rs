//! What it costs to act as somebody: `cargo xtask bench hands` runs this, judges it and prints the table.
//!
//! The last line on standard output is JSON: a list of `{"name", "value", "unit"}`. It makes users and starts a real sshd,
//! so it needs root.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a program for the bench, not shipped")]

mod quantile;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../it/ssh/sshd.rs"]
mod sshd;

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use slurmdash::hands::local::Local;
use slurmdash::hands::{Command, Hands, OpenFile, OpenHow, Place};
use slurmdash::ssh::{Pool, Settings};
use tokio::io::AsyncWriteExt as _;

use quantile::quantile;
use sshd::Sshd;

/// Commands that are timed each way.
const COMMANDS: usize = 300;
/// People whose first use is timed, and people who are active at once.
const FIRST: usize = 10;
const ACTIVE: usize = 200;
/// Bytes of the download.
const DOWNLOAD: u64 = 1 << 30;
/// Files that are followed at once, and lines that each gets.
const FOLLOWED: usize = 50;
const LINES: usize = 20;

fn main() {
    let mut sshd = Sshd::start().unwrap_or_else(|| panic!("it needs root and /usr/sbin/sshd"));
    let users: Vec<String> = (0..ACTIVE).map(|_| sshd.user()).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let figures = runtime.block_on(measure(&sshd, &users));
    println!("{}", Value::from(figures));
}

async fn measure(sshd: &Sshd, users: &[String]) -> Vec<Value> {
    let settings = Settings { max_connections: ACTIVE + 1, ..sshd.settings() };
    let pool = sshd.pool_with(settings).0;
    let figure = |name: &str, value: f64, unit: &str| json!({"name": name, "value": value, "unit": unit});
    let mut figures = vec![figure("first use of a user", first_use(&pool, &users[..FIRST]).await, "ms")];
    let hands = pool.hands(&users[0]).await.unwrap();
    figures.push(figure("command over running it directly", command(hands.as_ref()).await, "ms"));
    figures.push(figure("agent, resident", agent_memory(hands.as_ref()).await, "MiB"));
    let home = sshd.path(&users[0]);
    figures.push(figure(
        "download over a plain one",
        download(hands.as_ref(), &Place::at(home.join("big"))).await,
        "x",
    ));
    figures.push(figure("output seen after it was written, p99", latency(&hands, &Place::at(home)).await, "ms"));
    figures.push(figure("memory for 200 active users", active(&pool, users).await, "MiB"));
    pool.shutdown().await;
    figures
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

async fn first_use(pool: &Pool, users: &[String]) -> f64 {
    let mut times = Vec::new();
    for user in users {
        let begun = Instant::now();
        pool.hands(user).await.unwrap().stat(&Place::at("/")).await.unwrap();
        times.push(milliseconds(begun.elapsed()));
    }
    quantile(times, 0.5)
}

/// A command as the user, less the same command here, milliseconds.
async fn command(far: &dyn Hands) -> f64 {
    let local = Local::own(std::env::vars_os());
    let (mut there, mut here) = (Vec::new(), Vec::new());
    for _ in 0..COMMANDS {
        for (hands, times) in [(far, &mut there), (&local as &dyn Hands, &mut here)] {
            let begun = Instant::now();
            assert!(hands.run(&Command::new("true")).await.unwrap().is_ok());
            times.push(milliseconds(begun.elapsed()));
        }
    }
    quantile(there, 0.5) - quantile(here, 0.5)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn resident(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn agent_memory(hands: &dyn Hands) -> f64 {
    let user = hands.user().name.clone();
    let found = sshd::said(hands, "ps", &["-u", &user, "-o", "pid=", "-C", "slurmdash"]).await;
    let agents = found.lines().map(str::trim).filter(|pid| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let owner = std::fs::metadata(format!("/proc/{pid}")).map(|about| std::os::unix::fs::MetadataExt::uid(&about));
        command.ends_with(b"agent\0") && owner.is_ok_and(|uid| uid == hands.user().uid)
    });
    mib(agents.map(resident).max().unwrap())
}

/// How fast the bytes come through our own way, in the rate of a plain one: a file read and sent over the loopback. The
/// best of three each, in turn.
async fn download(hands: &dyn Hands, place: &Place) -> f64 {
    let file = hands.open(place, OpenHow::Create).await.unwrap();
    let block = vec![7; 4 << 20];
    for at in (0..DOWNLOAD).step_by(block.len()) {
        file.write_at(at, block.clone()).await.unwrap();
    }
    let plain = std::fs::File::open(place.path()).unwrap();
    let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        theirs = theirs.min(sent(OpenFile::here(plain.try_clone().unwrap())).await);
        let file = hands.open(place, OpenHow::Read).await.unwrap();
        ours = ours.min(sent(file).await);
    }
    theirs / ours
}

/// Seconds that a file takes over the loopback.
async fn sent(file: OpenFile) -> f64 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sink = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut block, mut total) = (vec![0; 1 << 20], 0);
        while let Ok(read @ 1..) = stream.read(&mut block) {
            total += read as u64;
        }
        total
    });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    let step = 1 << 20;
    let offsets = stream::iter((0..DOWNLOAD).step_by(step));
    let mut blocks = std::pin::pin!(offsets.map(|at| file.read_at(at, step)).buffered(2));
    while let Some(block) = blocks.next().await {
        stream.write_all(&block.unwrap()).await.unwrap();
    }
    drop(stream);
    assert_eq!(sink.await.unwrap(), DOWNLOAD);
    begun.elapsed().as_secs_f64()
}

/// From a line in a file to its being seen, for files that are followed at once, milliseconds.
async fn latency(hands: &Arc<dyn Hands>, home: &Place) -> f64 {
    let begun = Instant::now();
    let follow = (0..FOLLOWED).map(async |nth| {
        let place = home.join(format!("out{nth}"));
        let writer = hands.open(&place, OpenHow::Create).await.unwrap();
        let reader = hands.open(&place, OpenHow::Read).await.unwrap();
        let write = async {
            for line in 0..LINES {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let text = format!("{:>20}\n", begun.elapsed().as_micros());
                writer.write_at(line as u64 * 21, text.into_bytes()).await.unwrap();
            }
        };
        let read = async {
            let (mut at, mut late) = (0, Vec::new());
            while late.len() < LINES {
                let size = reader.changed(at, Duration::from_secs(5)).await.unwrap().size;
                let seen = begun.elapsed();
                let text = reader.read_at(at, usize::try_from(size - at).unwrap()).await.unwrap();
                for line in String::from_utf8(text).unwrap().lines() {
                    let written = Duration::from_micros(line.trim().parse().unwrap());
                    late.push(milliseconds(seen.saturating_sub(written)));
                }
                at = size;
            }
            late
        };
        tokio::join!(write, read).1
    });
    quantile(join_all(follow).await.into_iter().flatten().collect(), 0.99)
}

/// What this process grows by when everybody is connected.
async fn active(pool: &Pool, users: &[String]) -> f64 {
    let before = resident("self");
    let connect = stream::iter(users).map(async |user| {
        pool.hands(user).await.unwrap().stat(&Place::at("/")).await.unwrap();
    });
    connect.buffer_unordered(8).collect::<Vec<()>>().await;
    assert_eq!(pool.connections(), users.len());
    mib(resident("self").saturating_sub(before))
}
