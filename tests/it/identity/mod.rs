//! Who people are here and what they may, against the running server: accounts, sessions, API keys, limits.

mod accounts;
mod api_keys;
mod external;
mod origins;
mod rates;
mod refused;
mod sessions;
mod vouched;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{TestApp, json as body};

/// A password that is long enough.
pub const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an account of their own.
pub struct Person<'a> {
    pub app: &'a TestApp,
    pub id: String,
    pub token: String,
    pub refresh_token: Value,
}

impl<'a> Person<'a> {
    /// Makes an account with these roles and signs in.
    pub async fn with_roles(app: &'a TestApp, name: &str, roles: &[&str]) -> Self {
        let new = json!({"username": name, "password": PASSWORD, "roles": roles});
        let made = app.post("/api/v2/users", &new).await;
        assert_eq!(made.status(), 201);
        let made = body(made).await;
        assert!(made.get("password").is_none(), "one that was given is not told again");
        Self::signed_in(app, name, made["user"]["id"].as_str().unwrap()).await
    }

    /// Signs in again.
    pub async fn signed_in(app: &'a TestApp, name: &str, id: &str) -> Self {
        let login = app.login(name, PASSWORD).await;
        assert_eq!(login.status(), 200);
        let login = body(login).await;
        Self {
            app,
            id: id.to_owned(),
            token: login["access_token"].as_str().unwrap().to_owned(),
            refresh_token: login["refresh_token"].clone(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.anonymous(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, value: &Value) -> Response {
        self.request(Method::POST, path).json(value).send().await.unwrap()
    }

    pub async fn patch(&self, path: &str, value: &Value) -> Response {
        self.request(Method::PATCH, path).json(value).send().await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path).send().await.unwrap()
    }

    /// Makes an API key and gives it.
    pub async fn key(&self, permissions: &[&str]) -> String {
        let new = json!({"name": "test", "permissions": permissions});
        let made = self.post("/api/v2/api-keys", &new).await;
        assert_eq!(made.status(), 201);
        body(made).await["api_key"].as_str().unwrap().to_owned()
    }
}

/// A request with an API key.
pub fn with_key(app: &TestApp, method: Method, path: &str, key: &str) -> RequestBuilder {
    app.anonymous(method, path).header("x-api-key", key)
}
