//! Who is signed in. The access token lives in memory only; the refresh token is in a cookie that scripts can't read.
//!
//! Refresh tokens are used once, and using one twice ends the session everywhere. So there is never more than one
//! refresh under way: within this tab they share one promise, and across tabs they queue for a lock.
use std::cell::{Cell, RefCell};

use js_sys::Promise;
use slurmdash_api::auth::{LoginAnswer, Permission, RefreshAnswer, RefreshRequest, User};
use sycamore::prelude::*;
use sycamore::web::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::StorageEvent;

use super::clock::{Timeout, backoff_ms, now_ms, sleep};
use super::http::{Call, ClientError, escape, exchange, json, send};
use super::tab_lock::TabLock;
use crate::router::Query;

/// `localStorage` key that says, without any secret, that a session may exist. Other tabs watch it too.
const HINT: &str = "slurmdash.session";
/// A token is renewed this long before it expires, milliseconds.
const RENEW_BEFORE_MS: f64 = 60_000.0;
/// A token with less than this left isn't sent any more, milliseconds.
const TOO_OLD_MS: f64 = 5_000.0;

/// Whether somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// Not known yet: the server is being asked.
    Unknown,
    /// Nobody.
    SignedOut,
    /// This person.
    SignedIn(User),
}

struct Token {
    text: String,
    expires_at_ms: f64,
}

struct Inner {
    state: Signal<SessionState>,
    ended: Signal<bool>,
    token: RefCell<Option<Token>>,
    refreshing: RefCell<Option<Promise>>,
    renewal: RefCell<Option<Timeout>>,
    attempt: Cell<u32>,
    /// Whether there was a session that may end.
    was_in: Cell<bool>,
}

