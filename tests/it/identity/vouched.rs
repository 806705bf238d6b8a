//! Accounts that others vouch for, through the server's own calls: the cluster's, by a real sshd with PAM, and those of
//! an identity provider.
use std::process::Command;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash::config::Config;

use crate::oidc::PUBLIC_URL;
use crate::oidc::login::{Browser, Person, place};
use crate::oidc::provider::Provider;
use crate::ssh::sshd::Sshd;
use crate::support::{TestApp, json as body, problem};

/// Of a Unix user.
const RIGHT: &str = "correct horse 말 \\ ' \"";

fn by_sshd(sshd: &Sshd) -> impl FnOnce(&mut Config) {
    let settings = sshd.settings();
    move |config| {
        (config.ssh.host, config.ssh.port) = (settings.host, settings.port);
        config.ssh.known_hosts = settings.known_hosts;
        config.auth.cluster.enabled = true;
    }
}

async fn rows(app: &TestApp, action: &str) -> Vec<Value> {
    app.app.security.flush().await.unwrap();
    let page = body(app.get(&format!("/api/v2/audit?action={action}")).await).await;
    page["rows"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_unix_user_signs_in_and_gets_an_account() {
    let Some(mut sshd) = Sshd::start_with("PasswordAuthentication yes\n") else { return };
    let user = sshd.user_with(RIGHT);
    let app = TestApp::with(by_sshd(&sshd)).await;
    assert_eq!(
        body(app.anonymous(Method::GET, "/api/auth/methods").send().await.unwrap()).await,
        json!({"cluster": true})
    );
    let wrong = problem(app.login(&user, "wrong").await, 401, "invalid_credentials").await;
    let unknown = problem(app.login("no-such-user-here", "wrong").await, 401, "invalid_credentials").await;
    assert_eq!((&wrong["detail"], &wrong["detail"]), (&json!("Invalid credentials"), &unknown["detail"]));
    let login = app.login(&user, RIGHT).await;
    assert_eq!(login.status(), 200);
    let login = body(login).await;
    let who = &login["user"];
    assert_eq!((&who["username"], &who["unix_user"], &who["source"]), (&json!(user), &json!(user), &json!("cluster")));
    assert_eq!(who["roles"], json!(["user"]));
    let again = body(app.login(&user, RIGHT).await).await;
    assert_eq!(again["user"]["id"], who["id"], "the same account the next time");
    let session = &body(app.get(&format!("/api/v2/users/{}/sessions", who["id"].as_str().unwrap())).await).await;
    assert_eq!(session["sessions"][0]["source"], "cluster");
    assert_eq!(rows(&app, "user.create").await[0]["username"], json!(user));
    assert!(rows(&app, "security.login_failed").await.iter().any(|row| row["username"].is_null()));
    // An admin of the dashboard may keep them out all the same, and can't set a password that is not kept here.
    let path = format!("/api/v2/users/{}", who["id"].as_str().unwrap());
    problem(app.post(&format!("{path}/password"), &json!({})).await, 409, "password_elsewhere").await;
    let disabled = app.request(Method::PATCH, &path).json(&json!({"is_active": false})).send().await.unwrap();
    assert_eq!(disabled.status(), 200);
    problem(app.login(&user, RIGHT).await, 401, "invalid_credentials").await;
    assert_eq!(app.login("admin", &app.password).await.status(), 200, "accounts of our own go on beside them");
}

#[tokio::test]
async fn locked_accounts_other_groups_and_root_are_refused_in_the_same_words() {
    let Some(mut sshd) = Sshd::start_with("PasswordAuthentication yes\n") else { return };
    let (locked, other) = (sshd.user_with(RIGHT), sshd.user_with(RIGHT));
    assert!(Command::new("usermod").args(["-L", &locked]).status().unwrap().success());
    let change = by_sshd(&sshd);
    let app = TestApp::with(|config| {
        change(config);
        // useradd gives everybody a group of their own.
        config.auth.cluster.groups = vec![locked.clone()];
    })
    .await;
    for (name, password) in [(locked.as_str(), RIGHT), (&other, RIGHT), ("root", "root"), ("daemon", "x"), ("a/b", "x")]
    {
        let refused = problem(app.login(name, password).await, 401, "invalid_credentials").await;
        assert_eq!(refused["detail"], "Invalid credentials", "{name}");
    }
    let users = body(app.get("/api/v2/users").await).await;
    assert_eq!(users["total"], 1, "nobody got an account");
}

#[tokio::test]
async fn groups_decide_on_roles_at_every_sign_in_when_that_is_configured() {
    let Some(mut sshd) = Sshd::start_with("PasswordAuthentication yes\n") else { return };
    let user = sshd.user_with(RIGHT);
    let change = by_sshd(&sshd);
    let app = TestApp::with(|config| {
        change(config);
        config.auth.cluster.roles.insert(user.clone(), "operator".into());
    })
    .await;
    let login = body(app.login(&user, RIGHT).await).await;
    assert_eq!(login["user"]["roles"], json!(["operator"]));
    let path = format!("/api/v2/users/{}", login["user"]["id"].as_str().unwrap());
    let changed = app.request(Method::PATCH, &path).json(&json!({"roles": ["viewer"]})).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(body(app.login(&user, RIGHT).await).await["user"]["roles"], json!(["operator"]));
}

#[tokio::test]
async fn what_sshd_asks_beyond_the_password_is_asked_of_the_person() {
    let two = "PasswordAuthentication yes\nAuthenticationMethods password,keyboard-interactive\n";
    let Some(mut sshd) = Sshd::start_with(two) else { return };
    let user = sshd.user_with(RIGHT);
    let app = TestApp::with(by_sshd(&sshd)).await;
    let go_on = async |asked: &Value, answers: &[&str]| {
        let answers = json!({"login_id": asked["login_id"], "answers": answers});
        app.anonymous(Method::POST, "/api/auth/login/continue").json(&answers).send().await.unwrap()
    };
    let asked = async || {
        let answer = app.login(&user, RIGHT).await;
        assert_eq!(answer.status(), 202);
        body(answer).await
    };
    let first = asked().await;
    assert_eq!(first["prompts"], json!([{"text": "Password:", "echo": false}]));
    assert!(first.get("access_token").is_none());
    problem(go_on(&first, &[]).await, 400, "invalid_request").await;
    let done = go_on(&first, &[RIGHT]).await;
    assert_eq!(done.status(), 200);
    assert_eq!(body(done).await["user"]["username"], json!(user));
    problem(go_on(&first, &[RIGHT]).await, 410, "login_over").await;
    let wrong = asked().await;
    problem(go_on(&wrong, &["wrong"]).await, 401, "invalid_credentials").await;
    let late = asked().await;
    app.pass_time(121);
    problem(go_on(&late, &[RIGHT]).await, 410, "login_over").await;
    problem(go_on(&json!({"login_id": "x"}), &["x"]).await, 410, "login_over").await;
}

#[tokio::test]
async fn while_the_login_host_is_away_accounts_of_our_own_sign_in() {
    let Some(mut sshd) = Sshd::start_with("PasswordAuthentication yes\n") else { return };
    let user = sshd.user_with(RIGHT);
    let app = TestApp::with(by_sshd(&sshd)).await;
    sshd.down();
    let away = problem(app.login(&user, RIGHT).await, 503, "cluster_login_away").await;
    assert!(away["retry_after"].as_u64().unwrap() > 0);
    assert_eq!(app.login("admin", &app.password).await.status(), 200);
}

/// A server whose identity provider this is.
async fn by_provider(provider: &Provider, change: impl FnOnce(&mut Config)) -> TestApp {
    let issuer = provider.issuer.clone();
    TestApp::with(|config| {
        config.http.public_url = Some(PUBLIC_URL.into());
        let settings = json!({"issuer": issuer, "client_id": "public", "name": "University login"});
        config.auth.oidc = Some(serde_json::from_value(settings).unwrap());
        change(config);
    })
    .await
}

/// Trades the cookie that a callback left for tokens, as the page does.
async fn me(app: &TestApp, callback: &Response) -> Value {
    let cookies: Vec<_> = callback.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    let cookie = cookies.iter().find(|one| one.starts_with("slurmdash_refresh=")).expect("no session");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let refresh = app.anonymous(Method::POST, "/api/auth/refresh").header("cookie", pair);
    let tokens = body(refresh.header("x-slurmdash-browser", "1").send().await.unwrap()).await;
    let token = tokens["access_token"].as_str().unwrap();
    body(app.anonymous(Method::GET, "/api/auth/me").bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn somebody_signs_in_at_the_provider_and_gets_an_account() {
    let Some(provider) = Provider::start() else { return };
    let app = by_provider(&provider, |config| {
        let oidc = config.auth.oidc.as_mut().unwrap();
        oidc.roles.insert("staff".into(), "operator".into());
    })
    .await;
    let methods = body(app.anonymous(Method::GET, "/api/auth/methods").send().await.unwrap()).await;
    assert_eq!(methods["sso"], json!({"name": "University login", "start": "/api/auth/oidc/start"}));
    let back = Browser::new().through_server(&app.url, "/jobs%3Fpage=2", Person::Is("alice")).await;
    assert_eq!(back.status(), 303);
    assert_eq!(place(&back).unwrap(), format!("{}/login?sso=done&next=%2Fjobs%3Fpage%3D2", app.url));
    let who = me(&app, &back).await;
    assert_eq!((&who["username"], &who["source"]), (&json!("alice"), &json!("oidc")));
    assert_eq!((&who["roles"], &who["unix_user"]), (&json!(["operator"]), &json!("alice")));
    let again = Browser::new().through_server(&app.url, "/", Person::Is("alice")).await;
    assert_eq!(me(&app, &again).await["id"], who["id"]);
    problem(app.login("alice", "").await, 401, "invalid_credentials").await;
}

#[tokio::test]
async fn a_name_that_is_taken_here_is_not_taken_over() {
    let Some(provider) = Provider::start() else { return };
    let app = by_provider(&provider, |_| {}).await;
    let ours = json!({"username": "alice", "roles": ["admin"]});
    assert_eq!(app.post("/api/v2/users", &ours).await.status(), 201);
    let back = Browser::new().through_server(&app.url, "/jobs", Person::Is("alice")).await;
    assert_eq!(place(&back).unwrap(), format!("{}/login?error=sso_not_allowed", app.url));
    assert!(
        !back.headers().get_all("set-cookie").iter().any(|one| one.to_str().unwrap().contains("slurmdash_refresh="))
    );
}

#[tokio::test]
async fn whoever_may_not_or_will_not_ends_at_the_login_page() {
    let Some(provider) = Provider::start() else { return };
    let app = by_provider(&provider, |config| {
        config.auth.oidc.as_mut().unwrap().allowed_groups = vec!["staff".into(), "guests".into()];
    })
    .await;
    let ends = async |person| {
        let back = Browser::new().through_server(&app.url, "/jobs", person).await;
        place(&back).unwrap().replace(&app.url, "")
    };
    assert_eq!(ends(Person::Refuses).await, "/login?error=sso_denied");
    assert_eq!(ends(Person::Is("bob")).await, "/login?error=sso_not_allowed");
    assert_eq!(ends(Person::Is("mallory")).await, "/login?error=sso_failed");
    // A callback that this browser never began, as in a forged link.
    let forged = app.anonymous(Method::GET, "/api/auth/oidc/callback?code=x&state=y").send().await.unwrap();
    assert!(!forged.headers().contains_key("set-cookie") || forged.status() != 200);
    assert_eq!(body(app.get("/api/v2/users").await).await["total"], 1);
    // The other way back than to a page of ours is not gone.
    let evil = Browser::new().through_server(&app.url, "https:%2F%2Fevil.example", Person::Is("alice")).await;
    assert_eq!(place(&evil).unwrap(), format!("{}/login?sso=done&next=%2Fdashboard", app.url));
}

#[tokio::test]
async fn a_disabled_account_stays_out() {
    let Some(provider) = Provider::start() else { return };
    let app = by_provider(&provider, |_| {}).await;
    let back = Browser::new().through_server(&app.url, "/", Person::Is("alice")).await;
    let who = me(&app, &back).await;
    let path = format!("/api/v2/users/{}", who["id"].as_str().unwrap());
    let disabled = app.request(Method::PATCH, &path).json(&json!({"is_active": false})).send().await.unwrap();
    assert_eq!(disabled.status(), 200);
    let back = Browser::new().through_server(&app.url, "/", Person::Is("alice")).await;
    assert_eq!(place(&back).unwrap(), format!("{}/login?error=sso_not_allowed", app.url));
}
