//! Every look-up, a page of 50 at a time: the first, one in the middle, a deep one, of many users.
use std::hint::black_box;
use std::time::Instant;

use slurmdash::store::audit::AuditFilter;
use slurmdash::store::events::{EventFilter, Severity};
use slurmdash::store::history::HistoryFilter;
use slurmdash::store::images::ImageFilter;
use slurmdash::store::templates::TemplateFilter;
use slurmdash::store::uploads::UploadFilter;
use slurmdash::store::walk::{Cursor, Page, PageRequest};
use slurmdash::store::{Store, StoreError};
use slurmdash_api::audit::AuditResult;

use crate::fill::{
    ACTIONS, BEGIN, CATEGORIES, Dice, END, KINDS, PARTITIONS, STATES, STATUSES, USERS, address, key_hash,
};

/// Rows of a page.
const ROWS: usize = 50;
/// Pages that are read before the time of one is taken down.
const SAMPLES: usize = 2000;
/// Groups that are asked for.
const GROUPS: usize = 200;

type Read = Box<dyn Fn(&PageRequest) -> Result<Option<Cursor>, StoreError>>;

/// One way to look something up: its name, and how to ask for one of its groups.
type Way = (&'static str, fn(&Store, &mut Dice) -> Read);

fn next<R>(page: Result<Page<R>, StoreError>) -> Result<Option<Cursor>, StoreError> {
    page.map(|page| black_box(page).next)
}

/// A way to look something up: the group is drawn once, then its pages are asked for.
macro_rules! way {
    ($name:literal, |$dice:ident| $group:expr, |$store:ident, $of:ident, $page:ident| $read:expr) => {
        ($name, |store, $dice| {
            let ($store, $of) = (store.clone(), $group);
            Box::new(move |$page| next($read))
        })
    };
}

const WAYS: [Way; 24] = [
    way!("sessions by user", |dice| dice.user(), |store, of, page| store.sessions_of(&of, page)),
    way!("API keys by user", |dice| dice.user(), |store, of, page| store.api_keys_of(&of, page)),
    way!("API keys active by expiry", |_dice| BEGIN, |store, of, page| store.active_api_keys(of, page)),
    way!("audit by time", |_dice| AuditFilter::default(), |store, of, page| store.audit_page(&of, page)),
    way!("audit by user and time", |dice| AuditFilter::user(dice.user()), |store, of, page| {
        store.audit_page(&of, page)
    }),
    way!("audit by action and time", |dice| AuditFilter::action(dice.of(&ACTIONS)), |store, of, page| {
        store.audit_page(&of, page)
    }),
    way!(
        "audit by user between two times",
        |dice| AuditFilter {
            from: Some(BEGIN + i64::try_from(dice.below(500_000)).unwrap_or_default()),
            to: Some(END - 100_000),
            ..AuditFilter::user(dice.user())
        },
        |store, of, page| store.audit_page(&of, page)
    ),
    way!(
        "audit by address and time",
        |dice| AuditFilter { address: Some(address(dice)), ..AuditFilter::default() },
        |store, of, page| store.audit_page(&of, page)
    ),
    way!(
        "audit refused by time",
        |_dice| AuditFilter { result: Some(AuditResult::Refused), ..AuditFilter::default() },
        |store, of, page| store.audit_page(&of, page)
    ),
    way!(
        "search of the audit log by user and result",
        |dice| AuditFilter { result: Some(AuditResult::Refused), ..AuditFilter::user(dice.user()) },
        |store, of, page| store.audit_page(&of, page)
    ),
    way!("events by time", |_dice| EventFilter::default(), |store, of, page| store.event_page(&of, page)),
    way!("events by user and time", |dice| EventFilter::user(dice.user()), |store, of, page| {
        store.event_page(&of, page)
    }),
    way!(
        "events by severity and resolved",
        |dice| EventFilter::severity(dice.of(&Severity::ALL), false),
        |store, of, page| store.event_page(&of, page)
    ),
    way!("images by name", |_dice| ImageFilter::All, |store, of, page| store.image_page(&of, page)),
    way!("images by partition", |dice| ImageFilter::Partition(dice.of(&PARTITIONS).into()), |store, of, page| {
        store.image_page(&of, page)
    }),
    way!(
        "images by partition, type, name",
        |dice| ImageFilter::Type(dice.of(&PARTITIONS).into(), dice.of(&KINDS).into()),
        |store, of, page| store.image_page(&of, page)
    ),
    way!("templates by created", |_dice| TemplateFilter::All, |store, of, page| store.template_page(&of, page)),
    way!(
        "templates by category, public, created",
        |dice| TemplateFilter::Category(dice.of(&CATEGORIES).into(), dice.below(2) == 0),
        |store, of, page| store.template_page(&of, page)
    ),
    way!("uploads by user and created", |dice| dice.user(), |store, of, page| {
        store.upload_page(&of, UploadFilter::All, page)
    }),
    way!("uploads by user, status, created", |dice| (dice.user(), dice.of(&STATUSES)), |store, of, page| {
        store.upload_page(&of.0, UploadFilter::Status(of.1), page)
    }),
    way!("jobs by time", |_dice| HistoryFilter::All, |store, of, page| store.history_page(&of, None, None, page)),
    way!("jobs by user and time", |dice| HistoryFilter::Owner(dice.user()), |store, of, page| {
        store.history_page(&of, None, None, page)
    }),
    way!(
        "jobs by user, status, time",
        |dice| HistoryFilter::State(dice.user(), dice.of(&STATES)),
        |store, of, page| store.history_page(&of, None, None, page)
    ),
    way!("notifications by user, read, time", |dice| (dice.user(), dice.below(2) == 0), |store, of, page| {
        store.notification_page(&of.0, of.1, page)
    }),
];

/// How long one look-up took: the slowest of a hundred, and the usual one; microseconds.
pub struct Took {
    pub name: &'static str,
    pub p99: f64,
    pub median: f64,
}

/// Where the pages of a group begin: at its beginning, in the middle, and deep down.
fn places(read: &Read) -> Vec<PageRequest> {
    let (mut cursors, mut request) = (Vec::new(), PageRequest::first(1000));
    while let Some(next) = read(&request).expect("a page") {
        cursors.push(next.clone());
        request.after = Some(next);
    }
    if cursors.is_empty() {
        // A small group: pages of ten find its cursors.
        request = PageRequest::first(10);
        while let Some(next) = read(&request).expect("a page") {
            cursors.push(next.clone());
            request.after = Some(next);
        }
    }
    let at = |after| PageRequest { after, limit: ROWS };
    let mut places = vec![at(None)];
    if !cursors.is_empty() {
        places.push(at(Some(cursors[cursors.len() / 2].clone())));
        places.push(at(Some(cursors[cursors.len() * 9 / 10].clone())));
    }
    places
}

/// Reads one page of every look-up, for the memory that it takes.
pub fn read_all(store: &Store) {
    let mut dice = Dice::new(7);
    for (_, way) in &WAYS {
        for _ in 0..20 {
            let read = way(store, &mut dice);
            read(&PageRequest::first(ROWS)).expect("a page");
        }
    }
}

/// Measures every look-up.
pub fn measure(store: &Store) -> Vec<Took> {
    let mut dice = Dice::new(42);
    let mut all = vec![single(store, &mut dice)];
    for (name, way) in &WAYS {
        let is_grouped =
            !matches!(*name, "audit by time" | "jobs by time" | "events by time" | "audit by action and time");
        let groups = if is_grouped { GROUPS } else { 6 };
        let groups: Vec<(Read, Vec<PageRequest>)> = (0..groups)
            .map(|_| {
                let read = way(store, &mut dice);
                let places = places(&read);
                (read, places)
            })
            .collect();
        let mut times = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let (read, places) = &groups[usize::try_from(dice.below(groups.len() as u64)).unwrap_or_default()];
            let place = &places[usize::try_from(dice.below(places.len() as u64)).unwrap_or_default()];
            let begin = Instant::now();
            black_box(read(place).expect("a page"));
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        all.push(took(name, times));
    }
    all
}

/// Look-ups that find one record.
fn single(store: &Store, dice: &mut Dice) -> Took {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let number = dice.below(USERS);
        let begin = Instant::now();
        black_box(store.user_by_name(&format!("user{number}")).expect("a user")).expect("a user");
        black_box(store.api_key_by_hash(&key_hash(number)).expect("a key")).expect("a key");
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    took("a user by name and an API key by hash", times)
}

fn took(name: &'static str, mut times: Vec<f64>) -> Took {
    times.sort_by(f64::total_cmp);
    Took { name, p99: times[times.len() * 99 / 100], median: times[times.len() / 2] }
}
