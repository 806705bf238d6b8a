//! Backups are whole or refused, and a restore never leaves less than there was.
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::audit::{AuditEntry, AuditFilter, AuditGroup, By};
use super::super::beside;
use super::super::notifications::NotificationRecord;
use super::super::tests::private_folder;
use super::super::walk::PageRequest;
use super::*;

const NOW: UnixSeconds = 1_800_000_000;

fn purpose(reason: &str) -> Purpose<'_> {
    Purpose { reason, now: NOW, keep: 7 }
}

/// A folder with a store in it.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: private_folder() }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("slurmdash.redb")
    }

    fn backups(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    /// Opens the store for a moment and writes something down in it.
    fn write(&self, action: &'static str) {
        let store = Store::open(&self.store()).unwrap();
        let entry = AuditEntry::done(By::system(NOW), action, "x");
        store.write_blocking(move |tx| tx.audited(&entry, ())).unwrap();
    }

    /// What is written down in the store.
    fn actions(&self) -> Vec<String> {
        let store = Store::open(&self.store()).unwrap();
        let page = store.audit_page(&AuditFilter::default(), &PageRequest::first(100)).unwrap();
        page.items.into_iter().rev().map(|row| row.action).collect()
    }

    fn create(&self) -> Backup {
        create_closed(&self.store(), &self.backups(), &purpose(MANUAL)).unwrap()
    }

    fn restore(&self, source: &Path) -> Result<Restored, StoreError> {
        Restore::prepare(source, &self.store())?.run(&self.backups(), NOW, 7)
    }
}

fn notification(user: &str) -> NotificationRecord {
    NotificationRecord {
        seq: 0,
        user_id: user.into(),
        at: NOW,
        kind: "k".into(),
        title: "t".into(),
        message: "m".repeat(200),
        link: None,
        is_read: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_writers_has_all_that_was_acknowledged_before_it() {
    let place = Place::new();
    let store = Store::open(&place.store()).unwrap();
    let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, acknowledged, stop) = (store.clone(), acknowledged.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let seq = store.notify(notification(&format!("u{writer}"))).await.unwrap();
                    acknowledged.lock().unwrap().push(seq);
                }
            })
        })
        .collect();
    let (mut checked, mut before_last) = (0, 0);
    for round in 0..4_u64 {
        // So that there is something new each time.
        while acknowledged.lock().unwrap().len() < before_last + 200 {
            tokio::task::yield_now().await;
        }
        let before: Vec<u64> = acknowledged.lock().unwrap().clone();
        before_last = before.len();
        let (store, backups) = (store.clone(), place.backups());
        let made = tokio::task::spawn_blocking(move || store.backup(&backups, &purpose(SCHEDULED)).unwrap());
        let made = made.await.unwrap();
        assert_eq!(verify(&made.path).unwrap(), made.header, "round {round}: look-ups and counts agree");
        let other = Place::new();
        assert_eq!(other.restore(&made.path).unwrap().replaced, Replaced::Nothing);
        let restored = Store::open(&other.store()).unwrap();
        let walk = super::super::walk::Walk::<NotificationRecord>::table();
        let found = restored.read(|view| walk.page(view, &PageRequest::first(usize::MAX))).unwrap().items;
        let found: std::collections::HashSet<u64> = found.into_iter().map(|one| one.seq).collect();
        assert!(before.iter().all(|seq| found.contains(seq)), "round {round}");
        checked += before.len();
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(checked >= 800 && acknowledged.lock().unwrap().len() > before_last, "writers went on meanwhile");
}

#[test]
fn a_restored_store_can_be_exchanged_for_the_one_before_again() {
    let place = Place::new();
    place.write("first");
    let first = place.create();
    place.write("second");
    let Replaced::Backup(second) = place.restore(&first.path).unwrap().replaced else { panic!("it was whole") };
    assert_eq!(place.actions(), ["first", "store.restore"]);
    let Replaced::Backup(third) = place.restore(&second).unwrap().replaced else { panic!("it was whole") };
    assert_eq!(place.actions(), ["first", "second", "store.restore"]);
    place.restore(&third).unwrap();
    assert_eq!(place.actions(), ["first", "store.restore", "store.restore"]);
    for unfinished in [beside(&place.store(), ".new"), place.backups().join(UNFINISHED)] {
        assert!(!unfinished.exists(), "{}", unfinished.display());
    }
}

