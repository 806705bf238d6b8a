//! How the server listens: TLS and its certificates, and what keeps one client from taking the server from all.
mod bounds;
mod certificates;
mod garbage;
mod program;
mod redirect;
mod slow;
mod stopping;
mod tls;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use slurmdash::clock::Clock;
use slurmdash::http::listen::{Limits, Security, serve};
use slurmdash::tls::{Source, Tls, TlsError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::support::PATIENCE;

/// A listener that serves something; stopped when dropped.
struct Served {
    address: SocketAddr,
    limits: Limits,
    stopping: CancellationToken,
    task: JoinHandle<usize>,
}

impl Served {
    async fn start(router: Router, security: Security, limits: Limits) -> Self {
        // Its clients may come from any loopback address.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let task = tokio::spawn(serve(listener, router, security, limits.clone(), stopping.clone()));
        Self { address, limits, stopping, task }
    }

    async fn plain(router: Router, limits: Limits) -> Self {
        Self::start(router, Security::Plain, limits).await
    }

    async fn connect(&self) -> TcpStream {
        self.connect_from("127.0.0.1").await
    }

    async fn connect_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn connect_tls(&self, trusted: &Issued) -> TlsStream<TcpStream> {
        tls_over(self.connect().await, trusted, &[&TLS13, &TLS12]).await.unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a server answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// Sends a request as it is, and reads the answer.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await.expect("there was no answer")
}

/// `GET` on a connection that is kept.
async fn get<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, path: &str) -> Answer {
    ask(stream, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
}

/// The next answer; nothing when the connection was closed instead.
async fn answer<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Answer> {
    let read = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        answer.body = String::from_utf8(body).unwrap();
        Some(answer)
    };
    timeout(PATIENCE, read).await.expect("neither an answer nor an end came")
}

/// Waits until the server closes the connection; fails when it says anything.
async fn ends<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the connection stays open");
    // A reset is an end as well.
    if ended.is_ok() {
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

/// A certificate that signs itself, and its key.
struct Issued {
    certificate: String,
    key: KeyPair,
}

impl Issued {
    fn new(names: &[&str]) -> Self {
        Self::altered(names, |_| {})
    }

    fn altered(names: &[&str], alter: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        alter(&mut parameters);
        Self { certificate: parameters.self_signed(&key).unwrap().pem(), key }
    }

    fn leaf(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    /// Writes both into a folder.
    fn put(&self, dir: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (dir.join("fullchain.pem"), dir.join("privkey.pem"));
        std::fs::write(&certificate, &self.certificate).unwrap();
        secret(&key, &self.key.serialize_pem());
        (certificate, key)
    }

    /// Opens both from a folder.
    fn open(&self, dir: &Path) -> Arc<Tls> {
        let (certificate, key) = self.put(dir);
        Arc::new(open(&certificate, &key).unwrap())
    }
}

fn open(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    Tls::open(Source::Files { certificate: certificate.into(), key: key.into() }, Clock::system())
}

/// Writes a file that only we may read.
fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A client that trusts one certificate and calls the server `localhost`.
async fn tls_over(
    stream: TcpStream,
    trusted: &Issued,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_with(stream, trusted.leaf(), versions, &[b"http/1.1"]).await
}

async fn tls_with(
    stream: TcpStream,
    trusted: CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A router with one address that answers at once.
fn hello() -> Router {
    Router::new().route("/hello", axum::routing::get(async || "hello"))
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}
