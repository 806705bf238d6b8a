//! Looking after the certificate while it is served: files that change are read again, what ends is renewed or said.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{Looks, Source, Tls};

/// So many links in a row are followed at most, as the system does it (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

impl Tls {
    /// Looks after the certificate for as long as it is polled.
    ///
    /// The folders are watched, not the files: whoever renews puts another file or link in the place of the old one. A
    /// look now and then finds what watching doesn't see, such as changes on another host's disk.
    pub async fn watch(self: Arc<Self>, looks: Looks) {
        loop {
            // Watching begins before the look, so that nothing falls between; and anew each time, as links may lead
            // elsewhere and a folder may be another one by now.
            let changed = Arc::new(Notify::new());
            let watcher = self.watcher(&changed);
            let tls = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
                tracing::error!(%error, "looking for another certificate failed");
            }
            if timeout(looks.every, changed.notified()).await.is_ok() {
                sleep(looks.settle).await;
            }
            drop(watcher);
        }
    }

    fn watcher(&self, changed: &Arc<Notify>) -> Option<RecommendedWatcher> {
        let Source::Files { certificate, key } = &self.source else { return None };
        let changed = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                changed.notify_one();
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::debug!(%error, "certificates can't be watched; they are looked at now and then");
                return None;
            }
        };
        for folder in folders(&[certificate, key]) {
            if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, folder = %folder.display(), "can't be watched");
            }
        }
        Some(watcher)
    }
}

/// Whether something was changed. Our own reading is an event too.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The folders of these files, and of every link on the way to them.
fn folders(files: &[&Path]) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for file in files {
        let mut file = file.to_path_buf();
        for _ in 0..MAX_LINKS {
            let Some(folder) = file.parent().map(Path::to_path_buf) else { break };
            let link = std::fs::read_link(&file);
            folders.insert(folder.clone());
            match link {
                // A relative one is so from its folder; an absolute one takes its place.
                Ok(to) => file = folder.join(to),
                Err(_) => break,
            }
        }
    }
    folders
}
