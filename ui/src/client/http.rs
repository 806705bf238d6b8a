//! One HTTP call: JSON in, JSON or a problem out, with a time limit. Knows nothing of sessions.
//!
//! Dropping the future of a call aborts it, so a page that goes away takes its requests with it.
use js_sys::JsString;
use serde::de::DeserializeOwned;
use slurmdash_api::Problem;
use sycamore::web::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, FormData, Headers, RequestCredentials, RequestInit, Response};

use super::clock::Timeout;

/// Time limit of ordinary calls, milliseconds.
pub const TIME_LIMIT_MS: i32 = 20_000;

/// Why a call gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// The server refused, and says why.
    Problem(Box<Problem>),
    /// There is no session (any more); the session's signal says so as well.
    Unauthorized,
    /// The server can't be reached.
    Offline,
    /// The server did not answer in time.
    TimedOut,
    /// The call was given up on our side.
    Aborted,
    /// The answer is nothing that we understand; the status it came with.
    Unreadable(u16),
}

impl ClientError {
    /// The problem's HTTP status, if the server answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::Unauthorized => Some(401),
            Self::Unreadable(status) => Some(*status),
            Self::Offline | Self::TimedOut | Self::Aborted => None,
        }
    }

    /// The problem's stable word; empty when there is none.
    pub fn code(&self) -> &str {
        match self {
            Self::Problem(problem) => &problem.code,
            _ => "",
        }
    }

    /// Seconds after which the server wants to hear of it again.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Problem(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// What the server finds wrong with one field of the request.
    pub fn of_field(&self, name: &str) -> Option<String> {
        let Self::Problem(problem) = self else { return None };
        problem.fields.iter().find(|field| field.field == name).map(|field| field.message.clone())
    }

    /// Whether the same call may well succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Offline | Self::TimedOut => true,
            Self::Problem(_) | Self::Unreadable(_) => {
                matches!(self.status(), Some(408 | 425 | 429 | 502..=504 | 500))
            }
            Self::Unauthorized | Self::Aborted => false,
        }
    }
}

/// What a call sends.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON text.
    Json(String),
    /// `multipart/form-data`.
    Form(FormData),
}

/// One call, described.
pub struct Call<'a> {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'a str,
    /// Path with its query, from `/`.
    pub path: &'a str,
    /// What is sent.
    pub body: Body,
    /// Access token.
    pub bearer: Option<&'a str>,
    /// Makes the same call once only, however often it is sent: `Idempotency-Key`.
    pub key: Option<&'a str>,
    /// Sends the header that keeps the refresh token in a cookie.
    pub browser_session: bool,
    /// A good answer is kept as a file and not read.
    pub as_file: bool,
    /// Milliseconds until it is given up.
    pub time_limit_ms: i32,
}

impl<'a> Call<'a> {
    /// A call without a body and without a token.
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: Body::Empty,
            bearer: None,
            key: None,
            browser_session: false,
            as_file: false,
            time_limit_ms: TIME_LIMIT_MS,
        }
    }
}

/// Aborts its request when dropped, unless the answer has been read by then (aborting is then without effect).
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Makes the call and reads its answer.
pub async fn send<T: DeserializeOwned>(call: Call<'_>) -> Result<T, ClientError> {
    parse(&exchange(call).await?)
}

/// Makes the call; answers the text of a good answer.
pub async fn exchange(call: Call<'_>) -> Result<String, ClientError> {
    Ok(text_of(fetch(call).await?))
}

/// The text of an answer that is one.
pub fn text_of(answer: JsValue) -> String {
    String::from(answer.unchecked_into::<JsString>())
}

