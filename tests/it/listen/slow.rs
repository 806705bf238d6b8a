//! Clients that are slow on purpose, with their request's head, its body, or the answer.
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get as on_get, post as on_post};
use futures_util::StreamExt as _;
use slurmdash::http::listen::Limits;
use slurmdash::http::router::router;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use super::{Served, answer, ask, ends, get, hello, milliseconds};
use crate::support::{PATIENCE, TestApp, eventually};

/// Sends a byte at a time until the server has had enough, and answers how long that took.
async fn trickle<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, text: &str) -> Duration {
    let begun = Instant::now();
    let mut bytes = text.bytes().cycle();
    while begun.elapsed() < PATIENCE {
        if stream.write_all(&[bytes.next().unwrap()]).await.is_err() {
            return begun.elapsed();
        }
        let mut end = [0];
        if let Ok(read) = tokio::time::timeout(milliseconds(20), stream.read(&mut end)).await {
            assert_eq!(read.unwrap_or(0), 0, "the server says something to half a request");
            return begun.elapsed();
        }
    }
    panic!("the server takes it for ever");
}

#[tokio::test]
async fn a_head_that_trickles_is_ended_and_a_connection_that_is_only_kept_is_not() {
    let limits = Limits { head: milliseconds(400), idle: Duration::from_secs(3), ..Limits::default() };
    let served = Served::plain(hello(), limits).await;
    let head = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: b";
    let strict = Duration::from_secs(2);
    let took = trickle(&mut served.connect().await, head).await;
    assert!(took < strict, "a new connection: {took:?}");
    let mut silent = served.connect().await;
    let begun = Instant::now();
    ends(&mut silent).await;
    assert!(begun.elapsed() < strict, "a connection without a byte: {:?}", begun.elapsed());
    let mut kept = served.connect().await;
    for _ in 0..3 {
        assert_eq!(get(&mut kept, "/hello").await.body, "hello");
        sleep(milliseconds(600)).await;
    }
    let took = trickle(&mut kept, head).await;
    assert!(took < strict, "a later request on a kept connection: {took:?}");
    let mut idle = served.connect().await;
    assert_eq!(get(&mut idle, "/hello").await.body, "hello");
    ends(&mut idle).await;
    eventually(async || (served.limits.places.count() == 0).then_some(())).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_ended_whatever_it_is_for() {
    let app = TestApp::start().await;
    let limits = Limits { body_delay: milliseconds(500), ..Limits::default() };
    let served = Served::plain(router(app.app.clone()), limits).await;
    let bearer = format!("Authorization: Bearer {}\r\n", app.token);
    let part = "--x\r\nContent-Disposition: form-data; name=\"upload_id\"\r\n\r\n";
    for (path, kind, length, opening) in [
        ("/api/auth/login", "application/json", "Content-Length: 5000", ""),
        ("/api/jobs/submit", "application/json", "Transfer-Encoding: chunked", "ffff\r\n"),
        ("/api/v2/files/upload/chunk", "multipart/form-data; boundary=x", "Content-Length: 9000000", part),
    ] {
        let begun = Instant::now();
        let mut stream = served.connect().await;
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: a\r\n{bearer}Content-Type: {kind}\r\n{length}\r\n\r\n{opening}");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut from, mut to) = stream.split();
        let dripping = async {
            while to.write_all(b" ").await.is_ok() {
                sleep(milliseconds(20)).await;
            }
        };
        let answer = tokio::select! {
            answer = answer(&mut from) => answer.expect("closed without a word"),
            () = dripping => panic!("closed without a word"),
        };
        assert_eq!(answer.status, 408, "{path}: {answer:?}");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["code"], "timed_out", "{path}: {answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{path}: {:?}", begun.elapsed());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        // What else comes is not taken for a request.
        let mut rest = Vec::new();
        let _ = from.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_slow_but_keeps_coming_is_taken() {
    let router = Router::new().route("/", on_post(async |body: Bytes| body.len().to_string()));
    let limits = Limits { body_delay: milliseconds(500), body_rate: 1000, ..Limits::default() };
    let served = Served::plain(router, limits).await;
    let mut stream = served.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n").await.unwrap();
    for _ in 0..20 {
        stream.write_all(&[b'x'; 2000]).await.unwrap();
        sleep(milliseconds(100)).await;
    }
    assert_eq!(answer(&mut stream).await.unwrap().body, "40000");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_dropped() {
    let endless = async || {
        let pieces = futures_util::stream::repeat(Bytes::from("x".repeat(65_536))).map(Ok::<_, Infallible>);
        Body::from_stream(pieces)
    };
    let router = hello().route("/endless", on_get(endless));
    let served = Served::plain(router, Limits { stall: milliseconds(400), ..Limits::default() }).await;
    let mut greedy = served.connect().await;
    greedy.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    eventually(async || (served.limits.places.count() == 1).then_some(())).await;
    eventually(async || (served.limits.places.count() == 0).then_some(())).await;
    assert_eq!(get(&mut served.connect().await, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_server_that_is_slow_is_not_the_clients_fault() {
    let late = async || {
        sleep(milliseconds(900)).await;
        let pieces = futures_util::stream::iter(0..5).then(|number| async move {
            sleep(milliseconds(200)).await;
            Ok::<_, Infallible>(number.to_string())
        });
        Body::from_stream(pieces)
    };
    let router = hello().route("/late", on_get(late));
    let limits =
        Limits { head: milliseconds(300), idle: milliseconds(300), stall: milliseconds(300), ..Limits::default() };
    let served = Served::plain(router, limits).await;
    let mut stream = served.connect().await;
    // The second request comes while the first is being answered.
    let first = ask(&mut stream, "GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((first.status, first.header("transfer-encoding")), (200, Some("chunked")));
    let mut body = String::new();
    while !body.ends_with("0\r\n\r\n") {
        body.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(body.contains('4'), "{body}");
    assert_eq!(answer(&mut stream).await.unwrap().body, "hello");
}
