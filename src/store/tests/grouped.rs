//! Changes that are committed together: fewer syncs, and none is harmed by another.
use futures_util::future::join_all;
use slurmdash_api::auth::AccountSource;

use super::disk::{Disk, database, store_on};
use crate::store::audit::{AuditEntry, AuditGroup, By};
use crate::store::check::check;
use crate::store::sessions::SessionRecord;
use crate::store::tests::private_folder;
use crate::store::tx::{Tx, Written};
use crate::store::writer::Task;
use crate::store::{Store, StoreError};

fn session(number: u32) -> SessionRecord {
    let id = format!("s{number}");
    SessionRecord {
        id,
        user_id: "u".into(),
        token_hash: String::new(),
        created_at: 1,
        expires_at: 2,
        before: Vec::new(),
        agent: None,
        address: None,
        last_used_at: None,
        source: AccountSource::Local,
    }
}

fn audit() -> AuditEntry {
    AuditEntry::done(By::system(5), "test.change", "x")
}

/// Holds the writer back until the answer is dropped, so that what is asked for meanwhile is one batch.
fn hold(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go, wait) = std::sync::mpsc::channel();
    store
        .ask(Task::Alone(Box::new(move |_| {
            let _ = wait.recv();
        })))
        .unwrap();
    go
}

type Made = Result<Written<()>, StoreError>;

/// Makes all changes in one batch and answers what came of each.
async fn together(store: &Store, changes: Vec<fn(&Tx<'_>) -> Made>) -> Vec<Result<(), StoreError>> {
    let go = hold(store);
    let all = join_all(changes.into_iter().map(|change| store.write(change)));
    tokio::pin!(all);
    // The first look asks for all of them.
    assert!(futures_util::poll!(all.as_mut()).is_pending());
    drop(go);
    all.await
}

#[tokio::test]
async fn a_hundred_writers_share_their_syncs() {
    let (disk, folder) = (Disk::default(), private_folder());
    let store = store_on(&disk, folder.path()).unwrap();
    let before = disk.syncs();
    for round in 0..10 {
        let writes = (0..100).map(|number| store.begin_session(session(round * 100 + number), audit()));
        assert!(join_all(writes).await.iter().all(Result::is_ok));
    }
    let together = disk.syncs() - before;
    assert_eq!(store.audit_count(&AuditGroup::All).unwrap(), 1000);
    assert!(together <= 100, "{together} syncs for 1000 writes");

    let before = disk.syncs();
    for number in 0..100 {
        store.begin_session(session(number), audit()).await.unwrap();
    }
    let alone = disk.syncs() - before;
    assert_eq!(alone, 100, "one sync a write, each before its answer");
}

#[tokio::test]
async fn a_change_that_fails_or_panics_takes_no_other_with_it() {
    let (disk, folder) = (Disk::default(), private_folder());
    let store = store_on(&disk, folder.path()).unwrap();
    let outcomes = together(
        &store,
        vec![
            |tx| {
                tx.put(&session(1))?;
                tx.audited(&audit(), ())
            },
            |tx| {
                tx.put(&session(2))?;
                Err(StoreError::Taken { lookup: "test" })
            },
            |tx| {
                tx.put(&session(3))?;
                let _table = tx.open("audit")?;
                panic!("a mistake in a change");
            },
            |tx| {
                tx.put(&session(4))?;
                tx.unchanged(())
            },
            |tx| {
                tx.put(&session(5))?;
                tx.audited(&audit(), ())
            },
        ],
    )
    .await;
    assert!(matches!(
        outcomes[..],
        [Ok(()), Err(StoreError::Taken { .. }), Err(StoreError::Panicked), Err(StoreError::Unaudited), Ok(())]
    ));
    let kept: Vec<u32> = (1..=5).filter(|number| store.session(&format!("s{number}")).unwrap().is_some()).collect();
    assert_eq!(kept, [1, 5]);
    assert_eq!(store.audit_count(&AuditGroup::All).unwrap(), 2);
    assert!(check(&*database(&store)).unwrap().is_fine());
    store.begin_session(session(6), audit()).await.unwrap();
}

#[tokio::test]
async fn a_batch_of_changes_without_a_change_is_not_synced() {
    let (disk, folder) = (Disk::default(), private_folder());
    let store = store_on(&disk, folder.path()).unwrap();
    let before = disk.syncs();
    let outcomes = together(&store, vec![|tx| tx.unchanged(()), |tx| tx.unchanged(())]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(disk.syncs(), before);
}
