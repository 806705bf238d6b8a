//! What can be done with an account, at the head of its page. Without the permission nothing is offered.
use slurmdash_api::auth::{AccountSource, Permission};
use slurmdash_api::users::{Account, AccountChange, PasswordReset, ResetPassword};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::made_password::MadePassword;
use super::new_user::{ChosenPassword, PasswordChoice};
use super::user_edit::EditDialog;
use crate::browser;
use crate::client::reading::Reading;
use crate::client::{ClientError, use_client};
use crate::components::{Banner, Button, ButtonKind, Confirm, Dialog, Glyph, Menu, MenuItem, Question, Tone, toast};
use crate::i18n::{format, t};
use crate::pages::access::refusal;
use crate::router;

/// The buttons, and their dialogs.
#[component(inline_props)]
pub fn UserActions(
    account: Account,
    path: String,
    reading: Reading<Account>,
    confirm: Confirm,
    made: Signal<Option<MadePassword>>,
) -> View {
    let session = use_client().session;
    let may_manage = create_selector(move || session.may(Permission::UserManage));
    view! {
        (if may_manage.get() {
            buttons(account.clone(), path.clone(), reading, confirm, made)
        } else {
            view! {}
        })
    }
}

fn buttons(
    account: Account,
    path: String,
    reading: Reading<Account>,
    confirm: Confirm,
    made: Signal<Option<MadePassword>>,
) -> View {
    let (editing, resetting) = (create_signal(false), create_signal(false));
    let is_active = account.is_active;
    let switch = {
        let (account, path) = (account.clone(), path.clone());
        move |_| confirm.ask(switch_question(&account, &path, reading))
    };
    let (glyph, word): (Glyph, fn() -> String) =
        if is_active { (Glyph::Ban, || t().admin.disable()) } else { (Glyph::Check, || t().admin.enable()) };
    let menu = more(&account, &path, reading, confirm, resetting);
    let (name, reset_path) = (account.username.clone(), path.clone());
    view! {
        Button(glyph=Glyph::Wrench, on:click=move |_| editing.set(true)) { (|| t().common.edit()) }
        Button(glyph=glyph, on:click=switch) { (word()) }
        (menu)
        EditDialog(open=editing, account=account, path=path, reading=reading)
        (if resetting.get() {
            reset_dialog(name.clone(), &reset_path, resetting, made, reading)
        } else {
            view! {}
        })
    }
}

/// Whether somebody is to be kept out, or let in again.
fn switch_question(account: &Account, path: &str, reading: Reading<Account>) -> Question {
    let client = use_client();
    let (is_active, sessions) = (account.is_active, account.sessions);
    let path = path.to_owned();
    let name = account.username.clone();
    let done = name.clone();
    let work = move || {
        let (path, name) = (path.clone(), done.clone());
        async move {
            let change = AccountChange { is_active: Some(!is_active), ..AccountChange::default() };
            client.patch::<Account>(&path, &change).await?;
            let words = if is_active { t().admin.is_disabled(&name) } else { t().admin.is_enabled(&name) };
            toast(Tone::Success, words);
            reading.reload();
            Ok(())
        }
    };
    let sessions = move || format::count(usize::try_from(sessions).unwrap_or(usize::MAX));
    let question = if is_active {
        let title = move || t().admin.disable_title(&name);
        Question::new(title, move || t().admin.disable_text(&sessions()), || t().admin.disable(), work)
    } else {
        let title = move || t().admin.enable_title(&name);
        Question::new(title, || t().admin.enable_text(), || t().admin.enable(), work).harmless()
    };
    question.refused_as(refusal)
}

