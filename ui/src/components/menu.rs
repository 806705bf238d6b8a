//! A menu under a button: what else can be done. Arrow keys go through it; Esc, Tab and a press elsewhere close it.
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::Text;
use super::field::unique_id;
use super::icon::{Glyph, icon};
use crate::browser;

/// One thing that a menu offers.
pub struct MenuItem {
    /// Its icon.
    pub glyph: Glyph,
    /// Its words.
    pub label: Text,
    /// Does it.
    pub act: Box<dyn Fn()>,
}

/// Props of [`Menu`].
#[derive(Props)]
pub struct MenuProps {
    /// The button's words.
    #[prop(setter(into))]
    label: Text,
    /// What it offers.
    items: Vec<MenuItem>,
    /// Opens upwards: for a button at the bottom of the window.
    #[prop(default)]
    upwards: bool,
}

/// A button with a menu.
#[component]
pub fn Menu(props: MenuProps) -> View {
    let MenuProps { label, items, upwards } = props;
    let open = create_signal(false);
    let root = create_node_ref();
    let id = unique_id("menu");
    let element = move || root.try_get().and_then(|node| node.dyn_into::<Element>().ok());
    browser::on_window("pointerdown", move |event| {
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok())
            .is_some_and(|node| element().is_some_and(|root| root.contains(Some(&node))));
        if open.is_alive() && open.get_untracked() && !inside {
            open.set(false);
        }
    });
    let focus_item = move |step: i32| {
        let Some(items) = element().and_then(|root| root.query_selector_all("[role=menuitem]").ok()) else { return };
        let count = i32::try_from(items.length()).unwrap_or(0);
        let active = browser::document().active_element();
        let now = (0..count).find(|place| {
            let item = items.get(u32::try_from(*place).unwrap_or(0));
            item.is_some_and(|item| active.as_ref().is_some_and(|active| active.is_same_node(Some(&item))))
        });
        let next = match now {
            None if step < 0 => count - 1,
            None => 0,
            Some(now) => (now + step).rem_euclid(count.max(1)),
        };
        if let Some(item) = items.get(u32::try_from(next).unwrap_or(0)) {
            let _ = item.unchecked_into::<HtmlElement>().focus();
        }
    };
    let close = move || {
        open.set(false);
        if let Some(Ok(Some(button))) = element().map(|root| root.query_selector(".menu-button")) {
            let _ = button.unchecked_into::<HtmlElement>().focus();
        }
    };
    let keys = move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" | "ArrowUp" => {
            event.prevent_default();
            open.set(true);
            let step = if event.key() == "ArrowDown" { 1 } else { -1 };
            browser::after(0, move || focus_item(step));
        }
        "Escape" if open.get_untracked() => {
            event.stop_propagation();
            close();
        }
        "Tab" => open.set(false),
        _ => {}
    };
    let entries: Vec<View> = items
        .into_iter()
        .map(|MenuItem { glyph, label, act }| {
            let press = move |_| {
                close();
                act();
            };
            view! {
                button(class="menu-item", r#type="button", role="menuitem", tabindex="-1", on:click=press) {
                    (icon(glyph))
                    span { (label.get_clone()) }
                }
            }
        })
        .collect();
    let (menu_id, name) = (id.clone(), label.clone());
    view! {
        div(class="menu-anchor", r#ref=root, data-upwards=upwards.then_some(""), on:keydown=keys) {
            button(
                class="button button-secondary menu-button",
                r#type="button",
                aria-haspopup="menu",
                aria-controls=id,
                aria-expanded=move || if open.get() { "true" } else { "false" },
                on:click=move |_| open.set(!open.get_untracked())
            ) {
                span(class="button-label") { (label.get_clone()) }
                (icon(Glyph::ChevronDown))
            }
            div(
                class="menu-panel",
                id=menu_id,
                role="menu",
                aria-label=move || name.get_clone(),
                hidden=move || !open.get()
            ) { (entries) }
        }
    }
}
