//! The same again is one event that counts, until somebody deals with it or an hour has passed.
use std::net::IpAddr;

use super::kinds::{LOGIN_FAILED, TOKEN_INVALID, TOKEN_REUSED};
use super::*;
use crate::store::audit::{AuditGroup, By};
use crate::store::check::check_file;
use crate::store::tests::private_folder;
use crate::store::walk::PageRequest;

struct Place {
    dir: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let dir = private_folder();
        let store = Store::open(&dir.path().join("s")).unwrap();
        Self { dir, store }
    }

    async fn seen(&self, kind: Kind, at: UnixSeconds, user: Option<(&str, &str)>, address: Option<[u8; 4]>) {
        self.seen_often(kind, at, user, address, 1).await;
    }

    async fn seen_often(
        &self,
        kind: Kind,
        at: UnixSeconds,
        user: Option<(&str, &str)>,
        address: Option<[u8; 4]>,
        count: u64,
    ) {
        let by = By {
            user_id: user.map(|(id, _)| id.to_owned()).filter(|id| !id.is_empty()),
            username: user.map(|(_, name)| name.to_owned()),
            address: address.map(IpAddr::from),
            ..By::system(at)
        };
        let audit = AuditEntry { by, action: kind.action, resource: None, error: Some("no".into()) };
        let event = NewEvent { count, ..NewEvent::once(kind, "it was seen".into()) };
        self.store.security_event(audit, event).await.unwrap();
    }

    /// All, newest first.
    fn all(&self) -> Vec<SecurityEventRecord> {
        self.store.event_page(&EventFilter::default(), &PageRequest::first(100)).unwrap().items
    }

    fn check(self) {
        drop(self.store);
        let report = check_file(&self.dir.path().join("s")).unwrap();
        assert!(report.is_fine(), "{report:?}");
    }
}

#[tokio::test]
async fn the_same_again_within_an_hour_counts_up() {
    let place = Place::new();
    let (ada, home) = (Some(("u1", "ada")), Some([10, 0, 0, 1]));
    for at in [1000, 1000, 4600, 8200, 8100] {
        place.seen(LOGIN_FAILED, at, ada, home).await;
    }
    let all = place.all();
    assert_eq!(all.len(), 1);
    let event = &all[0];
    assert_eq!((event.count, event.at, event.last_seen(), event.severity), (5, 1000, 8200, Severity::Low));
    assert_eq!((event.username.as_deref(), event.address.as_deref()), (Some("ada"), Some("10.0.0.1")));
    place.seen(LOGIN_FAILED, 11_801, ada, home).await;
    assert_eq!(place.all().len(), 2, "an hour and a second later");
    for (kind, user, address) in [
        (TOKEN_INVALID, ada, home),
        (LOGIN_FAILED, Some(("u2", "bob")), home),
        (LOGIN_FAILED, None, home),
        (LOGIN_FAILED, ada, Some([10, 0, 0, 2])),
        (LOGIN_FAILED, ada, None),
    ] {
        let before = place.all().len();
        place.seen(kind, 11_801, user, address).await;
        assert_eq!(place.all().len(), before + 1, "another kind, account or address is another event");
    }
    assert_eq!(place.store.audit_count(&AuditGroup::Action("security.login_failed".into())).unwrap(), 10, "a row each");
    place.check();
}

