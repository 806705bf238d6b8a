//! Follows a job's output file as it grows, for one viewer.
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use slurmdash_api::jobs::OutputStream;
use slurmdash_api::live::ServerMessage;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::auth::Principal;
use crate::jobs::output::{Range, read};
use crate::jobs::{JobError, output_of};
use crate::slurm::JobId;

/// Pause between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How much of what is already there a viewer gets first, bytes.
const TAIL: u64 = 64 * 1024;
/// Most bytes in one message.
const PIECE: u64 = 256 * 1024;
/// Looks at a finished job's file before it is believed to be complete: shared filesystems show the end late.
const LAST_LOOKS: u32 = 20;

/// The file to follow.
pub struct Source {
    id: JobId,
    path: std::path::PathBuf,
}

/// Finds the file, if the viewer may see it.
pub async fn open(app: &App, who: &Principal, id: &JobId) -> Result<Source, JobError> {
    let path = output_of(app, who, id, OutputStream::Stdout).await?;
    Ok(Source { id: id.clone(), path })
}

/// Sends the end of the file and then whatever is added, until the job is over or the viewer is gone.
pub async fn follow(app: Arc<App>, source: Source, viewer: mpsc::Sender<Utf8Bytes>) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut range = Range::Tail(TAIL);
    let mut is_first = true;
    let mut last_looks = 0;
    loop {
        looks.tick().await;
        let Ok(chunk) = read(&source.path, OutputStream::Stdout, range).await else { return };
        // A file that shrank was written anew: from its start again.
        let restarted = matches!(range, Range::From { offset, .. } if chunk.size < offset);
        let end = if restarted { 0 } else { chunk.end };
        let has_news = is_first || restarted || !chunk.text.is_empty();
        if has_news {
            is_first = false;
            let message = ServerMessage::JobOutput { job_id: source.id.to_string(), output: chunk };
            let Ok(text) = serde_json::to_string(&message) else { return };
            if viewer.send(text.into()).await.is_err() {
                return;
            }
        } else if is_over(&app, &source.id) {
            last_looks += 1;
            if last_looks >= LAST_LOOKS {
                return;
            }
        }
        range = Range::From { offset: end, limit: PIECE };
    }
}

/// Over, or no longer known to the controller.
fn is_over(app: &App, id: &JobId) -> bool {
    let snapshot = app.live.snapshot();
    snapshot.is_filled() && snapshot.job(&id.to_string()).is_none_or(|job| job.state.is_final())
}
