//! However much comes, little is written, nothing waits, and nothing is lost.
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use slurmdash_api::audit::{AuditResult, Severity};

use super::*;
use crate::store::audit::{AuditFilter, AuditGroup, AuditRecord};
use crate::store::events::{EventFilter, EventGroup, SecurityEventRecord};
use crate::store::walk::PageRequest;

struct Place {
    _dir: tempfile::TempDir,
    store: Store,
    security: Security,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap();
        let store = Store::open(&dir.path().join("s")).unwrap();
        Self { security: Security::new(store.clone()), store, _dir: dir }
    }

    fn events(&self) -> Vec<SecurityEventRecord> {
        self.store.event_page(&EventFilter::default(), &PageRequest::first(5000)).unwrap().items
    }

    /// The number that the last row of the audit log got, as bytes.
    fn set_number(&self, bytes: &'static [u8]) {
        let write = move |tx: &crate::store::tx::Tx<'_>| {
            tx.change("numbers")?.insert(&b"audit"[..], bytes)?;
            Ok(tx.housekeeping(()))
        };
        self.store.write_blocking(write).unwrap();
    }

    fn rows(&self) -> Vec<AuditRecord> {
        self.store.audit_export(AuditFilter::default()).flat_map(Result::unwrap).collect()
    }
}

fn from(address: u32, at: UnixSeconds) -> Incident {
    let by = By { address: Some(address.to_be_bytes().into()), username: Some("root".into()), ..By::system(at) };
    let description = "a password was wrong".to_owned();
    Incident { kind: kinds::LOGIN_FAILED, by, resource: Some("root".into()), description }
}

#[tokio::test]
async fn repeats_are_one_event_and_one_row_that_says_how_often() {
    let place = Place::new();
    for at in [7, 8, 9] {
        place.security.report(from(1, at));
    }
    place.security.report(from(2, 7));
    assert_eq!(place.events(), [], "nothing is written before the flush");
    place.security.flush().await.unwrap();
    let mut events = place.events();
    events.sort_by_key(|event| event.count);
    assert_eq!(events.iter().map(|event| (event.count, event.last_seen())).collect::<Vec<_>>(), [(1, 7), (3, 9)]);
    let mut rows = place.rows();
    rows.sort_by(|one, other| one.error.cmp(&other.error));
    let facts = |row: &AuditRecord| (row.action.clone(), row.error.clone().unwrap(), row.address.clone().unwrap());
    let action = "security.login_failed".to_owned();
    assert_eq!(
        rows.iter().map(facts).collect::<Vec<_>>(),
        [
            (action.clone(), "a password was wrong".into(), "0.0.0.2".into()),
            (action, "a password was wrong (3 times)".into(), "0.0.0.1".into()),
        ]
    );
    assert!(rows.iter().all(|row| row.result() == AuditResult::Refused && row.resource.as_deref() == Some("root")));
    // Later ones count up the same event.
    place.security.report(from(1, 10));
    place.security.flush().await.unwrap();
    assert_eq!((place.events().len(), place.rows().len()), (2, 3));
    place.security.flush().await.unwrap();
    assert_eq!(place.rows().len(), 3, "there was nothing to write");
}

