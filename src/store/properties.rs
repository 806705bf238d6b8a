//! Whatever is done to a store, its look-ups say what a look at every record would say.
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use proptest::prelude::*;
use slurmdash_api::UnixSeconds;
use slurmdash_api::jobs::{Job, JobState};
use slurmdash_api::uploads::UploadStatus;

use super::api_keys::ApiKeyRecord;
use super::audit::{AuditEntry, AuditFilter, AuditRecord, By};
use super::check::check;
use super::disk::{Disk, database, store_on};
use super::events::{EventFilter, NewEvent, SecurityEventRecord, Severity};
use super::history::{HistoryFilter, HistoryRecord, SCRIPTS};
use super::images::{ImageFilter, ImageRecord};
use super::key::Key;
use super::notifications::NotificationRecord;
use super::record::{Entry, EveryRecord, Lookup, Record, every_record};
use super::sessions::SessionRecord;
use super::templates::{TemplateFilter, TemplateRecord};
use super::tests::private_folder;
use super::tx::{Tx, Written};
use super::uploads::{ChunkRow, UploadFilter, UploadRecord};
use super::users::UserRecord;
use super::walk::{Cursor, Page, PageRequest, Source as _, View, Walk};
use super::{Store, StoreError};

/// What a record is made of: small numbers, so that records meet.
#[derive(Debug, Clone, Copy)]
struct Parts {
    id: u8,
    owner: u8,
    word: u8,
    flag: bool,
    time: UnixSeconds,
}

const OWNERS: [&str; 4] = ["", "u", "u\0", "u1"];
const WORDS: [&str; 3] = ["a", "ab", "b"];
const STATES: [JobState; 3] = [JobState::Pending, JobState::Completed, JobState::Cancelled];
const STATUSES: [UploadStatus; 3] = [UploadStatus::Uploading, UploadStatus::Completed, UploadStatus::Cancelled];

impl Parts {
    fn id(&self) -> String {
        format!("r{}", self.id)
    }

    fn owner(&self) -> String {
        OWNERS[usize::from(self.owner)].into()
    }

    fn word(&self) -> String {
        WORDS[usize::from(self.word)].into()
    }

    fn job(&self, time: UnixSeconds) -> HistoryRecord {
        HistoryRecord {
            job: Job {
                id: self.id.to_string(),
                job_id: self.id.into(),
                array_job_id: None,
                name: self.word(),
                user: "ada".into(),
                owner: Some(self.owner()),
                account: None,
                partition: "cpu".into(),
                qos: None,
                state: STATES[usize::from(self.word)],
                reason: None,
                nodes: 1,
                tasks: None,
                cpus: 1,
                memory: None,
                gpus: 0,
                node_list: None,
                submit_time: None,
                start_time: None,
                end_time: None,
                time_limit: None,
                elapsed: 0,
                priority: None,
                template: None,
            },
            owner_id: self.owner(),
            submitted_at: time,
            category: None,
            work_dir: "/".into(),
            stdout: "out".into(),
            files: Vec::new(),
            exit_code: None,
            signal: None,
        }
    }

    fn upload(&self, id: String, status: UploadStatus) -> UploadRecord {
        UploadRecord {
            id,
            owner_id: self.owner(),
            username: "ada".into(),
            filename: self.word(),
            file_size: 10,
            chunk_size: 5,
            job_id: None,
            folder: "f".into(),
            overwrite: self.flag,
            status,
            created_at: self.time,
            updated_at: self.time,
            uploaded_chunks: 0,
            inode: None,
        }
    }

    fn image(&self) -> ImageRecord {
        ImageRecord {
            node: self.owner(),
            path: self.id(),
            name: self.id(),
            partition: self.owner(),
            kind: self.word(),
            size: 1,
            version: None,
            description: None,
            arch: None,
            labels: std::collections::BTreeMap::new(),
            seen_at: self.time,
        }
    }

    fn api_key(&self) -> ApiKeyRecord {
        ApiKeyRecord {
            id: self.id(),
            user_id: self.owner(),
            name: self.word(),
            // Fewer hashes than keys, so that they clash.
            key_hash: format!("h{}", self.id / 2),
            permissions: Vec::new(),
            created_at: self.time,
            expires_at: (self.word > 0).then_some(self.time + 3),
            last_used_at: None,
            revoked_at: self.flag.then_some(self.time),
        }
    }

    fn notification(&self, seq: u64) -> NotificationRecord {
        NotificationRecord {
            seq,
            user_id: self.owner(),
            at: self.time,
            kind: self.word(),
            title: String::new(),
            message: String::new(),
            link: None,
            is_read: self.flag,
        }
    }

    fn severity(&self) -> Severity {
        Severity::ALL[usize::from(self.word)]
    }

    fn audit(&self) -> AuditEntry {
        let user_id = (self.owner > 0).then(|| self.owner());
        let action = WORDS[usize::from(self.word)];
        AuditEntry::done(By { user_id, ..By::system(self.time) }, action, self.id())
    }
}

