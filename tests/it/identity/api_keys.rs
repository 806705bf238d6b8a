//! The contract's API keys.
use reqwest::Method;
use serde_json::json;

use super::{Person, with_key};
use crate::support::{TestApp, eventually, json as body, problem};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_its_hash() {
    let app = TestApp::start().await;
    let new = json!({"name": "CAE front end", "permissions": ["job:submit", "job:view"]});
    let made = app.post("/api/v2/api-keys", &new).await;
    assert_eq!(made.status(), 201);
    let made = body(made).await;
    let (key, id) = (made["api_key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    assert!(key.starts_with("sk_live_") && key.len() >= 40, "{key}");
    let created = made["created_at"].as_i64().unwrap();
    assert_eq!(made["expires_at"].as_i64().unwrap() - created, 90 * DAY, "90 days unless told");
    let listed = body(app.get("/api/v2/api-keys").await).await;
    let listed = &listed["api_keys"][0];
    assert_eq!((&listed["id"], &listed["name"]), (&json!(id), &json!("CAE front end")));
    assert_eq!(listed["permissions"], json!(["job:submit", "job:view"]));
    assert_eq!((&listed["is_active"], &listed["last_used_at"]), (&json!(true), &json!(null)));
    assert!(!listed.to_string().contains(key));
    let kept = app.app.store.api_key(id).unwrap().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    assert_eq!(kept.key_hash, slurmdash::random::hex(digest.as_ref()), "SHA-256");
    let file = std::fs::read(app.app.config.store_path()).unwrap();
    assert!(!file.windows(key.len()).any(|part| part == key.as_bytes()), "the key itself is nowhere in the store");
}

#[tokio::test]
async fn a_key_acts_as_its_owner_within_its_permissions() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:view"]).await;
    let me = body(with_key(&app, Method::GET, "/api/auth/me", &key).send().await.unwrap()).await;
    assert_eq!((&me["username"], &me["permissions"]), (&json!("ada"), &json!(["job:view"])));
    assert_eq!(with_key(&app, Method::GET, "/api/jobs", &key).send().await.unwrap().status(), 200);
    let submit =
        with_key(&app, Method::POST, "/api/jobs/submit", &key).json(&json!({"job_name": "x", "command": "true"}));
    let refused = problem(submit.send().await.unwrap(), 403, "forbidden").await;
    assert!(refused["detail"].as_str().unwrap().contains("job:submit"), "{refused}");
}

#[tokio::test]
async fn a_key_that_is_none_expired_or_revoked_says_so_in_the_same_words() {
    let app = TestApp::start().await;
    let key = body(app.post("/api/v2/api-keys", &json!({"name": "k", "permissions": ["job:view"]})).await).await;
    let (key, id) = (key["api_key"].as_str().unwrap(), key["key_id"].as_str().unwrap());
    let refused = async |key: &str| {
        let answer = with_key(&app, Method::GET, "/api/jobs", key).send().await.unwrap();
        problem(answer, 401, "unauthorized").await["detail"].as_str().unwrap().to_owned()
    };
    for rubbish in ["", "x", "sk_live_", "sk_live_x", &"s".repeat(5_000), &format!("{key}x")] {
        assert_eq!(refused(rubbish).await, "Invalid or expired API Key", "{rubbish:?}");
    }
    assert_eq!(with_key(&app, Method::GET, "/api/jobs", key).send().await.unwrap().status(), 200);
    let revoked = app.request(Method::DELETE, &format!("/api/v2/api-keys/{id}")).send().await.unwrap();
    assert_eq!((revoked.status().as_u16(), body(revoked).await), (200, json!({"message": "API key revoked"})));
    assert_eq!(refused(key).await, "Invalid or expired API Key");
    let again = app.request(Method::DELETE, &format!("/api/v2/api-keys/{id}")).send().await.unwrap();
    problem(again, 404, "not_found").await;
    let short = json!({"name": "k", "permissions": ["job:view"], "expires_in_days": 1});
    let short = body(app.post("/api/v2/api-keys", &short).await).await["api_key"].as_str().unwrap().to_owned();
    app.pass_time(DAY - 60);
    assert_eq!(with_key(&app, Method::GET, "/api/jobs", &short).send().await.unwrap().status(), 200);
    app.pass_time(60);
    assert_eq!(refused(&short).await, "Invalid or expired API Key");
}

#[tokio::test]
async fn a_key_never_has_more_permissions_than_its_owner() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    for more in ["job:manage", "user:manage", "audit:view"] {
        let new = json!({"name": "more", "permissions": ["job:view", more]});
        problem(ada.post("/api/v2/api-keys", &new).await, 403, "forbidden").await;
    }
    assert_eq!(body(ada.get("/api/v2/api-keys").await).await, json!({"api_keys": []}));
    let key = ada.key(&["job:view", "job:submit"]).await;
    // What is taken from the owner is taken from the key.
    let change = app.request(Method::PATCH, &format!("/api/v2/users/{}", ada.id)).json(&json!({"roles": ["viewer"]}));
    assert_eq!(change.send().await.unwrap().status(), 200);
    let me = body(with_key(&app, Method::GET, "/api/auth/me", &key).send().await.unwrap()).await;
    assert_eq!(me["permissions"], json!(["job:view"]));
}

