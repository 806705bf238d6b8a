//! Names, paths, environment, scripts and headers full of what shells, Slurm and terminals take for something else.
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, json, problem};

/// What a shell, Slurm, a path or a terminal would take for something else.
const HOSTILE: [&str; 12] = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "; touch PWNED;",
    "&& touch PWNED",
    "'; touch PWNED; '",
    "\"; touch PWNED; \"",
    "a  b",
    "%j %x %A",
    "*?[a-z]",
    "--wrap=true",
    "\\",
    "한글 🙂 ﷽",
];

async fn submitted(app: &TestApp, body: &Value) -> u64 {
    let answer = app.post("/api/jobs/submit", body).await;
    assert_eq!(answer.status(), 201, "{body}");
    json(answer).await["job_id"].as_u64().unwrap()
}

async fn ended(app: &TestApp, id: u64) -> Value {
    eventually(async || {
        let job = json(app.get(&format!("/api/jobs/{id}")).await).await;
        ["COMPLETED", "FAILED"].contains(&job["state"].as_str().unwrap()).then_some(job)
    })
    .await
}

/// Whether any of it was run: each would leave a file in the job's folder.
fn assert_not_run(app: &TestApp) {
    fn walk(dir: &std::path::Path) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            assert_ne!(entry.file_name(), "PWNED", "{}", entry.path().display());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path());
            }
        }
    }
    walk(&app.app.config.data_dir);
}

