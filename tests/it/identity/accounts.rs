//! Looking after accounts: who may, and what can't be done to oneself, to one's betters or to the last admin.
use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, Person};
use crate::support::{TestApp, json as body, problem};

#[tokio::test]
async fn accounts_are_made_found_changed_and_removed() {
    let app = TestApp::start().await;
    let new = json!({"username": "ada", "roles": ["user"], "unix_user": "alice", "email": "ada@uni.example"});
    let made = app.post("/api/v2/users", &new).await;
    assert_eq!(made.status(), 201);
    let made = body(made).await;
    let (id, password) = (made["user"]["id"].as_str().unwrap(), made["password"].as_str().unwrap());
    assert_eq!(password.len(), 20, "a random one is made and told once");
    assert_eq!(app.login("ada", password).await.status(), 200);
    problem(app.post("/api/v2/users", &new).await, 409, "name_taken").await;
    let path = format!("/api/v2/users/{id}");
    let shown = body(app.get(&path).await).await;
    assert_eq!((&shown["unix_user"], &shown["email"]), (&json!("alice"), &json!("ada@uni.example")));
    assert_eq!((&shown["sessions"], &shown["source"]), (&json!(1), &json!("local")));
    assert!(shown["last_login_at"].is_i64() && shown.get("password_hash").is_none());
    let change = json!({"roles": ["operator"], "unix_user": "", "email": "a@b.c"});
    let changed = app.request(Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    let changed = body(changed).await;
    assert_eq!((&changed["roles"], &changed["email"]), (&json!(["operator"]), &json!("a@b.c")));
    assert!(changed.get("unix_user").is_none() && changed["permissions"].to_string().contains("job:manage"));
    let rows = body(app.get("/api/v2/audit?action=user.").await).await;
    let actions: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["user.set_email", "user.set_unix", "user.set_roles", "user.create", "user.create"]);
    assert_eq!(app.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    problem(app.get(&path).await, 404, "not_found").await;
    problem(app.login("ada", password).await, 401, "invalid_credentials").await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_by_name() {
    let app = TestApp::start().await;
    for (name, roles) in [("carol", "viewer"), ("ada", "user"), ("bob", "user")] {
        let new = json!({"username": name, "roles": [roles], "email": format!("{name}@uni.example")});
        assert_eq!(app.post("/api/v2/users", &new).await.status(), 201);
    }
    let names = async |query: &str| {
        let page = body(app.get(&format!("/api/v2/users{query}")).await).await;
        let users = page["users"].as_array().unwrap();
        let names: Vec<_> = users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), page["next"].as_str().map(str::to_owned), page["total"].as_u64().unwrap())
    };
    assert_eq!(names("").await, ("ada admin bob carol".into(), None, 4));
    assert_eq!(names("?role=user").await.0, "ada bob");
    assert_eq!(names("?q=UNI&active=true&source=local").await.0, "ada bob carol");
    assert_eq!(names("?active=false").await.0, "");
    let (first, next, _) = names("?limit=3").await;
    assert_eq!(first, "ada admin bob");
    assert_eq!(names(&format!("?limit=3&after={}", next.unwrap())).await, ("carol".into(), None, 4));
    for wrong in ["?limit=0", "?limit=501", "?after=x", "?unknown=1", "?source=root"] {
        problem(app.get(&format!("/api/v2/users{wrong}")).await, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_named() {
    let app = TestApp::start().await;
    for (field, value) in [
        ("username", json!("")),
        ("username", json!("../etc")),
        ("username", json!("a b")),
        ("username", json!("a\0")),
        ("username", json!("a\n")),
        ("username", json!("x".repeat(10_000))),
        ("password", json!("short")),
        ("password", json!("x".repeat(1025))),
        ("roles", json!(["root"])),
        ("unix_user", json!("root;id")),
        ("unix_user", json!("-l")),
        ("email", json!("no mail")),
    ] {
        let mut new = json!({"username": "ada", "password": PASSWORD, "roles": ["user"]});
        new[field] = value;
        let answer = problem(app.post("/api/v2/users", &new).await, 400, "invalid_request").await;
        assert_eq!(answer["fields"][0]["field"], field, "{answer}");
    }
}

#[tokio::test]
async fn nobody_reaches_beyond_themselves() {
    let app = TestApp::with(|config| {
        let mut clerk = config.auth.roles["user"].clone();
        clerk.extend([slurmdash_api::auth::Permission::UserView, slurmdash_api::auth::Permission::UserManage]);
        config.auth.roles.insert("clerk".into(), clerk);
    })
    .await;
    let clerk = Person::with_roles(&app, "clerk", &["clerk"]).await;
    let admin = body(app.get("/api/auth/me").await).await["id"].as_str().unwrap().to_owned();
    let new = json!({"username": "eve", "password": PASSWORD, "roles": ["admin"]});
    problem(clerk.post("/api/v2/users", &new).await, 403, "forbidden").await;
    let new = json!({"username": "eve", "password": PASSWORD, "roles": ["user"]});
    let eve = body(clerk.post("/api/v2/users", &new).await).await["user"]["id"].as_str().unwrap().to_owned();
    let raise = json!({"roles": ["admin"]});
    problem(clerk.patch(&format!("/api/v2/users/{eve}"), &raise).await, 403, "forbidden").await;
    problem(clerk.patch(&format!("/api/v2/users/{admin}"), &json!({"is_active": false})).await, 403, "forbidden").await;
    problem(clerk.post(&format!("/api/v2/users/{admin}/password"), &json!({})).await, 403, "forbidden").await;
    problem(clerk.delete(&format!("/api/v2/users/{admin}")).await, 403, "forbidden").await;
    problem(clerk.delete(&format!("/api/v2/users/{admin}/sessions")).await, 403, "forbidden").await;
    problem(clerk.patch(&format!("/api/v2/users/{}", clerk.id), &raise).await, 409, "own_account").await;
    problem(clerk.delete(&format!("/api/v2/users/{}", clerk.id)).await, 409, "own_account").await;
    assert_eq!(clerk.patch(&format!("/api/v2/users/{eve}"), &json!({"roles": ["viewer"]})).await.status(), 200);
}

#[tokio::test]
async fn who_lacks_a_permission_is_refused_and_that_is_written_down() {
    let app = TestApp::start().await;
    let viewer = Person::with_roles(&app, "vera", &["viewer"]).await;
    for (method, path) in [
        (Method::GET, "/api/v2/users"),
        (Method::GET, "/api/v2/roles"),
        (Method::GET, "/api/v2/audit"),
        (Method::GET, "/api/v2/audit/export"),
        (Method::GET, "/api/v2/security-events"),
        (Method::POST, "/api/jobs/submit"),
        (Method::POST, "/api/v2/files/upload/init"),
    ] {
        let answer = viewer.request(method, path).json(&json!({})).send().await.unwrap();
        problem(answer, 403, "forbidden").await;
    }
    app.app.security.flush().await.unwrap();
    let events = body(app.get("/api/v2/security-events?kind=permission_refused").await).await;
    let event = &events["events"][0];
    assert_eq!((&event["username"], &event["count"]), (&json!("vera"), &json!(7)), "{events}");
    let note = json!({"note": "vera was curious"});
    let resolve = format!("/api/v2/security-events/{}/resolve", event["id"].as_str().unwrap());
    assert_eq!(app.post(&resolve, &note).await.status(), 200);
    problem(app.post(&resolve, &note).await, 404, "not_found").await;
    let resolved = body(app.get("/api/v2/security-events?resolved=true").await).await;
    assert_eq!(resolved["events"][0]["note"], "vera was curious");
    assert_eq!(resolved["events"][0]["resolved_by"], "admin");
}

#[tokio::test]
async fn people_change_their_own_password() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let other = Person::signed_in(&app, "ada", &ada.id).await;
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    let path = "/api/auth/password";
    problem(ada.post(path, &change("wrong", "another long password")).await, 401, "invalid_credentials").await;
    problem(ada.post(path, &change(PASSWORD, "short")).await, 400, "invalid_request").await;
    assert_eq!(ada.post(path, &change(PASSWORD, "another long password")).await.status(), 200);
    assert_eq!(ada.get("/api/auth/me").await.status(), 200, "the session that asked goes on");
    problem(other.get("/api/auth/me").await, 401, "unauthorized").await;
    problem(app.login("ada", PASSWORD).await, 401, "invalid_credentials").await;
    assert_eq!(app.login("ada", "another long password").await.status(), 200);
}

#[tokio::test]
async fn an_admin_gives_somebody_another_password() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let path = format!("/api/v2/users/{}/password", ada.id);
    let reset = body(app.post(&path, &json!({})).await).await;
    problem(ada.get("/api/auth/me").await, 401, "unauthorized").await;
    assert_eq!(app.login("ada", reset["password"].as_str().unwrap()).await.status(), 200);
    assert_eq!(body(app.post(&path, &json!({"password": PASSWORD})).await).await, json!({}));
    assert_eq!(app.login("ada", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn roles_are_sets_of_permissions_from_the_configuration() {
    use slurmdash_api::auth::Permission;
    let app = TestApp::with(|config| {
        config.auth.roles.insert("viewer".into(), vec![Permission::NodeView]);
        config.auth.roles.insert("auditor".into(), vec![Permission::AuditView]);
    })
    .await;
    let roles = body(app.get("/api/v2/roles").await).await;
    let names: Vec<_> = roles["roles"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["admin", "auditor", "operator", "user", "viewer"]);
    let both = Person::with_roles(&app, "ada", &["viewer", "auditor"]).await;
    let me = body(both.get("/api/auth/me").await).await;
    assert_eq!(me["permissions"], json!(["node:view", "audit:view"]));
    problem(both.get("/api/jobs").await, 403, "forbidden").await;
    assert_eq!(both.get("/api/v2/audit").await.status(), 200);
}
