//! `/admin/audit`: who did what, found by user, action, address, result and time, and exported as it is found.
use std::rc::Rc;

use slurmdash_api::audit::{AuditPage, AuditQuery, AuditResult, AuditRow};
use sycamore::prelude::*;

use super::audit_words::{action_choices, action_view, resource_view, result_pill};
use super::export::ExportMenu;
use super::section_links;
use crate::client::jobs::with_query;
use crate::client::paged::Paged;
use crate::client::use_client;
use crate::components::{Button, Cell, Choice, Column, EmptyState, Glyph, PageHeader, Row, Select, Table};
use crate::i18n::{format, t};
use crate::pages::access::device_words;
use crate::pages::filters::{SpanFilter, span_of, text_filter, this_minute};
use crate::pages::listing::{is_empty, list_problem, more_rows, reload_button};
use crate::router::{Query, here_with, location, query_signal, set_query};

/// The filters, by their names in the URL.
const FILTERS: [&str; 7] = ["user", "action", "address", "result", "range", "from", "to"];

/// Reads the URL's query; what the server could not understand is left out.
fn read(query: &Query, now: i64) -> AuditQuery {
    let text = |name: &str| Some(query.get(name).trim().to_owned()).filter(|value| !value.is_empty());
    let (from, to) = span_of(query, now);
    AuditQuery {
        user: text("user"),
        action: text("action"),
        address: text("address"),
        result: match query.get("result") {
            "done" => Some(AuditResult::Done),
            "refused" => Some(AuditResult::Refused),
            _ => None,
        },
        from,
        to,
        after: None,
        limit: None,
    }
}

/// The page.
#[component]
pub fn Audit() -> View {
    let client = use_client();
    let query = create_selector(|| read(&Query::parse(&location().query), this_minute()));
    let url = create_selector(move || with_query("/api/v2/audit", &query.get_clone()));
    let list = Paged::<AuditPage>::new(client, url);
    view! {
        PageHeader(title=move || t().admin.audit(), context=move || t().audit.context()) {
            (reload_button(list))
            ExportMenu(query=query)
        }
        (section_links())
        Filters {}
        (list_problem(list))
        (table(list, query))
        (more_rows(list, || t().audit.older(), || t().audit.searched_text()))
    }
}

#[component]
fn Filters() -> View {
    let result_choices = || {
        vec![
            Choice::new("", t().audit.any_result()),
            Choice::new("done", t().audit.done()),
            Choice::new("refused", t().audit.refused()),
        ]
    };
    view! {
        div(class="filters", role="search") {
            (text_filter("user", Glyph::User, || t().audit.user_filter()))
            Select(
                name="action",
                label=move || t().audit.action(),
                value=query_signal("action"),
                choices=create_memo(action_choices),
                bare=true
            )
            Select(
                name="result",
                label=move || t().audit.result(),
                value=query_signal("result"),
                choices=create_memo(result_choices),
                bare=true
            )
            (text_filter("address", Glyph::Monitor, || t().audit.address()))
            SpanFilter {}
        }
    }
}

fn table(list: Paged<AuditPage>, query: ReadSignal<AuditQuery>) -> View {
    let page = list.page.value();
    let loading = create_selector(move || {
        let (none, failed) = (page.with(Option::is_none), list.page.problem().with(Option::is_some));
        none && !failed
    });
    let rows = create_memo(move || {
        page.with(|page| page.as_ref().map(|page| page.rows.iter().map(row).collect::<Vec<_>>()).unwrap_or_default())
    });
    let nothing = create_selector(move || is_empty(list));
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        if !nothing.get() {
            return View::new();
        }
        if query.with(|query| *query == AuditQuery::default()) {
            return view! {
                EmptyState(
                    glyph=Glyph::ScrollText,
                    title=move || t().audit.none_title(),
                    text=move || t().audit.none_text()
                )
            };
        }
        view! {
            EmptyState(
                glyph=Glyph::Search,
                title=move || t().audit.none_match_title(),
                text=move || t().audit.none_match_text()
            ) {
                Button(on:click=|_| set_query(&FILTERS.map(|name| (name, "")))) { (|| t().common.clear_filters()) }
            }
        }
    });
    let columns = vec![
        Column::new(|| t().audit.what()),
        Column::new(|| t().audit.when()),
        Column::new(|| t().audit.who()),
        Column::new(|| t().audit.on()),
        Column::new(|| t().audit.result()),
        Column::new(|| t().audit.address()),
    ];
    view! {
        div(class="audit-list", aria-busy=move || list.busy.get().then_some("true")) {
            Table(label=move || t().admin.audit(), columns=columns, rows=rows, loading=loading, empty=empty)
        }
    }
}

