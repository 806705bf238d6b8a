//! Requests under way: who waits for which answer, and what becomes of them when the connection ends.
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::frame::{Frame, Kind};
use super::message::{Answer, Request};
use super::{Limits, MOST_REQUESTS, PIECE};
use crate::hands::HandsError;

/// A file that was promised over the socket is there within this.
const FILE_WITHIN: Duration = Duration::from_secs(5);

/// The client's end of a connection.
pub struct Calls {
    /// Login, for errors.
    pub user: String,
    /// How long to wait.
    pub limits: Limits,
    next: AtomicU64,
    out: mpsc::Sender<Frame>,
    state: Mutex<State>,
    file_came: Notify,
}

struct State {
    waiting: HashMap<u64, Waiting>,
    /// Files that came over the socket and were not asked for yet.
    files: HashMap<u64, File>,
    /// Requests whose answer came before their file: the two come on different ways.
    promised: HashSet<u64>,
    /// Why it ended.
    end: Option<HandsError>,
}

struct Waiting {
    answer: oneshot::Sender<Result<Answered, HandsError>>,
    data: Vec<u8>,
    most: usize,
    /// Whether a file may come for it.
    opens: bool,
}

/// An answer with all that came for it.
pub struct Answered {
    /// What was answered.
    pub answer: Answer,
    /// The answer's own bytes.
    pub bytes: Bytes,
    /// The data before it.
    pub data: Vec<u8>,
}

/// A request that is under way; dropping it cancels it.
struct Pending<'a> {
    calls: &'a Calls,
    id: u64,
    is_over: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.calls.state().waiting.remove(&self.id);
            self.calls.cancel(self.id);
        }
    }
}

/// A file that somebody waits for; it is waited for no more when dropped.
struct Promised<'a> {
    calls: &'a Calls,
    id: u64,
}

impl Drop for Promised<'_> {
    fn drop(&mut self) {
        self.calls.state().forget_file(self.id);
    }
}

impl State {
    fn forget_file(&mut self, id: u64) {
        self.files.remove(&id);
        self.promised.remove(&id);
    }
}

impl Calls {
    /// Frames go to `out`.
    pub fn new(user: String, limits: Limits, out: mpsc::Sender<Frame>) -> Arc<Self> {
        let (waiting, files, promised) = (HashMap::new(), HashMap::new(), HashSet::new());
        let state = State { waiting, files, promised, end: None };
        let (next, state, file_came) = (AtomicU64::new(1), Mutex::new(state), Notify::new());
        Arc::new(Self { user, limits, next, out, state, file_came })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one call on a map or a value, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.state().end.is_some()
    }

    /// Asks, and waits for the answer. `data` is what goes with the request; of the answer's data at most `most` bytes
    /// are taken. Answers the request's id as well: an open file is known by it.
    pub async fn ask(
        &self,
        what: &str,
        request: &Request,
        data: &[u8],
        most: usize,
        within: Duration,
    ) -> Result<(u64, Answered), HandsError> {
        let (answer, answered) = oneshot::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (first, rest) = data.split_at(data.len().min(PIECE));
        let unsayable = |error: serde_json::Error| HandsError::NotSent(format!("{what} can't be asked: {error}"));
        let frame = Frame::new(Kind::Request, id, request, Bytes::copy_from_slice(first)).map_err(unsayable)?;
        {
            let mut state = self.state();
            if let Some(end) = &state.end {
                return Err(HandsError::NotSent(end.to_string()));
            }
            if state.waiting.len() >= MOST_REQUESTS {
                return Err(HandsError::Busy);
            }
            state
                .waiting
                .insert(id, Waiting { answer, data: Vec::new(), most, opens: matches!(request, Request::Open { .. }) });
        }
        let mut pending = Pending { calls: self, id, is_over: false };
        let work = async {
            self.out.send(frame).await.map_err(|_| self.not_sent())?;
            for piece in rest.chunks(PIECE) {
                let more = Frame::plain(Kind::Input, id, Bytes::copy_from_slice(piece));
                self.out.send(more).await.map_err(|_| self.lost())?;
            }
            answered.await.unwrap_or_else(|_| Err(self.lost()))
        };
        match timeout(within, work).await {
            Ok(outcome) => {
                pending.is_over = true;
                let answered = outcome?;
                match answered.answer {
                    Answer::Refused(refusal) => Err(refusal.into_error(&self.user)),
                    _ => Ok((id, answered)),
                }
            }
            Err(_) => Err(HandsError::TimedOut { what: what.to_owned(), seconds: within.as_secs() }),
        }
    }

