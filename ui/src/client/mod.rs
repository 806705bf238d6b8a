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
pub mod paged;
pub mod reading;
pub mod refetch;
pub mod session;
pub mod sign_in;
mod tab_lock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sycamore::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

pub use self::data::Data;
pub use self::http::ClientError;
use self::http::{Body, Call, fetch, json, parse, text_of};
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
        parse(&authorized(self.session, Call::new("GET", path)).await?)
    }

    /// Posts `body` as JSON.
    pub async fn post<T: DeserializeOwned>(self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        parse(&authorized(self.session, Call { body: json(body), ..Call::new("POST", path) }).await?)
    }

    /// Posts `body` as JSON with a key under which the server does it once only, so that it may be sent again.
    pub async fn post_once<T: DeserializeOwned>(
        self,
        path: &str,
        body: &impl Serialize,
        key: &str,
    ) -> Result<T, ClientError> {
        parse(&authorized(self.session, Call { body: json(body), key: Some(key), ..Call::new("POST", path) }).await?)
    }

    /// Posts a form; `time_limit_ms` leaves room for a slow line.
    pub async fn post_form<T: DeserializeOwned>(
        self,
        path: &str,
        form: &web_sys::FormData,
        time_limit_ms: i32,
    ) -> Result<T, ClientError> {
        let body = Body::Form(form.clone());
        parse(&authorized(self.session, Call { body, time_limit_ms, ..Call::new("POST", path) }).await?)
    }

    /// Changes what is at `path`.
    pub async fn patch<T: DeserializeOwned>(self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        parse(&authorized(self.session, Call { body: json(body), ..Call::new("PATCH", path) }).await?)
    }

    /// Deletes what is at `path`.
    pub async fn delete<T: DeserializeOwned>(self, path: &str) -> Result<T, ClientError> {
        parse(&authorized(self.session, Call::new("DELETE", path)).await?)
    }

    /// Makes a call without a body whose answer says nothing but that it was done.
    pub async fn command(self, method: &str, path: &str) -> Result<(), ClientError> {
        authorized(self.session, Call::new(method, path)).await.map(drop)
    }

    /// Reads what is at `path` as a file; `time_limit_ms` leaves room for a long one.
    pub async fn get_file(self, path: &str, time_limit_ms: i32) -> Result<web_sys::Blob, ClientError> {
        let call = Call { as_file: true, time_limit_ms, ..Call::new("GET", path) };
        Ok(authorized_fetch(self.session, call).await?.unchecked_into())
    }
}

/// The client of this page.
pub fn use_client() -> Client {
    use_context()
}

/// Makes a call as the person who is signed in; answers the text.
async fn authorized(session: Session, call: Call<'_>) -> Result<String, ClientError> {
    Ok(text_of(authorized_fetch(session, call).await?))
}

/// Makes a call as the person who is signed in; a refused token is renewed once and the call made again.
async fn authorized_fetch(session: Session, call: Call<'_>) -> Result<JsValue, ClientError> {
    let mut token = session.token().await?;
    let mut is_first = true;
    loop {
        let call = Call { bearer: Some(&token), body: call.body.clone(), ..call };
        match fetch(call).await {
            // A wrong password is no wrong token, and must not be tried twice.
            Err(error) if is_first && error.status() == Some(401) && error.code() != "invalid_credentials" => {
                token = session.token_instead_of(&token).await?;
                is_first = false;
            }
            answer => return answer,
        }
    }
}
