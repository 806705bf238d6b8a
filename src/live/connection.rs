//! One viewer's WebSocket, from the handshake to its end.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use slurmdash_api::live::{ClientAction, ClientMessage, ServerMessage};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::topics::Topic;
use super::{Event, Watching, output};
use crate::app::App;
use crate::auth::{Forbidden, Principal};
use crate::jobs::JobError;

/// Largest message a viewer may send, bytes.
pub const MAX_MESSAGE: usize = 4096;
/// Topics one connection may hold.
const MAX_TOPICS: usize = 64;
/// A viewer that takes a message no faster than this is dropped.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Pause between pings; a viewer that answered none since the last one is gone.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Close code: the session has ended; sign in again before connecting again.
const SESSION_ENDED: u16 = 4401;

/// Why a connection ends.
enum End {
    /// The viewer went away, or is too slow to be told why.
    Gone,
    /// We end it, with a code and a reason.
    Close(u16, &'static str),
}

/// What a subscription keeps alive.
enum Subscription {
    /// Events are passed on; jobs and nodes count as somebody watching.
    Events { _watching: Option<Watching> },
    /// A task of its own reads an output file.
    Follower { _task: AbortOnDropHandle<()> },
}

struct Connection {
    app: Arc<App>,
    who: Principal,
    sink: SplitSink<WebSocket, Message>,
    topics: HashMap<Topic, Subscription>,
    /// Followers write here; bounded, so that a slow viewer slows its followers and nobody else.
    follower: mpsc::Sender<Utf8Bytes>,
}

/// Serves a viewer until either side ends it.
pub async fn serve(socket: WebSocket, app: Arc<App>, who: Principal) {
    let (sink, stream) = socket.split();
    let (follower, from_followers) = mpsc::channel(16);
    let mut connection = Connection { app, who, sink, topics: HashMap::new(), follower };
    if let End::Close(code, reason) = connection.run(stream, from_followers).await {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // Said once; whoever does not listen is gone.
        let _ = timeout(SEND_WITHIN, connection.sink.send(close)).await;
    }
}

impl Connection {
    async fn run(&mut self, mut stream: SplitStream<WebSocket>, mut from_followers: mpsc::Receiver<Utf8Bytes>) -> End {
        let mut events = self.app.live.events();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = true;
        let stopping = self.app.stopping.clone();
        let mut ended = self.app.auth.ended();
        loop {
            let outcome = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => { answered = true; self.obey(&text).await }
                    Some(Ok(Message::Binary(_))) => {
                        Err(End::Close(close_code::UNSUPPORTED, "text messages only"))
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => { answered = true; Ok(()) }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
                },
                event = events.recv() => match event {
                    Ok(event) if self.wants(&event) => self.send(Message::Text(event.text)).await,
                    Ok(_) => Ok(()),
                    Err(RecvError::Lagged(_)) => Err(End::Close(close_code::AGAIN, "too slow; connect again")),
                    Err(RecvError::Closed) => Err(End::Gone),
                },
                Some(text) = from_followers.recv() => self.send(Message::Text(text)).await,
                _ = pings.tick() => self.check(&mut answered).await,
                user = ended.recv() => match user {
                    Ok(user) if *user != *self.who.user_id => Ok(()),
                    // Ours, or one of those that were missed.
                    _ => self.still_holds(),
                },
                () = stopping.cancelled() => Err(End::Close(close_code::RESTART, "the server is stopping")),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        event.only_user.as_deref().is_none_or(|user| user == self.who.user_id) && self.topics.contains_key(&event.topic)
    }

    /// Whether the viewer is still there and still signed in.
    async fn check(&mut self, answered: &mut bool) -> Result<(), End> {
        if !std::mem::replace(answered, false) {
            return Err(End::Gone);
        }
        self.still_holds()?;
        self.send(Message::Ping(bytes::Bytes::new())).await
    }

    /// Ends when the session has, or when something was taken away that it allowed.
    fn still_holds(&self) -> Result<(), End> {
        if self.app.auth.still_holds(&self.who) {
            Ok(())
        } else {
            Err(End::Close(SESSION_ENDED, "the session has ended"))
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND_WITHIN, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn say(&mut self, message: &ServerMessage) -> Result<(), End> {
        match serde_json::to_string(message) {
            Ok(text) => self.send(Message::Text(text.into())).await,
            Err(_) => Err(End::Close(close_code::ERROR, "internal error")),
        }
    }

    async fn refuse(&mut self, code: &str, detail: impl Into<String>) -> Result<(), End> {
        self.say(&ServerMessage::Error { code: code.into(), detail: detail.into() }).await
    }

    fn note_refusal(&self, topic: &str, forbidden: Forbidden) {
        let words = format!("a subscription to {topic}: {forbidden}");
        self.app.security.refused(&self.who.by(self.app.clock.now()), topic, words);
    }

    async fn obey(&mut self, text: &str) -> Result<(), End> {
        let message: ClientMessage = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return self.refuse("invalid_message", error.to_string()).await,
        };
        let Some(topic) = Topic::parse(&message.topic) else {
            return self.refuse("unknown_topic", "there is no such topic").await;
        };
        match message.action {
            ClientAction::Subscribe => self.subscribe(topic, message.topic, message.from).await,
            ClientAction::Unsubscribe => {
                self.topics.remove(&topic);
                self.say(&ServerMessage::Unsubscribed { topic: message.topic }).await
            }
        }
    }

    async fn subscribe(&mut self, topic: Topic, name: String, from: Option<u64>) -> Result<(), End> {
        if let Err(error) = self.who.require(topic.permission()) {
            self.note_refusal(&name, error);
            return self.refuse("forbidden", error.to_string()).await;
        }
        if self.topics.len() >= MAX_TOPICS && !self.topics.contains_key(&topic) {
            return self.refuse("too_many_topics", format!("a connection holds at most {MAX_TOPICS} topics")).await;
        }
        let subscription = match &topic {
            Topic::JobOutput(id, stream) => {
                let source = match output::open(&self.app, &self.who, id, *stream, from).await {
                    Ok(source) => source,
                    Err(error) => {
                        if let JobError::Forbidden(forbidden) = &error {
                            self.note_refusal(&name, *forbidden);
                        }
                        return self.refuse("no_output", error.to_string()).await;
                    }
                };
                let task = output::follow(self.app.clone(), source, self.follower.clone());
                Subscription::Follower { _task: AbortOnDropHandle::new(tokio::spawn(task)) }
            }
            Topic::Jobs | Topic::Nodes => Subscription::Events { _watching: Some(self.app.live.watch()) },
            Topic::Upload | Topic::Templates | Topic::Notifications => Subscription::Events { _watching: None },
        };
        self.topics.insert(topic, subscription);
        self.say(&ServerMessage::Subscribed { topic: name }).await
    }
}
