//! The dialog that shows a password that was made for somebody, once.
use sycamore::prelude::*;

use crate::components::{Banner, Button, ButtonKind, Dialog, OnceShown, Tone};
use crate::i18n::t;

/// A password that was made.
#[derive(Clone)]
pub struct MadePassword {
    /// Whose.
    pub username: String,
    /// The password.
    pub password: String,
}

/// The dialog; open while there is a password. It does not close by accident.
#[component(inline_props)]
pub fn MadePasswordDialog(made: Signal<Option<MadePassword>>) -> View {
    view! {
        (match made.get_clone() {
            Some(password) => shown(password, made),
            None => view! {},
        })
    }
}

fn shown(MadePassword { username, password }: MadePassword, made: Signal<Option<MadePassword>>) -> View {
    let open = create_signal(true);
    let done = move || {
        view! {
            Button(kind=ButtonKind::Secondary, on:click=move |_| made.set(None)) { (|| t().admin.password_kept()) }
        }
    };
    view! {
        Dialog(open=open, kept=true, title=move || t().admin.password_made_title(&username), actions=done) {
            Banner(tone=Tone::Warning, title=move || t().admin.password_made_once()) {
                (|| t().admin.password_made_text())
            }
            OnceShown(label=move || t().admin.password(), secret=password, name="made_password")
        }
    }
}