#[test]
fn a_store_in_use_is_not_replaced() {
    let place = Place::new();
    place.write("first");
    let made = place.create();
    let _open = Store::open(&place.store()).unwrap();
    assert!(matches!(place.restore(&made.path), Err(StoreError::InUse { .. })));
    assert!(matches!(create_closed(&place.store(), &place.backups(), &purpose(MANUAL)), Err(StoreError::InUse { .. })));
}

#[test]
fn a_damaged_store_is_kept_byte_for_byte_and_replaced() {
    let place = Place::new();
    place.write("first");
    let made = place.create();
    let good = std::fs::read(place.store()).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2..].fill(0x5A);
    for bytes in [&b""[..], b"garbage", &good[..good.len() / 2], &flipped] {
        std::fs::write(place.store(), bytes).unwrap();
        let replaced = place.restore(&made.path).unwrap().replaced;
        let Replaced::Damaged { path, .. } = replaced else { panic!("{replaced:?}") };
        assert!(std::fs::read(&path).unwrap() == bytes);
        assert_eq!(place.actions(), ["first", "store.restore"]);
    }
    std::fs::remove_file(place.store()).unwrap();
    assert_eq!(place.restore(&made.path).unwrap().replaced, Replaced::Nothing);
    assert_eq!(place.actions(), ["first", "store.restore"]);
}

#[test]
fn a_store_that_was_not_closed_is_backed_up_and_not_touched() {
    let place = Place::new();
    let live = Place::new();
    live.write("first");
    let open = Store::open(&live.store()).unwrap();
    let entry = AuditEntry::done(By::system(NOW), "second", "x");
    open.write_blocking(move |tx| tx.audited(&entry, ())).unwrap();
    // As a kill would leave it.
    std::fs::copy(live.store(), place.store()).unwrap();
    let before = std::fs::read(place.store()).unwrap();
    let made = place.create();
    assert!(std::fs::read(place.store()).unwrap() == before);
    assert_eq!(verify(&made.path).unwrap(), made.header);
    place.restore(&made.path).unwrap();
    assert_eq!(place.actions(), ["first", "second", "store.restore"]);
}

