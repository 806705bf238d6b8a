//! Certificates: in which forms they are taken, when others take their place, and what is refused.
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use pem::Pem;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use slurmdash::clock::Clock;
use slurmdash::http::listen::{Limits, Security};
use slurmdash::tls::{LIFETIME_DAYS, Looks, RENEW_DAYS, Source, Tls, TlsError, WARN_DAYS};
use tracing_subscriber::fmt::MakeWriter;

use super::{Issued, Served, get, hello, milliseconds, open, secret, tls_over};
use crate::support::{eventually, private_folder};

const DAY: i64 = 86_400;

/// What is inside a PKCS#8 key (RFC 5958): the key as older programs write it.
fn inside(pkcs8: &[u8]) -> Vec<u8> {
    let length = |at: usize| match pkcs8[at + 1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let bytes = usize::from(long & 0x7f);
            let size = pkcs8[at + 2..at + 2 + bytes].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
            (size, 2 + bytes)
        }
    };
    let mut at = length(0).1;
    while pkcs8[at] != 4 {
        let (size, head) = length(at);
        at += head + size;
    }
    let (size, head) = length(at);
    pkcs8[at + head..at + head + size].to_vec()
}

#[test]
fn keys_are_taken_in_all_three_forms() {
    let dir = private_folder();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    for (pair, form) in [(KeyPair::generate().unwrap(), "EC PRIVATE KEY"), (rsa, "RSA PRIVATE KEY")] {
        let issued = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
        std::fs::write(&certificate, issued.pem()).unwrap();
        let older = pem::encode(&Pem::new(form, inside(pair.serialized_der())));
        for text in [pair.serialize_pem(), older] {
            secret(&key, &text);
            assert!(open(&certificate, &key).unwrap().is_for("localhost"), "{form}");
        }
    }
}

#[test]
fn what_is_no_pair_is_refused_in_words_without_the_key() {
    let dir = private_folder();
    let (one, other) = (Issued::new(&["a"]), Issued::new(&["b"]));
    let (certificate, key) = one.put(dir.path());
    let refused = |what: &str| {
        let error = open(&certificate, &key).err().expect(what).to_string();
        assert!(error.contains(dir.path().to_str().unwrap()), "{what}: {error}");
        assert!(!error.contains("PRIVATE"), "{what}: {error}");
        error
    };
    secret(&key, &other.key.serialize_pem());
    assert!(refused("another's key").contains("is not that of"));
    secret(&key, &one.certificate);
    assert!(refused("no key").contains("holds no key"));
    secret(&key, "-----BEGIN PRIVATE KEY-----\nMIIB\n");
    assert!(refused("a key that is cut off").contains("cut off"));
    secret(&key, &pem::encode(&Pem::new("ENCRYPTED PRIVATE KEY", vec![1; 100])));
    assert!(refused("an encrypted key").contains("without a passphrase"));
    one.put(dir.path());
    for text in ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&certificate, text).unwrap();
        assert!(refused(text).contains("no certificate"), "{text}");
    }
    let half = &one.certificate[..one.certificate.len() / 2];
    std::fs::write(&certificate, format!("{}{half}", one.certificate)).unwrap();
    assert!(refused("a chain that is cut off").contains("cut off"));
    let inside_out = pem::encode(&Pem::new("CERTIFICATE", one.leaf()[..100].to_vec()));
    std::fs::write(&certificate, format!("{}{inside_out}", one.certificate)).unwrap();
    assert!(refused("a chain with half a certificate").contains("certificate 2"));
    std::fs::write(&certificate, vec![b'x'; 2 << 20]).unwrap();
    assert!(refused("a huge file").contains("larger than"));
    std::fs::remove_file(&certificate).unwrap();
    refused("no file");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &certificate,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(refused("a FIFO").contains("is no file"));
}

#[test]
fn a_key_that_others_could_read_is_refused_with_what_mends_it() {
    let dir = private_folder();
    let (certificate, key) = Issued::new(&["a"]).put(dir.path());
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    // Root's key may be a group's as well.
    let right = if is_root { "chmod 640" } else { "chmod 600" };
    for wrong in [0o604, 0o644, 0o660, 0o602, 0o610] {
        mode(wrong);
        let error = open(&certificate, &key).err().unwrap();
        assert!(matches!(error, TlsError::Exposed { .. }) && error.to_string().contains(right), "{wrong:o}: {error}");
    }
    for fine in [0o600, 0o400] {
        mode(fine);
        open(&certificate, &key).unwrap();
    }
    mode(0o640);
    assert_eq!(open(&certificate, &key).is_ok(), is_root);
}

