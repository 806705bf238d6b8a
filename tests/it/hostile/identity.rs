//! Tokens, keys, names, addresses and connections made by somebody who wants to be somebody else.
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::identity::{PASSWORD, Person, with_key};
use crate::support::{PATIENCE, TestApp, json as body, problem};

/// The parts of a token.
fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let part = |text: &str| serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
    (part(parts[0]).unwrap(), part(parts[1]).unwrap(), parts[2].to_owned())
}

fn part(value: &Value) -> String {
    data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// A token with these claims, as the server itself would sign it but for what is changed.
fn signed(app: &TestApp, claims: &Value, algorithm: Algorithm) -> String {
    let key = app.app.store.token_key([0; 32]).unwrap();
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(&key)).unwrap()
}

async fn refused(app: &TestApp, token: &str) {
    let ask = app.anonymous(Method::GET, "/api/auth/me").bearer_auth(token);
    problem(ask.send().await.unwrap(), 401, "unauthorized").await;
    let ws =
        app.anonymous(Method::GET, "/ws").header("sec-websocket-protocol", format!("slurmdash.v1, bearer.{token}"));
    assert_eq!(ws.send().await.unwrap().status(), 401);
}

async fn refresh(app: &TestApp, token: &str) -> Response {
    let token = json!({"refresh_token": token});
    app.anonymous(Method::POST, "/api/auth/refresh").json(&token).send().await.unwrap()
}

#[tokio::test]
async fn alg_none() {
    let app = TestApp::start().await;
    let (_, claims, signature) = parts(&app.token);
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = part(&json!({"alg": algorithm, "typ": "JWT"}));
        for signature in ["", &signature] {
            refused(&app, &format!("{header}.{}.{signature}", part(&claims))).await;
        }
    }
}

#[tokio::test]
async fn another_algorithm() {
    let app = TestApp::start().await;
    let (_, claims, _) = parts(&app.token);
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        refused(&app, &signed(&app, &claims, algorithm)).await;
    }
    let (_, _, signature) = parts(&app.token);
    for algorithm in ["RS256", "ES256", "EdDSA", "HS255"] {
        refused(&app, &format!("{}.{}.{signature}", part(&json!({"alg": algorithm})), part(&claims))).await;
    }
}

#[tokio::test]
async fn another_key() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    refused(&app, &other.token).await;
    let (_, claims, _) = parts(&app.token);
    for key in [&b""[..], b"secret", &[0; 32]] {
        let token = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).unwrap();
        refused(&app, &token).await;
    }
}

#[tokio::test]
async fn an_altered_payload() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["viewer"]).await;
    let (header, claims, signature) = parts(&ada.token);
    let admin = parts(&app.token).1;
    for (name, value) in [
        ("user_id", admin["user_id"].clone()),
        ("session", admin["session"].clone()),
        ("permissions", admin["permissions"].clone()),
        ("exp", json!(9_999_999_999_i64)),
    ] {
        let mut altered = claims.clone();
        altered[name] = value;
        refused(&app, &format!("{}.{}.{signature}", part(&header), part(&altered))).await;
    }
    for cut in [ada.token.len() - 1, ada.token.len() / 2, 1] {
        refused(&app, &ada.token[..cut]).await;
    }
    // Permissions in a token are for its reader: what counts is what the account may now.
    let mut more = claims.clone();
    more["permissions"] = admin["permissions"].clone();
    let more = signed(&app, &more, Algorithm::HS256);
    let ask = app.anonymous(Method::GET, "/api/v2/users").bearer_auth(more).send().await.unwrap();
    problem(ask, 403, "forbidden").await;
    // Somebody else's session under one's own name.
    let mut mixed = claims;
    mixed["session"] = admin["session"].clone();
    refused(&app, &signed(&app, &mixed, Algorithm::HS256)).await;
}

#[tokio::test]
async fn a_refresh_token_as_access_and_the_reverse() {
    let app = TestApp::start().await;
    let login = body(app.login("admin", &app.password).await).await;
    refused(&app, login["refresh_token"].as_str().unwrap()).await;
    problem(refresh(&app, login["access_token"].as_str().unwrap()).await, 401, "unauthorized").await;
    let logout = json!({"refresh_token": login["access_token"]});
    problem(app.post("/api/auth/logout", &logout).await, 401, "unauthorized").await;
}

