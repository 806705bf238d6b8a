//! The contract's rate limits, and what brute force comes to.
use std::net::IpAddr;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use slurmdash::config::Config;

use super::{PASSWORD, Person};
use crate::support::{TestApp, json as body, problem};

/// As it is unless configured, with this host as a trusted proxy, so that requests can come from anywhere.
fn limited(config: &mut Config) {
    config.limits.enabled = true;
    config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
}

async fn refused(answer: Response) -> u64 {
    let header: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let body = problem(answer, 429, "rate_limited").await;
    assert_eq!(body["error"], "Rate limit exceeded");
    assert_eq!(body["retry_after"], header);
    assert!(header >= 1);
    header
}

async fn login_from(app: &TestApp, address: &str, name: &str, password: &str) -> Response {
    let body = json!({"username": name, "password": password});
    app.anonymous(Method::POST, "/api/auth/login").header("x-forwarded-for", address).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn ten_jobs_a_minute_are_taken_and_the_headers_say_so() {
    let app = TestApp::with(limited).await;
    let job = json!({"job_name": "j", "command": "true"});
    for left in (0..10).rev() {
        let answer = app.post("/api/jobs/submit", &job).await;
        assert_eq!(answer.status(), 201);
        let (policy, limit) = (&answer.headers()["ratelimit-policy"], &answer.headers()["ratelimit"]);
        assert!(policy.to_str().unwrap().contains(";q=10;w=60"), "{policy:?}");
        assert!(limit.to_str().unwrap().contains(&format!(";r={left}")), "{limit:?}");
    }
    let wait = refused(app.post("/api/jobs/submit", &job).await).await;
    assert!(wait <= 60);
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    assert_eq!(ada.post("/api/jobs/submit", &job).await.status(), 201, "another person has their own");
    assert_eq!(app.get("/api/jobs").await.status(), 200, "other calls go on");
    app.pass_time(i64::try_from(wait).unwrap());
    assert_eq!(app.post("/api/jobs/submit", &job).await.status(), 201);
}

#[tokio::test]
async fn strangers_have_a_hundred_calls_a_minute_and_people_a_thousand() {
    let app = TestApp::with(limited).await;
    let stranger = async |address: &str| {
        let ask = app.anonymous(Method::GET, "/api/auth/methods").header("x-forwarded-for", address);
        ask.send().await.unwrap()
    };
    for _ in 0..100 {
        assert_eq!(stranger("192.0.2.1").await.status(), 200);
    }
    refused(stranger("192.0.2.1").await).await;
    assert_eq!(stranger("192.0.2.2").await.status(), 200, "another address has its own");
    for call in 0..900 {
        assert_eq!(app.get("/api/partitions").await.status(), 200, "{call}");
    }
    let left = app.get("/api/partitions").await;
    assert!(left.headers()["ratelimit-policy"].to_str().unwrap().contains(";q=1000;w=60"));
}

#[tokio::test]
async fn limits_are_configurable_and_count_people_across_sessions_and_keys() {
    let app = TestApp::with(|config| {
        limited(config);
        config.limits.user_per_minute = 5;
    })
    .await;
    let again = body(app.login("admin", &app.password).await).await["access_token"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(app.get("/api/jobs").await.status(), 200);
        let other = app.anonymous(Method::GET, "/api/jobs").bearer_auth(&again).send().await.unwrap();
        assert_eq!(other.status(), 200);
    }
    assert_eq!(app.get("/api/jobs").await.status(), 200);
    refused(app.anonymous(Method::GET, "/api/jobs").bearer_auth(&again).send().await.unwrap()).await;
    app.app.security.flush().await.unwrap();
    app.pass_time(61);
    let events = body(app.get("/api/v2/security-events?kind=limit_hit").await).await;
    assert_eq!(events["events"][0]["username"], "admin", "{events}");
}

#[tokio::test]
async fn chunks_are_not_counted_one_by_one() {
    let app = TestApp::with(|config| {
        limited(config);
        config.limits.user_per_minute = 8;
    })
    .await;
    let init = json!({"filename": "a.bin", "file_size": 64 * 1024 * 20, "user_id": "admin", "chunk_size": 64 * 1024});
    let begun = body(app.post("/api/v2/files/upload/init", &init).await).await;
    for index in 0..20 {
        let form = reqwest::multipart::Form::new()
            .text("upload_id", begun["upload_id"].as_str().unwrap().to_owned())
            .text("chunk_index", index.to_string())
            .part("chunk", reqwest::multipart::Part::bytes(vec![7; 64 * 1024]));
        let sent = app.request(Method::POST, "/api/v2/files/upload/chunk").multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 200, "{index}");
    }
}

