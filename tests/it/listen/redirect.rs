//! The plain port that sends people to HTTPS.
use std::net::SocketAddr;

use slurmdash::http::listen::redirect::{Target, router};
use slurmdash::http::listen::{Limits, LocalAddress};

use super::{Issued, Served, ask};
use crate::support::private_folder;

async fn asked(port: u16) -> Served {
    let dir = private_folder();
    let tls = Issued::new(&["hpc.example.org", "*.labs.example.org", "10.0.0.7"]).open(dir.path());
    let target = Target::Asked { tls, address: SocketAddr::from(([0, 0, 0, 0], port)) };
    Served::plain(router(target), Limits::default()).await
}

#[tokio::test]
async fn people_are_sent_to_the_same_path_of_a_host_that_is_ours() {
    let served = asked(8443).await;
    for (host, base) in [
        ("hpc.example.org", "https://hpc.example.org:8443"),
        ("HPC.Example.ORG.", "https://hpc.example.org:8443"),
        ("hpc.example.org:80", "https://hpc.example.org:8443"),
        ("a.labs.example.org", "https://a.labs.example.org:8443"),
        ("10.0.0.7", "https://10.0.0.7:8443"),
        // The address that the request came to, though the certificate doesn't have it.
        ("127.0.0.1:8080", "https://127.0.0.1:8443"),
    ] {
        let mut stream = served.connect().await;
        for path in ["/", "/jobs?state=running&q=%0d%0aa", "//evil.example/x", "/api/auth/login", "/health"] {
            let answer = ask(&mut stream, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            assert_eq!(answer.status, 308, "{host} {path}");
            assert_eq!(answer.header("location"), Some(format!("{base}{path}").as_str()));
            assert_eq!((answer.header("cache-control"), answer.body.as_str()), (Some("no-store"), ""));
            assert_eq!(answer.header("strict-transport-security"), None);
        }
    }
    let served = asked(443).await;
    let post = "POST /api/auth/login HTTP/1.1\r\nHost: hpc.example.org\r\nContent-Length: 2\r\n\r\n{}";
    let answer = ask(&mut served.connect().await, post).await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("https://hpc.example.org/api/auth/login")));
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_sent_nowhere() {
    let served = asked(8443).await;
    for headers in [
        "",
        "Host: \r\n",
        "Host: evil.example\r\n",
        "Host: hpc.example.org.evil.example\r\n",
        "Host: hpc.example.org@evil.example\r\n",
        "Host: evil.example@hpc.example.org\r\n",
        "Host: hpc.example.org/evil\r\n",
        "Host: hpc.example.org\\evil\r\n",
        "Host: hpc.example.org evil.example\r\n",
        "Host: hpc.example.org,evil.example\r\n",
        "Host: hpc.example.org:80:90\r\n",
        "Host: *.labs.example.org\r\n",
        "Host: a.b.labs.example.org\r\n",
        "Host: hpc.ex\u{e4}mple.org\r\n",
        "Host: hpc.example.org\r\nHost: evil.example\r\n",
        "Host: 127.0.0.2\r\n",
        "Host: [::1]\r\n",
        "Host: [::1\r\n",
        "X-Forwarded-Host: hpc.example.org\r\n",
    ] {
        let answer = ask(&mut served.connect().await, &format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{headers:?}: {answer:?}");
        assert!(!answer.body.contains("evil"), "{answer:?}");
    }
    for line in ["GET http://evil.example/x", "OPTIONS *"] {
        let answer =
            ask(&mut served.connect().await, &format!("{line} HTTP/1.1\r\nHost: hpc.example.org\r\n\r\n")).await;
        assert!(
            answer.header("location").is_none_or(|to| to.starts_with("https://hpc.example.org:8443/")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn with_a_public_address_nobody_is_sent_elsewhere() {
    let served = Served::plain(router(Target::Public("https://hpc.example.org/".into())), Limits::default()).await;
    for headers in ["", "Host: evil.example\r\n", "Host: a\r\nHost: b\r\n", "Host: \r\n"] {
        let answer = ask(&mut served.connect().await, &format!("GET /a?b HTTP/1.1\r\n{headers}\r\n")).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, Some("https://hpc.example.org/a?b")),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn every_request_knows_where_it_came_from_and_to() {
    let both = async |request: axum::extract::Request| {
        let peer = request.extensions().get::<axum::extract::ConnectInfo<SocketAddr>>().unwrap().0;
        let local = request.extensions().get::<LocalAddress>().unwrap().0;
        format!("{} {local}", peer.ip())
    };
    let served = Served::plain(axum::Router::new().fallback(both), Limits::default()).await;
    let mut stream = served.connect_from("127.0.0.3").await;
    let answer = ask(&mut stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.body, format!("127.0.0.3 {}", served.address));
}
