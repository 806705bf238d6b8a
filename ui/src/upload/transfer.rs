//! One file's way to the server, as a pure state machine: what to do next, given what happened. No browser, no clock
//! (times come in as milliseconds), so every turn can be tested.
//!
//! `Ready → Queued → Sending → Finishing → Done`, with `Paused` and `Failed` on the side. Several chunks may be under
//! way at once; a pause lets them end and sends no more.
use std::collections::{BTreeSet, HashMap};

use slurmdash_api::uploads::{DEFAULT_CHUNK_SIZE, total_chunks};

use super::rate::Rate;

/// Chunks of one file under way at once.
pub const PARALLEL_CHUNKS: usize = 4;
/// Attempts that the server may refuse before a person is asked. A line that is down is tried for as long as it takes.
const SERVER_ATTEMPTS: u32 = 6;
/// First and longest waiting time before another attempt, milliseconds.
const FIRST_WAIT_MS: i32 = 1_000;
const LONGEST_WAIT_MS: i32 = 30_000;

/// Where a transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Chosen; waits for the person to start it.
    Ready,
    /// Its first part was sent by an earlier visit; the file must be chosen again to go on.
    NeedsFile,
    /// Waits for its turn.
    Queued,
    /// Chunks are on their way.
    Sending,
    /// All chunks are stored; the server closes the file.
    Finishing,
    /// Stopped by the person; may go on.
    Paused,
    /// Stopped by something else; may be tried again unless the reason is final.
    Failed(Failure),
    /// In its place, at this path.
    Done(String),
}

/// Why a transfer stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Larger than the server takes; the limit in bytes.
    TooLarge(u64),
    /// A file of this name is there already.
    Exists,
    /// The server's disk or the person's quota can't hold it.
    NoRoom(String),
    /// The session ended.
    SignedOut,
    /// The file could not be read; it was moved, changed or removed after it was chosen.
    Unreadable,
    /// The server refused, in its words.
    Refused(String),
    /// The server kept failing.
    ServerTrouble,
}

impl Failure {
    /// Whether the same file may get through on another attempt.
    pub fn can_retry(&self) -> bool {
        !matches!(self, Self::TooLarge(_) | Self::Exists)
    }
}

/// What the engine must do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Open a session on the server (or look at the one of an earlier visit).
    Begin,
    /// Send this chunk.
    Send(u32),
    /// Say that all chunks are there.
    Complete,
}

/// How an attempt at a step went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The line: offline, timed out. Tried again without end.
    Line,
    /// The server may do better later (5xx, 429, a wrong checksum). Tried again a few times.
    Server,
    /// No use trying.
    Final(Failure),
}

/// One file's transfer.
#[derive(Debug, Clone)]
pub struct Transfer {
    size: u64,
    phase: Phase,
    upload_id: Option<String>,
    chunk_size: u64,
    total: u32,
    /// Chunks nobody is sending yet.
    missing: BTreeSet<u32>,
    under_way: BTreeSet<u32>,
    begun: bool,
    /// `Begin` or `Complete` is under way.
    single: bool,
    refused: HashMap<u32, u32>,
    /// Failures in a row, for the waiting time.
    in_a_row: u32,
    wait_until_ms: f64,
    rate: Rate,
}

impl Transfer {
    /// A file of `size` bytes that was just chosen; more than `limit` bytes are refused at once.
    pub fn new(size: u64, limit: Option<u64>) -> Self {
        Self {
            size,
            phase: match limit {
                Some(limit) if size > limit => Phase::Failed(Failure::TooLarge(limit)),
                _ => Phase::Ready,
            },
            upload_id: None,
            chunk_size: DEFAULT_CHUNK_SIZE,
            total: total_chunks(size, DEFAULT_CHUNK_SIZE).unwrap_or(u32::MAX),
            missing: BTreeSet::new(),
            under_way: BTreeSet::new(),
            begun: false,
            single: false,
            refused: HashMap::new(),
            in_a_row: 0,
            wait_until_ms: 0.0,
            rate: Rate::default(),
        }
    }

