//! The dialog that marks a security event as dealt with.
use slurmdash_api::audit::{EventPage, ResolveEvent, SecurityEvent};
use sycamore::futures::spawn_local_scoped;
use sycamore::prelude::*;

use super::severity::{kind_words, severity_pill};
use crate::client::paged::Paged;
use crate::client::{ClientError, use_client};
use crate::components::{Banner, Button, ButtonKind, Dialog, TextArea, Tone, toast};
use crate::i18n::t;
use crate::pages::access::refusal;
use crate::router::path_to;

/// Longest note, characters.
const LONGEST_NOTE: usize = 2_000;

/// The dialog; it opens whenever an event is put into `event`.
#[component(inline_props)]
pub fn ResolveDialog(event: Signal<Option<SecurityEvent>>, list: Paged<EventPage>) -> View {
    let client = use_client();
    let (open, busy) = (create_signal(false), create_signal(false));
    let note = create_signal(String::new());
    let problem = create_signal(None::<ClientError>);
    let too_long = create_selector(move || note.with(|note| note.chars().count() > LONGEST_NOTE));
    create_effect(move || {
        if event.with(Option::is_some) {
            note.set(String::new());
            problem.set(None);
            open.set(true);
        }
    });
    let resolve = move |_| {
        let Some(id) = event.with_untracked(|event| event.as_ref().map(|event| event.id.clone())) else { return };
        if too_long.get_untracked() || busy.replace(true) {
            return;
        }
        problem.set(None);
        spawn_local_scoped(async move {
            let path = format!("{}/resolve", path_to("/api/v2/security-events", &id));
            let request = ResolveEvent { note: note.get_clone_untracked().trim().to_owned() };
            // The answer is the event as it is now; the list is read again for it and for the counts.
            let answer = client.post::<serde_json::Value>(&path, &request).await;
            busy.set(false);
            match answer {
                Ok(_) => {
                    toast(Tone::Success, t().events.is_resolved());
                    open.set(false);
                    list.reload();
                }
                Err(error) => problem.set(Some(error)),
            }
        });
    };
    let buttons = move || {
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Primary, busy=*busy, disabled=too_long, on:click=resolve) {
                (|| t().events.resolve_verb())
            }
        }
    };
    view! {
        Dialog(open=open, title=move || t().events.resolve_title(), actions=buttons) {
            (event.get_clone().map_or_else(View::new, what))
            TextArea(
                name="note",
                label=move || t().events.note(),
                value=note,
                help=move || t().events.note_help(),
                error=move || if too_long.get() { t().events.note_long() } else { String::new() }
            )
            (match problem.get_clone() {
                Some(error) => view! {
                    Banner(tone=Tone::Error, title=move || t().events.not_resolved()) { (refusal(&error)) }
                },
                None => view! {},
            })
        }
    }
}

/// What it is about.
fn what(event: SecurityEvent) -> View {
    let SecurityEvent { kind, severity, description, .. } = event;
    let severity = severity_pill(severity);
    view! {
        p(class="event-last") { (severity) span(class="event-kind") { (move || kind_words(&kind)) } }
        p { (description) }
    }
}
