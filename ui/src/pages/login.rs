//! `/login`: name, password, in. The guard in `app.rs` leads on to the page that was asked for.
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use web_sys::SubmitEvent;

use crate::browser;
use crate::client::{ClientError, use_client};
use crate::components::{Banner, Button, ButtonKind, Glyph, TextInput, Tone, icon, problem_words};
use crate::i18n::t;
use crate::shell::{Preferences, brand_mark};

/// The page.
#[component]
pub fn Login() -> View {
    let client = use_client();
    let username = create_signal(String::new());
    let password = create_signal(String::new());
    let visible = create_signal(false);
    let tried = create_signal(false);
    let busy = create_signal(false);
    let failure = create_signal(None::<ClientError>);
    let ended = client.session.ended();

    create_effect(|| browser::document().set_title(&format!("{} · slurmdash", t().login.title())));
    on_mount(|| browser::focus("input[name=username]"));

    let missing = move |value: Signal<String>, words: fn() -> String| {
        move || {
            if tried.get() && value.with(String::is_empty) { words() } else { String::new() }
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if busy.get() {
            return;
        }
        for (value, selector) in [(username, "input[name=username]"), (password, "input[name=password]")] {
            if value.with(String::is_empty) {
                browser::focus(selector);
                return;
            }
        }
        busy.set(true);
        failure.set(None);
        spawn_local_scoped(async move {
            // Success leads away from this page: the guard watches the session.
            let answer = client.session.sign_in(username.get_clone().trim(), &password.get_clone()).await;
            if let Err(error) = answer {
                batch(|| {
                    busy.set(false);
                    failure.set(Some(error));
                });
                browser::focus("input[name=password]");
            }
        });
    };
    view! {
        main(class="login") {
            div(class="login-preferences") { Preferences {} }
            div(class="login-card") {
                div(class="login-head") {
                    (brand_mark())
                    h1 { (|| t().login.title()) }
                    p { (|| t().login.context()) }
                }
                (if let Some(error) = failure.get_clone() {
                    view! { Banner(tone=Tone::Error, title=move || t().login.failed()) { (failure_words(&error)) } }
                } else if ended.get() {
                    view! { Banner(tone=Tone::Info, title=move || t().login.ended()) { (|| t().login.ended_text()) } }
                } else {
                    view! {}
                })
                form(class="login-form", novalidate=true, on:submit=submit) {
                    TextInput(
                        name="username",
                        label=move || t().login.username(),
                        value=username,
                        error=missing(username, || t().login.username_missing()),
                        autocomplete="username",
                        autocapitalize="none"
                    )
                    div(class="login-password") {
                        TextInput(
                            name="password",
                            kind=move || if visible.get() { "text" } else { "password" },
                            label=move || t().login.password(),
                            value=password,
                            error=missing(password, || t().login.password_missing()),
                            autocomplete="current-password"
                        )
                        (reveal_button(visible))
                    }
                    Button(kind=ButtonKind::Primary, submit=true, busy=busy) { (|| t().login.submit()) }
                }
            }
        }
    }
}

fn failure_words(error: &ClientError) -> String {
    match error.status() {
        Some(401) => t().login.invalid_credentials(),
        _ => problem_words(error),
    }
}

fn reveal_button(visible: Signal<bool>) -> View {
    let word = move || {
        if visible.get() { t().login.hide_password() } else { t().login.show_password() }
    };
    view! {
        button(
            class="icon-button",
            r#type="button",
            aria-label=word,
            title=word,
            on:click=move |_| visible.set(!visible.get())
        ) {
            (icon(if visible.get() { Glyph::EyeOff } else { Glyph::Eye }))
        }
    }
}
