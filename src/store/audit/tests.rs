//! Whatever is done to the log behind the program's back is found.
use proptest::prelude::*;
use redb::{ReadableTable as _, WriteTransaction};
use tempfile::TempDir;

use super::chain::{ANCHOR, End, HEAD, Noted, hash};
use super::verify::{ChainReport, verify_file};
use super::*;
use crate::store::engine;
use crate::store::retention::{self, Limits};
use crate::store::tests::private_folder;
use crate::store::walk::{NUMBERS, PageRequest, Source as _, Walk, definition};
use crate::store::{META, StoreError};

const NOW: UnixSeconds = 1_800_000_000;
const DAY: i64 = 86_400;
const LIMITS: Limits = Limits { audit: 10, security_events: 0, notifications: 0, uploads: 0, history: 0 };

/// A log of `times.len()` rows, in a closed file.
struct Log {
    dir: TempDir,
    /// Keys and stored bytes, in the order of writing.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Log {
    fn of(times: &[UnixSeconds]) -> Self {
        let mut log = Self { dir: private_folder(), rows: Vec::new() };
        let store = log.store();
        for (number, at) in times.iter().enumerate() {
            let by = By { username: Some("ada".into()), address: Some([10, 0, 0, 1].into()), ..By::system(*at) };
            let entry = AuditEntry::done(by, "test.row", number.to_string());
            store.write_blocking(move |tx| tx.audited(&entry, ())).unwrap();
        }
        log.rows = rows(&store);
        log
    }

    /// With rows whose times go back and forth.
    fn some() -> Self {
        Self::of(&[100, 105, 90, 90, -7, 200])
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("s.redb")
    }

    fn store(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&WriteTransaction) -> T) -> T {
        let database = engine::open_database(&self.path()).unwrap();
        let transaction = database.begin_write().unwrap();
        let done = change(&transaction);
        transaction.commit().unwrap();
        database.close().unwrap();
        done
    }

    /// Puts bytes under a key of a table, or removes what is there.
    fn set(&self, table: &str, key: &[u8], value: Option<&[u8]>) {
        self.change(|transaction| {
            let mut table = transaction.open_table(definition(table)).unwrap();
            match value {
                Some(value) => drop(table.insert(key, value).unwrap()),
                None => drop(table.remove(key).unwrap()),
            }
        });
    }

    fn set_end(&self, name: &str, end: Option<&End>) {
        self.change(|transaction| {
            let mut meta = transaction.open_table(META).unwrap();
            match end {
                Some(end) => drop(meta.insert(name, end.encode().unwrap().as_slice()).unwrap()),
                None => drop(meta.remove(name).unwrap()),
            }
        });
    }

    fn end(&self, name: &str) -> End {
        self.change(|transaction| {
            End::decode(transaction.open_table(META).unwrap().get(name).unwrap().unwrap().value()).unwrap()
        })
    }

    fn verify(&self) -> ChainReport {
        verify_file(&self.path(), None).unwrap()
    }

    /// Numbers and words of the faults.
    fn faults(&self) -> Vec<(u64, String)> {
        let report = self.verify();
        assert_eq!(report.intact, report.faults.is_empty());
        assert_eq!(report.fault_count, report.faults.len() as u64);
        report.faults.into_iter().map(|fault| (fault.seq, fault.what)).collect()
    }

    fn is_found(&self, seq: u64, words: &str) {
        let faults = self.faults();
        assert!(faults.iter().any(|(at, what)| *at == seq && what.contains(words)), "{seq} {words}: {faults:?}");
    }
}

/// Keys and stored bytes of all rows, in the order of writing.
fn rows(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    store
        .read(|view| {
            let keys = Walk::group(&BY_SEQ, Key::new()).ascending().keys(view, usize::MAX)?;
            let table = view.table(AuditRecord::TABLE)?;
            Ok(keys
                .iter()
                .map(|key| (key.bytes().to_vec(), table.get(key.bytes()).unwrap().unwrap().value().to_vec()))
                .collect())
        })
        .unwrap()
}

fn order_key(row: &[u8]) -> Vec<u8> {
    [&row[8..], row].concat()
}

