//! A job's output as it grows: its end is read first, then what is added comes live, or by asking again and again while
//! the live connection is down. Pieces that overlap or leave a gap are put right by asking for what is missing.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use slurmdash_api::jobs::{OutputChunk, OutputQuery, OutputStream};
use slurmdash_api::live::ServerMessage;
use sycamore::prelude::*;

use crate::client::http::escape;
use crate::client::jobs::with_query;
use crate::client::live::LiveState;
use crate::client::refetch::{Keeper, Refetch};
use crate::client::{Client, ClientError};
use crate::components::{Log, LogView, Tab, Tabs, problem_words};
use crate::i18n::t;
use crate::router::query_value;

/// How much of the end is read first, bytes.
const FIRST_READ: u64 = 256 * 1024;
/// How much is read at once afterwards, bytes.
const NEXT_READ: u64 = 1024 * 1024;
/// Shortest time between two reads, milliseconds.
const GAP_MS: f64 = 700.0;

/// What to do with a piece of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It begins where we are.
    Append,
    /// We have it already.
    Known,
    /// Something before it is missing.
    Gap,
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
    exists: Signal<bool>,
    problem: Signal<Option<ClientError>>,
}

impl Feed {
    fn new(stream: OutputStream) -> Self {
        Self { log: Log::new(), stream, end: Rc::default(), exists: create_signal(false), problem: create_signal(None) }
    }

    fn question(&self) -> OutputQuery {
        match self.end.get() {
            None => OutputQuery { stream: self.stream, tail: Some(FIRST_READ), ..OutputQuery::default() },
            Some(end) => {
                OutputQuery { stream: self.stream, offset: Some(end), limit: Some(NEXT_READ), ..OutputQuery::default() }
            }
        }
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
            self.log.restart(chunk.offset);
            self.log.feed(&chunk.text);
            self.end.set(Some(chunk.end));
            return chunk.end < chunk.size;
        };
        match Fit::of(end, chunk) {
            Fit::Append => {
                self.log.feed(&chunk.text);
                self.end.set(Some(chunk.end));
                chunk.end < chunk.size && chunk.end > end
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
    let again: Rc<RefCell<Option<Refetch>>> = Rc::default();
    let read = Refetch::new(GAP_MS, {
        let (feed, again) = (feed.clone(), again.clone());
        move || {
            let (feed, again, path) = (feed.clone(), again.clone(), with_query(&path, &feed.question()));
            async move {
                let more = match client.get::<OutputChunk>(&path).await {
                    Ok(chunk) => {
                        feed.problem.set(None);
                        feed.take(&chunk)
                    }
                    Err(ClientError::Aborted) => false,
                    Err(problem) => {
                        feed.problem.set(Some(problem));
                        false
                    }
                };
                if more && let Some(again) = again.borrow().as_ref() {
                    again.soon();
                }
            }
        }
    });
    *again.borrow_mut() = Some(read.clone());
    let keeper = Keeper::new(client.live, &[&format!("job-output:{id}")], &read, {
        let (feed, read) = (feed.clone(), read.clone());
        move |message| {
            if let ServerMessage::JobOutput { output, .. } = message
                && feed.take(output)
            {
                read.soon();
            }
        }
    });
    on_cleanup(move || {
        // The read holds itself through `again`; the scope's end lets it go.
        again.take();
        drop(keeper);
    });
    // The last words may be written in the moment the job ends.
    let mut was_over = over.get_untracked();
    create_effect(move || {
        if over.get() && !std::mem::replace(&mut was_over, true) {
            read.soon();
        }
    });

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
    view! {
        LogView(label=move || t().job.output(), log=feed.log.clone(), placeholder=placeholder, status=status)
    }
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
    }
}
