//! Open sessions as a table, each with the button that ends it.
use std::rc::Rc;

use slurmdash_api::auth::{Session, SessionList};
use sycamore::prelude::*;

use super::listed::Listed;
use super::{device_words, refusal};
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{Cell, Column, Confirm, EmptyState, Glyph, Question, Row, Tone, toast};
use crate::i18n::t;
use crate::router::path_to;

/// The table. A session is ended below `path`; without `can_end` they are only shown.
#[component(inline_props)]
pub fn SessionTable(
    list: Reading<SessionList>,
    path: String,
    confirm: Confirm,
    can_end: ReadSignal<bool>,
    ended: Rc<dyn Fn()>,
) -> View {
    let client = use_client();
    let value = list.remote.value();
    let end: Rc<dyn Fn(Session)> = Rc::new(move |session| {
        let (device, path, ended) =
            (device_words(session.agent.as_deref()), path_to(&path, &session.id), ended.clone());
        let title = move || t().access.end_title(&device);
        confirm.ask(
            Question::new(
                title,
                || t().access.end_text(),
                || t().access.end_verb(),
                move || {
                    let (path, ended) = (path.clone(), ended.clone());
                    async move {
                        client.command("DELETE", &path).await?;
                        toast(Tone::Success, t().access.session_ended());
                        ended();
                        Ok(())
                    }
                },
            )
            .refused_as(refusal),
        );
    });
    let rows = create_memo(move || {
        let can_end = can_end.get();
        let sessions = value.with(|list| list.as_ref().map(|list| list.sessions.clone()).unwrap_or_default());
        sessions.iter().map(|session| row(session, can_end, &end)).collect::<Vec<_>>()
    });
    let empty = || {
        view! {
            EmptyState(
                glyph=Glyph::Monitor,
                title=move || t().access.no_sessions_title(),
                text=move || t().access.no_sessions_text()
            )
        }
    };
    let columns: Rc<dyn Fn() -> Vec<Column>> = Rc::new(move || columns(can_end.get()));
    view! {
        Listed(list=list, label=|| t().profile.sessions(), columns=columns, rows=rows, empty=Rc::new(empty))
    }
}

fn columns(can_end: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new(|| t().access.device()),
        Column::new(|| t().access.address()),
        Column::new(|| t().access.signed_in()),
        Column::new(|| t().access.last_used()),
        Column::new(|| t().access.ends()),
    ];
    if can_end {
        columns.push(Column::new(|| t().common.actions()));
    }
    columns
}

fn row(session: &Session, can_end: bool, end: &Rc<dyn Fn(Session)>) -> Row {
    let mut cells = vec![
        device_cell(session),
        Cell::Mono(session.address.clone().unwrap_or_else(|| "–".to_owned())),
        Cell::Time(Some(session.created_at)),
        Cell::Time(Some(session.last_used_at)),
        Cell::Time(Some(session.expires_at)),
    ];
    if can_end {
        cells.push(end_cell(session, end.clone()));
    }
    Row { key: session.id.clone(), cells, ..Row::default() }
}

fn device_cell(session: &Session) -> Cell {
    let (agent, is_current) = (session.agent.clone(), session.is_current);
    Cell::Custom(
        format!("{agent:?} {is_current}"),
        Rc::new(move || {
            let (agent, title) = (agent.clone(), agent.clone().unwrap_or_default());
            view! {
                span(class="session-device", title=title) {
                    span { (device_words(agent.as_deref())) }
                    (if is_current {
                        view! { span(class="tag tag-here") { (t().access.this_session()) } }
                    } else {
                        view! {}
                    })
                }
            }
        }),
    )
}

/// The button; none for the session that is asking, which ends by signing out.
fn end_cell(session: &Session, end: Rc<dyn Fn(Session)>) -> Cell {
    if session.is_current {
        return Cell::Text(String::new());
    }
    let session = session.clone();
    Cell::Custom(
        "end".to_owned(),
        Rc::new(move || {
            let (session, end, device) = (session.clone(), end.clone(), session.agent.clone());
            view! {
                button(
                    class="button button-ghost row-action",
                    r#type="button",
                    aria-label=move || t().access.end_session_of(&device_words(device.as_deref())),
                    on:click=move |_| end(session.clone())
                ) { (t().access.end_session()) }
            }
        }),
    )
}
