//! `/admin/events`: what looks like an attack or a mistake, and whether somebody dealt with it.
use std::rc::Rc;

use slurmdash_api::audit::{EventPage, EventQuery, SecurityEvent, Severity};
use slurmdash_api::auth::Permission;
use sycamore::prelude::*;

use super::resolve::ResolveDialog;
use super::section_links;
use super::severity::{KINDS, kind_words, severity_mark, severity_pill, severity_words};
use crate::browser;
use crate::client::jobs::with_query;
use crate::client::paged::Paged;
use crate::client::use_client;
use crate::components::icon::icon;
use crate::components::{
    Button, Cell, Choice, Column, EmptyState, Glyph, Mark, PageHeader, Row, Select, Table, pill, time_ago,
};
use crate::i18n::{format, t};
use crate::pages::filters::{SpanFilter, span_of, text_filter, this_minute};
use crate::pages::listing::{is_empty, list_problem, more_rows, reload_button};
use crate::router::{Query, here_with, location, query_signal, set_query};

/// The filters, by their names in the URL.
const FILTERS: [&str; 8] = ["severity", "state", "kind", "user", "address", "range", "from", "to"];
/// How often news are looked for, milliseconds.
const LOOK_MS: i32 = 20_000;
/// A list that was read further than this is not read anew under the eyes of who reads it.
const FIRST_PAGE: usize = 50;

/// Reads the URL's query; what the server could not understand is left out. Without a word about it, only what nobody
/// has dealt with is asked for.
fn read(query: &Query, now: i64) -> EventQuery {
    let text = |name: &str| Some(query.get(name).trim().to_owned()).filter(|value| !value.is_empty());
    let (from, to) = span_of(query, now);
    EventQuery {
        severity: Severity::ALL.into_iter().find(|severity| severity.as_str() == query.get("severity")),
        resolved: match query.get("state") {
            "all" => None,
            "resolved" => Some(true),
            _ => Some(false),
        },
        kind: text("kind"),
        user: text("user"),
        address: text("address"),
        from,
        to,
        after: None,
        limit: None,
    }
}

/// The page.
#[component]
pub fn Events() -> View {
    let client = use_client();
    let query = create_selector(|| read(&Query::parse(&location().query), this_minute()));
    let url = create_selector(move || with_query("/api/v2/security-events", &query.get_clone()));
    let list = Paged::<EventPage>::new(client, url);
    let page = list.page.value();
    let resolving = create_signal(None::<SecurityEvent>);
    browser::every(LOOK_MS, move || {
        let short = page.with_untracked(|page| page.as_ref().is_none_or(|page| page.events.len() <= FIRST_PAGE));
        if short && !browser::document().hidden() && !list.reading_on.get_untracked() {
            list.reload();
        }
    });
    view! {
        PageHeader(title=move || t().admin.events(), context=move || t().events.context()) { (reload_button(list)) }
        (section_links())
        (counts(list))
        Filters {}
        (list_problem(list))
        (table(list, query, resolving))
        (more_rows(list, || t().audit.older(), || t().audit.searched_text()))
        ResolveDialog(event=resolving, list=list)
    }
}

/// How many nobody has dealt with, by severity; each leads to them.
fn counts(list: Paged<EventPage>) -> View {
    let page = list.page.value();
    let open = create_selector(move || page.with(|page| page.as_ref().map(|page| page.open.clone())));
    let links = move || -> Vec<View> {
        let open = open.get_clone().unwrap_or_default();
        Severity::ALL
            .into_iter()
            .map(|severity| {
                let count = open.get(&severity).copied().unwrap_or(0);
                let words = format::count(usize::try_from(count).unwrap_or(usize::MAX));
                let label = t().events.open_count(&severity_words(severity), &words);
                let (mark, glyph) = severity_mark(severity);
                let href = move || here_with(&[("severity", severity.as_str()), ("state", "")]);
                view! {
                    li {
                        a(
                            class="event-count",
                            href=href,
                            "data-mark"=mark.name(),
                            "data-none"=(count == 0).then_some(""),
                            aria-label=label
                        ) {
                            (icon(glyph))
                            span(class="event-count-number") { (words) }
                            span { (severity_words(severity)) }
                        }
                    }
                }
            })
            .collect()
    };
    view! { ul(class="event-counts", aria-label=move || t().events.open_counts()) { (links()) } }
}

#[component]
fn Filters() -> View {
    let severity_choices = || {
        let mut choices = vec![Choice::new("", t().events.any_severity())];
        choices.extend(Severity::ALL.map(|severity| Choice::new(severity.as_str(), severity_words(severity))));
        choices
    };
    let state_choices = || {
        vec![
            Choice::new("", t().events.open()),
            Choice::new("resolved", t().events.resolved()),
            Choice::new("all", t().events.any_state()),
        ]
    };
    let kind_choices = || {
        let mut choices = vec![Choice::new("", t().events.any_kind())];
        choices.extend(KINDS.map(|(word, words)| Choice::new(word, words(t().events))));
        choices
    };
    view! {
        div(class="filters", role="search") {
            Select(
                name="state",
                label=move || t().events.state(),
                value=query_signal("state"),
                choices=create_memo(state_choices),
                bare=true
            )
            Select(
                name="severity",
                label=move || t().events.severity(),
                value=query_signal("severity"),
                choices=create_memo(severity_choices),
                bare=true
            )
            Select(
                name="kind",
                label=move || t().events.kind(),
                value=query_signal("kind"),
                choices=create_memo(kind_choices),
                bare=true
            )
            (text_filter("user", Glyph::User, || t().audit.user_filter()))
            (text_filter("address", Glyph::Monitor, || t().audit.address()))
            SpanFilter {}
        }
    }
}

