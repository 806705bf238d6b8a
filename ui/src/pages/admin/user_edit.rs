//! The dialog that changes an account's roles, Unix user and mail.
use slurmdash_api::users::{Account, AccountChange, RoleList};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::account_form::{AccountFields, AccountInputs};
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{Banner, Button, ButtonKind, Dialog, Tone, toast};
use crate::i18n::t;
use crate::pages::access::refusal;

/// The dialog.
#[component(inline_props)]
pub fn EditDialog(open: Signal<bool>, account: Account, path: String, reading: Reading<Account>) -> View {
    view! {
        (if open.get() {
            let (account, path) = (account.clone(), path.clone());
            view! { EditForm(open=open, account=account, path=path, reading=reading) }
        } else {
            view! {}
        })
    }
}

/// What differs from the account as it is; nothing else is sent, so that what somebody else changes meanwhile stays.
fn change(account: &Account, mut roles: Vec<String>, unix_user: &str, email: &str) -> AccountChange {
    let differs = |new: &str, old: &Option<String>| {
        (new.trim() != old.as_deref().unwrap_or_default()).then(|| new.trim().to_owned())
    };
    let mut known = account.roles.clone();
    known.sort_unstable();
    roles.sort_unstable();
    AccountChange {
        roles: (roles != known).then_some(roles),
        is_active: None,
        unix_user: differs(unix_user, &account.unix_user),
        email: differs(email, &account.email),
    }
}

#[component(inline_props)]
fn EditForm(open: Signal<bool>, account: Account, path: String, reading: Reading<Account>) -> View {
    let client = use_client();
    let roles = Reading::<RoleList>::new(client, "/api/v2/roles");
    let fields = AccountFields::new(&account.roles, account.unix_user.as_deref(), account.email.as_deref());
    let busy = create_signal(false);
    let name = account.username.clone();
    let save = move || {
        let unix_user = fields.unix_user.get_clone_untracked();
        let change = change(&account, fields.chosen_roles(), &unix_user, &fields.email.get_clone_untracked());
        if change == AccountChange::default() {
            toast(Tone::Info, t().admin.nothing_changed());
            open.set(false);
            return;
        }
        if busy.replace(true) {
            return;
        }
        fields.problem.set(None);
        let path = path.clone();
        spawn_local_scoped(async move {
            let answer = client.patch::<Account>(&path, &change).await;
            busy.set(false);
            match answer {
                Ok(_) => {
                    toast(Tone::Success, t().admin.saved());
                    open.set(false);
                    reading.reload();
                }
                Err(error) => fields.problem.set(Some(error)),
            }
        });
    };
    let save = std::rc::Rc::new(save);
    let pressed = save.clone();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        save();
    };
    let buttons = move || {
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Primary, busy=*busy, on:click=move |_| pressed()) { (|| t().common.save()) }
        }
    };
    view! {
        Dialog(open=open, title=move || t().admin.edit_title(&name), actions=buttons) {
            form(class="form", novalidate=true, on:submit=submit) {
                AccountInputs(fields=fields, roles=roles)
                (match fields.problem.get_clone() {
                    Some(error) => view! {
                        Banner(tone=Tone::Error, title=move || t().admin.not_saved()) { (refusal(&error)) }
                    },
                    None => view! {},
                })
                button(r#type="submit", class="visually-hidden", tabindex="-1", aria-hidden="true")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use slurmdash_api::auth::AccountSource;

    use super::*;

    #[test]
    fn only_what_differs_is_sent() {
        let account = Account {
            id: "1".into(),
            username: "ada".into(),
            roles: vec!["user".into(), "admin".into()],
            permissions: Vec::new(),
            source: AccountSource::Local,
            unix_user: Some("ada".into()),
            email: None,
            is_active: true,
            created_at: 0,
            last_login_at: None,
            sessions: 0,
            api_keys: 0,
        };
        let same = change(&account, vec!["admin".into(), "user".into()], " ada ", "");
        assert_eq!(same, AccountChange::default());
        let other = change(&account, vec!["user".into()], "", "a@b.example");
        assert_eq!(other.roles, Some(vec!["user".into()]));
        assert_eq!((other.unix_user.as_deref(), other.email.as_deref()), (Some(""), Some("a@b.example")));
        assert_eq!(other.is_active, None);
    }
}