    /// A session of an earlier visit whose file isn't at hand.
    pub fn earlier(size: u64, upload_id: String, chunk_size: u64, stored: u32) -> Self {
        let mut transfer = Self::new(size, None);
        transfer.upload_id = Some(upload_id);
        transfer.chunk_size = chunk_size.max(1);
        transfer.total = total_chunks(size, transfer.chunk_size).unwrap_or(u32::MAX);
        // Which ones are missing is asked when the file is there; how many is enough to show.
        transfer.missing = (stored.min(transfer.total)..transfer.total).collect();
        transfer.phase = Phase::NeedsFile;
        transfer.begun = true;
        transfer
    }

    /// A file that an earlier visit brought into its place.
    pub fn finished(size: u64, upload_id: String, path: String) -> Self {
        let mut transfer = Self::new(size, None);
        transfer.upload_id = Some(upload_id);
        transfer.phase = Phase::Done(path);
        transfer
    }

    /// Where it is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The server's id for it, once it has one.
    pub fn upload_id(&self) -> Option<&str> {
        self.upload_id.as_deref()
    }

    /// The file's size, bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are safe on the server.
    pub fn done(&self) -> u64 {
        match self.phase {
            Phase::Done(_) => self.size,
            _ if !self.begun => 0,
            _ => {
                let open: u64 = self.missing.iter().chain(&self.under_way).map(|c| self.len(*c)).sum();
                self.size - open.min(self.size)
            }
        }
    }

    /// Bytes in a second, while it is sending.
    pub fn rate(&self) -> Option<u64> {
        self.rate.bytes_per_second().filter(|_| self.phase == Phase::Sending)
    }

    /// Seconds left, while it is sending.
    pub fn seconds_left(&self) -> Option<u64> {
        (self.phase == Phase::Sending).then(|| self.rate.seconds_left(self.size - self.done())).flatten()
    }

    /// Whether something went wrong the last time and it waits to try again.
    pub fn is_retrying(&self) -> bool {
        self.in_a_row > 0 && matches!(self.phase, Phase::Queued | Phase::Sending | Phase::Finishing)
    }

    /// Calls under way.
    pub fn calls(&self) -> usize {
        self.under_way.len() + usize::from(self.single)
    }

    /// First byte and end of a chunk.
    pub fn range(&self, chunk: u32) -> (u64, u64) {
        let start = (u64::from(chunk) * self.chunk_size).min(self.size);
        (start, (start + self.chunk_size).min(self.size))
    }

    fn len(&self, chunk: u32) -> u64 {
        let (start, end) = self.range(chunk);
        end - start
    }

    /// The person starts it, lets it go on, or wants another attempt.
    pub fn start(&mut self) {
        let again = match &self.phase {
            Phase::Ready | Phase::Paused => true,
            Phase::Failed(failure) => failure.can_retry(),
            _ => false,
        };
        if again {
            self.phase = Phase::Queued;
            self.refused.clear();
            self.in_a_row = 0;
            self.wait_until_ms = 0.0;
            self.rate.reset();
        }
    }

    /// The person wants the file of the same name replaced.
    pub fn start_replacing(&mut self) {
        if self.phase == Phase::Failed(Failure::Exists) {
            self.phase = Phase::Ready;
            self.start();
        }
    }

    /// The file of an earlier session was chosen again.
    pub fn file_is_back(&mut self) {
        if self.phase == Phase::NeedsFile {
            self.begun = false;
            self.phase = Phase::Queued;
        }
    }

    /// The person stops it, to go on later.
    pub fn pause(&mut self) {
        if matches!(self.phase, Phase::Queued | Phase::Sending) {
            self.phase = Phase::Paused;
        }
    }

