//! The contract's Auth section against the running server.
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{TestApp, json, problem};

async fn refresh(app: &TestApp, token: &Value) -> Response {
    let body = json!({"refresh_token": token});
    app.anonymous(Method::POST, "/api/auth/refresh").json(&body).send().await.unwrap()
}

async fn me(app: &TestApp, token: &str) -> u16 {
    let request = app.anonymous(Method::GET, "/api/auth/me").bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn login_gives_tokens_and_says_who_it_is() {
    let app = TestApp::start().await;
    let answer = json(app.login("admin", &app.password).await).await;
    assert_eq!(answer["expires_in"], 900);
    assert_eq!(answer["user"]["username"], "admin");
    assert!(answer["user"]["permissions"].as_array().unwrap().contains(&json!("job:submit")));
    assert!(answer["refresh_token"].is_string());
    assert_eq!(me(&app, answer["access_token"].as_str().unwrap()).await, 200);
}

#[tokio::test]
async fn wrong_credentials_say_the_same_for_known_and_unknown_users() {
    let app = TestApp::start().await;
    let wrong = problem(app.login("admin", "wrong").await, 401, "invalid_credentials").await;
    let unknown = problem(app.login("nobody", "wrong").await, 401, "invalid_credentials").await;
    assert_eq!(wrong["detail"], "Invalid credentials");
    assert_eq!(wrong["detail"], unknown["detail"]);
    for (username, password) in [("admin", String::new()), ("", "x".to_owned()), ("admin", "x".repeat(100_000))] {
        problem(app.login(username, &password).await, 401, "invalid_credentials").await;
    }
    problem(app.login("admin\0", &app.password).await, 401, "invalid_credentials").await;
    problem(app.login(&"a".repeat(10_000), &app.password).await, 401, "invalid_credentials").await;
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_reused_one_ends_the_session() {
    let app = TestApp::start().await;
    let login = json(app.login("admin", &app.password).await).await;
    let second = json(refresh(&app, &login["refresh_token"]).await).await;
    assert_eq!(second["expires_in"], 900);
    assert_ne!(second["refresh_token"], login["refresh_token"]);
    assert_eq!(me(&app, second["access_token"].as_str().unwrap()).await, 200);
    problem(refresh(&app, &login["refresh_token"]).await, 401, "token_reused").await;
    problem(refresh(&app, &second["refresh_token"]).await, 401, "unauthorized").await;
    assert_eq!(me(&app, second["access_token"].as_str().unwrap()).await, 401, "its access token is refused as well");
    assert_eq!(me(&app, &app.token).await, 200, "other sessions go on");
}

#[tokio::test]
async fn tokens_end_when_they_say() {
    let app = TestApp::start().await;
    let login = json(app.login("admin", &app.password).await).await;
    app.pass_time(901);
    assert_eq!(me(&app, login["access_token"].as_str().unwrap()).await, 401);
    let second = json(refresh(&app, &login["refresh_token"]).await).await;
    app.pass_time(7 * 24 * 3600 + 1);
    problem(refresh(&app, &second["refresh_token"]).await, 401, "unauthorized").await;
}

#[tokio::test]
async fn refresh_refuses_what_is_no_refresh_token() {
    let app = TestApp::start().await;
    let post = || app.anonymous(Method::POST, "/api/auth/refresh");
    problem(post().send().await.unwrap(), 400, "missing_token").await;
    problem(post().json(&json!({})).send().await.unwrap(), 400, "missing_token").await;
    problem(refresh(&app, &json!(app.token)).await, 401, "unauthorized").await;
    problem(refresh(&app, &json!("rubbish")).await, 401, "unauthorized").await;
    problem(refresh(&app, &json!(7)).await, 400, "invalid_request").await;
}

#[tokio::test]
async fn logout_ends_one_session_or_all() {
    let app = TestApp::start().await;
    let one = json(app.login("admin", &app.password).await).await;
    let two = json(app.login("admin", &app.password).await).await;
    let access = one["access_token"].as_str().unwrap();
    let logout = || app.anonymous(Method::POST, "/api/auth/logout").bearer_auth(access);
    let answer = logout().json(&json!({"refresh_token": one["refresh_token"]})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(me(&app, access).await, 401);
    assert_eq!(me(&app, two["access_token"].as_str().unwrap()).await, 200);
    assert_eq!(app.post("/api/auth/logout", &json!({})).await.status(), 200);
    assert_eq!(me(&app, two["access_token"].as_str().unwrap()).await, 401);
    problem(refresh(&app, &two["refresh_token"]).await, 401, "unauthorized").await;
}

#[tokio::test]
async fn browsers_keep_their_refresh_token_in_a_cookie_that_scripts_cannot_read() {
    let app = TestApp::start().await;
    let body = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1").json(&body);
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/api/auth"));
    assert!(json(login).await.get("refresh_token").is_none());
    let pair = cookie.split(';').next().unwrap();
    let post = || app.anonymous(Method::POST, "/api/auth/refresh").header("cookie", pair);
    problem(post().send().await.unwrap(), 400, "missing_token").await;
    let answer = post().header("x-slurmdash-browser", "1").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("set-cookie"));
    // The page was left before it had that answer, or another tab asks at the same time.
    let again = post().header("x-slurmdash-browser", "1").send().await.unwrap();
    assert_eq!(again.status(), 200);
    app.pass_time(60);
    let stolen = post().header("x-slurmdash-browser", "1").send().await.unwrap();
    problem(stolen, 401, "token_reused").await;
}

#[tokio::test]
async fn bodies_that_are_no_login_are_refused_by_field() {
    let app = TestApp::start().await;
    let send = async |body: &'static str| {
        let request = app.anonymous(Method::POST, "/api/auth/login").header("content-type", "application/json");
        problem(request.body(body).send().await.unwrap(), 400, "invalid_request").await
    };
    let twice = send(r#"{"username":"a","username":"b","password":"c"}"#).await;
    assert!(twice["detail"].as_str().unwrap().contains("duplicate field `username`"), "{twice}");
    let wrong = send(r#"{"username":1,"password":"c"}"#).await;
    assert_eq!(wrong["fields"][0]["field"], "username");
    let unknown = send(r#"{"username":"a","password":"c","admin":true}"#).await;
    assert!(unknown["detail"].as_str().unwrap().contains("admin"), "{unknown}");
    for body in ["", "{", "[]", "null", r#"{"username":"a"}"#, r#"{"username":"a","password":"c"} x"#] {
        send(body).await;
    }
    let request = app.anonymous(Method::POST, "/api/auth/login").header("content-type", "application/json");
    problem(
        request.body(&b"{\"username\":\"\xff\",\"password\":\"c\"}"[..]).send().await.unwrap(),
        400,
        "invalid_request",
    )
    .await;
    let request = app.anonymous(Method::POST, "/api/auth/login").body("{}");
    problem(request.send().await.unwrap(), 415, "unsupported_media_type").await;
}

#[tokio::test]
async fn every_call_but_the_public_ones_needs_a_token() {
    let app = TestApp::start().await;
    let description = json(app.anonymous(Method::GET, "/api/openapi.json").send().await.unwrap()).await;
    let mut checked = 0;
    for (path, calls) in description["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let is_public = call["security"].as_array().is_some_and(|all| all.iter().any(|one| one == &json!({})));
            let address = path.replace("{id}", "1").replace("{name}", "n");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = app.anonymous(method.clone(), &address).json(&json!({})).send().await.unwrap();
            assert_eq!(answer.status() == 401, !is_public, "{method} {path} answered {}", answer.status());
            checked += 1;
        }
    }
    assert!(checked >= 15, "only {checked} calls are described");
}
