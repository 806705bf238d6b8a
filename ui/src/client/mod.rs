//! How the UI talks to the server: calls, the session, the live connection and the stores that pages read from.
//!
//! Views take a [`Client`] from the context ([`use_client`]) and never build requests of their own. What a page shows
//! is not decided here.

pub mod clock;
pub mod data;
pub mod http;
pub mod jobs;
pub mod live;
mod message;
pub mod refetch;
pub mod session;
mod tab_lock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sycamore::prelude::*;

pub use self::data::Data;
pub use self::http::ClientError;
use self::http::{Body, Call, exchange, json, parse};
pub use self::live::Live;
pub use self::session::Session;

/// Everything that reaches the server; copies are the same client.
#[derive(Clone, Copy)]
pub struct Client {
    /// Who is signed in.
    pub session: Session,
    /// The live connection.
    pub live: Live,
    /// What pages share.
    pub data: Data,
}

impl Client {
    /// Makes the client and puts it into the context. Call once, in the page's outermost scope.
    pub fn provide() -> Self {
        let session = Session::new();
        let live = Live::new(session);
        let data = Data::new(session, live);
        let client = Self { session, live, data };
        provide_context(client);
        session.start();
        client
    }

    /// Reads `path`.
    pub async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, ClientError> {
        parse(&authorized(self.session, "GET", path, Body::Empty, http::TIME_LIMIT_MS).await?)
    }

    /// Posts `body` as JSON.
    pub async fn post<T: DeserializeOwned>(self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        parse(&authorized(self.session, "POST", path, json(body), http::TIME_LIMIT_MS).await?)
    }

    /// Posts a form; `time_limit_ms` leaves room for a slow line.
    pub async fn post_form<T: DeserializeOwned>(
        self,
        path: &str,
        form: &web_sys::FormData,
        time_limit_ms: i32,
    ) -> Result<T, ClientError> {
        parse(&authorized(self.session, "POST", path, Body::Form(form.clone()), time_limit_ms).await?)
    }

    /// Deletes what is at `path`.
    pub async fn delete<T: DeserializeOwned>(self, path: &str) -> Result<T, ClientError> {
        parse(&authorized(self.session, "DELETE", path, Body::Empty, http::TIME_LIMIT_MS).await?)
    }
}

/// The client of this page.
pub fn use_client() -> Client {
    use_context()
}

/// Makes a call as the person who is signed in; a refused token is renewed once and the call made again.
async fn authorized(
    session: Session,
    method: &str,
    path: &str,
    body: Body,
    time_limit_ms: i32,
) -> Result<String, ClientError> {
    let mut token = session.token().await?;
    let mut is_first = true;
    loop {
        let mut call = Call::new(method, path);
        call.bearer = Some(&token);
        call.body = body.clone();
        call.time_limit_ms = time_limit_ms;
        match exchange(call).await {
            Err(error) if is_first && error.status() == Some(401) => {
                token = session.token_instead_of(&token).await?;
                is_first = false;
            }
            answer => return answer,
        }
    }
}
