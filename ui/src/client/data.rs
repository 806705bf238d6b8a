//! What several pages read: the cluster at a glance, the nodes, and how fresh both are. One call serves all viewers in
//! this tab; a store is kept fresh while somebody watches it, and keeps its last value afterwards.
use std::cell::{Cell, RefCell};

use slurmdash_api::cluster::{ClusterSummary, Controllers, Freshness, NodesStatus};
use slurmdash_api::live::ServerMessage;
use sycamore::prelude::*;

use super::http::{Call, ClientError, parse};
use super::live::Live;
use super::refetch::{Keeper, Refetch};
use super::session::{Session, SessionState};

/// Shortest time between two reads of the same store, milliseconds.
const GAP_MS: f64 = 2_000.0;

/// A value that comes from the server: the last one that arrived, and why the last read failed, if it did.
pub struct Remote<T: 'static> {
    value: Signal<Option<T>>,
    problem: Signal<Option<ClientError>>,
}

impl<T> Clone for Remote<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Remote<T> {}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Remote<T> {
    /// Empty as yet.
    pub fn new() -> Self {
        Self { value: create_signal(None), problem: create_signal(None) }
    }

    /// The last value; `None` until the first one arrives.
    pub fn value(self) -> ReadSignal<Option<T>> {
        *self.value
    }

    /// Why the last read failed; a value may still be there from before.
    pub fn problem(self) -> ReadSignal<Option<ClientError>> {
        *self.problem
    }

    /// Takes in an answer.
    pub fn put(self, answer: Result<T, ClientError>) {
        match answer {
            Ok(value) => {
                self.value.set(Some(value));
                if self.problem.with_untracked(Option::is_some) {
                    self.problem.set(None);
                }
            }
            Err(ClientError::Aborted) => {}
            Err(problem) => self.problem.set(Some(problem)),
        }
    }

    /// Changes the value in place, if there is one and `change` says that it did.
    pub fn patch(self, change: impl FnOnce(&mut T) -> bool) {
        let changed = Cell::new(false);
        self.value.update_silent(|value| {
            if let Some(value) = value {
                changed.set(change(value));
            }
        });
        if changed.get() {
            self.value.update(|_| {});
        }
    }

    fn clear(self) {
        self.value.set(None);
        self.problem.set(None);
    }
}

/// Counts who watches a store, and keeps it fresh while somebody does.
struct Watched {
    watchers: Cell<usize>,
    keeper: RefCell<Option<Keeper>>,
    start: Box<dyn Fn() -> Keeper>,
}

struct Inner {
    cluster: Remote<ClusterSummary>,
    nodes: Remote<NodesStatus>,
    freshness: Signal<Option<Freshness>>,
    controllers: Signal<Controllers>,
    watched_cluster: Watched,
    watched_nodes: Watched,
}

