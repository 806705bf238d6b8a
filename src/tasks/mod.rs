//! What goes on in the background while serving. Each task ends when the program stops.

mod controllers;
mod poller;
mod upkeep;

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use slurmdash_api::live::ServerMessage;
use slurmdash_api::templates::TemplateQuery;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::control;
use crate::jobs::submit;
use crate::store::audit::{AuditEntry, By};

/// Pause between two looks at the template folder.
const TEMPLATES_EVERY: Duration = Duration::from_secs(2);
/// Pause between two searches for uploads that need somebody to end them.
const UPLOADS_EVERY: Duration = Duration::from_mins(10);
/// Pause between two times that uses of sessions and API keys are written down.
const USES_EVERY: Duration = Duration::from_mins(1);
/// Pause between two looks for submissions of which it is not known what became of them.
const SUBMISSIONS_EVERY: Duration = Duration::from_secs(5);

/// Starts them all.
pub fn start(app: &Arc<App>, tasks: &TaskTracker) {
    spawn(app, tasks, poller::run(app.clone()));
    spawn(app, tasks, controllers::run(app.clone()));
    spawn(app, tasks, watch_templates(app.clone()));
    spawn(app, tasks, end_uploads(app.clone()));
    spawn(app, tasks, tell_uploads(app.clone()));
    spawn(app, tasks, upkeep::run(app.clone()));
    spawn(app, tasks, settle_submissions(app.clone()));
    spawn(app, tasks, audit_certificates(app.clone()));
    tasks.spawn(app.security.clone().run(app.stopping.clone()));
    tasks.spawn(write_uses(app.clone()));
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

/// Settles uploads that a crash left open, and removes those that nobody goes on with.
async fn end_uploads(app: Arc<App>) {
    let mut turns = interval(UPLOADS_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let completed = app.uploads.settle().await;
        if completed > 0 {
            tracing::info!(completed, "uploads completed that had lost their end");
        }
        let removed = app.uploads.expire().await;
        if removed > 0 {
            tracing::info!(removed, "dead uploads removed");
        }
    }
}

/// Writes down every certificate that lets us in as somebody. Its key id stands in sshd's log as well.
async fn audit_certificates(app: Arc<App>) {
    let taken = app.certificates.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut certificates) = taken else { return };
    while let Some(issued) = certificates.recv().await {
        tracing::info!(user = issued.user, host = issued.host, key_id = issued.key_id, "signing in to the login host");
        let audit = AuditEntry::done(By::system(issued.at), "ssh.sign_in", issued.key_id);
        if let Err(error) = app.store.audit(audit).await {
            tracing::error!(%error, user = issued.user, "a certificate can't be written to the audit log");
        }
    }
}

/// Writes down when sessions and API keys were used, once a minute and at the end.
async fn write_uses(app: Arc<App>) {
    let mut turns = interval(USES_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            _ = turns.tick() => false,
            () = app.stopping.cancelled() => true,
        };
        if let Err(error) = app.auth.uses.write(&app.store).await {
            tracing::warn!(%error, "it can't be written down when sessions and API keys were used");
        }
        if is_last {
            return;
        }
    }
}

/// Finds out what became of submissions that were interrupted, by a restart for example.
async fn settle_submissions(app: Arc<App>) {
    let mut turns = interval(SUBMISSIONS_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_failed = false;
    loop {
        turns.tick().await;
        match submit::recover(&app).await {
            Ok(_) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::error!(%error, "interrupted submissions can't be settled; will try again");
            }
            Err(_) => {}
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
