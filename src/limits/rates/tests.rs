use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;

const START: UnixSeconds = 1_700_000_000;

/// Rates with a clock that tests move.
fn rates(limits: &Limits) -> (Rates, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(START));
    let clock = {
        let seconds = seconds.clone();
        Clock::from_fn(move || seconds.load(Ordering::Relaxed))
    };
    (Rates::new(limits, clock), seconds)
}

fn address(number: u32) -> Who<'static> {
    Who::Stranger(Ipv4Addr::from_bits(number).into())
}

/// How many of so many requests are taken.
fn taken(rates: &Rates, who: Who<'_>, method: &str, path: &str, requests: usize) -> usize {
    (0..requests).filter(|_| rates.decide(who, method, path).wait().is_none()).count()
}

#[test]
fn ten_a_minute_are_ten_a_minute() {
    let (rates, clock) = rates(&Limits::default());
    let submit = || rates.decide(Who::User("ada"), "POST", "/api/jobs/submit").wait();
    assert!((0..10).all(|_| submit().is_none()));
    assert_eq!(submit(), Some(60));
    clock.fetch_add(59, Ordering::Relaxed);
    assert_eq!(submit(), Some(1), "the eleventh within that minute, however late");
    clock.fetch_add(1, Ordering::Relaxed);
    assert!((0..10).all(|_| submit().is_none()), "a minute later there are ten again");
    assert_eq!(submit(), Some(60));
}

#[test]
fn the_defaults_are_the_contracts() {
    let (rates, clock) = rates(&Limits::default());
    assert_eq!(taken(&rates, address(1), "GET", "/api/templates", 150), 100);
    assert_eq!(taken(&rates, Who::User("ada"), "GET", "/api/jobs", 1_500), 1_000);
    clock.fetch_add(60, Ordering::Relaxed);
    assert_eq!(taken(&rates, Who::User("ada"), "POST", "/api/apptainer/scan", 20), 5);
    clock.fetch_add(299, Ordering::Relaxed);
    assert_eq!(taken(&rates, Who::User("ada"), "POST", "/api/apptainer/scan", 20), 0);
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(taken(&rates, Who::User("ada"), "POST", "/api/apptainer/scan", 20), 5);
}

