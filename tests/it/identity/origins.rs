//! Pages of other web sites: what they may do in somebody's browser.
use reqwest::{Method, Response};
use serde_json::json;
use slurmdash::app::{App, StartError};
use slurmdash::config::{Config, ConfigError, Flags, load};

use crate::support::{TestApp, problem};

const SITE: &str = "https://cae.example.org";

async fn preflight(app: &TestApp, origin: &str, header: &str) -> Response {
    app.anonymous(Method::OPTIONS, "/api/jobs")
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", header)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn no_other_site_may_read_anything_unless_it_is_named() {
    let app = TestApp::start().await;
    let answer = preflight(&app, SITE, "authorization").await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let answer = app.request(Method::GET, "/api/jobs").header("origin", SITE).send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_named_site_may_call_with_tokens_but_never_with_the_cookie() {
    let app = TestApp::with(|config| config.http.allowed_origins = vec![SITE.into()]).await;
    let answer = preflight(&app, SITE, "x-api-key, authorization").await;
    assert_eq!(answer.headers()["access-control-allow-origin"], SITE);
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    assert!(allowed.contains("x-api-key") && !allowed.contains("x-slurmdash-browser"), "{allowed}");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    let other = preflight(&app, "https://evil.example.org", "authorization").await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
    let refused = app.anonymous(Method::GET, "/api/jobs").header("origin", SITE).send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], SITE, "it gets to read why");
    problem(refused, 401, "unauthorized").await;
}

#[test]
fn every_site_with_credentials_is_refused_at_start() {
    let judge = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("slurmdash.yaml");
        std::fs::write(&file, text).unwrap();
        match load(Some(&file), &Flags::default()) {
            Ok(_) => String::new(),
            Err(ConfigError::Wrong { problems, .. }) => format!("{problems:?}"),
            Err(error) => panic!("{error}"),
        }
    };
    let refused = judge("http: {allowed_origins: ['*'], allow_credentials: true}\n");
    assert!(refused.contains("http.allowed_origins[0]"), "{refused}");
    assert_eq!(judge("http: {allowed_origins: ['*']}\n"), "");
    for wrong in
        ["null", "cae.example.org", "https://cae.example.org/", "https://CAE.example.org", "ftp://x", "https://"]
    {
        assert!(judge(&format!("http: {{allowed_origins: ['{wrong}']}}\n")).contains("allowed_origins[0]"), "{wrong}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_not_use_the_cookie() {
    let app = TestApp::start().await;
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1").json(&credentials);
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let refresh = || app.anonymous(Method::POST, "/api/auth/refresh").header("cookie", &cookie);
    // What a form of another site can send: no header of ours.
    problem(refresh().header("origin", SITE).send().await.unwrap(), 403, "foreign_origin").await;
    problem(refresh().send().await.unwrap(), 400, "missing_token").await;
    // And should the header ever come with it.
    let forged = refresh().header("origin", SITE).header("x-slurmdash-browser", "1");
    problem(forged.send().await.unwrap(), 403, "foreign_origin").await;
    let forged = app.request(Method::POST, "/api/auth/logout").header("origin", SITE);
    problem(forged.header("x-slurmdash-browser", "1").send().await.unwrap(), 403, "foreign_origin").await;
    let login = app.anonymous(Method::POST, "/api/auth/login").header("origin", SITE).json(&credentials);
    problem(login.send().await.unwrap(), 403, "foreign_origin").await;
    let own = refresh().header("origin", &app.url).header("x-slurmdash-browser", "1").send().await.unwrap();
    assert_eq!(own.status(), 200);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_this_host() {
    let app = TestApp::with(|config| config.http.public_url = Some("https://hpc.example.org".into())).await;
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1").json(&credentials);
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-slurmdash_refresh="), "{cookie}");
    for part in ["Path=/;", "HttpOnly", "Secure", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[tokio::test]
async fn a_provider_of_single_sign_on_needs_an_address_to_come_back_to() {
    let dir = crate::support::private_folder();
    let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
    config.slurm.backend = slurmdash::config::Backend::Sim;
    let settings = json!({"issuer": "https://id.example.org", "client_id": "slurmdash"});
    config.auth.oidc = Some(serde_json::from_value(settings).unwrap());
    let refused = App::open(config, slurmdash::clock::Clock::system()).await.map(drop).unwrap_err();
    assert!(matches!(refused, StartError::Oidc(_)), "{refused}");
}
