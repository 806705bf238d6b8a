//! A job's output as it grows: its end is read first, then what is added comes live, or by asking again and again while
//! the live connection is down. Pieces that overlap or leave a gap are put right by asking for what is missing.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use slurmdash_api::jobs::{OutputChunk, OutputQuery, OutputStream};
use slurmdash_api::live::ServerMessage;
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser;
use crate::client::clock::Interval;
use crate::client::http::escape;
use crate::client::jobs::{output_link, with_query};
use crate::client::live::{LiveState, Subscription, output_topic};
use crate::client::refetch::Refetch;
use crate::client::{Client, ClientError};
use crate::components::{Log, LogView, Tab, Tabs, Tone, problem_words, toast};
use crate::i18n::{format, t};
use crate::router::query_value;

/// How much of the end is read first, bytes.
const FIRST_READ: u64 = 256 * 1024;
/// How much is read at once afterwards, bytes.
const NEXT_READ: u64 = 1024 * 1024;
/// Shortest time between two reads, milliseconds.
const GAP_MS: f64 = 700.0;
/// How often it is read while the live connection is down, milliseconds.
const POLL_MS: i32 = 5_000;
/// A gap wider than this is left out, bytes: nobody reads what passes faster than it can be shown.
const WIDEST_GAP: u64 = 4 << 20;

/// What to do with a piece of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It begins where we are.
    Append,
    /// We have it already.
    Known,
    /// Something before it is missing.
    Gap,
    /// More is missing than is worth asking for.
    Jump,
    /// The file is shorter than what we have: it is another one (a requeued job).
    Another,
}

impl Fit {
    /// Judges a piece when `end` bytes are known.
    fn of(end: u64, chunk: &OutputChunk) -> Self {
        if chunk.size < end {
            Self::Another
        } else if chunk.offset == end {
            Self::Append
        } else if chunk.end <= end {
            Self::Known
        } else if chunk.offset > end + WIDEST_GAP {
            Self::Jump
        } else {
            Self::Gap
        }
    }
}

/// One of a job's outputs.
#[derive(Clone)]
struct Feed {
    log: Log,
    stream: OutputStream,
    /// Bytes known; nothing was read yet while it is `None`.
    end: Rc<Cell<Option<u64>>>,
    /// Where what is shown ends, when what follows was too much and the end is read next.
    left_out: Rc<Cell<Option<u64>>>,
    exists: Signal<bool>,
    problem: Signal<Option<ClientError>>,
}

impl Feed {
    fn new(stream: OutputStream) -> Self {
        Self {
            log: Log::new(),
            stream,
            end: Rc::default(),
            left_out: Rc::default(),
            exists: create_signal(false),
            problem: create_signal(None),
        }
    }

    fn question(&self) -> OutputQuery {
        match self.end.get() {
            None => OutputQuery { stream: self.stream, tail: Some(FIRST_READ), ..OutputQuery::default() },
            Some(end) => {
                OutputQuery { stream: self.stream, offset: Some(end), limit: Some(NEXT_READ), ..OutputQuery::default() }
            }
        }
    }

    /// Says in the log itself that something is missing there.
    fn note_left_out(&self, bytes: u64) {
        let words = t().log.jumped(&format::bytes(bytes));
        self.log.feed(&format!("\x1b[0m\r\n\x1b[2m— {words} —\x1b[0m\n"));
    }

    /// Takes in a piece. True when something is missing and must be asked for.
    fn take(&self, chunk: &OutputChunk) -> bool {
        if chunk.stream != self.stream {
            return false;
        }
        if self.exists.get_untracked() != chunk.exists {
            self.exists.set(chunk.exists);
        }
        if !chunk.exists {
            return false;
        }
        let Some(end) = self.end.get() else {
            match self.left_out.take() {
                Some(last) if chunk.offset > last => self.note_left_out(chunk.offset - last),
                _ => self.log.restart(chunk.offset),
            }
            self.log.feed(&chunk.text);
            self.end.set(Some(chunk.end));
            return chunk.end < chunk.size;
        };
        match Fit::of(end, chunk) {
            Fit::Append => {
                self.log.feed(&chunk.text);
                self.end.set(Some(chunk.end));
                if chunk.size - chunk.end > WIDEST_GAP {
                    self.left_out.set(Some(chunk.end));
                    self.end.set(None);
                }
                chunk.end < chunk.size && chunk.end > end
            }
            Fit::Jump => {
                self.note_left_out(chunk.offset - end);
                self.log.feed(&chunk.text);
                self.end.set(Some(chunk.end));
                false
            }
            Fit::Known => false,
            Fit::Gap => true,
            Fit::Another => {
                self.end.set(None);
                true
            }
        }
    }
}

