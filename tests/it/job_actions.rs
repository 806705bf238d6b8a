//! Actions on jobs over HTTP, one and many, and what the job page is told.
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, json, problem};

async fn submit(app: &TestApp, body: Value) -> u64 {
    let answer = app.post("/api/jobs/submit", &body).await;
    assert_eq!(answer.status(), 201);
    json(answer).await["job_id"].as_u64().unwrap()
}

async fn job(app: &TestApp, id: u64) -> Value {
    json(app.get(&format!("/api/jobs/{id}")).await).await
}

async fn reaches(app: &TestApp, id: u64, state: &str) -> Value {
    eventually(async || {
        let job = job(app, id).await;
        (job["state"] == state).then_some(job)
    })
    .await
}

async fn act(app: &TestApp, body: Value) -> Value {
    let answer = app.post("/api/jobs/actions", &body).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    json(app.post("/api/jobs/actions", &body).await).await
}

fn words(job: &Value) -> (&str, &str, &str) {
    let explanation = &job["explanation"];
    let text = |path: &str| explanation.pointer(path).and_then(Value::as_str).unwrap_or_default();
    (text("/code"), text("/en/what"), text("/ko/what"))
}

#[tokio::test]
async fn many_jobs_are_held_released_and_cancelled_with_an_answer_for_each() {
    let app = TestApp::start().await;
    let begin = "now+1hour";
    let (one, two) = (
        submit(&app, json!({"job_name": "a", "command": "true", "begin": begin})).await,
        submit(&app, json!({"job_name": "b", "command": "true", "begin": begin})).await,
    );
    let ids = json!([one.to_string(), two.to_string(), "4000000"]);
    let answer = json(app.post("/api/jobs/actions", &json!({"action": "hold", "jobs": ids})).await).await;
    assert_eq!((answer["done"].as_u64(), answer["failed"].as_u64()), (Some(2), Some(1)), "{answer}");
    assert_eq!(answer["results"][2]["code"], "not_found");
    let held = eventually(async || {
        let job = job(&app, one).await;
        (job["reason"] == "JobHeldUser").then_some(job)
    })
    .await;
    assert!(held["actions"].as_array().unwrap().contains(&json!("release")));
    assert!(!held["actions"].as_array().unwrap().contains(&json!("hold")));
    let (code, en, ko) = words(&held);
    assert!(code.contains("held") && !en.is_empty() && !ko.is_empty() && en != ko, "{held}");
    let released = app.request(Method::POST, &format!("/api/jobs/{one}/release")).send().await.unwrap();
    assert_eq!(released.status(), 200);
    eventually(async || (job(&app, one).await["reason"] != "JobHeldUser").then_some(())).await;
    let answer = json(
        app.post("/api/jobs/actions", &json!({"action": "cancel", "jobs": [one.to_string(), two.to_string()]})).await,
    )
    .await;
    assert_eq!(answer["done"], 2);
    reaches(&app, two, "CANCELLED").await;
    let answer = json(app.post("/api/jobs/actions", &json!({"action": "hold", "jobs": [two.to_string()]})).await).await;
    assert_eq!(answer["results"][0]["code"], "already_finished");
}

