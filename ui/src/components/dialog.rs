//! A dialog over the page: the browser's own `<dialog>`, which keeps the focus inside and closes with Esc.
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::Text;
use super::button::IconButton;
use super::icon::Glyph;
use crate::i18n::t;

/// Props of [`Dialog`].
#[derive(Props)]
pub struct DialogProps {
    /// Whether it is open; set to false when the person closes it.
    open: Signal<bool>,
    /// What it is about, or the question it asks.
    #[prop(setter(into))]
    title: Text,
    /// What is said about it.
    children: Children,
    /// The buttons at its foot, the one that does it last.
    #[prop(default, setter(into))]
    actions: Children,
    /// Closes only by its own buttons, for what is shown once and would be lost.
    #[prop(default)]
    kept: bool,
    /// At the side instead of in the middle, for details of one of many.
    #[prop(default)]
    drawer: bool,
}

/// A dialog.
#[component]
pub fn Dialog(props: DialogProps) -> View {
    let DialogProps { open, title, children, actions, kept, drawer } = props;
    let node = create_node_ref();
    let element = move || node.try_get().and_then(|node| node.dyn_into::<HtmlDialogElement>().ok());
    on_mount(move || {
        create_effect(move || {
            let wanted = open.get();
            let Some(dialog) = element() else { return };
            if wanted && !dialog.open() {
                let _ = dialog.show_modal();
            } else if !wanted && dialog.open() {
                dialog.close();
            }
        });
    });
    // A click on the dialog itself, not on what is in it, is a click on the shade around it.
    let shade = move |event: web_sys::MouseEvent| {
        let on_shade = event.target().and_then(|target| target.dyn_into::<HtmlDialogElement>().ok()).is_some();
        if on_shade && !kept {
            open.set(false);
        }
    };
    let keys = move |event: web_sys::KeyboardEvent| {
        if kept && event.key() == "Escape" {
            event.prevent_default();
        }
    };
    let closed = move |_: web_sys::Event| {
        if kept && open.get_untracked() {
            // A browser may close it whatever we say, by Back on a phone for example.
            if let Some(dialog) = element() {
                let _ = dialog.show_modal();
            }
        } else {
            open.set(false);
        }
    };
    let close = if kept {
        View::new()
    } else {
        view! { IconButton(glyph=Glyph::X, label=move || t().common.close(), on:click=move |_| open.set(false)) }
    };
    let name = title.clone();
    view! {
        dialog(
            r#ref=node,
            class=if drawer { "dialog drawer" } else { "dialog" },
            aria-label=move || name.get_clone(),
            on:close=closed,
            on:keydown=keys,
            on:click=shade
        ) {
            div(class="dialog-body") {
                header(class="dialog-head") {
                    h2 { (title.get_clone()) }
                    (close)
                }
                div(class="dialog-content") { (children) }
                footer(class="dialog-actions") { (actions) }
            }
        }
    }
}