/// Shows a job's output. `over` says that the job has ended, `both` that errors go to a file of their own.
#[component(inline_props)]
pub fn Output(
    client: Client,
    id: String,
    over: ReadSignal<bool>,
    started: ReadSignal<bool>,
    both: ReadSignal<bool>,
) -> View {
    let which = query_value("output");
    let stream = create_selector(move || {
        if both.get() && which.with(|which| which == "stderr") { OutputStream::Stderr } else { OutputStream::Stdout }
    });
    view! {
        (if both.get() {
            view! {
                Tabs(
                    label=move || t().job.which_output(),
                    name="output",
                    tabs=vec![
                        Tab { value: "", label: || t().job.stdout() },
                        Tab { value: "stderr", label: || t().job.stderr() },
                    ]
                )
            }
        } else {
            view! {}
        })
        (one(client, &id, stream.get(), over, started))
    }
}

fn one(client: Client, id: &str, stream: OutputStream, over: ReadSignal<bool>, started: ReadSignal<bool>) -> View {
    let feed = Feed::new(stream);
    let path = format!("/api/jobs/{}/output", escape(id));
    let live = Rc::new(RefCell::new(None::<Subscription>));
    let again: Rc<RefCell<Option<Refetch>>> = Rc::default();
    let follow = follow_from_here(client, id, &feed, &again);
    let read = Refetch::new(GAP_MS, {
        let (feed, again, live, path) = (feed.clone(), again.clone(), live.clone(), path.clone());
        move || {
            let (feed, again, live, follow) = (feed.clone(), again.clone(), live.clone(), follow.clone());
            let path = with_query(&path, &feed.question());
            async move {
                let more = match client.get::<OutputChunk>(&path).await {
                    Ok(chunk) => {
                        feed.problem.set(None);
                        feed.take(&chunk)
                    }
                    Err(ClientError::Aborted) => return,
                    Err(problem) => {
                        feed.problem.set(Some(problem));
                        false
                    }
                };
                if more && let Some(again) = again.borrow().as_ref() {
                    again.soon();
                }
                // What follows comes by itself, from the place that is known now.
                let is_new = live.borrow().is_none();
                if is_new && feed.problem.with_untracked(|problem| problem.as_ref().is_none_or(is_missing)) {
                    let subscription = follow();
                    *live.borrow_mut() = Some(subscription);
                }
            }
        }
    });
    *again.borrow_mut() = Some(read.clone());
    read.soon();
    let poll = Interval::new(POLL_MS, {
        let read = read.clone();
        move || {
            if client.live.state().get_untracked() != LiveState::Live {
                read.soon();
            }
        }
    });
    on_cleanup(move || {
        // The read holds itself through `again`; the scope's end lets it go.
        again.take();
        live.take();
        drop(poll);
    });
    // The last words may be written in the moment the job ends, and the first ones come with its start.
    let mut was = (over.get_untracked(), started.get_untracked());
    create_effect(move || {
        let is = (over.get(), started.get());
        if std::mem::replace(&mut was, is) != is {
            read.soon();
        }
    });
    shown(client, id, &path, feed, over, started)
}

/// A subscription that goes on from the last byte known. What does not fit is asked for with `again`.
fn follow_from_here(
    client: Client,
    id: &str,
    feed: &Feed,
    again: &Rc<RefCell<Option<Refetch>>>,
) -> Rc<dyn Fn() -> Subscription> {
    let topic = output_topic(id, feed.stream);
    let (feed, again) = (feed.clone(), Rc::downgrade(again));
    Rc::new(move || {
        let (known, feed, again) = (feed.end.clone(), feed.clone(), again.clone());
        client.live.subscribe_from(
            &topic,
            move || known.get().unwrap_or(0),
            move |message| {
                if let ServerMessage::JobOutput { output, .. } = message
                    && feed.take(output)
                    && let Some(again) = again.upgrade()
                    && let Some(again) = again.borrow().as_ref()
                {
                    again.soon();
                }
            },
        )
    })
}

