//! A browser that signs in at the provider of `provider.rs`, for the core's tests and those of the server's endpoints.
use std::path::Path;

use openidconnect::url::Url;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode};
use serde_json::Value;

use super::PUBLIC_URL;
use crate::support::json;

/// A browser: it has cookies, and goes nowhere by itself.
pub struct Browser(Client);

/// What the person does at the provider.
#[derive(Clone, Copy)]
pub enum Person<'a> {
    /// Signs in with this account and agrees.
    Is(&'a str),
    /// Goes back without signing in.
    Refuses,
}

impl Browser {
    pub fn new() -> Self {
        Self(Self::client().build().unwrap())
    }

    /// One that trusts an authority, PEM.
    pub fn trusting(authority: &Path) -> Self {
        let authority = Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
        Self(Self::client().tls_certs_only([authority]).build().unwrap())
    }

    fn client() -> ClientBuilder {
        Client::builder().no_proxy().cookie_store(true).redirect(Policy::none())
    }

    pub async fn get(&self, url: &str) -> Response {
        self.0.get(url).send().await.unwrap()
    }

    /// From the provider's login page to where it sends the browser back to.
    pub async fn at_provider(&self, url: &str, person: Person<'_>) -> String {
        let mut url = url.to_owned();
        for _ in 0..20 {
            let response = self.get(&url).await;
            url = match place(&response) {
                Some(place) => place,
                None => self.answer(&url, json(response).await, person).await,
            };
            if url.starts_with(PUBLIC_URL) {
                return url;
            }
        }
        panic!("the provider leads nowhere: {url}");
    }

    /// Answers what the provider asks on its page, and gives where it leads.
    async fn answer(&self, page: &str, asked: Value, person: Person<'_>) -> String {
        let action = match (asked["prompt"].as_str(), person) {
            (Some(_), Person::Refuses) => "abort",
            (Some("login"), Person::Is(_)) => "login",
            (Some("consent"), Person::Is(_)) => "confirm",
            _ => panic!("{page} says {asked}"),
        };
        let form = if let Person::Is(account) = person { format!("account={account}") } else { String::new() };
        let post = self.0.post(format!("{page}/{action}"));
        let post = post.header("content-type", "application/x-www-form-urlencoded").body(form);
        let response = post.send().await.unwrap();
        match place(&response) {
            Some(place) => place,
            None => panic!("{page}/{action}: {}", response.text().await.unwrap()),
        }
    }

    /// A whole sign-in by a server's own endpoints: its start, the provider, its callback. The server's `public_url` is
    /// [`PUBLIC_URL`] and its issuer the provider's; the answer is the callback's, and the browser has its cookies.
    pub async fn through_server(&self, server: &str, next: &str, person: Person<'_>) -> Response {
        let start = self.get(&format!("{server}/api/auth/oidc/start?next={next}")).await;
        assert_eq!(start.status(), StatusCode::SEE_OTHER);
        let back = self.at_provider(&place(&start).unwrap(), person).await;
        // The name that people use leads nowhere here.
        self.get(&back.replacen(PUBLIC_URL, server, 1)).await
    }
}

/// Where a redirect leads, as a whole address.
pub fn place(response: &Response) -> Option<String> {
    let place = response.headers().get("location")?.to_str().unwrap();
    let here = Url::parse(response.url().as_str()).unwrap();
    Some(here.join(place).unwrap().into())
}
