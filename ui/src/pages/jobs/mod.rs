//! `/jobs`: one's own jobs or everybody's, filtered, sorted and paged by the server, live.
mod row;
mod url;

pub use row::elapsed_now;

use std::rc::Rc;

use slurmdash_api::jobs::{JobPage, JobState};
use sycamore::prelude::*;

use crate::client::clock::Timeout;
use crate::client::jobs::JobList;
use crate::client::use_client;
use crate::components::state_pill::job_state_word;
use crate::components::{
    Banner, Button, ButtonKind, Choice, EmptyState, Glyph, LinkButton, LoadProblem, PageHeader, Pagination,
    SearchInput, Select, Tab, Table, Tabs, Tone, icon, problem_words,
};
use crate::i18n::{format, t};
use crate::router::{self, Query, location, query_value, set_query};

use self::url::{FILTERS, PER_PAGE, is_filtered, read};

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

/// The list of jobs.
#[component]
pub fn Jobs() -> View {
    let client = use_client();
    let query = create_selector(|| read(&Query::parse(&location().query)));
    let list = JobList::new(client, query);
    let page = list.page.value();
    let problem = list.page.problem();
    let all = create_selector(move || query.with(|query| !query.mine));
    let total = create_selector(move || page.with(|page| page.as_ref().map(|page| page.total)));
    let never_loaded = create_selector(move || page.with(Option::is_none));
    let context = move || match total.get() {
        Some(total) if query.with(is_filtered) => t().jobs.context_filtered(&format::count(total)),
        Some(total) => t().jobs.context(&format::count(total)),
        None => String::new(),
    };
    view! {
        PageHeader(title=move || t().jobs.title(), context=context) {
            Button(kind=ButtonKind::Primary, glyph=Glyph::Plus, on:click=|_| router::navigate("/jobs/new")) {
                (t().jobs.new_job())
            }
        }
        div(class="jobs-bar") {
            Tabs(
                label=move || t().jobs.whose(),
                name="view",
                tabs=vec![
                    Tab { value: "", label: || t().jobs.mine() },
                    Tab { value: "all", label: || t().jobs.everyone() },
                ]
            )
            Filters(all=all)
        }
        (if never_loaded.get() { view! { LoadProblem(problem=problem) } } else { refresh_problem(list) })
        (if never_loaded.get() && problem.with(Option::is_some) {
            view! {}
        } else {
            // The columns differ, so each tab has a table of its own.
            table(list, all.get(), query)
        })
        Pagination(
            page=move || query.with(|query| query.page.unwrap_or(1)),
            per_page=PER_PAGE,
            total=move || total.get().unwrap_or(0)
        )
    }
}

/// Says that what is shown is no longer being refreshed.
fn refresh_problem(list: JobList) -> View {
    let problem = list.page.problem();
    view! {
        (match problem.get_clone() {
            Some(error) => view! {
                Banner(tone=Tone::Warning, title=move || t().jobs.not_refreshed()) { (problem_words(&error)) }
            },
            None => view! {},
        })
    }
}

fn table(list: JobList, all: bool, query: ReadSignal<slurmdash_api::jobs::JobQuery>) -> View {
    let page = list.page.value();
    // A list that is on its way for another tab or filter must not look like the answer.
    let loading = create_selector(move || page.with(Option::is_none));
    let rows = move || {
        page.with(|page: &Option<JobPage>| {
            page.as_ref()
                .map(|page| page.jobs.iter().map(|job| row::row(job, all)).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    };
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        if list.busy.get() {
            return view! {};
        }
        empty(query.with(is_filtered), all)
    });
    view! {
        div(class="jobs-list", aria-busy=move || list.busy.get().then_some("true")) {
            Table(
                label=move || t().jobs.title(),
                columns=row::columns(all),
                rows=create_memo(rows),
                loading=loading,
                empty=empty
            )
        }
    }
}

fn empty(filtered: bool, all: bool) -> View {
    if filtered {
        let clear = |_| set_query(&FILTERS.map(|name| (name, "")));
        view! {
            EmptyState(
                glyph=Glyph::Search,
                title=move || t().jobs.none_match_title(),
                text=move || t().jobs.none_match_text()
            ) {
                Button(on:click=clear) { (|| t().common.clear_filters()) }
            }
        }
    } else if all {
        view! {
            EmptyState(title=move || t().jobs.none_at_all_title(), text=move || t().jobs.none_at_all_text()) {
                LinkButton(href="/jobs/new") { (|| t().jobs.choose_template()) }
            }
        }
    } else {
        view! {
            EmptyState(title=move || t().jobs.none_title(), text=move || t().jobs.none_text()) {
                LinkButton(href="/jobs/new") { (|| t().jobs.choose_template()) }
                LinkButton(href="/jobs?view=all", kind=ButtonKind::Ghost) { (|| t().jobs.see_all()) }
            }
        }
    }
}

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

#[component(inline_props)]
fn Filters(all: ReadSignal<bool>) -> View {
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
        }
    }
}