fn shown(client: Client, id: &str, path: &str, feed: Feed, over: ReadSignal<bool>, started: ReadSignal<bool>) -> View {
    let (exists, problem) = (feed.exists, feed.problem);
    let placeholder = move || {
        let (over, started, exists) = (over.get(), started.get(), exists.get());
        match problem.get_clone() {
            Some(error) if !is_missing(&error) => format!("{}. {}", t().log.failed(), problem_words(&error)),
            _ if over => t().log.empty(),
            _ if !started && !exists => t().log.not_started(),
            _ => t().log.waiting(),
        }
    };
    let live = client.live.state();
    let status = move || match live.get() {
        _ if over.get() => String::new(),
        LiveState::Live => t().log.live(),
        LiveState::Connecting | LiveState::Reconnecting => t().log.polling(),
    };
    let busy = create_signal(false);
    let earlier: Rc<dyn Fn()> = {
        let (feed, path) = (feed.clone(), path.to_owned());
        Rc::new(move || read_earlier(client, &path, &feed, busy))
    };
    let (id, stream) = (id.to_owned(), feed.stream);
    let download: Rc<dyn Fn()> = Rc::new(move || {
        let id = id.clone();
        spawn_local(async move {
            match output_link(client, &id, stream).await {
                Ok(url) => browser::download(&url),
                Err(error) => {
                    toast(Tone::Error, format!("{}. {}", t().job.download_failed(), problem_words(&error)));
                }
            }
        });
    });
    view! {
        LogView(
            label=move || t().job.output(),
            log=feed.log.clone(),
            placeholder=placeholder,
            status=status,
            earlier=earlier,
            earlier_busy=*busy,
            download=download
        )
    }
}

/// Reads what stands before the first byte that is shown.
fn read_earlier(client: Client, path: &str, feed: &Feed, busy: Signal<bool>) {
    let begin = feed.log.skipped();
    if begin == 0 || busy.replace(true) {
        return;
    }
    let offset = begin.saturating_sub(FIRST_READ);
    let query = OutputQuery {
        stream: feed.stream,
        offset: Some(offset),
        limit: Some(begin - offset),
        ..OutputQuery::default()
    };
    let (path, feed) = (with_query(path, &query), feed.clone());
    spawn_local_scoped(async move {
        let answer = client.get::<OutputChunk>(&path).await;
        busy.set(false);
        match answer {
            // Another output may have begun meanwhile.
            Ok(chunk) if feed.log.skipped() == begin && chunk.end == begin => {
                feed.log.feed_before(&chunk.text, chunk.offset);
            }
            Ok(_) | Err(ClientError::Aborted) => {}
            Err(error) => toast(Tone::Error, problem_words(&error)),
        }
    });
}

/// Whether the server only says that there is nothing there yet.
fn is_missing(error: &ClientError) -> bool {
    error.status() == Some(404)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(offset: u64, end: u64, size: u64) -> OutputChunk {
        OutputChunk {
            stream: OutputStream::Stdout,
            path: "/x".into(),
            exists: true,
            size,
            offset,
            end,
            text: String::new(),
        }
    }

    #[test]
    fn pieces_are_fitted_together() {
        assert_eq!(Fit::of(0, &chunk(0, 5, 5)), Fit::Append);
        assert_eq!(Fit::of(5, &chunk(5, 5, 5)), Fit::Append);
        assert_eq!(Fit::of(5, &chunk(0, 5, 5)), Fit::Known);
        assert_eq!(Fit::of(5, &chunk(3, 8, 8)), Fit::Gap, "overlaps: bytes can't be cut out of text");
        assert_eq!(Fit::of(5, &chunk(7, 9, 9)), Fit::Gap);
        assert_eq!(Fit::of(5, &chunk(0, 3, 3)), Fit::Another);
        let far = 6 + WIDEST_GAP;
        assert_eq!(Fit::of(5, &chunk(far, far + 1, far + 1)), Fit::Jump);
    }
}
