//! What can be done with the job, at the head of its page.
use slurmdash_api::jobs::{ActionKind, JobDetail};
use sycamore::prelude::*;

use crate::components::{Button, Glyph, LinkButton, Menu, MenuItem};
use crate::i18n::t;
use crate::pages::job_actions::{Actions, Target, glyph, verb};
use crate::pages::jobs::target;
use crate::pages::may_submit;
use crate::router::path_with;

/// What stands there itself; the others are in the menu.
const FIRST: [ActionKind; 3] = [ActionKind::Cancel, ActionKind::Hold, ActionKind::Release];

/// The buttons.
#[component(inline_props)]
pub fn HeadActions(id: String, detail: ReadSignal<Option<JobDetail>>, actions: Actions) -> View {
    let offered = create_selector(move || detail.with(|d| d.as_ref().map(|d| d.actions.clone()).unwrap_or_default()));
    let may_submit = may_submit();
    let can_resubmit = create_selector(move || {
        let (may, known) =
            (may_submit.get(), detail.with(|d| d.as_ref().is_some_and(|d| d.request.is_some() || d.script.is_some())));
        may && known
    });
    let from = path_with("/jobs/new", &[("from", &id)]);
    // The page's id: an array's record may carry that of the tasks that have not started, which no action takes.
    let id = create_signal(id);
    let targets = move || -> Vec<Target> {
        let id = id.get_clone_untracked();
        let known = detail.with_untracked(|d| d.as_ref().map(|d| target(&d.job, d.array.as_ref())));
        known.map(|known| Target { id, ..known }).into_iter().collect()
    };
    let start = move |kind: ActionKind| actions.start(kind, targets());
    let buttons = move || {
        let (first, rest): (Vec<_>, Vec<_>) = offered.get_clone().into_iter().partition(|kind| FIRST.contains(kind));
        let first: Vec<View> = first
            .into_iter()
            .map(|kind| {
                view! {
                    Button(glyph=glyph(kind), disabled=actions.busy(), on:click=move |_| start(kind)) {
                        (verb(kind, &targets()))
                    }
                }
            })
            .collect();
        let items: Vec<MenuItem> = rest
            .into_iter()
            .map(|kind| MenuItem {
                glyph: glyph(kind),
                label: (move || verb(kind, &targets())).into(),
                act: Box::new(move || start(kind)),
            })
            .collect();
        let menu = if items.is_empty() {
            View::new()
        } else {
            view! { Menu(label=move || t().actions.more(), items=items) }
        };
        view! { (first) (menu) }
    };
    view! {
        (if can_resubmit.get() {
            let from = from.clone();
            view! { LinkButton(href=from, glyph=Glyph::Copy) { (|| t().actions.resubmit()) } }
        } else {
            view! {}
        })
        (buttons())
    }
}