/// Puts a pair where a link leads, as certbot does (`archive/`, `live/`).
fn as_certbot(root: &Path, issued: &Issued, number: usize) {
    for (name, text) in [("fullchain", issued.certificate.clone()), ("privkey", issued.key.serialize_pem())] {
        let archive = root.join("archive");
        std::fs::create_dir_all(&archive).unwrap();
        secret(&archive.join(format!("{name}{number}.pem")), &text);
        let new = root.join("new");
        symlink(format!("archive/{name}{number}.pem"), &new).unwrap();
        std::fs::rename(new, root.join(format!("{name}.pem"))).unwrap();
    }
}

/// Puts a pair into a new folder and turns one link, as kubelet does with a secret.
fn as_kubelet(root: &Path, issued: &Issued, number: usize) {
    let folder = root.join(format!("..{number}"));
    std::fs::create_dir_all(&folder).unwrap();
    issued.put(&folder);
    let new = root.join("..data_tmp");
    symlink(format!("..{number}"), &new).unwrap();
    std::fs::rename(new, root.join("..data")).unwrap();
    if number == 0 {
        symlink("..data/fullchain.pem", root.join("fullchain.pem")).unwrap();
        symlink("..data/privkey.pem", root.join("privkey.pem")).unwrap();
    } else {
        std::fs::remove_dir_all(root.join(format!("..{}", number - 1))).unwrap();
    }
}

/// Writes over both files.
fn in_place(root: &Path, issued: &Issued, _: usize) {
    issued.put(root);
}

/// A pair of files with somebody who looks after them; only changes in the folder make them look.
fn looked_after(root: &Path) -> Arc<Tls> {
    let tls = Arc::new(open(&root.join("fullchain.pem"), &root.join("privkey.pem")).unwrap());
    let looks = Looks { every: std::time::Duration::from_hours(1), settle: milliseconds(20) };
    tokio::spawn(tls.clone().watch(looks));
    tls
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_touching_open_connections() {
    for put in [as_certbot, as_kubelet, in_place] {
        let dir = private_folder();
        let issued: Vec<Issued> = (0..3).map(|_| Issued::new(&["localhost"])).collect();
        put(dir.path(), &issued[0], 0);
        let tls = looked_after(dir.path());
        let served = Served::start(hello(), Security::tls(&tls, 0).unwrap(), Limits::default()).await;
        let mut old = served.connect_tls(&issued[0]).await;
        assert_eq!(get(&mut old, "/hello").await.body, "hello");
        for (number, renewed) in issued.iter().enumerate().skip(1) {
            put(dir.path(), renewed, number);
            let mut new = eventually(async || {
                let stream = served.connect().await;
                tls_over(stream, renewed, &[&rustls::version::TLS13]).await.ok()
            })
            .await;
            assert_eq!(get(&mut new, "/hello").await.body, "hello");
            assert_eq!(get(&mut old, "/hello").await.body, "hello", "an open connection goes on");
        }
    }
}

#[tokio::test]
async fn a_certificate_behind_a_link_of_the_admins_own_is_followed() {
    let (real, dir) = (private_folder(), private_folder());
    as_certbot(real.path(), &Issued::new(&["localhost"]), 0);
    for name in ["fullchain.pem", "privkey.pem"] {
        symlink(real.path().join(name), dir.path().join(name)).unwrap();
    }
    let tls = looked_after(dir.path());
    // The first may be found by the look at the beginning; the second only by watching.
    for number in 1..3 {
        let before = tls.fingerprint();
        as_certbot(real.path(), &Issued::new(&["localhost"]), number);
        eventually(async || (tls.fingerprint() != before).then_some(())).await;
    }
}

#[test]
fn a_new_pair_that_is_no_use_leaves_the_old_one_and_is_said_once() {
    let dir = private_folder();
    let (old, new) = (Issued::new(&["localhost"]), Issued::new(&["localhost"]));
    let tls = old.open(dir.path());
    let (certificate, key) = (dir.path().join("fullchain.pem"), dir.path().join("privkey.pem"));
    let before = tls.fingerprint();
    let look = || logged(|| (0..3).for_each(|_| tls.look()));
    assert_eq!(look(), "", "nothing has changed");
    std::fs::write(&certificate, &new.certificate[..300]).unwrap();
    assert_eq!(look().matches("the one before stays").count(), 1);
    std::fs::write(&certificate, &new.certificate).unwrap();
    let said = look();
    assert_eq!(said.matches("is not that of").count(), 1, "the key is still the old one: {said}");
    std::fs::remove_file(&key).unwrap();
    assert_eq!(look().matches("privkey.pem").count(), 1);
    assert_eq!(tls.fingerprint(), before);
    secret(&key, &new.key.serialize_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(look().matches("chmod").count(), 1);
    assert_eq!(tls.fingerprint(), before);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let said = look();
    assert_eq!(said.matches("another certificate is in use").count(), 1, "{said}");
    assert_ne!(tls.fingerprint(), before);
    secret(&key, "");
    look();
    secret(&key, &new.key.serialize_pem());
    assert_eq!(look().matches("in use again").count(), 1);
}

/// A clock that a test turns.
fn clock(at: i64) -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(at));
    let clock = Clock::from_fn({
        let now = now.clone();
        move || now.load(Ordering::Relaxed)
    });
    (now, clock)
}

