//! What is somebody else's is refused, and the try is written down once.
use serde_json::{Value, json};

use super::Person;
use crate::support::{TestApp, json as body, problem};

/// The event that tells of somebody's tries, and the rows of the audit log that do.
async fn told(app: &TestApp) -> (Vec<Value>, Vec<Value>) {
    app.app.security.flush().await.unwrap();
    let events = body(app.get("/api/v2/security-events?kind=permission_refused").await).await;
    let rows = body(app.get("/api/v2/audit?action=security.permission_refused").await).await;
    (events["events"].as_array().unwrap().clone(), rows["rows"].as_array().unwrap().clone())
}

#[tokio::test]
async fn who_wants_what_is_somebody_elses_is_written_down_once_each_time() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let bob = Person::with_roles(&app, "bob", &["user"]).await;
    let job = json!({"job_name": "hers", "command": "true"});
    let job = body(ada.post("/api/jobs/submit", &job).await).await["job_id"].to_string();
    let output = format!("/api/jobs/{job}/output");
    assert_eq!(body(ada.get(&format!("/api/jobs/{job}")).await).await["may_read"], true);
    assert_eq!(body(bob.get(&format!("/api/jobs/{job}")).await).await["may_read"], false);
    ada.get(&output).await;
    assert_eq!(told(&app).await, (Vec::new(), Vec::new()), "one's own is nobody's concern");
    let folder = json!({"filename": "a.csv", "file_size": 0, "user_id": "ada", "job_id": "run"});
    assert_eq!(ada.post("/api/v2/files/upload/init", &folder).await.status(), 201);
    let (mut for_her, mut into_hers) = (folder.clone(), folder);
    for_her["job_id"] = Value::Null;
    into_hers["user_id"] = json!("bob");
    let init = "/api/v2/files/upload/init";
    let cancel = format!("/api/jobs/{job}/cancel");
    let tries = [
        (&*output, None, "job:manage"),
        (&*format!("/api/jobs/{job}/record"), None, "job:manage"),
        (&*format!("{output}/link"), Some(Value::Null), "job:manage"),
        (init, Some(for_her), "user_id"),
        (init, Some(into_hers), "belongs to somebody else"),
        ("/api/v2/api-keys", Some(json!({"name": "more", "permissions": ["user:manage"]})), "user:manage"),
        (&*cancel, Some(Value::Null), "job:manage"),
        // What the guard refuses by itself.
        ("/api/v2/users", None, "user:view"),
    ];
    let count = tries.len();
    for (at, (path, sent, words)) in tries.into_iter().enumerate() {
        let answer = match sent {
            Some(sent) => bob.post(path, &sent).await,
            None => bob.get(path).await,
        };
        problem(answer, 403, "forbidden").await;
        let (events, rows) = told(&app).await;
        assert_eq!(events.len(), 1, "{path}: {events:?}");
        assert_eq!((&events[0]["username"], &events[0]["count"]), (&json!("bob"), &json!(at + 1)), "{path}");
        assert_eq!(rows.len(), at + 1, "{path}: {rows:?}");
        let row = &rows[0];
        assert_eq!(
            (&row["username"], &row["resource"], &row["result"]),
            (&json!("bob"), &json!(path), &json!("refused"))
        );
        assert!(row["error"].as_str().is_some_and(|error| error.contains(words)), "{path}: {row}");
    }
    let actions = json!({"action": "hold", "jobs": [job]});
    assert_eq!(body(bob.post("/api/jobs/actions", &actions).await).await["failed"], 1);
    let (events, rows) = told(&app).await;
    assert_eq!((&events[0]["count"], rows.len()), (&json!(count + 1), count + 1), "{events:?}");
    assert_eq!(rows[0]["resource"], format!("job {job}"));
}

#[tokio::test]
async fn what_somebody_may_not_know_of_is_not_there_and_no_try() {
    let app = TestApp::start().await;
    let ada = Person::with_roles(&app, "ada", &["user"]).await;
    let bob = Person::with_roles(&app, "bob", &["user"]).await;
    let init = json!({"filename": "a.csv", "file_size": 0, "user_id": "ada"});
    let begun = body(ada.post("/api/v2/files/upload/init", &init).await).await;
    let upload = format!("/api/v2/files/uploads/{}", begun["upload_id"].as_str().unwrap());
    let key = body(ada.post("/api/v2/api-keys", &json!({"name": "k", "permissions": ["job:view"]})).await).await;
    let key = format!("/api/v2/api-keys/{}", key["key_id"].as_str().unwrap());
    problem(bob.get(&upload).await, 404, "not_found").await;
    problem(bob.delete(&upload).await, 404, "not_found").await;
    problem(bob.delete(&key).await, 404, "not_found").await;
    assert_eq!(told(&app).await, (Vec::new(), Vec::new()));
}
