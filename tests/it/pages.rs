//! The embedded UI, the API's description and the headers around everything.
use reqwest::Method;

use crate::support::{TestApp, json, problem};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = TestApp::start().await;
    for path in ["/login", "/api/jobs", "/health", "/nope", "/api/docs/"] {
        let answer = app.anonymous(Method::GET, path).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval'"), "{path}: {policy}");
        assert!(!policy.contains("'unsafe-eval'"), "{path}: {policy}");
        // Swagger UI's pictures carry style attributes; nothing else does.
        let inline = policy.split(';').map(str::trim).filter(|rule| rule.contains("unsafe-inline"));
        assert!(inline.clone().all(|rule| path == "/api/docs/" && rule.starts_with("style-src ")), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        assert_eq!(answer.headers()["x-request-id"].len(), 16);
    }
}

#[tokio::test]
async fn pages_fall_back_to_the_ui_and_nothing_else_does() {
    let app = TestApp::start().await;
    let get = async |path: &str, accept: &str| {
        app.anonymous(Method::GET, path).header("accept", accept).send().await.unwrap()
    };
    for page in ["/", "/login", "/dashboard", "/jobs", "/jobs/new", "/jobs/12", "/nodes", "/templates", "/templates/x"]
    {
        let answer = get(page, "text/html").await;
        assert_eq!(answer.status(), 200, "{page}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
    for other in ["/api/nope", "/api", "/assets/nope.js", "/jobs/1/x", "/wp-login.php", "/..%2f..%2fetc%2fpasswd"] {
        problem(get(other, "*/*").await, 404, "not_found").await;
    }
    let mistyped = get("/nope", "text/html").await;
    assert_eq!(mistyped.status(), 404);
    assert!(mistyped.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    problem(get("/api/nope", "text/html").await, 404, "not_found").await;
    problem(app.anonymous(Method::POST, "/login").send().await.unwrap(), 405, "method_not_allowed").await;
    problem(app.request(Method::DELETE, "/api/jobs").send().await.unwrap(), 405, "method_not_allowed").await;
}

#[tokio::test]
async fn the_api_describes_itself_and_swagger_needs_nothing_from_outside() {
    let app = TestApp::start().await;
    let description = json(app.anonymous(Method::GET, "/api/openapi.json").send().await.unwrap()).await;
    assert!(description["paths"]["/api/jobs/submit"]["post"]["requestBody"].is_object());
    assert!(description["components"]["schemas"]["JobRequest"].is_object());
    let page = app.anonymous(Method::GET, "/api/docs").send().await.unwrap();
    assert!(page.url().path().ends_with("/api/docs/"));
    let page = page.text().await.unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        let answer = app.anonymous(Method::GET, &format!("/api/docs/{file}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
    }
    problem(app.anonymous(Method::GET, "/api/docs/nope").send().await.unwrap(), 404, "not_found").await;
}

#[tokio::test]
async fn health_and_readiness_are_public() {
    let app = TestApp::start().await;
    assert_eq!(json(app.anonymous(Method::GET, "/health").send().await.unwrap()).await["status"], "ok");
    assert_eq!(json(app.anonymous(Method::GET, "/ready").send().await.unwrap()).await["ready"], true);
}