fn row(row: &AuditRow) -> Row {
    let (what, who, result) = (row.clone(), row.clone(), row.result);
    let resource = row.resource.clone();
    Row {
        key: row.seq.to_string(),
        cells: vec![
            Cell::Custom(row.seq.to_string(), Rc::new(move || what_cell(&what))),
            Cell::Time(Some(row.at)),
            Cell::Custom(format!("{:?}", row.username), Rc::new(move || who_cell(&who))),
            Cell::Custom(format!("{resource:?}"), Rc::new(move || resource_view(resource.as_deref()))),
            Cell::Custom(format!("{result:?}"), Rc::new(move || result_pill(result))),
            Cell::Mono(row.address.clone().unwrap_or_else(|| "–".to_owned())),
        ],
        ..Row::default()
    }
}

/// What was done; it opens to everything else that is known of it.
fn what_cell(row: &AuditRow) -> View {
    let number = row.seq.to_string();
    let facts: Vec<View> =
        facts(row).into_iter().map(|(name, value)| view! { dt { (name) } dd(class="mono") { (value) } }).collect();
    let action = action_view(&row.action);
    view! {
        details(class="audit-details") {
            summary(title=t().audit.details_of(&number)) { (action) }
            dl(class="facts") { (facts) }
        }
    }
}

fn facts(row: &AuditRow) -> Vec<(String, String)> {
    let words = t().audit;
    let agent = row.agent.as_deref().map(|agent| format!("{} ({agent})", device_words(Some(agent))));
    let all = [
        (words.why(), row.error.clone()),
        (words.on(), row.resource.clone()),
        (words.when(), Some(format::exact_time(row.at))),
        (words.agent(), agent),
        (words.key(), row.key_id.clone()),
        (words.user_id(), row.user_id.clone()),
        (words.request(), row.request_id.clone()),
        (words.row(), Some(row.seq.to_string())),
        (words.prev(), row.prev.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Who did it; a press shows what else they did.
fn who_cell(row: &AuditRow) -> View {
    match (&row.username, &row.user_id, &row.address) {
        (Some(name), ..) => {
            let (name, user) = (name.clone(), name.clone());
            view! { a(href=move || here_with(&[("user", &user)])) { (name) } }
        }
        (None, Some(id), _) => {
            let id = id.clone();
            view! { span(class="mono") { (id) } }
        }
        (None, None, Some(_)) => view! { span(class="absent") { (t().audit.stranger()) } },
        (None, None, None) => view! { span(class="absent") { (t().audit.system()) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_the_question() {
        let read = |text| read(&Query::parse(text), 1_000_000);
        let query = read("user=ada&action=session.&address=10.0.0.1&result=refused&range=1h");
        assert_eq!((query.user.as_deref(), query.action.as_deref()), (Some("ada"), Some("session.")));
        assert_eq!((query.address.as_deref(), query.result), (Some("10.0.0.1"), Some(AuditResult::Refused)));
        assert_eq!((query.from, query.to), (Some(996_400), None));
        for odd in ["", "result=odd", "range=odd", "user=%20", "from=x"] {
            assert_eq!(read(odd), AuditQuery::default(), "{odd}");
        }
    }
}
