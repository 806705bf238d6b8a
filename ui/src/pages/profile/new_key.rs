//! The dialog that makes an API key: name, permissions, life.
use slurmdash_api::api_keys::{ApiKeyList, ApiKeyMade, MAX_KEY_DAYS, NewApiKey};
use slurmdash_api::auth::Permission;
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::keys::PATH;
use super::made_key::MadeKey;
use crate::browser;
use crate::client::reading::Reading;
use crate::client::{ClientError, use_client};
use crate::components::{
    Banner, Button, ButtonKind, Checkbox, Choice, Dialog, RadioGroup, TextInput, TickList, Tone, problem_words,
};
use crate::i18n::t;
use crate::pages::access::{areas, permission_words};

/// Longest name, characters.
const LONGEST_NAME: usize = 100;
/// The life that stands for a number of one's own.
const OWN: &str = "own";

fn lives() -> Vec<Choice> {
    let days = |count: &str| Choice::new(count, t().profile.days(count));
    vec![days("7"), days("30"), days("90"), days("365"), Choice::new(OWN, t().profile.own_days())]
}

/// The days that were chosen; nothing when they are no days that a key can live.
fn days(choice: &str, own: &str) -> Option<u32> {
    let text = if choice == OWN { own } else { choice };
    text.trim().parse().ok().filter(|days| (1..=MAX_KEY_DAYS).contains(days))
}

#[derive(Clone, Copy)]
struct Form {
    name: Signal<String>,
    life: Signal<String>,
    own_days: Signal<String>,
    tried: Signal<bool>,
    busy: Signal<bool>,
    problem: Signal<Option<ClientError>>,
}

impl Form {
    fn new() -> Self {
        Self {
            name: create_signal(String::new()),
            life: create_signal("90".to_owned()),
            own_days: create_signal("180".to_owned()),
            tried: create_signal(false),
            busy: create_signal(false),
            problem: create_signal(None),
        }
    }

    fn name_problem(self) -> String {
        let length = self.name.with(|name| name.trim().chars().count());
        match length {
            0 => t().profile.key_name_missing(),
            length if length > LONGEST_NAME => t().profile.key_name_long(),
            _ => String::new(),
        }
    }

    fn days(self) -> Option<u32> {
        let (life, own) = (self.life.get_clone(), self.own_days.get_clone());
        days(&life, &own)
    }
}

/// The dialog. The key goes to `made`, the list is read again.
#[component(inline_props)]
pub fn NewKeyDialog(open: Signal<bool>, made: Signal<Option<MadeKey>>, list: Reading<ApiKeyList>) -> View {
    view! {
        // Every key begins with an empty form.
        (if open.get() {
            view! { KeyForm(open=open, made=made, list=list) }
        } else {
            view! {}
        })
    }
}

#[component(inline_props)]
fn KeyForm(open: Signal<bool>, made: Signal<Option<MadeKey>>, list: Reading<ApiKeyList>) -> View {
    let client = use_client();
    let form = Form::new();
    let own = untrack(|| client.session.user()).map(|user| user.permissions).unwrap_or_default();
    let boxes: Vec<(Permission, Signal<bool>)> = own.iter().map(|one| (*one, create_signal(false))).collect();
    let chosen = {
        let boxes = boxes.clone();
        create_memo(move || {
            boxes.iter().filter(|(_, ticked)| ticked.get()).map(|(permission, _)| *permission).collect::<Vec<_>>()
        })
    };
    let shown = move |problem: fn(Form) -> String| {
        move || {
            let (tried, words) = (form.tried.get(), problem(form));
            if tried { words } else { String::new() }
        }
    };
    let none_chosen = move || {
        let (tried, none) = (form.tried.get(), chosen.with(Vec::is_empty));
        if tried && none { t().profile.key_may_missing() } else { String::new() }
    };
    let create = move || {
        form.tried.set(true);
        let (permissions, life) = (chosen.get_clone_untracked(), untrack(|| form.days()));
        let Some(expires_in_days) = life else { return };
        if !untrack(|| form.name_problem()).is_empty() {
            browser::focus("dialog[open] input[name=name]");
            return;
        }
        if permissions.is_empty() || form.busy.replace(true) {
            return;
        }
        form.problem.set(None);
        let name = form.name.get_clone_untracked().trim().to_owned();
        spawn_local_scoped(async move {
            let request = NewApiKey { name: name.clone(), permissions: permissions.clone(), expires_in_days };
            let answer = client.post::<ApiKeyMade>(PATH, &request).await;
            form.busy.set(false);
            match answer {
                Ok(key) => {
                    made.set(Some(MadeKey { name, key: key.api_key, permissions }));
                    list.reload();
                    open.set(false);
                }
                Err(error) => form.problem.set(Some(error)),
            }
        });
    };
    let groups: Vec<View> = areas(&own)
        .into_iter()
        .map(|(_, members)| {
            let first = members.first().copied();
            let rows: Vec<View> = members
                .into_iter()
                .filter_map(|permission| boxes.iter().find(|(known, _)| *known == permission).copied())
                .map(|(permission, ticked)| {
                    view! {
                        Checkbox(
                            name=permission.as_str(),
                            label=move || permission_words(permission),
                            value=ticked,
                            help=permission.as_str()
                        )
                    }
                })
                .collect();
            let area = move || first.and_then(|one| areas(&[one]).into_iter().next()).map(|(area, _)| area);
            view! {
                div(class="tick-group") {
                    p(class="tick-area") { (area().unwrap_or_default()) }
                    (rows)
                }
            }
        })
        .collect();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        create();
    };
    let is_own = create_selector(move || form.life.with(|life| life == OWN));
    let days_field = move || {
        if !is_own.get() {
            return View::new();
        }
        view! {
            TextInput(
                name="expires_in_days",
                label=move || t().profile.key_days(),
                value=form.own_days,
                error=move || if form.days().is_some() { String::new() } else { t().profile.key_days_wrong() },
                inputmode="numeric",
                autocomplete="off"
            )
        }
    };
    let buttons = move || {
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Primary, busy=*form.busy, on:click=move |_| create()) {
                (|| t().profile.key_create())
            }
        }
    };
    view! {
        Dialog(open=open, title=move || t().profile.create_key(), actions=buttons) {
            form(class="form", novalidate=true, on:submit=submit) {
                TextInput(
                    name="name",
                    label=move || t().profile.key_name(),
                    value=form.name,
                    help=move || t().profile.key_name_help(),
                    error=shown(Form::name_problem),
                    autocomplete="off"
                )
                TickList(
                    label=move || t().profile.key_may(),
                    help=move || t().profile.key_may_help(),
                    error=none_chosen
                ) { (groups) }
                RadioGroup(name="life", label=move || t().profile.key_life(), value=form.life, choices=lives)
                (days_field())
                (match form.problem.get_clone() {
                    Some(error) => view! {
                        Banner(tone=Tone::Error, title=move || t().profile.key_not_made()) { (problem_words(&error)) }
                    },
                    None => view! {},
                })
                // So that Enter in a field sends the form.
                button(r#type="submit", class="visually-hidden", tabindex="-1", aria-hidden="true")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_a_day_at_least_and_ten_years_at_most() {
        assert_eq!(days("90", "x"), Some(90));
        assert_eq!(days(OWN, " 3650 "), Some(3_650));
        for wrong in ["", "0", "3651", "-1", "1.5", "soon"] {
            assert_eq!(days(OWN, wrong), None, "{wrong}");
        }
    }
}
