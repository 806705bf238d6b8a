//! What is done for people who are not asking: settling what a crash left open, removing what nobody goes on with.
//!
//! It is done with their own hands all the same. Who can't be reached is tried again at the next turn.
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::iter;

use super::session::Session;
use super::{Shared, UploadError, Uploads};
use crate::store::audit::{AuditEntry, By};

/// So many people's uploads are worked on at once, so that one who can't be reached keeps few others waiting.
const OWNERS_AT_ONCE: usize = 8;

/// What is to be done with an upload.
#[derive(Debug, Clone, Copy)]
enum Task {
    Settle,
    Expire,
}

impl Uploads {
    /// Completes the uploads whose file got its name just before a crash or a lost answer, and says how many.
    pub async fn settle(&self) -> usize {
        self.shared.for_all(Task::Settle).await
    }

    /// Removes open uploads that nobody has sent a chunk of for too long, and says how many.
    pub async fn expire(&self) -> usize {
        self.shared.for_all(Task::Expire).await
    }
}

impl Shared {
    async fn for_all(&self, task: Task) -> usize {
        let mut by_owner: HashMap<String, Vec<Arc<Session>>> = HashMap::new();
        for session in self.sessions().values().filter(|session| self.is_due(session, task)) {
            by_owner.entry(session.record.owner_id.clone()).or_default().push(session.clone());
        }
        let turns = iter(by_owner).map(|(owner_id, sessions)| self.for_owner(owner_id, sessions, task));
        turns.buffer_unordered(OWNERS_AT_ONCE).fold(0, async |sum, done| sum + done).await
    }

    async fn for_owner(&self, owner_id: String, sessions: Vec<Arc<Session>>, task: Task) -> usize {
        let mut done = 0;
        for session in sessions {
            match self.work_on(&session, task).await {
                Ok(is_done) => {
                    done += usize::from(is_done);
                    self.set_trouble(&owner_id, None);
                }
                Err(error) => {
                    self.set_trouble(&owner_id, Some((&error, session.id())));
                    // Nothing else can be done for this person now.
                    if matches!(error, UploadError::Hands(_)) {
                        break;
                    }
                }
            }
        }
        done
    }

    fn is_due(&self, session: &Session, task: Task) -> bool {
        let is_busy = session.is_busy();
        let state = session.state();
        match task {
            _ if state.closed => false,
            Task::Settle => state.inode.is_some(),
            Task::Expire => !is_busy && state.touched.saturating_add(self.expire_after) <= self.clock.now(),
        }
    }

    async fn work_on(&self, session: &Session, task: Task) -> Result<bool, UploadError> {
        let _ending = session.ending.lock().await;
        // It may have come back to life, or to its end, in the meantime.
        if !self.is_due(session, task) {
            return Ok(false);
        }
        let by = By::system(self.clock.now());
        let hands = self.hands(&session.record.owner_id).await?;
        if self.is_renamed(session, &*hands).await? {
            self.mark_completed(session, by).await?;
            return Ok(matches!(task, Task::Settle));
        }
        if matches!(task, Task::Expire) {
            self.discard(session, AuditEntry::done(by, "upload.expire", session.id())).await?;
        }
        Ok(matches!(task, Task::Expire))
    }

    /// Remembers whose uploads can't be worked on, and logs it when that begins.
    fn set_trouble(&self, owner_id: &str, trouble: Option<(&UploadError, &str)>) {
        // Every change is one call, so a panic elsewhere leaves it whole.
        let mut troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            None => {
                troubled.remove(owner_id);
            }
            Some((error, upload)) => {
                if troubled.insert(owner_id.to_owned()) {
                    tracing::warn!(%error, account = owner_id, upload, "uploads wait for their turn; will try again");
                }
            }
        }
    }
}
