//! One connection, from its first byte to its last.
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::paced::Paced;
use super::places::{Full, Place};
use super::watched::{Answer, Exchange, Watched};
use super::{Limits, LocalAddress, Security};

/// What is read of a connection at once at most, bytes; also a bound on its memory.
const MAX_BUFFER: usize = 128 << 10;
/// To whom speaks plain HTTP where TLS is spoken.
const NOT_TLS: &str = "This port speaks HTTPS: the address begins with https://\n";
/// So much of what such a client still sends is read, so that it gets to see the answer.
const MAX_REST: u64 = 64 << 10;

/// What all connections of a listener share.
pub(super) struct Shared {
    router: Router,
    security: Security,
    limits: Limits,
    stopping: CancellationToken,
    http: http1::Builder,
}

impl Shared {
    pub(super) fn new(router: Router, security: Security, limits: Limits, stopping: CancellationToken) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.idle);
        http.max_header_size(limits.head_size).max_buf_size(MAX_BUFFER);
        Self { router, security, limits, stopping, http }
    }

    /// A place for a connection.
    pub(super) fn admit(&self, peer: SocketAddr) -> Result<Place, Full> {
        let address = peer.ip().to_canonical();
        self.limits.places.take(address, (self.limits.is_proxy)(address))
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, place: Place) {
    // Answers and messages of WebSockets are written whole; waiting for more only delays them.
    let ready = stream.set_nodelay(true).and_then(|()| stream.local_addr());
    let Ok(local) = ready else { return };
    let Security::Tls { acceptor, hsts } = &shared.security else {
        return http(stream, (peer, local), &shared, None, place).await;
    };
    let handshake = tokio::select! {
        handshake = timeout(shared.limits.handshake, shake_hands(stream, acceptor)) => handshake,
        () = shared.stopping.cancelled() => return,
    };
    match handshake {
        Ok(Ok(Some(stream))) => http(stream, (peer, local), &shared, hsts.as_ref(), place).await,
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%error, address = %peer.ip(), "a TLS handshake failed"),
        Err(_) => tracing::debug!(address = %peer.ip(), "a TLS handshake took too long"),
    }
}

/// TLS over the connection; nothing when the client went away or doesn't speak TLS, which it is told.
async fn shake_hands(mut stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    // No TLS record begins with a letter (RFC 8446, 5.1), and every request's method does.
    if first[0].is_ascii_alphabetic() {
        let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{NOT_TLS}", NOT_TLS.len());
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // A connection that is closed with something unread is reset, and the answer may be lost (RFC 9112, 9.6).
        tokio::io::copy(&mut stream.take(MAX_REST), &mut tokio::io::sink()).await?;
        return Ok(None);
    }
    acceptor.accept(stream).await.map(Some)
}

/// HTTP over whatever carries it.
async fn http<S>(
    stream: S,
    addresses: (SocketAddr, SocketAddr),
    shared: &Shared,
    hsts: Option<&HeaderValue>,
    place: Place,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let exchange = Arc::new(Exchange::default());
    let stream = TokioIo::new(Watched::new(stream, exchange.clone(), &shared.limits, place));
    let service = service_fn(|request| answer(request, addresses, &exchange, shared, hsts));
    let mut connection = pin!(shared.http.serve_connection(stream, service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::debug!(%error, cause, address = %addresses.0.ip(), "a connection was ended");
    }
}

/// Has a request answered by the router.
async fn answer(
    request: Request<Incoming>,
    (peer, local): (SocketAddr, SocketAddr),
    exchange: &Arc<Exchange>,
    shared: &Shared,
    hsts: Option<&HeaderValue>,
) -> Result<Response<Answer<Body>>, Infallible> {
    let turn = exchange.begin();
    let mut request = request.map(|body| Body::new(Paced::new(body, &shared.limits)));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(LocalAddress(local));
    let mut response = shared.router.clone().call(request).await?;
    if let Some(hsts) = hsts {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
    let turn = if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        turn.for_good();
        None
    } else {
        Some(turn)
    };
    Ok(response.map(|body| Answer { body, turn }))
}
