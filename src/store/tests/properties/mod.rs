//! Whatever is done to a store, its look-ups say what a look at every record would say.
mod operations;

use std::collections::BTreeSet;
use std::fmt::Debug;

use futures_util::future::join_all;
use proptest::prelude::*;
use slurmdash_api::UnixSeconds;
use slurmdash_api::audit::AuditResult;

use crate::store::api_keys::ApiKeyRecord;
use crate::store::audit::{AuditFilter, AuditGroup, AuditRecord, Whose};
use crate::store::check::check;
use crate::store::events::{EventFilter, EventGroup, SecurityEventRecord, Severity};
use crate::store::history::{HistoryFilter, HistoryRecord};
use crate::store::images::{ImageFilter, ImageRecord};
use crate::store::key::Key;
use crate::store::notifications::NotificationRecord;
use crate::store::nouns::{EveryRecord, every_record};
use crate::store::record::{Entry, Lookup, Record};
use crate::store::sessions::SessionRecord;
use crate::store::templates::{TemplateFilter, TemplateRecord};
use crate::store::tests::disk::{Disk, database, store_on};
use crate::store::tests::private_folder;
use crate::store::uploads::{UploadFilter, UploadRecord};
use crate::store::walk::{Cursor, Page, PageRequest, Source as _, Walk};
use crate::store::{Store, StoreError};

use self::operations::*;

/// All pages of `limit` rows, one after the other.
fn all_pages<R>(limit: usize, mut page: impl FnMut(&PageRequest) -> Result<Page<R>, StoreError>) -> Vec<R> {
    let (mut rows, mut request) = (Vec::new(), PageRequest::first(limit));
    loop {
        let page = page(&request).unwrap();
        assert!(page.items.len() <= limit);
        assert!(page.next.is_none() || page.items.len() == limit, "only the last page is short");
        rows.extend(page.items);
        match page.next {
            // As it travels.
            Some(next) => request.after = Some(next.to_string().parse().unwrap()),
            None => return rows,
        }
    }
}

/// What all pages of a search have, short ones among them.
fn found<R>(mut page: impl FnMut(&PageRequest) -> Result<Page<R>, StoreError>) -> Vec<R> {
    let (mut rows, mut request) = (Vec::new(), PageRequest::first(3));
    loop {
        let page = page(&request).unwrap();
        rows.extend(page.items);
        match page.next {
            Some(next) => request.after = Some(next.to_string().parse().unwrap()),
            None => return rows,
        }
    }
}

fn scan<R: Record>(store: &Store) -> Vec<R> {
    store.read(|view| Ok(Walk::table().ascending().page(view, &PageRequest::first(usize::MAX))?.items)).unwrap()
}

/// Every look-up of every kind, against a scan that is filtered and sorted here.
struct LookupsSayWhatAScanSays<'a>(&'a Store);

impl EveryRecord for LookupsSayWhatAScanSays<'_> {
    fn one<R: Record>(&mut self) -> Result<(), StoreError> {
        let all = scan::<R>(self.0);
        for lookup in R::LOOKUPS {
            let entries: Vec<(Entry, Key)> =
                all.iter().filter_map(|record| Some(((lookup.entry)(record)?, record.key()))).collect();
            let mut groups: Vec<&Key> = entries.iter().map(|(entry, _)| &entry.group).collect();
            let nobody = Key::new().text("nobody");
            groups.extend(groups.is_empty().then_some(&nobody));
            groups.sort();
            groups.dedup();
            for group in groups {
                self.group(lookup, group, &entries)?;
            }
        }
        Ok(())
    }
}

impl LookupsSayWhatAScanSays<'_> {
    fn group<R: Record>(&self, lookup: &Lookup<R>, group: &Key, entries: &[(Entry, Key)]) -> Result<(), StoreError> {
        let mut due: Vec<(&Key, &Key)> =
            entries.iter().filter(|(entry, _)| entry.group == *group).map(|(entry, key)| (&entry.order, key)).collect();
        due.sort();
        let keys = |walk: Walk<'_, R>| -> Vec<Key> {
            let pages = all_pages(2, |request| self.0.read(|view| walk.page(view, request)));
            pages.iter().map(Record::key).collect()
        };
        let expected: Vec<Key> = due.iter().map(|(_, key)| (*key).clone()).collect();
        assert_eq!(keys(Walk::group(lookup, group.clone()).ascending()), expected, "{}", lookup.table);
        let backwards: Vec<Key> = expected.iter().rev().cloned().collect();
        assert_eq!(keys(Walk::group(lookup, group.clone())), backwards, "{}", lookup.table);
        if let (Some((from, _)), Some((to, _))) = (due.get(due.len() / 3), due.get(due.len() * 2 / 3)) {
            let between = Walk::group(lookup, group.clone()).between(Some((*from).clone()), Some((*to).clone()));
            let inside = due.iter().rev().filter(|(order, _)| order >= from && order < to);
            assert_eq!(keys(between), inside.map(|(_, key)| (*key).clone()).collect::<Vec<_>>(), "{}", lookup.table);
        }
        if lookup.kind == crate::store::record::Kind::Counted {
            assert_eq!(self.0.read(|view| view.count(lookup, group))?, expected.len() as u64, "{}", lookup.table);
        }
        Ok(())
    }
}

