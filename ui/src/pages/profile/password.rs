//! Another password for one's own account, where this dashboard knows it.
use slurmdash_api::auth::{AccountSource, ChangePassword, Message};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use crate::browser;
use crate::client::{ClientError, use_client};
use crate::components::{Banner, Button, ButtonKind, ExplanationBox, PasswordInput, Tone, problem_words, toast};
use crate::i18n::t;
use crate::pages::access::{PasswordState, strength};

/// The section.
#[component]
pub fn Password() -> View {
    let session = use_client().session;
    let source = create_selector(move || session.user().map(|user| user.source));
    view! {
        header(class="section-head") { h2 { (|| t().profile.password()) } }
        (match source.get() {
            None => view! {},
            Some(AccountSource::Local) => view! { PasswordForm {} },
            Some(AccountSource::Cluster) => view! {
                ExplanationBox(
                    what=move || t().profile.password_cluster_title(),
                    why=move || t().profile.password_cluster_text()
                )
            },
            Some(AccountSource::Oidc) => view! {
                ExplanationBox(
                    what=move || t().profile.password_oidc_title(),
                    why=move || t().profile.password_oidc_text()
                )
            },
        })
    }
}

/// What is wrong with a new password, when nothing else is known than what was typed.
fn new_problem(current: &str, new: &str) -> String {
    match strength(new) {
        state if !state.is_good() => state.problem(),
        _ if current == new => t().profile.password_same(),
        _ => String::new(),
    }
}

#[component]
fn PasswordForm() -> View {
    let client = use_client();
    let [current, new, again] = [(); 3].map(|()| create_signal(String::new()));
    let (tried, busy) = (create_signal(false), create_signal(false));
    let problem = create_signal(None::<ClientError>);
    let is_wrong = create_selector(move || problem.with(|problem| problem.as_ref().is_some_and(is_wrong_password)));
    let current_error = move || {
        let (tried, missing, wrong) = (tried.get(), current.with(String::is_empty), is_wrong.get());
        match (tried, missing, wrong) {
            (true, true, _) => t().access.password_missing(),
            (_, false, true) => t().profile.password_wrong(),
            _ => String::new(),
        }
    };
    let new_error = move || {
        let (tried, words) = (tried.get(), new_problem(&current.get_clone(), &new.get_clone()));
        if tried { words } else { String::new() }
    };
    let new_help = move || {
        let (tried, state) = (tried.get(), strength(&new.get_clone()));
        // Said as an error already.
        if tried && !state.is_good() && state != PasswordState::Missing { String::new() } else { state.help() }
    };
    let again_error = move || {
        let (tried, same) = (tried.get(), new.get_clone() == again.get_clone());
        if tried && !same { t().profile.password_differs() } else { String::new() }
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        let (old, wanted) = (current.get_clone_untracked(), new.get_clone_untracked());
        let same = again.with_untracked(|again| *again == wanted);
        if old.is_empty() || !same || !new_problem(&old, &wanted).is_empty() || busy.replace(true) {
            browser::after(0, || browser::focus(".password-form [aria-invalid=true]"));
            return;
        }
        problem.set(None);
        spawn_local_scoped(async move {
            let request = ChangePassword { current: old, new: wanted };
            let answer = client.post::<Message>("/api/auth/password", &request).await;
            busy.set(false);
            match answer {
                Ok(_) => {
                    batch(|| {
                        tried.set(false);
                        for field in [current, new, again] {
                            field.set(String::new());
                        }
                    });
                    toast(Tone::Success, t().profile.password_changed());
                }
                Err(error) => problem.set(Some(error)),
            }
        });
    };
    view! {
        p(class="section-text") { (|| t().profile.password_text()) }
        form(class="form form-narrow password-form", novalidate=true, on:submit=submit) {
            PasswordInput(
                name="current_password",
                label=move || t().profile.password_current(),
                value=current,
                error=current_error,
                autocomplete="current-password"
            )
            PasswordInput(
                name="new_password",
                label=move || t().profile.password_new(),
                value=new,
                help=new_help,
                error=new_error,
                autocomplete="new-password"
            )
            PasswordInput(
                name="new_password_again",
                label=move || t().profile.password_again(),
                value=again,
                error=again_error,
                autocomplete="new-password"
            )
            (match problem.get_clone() {
                Some(error) if !is_wrong_password(&error) => view! {
                    Banner(tone=Tone::Error, title=move || t().profile.password_not_changed()) {
                        (problem_words(&error))
                    }
                },
                _ => view! {},
            })
            div { Button(kind=ButtonKind::Primary, submit=true, busy=*busy) { (|| t().profile.password_change()) } }
        }
    }
}

/// Whether it was the current password that the server did not like.
fn is_wrong_password(error: &ClientError) -> bool {
    matches!(error.code(), "invalid_credentials" | "wrong_password") || error.of_field("current").is_some()
}
