//! What is spoken on a TLS port, and what is not.
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use slurmdash::http::listen::{Limits, Security};
use slurmdash::http::router::router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{Issued, Served, answer, ends, get, hello, milliseconds, tls_over, tls_with};
use crate::support::{PATIENCE, TestApp, eventually, private_folder};

/// A TLS listener for `localhost`.
async fn tls(router: axum::Router, hsts_days: u32, limits: Limits) -> (Served, Issued) {
    let dir = private_folder();
    let issued = Issued::new(&["localhost"]);
    let security = Security::tls(&issued.open(dir.path()), hsts_days).unwrap();
    (Served::start(router, security, limits).await, issued)
}

#[tokio::test]
async fn tls_1_3_and_1_2_are_spoken_with_http_1_1_on_top() {
    let app = TestApp::start().await;
    let (served, issued) = tls(router(app.app.clone()), 2, Limits::default()).await;
    for (version, expected) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        let mut stream = tls_over(served.connect().await, &issued, &[version]).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(expected));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        for path in ["/health", "/api/jobs", "/nowhere"] {
            let answer = get(&mut stream, path).await;
            assert_eq!(answer.header("strict-transport-security"), Some("max-age=172800"), "{path}: {answer:?}");
        }
    }
    let (unsaid, issued) = tls(hello(), 0, Limits::default()).await;
    let answer = get(&mut unsaid.connect_tls(&issued).await, "/hello").await;
    assert_eq!((answer.status, answer.header("strict-transport-security")), (200, None));
}

/// A `ClientHello` of TLS 1.1 (RFC 4346, 7.4.1.2): no extensions, one cipher suite of its time.
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let mut record = vec![22, 3, 1, 0, u8::try_from(hello.len() + 4).unwrap(), 1, 0, 0];
    record.push(u8::try_from(hello.len()).unwrap());
    record.extend(hello);
    record
}

#[tokio::test]
async fn older_versions_and_other_protocols_are_refused_cleanly() {
    let (served, issued) = tls(hello(), 0, Limits::default()).await;
    let mut old = served.connect().await;
    old.write_all(&hello_of_tls_1_1()).await.unwrap();
    let mut refusal = Vec::new();
    old.read_to_end(&mut refusal).await.unwrap();
    // One fatal alert and the end: protocol_version, or handshake_failure as it has no signature algorithms (RFC 5246).
    assert_eq!((refusal.len(), refusal[0], refusal[5]), (7, 21, 2), "{refusal:?}");
    assert!([40, 70].contains(&refusal[6]), "{refusal:?}");
    let http2 = tls_with(served.connect().await, issued.leaf(), &[&TLS13], &[b"h2"]).await;
    assert!(http2.unwrap_err().to_string().contains("NoApplicationProtocol"));
    let mut noise = served.connect().await;
    noise.write_all(&[0xff; 300]).await.unwrap();
    let mut refusal = Vec::new();
    let _ = noise.read_to_end(&mut refusal).await;
    assert!(refusal.is_empty() || refusal[0] == 21, "{refusal:?}");
    assert_eq!(get(&mut served.connect_tls(&issued).await, "/hello").await.body, "hello");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_told_to_speak_https() {
    let (served, _) = tls(hello(), 1, Limits::default()).await;
    let mut plain = served.connect().await;
    let long = "x".repeat(10_000);
    let request = format!("POST /hello HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {long}\r\n\r\n{long}");
    plain.write_all(request.as_bytes()).await.unwrap();
    let answer = answer(&mut plain).await.unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("https://"), "{answer:?}");
    // RFC 6797, 7.2: never over plain HTTP.
    assert_eq!(answer.header("strict-transport-security"), None);
    plain.shutdown().await.unwrap();
    ends(&mut plain).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let limits = Limits { handshake: milliseconds(200), ..Limits::default() };
    let (served, issued) = tls(hello(), 0, limits).await;
    let mut silent = served.connect().await;
    let mut begun = served.connect().await;
    begun.write_all(&hello_of_tls_1_1()[..20]).await.unwrap();
    let mut letters = served.connect().await;
    letters.write_all(b"GET").await.unwrap();
    ends(&mut silent).await;
    ends(&mut begun).await;
    assert_eq!(answer(&mut letters).await.unwrap().status, 400);
    eventually(async || (served.limits.places.count() == 0).then_some(())).await;
    assert_eq!(get(&mut served.connect_tls(&issued).await, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_websocket_works_over_tls() {
    let app = TestApp::start().await;
    let limits = Limits { head: milliseconds(300), idle: milliseconds(300), ..Limits::default() };
    let (served, issued) = tls(router(app.app.clone()), 0, limits).await;
    let mut request = "wss://localhost/ws".into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {}", app.token).parse().unwrap());
    // The browser's page and its WebSocket have one origin.
    request.headers_mut().insert("origin", "https://localhost".parse().unwrap());
    let (mut socket, answer) = client_async(request, served.connect_tls(&issued).await).await.unwrap();
    assert_eq!(answer.status(), 101);
    for topic in ["nodes", "jobs", "upload"] {
        let subscribe = json!({"action": "subscribe", "topic": topic}).to_string();
        socket.send(Message::text(subscribe)).await.unwrap();
        let confirmed = async {
            while let Some(message) = socket.next().await {
                let Ok(Message::Text(text)) = message else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "subscribed" && message["data"]["topic"] == topic {
                    return;
                }
            }
            panic!("the server ended it");
        };
        tokio::time::timeout(PATIENCE, confirmed).await.unwrap();
        // Longer than a connection for requests may be silent.
        tokio::time::sleep(milliseconds(400)).await;
    }
    drop(socket);
    eventually(async || (served.limits.places.count() == 0).then_some(())).await;
}