#[test]
fn the_headers_say_how_one_stands() {
    let limits = Limits { user_per_minute: 3, ..Limits::default() };
    let (rates, clock) = rates(&limits);
    let decision = rates.decide(Who::User("ada"), "GET", "/api/jobs");
    assert_eq!(decision.policy_field().unwrap(), r#""user";q=3;w=60"#);
    assert_eq!(decision.limit_field().unwrap(), r#""user";r=2;t=60"#);
    clock.fetch_add(20, Ordering::Relaxed);
    let decision = rates.decide(Who::User("ada"), "POST", "/api/jobs/submit");
    assert_eq!(decision.policy_field().unwrap(), r#""user";q=3;w=60, "POST /api/jobs/submit";q=10;w=60"#);
    assert_eq!(decision.limit_field().unwrap(), r#""user";r=1;t=40, "POST /api/jobs/submit";r=9;t=60"#);
    assert_eq!((decision.wait(), decision.refused_by()), (None, None));
    rates.decide(Who::User("ada"), "GET", "/api/jobs");
    let decision = rates.decide(Who::User("ada"), "POST", "/api/jobs/submit");
    assert_eq!(decision.policy_field().unwrap(), r#""user";q=3;w=60, "POST /api/jobs/submit";q=10;w=60"#);
    assert_eq!(decision.limit_field().unwrap(), r#""user";r=0;t=40"#);
    assert_eq!((decision.wait(), decision.refused_by()), (Some(40), Some("user")));
}

#[test]
fn a_refused_request_is_counted_nowhere() {
    let limits = Limits { user_per_minute: 20, ..Limits::default() };
    let (rates, _) = rates(&limits);
    assert_eq!(taken(&rates, Who::User("ada"), "POST", "/api/jobs/submit", 1_000), 10);
    let refused = rates.decide(Who::User("ada"), "POST", "/api/jobs/submit");
    assert_eq!(refused.refused_by(), Some("POST /api/jobs/submit"));
    assert_eq!(refused.limit_field().unwrap(), r#""user";r=10;t=60, "POST /api/jobs/submit";r=0;t=60"#);
    assert_eq!(taken(&rates, Who::User("ada"), "GET", "/api/jobs", 1_000), 10);
}

#[test]
fn nobody_uses_up_anothers_requests() {
    let (rates, _) = rates(&Limits::default());
    assert_eq!(taken(&rates, Who::User("ada"), "GET", "/", 5_000), 1_000);
    assert_eq!(taken(&rates, Who::User("grace"), "GET", "/", 5_000), 1_000);
    assert_eq!(taken(&rates, address(1), "GET", "/", 500), 100);
    assert_eq!(taken(&rates, address(2), "GET", "/", 500), 100);
    let stranger = |text: &str| Who::Stranger(text.parse().unwrap());
    assert_eq!(taken(&rates, stranger("::ffff:0.0.0.2"), "GET", "/", 500), 0, "the same address, mapped");
    assert_eq!(taken(&rates, stranger("2001:db8::1"), "GET", "/", 500), 100);
    assert_eq!(taken(&rates, stranger("2001:db8::ffff:1"), "GET", "/", 500), 0, "the same /64");
    assert_eq!(taken(&rates, stranger("2001:db8:0:1::1"), "GET", "/", 500), 100);
    assert_eq!(taken(&rates, Who::User("0.0.0.1"), "GET", "/", 5_000), 1_000, "a name is no address");
}

#[test]
fn a_persons_chunks_are_not_counted_and_a_strangers_are() {
    let (rates, _) = rates(&Limits::default());
    let (method, path) = CHUNKS;
    assert_eq!(taken(&rates, Who::User("ada"), method, path, 5_000), 5_000);
    assert_eq!(rates.decide(Who::User("ada"), method, path).policy_field(), None);
    assert_eq!(rates.decide(Who::User("ada"), method, path).limit_field(), None);
    assert_eq!(taken(&rates, Who::User("ada"), "GET", "/", 5_000), 1_000);
    assert_eq!(taken(&rates, address(1), method, path, 5_000), 100);
}

#[test]
fn disabled_takes_everything_and_says_nothing() {
    let (rates, _) = rates(&Limits { enabled: false, ..Limits::default() });
    assert_eq!(taken(&rates, address(1), "POST", "/api/jobs/submit", 5_000), 5_000);
    let decision = rates.decide(address(1), "POST", "/api/jobs/submit");
    assert_eq!((decision.policy_field(), decision.limit_field()), (None, None));
    assert_eq!(rates.remembered(), 0);
}

#[test]
fn a_flood_of_addresses_is_bounded_and_people_are_not_hurt() {
    let limits = Limits { max_keys: 100_000, ..Limits::default() };
    let (rates, clock) = rates(&limits);
    // In the order of their numbers whole /24 come one after the other.
    for number in 0..3_000_000 {
        rates.decide(address(number), "GET", "/");
        if number % 100_000 == 0 {
            assert!(rates.remembered() <= 100_000);
            clock.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert_eq!(rates.remembered(), 100_000);
    assert_eq!(taken(&rates, Who::User("ada"), "GET", "/", 5_000), 1_000);
    assert_eq!(taken(&rates, address(0), "GET", "/", 5_000), 99, "who was known before still is");
    // One /24 that is new: its 256 addresses have together what one has.
    let newcomers = (0..256).map(|last| taken(&rates, address(0xC000_0200 + last), "GET", "/", 10)).sum::<usize>();
    assert!(newcomers <= 100, "{newcomers}");
    clock.fetch_add(60, Ordering::Relaxed);
    assert_eq!(taken(&rates, address(0xC000_0201), "GET", "/", 5_000), 100, "when the flood is over");
    for number in 0..10_000 {
        rates.decide(address(number), "GET", "/");
    }
    assert!(rates.remembered() < 20_000, "{}", rates.remembered());
}

#[test]
fn a_flood_of_ipv6_networks_shares_by_48() {
    let limits = Limits { max_keys: 1_000, ..Limits::default() };
    let (rates, _) = rates(&limits);
    let network = |number: u128| Who::Stranger(Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64).into());
    let all = (0..100_000).map(|number| taken(&rates, network(number), "GET", "/", 1)).sum::<usize>();
    // The thousand that are known, and a hundred for each of the two /48 that the others are in.
    assert!((1_100..=1_200).contains(&all), "{all}");
}

#[test]
fn many_at_once_get_exactly_what_there_is() {
    let limits = Limits { user_per_minute: 500, ..Limits::default() };
    let (rates, _) = rates(&limits);
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| taken(&rates, Who::User("ada"), "GET", "/", 1_000))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 500);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let (rates, clock) = rates(&Limits::default());
    for now in [0, UnixSeconds::MIN, -1, UnixSeconds::MAX, UnixSeconds::MAX - 1, START, UnixSeconds::MIN, START] {
        clock.store(now, Ordering::Relaxed);
        let decision = rates.decide(Who::User("ada"), "POST", "/api/jobs/submit");
        assert!(decision.wait().is_none_or(|seconds| (1..=300).contains(&seconds)));
    }
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let (rates, clock) = rates(&Limits::default());
    assert_eq!(taken(&rates, address(1), "GET", "/", 200), 100);
    clock.fetch_sub(3_600, Ordering::Relaxed);
    assert_eq!(taken(&rates, address(1), "GET", "/", 200), 100);
}

proptest! {
    /// Against a list of all that was taken: never more than the quota since a window began, whoever has waited as told
    /// is taken, and what is said to be left is what is taken.
    #[test]
    fn quotas_hold(
        requests in 1..6_u32,
        seconds in 1..40_u32,
        steps in prop::collection::vec((0..3_u32, prop_oneof![3 => Just(0), 1 => 0..50_i64]), 1..200),
    ) {
        let routes = BTreeMap::from([("POST /x".to_owned(), RouteLimit { requests, seconds })]);
        let (rates, clock) = rates(&Limits { routes, ..Limits::default() });
        let mut windows: BTreeMap<u32, (UnixSeconds, u32)> = BTreeMap::new();
        for (caller, pause) in steps {
            let now = clock.fetch_add(pause, Ordering::Relaxed) + pause;
            let (began, used) = windows.entry(caller).or_insert((now, 0));
            if now - *began >= i64::from(seconds) {
                (*began, *used) = (now, 0);
            }
            let decision = rates.decide(address(caller), "POST", "/x");
            let left = i64::from(seconds) - (now - *began);
            prop_assert_eq!(decision.wait().is_none(), *used < requests);
            *used += u32::from(decision.wait().is_none());
            let route = format!(r#""POST /x";r={};t={left}"#, requests - *used);
            prop_assert!(decision.limit_field().unwrap().ends_with(&route), "{:?} {}", decision, route);
            if let Some(wait) = decision.wait() {
                prop_assert_eq!(i64::try_from(wait).unwrap(), left);
            }
        }
    }
}