#[tokio::test]
async fn expired_by_one_second() {
    let app = TestApp::start().await;
    let mut claims = parts(&app.token).1;
    let now = app.app.clock.now();
    claims["exp"] = json!(now + 60);
    let late = signed(&app, &claims, Algorithm::HS256);
    assert_eq!(app.anonymous(Method::GET, "/api/auth/me").bearer_auth(&late).send().await.unwrap().status(), 200);
    app.pass_time(60);
    refused(&app, &late).await;
}

#[tokio::test]
async fn a_rotated_token_that_is_used_again() {
    let app = TestApp::start().await;
    let stolen = body(app.login("admin", &app.password).await).await;
    let stolen_token = stolen["refresh_token"].as_str().unwrap();
    let owners = body(refresh(&app, stolen_token).await).await;
    problem(refresh(&app, stolen_token).await, 401, "token_reused").await;
    // The whole family is over, whoever has which of it.
    problem(refresh(&app, owners["refresh_token"].as_str().unwrap()).await, 401, "unauthorized").await;
    refused(&app, owners["access_token"].as_str().unwrap()).await;
    refused(&app, stolen["access_token"].as_str().unwrap()).await;
    let events = body(app.get("/api/v2/security-events?kind=token_reused&severity=high").await).await;
    assert_eq!(events["events"][0]["username"], "admin", "{events}");
}

#[tokio::test]
async fn a_token_of_a_disabled_user_and_a_key_of_a_deleted_one() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:view"]).await;
    let path = format!("/api/v2/users/{}", ada.id);
    let disable = app.request(Method::PATCH, &path).json(&json!({"is_active": false}));
    assert_eq!(disable.send().await.unwrap().status(), 200);
    refused(&app, &ada.token).await;
    problem(refresh(&app, ada.refresh_token.as_str().unwrap()).await, 401, "unauthorized").await;
    assert_eq!(app.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    refused(&app, &ada.token).await;
    let ask = with_key(&app, Method::GET, "/api/jobs", &key).send().await.unwrap();
    problem(ask, 401, "unauthorized").await;
    // A new account of the old name has nothing of the old one's.
    let again = Person::with_roles(&app, "ada", &["user"]).await;
    assert_ne!(again.id, ada.id);
    refused(&app, &ada.token).await;
    assert_eq!(body(again.get("/api/v2/api-keys").await).await, json!({"api_keys": []}));
}

#[tokio::test]
async fn a_key_with_more_scope_than_its_owner() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["viewer"]).await;
    let more = json!({"name": "more", "permissions": ["job:view", "job:submit"]});
    problem(ada.post("/api/v2/api-keys", &more).await, 403, "forbidden").await;
    // Should a stored key have more than its owner, that counts for nothing.
    let record = slurmdash::store::api_keys::ApiKeyRecord {
        id: "k".into(),
        user_id: ada.id.clone(),
        name: "forged".into(),
        key_hash: slurmdash::random::hex(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"sk_live_forged").as_ref(),
        ),
        permissions: vec!["job:view".into(), "user:manage".into(), "no:such".into()],
        created_at: 0,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    let by = slurmdash::store::audit::By::system(0);
    let audit = slurmdash::store::audit::AuditEntry::done(by, "api_key.create", "k");
    app.app.store.add_api_key(record, audit).await.unwrap();
    let me = with_key(&app, Method::GET, "/api/auth/me", "sk_live_forged").send().await.unwrap();
    assert_eq!(body(me).await["permissions"], json!(["job:view"]));
}

#[tokio::test]
async fn a_forwarded_address_from_an_untrusted_peer() {
    let app = TestApp::start().await;
    let headers = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")];
    for (name, value) in headers {
        let credentials = json!({"username": "admin", "password": app.password});
        let login = app.anonymous(Method::POST, "/api/auth/login").header(name, value).json(&credentials);
        assert_eq!(login.send().await.unwrap().status(), 200);
    }
    let rows = body(app.get("/api/v2/audit?action=session.begin").await).await;
    assert!(rows["rows"].as_array().unwrap().iter().all(|row| row["address"] == "127.0.0.1"), "{rows}");
}