#[test]
fn an_older_store_is_backed_up_and_restored_as_it_is() {
    let place = Place::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1.redb");
    std::fs::copy(fixture, place.store()).unwrap();
    std::fs::set_permissions(place.store(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let made = copy_closed(&place.store(), &place.backups(), BEFORE_MIGRATE, 1, NOW, 7).unwrap();
    assert_eq!(made.file_name().unwrap(), "slurmdash-v1-20270115T080000Z.backup");
    let before = std::fs::read(place.store()).unwrap();
    std::fs::remove_file(place.store()).unwrap();
    place.write("new");
    let done = place.restore(&made).unwrap();
    assert_eq!(done.header.schema, 1);
    assert_eq!(engine::peek_schema(&place.store()).unwrap(), Some(1));
    assert!(matches!(Store::open(&place.store()), Err(StoreError::Older { found: 1, .. })));
    assert!(before.len() as u64 == done.header.size);
}

#[test]
fn a_newer_store_is_refused() {
    let place = Place::new();
    place.write("first");
    let newer = Place::new();
    engine::create(&newer.store(), |database| {
        let tx = database.begin_write()?;
        tx.open_table(super::super::META)?.insert(super::super::SCHEMA_KEY, 99_u32.to_le_bytes().as_slice())?;
        Ok(tx.commit()?)
    })
    .unwrap();
    let made = newer.create();
    let refused = place.restore(&made.path).unwrap_err().to_string();
    assert!(refused.contains("schema 99") && refused.contains("knows 5"), "{refused}");
    assert_eq!(place.actions(), ["first"]);
}

#[test]
fn old_backups_go_by_reason_and_count() {
    let place = Place::new();
    place.write("first");
    let make = |reason, now, keep| {
        create_closed(&place.store(), &place.backups(), &Purpose { reason, now, keep }).unwrap().path
    };
    let manual = make(MANUAL, NOW, 2);
    let scheduled: Vec<PathBuf> = (0..4).map(|day| make(SCHEDULED, NOW + 86_400 * day, 2)).collect();
    let same_second = [make(SCHEDULED, NOW + 86_400 * 9, 3), make(SCHEDULED, NOW + 86_400 * 9, 3)];
    let found: Vec<PathBuf> = list(&place.backups()).unwrap().into_iter().map(|one| one.path).collect();
    let [first, second] = same_second;
    assert_eq!(found, [second, first, scheduled[3].clone(), manual.clone()], "newest first");
    // A clock that was set back: the new one is the oldest, and stays.
    let early = make(SCHEDULED, NOW - 5, 1);
    assert!(early.exists() && manual.exists());
}

#[test]
fn what_is_no_backup_is_listed_as_broken_and_stays() {
    let place = Place::new();
    assert_eq!(list(&place.backups()).unwrap(), []);
    place.write("first");
    let made = place.create();
    let bytes = std::fs::read(&made.path).unwrap();
    let spaces = vec![b' '; 2 << 20];
    let broken = [("cut", &bytes[..bytes.len() - 1]), ("none", b"{}\n"), ("empty", b""), ("spaces", spaces.as_slice())];
    for (name, bytes) in broken {
        std::fs::write(place.backups().join(format!("{name}.backup")), bytes).unwrap();
    }
    std::fs::write(place.backups().join("notes.txt"), "mine").unwrap();
    place.create();
    let found = list(&place.backups()).unwrap();
    assert_eq!(
        found.iter().map(|one| one.header.is_ok()).collect::<Vec<_>>(),
        [true, true, false, false, false, false]
    );
    for one in found.iter().filter(|one| one.header.is_err()) {
        assert!(matches!(verify(&one.path), Err(StoreError::BadBackup { .. })));
        assert!(matches!(place.restore(&one.path), Err(StoreError::BadBackup { .. })));
    }
    assert_eq!(place.actions(), ["first"]);
}

#[test]
fn what_tail_leaves_is_the_store() {
    use redb::ReadableDatabase as _;
    let place = Place::new();
    place.write("first");
    let made = place.create();
    let bytes = std::fs::read(&made.path).unwrap();
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let header: serde_json::Value = serde_json::from_slice(&bytes[..end]).unwrap();
    assert_eq!(header["slurmdash_backup"], 1);
    assert_eq!(header["records"]["audit"], 1);
    let alone = place.dir.path().join("alone.redb");
    std::fs::write(&alone, &bytes[end + 1..]).unwrap();
    let database = redb::ReadOnlyDatabase::open(&alone).unwrap();
    assert_eq!(counts(&database.begin_read().unwrap()).unwrap(), made.header.records);
}

#[test]
fn a_table_of_somebody_else_is_named() {
    let place = Place::new();
    let store = Store::open(&place.store()).unwrap();
    {
        let database = store.shared.engine.database().unwrap();
        let transaction = database.begin_write().unwrap();
        let table = redb::TableDefinition::<u64, u64>::new("visitors");
        transaction.open_table(table).unwrap().insert(1, 2).unwrap();
        transaction.commit().unwrap();
    }
    let refused = store.backup(&place.backups(), &purpose(MANUAL)).unwrap_err().to_string();
    assert!(refused.contains("visitors"), "{refused}");
    assert!(store.compact().unwrap_err().to_string().contains("visitors"));
    assert_eq!(list(&place.backups()).unwrap(), []);
    assert_eq!(store.audit_count(&AuditGroup::All).unwrap(), 0);
}

/// One backup for all cases of the property below.
fn sample() -> &'static (Place, Vec<u8>) {
    static SAMPLE: std::sync::OnceLock<(Place, Vec<u8>)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let place = Place::new();
        place.write("first");
        let bytes = std::fs::read(place.create().path).unwrap();
        (place, bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_flipped_byte_anywhere_is_found_and_nothing_is_replaced(
        at in prop_oneof![
            (0..2000_usize).prop_map(|at| (0, at)),
            (0..LENGTH).prop_map(|at| (0, at)),
            (0..usize::MAX).prop_map(|at| (LENGTH, at)),
        ],
        flip in 1..=255_u8,
    ) {
        let (place, bytes) = sample();
        let at = at.0 + at.1 % (bytes.len() - at.0);
        let mut flipped = bytes.clone();
        flipped[at] ^= flip;
        let file = place.dir.path().join("flipped.backup");
        std::fs::write(&file, &flipped).unwrap();
        let before = std::fs::read(place.store()).unwrap();
        prop_assert!(matches!(verify(&file), Err(StoreError::BadBackup { .. })), "byte {}", at);
        prop_assert!(matches!(place.restore(&file), Err(StoreError::BadBackup { .. })), "byte {}", at);
        prop_assert!(std::fs::read(place.store()).unwrap() == before);
    }
}
