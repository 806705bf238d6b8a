//! Notifications: by user, whether they were read, and time.
use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::tx::{Tx, update};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRecord {
    /// Number, from 1, in the order of writing.
    pub seq: u64,
    /// Whose it is.
    pub user_id: String,
    /// When.
    pub at: UnixSeconds,
    /// What happened, as a word: `job_ended`.
    pub kind: String,
    /// A short headline.
    pub title: String,
    /// The rest, in a sentence or two.
    pub message: String,
    /// Page it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether its person has read it.
    pub is_read: bool,
}

const BY_READ: Lookup<NotificationRecord> = Lookup::counted("notifications.by_read", |notification| {
    Some(Entry::new(read_key(&notification.user_id, notification.is_read), Key::new().time(notification.at)))
});

fn read_key(user_id: &str, is_read: bool) -> Key {
    Key::new().text(user_id).byte(u8::from(is_read))
}

impl Record for NotificationRecord {
    const TABLE: &'static str = "notifications";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_READ];

    /// Time, then number: the table itself is in the order of time.
    fn key(&self) -> Key {
        Key::new().time(self.at).number(self.seq)
    }
}

/// What its numbers are given out under.
pub(crate) const NEXT: &str = "notifications";

impl Tx<'_> {
    /// Writes down a notification; its number is chosen here and answered.
    pub fn put_notification(&self, notification: NotificationRecord) -> Result<u64, StoreError> {
        let seq = self.next_number(NEXT)?;
        self.put(&NotificationRecord { seq, ..notification })?;
        Ok(seq)
    }
}

impl Store {
    /// Writes down a notification; its number is chosen here and answered.
    pub async fn notify(&self, notification: NotificationRecord) -> Result<u64, StoreError> {
        self.write(move |tx| tx.put_notification(notification.clone()).map(|seq| tx.housekeeping(seq))).await
    }

    /// A page of somebody's read or unread notifications, newest first.
    pub fn notification_page(
        &self,
        user_id: &str,
        is_read: bool,
        page: &PageRequest,
    ) -> Result<Page<NotificationRecord>, StoreError> {
        self.read(|view| Walk::group(&BY_READ, read_key(user_id, is_read)).page(view, page))
    }

    /// How many read or unread notifications somebody has.
    pub fn notification_count(&self, user_id: &str, is_read: bool) -> Result<u64, StoreError> {
        self.read(|view| view.count(&BY_READ, &read_key(user_id, is_read)))
    }

    /// Marks one as read; `false` when this person has none with this key that is unread.
    pub async fn mark_read(&self, user_id: String, key: Key) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let found = tx.get::<NotificationRecord>(&key)?;
            if !found.is_some_and(|found| found.user_id == user_id && !found.is_read) {
                return tx.unchanged(false);
            }
            update::<NotificationRecord>(tx, &key, |found| found.is_read = true)?;
            Ok(tx.housekeeping(true))
        })
        .await
    }

    /// Marks the newest `limit` unread ones as read and answers how many those were.
    pub async fn mark_all_read(&self, user_id: String, limit: usize) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let unread = Walk::group(&BY_READ, read_key(&user_id, false)).keys(tx, limit)?;
            for key in &unread {
                update::<NotificationRecord>(tx, key, |found| found.is_read = true)?;
            }
            Ok(tx.housekeeping(unread.len()))
        })
        .await
    }
}