/// Compares pages and a count of a repository with a scan that is filtered by `is_in` and sorted by `order`.
fn same<R: Record + Clone + PartialEq + Debug, O: Ord>(
    store: &Store,
    is_in: impl Fn(&R) -> bool,
    order: impl Fn(&R) -> O,
    count: Option<u64>,
    page: impl FnMut(&PageRequest) -> Result<Page<R>, StoreError>,
) {
    let mut due: Vec<R> = scan(store).into_iter().filter(is_in).collect();
    due.sort_by_key(order);
    assert_eq!(count.unwrap_or(due.len() as u64), due.len() as u64);
    assert_eq!(all_pages(3, page), due);
}

/// Every page that the repositories offer, against the records' own fields.
fn repositories_say_what_a_scan_says(store: &Store) {
    use std::cmp::Reverse;
    for owner in OWNERS {
        let (id, user) = (owner.to_owned(), Some(owner).filter(|owner| !owner.is_empty()));
        let (audit, event) = (AuditFilter::user(&id), EventFilter::user(&id));
        let (audit_group, event_group) = (AuditGroup::User(id.clone()), EventGroup::User(id.clone()));
        let of = |row: &AuditRecord| row.user_id.as_deref() == user;
        let newest = |row: &AuditRecord| Reverse((row.at, row.seq));
        same(store, of, newest, store.audit_count(&audit_group).ok(), |page| store.audit_page(&audit, page));
        same(
            store,
            |row| of(row) && (1..3).contains(&row.at),
            newest,
            None,
            |page| store.audit_page(&AuditFilter { from: Some(1), to: Some(3), ..audit.clone() }, page),
        );
        let of = |row: &SecurityEventRecord| row.user_id.as_deref() == user;
        let newest = |row: &SecurityEventRecord| Reverse((row.at, row.seq));
        same(store, of, newest, store.event_count(&event_group).ok(), |page| store.event_page(&event, page));
        let newest = |row: &SessionRecord| Reverse((row.created_at, row.id.clone()));
        same(store, |row| row.user_id == owner, newest, None, |page| store.sessions_of(owner, page));
        let newest = |row: &ApiKeyRecord| Reverse((row.created_at, row.id.clone()));
        same(store, |row| row.user_id == owner, newest, None, |page| store.api_keys_of(owner, page));
        let newest = |row: &UploadRecord| Reverse((row.created_at, row.id.clone()));
        for filter in [UploadFilter::All].into_iter().chain(STATUSES.map(UploadFilter::Status)) {
            let is_in = |row: &UploadRecord| {
                row.owner_id == owner && (filter == UploadFilter::All || filter == UploadFilter::Status(row.status))
            };
            let count = store.upload_count(owner, filter).ok();
            same(store, is_in, newest, count, |page| store.upload_page(owner, filter, page));
        }
        let newest = |row: &HistoryRecord| Reverse((row.submitted_at, row.job.job_id));
        let mine = HistoryFilter::Owner(id.clone());
        let count = store.history_count(&mine).ok();
        same(store, |row| row.owner_id == owner, newest, count, |page| store.history_page(&mine, None, None, page));
        for state in STATES {
            let filter = HistoryFilter::State(id.clone(), state);
            let is_in = |row: &HistoryRecord| row.owner_id == owner && row.job.state == state;
            let count = store.history_count(&filter).ok();
            same(store, is_in, newest, count, |page| store.history_page(&filter, None, None, page));
        }
        for is_read in [false, true] {
            let is_in = |row: &NotificationRecord| row.user_id == owner && row.is_read == is_read;
            let count = store.notification_count(owner, is_read).ok();
            let newest = |row: &NotificationRecord| Reverse((row.at, row.seq));
            same(store, is_in, newest, count, |page| store.notification_page(owner, is_read, page));
        }
        for word in WORDS {
            let filter = ImageFilter::Type(id.clone(), word.into());
            let is_in = |row: &ImageRecord| row.partition == owner && row.kind == word;
            let order = |row: &ImageRecord| (row.name.clone(), row.node.clone(), row.path.clone());
            same(store, is_in, order, store.image_count(&filter).ok(), |page| store.image_page(&filter, page));
        }
    }
    for (word, is_public) in WORDS.into_iter().flat_map(|word| [(word, false), (word, true)]) {
        let filter = TemplateFilter::Category(word.into(), is_public);
        let is_in = |row: &TemplateRecord| row.category == word && row.is_public == is_public;
        let newest = |row: &TemplateRecord| Reverse((row.created_at, row.id.clone()));
        same(store, is_in, newest, store.template_count(&filter).ok(), |page| store.template_page(&filter, page));
    }
    for (severity, is_resolved) in Severity::ALL.into_iter().flat_map(|severity| [(severity, false), (severity, true)])
    {
        let (filter, group) =
            (EventFilter::severity(severity, is_resolved), EventGroup::Severity(severity, is_resolved));
        let is_in = |row: &SecurityEventRecord| row.severity == severity && row.resolved_at.is_some() == is_resolved;
        let newest = |row: &SecurityEventRecord| Reverse((row.at, row.seq));
        same(store, is_in, newest, store.event_count(&group).ok(), |page| store.event_page(&filter, page));
    }
    let is_in = |row: &ApiKeyRecord| row.is_active(2);
    let first = |row: &ApiKeyRecord| (row.expires_at.unwrap_or(UnixSeconds::MAX), row.id.clone());
    same(store, is_in, first, None, |page| store.active_api_keys(2, page));
}

