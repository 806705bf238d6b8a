//! What is no request, or too much of one.
use slurmdash::http::listen::Limits;
use slurmdash::http::router::router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Served, answer, ask, ends, get, hello};
use crate::support::TestApp;

#[tokio::test]
async fn a_head_over_the_limits_is_answered_with_431() {
    let app = TestApp::start().await;
    let served = Served::plain(router(app.app.clone()), Limits::default()).await;
    let long = "x".repeat(40 << 10);
    let many = "X-A: b\r\n".repeat(200);
    let of = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    for (what, request) in [
        ("one long header", of(&format!("Cookie: {long}\r\n"))),
        ("many headers", of(&many)),
        ("a head without an end", format!("GET /health HTTP/1.1\r\nX: {long}")),
    ] {
        let mut stream = served.connect().await;
        assert_eq!(ask(&mut stream, &request).await.status, 431, "{what}");
        ends(&mut stream).await;
    }
    let mut stream = served.connect().await;
    let fits = of(&format!("Cookie: {}\r\n", "x".repeat(30 << 10)));
    assert_eq!(ask(&mut stream, &fits).await.status, 200, "what fits is taken");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order_and_garbage_ends_it() {
    let served = Served::plain(hello(), Limits::default()).await;
    let good = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let lost = "GET /lost HTTP/1.1\r\nHost: a\r\n\r\n";
    for garbage in [
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nNo Colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n",
    ] {
        let mut stream = served.connect().await;
        stream.write_all(format!("{good}{lost}{good}{garbage}{good}").as_bytes()).await.unwrap();
        for status in [200, 404, 200] {
            assert_eq!(answer(&mut stream).await.unwrap().status, status);
        }
        let refused = answer(&mut stream).await;
        assert!(refused.as_ref().is_none_or(|answer| answer.status == 400), "{garbage:?}: {refused:?}");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "{garbage:?}: nothing after garbage is taken for a request");
    }
    assert_eq!(get(&mut served.connect().await, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_not_taken_for_the_next_request() {
    let served = Served::plain(hello(), Limits::default()).await;
    let hidden = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut stream = served.connect().await;
    let request = format!("POST /lost HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len());
    assert_eq!(ask(&mut stream, &request).await.status, 404);
    stream.shutdown().await.unwrap();
    ends(&mut stream).await;
    // Both lengths at once are how requests are smuggled past a proxy (RFC 9112, 6.1): the chunks count, and it ends.
    let mut stream = served.connect().await;
    let both = "POST /lost HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = ask(&mut stream, both).await;
    assert!([400, 404].contains(&answer.status), "{answer:?}");
}
