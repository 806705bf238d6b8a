//! What it costs to know who is asking, and what many sign-ins at once do to everybody else: `cargo xtask bench auth` runs
//! this, judges it and prints the table.
//!
//! The last line on standard output is JSON: a list of `{"name", "value", "unit"}`.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a program for the bench, not shipped")]

mod quantile;
#[expect(dead_code, clippy::expect_used, reason = "the tests use more of it")]
#[path = "../it/support.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use slurmdash::auth::Origin;

use quantile::quantile;
use support::{TestApp, json as body};

/// Tokens that are checked.
const CHECKS: u32 = 200_000;
/// Accounts in the store, and their sessions.
const ACCOUNTS: usize = 50;
/// How long others are watched, with and without sign-ins.
const WATCHED: Duration = Duration::from_secs(6);
/// Clients that ask meanwhile, and their pause between two calls.
const OTHERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(5);
const PASSWORD: &str = "correct horse battery staple";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("{}", Value::from(runtime.block_on(measure())));
}

async fn measure() -> Vec<Value> {
    let app = TestApp::with(|config| config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    for number in 0..ACCOUNTS {
        let new = json!({"username": format!("user{number}"), "password": PASSWORD, "roles": ["user"]});
        assert_eq!(app.post("/api/v2/users", &new).await.status(), 201);
    }
    let figure = |name: &str, value: f64, unit: &str| json!({"name": name, "value": value, "unit": unit});
    let token = token_check(&app);
    let key = key_check(&app).await;
    let quiet = quantile(watch(&app, false).await, 0.99);
    let busy = quantile(watch(&app, true).await, 0.99);
    vec![
        figure("token check", token, "µs"),
        figure("API key check", key, "µs"),
        figure("others, p99, nobody signs in", quiet, "ms"),
        figure("others, p99, 50 sign in at once", busy, "ms"),
    ]
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(CHECKS)
}

/// One check of an access token: signature, session, account, roles.
fn token_check(app: &TestApp) -> f64 {
    let begun = Instant::now();
    for _ in 0..CHECKS {
        let who = app.app.auth.authenticate(&app.token, Origin::default());
        assert!(std::hint::black_box(who).is_ok());
    }
    microseconds(begun.elapsed())
}

async fn key_check(app: &TestApp) -> f64 {
    let made = body(app.post("/api/v2/api-keys", &json!({"name": "k", "permissions": ["job:view"]})).await).await;
    let key = made["api_key"].as_str().unwrap();
    let begun = Instant::now();
    for _ in 0..CHECKS {
        let who = app.app.auth.authenticate_key(key, Origin::default());
        assert!(std::hint::black_box(who).is_ok());
    }
    microseconds(begun.elapsed())
}

/// What others' calls take, milliseconds each, while `ACCOUNTS` people sign in again and again, or while nobody does.
async fn watch(app: &TestApp, with_sign_ins: bool) -> Vec<f64> {
    let over = Arc::new(AtomicBool::new(false));
    let sign_ins = if with_sign_ins { ACCOUNTS } else { 0 };
    let sign_ins = (0..sign_ins).map(|number| {
        let over = over.clone();
        async move {
            let mut signed_in = 0;
            while !over.load(Ordering::Relaxed) {
                let login = app.anonymous(Method::POST, "/api/auth/login");
                let login = login.header("x-forwarded-for", format!("192.0.2.{number}"));
                let credentials = json!({"username": format!("user{number}"), "password": PASSWORD});
                match login.json(&credentials).send().await.unwrap().status().as_u16() {
                    200 => signed_in += 1,
                    // Told to come back in a moment.
                    503 => tokio::time::sleep(PAUSE).await,
                    other => panic!("{other}"),
                }
            }
            signed_in
        }
    });
    let others = (0..OTHERS).map(|_| {
        let over = over.clone();
        async move {
            let client = Client::builder().no_proxy().build().unwrap();
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let call = client.get(format!("{}/api/auth/me", app.url)).bearer_auth(&app.token);
                let begun = Instant::now();
                assert_eq!(call.send().await.unwrap().status(), 200);
                took.push(begun.elapsed().as_secs_f64() * 1000.0);
                tokio::time::sleep(PAUSE).await;
            }
            took
        }
    });
    let clock = async {
        tokio::time::sleep(WATCHED).await;
        over.store(true, Ordering::Relaxed);
    };
    let (signed_in, took, ()) = tokio::join!(join_all(sign_ins), join_all(others), clock);
    assert!(!with_sign_ins || signed_in.into_iter().sum::<i32>() > 0, "nobody got in");
    took.concat()
}
