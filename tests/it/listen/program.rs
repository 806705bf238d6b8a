//! The built program over TLS.
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Issued, answer, ask, get, secret, tls_with};
use crate::program::Running;
use crate::support::{eventually, private_folder};

/// A folder with the data, the configuration and what the program says.
struct Place(TempDir);

impl Place {
    fn new(config: &str) -> Self {
        let place = Self(private_folder());
        place.configure(config);
        place
    }

    fn configure(&self, config: &str) {
        std::fs::write(self.0.path().join("slurmdash.yaml"), format!("slurm: {{backend: sim}}\n{config}")).unwrap();
    }

    fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn command(&self, listen: &str) -> Command {
        let path = |name: &str| self.0.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_slurmdash"));
        command.args(["serve", "--listen", listen, "--config"]).arg(path("slurmdash.yaml"));
        command.arg("--data-dir").arg(path("data")).arg("--ready-file").arg(path("ready.json"));
        command
    }

    async fn start(&self, listen: &str) -> Running {
        self.run(self.command(listen)).await
    }

    /// Runs a command, and waits for its ready file.
    async fn run(&self, mut command: Command) -> Running {
        let file = |name: &str| Stdio::from(std::fs::File::create(self.0.path().join(name)).unwrap());
        let ready = self.0.path().join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let child = command.stdout(file("out")).stderr(file("log")).spawn().unwrap();
        let mut running = Running { child, ready: serde_json::Value::Null };
        let text = eventually(async || {
            assert!(running.child.try_wait().unwrap().is_none(), "it ended: {}", self.said("log"));
            std::fs::read(&ready).ok()
        });
        let text = text.await;
        running.ready = serde_json::from_slice(&text).unwrap();
        running
    }

    /// The certificate that the program has made.
    fn own(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.0.path().join("data/tls/self-signed.pem")).unwrap()
    }
}

fn port(running: &Running) -> u16 {
    running.ready["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

async fn connect(running: &Running, trusted: CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port(running))).await?;
    tls_with(stream, trusted, &[&TLS13, &TLS12], &[b"http/1.1"]).await
}

/// The fingerprint as an admin would get it from the file: `openssl x509 -fingerprint -sha256`.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
    let hex = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}:").unwrap();
        text
    });
    hex.trim_end_matches(':').to_owned()
}