#[tokio::test]
async fn a_running_job_is_suspended_resumed_and_given_less_time() {
    let app = TestApp::start().await;
    let id = submit(&app, json!({"job_name": "long", "command": "sleep 600", "time": "02:00:00"})).await;
    reaches(&app, id, "RUNNING").await;
    let post =
        async |action: &str| app.request(Method::POST, &format!("/api/jobs/{id}/{action}")).send().await.unwrap();
    assert_eq!(post("suspend").await.status(), 200);
    reaches(&app, id, "SUSPENDED").await;
    assert_eq!(post("resume").await.status(), 200);
    reaches(&app, id, "RUNNING").await;
    problem(post("hold").await, 409, "not_possible_now").await;
    problem(post("explode").await, 404, "not_found").await;
    let answer = act(&app, json!({"action": "time_limit", "jobs": [id.to_string()], "time": "01:00:00"})).await;
    assert_eq!(answer["done"], 1, "{answer}");
    eventually(async || (job(&app, id).await["time_limit"] == 3600).then_some(())).await;
    assert_eq!(post("requeue").await.status(), 200);
    eventually(async || (job(&app, id).await["more"]["restarts"] == 1).then_some(())).await;
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_by_field() {
    let app = TestApp::start().await;
    for (body, field) in [
        (json!({"action": "hold", "jobs": []}), "jobs"),
        (json!({"action": "hold", "jobs": ["1;2"]}), "jobs[0]"),
        (json!({"action": "time_limit", "jobs": ["1"]}), "time"),
        (json!({"action": "nice", "jobs": ["1"], "nice": 99_999}), "nice"),
    ] {
        let answer = problem(app.post("/api/jobs/actions", &body).await, 400, "invalid_request").await;
        assert_eq!(answer["fields"][0]["field"], field, "{answer}");
    }
}

#[tokio::test]
async fn a_failed_job_is_explained_from_its_output_and_can_be_submitted_again() {
    let app = TestApp::start().await;
    let id = submit(&app, json!({"job_name": "bad", "command": "no-such-program-here"})).await;
    let failed = reaches(&app, id, "FAILED").await;
    assert_eq!(failed["exit_code"], 127);
    let (code, en, ko) = words(&failed);
    assert_eq!(code, "command_not_found");
    assert!(en != ko && !ko.is_empty());
    assert!(failed["explanation"]["en"]["why"].as_str().unwrap().contains("no-such-program-here"), "{failed}");
    assert_eq!(failed["request"]["command"], "no-such-program-here", "what to change and submit again");
    let record = json(app.get(&format!("/api/jobs/{id}/record")).await).await;
    assert!(record["controller"].as_str().unwrap().contains(&format!("JobId={id}")), "{record}");
}

#[tokio::test]
async fn slurm_is_asked_whether_it_fits_before_it_is_submitted() {
    let app = TestApp::start().await;
    let good = json(app.post("/api/jobs/test", &json!({"job_name": "t", "command": "true"})).await).await;
    assert_eq!(good["accepted"], true, "{good}");
    assert!(good["start_time"].as_i64().is_some());
    let bad = json!({"job_name": "t", "command": "true", "partition": "nowhere"});
    let bad = json(app.post("/api/jobs/test", &bad).await).await;
    assert_eq!(bad["accepted"], false);
    assert!(bad["refusal"].as_str().unwrap().to_lowercase().contains("partition"), "{bad}");
    assert_eq!(json(app.get("/api/jobs").await).await["total"], 0, "nothing was submitted");
}

#[tokio::test]
async fn an_output_is_downloaded_once_by_its_link_or_with_a_token_and_from_the_middle() {
    let app = TestApp::start().await;
    let id = submit(&app, json!({"job_name": "out", "command": "seq 1 1000; echo oops >&2"})).await;
    reaches(&app, id, "COMPLETED").await;
    let whole = (1..=1000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n") + "\noops\n";
    let path = format!("/api/jobs/{id}/output/download");
    let answer = app.get(&path).await;
    assert_eq!(answer.headers()["content-disposition"], format!("attachment; filename=\"slurm-{id}.out\""));
    assert_eq!(answer.text().await.unwrap(), whole);
    let rest = app.request(Method::GET, &path).header("range", "bytes=10-").send().await.unwrap();
    assert_eq!((rest.status().as_u16(), rest.text().await.unwrap().as_str()), (206, &whole[10..]));
    let past = app.request(Method::GET, &path).header("range", "bytes=99999-").send().await.unwrap();
    problem(past, 416, "range_not_satisfiable").await;

    let link = app.request(Method::POST, &format!("/api/jobs/{id}/output/link")).send().await.unwrap();
    let cookie = link.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains(&format!("Path={path}")), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let url = json(link).await["url"].as_str().unwrap().to_owned();
    assert!(!url.contains(cookie.split_once('=').unwrap().1), "no secret in the address");
    let follow = async || app.anonymous(Method::GET, &url).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(follow().await.text().await.unwrap(), whole);
    problem(follow().await, 401, "unauthorized").await;
    problem(app.anonymous(Method::GET, &url).send().await.unwrap(), 401, "unauthorized").await;
}

#[tokio::test]
async fn arrays_are_folded_into_one_row() {
    let app = TestApp::start().await;
    let id = submit(&app, json!({"job_name": "array", "command": "exit $((SLURM_ARRAY_TASK_ID % 2))", "array": "0-5"}))
        .await;
    let page = eventually(async || {
        let page = json(app.get("/api/jobs?fold=true").await).await;
        let strip = &page["arrays"][id.to_string()];
        (strip["counts"]["COMPLETED"] == 3 && strip["counts"]["FAILED"] == 3).then_some(page)
    })
    .await;
    assert_eq!((page["total"].as_u64(), page["jobs"][0]["id"].as_str()), (Some(1), Some(&*id.to_string())));
    assert_eq!(page["arrays"][id.to_string()]["runs"][0], json!([0, 0, "COMPLETED"]));
    assert_eq!(job(&app, id).await["array"]["total"], 6);
}

#[tokio::test]
async fn hints_tell_what_the_last_runs_used() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let id = submit(&app, json!({"job_name": "burn", "command": "sleep 2"})).await;
        reaches(&app, id, "COMPLETED").await;
    }
    let hints = eventually(async || {
        let hints = json(app.get("/api/jobs/hints?name=burn").await).await;
        (hints["runs"] == 2).then_some(hints)
    })
    .await;
    assert!(hints["memory_peak"].as_u64().is_some(), "{hints}");
    assert_eq!(json(app.get("/api/jobs/hints?name=other").await).await["runs"], 0);
    problem(app.get("/api/jobs/hints").await, 400, "invalid_request").await;
}