#[test]
fn the_end_of_a_certificate_is_said_at_the_start_and_then_once_a_day() {
    let dir = private_folder();
    let (begins, ends) = (1_600_000_000, 1_700_000_000);
    let at = |seconds: i64| {
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(u64::try_from(seconds).unwrap())
    };
    let issued = Issued::altered(&["localhost"], |parameters| {
        (parameters.not_before, parameters.not_after) = (at(begins), at(ends));
    });
    let (certificate, key) = issued.put(dir.path());
    let (now, clock) = clock(ends - 100 * DAY);
    let mut tls = None;
    let mut open = || {
        let source = Source::Files { certificate: certificate.clone(), key: key.clone() };
        tls = Some(Tls::open(source, clock.clone()).unwrap());
    };
    assert_eq!(logged(&mut open), "");
    now.store(ends + 1, Ordering::Relaxed);
    assert!(logged(&mut open).contains("has expired"));
    now.store(begins - 1, Ordering::Relaxed);
    assert!(logged(&mut open).contains("not valid yet"));
    now.store(ends - WARN_DAYS * DAY + 1, Ordering::Relaxed);
    assert!(logged(&mut open).contains("ends soon"));
    let tls = tls.unwrap();
    let hour = |_| {
        now.fetch_add(3600, Ordering::Relaxed);
        tls.look();
    };
    let said = logged(|| (0..24 * 10).for_each(hour));
    assert_eq!(said.matches("ends soon").count(), 10, "{said}");
}

#[test]
fn our_own_certificate_is_made_once_and_renewed_in_time() {
    let dir = private_folder();
    let folder = dir.path().join("tls");
    let start = 1_800_000_000;
    let (now, clock) = clock(start);
    let open = |names: &[&str]| {
        let names = names.iter().map(ToString::to_string).collect();
        Tls::open(Source::SelfSigned { dir: folder.clone(), names }, clock.clone()).unwrap()
    };
    let names = ["hpc.example.org", "10.1.2.3", "localhost", "::1", "no name at all", "a_b.example"];
    let first = open(&names);
    let fingerprint = first.fingerprint();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    for name in ["hpc.example.org", "10.1.2.3", "localhost", "::1"] {
        assert!(first.is_for(name), "{name}");
    }
    assert!(!first.is_for("other.example.org") && !first.is_for("10.1.2.4"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("self-signed.pem"))), (0o700, 0o600));
    assert_eq!(open(&names).fingerprint(), fingerprint, "it is kept over restarts");
    assert_eq!(open(&["localhost"]).fingerprint(), fingerprint, "it is good for fewer names too");
    now.store(start + (LIFETIME_DAYS - RENEW_DAYS) * DAY - 1, Ordering::Relaxed);
    first.look();
    assert_eq!(first.fingerprint(), fingerprint);
    now.fetch_add(2, Ordering::Relaxed);
    first.look();
    let renewed = first.fingerprint();
    assert_ne!(renewed, fingerprint, "a running server renews it");
    assert_eq!(open(&names).fingerprint(), renewed);
    assert_ne!(open(&["new.example.org"]).fingerprint(), renewed, "another name makes another one");
}

#[test]
fn our_own_certificate_is_not_used_when_others_could_have_had_it_or_it_is_damaged() {
    let dir = private_folder();
    let folder = dir.path().join("tls");
    let open = || {
        let source = Source::SelfSigned { dir: folder.clone(), names: vec!["localhost".into()] };
        Tls::open(source, Clock::system())
    };
    open().unwrap();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let file = folder.join("self-signed.pem");
    mode(&file, 0o644);
    assert!(open().err().unwrap().to_string().contains("chmod"));
    mode(&file, 0o600);
    mode(&folder, 0o750);
    assert!(open().err().unwrap().to_string().contains("chmod 700"));
    mode(&folder, 0o700);
    std::fs::write(&file, "damaged").unwrap();
    assert!(open().err().unwrap().to_string().contains("remove"));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(folder.join(".self-signed.pem.new"), "left by a crash").unwrap();
    open().unwrap();
}

/// What is logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl MakeWriter<'_> for Lines {
        type Writer = Self;
        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
    let lines = Lines::default();
    let log = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(log, work);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}
