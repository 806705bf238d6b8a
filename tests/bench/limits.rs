//! The figures of rate limits: `cargo xtask bench limits` runs this, judges them and prints the table.
//!
//! The last line on standard output is JSON: a list of `{"name", "value", "unit"}`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a program for the bench, not shipped"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slurmdash::clock::Clock;
use slurmdash::config::limits::Limits;
use slurmdash::limits::logins::{Familiarity, Logins};
use slurmdash::limits::rates::{Rates, Who};

/// Addresses that are known.
const KNOWN: u32 = 1_000_000;
/// Decisions that are timed.
const DECISIONS: u32 = 2_000_000;
/// Threads that decide at once.
const THREADS: u32 = 8;

fn main() {
    if let Some(kind) = std::env::args().nth(1).filter(|word| !word.starts_with('-')) {
        return println!("{}", memory(&kind));
    }
    let mut figures = Vec::new();
    let mut figure = |name: &str, value: f64, unit: &str| {
        eprintln!("{name}: {value:.2} {unit}");
        figures.push(json!({"name": name, "value": value, "unit": unit}));
    };
    let rates = Rates::new(&Limits::default(), Clock::system());
    let took = timed(KNOWN, |number| decide(&rates, number));
    figure("a decision on a new address", took.mean, "µs");
    let took = timed(DECISIONS, |number| decide(&rates, scattered(number) % KNOWN));
    figure("a decision at 1,000,000 known addresses", took.mean, "µs");
    figure("a decision at 1,000,000 known addresses, p99", took.p99, "µs");
    figure("a decision at 1,000,000 known addresses, longest", took.longest, "µs");
    let took = timed(DECISIONS, |number| decide(&rates, KNOWN + number));
    figure("a decision on one address too many", took.mean, "µs");
    figure("a decision on one address too many, p99", took.p99, "µs");
    figure("a decision while 8 threads decide", together(&rates), "µs");
    let idle = child_memory("idle");
    figure("memory when nobody has come", idle - child_memory("nothing"), "MiB");
    figure("memory at 1,000,000 known addresses", child_memory("known") - idle, "MiB");
    figure("memory of everything when full", child_memory("full") - idle, "MiB");
    println!("{}", Value::from(figures));
}

fn decide(rates: &Rates, number: u32) {
    let who = Who::Stranger(Ipv4Addr::from_bits(number).into());
    black_box(rates.decide(who, "GET", "/api/jobs/{id}").wait());
}

/// All numbers in an order that no cache foresees.
fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

/// Microseconds.
struct Took {
    mean: f64,
    p99: f64,
    longest: f64,
}

/// Times all together, and each by itself: looking at the clock takes longer than a decision.
fn timed(times: u32, work: impl Fn(u32)) -> Took {
    let begin = Instant::now();
    let mut each: Vec<Duration> = Vec::with_capacity(usize::try_from(times).expect("a number"));
    let mut last = begin;
    for number in 0..times {
        work(number);
        let now = Instant::now();
        each.push(now - last);
        last = now;
    }
    each.sort_unstable();
    Took {
        mean: microseconds(begin.elapsed()) / f64::from(times),
        p99: microseconds(each[each.len() / 100 * 99]),
        longest: microseconds(each[each.len() - 1]),
    }
}

fn together(rates: &Rates) -> f64 {
    let each = DECISIONS / THREADS;
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || (0..each).for_each(|number| decide(rates, scattered(thread * each + number) % KNOWN)));
        }
    });
    microseconds(begin.elapsed()) / f64::from(DECISIONS)
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

/// Our resident memory in MiB. Source: proc(5), `smaps_rollup`.
fn memory(kind: &str) -> f64 {
    let limits = Limits::default();
    let is_there = kind != "nothing";
    let rates = is_there.then(|| Rates::new(&limits, Clock::system()));
    let logins = is_there.then(|| Logins::new(&limits, Clock::system()));
    if let (Some(rates), "known" | "full") = (&rates, kind) {
        (0..KNOWN).for_each(|number| decide(rates, number));
        assert_eq!(rates.remembered(), usize::try_from(KNOWN).expect("a number"));
    }
    if let (Some(logins), "full") = (&logins, kind) {
        for number in 0..KNOWN {
            let address = IpAddr::from(Ipv4Addr::from_bits(number));
            if let Ok(attempt) = logins.may_try(&format!("user{number}"), address, Familiarity::Stranger) {
                attempt.failed();
            }
        }
    }
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("proc");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).expect("Rss");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

fn child_memory(kind: &str) -> f64 {
    let output = Command::new(std::env::current_exe().expect("us")).arg(kind).output().expect("a child");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}
