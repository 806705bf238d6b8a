//! `/login`: name and password, whatever else the cluster asks, or single sign-on. The guard in `app.rs` leads on to the
//! page that was asked for.
mod failure;
mod prompts;

use slurmdash_api::auth::{MorePrompts, SignInMethods, SingleSignOn};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use web_sys::SubmitEvent;

use self::failure::{Failure, FailureBanner};
use self::prompts::Prompts;
use crate::browser;
use crate::client::session::SessionState;
use crate::client::sign_in::{methods, sso_href};
use crate::client::{ClientError, use_client};
use crate::components::icon::{Glyph, icon};
use crate::components::{Banner, Button, ButtonKind, PasswordInput, TextInput, Tone, time};
use crate::i18n::t;
use crate::router::{Query, location, query_value};
use crate::shell::{Preferences, brand_mark};

/// Where a sign-in stands; copies are the same.
#[derive(Clone, Copy)]
struct SignIn {
    busy: Signal<bool>,
    failure: Signal<Option<Failure>>,
    /// Until when the server wants to hear nothing, Unix seconds.
    wait_until: Signal<i64>,
    /// What else is asked, and until when, Unix seconds.
    asked: Signal<Option<(MorePrompts, i64)>>,
}

impl SignIn {
    fn new() -> Self {
        Self {
            busy: create_signal(false),
            failure: create_signal(None),
            wait_until: create_signal(0),
            asked: create_signal(None),
        }
    }

    /// Seconds to wait before another attempt; tracked.
    fn wait(self) -> i64 {
        let (until, now) = (self.wait_until.get(), time::now());
        (until - now).max(0)
    }

    /// Whether an attempt may begin.
    fn is_free(self) -> bool {
        !self.busy.get_untracked() && self.wait_until.get_untracked() <= browser::now()
    }

    fn begin(self) {
        self.busy.set(true);
        self.failure.set(None);
    }

    /// Takes in an answer. Success leads away from this page: the guard watches the session.
    fn hear(self, answer: Result<Option<MorePrompts>, ClientError>) {
        match answer {
            Ok(None) => {}
            Ok(Some(more)) => {
                let until = browser::now() + more.expires_in;
                batch(|| {
                    self.busy.set(false);
                    self.asked.set(Some((more, until)));
                });
            }
            Err(error) => batch(|| {
                let seconds = error.retry_after().and_then(|seconds| i64::try_from(seconds).ok());
                if error.status() == Some(429) {
                    self.wait_until.set(browser::now() + seconds.unwrap_or(30).clamp(1, 24 * 3_600));
                }
                let is_second_step = self.asked.with_untracked(Option::is_some);
                // Whatever went wrong there, the questions are used up, unless nobody heard the answers.
                if is_second_step && error.status().is_some_and(|status| status != 429) {
                    self.asked.set(None);
                }
                self.busy.set(false);
                self.failure.set(Some(Failure::Refused { error: Box::new(error), is_second_step }));
            }),
        }
    }
}

