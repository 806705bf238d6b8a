use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::Familiarity::{Address, Device, Stranger};
use super::*;

const START: UnixSeconds = 1_700_000_000;

struct Door {
    logins: Logins,
    seconds: Arc<AtomicI64>,
}

impl Door {
    fn new() -> Self {
        Self::with(&Limits::default())
    }

    fn with(limits: &Limits) -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let clock = {
            let seconds = seconds.clone();
            Clock::from_fn(move || seconds.load(Ordering::Relaxed))
        };
        Self { logins: Logins::new(limits, clock), seconds }
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A wrong password: what it began, or the seconds to wait.
    fn wrong(&self, account: &str, address: u32, familiarity: Familiarity<'_>) -> Result<Failed, u64> {
        let attempt = self.logins.may_try(account, ip(address), familiarity);
        attempt.map(Attempt::failed).map_err(|wait| wait.seconds)
    }

    /// The right password: whether it was looked at.
    fn right(&self, account: &str, address: u32, familiarity: Familiarity<'_>) -> bool {
        self.logins.may_try(account, ip(address), familiarity).map(Attempt::succeeded).is_ok()
    }

    /// Five wrong passwords, of which the last must begin a pause.
    fn burst(&self, account: &str, address: u32, familiarity: Familiarity<'_>) -> Failed {
        for _ in 0..4 {
            assert_eq!(self.wrong(account, address, familiarity), Ok(Failed::default()));
        }
        self.wrong(account, address, familiarity).unwrap()
    }
}