#[tokio::test]
async fn many_are_worse_and_what_was_dealt_with_begins_anew() {
    let place = Place::new();
    place.seen_often(LOGIN_FAILED, 5, None, None, 19).await;
    assert_eq!(place.store.open_events().unwrap()[&Severity::Low], 1);
    place.seen(LOGIN_FAILED, 6, None, None).await;
    assert_eq!((place.all()[0].severity, place.all()[0].count), (Severity::Medium, 20));
    place.seen_often(LOGIN_FAILED, 7, None, None, u64::MAX).await;
    assert_eq!((place.all()[0].severity, place.all()[0].count), (Severity::High, u64::MAX));
    let open = place.store.open_events().unwrap();
    assert_eq!((open[&Severity::Low], open[&Severity::High], open.len()), (0, 1, 4));

    let id = place.all()[0].id();
    let by = By { username: Some("admin".into()), ..By::system(8) };
    let audit = AuditEntry::done(by, "security.resolve", id.to_string());
    assert!(place.store.resolve_event(id, "a script of ours".into(), audit.clone()).await.unwrap());
    assert!(!place.store.resolve_event(id, "again".into(), audit).await.unwrap());
    place.seen(LOGIN_FAILED, 9, None, None).await;
    let all = place.all();
    assert_eq!((all.len(), all[0].count, all[0].severity), (2, 1, Severity::Low));
    assert_eq!(all[1].note.as_deref(), Some("a script of ours"));
    assert_eq!(place.store.event(id).unwrap().as_ref(), Some(&all[1]));
    place.check();
}

#[tokio::test]
async fn a_name_stays_only_when_it_was_always_the_same() {
    let place = Place::new();
    for name in ["root", "root"] {
        place.seen(LOGIN_FAILED, 1, Some(("", name)), None).await;
    }
    assert_eq!(place.all()[0].username.as_deref(), Some("root"));
    place.seen(LOGIN_FAILED, 1, Some(("", "admin")), None).await;
    assert_eq!((place.all()[0].username.as_deref(), place.all()[0].count), (None, 3));
    place.seen(LOGIN_FAILED, 1, Some(("u1", "old")), None).await;
    place.seen(LOGIN_FAILED, 1, Some(("u1", "new")), None).await;
    let of_u1 = place.store.event_page(&EventFilter::user("u1"), &PageRequest::first(9)).unwrap().items;
    assert_eq!((of_u1.len(), of_u1[0].username.as_deref()), (1, Some("new")), "an account was renamed");
}

#[tokio::test]
async fn all_filters_hold_together() {
    let place = Place::new();
    place.seen(LOGIN_FAILED, 10, Some(("u1", "ada")), Some([1; 4])).await;
    place.seen(TOKEN_REUSED, 20, Some(("u1", "ada")), Some([1; 4])).await;
    place.seen(TOKEN_REUSED, 30, Some(("u2", "bob")), Some([2; 4])).await;
    let found = |filter: EventFilter| -> Vec<UnixSeconds> {
        let page = place.store.event_page(&filter, &PageRequest::first(9)).unwrap();
        page.items.iter().map(|event| event.at).collect()
    };
    let all = EventFilter::default;
    assert_eq!(found(all()), [30, 20, 10]);
    assert_eq!(found(EventFilter { kind: Some("token_reused".into()), ..EventFilter::user("u1") }), [20]);
    assert_eq!(found(EventFilter { address: Some("1.1.1.1".into()), severity: Some(Severity::High), ..all() }), [20]);
    assert_eq!(found(EventFilter { from: Some(15), ..EventFilter::severity(Severity::High, false) }), [30, 20]);
    assert_eq!(found(EventFilter { from: Some(10), to: Some(30), resolved: Some(false), ..all() }), [20, 10]);
    assert_eq!(found(EventFilter { resolved: Some(true), ..all() }), Vec::<UnixSeconds>::new());
}

#[test]
fn an_id_has_one_text() {
    for (text, at, seq) in [("5-7", 5, 7), ("-5-7", -5, 7), ("0-0", 0, 0), ("1800000000-1", 1_800_000_000, 1)] {
        let id = EventId { at, seq };
        assert_eq!((text.parse(), id.to_string().as_str()), (Ok(id), text));
    }
    for bad in ["", "-", "5", "5-", "-5", "+5-7", "05-7", "5-07", "5-+7", "5--7", " 5-7", "5-7 ", "a-b", "5-7-9x"] {
        assert!(bad.parse::<EventId>().is_err(), "{bad}");
    }
    let max = format!("{}-{}", i64::MIN, u64::MAX);
    assert_eq!(max.parse::<EventId>().unwrap().to_string(), max);
    assert!(format!("{}-1", u64::MAX).parse::<EventId>().is_err());
}