#[test]
fn a_log_as_it_was_written_is_intact() {
    let log = Log::some();
    let report = log.verify();
    let last = hash(&log.rows[5].1);
    let expected = ChainReport {
        intact: true,
        rows: 6,
        first_seq: Some(1),
        last_seq: Some(6),
        head: Some(last.clone()),
        faults: Vec::new(),
        fault_count: 0,
    };
    assert_eq!(report, expected);
    assert_eq!(log.store().verify_audit().unwrap(), expected, "while it is open");
    for (pair, seq) in log.rows.windows(2).zip(2_u64..) {
        let row = AuditRecord::decode(&pair[1].1).unwrap();
        assert_eq!((row.seq, row.prev), (seq, Some(hash(&pair[0].1))));
    }
    let empty = Log::of(&[]);
    assert_eq!(empty.verify(), ChainReport { intact: true, ..ChainReport::default() });
}

#[test]
fn verifying_a_closed_file_changes_not_a_byte_of_it() {
    let log = Log::some();
    let before = std::fs::read(log.path()).unwrap();
    assert!(log.verify().intact);
    assert!(std::fs::read(log.path()).unwrap() == before);
    let store = log.store();
    assert!(matches!(verify_file(&log.path(), None), Err(StoreError::InUse { .. })));
    drop(store);
    std::fs::write(log.path(), "no store").unwrap();
    assert!(matches!(verify_file(&log.path(), None), Err(StoreError::Damaged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_single_changed_byte_is_found(
        (row, at, byte) in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8),
        place in 0..5_u8,
    ) {
        thread_local!(static LOG: Log = Log::some());
        LOG.with(|log| {
            let (key, value) = row.get(&log.rows);
            let flip = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
                bytes
            };
            let order = order_key(key);
            // In a row's bytes, its key, and both sides of the order of writing.
            let (table, old, new_key, new_value) = match place {
                0 | 1 => (AuditRecord::TABLE, key, key.clone(), flip(value)),
                2 => (AuditRecord::TABLE, key, flip(key), value.clone()),
                3 => (BY_SEQ.table, &order, order.clone(), flip(key)),
                _ => (BY_SEQ.table, &order, flip(&order), key.clone()),
            };
            let before = if table == BY_SEQ.table { key } else { value };
            log.set(table, old, None);
            log.set(table, &new_key, Some(&new_value));
            let report = log.verify();
            log.set(table, &new_key, None);
            log.set(table, old, Some(before));
            prop_assert!(!report.intact, "{place} {report:?}");
            prop_assert!(report.faults.iter().all(|fault| !fault.what.is_empty()));
            prop_assert!(log.verify().intact, "put back");
            Ok(())
        })?;
    }

    #[test]
    fn a_single_changed_byte_of_an_end_is_found(at in any::<prop::sample::Index>(), byte in 1..=255_u8, is_head: bool) {
        thread_local!(static LOG: Log = Log::some());
        LOG.with(|log| {
            let name = if is_head { HEAD } else { ANCHOR };
            let good = log.end(name).encode().unwrap();
            let put = |bytes: &[u8]| log.change(|transaction| {
                transaction.open_table(META).unwrap().insert(name, bytes).unwrap();
            });
            let mut bad = good.clone();
            bad[at.index(good.len())] ^= byte;
            put(&bad);
            let report = log.verify();
            put(&good);
            prop_assert!(!report.intact, "{}", String::from_utf8_lossy(&bad));
            prop_assert!(log.verify().intact, "put back");
            Ok(())
        })?;
    }

    #[test]
    fn rows_removed_or_exchanged_are_found(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        with_order: bool,
    ) {
        let log = Log::some();
        let ((one, one_value), (other, other_value)) = (one.get(&log.rows).clone(), other.get(&log.rows).clone());
        if one == other {
            log.set(AuditRecord::TABLE, &one, None);
            if with_order {
                log.set(BY_SEQ.table, &order_key(&one), None);
            }
        } else {
            log.set(AuditRecord::TABLE, &one, Some(&other_value));
            log.set(AuditRecord::TABLE, &other, Some(&one_value));
        }
        prop_assert!(!log.verify().intact);
    }
}

#[test]
fn a_changed_row_is_named() {
    let log = Log::some();
    let (key, value) = &log.rows[2];
    let text = String::from_utf8(value.clone()).unwrap();
    // JSON that still parses, and says something else; or the same in other bytes.
    for (from, to) in [("\"ada\"", "\"eve\""), ("test.row", "test.raw"), ("{\"seq\"", "{ \"seq\"")] {
        assert!(text.contains(from), "{text}");
        log.set(AuditRecord::TABLE, key, Some(text.replacen(from, to, 1).as_bytes()));
        let report = log.verify();
        assert_eq!((report.rows, report.fault_count), (6, 1));
        assert_eq!((report.faults[0].seq, report.faults[0].at), (3, Some(90)));
    }
    log.set(AuditRecord::TABLE, key, Some(b"\x01{"));
    log.is_found(3, "the row was changed");
    log.set(AuditRecord::TABLE, key, Some(&[&[2], &value[1..]].concat()));
    log.is_found(3, "unknown version 2");
    log.set(AuditRecord::TABLE, key, Some(b""));
    log.is_found(3, "empty");
    let (last, value) = &log.rows[5];
    log.set(AuditRecord::TABLE, key, Some(&log.rows[2].1));
    log.set(
        AuditRecord::TABLE,
        last,
        Some(&String::from_utf8(value.clone()).unwrap().replace("ada", "eve").into_bytes()),
    );
    assert_eq!(log.faults(), [(6, "the last row is not as it was written".to_owned())]);
}

#[test]
fn a_row_with_a_new_hash_in_the_next_one_is_found_one_further() {
    let log = Log::some();
    let changed = String::from_utf8(log.rows[1].1.clone()).unwrap().replace("ada", "eve").into_bytes();
    log.set(AuditRecord::TABLE, &log.rows[1].0, Some(&changed));
    let next = AuditRecord::decode(&log.rows[2].1).unwrap();
    let next = AuditRecord { prev: Some(hash(&changed)), ..next }.encode().unwrap();
    log.set(AuditRecord::TABLE, &log.rows[2].0, Some(&next));
    let faults = log.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].0, 3, "its hash has changed with it");
}