/// What is done more seldom.
fn more(account: &Account, path: &str, reading: Reading<Account>, confirm: Confirm, resetting: Signal<bool>) -> View {
    let mut items = Vec::new();
    if account.source == AccountSource::Local {
        items.push(MenuItem {
            glyph: Glyph::Key,
            label: (|| t().admin.reset()).into(),
            act: Box::new(move || resetting.set(true)),
        });
    }
    let (name, unlock_path) = (account.username.clone(), format!("{path}/unlock"));
    items.push(MenuItem {
        glyph: Glyph::LockOpen,
        label: (|| t().admin.unlock()).into(),
        act: Box::new(move || confirm.ask(unlock_question(&name, &unlock_path, reading))),
    });
    let (name, delete_path) = (account.username.clone(), path.to_owned());
    items.push(MenuItem {
        glyph: Glyph::Trash2,
        label: (|| t().admin.delete()).into(),
        act: Box::new(move || confirm.ask(delete_question(&name, &delete_path))),
    });
    view! { Menu(label=move || t().admin.more(), items=items) }
}

fn unlock_question(name: &str, path: &str, reading: Reading<Account>) -> Question {
    let client = use_client();
    let (name, path) = (name.to_owned(), path.to_owned());
    let done = name.clone();
    let work = move || {
        let (path, name) = (path.clone(), done.clone());
        async move {
            client.command("POST", &path).await?;
            toast(Tone::Success, t().admin.is_unlocked(&name));
            reading.reload();
            Ok(())
        }
    };
    let title = move || t().admin.unlock_title(&name);
    Question::new(title, || t().admin.unlock_text(), || t().admin.unlock(), work).harmless().refused_as(refusal)
}

fn delete_question(name: &str, path: &str) -> Question {
    let client = use_client();
    let (name, path) = (name.to_owned(), path.to_owned());
    let (done, typed) = (name.clone(), name.clone());
    let work = move || {
        let (path, name) = (path.clone(), done.clone());
        async move {
            client.command("DELETE", &path).await?;
            toast(Tone::Success, t().admin.is_deleted(&name));
            router::replace("/admin/users");
            Ok(())
        }
    };
    let title = move || t().admin.delete_title(&name);
    Question::new(title, || t().admin.delete_text(), || t().admin.delete_verb(), work).typed(typed).refused_as(refusal)
}

/// A new password for somebody.
fn reset_dialog(
    name: String,
    path: &str,
    open: Signal<bool>,
    made: Signal<Option<MadePassword>>,
    reading: Reading<Account>,
) -> View {
    let client = use_client();
    let password = ChosenPassword::new();
    let busy = create_signal(false);
    let problem = create_signal(None::<ClientError>);
    let (title, path) = (name.clone(), format!("{path}/password"));
    let reset = move || {
        let Ok(password) = password.take() else {
            browser::after(0, || browser::focus("dialog[open] [aria-invalid=true]"));
            return;
        };
        if busy.replace(true) {
            return;
        }
        problem.set(None);
        let (path, name) = (path.clone(), name.clone());
        spawn_local_scoped(async move {
            let answer = client.post::<PasswordReset>(&path, &ResetPassword { password }).await;
            busy.set(false);
            match answer {
                Ok(PasswordReset { password }) => {
                    toast(Tone::Success, t().admin.is_reset(&name));
                    if let Some(password) = password {
                        made.set(Some(MadePassword { username: name, password }));
                    }
                    reading.reload();
                    open.set(false);
                }
                Err(error) => problem.set(Some(error)),
            }
        });
    };
    let reset = std::rc::Rc::new(reset);
    let pressed = reset.clone();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        reset();
    };
    let buttons = move || {
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Danger, busy=*busy, on:click=move |_| pressed()) { (|| t().admin.reset_verb()) }
        }
    };
    view! {
        Dialog(open=open, title=move || t().admin.reset_title(&title), actions=buttons) {
            form(class="form", novalidate=true, on:submit=submit) {
                p { (|| t().admin.reset_text()) }
                PasswordChoice(chosen=password)
                (match problem.get_clone() {
                    Some(error) => view! {
                        Banner(tone=Tone::Error, title=move || t().admin.not_reset()) { (refusal(&error)) }
                    },
                    None => view! {},
                })
                button(r#type="submit", class="visually-hidden", tabindex="-1", aria-hidden="true")
            }
        }
    }
}