/// Makes the call; answers the text of a good answer, or its `Blob` when it is to be a file. Not generic, so that it is
/// compiled into the page only once.
pub async fn fetch(call: Call<'_>) -> Result<JsValue, ClientError> {
    let controller = AbortController::new().map_err(|_| ClientError::Offline)?;
    let timed_out = std::rc::Rc::new(std::cell::Cell::new(false));
    let guard = AbortOnDrop(controller.clone());
    let _limit = Timeout::new(call.time_limit_ms, {
        let (controller, timed_out) = (controller.clone(), timed_out.clone());
        move || {
            timed_out.set(true);
            controller.abort();
        }
    });
    let given_up = |error: &JsValue| {
        if timed_out.get() {
            ClientError::TimedOut
        } else if error.dyn_ref::<js_sys::Error>().is_some_and(|e| e.name() == "AbortError") {
            ClientError::Aborted
        } else {
            ClientError::Offline
        }
    };
    let init = request(&call, &controller).map_err(|error| given_up(&error))?;
    let answer =
        JsFuture::from(window().fetch_with_str_and_init(call.path, &init)).await.map_err(|error| given_up(&error))?;
    let answer: Response = answer.unchecked_into();
    let status = answer.status();
    let as_file = call.as_file && answer.ok();
    let content = if as_file { answer.blob() } else { answer.text() };
    let content = JsFuture::from(content.map_err(|error| given_up(&error))?).await;
    let content = content.map_err(|error| given_up(&error))?;
    drop(guard);
    if answer.ok() { Ok(content) } else { Err(judge(status, &text_of(content))) }
}

fn request(call: &Call<'_>, controller: &AbortController) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    headers.set("Accept", "application/json")?;
    if let Some(token) = call.bearer {
        headers.set("Authorization", &format!("Bearer {token}"))?;
    }
    if let Some(key) = call.key {
        headers.set("Idempotency-Key", key)?;
    }
    if call.browser_session {
        headers.set("X-Slurmdash-Browser", "1")?;
    }
    let init = RequestInit::new();
    init.set_method(call.method);
    init.set_credentials(RequestCredentials::SameOrigin);
    init.set_signal(Some(&controller.signal()));
    match &call.body {
        Body::Empty => {}
        Body::Json(text) => {
            headers.set("Content-Type", "application/json")?;
            init.set_body(&JsValue::from_str(text));
        }
        Body::Form(form) => init.set_body(form),
    }
    init.set_headers(&headers);
    Ok(init)
}

/// Reads the text of a good answer.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ClientError> {
    serde_json::from_str(text).map_err(|_| ClientError::Unreadable(200))
}

/// The problem that an answer describes which is not a good one.
fn judge(status: u16, text: &str) -> ClientError {
    match serde_json::from_str::<Problem>(text) {
        Ok(problem) => ClientError::Problem(Box::new(problem)),
        Err(_) if status == 401 => ClientError::Unauthorized,
        // A proxy's own page in front of a server that is away.
        Err(_) if (502..=504).contains(&status) => ClientError::Offline,
        Err(_) => ClientError::Unreadable(status),
    }
}

/// Writes `value` as JSON.
pub fn json(value: &impl serde::Serialize) -> Body {
    // Our wire types hold nothing that JSON can't say (no maps with keys that aren't text).
    Body::Json(serde_json::to_string(value).unwrap_or_default())
}

/// Escapes a piece of a path or query, as `encodeURIComponent` does.
pub fn escape(piece: &str) -> String {
    let mut escaped = String::with_capacity(piece.len());
    for byte in piece.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            // Writing into a String can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_values_or_problems() {
        assert_eq!(parse::<u32>("7"), Ok(7));
        assert_eq!(parse::<u32>("<html>"), Err(ClientError::Unreadable(200)));
        assert_eq!(judge(502, "<html>"), ClientError::Offline);
        assert_eq!(judge(401, ""), ClientError::Unauthorized);
        let problem = r#"{"type":"about:blank","title":"Too many","status":429,"detail":"Wait.",
            "code":"rate_limited","request_id":"1","error":"Wait.","retry_after":7}"#;
        let error = judge(429, problem);
        assert_eq!((error.status(), error.code(), error.retry_after()), (Some(429), "rate_limited", Some(7)));
        assert!(error.is_passing());
        let other = judge(409, &problem.replace("429", "409").replace(",\"retry_after\":7", ""));
        assert_eq!((other.status(), other.retry_after(), other.is_passing()), (Some(409), None, false));
    }

    #[test]
    fn escaping_leaves_only_harmless_bytes() {
        assert_eq!(escape("123_[5-9%2]"), "123_%5B5-9%252%5D");
        assert_eq!(escape("a b/한"), "a%20b%2F%ED%95%9C");
    }
}