#[tokio::test]
async fn a_certificate_is_made_at_the_first_start_and_kept() {
    let place = Place::new("tls: {mode: on}\n");
    let first = place.start("127.0.0.1:0").await;
    assert!(first.ready["url"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{}", first.ready);
    let first_one = place.own();
    assert!(place.said("out").contains(&fingerprint(&first_one)), "{}", place.said("out"));
    let mut stream = connect(&first, first_one.clone()).await.unwrap();
    assert_eq!(get(&mut stream, "/ready").await.status, 200);
    let login = format!(r#"{{"username":"admin","password":{}}}"#, first.ready["password"]);
    let request = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-Slurmdash-Browser: 1\r\nContent-Length: {}\r\n\r\n{login}",
        login.len()
    );
    let answer = ask(&mut stream, &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("Secure"), "the browser must not send it in the clear: {cookie}");
    assert_eq!(first.stop().await, Some(0));
    let mode = |name: &str| std::fs::metadata(place.0.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data/tls"), mode("data/tls/self-signed.pem")), (0o700, 0o600));
    let again = place.start("127.0.0.1:0").await;
    assert_eq!(place.own(), first_one, "the same after a restart");
    assert!(connect(&again, first_one.clone()).await.is_ok());
    assert_eq!(again.stop().await, Some(0));
    place.configure("tls: {mode: on}\nhttp: {public_url: 'https://hpc.example.org'}\n");
    let renamed = place.start("127.0.0.1:0").await;
    assert_eq!(renamed.ready["url"], "https://hpc.example.org");
    assert_ne!(place.own(), first_one, "another name, another certificate");
}

#[tokio::test]
async fn beyond_loopback_tls_is_spoken_without_being_told() {
    let place = Place::new("");
    let running = place.start("0.0.0.0:0").await;
    assert!(running.ready["url"].as_str().unwrap().starts_with("https://0.0.0.0:"), "{}", running.ready);
    assert_eq!(get(&mut connect(&running, place.own()).await.unwrap(), "/health").await.status, 200);
    assert_eq!(running.stop().await, Some(0));
    place.configure("tls: {mode: off}\n");
    let told = place.start("0.0.0.0:0").await;
    assert!(told.ready["url"].as_str().unwrap().starts_with("http://"), "{}", told.ready);
    let mut plain = TcpStream::connect(("127.0.0.1", port(&told))).await.unwrap();
    assert_eq!(get(&mut plain, "/health").await.status, 200);
}

fn files(certificate: &Path, key: &Path) -> String {
    format!("tls: {{mode: on, certificate: {}, key: {}}}\n", certificate.display(), key.display())
}

#[tokio::test]
async fn a_key_that_others_can_read_stops_the_start_before_anything_is_made_known() {
    let place = Place::new("");
    let (certificate, key) = Issued::new(&["localhost"]).put(place.0.path());
    place.configure(&files(&certificate, &key));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = place.command("127.0.0.1:0").output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("chmod") && words.contains(key.to_str().unwrap()), "{words}");
    assert!(!words.contains("PRIVATE KEY"), "{words}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let running = place.start("127.0.0.1:0").await;
    assert!(running.ready["password"].is_string(), "the first account's password was not lost: {}", running.ready);
}

#[tokio::test]
async fn files_that_change_are_taken_up_and_broken_ones_said_once() {
    let place = Place::new("");
    let (old, new) = (Issued::new(&["localhost"]), Issued::new(&["localhost"]));
    let (certificate, key) = old.put(place.0.path());
    place.configure(&files(&certificate, &key));
    let running = place.start("127.0.0.1:0").await;
    let mut open = connect(&running, old.leaf()).await.unwrap();
    assert_eq!(get(&mut open, "/health").await.status, 200);
    std::fs::write(&certificate, &new.certificate[..200]).unwrap();
    eventually(async || place.said("log").contains("the one before stays").then_some(())).await;
    assert!(connect(&running, old.leaf()).await.is_ok(), "the old one is still in use");
    secret(&key, &new.key.serialize_pem());
    std::fs::write(&certificate, &new.certificate).unwrap();
    eventually(async || connect(&running, new.leaf()).await.ok()).await;
    assert_eq!(get(&mut open, "/health").await.status, 200, "an open connection goes on");
    let log = place.said("log");
    assert_eq!(log.matches("another certificate is in use").count(), 1, "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
    assert_eq!(running.stop().await, Some(0));
}

#[tokio::test]
async fn the_second_port_sends_people_to_the_first() {
    // A port that was free a moment ago.
    let second = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new(&format!("tls: {{mode: on, hsts_days: 365, redirect_listen: '{second}'}}\n"));
    let running = place.start("127.0.0.1:0").await;
    let mut plain = TcpStream::connect(second).await.unwrap();
    let answer = ask(&mut plain, &format!("GET /jobs?a=b HTTP/1.1\r\nHost: {second}\r\n\r\n")).await;
    let expected = format!("{}/jobs?a=b", running.ready["url"].as_str().unwrap());
    assert_eq!((answer.status, answer.header("location")), (308, Some(expected.as_str())));
    let answer = get(&mut connect(&running, place.own()).await.unwrap(), "/jobs").await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(running.stop().await, Some(0));
}

#[tokio::test]
async fn without_descriptors_it_waits_and_goes_on_serving() {
    let place = Place::new("");
    let usual = place.start("127.0.0.1:0").await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", usual.child.id())).unwrap().count();
    assert_eq!(usual.stop().await, Some(0));
    // So few that the connections which it means to take don't fit.
    let inner = place.command("127.0.0.1:0");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {}; exec \"$0\" \"$@\"", open + 8)]);
    command.arg(inner.get_program()).args(inner.get_args());
    let running = place.run(command).await;
    assert!(place.said("log").contains("raise the limit of open files"), "{}", place.said("log"));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port(&running)));
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    eventually(async || place.said("log").contains("can't accept connections").then_some(())).await;
    drop(held);
    eventually(async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.ok()?;
        answer(&mut stream).await
    })
    .await;
    assert_eq!(running.stop().await, Some(0));
    let log = place.said("log");
    assert_eq!(log.matches("can't accept connections").count(), 1, "{log}");
}

#[tokio::test]
async fn one_address_cannot_take_the_built_program_from_the_others() {
    let place = Place::new("http: {max_connections_per_address: 20}\n");
    let running = place.start("127.0.0.1:0").await;
    let from = async |address: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        socket.connect(([127, 0, 0, 1], port(&running)).into()).await.unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(from("127.0.0.1").await);
        get(held.last_mut().unwrap(), "/health").await;
    }
    for _ in 0..2000 {
        super::ends(&mut from("127.0.0.1").await).await;
    }
    assert_eq!(get(&mut from("127.0.0.2").await, "/health").await.status, 200);
    let log = place.said("log");
    assert_eq!(log.matches("connections are turned away").count(), 1, "{log}");
}