/// The stores; copies are the same ones.
#[derive(Clone, Copy)]
pub struct Data(&'static Inner);

impl Data {
    /// Must be called inside a reactive scope that lives as long as the page.
    pub(super) fn new(session: Session, live: Live) -> Self {
        let freshness = create_signal(None);
        let controllers = create_signal(Controllers::default());
        let cluster = Remote::new();
        let nodes = Remote::new();
        let read_cluster = Refetch::new(GAP_MS, move || async move {
            let answer = super::authorized(session, Call::new("GET", "/api/cluster"))
                .await
                .and_then(|text| parse::<ClusterSummary>(&text));
            if let Ok(summary) = &answer {
                freshness.set(Some(summary.freshness.clone()));
                controllers.set(Controllers { all: summary.controllers.clone(), in_charge: summary.in_charge.clone() });
            }
            cluster.put(answer);
        });
        let read_nodes = Refetch::new(GAP_MS, move || async move {
            let answer = super::authorized(session, Call::new("GET", "/api/nodes/status"))
                .await
                .and_then(|text| parse::<NodesStatus>(&text));
            nodes.put(answer);
        });
        let data = Self(Box::leak(Box::new(Inner {
            cluster,
            nodes,
            freshness,
            controllers,
            watched_cluster: Watched::new(move || {
                let again = read_cluster.clone();
                Keeper::new(live, &["jobs", "nodes"], &read_cluster, move |message| {
                    if let ServerMessage::Nodes { controllers: Some(all), in_charge, .. } = message {
                        controllers.set(Controllers { all: all.clone(), in_charge: in_charge.clone() });
                    }
                    if let Some((now, moved)) = news(message) {
                        freshness.set(Some(now.clone()));
                        if moved {
                            again.soon();
                        }
                    }
                })
            }),
            watched_nodes: Watched::new(move || {
                Keeper::new(live, &["nodes"], &read_nodes, move |message| {
                    nodes.patch(|status| apply(status, message));
                })
            }),
        })));
        create_effect(move || {
            // What one person was shown is nothing for the next one.
            if session.state().with(|state| *state == SessionState::SignedOut) {
                data.0.cluster.clear();
                data.0.nodes.clear();
                data.0.freshness.set(None);
                data.0.controllers.set(Controllers::default());
            }
        });
        data
    }

    /// The cluster at a glance, kept fresh while the current scope lives.
    pub fn watch_cluster(self) -> Remote<ClusterSummary> {
        self.0.watched_cluster.watch(|data| &data.watched_cluster, self);
        self.0.cluster
    }

    /// The nodes, kept fresh while the current scope lives.
    pub fn watch_nodes(self) -> Remote<NodesStatus> {
        self.0.watched_nodes.watch(|data| &data.watched_nodes, self);
        self.0.nodes
    }

    /// Largest file an upload may be, bytes, if the cluster has been looked at already.
    pub fn max_file_size(self) -> Option<u64> {
        self.0.cluster.value().with_untracked(|cluster| cluster.as_ref().map(|cluster| cluster.max_file_size))
    }

    /// How fresh what Slurm says is, as last heard.
    pub fn freshness(self) -> ReadSignal<Option<Freshness>> {
        *self.0.freshness
    }

    /// The controllers, and who is in charge, as last heard.
    pub fn controllers(self) -> ReadSignal<Controllers> {
        *self.0.controllers
    }
}

impl Watched {
    fn new(start: impl Fn() -> Keeper + 'static) -> Self {
        Self { watchers: Cell::default(), keeper: RefCell::default(), start: Box::new(start) }
    }

    fn watch(&self, which: fn(&Inner) -> &Watched, data: Data) {
        if self.watchers.replace(self.watchers.get() + 1) == 0 {
            *self.keeper.borrow_mut() = Some((self.start)());
        }
        on_cleanup(move || {
            let watched = which(data.0);
            let left = watched.watchers.get() - 1;
            watched.watchers.set(left);
            if left == 0 {
                watched.keeper.take();
            }
        });
    }
}

/// The freshness that a message tells of, and whether anything moved.
fn news(message: &ServerMessage) -> Option<(&Freshness, bool)> {
    match message {
        ServerMessage::Jobs { changed, gone, freshness } => Some((freshness, !changed.is_empty() || !gone.is_empty())),
        ServerMessage::Nodes { changed, gone, freshness, .. } => {
            Some((freshness, !changed.is_empty() || !gone.is_empty()))
        }
        _ => None,
    }
}

/// Brings the nodes up to date; says whether the message was about nodes.
fn apply(status: &mut NodesStatus, message: &ServerMessage) -> bool {
    let ServerMessage::Nodes { changed, gone, freshness, .. } = message else {
        return false;
    };
    for node in changed {
        status.nodes.insert(node.name.clone(), node.clone());
    }
    for name in gone {
        status.nodes.remove(name);
    }
    status.total = status.nodes.len();
    status.online = status.nodes.values().filter(|node| node.is_online()).count();
    status.freshness = freshness.clone();
    true
}
