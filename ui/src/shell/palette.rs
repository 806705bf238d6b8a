//! The command palette (`Ctrl-K`): every page and action by name, and search in jobs and nodes.
use slurmdash_api::auth::Permission;
use sycamore::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, KeyboardEvent};

use super::rail::ADMIN;
use super::topbar::{other_language, sign_out};
use crate::browser;
use crate::client::{Session, use_client};
use crate::components::icon::{Glyph, icon};
use crate::i18n::{set_language, t};
use crate::router::{navigate, path_with};
use crate::theme::{set_theme, theme};

/// What a command does.
#[derive(Clone, PartialEq)]
enum Action {
    Go(String),
    SwitchLanguage,
    SwitchTheme,
    SignOut,
}

#[derive(Clone, PartialEq)]
struct Command {
    group: String,
    name: String,
    glyph: Glyph,
    action: Action,
}

/// What the person may do; tracked.
fn all_commands(session: Session) -> Vec<Command> {
    let words = t().shell;
    let may = |needs: &[Permission]| needs.iter().any(|permission| session.may(*permission));
    let go = |name: String, glyph: Glyph, href: &str| Command {
        group: words.group_go(),
        name,
        glyph,
        action: Action::Go(href.to_owned()),
    };
    let act = |name: String, glyph: Glyph, action: Action| Command { group: words.group_do(), name, glyph, action };
    let pages = [
        (true, go(words.dashboard(), Glyph::LayoutDashboard, "/dashboard")),
        (may(&[Permission::JobView]), go(words.jobs(), Glyph::ListVideo, "/jobs")),
        (may(&[Permission::NodeView]), go(words.nodes(), Glyph::Server, "/nodes")),
        (may(&[Permission::TemplateView]), go(words.templates(), Glyph::LayoutTemplate, "/templates")),
        (true, go(words.profile(), Glyph::User, "/profile")),
        (may(ADMIN), go(words.admin(), Glyph::Shield, "/admin")),
        (may(&[Permission::JobSubmit]), act(words.new_job(), Glyph::Plus, Action::Go("/jobs/new".to_owned()))),
    ];
    let mut commands: Vec<Command> = pages.into_iter().filter(|(may, _)| *may).map(|(_, command)| command).collect();
    commands.extend([
        act(words.switch_language(other_language().name()), Glyph::Languages, Action::SwitchLanguage),
        act(words.change_theme(), Glyph::Sun, Action::SwitchTheme),
        act(words.sign_out(), Glyph::LogOut, Action::SignOut),
    ]);
    commands
}

/// The commands whose names hold every word of `text`, and the searches for it.
fn matching(commands: Vec<Command>, text: &str) -> Vec<Command> {
    let text = text.trim();
    if text.is_empty() {
        return commands;
    }
    let lower = text.to_lowercase();
    let mut found: Vec<Command> = commands
        .into_iter()
        .filter(|command| {
            let name = command.name.to_lowercase();
            lower.split_whitespace().all(|word| name.contains(word))
        })
        .collect();
    let words = t().shell;
    for (path, name) in [("/jobs", words.palette_find_job(text)), ("/nodes", words.palette_find_node(text))] {
        found.push(Command {
            group: words.group_find(),
            name,
            glyph: Glyph::Search,
            action: Action::Go(path_with(path, &[("q", text)])),
        });
    }
    found
}

fn run(action: &Action) {
    match action {
        Action::Go(href) => navigate(href),
        Action::SwitchLanguage => set_language(other_language()),
        Action::SwitchTheme => set_theme(theme().next()),
        Action::SignOut => sign_out(),
    }
}

/// The palette: a combobox over a list, as the ARIA authoring practices describe it.
#[component(inline_props)]
pub fn Palette(open: Signal<bool>) -> View {
    let text = create_signal(String::new());
    let chosen = create_signal(0_usize);
    let session = use_client().session;
    let commands = create_memo(move || matching(all_commands(session), &text.get_clone()));
    let dialog = create_node_ref();
    let element = move || dialog.try_get().and_then(|node| node.dyn_into::<HtmlDialogElement>().ok());
    let opened = move || {
        text.set(String::new());
        chosen.set(0);
        if let Some(dialog) = element() {
            let _ = dialog.show_modal();
            browser::focus("#palette-input");
        }
    };
    on_mount(move || {
        create_effect(move || match (open.get(), element().is_some_and(|dialog| dialog.open())) {
            (true, false) => untrack(opened),
            (false, true) => {
                if let Some(dialog) = element() {
                    dialog.close();
                }
            }
            _ => {}
        });
    });
    let pick = move |index: usize| {
        let command = commands.with(|commands| commands.get(index).cloned());
        if let Some(command) = command {
            open.set(false);
            run(&command.action);
        }
    };
    let keys = move |event: KeyboardEvent| {
        let count = commands.with(Vec::len).max(1);
        let now = chosen.get();
        match event.key().as_str() {
            "ArrowDown" => chosen.set((now + 1) % count),
            "ArrowUp" => chosen.set((now + count - 1) % count),
            "Enter" => pick(now),
            _ => return,
        }
        event.prevent_default();
    };
    let shade = move |event: web_sys::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| target.has_attribute("data-shade")) {
            open.set(false);
        }
    };
    view! {
        dialog(
            r#ref=dialog,
            class="palette",
            data-shade="",
            aria-label=move || t().shell.palette_title(),
            on:close=move |_: web_sys::Event| open.set(false),
            on:click=shade
        ) {
            div(class="palette-body") {
                div(class="palette-search") {
                    (icon(Glyph::Search))
                    input(
                        id="palette-input",
                        r#type="text",
                        role="combobox",
                        aria-expanded="true",
                        aria-controls="palette-list",
                        aria-autocomplete="list",
                        aria-activedescendant=move || format!("palette-{}", chosen.get()),
                        aria-label=move || t().shell.palette_hint(),
                        placeholder=move || t().shell.palette_hint(),
                        autocomplete="off",
                        bind:value=text,
                        on:input=move |_: web_sys::Event| chosen.set(0),
                        on:keydown=keys
                    )
                    kbd { "Esc" }
                }
                ul(class="palette-list", id="palette-list", role="listbox", aria-label=move || t().shell.palette_title()) {
                    (commands
                        .get_clone()
                        .into_iter()
                        .enumerate()
                        .map(|(index, command)| {
                            let here = create_selector(move || chosen.get() == index);
                            view! {
                                li(
                                    class="palette-item",
                                    id=format!("palette-{index}"),
                                    role="option",
                                    aria-selected=move || if here.get() { "true" } else { "false" },
                                    on:click=move |_| pick(index),
                                    on:pointermove=move |_: web_sys::PointerEvent| if chosen.get() != index { chosen.set(index) }
                                ) {
                                    (icon(command.glyph))
                                    span(class="palette-name") { (command.name) }
                                    span(class="palette-group") { (command.group) }
                                }
                            }
                        })
                        .collect::<Vec<_>>())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_in_the_name() {
        let commands = vec![
            Command { group: String::new(), name: "New Job".into(), glyph: Glyph::Plus, action: Action::SignOut },
            Command { group: String::new(), name: "Jobs".into(), glyph: Glyph::Plus, action: Action::SignOut },
        ];
        let names = |text: &str| -> Vec<String> {
            matching(commands.clone(), text).into_iter().map(|command| command.name).collect()
        };
        assert_eq!(names("  "), ["New Job", "Jobs"]);
        assert_eq!(names("job ne")[0], "New Job");
        assert_eq!(names("xyz").len(), 2, "only the two searches are left");
    }
}