/// Puts a record of the kind, in the place of another when `id` is that one's.
fn put(tx: &Tx<'_>, kind: u8, parts: &Parts) -> Result<(), StoreError> {
    match kind {
        0 => drop(tx.put(&UserRecord {
            id: parts.id(),
            username: format!("n{}", parts.id / 2 + parts.word),
            password_hash: String::new(),
            permissions: Vec::new(),
            created_at: parts.time,
            is_active: parts.flag,
            email: None,
        })?),
        1 => drop(tx.put(&SessionRecord {
            id: parts.id(),
            user_id: parts.owner(),
            token_hash: parts.word(),
            created_at: parts.time,
            expires_at: parts.time + i64::from(parts.word),
            before: Vec::new(),
        })?),
        2 => drop(tx.put(&parts.api_key())?),
        3 => tx.append_audit(&parts.audit())?,
        4 => {
            let event = NewEvent { kind: "test", severity: parts.severity(), description: parts.word() };
            tx.append_event(&parts.audit(), &event)?;
        }
        5 => drop(tx.put(&parts.image())?),
        6 => drop(tx.put(&TemplateRecord {
            id: parts.id(),
            name: parts.word(),
            description: None,
            category: parts.word(),
            is_public: parts.flag,
            owner_id: None,
            created_at: parts.time,
            updated_at: parts.time,
            definition: None,
        })?),
        7 => drop(tx.put(&parts.upload(parts.id(), STATUSES[usize::from(parts.word)]))?),
        8 => drop(tx.put(&parts.job(parts.time))?),
        _ => drop(tx.put(&parts.notification(tx.next_number("notifications")?))?),
    }
    Ok(())
}

/// Removes the `nth` record of the kind.
fn remove(tx: &Tx<'_>, kind: u8, nth: u8) -> Result<(), StoreError> {
    fn one<R: Record>(tx: &Tx<'_>, nth: u8) -> Result<(), StoreError> {
        if let Some(key) = Walk::<R>::table().keys(tx, usize::from(nth) + 1)?.pop() {
            tx.remove::<R>(&key)?;
        }
        Ok(())
    }
    match kind {
        0 => one::<UserRecord>(tx, nth),
        1 => one::<SessionRecord>(tx, nth),
        2 => one::<ApiKeyRecord>(tx, nth),
        3 => one::<AuditRecord>(tx, nth),
        4 => one::<SecurityEventRecord>(tx, nth),
        5 => one::<ImageRecord>(tx, nth),
        6 => one::<TemplateRecord>(tx, nth),
        7 => match Walk::<UploadRecord>::table().ascending().keys(tx, usize::from(nth) + 1)?.pop() {
            // Those with chunks are removed as people do it.
            Some(key) if key.bytes().starts_with(b"r") => tx.remove::<UploadRecord>(&key).map(drop),
            _ => Ok(()),
        },
        8 => match Walk::<HistoryRecord>::table().keys(tx, usize::from(nth) + 1)?.pop() {
            Some(key) => {
                tx.change(SCRIPTS)?.remove(key.bytes())?;
                tx.remove::<HistoryRecord>(&key).map(drop)
            }
            None => Ok(()),
        },
        _ => one::<NotificationRecord>(tx, nth),
    }
}

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Kept,
    Fails,
    Panics,
    ClaimsNothing,
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, Parts),
    Remove(u8, u8),
}

#[derive(Debug, Clone)]
enum Operation {
    /// Changes that are asked for at once, each of several steps.
    Changes(Vec<(Vec<Step>, End)>),
    /// A call of a repository.
    Call(u8, Parts),
}

async fn change(store: &Store, steps: Vec<Step>, end: End) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let marker = format!("marker {}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let outcome = store.write({
        let marker = marker.clone();
        move |tx: &Tx<'_>| -> Result<Written<()>, StoreError> {
            for step in &steps {
                match step {
                    Step::Put(kind, parts) => put(tx, *kind, parts)?,
                    Step::Remove(kind, nth) => remove(tx, *kind, *nth)?,
                }
            }
            tx.set_meta(&marker, b"here")?;
            match end {
                End::Kept => Ok(tx.housekeeping(())),
                End::Fails => Err(StoreError::corrupt("test", "as asked")),
                End::Panics => panic!("as asked"),
                End::ClaimsNothing => tx.unchanged(()),
            }
        }
    });
    let outcome = outcome.await;
    let is_kept = store.read(|view| meta(view, &marker)).unwrap();
    assert_eq!(outcome.is_ok(), is_kept, "{outcome:?}");
    match (end, outcome) {
        (_, Err(StoreError::Taken { .. }))
        | (End::Kept, Ok(()))
        | (End::Fails, Err(StoreError::Corrupt { table: "test", .. }))
        | (End::Panics, Err(StoreError::Panicked))
        | (End::ClaimsNothing, Err(StoreError::Unaudited)) => {}
        (end, outcome) => panic!("{end:?}: {outcome:?}"),
    }
}