#[tokio::test]
async fn names_come_back_as_they_were_typed_and_run_nothing() {
    let app = TestApp::start().await;
    for name in HOSTILE {
        let body = json!({"job_name": name, "command": "printf %s \"$SLURM_JOB_NAME\""});
        let job = ended(&app, submitted(&app, &body).await).await;
        assert_eq!((job["state"].as_str(), job["name"].as_str()), (Some("COMPLETED"), Some(name)));
        let output = json(app.get(&format!("/api/jobs/{}/output", job["job_id"])).await).await;
        assert_eq!(output["text"], name);
    }
    assert_not_run(&app);
    for refused in ["", " ", "a\tb", "two\nlines", "nul\0", "esc\u{1b}[31m", &"x".repeat(129)] {
        let body = json!({"job_name": refused, "command": "true"});
        problem(app.post("/api/jobs/submit", &body).await, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn environment_values_arrive_unchanged_and_names_are_names() {
    let app = TestApp::start().await;
    for value in HOSTILE.iter().copied().chain(["two\nlines", "", "=", "a=b,c=d"]) {
        let body = json!({"job_name": "e", "command": "printf %s \"$GIVEN\"", "environment": {"GIVEN": value}});
        let job = ended(&app, submitted(&app, &body).await).await;
        let output = json(app.get(&format!("/api/jobs/{}/output", job["job_id"])).await).await;
        assert_eq!(output["text"], value, "{value:?}");
    }
    assert_not_run(&app);
    for name in ["", "A B", "A=B", "1A", "A;B", "A\nB", "LD_PRELOAD", "SLURM_JOB_ID", "SBATCH_PARTITION", "É"] {
        let body = json!({"job_name": "e", "command": "true", "environment": {name: "x"}});
        problem(app.post("/api/jobs/submit", &body).await, 400, "invalid_request").await;
    }
    let nul = json!({"job_name": "e", "command": "true", "environment": {"A": "x\0y"}});
    problem(app.post("/api/jobs/submit", &nul).await, 400, "invalid_request").await;
}

#[tokio::test]
async fn fields_for_sbatch_can_carry_no_other_option() {
    let app = TestApp::start().await;
    let fields = [
        "partition",
        "account",
        "qos",
        "constraint",
        "dependency",
        "begin",
        "reservation",
        "mail_type",
        "mail_user",
        "array",
        "time",
    ];
    for field in fields {
        for value in ["x --wrap=true", "x\n#SBATCH --nodes=9", "-x", "--help", "x\0", "$(id)", "x;id", "x\u{7f}"] {
            let body = json!({"job_name": "f", "command": "true", field: value});
            let answer = problem(app.post("/api/jobs/submit", &body).await, 400, "invalid_request").await;
            assert_eq!(answer["fields"][0]["field"], field, "{field}={value:?}: {answer}");
        }
    }
    assert_eq!(json(app.get("/api/jobs").await).await["total"], 0);
}

#[tokio::test]
async fn paths_that_leave_or_lie_are_refused() {
    let app = TestApp::start().await;
    for path in ["relative", "/tmp/../etc", "/no/such/folder", "/etc/passwd", "/tmp/a\nb", "/tmp/\0", ""] {
        let body = json!({"job_name": "p", "command": "true", "work_dir": path});
        let answer = app.post("/api/jobs/submit", &body).await;
        assert!([400, 403, 404].contains(&answer.status().as_u16()), "{path:?}: {}", answer.status());
    }
    for path in ["a/../../b", "a\nb", "\0", ""] {
        for field in ["output", "error"] {
            let body = json!({"job_name": "p", "command": "true", field: path});
            problem(app.post("/api/jobs/submit", &body).await, 400, "invalid_request").await;
        }
    }
}

#[tokio::test]
async fn an_output_that_became_a_link_a_pipe_or_a_device_is_not_read() {
    let app = TestApp::start().await;
    let secret = app.app.config.store_path();
    for (how, command) in [
        ("link", format!("ln -sf {} \"$OUT\"", secret.display())),
        ("pipe", "rm -f \"$OUT\"; mkfifo \"$OUT\"".to_owned()),
        ("device", "ln -sf /dev/zero \"$OUT\"".to_owned()),
    ] {
        // The job replaces its own output behind its back.
        let command = format!("OUT=$(readlink /proc/$$/fd/1); cd /; {command}");
        let job = ended(&app, submitted(&app, &json!({"job_name": how, "command": command})).await).await;
        let answer = app.get(&format!("/api/jobs/{}/output", job["job_id"])).await;
        assert!(answer.status().is_client_error(), "{how}: {}", answer.status());
        let answer = app.get(&format!("/api/jobs/{}/output/download", job["job_id"])).await;
        assert!(answer.status().is_client_error(), "{how}: {}", answer.status());
    }
}

#[tokio::test]
async fn rubbish_and_large_outputs_are_served_in_bounds() {
    let app = TestApp::start().await;
    let command = "head -c 3000000 /dev/urandom; truncate -s 10G /proc/self/fd/1";
    let job = ended(&app, submitted(&app, &json!({"job_name": "big", "command": command})).await).await;
    let id = job["job_id"].as_u64().unwrap();
    let tail = json(app.get(&format!("/api/jobs/{id}/output?tail=99999999999")).await).await;
    assert_eq!(tail["size"], 10_u64 << 30, "{}", job["state"]);
    assert!(tail["end"].as_u64().unwrap() - tail["offset"].as_u64().unwrap() <= 1 << 20);
    let middle = json(app.get(&format!("/api/jobs/{id}/output?offset=1000&limit=99999999")).await).await;
    assert!(middle["end"].as_u64().unwrap() - 1000 <= 1 << 20);
    assert!(json(app.get(&format!("/api/jobs/{id}")).await).await["state"].is_string(), "the page is there");
}

#[tokio::test]
async fn ids_and_headers_that_are_none_are_refused() {
    let app = TestApp::start().await;
    for id in ["0", "-1", "1%3B2", "4294967296", "1_", "_1", "1_2_3", "..%2F..", "%00"] {
        for path in ["", "/output", "/record", "/output/download"] {
            let answer = app.get(&format!("/api/jobs/{id}{path}")).await;
            assert!([400, 404].contains(&answer.status().as_u16()), "{id}{path}: {}", answer.status());
        }
        let answer = app.request(Method::POST, &format!("/api/jobs/{id}/cancel")).send().await.unwrap();
        assert!([400, 404].contains(&answer.status().as_u16()), "{id}: {}", answer.status());
    }
    for range in ["bytes=-1", "bytes=a-", "bytes=0-1,2-3", "lines=1-", "bytes=99999999999999999999-"] {
        let job = ended(&app, submitted(&app, &json!({"job_name": "r", "command": "echo x"})).await).await;
        let path = format!("/api/jobs/{}/output/download", job["job_id"]);
        let answer = app.request(Method::GET, &path).header("range", range).send().await.unwrap();
        problem(answer, 416, "range_not_satisfiable").await;
    }
}
