//! The live connection: one WebSocket for the whole page, shared by whoever subscribes to a topic.
//!
//! It connects when somebody is signed in and something is subscribed, comes back by itself after a break, and then
//! subscribes again to everything. Nothing is replayed: after `Subscribed` a subscriber reads its snapshot again, unless
//! its topic is a file, which goes on from where the subscriber says it is.
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use slurmdash_api::auth::{WS_BEARER_PREFIX, WS_PROTOCOL};
use slurmdash_api::jobs::OutputStream;
use slurmdash_api::live::{ClientAction, ClientMessage, ServerMessage};
use sycamore::prelude::*;
use sycamore::web::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::clock::{Timeout, backoff_ms};
use super::http::ClientError;
use super::message;
use super::session::{Session, SessionState};

/// How the live connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// Not connected yet.
    Connecting,
    /// Connected.
    Live,
    /// Was connected, or could not connect; tries again. Stores poll meanwhile.
    Reconnecting,
}

/// Close code of the server: the session has ended.
const SESSION_ENDED: u16 = 4401;

type Handler = Rc<dyn Fn(&ServerMessage)>;
/// Where a subscriber already is in a file, bytes.
type Position = Rc<dyn Fn() -> u64>;

struct Socket {
    raw: WebSocket,
    // Held for as long as the socket may call them.
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.raw.set_onopen(None);
        self.raw.set_onmessage(None);
        self.raw.set_onclose(None);
        let _ = self.raw.close();
    }
}

struct Inner {
    session: Session,
    state: Signal<LiveState>,
    topics: RefCell<HashMap<String, Vec<(u64, Handler)>>>,
    positions: RefCell<HashMap<String, Position>>,
    next_id: Cell<u64>,
    socket: RefCell<Option<Socket>>,
    connecting: Cell<bool>,
    /// Whether the server must be asked for the session before the next attempt.
    doubtful: Cell<bool>,
    attempt: Cell<u32>,
    retry: RefCell<Option<Timeout>>,
}

/// The live connection; copies are the same one.
#[derive(Clone, Copy)]
pub struct Live(&'static Inner);

/// One subscription; dropping it ends it.
pub struct Subscription {
    live: Live,
    topic: String,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.unsubscribe(&self.topic, self.id);
    }
}

impl Live {
    /// Must be called inside a reactive scope that lives as long as the page.
    pub(super) fn new(session: Session) -> Self {
        let live = Self(Box::leak(Box::new(Inner {
            session,
            state: create_signal(LiveState::Connecting),
            topics: RefCell::default(),
            positions: RefCell::default(),
            next_id: Cell::default(),
            socket: RefCell::default(),
            connecting: Cell::default(),
            doubtful: Cell::default(),
            attempt: Cell::default(),
            retry: RefCell::default(),
        })));
        let signed_in =
            create_selector(move || session.state().with(|state| matches!(state, SessionState::SignedIn(_))));
        create_effect(move || {
            if signed_in.get() {
                live.connect();
            } else {
                live.disconnect();
            }
        });
        let online = Closure::<dyn FnMut()>::new(move || live.connect());
        let _ = window().add_event_listener_with_callback("online", online.as_ref().unchecked_ref());
        // Listens for as long as the page lives.
        online.forget();
        live
    }

    /// How the connection is.
    pub fn state(self) -> ReadSignal<LiveState> {
        *self.0.state
    }

    /// Calls `handler` with every message of `topic`, its `Subscribed` first, until the subscription is dropped.
    pub fn subscribe(self, topic: &str, handler: impl Fn(&ServerMessage) + 'static) -> Subscription {
        let id = self.0.next_id.replace(self.0.next_id.get() + 1);
        let is_new = {
            let mut topics = self.0.topics.borrow_mut();
            let handlers = topics.entry(topic.to_owned()).or_default();
            handlers.push((id, Rc::new(handler)));
            handlers.len() == 1
        };
        if is_new {
            self.say(ClientAction::Subscribe, topic);
        }
        self.connect();
        Subscription { live: self, topic: topic.to_owned(), id }
    }

    /// As [`Live::subscribe`], for a topic that is a file: every (re)subscription goes on from `position`. One subscriber
    /// a file: its place is nobody else's.
    pub fn subscribe_from(
        self,
        topic: &str,
        position: impl Fn() -> u64 + 'static,
        handler: impl Fn(&ServerMessage) + 'static,
    ) -> Subscription {
        self.0.positions.borrow_mut().insert(topic.to_owned(), Rc::new(position));
        self.subscribe(topic, handler)
    }

    fn unsubscribe(self, topic: &str, id: u64) {
        let was_last = {
            let mut topics = self.0.topics.borrow_mut();
            let Some(handlers) = topics.get_mut(topic) else {
                return;
            };
            handlers.retain(|(known, _)| *known != id);
            let was_last = handlers.is_empty();
            if was_last {
                topics.remove(topic);
            }
            was_last
        };
        if was_last {
            self.0.positions.borrow_mut().remove(topic);
            self.say(ClientAction::Unsubscribe, topic);
        }
    }