    /// Ends a request, or closes a file.
    pub fn cancel(&self, id: u64) {
        self.state().forget_file(id);
        let frame = Frame::plain(Kind::Cancel, id, Bytes::new());
        // A full queue is waited for where that holds nobody up.
        if let Err(mpsc::error::TrySendError::Full(frame)) = self.out.try_send(frame) {
            let out = self.out.clone();
            tokio::spawn(async move { out.send(frame).await.is_ok() });
        }
    }

    /// Takes a frame of the agent's. An error is the end.
    pub fn take(&self, frame: Frame) -> Result<(), HandsError> {
        let mut state = self.state();
        let is_asked = frame.id < self.next.load(Ordering::Relaxed);
        if !is_asked {
            return Err(HandsError::Protocol(format!("it answers request {}, which was never made", frame.id)));
        }
        match frame.kind {
            Kind::Data => {
                // Of a cancelled request something may still come.
                let Some(waiting) = state.waiting.get_mut(&frame.id) else { return Ok(()) };
                if waiting.data.len() + frame.data.len() > waiting.most {
                    return Err(HandsError::Protocol("it sends more than was asked for".into()));
                }
                waiting.data.extend_from_slice(&frame.data);
                Ok(())
            }
            Kind::Answer => {
                let answer = frame.content().map_err(|error| HandsError::Protocol(error.to_string()))?;
                if let Some(Waiting { answer: tell, data, .. }) = state.waiting.remove(&frame.id) {
                    if matches!(answer, Answer::Opened { descriptor: true }) && !state.files.contains_key(&frame.id) {
                        state.promised.insert(frame.id);
                    }
                    // Whoever asked may be gone.
                    if tell.send(Ok(Answered { answer, bytes: frame.data, data })).is_err() {
                        state.forget_file(frame.id);
                    }
                }
                Ok(())
            }
            kind => Err(HandsError::Protocol(format!("it sends a frame of kind {kind:?}"))),
        }
    }

    /// Takes a file that came over the socket. More than requests could have opened are not kept.
    pub fn take_file(&self, id: u64, file: File) {
        let mut state = self.state();
        let is_awaited = state.promised.remove(&id) || state.waiting.get(&id).is_some_and(|waiting| waiting.opens);
        if state.files.len() < MOST_REQUESTS && is_awaited {
            state.files.insert(id, file);
            drop(state);
            self.file_came.notify_waiters();
        }
    }

    /// The file that came for a request.
    pub async fn file(&self, id: u64) -> Result<File, HandsError> {
        let wait = async {
            loop {
                let came = self.file_came.notified();
                tokio::pin!(came);
                came.as_mut().enable();
                if let Some(file) = self.state().files.remove(&id) {
                    return file;
                }
                came.await;
            }
        };
        let _awaited = Promised { calls: self, id };
        let missing = |_| HandsError::Protocol("it says that it passed an open file, and did not".into());
        timeout(FILE_WITHIN, wait).await.map_err(missing)
    }

    /// The connection has ended: everybody who waits is told.
    pub fn end(&self, error: &HandsError) {
        let waiting = {
            let mut state = self.state();
            state.end.get_or_insert(error.clone());
            state.files.clear();
            state.promised.clear();
            std::mem::take(&mut state.waiting)
        };
        for (_, waiting) in waiting {
            let _ = waiting.answer.send(Err(error.clone()));
        }
    }

    fn not_sent(&self) -> HandsError {
        let end = self.state().end.clone();
        HandsError::NotSent(end.map_or_else(|| "it ended".into(), |end| end.to_string()))
    }

    fn lost(&self) -> HandsError {
        self.state().end.clone().unwrap_or_else(|| HandsError::Lost("it ended".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_may_come_before_and_after_its_answer() {
        let place = crate::hands::Place::At("/dev/null".into());
        for file_first in [true, false] {
            let (out, mut frames) = mpsc::channel(4);
            let calls = Calls::new("alice".into(), Limits::default(), out);
            let request = Request::Open { place: place.clone(), how: crate::hands::OpenHow::Read };
            let within = Duration::from_secs(5);
            let ask = calls.ask("opening a file", &request, &[], 0, within);
            let answer = async {
                let id = frames.recv().await.unwrap().id;
                let opened = Frame::new(Kind::Answer, id, &Answer::Opened { descriptor: true }, Bytes::new()).unwrap();
                let file = File::open("/dev/null").unwrap();
                if file_first {
                    calls.take_file(id, file);
                    calls.take(opened).unwrap();
                } else {
                    calls.take(opened).unwrap();
                    calls.take_file(id, file);
                }
            };
            let (asked, ()) = tokio::join!(ask, answer);
            let (id, _) = asked.unwrap();
            assert!(calls.file(id).await.is_ok(), "the file came first: {file_first}");
            let state = calls.state();
            assert!(state.files.is_empty() && state.promised.is_empty() && state.waiting.is_empty());
        }
    }
}