#[test]
fn a_whole_new_chain_is_found_by_a_hash_that_was_noted() {
    let log = Log::some();
    let noted = Noted { seq: 4, hash: hash(&log.rows[3].1) };
    let store = log.store();
    assert!(store.verify_audit_against(Some(&noted)).unwrap().intact);
    drop(store);
    let mut prev = Some(hash(&log.rows[0].1));
    for (key, value) in &log.rows[1..] {
        let row = AuditRecord::decode(value).unwrap();
        let forged = AuditRecord { username: Some("eve".into()), prev, ..row }.encode().unwrap();
        log.set(AuditRecord::TABLE, key, Some(&forged));
        prev = Some(hash(&forged));
    }
    log.set_end(HEAD, Some(&End { seq: 6, hash: prev }));
    assert!(log.verify().intact, "nothing in the file tells");
    let report = verify_file(&log.path(), Some(&noted)).unwrap();
    assert!(!report.intact && report.faults[0].seq == 4, "{report:?}");
    let unknown = Noted { seq: 99, hash: noted.hash };
    let report = verify_file(&log.path(), Some(&unknown)).unwrap();
    assert!(report.faults[0].what.contains("the log begins with 1"), "{report:?}");
}

#[test]
fn what_was_cut_off_is_missed() {
    let without = |range: std::ops::Range<usize>| {
        let log = Log::some();
        for (key, _) in &log.rows[range] {
            log.set(AuditRecord::TABLE, key, None);
            log.set(BY_SEQ.table, &order_key(key), None);
        }
        log
    };
    without(0..2).is_found(3, "its first row was 1");
    without(5..6).is_found(6, "6 was the last one");
    without(3..6).is_found(4, "6 was the last one");
    without(2..4).is_found(3, "rows are missing between 2 and 5");
    without(0..6).is_found(6, "all rows up to 6 are missing");
    // With the ends moved, but without the hashes that only rows have.
    let log = without(0..2);
    log.set_end(ANCHOR, Some(&End { seq: 3, hash: Some("0".repeat(64)) }));
    log.is_found(3, "not the row that the log began with");
    let log = without(0..6);
    log.set_end(HEAD, None);
    log.is_found(1, "all rows are missing");
}

#[test]
fn ends_that_are_gone_or_moved_are_found() {
    let log = Log::some();
    let (head, anchor) = (log.end(HEAD), log.end(ANCHOR));
    log.set_end(HEAD, None);
    log.is_found(6, "where the log ends is not written down");
    log.set_end(HEAD, Some(&End { seq: 5, ..head.clone() }));
    log.is_found(6, "it was put in");
    log.set_end(HEAD, Some(&head));
    log.set_end(ANCHOR, None);
    log.is_found(1, "where the log begins is not written down");
    log.set_end(ANCHOR, Some(&End { seq: 2, ..anchor.clone() }));
    log.is_found(1, "its first row was 2");
    log.set_end(ANCHOR, Some(&anchor));
    log.set(NUMBERS, b"audit", Some(&5_u64.to_le_bytes()));
    log.is_found(6, "set back");
    log.set(NUMBERS, b"audit", Some(b"x"));
    log.is_found(0, "not eight bytes");
    log.set(NUMBERS, b"audit", Some(&6_u64.to_le_bytes()));
    assert!(log.verify().intact);
}