#[tokio::test]
async fn a_hundred_thousand_attempts_are_few_rows_and_none_is_lost() {
    let place = Place::new();
    for number in 0..100_000 {
        place.security.report(from(number, 5));
    }
    place.security.flush().await.unwrap();
    let events = place.events();
    assert_eq!(events.len(), TOLD_APART as usize + 1);
    assert_eq!(events.iter().map(|event| event.count).sum::<u64>(), 100_000);
    let crowd = events.iter().find(|event| event.address.is_none()).unwrap();
    assert_eq!(crowd.count, 100_000 - u64::from(TOLD_APART));
    assert_eq!((crowd.severity, &crowd.username), (Severity::High, &None));
    assert!(crowd.description.contains("from more addresses"), "{}", crowd.description);
    assert_eq!(place.rows().len(), TOLD_APART as usize + 1);

    // From as many addresses again and again: a flood writes no more than one told apart every few seconds.
    for second in 0..100 {
        for number in 0..1_000 {
            place.security.report(from(1_000_000 + second * 1_000 + number, 5 + i64::from(second)));
        }
        place.security.flush().await.unwrap();
    }
    assert_eq!(place.events().len(), TOLD_APART as usize + 1 + 99 / 4);
    // Another kind has its own.
    place.security.report(Incident { kind: kinds::PATH_ATTACK, ..from(1, 106) });
    place.security.flush().await.unwrap();
    assert!(place.events().iter().any(|event| event.kind == "path_attack" && event.address.is_some()));

    // From few addresses, over many flushes.
    let place = Place::new();
    for number in 0..100_000_u32 {
        place.security.report(from(number % 10, i64::from(number / 100)));
        if number % 10_000 == 9_999 {
            place.security.flush().await.unwrap();
        }
    }
    assert_eq!((place.events().len(), place.rows().len()), (10, 100));
    assert!(place.events().iter().all(|event| event.count == 10_000 && event.severity == Severity::High));
    assert!(place.store.verify_audit().unwrap().intact);
}

#[tokio::test]
async fn what_somebody_typed_is_cut() {
    let place = Place::new();
    let long = "é".repeat(10_000);
    let by = By { username: Some(long.clone()), ..By::system(5) };
    place.security.report(Incident {
        kind: kinds::PATH_ATTACK,
        by,
        resource: Some(long.clone()),
        description: long.clone(),
    });
    place.security.flush().await.unwrap();
    let (events, rows) = (place.events(), place.rows());
    let most = |text: &Option<String>| text.as_ref().unwrap().len() <= MAX_TEXT;
    assert!(events[0].description.len() <= MAX_TEXT && most(&events[0].username));
    assert!(most(&rows[0].resource) && most(&rows[0].username) && most(&rows[0].error));
}

#[tokio::test]
async fn what_can_t_be_written_waits() {
    let place = Place::new();
    place.security.report(from(1, 5));
    // A row with a number that is none: nothing can be appended.
    place.set_number(b"broken");
    assert!(place.security.flush().await.is_err());
    place.security.report(from(1, 6));
    place.set_number(&[0; 8]);
    place.security.flush().await.unwrap();
    assert_eq!((place.events().len(), place.events()[0].count), (1, 2));
    assert_eq!(place.store.event_count(&EventGroup::All).unwrap(), 1);
}

#[tokio::test]
async fn however_long_the_store_is_away_only_so_many_wait() {
    let place = Place::new();
    place.set_number(b"broken");
    // A new address every second, for a day and more.
    for second in 0..100_000_u32 {
        place.security.report(from(second, second.into()));
        if second == 100 {
            assert!(place.security.flush().await.is_err());
        }
    }
    assert!(place.security.flush().await.is_err());
    place.security.waiting(|waiting| assert_eq!((waiting.groups.len(), waiting.crowds.len()), (MOST_WAITING, 1)));
    place.set_number(&[0; 8]);
    place.security.flush().await.unwrap();
    let events = place.events();
    assert_eq!(events.iter().map(|event| event.count).sum::<u64>(), 100_000);
    assert!(events.iter().any(|event| event.address.as_deref() == Some("0.0.0.7")), "the first ones are still known");
}

#[tokio::test]
async fn it_is_written_every_second_and_once_more_at_the_end() {
    let place = Place::new();
    let stopping = CancellationToken::new();
    let running = tokio::spawn(place.security.clone().run(stopping.clone()));
    place.security.report(from(1, 5));
    let rows = || place.store.audit_count(&AuditGroup::All).unwrap();
    let written = async {
        while rows() < 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written).await.unwrap();
    stopping.cancel();
    place.security.report(from(2, 5));
    running.await.unwrap();
    assert_eq!(rows(), 2);
}
