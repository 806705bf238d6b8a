//! Forgetting what is old, a little at a time, so that nobody waits for it.
use std::fmt;

use slurmdash_api::UnixSeconds;
use slurmdash_api::uploads::UploadStatus;

use super::audit::{AuditEntry, By};
use super::events::SecurityEventRecord;
use super::history::{HistoryRecord, REQUESTS, SCRIPTS};
use super::key::Key;
use super::notifications::NotificationRecord;
use super::record::Record;
use super::tx::Tx;
use super::uploads::{UploadRecord, remove_chunks, with_status};
use super::walk::{PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// Records that are looked at in one transaction.
const BATCH: usize = 500;
const DAY: i64 = 24 * 60 * 60;
/// An `Idempotency-Key` is remembered for so long.
const KEYS_DAYS: i64 = 7;

/// How long each kind of record stays, days; 0 is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Audit rows, from when they were written; in the order of writing, so that the chain stays whole.
    pub audit: u32,
    /// Security events, from when they were last detected, whether somebody has dealt with them or not.
    pub security_events: u32,
    /// Notifications, read or not.
    pub notifications: u32,
    /// Records of uploads that take no more chunks, from their last change. Files and the ownership of job folders stay.
    pub uploads: u32,
    /// Jobs that are over, from their end, with their scripts.
    pub history: u32,
}

/// How many records of each kind were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Audit rows.
    pub audit: usize,
    /// Security events.
    pub security_events: usize,
    /// Notifications.
    pub notifications: usize,
    /// Records of uploads.
    pub uploads: usize,
    /// Jobs.
    pub history: usize,
    /// Sessions that had expired.
    pub sessions: usize,
    /// Answers to submissions, kept for `Idempotency-Key`.
    pub submissions: usize,
}

impl Removed {
    fn kinds(&self) -> [(&'static str, usize); 7] {
        [
            ("audit", self.audit),
            ("security_events", self.security_events),
            ("notifications", self.notifications),
            ("uploads", self.uploads),
            ("history", self.history),
            ("sessions", self.sessions),
            ("submissions", self.submissions),
        ]
    }

    /// How many in all.
    pub fn total(&self) -> usize {
        self.kinds().iter().map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = self.kinds().into_iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = some.map(|(kind, count)| format!("{kind} {count}")).collect();
        out.write_str(&words.join(", "))
    }
}

/// Removes what is older than `limits` allow, and writes one audit row when that was anything.
pub async fn run(store: &Store, limits: &Limits, now: UnixSeconds) -> Result<Removed, StoreError> {
    let mut removed = Removed::default();
    let outcome = remove(store, limits, now, &mut removed).await;
    if removed.total() > 0 {
        // What was removed is told even when the rest could not be.
        store.audit(AuditEntry::done(By::system(now), "store.retention", removed.to_string())).await?;
    }
    outcome.map(|()| removed)
}

async fn remove(store: &Store, limits: &Limits, now: UnixSeconds, removed: &mut Removed) -> Result<(), StoreError> {
    let before = |days: u32| (days > 0).then(|| now.saturating_sub(i64::from(days) * DAY));
    if let Some(before) = before(limits.audit) {
        forget_audit(store, before, now, &mut removed.audit).await?;
    }
    if let Some(before) = before(limits.security_events) {
        let all = Walk::<SecurityEventRecord>::table;
        let is_past = |event: &SecurityEventRecord, before| event.last_seen() < before;
        sweep(store, before, all, is_past, |_, _| Ok(()), &mut removed.security_events).await?;
    }
    if let Some(before) = before(limits.notifications) {
        let all = Walk::<NotificationRecord>::table;
        sweep(store, before, all, |_, _| true, |_, _| Ok(()), &mut removed.notifications).await?;
    }
    if let Some(before) = before(limits.uploads) {
        let is_past = |upload: &UploadRecord, before| upload.updated_at < before;
        let chunks = |tx: &Tx<'_>, upload: &UploadRecord| remove_chunks(tx, &upload.id);
        for finished in [|| with_status(UploadStatus::Completed), || with_status(UploadStatus::Cancelled)] {
            sweep(store, before, finished, is_past, chunks, &mut removed.uploads).await?;
        }
    }
    if let Some(before) = before(limits.history) {
        let all = Walk::<HistoryRecord>::table;
        sweep(store, before, all, is_over_since, remove_script, &mut removed.history).await?;
    }
    loop {
        let expired = store.expire_sessions(now, BATCH).await?;
        let forgotten = store.forget_submissions(now.saturating_sub(KEYS_DAYS * DAY), BATCH).await?;
        removed.sessions += expired;
        removed.submissions += forgotten;
        if expired + forgotten == 0 {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

/// Removes audit rows from the beginning of their chain.
async fn forget_audit(
    store: &Store,
    before: UnixSeconds,
    now: UnixSeconds,
    removed: &mut usize,
) -> Result<(), StoreError> {
    let Some(last) = store.last_past_audit(before, now)? else { return Ok(()) };
    loop {
        let count = store.forget_audit(last, BATCH).await?;
        *removed += count;
        if count == 0 {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

fn is_over_since(record: &HistoryRecord, before: UnixSeconds) -> bool {
    record.is_over() && record.job.end_time.unwrap_or(record.submitted_at) < before
}

fn remove_script(tx: &Tx<'_>, record: &HistoryRecord) -> Result<(), StoreError> {
    tx.change(SCRIPTS)?.remove(record.key().bytes())?;
    tx.change(REQUESTS)?.remove(record.key().bytes())?;
    Ok(())
}

/// Goes through the records of `walk` whose order is a time before `before`, and removes those that are past, each with
/// what belongs to it.
async fn sweep<R: Record>(
    store: &Store,
    before: UnixSeconds,
    walk: fn() -> Walk<'static, R>,
    is_past: fn(&R, UnixSeconds) -> bool,
    also: fn(&Tx<'_>, &R) -> Result<(), StoreError>,
    removed: &mut usize,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let request = PageRequest { after, limit: BATCH };
        let older = walk().between(None, Some(Key::new().time(before))).ascending();
        let page = store.read(|view| older.page(view, &request))?;
        let past: Vec<Key> = page.items.iter().filter(|record| is_past(record, before)).map(Record::key).collect();
        if !past.is_empty() {
            let batch = store.write(move |tx| {
                let mut count = 0;
                for key in &past {
                    // It may have changed since it was read.
                    if let Some(record) = tx.get::<R>(key)?.filter(|record| is_past(record, before)) {
                        tx.remove::<R>(key)?;
                        also(tx, &record)?;
                        count += 1;
                    }
                }
                Ok(tx.housekeeping(count))
            });
            *removed += batch.await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}