#[test]
fn rows_that_were_put_in_are_found() {
    let log = Log::some();
    let forged = AuditRecord { seq: 7, at: 300, ..AuditRecord::decode(&log.rows[5].1).unwrap() };
    let (key, value) = (forged.key(), forged.encode().unwrap());
    log.set(AuditRecord::TABLE, key.bytes(), Some(&value));
    log.is_found(7, "not in the order of writing");
    log.set(BY_SEQ.table, &order_key(key.bytes()), Some(key.bytes()));
    log.is_found(7, "the last row that was written is 6");
    log.set(AuditRecord::TABLE, key.bytes(), None);
    log.is_found(7, "the row is missing");
    log.set(BY_SEQ.table, &order_key(key.bytes()), None);
    log.set(AuditRecord::TABLE, b"short", Some(&value));
    log.is_found(0, "a key that is none");
}

#[test]
fn a_table_that_is_gone_is_a_fault() {
    for name in [AuditRecord::TABLE, BY_SEQ.table] {
        let log = Log::some();
        log.change(|transaction| transaction.delete_table(definition(name)).unwrap());
        log.is_found(0, name);
    }
}

#[test]
fn only_so_many_faults_are_named() {
    let log = Log::of(&[5; 150]);
    log.change(|transaction| {
        let mut table = transaction.open_table(definition(AuditRecord::TABLE)).unwrap();
        for (key, _) in &log.rows {
            table.insert(key.as_slice(), &b"\x01x"[..]).unwrap();
        }
    });
    let report = log.verify();
    assert_eq!((report.rows, report.faults.len()), (150, super::verify::MAX_NAMED));
    assert!(report.fault_count >= 150 && !report.intact);
}

#[tokio::test]
async fn retention_cuts_only_the_beginning_and_the_chain_stays_whole() {
    let old = NOW - 20 * DAY;
    // One of the future, while the clock was wrong; one of now among old ones; an old one that came later.
    let log = Log::of(&[old, NOW + 400 * DAY, old + 5, NOW - DAY, old + 6, NOW]);
    let noted = Noted { seq: 3, hash: hash(&log.rows[2].1) };
    let store = log.store();
    assert_eq!(retention::run(&store, &LIMITS, NOW).await.unwrap().audit, 3);
    let seqs: Vec<u64> = rows(&store).iter().map(|(key, _)| place(key).unwrap().1).collect();
    assert_eq!(seqs, [4, 5, 6, 7], "the seventh tells of it");
    let report = store.verify_audit_against(Some(&noted)).unwrap();
    assert!(report.intact, "the last one that was removed is still proven: {report:?}");
    assert_eq!((report.first_seq, report.last_seq), (Some(4), Some(7)));
    let gone = Noted { seq: 2, hash: hash(&log.rows[1].1) };
    assert!(!store.verify_audit_against(Some(&gone)).unwrap().intact);

    // All of them, and then new ones.
    let last = rows(&store).pop().unwrap().1;
    assert_eq!(retention::run(&store, &LIMITS, NOW + 11 * DAY).await.unwrap().audit, 4);
    let report = store.verify_audit().unwrap();
    assert!(report.intact && report.rows == 1, "{report:?}");
    assert_eq!(AuditRecord::decode(&rows(&store)[0].1).unwrap().prev, Some(hash(&last)));
}

#[tokio::test]
async fn a_log_that_is_empty_for_a_moment_is_still_a_chain() {
    let log = Log::of(&[1, 2]);
    let store = log.store();
    assert_eq!(store.forget_audit(2, 100).await.unwrap(), 2);
    let report = store.verify_audit().unwrap();
    assert!(report.intact, "{report:?}");
    assert_eq!((report.rows, report.head), (0, Some(hash(&log.rows[1].1))));
    drop(store);
    log.set_end(HEAD, Some(&End { seq: 2, hash: Some("0".repeat(64)) }));
    log.is_found(2, "all rows up to 2 are missing");
}