fn table(list: Paged<EventPage>, query: ReadSignal<EventQuery>, resolving: Signal<Option<SecurityEvent>>) -> View {
    let session = use_client().session;
    let page = list.page.value();
    let may_manage = create_selector(move || session.may(Permission::EventManage));
    let loading = create_selector(move || {
        let (none, failed) = (page.with(Option::is_none), list.page.problem().with(Option::is_some));
        none && !failed
    });
    let rows = create_memo(move || {
        let may_manage = may_manage.get();
        page.with(|page| {
            let events = page.iter().flat_map(|page| &page.events);
            events.map(|event| row(event, may_manage, resolving)).collect::<Vec<_>>()
        })
    });
    let nothing = create_selector(move || is_empty(list));
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        let unfiltered = EventQuery { resolved: Some(false), ..EventQuery::default() };
        if !nothing.get() {
            View::new()
        } else if query.with(|query| *query == unfiltered) {
            view! {
                EmptyState(
                    glyph=Glyph::Shield,
                    title=move || t().events.none_title(),
                    text=move || t().events.none_text()
                )
            }
        } else {
            view! {
                EmptyState(
                    glyph=Glyph::Search,
                    title=move || t().events.none_match_title(),
                    text=move || t().events.none_match_text()
                ) {
                    Button(on:click=|_| set_query(&FILTERS.map(|name| (name, "")))) {
                        (|| t().common.clear_filters())
                    }
                }
            }
        }
    });
    let columns = vec![
        Column::new(|| t().events.what()),
        Column::new(|| t().events.severity()),
        Column::new(|| t().events.last()),
        Column::new(|| t().audit.user()),
        Column::new(|| t().audit.address()),
        Column::new(|| t().events.state()),
    ];
    view! {
        div(class="audit-list", aria-busy=move || list.busy.get().then_some("true")) {
            Table(label=move || t().admin.events(), columns=columns, rows=rows, loading=loading, empty=empty)
        }
    }
}

fn row(event: &SecurityEvent, may_manage: bool, resolving: Signal<Option<SecurityEvent>>) -> Row {
    let (what, last, state, severity) = (event.clone(), event.clone(), event.clone(), event.severity);
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    Row {
        key: event.id.clone(),
        cells: vec![
            Cell::Custom(format!("{} {}", event.kind, event.description), Rc::new(move || what_cell(&what))),
            Cell::Custom(severity.as_str().to_owned(), Rc::new(move || severity_pill(severity))),
            Cell::Custom(format!("{} {}", event.last_at, event.count), Rc::new(move || last_cell(&last))),
            Cell::Text(text(&event.username)),
            Cell::Mono(text(&event.address)),
            Cell::Custom(
                format!("{:?} {:?} {may_manage}", event.resolved_at, event.note),
                Rc::new(move || state_cell(&state, may_manage, resolving)),
            ),
        ],
        ..Row::default()
    }
}

fn what_cell(event: &SecurityEvent) -> View {
    let (kind, description) = (event.kind.clone(), event.description.clone());
    view! {
        span(class="event-what") {
            span(class="event-kind") { (kind_words(&kind)) }
            span(class="event-words") { (description) }
        }
    }
}

/// When it was last seen, and how often.
fn last_cell(event: &SecurityEvent) -> View {
    let times = (event.count > 1).then(|| format::count(usize::try_from(event.count).unwrap_or(usize::MAX)));
    let first = event.at;
    let last = time_ago(Some(event.last_at));
    let often = times.map_or_else(View::new, |times| {
        view! {
            span(class="tag", title=move || format!("{}: {}", t().events.first(), format::exact_time(first))) {
                (t().events.times(&times))
            }
        }
    });
    view! {
        span(class="event-last") {
            (last)
            (often)
        }
    }
}

/// Who dealt with it and what they wrote, or the button to do so.
fn state_cell(event: &SecurityEvent, may_manage: bool, resolving: Signal<Option<SecurityEvent>>) -> View {
    let Some(resolved_at) = event.resolved_at else {
        if !may_manage {
            return pill(Mark::Pending, Glyph::CircleDot, || t().events.open());
        }
        let (event, kind) = (event.clone(), event.kind.clone());
        return view! {
            button(
                class="button button-secondary row-action",
                r#type="button",
                aria-label=move || t().events.resolve_of(&kind_words(&kind)),
                on:click=move |_| resolving.set(Some(event.clone()))
            ) { (t().events.resolve()) }
        };
    };
    let by = event.resolved_by.clone().map(|name| t().events.resolved_by(&name)).unwrap_or_default();
    let note = event.note.clone().unwrap_or_default();
    view! {
        span(class="event-state") {
            span(class="event-last") {
                (pill(Mark::Done, Glyph::Check, || t().events.resolved()))
                (time_ago(Some(resolved_at)))
                span { (by) }
            }
            span(class="event-note") { (note) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_open_events_are_asked_for_unless_somebody_wants_more() {
        let read = |text| read(&Query::parse(text), 1_000_000);
        assert_eq!(read(""), EventQuery { resolved: Some(false), ..EventQuery::default() });
        assert_eq!(read("state=all"), EventQuery::default());
        let query = read("state=resolved&severity=high&kind=login_failed&user=ada&range=24h");
        assert_eq!((query.resolved, query.severity), (Some(true), Some(Severity::High)));
        assert_eq!((query.kind.as_deref(), query.user.as_deref()), (Some("login_failed"), Some("ada")));
        assert_eq!(read("severity=odd").severity, None);
    }
}
