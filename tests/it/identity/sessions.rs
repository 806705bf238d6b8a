//! Where one is signed in, and ending that, WebSockets included.
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{PASSWORD, Person};
use crate::support::{PATIENCE, TestApp, json as body, problem};

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn socket(app: &TestApp, token: &str) -> Socket {
    let mut request = format!("{}/ws", app.url.replacen("http", "ws", 1)).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

/// The code that a socket is closed with, at once.
async fn closed_with(mut socket: Socket) -> u16 {
    let end = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map_or(0, |frame| frame.code.into()),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    timeout(PATIENCE, end).await.expect("the socket stayed open")
}

fn ids(list: &Value) -> Vec<String> {
    let sessions = list["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn own_sessions_are_listed_with_device_address_and_last_use() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    app.pass_time(5);
    let credentials = json!({"username": "ada", "password": PASSWORD});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("user-agent", "Firefox").json(&credentials);
    let other = body(login.send().await.unwrap()).await;
    let list = body(ada.get("/api/v2/sessions").await).await;
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["agent"], &sessions[0]["is_current"]), (&json!("Firefox"), &json!(false)));
    assert_eq!((&sessions[1]["address"], &sessions[1]["is_current"]), (&json!("127.0.0.1"), &json!(true)));
    assert_eq!(sessions[0]["source"], "local");
    app.pass_time(100);
    let used = app.anonymous(Method::GET, "/api/auth/me").bearer_auth(other["access_token"].as_str().unwrap());
    assert_eq!(used.header("user-agent", "Firefox 2").send().await.unwrap().status(), 200);
    app.app.auth.uses.write(&app.app.store).await.unwrap();
    let list = body(ada.get("/api/v2/sessions").await).await;
    let first = &list["sessions"][0];
    assert_eq!(first["agent"], "Firefox 2");
    assert!(first["last_used_at"].as_i64().unwrap() >= first["created_at"].as_i64().unwrap() + 100, "{first}");
}

#[tokio::test]
async fn one_session_is_ended_or_all_others() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        app.pass_time(1);
        others.push(Person::signed_in(&app, "ada", &ada.id).await);
    }
    let listed = ids(&body(ada.get("/api/v2/sessions").await).await);
    let watching = socket(&app, &others[2].token).await;
    assert_eq!(ada.delete(&format!("/api/v2/sessions/{}", listed[0])).await.status(), 200);
    assert_eq!(closed_with(watching).await, 4401);
    problem(others[2].get("/api/auth/me").await, 401, "unauthorized").await;
    assert_eq!(others[1].get("/api/auth/me").await.status(), 200);
    problem(ada.delete(&format!("/api/v2/sessions/{}", listed[0])).await, 404, "not_found").await;
    let ended = body(ada.delete("/api/v2/sessions").await).await;
    assert_eq!(ended["ended"], 2);
    assert_eq!(ada.get("/api/auth/me").await.status(), 200, "the one that asks goes on");
    problem(others[1].get("/api/auth/me").await, 401, "unauthorized").await;
    let bob = Person::with_roles(&app, "bob", &["user"]).await;
    let hers = ids(&body(ada.get("/api/v2/sessions").await).await);
    problem(bob.delete(&format!("/api/v2/sessions/{}", hers[0])).await, 404, "not_found").await;
}

#[tokio::test]
async fn an_admin_ends_anyones_sessions() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let path = format!("/api/v2/users/{}/sessions", ada.id);
    let watching = socket(&app, &ada.token).await;
    let listed = ids(&body(app.get(&path).await).await);
    let ended = app.request(Method::DELETE, &format!("{path}/{}", listed[0])).send().await.unwrap();
    assert_eq!(ended.status(), 200);
    assert_eq!(closed_with(watching).await, 4401);
    problem(ada.get("/api/auth/me").await, 401, "unauthorized").await;
    let again = Person::signed_in(&app, "ada", &ada.id).await;
    let all = body(app.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!(all["ended"], 1);
    problem(again.get("/api/auth/me").await, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_on_every_way() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let watching = socket(&app, &ada.token).await;
    let path = format!("/api/v2/users/{}", ada.id);
    let disabled = app.request(Method::PATCH, &path).json(&json!({"is_active": false})).send().await.unwrap();
    assert_eq!(disabled.status(), 200);
    assert_eq!(closed_with(watching).await, 4401);
    problem(ada.get("/api/auth/me").await, 401, "unauthorized").await;
    let refresh = json!({"refresh_token": ada.refresh_token});
    problem(ada.post("/api/auth/refresh", &refresh).await, 401, "unauthorized").await;
    problem(app.login("ada", PASSWORD).await, 401, "invalid_credentials").await;
}

#[tokio::test]
async fn what_is_taken_from_a_role_is_taken_from_open_connections() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let watching = socket(&app, &ada.token).await;
    let path = format!("/api/v2/users/{}", ada.id);
    let changed = app.request(Method::PATCH, &path).json(&json!({"roles": []})).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(closed_with(watching).await, 4401);
    problem(ada.get("/api/jobs").await, 403, "forbidden").await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_or_too_old() {
    let app = TestApp::with(|config| {
        config.auth.session_idle_minutes = 30;
        config.auth.session_max_hours = 2;
    })
    .await;
    let refresh = async |token: &Value| {
        let body = json!({"refresh_token": token});
        app.anonymous(Method::POST, "/api/auth/refresh").json(&body).send().await.unwrap()
    };
    let idle = body(app.login("admin", &app.password).await).await;
    app.pass_time(30 * 60);
    problem(refresh(&idle["refresh_token"]).await, 401, "unauthorized").await;
    let mut token = body(app.login("admin", &app.password).await).await["refresh_token"].clone();
    for _ in 0..5 {
        app.pass_time(20 * 60);
        let renewed = refresh(&token).await;
        assert_eq!(renewed.status(), 200);
        token = body(renewed).await["refresh_token"].clone();
    }
    app.pass_time(20 * 60);
    problem(refresh(&token).await, 401, "unauthorized").await;
}

#[tokio::test]
async fn every_sign_in_begins_a_session_of_its_own() {
    let app = TestApp::start().await;
    let first = body(app.login("admin", &app.password).await).await;
    // Somebody else's cookie, planted before the sign-in, is not taken over.
    let planted = format!("slurmdash_refresh={}", first["refresh_token"].as_str().unwrap());
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("cookie", planted.clone());
    let login = login.header("x-slurmdash-browser", "1").json(&credentials).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_ne!(cookie, planted);
    let list = body(app.get("/api/v2/sessions").await).await;
    assert_eq!(list["sessions"].as_array().unwrap().len(), 3);
}
