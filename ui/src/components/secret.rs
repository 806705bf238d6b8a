//! Something secret that is shown once: to be read, copied, and kept elsewhere.
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::Text;
use super::field::unique_id;
use super::icon::{Glyph, icon};
use crate::browser;
use crate::i18n::t;

/// Props of [`OnceShown`].
#[derive(Props)]
pub struct OnceShownProps {
    /// What it is.
    #[prop(setter(into))]
    label: Text,
    /// The secret.
    #[prop(setter(into))]
    secret: Text,
    /// Its `name`, by which tests find it.
    name: &'static str,
    /// Set once it was copied.
    #[prop(default, setter(strip_option))]
    taken: Option<Signal<bool>>,
}

/// A secret in a field that can't be changed, with a button that copies it.
#[component]
pub fn OnceShown(props: OnceShownProps) -> View {
    let OnceShownProps { label, secret, name, taken } = props;
    let copied = create_signal(false);
    let id = unique_id(name);
    let (for_label, select, shown) = (id.clone(), format!("#{id}"), secret.clone());
    let copy = move |_| {
        let (text, select) = (secret.get_clone(), select.clone());
        spawn_local_scoped(async move {
            if browser::copy(&text).await {
                copied.set(true);
                if let Some(taken) = taken {
                    taken.set(true);
                }
            } else {
                // The clipboard is refused: the keyboard can still take it.
                browser::select(&select);
            }
        });
    };
    view! {
        div(class="field") {
            label(class="field-label", r#for=for_label) { (label.get_clone()) }
            div(class="once-shown") {
                input(
                    class="input input-mono",
                    id=id,
                    name=name,
                    r#type="text",
                    readonly=true,
                    prop:value=move || wasm_bindgen::JsValue::from_str(&shown.get_clone()),
                    autocomplete="off",
                    "spellcheck"="false"
                )
                button(class="button button-primary", r#type="button", on:click=copy) {
                    (icon(if copied.get() { Glyph::Check } else { Glyph::Copy }))
                    span(class="button-label", aria-live="polite") {
                        (if copied.get() { t().common.copied() } else { t().common.copy() })
                    }
                }
            }
        }
    }
}
