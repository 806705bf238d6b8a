//! The dialog that makes an account.
use slurmdash_api::users::{AccountMade, NewAccount, RoleList};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::account_form::{AccountFields, AccountInputs};
use super::made_password::MadePassword;
use super::users::PATH;
use crate::browser;
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{
    Banner, Button, ButtonKind, Choice, Dialog, PasswordInput, RadioGroup, TextInput, Tone, toast,
};
use crate::i18n::t;
use crate::pages::access::{refusal, strength};
use crate::router::{navigate, path_to};

/// The choice of a password that somebody types.
const TYPED: &str = "typed";

/// Where a password comes from.
pub fn password_ways() -> Vec<Choice> {
    vec![Choice::new("random", t().admin.password_random()), Choice::new(TYPED, t().admin.password_typed())]
}

/// A password that somebody chooses for somebody else: made up, or typed.
#[derive(Clone, Copy)]
pub struct ChosenPassword {
    way: Signal<String>,
    typed: Signal<String>,
    tried: Signal<bool>,
}

impl ChosenPassword {
    /// One is made up, unless somebody wants to type it.
    pub fn new() -> Self {
        Self {
            way: create_signal("random".to_owned()),
            typed: create_signal(String::new()),
            tried: create_signal(false),
        }
    }

    /// What is to be sent: nothing for one that is made up. An error when what was typed is no password.
    pub fn take(self) -> Result<Option<String>, ()> {
        self.tried.set(true);
        if self.way.with_untracked(|way| way != TYPED) {
            return Ok(None);
        }
        let typed = self.typed.get_clone_untracked();
        if strength(&typed).is_good() { Ok(Some(typed)) } else { Err(()) }
    }
}

/// The fields for it.
#[component(inline_props)]
pub fn PasswordChoice(chosen: ChosenPassword) -> View {
    let is_typed = create_selector(move || chosen.way.with(|way| way == TYPED));
    let state = create_selector(move || strength(&chosen.typed.get_clone()));
    let error = move || {
        let (tried, state) = (chosen.tried.get(), state.get());
        if tried { state.problem() } else { String::new() }
    };
    let help = move || {
        let (tried, state) = (chosen.tried.get(), state.get());
        if tried && !state.is_good() { String::new() } else { state.help() }
    };
    view! {
        RadioGroup(
            name="password_way",
            label=move || t().admin.password(),
            value=chosen.way,
            choices=password_ways,
            help=move || if is_typed.get() { String::new() } else { t().admin.password_random_help() }
        )
        (if is_typed.get() {
            view! {
                PasswordInput(
                    name="password",
                    label=move || t().admin.password(),
                    value=chosen.typed,
                    help=help,
                    error=error,
                    autocomplete="new-password"
                )
            }
        } else {
            view! {}
        })
    }
}

/// The dialog. A password that was made up goes to `made`; otherwise the new account's page is next.
#[component(inline_props)]
pub fn NewUserDialog(open: Signal<bool>, made: Signal<Option<MadePassword>>, roles: Reading<RoleList>) -> View {
    view! {
        // Every account begins with an empty form.
        (if open.get() {
            view! { UserForm(open=open, made=made, roles=roles) }
        } else {
            view! {}
        })
    }
}

#[component(inline_props)]
fn UserForm(open: Signal<bool>, made: Signal<Option<MadePassword>>, roles: Reading<RoleList>) -> View {
    let client = use_client();
    let username = create_signal(String::new());
    let fields = AccountFields::new(&[], None, None);
    let password = ChosenPassword::new();
    let (tried, busy) = (create_signal(false), create_signal(false));
    let refused = fields.refused("username");
    let name_error = move || {
        let (tried, none, refused) = (tried.get(), username.with(|name| name.trim().is_empty()), refused());
        if tried && none { t().admin.name_missing() } else { refused }
    };
    let create = move || {
        tried.set(true);
        let name = username.with_untracked(|name| name.trim().to_owned());
        let password = password.take();
        if name.is_empty() || password.is_err() {
            browser::after(0, || browser::focus("dialog[open] [aria-invalid=true]"));
            return;
        }
        if busy.replace(true) {
            return;
        }
        fields.problem.set(None);
        let request = NewAccount {
            username: name,
            password: password.unwrap_or_default(),
            roles: fields.chosen_roles(),
            unix_user: AccountFields::text(fields.unix_user),
            email: AccountFields::text(fields.email),
        };
        spawn_local_scoped(async move {
            let answer = client.post::<AccountMade>(PATH, &request).await;
            busy.set(false);
            match answer {
                Ok(AccountMade { user, password }) => {
                    toast(Tone::Success, t().admin.created(&user.username));
                    open.set(false);
                    match password {
                        Some(password) => made.set(Some(MadePassword { username: user.username, password })),
                        None => navigate(&path_to("/admin/users", &user.id)),
                    }
                }
                Err(error) => fields.problem.set(Some(error)),
            }
        });
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        create();
    };
    let buttons = move || {
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Primary, busy=*busy, on:click=move |_| create()) { (|| t().admin.create()) }
        }
    };
    view! {
        Dialog(open=open, title=move || t().admin.new_user_title(), actions=buttons) {
            form(class="form", novalidate=true, on:submit=submit) {
                TextInput(
                    name="username",
                    label=move || t().admin.name(),
                    value=username,
                    help=move || t().admin.name_help(),
                    error=name_error,
                    autocomplete="off",
                    autocapitalize="none",
                    "spellcheck"="false"
                )
                AccountInputs(fields=fields, roles=roles)
                PasswordChoice(chosen=password)
                (match fields.problem.get_clone() {
                    Some(error) => view! {
                        Banner(tone=Tone::Error, title=move || t().admin.not_created()) { (refusal(&error)) }
                    },
                    None => view! {},
                })
                button(r#type="submit", class="visually-hidden", tabindex="-1", aria-hidden="true")
            }
        }
    }
}
