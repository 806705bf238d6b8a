//! How many connections there may be.
use axum::Router;
use rustls::version::TLS13;
use slurmdash::http::listen::places::Places;
use slurmdash::http::listen::{Limits, Security};
use slurmdash::http::router::router;
use tokio::net::TcpStream;

use super::{Issued, Served, ends, get, hello, tls_over};
use crate::support::{TestApp, eventually, private_folder};

fn places(most: usize, each: usize) -> Limits {
    Limits { places: Places::new(most, each), ..Limits::default() }
}

async fn taken(served: &Served, count: usize) {
    eventually(async || (served.limits.places.count() == count).then_some(())).await;
}

/// Opens so many connections from an address, and waits until all have their place.
async fn hold(served: &Served, address: &str, count: usize) -> Vec<TcpStream> {
    let before = served.limits.places.count();
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(served.connect_from(address).await);
    }
    taken(served, before + count).await;
    held
}

#[tokio::test]
async fn thousands_of_idle_connections_from_one_address_leave_room_for_the_others() {
    let app = TestApp::start().await;
    for is_tls in [false, true] {
        let dir = private_folder();
        let issued = Issued::new(&["localhost"]);
        let security = if is_tls { Security::tls(&issued.open(dir.path()), 0).unwrap() } else { Security::Plain };
        let served = Served::start(router(app.app.clone()), security, places(1000, 50)).await;
        let held = hold(&served, "127.0.0.1", 50).await;
        for _ in 0..3000 {
            ends(&mut served.connect_from("127.0.0.1").await).await;
        }
        taken(&served, 50).await;
        let answer = {
            let mut other = served.connect_from("127.0.0.2").await;
            if is_tls {
                get(&mut tls_over(other, &issued, &[&TLS13]).await.unwrap(), "/health").await
            } else {
                get(&mut other, "/health").await
            }
        };
        assert_eq!(answer.status, 200, "another address is served");
        drop(held);
        taken(&served, 0).await;
        let _again = hold(&served, "127.0.0.1", 50).await;
    }
}

#[tokio::test]
async fn all_connections_together_are_bounded_and_a_proxy_is_bounded_by_that_alone() {
    let is_proxy = std::sync::Arc::new(|address: std::net::IpAddr| address.to_string() == "127.0.0.9");
    let served = Served::plain(hello(), Limits { is_proxy, ..places(30, 10) }).await;
    let proxied = hold(&served, "127.0.0.9", 25).await;
    let _own = hold(&served, "127.0.0.1", 5).await;
    ends(&mut served.connect_from("127.0.0.2").await).await;
    drop(proxied);
    taken(&served, 5).await;
    assert_eq!(get(&mut served.connect_from("127.0.0.2").await, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_websocket_keeps_its_place_until_it_ends() {
    let upgrade = async |upgrade: axum::extract::ws::WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| while socket.recv().await.is_some() {})
    };
    let served = Served::plain(Router::new().route("/ws", axum::routing::get(upgrade)), places(10, 1)).await;
    let stream = served.connect().await;
    let (socket, _) = tokio_tungstenite::client_async("ws://localhost/ws", stream).await.unwrap();
    ends(&mut served.connect().await).await;
    assert_eq!(served.limits.places.count(), 1);
    drop(socket);
    taken(&served, 0).await;
}
