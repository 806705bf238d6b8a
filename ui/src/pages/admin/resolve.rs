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

/// The dialog; open while there is an event.
#[component(inline_props)]
pub fn ResolveDialog(event: Signal<Option<SecurityEvent>>, list: Paged<EventPage>) -> View {
    view! {
        (match event.get_clone() {
            Some(chosen) => shown(chosen, event, list),
            None => view! {},
        })
    }
}

fn shown(chosen: SecurityEvent, event: Signal<Option<SecurityEvent>>, list: Paged<EventPage>) -> View {
    let client = use_client();
    let open = create_signal(true);
    let note = create_signal(String::new());
    let busy = create_signal(false);
    let problem = create_signal(None::<ClientError>);
    let SecurityEvent { id, kind, severity, description, .. } = chosen;
    let too_long = create_selector(move || note.with(|note| note.chars().count() > LONGEST_NOTE));
    create_effect(move || {
        if !open.get() {
            event.set(None);
        }
    });
    let path = format!("{}/resolve", path_to("/api/v2/security-events", &id));
    let resolve = move || {
        if too_long.get_untracked() || busy.replace(true) {
            return;
        }
        problem.set(None);
        let path = path.clone();
        spawn_local_scoped(async move {
            let request = ResolveEvent { note: note.get_clone_untracked().trim().to_owned() };
            // The answer is the event as it is now; the list is read again for it and for the counts.
            let answer = client.post::<serde_json::Value>(&path, &request).await;
            busy.set(false);
            match answer {
                Ok(_) => {
                    toast(Tone::Success, t().events.is_resolved());
                    list.reload();
                    open.set(false);
                }
                Err(error) => problem.set(Some(error)),
            }
        });
    };
    let resolve = std::rc::Rc::new(resolve);
    let buttons = move || {
        let resolve = resolve.clone();
        view! {
            Button(on:click=move |_| open.set(false)) { (|| t().common.cancel()) }
            Button(kind=ButtonKind::Primary, busy=*busy, disabled=too_long, on:click=move |_| resolve()) {
                (|| t().events.resolve_verb())
            }
        }
    };
    view! {
        Dialog(open=open, title=move || t().events.resolve_title(), actions=buttons) {
            p(class="event-last") { (severity_pill(severity)) span(class="event-kind") { (move || kind_words(&kind)) } }
            p { (description) }
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