#[tokio::test]
async fn user_names_that_are_something_else() {
    let app = TestApp::with(|config| config.limits.login_failures_per_minute = 100).await;
    let long = "a".repeat(10_000);
    for name in [
        "admin\0",
        "\0admin",
        "admin/",
        "/admin",
        "../admin",
        "admin\n",
        "admin\r\nx: y",
        &long,
        "аdmin",
        "admin\u{200b}",
        "ａｄｍｉｎ",
        "ADMIN",
        "admin ",
        " admin",
        "",
        "admin' OR '1'='1",
    ] {
        let refused = problem(app.login(name, &app.password).await, 401, "invalid_credentials").await;
        assert_eq!(refused["detail"], "Invalid credentials", "{name:?}");
    }
    // What was typed may be a password: it is in no log.
    app.app.security.flush().await.unwrap();
    let rows = body(app.get("/api/v2/audit?action=security.login_failed").await).await;
    assert!(rows["rows"].as_array().unwrap().iter().all(|row| row["username"].is_null()), "{rows}");
}

#[tokio::test]
async fn unknown_users_cost_the_same_work() {
    let app = TestApp::with(|config| config.limits.login_failures_per_minute = 1000).await;
    assert_eq!(
        app.post("/api/v2/users", &json!({"username": "off", "password": PASSWORD, "roles": []})).await.status(),
        201
    );
    let off = body(app.get("/api/v2/users?q=off").await).await["users"][0]["id"].as_str().unwrap().to_owned();
    let disable = app.request(Method::PATCH, &format!("/api/v2/users/{off}")).json(&json!({"is_active": false}));
    assert_eq!(disable.send().await.unwrap().status(), 200);
    let long = "x".repeat(2_000);
    let once = async |name: &str, password: &str| {
        let begun = Instant::now();
        problem(app.login(name, password).await, 401, "invalid_credentials").await;
        begun.elapsed()
    };
    for (name, password) in [("nobody", "wrong"), ("off", PASSWORD), (&"n".repeat(9_000), "wrong"), ("admin", &long)] {
        // In turns, and the fastest of each, as noise only adds: until both are seen to cost the same.
        let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
        let is_same =
            |known: Duration, unknown: Duration| (0.5..2.0).contains(&(unknown.as_secs_f64() / known.as_secs_f64()));
        for round in 1..=40 {
            known = known.min(once("admin", "wrong").await);
            unknown = unknown.min(once(name, password).await);
            if round >= 7 && is_same(known, unknown) {
                break;
            }
        }
        assert!(is_same(known, unknown), "{} bytes of name: {unknown:?} against {known:?}", name.len());
    }
}