#[tokio::test]
async fn five_failures_a_minute_are_taken_from_an_address_and_at_an_account() {
    let app = TestApp::with(limited).await;
    for _ in 0..5 {
        problem(login_from(&app, "192.0.2.1", "admin", "wrong").await, 401, "invalid_credentials").await;
    }
    refused(login_from(&app, "192.0.2.1", "admin", &app.password).await).await;
    refused(login_from(&app, "192.0.2.1", "somebody-else", "wrong").await).await;
    for host in 1..=5 {
        let address = format!("198.51.100.{host}");
        problem(login_from(&app, &address, "nobody", "wrong").await, 401, "invalid_credentials").await;
    }
    refused(login_from(&app, "203.0.113.1", "nobody", "wrong").await).await;
}

#[tokio::test]
async fn a_stranger_does_not_lock_a_victim_out() {
    let app = TestApp::with(limited).await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let credentials = json!({"username": "ada", "password": PASSWORD});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("x-slurmdash-browser", "1").json(&credentials);
    let login = login.header("x-forwarded-for", "192.0.2.77").send().await.unwrap();
    let cookies: Vec<_> =
        login.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    let device = cookies.iter().find(|cookie| cookie.starts_with("slurmdash_device=")).unwrap();
    assert!(device.contains("HttpOnly") && device.contains("SameSite=Strict"));
    let device = device.split(';').next().unwrap().to_owned();
    for host in 0..60_u8 {
        let address = IpAddr::from([198, 51, 100, host]).to_string();
        let answer = login_from(&app, &address, "ada", "guess").await;
        assert!([401, 429].contains(&answer.status().as_u16()));
    }
    refused(login_from(&app, "203.0.113.9", "ada", "guess").await).await;
    // From where she is signed in already.
    assert_eq!(login_from(&app, "127.0.0.1", "ada", PASSWORD).await.status(), 200);
    // And from anywhere, by the browser that she used before.
    let known = app.anonymous(Method::POST, "/api/auth/login").header("cookie", &device).json(&credentials);
    let known = known.header("x-forwarded-for", "203.0.113.50").send().await.unwrap();
    assert_eq!(known.status(), 200);
    // And as a stranger after a short time, even while the flood goes on.
    let wait = refused(login_from(&app, "203.0.113.10", "ada", PASSWORD).await).await;
    assert!(wait <= 60, "{wait}");
    app.pass_time(i64::try_from(wait).unwrap());
    assert_eq!(login_from(&app, "203.0.113.10", "ada", PASSWORD).await.status(), 200);
    let unlock = app.post(&format!("/api/v2/users/{}/unlock", ada.id), &json!({})).await;
    assert_eq!(unlock.status(), 200);
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_a_trusted_proxy() {
    let app = TestApp::with(|config| config.limits.enabled = true).await;
    for host in 0..5 {
        problem(login_from(&app, &format!("192.0.2.{host}"), "nobody", "x").await, 401, "invalid_credentials").await;
    }
    refused(login_from(&app, "192.0.2.200", "nobody", "x").await).await;
    app.app.security.flush().await.unwrap();
    let failed = body(app.get("/api/v2/audit?action=security.login_failed").await).await;
    let rows: &Vec<Value> = failed["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["address"] == "127.0.0.1"), "{failed}");
}

#[tokio::test]
async fn an_address_that_leads_out_is_told_with_whom_it_came_from() {
    let (behind_proxy, open) = (TestApp::with(limited).await, TestApp::start().await);
    for (app, address) in [(behind_proxy, "192.0.2.7"), (open, "127.0.0.1")] {
        let ask = app.anonymous(Method::GET, "/assets/..%2f..%2fetc%2fpasswd");
        let answer = ask.header("x-forwarded-for", "192.0.2.7").header("user-agent", "probe/1").send().await.unwrap();
        let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        app.app.security.flush().await.unwrap();
        let events = body(app.get("/api/v2/security-events?kind=path_attack").await).await;
        let found: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| &event["address"]).collect();
        assert_eq!(found, [address], "{events}");
        let rows = body(app.get("/api/v2/audit?action=security.path_attack").await).await;
        let row = &rows["rows"][0];
        assert_eq!((&row["address"], &row["agent"]), (&json!(address), &json!("probe/1")), "{rows}");
        assert_eq!(row["request_id"], request_id.as_str(), "{rows}");
    }
}
