//! One's own API keys.
use std::rc::Rc;

use slurmdash_api::api_keys::ApiKeyList;
use sycamore::prelude::*;

use super::made_key::{MadeKey, MadeKeyDialog};
use super::new_key::NewKeyDialog;
use crate::client::reading::Reading;
use crate::client::use_client;
use crate::components::{Button, ButtonKind, Confirm, ConfirmDialog, EmptyState, Glyph};
use crate::i18n::t;
use crate::pages::access::KeyTable;

/// Where keys are made, listed and, below it, revoked.
pub const PATH: &str = "/api/v2/api-keys";

/// The section.
#[component]
pub fn Keys() -> View {
    let client = use_client();
    let list = Reading::<ApiKeyList>::new(client, PATH);
    let confirm = Confirm::new();
    let creating = create_signal(false);
    let made = create_signal(None::<MadeKey>);
    let empty: Rc<dyn Fn() -> View> = Rc::new(move || {
        view! {
            EmptyState(
                glyph=Glyph::Key,
                title=move || t().profile.no_keys_title(),
                text=move || t().profile.no_keys_text()
            )
        }
    });
    view! {
        header(class="section-head") {
            h2 { (|| t().profile.keys()) }
            div(class="page-actions") {
                Button(kind=ButtonKind::Primary, glyph=Glyph::Plus, on:click=move |_| creating.set(true)) {
                    (|| t().profile.create_key())
                }
            }
        }
        p(class="section-text") { (|| t().profile.keys_text()) }
        KeyTable(
            list=list,
            path=PATH.to_owned(),
            confirm=confirm,
            can_revoke=*create_signal(true),
            empty=empty
        )
        NewKeyDialog(open=creating, made=made, list=list)
        MadeKeyDialog(made=made)
        ConfirmDialog(confirm=confirm)
    }
}