/// The page.
#[component]
pub fn Login() -> View {
    let client = use_client();
    let state = SignIn::new();
    let (username, password) = (create_signal(String::new()), create_signal(String::new()));
    let known = create_signal(SignInMethods::default());
    let ended = client.session.ended();
    // Only the code is read from there, never words: a link must not put any into our mouth.
    let (code, came_back) = (query_value("error"), query_value("sso"));
    let signed_out = create_selector(move || client.session.state().with(|state| *state == SessionState::SignedOut));
    let sso_failure = create_selector(move || {
        let (failure, came_back, signed_out) =
            (Failure::of_sso(&code.get_clone()), came_back.with(|value| value == "done"), signed_out.get());
        // Who comes back should be in by now: the browser kept no cookie, or it was too late.
        failure.or((came_back && signed_out).then_some(Failure::SsoFailed))
    });

    create_effect(|| browser::document().set_title(&format!("{} · slurmdash", t().login.title())));
    spawn_local_scoped(async move {
        // Without an answer there are still name and password.
        if let Ok(methods) = methods().await {
            known.set(methods);
        }
    });

    let message = move || {
        let (failure, sso, ended) = (state.failure.get_clone(), sso_failure.get_clone(), ended.get());
        match failure.or(sso) {
            Some(failure) => view! { FailureBanner(failure=failure, state=state) },
            None if ended => view! {
                Banner(tone=Tone::Info, title=move || t().login.ended()) { (|| t().login.ended_text()) }
            },
            None => View::new(),
        }
    };
    let asks = create_selector(move || state.asked.with(Option::is_some));
    let context = move || match (asks.get(), known.with(|known| known.cluster)) {
        (true, _) => t().login.prompts_context(),
        (false, true) => t().login.context_cluster(),
        (false, false) => t().login.context(),
    };
    view! {
        main(class="login") {
            div(class="login-preferences") { Preferences {} }
            div(class="login-card") {
                div(class="login-head") {
                    (brand_mark())
                    h1 { (|| t().login.title()) }
                    p { (context()) }
                }
                (message())
                (if asks.get() {
                    view! { Prompts(state=state) }
                } else {
                    view! {
                        SsoButton(methods=*known)
                        Form(state=state, username=username, password=password)
                    }
                })
            }
        }
    }
}

/// The button that leads to the identity provider.
#[component(inline_props)]
fn SsoButton(methods: ReadSignal<SignInMethods>) -> View {
    let sso = create_selector(move || methods.with(|methods| methods.sso.clone()));
    let way = move |SingleSignOn { name, start }: SingleSignOn| {
        let next = Query::parse(&location().query).get("next").to_owned();
        sso_href(&start, &next).map(|href| (name, href))
    };
    view! {
        (match sso.get_clone().and_then(way) {
            None => view! {},
            Some((name, href)) => view! {
                div(class="login-sso") {
                    // A page of the server's own: the browser goes there.
                    a(class="button button-secondary", href=href, rel="external") {
                        (icon(Glyph::LogIn))
                        span(class="button-label") { (t().login.sso(&name)) }
                    }
                    p(class="login-or") { span { (|| t().login.or()) } }
                }
            },
        })
    }
}

/// Name and password.
#[component(inline_props)]
fn Form(state: SignIn, username: Signal<String>, password: Signal<String>) -> View {
    let session = use_client().session;
    let tried = create_signal(false);
    on_mount(move || {
        let is_named = username.with_untracked(|name| !name.is_empty());
        browser::focus(if is_named { "input[name=password]" } else { "input[name=username]" });
    });
    let missing = move |value: Signal<String>, words: fn() -> String| {
        move || {
            let (tried, empty) = (tried.get(), value.with(String::is_empty));
            if tried && empty { words() } else { String::new() }
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if !state.is_free() {
            return;
        }
        for (value, selector) in [(username, "input[name=username]"), (password, "input[name=password]")] {
            if value.with(String::is_empty) {
                browser::focus(selector);
                return;
            }
        }
        state.begin();
        spawn_local_scoped(async move {
            let answer = session.sign_in(username.get_clone().trim(), &password.get_clone()).await;
            if matches!(answer, Ok(None)) {
                // Signed in: this page is gone already.
                return;
            }
            let failed = answer.is_err();
            // What was right once is not needed again, and what was wrong is of no use.
            if answer.as_ref().err().is_none_or(|error| error.status() == Some(401)) {
                password.set(String::new());
                tried.set(false);
            }
            state.hear(answer);
            if failed {
                browser::focus("input[name=password]");
            }
        });
    };
    view! {
        form(class="login-form", novalidate=true, on:submit=submit) {
            TextInput(
                name="username",
                label=move || t().login.username(),
                value=username,
                error=missing(username, || t().login.username_missing()),
                autocomplete="username",
                autocapitalize="none",
                "spellcheck"="false"
            )
            PasswordInput(
                name="password",
                label=move || t().login.password(),
                value=password,
                error=missing(password, || t().login.password_missing()),
                autocomplete="current-password"
            )
            Button(kind=ButtonKind::Primary, submit=true, busy=*state.busy, disabled=move || state.wait() > 0) {
                (|| t().login.submit())
            }
        }
    }
}
