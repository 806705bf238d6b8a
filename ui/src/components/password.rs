//! A password field: hidden as it is typed, unless the person wants to see it.
use std::borrow::Cow;

use sycamore::prelude::*;

use super::button::IconButton;
use super::field::TextInput;
use super::icon::Glyph;
use super::{Text, no_text};
use crate::i18n::t;

/// Props of [`PasswordInput`]. Other attributes and handlers go onto the `<input>`.
#[derive(Props)]
pub struct PasswordInputProps {
    /// Its `name`.
    #[prop(setter(into))]
    name: Cow<'static, str>,
    /// The label.
    #[prop(setter(into))]
    label: Text,
    /// What is in it.
    value: Signal<String>,
    /// `current-password`, `new-password` or `one-time-code`, for password managers.
    autocomplete: &'static str,
    /// Help under it.
    #[prop(default = no_text(), setter(into))]
    help: Text,
    /// What is wrong with it; empty when nothing is.
    #[prop(default = no_text(), setter(into))]
    error: Text,
}

/// A password.
#[component]
pub fn PasswordInput(props: PasswordInputProps) -> View {
    let PasswordInputProps { name, label, value, autocomplete, help, error } = props;
    let visible = create_signal(false);
    let word = move || {
        if visible.get() { t().common.hide_password() } else { t().common.show_password() }
    };
    view! {
        div(class="password") {
            TextInput(
                name=name,
                kind=move || if visible.get() { "text" } else { "password" },
                label=label,
                value=value,
                help=help,
                error=error,
                autocomplete=autocomplete,
                autocapitalize="none",
                "spellcheck"="false"
            )
            IconButton(
                glyph=move || if visible.get() { Glyph::EyeOff } else { Glyph::Eye },
                label=word,
                on:click=move |_| visible.set(!visible.get_untracked())
            )
        }
    }
}
