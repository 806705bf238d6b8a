//! The filters over the list of jobs. All of them are in the URL.
use std::rc::Rc;

use slurmdash_api::jobs::JobState;
use sycamore::prelude::*;

use crate::client::clock::Timeout;
use crate::client::use_client;
use crate::components::state_pill::job_state_word;
use crate::components::{Choice, Glyph, SearchInput, Select, Selection, icon};
use crate::i18n::t;
use crate::router::{query_value, set_query};

/// How long typing must rest before the list is asked for, milliseconds.
const REST_MS: i32 = 250;

/// States that can be filtered by; `active` and `finished` stand for several.
const STATES: [JobState; 9] = [
    JobState::Running,
    JobState::Pending,
    JobState::Completing,
    JobState::Suspended,
    JobState::Completed,
    JobState::Failed,
    JobState::Cancelled,
    JobState::Timeout,
    JobState::OutOfMemory,
];

/// A text that lives in the URL: what is typed goes there when typing rests, and Back brings the old one back.
fn in_url(name: &'static str) -> Signal<String> {
    let stored = query_value(name);
    let typed = create_signal(stored.get_clone_untracked());
    let timer = create_signal(None::<Rc<Timeout>>);
    create_effect(move || {
        let stored = stored.get_clone();
        if typed.with_untracked(|typed| *typed != stored) {
            typed.set(stored);
        }
    });
    create_effect(move || {
        let value = typed.get_clone();
        if stored.with_untracked(|stored| *stored == value) {
            timer.set(None);
            return;
        }
        timer.set(Some(Rc::new(Timeout::new(REST_MS, move || {
            set_query(&[(name, &value), ("page", "")]);
        }))));
    });
    typed
}

/// A choice that lives in the URL.
fn choice_in_url(name: &'static str) -> Signal<String> {
    let stored = query_value(name);
    let chosen = create_signal(stored.get_clone_untracked());
    create_effect(move || {
        let stored = stored.get_clone();
        if chosen.with_untracked(|chosen| *chosen != stored) {
            chosen.set(stored);
        }
    });
    create_effect(move || {
        let value = chosen.get_clone();
        if stored.with_untracked(|stored| *stored != value) {
            set_query(&[(name, &value), ("page", "")]);
        }
    });
    chosen
}

/// The filters, whether arrays are folded, and on a phone whether a touch chooses.
#[component(inline_props)]
pub fn Filters(all: ReadSignal<bool>, selection: Selection) -> View {
    let client = use_client();
    let cluster = client.data.watch_cluster().value();
    let partitions = create_selector(move || {
        cluster.with(|cluster| {
            cluster
                .iter()
                .flat_map(|cluster| cluster.partitions.iter().map(|partition| partition.name.clone()))
                .collect::<Vec<_>>()
        })
    });
    let state_choices = move || {
        let mut choices = vec![
            Choice::new("", t().jobs.any_state()),
            Choice::new("active", t().jobs.active()),
            Choice::new("finished", t().jobs.finished()),
        ];
        choices.extend(STATES.map(|state| Choice::new(state.as_str(), job_state_word(state))));
        choices
    };
    let partition_choices = move || {
        let mut choices = vec![Choice::new("", t().jobs.any_partition())];
        choices.extend(partitions.get_clone().into_iter().map(|name| Choice::new(name.clone(), name)));
        choices
    };
    let user = in_url("user");
    let fold = query_value("fold");
    let folded = create_selector(move || fold.with(|fold| fold != "no"));
    view! {
        div(class="filters jobs-filters") {
            SearchInput(name="q", label=move || t().jobs.search(), value=in_url("q"))
            Select(
                name="state",
                label=move || t().jobs.state_filter(),
                value=choice_in_url("state"),
                choices=create_memo(state_choices),
                bare=true
            )
            Select(
                name="partition",
                label=move || t().jobs.partition_filter(),
                value=choice_in_url("partition"),
                choices=create_memo(partition_choices),
                bare=true
            )
            (if all.get() {
                view! {
                    div(class="search jobs-user") {
                        (icon(Glyph::User))
                        input(
                            class="input",
                            r#type="search",
                            name="user",
                            bind:value=user,
                            aria-label=move || t().jobs.user_filter(),
                            placeholder=move || t().jobs.user_filter(),
                            autocomplete="off",
                            "spellcheck"="false"
                        )
                    }
                }
            } else {
                view! {}
            })
            (toggle(Glyph::Layers, || t().jobs.fold(), folded, |folded| {
                set_query(&[("fold", if folded { "no" } else { "" }), ("page", "")]);
            }))
            div(class="jobs-select") {
                (toggle(Glyph::SquareCheck, || t().jobs.select(), *selection.touching(), move |touching| {
                    selection.clear();
                    selection.touching().set(!touching);
                }))
            }
        }
    }
}

/// A button that is pressed or not; `press` hears how it is before.
fn toggle(glyph: Glyph, label: fn() -> String, on: ReadSignal<bool>, press: impl Fn(bool) + 'static) -> View {
    view! {
        button(
            class="button button-ghost toggle",
            r#type="button",
            aria-pressed=move || if on.get() { "true" } else { "false" },
            on:click=move |_| press(on.get_untracked())
        ) {
            (icon(glyph))
            span(class="button-label") { (label()) }
        }
    }
}
