//! The filters over the list of jobs. All of them are in the URL.
use slurmdash_api::jobs::JobState;
use sycamore::prelude::*;

use crate::client::use_client;
use crate::components::state_pill::job_state_word;
use crate::components::{Choice, Glyph, SearchInput, Select, Selection, icon};
use crate::i18n::t;
use crate::pages::filters::{text_filter, text_in_url};
use crate::router::{query_signal, query_value, set_query};

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
    let fold = query_value("fold");
    let folded = create_selector(move || fold.with(|fold| fold != "no"));
    view! {
        div(class="filters jobs-filters") {
            SearchInput(name="q", label=move || t().jobs.search(), value=text_in_url("q"))
            Select(
                name="state",
                label=move || t().jobs.state_filter(),
                value=query_signal("state"),
                choices=create_memo(state_choices),
                bare=true
            )
            Select(
                name="partition",
                label=move || t().jobs.partition_filter(),
                value=query_signal("partition"),
                choices=create_memo(partition_choices),
                bare=true
            )
            (if all.get() {
                view! {
                    (text_filter("user", Glyph::User, || t().jobs.user_filter()))
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
