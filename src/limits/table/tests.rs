use super::*;

/// Matters until its time.
#[derive(Default)]
struct Until {
    time: UnixSeconds,
    seen: u32,
}

impl Entry for Until {
    fn is_idle(&self, now: UnixSeconds) -> bool {
        self.time <= now
    }
}

fn see(table: &Table<Until>, caller: u32, now: UnixSeconds) -> (Found, u32) {
    table.with(table.key(caller, caller / 256), now, |entry| {
        entry.time = now + 30;
        entry.seen += 1;
        entry.seen
    })
}

fn see_all(table: &Table<Until>, callers: std::ops::Range<u32>, now: UnixSeconds) {
    for caller in callers {
        see(table, caller, now);
    }
}

#[test]
fn who_is_known_stays_and_newcomers_share_when_it_is_full() {
    let table = Table::new(1_000);
    assert!((0..1_000).all(|caller| see(&table, caller, 100) == (Found::Own, 1)));
    assert_eq!(table.len(), 1_000);
    let shared: Vec<_> = (5_120..5_130).map(|caller| see(&table, caller, 101)).collect();
    assert!(shared.iter().zip(1..).all(|(seen, number)| *seen == (Found::Shared, number)), "{shared:?}");
    assert!((0..1_000).all(|caller| see(&table, caller, 101) == (Found::Own, 2)));
    assert_eq!(table.len(), 1_000);
}

#[test]
fn what_no_longer_matters_makes_room() {
    let table = Table::new(1_000);
    see_all(&table, 0..1_000, 100);
    see_all(&table, 0..10, 120);
    assert_eq!(see(&table, 5_000, 129).0, Found::Shared);
    assert_eq!(see(&table, 5_000, 130), (Found::Own, 1));
    assert_eq!(table.len(), 11);
    assert_eq!(see(&table, 0, 130), (Found::Own, 3));
}

#[test]
fn shards_that_nobody_comes_to_are_swept_by_newcomers_elsewhere() {
    let table = Table::new(100_000);
    see_all(&table, 0..100_000, 100);
    let full = table.shards.iter().map(|shard| lock(shard).entries.capacity()).sum::<usize>();
    // One and the same, who is new each time and so always in the same shard.
    for _ in 0..table.shards.len() {
        see(&table, 200_000, 1_000);
        table.forget(|entry| entry.time == 1_030);
    }
    assert_eq!(table.len(), 0);
    let swept = table.shards.iter().map(|shard| lock(shard).entries.capacity()).sum::<usize>();
    assert!(swept < full / 10, "{swept} of {full}");
}

#[test]
fn an_entry_is_found_again_where_it_was() {
    let table = Table::new(1);
    let (one, other) = (table.key(1, 1), table.key(2, 2));
    assert_eq!(see(&table, 1, 100).0, Found::Own);
    let (found, ()) = table.with(other, 100, |entry| entry.time = 130);
    assert_eq!(found, Found::Shared);
    assert_eq!(table.again(other, found, |entry| entry.time), Some(130));
    assert_eq!(table.again(other, Found::Own, |entry| entry.time), None);
    assert_eq!(table.forget(|entry| entry.seen == 1), 1);
    assert_eq!(table.again(one, Found::Own, |entry| entry.time), None);
    assert_eq!(table.len(), 0);
    assert_eq!(table.forget(|entry| entry.time == 130), 1, "the shared one");
}

#[test]
fn the_count_is_right_after_many_threads() {
    let table = Table::new(5_000);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let table = &table;
            scope.spawn(move || {
                for round in 0..20_000 {
                    see(table, (round * 7 + thread) % 10_000, 100 + i64::from(round) / 100);
                    assert!(table.len() <= 5_000);
                }
            });
        }
    });
    assert_eq!(table.len(), table.shards.iter().map(|shard| lock(shard).entries.len()).sum::<usize>());
}