fn meta(view: &View, key: &str) -> Result<bool, StoreError> {
    Ok(redb::ReadableTable::get(&view.0.open_table(super::META)?, key)?.is_some())
}

/// One call of the repositories.
async fn call(store: &Store, which: u8, parts: Parts) -> Result<(), StoreError> {
    let (owner, audit, upload) = (parts.owner(), parts.audit(), format!("t{}", parts.id));
    match which {
        // Real ids are random: none comes twice.
        0 if store.upload(&upload)?.is_some() => {}
        0 => drop(store.begin_upload(parts.upload(upload, UploadStatus::Uploading), 3, audit).await?),
        1 | 2 => {
            let row = |index| ChunkRow { upload_id: upload.clone(), index, digest: [parts.id; 32] };
            let rows = vec![row(parts.word.into()), row(parts.owner.into())];
            drop(store.count_chunks(rows, parts.time).await?);
        }
        3 => store.forget_chunks(upload, vec![parts.word.into(), 1]).await?,
        4 => store.finish_upload(upload, audit).await?,
        5 => store.remove_upload(upload, audit).await?,
        6 => store.add_history(parts.job(parts.time), "#!/bin/sh".into(), audit).await?,
        7 => drop(store.end_sessions_of(owner, audit).await?),
        8 => drop(store.expire_sessions(parts.time, 2).await?),
        9 => {
            let session = store.sessions_of(&owner, &PageRequest::first(1))?.items.pop();
            if let Some(session) = session {
                let (token, new) = (parts.word(), "new".to_owned());
                store.rotate_session(session.id, (token, new), parts.time, 0, audit).await?;
            }
        }
        10 => drop(store.notify(parts.notification(0)).await?),
        11 => drop(store.mark_all_read(owner, 2).await?),
        12 => {
            let images = [0, 1, 2].map(|more| Parts { id: parts.id + more, ..parts }.image());
            store.replace_images(owner, images.into(), audit).await?;
        }
        13 => {
            let filter = EventFilter::Severity(parts.severity(), false);
            let event = store.event_page(&filter, None, None, &PageRequest::first(1))?.items.pop();
            if let Some(event) = event {
                assert!(store.resolve_event(event.key(), "done".into(), audit).await?);
            }
        }
        14 => drop(store.revoke_api_key(owner, parts.id(), audit).await?),
        _ => store.api_key_used(parts.id(), parts.time).await?,
    }
    Ok(())
}

fn parts() -> impl Strategy<Value = Parts> {
    (0..8_u8, 0..4_u8, 0..3_u8, any::<bool>(), -2..6_i64).prop_map(|(id, owner, word, flag, time)| Parts {
        id,
        owner,
        word,
        flag,
        time,
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let step = prop_oneof![
        3 => (0..10_u8, parts()).prop_map(|(kind, parts)| Step::Put(kind, parts)),
        1 => (0..10_u8, 0..6_u8).prop_map(|(kind, nth)| Step::Remove(kind, nth)),
    ];
    let end =
        prop_oneof![8 => Just(End::Kept), 1 => Just(End::Fails), 1 => Just(End::Panics), 1 => Just(End::ClaimsNothing)];
    let change = (prop::collection::vec(step, 1..8), end);
    prop_oneof![
        1 => prop::collection::vec(change, 1..6).prop_map(Operation::Changes),
        2 => (0..16_u8, parts()).prop_map(|(which, parts)| Operation::Call(which, parts)),
    ]
}

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
        if lookup.kind == super::record::Kind::Counted {
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
        let (audit, event) = (AuditFilter::User(id.clone()), EventFilter::User(id.clone()));
        let of = |row: &AuditRecord| row.user_id.as_deref() == user;
        let newest = |row: &AuditRecord| Reverse((row.at, row.seq));
        same(store, of, newest, store.audit_count(&audit).ok(), |page| store.audit_page(&audit, None, None, page));
        same(
            store,
            |row| of(row) && (1..3).contains(&row.at),
            newest,
            None,
            |page| store.audit_page(&audit, Some(1), Some(3), page),
        );
        let of = |row: &SecurityEventRecord| row.user_id.as_deref() == user;
        let newest = |row: &SecurityEventRecord| Reverse((row.at, row.seq));
        same(store, of, newest, store.event_count(&event).ok(), |page| store.event_page(&event, None, None, page));
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
        let filter = EventFilter::Severity(severity, is_resolved);
        let is_in = |row: &SecurityEventRecord| row.severity == severity && row.resolved_at.is_some() == is_resolved;
        let newest = |row: &SecurityEventRecord| Reverse((row.at, row.seq));
        same(store, is_in, newest, store.event_count(&filter).ok(), |page| store.event_page(&filter, None, None, page));
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
        every_record(&mut LookupsSayWhatAScanSays(&store)).unwrap();
        repositories_say_what_a_scan_says(&store);
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
            let page = store.audit_page(&AuditFilter::User(owner.into()), from, to, &request).unwrap();
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