#[tokio::test]
async fn a_key_of_a_disabled_or_deleted_owner_is_no_good() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let key = ada.key(&["job:view"]).await;
    let ask = async || with_key(&app, Method::GET, "/api/jobs", &key).send().await.unwrap();
    let set = async |active: bool| {
        let path = format!("/api/v2/users/{}", ada.id);
        let change = app.request(Method::PATCH, &path).json(&json!({"is_active": active}));
        assert_eq!(change.send().await.unwrap().status(), 200);
    };
    set(false).await;
    problem(ask().await, 401, "unauthorized").await;
    set(true).await;
    assert_eq!(ask().await.status(), 200);
    let gone = app.request(Method::DELETE, &format!("/api/v2/users/{}", ada.id)).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    problem(ask().await, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_key_can_not_look_after_keys_sessions_or_accounts() {
    let app = TestApp::start().await;
    let everything: Vec<&str> = slurmdash_api::auth::Permission::ALL.iter().map(|one| one.as_str()).collect();
    let key = body(app.post("/api/v2/api-keys", &json!({"name": "all", "permissions": everything})).await).await;
    let key = key["api_key"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, "/api/v2/api-keys"),
        (Method::POST, "/api/v2/api-keys"),
        (Method::GET, "/api/v2/sessions"),
        (Method::DELETE, "/api/v2/sessions"),
        (Method::POST, "/api/auth/logout"),
        (Method::POST, "/api/auth/password"),
        (Method::POST, "/api/v2/users"),
        (Method::DELETE, "/api/v2/users/x"),
    ] {
        let answer = with_key(&app, method.clone(), path, key).json(&json!({})).send().await.unwrap();
        problem(answer, 403, "not_with_key").await;
    }
    let both = with_key(&app, Method::GET, "/api/jobs", key).bearer_auth(&app.token).send().await.unwrap();
    problem(both, 400, "invalid_request").await;
}

#[tokio::test]
async fn keys_are_listed_newest_first_and_only_to_their_owner() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    for name in ["first", "second"] {
        let new = json!({"name": name, "permissions": ["job:view"]});
        assert_eq!(ada.post("/api/v2/api-keys", &new).await.status(), 201);
        app.pass_time(1);
    }
    let listed = body(ada.get("/api/v2/api-keys").await).await;
    let names: Vec<_> = listed["api_keys"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, ["second", "first"]);
    assert_eq!(body(app.get("/api/v2/api-keys").await).await, json!({"api_keys": []}));
    let hers = listed["api_keys"][0]["id"].as_str().unwrap();
    let foreign = app.request(Method::DELETE, &format!("/api/v2/api-keys/{hers}")).send().await.unwrap();
    problem(foreign, 404, "not_found").await;
    let as_admin = format!("/api/v2/users/{}/api-keys", ada.id);
    assert_eq!(body(app.get(&as_admin).await).await, listed);
    let revoked = app.request(Method::DELETE, &format!("{as_admin}/{hers}")).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(body(ada.get("/api/v2/api-keys").await).await["api_keys"][0]["is_active"], false);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_named() {
    let app = TestApp::start().await;
    for (new, field) in [
        (json!({"name": "", "permissions": ["job:view"]}), "name"),
        (json!({"name": "a\nb", "permissions": ["job:view"]}), "name"),
        (json!({"name": "x".repeat(101), "permissions": ["job:view"]}), "name"),
        (json!({"name": "k", "permissions": []}), "permissions"),
        (json!({"name": "k", "permissions": ["root"]}), "permissions[0]"),
        (json!({"name": "k", "permissions": ["job:view"], "expires_in_days": 0}), "expires_in_days"),
        (json!({"name": "k", "permissions": ["job:view"], "expires_in_days": 100_000}), "expires_in_days"),
        (json!({"name": "k", "permissions": ["job:view"], "expires_in_days": -1}), "expires_in_days"),
    ] {
        let answer = problem(app.post("/api/v2/api-keys", &new).await, 400, "invalid_request").await;
        assert_eq!(answer["fields"][0]["field"], field, "{new}: {answer}");
    }
}

#[tokio::test]
async fn uses_are_remembered_and_audited() {
    let app = TestApp::start().await;
    let made = body(app.post("/api/v2/api-keys", &json!({"name": "k", "permissions": ["job:view"]})).await).await;
    let key = made["api_key"].as_str().unwrap();
    for _ in 0..3 {
        assert_eq!(with_key(&app, Method::GET, "/api/jobs", key).send().await.unwrap().status(), 200);
    }
    app.app.auth.uses.write(&app.app.store).await.unwrap();
    let listed = body(app.get("/api/v2/api-keys").await).await;
    assert!(listed["api_keys"][0]["last_used_at"].is_i64(), "{listed}");
    let row = eventually(async || {
        let audit = body(app.get("/api/v2/audit?action=api_key.use").await).await;
        audit["rows"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&row["key_id"], &row["username"]), (&made["key_id"], &json!("admin")));
    assert!(row["resource"].as_str().unwrap().ends_with("3 calls"), "{row}");
}