#[tokio::test]
async fn cross_site_requests_with_the_cookie() {
    let app = TestApp::start().await;
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1").json(&credentials);
    let cookie = login.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();
    for path in ["/api/auth/refresh", "/api/auth/login"] {
        for origin in
            ["https://evil.example", "null", "http://127.0.0.1:1", "file://", &format!("{}.evil.example", app.url)]
        {
            let forged = app.anonymous(Method::POST, path).header("cookie", cookie).header("origin", origin);
            let sent = if path.ends_with("login") { credentials.clone() } else { json!({}) };
            let forged = forged.header("x-slurmdash-browser", "1").json(&sent).send().await.unwrap();
            problem(forged, 403, "foreign_origin").await;
        }
    }
    // The cookie alone opens nothing else.
    for path in ["/api/auth/me", "/api/jobs", "/ws"] {
        let ask = app.anonymous(Method::GET, path).header("cookie", cookie).send().await.unwrap();
        assert_eq!(ask.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn a_websocket_from_another_site() {
    let app = TestApp::start().await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", &format!("{}.evil.example", app.url)] {
        let ask = app.request(Method::GET, "/ws").header("origin", origin).send().await.unwrap();
        problem(ask, 403, "foreign_origin").await;
    }
    app.app.security.flush().await.unwrap();
    let events = body(app.get("/api/v2/security-events?kind=origin_refused").await).await;
    assert_eq!(events["events"][0]["count"], 4, "{events}");
}

#[tokio::test]
async fn a_session_that_was_planted() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    // The victim's browser has the attacker's session; signing in replaces it, and takes nothing of it over.
    let planted = ada.refresh_token.as_str().unwrap();
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1");
    let login = login.header("cookie", format!("slurmdash_refresh={planted}")).json(&credentials).send().await.unwrap();
    let set = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(!set.contains(planted), "{set}");
    assert_eq!(body(refresh(&app, planted).await).await["expires_in"], 900, "the attacker's own goes on as theirs");
    let (_, claims, _) = parts(body(login).await["access_token"].as_str().unwrap());
    assert_ne!(claims["session"], parts(&ada.token).1["session"]);
}

#[tokio::test]
async fn headers_and_bodies_over_the_limits() {
    let app = TestApp::start().await;
    let header = app.request(Method::GET, "/api/jobs").header("x-long", "x".repeat(200_000)).send().await;
    // Refused in an answer, or by closing while it is still sent.
    assert!(header.is_err() || header.unwrap().status() == 431);
    let many = (0..500).fold(app.request(Method::GET, "/api/jobs"), |ask, n| ask.header(format!("x-{n}"), "y"));
    assert!(many.send().await.is_ok_and(|answer| answer.status() == 431) || app.get("/health").await.status() == 200);
    let large = json!({"username": "admin", "password": "x".repeat(5 << 20)});
    let answer = app.anonymous(Method::POST, "/api/auth/login").json(&large).send().await;
    assert!(answer.is_err() || answer.unwrap().status() == 413);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = app.anonymous(Method::POST, "/api/auth/login").header("content-type", "application/json").body(deep);
    problem(deep.send().await.unwrap(), 400, "invalid_request").await;
    refused(&app, &"a.".repeat(5_000)).await;
    assert_eq!(app.get("/api/jobs").await.status(), 200);
}

#[tokio::test]
async fn slow_loris() {
    let app = TestApp::start().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(app.get("/api/jobs").await.status(), 200, "others are served meanwhile");
    // Each is ended by the server after a while, whatever it drips.
    let mut stream = slow.pop().unwrap();
    let ended = tokio::time::timeout(PATIENCE, async {
        let mut turns = tokio::time::interval(Duration::from_millis(500));
        loop {
            turns.tick().await;
            let mut answer = [0; 64];
            let gone = stream.write_all(b"x").await.is_err()
                || matches!(
                    tokio::time::timeout(Duration::from_millis(1), stream.read(&mut answer)).await,
                    Ok(Ok(0) | Err(_))
                );
            if gone {
                return;
            }
        }
    });
    ended.await.expect("a slow client was kept for ever");
}

#[tokio::test]
async fn a_hundred_thousand_login_attempts_from_many_addresses() {
    let limited = |config: &mut Config| {
        config.limits.enabled = true;
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.user_per_minute = 100_000;
    };
    let app = TestApp::with(limited).await;
    let size = || std::fs::metadata(app.app.config.store_path()).unwrap().len();
    let before = size();
    let attempt = async |number: u32| {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + number * 7);
        let guess = json!({"username": "admin", "password": format!("guess {number}")});
        let answer = app.anonymous(Method::POST, "/api/auth/login").header("x-forwarded-for", address.to_string());
        answer.json(&guess).send().await.unwrap().status().as_u16()
    };
    let mut seen = std::collections::BTreeMap::new();
    for batch in 0..1_000 {
        for status in join_all((0..100).map(|number| attempt(batch * 100 + number))).await {
            *seen.entry(status).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.values().sum::<u32>(), 100_000);
    assert!(seen.keys().all(|status| [401, 429, 503].contains(status)), "{seen:?}");
    assert!(seen[&429] > 99_000, "hardly any guess reaches the hash: {seen:?}");
    assert_eq!(app.get("/api/jobs").await.status(), 200, "people who are signed in notice nothing");
    assert_eq!(app.login("admin", &app.password).await.status(), 200, "nor does the owner, where a session is open");
    app.app.security.flush().await.unwrap();
    let events = body(app.get("/api/v2/security-events?kind=login_throttled&limit=500").await).await;
    assert!(!events["events"].as_array().unwrap().is_empty());
    assert!(size() - before < 16 << 20, "the store grew by {} bytes", size() - before);
}

#[test]
fn cors_for_everybody_with_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("slurmdash.yaml");
    std::fs::write(&file, "http: {allowed_origins: ['*'], allow_credentials: true}\n").unwrap();
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_slurmdash"))
        .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&program.stderr).into_owned();
    assert_eq!(program.status.code(), Some(2), "{said}");
    assert!(said.contains("http.allowed_origins[0]") && said.contains("allow_credentials"), "{said}");
}
