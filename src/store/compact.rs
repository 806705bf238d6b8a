//! Making the file small again after much was removed: redb gives free pages to new rows, never back to the disk.
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::channel;

use redb::{Database, ReadableDatabase as _};

use super::copy::{copy_into, counts, estimate};
use super::engine::{self, Engine, Lock};
use super::writer::Task;
use super::{SCHEMA_VERSION, Store, StoreError, beside};

/// A file that takes no more than this is left alone unless somebody asks, bytes.
const WORTH_IT: u64 = 64 << 20;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// What the file took on the disk before, bytes.
    pub before: u64,
    /// What it takes after, bytes.
    pub after: u64,
}

impl Store {
    /// Whether the file takes much room and less than half of that is in use. Reads all that is in use, beside readers
    /// and writers; takes time.
    pub fn is_compaction_worth_it(&self) -> Result<bool, StoreError> {
        let room = room_of(self.shared.engine.path())?;
        Ok(room > WORTH_IT && self.read(|view| estimate(&view.0))? < room / 2)
    }

    /// Puts a copy without free pages in the file's place. Writers wait for it; readers go on. Takes time.
    pub fn compact(&self) -> Result<Compacted, StoreError> {
        let (answer, outcome) = channel();
        self.ask(Task::Alone(Box::new(move |engine| {
            let done = catch_unwind(AssertUnwindSafe(|| compact(engine)));
            // Whoever asked may have gone; it was done all the same.
            let _ = answer.send(done.unwrap_or(Err(StoreError::Panicked)));
        })))?;
        outcome.recv().map_err(|_| StoreError::Closed)?
    }
}

/// [`Store::compact`] for a file that no server has open.
pub fn compact_closed(path: &Path) -> Result<Compacted, StoreError> {
    let engine = Engine::open(path, Lock::take(path)?)?;
    match engine::schema_of(&*engine.database()?)? {
        found if found > SCHEMA_VERSION => Err(StoreError::Newer { found, known: SCHEMA_VERSION }),
        found if found < SCHEMA_VERSION => Err(StoreError::Older { found, known: SCHEMA_VERSION }),
        _ => compact(&engine),
    }
}

fn compact(engine: &Engine) -> Result<Compacted, StoreError> {
    let path = engine.path();
    let before = room_of(path)?;
    let new = beside(path, ".compact");
    let copy = put_copy(&*engine.database()?, &new, path).inspect_err(|_| {
        // It never was the store. A next attempt removes what is left of it.
        let _ = remove_if_there(&new);
    })?;
    // Under its name it is the store, whatever comes now: what is written must go there.
    engine.replace(copy);
    engine::sync_folder(path).map_err(|source| StoreError::open(path, source))?;
    Ok(Compacted { before, after: room_of(path)? })
}

/// Copies `old` to the file `new` and gives that the store's name.
fn put_copy(old: &Database, new: &Path, path: &Path) -> Result<Database, StoreError> {
    let open = |source| StoreError::open(new, source);
    remove_if_there(new).map_err(open)?;
    let view = old.begin_read()?;
    engine::check_room(path, estimate(&view)?)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(new).map_err(open)?;
    let copy = engine::builder().create(new)?;
    copy_into(&view, &copy)?;
    if counts(&view)? != counts(&copy.begin_read()?)? {
        return Err(StoreError::corrupt("the copy", "it has not as many rows as the store"));
    }
    std::fs::rename(new, path).map_err(open)?;
    Ok(copy)
}

/// What a file takes on its disk, bytes. redb doubles a file that has become too small, long before it writes there, so
/// the file's length says little.
pub(super) fn room_of(path: &Path) -> Result<u64, StoreError> {
    let facts = std::fs::metadata(path).map_err(|source| StoreError::open(path, source))?;
    Ok(facts.blocks().saturating_mul(512))
}

/// Removes a file; one that is not there is as good as removed.
pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::super::check;
    use super::super::notifications::NotificationRecord;
    use super::super::retention::{self, Limits};
    use super::super::tests::private_folder;
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const LIMITS: Limits = Limits { audit: 0, security_events: 0, notifications: 1, uploads: 0, history: 0 };

    async fn notify(store: &Store, user: &str, at: i64, bytes: usize) {
        let notification = NotificationRecord {
            seq: 0,
            user_id: user.into(),
            at,
            kind: "k".into(),
            title: "t".into(),
            message: "m".repeat(bytes),
            link: None,
            is_read: false,
        };
        store.notify(notification).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_file_of_which_most_was_removed_shrinks_while_it_is_used() {
        let dir = private_folder();
        let path = dir.path().join("s");
        let store = Store::open(&path).unwrap();
        for _ in 0..160 {
            notify(&store, "old", 1, 512 << 10).await;
        }
        for _ in 0..300 {
            notify(&store, "kept", NOW, 100).await;
        }
        assert!(!store.is_compaction_worth_it().unwrap(), "all of it is in use");
        assert_eq!(retention::run(&store, &LIMITS, NOW).await.unwrap().notifications, 160);
        assert!(store.is_compaction_worth_it().unwrap());
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = tokio::spawn({
            let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
            async move {
                while !stop.load(Ordering::Relaxed) {
                    notify(&store, "new", NOW, 100).await;
                    written.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(store.notification_count("kept", false).unwrap(), 300);
                }
            }
        });
        for _ in 0..3 {
            let before = written.load(Ordering::Relaxed);
            while written.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
            let at_least = written.load(Ordering::Relaxed);
            let store = store.clone();
            let sizes = tokio::task::spawn_blocking({
                let store = store.clone();
                move || store.compact().unwrap()
            });
            let sizes = sizes.await.unwrap();
            assert!(sizes.after < 8 << 20, "{sizes:?}");
            assert!(store.notification_count("new", false).unwrap() >= at_least);
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.unwrap();
        let written = written.load(Ordering::Relaxed);
        drop(store);
        // What was written after the exchange is in the file that has the name.
        let store = Store::open(&path).unwrap();
        assert_eq!(store.notification_count("new", false).unwrap(), written);
        assert_eq!(store.notification_count("kept", false).unwrap(), 300);
        let report = check::check(&*store.shared.engine.database().unwrap()).unwrap();
        assert!(report.is_fine(), "{report:?}");
        assert!(!store.is_compaction_worth_it().unwrap());
        drop(store);
        assert!(compact_closed(&path).unwrap().after < 8 << 20);
        assert_eq!(Store::open(&path).unwrap().notification_count("new", false).unwrap(), written);
    }

    #[tokio::test]
    async fn a_compaction_that_fails_leaves_everything_as_it_was() {
        let dir = private_folder();
        let path = dir.path().join("s");
        let store = Store::open(&path).unwrap();
        notify(&store, "u", NOW, 10).await;
        // In the way of the copy, and can't be removed as a file.
        std::fs::create_dir(dir.path().join("s.compact")).unwrap();
        assert!(matches!(store.compact(), Err(StoreError::Open { .. })));
        notify(&store, "u", NOW, 10).await;
        assert_eq!(store.notification_count("u", false).unwrap(), 2);
        drop(store);
        assert_eq!(Store::open(&path).unwrap().notification_count("u", false).unwrap(), 2);
    }
}
