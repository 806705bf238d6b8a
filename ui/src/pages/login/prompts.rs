//! What the cluster asks beyond a password: a code, a new password, whatever its PAM has in mind.
use slurmdash_api::auth::{MorePrompts, Prompt};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;
use web_sys::SubmitEvent;

use super::SignIn;
use super::failure::clock;
use crate::browser;
use crate::client::use_client;
use crate::components::{Button, ButtonKind, PasswordInput, TextInput, time};
use crate::i18n::t;

/// The questions, how long there is to answer them, and the way back.
#[component(inline_props)]
pub fn Prompts(state: SignIn) -> View {
    let left = create_selector(move || {
        let (until, now) = (state.asked.with(|asked| asked.as_ref().map_or(0, |(_, until)| *until)), time::now());
        let most = state.asked.with(|asked| asked.as_ref().map_or(0, |(more, _)| more.expires_in));
        // The clock that is shown may be a second behind.
        (until - now).min(most).max(0)
    });
    let anew = move |_| {
        batch(|| {
            state.asked.set(None);
            state.failure.set(None);
        });
    };
    view! {
        // A second set of questions is another form: what was typed into the first one is gone.
        (match state.asked.get_clone() {
            Some((more, _)) => form(more, state, left),
            None => View::new(),
        })
        div(class="login-anew") {
            p(class="login-left", role="timer") {
                (match left.get() {
                    0 => t().login.time_up(),
                    left => t().login.time_left(&clock(left)),
                })
            }
            Button(kind=ButtonKind::Ghost, on:click=anew) { (|| t().login.begin_anew()) }
        }
    }
}

fn form(more: MorePrompts, state: SignIn, left: ReadSignal<i64>) -> View {
    let session = use_client().session;
    let MorePrompts { login_id, instruction, prompts, .. } = more;
    let answers: Vec<Signal<String>> = prompts.iter().map(|_| create_signal(String::new())).collect();
    let fields: Vec<View> =
        prompts.iter().zip(&answers).enumerate().map(|(index, (prompt, value))| field(index, prompt, *value)).collect();
    on_mount(|| browser::focus(".login-form input, .login-form button[type=submit]"));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !state.is_free() || left.get_untracked() == 0 {
            return;
        }
        state.begin();
        let (login_id, answers) = (login_id.clone(), answers.iter().map(|answer| answer.get_clone()).collect());
        spawn_local_scoped(async move {
            let answer = session.answer(login_id, answers).await;
            state.hear(answer);
        });
    };
    view! {
        form(class="login-form", novalidate=true, on:submit=submit) {
            (if instruction.trim().is_empty() {
                View::new()
            } else {
                let instruction = instruction.trim().to_owned();
                view! { p(class="login-instruction") { (instruction) } }
            })
            (fields)
            Button(
                kind=ButtonKind::Primary,
                submit=true,
                busy=*state.busy,
                disabled=move || { let (left, wait) = (left.get(), state.wait()); left == 0 || wait > 0 }
            ) { (|| t().login.go_on_button()) }
        }
    }
}

fn field(index: usize, prompt: &Prompt, value: Signal<String>) -> View {
    let name = format!("answer_{index}");
    // The cluster's own words, as `Verification code: `.
    let text = prompt.text.trim().trim_end_matches(':').trim_end().to_owned();
    let label = move || if text.is_empty() { t().login.answer() } else { text.clone() };
    if prompt.echo {
        view! {
            TextInput(
                name=name,
                label=label,
                value=value,
                autocomplete="one-time-code",
                autocapitalize="none",
                "spellcheck"="false"
            )
        }
    } else {
        view! { PasswordInput(name=name, label=label, value=value, autocomplete="one-time-code") }
    }
}
