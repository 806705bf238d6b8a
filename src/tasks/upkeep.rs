//! Looking after the store while serving: scheduled backups, forgetting what is old, giving room back to the disk.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use slurmdash_api::UnixSeconds;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::config::Config;
use crate::store::backup::{self, Purpose, SCHEDULED};
use crate::store::retention::{self, Limits};
use crate::store::{Store, StoreError};

/// Pause between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A start is left alone for so long, seconds.
const SETTLING: i64 = 60;
/// What failed is tried again after so long, seconds.
const AGAIN: i64 = 10 * 60;
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Does what is due, again and again.
pub async fn run(app: Arc<App>) {
    let start = app.clock.now() + SETTLING;
    let mut backup = Chore::new("the store can't be backed up; will try again", first_backup(&app, start).await);
    let mut retention = Chore::new("old records can't be removed; will try again", Some(start));
    let mut turns = interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let now = app.clock.now();
        if backup.is_due(now) {
            let made = make_backup(&app, now).await;
            backup.done(now, backup_every(&app.config).unwrap_or(DAY), made);
        }
        if retention.is_due(now) {
            let made = forget(&app, now).await;
            retention.done(now, DAY, made);
        }
    }
}

/// Something that is done from time to time.
struct Chore {
    failure: &'static str,
    /// `None` is never.
    due: Option<UnixSeconds>,
    has_failed: bool,
}

impl Chore {
    fn new(failure: &'static str, due: Option<UnixSeconds>) -> Self {
        Self { failure, due, has_failed: false }
    }

    fn is_due(&self, now: UnixSeconds) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Chooses the next time, and tells the first of several failures.
    fn done(&mut self, now: UnixSeconds, every: i64, outcome: Result<(), StoreError>) {
        self.due = Some(now + if outcome.is_ok() { every } else { AGAIN.min(every) });
        match outcome {
            Ok(()) => self.has_failed = false,
            Err(error) if !self.has_failed => {
                self.has_failed = true;
                tracing::error!(%error, "{}", self.failure);
            }
            Err(_) => {}
        }
    }
}

fn backup_every(config: &Config) -> Option<i64> {
    Some(i64::from(config.store.backup_every_hours) * HOUR).filter(|every| *every > 0)
}

/// When the first scheduled backup is due: a start neither skips one nor makes one more.
async fn first_backup(app: &App, start: UnixSeconds) -> Option<UnixSeconds> {
    let every = backup_every(&app.config)?;
    let folder = app.config.backups_dir();
    let newest = spawn_blocking(move || newest_scheduled(&folder)).await.ok().flatten();
    // One from the future tells of a clock that was wrong.
    Some(newest.map_or(start, |newest| start.max(newest.min(app.clock.now()) + every)))
}

fn newest_scheduled(folder: &Path) -> Option<UnixSeconds> {
    // A folder that can't be read is found out by the backup itself.
    let found = backup::list(folder).unwrap_or_default();
    let headers = found.into_iter().filter_map(|one| one.header.ok());
    headers.filter(|header| header.reason == SCHEDULED).map(|header| header.created_at).max()
}

async fn make_backup(app: &App, now: UnixSeconds) -> Result<(), StoreError> {
    let (folder, keep) = (app.config.backups_dir(), app.config.backup_keep());
    let made = in_background(&app.store, move |store| store.backup(&folder, &Purpose { reason: SCHEDULED, now, keep }));
    let made = made.await?;
    tracing::info!(file = %made.path.display(), bytes = made.header.size, "the store is backed up");
    Ok(())
}

async fn forget(app: &App, now: UnixSeconds) -> Result<(), StoreError> {
    let removed = retention::run(&app.store, &limits(&app.config), now).await?;
    if removed.total() > 0 {
        tracing::info!(%removed, "old records removed");
    }
    let compacted =
        in_background(
            &app.store,
            |store| {
                if store.is_compaction_worth_it()? { store.compact().map(Some) } else { Ok(None) }
            },
        );
    if let Some(sizes) = compacted.await? {
        tracing::info!(before = sizes.before, after = sizes.after, "the store's file is smaller now");
    }
    Ok(())
}

/// Does something that takes time where it keeps nobody waiting.
async fn in_background<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = store.clone();
    spawn_blocking(move || work(&store)).await.unwrap_or(Err(StoreError::Panicked))
}

fn limits(config: &Config) -> Limits {
    Limits {
        audit: config.store.audit_days,
        security_events: config.store.security_event_days,
        notifications: config.store.notification_days,
        uploads: config.store.upload_days,
        history: config.store.history_days,
    }
}