#[tokio::test]
async fn a_row_that_was_changed_is_not_made_good_by_removing_it() {
    let log = Log::of(&[1, 2, NOW]);
    let changed = String::from_utf8(log.rows[1].1.clone()).unwrap().replace("ada", "eve").into_bytes();
    log.set(AuditRecord::TABLE, &log.rows[1].0, Some(&changed));
    let store = log.store();
    assert_eq!(retention::run(&store, &LIMITS, NOW).await.unwrap().audit, 2);
    drop(store);
    log.is_found(3, "not the row that the log began with");
}

#[tokio::test]
async fn thousands_are_removed_in_small_steps() {
    let mut times = vec![5; 1234];
    times.push(NOW);
    let log = Log::of(&[]);
    let store = log.store();
    store
        .write_blocking(move |tx| {
            times.iter().try_for_each(|at| tx.append_audit(&AuditEntry::done(By::system(*at), "test.row", "x")))?;
            Ok(tx.housekeeping(()))
        })
        .unwrap();
    assert_eq!(retention::run(&store, &LIMITS, NOW).await.unwrap().audit, 1234);
    let report = store.verify_audit().unwrap();
    assert!(report.intact && report.rows == 2, "{report:?}");
}

#[test]
fn a_million_rows_need_no_memory_and_searches_no_patience() {
    // Fewer here; `cargo xtask bench store` has a million.
    let log = Log::of(&[]);
    let store = log.store();
    for begin in (0..30_000_i64).step_by(10_000) {
        store
            .write_blocking(move |tx| {
                (begin..begin + 10_000).try_for_each(|at| {
                    let by = By { username: Some("ada".into()), ..By::system(at) };
                    tx.append_audit(&AuditEntry::done(by, if at == 0 { "rare.one" } else { "test.row" }, "x"))
                })?;
                Ok(tx.housekeeping(()))
            })
            .unwrap();
    }
    assert!(store.verify_audit().unwrap().intact);
    // The only one is the last that is looked at: each call looks at so many and goes on.
    let filter = AuditFilter { action: Some("rare.".into()), ..AuditFilter::default() };
    let (mut calls, mut request) = (1, PageRequest::first(10));
    let found = loop {
        let page = store.audit_page(&filter, &request).unwrap();
        match page.next {
            Some(next) => request.after = Some(next),
            None => break page.items,
        }
        calls += 1;
        assert!(page.items.is_empty());
    };
    assert_eq!((found.len(), found[0].seq, calls), (1, 1, 6));
    assert_eq!(store.audit_export(filter).flat_map(Result::unwrap).count(), 1);
    let rare = AuditFilter { address: Some("::1".into()), ..AuditFilter::action("test.row") };
    let page = store.audit_page(&rare, &PageRequest::first(10)).unwrap();
    assert!(page.items.is_empty() && page.next.is_none(), "the narrowest look-up says at once that there is none");
}

#[test]
fn somebody_is_known_by_id_or_name_or_what_is_left_of_them() {
    let log = Log::of(&[]);
    let store = log.store();
    let user = serde_json::json!({"id": "u1", "username": "ada", "password_hash": "", "permissions": [],
                                  "created_at": 1, "is_active": true});
    let user = serde_json::from_value(user).unwrap();
    let by =
        |id: Option<&str>, name: &str| By { user_id: id.map(Into::into), username: Some(name.into()), ..By::system(1) };
    assert!(store.add_user_blocking(user, AuditEntry::done(by(Some("gone"), "bob"), "user.create", "ada")).unwrap());
    let whose = |text: &str| store.whose(text).unwrap();
    assert_eq!((whose("u1"), whose("ada")), (Whose::Id("u1".into()), Whose::Id("u1".into())));
    assert_eq!((whose("gone"), whose("bob")), (Whose::Id("gone".into()), Whose::Name("bob".into())));
    let filter = AuditFilter { user: Some(whose("bob")), ..AuditFilter::default() };
    assert_eq!(store.audit_page(&filter, &PageRequest::first(9)).unwrap().items.len(), 1);
}

#[test]
fn a_noted_hash_is_a_number_and_64_digits() {
    let hash = "0123456789abcdef".repeat(4);
    let noted: Noted = format!("17:{}", hash.to_uppercase()).parse().unwrap();
    assert_eq!(noted, Noted { seq: 17, hash: hash.clone() });
    assert_eq!(noted.to_string().parse(), Ok(noted));
    for bad in ["", "17", ":", &format!("{hash}:17"), "17:abc", &format!("-1:{hash}"), &format!("17:{hash}0")] {
        assert!(bad.parse::<Noted>().is_err(), "{bad}");
    }
}
