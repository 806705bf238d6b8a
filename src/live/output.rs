//! Follows a job's output file as it grows, for one viewer and as that person.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use slurmdash_api::jobs::{OutputChunk, OutputStream};
use slurmdash_api::live::ServerMessage;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::app::App;
use crate::auth::Principal;
use crate::hands::{Hands, OpenFile, Place};
use crate::jobs::output::{self, Range};
use crate::jobs::{self, JobError};
use crate::slurm::JobId;

/// Pause between two looks for a file that isn't there yet, or can't be read at the moment.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Longest wait for news of a file before its name is looked at again.
const NEWS_WITHIN: Duration = Duration::from_secs(1);
/// How much of what is already there a viewer gets first, bytes.
const TAIL: u64 = 64 * 1024;
/// Most bytes in one message.
const PIECE: u64 = 256 * 1024;
/// A viewer that is further behind than this is taken to the end of the file: nobody reads gigabytes as they pass.
const TOO_FAR_BEHIND: u64 = 8 << 20;
/// A finished job's file is believed to be complete after so long without news: shared filesystems show the end late.
const QUIET: Duration = Duration::from_secs(5);

/// What is to be followed.
pub struct Source {
    id: JobId,
    path: PathBuf,
    stream: OutputStream,
    hands: Arc<dyn Hands>,
    /// Where the viewer already is, bytes.
    from: Option<u64>,
}

/// Finds the file, if the viewer may see it.
pub async fn open(
    app: &App,
    who: &Principal,
    id: &JobId,
    stream: OutputStream,
    from: Option<u64>,
) -> Result<Source, JobError> {
    let (hands, path) = jobs::output_of(app, who, id, stream).await?;
    Ok(Source { id: id.clone(), path, stream, hands, from })
}

/// Sends the end of the file, or what follows the position where the viewer is, and then whatever is added, until the
/// job is over or the viewer is gone.
pub async fn follow(app: Arc<App>, source: Source, viewer: mpsc::Sender<Utf8Bytes>) {
    let mut follower = Follower { range: source.first_range(), file: None, source, viewer, told: false };
    let mut quiet_since = Instant::now();
    loop {
        match follower.step().await {
            Step::News => quiet_since = Instant::now(),
            Step::Quiet => {
                if quiet_since.elapsed() >= QUIET && is_over(&app, &follower.source.id) {
                    return;
                }
            }
            Step::Gone => return,
        }
    }
}

impl Source {
    fn first_range(&self) -> Range {
        self.from.map_or(Range::Tail(TAIL), |offset| Range::From { offset, limit: PIECE })
    }

    fn place(&self) -> Place {
        Place::at(&self.path)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

enum Step {
    /// Something was sent.
    News,
    /// Nothing has happened for a while.
    Quiet,
    /// The viewer has gone.
    Gone,
}

struct Follower {
    source: Source,
    viewer: mpsc::Sender<Utf8Bytes>,
    file: Option<OpenFile>,
    range: Range,
    /// Whether the viewer has been told anything yet.
    told: bool,
}

impl Follower {
    async fn step(&mut self) -> Step {
        let Some(file) = self.file.clone() else { return self.look_for_it().await };
        // A connection that broke is made again by the next look.
        let Ok(chunk) = output::piece(&file, self.source.path(), self.source.stream, self.range).await else {
            self.file = None;
            sleep(LOOK_AGAIN).await;
            return Step::Quiet;
        };
        if let Range::From { offset, .. } = self.range {
            if chunk.size < offset {
                // It shrank: it was written anew, so from its start again.
                self.range = Range::From { offset: 0, limit: PIECE };
                return Step::News;
            }
            if chunk.size - offset > TOO_FAR_BEHIND {
                self.range = Range::Tail(PIECE);
                return Step::News;
            }
        }
        let (end, size) = (chunk.end, chunk.size);
        self.range = Range::From { offset: end, limit: PIECE };
        if !self.told || !chunk.text.is_empty() {
            return self.send(chunk).await;
        }
        match file.changed(size, NEWS_WITHIN).await {
            Ok(stat) if stat.size != size => Step::News,
            Ok(stat) => {
                // Somebody may have put another file in its place.
                let now = self.source.hands.stat(&self.source.place()).await;
                if now.is_ok_and(|now| now.is_some_and(|now| now.inode != stat.inode)) {
                    (self.file, self.range) = (None, Range::From { offset: 0, limit: PIECE });
                }
                self.quiet()
            }
            Err(_) => {
                self.file = None;
                self.quiet()
            }
        }
    }

    async fn look_for_it(&mut self) -> Step {
        match output::open(self.source.hands.as_ref(), self.source.path()).await {
            Ok(Some(file)) => {
                self.file = Some(file);
                Step::News
            }
            Ok(None) if !self.told => {
                let nothing = output::nothing(self.source.path(), self.source.stream);
                self.send(nothing).await
            }
            Ok(None) | Err(_) => {
                sleep(LOOK_AGAIN).await;
                self.quiet()
            }
        }
    }

    fn quiet(&self) -> Step {
        if self.viewer.is_closed() { Step::Gone } else { Step::Quiet }
    }

    async fn send(&mut self, output: OutputChunk) -> Step {
        self.told = true;
        let message = ServerMessage::JobOutput { job_id: self.source.id.to_string(), output };
        let Ok(text) = serde_json::to_string(&message) else { return Step::Gone };
        if self.viewer.send(text.into()).await.is_ok() { Step::News } else { Step::Gone }
    }
}

/// Over, or no longer known to the controller.
fn is_over(app: &App, id: &JobId) -> bool {
    let snapshot = app.live.snapshot();
    snapshot.is_filled() && snapshot.job(&id.to_string()).is_none_or(|job| job.state.is_final())
}
