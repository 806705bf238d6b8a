//! One look at Slurm, many viewers: the last known state of the cluster, and who is told when it changes.
//!
//! [`snapshot`] is the state and what changed between two of them; [`topics`] what can be subscribed to; [`connection`]
//! one WebSocket; [`output`] follows a job's output file. The poller that refills the snapshot is in `tasks`.

pub mod connection;
pub mod output;
pub mod snapshot;
pub mod topics;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use slurmdash_api::live::ServerMessage;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::timeout;

use snapshot::Snapshot;
use topics::Topic;

/// Messages a connection may lag behind before it is dropped.
const BACKLOG: usize = 256;
/// How long a request may wait for the first look at Slurm after the start.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// Somebody who asked over HTTP counts as watching for so long.
const WATCHES_FOR: Duration = Duration::from_secs(30);

/// A message on its way to subscribers, written as JSON once for all of them.
#[derive(Debug, Clone)]
pub struct Event {
    /// Who gets it.
    pub topic: Topic,
    /// Only this account's connections, when named.
    pub only_user: Option<Arc<str>>,
    /// The message.
    pub text: Utf8Bytes,
}

/// The cluster's last known state and its viewers.
pub struct Live {
    snapshot: watch::Sender<Arc<Snapshot>>,
    events: broadcast::Sender<Event>,
    connections: Arc<Semaphore>,
    watchers: AtomicUsize,
    last_asked: std::sync::Mutex<Option<Instant>>,
    look_now: Notify,
    /// Held while a state is put in place and told.
    publishing: std::sync::Mutex<()>,
}

impl Live {
    /// `max_connections`: WebSockets at once.
    pub fn new(max_connections: usize) -> Self {
        Self {
            snapshot: watch::Sender::new(Arc::default()),
            events: broadcast::Sender::new(BACKLOG),
            connections: Arc::new(Semaphore::new(max_connections)),
            watchers: AtomicUsize::new(0),
            last_asked: std::sync::Mutex::new(None),
            look_now: Notify::new(),
            publishing: std::sync::Mutex::default(),
        }
    }

    /// The last known state, for somebody who looks at it now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        if let Ok(mut asked) = self.last_asked.lock() {
            *asked = Some(Instant::now());
        }
        self.snapshot.borrow().clone()
    }

    /// The last known state; just after the start, the first one, unless Slurm takes long to answer.
    pub async fn current(&self) -> Arc<Snapshot> {
        let looked = |snapshot: &Arc<Snapshot>| snapshot.is_filled() || snapshot.freshness.stale;
        // Whatever there is when the time is over is the answer.
        let _ = timeout(FIRST_LOOK, self.wait_for(looked)).await;
        self.snapshot()
    }

    /// The last known state, for somebody who does not count as a viewer.
    pub fn last_known(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }

    /// Puts a new state in place, made from the one before it, and tells its viewers what changed. One at a time, so that
    /// nobody undoes what another has changed, and viewers hear of the changes in their order.
    pub fn publish(&self, change: impl FnOnce(&Snapshot) -> Snapshot) {
        let _alone = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = self.last_known();
        let next = Arc::new(change(&previous));
        self.snapshot.send_replace(next.clone());
        for message in snapshot::changes(&previous, &next) {
            self.tell(&message, None);
        }
    }

    /// Sends a message to the subscribers of its topic, or to those of one account only.
    pub fn tell(&self, message: &ServerMessage, only_user: Option<&str>) {
        let Some(topic) = Topic::of(message) else { return };
        match serde_json::to_string(message) {
            Ok(text) => {
                // Nobody is connected: nobody is told.
                let _ = self.events.send(Event { topic, only_user: only_user.map(Arc::from), text: text.into() });
            }
            Err(error) => tracing::error!(%error, "a live message can't be written as JSON"),
        }
    }

    /// All messages from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// A place for one more WebSocket, if there is one.
    pub fn admit(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().try_acquire_owned().ok()
    }

    /// Counts one more viewer of the cluster until dropped.
    pub fn watch(self: &Arc<Self>) -> Watching {
        if self.watchers.fetch_add(1, Ordering::Relaxed) == 0 {
            self.look_now();
        }
        Watching(self.clone())
    }

    /// Whether anybody looks.
    pub fn is_watched(&self) -> bool {
        let asked = self.last_asked.lock().ok().and_then(|asked| *asked);
        self.watchers.load(Ordering::Relaxed) > 0 || asked.is_some_and(|asked| asked.elapsed() < WATCHES_FOR)
    }

    /// Asks the poller not to wait for its next turn: something has just changed.
    pub fn look_now(&self) {
        self.look_now.notify_one();
    }

    /// Has Slurm looked at now, and waits until that is known.
    pub async fn look_and_wait(&self) {
        let mut states = self.snapshot.subscribe();
        self.look_now();
        // The sender is `self` and still here.
        let _ = states.changed().await;
    }

    /// Waits until somebody calls [`Live::look_now`].
    pub async fn wanted(&self) {
        self.look_now.notified().await;
    }

    /// Waits for the first state that `is_right` accepts.
    pub async fn wait_for(&self, is_right: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
        let mut receiver = self.snapshot.subscribe();
        match receiver.wait_for(is_right).await {
            Ok(snapshot) => snapshot.clone(),
            // The sender is `self` and still here.
            Err(_) => self.snapshot.borrow().clone(),
        }
    }
}

/// One viewer; dropping it ends the watching.
pub struct Watching(Arc<Live>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