/// The session of this tab; copies are the same session.
#[derive(Clone, Copy)]
pub struct Session(&'static Inner);

impl Session {
    /// Starts without knowing; [`Session::start`] finds out. Must be called inside a reactive scope that lives as long
    /// as the page.
    pub(super) fn new() -> Self {
        Self(Box::leak(Box::new(Inner {
            state: create_signal(SessionState::Unknown),
            ended: create_signal(false),
            token: RefCell::default(),
            refreshing: RefCell::default(),
            renewal: RefCell::default(),
            attempt: Cell::default(),
            was_in: Cell::default(),
        })))
    }

    /// Whether somebody is signed in.
    pub fn state(self) -> ReadSignal<SessionState> {
        *self.0.state
    }

    /// Who is signed in.
    pub fn user(self) -> Option<User> {
        match self.0.state.get_clone() {
            SessionState::SignedIn(user) => Some(user),
            SessionState::Unknown | SessionState::SignedOut => None,
        }
    }

    /// Whether somebody is signed in who may; tracked.
    pub fn may(self, permission: Permission) -> bool {
        self.0.state.with(|state| matches!(state, SessionState::SignedIn(user) if user.may(permission)))
    }

    /// True after a session ended by itself (expired, revoked, signed out in another tab), until the next sign-in:
    /// the login page says so.
    pub fn ended(self) -> ReadSignal<bool> {
        *self.0.ended
    }

    /// Looks for a session that an earlier visit left. Asks the server only when there may be one.
    pub(super) fn start(self) {
        self.watch_other_tabs();
        // Who comes back from single sign-on has a session that this tab does not know of; without one, none was lost.
        let query = window().location().search().unwrap_or_default();
        let comes_back = Query::parse(query.trim_start_matches('?')).get("sso") == "done";
        self.0.was_in.set(hint());
        if hint() || comes_back {
            spawn_local(async move { self.restore().await });
        } else {
            self.0.state.set(SessionState::SignedOut);
        }
    }

    /// Takes in whom the server let in.
    pub(super) fn admit(self, answer: LoginAnswer) {
        self.keep(answer.access_token, answer.expires_in);
        self.enter(answer.user);
    }

    /// Signs out, here and in this browser's other tabs. The session ends on our side even when the server is away.
    pub async fn sign_out(self) {
        let token = self.0.token.borrow().as_ref().map(|token| token.text.clone());
        self.forget();
        if let Some(token) = token {
            let mut call = Call::new("POST", "/api/auth/logout");
            call.browser_session = true;
            call.bearer = Some(&token);
            call.body = json(&RefreshRequest::default());
            let _ = exchange(call).await;
        }
    }

    /// Signs out everywhere: every session of this person ends. Here as well, once the server has said so.
    pub async fn sign_out_everywhere(self) -> Result<(), ClientError> {
        let token = self.token().await?;
        // Without the browser's header the server does not look at the cookie, which would name one session only.
        exchange(Call { bearer: Some(&token), ..Call::new("POST", "/api/auth/logout") }).await?;
        self.forget();
        Ok(())
    }

    /// Nobody is signed in any more, because the person said so.
    fn forget(self) {
        self.0.token.take();
        set_hint(false);
        self.0.renewal.take();
        self.0.ended.set(false);
        self.0.state.set(SessionState::SignedOut);
    }

    /// After a hint that the session may be over: asks the server, and ends it here if so.
    pub(super) async fn check(self) -> Result<(), ClientError> {
        let user = match self.who().await {
            Err(ClientError::Unauthorized) => {
                // The access token is refused; whether there is another one only a renewal tells.
                self.0.token.take();
                self.who().await?
            }
            answer => answer?,
        };
        self.know(user);
        Ok(())
    }

    /// An access token that is good for a while yet, renewed first if need be.
    pub async fn token(self) -> Result<String, ClientError> {
        if let Some(token) = self.0.token.borrow().as_ref()
            && token.expires_at_ms - now_ms() > TOO_OLD_MS
        {
            return Ok(token.text.clone());
        }
        if self.0.state.with_untracked(|state| *state == SessionState::SignedOut) {
            return Err(ClientError::Unauthorized);
        }
        self.refresh().await?;
        let token = self.0.token.borrow();
        token.as_ref().map(|token| token.text.clone()).ok_or(ClientError::Unauthorized)
    }

    /// Waits until no renewal is under way. Loading another page would cut it off, and with it the cookie for the next.
    pub async fn settled(self) {
        let under_way = self.0.refreshing.borrow().clone();
        if let Some(promise) = under_way {
            let _ = JsFuture::from(promise).await;
        }
    }

    /// After a 401: a newer token than `refused`, or the end of the session.
    pub(super) async fn token_instead_of(self, refused: &str) -> Result<String, ClientError> {
        let same = self.0.token.borrow().as_ref().is_some_and(|token| token.text == refused);
        if same {
            self.0.token.take();
        }
        self.token().await
    }

    /// Renews the token; whoever asks while that is under way waits for the same answer.
    async fn refresh(self) -> Result<(), ClientError> {
        let under_way = self.0.refreshing.borrow().clone();
        let promise = under_way.unwrap_or_else(|| {
            let promise = future_to_promise(async move {
                let result = self.refresh_now().await;
                self.0.refreshing.take();
                Ok(JsValue::from_bool(result.is_ok()))
            });
            *self.0.refreshing.borrow_mut() = Some(promise.clone());
            promise
        });
        let renewed = JsFuture::from(promise).await.is_ok_and(|renewed| renewed.is_truthy());
        if renewed {
            Ok(())
        } else if self.0.state.with_untracked(|state| *state == SessionState::SignedOut) {
            Err(ClientError::Unauthorized)
        } else {
            Err(ClientError::Offline)
        }
    }

    async fn refresh_now(self) -> Result<(), ClientError> {
        let lock = TabLock::acquire().await;
        let mut call = Call::new("POST", "/api/auth/refresh");
        call.browser_session = true;
        call.body = json(&RefreshRequest::default());
        let answer = send::<RefreshAnswer>(call).await;
        drop(lock);
        match answer {
            Ok(answer) => {
                self.keep(answer.access_token, answer.expires_in);
                Ok(())
            }
            Err(error) => {
                // 400: no cookie at all. 401: expired, revoked or used.
                if matches!(error.status(), Some(400 | 401)) {
                    self.end();
                }
                Err(error)
            }
        }
    }

    async fn restore(self) {
        loop {
            match self.who().await {
                Ok(user) => return self.enter(user),
                Err(ClientError::Unauthorized) => return self.end(),
                Err(_) => {
                    let attempt = self.0.attempt.replace(self.0.attempt.get() + 1);
                    sleep(backoff_ms(attempt, 1_000, 15_000, js_sys::Math::random())).await;
                    if self.0.state.with_untracked(|state| *state != SessionState::Unknown) {
                        return;
                    }
                }
            }
        }
    }

    async fn who(self) -> Result<User, ClientError> {
        let token = self.token().await?;
        let mut call = Call::new("GET", "/api/auth/me");
        call.bearer = Some(&token);
        send(call).await.map_err(|error| match error.status() {
            Some(401) => ClientError::Unauthorized,
            _ => error,
        })
    }

    /// Takes in what the server says now of the person who is signed in: roles may have changed.
    fn know(self, user: User) {
        let is_news =
            self.0.state.with_untracked(|state| matches!(state, SessionState::SignedIn(known) if *known != user));
        if is_news {
            self.0.state.set(SessionState::SignedIn(user));
        }
    }

    /// Remembers a token and plans its renewal.
    fn keep(self, text: String, expires_in: i64) {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a token's life")]
        let life_ms = expires_in as f64 * 1_000.0;
        *self.0.token.borrow_mut() = Some(Token { text, expires_at_ms: now_ms() + life_ms });
        // Spread, so that several tabs opened together don't all queue at the same moment.
        let due = (life_ms - RENEW_BEFORE_MS - js_sys::Math::random() * 20_000.0).max(5_000.0);
        #[expect(clippy::cast_possible_truncation, reason = "minutes in milliseconds")]
        let timer = Timeout::new(due as i32, move || {
            spawn_local(async move {
                // When the server is away now, the next call that needs a token tries again.
                if self.refresh().await.is_ok()
                    && let Ok(user) = self.who().await
                {
                    self.know(user);
                }
            });
        });
        *self.0.renewal.borrow_mut() = Some(timer);
    }

    fn enter(self, user: User) {
        set_hint(true);
        self.0.was_in.set(true);
        self.0.attempt.set(0);
        self.0.ended.set(false);
        self.0.state.set(SessionState::SignedIn(user));
    }

    /// The session is over, and not because the person said so here.
    fn end(self) {
        let is_over = self.0.state.with_untracked(|state| *state == SessionState::SignedOut);
        self.0.token.take();
        self.0.renewal.take();
        set_hint(false);
        if !is_over {
            self.0.ended.set(self.0.was_in.replace(false));
            self.0.state.set(SessionState::SignedOut);
        }
    }

    /// Follows sign-in and sign-out of other tabs by the hint that they leave.
    fn watch_other_tabs(self) {
        let changed = Closure::<dyn FnMut(StorageEvent)>::new(move |event: StorageEvent| {
            if event.key().as_deref() != Some(HINT) {
                return;
            }
            let signed_out = self.0.state.with_untracked(|state| *state == SessionState::SignedOut);
            if event.new_value().is_none() && !signed_out {
                self.end();
            } else if event.new_value().is_some() && signed_out {
                self.0.was_in.set(true);
                self.0.state.set(SessionState::Unknown);
                spawn_local(async move { self.restore().await });
            }
        });
        let _ = window().add_event_listener_with_callback("storage", changed.as_ref().unchecked_ref());
        // Watches for as long as the page lives.
        changed.forget();
    }
}

/// The login page's address that comes back to `here` afterwards.
pub fn login_path(here: &str) -> String {
    match safe_next(here) {
        Some(next) if next != "/" => format!("/login?next={}", escape(&next)),
        _ => "/login".to_owned(),
    }
}

/// The place to go to after login, if `next` is one of ours: a path of this origin, and not the login page itself.
pub fn safe_next(next: &str) -> Option<String> {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(|c| c.is_control() || c.is_whitespace())
        && path != "/login";
    ours.then(|| next.to_owned())
}

fn hint() -> bool {
    storage().is_some_and(|storage| storage.get_item(HINT).ok().flatten().is_some())
}

fn set_hint(signed_in: bool) {
    if let Some(storage) = storage() {
        let _ = if signed_in { storage.set_item(HINT, "1") } else { storage.remove_item(HINT) };
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_origin_are_gone_back_to() {
        assert_eq!(safe_next("/jobs/12?tab=output"), Some("/jobs/12?tab=output".into()));
        for evil in [
            "",
            "jobs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/login",
            "/login?next=/",
            "javascript:alert(1)",
            "/ /x",
        ] {
            assert_eq!(safe_next(evil), None, "{evil:?}");
        }
        assert_eq!(login_path("/jobs?state=RUNNING"), "/login?next=%2Fjobs%3Fstate%3DRUNNING");
        assert_eq!(login_path("/"), "/login");
        assert_eq!(login_path("//evil.example"), "/login");
    }
}
