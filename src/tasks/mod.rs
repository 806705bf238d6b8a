//! What goes on in the background while serving. Each task ends when the program stops.

mod poller;
mod upkeep;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use slurmdash_api::live::ServerMessage;
use slurmdash_api::templates::TemplateQuery;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::control;

/// Pause between two looks at the template folder.
const TEMPLATES_EVERY: Duration = Duration::from_secs(2);
/// Pause between two searches for dead uploads.
const UPLOADS_EVERY: Duration = Duration::from_mins(10);

/// Starts them all.
pub fn start(app: &Arc<App>, tasks: &TaskTracker) {
    spawn(app, tasks, poller::run(app.clone()));
    spawn(app, tasks, watch_templates(app.clone()));
    spawn(app, tasks, expire_uploads(app.clone()));
    spawn(app, tasks, tell_uploads(app.clone()));
    spawn(app, tasks, upkeep::run(app.clone()));
    match control::listen(app) {
        Ok(listening) => spawn(app, tasks, listening),
        Err(error) => tracing::warn!(%error, "commands like `slurmdash backup create` can't reach this server"),
    }
}

fn spawn(app: &Arc<App>, tasks: &TaskTracker, work: impl Future<Output = ()> + Send + 'static) {
    let stopping = app.stopping.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = work => {}
        }
    });
}

/// Reads the template folder again when a file in it has changed.
async fn watch_templates(app: Arc<App>) {
    let mut turns = interval(TEMPLATES_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_readable = true;
    loop {
        turns.tick().await;
        let templates = app.templates.clone();
        let refreshed = tokio::task::spawn_blocking(move || templates.refresh()).await;
        match refreshed {
            Ok(Ok(changed)) => {
                was_readable = true;
                if changed {
                    tracing::info!("the template folder has changed");
                    let list = app.templates.list(&TemplateQuery::default(), false);
                    app.live.tell(&ServerMessage::Templates(list), None);
                }
            }
            Ok(Err(error)) if was_readable => {
                was_readable = false;
                tracing::warn!(%error, "the template folder can't be read; what was read before stays");
            }
            Ok(Err(_)) => {}
            Err(error) => tracing::error!(%error, "reading templates failed"),
        }
    }
}

/// Removes uploads that nobody goes on with.
async fn expire_uploads(app: Arc<App>) {
    let mut turns = interval(UPLOADS_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        match app.uploads.expire().await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "dead uploads removed"),
            Err(error) => tracing::error!(%error, "dead uploads can't be removed; will try again"),
        }
    }
}

/// Passes upload progress on to its owner's viewers.
async fn tell_uploads(app: Arc<App>) {
    let mut progress = app.uploads.progress();
    loop {
        match progress.recv().await {
            Ok((owner, progress)) => app.live.tell(&ServerMessage::UploadProgress(progress), Some(&owner)),
            // Progress is only ever about the latest state.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
