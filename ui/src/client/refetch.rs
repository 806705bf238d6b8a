//! Reading the same thing again and again without piling up: one call at a time, and not more often than a gap allows.
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use sycamore::reactive::NodeHandle;

use super::clock::{Interval, Timeout, now_ms};
use super::live::{Live, LiveState, Subscription};

/// How often things are read while the live connection is down, milliseconds.
const POLL_MS: i32 = 5_000;

type Job = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

struct Inner {
    job: Job,
    gap_ms: f64,
    scope: NodeHandle,
    /// Scope of the call under way; disposing of it aborts the call.
    call: Cell<Option<NodeHandle>>,
    running: Cell<bool>,
    again: Cell<bool>,
    started_ms: Cell<f64>,
    timer: RefCell<Option<Timeout>>,
    gone: Cell<bool>,
}

/// A call that can be repeated; clones are the same one. It ends with the scope it was made in.
#[derive(Clone)]
pub struct Refetch(Rc<Inner>);

impl Refetch {
    /// Prepares `job`, which will start at most once in `gap_ms`.
    pub fn new<F: Future<Output = ()> + 'static>(gap_ms: f64, job: impl Fn() -> F + 'static) -> Self {
        let this = Self(Rc::new(Inner {
            job: Box::new(move || Box::pin(job())),
            gap_ms,
            scope: use_current_scope(),
            call: Cell::default(),
            running: Cell::default(),
            again: Cell::default(),
            started_ms: Cell::new(f64::NEG_INFINITY),
            timer: RefCell::default(),
            gone: Cell::default(),
        }));
        on_cleanup({
            let this = this.clone();
            move || {
                this.0.gone.set(true);
                this.0.timer.take();
            }
        });
        this
    }

    /// Starts now; a call under way is given up, since what it asks for is no longer wanted.
    pub fn restart(&self) {
        self.0.running.set(false);
        self.start();
    }

    /// Starts as soon as the call under way is done and the gap has passed.
    pub fn soon(&self) {
        if self.0.running.get() {
            self.0.again.set(true);
            return;
        }
        let wait = self.0.started_ms.get() + self.0.gap_ms - now_ms();
        if wait <= 0.0 {
            self.start();
        } else if self.0.timer.borrow().is_none() {
            let weak = Rc::downgrade(&self.0);
            #[expect(clippy::cast_possible_truncation, reason = "at most the gap, seconds")]
            let timer = Timeout::new(wait as i32 + 1, move || {
                if let Some(inner) = weak.upgrade() {
                    inner.timer.take();
                    Self(inner).start();
                }
            });
            *self.0.timer.borrow_mut() = Some(timer);
        }
    }

    fn start(&self) {
        if self.0.gone.get() {
            return;
        }
        self.0.timer.take();
        if let Some(call) = self.0.call.take() {
            call.dispose();
        }
        self.0.running.set(true);
        self.0.again.set(false);
        self.0.started_ms.set(now_ms());
        let future = (self.0.job)();
        let weak = Rc::downgrade(&self.0);
        let call = self.0.scope.run_in(|| {
            create_child_scope(move || {
                spawn_local_scoped(async move {
                    future.await;
                    if let Some(inner) = weak.upgrade() {
                        inner.running.set(false);
                        if inner.again.take() {
                            Self(inner).soon();
                        }
                    }
                });
            })
        });
        self.0.call.set(Some(call));
    }
}

/// Keeps something fresh for as long as it is held: reads it again after every (re)subscription to its topics, since
/// what was sent before is missed, and every few seconds while the live connection is down.
pub struct Keeper {
    _subscriptions: Vec<Subscription>,
    _fallback: Interval,
}

impl Keeper {
    /// Starts with a first read. `on_message` gets every message of `topics`.
    pub fn new(
        live: Live,
        topics: &[&str],
        refetch: &Refetch,
        on_message: impl Fn(&slurmdash_api::live::ServerMessage) + 'static,
    ) -> Self {
        use slurmdash_api::live::ServerMessage;
        refetch.soon();
        let on_message = Rc::new(on_message);
        let subscriptions = topics
            .iter()
            .map(|topic| {
                let (refetch, on_message) = (refetch.clone(), on_message.clone());
                live.subscribe(topic, move |message| match message {
                    ServerMessage::Subscribed { .. } => refetch.soon(),
                    message => on_message(message),
                })
            })
            .collect();
        let refetch = refetch.clone();
        let fallback = Interval::new(POLL_MS, move || {
            if live.state().get_untracked() != LiveState::Live {
                refetch.soon();
            }
        });
        Self { _subscriptions: subscriptions, _fallback: fallback }
    }
}
