//! The top bar: which cluster, how fresh, search, uploads, language, theme, person.
use slurmdash_api::cluster::ClusterSummary;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::freshness::FreshnessIndicator;
use super::rail::ADMIN;
use crate::browser;
use crate::client::use_client;
use crate::components::IconButton;
use crate::components::icon::{Glyph, icon};
use crate::i18n::{Language, language, set_language, t};
use crate::theme::{Theme, set_theme, theme};

/// The language that the switch leads to.
pub fn other_language() -> Language {
    Language::ALL.into_iter().find(|&other| other != language()).unwrap_or(Language::English)
}

/// Ends the session and leaves for the login page.
pub fn sign_out() {
    let session = use_client().session;
    wasm_bindgen_futures::spawn_local(async move { session.sign_out().await });
}

fn theme_glyph(theme: Theme) -> Glyph {
    match theme {
        Theme::System => Glyph::Monitor,
        Theme::Light => Glyph::Sun,
        Theme::Dark => Glyph::Moon,
    }
}

fn theme_words(theme: Theme) -> String {
    match theme {
        Theme::System => t().shell.theme_system(),
        Theme::Light => t().shell.theme_light(),
        Theme::Dark => t().shell.theme_dark(),
    }
}

/// Switches language and theme; also on the login page.
#[component]
pub fn Preferences() -> View {
    view! {
        button(
            class="text-button language-switch",
            r#type="button",
            lang=move || other_language().tag(),
            title=move || t().shell.switch_language(other_language().name()),
            on:click=move |_| set_language(other_language())
        ) {
            (icon(Glyph::Languages))
            span { (other_language().name()) }
        }
        IconButton(
            glyph=move || theme_glyph(theme()),
            label=move || theme_words(theme()),
            on:click=move |_| set_theme(theme().next())
        )
    }
}

/// The top bar.
#[component(inline_props)]
pub fn TopBar(
    cluster: ReadSignal<Option<ClusterSummary>>,
    palette_open: Signal<bool>,
    indicator: fn() -> View,
) -> View {
    let name = create_selector(move || cluster.with(|c| c.as_ref().map(|c| c.name.clone()).unwrap_or_default()));
    let simulated = create_selector(move || cluster.with(|c| c.as_ref().is_some_and(|c| c.simulated)));
    view! {
        header(class="topbar") {
            span(class="topbar-cluster") { (name.get_clone()) }
            (if simulated.get() {
                view! {
                    span(class="tag", title=move || t().shell.simulated_hint()) { (|| t().shell.simulated()) }
                }
            } else {
                view! {}
            })
            FreshnessIndicator {}
            button(
                class="palette-button",
                r#type="button",
                aria-label=move || format!("{} Ctrl K", t().shell.search_or_go()),
                aria-keyshortcuts="Control+K",
                on:click=move |_| palette_open.set(true)
            ) {
                (icon(Glyph::Search))
                span(class="palette-button-words") { (|| t().shell.search_or_go()) }
                kbd { "Ctrl K" }
            }
            div(class="topbar-end") {
                (indicator())
                Preferences {}
                PersonMenu {}
            }
        }
    }
}

/// A link in the menu leads to a page in place, so nothing else closes it.
fn close_menu() {
    if let Some(menu) = browser::document().get_element_by_id("person-menu") {
        let _ = menu.unchecked_into::<HtmlElement>().hide_popover();
    }
}

/// Who is signed in, and the way out. The menu is the browser's own popover: Esc and a click elsewhere close it.
#[component]
fn PersonMenu() -> View {
    let session = use_client().session;
    let name = create_selector(move || session.user().map(|user| user.username).unwrap_or_default());
    let is_admin = create_selector(move || ADMIN.iter().any(|permission| session.may(*permission)));
    let initial =
        move || name.with(|name| name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default());
    view! {
        button(
            class="person",
            r#type="button",
            "popovertarget"="person-menu",
            aria-label=move || t().shell.account(),
            title=move || name.get_clone()
        ) { (initial()) }
        div(class="menu", id="person-menu", "popover"="auto") {
            p(class="menu-head") {
                (t().shell.signed_in_as(&name.get_clone()))
            }
            a(class="menu-item", href="/profile", on:click=|_| close_menu()) {
                (icon(Glyph::User))
                span { (|| t().shell.profile()) }
            }
            (if is_admin.get() {
                view! {
                    a(class="menu-item", href="/admin", on:click=|_| close_menu()) {
                        (icon(Glyph::Shield))
                        span { (|| t().shell.admin()) }
                    }
                }
            } else {
                view! {}
            })
            button(class="menu-item", r#type="button", on:click=move |_| sign_out()) {
                (icon(Glyph::LogOut))
                span { (|| t().shell.sign_out()) }
            }
        }
    }
}