fn ip(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

#[test]
fn five_failures_a_minute_and_then_a_pause() {
    let door = Door::new();
    let failed = door.burst("ada", 1, Stranger);
    assert_eq!(failed, Failed { address: Some(60), account: Some(60), familiar: None });
    let refused = door.logins.may_try("ada", ip(1), Stranger).err().unwrap();
    assert_eq!(refused, Wait { seconds: 60, stopped: Stopped::Address });
    let refused = door.logins.may_try("ada", ip(2), Stranger).err().unwrap();
    assert_eq!(refused, Wait { seconds: 60, stopped: Stopped::Account });
    assert_eq!(door.wrong("grace", 1, Stranger), Err(60), "the address is stopped everywhere");
    assert_eq!(door.wrong("grace", 2, Stranger), Ok(Failed::default()));
    door.pass(59);
    assert!(!door.right("ada", 1, Stranger), "not even the right one is looked at");
    assert_eq!(door.wrong("ada", 1, Stranger), Err(1));
    door.pass(1);
    assert!(door.right("ada", 1, Stranger));
}

#[test]
fn failures_are_counted_over_a_minute() {
    let door = Door::new();
    for _ in 0..50 {
        assert_eq!(door.wrong("ada", 1, Stranger), Ok(Failed::default()));
        door.pass(15);
    }
}

#[test]
fn the_pauses_of_an_address_double_up_to_a_limit_and_are_forgotten() {
    let door = Door::new();
    let mut pauses = Vec::new();
    for account in 0..7 {
        // At one account after the other, so that only the address is stopped.
        for number in 0..4 {
            door.wrong(&format!("{account}.{number}"), 1, Stranger).unwrap();
        }
        let pause = door.wrong(&format!("{account}"), 1, Stranger).unwrap().address.unwrap();
        assert_eq!(door.wrong("another", 1, Stranger), Err(pause));
        door.pass(i64::try_from(pause).unwrap());
        pauses.push(pause);
    }
    assert_eq!(pauses, [60, 120, 240, 480, 900, 900, 900]);
    door.pass(QUIET - 1);
    assert_eq!(door.burst("almost", 1, Stranger).address, Some(900));
    door.pass(900 + QUIET);
    assert_eq!(door.burst("forgotten", 1, Stranger).address, Some(60));
}

#[test]
fn strangers_stop_an_account_for_two_minutes_at_most() {
    let door = Door::new();
    let mut address = 0;
    for round in 0..100 {
        let mut pause = None;
        while pause.is_none() {
            address += 1;
            pause = door.wrong("ada", address, Stranger).unwrap().account;
        }
        assert_eq!(pause, Some(if round == 0 { 60 } else { 120 }));
        let waits = (0..1_000).map(|number| door.wrong("ada", 1_000_000 + number, Stranger).unwrap_err());
        assert!(waits.into_iter().all(|wait| Some(wait) == pause), "knocking makes it no longer");
        door.pass(i64::try_from(pause.unwrap()).unwrap());
    }
}

#[test]
fn familiar_origins_are_counted_apart() {
    let door = Door::new();
    // Strangers at full tilt, also from the owner's own address.
    for number in 0..10_000 {
        let _ = door.wrong("ada", number, Stranger);
    }
    assert!(!door.right("ada", 1, Stranger));
    assert!(door.right("ada", 1, Address));
    assert!(door.right("ada", 1, Device("token")));
    // Somebody with whom the owner shares an address does not stop the owner's browser, nor another address.
    assert_eq!(door.burst("ada", 1, Address), Failed { familiar: Some(60), ..Failed::default() });
    assert!(!door.right("ada", 1, Address));
    assert!(door.right("ada", 2, Address));
    assert!(door.right("ada", 1, Device("token")));
    // A stolen token gives five tries a minute, from however many addresses.
    for address in 0..5 {
        door.wrong("ada", address, Device("token")).unwrap();
    }
    assert_eq!(door.wrong("ada", 6, Device("token")), Err(60));
    assert!(door.right("ada", 6, Device("another")));
    assert_eq!(door.wrong("grace", 6, Stranger), Ok(Failed::default()), "the addresses were not stopped by it");
}

#[test]
fn success_forgives_the_familiar_and_not_strangers() {
    let door = Door::new();
    for _ in 0..20 {
        for _ in 0..4 {
            assert_eq!(door.wrong("ada", 1, Device("token")), Ok(Failed::default()));
        }
        assert!(door.right("ada", 1, Device("token")));
    }
    for _ in 0..4 {
        door.wrong("victim", 2, Stranger).unwrap();
    }
    assert!(door.right("own", 2, Stranger));
    assert_eq!(door.wrong("victim", 2, Stranger).unwrap().address, Some(60));
}

/// Strangers try every second from so many addresses, always before the owner, who is nowhere familiar and comes back
/// when told to: after how many seconds the owner's password is looked at.
fn until_the_owner_gets_a_turn(guessers: u32) -> i64 {
    let door = Door::new();
    let mut come_back = 10;
    for second in 0..3_600 {
        for address in 0..guessers {
            for _ in 0..3 {
                let _ = door.wrong("ada", address, Stranger);
            }
        }
        if second >= come_back {
            match door.logins.may_try("ada", ip(1_000_000), Stranger) {
                Ok(attempt) => {
                    attempt.succeeded();
                    return second;
                }
                Err(wait) => {
                    assert_eq!(wait.stopped, Stopped::Account);
                    assert!(wait.seconds <= 120);
                    come_back = second + i64::try_from(wait.seconds).unwrap();
                }
            }
        }
        door.pass(1);
    }
    3_600
}

#[test]
fn an_owner_from_a_new_place_gets_a_turn_though_the_guessers_are_quicker() {
    assert!(until_the_owner_gets_a_turn(1) <= 180);
    assert!(until_the_owner_gets_a_turn(2) <= 300);
    assert!(until_the_owner_gets_a_turn(10) <= 600);
    assert!(until_the_owner_gets_a_turn(30) <= 1_000);
}

#[test]
fn a_thousand_at_once_are_five() {
    let door = Door::new();
    let begun: Vec<_> = (0..1_000).filter_map(|_| door.logins.may_try("ada", ip(1), Stranger).ok()).collect();
    assert_eq!(begun.len(), 5);
    assert_eq!(door.wrong("ada", 1, Stranger), Err(1));
    assert_eq!(door.wrong("ada", 2, Stranger), Err(1));
    begun.into_iter().for_each(Attempt::untried);
    assert!(door.right("ada", 1, Stranger), "nothing was tried");
    let begun: usize = std::thread::scope(|scope| {
        let door = &door;
        let knock = move |thread: u32| {
            let try_it = |number| door.logins.may_try("ada", ip(thread * 1_000 + number), Stranger).ok();
            (0..1_000_u32).filter_map(try_it).map(std::mem::forget).count()
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || knock(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(begun, 5);
}

#[test]
fn going_away_in_the_middle_is_a_failure() {
    let door = Door::new();
    for _ in 0..5 {
        drop(door.logins.may_try("ada", ip(1), Stranger).unwrap());
    }
    assert_eq!(door.wrong("ada", 1, Stranger), Err(60));
}

#[test]
fn names_of_any_kind_are_counted() {
    let door = Door::new();
    for (name, same) in [
        ("ada", "ADA"),
        ("straße\0/\n", "STRAßE\0/\n"),
        ("", ""),
        ("а", "А"), // Cyrillic
        (&"x".repeat(10_000), &"X".repeat(9_999)),
    ] {
        door.seconds.fetch_add(10_000, Ordering::Relaxed);
        assert!(door.burst(name, 1, Stranger).account.is_some());
        assert_eq!(door.wrong(same, 2, Stranger), Err(60), "{name:?}");
        assert_eq!(door.wrong("a", 2, Stranger), Ok(Failed::default()), "{name:?}");
    }
}

#[test]
fn a_hundred_thousand_tries_from_many_addresses_at_many_names_are_bounded() {
    let door = Door::with(&Limits { max_keys: 40_000, ..Limits::default() });
    for number in 0..100_000 {
        let _ = door.wrong(&format!("user{number}"), number * 7, Stranger);
        assert!(door.logins.remembered() <= 10_000);
    }
    for number in 0..1_000 {
        let name = format!("user{number}");
        assert!(
            door.right(&name, number, Address) && door.right(&name, number, Device("token")),
            "whoever is familiar"
        );
        let wait = door.logins.may_try(&name, ip(0xC000_0000 + number * 256), Stranger).err();
        let at_account = wait.filter(|wait| wait.stopped == Stopped::Account);
        assert!(at_account.is_none_or(|wait| wait.seconds <= 120), "{at_account:?}");
    }
    door.pass(2 * QUIET);
    for number in 0..1_000 {
        let name = format!("user{number}");
        assert_eq!(door.wrong(&name, 0xC000_0000 + number, Stranger), Ok(Failed::default()), "when it is over");
    }
}

#[test]
fn a_crowd_that_shares_entries_leaves_nothing_behind() {
    let door = Door::with(&Limits { max_keys: 8, ..Limits::default() });
    let known = door.logins.may_try("known", ip(1), Stranger).unwrap();
    for number in 0..1_000 {
        if let Ok(attempt) = door.logins.may_try(&format!("{number}"), ip(number), Stranger) {
            attempt.untried();
        }
    }
    known.untried();
    assert!(door.right("ada", 77, Stranger), "no try is under way any more");
}

#[test]
fn an_admin_unlocks_an_account_and_not_an_address() {
    let door = Door::new();
    let mut address = 0;
    for _ in 0..3 {
        while door.wrong("ada", address, Stranger).is_ok() {
            address += 1;
        }
        door.pass(120);
    }
    door.wrong("ada", 1_000, Stranger).unwrap();
    assert_eq!(door.wrong("ada", 1_000, Stranger), Err(900), "it is under siege");
    door.burst("ada", 5, Device("token"));
    door.burst("grace", 6, Stranger);
    assert!(door.logins.unlock("Ada"));
    assert!(!door.logins.unlock("ada"));
    assert!(door.right("ada", 1_000, Stranger));
    assert!(door.right("ada", 5, Device("token")));
    assert_eq!(door.burst("ada", 2_000, Stranger).account, Some(60), "as if nothing had been");
    assert!(!door.right("grace", 7, Stranger));
    assert!(!door.right("ada", 6, Stranger), "its address");
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let door = Door::new();
    for now in [0, UnixSeconds::MIN, -1, UnixSeconds::MAX, UnixSeconds::MAX - 1, START, UnixSeconds::MIN, START] {
        door.seconds.store(now, Ordering::Relaxed);
        for number in 0..20 {
            let _ = door.wrong("ada", number % 3, Stranger);
            let _ = door.wrong("ada", number % 3, Device("token"));
        }
    }
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let door = Door::new();
    door.burst("ada", 1, Stranger);
    door.pass(-3_600);
    assert!(door.right("ada", 1, Stranger));
}

proptest! {
    /// Whatever strangers do, no minute has more than five failures of an address or at an account, and who waits as
    /// told, alone, is let in.
    #[test]
    fn no_minute_has_more_than_five_failures(
        steps in prop::collection::vec((0..4_u32, 0..4_u32, 0..3_i64, any::<bool>()), 1..300),
    ) {
        let door = Door::new();
        let mut failures: Vec<(UnixSeconds, u32, u32)> = Vec::new();
        for (account, address, pause, is_failing) in steps {
            door.pass(pause * 7);
            let now = door.seconds.load(Ordering::Relaxed);
            match door.logins.may_try(&account.to_string(), ip(address), Stranger) {
                Ok(attempt) if is_failing => {
                    attempt.failed();
                    failures.push((now, account, address));
                }
                Ok(attempt) => attempt.untried(),
                Err(wait) => prop_assert!((1..=900).contains(&wait.seconds)),
            }
            let recent: Vec<_> = failures.iter().filter(|(at, ..)| now - at < 60).collect();
            for number in 0..4 {
                prop_assert!(recent.iter().filter(|failure| failure.1 == number).count() <= 5);
                prop_assert!(recent.iter().filter(|failure| failure.2 == number).count() <= 5);
            }
        }
        let mut waits = 0;
        while let Err(wait) = door.logins.may_try("0", ip(0), Stranger).map(Attempt::untried) {
            door.pass(i64::try_from(wait.seconds).unwrap());
            waits += 1;
            prop_assert!(waits <= 3);
        }
    }
}