    fn say(self, action: ClientAction, topic: &str) {
        if let Some(socket) = self.0.socket.borrow().as_ref()
            && socket.raw.ready_state() == WebSocket::OPEN
        {
            let position = self.0.positions.borrow().get(topic).cloned();
            let from = position.filter(|_| action == ClientAction::Subscribe).map(|position| position());
            let message = ClientMessage { action, topic: topic.to_owned(), from };
            if let Ok(text) = serde_json::to_string(&message) {
                // A socket that breaks here says so in its close event.
                let _ = socket.raw.send_with_str(&text);
            }
        }
    }

    fn connect(self) {
        let wanted = !self.0.topics.borrow().is_empty()
            && self.0.session.state().with_untracked(|state| matches!(state, SessionState::SignedIn(_)));
        if !wanted || self.0.connecting.get() || self.0.socket.borrow().is_some() {
            return;
        }
        self.0.retry.take();
        self.0.connecting.set(true);
        spawn_local(async move {
            if self.0.doubtful.take() {
                // Ends the session when it is over; when the server is away, so is the live connection.
                let _ = self.0.session.check().await;
            }
            let token = self.0.session.token().await;
            self.0.connecting.set(false);
            match token {
                Ok(token) => self.open(&token),
                Err(ClientError::Unauthorized) => {}
                Err(_) => self.retry_later(),
            }
        });
    }

    fn open(self, token: &str) {
        let protocols = js_sys::Array::of2(
            &JsValue::from_str(WS_PROTOCOL),
            &JsValue::from_str(&format!("{WS_BEARER_PREFIX}{token}")),
        );
        let Some(raw) = address().and_then(|url| WebSocket::new_with_str_sequence(&url, &protocols).ok()) else {
            return self.retry_later();
        };
        let on_open = Closure::<dyn FnMut()>::new(move || self.opened());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                self.heard(&text);
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let refused = self.0.state.get_untracked() != LiveState::Live;
            self.0.socket.take();
            if event.code() == SESSION_ENDED {
                self.check_session();
            } else {
                // Why a handshake was refused no browser tells: it may be that the session is over.
                self.0.doubtful.set(refused);
                self.retry_later();
            }
        });
        raw.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        raw.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        raw.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        *self.0.socket.borrow_mut() =
            Some(Socket { raw, _on_open: on_open, _on_message: on_message, _on_close: on_close });
    }

    /// The server says that the session is over. Should it be mistaken, the connection comes back at once.
    fn check_session(self) {
        self.0.state.set(LiveState::Reconnecting);
        spawn_local(async move {
            match self.0.session.check().await {
                Ok(()) => self.connect(),
                Err(ClientError::Unauthorized) => {}
                Err(_) => self.retry_later(),
            }
        });
    }

    fn opened(self) {
        self.0.attempt.set(0);
        self.0.state.set(LiveState::Live);
        let topics: Vec<String> = self.0.topics.borrow().keys().cloned().collect();
        for topic in topics {
            self.say(ClientAction::Subscribe, &topic);
        }
    }

    fn heard(self, text: &str) {
        let Some(message) = message::read(text) else {
            return;
        };
        let Some(topic) = topic_of(&message) else {
            return;
        };
        // Handlers may subscribe and unsubscribe, so none is called while the table is borrowed.
        let handlers: Vec<(u64, Handler)> = self.0.topics.borrow().get(&topic).cloned().unwrap_or_default();
        for (id, handler) in handlers {
            let still_there =
                self.0.topics.borrow().get(&topic).is_some_and(|known| known.iter().any(|(known, _)| *known == id));
            if still_there {
                handler(&message);
            }
        }
    }

    fn retry_later(self) {
        let signed_in = self.0.session.state().with_untracked(|state| matches!(state, SessionState::SignedIn(_)));
        if !signed_in {
            return;
        }
        self.0.state.set(LiveState::Reconnecting);
        let attempt = self.0.attempt.replace(self.0.attempt.get().saturating_add(1));
        let wait = backoff_ms(attempt, 1_000, 30_000, js_sys::Math::random());
        *self.0.retry.borrow_mut() = Some(Timeout::new(wait, move || self.connect()));
    }

    fn disconnect(self) {
        self.0.retry.take();
        self.0.socket.take();
        self.0.attempt.set(0);
        self.0.state.set(LiveState::Connecting);
    }
}

/// The topic that a message belongs to.
fn topic_of(message: &ServerMessage) -> Option<String> {
    Some(match message {
        ServerMessage::Subscribed { topic } | ServerMessage::Unsubscribed { topic } => topic.clone(),
        ServerMessage::Jobs { .. } => "jobs".to_owned(),
        ServerMessage::Nodes { .. } => "nodes".to_owned(),
        ServerMessage::UploadProgress(_) => "upload".to_owned(),
        ServerMessage::Templates(_) => "templates".to_owned(),
        ServerMessage::JobOutput { job_id, output } => output_topic(job_id, output.stream),
        ServerMessage::Error { .. } => return None,
    })
}

/// The topic of one of a job's outputs.
pub fn output_topic(job_id: &str, stream: OutputStream) -> String {
    match stream {
        OutputStream::Stdout => format!("job-output:{job_id}"),
        OutputStream::Stderr => format!("job-output:{job_id}:stderr"),
    }
}

/// `/ws` of the server that this page came from.
fn address() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/ws", location.host().ok()?))
}
