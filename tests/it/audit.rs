//! What a person does through the API leaves its row in the audit log.
use reqwest::Method;
use serde_json::{Value, json};
use slurmdash::store::audit::{AuditFilter, AuditGroup, AuditRecord};
use slurmdash::store::events::{EventFilter, EventGroup, Severity};
use slurmdash::store::walk::PageRequest;

use crate::support::{TestApp, eventually, json as body, problem};

/// The newest row of an action.
fn newest(app: &TestApp, action: &str) -> AuditRecord {
    let filter = AuditFilter::action(action);
    let page = app.app.store.audit_page(&filter, &PageRequest::first(1)).unwrap();
    page.items.into_iter().next().unwrap_or_else(|| panic!("no row for {action}"))
}

#[tokio::test]
async fn a_login_names_its_person_address_and_program() {
    let app = TestApp::start().await;
    let agent = format!("curl/8 {}é", "x".repeat(300));
    let credentials = json!({"username": "admin", "password": app.password});
    let login = app.anonymous(Method::POST, "/api/auth/login").header("user-agent", &agent).json(&credentials);
    let answer = login.send().await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let row = newest(&app, "session.begin");
    assert_eq!((row.username.as_deref(), row.address.as_deref()), (Some("admin"), Some("127.0.0.1")));
    assert_eq!(row.request_id, Some(request_id));
    assert_eq!(row.agent.as_deref(), Some(&agent[..256]), "a long name is cut");
    assert_eq!(newest(&app, "user.create").user_id, None, "the first account was made by the program");
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_is_a_security_event() {
    let app = TestApp::start().await;
    let login = body(app.login("admin", &app.password).await).await;
    let old = json!({"refresh_token": login["refresh_token"]});
    let refresh = || app.anonymous(Method::POST, "/api/auth/refresh").json(&old).send();
    assert_eq!(refresh().await.unwrap().status(), 200);
    assert_eq!(app.app.store.event_count(&EventGroup::All).unwrap(), 0);
    assert_eq!(refresh().await.unwrap().status(), 401);
    let open = EventFilter::severity(Severity::High, false);
    let events = app.app.store.event_page(&open, &PageRequest::first(9)).unwrap().items;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind.as_str(), events[0].address.as_deref()), ("token_reused", Some("127.0.0.1")));
    let row = newest(&app, "session.refresh");
    assert_eq!(row.user_id, events[0].user_id);
    assert!(row.error.is_some());
}

#[tokio::test]
async fn a_job_and_its_upload_are_written_down_with_their_ids() {
    let app = TestApp::start().await;
    let init = json!({"filename": "empty.csv", "file_size": 0, "user_id": "admin"});
    let begun = body(app.post("/api/v2/files/upload/init", &init).await).await;
    let id = begun["upload_id"].as_str().unwrap();
    assert_eq!(newest(&app, "upload.begin").resource.as_deref(), Some(id));
    assert_eq!(app.post("/api/v2/files/upload/complete", &json!({"upload_id": id})).await.status(), 200);
    assert_eq!(newest(&app, "upload.finish").resource.as_deref(), Some(id));
    let job = json!({"job_name": "j", "command": "true"});
    let job = body(app.post("/api/jobs/submit", &job).await).await;
    assert_eq!(newest(&app, "job.submit").resource, Some(job["job_id"].to_string()));
    let rows = || app.app.store.audit_count(&AuditGroup::All).unwrap();
    let before = rows();
    let ended = eventually(async || {
        let detail = body(app.get(&format!("/api/jobs/{}", job["job_id"])).await).await;
        (detail["state"] == "COMPLETED").then_some(detail)
    });
    assert_eq!(ended.await["script"].as_str().map(|script| script.contains("true")), Some(true));
    assert_eq!(rows(), before, "what Slurm does is nobody's doing here");
}

#[tokio::test]
async fn an_export_has_the_rows_of_the_list_and_a_row_of_its_own() {
    let app = TestApp::start().await;
    assert_eq!(app.login("admin", "wrong").await.status(), 401);
    let filters = "action=session.&user=admin&result=done&from=0";
    let listed = body(app.get(&format!("/api/v2/audit?{filters}")).await).await;
    let jsonl = app.get(&format!("/api/v2/audit/export?{filters}&format=jsonl")).await;
    assert_eq!(
        (jsonl.status().as_u16(), &jsonl.headers()["content-type"]),
        (200, &"application/jsonl".parse().unwrap())
    );
    let name = jsonl.headers()["content-disposition"].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"audit-") && name.ends_with(".jsonl\""), "{name}");
    let lines = jsonl.text().await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), Value::from(lines)), (1, listed["rows"].clone()));
    let row = newest(&app, "audit.export");
    assert_eq!(row.resource.as_deref(), Some("user=admin action=session. result=done from=0"));
    let csv = app.get("/api/v2/audit/export").await.text().await.unwrap();
    let rows = app.app.store.audit_count(&AuditGroup::All).unwrap();
    assert_eq!(csv.lines().count() as u64, rows + 1, "the heading and every row: {csv}");
    assert_eq!(newest(&app, "audit.export").resource.as_deref(), Some("all"));
    for wrong in ["colour=red", "limit=5", "after=x", "format=xml", "from=yesterday"] {
        problem(app.get(&format!("/api/v2/audit/export?{wrong}")).await, 400, "invalid_request").await;
    }
}
