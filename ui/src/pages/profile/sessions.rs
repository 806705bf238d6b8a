//! One's own sessions.
use std::rc::Rc;

use slurmdash_api::auth::{SessionList, SessionsEnded};
use sycamore::prelude::*;

use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{Button, ButtonKind, Confirm, ConfirmDialog, Glyph, Question, Tone, toast};
use crate::i18n::{format, t};
use crate::pages::access::SessionTable;

const PATH: &str = "/api/v2/sessions";

/// The section.
#[component]
pub fn Sessions() -> View {
    let client = use_client();
    let list = Reading::<SessionList>::new(client, PATH);
    let value = list.remote.value();
    let confirm = Confirm::new();
    let has_others = create_selector(move || {
        value.with(|list| list.as_ref().is_some_and(|list| list.sessions.iter().any(|session| !session.is_current)))
    });
    let end_others = move |_| {
        confirm.ask(Question::new(
            || t().profile.end_others_title(),
            || t().profile.end_others_text(),
            || t().profile.end_others(),
            move || async move {
                let done: SessionsEnded = client.delete(PATH).await?;
                toast(Tone::Success, t().access.sessions_ended(&format::count(done.ended)));
                list.reload();
                Ok(())
            },
        ));
    };
    let everywhere = move |_| {
        confirm.ask(Question::new(
            || t().profile.everywhere_title(),
            || t().profile.everywhere_text(),
            || t().profile.everywhere(),
            move || client.session.sign_out_everywhere(),
        ));
    };
    let ended: Rc<dyn Fn()> = Rc::new(move || list.reload());
    view! {
        header(class="section-head") {
            h2 { (|| t().profile.sessions()) }
            div(class="page-actions") {
                Button(disabled=move || !has_others.get(), on:click=end_others) { (|| t().profile.end_others()) }
                Button(kind=ButtonKind::Secondary, glyph=Glyph::LogOut, on:click=everywhere) {
                    (|| t().profile.everywhere())
                }
            }
        }
        p(class="section-text") { (|| t().profile.sessions_text()) }
        SessionTable(
            list=list,
            path=PATH.to_owned(),
            confirm=confirm,
            can_end=*create_signal(true),
            ended=ended
        )
        ConfirmDialog(confirm=confirm)
    }
}
