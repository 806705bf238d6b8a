//! The WebSocket: who gets in, what they are told, and how they are refused.
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::identity::Person;
use crate::support::{PATIENCE, TestApp, json};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(app: &TestApp, headers: &[(&'static str, String)]) -> Result<Socket, u16> {
    let mut request = app.url.replace("http://", "ws://").into_client_request().unwrap();
    *request.uri_mut() = format!("{}/ws", app.url.replace("http://", "ws://")).parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

pub async fn viewer(app: &TestApp) -> Socket {
    connect(app, &[("authorization", format!("Bearer {}", app.token))]).await.unwrap()
}

pub async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message for which `wanted` holds.
pub async fn hears(socket: &mut Socket, mut wanted: impl FnMut(&Value) -> bool) -> Value {
    let search = async {
        loop {
            match socket.next().await.expect("the server ended it").unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if wanted(&message) {
                        return message;
                    }
                }
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the message did not come")
}

#[tokio::test]
async fn only_signed_in_viewers_from_our_own_pages_get_in() {
    let app = TestApp::start().await;
    assert_eq!(connect(&app, &[]).await.err(), Some(401));
    assert_eq!(connect(&app, &[("authorization", "Bearer x.y.z".into())]).await.err(), Some(401));
    let bearer = ("authorization", format!("Bearer {}", app.token));
    let foreign = connect(&app, &[bearer.clone(), ("origin", "https://elsewhere.example".into())]).await;
    assert_eq!(foreign.err(), Some(403));
    assert!(connect(&app, &[bearer, ("origin", app.url.clone())]).await.is_ok());
    let protocols = format!("slurmdash.v1, bearer.{}", app.token);
    assert!(connect(&app, &[("sec-websocket-protocol", protocols)]).await.is_ok());
}

#[tokio::test]
async fn subscribers_hear_of_jobs_and_nodes_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (mut one, mut other) = (viewer(&app).await, viewer(&app).await);
    say(&mut one, &json!({"action": "subscribe", "topic": "jobs"})).await;
    hears(&mut one, |message| message["type"] == "subscribed").await;
    say(&mut other, &json!({"action": "subscribe", "topic": "nodes"})).await;
    hears(&mut other, |message| message["type"] == "subscribed").await;
    app.post("/api/jobs/submit", &json!({"job_name": "seen", "command": "true"})).await;
    hears(&mut one, |message| {
        assert_ne!(message["type"], "nodes");
        message["data"]["changed"].as_array().is_some_and(|jobs| jobs.iter().any(|job| job["state"] == "COMPLETED"))
    })
    .await;
    hears(&mut other, |message| message["type"] == "nodes").await;
}

#[tokio::test]
async fn a_jobs_output_is_followed_as_it_grows() {
    let app = TestApp::start().await;
    let gate = app.app.config.data_dir.join("gate");
    let command = format!("echo first; while [ ! -e '{}' ]; do sleep 0.05; done; echo second", gate.display());
    let request = json!({"job_name": "grows", "command": command});
    let id = json(app.post("/api/jobs/submit", &request).await).await["job_id"].to_string();
    let mut socket = viewer(&app).await;
    say(&mut socket, &json!({"action": "subscribe", "topic": format!("job-output:{id}")})).await;
    let mut text = String::new();
    let mut grown = |message: &Value, until: &str| {
        if message["type"] == "job_output" {
            assert_eq!(message["data"]["output"]["offset"], text.len());
            text.push_str(message["data"]["output"]["text"].as_str().unwrap());
        }
        text == until
    };
    hears(&mut socket, |message| grown(message, "first\n")).await;
    std::fs::write(&gate, "").unwrap();
    hears(&mut socket, |message| grown(message, "first\nsecond\n")).await;
}

#[tokio::test]
async fn nonsense_is_answered_and_the_connection_goes_on() {
    let app = TestApp::start().await;
    let mut socket = viewer(&app).await;
    for (nonsense, code) in [
        ("{", "invalid_message"),
        ("[]", "invalid_message"),
        (r#"{"action":"dance","topic":"jobs"}"#, "invalid_message"),
        (r#"{"action":"subscribe","topic":"jobs","x":1}"#, "invalid_message"),
        (r#"{"action":"subscribe","topic":"secrets"}"#, "unknown_topic"),
        (r#"{"action":"subscribe","topic":"job-output:../1"}"#, "unknown_topic"),
        (r#"{"action":"subscribe","topic":"job-output:4000000"}"#, "no_output"),
    ] {
        socket.send(Message::text(nonsense)).await.unwrap();
        let answer = hears(&mut socket, |message| message["type"] == "error").await;
        assert_eq!(answer["data"]["code"], code, "{nonsense}");
    }
    say(&mut socket, &json!({"action": "unsubscribe", "topic": "jobs"})).await;
    hears(&mut socket, |message| message["type"] == "unsubscribed").await;
}

#[tokio::test]
async fn binary_and_oversized_messages_end_the_connection() {
    let app = TestApp::start().await;
    for message in [Message::binary(vec![0; 8]), Message::text("x".repeat(10_000))] {
        let mut socket = viewer(&app).await;
        socket.send(message).await.unwrap();
        let ended = async {
            while let Some(Ok(message)) = socket.next().await {
                drop(message);
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the connection goes on");
    }
    assert_eq!(app.get("/api/auth/me").await.status(), 200, "the server goes on");
}

#[tokio::test]
async fn a_topic_that_is_somebody_elses_is_refused_and_that_is_written_down() {
    let app = TestApp::start().await;
    let job = json!({"job_name": "j", "command": "true"});
    let job = json(app.post("/api/jobs/submit", &job).await).await["job_id"].to_string();
    let bob = Person::with_roles(&app, "bob", &["user"]).await;
    let mut socket = connect(&app, &[("authorization", format!("Bearer {}", bob.token))]).await.unwrap();
    let topic = format!("job-output:{job}");
    say(&mut socket, &json!({"action": "subscribe", "topic": topic})).await;
    let refused = hears(&mut socket, |message| message["type"] == "error").await;
    assert_eq!(refused["data"]["code"], "no_output", "{refused}");
    app.app.security.flush().await.unwrap();
    let rows = json(app.get("/api/v2/audit?action=security.permission_refused").await).await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{rows}");
    assert_eq!((&rows["rows"][0]["username"], &rows["rows"][0]["resource"]), (&json!("bob"), &json!(topic)));
}
