//! Requests to the provider: nowhere else, with limits of time and size.
//!
//! What the provider says of itself names addresses that this server then asks. So nothing is asked over plain HTTP
//! (but on the loopback, for a provider that is there itself), and no redirect is followed.
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::url::{Host, Url};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use super::error::SetUpError;

/// Longest time for one request with its answer.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer, bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is not asked.
    #[error("it names the address {0}, which is not https")]
    NotHttps(String),
    /// It wants us elsewhere.
    #[error("it answers with a redirect ({0}), and none is followed")]
    Redirect(http::StatusCode),
    /// More than [`MAX_ANSWER`].
    #[error("its answer is larger than 1 MiB")]
    TooLarge,
    /// No answer in time.
    #[error("it gave no answer in {} s", TIME_LIMIT.as_secs())]
    TimedOut,
    /// The connection, TLS or HTTP.
    #[error("{0}")]
    Failed(String),
}

/// Asks the provider.
pub struct Fetcher {
    client: Client,
    /// Whether it may be asked over plain HTTP on the loopback.
    plain_loopback: bool,
}

impl Fetcher {
    /// `plain_loopback`: the provider is on the loopback. `ca_file`: the only authorities that are trusted, PEM.
    pub fn new(plain_loopback: bool, ca_file: Option<&Path>) -> Result<Self, SetUpError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            // Where it is asked is the configuration's, not that of a variable.
            .no_proxy()
            .user_agent(concat!("slurmdash/", env!("CARGO_PKG_VERSION")));
        let client = match ca_file {
            Some(path) => client.tls_certs_only(authorities(path)?),
            // It needs none, and the host may have none.
            None if plain_loopback => client.tls_certs_only([]),
            None => client,
        };
        let client = client.build().map_err(|error| SetUpError::Certificates(words(error)))?;
        Ok(Self { client, plain_loopback })
    }

    /// Whether an address may be asked, or people be sent there.
    pub fn judge(&self, address: &str) -> Result<(), FetchError> {
        let url = Url::parse(address).map_err(|_| FetchError::NotHttps(address.to_owned()))?;
        if url.scheme() == "https" || self.plain_loopback && is_plain_loopback(&url) {
            Ok(())
        } else {
            Err(FetchError::NotHttps(address.to_owned()))
        }
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        self.judge(&request.uri().to_string())?;
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.client.execute(request).await.map_err(failed)?;
        if answer.status().is_redirection() {
            return Err(FetchError::Redirect(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Fetcher {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.fetch(request))
    }
}

/// Whether it is plain HTTP to this host itself.
pub fn is_plain_loopback(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() == "http" && loopback
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, SetUpError> {
    let key = "ca_file";
    let pem = std::fs::read(path).map_err(|source| SetUpError::Unreadable { key, path: path.into(), source })?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        return Err(SetUpError::Value { key, words: format!("there is no certificate in {}", path.display()) });
    }
    Ok(found)
}

fn failed(error: reqwest::Error) -> FetchError {
    if error.is_timeout() { FetchError::TimedOut } else { FetchError::Failed(words(error)) }
}

/// The whole chain of causes, without the address: a code may be in it.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_provider_on_the_loopback_may_name_plain_addresses_and_only_there() {
        let judge = |plain_loopback, address: &str| Fetcher::new(plain_loopback, None).unwrap().judge(address).is_ok();
        for address in ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]/"] {
            assert!(judge(true, address) && !judge(false, address), "{address}");
        }
        for address in ["https://uni.example/", "https://127.0.0.1/"] {
            assert!(judge(true, address) && judge(false, address), "{address}");
        }
        for address in ["http://uni.example/", "http://169.254.169.254/", "file:///etc/passwd", "javascript:1", "", "/"]
        {
            assert!(!judge(true, address) && !judge(false, address), "{address}");
        }
    }
}
