//! How it stops.
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get as on_get;
use slurmdash::http::listen::{Limits, Security};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Issued, Served, answer, ends, get, hello, milliseconds};
use crate::support::{PATIENCE, eventually, private_folder};

/// A router with an address that answers when it is let.
fn waiting() -> (axum::Router, Arc<Semaphore>, Arc<Semaphore>) {
    let (arrived, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (arrived, let_go) = (arrived.clone(), let_go.clone());
        async move || {
            arrived.add_permits(1);
            let_go.acquire().await.unwrap().forget();
            "done"
        }
    };
    (hello().route("/waiting", on_get(handler)), arrived, let_go)
}

#[tokio::test]
async fn what_is_under_way_finishes_and_nothing_new_begins() {
    for is_tls in [false, true] {
        let (router, arrived, let_go) = waiting();
        let dir = private_folder();
        let issued = Issued::new(&["localhost"]);
        let security = if is_tls { Security::tls(&issued.open(dir.path()), 0).unwrap() } else { Security::Plain };
        let mut served = Served::start(router, security, Limits::default()).await;
        let request = b"GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n";
        if is_tls {
            let (mut idle, mut busy) = (served.connect_tls(&issued).await, served.connect_tls(&issued).await);
            get(&mut idle, "/hello").await;
            busy.write_all(request).await.unwrap();
            arrived.acquire().await.unwrap().forget();
            // One that is in the middle of its handshake.
            let mut begun = served.connect().await;
            eventually(async || (served.limits.places.count() == 3).then_some(())).await;
            served.stopping.cancel();
            ends(&mut idle).await;
            ends(&mut begun).await;
            let_go.add_permits(1);
            let answer = answer(&mut busy).await.unwrap();
            assert_eq!((answer.body.as_str(), answer.header("connection")), ("done", Some("close")));
        } else {
            let (mut idle, mut busy, mut new) =
                (served.connect().await, served.connect().await, served.connect().await);
            get(&mut idle, "/hello").await;
            busy.write_all(request).await.unwrap();
            arrived.acquire().await.unwrap().forget();
            eventually(async || (served.limits.places.count() == 3).then_some(())).await;
            served.stopping.cancel();
            ends(&mut idle).await;
            ends(&mut new).await;
            eventually(async || TcpStream::connect(served.address).await.err()).await;
            let_go.add_permits(1);
            assert_eq!(answer(&mut busy).await.unwrap().body, "done");
            ends(&mut busy).await;
        }
        assert_eq!(timeout(PATIENCE, &mut served.task).await.unwrap().unwrap(), 0, "nothing was cut");
        assert_eq!(served.limits.places.count(), 0);
    }
}

#[tokio::test]
async fn what_does_not_finish_is_cut() {
    let (router, arrived, _let_go) = waiting();
    let mut served = Served::plain(router, Limits { drain: milliseconds(300), ..Limits::default() }).await;
    let mut stuck = served.connect().await;
    stuck.write_all(b"GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    arrived.acquire().await.unwrap().forget();
    served.stopping.cancel();
    assert_eq!(timeout(Duration::from_secs(10), &mut served.task).await.unwrap().unwrap(), 1);
    ends(&mut stuck).await;
}