fn in_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn look_ups_say_what_a_look_at_every_record_says(operations in prop::collection::vec(operation(), 1..60)) {
        let folder = private_folder();
        let store = store_on(&Disk::default(), folder.path()).unwrap();
        in_a_runtime(async {
            for operation in operations {
                match operation {
                    Operation::Changes(changes) => {
                        join_all(changes.into_iter().map(|(steps, end)| change(&store, steps, end))).await;
                    }
                    Operation::Call(which, parts) => match call(&store, which, parts).await {
                        Ok(()) | Err(StoreError::Taken { .. }) => {}
                        Err(error) => panic!("{error}"),
                    },
                }
            }
        });
        let report = check(&*database(&store)).unwrap();
        prop_assert!(report.is_fine(), "{report:?}");
        let chain = store.verify_audit().unwrap();
        prop_assert!(chain.intact, "{chain:?}");
        every_record(&mut LookupsSayWhatAScanSays(&store)).unwrap();
        repositories_say_what_a_scan_says(&store);
    }

    #[test]
    fn a_search_finds_what_a_scan_finds(
        rows in prop::collection::vec(parts(), 1..40),
        user in prop::option::of(prop_oneof![
            (0..OWNERS.len()).prop_map(|at| Whose::Id(OWNERS[at].into())),
            (0..WORDS.len()).prop_map(|at| Whose::Name(WORDS[at].into())),
        ]),
        action in prop::option::of(prop_oneof![Just("a.b"), Just("a."), Just("ab."), Just("a")]),
        address in prop::option::of(prop_oneof![Just("10.0.0.1"), Just("10.0.0.2"), Just("::1")]),
        result in prop::option::of(prop_oneof![Just(AuditResult::Done), Just(AuditResult::Refused)]),
        (from, to) in (prop::option::of(-3..7_i64), prop::option::of(-3..7_i64)),
        (severity, resolved) in (prop::option::of(0..4_usize), prop::option::of(any::<bool>())),
    ) {
        let folder = private_folder();
        let store = store_on(&Disk::default(), folder.path()).unwrap();
        store.write_blocking(move |tx| {
            rows.iter().try_for_each(|parts| put(tx, 3, parts).and_then(|()| put(tx, 4, parts)))?;
            Ok(tx.housekeeping(()))
        }).unwrap();
        let filter = AuditFilter {
            user: user.clone(), action: action.map(Into::into), address: address.map(Into::into), result, from, to,
        };
        let mut due = scan::<AuditRecord>(&store);
        due.retain(|row| filter.is_wanted(row));
        due.reverse();
        prop_assert_eq!(&found(|request| store.audit_page(&filter, request)), &due);
        let exported: Vec<AuditRecord> = store.audit_export(filter).flat_map(Result::unwrap).collect();
        prop_assert_eq!(exported, due);

        let filter = EventFilter {
            severity: severity.map(|at| Severity::ALL[at]), resolved, kind: action.map(Into::into), user,
            address: address.map(Into::into), from, to,
        };
        let mut due = scan::<SecurityEventRecord>(&store);
        due.retain(|event| filter.is_wanted(event));
        due.reverse();
        prop_assert_eq!(found(|request| store.event_page(&filter, request)), due);
    }

    #[test]
    fn a_search_looks_at_so_many_and_goes_on_where_it_was(
        rows in prop::collection::vec(parts(), 1..30),
        (limit, most) in (1..4_usize, 1..6_usize),
        word in 0..3_u8,
    ) {
        let folder = private_folder();
        let store = store_on(&Disk::default(), folder.path()).unwrap();
        store.write_blocking(move |tx| {
            rows.iter().try_for_each(|parts| put(tx, 3, parts))?;
            Ok(tx.housekeeping(()))
        }).unwrap();
        let looked_at = std::cell::Cell::new(0);
        let is_wanted = |row: &AuditRecord| {
            looked_at.set(looked_at.get() + 1);
            row.action == ACTIONS[usize::from(word)]
        };
        let mut due = scan::<AuditRecord>(&store);
        due.retain(|row| row.action == ACTIONS[usize::from(word)]);
        let (mut found, mut request) = (Vec::new(), PageRequest::first(limit));
        loop {
            looked_at.set(0);
            let walk = Walk::table().ascending();
            let page = store.read(|view| walk.search(view, &request, most, is_wanted)).unwrap();
            prop_assert!(looked_at.get() <= most && page.items.len() <= limit);
            found.extend(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(found, due);
    }

    #[test]
    fn a_walk_sees_once_what_stays(
        begin in prop::collection::btree_set((0..3_u8, 0..12_i64), 1..30),
        between in prop::collection::vec(((0..3_u8, 0..12_i64), any::<bool>()), 0..20),
        limit in 1..4_usize,
    ) {
        let folder = private_folder();
        let store = store_on(&Disk::default(), folder.path()).unwrap();
        let set = |(id, time): (u8, UnixSeconds), is_there: bool| {
            let parts = Parts { id: id * 12 + u8::try_from(time).unwrap(), owner: 1, word: 0, flag: false, time };
            store.write_blocking(move |tx| {
                if is_there { put(tx, 1, &parts)? } else { drop(tx.remove::<SessionRecord>(&Key::raw(parts.id()))?) }
                Ok(tx.housekeeping(()))
            }).unwrap();
        };
        for &row in &begin {
            set(row, true);
        }
        let ids = |sessions: &[SessionRecord]| sessions.iter().map(|session| session.id.clone()).collect::<Vec<_>>();
        let at_the_beginning: BTreeSet<String> = ids(&scan(&store)).into_iter().collect();
        let mut stayed = at_the_beginning.clone();
        let mut between = between.into_iter();
        let seen = all_pages(limit, |request| {
            let page = store.sessions_of("u", request);
            if let Some((row, is_there)) = between.next() {
                set(row, is_there);
                let now: BTreeSet<String> = ids(&scan(&store)).into_iter().collect();
                stayed.retain(|id| now.contains(id));
            }
            page
        });
        let times: Vec<_> = seen.iter().map(|session| (session.created_at, session.id.clone())).collect();
        prop_assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "in order, none twice: {times:?}");
        let seen: BTreeSet<String> = ids(&seen).into_iter().collect();
        prop_assert!(stayed.is_subset(&seen), "{stayed:?} {seen:?}");
    }

    #[test]
    fn a_made_up_cursor_stays_in_its_group(
        rows in prop::collection::vec(parts(), 1..20),
        cursor in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), Just(0x80), Just(b'r'), Just(b'u')], 0..20),
        ],
        (from, to) in (prop::option::of(-3..7_i64), prop::option::of(-3..7_i64)),
    ) {
        let folder = private_folder();
        let store = store_on(&Disk::default(), folder.path()).unwrap();
        store.write_blocking(move |tx| {
            rows.iter().try_for_each(|parts| put(tx, 3, parts).and_then(|()| put(tx, 7, parts)))?;
            Ok(tx.housekeeping(()))
        }).unwrap();
        let after: Cursor = crate::random::hex(&cursor).parse().unwrap();
        let request = PageRequest { after: Some(after), limit: 50 };
        for owner in OWNERS {
            let page = store.audit_page(&AuditFilter { from, to, ..AuditFilter::user(owner) }, &request).unwrap();
            for row in page.items {
                prop_assert_eq!(row.user_id.as_deref().unwrap_or_default(), owner);
                prop_assert!(from.is_none_or(|from| row.at >= from) && to.is_none_or(|to| row.at < to));
            }
            for row in store.upload_page(owner, UploadFilter::All, &request).unwrap().items {
                prop_assert_eq!(row.owner_id, owner);
            }
        }
        let group = || Walk::<UploadRecord>::table();
        for walk in [group(), group().ascending()] {
            store.read(|view| walk.page(view, &request)).unwrap();
        }
    }
}