    /// What to do next, if there is something at `now_ms`; it counts as under way from here on.
    pub fn next(&mut self, now_ms: f64) -> Option<Step> {
        if now_ms < self.wait_until_ms || self.single {
            return None;
        }
        match self.phase {
            Phase::Queued | Phase::Sending if !self.begun => {
                self.phase = Phase::Sending;
                self.single = true;
                Some(Step::Begin)
            }
            Phase::Queued | Phase::Sending => {
                self.phase = Phase::Sending;
                if self.under_way.len() >= PARALLEL_CHUNKS {
                    return None;
                }
                if let Some(chunk) = self.missing.pop_first() {
                    self.under_way.insert(chunk);
                    return Some(Step::Send(chunk));
                }
                if !self.under_way.is_empty() {
                    return None;
                }
                self.phase = Phase::Finishing;
                self.single = true;
                Some(Step::Complete)
            }
            Phase::Finishing => {
                self.single = true;
                Some(Step::Complete)
            }
            _ => None,
        }
    }

    /// When [`Transfer::next`] may have something again although nothing is under way.
    pub fn wakes_at(&self, now_ms: f64) -> Option<f64> {
        let active = matches!(self.phase, Phase::Queued | Phase::Sending | Phase::Finishing);
        (active && self.wait_until_ms > now_ms).then_some(self.wait_until_ms)
    }

    /// The session is open. `missing` is absent for a new one.
    pub fn began(&mut self, upload_id: String, chunk_size: u64, total: u32, missing: Option<Vec<u32>>, now_ms: f64) {
        self.single = false;
        self.begun = true;
        self.in_a_row = 0;
        self.upload_id = Some(upload_id);
        self.chunk_size = chunk_size.max(1);
        self.total = total;
        self.missing = match missing {
            Some(missing) => missing.into_iter().filter(|chunk| *chunk < total).collect(),
            None => (0..total).collect(),
        };
        self.rate.reset();
        self.rate.note(now_ms, self.done());
    }

    /// A chunk is stored.
    pub fn sent(&mut self, chunk: u32, now_ms: f64) {
        if self.under_way.remove(&chunk) {
            self.in_a_row = 0;
            self.refused.remove(&chunk);
            self.rate.note(now_ms, self.done());
        }
    }

    /// The file is in its place.
    pub fn completed(&mut self, path: String) {
        self.single = false;
        self.phase = Phase::Done(path);
    }

    /// The session of an earlier visit turns out to be complete.
    pub fn resumed_complete(&mut self, upload_id: String, path: String) {
        self.upload_id = Some(upload_id);
        self.completed(path);
    }

    /// The server misses chunks after all.
    pub fn still_missing(&mut self, missing: impl IntoIterator<Item = u32>) {
        self.single = false;
        self.missing = missing.into_iter().filter(|chunk| *chunk < self.total).collect();
        self.phase = if self.missing.is_empty() { Phase::Failed(Failure::ServerTrouble) } else { Phase::Sending };
    }

    /// The server knows nothing of the session (it was removed meanwhile): begins again from the start.
    pub fn forgotten(&mut self) {
        self.single = false;
        self.begun = false;
        self.upload_id = None;
        self.missing.clear();
        self.under_way.clear();
        if self.phase == Phase::Finishing {
            self.phase = Phase::Sending;
        }
    }

    /// A step went wrong. `luck` (0 to 1) spreads the waiting time.
    pub fn failed(&mut self, step: &Step, trouble: Trouble, now_ms: f64, luck: f64) {
        let key = match step {
            Step::Send(chunk) => {
                if !self.under_way.remove(chunk) {
                    return;
                }
                self.missing.insert(*chunk);
                *chunk
            }
            Step::Begin | Step::Complete => {
                self.single = false;
                u32::MAX
            }
        };
        match trouble {
            Trouble::Final(failure) => return self.phase = Phase::Failed(failure),
            Trouble::Line => {}
            Trouble::Server => {
                let refused = self.refused.entry(key).or_default();
                *refused += 1;
                if *refused >= SERVER_ATTEMPTS {
                    self.phase = Phase::Failed(Failure::ServerTrouble);
                    return;
                }
            }
        }
        // Chunks that fail together are one failure: the wait grows only when the last one is over.
        if now_ms >= self.wait_until_ms {
            let wait = crate::client::clock::backoff_ms(self.in_a_row, FIRST_WAIT_MS, LONGEST_WAIT_MS, luck);
            self.wait_until_ms = now_ms + f64::from(wait);
            self.in_a_row += 1;
            self.rate.reset();
        }
    }
}

#[cfg(test)]
mod tests;
